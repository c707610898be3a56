/* Value by value: Clip by bounds in either order, as ONNX defines it since set 13:
 * Min(max, Max(input, min)), so that every value is max where min is above it. NaN stays. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "network/float/graph.h"
#include "test/onnx_make.h"

static const float values[] = {-INFINITY, -3, -1, -0.5F, 0, 0.5F, 1, 2.5F, 3, INFINITY, NAN};
enum { N = sizeof values / sizeof *values };

/* Bound i is left out where given[i] is false. */
static void clip(const float bound[2], const bool given[2], float out[N])
{
    Onnx__ModelProto *model = make_model(1, 1, N);
    static const char *const inputs[2][2] = {{"image", "image - high"},
                                             {"image low", "image low high"}};
    struct float_graph g;
    struct float_run run;
    struct array image;
    struct err_msg m;

    model->opset_import[0]->version = 13;
    make_tensor(model, "low", ONNX_TYPE(FLOAT), (const int64_t[]){-1}, &bound[0], sizeof bound[0]);
    make_tensor(model, "high", ONNX_TYPE(FLOAT), (const int64_t[]){-1}, &bound[1], sizeof bound[1]);
    make_node(model, "Clip", "c", inputs[given[0]][given[1]], "out");
    if (float_graph_init(&g, model, &m) || float_run_init(&run, &g, &m))
        fail_msg("%s", m.text);
    assert_true(array_init(&image, ONNX_TYPE(FLOAT), 4, (uint32_t[]){1, 1, 1, N}));
    for (size_t i = 0; i < N; i++)
        image.real[i] = values[i];
    float_run_set(&run, g.graph.image, &image);
    if (float_run_all(&run, &m))
        fail_msg("%s", m.text);
    for (size_t i = 0; i < N; i++)
        out[i] = run.value[g.graph.result].real[i];
    float_run_release(&run);
    float_graph_release(&g);
    make_free(model);
}

static void clip_is_min_of_max(void **state)
{
    static const float bounds[] = {-INFINITY, -2, -1, 0, 1, 2, 3, INFINITY};
    enum { N_BOUND = sizeof bounds / sizeof *bounds };
    (void)state;

    for (size_t k = 0; k < 4 * N_BOUND * N_BOUND; k++) {
        const float bound[2] = {bounds[k / 4 % N_BOUND], bounds[k / 4 / N_BOUND]};
        const bool given[2] = {k % 2 == 1, k / 2 % 2 == 1};
        float out[N];
        clip(bound, given, out);
        for (size_t i = 0; i < N; i++) {
            float want = values[i];
            if (given[0] && !isnan(want))
                want = fmaxf(want, bound[0]);
            if (given[1] && !isnan(want))
                want = fminf(want, bound[1]);
            if (!(out[i] == want || (isnan(out[i]) && isnan(want))))
                fail_msg("Clip of %g by %g to %g (%d, %d given) is %g, not %g", (double)values[i],
                         (double)bound[0], (double)bound[1], given[0], given[1], (double)out[i],
                         (double)want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clip_is_min_of_max),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
