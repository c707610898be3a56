/* dataflow/mapping.c -- see mapping.h. */
#include "dataflow/mapping.h"

#include <assert.h>

#include "core/util.h"

static uint32_t gcd(uint32_t a, uint32_t b)
{
    return b ? gcd(b, a % b) : a;
}

/* Distinct input positions along one axis of the windows of `count` neighbouring outputs: the size
 * of { i * stride + j * dilation : i < count, j < kernel }. With g = gcd(stride, dilation),
 * position j of window i is position j + stride / g of window i - dilation / g. So the first
 * dilation / g windows are all new, and each later one adds min(kernel, stride / g). */
static uint64_t axis_positions(const struct window *w, int axis, uint32_t count)
{
    uint32_t g = w->dilation[axis] == 1 ? 1 : gcd(w->stride[axis], w->dilation[axis]);
    uint32_t kernel = w->kernel[axis];
    uint64_t first = min_u32(count, w->dilation[axis] / g);

    return first * kernel + (count - first) * min_u32(kernel, w->stride[axis] / g);
}

struct replicas replicas_make(const struct window *w, uint32_t n, uint32_t block_width)
{
    assert(n >= 1 && block_width >= 1);
    if (n > 1 && (w->again[0] || w->again[1])) // outputs that see one pixel share no patches
        return (struct replicas){ .n = n, .width = 1, .height = n, .positions = UINT32_MAX };
    uint32_t width = min_u32(block_width, n), height = n / width, rest = n % width;
    uint64_t rows = axis_positions(w, 0, height), positions = rows * axis_positions(w, 1, width);

    if (rest > 0)
        positions += (axis_positions(w, 0, height + 1) - rows) * axis_positions(w, 1, rest);
    return (struct replicas){ .n = n, .width = width, .height = height,
                              .positions = (uint32_t)min_u64(positions, UINT32_MAX) };
}

uint32_t split_count(uint32_t channels, uint32_t room, uint32_t each)
{
    uint32_t fit = room / each;

    return fit ? (uint32_t)ceil_div(channels, fit) : 0;
}

struct cut layer_cut(const struct layer *l, const struct replicas *r, uint32_t rows,
                     uint32_t columns)
{
    uint32_t in = l->in.channels / l->groups, out = l->out.channels / l->groups;
    uint32_t whole = min_u32(rows / r->positions / in, columns / r->n / out);

    if (whole > 0)
        return (struct cut){ 1, (uint32_t)ceil_div(l->groups, whole), false };
    struct cut cut = { split_count(in, rows, r->positions),
                       l->groups * split_count(out, columns, r->n), false };
    uint64_t all = (uint64_t)in * r->positions;
    if (cut.parts == 0 && r->n == 1 && !layer_is_digital(l) && all < UINT32_MAX) {
        cut.parts = (uint32_t)ceil_div(all, rows);
        cut.inside = true;
    }
    return cut;
}

/* A part's share of the rows, and the channels that it lies in. */
static void cut_rows(struct slice *s, uint32_t in, uint32_t positions, uint32_t parts,
                     uint32_t part)
{
    uint32_t end = share_begin(in * positions, parts, part + 1);

    s->row_first = share_begin(in * positions, parts, part);
    s->row_n = end - s->row_first;
    s->in_first += s->row_first / positions;
    s->in_n = (end - 1) / positions + 1 - s->row_first / positions;
}

static struct slice channels_of(const struct layer *l, struct cut cut, uint32_t part,
                                uint32_t split)
{
    uint32_t in = l->in.channels / l->groups, out = l->out.channels / l->groups;
    uint32_t parts = cut.inside ? 1 : cut.parts, at = cut.inside ? 0 : part;

    if (cut.splits <= l->groups) { // whole channel groups, or one that is cut into parts
        uint32_t first = share_begin(l->groups, cut.splits, split);
        uint32_t n = share_begin(l->groups, cut.splits, split + 1) - first;
        uint32_t begin = share_begin(n * in, parts, at);
        return (struct slice){ .in_first = first * in + begin,
                               .in_n = share_begin(n * in, parts, at + 1) - begin,
                               .out_first = first * out,
                               .out_n = n * out };
    }
    uint32_t shares = cut.splits / l->groups, first = split / shares, share = split % shares;
    uint32_t in_begin = share_begin(in, parts, at);
    uint32_t out_begin = share_begin(out, shares, share);
    return (struct slice){ .in_first = first * in + in_begin,
                           .in_n = share_begin(in, parts, at + 1) - in_begin,
                           .out_first = first * out + out_begin,
                           .out_n = share_begin(out, shares, share + 1) - out_begin };
}

struct slice layer_slice(const struct layer *l, struct cut cut, uint32_t part, uint32_t split)
{
    uint32_t in = l->in.channels / l->groups;
    uint32_t positions = l->window.kernel[0] * l->window.kernel[1];
    struct slice s = channels_of(l, cut, part, split);

    s.row_first = s.in_first % in * positions;
    s.row_n = min_u32(s.in_n, in) * positions;
    if (cut.inside)
        cut_rows(&s, in, positions, cut.parts, part);
    return s;
}
