/* test/unit/test_firing.c -- order and groups of each policy against outputs dealt out naively. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/util.h"
#include "dataflow/firing.h"

static uint32_t pick(uint32_t *seed, uint32_t least, uint32_t most)
{
    *seed = *seed * 1664525u + 1013904223u;
    return least + (*seed >> 8) % (most - least + 1);
}

/* ---- docs/accelerator.md, section 4, written down output by output ---- */

struct spot {
    struct pixel at;
    uint32_t            group; // a firing holds outputs of one group
    uint32_t            x, y;  // what replica 0 computes then; ANY_HEAD: what begins the firing
};

struct list {
    struct spot *spot; // in the order of one copy
    uint32_t     n;
};

#define ANY_HEAD UINT32_MAX

enum { IMAGES = 3 };

static void add(struct list *l, struct spot s)
{
    l->spot[l->n++] = s;
}

/* Columns copy, copy + copies, ..; the outputs of a column belong together, or all do. */
static void list_columns(const struct firing_shape *s, uint32_t copy, uint32_t image, bool together,
                         struct list *l)
{
    for (uint32_t y = copy; y < s->width; y += s->copies)
        for (uint32_t x = 0; x < s->height; x++)
            add(l, (struct spot){ { image, x, y }, together ? 0 : image * s->width + y, ANY_HEAD,
                                  ANY_HEAD });
}

/* Strips copy, copy + copies, ..; the outputs of a block belong together. */
static void list_blocks(const struct firing_shape *s, uint32_t copy, uint32_t image, struct list *l)
{
    for (uint32_t left = copy * s->block_w; left < s->width; left += s->copies * s->block_w)
        for (uint32_t top = 0; top < s->height; top += s->block_h)
            for (uint32_t x = top; x < min_u32(top + s->block_h, s->height); x++)
                for (uint32_t y = left; y < min_u32(left + s->block_w, s->width); y++)
                    add(l, (struct spot){ { image, x, y },
                                          (image * s->width + left) * s->height + top, top, left });
}

static struct list list_of(const struct firing_policy *f, const struct firing_shape *s,
                           uint32_t copy, uint32_t n_image)
{
    struct list l = { calloc((size_t)n_image * s->height * s->width, sizeof *l.spot), 0 };

    assert_non_null(l.spot);
    for (uint32_t image = 0; image < n_image; image++)
        if (f == &fire_block)
            list_blocks(s, copy, image, &l);
        else
            list_columns(s, copy, image, f == &fire_free, &l);
    return l;
}

/* A shape that a plan could ask for: column and free know of no blocks. */
static struct firing_shape random_shape(uint32_t *r, const struct firing_policy *f)
{
    struct firing_shape s = { .height = pick(r, 1, 9), .width = pick(r, 1, 9) };

    s.n = pick(r, 1, 12);
    s.block_w = f == &fire_block ? pick(r, 1, min_u32(s.n, s.width)) : 1;
    s.block_h = s.n / s.block_w;
    s.copies = pick(r, 1, firing_strips(f, &s));
    return s;
}

typedef void check_policy(const struct firing_policy *f, struct firing_shape s, uint32_t *seed);

static void check_random_shapes(check_policy *check)
{
    for (const struct firing_policy *const *f = firing_policies; *f; f++)
        for (uint32_t i = 1; i <= 300; i++) {
            uint32_t seed = i;
            check(*f, random_shape(&seed, *f), &seed);
        }
}

static void assert_same(const struct pixel *a, const struct pixel *b)
{
    assert_int_equal(a->image, b->image);
    assert_int_equal(a->row, b->row);
    assert_int_equal(a->column, b->column);
}

/* ---- order ---- */

static void check_order(const struct firing_policy *f, struct firing_shape s, uint32_t *seed)
{
    uint32_t copy = pick(seed, 0, s.copies - 1);
    struct list l = list_of(f, &s, copy, IMAGES);
    struct pixel at = firing_first(f, &s, copy, 0);

    for (uint32_t i = 0; i < l.n; i++, f->next(&s, copy, &at))
        assert_same(&at, &l.spot[i].at);
    struct pixel then = firing_first(f, &s, copy, IMAGES);
    assert_same(&at, &then);
    free(l.spot);
}

static void a_copy_walks_its_columns_or_blocks_image_after_image(void **state)
{
    (void)state;
    check_random_shapes(check_order);
}

static void check_coverage(const struct firing_policy *f, struct firing_shape s, uint32_t *seed)
{
    uint32_t times[IMAGES][9][9] = { 0 };

    (void)seed;
    for (uint32_t copy = 0; copy < s.copies; copy++) {
        struct pixel at = firing_first(f, &s, copy, 0);
        for (; at.image < IMAGES; f->next(&s, copy, &at)) {
            assert_true(at.row < s.height && at.column < s.width);
            times[at.image][at.row][at.column]++;
        }
    }
    for (uint32_t image = 0; image < IMAGES; image++)
        for (uint32_t x = 0; x < s.height; x++)
            for (uint32_t y = 0; y < s.width; y++)
                assert_int_equal(times[image][x][y], 1);
}

static void copies_compute_every_output_of_every_image_once_between_them(void **state)
{
    (void)state;
    check_random_shapes(check_coverage);
}

static void check_strips(const struct firing_policy *f, struct firing_shape s, uint32_t *seed)
{
    (void)seed;
    s.copies = firing_strips(f, &s);
    for (uint32_t copy = 0; copy < s.copies; copy++) {
        struct list l = list_of(f, &s, copy, 1);
        struct pixel first = firing_first(f, &s, copy, 0);

        assert_true(l.n > 0);
        assert_same(&first, &l.spot[0].at);
        free(l.spot);
    }
    s.copies++; // and not one more
    struct list none = list_of(f, &s, s.copies - 1, 1);
    assert_int_equal(none.n, 0);
    free(none.spot);
}

static void every_copy_up_to_the_number_of_strips_has_outputs(void **state)
{
    (void)state;
    check_random_shapes(check_strips);
}

/* ---- groups ---- */

/* For every head and every later output: whether they belong together. */
static void check_joins(const struct firing_policy *f, struct firing_shape s, uint32_t *seed)
{
    struct list l = list_of(f, &s, pick(seed, 0, s.copies - 1), IMAGES);

    for (uint32_t i = 0; i < l.n; i++)
        for (uint32_t k = i; k < l.n && k < i + 3 * s.n; k++)
            assert_int_equal(f->joins(&s, &l.spot[i].at, &l.spot[k].at),
                             l.spot[i].group == l.spot[k].group);
    free(l.spot);
}

static void outputs_join_a_firing_within_a_column_a_block_or_anywhere(void **state)
{
    (void)state;
    check_random_shapes(check_joins);
}

/* Whatever the first output of a firing is, the replicas of a block stand at the block's place;
 * those of a column begin with it. Each output of the firing (free: those of its first column) has
 * a replica of its own. */
static void check_replicas(const struct firing_policy *f, struct firing_shape s, uint32_t *seed)
{
    struct list l = list_of(f, &s, pick(seed, 0, s.copies - 1), IMAGES);

    for (uint32_t i = 0; i < l.n; i++) {
        const struct spot *head = &l.spot[i];
        bool taken[12] = { false };
        uint32_t x, y;

        f->origin(&s, &head->at, &x, &y);
        assert_int_equal(x, head->x == ANY_HEAD ? head->at.row : head->x);
        assert_int_equal(y, head->y == ANY_HEAD ? head->at.column : head->y);
        for (uint32_t k = i; k < l.n && k < i + s.n; k++) {
            const struct spot *o = &l.spot[k];
            if (o->group != head->group || o->at.image != head->at.image ||
                o->at.column / s.block_w != head->at.column / s.block_w)
                break;
            uint32_t replica = (o->at.row - x) * s.block_w + (o->at.column - y);
            assert_true(replica < s.n && !taken[replica]);
            taken[replica] = true;
        }
    }
    free(l.spot);
}

static void every_output_of_a_firing_has_a_replica_at_its_place(void **state)
{
    (void)state;
    check_random_shapes(check_replicas);
}

/* The busiest copy alone with an image that is all there: as many outputs as fit, and again. */
static void check_firings(const struct firing_policy *f, struct firing_shape s, uint32_t *seed)
{
    uint64_t most = 0;

    (void)seed;
    for (uint32_t copy = 0; copy < s.copies; copy++) {
        struct list l = list_of(f, &s, copy, 1);
        uint64_t firings = 0;
        for (uint32_t i = 0, n; i < l.n; i += n, firings++)
            for (n = 1; n < s.n && i + n < l.n && l.spot[i + n].group == l.spot[i].group;)
                n++;
        most = max_u64(most, firings);
        free(l.spot);
    }
    assert_int_equal(f->firings(&s), most);
}

static void the_closed_form_counts_greedy_firings_of_the_busiest_copy(void **state)
{
    (void)state;
    check_random_shapes(check_firings);
}

/* docs/accelerator.md, section 4, by hand: 5 rows, 3 columns, n = 4 as blocks of 2 x 2, cut at
 * both edges. */
static void blocks_are_cut_at_the_right_and_at_the_bottom(void **state)
{
    (void)state;
    static const uint32_t order[15][2] = {
        { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 }, { 2, 0 }, { 2, 1 }, { 3, 0 }, { 3, 1 },
        { 4, 0 }, { 4, 1 }, { 0, 2 }, { 1, 2 }, { 2, 2 }, { 3, 2 }, { 4, 2 },
    };
    const struct firing_shape s = { .height = 5, .width = 3, .n = 4, .block_w = 2, .block_h = 2,
                                    .copies = 1 };
    struct pixel at = firing_first(&fire_block, &s, 0, 7);

    for (size_t i = 0; i < 15; i++, fire_block.next(&s, 0, &at)) {
        assert_int_equal(at.row, order[i][0]);
        assert_int_equal(at.column, order[i][1]);
        assert_int_equal(at.image, 7);
    }
    assert_int_equal(at.image, 8);
    assert_int_equal(fire_block.firings(&s), 2 * 3);
    assert_int_equal(fire_column.firings(&s), 3 * 2);
    assert_int_equal(fire_free.firings(&s), 4); // 15 outputs
}

/* The speed-up: 32 x 32 outputs, four at a time. */
static void four_replicas_take_256_timesteps_for_an_image_of_1024_pixels(void **state)
{
    (void)state;
    const struct firing_shape column = { 32, 32, 4, 1, 4, 1 }, block = { 32, 32, 4, 2, 2, 1 };

    assert_int_equal(fire_column.firings(&column), 256);
    assert_int_equal(fire_free.firings(&column), 256);
    assert_int_equal(fire_block.firings(&block), 256);
}

static void policies_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(firing_find("column"), &fire_column);
    assert_ptr_equal(firing_find("free"), &fire_free);
    assert_ptr_equal(firing_find("block"), &fire_block);
    assert_null(firing_find("rows"));
    assert_null(firing_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_walks_its_columns_or_blocks_image_after_image),
        cmocka_unit_test(copies_compute_every_output_of_every_image_once_between_them),
        cmocka_unit_test(every_copy_up_to_the_number_of_strips_has_outputs),
        cmocka_unit_test(outputs_join_a_firing_within_a_column_a_block_or_anywhere),
        cmocka_unit_test(every_output_of_a_firing_has_a_replica_at_its_place),
        cmocka_unit_test(the_closed_form_counts_greedy_firings_of_the_busiest_copy),
        cmocka_unit_test(blocks_are_cut_at_the_right_and_at_the_bottom),
        cmocka_unit_test(four_replicas_take_256_timesteps_for_an_image_of_1024_pixels),
        cmocka_unit_test(policies_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
