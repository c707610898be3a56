/* test/unit/test_kernel_matrix.c -- where weights sit in an array, and what drives its rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/units/kernel_matrix.h"
#include "test/plan_rig.h"

static uint32_t pick(uint32_t *seed, uint32_t least, uint32_t most)
{
    *seed = *seed * 1664525u + 1013904223u;
    return least + (*seed >> 8) % (most - least + 1);
}

/* ---- one layer with weights ---- */

static void fill_weights(struct layer *l, uint32_t *seed)
{
    size_t n = (size_t)layer_kernel_rows(l) * l->out.channels;

    l->weight = malloc(n);
    assert_non_null(l->weight);
    for (size_t i = 0; i < n; i++)
        l->weight[i] = (int8_t)(pick(seed, 1, 255) - 128); // 0 too, but seldom
}

static int8_t weight_of(const struct layer *l, uint32_t o, uint32_t ch, uint32_t i, uint32_t j)
{
    const struct window *w = &l->window;

    return l->weight[((o * l->in.channels + ch) * w->kernel[0] + i) * w->kernel[1] + j];
}

/* The positions that a block of replicas sees, from that of replica 0 on, row by row. */
struct positions {
    uint32_t x[256], y[256];
    uint32_t n;
};

static bool sees(const struct window *w, const struct replicas *r, uint32_t q, uint32_t x,
                 uint32_t y, uint32_t *i, uint32_t *j)
{
    for (*i = 0; *i < w->kernel[0]; ++*i)
        for (*j = 0; *j < w->kernel[1]; ++*j)
            if (x == q / r->width * w->stride[0] + *i * w->dilation[0] &&
                y == q % r->width * w->stride[1] + *j * w->dilation[1])
                return true;
    return false;
}

static struct positions positions_of(const struct window *w, const struct replicas *r)
{
    struct positions p = { .n = 0 };
    uint32_t i, j;

    for (uint32_t x = 0; x < 40; x++)
        for (uint32_t y = 0; y < 40; y++)
            for (uint32_t q = 0; q < r->n; q++)
                if (sees(w, r, q, x, y, &i, &j)) {
                    assert_true(p.n < 256);
                    p.x[p.n] = x;
                    p.y[p.n++] = y;
                    break;
                }
    return p;
}

/* ---- weights ---- */

/* Row: position and channel; column: replica and output. 0 where a replica does not look. */
static void check_weights(const struct plan *p, uint32_t core, const struct kernel_matrix *k)
{
    const struct plan_core *c = &p->core[core];
    const struct plan_layer *pl = &p->layer[c->plan_layer];
    const struct layer *l = plan_network_layer(p, c->plan_layer);
    struct positions seen = positions_of(&l->window, &pl->replicas);
    size_t columns = (size_t)pl->replicas.n * c->out_n;
    int8_t *weight = malloc(seen.n * c->in_n * columns);

    assert_non_null(weight);
    assert_int_equal(k->n_position, seen.n);
    assert_int_equal(c->rows, seen.n * c->in_n);
    assert_int_equal(c->columns, columns);
    kernel_matrix_weights(k, p, core, weight);
    for (uint32_t at = 0; at < seen.n; at++)
        for (uint32_t ch = 0; ch < c->in_n; ch++)
            for (uint32_t q = 0; q < pl->replicas.n; q++)
                for (uint32_t o = 0; o < c->out_n; o++) {
                    uint32_t i, j;
                    int8_t want = sees(&l->window, &pl->replicas, q, seen.x[at], seen.y[at], &i, &j)
                                      ? weight_of(l, c->out_first + o, c->in_first + ch, i, j)
                                      : 0;
                    size_t row = (size_t)at * c->in_n + ch;
                    assert_int_equal(weight[row * columns + q * c->out_n + o], want);
                }
    free(weight);
}

/* Figures 4 and 5 of the article, drawn by hand: for each replica (column of the figure) the
 * positions of the map, row by row, that hold its 3 x 3 kernel; '.' is an empty device. */
struct figure {
    uint32_t    n, block_width, rows;
    const char *kernel[6]; // a .. i: kernel position (0, 0), (0, 1) .. (2, 2)
};

static void check_figure(const struct figure *f)
{
    char replicas[64], width[64];
    const char *const set[] = { replicas, width, NULL };
    struct plan_rig r;
    struct kernel_matrix k;
    uint32_t seed = 1;
    int8_t weight[20 * 6];

    snprintf(replicas, sizeof replicas, "mapping.replicas.layer1=%u", f->n);
    snprintf(width, sizeof width, "mapping.block_width.layer1=%u", f->block_width);
    rig_config(&r, set);
    rig_image(&r, 8, 8, 1);
    struct layer *l = rig_conv(&r, 0, 1, 3, 1);
    l->pooled = true;
    fill_weights(l, &seed);
    if (rig_plan(&r))
        fail_msg("%s", r.msg.text);
    assert_int_equal(r.plan.core[0].rows, f->rows);
    assert_int_equal(r.plan.core[0].columns, f->n);
    assert_true(kernel_matrix_init(&k, &r.plan, 0, 1, false));
    kernel_matrix_weights(&k, &r.plan, 0, weight);
    for (uint32_t q = 0; q < f->n; q++)
        for (uint32_t row = 0; row < f->rows; row++) {
            char c = f->kernel[q][row];
            assert_int_equal(weight[row * f->n + q], c == '.' ? 0 : l->weight[c - 'a']);
        }
    kernel_matrix_release(&k);
    rig_release(&r);
}

static void three_replicas_along_a_column_are_figure_4(void **state)
{
    (void)state;
    static const struct figure f = { 3, 1, 15,
                                     { "abcdefghi......",
                                       "...abcdefghi...",
                                       "......abcdefghi" } };
    check_figure(&f);
}

/* The patches cover 5 rows of 4: the first, at their corner, the next beside it, .. */
static void six_replicas_in_a_block_are_figure_5(void **state)
{
    (void)state;
    static const struct figure f = { 6, 2, 20,
                                     { "abc." "def." "ghi." "...." "....",
                                       ".abc" ".def" ".ghi" "...." "....",
                                       "...." "abc." "def." "ghi." "....",
                                       "...." ".abc" ".def" ".ghi" "....",
                                       "...." "...." "abc." "def." "ghi.",
                                       "...." "...." ".abc" ".def" ".ghi" } };
    check_figure(&f);
}

/* Method 2 with an odd one out: 2 x 2 and a fifth below, which adds one row of three. */
static void a_partial_last_row_adds_only_what_its_replicas_see(void **state)
{
    (void)state;
    static const struct figure f = { 5, 2, 19,
                                     { "abc." "def." "ghi." "...." "...",
                                       ".abc" ".def" ".ghi" "...." "...",
                                       "...." "abc." "def." "ghi." "...",
                                       "...." ".abc" ".def" ".ghi" "...",
                                       "...." "...." "abc." "def." "ghi" } };
    check_figure(&f);
}

/* ---- input vectors ---- */

struct image {
    uint32_t height, width, channels;
    uint8_t  zero; // beyond the edge
    uint8_t  byte[20 * 20 * 12];
};

static uint8_t image_at(const struct image *m, int64_t x, int64_t y, uint32_t ch)
{
    if (x < 0 || x >= m->height || y < 0 || y >= m->width)
        return m->zero;
    return m->byte[((size_t)x * m->width + (size_t)y) * m->channels + ch];
}

/* The vector of a firing of replicas used[] at outputs from (x, y) on, position by position. */
static void check_vector(const struct plan *p, uint32_t core, const struct image *m,
                         const struct positions *seen, uint32_t x, uint32_t y,
                         const uint32_t *used, uint32_t n_used, const uint8_t *got)
{
    const struct plan_core *c = &p->core[core];
    const struct plan_layer *pl = &p->layer[c->plan_layer];
    const struct window *w = &pl->window;

    for (uint32_t at = 0; at < seen->n; at++) {
        bool driven = false;
        uint32_t i, j;
        for (uint32_t u = 0; u < n_used; u++)
            driven |= sees(w, &pl->replicas, used[u], seen->x[at], seen->y[at], &i, &j);
        int64_t px = (int64_t)(x * w->stride[0] + seen->x[at]) - w->pad_before[0];
        int64_t py = (int64_t)(y * w->stride[1] + seen->y[at]) - w->pad_before[1];
        for (uint32_t ch = 0; ch < c->in_n; ch++)
            assert_int_equal(got[at * c->in_n + ch],
                             driven ? image_at(m, px, py, c->in_first + ch) : 0);
    }
}

static uint32_t driven_positions(const struct plan_layer *pl, const struct positions *seen,
                                 const uint32_t *used, uint32_t n_used)
{
    uint32_t n = 0, i, j;

    for (uint32_t at = 0; at < seen->n; at++)
        for (uint32_t u = 0; u < n_used; u++)
            if (sees(&pl->window, &pl->replicas, used[u], seen->x[at], seen->y[at], &i, &j)) {
                n++;
                break;
            }
    return n;
}

static void load_rows(const struct plan_core *c, const struct image *m,
                      const struct input_registers *reg, struct kernel_matrix *k)
{
    for (const struct row_read *r = reg->read; r < reg->read + reg->n_read; r++) {
        uint8_t *to = kernel_matrix_row(k, r);
        for (uint32_t y = r->first_column; y < r->first_column + r->columns; y++)
            for (uint32_t ch = 0; ch < c->in_n; ch++)
                *to++ = image_at(m, r->row, y, c->in_first + ch);
    }
}

/* Goes twice through all outputs of a core's copy, a few of them a firing, as the core does. */
static void check_core(const struct plan *p, uint32_t core, const struct image *m, uint32_t *seed)
{
    const struct plan_core *c = &p->core[core];
    const struct plan_layer *pl = &p->layer[c->plan_layer];
    struct firing_shape shape = plan_firing_shape(p, c->plan_layer);
    struct pixel at = firing_first(pl->firing, &shape, c->copy, 0);
    struct positions seen = positions_of(&pl->window, &pl->replicas);
    struct input_registers reg;
    struct kernel_matrix k;

    assert_true(kernel_matrix_init(&k, p, core, 1, false));
    assert_true(registers_init(&reg, &pl->window, pl->in_height, pl->in_width,
                               pl->firing->strip_width(&shape)));
    check_weights(p, core, &k);
    while (at.image < 2) {
        struct pixel head = at;
        uint32_t used[8], n = 0, x, y;
        if (registers_begin(&reg, &head))
            kernel_matrix_begin_strip(&k, head.column, pl->firing->strip_width(&shape));
        for (uint32_t most = pick(seed, 1, shape.n), q;
             n < most && pl->firing->joins(&shape, &head, &at) &&
             (q = firing_replica(pl->firing, &shape, &head, &at)) < shape.n;
             pl->firing->next(&shape, c->copy, &at)) {
            registers_need(&reg, &at);
            used[n++] = q;
        }
        load_rows(c, m, &reg, &k);
        pl->firing->origin(&shape, &head, &x, &y);
        check_vector(p, core, m, &seen, x, y, used, n, kernel_matrix_vector(&k, x, y, used, n, 0));
        assert_int_equal(kernel_matrix_driven(&k, used, n),
                         driven_positions(pl, &seen, used, n) * p->core[core].in_n);
    }
    registers_release(&reg);
    kernel_matrix_release(&k);
}

static void random_window(uint32_t *rnd, struct window *w)
{
    for (int axis = 0; axis < 2; axis++) {
        w->kernel[axis] = pick(rnd, 1, 3);
        w->stride[axis] = pick(rnd, 1, 3);
        w->dilation[axis] = pick(rnd, 0, 4) ? 1 : 2;
        uint32_t reach = (w->kernel[axis] - 1) * w->dilation[axis] + 1;
        w->pad_before[axis] = pick(rnd, 0, reach - 1);
        w->pad_after[axis] = pick(rnd, 0, reach - 1);
    }
}

static void random_layer(struct plan_rig *r, struct image *m, uint32_t seed)
{
    static const char *const firing[] = { "column", "free", "block" };
    uint32_t rnd = seed;
    char text[6][64];
    const char *const set[] = { text[0], text[1], text[2], text[3], text[4],
                                "chip.cores=1000", "clocking.timestep_ns=100000",
                                "core.input_memory.words=65536", NULL };
    struct window w = { 0 };

    random_window(&rnd, &w);
    bool dilated = w.dilation[0] > 1 || w.dilation[1] > 1;
    m->channels = pick(&rnd, 1, 12);
    m->height = pick(&rnd, 6, 12);
    m->width = pick(&rnd, 6, 12);
    snprintf(text[0], sizeof text[0], "mapping.firing=%s", firing[pick(&rnd, 0, 2)]);
    snprintf(text[1], sizeof text[1], "mapping.replicas.layer1=%u", pick(&rnd, 1, 7));
    snprintf(text[2], sizeof text[2], "mapping.block_width.layer1=%u",
             dilated ? 1 : pick(&rnd, 1, 2));
    snprintf(text[3], sizeof text[3], "core.crossbar.rows=%u", pick(&rnd, 150, 400));
    snprintf(text[4], sizeof text[4], "core.crossbar.columns=%u", pick(&rnd, 10, 40));
    rig_config(r, set);
    rig_image(r, m->height, m->width, m->channels);
    m->zero = (uint8_t)pick(&rnd, 0, 127);
    r->network.layer[0].out_zero = m->zero;
    struct layer *l = rig_layer(r, 0, pick(&rnd, 1, 9), &w);
    l->in_zero = m->zero;
    l->pooled = true;
    fill_weights(l, &rnd);
    for (size_t i = 0; i < sizeof m->byte; i++)
        m->byte[i] = (uint8_t)pick(&rnd, 0, 255);
}

static void weights_and_vectors_of_any_layer_are_those_of_its_patches(void **state)
{
    (void)state;
    static struct image m;
    uint32_t made = 0;

    for (uint32_t seed = 1; seed <= 250; seed++) {
        struct plan_rig r;
        uint32_t rnd = seed;
        random_layer(&r, &m, seed);
        if (rig_plan(&r) == ERR_NONE) {
            for (uint32_t core = 0; core < r.plan.n_core; core++)
                check_core(&r.plan, core, &m, &rnd);
            made++;
        }
        rig_release(&r);
    }
    assert_true(made >= 200);
}

static void a_timing_run_counts_driven_rows_without_values(void **state)
{
    (void)state;
    static const char *const set[] = { "mapping.replicas.layer1=3", NULL };
    static const uint32_t all[] = { 0, 1, 2 }, ends[] = { 0, 2 }, one[] = { 1 };
    struct kernel_matrix k;
    struct plan_rig r;

    rig_config(&r, set);
    rig_image(&r, 8, 8, 1);
    rig_conv(&r, 0, 1, 3, 1)->pooled = true;
    if (rig_plan(&r))
        fail_msg("%s", r.msg.text);
    assert_true(kernel_matrix_init(&k, &r.plan, 0, 0, false));
    assert_null(k.strip);
    assert_null(k.vector);
    assert_int_equal(kernel_matrix_driven(&k, all, 3), 15); // Fig. 4
    assert_int_equal(kernel_matrix_driven(&k, ends, 2), 15);
    assert_int_equal(kernel_matrix_driven(&k, one, 1), 9);
    assert_int_equal(kernel_matrix_driven(&k, all, 2), 12);
    kernel_matrix_release(&k);
    rig_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_replicas_along_a_column_are_figure_4),
        cmocka_unit_test(six_replicas_in_a_block_are_figure_5),
        cmocka_unit_test(a_partial_last_row_adds_only_what_its_replicas_see),
        cmocka_unit_test(weights_and_vectors_of_any_layer_are_those_of_its_patches),
        cmocka_unit_test(a_timing_run_counts_driven_rows_without_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
