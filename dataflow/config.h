/* dataflow/config.h -- the machine and the study, as the configuration file states them.
 *
 * Every key is one row of a table (unit, default, least, most, one line of doc); parsing, --set,
 * --help and the written-back configuration come from the rows. A room that reads keys states their
 * fields and rows in its params.h; config.c joins the rooms' rows and adds those of the dataflow.
 * Durations are kept in the unit of their key, rates in bit/s.
 */
#ifndef DATAFLOW_CONFIG_H
#define DATAFLOW_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "core/notes.h"
#include "core/param.h"
#include "dataflow/crossbar/analog_params.h"
#include "dataflow/crossbar/params.h"
#include "dataflow/elastic_params.h"
#include "dataflow/event_params.h"
#include "dataflow/learning_params.h"
#include "dataflow/tokens_params.h"
#include "memory/params.h"
#include "nir/params.h"
#include "network/params.h"
#include "network/spiking/params.h"
#include "noc/params.h"

enum clocking { CLOCKING_TIMESTEP, CLOCKING_ELASTIC, CLOCKING_COMBINATIONAL, CLOCKING_EVENT };

enum core_kind_cfg { CORE_IMC, CORE_EVENT };

enum optimize { // what the mapper looks for; dataflow/mapper/mapper.h
    OPTIMIZE_NONE,
    OPTIMIZE_LATENCY,
    OPTIMIZE_INTERVAL,
    OPTIMIZE_BALANCED,
    OPTIMIZE_EDP
};

struct digital_cfg {
    uint32_t lanes; // outputs finished per clock
    uint32_t clock_mhz; // or DIGITAL_CLOCK_SAME; of elastic clocking
};

#define DIGITAL_CLOCK_SAME PARAM_WORD(0)

struct mapping_cfg {
    struct count_map replicas;    // kernel copies inside one crossbar
    struct count_map copies;      // cores that share a layer's output columns
    struct count_map block_width; // dW of Method 2; 1 is Method 1
    char             firing[32];  // a row of the table in dataflow/firing.c
    enum optimize    optimize;    // chooses the three tables, which are empty then
    char             policy[32];  // likewise: a row of the table in dataflow/mapper/mapper.c
    uint32_t         effort;      // of the optimiser
};

enum clock_gating { GATED_BY_CORE, GATED_BY_REGISTER };
enum energy_converter { ADC_AUTO, ADC_CSA, ADC_VSA, ADC_SAR, ADC_CCO };

struct energy_cfg { // words for core/datadir.h: names, or paths as seen from the current directory
    char technology[512], chip[512];
    char device[DEVICE_BYTE]; // or a map's text (arch/tech/device.h)
    char activity[1024]; // path as seen from the current directory, or empty
    enum energy_converter converter;
    uint64_t mean_input; // billionths; 0: as the chip's file states
    enum clock_gating clock_gating;
};

struct config {
    struct network_cfg  network;
    struct input_cfg    input;
    struct neuron_params neuron;
    struct nir_params   nir;
    uint32_t            clock_mhz;
    enum clocking       clocking; // of imc cores: see config_clocking()
    uint64_t            timestep_ns;
    struct elastic_cfg  elastic;
    uint32_t            chip_cores;
    enum core_kind_cfg  core_kind;
    struct event_cfg    event;
    struct learning_cfg learning;
    struct crossbar_cfg crossbar;
    struct readout_cfg  readout;
    struct wires_cfg    wires;
    struct calibration_cfg calibration;
    struct memory_cfg   memory;
    struct digital_cfg  digital;
    struct attention_cfg attention;
    struct token_core_cfg digital_core;
    struct decode_cfg   decode;
    struct fabric_cfg   fabric;
    struct placement_cfg placement;
    struct mapping_cfg  mapping;
    struct energy_cfg   energy;
    struct analog_cfg   analog;
    uint32_t            batch;
    char                path[1024]; // of the file read, or empty
    char              **where;      // owned; for config_where()
    struct notes        notes;      // what a user should hear of
    const struct policies *own;     // borrowed; NULL: none
};

extern const struct param config_params[]; // ends with PARAM_END

/* Reads `path` (NULL: the defaults alone), then applies n_set strings "key=value" in order. Files
 * that the file names are beside it (or, which a note tells, in the current directory); files that
 * a string or a text names are seen from the current directory. */
enum err config_load(struct config *c, const char *path, const char *const *set, size_t n_set,
                     struct err_msg *m);

/* The same of a text, which messages call `name`. */
enum err config_load_text(struct config *c, const char *name, const char *text,
                          const char *const *set, size_t n_set, struct err_msg *m);

/* A file that is read once, for many configurations of it: as config_load() of its path, whatever
 * becomes of the file. On error *f is zero. */
struct config_file {
    char        path[1024];
    struct yaml root;
};
enum err config_file_load(struct config_file *f, const char *path, struct err_msg *m);
enum err config_of_file(struct config *c, const struct config_file *f, const char *const *set,
                        size_t n_set, struct err_msg *m);
void config_file_release(struct config_file *f); // takes a zeroed one

void config_release(struct config *c); // takes a zeroed one too

/* Lets the configuration name policies of a user's own, borrowed. NULL: none. */
void config_own_policies(struct config *c, const struct policies *own);

/* Where a key was given, for errors found later: "configs/resnet32.yaml:14", "--set batch", or
 * "default". The key must exist. */
const char *config_where(const struct config *c, const char *key);

/* Whether a key has its default value, by itself or because it was given so; false without
 * memory. */
bool config_is_default(const struct config *c, const char *key);

/* Writes the effective configuration, every key, as YAML; reading it again gives the same. */
enum err config_write_yaml(const struct config *c, FILE *out, struct err_msg *m);

/* The same as a JSON object for the result document; the caller owns the reference. NULL without
 * memory. Keys and types as in the YAML; print it with JSON_REAL_PRECISION(15), and rates read as
 * they do there. */
struct json_t *config_to_json(const struct config *c);

/* All keys with unit, default, range and doc, for --help. */
void config_print_help(FILE *out);

/* Value for a layer: by its name, else by its output height, else `otherwise`. */
uint32_t count_map_get(const struct count_map *map, const char *layer, uint32_t height,
                       uint32_t otherwise);

/* Where that value was given, as config_where() has it. */
const char *count_map_where(const struct count_map *map, const char *layer, uint32_t height);

/* When cores act: event cores have a clocking of their own. */
static inline enum clocking config_clocking(const struct config *c)
{
    return c->core_kind == CORE_EVENT ? CLOCKING_EVENT : c->clocking;
}

/* Clock of the digital processors. */
static inline uint32_t digital_mhz(const struct config *c)
{
    return c->digital.clock_mhz == DIGITAL_CLOCK_SAME ? c->clock_mhz : c->digital.clock_mhz;
}

/* Whole clocks in ns nanoseconds at clock_mhz. False when it is not a whole number. */
bool config_clocks(uint64_t ns, uint32_t clock_mhz, uint64_t *clocks);

#endif
