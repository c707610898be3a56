/* Arrays whose products are several reads: exact wherever no code clips, timed by a closed form,
 * counted, and refused with place, value and cure. */
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
#include "arch/values/sliced_layers.h"
#include "core/counter.h"
#include "onnx/read/read.h"
#include "test/plan_rig.h"
#include "traces/images/images.h"

#define IMAGES "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

enum { N_IMAGE = 16, N_CLASS = 10, IMAGE_BYTE = 32 * 32 * 3, MOST_SET = 12 };

/* ---- exact when it should be ---- */

enum { N_NETWORK = 2 };

static const char *const trained[N_NETWORK] = { "configs/resnet32_fmnist.yaml",
                                                "configs/resnet32_cifar10.yaml" };

struct machine {
    struct config  config;
    struct network network;
    struct plan    plan;
};

struct logits {
    int64_t of[N_IMAGE][N_CLASS];
    struct core_counters sum; // of all cores
};

static void machine_make(struct machine *k, const char *model, const char *const *set)
{
    const char *all[MOST_SET] = { "chip.cores=65536" };
    struct err_msg m;
    size_t n = 1;

    for (; *set; set++)
        all[n++] = *set;
    if (config_load(&k->config, model, all, n, &m) ||
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

/* The first images of Fashion-MNIST, whatever the network was trained on. */
static void read_images(int8_t *pixels)
{
    const struct images_shape shape = { 32, 32, 3 };
    struct images *set;
    struct err_msg m;
    uint32_t label;
    int more;

    if (access(IMAGES, R_OK) != 0) {
        print_message("%s is not there\n", IMAGES);
        skip();
    }
    if (images_open(&set, IMAGES, shape, N_CLASS, &m))
        fail_msg("%s", m.text);
    for (int i = 0; i < N_IMAGE; i++)
        assert_int_equal(images_next(set, pixels + i * IMAGE_BYTE, &label, &more, &m), ERR_NONE);
    images_close(set);
}

/* The same codes, layer by layer, where they are computed so: the values of *l. */
static void check_layers(const struct machine *k, const int8_t *pixels, uint32_t n,
                         const struct logits *l)
{
    int64_t got[N_IMAGE][N_CLASS];

    if (!sliced_by_layer(&k->plan, NULL))
        return;
    struct sliced_layers *s = sliced_layers_new(&k->plan, NULL, NULL);
    assert_non_null(s);
    struct values *v = values_new_on(&k->network, NULL, sliced_layers_cores(s));
    assert_non_null(v);
    struct value_lanes *lanes = value_lanes_new(v);
    assert_non_null(lanes);
    value_lanes_run(lanes, (const uint8_t *)pixels, n, got[0], NULL);
    assert_memory_equal(got, l->of, n * sizeof *got);
    value_lanes_free(lanes);
    values_free(v);
    sliced_layers_free(s);
}

/* n images side by side in one chip. */
static void run_chip(const char *model, const char *const *set, const int8_t *pixels, uint32_t n,
                     struct logits *l)
{
    struct machine k;
    struct chip_result r;
    struct err_msg m;

    machine_make(&k, model, set);
    const struct chip_cfg cfg = { .plan = &k.plan, .planes = { .n = n } };
    struct chip *c = chip_new(&cfg);
    assert_non_null(c);
    assert_true(chip_inject(c, pixels));
    if (chip_run(c, (int64_t)k.plan.time.first_result + 1, &m))
        fail_msg("%s", m.text);
    assert_true(chip_result(c, &r));
    memcpy(l->of, r.value, n * sizeof *l->of);
    l->sum = (struct core_counters){ 0 };
    for (uint32_t i = 0; i < k.plan.n_core; i++)
        counter_add(core_counter_rows, &l->sum, chip_counters(c, i));
    chip_free(c);
    if (n > 1 && !plan_is_exact(&k.plan)) // one image takes as long as all
        check_layers(&k, pixels, n, l);
    machine_release(&k);
}

#define ADC(bits, range)                                                                           \
    "core.readout.kind=adc", "core.readout.bits=" bits, "core.readout.range=" range
#define OF_CELL(name, bits, scheme)                                                                \
    "core.crossbar.cell=" name, "core.crossbar.cell_bits=" bits, "core.crossbar.scheme=" scheme
#define READS(slice, rows)                                                                         \
    "core.crossbar.input_slice_bits=" slice, "core.crossbar.rows_at_once=" rows

/* Nothing clips whatever comes, or (range below what could come) nothing of these images does. The
 * step is 1 of either converter: digits of several bits have either sign where inputs have. */
static const char *const exact[][MOST_SET] = {
    { READS("1", "0"), NULL },
    { READS("3", "64"), OF_CELL("sliced", "0", "signed"), NULL },
    { READS("2", "1"), OF_CELL("sliced", "4", "offset"), NULL },
    { READS("8", "100"), OF_CELL("sram", "0", "signed"), NULL },
    { READS("8", "0"), ADC("24", "8388608"), NULL },
    { READS("1", "0"), OF_CELL("sliced", "1", "offset"), ADC("8", "255"), "core.crossbar.rows=255",
      NULL },
    { READS("1", "0"), ADC("16", "32768"), NULL }, // in planes of bits from here on
    { READS("1", "0"), OF_CELL("sliced", "2", "offset"), ADC("9", "511"), NULL },
    { READS("2", "70"), OF_CELL("sliced", "3", "signed"), ADC("11", "1023"), NULL },
    { READS("4", "0"), OF_CELL("sram", "0", "signed"), ADC("12", "2047"), NULL },
    { "fabric.partial_sum=analog", READS("1", "0"), OF_CELL("sliced", "2", "signed"), NULL },
    { "core.readout.separate=yes", READS("2", "0"), ADC("17", "65535"), NULL },
    { "core.readout.kind=charge", NULL },
};

static void no_code_clips_and_every_logit_is_the_plain_arrays(void **state)
{
    static const char *const plain[] = { NULL };
    int8_t *pixels = malloc((size_t)N_IMAGE * IMAGE_BYTE);
    struct logits want, got;

    (void)state;
    assert_non_null(pixels);
    read_images(pixels);
    for (size_t i = 0; i < N_NETWORK; i++) {
        run_chip(trained[i], plain, pixels, N_IMAGE, &want);
        assert_int_equal(want.sum.reads, want.sum.firings);
        assert_int_equal(want.sum.shift_adds, 0);
        for (size_t k = i; k < sizeof exact / sizeof *exact; k += 2) { // half of them each
            run_chip(trained[i], exact[k], pixels, N_IMAGE, &got);
            assert_int_equal(got.sum.clipped, 0);
            assert_memory_equal(got.of, want.of, sizeof want.of);
        }
    }
    free(pixels);
}

/* Cells of weights of 8 bits: three, then sliced ones of either scheme and any bits. */
static const uint64_t slice_bits[] = { 1, 2, 3, 5, 8 }, rows_at_once[] = { 0, 1, 7, 100 };
static const char *const kinds[] = { "exact", "charge", "adc", "adc" };

enum { CELL_AT, SLICE_AT, ROWS_AT, READOUT_AT, NETWORK_AT, N_DIMENSION };
enum { N_WHOLE = 3, N_SIGNED = 8, N_OFFSET = 9, N_CELL = N_WHOLE + N_SIGNED + N_OFFSET,
       N_SLICE = 5, N_ROWS = 4 };
enum { FEWEST = 3, N_READOUT }; // a converter of the bits that any sum needs, or these images'
enum { N_TEXT = 9, FEW_IMAGES = 2 };
enum { N_SAMPLE = N_CELL * N_SLICE, N_ALL = N_SAMPLE * N_ROWS * N_READOUT * N_NETWORK };

static const uint32_t n_value[N_DIMENSION] = { N_CELL, N_SLICE, N_ROWS, N_READOUT, N_NETWORK };

struct combination {
    uint32_t at[N_DIMENSION];
};

static struct combination combination_of(uint32_t k)
{
    struct combination c;

    for (uint32_t i = 0; i < N_DIMENSION; k /= n_value[i++])
        c.at[i] = k % n_value[i];
    return c;
}

/* Each cell by each slice, the rest in turn. */
static struct combination sample_of(uint32_t k)
{
    const uint32_t cell = k / N_SLICE, slice = k % N_SLICE;

    return (struct combination){ { cell, slice, (cell + slice) % N_ROWS,
                                   (cell / N_ROWS + slice) % N_READOUT,
                                   (cell / 2 + cell / 8 + slice) % N_NETWORK } };
}

/* Sets a cell and returns the largest digit of its columns. */
static uint64_t set_cell(uint32_t cell, char (*text)[64])
{
    static const struct {
        const char *name, *separate;
        uint64_t    digit;
    } whole[N_WHOLE] = { { "differential", "no", 127 }, { "differential", "yes", 127 },
                         { "sram", "no", 1 } };
    bool sliced = cell >= N_WHOLE, offset = cell >= N_WHOLE + N_SIGNED;
    uint32_t bits = offset ? cell - N_WHOLE - N_SIGNED : sliced ? cell - N_WHOLE : 0;

    snprintf(text[0], 64, "core.crossbar.cell=%s", sliced ? "sliced" : whole[cell].name);
    snprintf(text[1], 64, "core.readout.separate=%s", sliced ? "no" : whole[cell].separate);
    snprintf(text[2], 64, "core.crossbar.scheme=%s", offset ? "offset" : "signed");
    snprintf(text[3], 64, "core.crossbar.cell_bits=%u", bits);
    if (!sliced)
        return whole[cell].digit;
    return (UINT64_C(1) << (bits ? bits : offset ? 8 : 7)) - 1;
}

/* The least bits of which the largest sum is a code of either sign, by steps of 1. */
static uint32_t enough_bits(uint64_t rows, uint64_t d, uint64_t digit)
{
    const uint64_t all = 256; // of a core
    uint64_t range = (rows ? rows : all) * ((UINT64_C(1) << d) - 1) * digit;
    uint32_t bits = 1;

    while (UINT64_C(1) << (bits - 1) <= range)
        bits++;
    return bits;
}

/* Runs n images with codes of so many bits, or fails where none is clipped and a score is another
 * than the plain array's. Returns whether one is clipped. */
static bool run_codes(const struct combination *c, char (*text)[64], uint32_t bits,
                      const int8_t *pixels, uint32_t n, const struct logits *want)
{
    const char *set[N_TEXT + 1] = { NULL }, *model = trained[c->at[NETWORK_AT]];
    char all[N_TEXT * sizeof *text] = "";
    struct logits got;

    snprintf(text[0], sizeof *text, "core.readout.bits=%u", bits);
    snprintf(text[1], sizeof *text, "core.readout.range=%" PRIu64, UINT64_C(1) << (bits - 1));
    for (size_t i = 0; i < N_TEXT; i++)
        strcat(strcat(all, " "), set[i] = text[i]);
    run_chip(model, set, pixels, n, &got);
    if (got.sum.clipped == 0 && memcmp(got.of, want->of, n * sizeof *want->of) != 0)
        fail_msg("%s%s: not the plain array's", model, all);
    return got.sum.clipped > 0;
}

/* Fewest bits: what the first image lets be, and as many more as the others need. */
static void check_combination(const struct combination *c, const int8_t *pixels, uint32_t n,
                              const struct logits *want)
{
    const uint64_t d = slice_bits[c->at[SLICE_AT]], rows = rows_at_once[c->at[ROWS_AT]];
    const bool fewest = c->at[READOUT_AT] == FEWEST && rows != 1; // a row comes to its largest sum
    char text[N_TEXT][64] = { { 0 } };

    const uint32_t enough = enough_bits(rows, d, set_cell(c->at[CELL_AT], text + 2));
    uint32_t bits = enough;
    snprintf(text[6], 64, "core.crossbar.input_slice_bits=%" PRIu64, d);
    snprintf(text[7], 64, "core.crossbar.rows_at_once=%" PRIu64, rows);
    snprintf(text[8], 64, "core.readout.kind=%s", kinds[c->at[READOUT_AT]]);
    while (fewest && !run_codes(c, text, bits - 1, pixels, 1, want))
        assert_true(--bits > 1); // a bit clips
    while (run_codes(c, text, bits, pixels, n, want))
        if (++bits > enough)
            fail_msg("%s %s %s %s %s: clipped", text[2], text[4], text[5], text[6], text[7]);
}

/* Cells, slices of inputs, rows at once, readouts and networks: each value beside each other, or,
 * by IMCSIM_ALL_ARRAYS, all there are. */
static void every_combination_gives_the_logits_of_the_plain_array(void **state)
{
    static const char *const plain[] = { NULL };
    const bool all = getenv("IMCSIM_ALL_ARRAYS");
    const uint32_t n = all ? N_IMAGE : FEW_IMAGES;
    int8_t *pixels = malloc((size_t)N_IMAGE * IMAGE_BYTE);
    struct logits want[N_NETWORK];

    (void)state;
    assert_non_null(pixels);
    read_images(pixels);
    for (uint32_t i = 0; i < N_NETWORK; i++)
        run_chip(trained[i], plain, pixels, n, &want[i]);
    for (uint32_t k = 0; k < (all ? N_ALL : N_SAMPLE); k++) {
        const struct combination c = all ? combination_of(k) : sample_of(k);
        check_combination(&c, pixels, n, &want[c.at[NETWORK_AT]]);
    }
    free(pixels);
}

static void each_value_is_tried_beside_each_other(void **state)
{
    (void)state;
    for (uint32_t a = 0; a < N_DIMENSION; a++)
        for (uint32_t b = 0; b < a; b++) {
            bool seen[N_CELL][N_CELL] = { { false } };
            uint32_t n = 0;
            for (uint32_t k = 0; k < N_SAMPLE; k++) {
                const struct combination c = sample_of(k);
                n += !seen[c.at[a]][c.at[b]];
                seen[c.at[a]][c.at[b]] = true;
            }
            assert_int_equal(n, n_value[a] * n_value[b]);
        }
}

static void reads_of_resnet32_are_eight_a_firing_bit_by_bit(void **state)
{
    static const char *const bits[] = { READS("1", "0"), NULL };
    static const char *const narrow[] = { READS("1", "0"), OF_CELL("sliced", "2", "offset"),
                                          ADC("4", "15"), NULL };
    int8_t *pixels = malloc((size_t)N_IMAGE * IMAGE_BYTE);
    struct logits l;

    (void)state;
    assert_non_null(pixels);
    read_images(pixels);
    run_chip("configs/resnet32_fmnist.yaml", bits, pixels, N_IMAGE, &l);
    assert_int_equal(l.sum.reads, 8 * l.sum.firings);
    /* a firing of one replica reads a column for every output: 8 codes, 7 of which are added */
    assert_int_equal(l.sum.shift_adds * 8, l.sum.conversions * 7);
    run_chip("configs/resnet32_fmnist.yaml", narrow, pixels, N_IMAGE, &l);
    assert_true(l.sum.clipped > 0 && l.sum.clipped < l.sum.conversions);
    free(pixels);
}

/* Pulses of 8 bits by weights of 8: rows * 255 * 128 is below 2^(bits - 1) up to 257 rows with 24
 * bits, and up to 514 with 25. */
static void a_code_of_24_bits_is_exact_for_257_rows_and_of_25_for_514(void **state)
{
    static const struct {
        uint32_t rows, bits;
        bool     exact;
    } edge[] = {
        { 256, 23, false }, { 256, 24, true }, { 257, 24, true },  { 258, 24, false },
        { 258, 25, true },  { 512, 24, false }, { 512, 25, true }, { 514, 25, true },
        { 515, 25, false }, { 515, 26, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof edge / sizeof *edge; i++) {
        char rows[64], bits[64];
        const char *const set[] = { rows, bits, "core.readout.kind=adc", "core.readout.range=full",
                                    "chip.cores=65536", NULL };
        struct plan_rig r = { 0 };
        snprintf(rows, sizeof rows, "core.crossbar.rows=%u", edge[i].rows);
        snprintf(bits, sizeof bits, "core.readout.bits=%u", edge[i].bits);
        if (rig_make(&r, set))
            fail_msg("%s", r.msg.text);
        const struct array_spec *a = &r.plan.layer[1].array;
        assert_int_equal(array_is_exact(a, edge[i].rows, false), edge[i].exact);
        assert_int_equal(array_exact_bits(a, edge[i].rows) <= edge[i].bits, edge[i].exact);
        rig_release(&r);
    }
}

/* ---- time ---- */

static uint32_t next(uint64_t *s, uint32_t n)
{
    *s = *s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*s >> 33) % n);
}

static uint64_t up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static void a_product_takes_the_time_of_its_reads(void **state)
{
    uint64_t s = 5;

    (void)state;
    for (int i = 0; i < 200; i++) {
        uint64_t d = 1 + next(&s, 8), at_once = next(&s, 3) ? 1 + next(&s, 300) : 0;
        uint64_t read_ps = 1 + next(&s, 99999), conv_ps = 1 + next(&s, 3000);
        uint64_t each = UINT64_C(1) << next(&s, 8);
        uint64_t mhz = (uint64_t[]){ 100, 250, 1000 }[next(&s, 3)];
        bool adc = next(&s, 2), pipelined = next(&s, 2);
        char set[9][64];
        const char *all[16] = { "network.depth=8", "network.size=4", "chip.cores=65536",
                                "core.crossbar.mvm_ns=auto", "clocking.timestep_ns=1000000" };
        struct plan_rig r = { 0 };

        snprintf(set[0], 64, "core.crossbar.input_slice_bits=%" PRIu64, d);
        snprintf(set[1], 64, "core.crossbar.rows_at_once=%" PRIu64, at_once);
        snprintf(set[2], 64, "core.crossbar.read_ns=%" PRIu64 ".%03" PRIu64, read_ps / 1000,
                 read_ps % 1000);
        snprintf(set[3], 64, "core.readout.conversion_ns=%" PRIu64 ".%03" PRIu64, conv_ps / 1000,
                 conv_ps % 1000);
        snprintf(set[4], 64, "core.readout.columns_per_adc=%" PRIu64, each);
        snprintf(set[5], 64, "clock_mhz=%" PRIu64, mhz);
        snprintf(set[6], 64, "core.readout.kind=%s", adc ? "adc" : "exact");
        snprintf(set[7], 64, "core.readout.pipelined=%s", pipelined ? "yes" : "no");
        for (int k = 0; k < 8; k++)
            all[5 + k] = set[k];
        if (rig_make(&r, all))
            fail_msg("%s", r.msg.text);
        for (uint32_t c = 0; c < r.plan.n_core; c++) {
            uint64_t rows = r.plan.core[c].rows, conv = adc ? each * conv_ps : 0;
            if (rows == 0)
                continue;
            uint64_t reads = up(8, d) * (at_once ? up(rows, at_once) : 1);
            uint64_t ps = reads * (read_ps + conv);
            if (pipelined)
                ps = reads * (read_ps > conv ? read_ps : conv) + (read_ps < conv ? read_ps : conv);
            assert_int_equal(r.plan.time.core[c].used_clk[STAGE_CROSSBAR], up(ps * mhz, 1000000));
        }
        rig_release(&r);
    }
}

static void the_array_of_isaac_reads_sixteen_times(void **state)
{
    const struct reads_cfg cfg = { .input_bits = 16, .input_slice_bits = 1, .read_fs = 100000000,
                                   .converted = true, .conversion_fs = 781250,
                                   .columns_per_adc = 128, .pipelined = true };
    const struct cell_cfg weights = { .weight_bits = 16, .weight_signed = true, .cell_bits = 2,
                                      .scheme = CELL_OFFSET };
    struct cell_layout l;
    struct err_msg m;

    (void)state;
    assert_int_equal(cell_layout(&cell_sliced, &weights, &l, &m), ERR_NONE);
    const struct reads r = reads_of(&cfg, &l, 128, 16);
    assert_int_equal(r.n, 16);
    assert_int_equal(l.columns, 8);
    assert_int_equal(r.time_fs, 1700000000); // A. Shafiee et al., ISCA 2016: 16 x 100 ns, and one
}

/* ---- bad input ---- */

static enum err plan_of(struct plan_rig *r, const char *const *set)
{
    size_t n = 0;

    while (set[n])
        n++;
    *r = (struct plan_rig){ 0 };
    enum err e = config_load(&r->config, NULL, set, n, &r->msg);
    if (e)
        return e;
    rig_family(r);
    return rig_plan(r);
}

static void assert_refused(const char *want, const char *const *set)
{
    struct plan_rig r;

    assert_int_equal(plan_of(&r, set), ERR_INPUT);
    assert_string_equal(r.msg.text, want);
    rig_release(&r);
}

/* What a line wants, "KEY = VALUE", is set over the rest, and then there is a plan. */
static void assert_cured(const char *line, const char *const *set, const char *cure)
{
    const char *all[MOST_SET + 1] = { NULL };
    char wanted[64];
    struct plan_rig r;
    size_t n = 0;

    const size_t key = (size_t)(strchr(cure, '=') - cure);
    snprintf(wanted, sizeof wanted, "%.*s = %s", (int)key, cure, cure + key + 1);
    if (!strstr(line, wanted) && // or the key once, and then its values
        !(strstr(line, cure + key + 1) && strstr(strstr(line, ": want "), cure + key + 1)))
        fail_msg("%s: does not name %s", line, wanted);
    for (; *set; set++)
        if (strncmp(*set, cure, key + 1) != 0)
            all[n++] = *set;
    all[n] = cure;
    if (plan_of(&r, all))
        fail_msg("%s: does not cure, by %s: %s", line, cure, r.msg.text);
    rig_release(&r);
}

#define BITS "network.value_bits=1", "network.weight_bits=1", "core.crossbar.input_slice_bits=1"
#define ROOM "core.input_memory.words=8192", "fabric.link_gbps=100"
#define SIGN "core.readout.kind=sign"

static void what_cannot_be_read_is_refused_with_its_cure(void **state)
{
    static const struct {
        const char *want, *set[MOST_SET], *cure[3];
    } bad[] = {
        { "--set core.readout.columns_per_adc: core.readout.columns_per_adc = 7: does not divide "
          "core.crossbar.columns = 256: want 4 or 8",
          { "core.readout.kind=adc", "core.readout.columns_per_adc=7" },
          { "core.readout.columns_per_adc=4", "core.readout.columns_per_adc=8" } },
        { "--set core.readout.columns_per_adc: core.readout.columns_per_adc = 300: does not divide "
          "core.crossbar.columns = 256: want 256",
          { "core.readout.kind=adc", "core.readout.columns_per_adc=300" },
          { "core.readout.columns_per_adc=256" } },
        { "--set core.readout.range: core.readout.range = 0: want 1 to 2147483647, full or "
          "percentile",
          { "core.readout.kind=adc", "core.readout.range=0" },
          { "core.readout.range=1", "core.readout.range=2147483647", "core.readout.range=full" } },
        { "--set core.readout.bits: core.readout.bits = 33: want a whole number from 1 to 32 bit",
          { "core.readout.kind=adc", "core.readout.bits=33" },
          { "core.readout.bits=1", "core.readout.bits=32" } },
        { "--set core.crossbar.cell: core.crossbar.cell = triple: want one of differential, pair, "
          "reference, sliced, sram", { "core.crossbar.cell=triple" },
          { "core.crossbar.cell=differential", "core.crossbar.cell=sliced",
            "core.crossbar.cell=sram" } },
        { "--set core.crossbar.cell: core.crossbar.cell = pair: layer conv1 has weights of 8 bits: "
          "want +1, 0 and -1, of 1 or 2 bits, or core.crossbar.cell = differential",
          { "core.crossbar.cell=pair" }, { "core.crossbar.cell=differential" } },
        { "--set core.crossbar.reserved_rows: core.crossbar.reserved_rows = 256: the array has "
          "core.crossbar.rows = 256: want at most 255", { "core.crossbar.reserved_rows=256" },
          { NULL } }, // 255 leave a row, for which there are too few cores here
        { "--set core.crossbar.columns: core.crossbar.columns = 7: a weight takes 8 columns with "
          "core.crossbar.cell = sram: want core.crossbar.columns = 8",
          { "core.crossbar.columns=7", "core.crossbar.cell=sram", "chip.cores=65536",
            "clocking.timestep_ns=200" }, { "core.crossbar.columns=8" } },
        { "default: core conv1: crossbar needs 400 clocks in its worst timestep, "
          "clocking.timestep_ns = 100 has 50: want clocking.timestep_ns = 800",
          { "core.crossbar.mvm_ns=auto", "core.crossbar.input_slice_bits=1" },
          { "clocking.timestep_ns=800" } },
        { "--set core.readout.kind: core.readout.kind = adcs: want one of exact, adc, sign, charge",
          { "core.readout.kind=adcs" },
          { "core.readout.kind=exact", "core.readout.kind=adc", "core.readout.kind=charge" } },
        { "--set core.readout.kind: core.readout.kind = sign: layer conv1 makes an output of 8 "
          "reads of slices: want core.crossbar.input_slice_bits = 8",
          { SIGN, "core.crossbar.input_slice_bits=1" }, { NULL } }, // of bits: below
        { "--set core.readout.kind: core.readout.kind = sign: layer conv1 makes an output of 4 "
          "reads of some rows: want core.crossbar.rows_at_once = 0",
          { SIGN, BITS, "core.crossbar.rows_at_once=7", "core.crossbar.rows=1024" },
          { "core.crossbar.rows_at_once=0" } },
        { "--set core.readout.kind: core.readout.kind = sign: layer conv1 makes an output of "
          "several columns: want core.crossbar.cell = differential",
          { SIGN, "core.crossbar.cell=sram" }, { NULL } },
        { "--set core.readout.kind: core.readout.kind = sign: layer conv1 makes an output of "
          "several columns: want core.crossbar.cell = reference",
          { SIGN, BITS, "core.crossbar.cell=sram", "core.crossbar.rows=1024" },
          { "core.crossbar.cell=reference" } },
        { "--set core.readout.kind: core.readout.kind = sign: layer conv1 makes an output of two "
          "columns: want core.readout.separate = no",
          { SIGN, BITS, "core.readout.separate=yes", "core.crossbar.rows=1024" },
          { "core.readout.separate=no" } },
        { "--set core.readout.kind: core.readout.kind = sign: layer conv1 has outputs of 8 bits: "
          "want core.readout.kind = adc, or a network whose layers deliver one bit",
          { SIGN }, { "core.readout.kind=adc" } },
        { "--set core.readout.kind: core.readout.kind = sign: layer conv23 makes an output of 2 "
          "parts: want fabric.partial_sum = analog, which joins them",
          { SIGN, BITS }, { "fabric.partial_sum=analog" } },
        { "--set core.crossbar.rows_at_once: core.crossbar.rows_at_once = 7: arrays that "
          "fabric.partial_sum = analog joins are read whole: want core.crossbar.rows_at_once = 0, "
          "or fabric.partial_sum = digital",
          { "core.crossbar.rows_at_once=7", "fabric.partial_sum=analog" },
          { "core.crossbar.rows_at_once=0", "fabric.partial_sum=digital" } },
        { "--set core.crossbar.skip_zero_rows: core.crossbar.skip_zero_rows = yes: which 7 rows "
          "make a code depends on the inputs, and codes of 8 bits may differ from their sums: want "
          "core.crossbar.rows_at_once = 0", // no converter has the 35 bits of such sums
          { "core.readout.kind=adc", "core.crossbar.skip_zero_rows=yes", "network.value_bits=16",
            "network.weight_bits=16", "core.crossbar.input_slice_bits=16",
            "core.crossbar.rows_at_once=7", "core.crossbar.rows=8192" },
          { NULL } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_refused(bad[i].want, bad[i].set);
        for (size_t k = 0; k < 3 && bad[i].cure[k]; k++)
            assert_cured(bad[i].want, bad[i].set, bad[i].cure[k]);
    }
}

static void places_without_a_weight_are_refused_where_no_device_keeps_0(void **state)
{
#define GAPS(cell)                                                                                 \
    "core.crossbar.cell = " cell " keeps +1 and -1, layer conv1 has 0 where its 4 replicas do "    \
    "not look: want mapping.replicas.conv1 = 1, or core.crossbar.cell = pair"
    static const struct {
        const char *want, *set[MOST_SET];
    } bad[] = {
        { "--set core.crossbar.cell: " GAPS("reference"),
          { BITS, "core.crossbar.cell=reference", "mapping.replicas.conv1=4" } },
        { "--set core.crossbar.cell: " GAPS("sram"),
          { BITS, "core.crossbar.cell=sram", "mapping.replicas.32=4" } },
        { "--set core.crossbar.cell: " GAPS("sliced"),
          { BITS, "core.crossbar.cell=sliced", "core.crossbar.scheme=offset",
            "mapping.replicas.conv1=4" } },
    };
    static const char *const good[][MOST_SET] = {
        { BITS, ROOM, "core.crossbar.cell=reference", "mapping.replicas.conv1=1", NULL },
        { BITS, ROOM, "core.crossbar.cell=pair", "mapping.replicas.conv1=4", NULL },
        { BITS, ROOM, "core.crossbar.cell=sliced", "mapping.replicas.conv1=4", NULL },
        { "core.crossbar.cell=sram", ROOM, "mapping.replicas.conv1=4", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(bad[i].want, bad[i].set);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct plan_rig r = { 0 };
        if (rig_make(&r, good[i]))
            fail_msg("%s", r.msg.text);
        rig_release(&r);
    }
}

/* A network of one layer of weights +1 and -1, but for one. */
static enum err plan_bits(struct plan_rig *r, const char *cell, uint32_t groups, int8_t weight,
                          uint32_t weight_bits)
{
    char text[64];
    const char *set[] = { text, "core.crossbar.scheme=offset", "core.crossbar.input_slice_bits=1",
                          NULL };

    *r = (struct plan_rig){ 0 };
    snprintf(text, sizeof text, "core.crossbar.cell=%s", cell);
    rig_config(r, set);
    rig_image(r, 4, 4, 8);
    r->network.layer[0].out_signed = false;
    r->network.layer[0].value_bits = 1;
    r->network.has_values = true;
    struct layer *l = rig_conv(r, 0, 8, 3, 1);
    const size_t n = (size_t)8 * 8 / groups * 9;
    l->groups = groups;
    l->weight = malloc(n);
    for (size_t i = 0; i < n; i++)
        l->weight[i] = i % 3 ? 1 : -1;
    l->weight[n / 2] = weight;
    l->weight_bits = weight_bits;
    l->raw_output = true;
    l->requant.b = calloc(8, sizeof *l->requant.b);
    return rig_plan(r);
}

static void a_weight_of_0_is_refused_where_no_device_keeps_it(void **state)
{
    static const char *const bits[] = { "reference", "sram", "sliced" }, *const all[] = {
        "pair", "differential" };
    struct plan_rig r;
    char want[256];

    (void)state;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        assert_int_equal(plan_bits(&r, bits[i], 1, 0, 1), ERR_INPUT);
        snprintf(want, sizeof want, "--set core.crossbar.cell: core.crossbar.cell = %s keeps +1 "
                 "and -1, layer layer1 has 0: want core.crossbar.cell = pair", bits[i]);
        assert_string_equal(r.msg.text, want);
        rig_release(&r);
        assert_int_equal(plan_bits(&r, bits[i], 4, 1, 1), ERR_INPUT);
        snprintf(want, sizeof want, "--set core.crossbar.cell: core.crossbar.cell = %s keeps +1 "
                 "and -1, layer layer1 has 0 between its 4 groups of channels: want "
                 "core.crossbar.cell = pair", bits[i]);
        assert_string_equal(r.msg.text, want);
        rig_release(&r);
        assert_int_equal(plan_bits(&r, bits[i], 1, -1, 1), ERR_NONE);
        rig_release(&r);
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (uint32_t groups = 1; groups <= 4; groups *= 4) {
            assert_int_equal(plan_bits(&r, all[i], groups, 0, 1), ERR_NONE);
            rig_release(&r);
        }
    assert_int_equal(plan_bits(&r, "reference", 1, 0, 2), ERR_INPUT);
    assert_string_equal(r.msg.text, "--set core.crossbar.cell: core.crossbar.cell = reference: "
                        "layer layer1 has 0 among weights of 2 bits: want +1 and -1 alone, or "
                        "core.crossbar.cell = differential");
    rig_release(&r);
}

static void a_weight_that_no_device_keeps_is_refused(void **state)
{
    static const char *const set[] = { OF_CELL("sliced", "2", "signed"), NULL };
    struct machine k;
    struct plan other;
    struct err_msg m;

    (void)state;
    machine_make(&k, "configs/resnet32_fmnist.yaml", set);
    k.network.layer[2].weight[5] = -128;
    assert_int_equal(plan_make(&other, &k.network, &k.config, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "--set core.crossbar.scheme: core.crossbar.cell = sliced keeps "
                                   "weights of -127 to 127, layer "));
    assert_non_null(strstr(m.text, " has -128: want core.crossbar.cell = sliced with "
                                   "core.crossbar.scheme = offset"));
    k.config.crossbar.scheme = CELL_OFFSET;
    if (plan_make(&other, &k.network, &k.config, &m))
        fail_msg("offset does not cure: %s", m.text);
    plan_release(&other);
    machine_release(&k);
}

/* An input of bytes and outputs of a bit are read whole. */
static void a_sign_of_several_slices_is_refused_with_its_cure(void **state)
{
    static const char *const set[] = { SIGN, "core.crossbar.input_slice_bits=1",
                                       "core.crossbar.rows=1024", NULL };
    struct plan_rig r;

    (void)state;
    r = (struct plan_rig){ 0 };
    rig_config(&r, set);
    rig_image(&r, 4, 4, 8);
    rig_conv(&r, 0, 8, 3, 1)->value_bits = 1;
    assert_int_equal(rig_plan(&r), ERR_INPUT);
    assert_string_equal(r.msg.text, "--set core.readout.kind: core.readout.kind = sign: layer "
                                    "layer1 makes an output of 8 reads of slices: want "
                                    "core.crossbar.input_slice_bits = 8");
    r.config.crossbar.input_slice_bits = 8;
    if (rig_plan(&r))
        fail_msg("%s", r.msg.text);
    rig_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_code_clips_and_every_logit_is_the_plain_arrays),
        cmocka_unit_test(each_value_is_tried_beside_each_other),
        cmocka_unit_test(every_combination_gives_the_logits_of_the_plain_array),
        cmocka_unit_test(reads_of_resnet32_are_eight_a_firing_bit_by_bit),
        cmocka_unit_test(a_code_of_24_bits_is_exact_for_257_rows_and_of_25_for_514),
        cmocka_unit_test(a_product_takes_the_time_of_its_reads),
        cmocka_unit_test(the_array_of_isaac_reads_sixteen_times),
        cmocka_unit_test(what_cannot_be_read_is_refused_with_its_cure),
        cmocka_unit_test(places_without_a_weight_are_refused_where_no_device_keeps_0),
        cmocka_unit_test(a_weight_of_0_is_refused_where_no_device_keeps_it),
        cmocka_unit_test(a_weight_that_no_device_keeps_is_refused),
        cmocka_unit_test(a_sign_of_several_slices_is_refused_with_its_cure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
