/* dataflow/crossbar/analog_params.h -- what chance and time do to the devices of arrays, as the
 * configuration states it. Probabilities and deviations are shares, never per cent. */
#ifndef DATAFLOW_CROSSBAR_ANALOG_PARAMS_H
#define DATAFLOW_CROSSBAR_ANALOG_PARAMS_H

#include <stdint.h>

#include "core/param.h"

enum effect { EFFECT_ON, EFFECT_OFF };
enum read_noise { READ_NOISE_OFF, READ_NOISE_FROZEN, READ_NOISE_PER_MVM };
enum compensation { COMPENSATION_OFF, COMPENSATION_CORE, COMPENSATION_COLUMN };
enum { ANALOG_MOST_TIMES = 64 };

#define BILLIONTHS 1e9 // of a share

struct analog_cfg {
    uint32_t        chips;
    uint64_t        seed;
    uint32_t        time_s[ANALOG_MOST_TIMES], n_time;
    uint64_t        noise_scale; // these in billionths
    uint64_t        stuck_off, stuck_on, sigma_rel;
    enum effect     programming, drift;
    enum read_noise read_noise;

    uint64_t          adc_gain_sd, adc_offset_lsb_sd, adc_noise_lsb; // in billionths
    enum compensation compensation;
    uint32_t          reference_s;
    uint32_t          through_adc;       // enum no_yes
    uint32_t          batchnorm_images;  // calibration images; 0: off
};

/* clang-format off */
#define ANALOG_PARAMS(type, at)                                                                    \
    PARAM_U32(type, at.chips, "analog.chips", "", "10", 1, 100000,                                 \
              "chips that are made, each by chance another"),                                      \
    PARAM_U64(type, at.seed, "analog.seed", "", "1", 0, INT64_MAX,                                 \
              "of all that is random; --seed is the same"),                                        \
    PARAM_LIST(type, at.time_s, at.n_time, "analog.times_s",                                       \
               "[25, 3600, 86400, 2592000, 31536000]", 1, UINT32_MAX,                              \
               "seconds since programming at which images are classified"),                        \
    PARAM_DECIMAL(type, at.noise_scale, "analog.noise_scale", "", "1", 0,                          \
                  UINT64_C(1000000000000), 1, "of programming and read noise"),                    \
    PARAM_ENUM(type, at.programming, "analog.programming", "on", PARAM_NAMES("on", "off"), NULL,   \
               "devices miss their conductance when they are programmed"),                         \
    PARAM_ENUM(type, at.drift, "analog.drift", "on", PARAM_NAMES("on", "off"), NULL,               \
               "conductances fall with time"),                                                     \
    PARAM_ENUM(type, at.read_noise, "analog.read_noise", "off",                                    \
               PARAM_NAMES("off", "frozen", "per_mvm"), NULL,                                      \
               "reads find another conductance; frozen: one for all of a time; per_mvm: each its " \
               "own"),                                                                             \
    PARAM_DECIMAL(type, at.stuck_off, "analog.stuck_off", "", "0", 0, UINT64_C(1000000000), 1,     \
                  "probability of a device to be at its least conductance for ever"),              \
    PARAM_DECIMAL(type, at.stuck_on, "analog.stuck_on", "", "0", 0, UINT64_C(1000000000), 1,       \
                  "the same at its largest"),                                                      \
    PARAM_DECIMAL(type, at.sigma_rel, "analog.sigma_rel", "", "0", 0, UINT64_C(1000000000), 1,     \
                  "programming noise of core.crossbar.device = levels, of its largest"),           \
    PARAM_DECIMAL(type, at.adc_gain_sd, "analog.adc_gain_sd", "", "0", 0, UINT64_C(1000000000), 1, \
                  "deviation of the gains of converters"),                                         \
    PARAM_DECIMAL(type, at.adc_offset_lsb_sd, "analog.adc_offset_lsb_sd", "", "0", 0,              \
                  UINT64_C(1000000000000), 1, "deviation of their offsets, in steps of a code"),   \
    PARAM_DECIMAL(type, at.adc_noise_lsb, "analog.adc_noise_lsb", "", "0", 0,                      \
                  UINT64_C(1000000000000), 1, "noise of a conversion, in steps of a code"),        \
    PARAM_ENUM(type, at.compensation, "analog.compensation", "off",                                \
               PARAM_NAMES("off", "core", "column"), NULL,                                         \
               "drift is made up for by a factor: of each core, or of each column"),               \
    PARAM_U32(type, at.reference_s, "analog.reference_s", "s", "25", 1, UINT32_MAX,                \
              "time whose conductance the factor brings back"),                                    \
    PARAM_ENUM(type, at.through_adc, "analog.through_adc", "no", PARAM_NAMES("no", "yes"), NULL,   \
               "whether the converter reads that conductance"),                                    \
    PARAM_U32(type, at.batchnorm_images, "analog.batchnorm_images", "", "0", 0, 1000000,           \
              "calibration images that scales and biases are made anew with, from "                \
              "calibration.first on; 0: off")
/* clang-format on */

#endif
