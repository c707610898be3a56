/* arch/core/core.h -- what a chip knows of its cores, of any kind.
 *
 * A chip has a *site* for each core of the plan and, behind them, one for each layer that reads the
 * image. What sits there is decided by a table, core_kinds[]: the first kind that takes the site.
 * To add a kind of core, write one file with its row; the chip is not edited.
 *
 *     scratchpad  hands the pixels of images to a layer      arch/core/scratchpad.c
 *     tokens      a core of a layer of tokens                arch/core/token_core.c
 *     digital     a core whose layer needs no array          arch/core/digital_core.c
 *     imc         a core that multiplies in its array        arch/core/array_core.c
 *
 * A core is a block that talks through its ports alone. What it counts stands in its report.
 */
#ifndef ARCH_CORE_CORE_H
#define ARCH_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/block.h"
#include "core/chan.h"
#include "core/counter.h"
#include "core/err.h"
#include "core/pixel.h"
#include "core/planes.h"
#include "dataflow/plan/plan.h"

/* Everything that energy is priced from. Timing runs leave the value counters at 0. */
#define CORE_COUNTERS(X)                                                                         \
    X(firings,           "mvm",      "times the crossbar fired")                                 \
    X(outputs,           "pixel",    "output pixels computed")                                   \
    X(driven_rows,       "row",      "crossbar rows driven, summed over firings")                \
    X(active_rows,       "row",      "of those, rows whose input was not zero")                  \
    X(sum_abs_x,         "lsb",      "sum of |x| over rows and firings")                         \
    X(sum_abs_xw,        "lsb2",     "sum over rows of |x| times the row's sum of |w|")          \
    X(conversions,       "sample",   "columns converted")                                        \
    X(words_written,     "word",     "words written to the input memory")                        \
    X(words_read,        "word",     "words read for the crossbar")                              \
    X(words_read_back,   "word",     "words read back as residual or resampling pixels")         \
    X(pixels_stored,     "pixel",    "pixels or channel slices stored")                          \
    X(scale_ops,         "op",       "multiply-and-add of scale and bias")                       \
    X(residual_ops,      "op",       "residual values added")                                    \
    X(relu_ops,          "op",       "ReLU applied, or a value looked up in a table")            \
    X(round_ops,         "op",       "roundings with saturation")                                \
    X(pool_ops,          "op",       "additions and comparisons of pooling")                     \
    X(partial_sum_ops,   "op",       "partial sums added")                                       \
    X(busy_timesteps,    "timestep", "timesteps with a firing, of a crossbar or none") \
    X(reads,             "read",     "reads of the crossbar, of some rows and bits of the inputs") \
    X(shift_adds,        "op",       "codes of reads shifted and added to others")               \
    X(clipped,           "sample",   "of the conversions, codes at their end with a sum beyond") \
    X(sum_digits,        "lsb",      "sum of inputs' slices over rows; of bits: those set")      \
    X(tokens,            "token",    "outputs of a layer of tokens")                            \
    X(qk_macs,           "mac",      "products of queries and keys")                            \
    X(pv_macs,           "mac",      "products of probabilities and values")                    \
    X(exps,              "op",       "exponentials")                                            \
    X(divisions,         "op",       "divisions of tokens")                                     \
    X(roots,             "op",       "square roots of normalisation")                           \
    X(adds,              "op",       "additions of normalisation, stored tokens and turns")     \
    X(multiplies,        "op",       "multiplications of normalisation, gates and turns")       \
    X(look_ups,          "op",       "tables looked up by a core of its own")                   \
    X(kv_words_written,  "word",     "words written to K/V memory")                             \
    X(kv_words_read,     "word",     "words read from K/V memory")                              \
    X(queue_words,       "word",     "words of queries that wait, written and read")

struct core_counters { CORE_COUNTERS(COUNTER_FIELD) };

extern const struct counter core_counter_rows[]; // ends with COUNTER_END

/* Whether a counter says something of a machine: those of reads do where reads are configured,
 * those of tokens where there are layers of them. */
static inline bool core_counter_shown(const struct plan *p, const struct counter *row)
{
    if (row->offset >= offsetof(struct core_counters, tokens))
        return network_has_tokens(p->network);
    return row->offset < offsetof(struct core_counters, reads) || plan_is_read(p);
}

/* What went wrong in a chip: the plan's promises were not kept. The earliest counts. */
struct fault {
    bool           set;
    uint64_t       cyc;
    uint32_t       site;
    struct err_msg msg;
};

/* Somebody who watches a chip: waveforms, timelines, tests. It sees and changes nothing, and knows
 * cores by their number in the plan. */
enum core_event_kind {
    CORE_STORED,    // pixels or channel slices, into the memory
    CORE_FIRED,     // the crossbar
    CORE_RESULT,    // outputs of the digital processor, before pooling
    CORE_READ_BACK, // a residual or resampling pixel
    CORE_SENT       // bits on a stream
};
struct core_event {
    enum core_event_kind kind;
    uint64_t             timestep; // of the chip
    uint32_t             n;        // pixels; SENT: 0
    const struct pixel  *pixel;
    uint64_t             words;  // STORED, FIRED, READ_BACK: of the memory, in one plane
    uint32_t             stream; // SENT: of the plan
    uint64_t             bits;   // SENT: in one plane
    const int32_t       *sum;    // RESULT: [outputs], complete; NULL in a timing run
    const uint8_t       *value;  // RESULT: of the outputs; NULL in a timing run
    uint32_t             value_bytes;
};
struct core_probe {
    void (*event)(void *user, uint32_t core, const struct core_event *e);
    /* After each step of a core, its events told; next: the output that it computes next. NULL:
     * not wanted. */
    void (*stepped)(void *user, uint32_t core, const struct pixel *next, uint64_t cyc);
    void *user;
};

struct core_report { // of the images that count, in all planes
    struct core_counters counters;
    uint64_t first_fired, last_fired; // timesteps of the chip, of the stream's first image
    bool     any_fired;
};

struct core { // first in each kind's own struct
    struct block             base; // first: a struct core * is a struct block *
    const struct core_kind  *kind;
    const struct plan       *plan; // borrowed
    uint32_t                 site;
    struct fault            *fault; // borrowed; the chip's
    const struct core_probe *probe; // borrowed; NULL: nobody watches, or it is no core of the plan
    struct core_report       report;
};

struct analog_state;
struct imc_array_kind;
struct proof;
struct ranges;

struct core_cfg {
    struct planes planes;
    uint64_t      first_image;  // of the chip's stream
    const char   *simd;         // instruction set to compute values with; NULL: the fastest
    const struct imc_array_kind *array; // NULL: the machine's
    const struct analog_state *const *analog; // [planes]: what arrays hold; NULL: exact weights
    const struct ranges *ranges; // of calibrated converters; NULL: there are none
    const struct proof *proof;  // identities travel instead of values; NULL: they do not
    uint64_t     *stream_bits;  // [plan->n_stream]; borrowed: ports count there what they send
};

/* A payload of a boundary channel of images: head, then each plane's pixels in scan order, all
 * channels of a pixel together. */
struct image_head {
    uint64_t image; // counted from the first of the stream
};
#define CORE_IMAGES UINT32_MAX // stands for a stream: images from outside

struct core_kind {
    const char *name; // "imc"
    const char *path; // before a site's name: "chip."
    size_t      bytes; // of its struct
    bool        takes_images; // has a boundary channel that it connects as CORE_IMAGES
    struct block_ops ops;

    bool (*takes)(const struct plan *p, uint32_t site);

    /* What is common is set, all else is zero. False when the host has no memory or lacks the
     * instruction set; the core is then to be released. */
    bool (*init)(struct core *c, const struct core_cfg *cfg);

    /* A port for a stream of the plan that comes to, or goes from, this core. False when the host
     * has no memory. */
    bool (*connect_in)(struct core *c, uint32_t stream, struct chan *chan);
    bool (*connect_out)(struct core *c, uint32_t stream, struct chan *chan);

    void (*release)(struct core *c); // takes one whose init failed
};

/* A new kind is its file and a row here, before those that take its sites too. */
#define CORE_KINDS(X) X(core_scratchpad) X(core_tokens) X(core_digital) X(core_imc)
#define CORE_KIND(name) extern const struct core_kind name;
CORE_KINDS(CORE_KIND)
#undef CORE_KIND
extern const struct core_kind *const core_kinds[]; // ends with NULL

const struct core_kind *core_kind_of(const struct plan *p, uint32_t site);

/* Sites of a chip, and their names: of a core, or of the layer that gets the image. */
static inline uint32_t core_n_site(const struct plan *p)
{
    return p->n_core + p->n_image_feed;
}
const char *core_site_name(const struct plan *p, uint32_t site);

/* The sites that a stream leaves and comes to; n_site: the chip's edge. */
uint32_t core_stream_from(const struct plan *p, uint32_t stream);
uint32_t core_stream_to(const struct plan *p, uint32_t stream);

/* The plan's promise of a pixel was not kept: the chip's fault, if it is the earliest. */
void core_fail(const struct core *c, uint64_t now_cyc, const char *what,
               const struct pixel *pixel);

/* Notes a fault and returns where its message goes; NULL when an earlier one is known. */
struct err_msg *core_fault(const struct core *c, uint64_t now_cyc);

/* Tells the probe, if there is one. */
static inline void core_tell(const struct core *c, const struct core_event *e)
{
    if (c->probe)
        c->probe->event(c->probe->user, c->site, e);
}

#endif
