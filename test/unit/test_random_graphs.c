/* Random exact networks over all operators (test/random_graph.h): the integers of the reader's
 * layers beside the float evaluator on the same file, which knows nothing of layers. Nothing may
 * differ. scripts/peer_graphs.sh compares more of them with ONNX Runtime. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/float/graph.h"
#include "onnx/read/read.h"
#include "study/outputs.h"
#include "test/random_graph.h"
#include "test/tmpdir.h"

enum { N_SEED = 120, MOST_PIXELS = 1024 };

/* Networks that were wrong once, with the number of operators that there were. */
static const struct once_wrong {
    uint64_t seed;
    uint32_t n_operator;
} once_wrong[] = {
    {568, 21},  // a map whose table joins its layer, read as bytes and, with a function, as real
    {1158, 21}, // a map that is concatenated, rounded as it is and cut, and read by others too
    {918, 23},  // parts of a concatenated map of which a Slice wants one alone
    {1846, 23}, // likewise, rounded twice
};

/* most: 1 where the image comes in one bit. */
static float byte_as_real(const struct graph_map *m, double most, float v, uint8_t *byte)
{
    double low = m->is_signed ? -128 : 0, q = (double)rintf(v / m->scale) + m->zero;

    *byte = (uint8_t)(int)fmin(fmax(q, low), low + most);
    return v;
}

static void assert_equal(const struct random_graph *g, uint64_t seed, const struct float_run *run,
                         const struct outputs *o)
{
    for (uint32_t i = 0; i < outputs_count(o); i++) {
        const char *name = g->model->graph->output[i]->name;
        const struct array *want = &run->value[onnx_graph_find(&run->graph->graph, name)];
        size_t n;
        const double *got = outputs_values(o, i, &n);
        assert_int_equal(n, want->n);
        for (size_t k = 0; k < n; k++)
            if (got[k] != array_get(want, k))
                fail_msg("seed %d (%s): value %zu of %s is %g, want %g", (int)seed, g->operators,
                         k, name, got[k], array_get(want, k));
    }
}

/* n_operator: 0 for all. */
static uint32_t functions_of_sums(const struct network *n)
{
    uint32_t functions = 0;

    for (uint32_t i = 0; i < n->n_layer; i++)
        functions += n->layer[i].function != NULL;
    return functions;
}

/* Returns how many layers have a function of sums that are not rounded. Graphs of operators that
 * the float evaluator does not have are left out. */
static uint32_t compare(const char *dir, uint64_t seed, uint32_t n_operator)
{
    char path[TMPDIR_PATH_MAX];
    struct network_cfg cfg = {0};
    struct random_graph g;
    struct network n;
    struct outputs *o;
    struct float_graph f;
    struct float_run run;
    struct array image;
    struct err_msg m;
    uint8_t bytes[MOST_PIXELS];
    float real[MOST_PIXELS];
    size_t size;

    if (n_operator)
        random_graph_make_of(&g, seed, n_operator);
    else
        random_graph_make(&g, seed);
    if (n_operator == 0 && (strstr(g.operators, "QLinear") || strstr(g.operators, "Pad") ||
                            strstr(g.operators, "ConvInteger"))) {
        random_graph_free(&g);
        return 0;
    }
    const struct graph_map *in = &g.map[0];
    const uint32_t dim[] = {1, in->channels, in->rows, in->columns};
    uint32_t pixels = in->rows * in->columns, n_in = in->channels * pixels;
    assert_true(n_in <= MOST_PIXELS);
    uint8_t *file = make_packed(g.model, &size);
    tmpdir_write(dir, "m.onnx", file, size);
    free(file);
    snprintf(cfg.onnx, sizeof cfg.onnx, "%s", tmpdir_path(path, dir, "m.onnx"));
    if (network_load_onnx(&n, cfg.onnx, &m) || outputs_new(&o, &cfg, &n, &m) ||
        float_graph_init(&f, g.model, &m) || float_run_init(&run, &f, &m))
        fail_msg("seed %d: %s", (int)seed, m.text);
    assert_true(array_init(&image, ONNX_TYPE(FLOAT), 4, dim));
    random_graph_image(&g, real, n_in);
    for (uint32_t c = 0; c < in->channels; c++)
        for (uint32_t p = 0; p < pixels; p++) {
            uint32_t at = (p % in->columns * in->rows + p / in->columns) * in->channels + c;
            image.real[c * pixels + p] = byte_as_real(in, n.layer[0].value_bits == 1 ? 1 : 255,
                                                       real[c * pixels + p], &bytes[at]);
        }
    float_run_set(&run, f.graph.image, &image);
    if (float_run_all(&run, &m) || outputs_run(o, bytes, 1, &m))
        fail_msg("seed %d: %s", (int)seed, m.text);
    assert_equal(&g, seed, &run, o);
    float_run_release(&run);
    float_graph_release(&f);
    outputs_free(o);
    const uint32_t functions = functions_of_sums(&n);
    network_release(&n);
    random_graph_free(&g);
    return functions;
}

static void exact_networks_give_what_their_operators_say(void **state)
{
    for (uint64_t seed = 2; seed <= 2 * N_SEED; seed += 2)
        compare(*state, seed, GRAPH_FLOAT_OPERATORS);
}

/* The float evaluator rounds what it computes, not the sum before it. */
static void functions_of_sums_give_what_their_operators_say(void **state)
{
    uint32_t functions = 0;

    for (uint64_t seed = 2; seed <= 8 * N_SEED; seed += 2)
        functions += compare(*state, seed, 0);
    assert_in_range(functions, 50, 1000);
}

static void networks_that_were_wrong_are_right(void **state)
{
    for (size_t i = 0; i < sizeof once_wrong / sizeof *once_wrong; i++)
        compare(*state, once_wrong[i].seed, once_wrong[i].n_operator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(functions_of_sums_give_what_their_operators_say,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(exact_networks_give_what_their_operators_say, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(networks_that_were_wrong_are_right, tmpdir_make,
                                        tmpdir_remove),
    };

    return cmocka_run_group_tests_name("random_graphs", tests, NULL, NULL);
}
