/* What the bytes of an image set become in a network whose image is int8 or uint8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/load.h"
#include "study/run.h"
#include "study/study.h"
#include "test/onnx_make.h"
#include "test/reference.h"
#include "test/tmpdir.h"

enum { SIDE = 4, N_PIXEL = SIDE * SIDE, N_CLASS = 10, N_IMAGE = 40 };

static uint8_t pixels[N_IMAGE][N_PIXEL]; // row by row

static void write_images(const char *dir)
{
    uint8_t file[16 + sizeof pixels] = {0, 0, 8, 3, 0, 0, 0, N_IMAGE, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    uint8_t labels[8 + N_IMAGE] = {0, 0, 8, 1, 0, 0, 0, N_IMAGE};
    uint32_t seed = 5;

    for (int i = 0; i < N_IMAGE * N_PIXEL; i++) {
        seed = seed * 1664525 + 1013904223;
        pixels[i / N_PIXEL][i % N_PIXEL] = (uint8_t)(seed >> 24);
    }
    memcpy(file + 16, pixels, sizeof pixels);
    tmpdir_write(dir, "t-images-idx3-ubyte", file, sizeof file);
    tmpdir_write(dir, "t-labels-idx1-ubyte", labels, sizeof labels);
}

/* The image straight into a kernel that covers it. */
static void write_model(const char *dir, int32_t type, int zero)
{
    Onnx__ModelProto *m = make_model(1, SIDE, SIDE);
    int8_t weight[N_CLASS * N_PIXEL];
    float scale = 0.01F;
    uint32_t seed = 9;
    size_t size;

    for (size_t i = 0; i < sizeof weight; i++) {
        seed = seed * 1664525 + 1013904223;
        weight[i] = (int8_t)((int)(seed >> 24) - 128);
    }
    make_qdq(m, "image", "in", 0.02F, type, zero);
    make_weights(m, "w", (const int64_t[]){N_CLASS, 1, SIDE, SIDE, -1}, weight, 1, &scale, 0);
    make_node(m, "Conv", "conv", "in w", "out");
    uint8_t *bytes = make_packed(m, &size);
    tmpdir_write(dir, "m.onnx", bytes, size);
    free(bytes);
    make_free(m);
}

/* The reference on pixel - subtract, columns first. */
static uint32_t class_of(struct reference *r, const uint8_t *pixel, int subtract)
{
    uint8_t image[N_PIXEL];

    for (int x = 0; x < SIDE; x++)
        for (int y = 0; y < SIDE; y++)
            image[y * SIDE + x] = (uint8_t)(pixel[x * SIDE + y] - subtract);
    reference_run(r, image);
    return reference_class(r);
}

static void check(const char *dir, int32_t type, int zero, int subtract)
{
    char model[TMPDIR_PATH_MAX + 16], images[TMPDIR_PATH_MAX], path[TMPDIR_PATH_MAX];
    const char *set[] = {model};
    struct options o = {.operand = "configs/resnet32_fmnist.yaml", .set = set, .n_set = 1};
    struct run_cfg cfg = {.jobs = 1};
    struct run_result result;
    struct reference r;
    struct study s;
    struct err_msg m;

    write_images(dir);
    write_model(dir, type, zero);
    snprintf(model, sizeof model, "network.onnx=%s", tmpdir_path(path, dir, "m.onnx"));
    cfg.images = tmpdir_path(images, dir, "t-images-idx3-ubyte");
    if (study_from_options(&s, &o, &m) || run(&s.plan, &cfg, &result, &m))
        fail_msg("%s", m.text);
    reference_init(&r, s.plan.network);
    assert_int_equal(result.n_image, N_IMAGE);
    for (int i = 0; i < N_IMAGE; i++)
        assert_int_equal(result.predicted[i], class_of(&r, pixels[i], subtract));
    reference_release(&r);
    run_result_release(&result);
    study_release(&s);
}

static void an_int8_image_holds_pixels_less_128(void **state)
{
    check(*state, ONNX_TYPE(INT8), 0, 128);
    check(*state, ONNX_TYPE(INT8), -128, 128);
}

static void a_uint8_image_holds_the_pixels_themselves(void **state)
{
    check(*state, ONNX_TYPE(UINT8), 0, 0);
    check(*state, ONNX_TYPE(UINT8), 100, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_make, tmpdir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_int8_image_holds_pixels_less_128),
        TEST(a_uint8_image_holds_the_pixels_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
