/* network/spiking/spikes.c -- see spikes.h. */
#include "network/spiking/spikes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/simd.h"
#include "core/util.h"
#include "network/spiking/neuron.h"
#include "network/values/values.h"

enum { BLOCK = 16, MOST_FILLED = 4 }; // outputs added together; of fewer than the second in a
                                      // group each by itself
enum { MOST_BLOCKS = 4 }; // in registers

struct seen { // by positions of a kernel, along one axis: what an input coordinate adds to
    uint32_t position, output;
};

struct axis { // of a layer
    struct seen *seen;  // owned; of all coordinates
    uint32_t    *first; // owned; [size + 1]: of each coordinate
};

struct spiking_layer {
    int32_t *value;   // owned; map before it is pooled
    int32_t *pooled;  // owned; what is delivered then; else NULL
    int64_t *v;       // owned; potentials of the map; NULL: a sum
    int64_t *j;       // owned; of synapses; else NULL
    int64_t *fired;   // owned; spikes so far of an image, of the last layer; else NULL
    int32_t *ring;    // owned; [most delay + 1][map], maps of spikes that wait; else NULL
    int32_t *late;    // owned; what is delivered then
    uint32_t n_ring;
    uint8_t *any;     // owned; [pixels]: whether `value` has a spike there
    uint8_t *touched; // owned; [pixels]: whether a spike has come to its sums in this step
    uint8_t *ready;   // owned; [pixels]: NEURON_READY
    bool     plain, rests, biased; // its neurons; some b is not 0
    int32_t *input;   // owned; several maps concatenated; else NULL
    int16_t *weight;  // owned; [position][input][outputs of its group, filled up]; NULL: a digital
                      // layer
    uint32_t filled;  // outputs of a group, filled up
    bool in_blocks;   // all inputs are of one group, and the machine has AVX2
    size_t   row;     // sums of a pixel: of all groups
    int32_t *outside; // owned; [map]: sum of weights that see padding; NULL: it is 0
    struct axis axis[2];
};

struct spikes {
    const struct network *network;
    struct spiking_layer *layer; // owned; [n_layer]
    int32_t *acc;     // owned; of the largest map: [pixel][groups][outputs, filled up]
    int64_t *current; // owned; [most outputs]
    uint32_t *active; // owned; [most inputs]: channels of a pixel that are not 0
    struct spike_counts *counts; // borrowed; NULL: nothing is counted
};

static size_t values_of(struct shape s)
{
    return (size_t)s.height * s.width * s.channels;
}

/* ---- made ready ---- */

static uint32_t side(struct shape s, int axis)
{
    return axis == 0 ? s.height : s.width;
}

/* Whether position k of the window of an output lies at coordinate `at`. */
static bool lies_at(const struct window *w, int axis, uint32_t output, uint32_t k, uint32_t at)
{
    return (int64_t)output * w->stride[axis] + (int64_t)k * w->dilation[axis] ==
           (int64_t)at + w->pad_before[axis];
}

static bool make_axis(struct axis *a, const struct layer *l, int axis)
{
    const struct window *w = &l->window;
    uint32_t size = side(l->in, axis), outputs = side(l->out, axis), n = 0;

    a->first = calloc((size_t)size + 1, sizeof *a->first);
    a->seen = calloc((size_t)outputs * w->kernel[axis] + 1, sizeof *a->seen);
    for (uint32_t at = 0; a->first && a->seen && at < size; at++) {
        for (uint32_t k = 0; k < w->kernel[axis]; k++) {
            int64_t from = (int64_t)at + w->pad_before[axis] - (int64_t)k * w->dilation[axis];
            uint32_t output = (uint32_t)(from / w->stride[axis]);
            if (from >= 0 && output < outputs && lies_at(w, axis, output, k, at))
                a->seen[n++] = (struct seen){ k, output };
        }
        a->first[at + 1] = n;
    }
    return a->first && a->seen;
}

static void fill_up(struct spiking_layer *own, const struct layer *l)
{
    uint32_t out = l->out.channels / l->groups;

    own->filled = layer_is_digital(l) || out < MOST_FILLED ? out : (uint32_t)round_up(out, BLOCK);
    own->row = (size_t)own->filled * l->groups;
    own->in_blocks = l->groups == 1 && own->filled % BLOCK == 0 && simd_find(NULL) <= SIMD_AVX2;
}

static bool make_weights(struct spiking_layer *own, const struct layer *l)
{
    uint32_t positions = l->window.kernel[0] * l->window.kernel[1];
    uint32_t in = l->in.channels / l->groups, out = l->out.channels / l->groups;

    own->weight = calloc((size_t)positions * l->in.channels * own->filled, sizeof *own->weight);
    for (uint32_t o = 0; own->weight && o < l->out.channels; o++)
        for (uint32_t c = 0; c < in; c++)
            for (uint32_t k = 0; k < positions; k++)
                own->weight[((size_t)k * l->in.channels + o / out * in + c) * own->filled +
                            o % out] =
                    (int16_t)layer_weight(l, ((size_t)o * in + c) * positions + k);
    return own->weight;
}

static bool is_inside(const struct layer *l, int axis, uint32_t output, uint32_t k)
{
    const struct window *w = &l->window;
    int64_t at = (int64_t)output * w->stride[axis] + (int64_t)k * w->dilation[axis] -
                 w->pad_before[axis];

    return at >= 0 && at < side(l->in, axis);
}

static int32_t weight_sum(const struct layer *l, uint32_t o, uint32_t position)
{
    uint32_t in = l->in.channels / l->groups;
    uint32_t positions = l->window.kernel[0] * l->window.kernel[1];
    int32_t sum = 0;

    for (uint32_t c = 0; c < in; c++)
        sum += layer_weight(l, ((size_t)o * in + c) * positions + position);
    return sum;
}

/* What padding adds where it is presented as a spike. */
static bool make_outside(struct spiking_layer *own, const struct layer *l)
{
    const uint32_t *kernel = l->window.kernel;

    own->outside = calloc(values_of(l->out), sizeof *own->outside);
    for (uint32_t i = 0; own->outside && i < kernel[0]; i++)
        for (uint32_t j = 0; j < kernel[1]; j++)
            for (uint32_t o = 0; o < l->out.channels; o++) {
                int32_t sum = weight_sum(l, o, i * kernel[1] + j);
                for (uint32_t y = 0; y < l->out.width; y++)
                    for (uint32_t x = 0; x < l->out.height; x++)
                        if (!is_inside(l, 0, x, i) || !is_inside(l, 1, y, j))
                            own->outside[((size_t)y * l->out.height + x) * l->out.channels + o] +=
                                sum;
            }
    return own->outside;
}

/* What neurons remember besides V. */
static bool make_states(struct spikes *s, uint32_t index)
{
    const struct neuron *neuron = s->network->layer[index].neuron;
    struct spiking_layer *own = &s->layer[index];
    size_t n = values_of(s->network->layer[index].out);

    if (!neuron)
        return true;
    own->plain = neuron_is_plain(neuron);
    own->rests = neuron_rests(neuron) && !s->network->layer[index].has_residual;
    for (uint32_t o = 0; o < neuron->n; o++)
        own->biased |= neuron->b[o] != 0;
    own->v = calloc(n, sizeof *own->v);
    own->j = neuron->synapse.alpha ? calloc(n, sizeof *own->j) : NULL;
    bool counts = index + 1 == s->network->n_layer && neuron->kind->fires;
    own->fired = counts ? calloc(n, sizeof *own->fired) : NULL;
    for (uint32_t o = 0; neuron->delay && o < neuron->n; o++)
        own->n_ring = max_u32(own->n_ring, neuron->delay[o] + 1);
    own->ring = own->n_ring ? calloc(own->n_ring * n, sizeof *own->ring) : NULL;
    own->late = own->n_ring ? calloc(n, sizeof *own->late) : NULL;
    return own->v && (own->j || !neuron->synapse.alpha) && (own->fired || !counts) &&
           (own->n_ring == 0 || (own->ring && own->late));
}

static bool make_layer(struct spikes *s, uint32_t index)
{
    const struct layer *l = &s->network->layer[index];
    struct spiking_layer *own = &s->layer[index];
    size_t n = values_of(l->out);

    const size_t pixels = n / l->out.channels;
    own->value = calloc(n, sizeof *own->value);
    own->any = calloc(pixels, 1);
    own->touched = calloc(pixels, 1);
    own->ready = calloc(pixels, 1);
    if (!own->value || !own->any || !own->touched || !own->ready)
        return false;
    if (index == 0)
        return true;
    fill_up(own, l);
    own->pooled = l->pooled ? calloc(l->out.channels, sizeof *own->pooled) : NULL;
    own->input = l->n_input > 1 ? calloc(values_of(l->in), sizeof *own->input) : NULL;
    return make_states(s, index) && (own->pooled || !l->pooled) &&
           (own->input || l->n_input == 1) && make_axis(&own->axis[0], l, 0) &&
           make_axis(&own->axis[1], l, 1) && (layer_is_digital(l) || make_weights(own, l)) &&
           (l->in_zero == 0 || make_outside(own, l));
}

/* Of all pixels. */
static size_t sums_of(const struct spikes *s, uint32_t index)
{
    const struct shape *out = &s->network->layer[index].out;

    return (size_t)out->height * out->width * s->layer[index].row;
}

struct spikes *spikes_new(const struct network *n)
{
    struct spikes *s = calloc(1, sizeof *s);
    size_t most = 1, channels = 1, inputs = 1;

    if (!s)
        return NULL;
    s->network = n;
    s->layer = calloc(n->n_layer, sizeof *s->layer);
    bool done = s->layer;
    for (uint32_t i = 0; done && i < n->n_layer; i++) {
        done = make_layer(s, i);
        most = max_u64(most, sums_of(s, i));
        channels = max_u64(channels, n->layer[i].out.channels);
        inputs = max_u64(inputs, n->layer[i].in.channels);
    }
    s->acc = calloc(most, sizeof *s->acc);
    s->current = calloc(channels, sizeof *s->current);
    s->active = calloc(inputs + 1, sizeof *s->active);
    if (done && s->acc && s->current && s->active)
        return s;
    spikes_free(s);
    return NULL;
}

void spikes_free(struct spikes *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; s->layer && i < s->network->n_layer; i++) {
        struct spiking_layer *own = &s->layer[i];
        free(own->value);
        free(own->pooled);
        free(own->any);
        free(own->touched);
        free(own->ready);
        free(own->v);
        free(own->j);
        free(own->fired);
        free(own->ring);
        free(own->late);
        free(own->input);
        free(own->weight);
        free(own->outside);
        for (int a = 0; a < 2; a++) {
            free(own->axis[a].seen);
            free(own->axis[a].first);
        }
    }
    free(s->layer);
    free(s->acc);
    free(s->current);
    free(s->active);
    free(s);
}

/* ---- a step ---- */

static const int32_t *delivered_map(const struct spikes *s, uint32_t layer)
{
    const struct spiking_layer *own = &s->layer[layer];

    return own->pooled ? own->pooled : own->late ? own->late : own->value;
}

/* What a layer reads, its inputs' channels one behind the other. */
static const int32_t *take_inputs(struct spikes *s, uint32_t index)
{
    const struct layer *l = &s->network->layer[index];
    size_t first = 0, pixels = (size_t)l->in.height * l->in.width;

    if (l->n_input == 1)
        return delivered_map(s, l->input[0]);
    for (uint32_t k = 0; k < l->n_input; k++) {
        const int32_t *from = delivered_map(s, l->input[k]);
        size_t n = layer_delivers(&s->network->layer[l->input[k]]).channels;
        for (size_t i = 0; i < pixels; i++)
            memcpy(&s->layer[index].input[i * l->in.channels + first], &from[i * n],
                   n * sizeof *from);
        first += n;
    }
    return s->layer[index].input;
}

static void add_weights(int32_t *restrict acc, const int16_t *restrict weight, uint32_t n,
                        int32_t x)
{
    if (n % BLOCK == 0) {
        for (uint32_t o = 0; o < n; o += BLOCK)
            for (uint32_t i = 0; i < BLOCK; i++)
                acc[o + i] += x * weight[o + i];
        return;
    }
    for (uint32_t o = 0; o < n; o++)
        acc[o] += x * weight[o];
}

/* The same of a spike alone. */
static void add_spike(int32_t *restrict acc, const int16_t *restrict weight, uint32_t n)
{
    if (n % BLOCK != 0) {
        add_weights(acc, weight, n, 1);
        return;
    }
    for (uint32_t o = 0; o < n; o += BLOCK)
        for (uint32_t i = 0; i < BLOCK; i++)
            acc[o + i] += weight[o + i];
}

#if SIMD_X86
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2"), always_inline)) static inline

/* acc[n_block] += the weights of n channels times their values; the sums stay in registers. */
AVX2 void add_blocks(int32_t *acc, const int16_t *weight, size_t outputs, const int n_block,
                     const int32_t *pixel, const uint32_t *active, uint32_t n)
{
    __m256i *to = (__m256i *)(void *)acc, sum[2 * MOST_BLOCKS];

#pragma GCC unroll 8
    for (int k = 0; k < 2 * n_block; k++)
        sum[k] = _mm256_loadu_si256(to + k);
    for (uint32_t i = 0; i < n; i++) {
        const __m128i *w = (const __m128i *)(const void *)(weight + active[i] * outputs);
        const __m256i x = _mm256_set1_epi32(pixel[active[i]]);
        const bool alone = pixel[active[i]] == 1;
#pragma GCC unroll 8
        for (int k = 0; k < 2 * n_block; k++) {
            __m256i v = _mm256_cvtepi16_epi32(_mm_loadu_si128(w + k));
            sum[k] = _mm256_add_epi32(sum[k], alone ? v : _mm256_mullo_epi32(v, x));
        }
    }
#pragma GCC unroll 8
    for (int k = 0; k < 2 * n_block; k++)
        _mm256_storeu_si256(to + k, sum[k]);
}

/* Of all outputs, a multiple of BLOCK; weights [channel][outputs]. */
__attribute__((target("avx2"))) static void add_outputs(int32_t *acc, const int16_t *weight,
                                                        uint32_t outputs, const int32_t *pixel,
                                                        const uint32_t *active, uint32_t n)
{
    uint32_t o = 0;

    for (; o + MOST_BLOCKS * BLOCK <= outputs; o += MOST_BLOCKS * BLOCK)
        add_blocks(acc + o, weight + o, outputs, MOST_BLOCKS, pixel, active, n);
    for (; o < outputs; o += BLOCK)
        add_blocks(acc + o, weight + o, outputs, 1, pixel, active, n);
}
#endif

/* Adds the values of n channels of one input pixel to the sums of an output that has it at a
 * position. */
static void add_pixel(const struct layer *l, const struct spiking_layer *own, const int32_t *pixel,
                      const uint32_t *active, uint32_t n, uint32_t position, int32_t *acc)
{
    uint32_t in = l->in.channels / l->groups, filled = own->filled;
    const int16_t *weight = own->weight;

    if (weight)
        weight += (size_t)position * l->in.channels * filled;
#if SIMD_X86
    if (weight && own->in_blocks) {
        add_outputs(acc, weight, filled, pixel, active, n);
        return;
    }
#endif
    for (uint32_t i = 0; i < n; i++) {
        uint32_t c = active[i];
        int32_t *sum = acc + (l->groups > 1 ? c / in * filled : 0);
        if (!own->weight)
            acc[c] += l->negated && l->negated[c] ? -pixel[c] : pixel[c];
        else if (pixel[c] == 1)
            add_spike(sum, weight + (size_t)c * filled, filled);
        else
            add_weights(sum, weight + (size_t)c * filled, filled, pixel[c]);
    }
}

/* Returns how many. */
static uint32_t find_active(const int32_t *pixel, uint32_t n, uint32_t *active)
{
    uint32_t found = 0;

    for (uint32_t c = 0; c < n; c++) {
        active[found] = c;
        found += pixel[c] != 0;
    }
    return found;
}

/* Whether pixels of what a layer reads have spikes; NULL: nobody knows. */
static const uint8_t *any_read(const struct spikes *s, uint32_t index)
{
    const struct layer *l = &s->network->layer[index];
    const struct spiking_layer *from = &s->layer[l->input[0]];

    return l->n_input == 1 && !from->pooled && !from->late ? from->any : NULL;
}

/* The sums of a pixel, which are 0 before the first spike of a step comes. */
static int32_t *sums_at(struct spikes *s, struct spiking_layer *own, size_t at)
{
    int32_t *acc = s->acc + at * own->row;

    if (!own->touched[at]) {
        own->touched[at] = 1;
        memset(acc, 0, own->row * sizeof *acc);
    }
    return acc;
}

static void scatter(struct spikes *s, uint32_t index, const int32_t *in)
{
    const struct layer *l = &s->network->layer[index];
    struct spiking_layer *own = &s->layer[index];
    const struct axis *row = &own->axis[0], *column = &own->axis[1];
    const uint8_t *any = any_read(s, index);

    for (uint32_t y = 0; y < l->in.width; y++)
        for (uint32_t x = 0; x < l->in.height; x++, in += l->in.channels) {
            if (any && !*any++)
                continue;
            uint32_t n = find_active(in, l->in.channels, s->active);
            for (uint32_t j = column->first[y]; n > 0 && j < column->first[y + 1]; j++)
                for (uint32_t i = row->first[x]; i < row->first[x + 1]; i++) {
                    size_t at = (size_t)column->seen[j].output * l->out.height +
                                row->seen[i].output;
                    add_pixel(l, own, in, s->active, n,
                              row->seen[i].position * l->window.kernel[1] +
                                  column->seen[j].position,
                              sums_at(s, own, at));
                }
        }
}

/* Where the sum of value i of a layer's map is. */
static size_t sum_at(const struct spikes *s, uint32_t index, size_t i)
{
    const struct layer *l = &s->network->layer[index];
    uint32_t channels = l->out.channels, out = channels / l->groups, o = (uint32_t)(i % channels);

    return i / channels * s->layer[index].row + o / out * s->layer[index].filled + o % out;
}

/* Padding is coded like a pixel of the zero point. */
static void add_outside(struct spikes *s, uint32_t index, uint32_t t)
{
    const struct layer *l = &s->network->layer[index];
    const int32_t *outside = s->layer[index].outside;
    const uint8_t zero = (uint8_t)l->in_zero;
    int32_t x;

    if (!outside)
        return;
    s->network->present.coding->code(&s->network->present, 0, t, &zero, 1, &x);
    for (size_t i = 0; x != 0 && i < values_of(l->out); i++)
        s->acc[sum_at(s, index, i)] += x * outside[i];
}

/* The layer whose currents an average pool with neurons takes; NULL: it takes values. */
static const struct spiking_layer *pooled_currents(const struct spikes *s, uint32_t index)
{
    const struct layer *l = &s->network->layer[index];
    const struct neuron *from = s->network->layer[l->input[0]].neuron;
    bool pools = l->neuron && l->kind == LAYER_AVERAGE_POOL;

    return pools && from && from->kind->delivers_current ? &s->layer[l->input[0]] : NULL;
}

/* Those of a window's positions, which have their 2^w already; no pixel of padding is one. */
static void pool_currents(struct spikes *s, uint32_t index, size_t at, uint32_t t)
{
    const struct layer *l = &s->network->layer[index];
    const struct window *w = &l->window;
    const size_t pixel = at / l->out.channels;
    const size_t row = pixel % l->out.height * w->stride[0];
    const size_t column = pixel / l->out.height * w->stride[1];
    const int64_t *v = pooled_currents(s, index)->v;
    const int64_t once = presentation_adds(&s->network->present, t);

    for (uint32_t o = 0; o < l->out.channels; o++) {
        int64_t sum = 0;
        for (size_t j = 0; j < w->kernel[1]; j++)
            for (size_t i = 0; i < w->kernel[0]; i++)
                sum += v[((column + j * w->dilation[1]) * l->in.height + row +
                          i * w->dilation[0]) * l->in.channels + o];
        s->current[o] = sum * l->neuron->m[o] + l->neuron->b[o] * once;
    }
}

/* Currents of the outputs of pixel `at`. */
static void find_currents(struct spikes *s, uint32_t index, size_t at, uint32_t t)
{
    const struct layer *l = &s->network->layer[index];
    const struct neuron *n = l->neuron;
    const struct presentation *p = &s->network->present;
    const uint32_t w = presentation_weight(p, t);
    const bool adds = presentation_adds(p, t);
    const int64_t one = INT64_C(1) << w, once = adds;

    for (uint32_t g = 0; g < l->groups; g++) {
        const uint32_t out = l->out.channels / l->groups;
        const int32_t *acc = s->acc + sum_at(s, index, at + g * out);
        for (uint32_t o = g * out; o < (g + 1) * out; o++)
            s->current[o] = *acc++ * n->m[o] * one + n->b[o] * once;
    }
    if (!l->has_residual)
        return;
    const struct spiking_layer *r = &s->layer[l->residual];
    const struct neuron *from = s->network->layer[l->residual].neuron;
    if (from && from->kind->delivers_current)
        for (uint32_t o = 0; o < l->out.channels; o++)
            s->current[o] += r->v[at + o] * n->mr[o];
    else
        for (uint32_t o = 0; o < l->out.channels; o++)
            s->current[o] += delivered_map(s, l->residual)[at + o] * n->mr[o] * (INT64_C(1) << w);
}

/* Without a current nothing comes of a pixel whose neurons rest. */
static void fall_silent(struct spiking_layer *own, size_t pixel, uint32_t channels)
{
    if (own->any[pixel])
        memset(own->value + pixel * channels, 0, channels * sizeof *own->value);
    own->any[pixel] = 0;
}

static void act(struct spikes *s, uint32_t index, uint32_t t)
{
    const struct layer *l = &s->network->layer[index];
    struct spiking_layer *own = &s->layer[index];
    const struct presentation *p = &s->network->present;
    struct neuron_step step = { .n = l->out.channels, .current = s->current, .plain = own->plain,
                                .weight = presentation_weight(p, t),
                                .least_weight = presentation_least_weight(p) };
    const bool pools = pooled_currents(s, index);
    const bool rests = own->rests && !pools && !own->outside &&
                       !(own->biased && presentation_adds(p, t));

    for (size_t at = 0, pixel = 0; at < values_of(l->out); at += l->out.channels, pixel++) {
        if (rests && !own->touched[pixel] && !own->ready[pixel]) {
            fall_silent(own, pixel, l->out.channels);
            continue;
        }
        if (pools)
            pool_currents(s, index, at, t);
        else
            find_currents(s, index, at, t);
        step.v = own->v + at;
        step.j = own->j ? own->j + at : NULL;
        step.spikes = own->value + at;
        unsigned state = l->neuron->kind->step(l->neuron, &step);
        own->any[pixel] = state & NEURON_FIRED;
        own->ready[pixel] = state & NEURON_READY;
    }
    if (!l->neuron->kind->fires && t + 1 == l->neuron->skip)
        memset(own->v, 0, values_of(l->out) * sizeof *own->v);
}

static void fire_count(struct spiking_layer *own, size_t n)
{
    for (size_t i = 0; i < n; i++)
        own->fired[i] += own->value[i];
}

/* Puts the spikes of step t away, and takes those that have waited. */
static void wait(const struct layer *l, struct spiking_layer *own, uint32_t t)
{
    size_t n = values_of(l->out);

    memcpy(own->ring + t % own->n_ring * n, own->value, n * sizeof *own->ring);
    for (size_t i = 0; i < n; i++) {
        uint32_t delay = l->neuron->delay[i % l->out.channels];
        own->late[i] = t < delay ? 0 : own->ring[(t - delay) % own->n_ring * n + i];
    }
}

static void pool(const struct layer *l, struct spiking_layer *own)
{
    memset(own->pooled, 0, l->out.channels * sizeof *own->pooled);
    for (size_t at = 0; at < values_of(l->out); at += l->out.channels)
        for (uint32_t o = 0; o < l->out.channels; o++)
            own->pooled[o] += own->value[at + o];
}

static struct value_map map_of(const struct shape *s, const int32_t *value)
{
    return (struct value_map){ .shape = *s, .kept = s->width, .value = value };
}

static void run_layer(struct spikes *s, uint32_t index, uint32_t t,
                      const struct value_watch *watch)
{
    const struct layer *l = &s->network->layer[index];
    struct spiking_layer *own = &s->layer[index];
    const int32_t *in = take_inputs(s, index);
    const size_t pixels = values_of(l->out) / l->out.channels;
    struct value_map read = map_of(&l->in, in);
    const struct value_map made = map_of(&l->out, own->late ? own->late : own->value);

    read.any = any_read(s, index);
    for (uint32_t y = 0; watch && watch->input && y < l->in.width; y++)
        watch->input(watch->user, index, &read, y, 1);
    memset(own->touched, 0, pixels);
    scatter(s, index, in);
    for (size_t i = 0; i < pixels; i++) // the others' sums are 0
        if (!own->touched[i] && (!l->neuron || !own->rests || own->outside || own->biased ||
                                 own->ready[i]))
            memset(s->acc + i * own->row, 0, own->row * sizeof *s->acc);
    add_outside(s, index, t);
    if (l->neuron)
        act(s, index, t);
    else { // of an average pool, whose groups are single channels
        memcpy(own->value, s->acc, values_of(l->out) * sizeof *own->value);
        memcpy(own->any, own->touched, pixels);
    }
    if (own->fired)
        fire_count(own, values_of(l->out));
    if (own->late)
        wait(l, own, t);
    for (uint32_t y = 0; watch && watch->output && !l->raw_output && y < l->out.width; y++)
        watch->output(watch->user, index, &made, y, 1);
    if (l->pooled)
        pool(l, own);
}

/* ---- counted ---- */

void spikes_count(struct spikes *s, struct spike_counts *counts)
{
    s->counts = counts;
}

static uint64_t sum_of(const int32_t *value, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (uint64_t)value[i];
    return sum;
}

static uint64_t largest_of(const int64_t *v, size_t n)
{
    uint64_t most = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t size = (uint64_t)(v[i] < 0 ? -v[i] : v[i]);
        most = size > most ? size : most;
    }
    return most;
}

/* Spikes times the weights that they meet; of a digital layer none. */
static uint64_t events_of(const struct spikes *s, uint32_t index, const int32_t *in)
{
    const uint8_t *any = any_read(s, index);
    const struct layer *l = &s->network->layer[index];
    const struct axis *row = &s->layer[index].axis[0], *column = &s->layer[index].axis[1];
    uint64_t met = 0;

    if (layer_is_digital(l))
        return 0;
    for (uint32_t y = 0; y < l->in.width; y++)
        for (uint32_t x = 0; x < l->in.height; x++, in += l->in.channels) {
            if (any && !*any++)
                continue;
            uint64_t times = (uint64_t)(column->first[y + 1] - column->first[y]) *
                             (row->first[x + 1] - row->first[x]);
            met += times ? times * sum_of(in, l->in.channels) : 0;
        }
    return met * (l->out.channels / l->groups);
}

static void count_layer(struct spikes *s, uint32_t index, uint32_t t, const int32_t *in)
{
    const struct layer *l = &s->network->layer[index];
    const struct spiking_layer *own = &s->layer[index];
    struct spike_counts *c = s->counts;
    const size_t n = values_of(l->out);

    c->events[index] += events_of(s, index, in);
    if (!l->neuron)
        return;
    if (l->neuron->kind->fires)
        c->spikes[(size_t)index * c->steps + t] += sum_of(own->late ? own->late : own->value, n);
    if (!l->neuron->kind->delivers_current)
        c->most_state[index] = max_u64(c->most_state[index], largest_of(own->v, n));
}

static void count_class(struct spikes *s, uint32_t t)
{
    const uint32_t n = layer_delivers(network_result(s->network)).channels;

    for (uint32_t c = 0; c < n; c++)
        s->current[c] = spikes_result(s, c); // nobody's between steps
    spike_counts_decide(s->counts, t, s->current, n, s->network->present.lead);
}

void spikes_forget(struct spikes *s)
{
    for (uint32_t i = 1; i < s->network->n_layer; i++) {
        size_t n = values_of(s->network->layer[i].out);
        memset(s->layer[i].value, 0, n * sizeof *s->layer[i].value);
        memset(s->layer[i].any, 0, n / s->network->layer[i].out.channels);
        memset(s->layer[i].ready, 0, n / s->network->layer[i].out.channels);
        if (s->layer[i].v)
            memset(s->layer[i].v, 0, n * sizeof *s->layer[i].v);
        if (s->layer[i].j)
            memset(s->layer[i].j, 0, n * sizeof *s->layer[i].j);
        if (s->layer[i].fired)
            memset(s->layer[i].fired, 0, n * sizeof *s->layer[i].fired);
    }
}

/* Of the image. */
static void find_any(struct spiking_layer *own, const struct shape *s)
{
    const int32_t *value = own->value;

    for (size_t i = 0; i < (size_t)s->height * s->width; i++, value += s->channels) {
        int32_t all = 0;
        for (uint32_t c = 0; c < s->channels; c++)
            all |= value[c];
        own->any[i] = all != 0;
    }
}

void spikes_step(struct spikes *s, const int32_t *input, uint32_t t,
                 const struct value_watch *watch)
{
    if (input != s->layer[0].value)
        memcpy(s->layer[0].value, input,
               values_of(s->network->layer[0].out) * sizeof *input);
    find_any(&s->layer[0], &s->network->layer[0].out);
    if (s->counts)
        s->counts->spikes[t] += sum_of(s->layer[0].value, values_of(s->network->layer[0].out));
    for (uint32_t i = 1; i < s->network->n_layer; i++) {
        run_layer(s, i, t, watch);
        if (s->counts)
            count_layer(s, i, t, take_inputs(s, i));
    }
    if (s->counts)
        count_class(s, t);
}

void spikes_run(struct spikes *s, const uint8_t *image, uint64_t number,
                const struct value_watch *watch)
{
    const struct presentation *p = &s->network->present;

    assert(p->coding && p->coding->code);
    spikes_forget(s);
    for (uint32_t t = 0; t < presentation_steps(p); t++) {
        p->coding->code(p, number, t, image, values_of(s->network->layer[0].out),
                        s->layer[0].value);
        if (watch && watch->begin)
            watch->begin(watch->user, number, t);
        spikes_step(s, s->layer[0].value, t, watch);
    }
}

int64_t spikes_potential(const struct spikes *s, uint32_t layer, size_t i)
{
    return s->layer[layer].v[i];
}

int64_t spikes_result(const struct spikes *s, size_t i)
{
    const struct spiking_layer *last = &s->layer[s->network->n_layer - 1];

    return last->fired ? last->fired[i] : last->v[i];
}

int32_t spikes_delivered(const struct spikes *s, uint32_t layer, size_t i)
{
    return s->layer[layer].value[i];
}
