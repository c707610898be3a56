/* study/run/job.h -- a run's jobs, each a part of its images, and where they take these from. Of
 * study/run alone. */
#ifndef STUDY_RUN_JOB_H
#define STUDY_RUN_JOB_H

#include <stdatomic.h>

#include "core/planes.h"
#include "dataflow/plan/clocking.h"
#include "study/jobs.h"
#include "study/run.h"
#include "study/values.h"
#include "traces/images/images.h"

enum { MOST_ABREAST = RUN_MOST_STATES }; // streams

struct job {
    const struct plan    *plan;
    const struct run_cfg *cfg;
    bool                  timing; // only, without values
    const struct core_probe *probe;
    const struct values_study *values; // NULL: a chip runs the images; else their values by layer
    bool                  events;     // or event cores do
    uint64_t              n_image;    // of the run
    uint64_t              first, end; // its images
    uint64_t              start, stop; // of its chip's stream: the pipeline fills before first
    uint32_t              n_piece;    // of its images, side by side: image i of the chip is
    uint64_t              apart;      // i + k * apart of the run in piece k
    struct counted_images counted[MOST_ABREAST];
    const struct inputs  *inputs;     // the run's, or NULL
    struct jobs          *shared;
    struct stream_skip    skip;       // in a timing run: images that need not be simulated
    struct run_result     result;     // label and predicted belong to the run
    uint64_t              first_result; // elapsed timesteps, of the chip's first image
    enum err              err;
    struct err_msg        msg;
};

static inline enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the run");
}

static inline bool is_elastic(const struct plan *p)
{
    return config_clocking(p->config) == CLOCKING_ELASTIC;
}

static inline bool is_one_pass(const struct plan *p)
{
    return clocking_of(p->config)->pass != NULL;
}

static inline bool has_event_cores(const struct plan *p)
{
    return p->config->core_kind == CORE_EVENT;
}

/* ---- Images, source.c ---- */

/* The images of a job, one of each piece after the other; in a timing run there is nothing to
 * read. */
struct source {
    struct images *set[MOST_ABREAST];
    const struct inputs *inputs;          // instead
    uint64_t       next[MOST_ABREAST];    // of them
    struct pixel_map map;  // of the sets, where pixels are normalised
    int8_t        *pixels; // owned; [piece][image_bytes], of those that go through the chip; or
                           // NULL
    size_t         image_bytes, set_bytes; // as the chip has them, as the set
    struct host   *host;   // between them; or NULL
    uint8_t       *hosts;  // owned; [set_bytes]
    bool           flips;  // uint8 is what the set delivers as int8
};

/* Closed by the caller after an error, too. */
enum err source_open(struct source *s, const struct job *j, struct err_msg *m);
void     source_close(struct source *s); // takes a zeroed one

/* The next image of piece k, to pixels[image_bytes]. */
enum err source_next(struct source *s, uint32_t k, int8_t *pixels, uint32_t *label,
                     struct err_msg *m);

/* Images to run: asked for, or all of the set; and whether they have labels. */
enum err source_count(const struct plan *p, const struct run_cfg *cfg, const struct inputs *inputs,
                      uint64_t *n, bool *labelled, struct err_msg *m);

/* The classes of the result, if it is one pixel, whose largest channel is the class; else
 * UINT32_MAX. */
uint32_t run_n_classes(const struct plan *p);

/* ---- What a job does: its images through a chip, their values, recordings on event cores ---- */

enum err job_stream(struct job *j); // stream.c
enum err job_values(struct job *j); // layers.c
enum err job_events(struct job *j); // events.c

/* ---- All jobs, share.c ---- */

/* n jobs like *all, each with its share of the images, run; the caller frees them, also after an
 * error. NULL without memory. */
struct job *share_out(const struct job *all, uint32_t n, const struct run_result *r, enum err *e,
                      struct err_msg *m);
void share_free(struct job *job, uint32_t n);

/* Adds what n jobs counted of cores and streams. */
void share_counters(struct run_result *r, const struct job *job, uint32_t n, const struct plan *p);

/* ---- Runs ---- */

enum err run_result_alloc(struct run_result *r, const struct plan *p, struct err_msg *m);

/* Refuses what the plan's clocking and cores do not do; checks.c. */
enum err run_check(const struct plan *p, const struct run_cfg *cfg, struct err_msg *m);

/* Each of these fills in r, as far as time or values go: a chip of the plan's clocking without
 * values (run.c); chips with them, or one without (share.c); a chip under elastic clocking without
 * (elastic.c); a chip without, and values layer by layer (layers.c); event cores (events.c). */
enum err run_time(const struct job *all, struct run_result *r, struct stream_skip *skip,
                  struct err_msg *m);
enum err run_chips(const struct job *all, uint32_t n, struct run_result *r,
                   struct stream_skip *skip, struct err_msg *m);
enum err run_elastic_chip(const struct job *all, struct run_result *r, struct err_msg *m);
enum err run_layers(struct job *all, uint32_t n, struct run_result *r, struct err_msg *m);
enum err run_events(struct job *all, uint32_t n, struct run_result *r, struct err_msg *m);

#endif
