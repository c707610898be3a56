/* test/unit/test_normalise.c -- pixels as real numbers by --mean and --std, and as a network's
 * bytes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "study/inputs.h"
#include "test/cli_rig.h"
#include "test/shared.h"
#include "test/tmpdir.h"
#include "traces/images/normalise.h"

#define MEAN    "0.485,0.456,0.406" // torchvision's, of ImageNet
#define STD     "0.229,0.224,0.225"
#define FMNIST  "configs/resnet32_fmnist.yaml"
#define FASHION "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

enum { N_IMAGE = 2, N_CHANNEL = 3, SIDE = 32, N_PIXEL = SIDE * SIDE };

static const float mean[N_CHANNEL] = { 0.485F, 0.456F, 0.406F };
static const float std[N_CHANNEL] = { 0.229F, 0.224F, 0.225F };

/* (pixel / 255 - mean) / std, each operation rounded to binary32 by a program in Python. */
static void values_are_those_of_single_precision(void **state)
{
    (void)state;
    static const uint8_t pixel[] = { 0, 1, 100, 127, 128, 200, 254, 255 };
    static const uint32_t want[N_CHANNEL][sizeof pixel] = {
        { 0xc0078bbd, 0xc006732b, 0xbecf9456, 0x3d6939a6,
          0x3d97af32, 0x3fa74d4f, 0x400ed58a, 0x400fee1d },
        { 0xc0024924, 0xc0012a4f, 0xbe91ed5a, 0x3e402de4,
          0x3e521b48, 0x3fbb9b9c, 0x401a4ee0, 0x401b6db7 },
        { 0xbfe6f809, 0xbfe4bcea, 0xbd7c019d, 0x3ed170bd,
          0x3eda5d3c, 0x3fd737ef, 0x4027d834, 0x4028f5c3 },
    };
    struct normalise n;
    struct err_msg m;

    assert_int_equal(normalise_read(&n, MEAN, STD, &m), ERR_NONE);
    assert_int_equal(n.n, N_CHANNEL);
    for (uint32_t c = 0; c < N_CHANNEL; c++)
        for (size_t i = 0; i < sizeof pixel; i++) {
            float v = normalise_value(&n, c, pixel[i]);
            uint32_t bits;
            memcpy(&bits, &v, sizeof bits);
            assert_int_equal(bits, want[c][i]);
        }
}

static void a_list_is_one_number_or_one_for_each_channel(void **state)
{
    (void)state;
    static const struct {
        const char *mean, *std, *want; // NULL: taken
    } cases[] = {
        { NULL, "1", NULL },
        { "-3", "0.000001", NULL },
        { "0.5", "1,2,3", NULL },
        { "1,2,3", "0.5", NULL },
        { "1,2", "1,2,3", "--mean of 2 numbers, --std of 3: want as many of both, or one" },
        { "1", "0", "--std 0: want a number from 1e-06 to 1e+06, or one for" },
        { "1", "-1", "--std -1: want" },
        { "1", "1,,2", "--std 1,,2: want" },
        { "1", "1,", "--std 1,: want" },
        { "1", "", "--std : want" },
        { "x", "1", "--mean x: want a number from -1e+06 to 1e+06, or one for" },
        { "nan", "1", "--mean nan: want" },
        { "1", "inf", "--std inf: want" },
        { "1;2", "1", "--mean 1;2: want" },
        { "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "1", "at most 16" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct normalise n;
        struct err_msg m = { "" };
        enum err e = normalise_read(&n, cases[i].mean, cases[i].std, &m);
        if ((e == ERR_NONE) != !cases[i].want || (e && !strstr(m.text, cases[i].want)))
            fail_msg("%s and %s: %s", cases[i].mean, cases[i].std, m.text);
    }
}

static void every_channel_has_its_own_or_all_have_one(void **state)
{
    (void)state;
    struct normalise n;
    struct err_msg m;

    assert_int_equal(normalise_read(&n, "0.5,0.25", "2", &m), ERR_NONE);
    assert_true(normalise_value(&n, 0, 255) == 0.25F && normalise_value(&n, 1, 255) == 0.375F);
    assert_int_equal(normalise_check(&n, 2, &m), ERR_NONE);
    assert_int_equal(normalise_check(&n, 3, &m), ERR_INPUT);
    assert_int_equal(normalise_read(&n, NULL, "2", &m), ERR_NONE);
    assert_true(normalise_value(&n, 7, 255) == 0.5F);
    assert_int_equal(normalise_check(&n, 3, &m), ERR_NONE);
}

/* ---- Images ---- */

static void write_npy(const char *dir, const char *name, const char *type, const void *data,
                      size_t size)
{
    uint8_t *file = calloc(1, 128 + size);
    const char magic[] = "\x93NUMPY\x01\x00\x76";

    memcpy(file, magic, sizeof magic);
    int n = snprintf((char *)file + 10, 118, "{'descr': '%s', 'fortran_order': False, 'shape': "
                     "(%d, %d, %d, %d), }", type, N_IMAGE, N_CHANNEL, SIDE, SIDE);
    memset(file + 10 + n, ' ', 118 - (size_t)n);
    memcpy(file + 128, data, size);
    tmpdir_write(dir, name, file, 128 + size);
    free(file);
}

/* All 256 pixels in every channel, in some order, as u.npy; what they are to the model as f.npy. */
static void write_both(const char *dir)
{
    static uint8_t pixel[N_IMAGE * N_CHANNEL * N_PIXEL];
    static float   value[N_IMAGE * N_CHANNEL * N_PIXEL];

    for (size_t i = 0; i < sizeof pixel; i++) {
        size_t channel = i / N_PIXEL % N_CHANNEL;
        pixel[i] = (uint8_t)(i * 37 + i / 256);
        float part = (float)pixel[i] / 255.0F;
        float centred = part - mean[channel];
        value[i] = centred / std[channel];
    }
    write_npy(dir, "u.npy", "|u1", pixel, sizeof pixel);
    write_npy(dir, "f.npy", "<f4", value, sizeof value);
}

/* The graph's own scale rounds them: the same as values of its input that a host has made. */
static void images_are_what_the_host_s_values_are(void **state)
{
    write_both(*state);
    char *one = succeed(*state, "run " FMNIST " --images @/u.npy --mean " MEAN " --std " STD
                        " --outputs @/one.npz --log-level error");
    struct outcome other = imcsim(*state, "run " FMNIST " --inputs @/f.npy --outputs @/other.npz");
    char command[3 * TMPDIR_PATH_MAX];

    assert_int_equal(other.status, 0);
    snprintf(command, sizeof command, "cmp '%s/one.npz' '%s/other.npz'", (char *)*state,
             (char *)*state);
    assert_int_equal(system(command), 0);
    free(one);
    outcome_release(&other);
    one = succeed(*state, "run " FMNIST " --images @/u.npy --outputs @/one.npz");
    assert_int_not_equal(system(command), 0); // without them pixels are others
    free(one);
}

static void what_means_nothing_is_refused_with_a_cure(void **state)
{
    write_both(*state);
    assert_fails(*state, "run " FMNIST " --images @/u.npy --mean 0.5", 2,
                 "--mean 0.5 without --std: want both");
    assert_fails(*state, "run " FMNIST " --std 0.5", 2, "want --images SET too");
    assert_fails(*state, "run " FMNIST " --images @/u.npy --std 1,2", 2,
                 "--mean and --std of 2 channels: images have 3: want one number or as many");
    assert_fails(*state, "import models/lee2020_bnn.onnx --images i -o q --std 1 --scale 1", 2,
                 "--std and --scale: want one of them");
    assert_fails(*state, "import models/lee2020_bnn.onnx --images i -o q --mean 0.5", 2,
                 "--mean 0.5 without --std: want a pixel, 0 to 255, or --std too");
}

/* The model was trained on other pixels; what matters is that both mean the same by them. */
static void import_and_run_have_the_same_classes(void **state)
{
    char *model = shared_path("resnet32_fmnist/resnet32_fmnist.onnx"), command[1024];

    if (!model || access(FASHION, R_OK) != 0) {
        print_message("skipped: no float model, or no Fashion-MNIST images\n");
        skip();
    }
    snprintf(command, sizeof command, "import %s --images " FASHION " --count 30 --calibrate 10 "
             "--mean 0.5,0.4,0.3 --std 0.5,0.25,0.3 -o @/q.onnx --json -", model);
    json_t *report = json_of(*state, command);
    int64_t right = integer_at(report, "accuracy.quantised_correct");
    assert_string_equal(text_at(report, "images.pixels"),
                        "(pixel / 255 - 0.5,0.4,0.3) / 0.5,0.25,0.3");
    json_t *doc = json_of(*state, "run " FMNIST " --set network.onnx=@/q.onnx --images " FASHION
                          " --mean 0.5,0.4,0.3 --std 0.5,0.25,0.3 --count 30 --json -");
    assert_int_equal(right, integer_at(doc, "accuracy.correct"));
    assert_true(right >= 15);
    json_decref(doc);
    json_decref(report);
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_single_precision),
        cmocka_unit_test(a_list_is_one_number_or_one_for_each_channel),
        cmocka_unit_test(every_channel_has_its_own_or_all_have_one),
        cmocka_unit_test_setup_teardown(images_are_what_the_host_s_values_are, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(what_means_nothing_is_refused_with_a_cure, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(import_and_run_have_the_same_classes, tmpdir_make,
                                        tmpdir_remove),
    };
    return cmocka_run_group_tests_name("normalise", tests, NULL, NULL);
}
