/* dataflow/plan/structure.c -- small questions about a plan's structure. */
#include "dataflow/plan/structure.h"

#include <assert.h>

#include "core/util.h"

const char *stream_kind_name(enum stream_kind k)
{
    static const char *const names[N_STREAM_KIND] = {
        [STREAM_IMAGE] = "image",
        [STREAM_FORWARD] = "forward",
        [STREAM_VALID] = "valid",
        [STREAM_PARTIAL_SUM] = "partial_sum",
        [STREAM_RESIDUAL] = "residual",
        [STREAM_TO_RESAMPLING] = "to_resampling",
        [STREAM_FROM_RESAMPLING] = "from_resampling",
        [STREAM_IMAGE_RESIDUAL] = "image_residual",
        [STREAM_RESULT] = "result",
    };

    assert(k < N_STREAM_KIND);
    return names[k];
}

struct firing_shape plan_firing_shape(const struct plan *p, uint32_t layer)
{
    const struct plan_layer *pl = &p->layer[layer];
    const struct shape *out = &plan_network_layer(p, layer)->out;

    return (struct firing_shape){
        .height = out->height,
        .width = out->width,
        .n = pl->replicas.n,
        .block_w = pl->replicas.width,
        .block_h = pl->replicas.height,
        .copies = pl->copies,
    };
}

uint32_t plan_owner(const struct plan *p, uint32_t layer, uint32_t column)
{
    struct firing_shape shape = plan_firing_shape(p, layer);

    return column / p->layer[layer].firing->strip_width(&shape) % shape.copies;
}

static bool is_read_back(const struct plan_stream *s)
{
    return s->kind == STREAM_RESIDUAL || s->kind == STREAM_TO_RESAMPLING;
}

/* Whether columns come that another copy of the receiver adds. */
static bool drops(const struct plan *p, const struct plan_stream *s)
{
    const struct plan_core *from = &p->core[s->from], *to = &p->core[s->to];
    const struct layer *l = plan_network_layer(p, from->plan_layer);

    if (s->kind != STREAM_FROM_RESAMPLING)
        return false;
    for (uint32_t column = 0; column < layer_delivers(l).width; column++)
        if ((l->pooled || plan_owner(p, from->plan_layer, column) == from->copy) &&
            plan_owner(p, to->plan_layer, column) != to->copy)
            return true;
    return false;
}

bool plan_same_tokens(const struct plan *p, const struct plan_stream *a,
                      const struct plan_stream *b)
{
    const bool back = is_read_back(a);

    return a->from == b->from && back == is_read_back(b) &&
           (!back || a->read_back == b->read_back) && a->first == b->first && a->n == b->n &&
           a->value_bits == b->value_bits && a->pos_first == b->pos_first &&
           a->pos_n == b->pos_n && !drops(p, a) && !drops(p, b);
}

uint32_t plan_sum_of(const struct plan *p, uint32_t layer)
{
    uint32_t i = 0;

    while (i < p->n_layer && !(p->layer[i].residual == RESIDUAL_DIRECT &&
                               p->layer[i].residual_from == layer))
        i++;
    return i;
}

/* Whether all copies of a layer together make their outputs in scan order. */
static bool fires_in_scan_order(const struct plan *p, uint32_t layer)
{
    struct firing_shape shape = plan_firing_shape(p, layer);

    return shape.copies == 1 && p->layer[layer].firing->in_scan_order(&shape);
}

bool plan_in_scan_order(const struct plan *p, uint32_t layer)
{
    const struct layer *l = plan_network_layer(p, layer);

    if (p->layer[layer].feed == FEED_READ_BACK) // in the order of its own outputs
        return fires_in_scan_order(p, layer);
    for (uint32_t i = 0; i < l->n_input && p->layer[layer].feed == FEED_PRODUCER; i++)
        if (!fires_in_scan_order(p, l->input[i] - 1))
            return false;
    return true;
}

uint32_t plan_kernel_columns(const struct plan *p, uint32_t layer)
{
    const struct window *w = &p->layer[layer].window;

    return min_u32((w->kernel[1] - 1) * w->dilation[1] + 1, p->layer[layer].in_width);
}

/* Positions [*first, *end) of channel `index` of a flat layer's part. */
void plan_flat_positions(const struct plan *p, const struct plan_core *core, uint32_t index,
                         uint32_t *first, uint32_t *end)
{
    const struct plan_layer *pl = &p->layer[core->plan_layer];
    uint32_t positions = pl->in_height * pl->in_width;
    uint32_t begin = core->row_first / positions * positions + index * positions;

    *first = core->row_first > begin ? core->row_first - begin : 0;
    *end = min_u32(core->row_first + core->row_n - begin, positions);
}

bool plan_flat_read(const struct plan *p, const struct plan_core *core, uint32_t row,
                    uint32_t *first_column, uint32_t *columns)
{
    uint32_t width = p->layer[core->plan_layer].in_width, from = UINT32_MAX, to = 0;

    for (uint32_t i = 0; i < core->in_n; i++) {
        uint32_t first, end;
        plan_flat_positions(p, core, i, &first, &end);
        first = max_u32(first, row * width + *first_column);
        end = min_u32(end, row * width + *first_column + *columns);
        if (first >= end)
            continue;
        from = min_u32(from, first);
        to = max_u32(to, end);
    }
    if (from >= to)
        return false;
    *first_column = from - row * width;
    *columns = to - from;
    return true;
}

uint32_t plan_last_convolution(const struct plan *p)
{
    uint32_t last = p->n_layer - 1;

    for (uint32_t i = 0; i < p->n_layer; i++)
        if (plan_network_layer(p, i)->kind == LAYER_CONV && p->layer[i].feed != FEED_READ_BACK)
            last = i;
    return last;
}

enum err plan_blame(const struct plan *p, const char *key, struct err_msg *m)
{
    err_prefix(m, config_where(p->config, key));
    return ERR_INPUT;
}
