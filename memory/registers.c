/* memory/registers.c -- see registers.h. */
#include "memory/registers.h"

#include <stdlib.h>

#include "core/util.h"

/* Nearest place inside the map, for a window that has no position there. */
static uint32_t nearest(int64_t at, uint32_t size)
{
    return at < 0 ? 0 : (uint32_t)min_u64((uint64_t)at, size - 1);
}

uint32_t window_first(const struct window *w, int axis, uint32_t at, uint32_t size)
{
    int64_t first = window_begin(w, axis, at);
    int64_t last = first + (int64_t)(w->kernel[axis] - 1) * w->dilation[axis];

    if (first < 0) // steps over the padding
        first += (int64_t)round_up((uint64_t)-first, w->dilation[axis]);
    return nearest(first <= last ? first : last, size);
}

uint32_t window_last(const struct window *w, int axis, uint32_t at, uint32_t size)
{
    int64_t first = window_begin(w, axis, at);
    int64_t last = first + (int64_t)(w->kernel[axis] - 1) * w->dilation[axis];

    if (last >= 0 && last < size) // mostly
        return (uint32_t)last;
    if (last >= size)
        last -= (int64_t)round_up((uint64_t)(last - size + 1), w->dilation[axis]);
    return nearest(last >= first ? last : first, size);
}

uint32_t window_inside(const struct window *w, int axis, uint32_t at, uint32_t size)
{
    int64_t x = window_begin(w, axis, at);
    uint32_t n = 0;

    for (uint32_t j = 0; j < w->kernel[axis]; j++, x += w->dilation[axis])
        n += x >= 0 && x < size;
    return n;
}

/* Reads of one row that a firing may need: one, but where a window's columns, or the windows of a
 * strip, are apart. */
static size_t reads_of_row(const struct window *w, uint32_t strip_width)
{
    if (w->dilation[1] > 1)
        return w->kernel[1];
    return w->stride[1] > w->kernel[1] ? strip_width : 1;
}

bool registers_init(struct input_registers *r, const struct window *w, uint32_t height,
                    uint32_t width, uint32_t strip_width)
{
    *r = (struct input_registers){
        .window = *w, .height = height, .width = width, .strip_width = strip_width,
    };
    r->row = calloc(height, sizeof *r->row);
    r->read = calloc(height * reads_of_row(w, strip_width), sizeof *r->read);
    if (r->row && r->read)
        return true;
    registers_release(r);
    return false;
}

void registers_release(struct input_registers *r)
{
    free(r->row);
    free(r->read);
    *r = (struct input_registers){ 0 };
}

void registers_reset(struct input_registers *r)
{
    r->strip_stamp = ++r->stamp;
    r->held = 0;
}

bool registers_begin(struct input_registers *r, const struct pixel *head)
{
    uint32_t strip = head->y / r->strip_width;
    bool fresh = r->strip_stamp == 0 || strip != r->strip || head->image != r->image;

    if (fresh) {
        r->strip_stamp = ++r->stamp;
        r->held = 0;
    }
    r->strip = strip;
    r->image = head->image;
    r->read_stamp = ++r->stamp;
    r->n_read = 0;
    return fresh;
}

/* Row x, of which columns [from, end) are needed and not all are held. */
static void need_row(struct input_registers *r, uint32_t x, uint32_t from, uint32_t end)
{
    struct register_row *row = &r->row[x];

    if (row->strip_stamp != r->strip_stamp) {
        row->strip_stamp = r->strip_stamp;
        row->end = from;
    }
    if (row->read_stamp != r->read_stamp || row->end < from) {
        row->end = max_u32(row->end, from);
        row->read_stamp = r->read_stamp;
        row->read_index = r->n_read;
        r->read[r->n_read++] = (struct row_read){ x, row->end, 0 };
    }
    r->read[row->read_index].columns += end - row->end;
    row->end = end;
}

/* Columns of a dilated window are not neighbours: each is read by itself. */
static void need_row_dilated(struct input_registers *r, uint32_t x, const struct pixel *at)
{
    const struct window *w = &r->window;
    struct register_row *row = &r->row[x];

    if (row->strip_stamp == r->strip_stamp)
        return;
    row->strip_stamp = r->strip_stamp;
    for (uint32_t j = 0; j < w->kernel[1]; j++) {
        int64_t y = window_begin(w, 1, at->y) + (int64_t)j * w->dilation[1];
        if (y >= 0 && y < r->width)
            r->read[r->n_read++] = (struct row_read){ x, (uint32_t)y, 1 };
    }
}

void registers_need(struct input_registers *r, const struct pixel *output)
{
    const struct window *w = &r->window;

    if (r->end == 0 || output->y != r->y) {
        r->first = window_first(w, 1, output->y, r->width);
        r->end = window_last(w, 1, output->y, r->width) + 1;
    }
    if (output->y != r->y)
        r->held = 0;
    r->y = output->y;
    int64_t left = window_begin(w, 1, output->y);
    if (left >= r->width || left + (int64_t)(w->kernel[1] - 1) * w->dilation[1] < 0)
        return; // all of its columns are padding
    int64_t first = window_begin(w, 0, output->x);
    int64_t end = first + (int64_t)(w->kernel[0] - 1) * w->dilation[0] + 1;
    if (first < r->held && w->dilation[0] == 1)
        first = r->held;
    if (end > r->height)
        end = r->height;
    for (int64_t at = first; at < end; at += w->dilation[0]) {
        if (at < 0)
            continue;
        uint32_t x = (uint32_t)at;
        const struct register_row *row = &r->row[x];
        if (w->dilation[1] > 1)
            need_row_dilated(r, x, output);
        else if (row->strip_stamp != r->strip_stamp || row->end < r->end)
            need_row(r, x, r->first, r->end);
    }
    if (end > r->held)
        r->held = (uint32_t)end;
}
