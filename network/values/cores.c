/* network/values/cores.c -- layers whose weights are those of several cores, each read by itself;
 * see values.h. */
#include <stdlib.h>

#include "core/util.h"
#include "network/values/prepared.h"

static uint32_t positions_of(const struct layer *l)
{
    return l->window.kernel[0] * l->window.kernel[1];
}

static const int16_t *matrix_of(const struct value_core *c, uint32_t matrix)
{
    return matrix == 0 ? c->weight : c->more[matrix - 1];
}

static bool has_output(const struct value_core *c, uint32_t o)
{
    return o >= c->out_first && o - c->out_first < c->out_n;
}

/* The weights of output o, [in_n][window]; NULL: it is not the core's. */
static const int16_t *output_of(const struct value_core *c, uint32_t matrix, const struct layer *l,
                                uint32_t o)
{
    if (!has_output(c, o))
        return NULL;
    return matrix_of(c, matrix) + (size_t)(o - c->out_first) * c->in_n * positions_of(l);
}

uint64_t value_weigh_cores(const struct value_cores *c, const struct layer *l, uint32_t o,
                           int32_t *start)
{
    uint32_t rows = layer_kernel_rows(l);
    uint64_t most = 0;
    int64_t sum = 0;

    for (uint32_t i = 0; i < rows; i++) {
        int32_t w = l->weight[(size_t)o * rows + i];
        sum += w;
        most += (uint32_t)abs(w);
    }
    *start = (int32_t)(-sum * l->in_zero);
    for (uint32_t k = 0; k < c->n; k++) {
        const struct value_reader *reader = c->core[k].reader;
        uint64_t all = 0;
        if (reader && reader->most > 0) { // of values of at most 255
            most += has_output(&c->core[k], o) ? (uint64_t)reader->most / UINT8_MAX + 1 : 0;
            continue;
        }
        const int16_t *w = output_of(&c->core[k], 0, l, o);
        for (size_t i = 0; w && i < (size_t)c->core[k].in_n * positions_of(l); i++)
            all += (uint32_t)abs(w[i]);
        most += (all * c->core[k].scale >> VALUE_SCALE_BIT) + 1;
    }
    return most;
}

static uint32_t quads_of(const struct value_core *c)
{
    return (c->in_first + c->in_n - 1) / VALUE_QUAD + 1 - c->in_first / VALUE_QUAD;
}

/* Stored bytes of signed values are 128 more. */
static void set_start(struct value_read *r, const struct value_core *c, uint32_t matrix,
                      const struct layer *l, const struct value_map *in)
{
    for (uint32_t o = 0; o < r->quads * VALUE_QUAD; o++) {
        const int16_t *w = output_of(c, matrix, l, r->first + o);
        int64_t sum = 0;
        for (size_t i = 0; w && i < (size_t)c->in_n * positions_of(l); i++)
            sum += w[i];
        r->start[matrix][o] = (int32_t)(in->is_signed ? -128 * sum : 0);
    }
}

/* Outputs of a block of a layer with these cores. */
static uint32_t block_of(const struct values *v, const struct value_cores *c)
{
    for (uint32_t k = 0; k < c->n; k++)
        if (c->core[k].weight)
            return v->kernel->outputs;
    return READ_OUTPUTS;
}

/* A core's part of the block of outputs from `first` on, of `block`. */
static struct value_read read_of(const struct values *v, uint32_t index,
                                 const struct value_core *c, uint32_t first, uint32_t block)
{
    const struct layer *l = &v->network->layer[index];
    const struct value_map *in = &v->spec[v->layer[index].in].map;
    uint32_t quads = quads_of(c);
    bool whole = quads == in->quads && l->window.dilation[0] == 1;
    struct value_read r = {
        .first = first,
        .quads = (uint32_t)ceil_div(min_u32(block, l->out.channels - first),
                                    VALUE_QUAD),
        .in_quad = c->in_first / VALUE_QUAD,
        .rows = whole ? 1 : l->window.kernel[0],
        .steps = quads * (whole ? l->window.kernel[0] : 1),
        .scale = c->scale, .reader = c->reader,
    };

    while (r.matrices < VALUE_MOST_MATRICES &&
           (r.matrices == 0 ? c->weight : c->more[r.matrices - 1]))
        set_start(&r, c, r.matrices++, l, in);
    return r;
}

static bool sees(const struct value_core *c, const struct value_read *r)
{
    return c->out_first < r->first + r->quads * VALUE_QUAD && r->first < c->out_first + c->out_n;
}

bool value_place_reads(struct values *v, uint32_t index, const struct value_cores *c, size_t *n)
{
    const struct layer *l = &v->network->layer[index];
    struct value_layer *own = &v->layer[index];
    const uint32_t block = block_of(v, c);
    size_t blocks = ceil_div(l->out.channels, block);

    own->read = calloc(blocks * c->n, sizeof *own->read);
    for (uint32_t o = 0; own->read && o < l->out.channels; o += block) {
        uint32_t before = own->n_read;
        for (uint32_t k = 0; k < c->n; k++) {
            struct value_read r = read_of(v, index, &c->core[k], o, block);
            if (!sees(&c->core[k], &r))
                continue;
            r.opens = own->n_read == before;
            for (uint32_t m = 0; m < r.matrices; m++) {
                r.weight[m] = *n;
                *n += (size_t)r.rows * l->window.kernel[1] * r.steps * r.quads * VALUE_QUAD *
                      VALUE_QUAD;
            }
            v->most_matrices = max_u32(v->most_matrices, r.matrices);
            v->most_scratch = max_u64(v->most_scratch, r.reader ? r.reader->scratch : 0);
            own->read[own->n_read++] = r;
        }
        own->read[own->n_read - 1].closes = true; // every output is some core's
    }
    v->most_runs = max_u32(v->most_runs, positions_of(l));
    v->most_sums = max_u64(v->most_sums, (size_t)l->out.height * block * VALUE_LANES);
    return own->read;
}

/* The weights of four channels from `channel` on, at a place of the window. */
static void pack_quad(const struct value_core *c, const struct layer *l, const int16_t *output,
                      uint32_t channel, uint32_t place, int16_t *to)
{
    static const uint8_t order[VALUE_QUAD] = { 0, 2, 1, 3 };

    for (uint32_t i = 0; i < VALUE_QUAD; i++) {
        uint32_t ch = channel + order[i] - c->in_first; // beyond in_n, too, below the first
        to[i] = output && ch < c->in_n ? output[(size_t)ch * positions_of(l) + place] : 0;
    }
}

static void pack_read(const struct values *v, const struct layer *l, const struct value_core *c,
                      uint32_t matrix, const struct value_read *r)
{
    const uint32_t *kernel = l->window.kernel;
    int16_t *to = v->wide + r->weight[matrix];

    for (uint32_t j = 0; j < kernel[1]; j++)
        for (uint32_t i = 0; i < kernel[0]; i++)
            for (uint32_t k = 0; k < quads_of(c); k++)
                for (uint32_t o = 0; o < r->quads * VALUE_QUAD; o++, to += VALUE_QUAD)
                    pack_quad(c, l, output_of(c, matrix, l, r->first + o),
                              (r->in_quad + k) * VALUE_QUAD, i * kernel[1] + j, to);
}

void value_pack_reads(struct values *v, uint32_t index, const struct value_cores *c)
{
    const struct value_read *r = v->layer[index].read;

    for (uint32_t i = 0, k = 0; i < v->layer[index].n_read; i++, k++) {
        k = r[i].opens ? 0 : k;
        while (!sees(&c->core[k], &r[i]))
            k++;
        for (uint32_t m = 0; m < r[i].matrices; m++)
            pack_read(v, &v->network->layer[index], &c->core[k], m, &r[i]);
    }
}
