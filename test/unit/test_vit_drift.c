/* A trained vision transformer on analog chips (configs/studies/vit_drift.yaml): what its products
 * are off by nothing where no effect acts, grows with time, and is made up for by one gain for each
 * array; attention, which is digital, adds nothing to it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/figures.h"
#include "study/measure.h"
#include "study/study.h"

#define FASHION "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

enum { N_IMAGE = 32, N_TIME = 4, MOST_SET = 8 };

struct drifted { // after each time: errors of products, means of layers with arrays; and top-1
    double error[N_TIME], top1[N_TIME], exact;
};

static void drift(struct drifted *d, const char *const *set, size_t n_set)
{
    const struct run_cfg cfg = { .images = FASHION, .n_image = N_IMAGE, .jobs = 1 };
    struct measured measured;
    struct study s;
    struct err_msg m;

    if (study_load(&s, "configs/vit_fmnist.yaml", set, n_set, &m) ||
        measured_run(&measured, &s, &cfg, &m))
        fail_msg("%s", m.text);
    *d = (struct drifted){ .exact = (double)measured.run.n_correct / N_IMAGE };
    assert_int_equal(measured.analog.n_time, N_TIME);
    for (uint32_t k = 0; k < N_TIME; k++) {
        uint32_t n = 0;
        d->top1[k] = analog_accuracy(&measured.analog, &measured.run, k).mean;
        for (uint32_t i = 0; i < s.plan.n_layer; i++)
            if (!layer_is_digital(plan_network_layer(&s.plan, i))) {
                d->error[k] += analog_layer(&measured.analog, k, i).error;
                n++;
            }
        assert_int_equal(n, 33); // 2 convolutions, 5 times q, k, v, o, f1, f2, and the head
        d->error[k] /= n;
    }
    struct figures f = { 0 };
    figures_of(&f, &s, &measured); // what a sweep keeps of the last time
    assert_true(f.there[FIGURE_ANALOG_ERROR]);
    assert_true(fabs(f.value[FIGURE_ANALOG_ERROR] - d->error[N_TIME - 1]) < 1e-12);
    measured_release(&measured);
    study_release(&s);
}

#define DEVICE "core.crossbar.device=pcm_joshi", "analog.chips=2",                                 \
               "analog.times_s=[25, 3600, 86400, 2592000]"

static void without_effects_nothing_is_off(void **state)
{
    static const char *const set[][MOST_SET] = {
        { DEVICE, "core.crossbar.w_max=layer", "analog.programming=off", "analog.drift=off" },
        { DEVICE, "core.crossbar.w_max=layer", "analog.programming=off", "analog.drift=off",
          "attention.bits=6" },
    };

    (void)state;
    if (access(FASHION, R_OK) != 0)
        skip();
    for (size_t i = 0; i < 2; i++) {
        struct drifted d;
        drift(&d, set[i], 6 + i);
        for (uint32_t k = 0; k < N_TIME; k++) {
            assert_true(d.error[k] == 0);
            assert_true(d.top1[k] == d.exact);
        }
    }
}

static void errors_grow_with_time_and_a_gain_for_each_array_makes_up_for_most(void **state)
{
    static const char *const raw[] = { DEVICE }, *const made_up[] = { DEVICE,
                                                                    "analog.compensation=core" };
    struct drifted r, c;

    (void)state;
    if (access(FASHION, R_OK) != 0)
        skip();
    drift(&r, raw, 3);
    drift(&c, made_up, 4);
    assert_true(r.error[0] > 0.01);
    for (uint32_t k = 1; k < N_TIME; k++) {
        assert_true(r.error[k] > r.error[k - 1]);
        assert_true(c.error[k] > c.error[k - 1]);
        assert_true(c.error[k] < 0.5 * r.error[k]);
        assert_true(c.top1[k] > r.top1[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_effects_nothing_is_off),
        cmocka_unit_test(errors_grow_with_time_and_a_gain_for_each_array_makes_up_for_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
