/* cli/import_measure.c -- see import_measure.h. */
#include "cli/import_measure.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/util.h"
#include "network/values/values.h"
#include "study/inputs.h"
#include "study/values.h"
#include "traces/images.h"

struct square { // of one image and pair
    double error, value;
};

struct verdict { // on one image
    uint32_t label, one, other;
};

struct job {
    const struct measure_cfg *cfg;
    uint64_t                  first, end;
    struct verdict           *verdict; // of all images
    struct square            *square;  // [image][pair]
    const struct values      *values;
    atomic_uint_fast64_t     *done;
    enum err                  err;
    struct err_msg            msg;
};

static uint32_t largest(const struct array *a)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < a->n; i++)
        if (a->real[i] > a->real[best])
            best = i;
    return best;
}

static struct square compare(const struct array *one, const struct array *other)
{
    struct square s = {0, 0};

    assert(one->n == other->n);
    for (size_t i = 0; i < one->n; i++) {
        double d = (double)other->real[i] - (double)one->real[i];
        s.error += d * d;
        s.value += (double)one->real[i] * (double)one->real[i];
    }
    return s;
}

enum err measure_input(const struct npy *inputs, uint64_t i, const struct import *im,
                       struct array *out, struct err_msg *m)
{
    if (!array_init(out, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, im->n_image_dim, im->image_dim))
        return err_set(m, ERR_MEMORY, "no memory for an image");
    for (size_t k = 0; inputs && k < out->n; k++)
        out->real[k] = (float)npy_value(inputs, (size_t)i * out->n + k);
    return ERR_NONE;
}

/* Image i; its pixels, or NULL. */
static enum err evaluate(struct float_run *run, const struct measure_cfg *cfg, uint64_t i,
                         const int8_t *pixels, struct err_msg *m)
{
    struct array image;
    enum err e = measure_input(cfg->inputs, i, cfg->import, &image, m);

    if (e)
        return e;
    if (!cfg->inputs)
        import_image(cfg->import, pixels, &image);
    float_run_set(run, run->graph->graph.image, &image);
    return float_run_all(run, m);
}

/* Images that go through the quantised network together. */
struct integers {
    struct value_lanes *lanes;
    uint8_t            *image;  // [VALUE_LANES][image_byte], as layer 0 has them
    int64_t            *result; // [VALUE_LANES][n_class]
    size_t              image_byte;
    uint32_t            n_class, n; // n: images that wait
};

static enum err integers_init(struct integers *in, const struct values *v,
                              const struct network *n, struct err_msg *m)
{
    *in = (struct integers){.lanes = value_lanes_new(v), .image_byte = values_image_bytes(v),
                            .n_class = network_result(n)->out.channels};
    in->image = calloc(VALUE_LANES, in->image_byte);
    in->result = calloc((size_t)VALUE_LANES * in->n_class, sizeof *in->result);
    return in->lanes && in->image && in->result ? ERR_NONE
                                                : err_set(m, ERR_MEMORY, "no memory for images");
}

static void integers_release(struct integers *in)
{
    value_lanes_free(in->lanes);
    free(in->image);
    free(in->result);
}

/* Classes of the images that wait, of which image i is the last. */
static void integers_run(struct integers *in, struct verdict *verdict, uint64_t i)
{
    value_lanes_run(in->lanes, in->image, in->n, in->result, NULL);
    for (uint32_t k = 0; k < in->n; k++)
        verdict[i + 1 - in->n + k].other =
            largest_value(in->result + (size_t)k * in->n_class, in->n_class);
    in->n = 0;
}

static void integers_add(struct integers *in, const struct measure_cfg *cfg, const int8_t *pixels)
{
    const struct network *n = cfg->network;
    uint8_t *to = in->image + in->n++ * in->image_byte;
    const struct normalise *how = &cfg->import->cfg.normalise;
    uint8_t flip = n->layer[0].out_signed ? 0 : 0x80; // int8 = pixel - 128

    for (size_t i = 0; i < in->image_byte; i++) {
        uint8_t byte = (uint8_t)pixels[i];
        uint32_t channel = (uint32_t)(i % n->layer[0].out.channels);
        to[i] = how->n > 0 ? (uint8_t)inputs_code(n, normalise_value(how, channel, byte ^ 0x80))
                           : byte ^ flip;
    }
}

static enum err look_at(struct job *j, uint64_t i, const int8_t *pixels, struct float_run *one,
                        struct float_run *other)
{
    const struct measure_cfg *cfg = j->cfg;
    enum err e = evaluate(one, cfg, i, pixels, &j->msg);

    if (!e)
        e = evaluate(other, cfg, i, pixels, &j->msg);
    if (e)
        return e;
    j->verdict[i].one = largest(&one->value[cfg->import->end[cfg->import->result].value]);
    for (uint32_t k = 0; k < cfg->n_pair; k++)
        j->square[i * cfg->n_pair + k] =
            compare(&one->value[cfg->pair[k]], &other->value[cfg->pair[cfg->n_pair + k]]);
    return ERR_NONE;
}

static enum err job_inputs(struct job *j, const struct inputs *in, struct float_run *one,
                           struct float_run *other, struct integers *integers)
{
    const struct measure_cfg *cfg = j->cfg;
    enum err e = ERR_NONE;

    for (uint64_t i = j->first; i < j->end && !e; i++) {
        e = look_at(j, i, NULL, one, other);
        inputs_take(in, i, integers->image + integers->n++ * integers->image_byte);
        if (!e && (integers->n == VALUE_LANES || i + 1 == j->end))
            integers_run(integers, j->verdict, i);
        uint64_t done = atomic_fetch_add(j->done, 1) + 1;
        if (cfg->progress && j->first == 0)
            cfg->progress(cfg->user, done, cfg->n_image);
    }
    return e;
}

static enum err job_images(struct job *j, struct images *set, int8_t *pixels,
                           struct float_run *one, struct float_run *other,
                           struct integers *integers)
{
    const struct measure_cfg *cfg = j->cfg;
    enum err e = images_skip(set, j->first, &j->msg);

    for (uint64_t i = j->first; i < j->end && !e; i++) {
        int more;
        e = images_next(set, pixels, &j->verdict[i].label, &more, &j->msg);
        if (!e && !more)
            e = err_set(&j->msg, ERR_INPUT, "images %s: fewer than before", cfg->images);
        if (!e)
            e = look_at(j, i, pixels, one, other);
        if (!e)
            integers_add(integers, cfg, pixels);
        if (!e && (integers->n == VALUE_LANES || i + 1 == j->end))
            integers_run(integers, j->verdict, i);
        uint64_t done = atomic_fetch_add(j->done, 1) + 1;
        if (cfg->progress && j->first == 0)
            cfg->progress(cfg->user, done, cfg->n_image);
    }
    return e;
}

static void *job_run(void *arg)
{
    struct job *j = arg;
    struct shape s = j->cfg->import->image;
    struct float_run one = {0}, other = {0};
    struct images *set = NULL;
    struct integers integers = {0};
    struct inputs *in = NULL;
    int8_t *pixels = malloc((size_t)s.height * s.width * s.channels);

    j->err = pixels ? float_run_init(&one, j->cfg->one, &j->msg)
                    : err_set(&j->msg, ERR_MEMORY, "no memory for an image");
    if (!j->err)
        j->err = float_run_init(&other, j->cfg->other, &j->msg);
    if (!j->err)
        j->err = integers_init(&integers, j->values, j->cfg->network, &j->msg);
    if (!j->err && j->cfg->inputs)
        j->err = inputs_open(&in, j->cfg->images, j->cfg->network, &j->msg);
    else if (!j->err)
        j->err = images_open_as(&set, j->cfg->images, &j->cfg->how,
                             (struct images_shape){s.height, s.width, s.channels},
                             j->cfg->n_classes, &j->msg);
    if (!j->err)
        j->err = in ? job_inputs(j, in, &one, &other, &integers)
                    : job_images(j, set, pixels, &one, &other, &integers);
    inputs_close(in);
    integers_release(&integers);
    images_close(set);
    float_run_release(&one);
    float_run_release(&other);
    free(pixels);
    return NULL;
}

/* On threads of their own but for the first; one that cannot be started runs here, afterwards. */
static void run_jobs(struct job *job, pthread_t *thread, bool *started, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        started[i] = pthread_create(&thread[i], NULL, job_run, &job[i]) == 0;
    for (uint32_t i = 0; i < n; i++)
        if (!started[i])
            job_run(&job[i]);
    for (uint32_t i = 1; i < n; i++)
        if (started[i])
            pthread_join(thread[i], NULL);
}

static void add_up(struct measure *r, const struct measure_cfg *cfg, const struct verdict *verdict,
                   const struct square *square)
{
    for (uint64_t i = 0; i < cfg->n_image; i++) {
        r->correct_one += verdict[i].one == verdict[i].label;
        r->correct_other += verdict[i].other == verdict[i].label;
        r->n_same += verdict[i].one == verdict[i].other;
    }
    for (uint32_t k = 0; k < cfg->n_pair; k++) {
        struct square sum = {0, 0};
        for (uint64_t i = 0; i < cfg->n_image; i++) {
            sum.error += square[i * cfg->n_pair + k].error;
            sum.value += square[i * cfg->n_pair + k].value;
        }
        r->error[k] = sum.value > 0 ? sqrt(sum.error / sum.value) : sum.error > 0 ? INFINITY : 0;
    }
}

enum err measure_run(struct measure *r, const struct measure_cfg *cfg, struct err_msg *m)
{
    uint32_t n = (uint32_t)min_u64(cfg->jobs, cfg->n_image);
    atomic_uint_fast64_t done = 0;
    struct job *job = calloc(n, sizeof *job);
    pthread_t *thread = calloc(n, sizeof *thread);
    bool *started = calloc(n, sizeof *started);
    struct verdict *verdict = calloc(cfg->n_image, sizeof *verdict);
    struct square *square = calloc(cfg->n_image, (cfg->n_pair + 1) * sizeof *square);
    struct values *values = values_new(cfg->network, NULL);
    enum err e = ERR_NONE;

    *r = (struct measure){.error = calloc(cfg->n_pair + 1, sizeof *r->error)};
    if (!job || !thread || !started || !verdict || !square || !values || !r->error) {
        e = err_set(m, ERR_MEMORY, "no memory for %u jobs", n);
    } else {
        for (uint32_t i = 0; i < n; i++)
            job[i] = (struct job){.cfg = cfg, .first = cfg->n_image * i / n,
                                  .end = cfg->n_image * (i + 1) / n, .verdict = verdict,
                                  .square = square, .values = values, .done = &done};
        run_jobs(job, thread, started, n);
        for (uint32_t i = 0; i < n && !e; i++) {
            e = job[i].err;
            *m = job[i].msg;
        }
    }
    if (!e)
        add_up(r, cfg, verdict, square);
    else
        measure_release(r);
    free(job);
    free(thread);
    free(started);
    free(verdict);
    free(square);
    values_free(values);
    return e;
}

void measure_release(struct measure *r)
{
    free(r->error);
    *r = (struct measure){0};
}
