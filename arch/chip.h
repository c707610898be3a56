/* arch/chip.h -- a chip built from a plan: a core of some kind (arch/core/core.h) at every site,
 * and a channel for every stream.
 *
 * Images go in at the scratchpads, results come out; in between everything is blocks and channels,
 * run by either kernel. A chip counts time from its own cycle 0; the plan's timestep 0, in which
 * the first layer makes its first firing, is `lead` timesteps later.
 */
#ifndef ARCH_CHIP_H
#define ARCH_CHIP_H

#include "arch/core/core.h"
#include "arch/units/array.h"
#include "core/kernel.h"

struct chip_cfg {
    const struct plan *plan; // borrowed for the chip's life
    struct planes      planes;      // streams of images whose values it carries abreast
    uint64_t           first_image; // its number in the stream: decides the memory's rotation
    enum kernel_kind   kernel;
    enum kernel_mode   mode;
    const struct imc_array_kind *array; // of every core; NULL: the machine's
    const struct analog_state *const *analog; // [planes]: what each one's arrays hold, borrowed
                                              // until it is made; NULL: exact weights
    const struct ranges *ranges; // of calibrated converters; NULL: none, or no values
    const char        *simd; // instruction set to compute values with; NULL: the fastest
    const struct core_probe *probe; // watches every core; NULL: nobody does
    const struct proof *proof;      // identities travel instead of values; NULL: they do not
};

struct chip_result {
    uint64_t image;
    int64_t  timestep; // in which the last value of the result was computed, from the plan's 0
    int64_t *value;    // [streams][column][row][channel]; borrowed until the next call; NULL when
                       // timing
};

struct chip;

/* NULL when the host has no memory, lacks the crossbar kernel or refuses the kernel. */
struct chip *chip_new(const struct chip_cfg *cfg);
void chip_free(struct chip *c); // takes NULL

/* Hands over the next image of every plane, one after the other: pixels in scan order, all channels
 * of a pixel together; NULL in a timing run. False when the scratchpads hold as many as they can:
 * run the chip first. */
bool chip_inject(struct chip *c, const int8_t *pixels);

/* Runs to the end of a timestep of the plan. ERR_RUN when the plan's promises were not kept. */
enum err chip_run(struct chip *c, int64_t until_timestep, struct err_msg *m);

/* The next result, in the order of the images; false when none is there yet. */
bool chip_result(struct chip *c, struct chip_result *r);

/* Whether nothing can move any more; every block then says what it waits for. */
bool chip_stands_still(const struct chip *c);
void chip_describe(const struct chip *c, FILE *out);

/* What a core has counted, of the images that count. */
const struct core_counters *chip_counters(const struct chip *c, uint32_t core);

/* Timesteps of the plan in which a core fired first and last for the stream's first image; false
 * before it has. */
bool chip_fired(const struct chip *c, uint32_t core, int64_t *first, int64_t *last);

/* Bits that a stream has carried, of the images that count. */
uint64_t chip_stream_bits(const struct chip *c, uint32_t stream);

#endif
