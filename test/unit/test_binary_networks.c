/* Networks of one bit on arrays whose sums become signs: K. Lee's machine of three layers, a binary
 * network, and one of bytes beside them. Trained bits and digits are where ../shared/data is; what
 * they should give was counted by the programs that trained them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "test/plan_rig.h"
#include "test/shared.h"
#include "traces/images.h"

enum { SIDE = 28, IMAGE = SIDE * SIDE, CLASSES = 10, PLANES = 50, MOST_LAYERS = 4 };

#define FASHION "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

/* ---- networks of layers that see all of the one before ---- */

struct dense {
    const char *blob;
    uint32_t    n_layer, size[MOST_LAYERS + 1];
    bool        binary; // weights +-1, activations [sum >= t]; else bytes, by m, b and sh
    uint32_t    image_bits;
};

static struct blob_array array_of(const struct blob *b, const char *name, uint32_t i)
{
    char text[16];

    snprintf(text, sizeof text, i ? "%s%u" : "%s", name, i);
    return blob_find(b, text);
}

static void make_requant(struct layer *l, const struct dense *d, const struct blob *b, uint32_t i)
{
    uint32_t n = l->out.channels;
    bool last = i == d->n_layer;
    bool alone = d->binary && last && !blob_has(b, "b3"); // its name has no number
    struct blob_array offset = array_of(b, last || !d->binary ? "b" : "t", alone ? 0 : i);

    l->requant.b = calloc(n, sizeof *l->requant.b);
    for (uint32_t o = 0; o < n; o++) {
        int64_t v = blob_integer(&offset, o);
        l->requant.b[o] = last || !d->binary ? v : 1 - v; // [sum >= t] = [sum + 1 - t >= 1]
    }
    l->raw_output = last;
    if (last)
        return;
    l->requant.m = calloc(n, sizeof *l->requant.m);
    l->requant.shift = calloc(n, sizeof *l->requant.shift);
    l->requant.high = d->binary ? 1 : 255;
    for (uint32_t o = 0; o < n; o++) {
        struct blob_array m = { 0 }, sh = { 0 };
        if (!d->binary) {
            m = blob_find(b, "m");
            sh = blob_find(b, "sh");
        }
        l->requant.m[o] = d->binary ? 1 : (uint16_t)blob_integer(&m, i - 1);
        l->requant.shift[o] = d->binary ? 0 : (uint8_t)blob_integer(&sh, i - 1);
    }
}

static void make_network(struct plan_rig *r, const struct dense *d, const struct blob *b)
{
    rig_image(r, 1, 1, d->size[0]);
    r->network.layer[0].out_signed = false;
    r->network.layer[0].value_bits = d->image_bits;
    r->network.has_values = true;
    for (uint32_t i = 1; i <= d->n_layer; i++) {
        struct layer *l = rig_conv(r, i - 1, d->size[i], 1, 1);
        struct blob_array w = array_of(b, "w", i);
        size_t n = (size_t)d->size[i] * d->size[i - 1];
        assert_int_equal(w.n, n);
        l->weight = malloc(n);
        memcpy(l->weight, w.data, n);
        l->weight_bits = l->value_bits = d->binary ? 1 : 8;
        make_requant(l, d, b, i);
    }
}

/* ---- images ---- */

static void read_images(const char *path, uint8_t *pixel, uint32_t *label, uint32_t n)
{
    const struct images_shape shape = { SIDE, SIDE, 1 };
    struct images *set;
    struct err_msg m;
    int more;

    if (images_open(&set, path, shape, CLASSES, &m))
        fail_msg("%s", m.text);
    for (uint32_t i = 0; i < n; i++) {
        int8_t column[IMAGE];
        if (images_next(set, column, &label[i], &more, &m))
            fail_msg("%s", m.text);
        for (uint32_t row = 0; row < SIDE; row++) // which come column by column, 128 below
            for (uint32_t c = 0; c < SIDE; c++)
                pixel[i * IMAGE + row * SIDE + c] = (uint8_t)(column[c * SIDE + row] + 128);
    }
    images_close(set);
}

struct outcome {
    uint32_t by_score, by_sign; // images right, by the largest score and the first that is not
                                // negative
};

static void judge(struct outcome *o, const int64_t *score, uint32_t label)
{
    uint32_t best = 0, first = CLASSES;

    for (uint32_t c = 0; c < CLASSES; c++) {
        best = score[c] > score[best] ? c : best;
        first = first == CLASSES && score[c] >= 0 ? c : first;
    }
    o->by_score += best == label;
    o->by_sign += first == label;
}

/* Images [n] of so many values, PLANES abreast. */
static struct outcome run_chip(const struct plan *p, const uint8_t *in, uint32_t values,
                               const uint32_t *label, uint32_t n)
{
    const struct chip_cfg cfg = { .plan = p, .planes = { .n = PLANES } };
    struct chip *c = chip_new(&cfg);
    struct outcome o = { 0 };
    uint32_t injected = 0, done = 0;
    struct chip_result r;
    struct err_msg m;

    assert_non_null(c);
    assert_int_equal(n % PLANES, 0);
    for (int64_t t = 0; done < n; t++) {
        while (injected < n && chip_inject(c, (const int8_t *)in + (size_t)injected * values))
            injected += PLANES;
        if (chip_run(c, t, &m))
            fail_msg("%s", m.text);
        for (; chip_result(c, &r); done += PLANES)
            for (uint32_t i = 0; i < PLANES; i++)
                judge(&o, r.value + i * CLASSES, label[done + i]);
    }
    chip_free(c);
    return o;
}

/* ---- K. Lee's machine ---- */

static const struct dense lee = { "spiking/lee_bnn", 3, { 400, 128, 128, 10 }, true, 1 };

static const char *const lee_machine[] = {
    "clock_mhz=100", "clocking.timestep_ns=10", "core.crossbar.rows=128",
    "core.crossbar.columns=128", "core.crossbar.cell=reference", "core.crossbar.mvm_ns=10",
    "core.crossbar.input_slice_bits=1", "core.readout.kind=sign",
    "core.input_memory.kind=registers", "core.digital.lanes=128", "fabric.partial_sum=analog",
    "fabric.link_gbps=40", NULL
};

static void make_lee(struct plan_rig *r)
{
    struct blob b;

    if (!blob_open(&b, lee.blob))
        skip();
    rig_config(r, lee_machine);
    make_network(r, &lee, &b);
    blob_close(&b);
    if (rig_plan(r))
        fail_msg("%s", r->msg.text);
}

static void lees_machine_is_six_arrays_and_makes_a_result_a_cycle(void **state)
{
    struct plan_rig r;
    uint32_t arrays = 0, converters = 0;

    (void)state;
    make_lee(&r);
    assert_int_equal(r.plan.n_core, 3);
    for (uint32_t i = 0; i < r.plan.n_core; i++) {
        const struct plan_core *c = &r.plan.core[i];
        arrays += c->arrays;
        converters += array_reads(&r.plan.layer[i].array, c->rows, c->columns).converters;
        assert_int_equal(c->arrays, (c->rows + 127) / 128);
    }
    assert_int_equal(arrays, 6); // 4 + 1 + 1
    assert_int_equal(converters, 128 + 128 + 10);
    assert_int_equal(network_weights(&r.network), 400 * 128 + 128 * 128 + 128 * 10); // 68,864
    assert_int_equal(r.plan.interval, 1);
    assert_int_equal(r.plan.time.first_result, 3);
    assert_int_equal(r.config.timestep_ns, 10);
    /* two operations a weight in each of the 100 million timesteps of a second: 13.7728 TOPS */
    assert_int_equal(2 * network_macs(&r.network) * 100, 13772800);
    rig_release(&r);
}

static void lees_machine_reads_the_digits(void **state)
{
    enum { N = 2000, CROP = 20, AT = 4 };
    char *path = shared_path("mnist/t2000-images-idx3-ubyte.gz");
    uint8_t *pixel = malloc(N * IMAGE), *in = malloc(N * CROP * CROP);
    uint32_t *label = calloc(N, sizeof *label);
    struct plan_rig r;

    (void)state;
    if (!path)
        skip();
    make_lee(&r);
    read_images(path, pixel, label, N);
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t k = 0; k < CROP * CROP; k++)
            in[i * CROP * CROP + k] =
                pixel[i * IMAGE + (k / CROP + AT) * SIDE + k % CROP + AT] >= 128;
    struct outcome o = run_chip(&r.plan, in, CROP * CROP, label, N);
    assert_int_equal(o.by_score, 1916);
    assert_int_equal(o.by_sign, 1900); // its priority encoder: the first score of 0 and more
    rig_release(&r);
    free(path);
    free(pixel);
    free(in);
    free(label);
}

/* ---- Fashion-MNIST ---- */

static uint32_t right_of_fashion(const struct dense *d, const char *const *set)
{
    enum { N = 10000 };
    uint8_t *pixel = malloc((size_t)N * IMAGE);
    uint32_t *label = calloc(N, sizeof *label);
    struct plan_rig r;
    struct blob b;

    if (!blob_open(&b, d->blob))
        skip();
    if (access(FASHION, R_OK) != 0) {
        print_message("%s is not there\n", FASHION);
        skip();
    }
    rig_config(&r, set);
    make_network(&r, d, &b);
    blob_close(&b);
    if (rig_plan(&r))
        fail_msg("%s", r.msg.text);
    read_images(FASHION, pixel, label, N);
    struct outcome o = run_chip(&r.plan, pixel, IMAGE, label, N);
    rig_release(&r);
    free(pixel);
    free(label);
    return o.by_score;
}

static void a_binary_network_has_8869_of_10000(void **state)
{
    static const struct dense bnn = { "spiking/bnn_fmnist", 4, { 784, 512, 512, 512, 10 },
                                      true, 8 }; // its first layer reads pixels as they are
    static const char *const machine[] = {
        "core.crossbar.cell=reference", "core.readout.kind=sign", "fabric.partial_sum=analog",
        "core.input_memory.kind=registers", "fabric.link_gbps=100", NULL
    };

    (void)state;
    assert_int_equal(right_of_fashion(&bnn, machine), 8869);
}

static void a_network_of_bytes_has_8957_of_10000(void **state)
{
    static const struct dense mlp = { "spiking/mlp_fmnist", 3, { 784, 256, 128, 10 },
                                      false, 8 };
    static const char *const machine[] = {
        "core.input_memory.kind=registers", "fabric.link_gbps=100",
        "fabric.partial_sum_gbps=100", NULL
    };

    (void)state;
    assert_int_equal(right_of_fashion(&mlp, machine), 8957);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lees_machine_is_six_arrays_and_makes_a_result_a_cycle),
        cmocka_unit_test(lees_machine_reads_the_digits),
        cmocka_unit_test(a_binary_network_has_8869_of_10000),
        cmocka_unit_test(a_network_of_bytes_has_8957_of_10000),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
