/* cli/import/images.c -- see images.h. */
#include "cli/import/images.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "onnx/ids.h"
#include "study/jobs.h"

enum err image_reader_open(struct image_reader *r, const struct import_images *from, uint64_t first,
                           struct err_msg *m)
{
    struct shape s = from->import->image;
    enum err e = ERR_NONE;

    *r = (struct image_reader){.from = from, .next = first};
    if (from->inputs)
        return ERR_NONE;
    r->pixels = malloc((size_t)s.height * s.width * s.channels);
    e = r->pixels ? images_open_as(&r->set, from->path, &from->how,
                                   (struct images_shape){s.height, s.width, s.channels},
                                   from->n_classes, m)
                  : err_set(m, ERR_MEMORY, "no memory for an image");
    if (!e)
        e = images_skip(r->set, first, m);
    if (e)
        image_reader_close(r);
    return e;
}

void image_reader_close(struct image_reader *r)
{
    images_close(r->set);
    free(r->pixels);
    *r = (struct image_reader){0};
}

enum err image_reader_next(struct image_reader *r, uint32_t *label, struct err_msg *m)
{
    int more = 1;
    enum err e = ERR_NONE;

    *label = 0;
    if (r->set)
        e = images_next(r->set, r->pixels, label, &more, m);
    if (!e && !more)
        e = err_set(m, ERR_INPUT, "images %s: no image %" PRIu64 ", which was there before",
                    r->from->path, r->next);
    r->next++;
    return e;
}

/* Input i of the model; of ids: rows of their table. */
static void set_inputs(struct array *image, const struct npy *inputs, uint64_t i,
                       const struct onnx_ids *ids)
{
    const size_t channels = ids ? ids->channels : 1, n = image->n / channels;

    for (size_t k = 0; k < n; k++) {
        const double v = npy_value(inputs, (size_t)i * n + k);
        if (ids)
            memcpy(image->real + k * channels, ids->value + (size_t)v * channels,
                   channels * sizeof *image->real);
        else
            image->real[k] = (float)v;
    }
}

enum err image_reader_run(const struct image_reader *r, struct float_run *run, struct err_msg *m)
{
    const struct import *im = r->from->import;
    const struct npy *inputs = r->from->inputs;
    struct array image;

    if (!array_init(&image, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, im->n_image_dim, im->image_dim))
        return err_set(m, ERR_MEMORY, "no memory for an image");
    if (!inputs)
        import_image(im, r->pixels, &image);
    if (inputs)
        set_inputs(&image, inputs, r->next - 1, im->cfg.ids);
    float_run_set(run, run->graph->graph.image, &image);
    return float_run_all(run, m);
}

/* ---- Calibration ---- */

struct calibration {
    struct import              *import; // under lock
    const struct import_images *from;
    pthread_mutex_t             lock;
    uint64_t                    n_image;
    uint32_t                    n_job;
    struct calibration_error {
        enum err       err;
        struct err_msg msg;
    } *error; // of each job
};

static enum err observe(struct calibration *c, uint64_t first, uint64_t end, struct err_msg *m)
{
    struct image_reader reader = {0};
    struct float_run run = {0};
    enum err e = float_run_init(&run, c->import->graph, m);

    if (!e)
        e = image_reader_open(&reader, c->from, first, m);
    for (uint64_t i = first; i < end && !e; i++) {
        uint32_t label;
        e = image_reader_next(&reader, &label, m);
        if (!e)
            e = image_reader_run(&reader, &run, m);
        if (e)
            break;
        pthread_mutex_lock(&c->lock);
        import_observe(c->import, &run);
        pthread_mutex_unlock(&c->lock);
    }
    image_reader_close(&reader);
    float_run_release(&run);
    return e;
}

static void calibrate_job(void *user, uint32_t job)
{
    struct calibration *c = user;
    struct calibration_error *error = &c->error[job];

    error->err = observe(c, c->n_image * job / c->n_job, c->n_image * (job + 1) / c->n_job,
                         &error->msg);
}

enum err import_calibrate(struct import *im, const struct import_images *from, uint64_t n_image,
                          uint32_t jobs, struct err_msg *m)
{
    struct jobs threads = JOBS_INIT;
    struct calibration c = {.import = im, .from = from, .lock = PTHREAD_MUTEX_INITIALIZER,
                            .n_image = n_image, .n_job = (uint32_t)min_u64(jobs, n_image)};
    enum err e = ERR_NONE;

    c.error = calloc(c.n_job + 1, sizeof *c.error);
    if (!c.error)
        return err_set(m, ERR_MEMORY, "no memory for %" PRIu32 " jobs", c.n_job);
    jobs_run(&threads, &(struct jobs_work){.run = calibrate_job, .user = &c, .n = c.n_job});
    for (uint32_t i = 0; i < c.n_job && !e; i++) { // the first image's
        e = c.error[i].err;
        *m = c.error[i].msg;
    }
    free(c.error);
    return e;
}
