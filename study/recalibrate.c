/* study/recalibrate.c -- see recalibrate.h. */
#include "study/recalibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"

/* ---- moments of sums ---- */

static void moments_release(struct channel_moments *m)
{
    free(m->sum);
    free(m->square);
    *m = (struct channel_moments){ 0 };
}

static bool moments_init(struct channel_moments *m, const struct layer *l)
{
    *m = (struct channel_moments){ calloc(l->out.channels, sizeof *m->sum),
                                   calloc(l->out.channels, sizeof *m->square), l->out.channels, 0 };
    if (m->sum && m->square)
        return true;
    moments_release(m);
    return false;
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

/* Sums of a layer, in the order of the images. */
static void add_sums(void *user, uint32_t layer, uint32_t first, uint32_t outputs, uint32_t n,
                     const int32_t *sum, uint32_t n_lane)
{
    struct channel_moments *m = user;

    (void)layer;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t o = 0; o < outputs; o++, sum += VALUE_LANES)
            for (uint32_t lane = 0; lane < n_lane && first + o < m->channels; lane++) {
                double y = sum[lane];
                m->sum[first + o] += y;
                m->square[first + o] += y * y;
            }
    if (first == 0)
        m->n += (uint64_t)n * n_lane;
}

static bool has_scale(const struct layer *l)
{
    return l->kind != LAYER_IMAGE && !layer_is_digital(l) && !l->raw_output;
}

/* ---- layer by layer ---- */

struct pass { // of all calibration images, side by side
    struct values       *v;
    struct value_lanes **lanes; // owned; [n]
    uint32_t             n;
    int64_t             *result; // owned; of each, and forgotten
};

static void pass_release(struct pass *p)
{
    for (uint32_t i = 0; p->lanes && i < p->n; i++)
        value_lanes_free(p->lanes[i]);
    free(p->lanes);
    free(p->result);
    values_free(p->v);
}

/* Readers' draws for these images are not those of images that are classified. */
#define FIRST_NUMBER (UINT64_C(1) << 63)

static bool pass_init(struct pass *p, const struct recalibration *r, const struct network *n,
                      const struct value_cores *cores)
{
    *p = (struct pass){ .n = (uint32_t)ceil_div(r->n, VALUE_LANES) };
    p->v = values_new_whole(n, r->simd, cores);
    p->lanes = calloc(p->n, sizeof(struct value_lanes *));
    p->result = calloc((size_t)VALUE_LANES * layer_delivers(network_result(n)).channels,
                       sizeof *p->result);
    bool done = p->v && p->lanes && p->result;
    for (uint32_t i = 0; done && i < p->n; i++) {
        uint32_t first = i * VALUE_LANES;
        p->lanes[i] = value_lanes_new(p->v);
        done = p->lanes[i];
        if (!done)
            continue;
        value_lanes_number(p->lanes[i], FIRST_NUMBER + first);
        value_lanes_take(p->lanes[i], r->image + first * r->image_bytes,
                         min_u32(r->n - first, VALUE_LANES), p->result);
    }
    return done;
}

/* A layer of all images, those before it done; m: of its sums, NULL: nobody asks. */
static void compute(struct pass *p, uint32_t layer, struct channel_moments *m)
{
    const struct value_watch watch = { .sums = add_sums, .user = m };

    for (uint32_t i = 0; i < p->n; i++)
        value_lanes_layer(p->lanes[i], layer, m ? &watch : NULL);
}

/* The sums that exact weights give. */
static bool see_exact(struct recalibration *r)
{
    struct analog_state exact;
    struct analog_layers layers = { 0 };
    struct pass pass = { 0 };
    struct err_msg m;

    if (analog_state_exact(&exact, r->plan, &m))
        return false;
    bool done = analog_layers_init(&layers, &exact) &&
                pass_init(&pass, r, r->plan->network, layers.layer);
    for (uint32_t i = 0; done && i < r->plan->network->n_layer; i++)
        compute(&pass, i, r->exact[i].sum ? &r->exact[i] : NULL);
    pass_release(&pass);
    analog_layers_release(&layers);
    analog_state_release(&exact);
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

    const uint32_t most = q->m[o] > UINT16_MAX ? 1U << 24 : UINT16_MAX; // of as many bits

    while (nearbyint(m) > most && q->shift[o] > 0)
        halve(q, o, &m, &b);
    q->m[o] = (uint32_t)fmin(nearbyint(m), most);
    q->b[o] = llrint(b);
}

bool recalibrate(const struct recalibration *r, struct network *n, const struct value_cores *cores)
{
    struct pass pass = { 0 };
    bool done = pass_init(&pass, r, n, cores);

    for (uint32_t i = 0; done && i < n->n_layer; i++) {
        struct channel_moments chip = { 0 };
        if (has_scale(&n->layer[i])) {
            done = moments_init(&chip, &n->layer[i]);
            if (!done)
                continue;
            compute(&pass, i, &chip);
            for (uint32_t o = 0; o < chip.channels; o++)
                correct(&n->layer[i].requant, o, &r->exact[i], &chip);
            moments_release(&chip);
            done = values_rescale(pass.v, i, cores);
        }
        if (done)
            compute(&pass, i, NULL);
    }
    pass_release(&pass);
    return done;
}
