/* The trained Fashion-MNIST network on real images: every prediction is the one that its training
 * wrote down (test/data/resnet32_fmnist_predictions.csv, made with numpy), and a long stream gives
 * what each image gives on a chip just reset. A part of the images, or all of them with
 * IMCSIM_ALL_IMAGES=1 (make accuracy). */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "onnx/read/read.h"
#include "study/run.h"

#define IMAGES "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
#define PREDICTIONS "test/data/resnet32_fmnist_predictions.csv"

enum { N_IMAGE = 10000, N_STREAM = 1000, N_CLASS = 10, PART = 50 };

static uint32_t images_of(uint32_t all)
{
    return getenv("IMCSIM_ALL_IMAGES") ? all : all / PART;
}

struct machine {
    struct config  config;
    struct network network;
    struct plan    plan;
};

static void machine_make(struct machine *k, const char *const *set, size_t n_set)
{
    struct err_msg m;

    if (access(IMAGES, R_OK) != 0) {
        print_message("%s is not there\n", IMAGES);
        skip();
    }
    if (config_load(&k->config, "configs/resnet32_fmnist.yaml", set, n_set, &m) ||
        network_load_onnx(&k->network, k->config.network.onnx, &m) ||
        plan_make(&k->plan, &k->network, &k->config, &m))
        fail_msg("%s", m.text);
}

static void machine_release(struct machine *k)
{
    plan_release(&k->plan);
    network_release(&k->network);
    config_release(&k->config);
}

static void check_predictions(const struct machine *k, uint32_t n)
{
    const struct run_cfg cfg = { .images = IMAGES, .n_image = n, .jobs = 2 };
    FILE *f = fopen(PREDICTIONS, "r");
    struct run_result r;
    struct err_msg m;
    char line[64];

    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f)); // label,int8
    if (run(&k->plan, &cfg, &r, &m))
        fail_msg("%s", m.text);
    for (uint32_t i = 0; i < n; i++) {
        unsigned label, predicted;
        assert_non_null(fgets(line, sizeof line, f));
        assert_int_equal(sscanf(line, "%u,%u", &label, &predicted), 2);
        assert_int_equal(r.label[i], label);
        assert_int_equal(r.predicted[i], predicted);
    }
    fclose(f);
    run_result_release(&r);
}

static void every_prediction_is_that_of_the_training(void **state)
{
    struct machine k;
    (void)state;

    machine_make(&k, NULL, 0);
    check_predictions(&k, images_of(N_IMAGE));
    machine_release(&k);
}

static void predictions_do_not_change_with_the_speed_up(void **state)
{
    static const char *const set[] = { "core.crossbar.rows=512", "core.crossbar.columns=512",
                                       "mapping.replicas={32: 4, 16: 2}", "mapping.firing=free",
                                       "fabric.link_gbps=5.12" };
    struct machine k;
    (void)state;

    machine_make(&k, set, sizeof set / sizeof *set);
    check_predictions(&k, images_of(N_IMAGE));
    machine_release(&k);
}

/* Eight reads a product, of a bit of every input each. */
static void predictions_do_not_change_bit_by_bit(void **state)
{
    static const char *const set[] = { "core.crossbar.input_slice_bits=1",
                                       "clocking.timestep_ns=800" };
    struct machine k;
    (void)state;

    machine_make(&k, set, sizeof set / sizeof *set);
    check_predictions(&k, images_of(N_IMAGE));
    machine_release(&k);
}

static struct chip *new_chip(const struct plan *p, uint64_t first_image)
{
    const struct chip_cfg cfg = { .plan = p, .planes.n = 1, .first_image = first_image };
    struct chip *c = chip_new(&cfg);

    assert_non_null(c);
    return c;
}

static void check_one(const struct plan *p, uint64_t image, const int8_t *pixels,
                      const int64_t *streamed)
{
    struct chip *c = new_chip(p, image);
    struct chip_result r;
    struct err_msg m;

    assert_true(chip_inject(c, pixels));
    assert_int_equal(chip_run(c, (int64_t)p->time.first_result + 1, &m), ERR_NONE);
    assert_true(chip_result(c, &r));
    assert_memory_equal(r.value, streamed, N_CLASS * sizeof *r.value);
    assert_int_equal(r.timestep + 1, p->time.first_result);
    chip_free(c);
}

static void a_streamed_image_gives_the_logits_of_a_chip_just_reset(void **state)
{
    const struct images_shape shape = { 32, 32, 3 };
    uint32_t n = images_of(N_STREAM), in = 0, out = 0, label;
    struct machine k;
    struct images *set;
    struct chip_result r;
    struct err_msg m;
    int more;
    (void)state;

    machine_make(&k, NULL, 0);
    int8_t *pixels = malloc((size_t)n * 3072);
    int64_t(*logit)[N_CLASS] = malloc(n * sizeof *logit);
    assert_int_equal(images_open(&set, IMAGES, shape, N_CLASS, &m), ERR_NONE);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(images_next(set, pixels + (size_t)i * 3072, &label, &more, &m), ERR_NONE);
    images_close(set);

    struct chip *c = new_chip(&k.plan, 0);
    for (int64_t until = 0; out < n; until += (int64_t)k.plan.interval / 2) {
        while (in < n && chip_inject(c, pixels + (size_t)in * 3072))
            in++;
        assert_int_equal(chip_run(c, until, &m), ERR_NONE);
        for (; chip_result(c, &r); out++)
            memcpy(logit[out], r.value, sizeof *logit);
    }
    chip_free(c);
    for (uint32_t i = 0; i < n; i++)
        check_one(&k.plan, i, pixels + (size_t)i * 3072, logit[i]);
    free(pixels);
    free(logit);
    machine_release(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prediction_is_that_of_the_training),
        cmocka_unit_test(predictions_do_not_change_with_the_speed_up),
        cmocka_unit_test(predictions_do_not_change_bit_by_bit),
        cmocka_unit_test(a_streamed_image_gives_the_logits_of_a_chip_just_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
