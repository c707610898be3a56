/* Three networks that DNN+NeuroSim V1.4 was run on, whole chips: our circuits with that program's
 * counts give its clock, converters, accumulation and the rest.
 *
 * Its counts: a layer of K x K kernels lies in K K groups of arrays, one for each position, if its
 * K is the network's most frequent one and its rows fill an array; others as one matrix. Each bit
 * of the inputs drives every array of a layer once an output pixel, of which there are without
 * padding ((H - K) / s + 1)^2; only rows with weights take energy, of columns only those with
 * weights are converted. Inputs travel half of the chip's width, results half of its height, over
 * wires with repeaters; K K positions of a kernel are fetched as K, and what is pooled returns as
 * a quarter. Not counted: its adder trees, buffers and the trees of wires inside its tiles.
 *
 * Inferred, for the figures agree with them and not without: that only used rows and columns count,
 * and the way of inputs and results. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "arch/tech/sub_array.h"
#include "arch/tech/wire.h"
#include "test/tech_rig.h"

struct conv { // n layers alike; a pool of 2 x 2 behind, or none
    unsigned n, size, channels, kernel, stride, outputs;
    bool pooled;
};

static const struct conv vgg8[] = {
    { 1, 32, 3, 3, 1, 128, false }, { 1, 32, 128, 3, 1, 128, true },
    { 1, 16, 128, 3, 1, 256, false }, { 1, 16, 256, 3, 1, 256, true },
    { 1, 8, 256, 3, 1, 512, false }, { 1, 8, 512, 3, 1, 512, true },
    { 1, 1, 8192, 1, 1, 1024, false }, { 1, 1, 1024, 1, 1, 10, false }, { 0 } };

/* Its maps came padded. With 34, 18 and 10 that program counts 83.2 M products, 1.42 times those
 * that there are, as it did. */
static const struct conv resnet32[] = {
    { 1, 34, 3, 3, 1, 16, false }, { 10, 34, 16, 3, 1, 16, false },
    { 1, 34, 16, 3, 2, 28, false }, { 1, 32, 16, 1, 2, 28, false },
    { 9, 18, 28, 3, 1, 28, false }, { 1, 18, 28, 3, 2, 56, false },
    { 1, 16, 28, 1, 2, 56, false }, { 9, 10, 56, 3, 1, 56, false },
    { 1, 1, 56, 1, 1, 10, false }, { 0 } };

struct machine {
    struct technology technology;
    struct device     device;
    unsigned          side; // of an array
};

static const double bits = 8, cells = 8, ones = 3. / 16; // of inputs, of a weight; bits that are 1

static struct device device_of(const char *name)
{
    struct device d;
    struct err_msg m;
    char path[64];

    snprintf(path, sizeof path, "configs/devices/%s.yaml", name);
    if (device_load(&d, path, &m))
        fail_msg("%s", m.text);
    if (!d.sram)
        d.r_off_ohm = 1.7e6; // 100 kohm on, of one bit
    return d;
}

static struct sub_array array_of(const struct machine *k, unsigned rows)
{
    struct sub_array_cfg cfg = {
        .rows = k->side, .columns = k->side, .rows_at_once = k->side, .columns_per_adc = 8,
        .levels = 32, .converter = CONVERTER_CSA, .weight_bits = 8, .cells_per_weight = 8,
        .input_bits = 8, .active = ones * rows / k->side, .on_share = 0.5 };
    struct calibration cal;
    struct sub_array s = { 0 };
    struct err_msg m;

    if (calibration_load(&cal, "configs/calibration/rram40_macro.yaml", &m) ||
        sub_array(&k->technology, &k->device, &cfg, &cal, &s, &m))
        fail_msg("%s", m.text);
    return s;
}

struct energy { // uJ
    double converters, accumulation, other;
};

/* What the arrays of a row of blocks take, `rows` of which hold weights, in `reads` reads of all
 * columns. */
static void read_arrays(const struct machine *k, unsigned rows, double columns, double reads,
                        struct energy *e)
{
    const struct sub_array s = array_of(k, rows);
    const struct circuit *b = s.block;
    double arrays = ceil(columns / k->side) * reads * 1e-6, used = columns / k->side * reads * 1e-6;

    e->converters += arrays * b[BLOCK_ARRAY].energy_pj +
                     used * (b[BLOCK_ADC].energy_pj + b[BLOCK_ENCODER].energy_pj);
    e->accumulation += arrays * (b[BLOCK_SHIFT_ADD_WEIGHT].energy_pj +
                                 b[BLOCK_SHIFT_ADD_INPUT].energy_pj);
    e->other += arrays * (b[BLOCK_ROW_SWITCH].energy_pj + b[BLOCK_MUX].energy_pj +
                          b[BLOCK_MUX_DECODER].energy_pj);
}

static void layer(const struct machine *k, const struct conv *c, double half_side_um,
                  struct energy *e)
{
    const struct repeated_wire w = repeated_wire(&k->technology, 0.1, SHRINK_HALVE);
    unsigned positions = c->kernel * c->kernel, all_rows = c->channels * positions;
    bool apart = positions == 9 && all_rows >= k->side;
    double n = floor((double)(c->size - c->kernel + c->stride) / c->stride), pixels = n * n;
    double reads = c->n * pixels * bits * (apart ? positions : 1);
    unsigned rows = apart ? c->channels : all_rows;

    for (; rows > k->side; rows -= k->side)
        read_arrays(k, k->side, c->outputs * cells, reads, e);
    read_arrays(k, rows, c->outputs * cells, reads, e);
    double in = all_rows * bits * pixels / (apart ? c->kernel : 1);
    double out = c->outputs * bits * pixels / (c->pooled ? 4 : 1);
    e->other += c->n * (in + out) * half_side_um * w.pj_per_bit_um * 1e-6;
}

static void three_networks_take_what_that_program_says(void **state)
{
    static const struct {
        const char *technology, *device;
        unsigned side;
        const struct conv *network;
        double clock_ns, mm2;
        struct energy uj;
    } want[] = {
        { "22nm_lp", "rram_4bit", 128, vgg8, 1.663, 358, { 18.3, 3.82, 11.8 } },
        { "7nm_lp", "sram", 256, vgg8, 1.682, 19.6, { 9.5, 1.27, 3.58 } },
        { "22nm_lp", "sram", 128, resnet32, 1.697, 43.8, { 13.4, 2.89, 4.89 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct machine k = { tech_load(want[i].technology), device_of(want[i].device),
                             want[i].side };
        double half_side_um = sqrt(want[i].mm2) * 1e3 / 2;
        struct energy e = { 0, 0, 0 };

        for (const struct conv *c = want[i].network; c->n > 0; c++)
            layer(&k, c, half_side_um, &e);
        CHECK_NEAR(array_of(&k, k.side).clock_ns, want[i].clock_ns, 0.005);
        CHECK_NEAR(e.converters, want[i].uj.converters, 0.03);
        CHECK_NEAR(e.accumulation, want[i].uj.accumulation, 0.1);
        CHECK_NEAR(e.other, want[i].uj.other, 0.1);
    }
}

static void padded_maps_are_why_it_counts_too_many_products(void **state)
{
    double counted = 0;

    (void)state;
    for (const struct conv *c = resnet32; c->n > 0; c++)
        counted += (double)c->n * c->size * c->size * c->channels * c->kernel * c->kernel *
                   c->outputs;
    CHECK_NEAR(counted / 58700336, 1.42, 0.005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_networks_take_what_that_program_says),
        cmocka_unit_test(padded_maps_are_why_it_counts_too_many_products),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
