/* network/values/prepare.c -- makes a network ready for its kernel; see values.h. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/pages.h"
#include "core/round.h"
#include "core/simd.h"
#include "core/util.h"
#include "network/precision.h"
#include "network/values/prepared.h"
#include "network/values/steps.h"

static const struct value_kernel *const kernels[N_SIMD] = {
#if SIMD_X86
    [SIMD_AVX512VNNI] = &value_avx512vnni,
    [SIMD_AVX2]       = &value_avx2,
#endif
    [SIMD_PORTABLE]   = &value_portable,
};

static const struct layer *layer_of(const struct values *v, uint32_t i)
{
    return &v->network->layer[i];
}

static int32_t offset_of(bool is_signed)
{
    return is_signed ? 128 : 0;
}

/* ---- maps ---- */

static void describe(struct value_spec *spec, struct shape s, const struct layer *l)
{
    *spec = (struct value_spec){ .reader = NO_LAYER };
    spec->map = (struct value_map){
        .shape = s,
        .quads = (uint32_t)ceil_div(s.channels, VALUE_QUAD),
        .kept = 1,
        .is_signed = l->out_signed,
        .sums = l->raw_output,
        .zero = (uint8_t)(l->out_zero + offset_of(l->out_signed)),
    };
}

static void add_step(struct values *v, enum value_task task, uint32_t layer, uint32_t spec)
{
    v->step[v->n_step++] = (struct value_step){ task, layer, spec };
}

/* The concatenation of a layer's inputs, which others may read too. */
static uint32_t concatenated(struct values *v, uint32_t layer)
{
    const struct layer *l = layer_of(v, layer);
    uint32_t i = v->network->n_layer;

    for (; i < v->n_spec; i++)
        if (v->spec[i].input && v->spec[i].n_input == l->n_input &&
            memcmp(v->spec[i].input, l->input, l->n_input * sizeof *l->input) == 0)
            return i;
    struct value_spec *s = &v->spec[v->n_spec++];
    describe(s, l->in, layer_of(v, l->input[0]));
    s->input = l->input;
    s->n_input = l->n_input;
    for (uint32_t k = 1; k < l->n_input; k++)
        s->map.sums |= layer_of(v, l->input[k])->raw_output;
    add_step(v, VALUE_CONCATENATE, layer, i);
    return i;
}

/* Border that a convolution wants around the map it reads. */
static void widen(struct value_map *m, const struct layer *l)
{
    const struct window *w = &l->window;
    const uint32_t in[] = { l->in.height, l->in.width }, out[] = { l->out.height, l->out.width };

    for (int a = 0; a < 2; a++) {
        int64_t end = window_begin(w, a, out[a] - 1) +
                      (int64_t)(w->kernel[a] - 1) * w->dilation[a] + 1;
        m->before[a] = max_u32(m->before[a], w->pad_before[a]);
        if (end > in[a])
            m->after[a] = max_u32(m->after[a], (uint32_t)(end - in[a]));
    }
}

/* A layer reads its input's map. */
static void read_by(struct values *v, uint32_t layer)
{
    struct value_layer *own = &v->layer[layer];
    struct value_spec *in = &v->spec[own->in];

    own->next_reader = in->reader;
    in->reader = layer;
    if (!layer_is_digital(layer_of(v, layer)))
        widen(&in->map, layer_of(v, layer));
}

/* Which maps there are, what makes them, and who reads them. */
static void find_specs(struct values *v)
{
    v->n_spec = v->network->n_layer;
    add_step(v, VALUE_SPREAD, 0, 0);
    for (uint32_t i = 0; i < v->network->n_layer; i++) {
        const struct layer *l = layer_of(v, i);
        struct value_layer *own = &v->layer[i];
        describe(&v->spec[i], layer_delivers(l), l);
        own->out = own->pooled = i;
        if (i == 0)
            continue;
        own->in = l->n_input == 1 ? l->input[0] : concatenated(v, i);
        read_by(v, i);
        if (l->pooled) {
            own->pooled = v->n_spec++;
            describe(&v->spec[own->pooled], l->out, l);
        }
        add_step(v, VALUE_COMPUTE, i, own->pooled);
        if (l->pooled)
            add_step(v, VALUE_POOL, i, i);
    }
}

/* A map takes its place. */
static size_t lay_map(struct values *v, struct value_map *m, size_t pixel_bytes)
{
    size_t begin = v->lane_bytes;

    m->pixel_bytes = pixel_bytes;
    m->column_bytes = ((size_t)m->shape.height + m->before[0] + m->after[0]) * pixel_bytes;
    v->lane_bytes += value_columns(m) * m->column_bytes;
    return begin;
}

static bool is_counted(const struct values *v, const struct value_spec *s)
{
    for (uint32_t i = s->reader; i != NO_LAYER; i = v->layer[i].next_reader)
        if (value_counts(v->network, layer_of(v, i)))
            return true;
    return false;
}

static size_t bytes_of(const struct value_spec *s)
{
    return value_columns(&s->map) * s->map.column_bytes;
}

/* Whether a map may lie where others did: not if it has a border, which is written once. */
static bool may_move(const struct value_spec *s)
{
    const struct value_map *m = &s->map;

    return s->last < UINT32_MAX && s->packed.kept == 0 &&
           (m->before[0] | m->before[1] | m->after[0] | m->after[1]) == 0;
}

/* A map that another one, of those before it, has to make room for; NULL: none is in its way. */
static const struct value_spec *in_its_way(const struct values *v, uint32_t spec)
{
    const struct value_spec *s = &v->spec[spec];

    for (uint32_t i = 0; i < spec; i++) {
        const struct value_spec *o = &v->spec[i];
        if (may_move(o) && o->made <= s->last && s->made <= o->last &&
            o->begin < s->begin + bytes_of(s) && s->begin < o->begin + bytes_of(o))
            return o;
    }
    return NULL;
}

/* Maps that are wanted at other times share memory: each lies as far in front as it can. */
static void share_memory(struct values *v)
{
    const size_t front = v->lane_bytes;
    const struct value_spec *other;

    for (uint32_t i = 0; i < v->n_spec; i++) {
        struct value_spec *s = &v->spec[i];
        if (!may_move(s))
            continue;
        s->begin = front;
        while ((other = in_its_way(v, i)))
            s->begin = other->begin + bytes_of(other);
        v->lane_bytes = max_u64(v->lane_bytes, s->begin + bytes_of(s));
    }
}

/* Where maps lie in the memory of the lanes, one behind the other but for those that share it. */
static void lay_out(struct values *v)
{
    for (uint32_t i = 0; i < v->n_spec; i++) {
        struct value_spec *s = &v->spec[i];
        const size_t before = v->lane_bytes;
        s->begin = lay_map(v, &s->map, (size_t)s->map.quads * VALUE_BYTES *
                                           (s->map.sums ? sizeof(int32_t) : 1));
        if (!is_counted(v, s)) {
            v->lane_bytes = may_move(s) ? before : v->lane_bytes;
            continue;
        }
        s->packed = s->map;
        s->packed_begin = lay_map(v, &s->packed, ceil_div(s->map.quads, v->counter->step_quads) *
                                                     v->counter->step_bytes);
    }
    share_memory(v);
}

/* ---- scales ---- */

static bool scale_alloc(struct value_scale *s, uint32_t n)
{
    s->m = calloc(n, sizeof *s->m);
    s->b = calloc(n, sizeof *s->b);
    s->mr = calloc(n, sizeof *s->mr);
    s->shift = calloc(n, sizeof *s->shift);
    s->m_real = calloc(n, sizeof *s->m_real);
    s->b_real = calloc(n, sizeof *s->b_real);
    s->mr_real = calloc(n, sizeof *s->mr_real);
    s->in_doubles = true;
    return s->m && s->b && s->mr && s->shift && s->m_real && s->b_real && s->mr_real;
}

static void scale_release(struct value_scale *s)
{
    free(s->m);
    free(s->b);
    free(s->mr);
    free(s->shift);
    free(s->m_real);
    free(s->b_real);
    free(s->mr_real);
    value_steps_free(s->steps);
}

static void set_range(struct value_scale *s, int32_t zero, int32_t low, int32_t high,
                      bool is_signed)
{
    s->offset = (int16_t)(zero + offset_of(is_signed));
    s->low = (uint8_t)(low + offset_of(is_signed));
    s->high = (uint8_t)(high + offset_of(is_signed));
}

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

/* Bytes that a layer looks up are of either type. */
static void set_range_looked_up(struct value_scale *s, const struct layer *l)
{
    const struct requant *q = &l->requant;

    set_range(s, q->zero, q->low, q->high, l->table ? q->low < 0 || q->zero < 0 : l->out_signed);
}

/* The layer's table, as bytes are stored before and behind it. */
static bool prepare_table(struct values *v, uint32_t index)
{
    const struct layer *l = layer_of(v, index);
    const struct requant *q = &l->requant;
    bool is_signed = layer_is_of_tokens(l) ? layer_of(v, l->input[0])->out_signed
                                           : q->low < 0 || q->zero < 0; // before it is looked up
    uint8_t before = is_signed ? 0x80 : 0, behind = l->out_signed ? 0x80 : 0;
    uint32_t n = value_outputs(v, l);
    uint8_t *table;

    if (!l->table)
        return true;
    table = v->layer[index].table = calloc(n, 256);
    for (uint32_t o = 0; table && o < l->out.channels; o++)
        for (uint32_t byte = 0; byte < 256; byte++)
            table[o * 256 + (byte ^ before)] = layer_look_up(l, o, (uint8_t)byte) ^ behind;
    return table;
}

/* Channel o of *s: sums of at most most_sum, a residual that is r_zero more as stored. */
static void set_scale(struct value_scale *s, uint32_t o, uint32_t m, int64_t b, int64_t mr,
                      int32_t r_zero, uint8_t shift, uint64_t most_sum)
{
    const uint64_t most_b = UINT64_C(1) << 51, most_mr = UINT64_C(1) << 41;
    uint64_t bias = (uint64_t)b - (uint64_t)r_zero * (uint64_t)mr;

    s->m[o] = m;
    s->b[o] = bias;
    s->mr[o] = (uint64_t)mr;
    s->shift[o] = shift;
    s->m_real[o] = ldexp((double)m, -shift);
    s->b_real[o] = ldexp((double)(int64_t)bias, -shift);
    s->mr_real[o] = ldexp((double)mr, -shift);
    /* Every integer below 2^53 is a double; a conversion to 32 bits must not overflow. */
    uint64_t most = most_sum * m + magnitude((int64_t)bias) + 255 * magnitude(mr);
    s->in_doubles = s->in_doubles && magnitude((int64_t)bias) < most_b &&
                    magnitude(mr) < most_mr && most_sum < UINT64_C(1) << 31 && m <= 1U << 24 &&
                    most < UINT64_C(1) << 52 && shift <= 44 && most >> shift < UINT64_C(1) << 30;
}

/* What a sum of output o is at most, for values of at most 1; *start: what takes the offset of
 * stored bytes, and their zero point, off it. */
static uint64_t weigh(const struct layer *l, uint32_t o, uint8_t zero, int32_t *start)
{
    uint32_t rows = layer_kernel_rows(l), most = 0;
    const int8_t *w = l->weight + (size_t)o * rows;
    int64_t sum = 0;

    for (uint32_t i = 0; i < rows; i++) {
        sum += w[i];
        most += (uint32_t)abs(w[i]);
    }
    *start = (int32_t)-(sum * zero);
    return most;
}

static uint32_t scales_of(const struct values *v, const struct layer *l)
{
    if (l->kind == LAYER_AVERAGE_POOL) // one for each number of pixels, for all channels of a quad
        return layer_n_scale(l) * VALUE_QUAD;
    return value_outputs(v, l);
}

static bool has_cores(const struct value_cores *cores, uint32_t index)
{
    return cores && cores[index].n > 0;
}

static bool prepare_scale(struct values *v, uint32_t index, const struct value_cores *cores)
{
    const struct layer *l = layer_of(v, index);
    const struct requant *q = &l->requant;
    struct value_layer *own = &v->layer[index];
    struct value_scale *s = &own->scale;
    uint32_t per = l->kind == LAYER_AVERAGE_POOL ? VALUE_QUAD : 1;
    uint64_t unit = l->multiplies ? UINT64_C(1) << 18 : 255, most = layer_n_scale(l); // of them
    bool adds = l->has_residual && !l->multiplies;

    if (layer_is_of_tokens(l))
        return true;
    own->start = l->weight ? calloc(value_outputs(v, l), sizeof *own->start) : NULL;
    if (!scale_alloc(s, scales_of(v, l)) || (l->weight && !own->start))
        return false;
    set_range_looked_up(s, l);
    if (l->has_residual)
        own->residual_zero = q->r_zero + offset_of(layer_of(v, l->residual)->out_signed);
    for (uint32_t i = 0; i < (l->raw_output ? l->out.channels : layer_n_scale(l)); i++) {
        if (l->weight)
            most = has_cores(cores, index)
                       ? value_weigh_cores(&cores[index], l, i, &own->start[i])
                       : weigh(l, i, v->spec[own->in].map.zero, &own->start[i]);
        for (uint32_t k = 0; k < per && !l->raw_output; k++)
            set_scale(s, i * per + k, q->m[i], q->b[i], adds ? q->mr[i] : 0,
                      own->residual_zero, q->shift[i], unit * most);
        if (l->raw_output)
            s->b[i] = (uint64_t)q->b[i];
    }
    s->function = l->function;
    const bool looks_up = s->in_doubles && l->function;
    s->in_doubles = s->in_doubles && !l->raw_output && !l->function;
    return !looks_up || value_steps_new(s, &s->steps);
}

static bool prepare_pool(struct values *v, uint32_t index)
{
    const struct layer *l = layer_of(v, index);
    struct value_scale *s = &v->layer[index].pool;

    if (!l->pooled)
        return true;
    if (!scale_alloc(s, VALUE_QUAD))
        return false;
    set_range(s, l->pool.zero, l->pool.low, l->pool.high, l->out_signed);
    for (uint32_t c = 0; c < VALUE_QUAD; c++)
        set_scale(s, c, l->pool.m, l->pool.b, 0, 0, l->pool.shift,
                  255 * (uint64_t)l->out.height * l->out.width);
    return true;
}

/* Whether every byte of the input is delivered as it is. */
static bool is_identity(const struct values *v, uint32_t index)
{
    const struct layer *l = layer_of(v, index);
    const struct value_scale *s = &v->layer[index].scale;
    const struct value_map *in = &v->spec[v->layer[index].in].map;
    int32_t sum[VALUE_QUAD][VALUE_LANES];
    uint8_t out[VALUE_BYTES];

    for (uint32_t o = 0; o < l->out.channels; o += VALUE_QUAD)
        for (int32_t byte = 0; byte < 256; byte += VALUE_LANES) {
            for (uint32_t i = 0; i < VALUE_BYTES; i++)
                sum[i % VALUE_QUAD][i / VALUE_QUAD] = byte + (int32_t)i / VALUE_QUAD - in->zero;
            value_finish_exact(s, o, (const int32_t(*)[VALUE_LANES])sum, NULL, out);
            for (uint32_t i = 0; i < VALUE_BYTES; i++)
                if (o + i % VALUE_QUAD < l->out.channels &&
                    out[i] != byte + (int32_t)i / VALUE_QUAD)
                    return false;
        }
    return true;
}

/* ---- weights ---- */

/* Input quads that outputs [first, first + n) read. */
static uint32_t quads_read(const struct layer *l, uint32_t first, uint32_t n, uint32_t *from)
{
    uint32_t in = l->in.channels / l->groups, out = l->out.channels / l->groups;
    uint32_t last = min_u32(first + n, l->out.channels) - 1;

    *from = first / out * in / VALUE_QUAD;
    return ((last / out + 1) * in - 1) / VALUE_QUAD + 1 - *from;
}

/* Outputs of a block at most: fewer where those of other groups would read other quads. */
static uint32_t block_outputs(const struct values *v, const struct layer *l)
{
    if (value_counts(v->network, l))
        return v->counter->outputs;
    bool alike = l->groups == 1 || l->out.channels / l->groups % v->kernel->outputs == 0;

    return alike ? v->kernel->outputs : VALUE_QUAD;
}

static bool cut_blocks(struct values *v, uint32_t index)
{
    const struct layer *l = layer_of(v, index);
    struct value_layer *own = &v->layer[index];
    uint32_t outputs = block_outputs(v, l), from;

    own->block = calloc(ceil_div(l->out.channels, VALUE_QUAD), sizeof *own->block);
    for (uint32_t o = 0; own->block && o < l->out.channels; o += outputs) {
        struct value_block *b = &own->block[own->n_block++];
        uint32_t n = min_u32(outputs, l->out.channels - o);
        b->first = o;
        b->quads = (uint32_t)ceil_div(n, VALUE_QUAD);
        own->quads = max_u32(own->quads, quads_read(l, o, n, &from));
    }
    return own->block;
}

/* Where in a window quads stand one after the other: a column of it, or a pixel. */
static void find_runs(struct values *v, uint32_t index)
{
    const struct layer *l = layer_of(v, index);
    const struct window *w = &l->window;
    struct value_layer *own = &v->layer[index];
    bool whole = own->quads == v->spec[own->in].map.quads && w->dilation[0] == 1;

    own->rows = whole ? 1 : w->kernel[0];
    own->steps = own->quads * (whole ? w->kernel[0] : 1);
    v->most_runs = max_u32(v->most_runs, own->rows * w->kernel[1]);
}

/* The weights of output o for channel c, of every position of the kernel; NULL where all are 0: it
 * is of another group, or filled up. */
static const int8_t *weights_of(const struct layer *l, uint32_t o, uint32_t c)
{
    uint32_t in = l->in.channels / l->groups, out = l->out.channels / l->groups;
    uint32_t positions = l->window.kernel[0] * l->window.kernel[1];

    if (o >= l->out.channels || c >= l->in.channels || c / in != o / out)
        return NULL;
    return l->weight + ((size_t)o * in + c % in) * positions;
}

/* Packs the weights of an output of a block for one quad: `apart` bytes from one position of the
 * kernel to the next. */
static void pack_quad(const struct layer *l, uint32_t o, uint32_t quad, size_t apart, int8_t *to)
{
    const uint32_t *kernel = l->window.kernel;
    const int8_t *from[VALUE_QUAD];

    for (uint32_t c = 0; c < VALUE_QUAD; c++)
        from[c] = weights_of(l, o, quad * VALUE_QUAD + c);
    if (kernel[0] * kernel[1] == 1 && l->groups == 1 && from[VALUE_QUAD - 1]) {
        memcpy(to, from[0], VALUE_QUAD);
        return;
    }
    for (uint32_t j = 0; j < kernel[1]; j++)
        for (uint32_t i = 0; i < kernel[0]; i++, to += apart)
            for (uint32_t c = 0; c < VALUE_QUAD; c++)
                to[c] = from[c] ? from[c][i * kernel[1] + j] : 0;
}

static void pack_block(const struct values *v, uint32_t index, const struct value_block *b)
{
    const struct layer *l = layer_of(v, index);
    uint32_t outputs = b->quads * VALUE_QUAD, quads = v->layer[index].quads;
    size_t step = (size_t)outputs * VALUE_QUAD;

    for (uint32_t k = 0; k < quads; k++)
        for (uint32_t o = 0; o < outputs; o++)
            pack_quad(l, b->first + o, b->in_quad + k, quads * step,
                      v->weight + b->weight + k * step + o * VALUE_QUAD);
}

/* Where the weights of each block will be; *bytes: of all layers so far. */
static bool place_weights(struct values *v, uint32_t index, size_t *bytes)
{
    const struct layer *l = layer_of(v, index);
    struct value_layer *own = &v->layer[index];
    const struct value_map *in = &v->spec[own->in].map;

    if (!cut_blocks(v, index))
        return false;
    find_runs(v, index);
    if (!value_bits_prepare(v, index))
        return false;
    for (uint32_t i = 0; i < own->n_block; i++) {
        struct value_block *b = &own->block[i];
        quads_read(l, b->first, b->quads * VALUE_QUAD, &b->in_quad);
        b->in_quad = min_u32(b->in_quad, in->quads - own->quads);
        b->weight = *bytes;
        if (own->bits.words > 0)
            continue;
        *bytes += (size_t)own->rows * l->window.kernel[1] * own->steps * b->quads * VALUE_QUAD *
                  VALUE_QUAD;
    }
    v->most_sums = max_u64(v->most_sums, (size_t)max_u32(l->out.height, VALUE_TOGETHER) *
                                             own->block[0].quads * VALUE_QUAD * VALUE_LANES);
    return true;
}

/* What the kernel wants to know of them. */
static bool look_at_weights(struct values *v, size_t bytes)
{
    if (!v->kernel->saturates)
        return true;
    v->saturates = pages_new(bytes / VALUE_STEP);
    for (size_t i = 0; v->saturates && i < bytes / VALUE_STEP; i++)
        v->saturates[i] = v->kernel->saturates(v->weight + i * VALUE_STEP);
    return v->saturates;
}

static bool prepare_weights(struct values *v, const struct value_cores *cores)
{
    size_t bytes = 0, words = 0;

    for (uint32_t i = 1; i < v->network->n_layer; i++) {
        if (layer_is_digital(layer_of(v, i)))
            continue;
        if (has_cores(cores, i) ? !value_place_reads(v, i, &cores[i], &words)
                                : !place_weights(v, i, &bytes))
            return false;
    }
    v->weight = pages_new(bytes);
    v->wide = pages_new(words * sizeof *v->wide);
    for (uint32_t i = 1; v->weight && v->wide && i < v->network->n_layer; i++) {
        for (uint32_t k = 0; v->layer[i].bits.words == 0 && k < v->layer[i].n_block; k++)
            pack_block(v, i, &v->layer[i].block[k]);
        if (v->layer[i].n_read > 0)
            value_pack_reads(v, i, &cores[i]);
    }
    return v->weight && v->wide && look_at_weights(v, bytes);
}

static bool prepare_layer(struct values *v, uint32_t index, const struct value_cores *cores)
{
    const struct layer *l = layer_of(v, index);
    struct value_layer *own = &v->layer[index];

    if (!prepare_scale(v, index, cores) || !prepare_table(v, index) || !prepare_pool(v, index))
        return false;
    if (layer_is_of_tokens(l))
        v->token_room = max_u64(v->token_room, value_tokens_room(l));
    v->most_columns = max_u32(v->most_columns, max_u32(l->window.kernel[1], l->out.width));
    own->identity = l->kind == LAYER_MAX_POOL && !l->has_residual && !l->table &&
                    is_identity(v, index);
    return true;
}

struct values *values_new(const struct network *n, const char *kernel_name)
{
    return values_new_on(n, kernel_name, NULL);
}

enum keep { KEEP_WHAT_IS_READ, KEEP_ENDS, KEEP_ALL };

static bool is_end(const struct network *n, uint32_t layer)
{
    bool found = false;

    for (uint32_t i = 0; i < n->n_end; i++)
        found = found || n->end[i].layer == layer;
    return found;
}

static void keep_whole(struct values *v, enum keep keep)
{
    for (uint32_t i = 0; i < v->n_spec; i++)
        if (keep == KEEP_ALL || (keep == KEEP_ENDS && is_end(v->network, i))) {
            v->spec[i].map.kept = v->spec[i].map.shape.width;
            v->spec[i].last = UINT32_MAX;
        }
}

static struct values *make_values(const struct network *n, const char *kernel_name,
                                  const struct value_cores *cores, enum keep keep)
{
    enum simd simd = simd_find(kernel_name);
    struct values *v = simd < N_SIMD ? calloc(1, sizeof *v) : NULL;
    size_t most_specs = 3 * (size_t)n->n_layer;

    if (!v)
        return NULL;
    *v = (struct values){ .network = n, .kernel = kernels[simd],
                          .counter = value_counter_of(kernels[simd]),
                          .image_bytes = network_image_bytes(n),
                          .keeps_ends = keep == KEEP_ENDS,
                          .plain = network_is_wide(n) || network_is_spiking(n) };
    assert(!v->plain || !cores);
    if (v->plain)
        return v;
    v->layer = calloc(n->n_layer, sizeof *v->layer);
    v->spec = calloc(most_specs, sizeof *v->spec);
    v->step = calloc(most_specs, sizeof *v->step);
    bool done = v->layer && v->spec && v->step;
    if (done) {
        find_specs(v);
        done = value_flow(v);
        keep_whole(v, keep);
        lay_out(v);
    }
    for (uint32_t i = 1; done && i < n->n_layer; i++)
        done = prepare_layer(v, i, cores);
    if (done && prepare_weights(v, cores))
        return v;
    values_free(v);
    return NULL;
}

struct values *values_new_on(const struct network *n, const char *kernel_name,
                             const struct value_cores *cores)
{
    return make_values(n, kernel_name, cores, KEEP_WHAT_IS_READ);
}

struct values *values_new_whole(const struct network *n, const char *kernel_name,
                                const struct value_cores *cores)
{
    return make_values(n, kernel_name, cores, KEEP_ALL);
}

struct values *values_new_ends(const struct network *n, const char *kernel_name)
{
    return make_values(n, kernel_name, NULL, KEEP_ENDS);
}

uint32_t values_together(const struct values *v)
{
    return v->plain ? 1 : VALUE_LANES;
}

bool values_rescale(struct values *v, uint32_t layer, const struct value_cores *cores)
{
    struct value_layer *own = &v->layer[layer];

    scale_release(&own->scale);
    free(own->start);
    own->scale = (struct value_scale){ 0 };
    own->start = NULL;
    if (!prepare_scale(v, layer, cores))
        return false;
    if (own->bits.words > 0)
        value_bits_scale(v, layer);
    return true;
}

void values_free(struct values *v)
{
    if (!v)
        return;
    for (uint32_t i = 0; v->layer && i < v->network->n_layer; i++) {
        struct value_layer *l = &v->layer[i];
        scale_release(&l->scale);
        scale_release(&l->pool);
        free(l->table);
        free(l->start);
        free(l->block);
        value_bits_release(&l->bits);
        free(l->read);
    }
    free(v->layer);
    free(v->weight);
    free(v->saturates);
    free(v->wide);
    free(v->spec);
    free(v->step);
    free(v->turn);
    free(v);
}

size_t values_image_bytes(const struct values *v)
{
    return v->image_bytes;
}
