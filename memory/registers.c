/* memory/registers.c -- see registers.h. */
#include "memory/registers.h"

#include <stdlib.h>

#include "core/util.h"

/* Nearest place inside the map, for a window that has no position there. */
static uint32_t nearest(int64_t at, uint32_t size)
{
    return at < 0 ? 0 : (uint32_t)min_u64((uint64_t)at, size - 1);
}

/* Whether outputs see blocks; *first is that of one. */
static bool is_of_block(const struct window *w, int axis, uint32_t at, uint32_t *first)
{
    if (w->block[axis] == 0)
        return false;
    *first = at - at % w->block[axis];
    return true;
}

uint32_t window_first(const struct window *w, int axis, uint32_t at, uint32_t size)
{
    uint32_t block;
    if (is_of_block(w, axis, at, &block))
        return block;
    int64_t first = window_begin(w, axis, at);
    int64_t last = first + (int64_t)(w->kernel[axis] - 1) * w->dilation[axis];

    if (first < 0) // steps over the padding
        first += (int64_t)round_up((uint64_t)-first, w->dilation[axis]);
    return nearest(first <= last ? first : last, size);
}

uint32_t window_last(const struct window *w, int axis, uint32_t at, uint32_t size)
{
    uint32_t block;
    if (is_of_block(w, axis, at, &block))
        return nearest((int64_t)block + w->block[axis] - 1, size);
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
    int64_t place = window_begin(w, axis, at);
    uint32_t n = 0;

    for (uint32_t j = 0; j < w->kernel[axis]; j++, place += w->dilation[axis])
        n += place >= 0 && place < size;
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
    uint32_t strip = head->column / r->strip_width;
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

/* A row, of which columns [from, end) are needed and not all are held. */
static void need_row(struct input_registers *r, uint32_t row, uint32_t from, uint32_t end)
{
    struct register_row *held = &r->row[row];

    if (held->strip_stamp != r->strip_stamp) {
        held->strip_stamp = r->strip_stamp;
        held->end = from;
    }
    if (held->read_stamp != r->read_stamp || held->end < from) {
        held->end = max_u32(held->end, from);
        held->read_stamp = r->read_stamp;
        held->read_index = r->n_read;
        r->read[r->n_read++] = (struct row_read){ row, held->end, 0 };
    }
    r->read[held->read_index].columns += end - held->end;
    held->end = end;
}

/* Columns of a dilated window are not neighbours: each is read by itself. */
static void need_row_dilated(struct input_registers *r, uint32_t row, const struct pixel *at)
{
    const struct window *w = &r->window;
    struct register_row *held = &r->row[row];

    if (held->strip_stamp == r->strip_stamp)
        return;
    held->strip_stamp = r->strip_stamp;
    for (uint32_t j = 0; j < w->kernel[1]; j++) {
        int64_t column = window_begin(w, 1, at->column) + (int64_t)j * w->dilation[1];
        if (column >= 0 && column < r->width)
            r->read[r->n_read++] = (struct row_read){ row, (uint32_t)column, 1 };
    }
}

void registers_need(struct input_registers *r, const struct pixel *output)
{
    const struct window *w = &r->window;

    if (r->end == 0 || output->column != r->column) {
        r->first = window_first(w, 1, output->column, r->width);
        r->end = window_last(w, 1, output->column, r->width) + 1;
    }
    if (output->column != r->column)
        r->held = 0;
    r->column = output->column;
    int64_t left = window_begin(w, 1, output->column);
    if (left >= r->width || left + (int64_t)(w->kernel[1] - 1) * w->dilation[1] < 0)
        return; // all of its columns are padding
    int64_t first = window_begin(w, 0, output->row);
    int64_t end = first + (int64_t)(w->kernel[0] - 1) * w->dilation[0] + 1;
    if (first < r->held && w->dilation[0] == 1)
        first = r->held;
    if (end > r->height)
        end = r->height;
    for (int64_t at = first; at < end; at += w->dilation[0]) {
        if (at < 0)
            continue;
        uint32_t row = (uint32_t)at;
        const struct register_row *held = &r->row[row];
        if (w->dilation[1] > 1)
            need_row_dilated(r, row, output);
        else if (held->strip_stamp != r->strip_stamp || held->end < r->end)
            need_row(r, row, r->first, r->end);
    }
    if (end > r->held)
        r->held = (uint32_t)end;
}
