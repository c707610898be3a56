/* study/recalibrate.c -- see recalibrate.h. */
#include "study/recalibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"

/* ---- moments of sums ---- */

static bool moments_init(struct channel_moments *m, const struct layer *l)
{
    *m = (struct channel_moments){ calloc(l->out.channels, sizeof *m->sum),
                                   calloc(l->out.channels, sizeof *m->square), 0 };
    return m->sum && m->square;
}

static void moments_release(struct channel_moments *m)
{
    free(m->sum);
    free(m->square);
    *m = (struct channel_moments){ 0 };
}

static double mean_of(const struct channel_moments *m, uint32_t o)
{
    return m->sum[o] / (double)m->n;
}

static double deviation_of(const struct channel_moments *m, uint32_t o)
{
    double mean = mean_of(m, o), variance = m->square[o] / (double)m->n - mean * mean;

    return variance > 0 ? sqrt(variance) : 0;
}

struct watcher {
    const struct network   *network;
    struct channel_moments *moments; // [n_layer]
    uint32_t                only;    // of this layer; 0: of all
};

/* Sums of a layer with a scale, in the order of the images. */
static void add_sums(void *user, uint32_t layer, uint32_t first, uint32_t outputs, uint32_t n,
                     const int32_t *sum, uint32_t n_lane)
{
    const struct watcher *w = user;
    struct channel_moments *m = &w->moments[layer];
    uint32_t channels = w->network->layer[layer].out.channels;

    if (!m->sum || (w->only > 0 && w->only != layer))
        return;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t o = 0; o < outputs; o++, sum += VALUE_LANES)
            for (uint32_t lane = 0; lane < n_lane && first + o < channels; lane++) {
                double y = sum[lane];
                m->sum[first + o] += y;
                m->square[first + o] += y * y;
            }
    if (first == 0)
        m->n += (uint64_t)n * n_lane;
}

static void see_sums(const struct recalibration *r, struct value_lanes *lanes, struct watcher *w,
                     int64_t *result)
{
    const struct value_watch watch = { .sums = add_sums, .until = w->only, .user = w };

    for (uint32_t i = 0, n; i < r->n; i += n) {
        n = min_u32(r->n - i, VALUE_LANES);
        value_lanes_run(lanes, r->image + i * r->image_bytes, n, result, &watch);
    }
}

static int64_t *new_results(const struct network *n)
{
    struct shape s = layer_delivers(network_result(n));

    return calloc((size_t)VALUE_LANES * s.channels, sizeof(int64_t));
}

static bool has_scale(const struct layer *l)
{
    return l->kind != LAYER_IMAGE && !layer_is_digital(l) && !l->raw_output;
}

/* The sums that exact weights give. */
static bool see_exact(struct recalibration *r)
{
    const struct analog_spec off = { .device = &analog_levels, .g_max_us = 1 };
    struct analog_chip chip = { 0 };
    struct analog_state state = { 0 };
    struct analog_layers layers = { 0 };
    struct watcher w = { .network = r->plan->network, .moments = r->exact };
    int64_t *result = new_results(r->plan->network);
    struct values *v = NULL;
    struct err_msg m;

    if (result && !analog_chip_init(&chip, r->plan, &off, 0, &m) &&
        !analog_state_init(&state, &chip, 1, &m) && analog_layers_init(&layers, &state))
        v = values_new_on(r->plan->network, r->simd, layers.layer);
    struct value_lanes *lanes = v ? value_lanes_new(v) : NULL;
    if (lanes)
        see_sums(r, lanes, &w, result);
    bool done = lanes;
    value_lanes_free(lanes);
    values_free(v);
    analog_layers_release(&layers);
    analog_state_release(&state);
    analog_chip_release(&chip);
    free(result);
    return done;
}

bool recalibration_init(struct recalibration *r, const struct plan *p, const uint8_t *image,
                        uint32_t n, size_t image_bytes, const char *simd)
{
    *r = (struct recalibration){ .plan = p, .image = image, .n = n, .image_bytes = image_bytes,
                                 .simd = simd };
    r->exact = calloc(p->network->n_layer, sizeof *r->exact);
    bool done = r->exact;
    for (uint32_t i = 1; done && i < p->network->n_layer; i++)
        if (has_scale(&p->network->layer[i]))
            done = moments_init(&r->exact[i], &p->network->layer[i]);
    if (done && see_exact(r))
        return true;
    recalibration_release(r);
    return false;
}

void recalibration_release(struct recalibration *r)
{
    for (uint32_t i = 0; r->exact && i < r->plan->network->n_layer; i++) // without it, no plan
        moments_release(&r->exact[i]);
    free(r->exact);
    *r = (struct recalibration){ 0 };
}

/* ---- a network with scales of its own ---- */

static void *copy_of(const void *from, size_t n, size_t size, bool *done)
{
    void *to = from ? malloc(n * size) : NULL;

    if (to)
        memcpy(to, from, n * size);
    *done = *done && !to == !from;
    return to;
}

bool own_scales(struct network *to, const struct network *from)
{
    bool done = true;

    *to = *from;
    to->layer = copy_of(from->layer, from->n_layer, sizeof *from->layer, &done);
    for (uint32_t i = 0; to->layer && i < from->n_layer; i++) {
        struct requant *q = &to->layer[i].requant;
        size_t n = from->layer[i].raw_output ? from->layer[i].out.channels
                                             : layer_n_scale(&from->layer[i]);
        q->m = copy_of(q->m, n, sizeof *q->m, &done);
        q->b = copy_of(q->b, n, sizeof *q->b, &done);
        q->mr = copy_of(q->mr, n, sizeof *q->mr, &done);
        q->shift = copy_of(q->shift, n, sizeof *q->shift, &done);
    }
    if (!done)
        own_scales_release(to);
    return done;
}

void own_scales_release(struct network *n)
{
    for (uint32_t i = 0; n->layer && i < n->n_layer; i++)
        requant_release(&n->layer[i].requant);
    free(n->layer);
    *n = (struct network){ 0 };
}

/* One digit fewer behind the point. */
static void halve(struct requant *q, uint32_t o, double *m, double *b)
{
    *m /= 2;
    *b /= 2;
    q->shift[o]--;
    if (q->mr)
        q->mr[o] = llrint((double)q->mr[o] / 2);
}

/* Where nothing varies, only the mean is moved. */
static void correct(struct requant *q, uint32_t o, const struct channel_moments *exact,
                    const struct channel_moments *chip)
{
    double s0 = deviation_of(exact, o), s = deviation_of(chip, o);
    double ratio = s0 > 0 && s > 0 ? s0 / s : 1;
    double m = q->m[o] * ratio;
    double b = (double)q->b[o] + q->m[o] * (mean_of(exact, o) - mean_of(chip, o) * ratio);

    while (nearbyint(m) > UINT16_MAX && q->shift[o] > 0)
        halve(q, o, &m, &b);
    q->m[o] = (uint16_t)fmin(nearbyint(m), UINT16_MAX);
    q->b[o] = llrint(b);
}

bool recalibrate(const struct recalibration *r, struct network *n, struct values *v,
                 const struct value_cores *cores)
{
    struct channel_moments *chip = calloc(n->n_layer, sizeof *chip);
    struct value_lanes *lanes = value_lanes_new(v);
    int64_t *result = new_results(n);
    bool done = chip && lanes && result;

    for (uint32_t i = 1; done && i < n->n_layer; i++) {
        struct watcher w = { .network = n, .moments = chip, .only = i };
        if (!has_scale(&n->layer[i]))
            continue;
        done = moments_init(&chip[i], &n->layer[i]);
        if (!done)
            continue;
        see_sums(r, lanes, &w, result);
        for (uint32_t o = 0; o < n->layer[i].out.channels; o++)
            correct(&n->layer[i].requant, o, &r->exact[i], &chip[i]);
        done = values_rescale(v, i, cores);
    }
    for (uint32_t i = 0; chip && i < n->n_layer; i++)
        moments_release(&chip[i]);
    free(chip);
    free(result);
    value_lanes_free(lanes);
    return done;
}
