/* Values by layer: every byte of every map, and every result, is what plain loops in 64-bit
 * integers compute (test/reference.h), by every kernel that the machine has; also where inputs and
 * weights are bits and are counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/simd.h"
#include "network/values/prepared.h"
#include "test/random_study.h"
#include "test/reference.h"

enum { N_STUDY = 500, N_EVERY_KERNEL = 100, N_BITS = 150 };

struct expected {
    struct reference r[STUDY_IMAGES];
    uint32_t         n_map; // compared
    unsigned         seed;
    const char      *kernel;
};

static void compare_column(void *user, uint32_t layer, const struct value_map *m, uint32_t y,
                           uint32_t n)
{
    struct expected *e = user;

    for (uint32_t lane = 0; lane < n; lane++)
        for (uint32_t x = 0; x < m->shape.height; x++)
            for (uint32_t c = 0; c < m->shape.channels; c++)
                if (value_get(m, x, y, c, lane) != reference_map(&e->r[lane], layer, x, y, c))
                    fail_msg("%s, seed %u, layer %u, lane %u, (%u, %u), channel %u: %d, want %d",
                             e->kernel, e->seed, layer, lane, x, y, c, value_get(m, x, y, c, lane),
                             (int)reference_map(&e->r[lane], layer, x, y, c));
    e->n_map += y == m->shape.width - 1;
}

static int64_t expected_result(const struct reference *r, uint32_t c)
{
    return reference_delivered(r, r->network->n_layer - 1, 0, 0, c);
}

static void check_kernel(const struct random_study *s, struct expected *e, const char *kernel)
{
    const struct value_watch watch = { .output = compare_column, .user = e };
    uint32_t classes = layer_delivers(network_result(&s->network)).channels;
    struct values *v = values_new(&s->network, kernel);
    struct value_lanes *l = v ? value_lanes_new(v) : NULL;
    int64_t *result = calloc(STUDY_IMAGES * classes, sizeof *result);

    assert_non_null(l);
    e->n_map = 0;
    e->kernel = kernel ? kernel : "fastest";
    value_lanes_run(l, (const uint8_t *)s->image, STUDY_IMAGES, result, &watch);
    assert_int_equal(e->n_map, s->network.n_layer - 1 - network_result(&s->network)->raw_output);
    if (network_result(&s->network)->out.height * network_result(&s->network)->out.width == 1)
        for (uint32_t i = 0; i < STUDY_IMAGES; i++)
            for (uint32_t c = 0; c < classes; c++)
                assert_int_equal(result[i * classes + c], expected_result(&e->r[i], c));
    free(result);
    value_lanes_free(l);
    values_free(v);
}

static void every_map_is_that_of_plain_loops(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        struct expected e = { .seed = seed };
        random_study_make(&s, seed);
        for (uint32_t i = 0; i < STUDY_IMAGES; i++) {
            reference_init(&e.r[i], &s.network);
            reference_run(&e.r[i], s.image + i * s.image_bytes);
        }
        check_kernel(&s, &e, NULL);
        for (const char *const *k = simd_names(); seed <= N_EVERY_KERNEL && *k; k++)
            check_kernel(&s, &e, *k);
        for (uint32_t i = 0; i < STUDY_IMAGES; i++)
            reference_release(&e.r[i]);
        random_study_release(&s);
    }
}

/* ---- bits ---- */

static bool one_in(unsigned n)
{
    return (unsigned)rand() % n == 0;
}

/* Values of a layer that are 0 and 1, or a few more; its zero point is one of them, or near. */
static void draw_values(struct layer *l)
{
    int32_t high = one_in(4) ? 2 : 1;

    free(l->table);
    l->table = NULL;
    l->n_table = 0;
    l->out_signed = l->raw_output;
    l->out_zero = l->raw_output || !one_in(3) ? 0 : rand() % 3;
    l->requant.zero = l->out_zero;
    l->requant.low = 0;
    l->requant.high = high;
    l->pool.low = 0;
    l->pool.high = one_in(4) ? 2 : 1;
    l->pool.zero = l->out_zero;
}

/* Weights of one bit, or with a few zeros; sums that become 0 and 1 by turns. */
static void draw_weights(struct layer *l)
{
    size_t rows = layer_kernel_rows(l);
    bool zeros = one_in(5);

    for (size_t i = 0; i < rows * l->out.channels; i++)
        l->weight[i] = (int8_t)(zeros && one_in(9) ? 0 : one_in(2) ? 1 : -1);
    for (uint32_t o = 0; o < layer_n_scale(l); o++) {
        l->requant.m[o] = (uint32_t)(one_in(9) ? 0 : 1 + rand() % 65535);
        l->requant.shift[o] = (uint8_t)(15 + rand() % 4);
        l->requant.b[o] = (rand() % 2000 - 1000) * (INT64_C(1) << l->requant.shift[o]) / 500;
        if (l->requant.mr)
            l->requant.mr[o] = INT64_C(1) << (l->requant.shift[o] - rand() % 2);
    }
}

/* The network and its images become bits. */
static void make_bits(struct random_study *s)
{
    struct network *n = &s->network;

    srand(s->seed);
    n->layer[0].out_signed = false;
    n->layer[0].value_bits = 1;
    for (uint32_t i = 0; i < STUDY_IMAGES * s->image_bytes; i++)
        s->image[i] = one_in(2);
    for (uint32_t i = 1; i < n->n_layer; i++) {
        struct layer *l = &n->layer[i];
        draw_values(l);
        if (strncmp(l->name, "branch", 6) == 0) // what is concatenated has one zero point
            l->requant.zero = l->out_zero = 0;
        l->in_zero = n->layer[l->input[0]].out_zero;
        if (l->has_residual)
            l->requant.r_zero = n->layer[l->residual].out_zero;
        draw_weights(l);
    }
}

static uint32_t counted_layers(const struct network *n)
{
    struct values *v = values_new(n, NULL);
    uint32_t counted = 0;

    for (uint32_t i = 1; i < n->n_layer; i++)
        counted += v->layer[i].bits.words > 0;
    values_free(v);
    return counted;
}

static void bits_are_counted_to_what_plain_loops_give(void **state)
{
    uint32_t counted = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_BITS; seed++) {
        struct random_study s;
        struct expected e = { .seed = seed };
        random_study_make(&s, seed);
        make_bits(&s);
        counted += counted_layers(&s.network);
        for (uint32_t i = 0; i < STUDY_IMAGES; i++) {
            reference_init(&e.r[i], &s.network);
            reference_run(&e.r[i], s.image + i * s.image_bytes);
        }
        for (const char *const *k = simd_names(); *k; k++)
            check_kernel(&s, &e, *k);
        for (uint32_t i = 0; i < STUDY_IMAGES; i++)
            reference_release(&e.r[i]);
        random_study_release(&s);
    }
    assert_in_range(counted, 2 * N_BITS, 10 * N_BITS);
}

/* ---- many rows of bits ---- */

enum { MOST_ROWS = INT16_MAX + 2, COLUMNS = 27 };

/* `rows` bits by weights of which the first two outputs' are alike, counted or not. */
static void check_rows(uint32_t rows, bool counted)
{
    static int8_t weight[COLUMNS * MOST_ROWS], in[VALUE_LANES * MOST_ROWS];
    static uint32_t m[COLUMNS];
    static int64_t b[COLUMNS];
    static uint8_t shift[COLUMNS];
    uint32_t input = 0;
    struct layer layer[2] = {
        { .name = "image", .groups = 1, .value_bits = 1, .out = { 1, 1, rows } },
        { .name = "fc", .kind = LAYER_GEMM, .groups = 1, .input = &input, .n_input = 1,
          .in = { 1, 1, rows }, .out = { 1, 1, COLUMNS }, .weight = weight, .raw_output = true,
          .window = { .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 } },
          .requant = { .m = m, .b = b, .shift = shift } }
    };
    const struct network n = { .name = "bits", .layer = layer, .n_layer = 2, .has_values = true };
    int64_t result[VALUE_LANES * COLUMNS];

    srand(1);
    for (size_t i = 0; i < (size_t)COLUMNS * rows; i++)
        weight[i] = i < rows ? 1 : i < 2 * rows || rand() % 2 ? -1 : 1;
    for (size_t i = 0; i < (size_t)VALUE_LANES * rows; i++) // the first image is all ones
        in[i] = i < rows || rand() % 2;
    assert_int_equal(counted_layers(&n), counted);
    for (const char *const *k = simd_names(); *k; k++) {
        struct values *v = values_new(&n, *k);
        struct value_lanes *l = value_lanes_new(v);
        value_lanes_run(l, (const uint8_t *)in, VALUE_LANES, result, NULL);
        for (uint32_t i = 0; i < VALUE_LANES * COLUMNS; i++) {
            int64_t sum = 0;
            for (uint32_t r = 0; r < rows; r++)
                sum += weight[i % COLUMNS * rows + r] * in[i / COLUMNS * rows + r];
            assert_int_equal(result[i], sum);
        }
        value_lanes_free(l);
        values_free(v);
    }
}

static void bits_of_many_rows_are_counted(void **state)
{
    (void)state;
    for (uint32_t rows = 240; rows < 260; rows++) // about what bytes hold
        check_rows(rows, true);
    check_rows(2100, true);
    check_rows(INT16_MAX - 1, true);
    check_rows(INT16_MAX, false);
    check_rows(MOST_ROWS, false);
}

/* ---- sums of bytes ---- */

enum { QUADS = 3, APART = QUADS * VALUE_BYTES + 7, PIXELS = VALUE_MOST_PIXELS };

/* Sums of a function over the first pixels and lanes, byte by byte; all of it at its largest where
 * the seed says so. */
static void check_function(const struct values *v, uint32_t seed)
{
    static uint8_t bytes[PIXELS * APART];
    struct value_function_sums sums[QUADS] = { 0 };
    struct value_function f;
    uint32_t n = seed % 4 ? 1 + (uint32_t)rand() % (PIXELS / 2) : PIXELS;
    uint32_t n_lane = 1 + seed % VALUE_LANES;
    const struct value_map m = { .quads = QUADS, .pixel_bytes = APART, .byte = bytes };

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)rand();
    for (uint32_t i = 0; i < 16; i++) {
        f.low[i] = (uint8_t)(seed % 8 ? rand() % 128 : 127);
        f.high[i] = (uint8_t)(seed % 8 ? rand() % 128 : 128);
    }
    values_sum_function(v, &m, bytes, n / 2, &f, sums);
    values_sum_function(v, &m, bytes + n / 2 * APART, n - n / 2, &f, sums);
    for (uint32_t q = 0; q < QUADS; q++) {
        uint64_t total[VALUE_QUAD] = { 1, 2, 3, 4 };
        value_function_sums_take(&sums[q], n_lane, total);
        for (uint32_t c = 0; c < VALUE_QUAD; c++) {
            uint64_t want = c + 1;
            for (uint32_t i = 0; i < n * n_lane; i++) {
                uint8_t x = bytes[i / n_lane * APART + q * VALUE_BYTES + i % n_lane * VALUE_QUAD +
                                  c];
                want += (uint64_t)f.low[x & 15] + f.high[x >> 4];
            }
            assert_int_equal(total[c], want);
        }
        assert_int_equal(sums[q].even[0] + sums[q].odd[2 * VALUE_LANES - 1], 0);
    }
}

static void a_function_of_bytes_is_summed_byte_by_byte(void **state)
{
    struct random_study s;

    (void)state;
    random_study_make(&s, 1);
    for (const char *const *k = simd_names(); *k; k++) {
        struct values *v = values_new(&s.network, *k);
        assert_non_null(v);
        srand(1);
        for (uint32_t seed = 0; seed < 40; seed++)
            check_function(v, seed);
        values_free(v);
    }
    random_study_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_of_bytes_is_summed_byte_by_byte),
        cmocka_unit_test(every_map_is_that_of_plain_loops),
        cmocka_unit_test(bits_are_counted_to_what_plain_loops_give),
        cmocka_unit_test(bits_of_many_rows_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
