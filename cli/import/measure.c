/* cli/import/measure.c -- see measure.h. */
#include "cli/import/measure.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/util.h"
#include "network/precision.h"
#include "network/values/values.h"
#include "study/inputs.h"
#include "study/jobs.h"
#include "study/values.h"

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
    struct jobs              *jobs;
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
    const struct normalise *how = &cfg->from->import->cfg.normalise;
    uint8_t flip = n->layer[0].out_signed ? 0 : 0x80; // int8 = pixel - 128

    for (size_t i = 0; i < in->image_byte; i++) {
        uint8_t byte = (uint8_t)pixels[i];
        uint32_t channel = (uint32_t)(i % n->layer[0].out.channels);
        double value = how->n > 0 ? (double)normalise_value(how, channel, byte ^ 0x80) : 0;
        to[i] = how->n > 0 ? (uint8_t)network_image_code(n, value, NULL) : byte ^ flip;
    }
}

static enum err look_at(struct job *j, uint64_t i, const struct image_reader *reader,
                        struct float_run *one, struct float_run *other)
{
    const struct measure_cfg *cfg = j->cfg;
    const struct import *im = cfg->from->import;
    enum err e = image_reader_run(reader, one, &j->msg);

    if (!e)
        e = image_reader_run(reader, other, &j->msg);
    if (e)
        return e;
    j->verdict[i].one = largest(&one->value[im->end[im->result].value]);
    for (uint32_t k = 0; k < cfg->n_pair; k++)
        j->square[i * cfg->n_pair + k] =
            compare(&one->value[cfg->pair[k]], &other->value[cfg->pair[cfg->n_pair + k]]);
    return ERR_NONE;
}

/* Image i by all three; in: its bytes where they are no pixels. */
static enum err take_image(struct job *j, uint64_t i, struct image_reader *reader,
                           const struct inputs *in, struct float_run *one, struct float_run *other,
                           struct integers *integers)
{
    enum err e = image_reader_next(reader, &j->verdict[i].label, &j->msg);

    if (!e)
        e = look_at(j, i, reader, one, other);
    if (e)
        return e;
    if (in)
        inputs_take(in, i, integers->image + integers->n++ * integers->image_byte);
    else
        integers_add(integers, j->cfg, reader->pixels);
    if (integers->n == VALUE_LANES || i + 1 == j->end)
        integers_run(integers, j->verdict, i);
    atomic_fetch_add(&j->jobs->done, 1);
    return ERR_NONE;
}

static void job_run(void *jobs, uint32_t index)
{
    struct job *j = (struct job *)jobs + index;
    struct float_run one = {0}, other = {0};
    struct image_reader reader = {0};
    struct integers integers = {0};
    struct inputs *in = NULL;

    j->err = float_run_init(&one, j->cfg->one, &j->msg);
    if (!j->err)
        j->err = float_run_init(&other, j->cfg->other, &j->msg);
    if (!j->err)
        j->err = integers_init(&integers, j->values, j->cfg->network, &j->msg);
    if (!j->err && j->cfg->from->inputs)
        j->err = inputs_open(&in, j->cfg->from->path, j->cfg->network, &j->msg);
    if (!j->err)
        j->err = image_reader_open(&reader, j->cfg->from, j->first, &j->msg);
    for (uint64_t i = j->first; i < j->end && !j->err; i++)
        j->err = take_image(j, i, &reader, in, &one, &other, &integers);
    inputs_close(in);
    integers_release(&integers);
    image_reader_close(&reader);
    float_run_release(&one);
    float_run_release(&other);
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
    struct jobs jobs = JOBS_INIT;
    struct job *job = calloc(n, sizeof *job);
    struct verdict *verdict = calloc(cfg->n_image, sizeof *verdict);
    struct square *square = calloc(cfg->n_image, (cfg->n_pair + 1) * sizeof *square);
    struct values *values = values_new(cfg->network, NULL);
    enum err e = ERR_NONE;

    *r = (struct measure){.error = calloc(cfg->n_pair + 1, sizeof *r->error)};
    if (!job || !verdict || !square || !values || !r->error) {
        e = err_set(m, ERR_MEMORY, "no memory for %u jobs", n);
    } else {
        for (uint32_t i = 0; i < n; i++)
            job[i] = (struct job){.cfg = cfg, .first = cfg->n_image * i / n,
                                  .end = cfg->n_image * (i + 1) / n, .verdict = verdict,
                                  .square = square, .values = values, .jobs = &jobs};
        jobs_run(&jobs, &(struct jobs_work){job_run, job, n, cfg->n_image, cfg->progress,
                                            cfg->user});
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
