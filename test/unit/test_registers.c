/* test/unit/test_registers.c -- what firings read, against a set of the pixels that are held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/util.h"
#include "dataflow/firing.h"
#include "memory/registers.h"

static uint32_t pick(uint32_t *seed, uint32_t least, uint32_t most)
{
    *seed = *seed * 1664525u + 1013904223u;
    return least + (*seed >> 8) % (most - least + 1);
}

enum { SIDE = 24 };

/* ---- a layer at random ---- */

struct layer_case {
    struct window               window;
    uint32_t                    in_height, in_width;
    const struct firing_policy *firing;
    struct firing_shape         shape;
};

/* An axis as network_check() lets it pass: less padding than the window reaches over, and a window
 * that fits the padded map. */
static void random_axis(uint32_t *r, struct layer_case *c, int axis, uint32_t *in, uint32_t *out)
{
    struct window *w = &c->window;

    w->kernel[axis] = pick(r, 1, 4);
    w->stride[axis] = pick(r, 1, 4);
    w->dilation[axis] = pick(r, 0, 3) ? 1 : pick(r, 1, 3);
    uint32_t reach = (w->kernel[axis] - 1) * w->dilation[axis] + 1;
    w->pad_before[axis] = pick(r, 0, reach - 1);
    w->pad_after[axis] = pick(r, 0, reach - 1);
    do
        *in = pick(r, 1, 12);
    while (*in + w->pad_before[axis] + w->pad_after[axis] < reach);
    *out = (*in + w->pad_before[axis] + w->pad_after[axis] - reach) / w->stride[axis] + 1;
}

static struct layer_case random_case(uint32_t *r)
{
    struct layer_case c = { .firing = firing_policies[pick(r, 0, 2)] };

    random_axis(r, &c, 0, &c.in_height, &c.shape.height);
    random_axis(r, &c, 1, &c.in_width, &c.shape.width);
    c.shape.n = pick(r, 1, 6);
    bool dilated = c.window.dilation[0] > 1 || c.window.dilation[1] > 1; // such have no blocks
    c.shape.block_w = c.firing == &fire_block && !dilated
                          ? pick(r, 1, min_u32(c.shape.n, c.shape.width))
                          : 1;
    c.shape.block_h = c.shape.n / c.shape.block_w;
    c.shape.copies = pick(r, 1, firing_strips(c.firing, &c.shape));
    return c;
}

/* ---- the set ---- */

struct held {
    bool pixel[SIDE][SIDE];
};

/* Marks what an output sees inside the map and is not held yet, as needed and as held. */
static void need(const struct layer_case *c, const struct pixel *at, struct held *held,
                 bool (*needed)[SIDE])
{
    const struct window *w = &c->window;

    for (uint32_t i = 0; i < w->kernel[0]; i++)
        for (uint32_t j = 0; j < w->kernel[1]; j++) {
            int64_t x = (int64_t)(at->row * w->stride[0] + i * w->dilation[0]) - w->pad_before[0];
            int64_t y = (int64_t)(at->column * w->stride[1] + j * w->dilation[1]) -
                        w->pad_before[1];
            bool inside = x >= 0 && x < c->in_height && y >= 0 && y < c->in_width;
            if (inside && !held->pixel[x][y])
                held->pixel[x][y] = needed[x][y] = true;
        }
}

/* Takes the pixels that were read off the needed ones: each once, none else, one read a row unless
 * the window's columns, or windows beside each other, are apart. */
static void check_reads(const struct layer_case *c, const struct input_registers *r,
                        bool (*needed)[SIDE])
{
    const struct window *w = &c->window;
    bool seen[SIDE] = { false };

    for (const struct row_read *read = r->read; read < r->read + r->n_read; read++) {
        assert_true(read->row < c->in_height && read->first_column + read->columns <= c->in_width);
        assert_true(read->columns > 0);
        assert_true(!seen[read->row] || w->dilation[1] > 1 || w->stride[1] > w->kernel[1]);
        seen[read->row] = true;
        for (uint32_t y = read->first_column; y < read->first_column + read->columns; y++) {
            assert_true(needed[read->row][y]);
            needed[read->row][y] = false;
        }
    }
    for (uint32_t x = 0; x < SIDE; x++)
        for (uint32_t y = 0; y < SIDE; y++)
            assert_false(needed[x][y]);
}

static bool same_strip(const struct layer_case *c, const struct pixel *a,
                       const struct pixel *b)
{
    return a->image == b->image && a->column / c->shape.block_w == b->column / c->shape.block_w;
}

static void a_firing_reads_what_its_outputs_see_and_the_strip_does_not_hold(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 3000; seed++) {
        uint32_t r = seed;
        struct layer_case c = random_case(&r);
        uint32_t copy = pick(&r, 0, c.shape.copies - 1);
        struct pixel at = firing_first(c.firing, &c.shape, copy, 0), before = at;
        struct input_registers reg;
        struct held held = { 0 };
        bool started = false;

        assert_true(registers_init(&reg, &c.window, c.in_height, c.in_width, c.shape.block_w));
        while (at.image < 2) {
            bool needed[SIDE][SIDE] = { 0 };
            struct pixel head = at;
            bool fresh = !started || !same_strip(&c, &head, &before);
            if (fresh)
                held = (struct held){ 0 };
            started = true;
            assert_int_equal(registers_begin(&reg, &head), fresh);
            for (uint32_t n = pick(&r, 1, c.shape.n); n > 0 && same_strip(&c, &head, &at); n--) {
                registers_need(&reg, &at);
                need(&c, &at, &held, needed);
                before = at;
                c.firing->next(&c.shape, copy, &at);
            }
            check_reads(&c, &reg, needed);
        }
        registers_release(&reg);
    }
}

/* ---- by hand ---- */

static uint32_t pixels_read(struct input_registers *r, uint32_t x, uint32_t y)
{
    const struct pixel at = { .row = x, .column = y };
    uint32_t pixels = 0;

    registers_begin(r, &at);
    registers_need(r, &at);
    for (uint32_t i = 0; i < r->n_read; i++)
        pixels += r->read[i].columns;
    return pixels;
}

/* 3 x 3, stride 1, padding 1 on a map of 8 x 8: 2 x 2 pixels in the corner, 2 x 3 on top of any
 * other column; then one row more, of 2 or 3; nothing at the lower edge. */
static void the_first_output_of_a_column_reads_its_patch_and_later_ones_a_row(void **state)
{
    (void)state;
    const struct window w = { .kernel = { 3, 3 }, .stride = { 1, 1 }, .dilation = { 1, 1 },
                              .pad_before = { 1, 1 }, .pad_after = { 1, 1 } };
    struct input_registers r;

    assert_true(registers_init(&r, &w, 8, 8, 1));
    for (uint32_t y = 0; y < 8; y++) {
        uint32_t columns = y == 0 || y == 7 ? 2 : 3;
        assert_int_equal(pixels_read(&r, 0, y), 2 * columns);
        for (uint32_t x = 1; x < 7; x++)
            assert_int_equal(pixels_read(&r, x, y), columns);
        assert_int_equal(pixels_read(&r, 7, y), 0);
    }
    registers_release(&r);
}

/* 3 x 3, stride 2: each later output of a column reads two rows. */
static void a_stride_reads_as_many_rows(void **state)
{
    (void)state;
    const struct window w = { .kernel = { 3, 3 }, .stride = { 2, 2 }, .dilation = { 1, 1 },
                              .pad_before = { 1, 1 }, .pad_after = { 1, 1 } };
    struct input_registers r;

    assert_true(registers_init(&r, &w, 8, 8, 1));
    assert_int_equal(pixels_read(&r, 0, 1), 2 * 3);
    assert_int_equal(pixels_read(&r, 1, 1), 2 * 3);
    assert_int_equal(pixels_read(&r, 2, 1), 2 * 3);
    assert_int_equal(pixels_read(&r, 3, 1), 2 * 3);
    registers_release(&r);
}

/* 1 x 1, stride 2, outputs two by two: the column between them is not read. */
static void columns_between_windows_are_not_read(void **state)
{
    (void)state;
    const struct window w = { .kernel = { 1, 1 }, .stride = { 2, 2 }, .dilation = { 1, 1 } };
    const struct pixel left = { .row = 1, .column = 2 }, right = { .row = 1, .column = 3 };
    struct input_registers r;

    assert_true(registers_init(&r, &w, 8, 8, 2));
    registers_begin(&r, &left);
    registers_need(&r, &left);
    registers_need(&r, &right);
    assert_int_equal(r.n_read, 2);
    assert_memory_equal(&r.read[0], (&(struct row_read){ 2, 4, 1 }), sizeof r.read[0]);
    assert_memory_equal(&r.read[1], (&(struct row_read){ 2, 6, 1 }), sizeof r.read[1]);
    registers_release(&r);
}

static void registers_hold_nothing_after_reset_and_in_another_image(void **state)
{
    (void)state;
    const struct window w = { .kernel = { 2, 2 }, .stride = { 1, 1 }, .dilation = { 1, 1 } };
    struct pixel at = { .image = 0 };
    struct input_registers r;

    assert_true(registers_init(&r, &w, 4, 4, 1));
    assert_int_equal(pixels_read(&r, 0, 0), 4);
    assert_int_equal(pixels_read(&r, 0, 0), 0);
    registers_reset(&r);
    assert_int_equal(pixels_read(&r, 0, 0), 4);
    at.image = 1;
    registers_begin(&r, &at);
    registers_need(&r, &at);
    assert_int_equal(r.n_read, 2);
    registers_release(&r);
}

/* ---- edges of a window ---- */

static void a_window_s_edges_are_the_first_and_last_position_inside_the_map(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 3000; seed++) {
        uint32_t r = seed, in, out;
        struct layer_case c = { 0 };
        int axis = (int)(seed % 2);
        random_axis(&r, &c, axis, &in, &out);
        for (uint32_t at = 0; at < out; at++) {
            const struct window *w = &c.window;
            uint32_t first = UINT32_MAX, last = 0;
            for (uint32_t k = 0; k < w->kernel[axis]; k++) {
                int64_t x = (int64_t)(at * w->stride[axis] + k * w->dilation[axis]) -
                            w->pad_before[axis];
                if (x < 0 || x >= in)
                    continue;
                first = min_u32(first, (uint32_t)x);
                last = (uint32_t)x;
            }
            if (first == UINT32_MAX) // all in the padding
                continue;
            assert_int_equal(window_first(w, axis, at, in), first);
            assert_int_equal(window_last(w, axis, at, in), last);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_firing_reads_what_its_outputs_see_and_the_strip_does_not_hold),
        cmocka_unit_test(the_first_output_of_a_column_reads_its_patch_and_later_ones_a_row),
        cmocka_unit_test(a_stride_reads_as_many_rows),
        cmocka_unit_test(columns_between_windows_are_not_read),
        cmocka_unit_test(registers_hold_nothing_after_reset_and_in_another_image),
        cmocka_unit_test(a_window_s_edges_are_the_first_and_last_position_inside_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
