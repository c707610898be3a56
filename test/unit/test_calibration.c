/* Ranges of converters from calibration images, against a program that keeps every sum of every
 * read and sorts them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "arch/units/gauge.h"
#include "network/values/plain.h"
#include "study/calibrate.h"
#include "study/measure.h"
#include "study/study.h"
#include "test/cli_rig.h"
#include "test/random_study.h"
#include "test/tmpdir.h"

#define TEST_IMAGES  "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
#define TRAIN_IMAGES "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz"

enum { MOST_COLUMN = 4096 };

/* ---- all sums, and the percentile of them ---- */

struct sums {
    int64_t *abs; // owned
    size_t   n, room;
};

static void keep(struct sums *s, int64_t sum)
{
    if (s->n == s->room) {
        s->room = 2 * s->room + 64;
        s->abs = realloc(s->abs, s->room * sizeof *s->abs);
        assert_non_null(s->abs);
    }
    s->abs[s->n++] = sum < 0 ? -sum : sum;
}

static int by_size(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

    return one < other ? -1 : one > other;
}

/* The least sum that at least p thousandths of a percent do not pass, at least 1. */
static int64_t percentile(struct sums *s, uint64_t p)
{
    size_t rank = (size_t)((p * s->n + 99999) / 100000);

    if (s->n == 0)
        return 1;
    qsort(s->abs, s->n, sizeof *s->abs, by_size);
    int64_t found = s->abs[rank > 0 ? rank - 1 : 0];
    return found > 0 ? found : 1;
}

/* ---- cells and inputs, by hand ---- */

enum cell_by_hand { DIFFERENTIAL, APART, OFFSET, SRAM };

static uint32_t slices_of(enum cell_by_hand cell, uint32_t cell_bits)
{
    return cell == DIFFERENTIAL ? 1 : cell == APART ? 2 : cell == SRAM ? 8
                                                        : (8 + cell_bits - 1) / cell_bits;
}

static int32_t cell_of(enum cell_by_hand cell, uint32_t cell_bits, uint32_t j, int32_t w)
{
    switch (cell) {
    case DIFFERENTIAL:
        return w;
    case APART:
        return j == 0 ? (w > 0 ? w : 0) : (w < 0 ? -w : 0);
    case SRAM:
        return (uint8_t)w >> j & 1;
    case OFFSET:
        break;
    }
    return (w + 128) >> (j * cell_bits) & ((1 << cell_bits) - 1);
}

/* Digit i of d bits of a byte. */
static int32_t digit_of(uint8_t x, bool is_signed, uint32_t d, uint32_t i)
{
    int32_t n = 8 - (int32_t)(i * d) < (int32_t)d ? 8 - (int32_t)(i * d) : (int32_t)d;
    int32_t digit = x >> (i * d) & ((1 << n) - 1);
    bool top = (i + 1) * d >= 8;

    return is_signed && top && digit >> (n - 1) ? digit - (1 << n) : digit;
}

/* ---- every array of a chip ---- */

static struct kept {
    enum cell_by_hand cell;
    uint32_t          cell_bits, slice_bits, rows_at_once;
    bool              per_column;
    struct sums      *core; // [core][MOST_COLUMN], the last is that of the column of ones
} kept;

struct naive {
    struct imc_array    base; // first
    struct array_matrix m;
    int8_t             *weight; // owned
};

static void multiply(struct imc_array *array, const struct array_product *p)
{
    const struct naive *a = (const struct naive *)array;

    for (uint32_t k = 0; k < p->planes; k++)
        for (uint32_t c = 0; c < a->m.columns; c++) {
            int32_t sum = 0;
            for (uint32_t r = 0; r < a->m.rows; r++)
                sum += a->weight[r * a->m.columns + c] *
                       (a->m.in_signed ? (int8_t)p->in[k][r] : p->in[k][r]);
            p->sum[k * p->apart + c] = sum;
        }
}

static void keep_column(const struct naive *a, const uint8_t *in, uint32_t first, uint32_t end,
                        uint32_t i, uint32_t j, uint32_t c)
{
    struct sums *core = kept.core + (size_t)a->m.core * MOST_COLUMN;
    int64_t sum = 0;

    for (uint32_t r = first; r < end; r++)
        sum += digit_of(in[r], a->m.in_signed, kept.slice_bits, i) *
               cell_of(kept.cell, kept.cell_bits, j, a->weight[r * a->m.columns + c]);
    keep(core + (kept.per_column ? j * a->m.columns + c : 0), sum);
}

static void keep_read(const struct naive *a, const struct array_product *p, const uint8_t *in,
                      uint32_t first, uint32_t i)
{
    uint32_t end = first + kept.rows_at_once < a->m.rows ? first + kept.rows_at_once : a->m.rows;
    int64_t ones = 0;

    for (uint32_t o = 0; o < p->n_output; o++)
        for (uint32_t k = 0; k < a->m.outputs; k++)
            for (uint32_t j = 0; j < slices_of(kept.cell, kept.cell_bits); j++)
                keep_column(a, in, first, end, i, j, p->replica[o] * a->m.outputs + k);
    for (uint32_t r = first; r < end; r++)
        ones += digit_of(in[r], a->m.in_signed, kept.slice_bits, i);
    keep(kept.core + (size_t)a->m.core * MOST_COLUMN + MOST_COLUMN - 1, ones);
}

static void count(const struct imc_array *array, const struct array_product *p, uint32_t plane,
                  struct array_counts *n)
{
    const struct naive *a = (const struct naive *)array;

    (void)n;
    for (uint32_t first = 0; first < a->m.rows; first += kept.rows_at_once)
        for (uint32_t i = 0; i * kept.slice_bits < 8; i++)
            keep_read(a, p, p->in[plane], first, i);
}

static void release(struct imc_array *array)
{
    free(((struct naive *)array)->weight);
    free(array);
}

static struct imc_array *program(const struct array_matrix *m)
{
    struct naive *a = calloc(1, sizeof *a);
    size_t n = (size_t)m->rows * m->columns;

    assert_non_null(a);
    assert_true(slices_of(kept.cell, kept.cell_bits) * m->columns < MOST_COLUMN);
    a->base = (struct imc_array){ m->kind, m->rows, m->columns, m->rows, m->columns };
    a->m = *m;
    a->weight = malloc(n);
    assert_non_null(a->weight);
    memcpy(a->weight, m->weight, n);
    return &a->base;
}

static const struct imc_array_kind naive_kind = {
    .name = "naive", .program = program, .multiply = multiply, .count = count, .release = release,
};

static void run_chip(const struct random_study *s, const struct imc_array_kind *kind)
{
    const struct chip_cfg cfg = { .plan = &s->plan, .planes.n = 2, .array = kind };
    struct chip *chip = chip_new(&cfg);
    struct err_msg m;

    assert_non_null(chip);
    assert_true(chip_inject(chip, s->image)); // image p in plane p
    assert_int_equal(chip_run(chip, INT32_MAX, &m), ERR_NONE);
    chip_free(chip);
}

static const struct machine {
    const char       *set[6];
    enum cell_by_hand cell;
    uint32_t          cell_bits, slice_bits, rows_at_once;
    bool              per_column;
    uint64_t          p; // thousandths of a percent
} machines[] = {
    { { "core.readout.percentile=99.995" }, DIFFERENTIAL, 8, 8, 9999, false, 99995 },
    { { "core.readout.per=column", "core.readout.percentile=90" }, DIFFERENTIAL, 8, 8, 9999, true,
      90000 },
    { { "core.readout.separate=yes", "core.crossbar.input_slice_bits=3",
        "core.readout.percentile=50", "core.readout.per=column" }, APART, 8, 3, 9999, true, 50000 },
    { { "core.crossbar.cell=sliced", "core.crossbar.scheme=offset", "core.crossbar.cell_bits=3",
        "core.crossbar.input_slice_bits=1", "core.readout.percentile=99" }, OFFSET, 3, 1, 9999,
      false, 99000 },
    { { "core.crossbar.cell=sliced", "core.crossbar.scheme=offset", "core.crossbar.rows_at_once=7",
        "core.crossbar.input_slice_bits=5", "core.readout.percentile=100" }, OFFSET, 8, 5, 7,
      false, 100000 },
    { { "core.crossbar.cell=sram", "core.crossbar.rows_at_once=1", "core.readout.per=column",
        "core.readout.percentile=0" }, SRAM, 1, 8, 1, true, 0 },
};

static struct array_spec spec_of(const struct machine *k)
{
    const char *set[9] = { "core.readout.kind=adc", "core.readout.range=percentile",
                           "calibration.images=x" };
    const struct array_load load = { .value_bits = 8, .weight_bits = 8 };
    struct config c;
    struct array_spec s = { 0 };
    struct err_msg m;
    size_t n = 3;

    for (size_t i = 0; k->set[i]; i++)
        set[n++] = k->set[i];
    if (config_load(&c, NULL, set, n, &m) || array_spec_of(&s, &c, &load, &m))
        fail_msg("%s", m.text);
    config_release(&c);
    return s;
}

static void check_ranges(const struct random_study *s, const struct machine *k,
                         const struct ranges *r)
{
    for (uint32_t core = 0; core < s->plan.n_core; core++) {
        struct sums *sums = kept.core + (size_t)core * MOST_COLUMN;
        const struct core_ranges *found = &r->core[core];
        if (layer_is_digital(&s->network.layer[s->plan.layer[s->plan.core[core].plan_layer].layer]))
            continue;
        assert_int_equal(found->n,
                         slices_of(k->cell, k->cell_bits) * s->plan.core[core].columns + 1);
        for (uint32_t i = 0; i + 1 < found->n; i++) {
            int64_t want = percentile(&sums[k->per_column ? i : 0], k->p);
            if (found->range[i] != want)
                fail_msg("seed %u, core %u, column %u: %lld, want %lld", s->seed, core, i,
                         (long long)found->range[i], (long long)want);
            i = k->per_column ? i : found->n; // the others are the same
        }
        if (k->cell == OFFSET)
            assert_int_equal(found->range[found->n - 1],
                             percentile(&sums[MOST_COLUMN - 1], k->p));
    }
}

static void a_range_is_the_percentile_of_all_sums_that_are_converted(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 24; seed++) {
        const struct machine *k = &machines[seed % (sizeof machines / sizeof *machines)];
        struct random_study s;
        struct ranges r;

        random_study_make(&s, seed);
        for (uint32_t i = 0; i < s.plan.n_layer; i++)
            s.plan.layer[i].array = spec_of(k);
        kept = (struct kept){ k->cell, k->cell_bits, k->slice_bits, k->rows_at_once, k->per_column,
                              calloc((size_t)s.plan.n_core * MOST_COLUMN, sizeof *kept.core) };
        assert_non_null(kept.core);
        run_chip(&s, &naive_kind);
        struct gauge *g = gauge_new(&s.plan);
        assert_non_null(g);
        for (; gauge_more(g); gauge_next(g))
            run_chip(&s, gauge_array(g));
        assert_true(ranges_init(&r, &s.plan));
        gauge_ranges(g, &r);
        check_ranges(&s, k, &r);
        for (size_t i = 0; i < (size_t)s.plan.n_core * MOST_COLUMN; i++)
            free(kept.core[i].abs);
        free(kept.core);
        ranges_release(&r);
        gauge_free(g);
        random_study_release(&s);
    }
}

/* ---- codes by the range of each column ---- */

enum { N_ROW = 9, N_COLUMN = 5, BITS = 4 };

/* Rounded to whole steps, ties to even, cut to the codes. */
static int64_t code_of(int64_t sum, int64_t range, bool both_signs)
{
    int64_t levels = both_signs ? 1 << (BITS - 1) : (1 << BITS) - 1;
    int64_t step = (range + levels - 1) / levels, least = both_signs ? -levels : 0;
    int64_t most = both_signs ? levels - 1 : levels, low = least - 1;

    while (2 * sum > (2 * low + 1) * step && low < most)
        low++; // the code below the sum, or above it from half a step on
    if (2 * sum == (2 * low + 1) * step && low % 2 != 0)
        low++;
    low = low < least ? least : low > most ? most : low;
    return low * step;
}

static int64_t factor_of(const struct machine *k, uint32_t j)
{
    const int64_t last = j == 7 ? -128 : 1 << j;

    return k->cell == DIFFERENTIAL ? 1 : k->cell == APART ? (j == 0 ? 1 : -1)
           : k->cell == SRAM     ? last : INT64_C(1) << (j * k->cell_bits);
}

/* What digit i of the inputs adds to an output: codes of a group's sums. */
static int64_t read_by_hand(const struct machine *k, const int8_t *weight, const uint8_t *x,
                            bool in_signed, uint32_t first, uint32_t i, uint32_t c,
                            const int64_t *range)
{
    uint32_t n = slices_of(k->cell, k->cell_bits);
    bool top = in_signed && (i + 1) * k->slice_bits >= 8, one_bit = 8 - i * k->slice_bits == 1 ||
                                                                    k->slice_bits == 1;
    int64_t total = 0, sign = top && one_bit ? -1 : 1;

    for (uint32_t j = 0; j <= n; j++) { // the last is the column of ones
        int64_t sum = 0;
        for (uint32_t r = first; r < first + k->rows_at_once && r < N_ROW; r++)
            sum += digit_of(x[r], in_signed, k->slice_bits, i) *
                   (j == n ? 1 : cell_of(k->cell, k->cell_bits, j, weight[r * N_COLUMN + c]));
        bool both = (top && !one_bit) || (j < n && k->cell == DIFFERENTIAL);
        int64_t code = sign * code_of(sign * sum, range[j == n ? n * N_COLUMN : j * N_COLUMN + c],
                                      both);
        if (j < n || k->cell == OFFSET)
            total += (j < n ? factor_of(k, j) : -128) * code;
    }
    return total * (1 << (i * k->slice_bits));
}

static void every_column_has_codes_of_its_own_range(void **state)
{
    int8_t weight[N_ROW * N_COLUMN];
    int64_t range[8 * N_COLUMN + 1];
    uint8_t x[64] = { 0 };

    (void)state;
    srand(1);
    for (size_t round = 0; round < 400; round++) {
        struct machine k = machines[round % (sizeof machines / sizeof *machines)];
        struct array_spec spec = spec_of(&k);
        struct core_ranges of_core = { slices_of(k.cell, k.cell_bits) * N_COLUMN + 1, range };
        const struct ranges ranges = { 1, &of_core };
        const uint8_t *in[] = { x };
        const uint32_t replica[] = { 0 };
        int32_t sum[64];
        struct array_matrix m = {
            .kind = &array_sliced, .spec = &spec, .ranges = &ranges, .rows = N_ROW,
            .columns = N_COLUMN, .outputs = N_COLUMN, .weight = weight,
            .in_signed = round % 2 != 0, .value_bits = 8, .weight_bits = 8, .planes = 1,
        };
        const struct array_product p = { .replica = replica, .n_output = 1, .planes = 1, .in = in,
                                         .sum = sum };

        spec.adc_bits = BITS;
        for (size_t i = 0; i < sizeof weight; i++)
            weight[i] = (int8_t)(rand() % 255 - 127);
        for (size_t i = 0; i < sizeof range / sizeof *range; i++)
            range[i] = 1 + rand() % (rand() % 2 ? 40 : 40000);
        for (size_t i = 0; i < N_ROW; i++)
            x[i] = (uint8_t)(rand() % 256);
        struct imc_array *a = array_sliced.program(&m);
        assert_non_null(a);
        a->kind->multiply(a, &p);
        imc_array_release(a);
        for (uint32_t c = 0; c < N_COLUMN; c++) {
            int64_t want = 0;
            for (uint32_t first = 0; first < N_ROW; first += k.rows_at_once)
                for (uint32_t i = 0; i * k.slice_bits < 8; i++)
                    want += read_by_hand(&k, weight, x, m.in_signed, first, i, c, range);
            assert_int_equal(sum[c], want);
        }
    }
}

/* ---- the ideal network over images ---- */

static void need_images(void)
{
    if (access(TEST_IMAGES, R_OK) == 0 && access(TRAIN_IMAGES, R_OK) == 0)
        return;
    print_message("%s or %s is not there\n", TEST_IMAGES, TRAIN_IMAGES);
    skip();
}

struct over_images {
    struct plain       *e;
    const struct study *s;
    uint32_t            core;
    struct sums         sums;
};

/* Of a core whose layer has a window of zeros around its map: all its products of one image. */
static enum err keep_image(void *user, uint64_t i, const uint8_t *image, struct err_msg *m)
{
    struct over_images *o = user;
    const struct plan_core *pc = &o->s->plan.core[o->core];
    const struct layer *l = &o->s->network.layer[o->s->plan.layer[pc->plan_layer].layer];
    const struct shape in = layer_delivers(&o->s->network.layer[l->input[0]]);
    uint32_t rows = layer_kernel_rows(l), side = l->window.kernel[0] * l->window.kernel[1];

    (void)i, (void)m;
    plain_run(o->e, image, NULL);
    for (uint32_t y = 0; y < l->out.width; y++)
        for (uint32_t x = 0; x < l->out.height; x++)
            for (uint32_t k = pc->out_first; k < pc->out_first + pc->out_n; k++) {
                int64_t v = 0;
                for (uint32_t r = pc->row_first; r < pc->row_first + pc->row_n; r++) {
                    uint32_t c = r / side, at = r % side;
                    int64_t px = window_begin(&l->window, 0, x) + at / l->window.kernel[1];
                    int64_t py = window_begin(&l->window, 1, y) + at % l->window.kernel[1];
                    if (px < 0 || py < 0 || px >= in.height || py >= in.width)
                        continue;
                    size_t pixel = (size_t)py * in.height + (size_t)px;
                    v += l->weight[(size_t)k * rows + r] *
                         plain_delivered(o->e, l->input[0], pixel * in.channels + c);
                }
                keep(&o->sums, v);
            }
    return ERR_NONE;
}

static void a_range_is_that_of_the_ideal_network_over_the_calibration_images(void **state)
{
    static const char *const set[] = {
        "core.readout.kind=adc", "core.readout.range=percentile", "core.readout.percentile=99.9",
        ("calibration.images=" TRAIN_IMAGES), "calibration.first=5", "calibration.count=2",
    };
    static const char *const layers[] = { "L1", "L31", "fc" };
    struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 2,
                           .images = TEST_IMAGES, .n_image = 3 };
    struct study s;
    struct ranges r;
    struct err_msg m;
    unsigned n = 0;

    (void)state;
    need_images();
    if (study_load(&s, "configs/resnet32_fmnist.yaml", set, 6, &m) ||
        calibrate(&r, &s.plan, &cfg, &m))
        fail_msg("%s", m.text);
    cfg.images = TRAIN_IMAGES;
    cfg.first = 5;
    cfg.n_image = 2;
    for (uint32_t core = 0; core < s.plan.n_core; core++) {
        const char *name = s.network.layer[s.plan.layer[s.plan.core[core].plan_layer].layer].name;
        struct over_images o = { .s = &s, .core = core };
        if (strcmp(name, layers[0]) != 0 && strcmp(name, layers[1]) != 0 &&
            strcmp(name, layers[2]) != 0)
            continue;
        o.e = plain_new(&s.network);
        assert_non_null(o.e);
        if (run_visit_images(&s.plan, &cfg, 0, 2, keep_image, &o, &m))
            fail_msg("%s", m.text);
        assert_int_equal(r.core[core].range[0], percentile(&o.sums, 99900));
        plain_free(o.e);
        free(o.sums.abs);
        n++;
    }
    assert_int_equal(n, 4); // L31 has two parts
    ranges_release(&r);
    study_release(&s);
}

/* ---- images that are run, and machines that need none ---- */

static enum err try(const char *const *set, size_t n_set, const struct run_cfg *cfg,
                    struct run_result *r, struct err_msg *m)
{
    struct study s;
    enum err e = study_load(&s, "configs/resnet32_fmnist.yaml", set, n_set, m);

    if (!e)
        e = run_calibrated(&s.plan, cfg, r, m);
    study_release(&s); // zero after an error
    return e;
}

static void an_image_that_is_run_calibrates_nothing(void **state)
{
    const char *set[] = { "core.readout.kind=adc", "core.readout.range=percentile",
                          ("calibration.images=" TEST_IMAGES), "calibration.first=3",
                          "calibration.count=1" };
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1,
                                 .images = TEST_IMAGES, .n_image = 4 };
    struct run_result r;
    struct err_msg m;

    (void)state;
    need_images();
    assert_int_equal(try(set, 5, &cfg, &r, &m), ERR_INPUT);
    assert_string_equal(m.text, "--set calibration.images: calibration.images: its image 3 is "
                        "image 3 of " TEST_IMAGES " too, which are run: want calibration.first, or "
                        "a set, of others");
    set[3] = "calibration.first=4";
    assert_int_equal(try(set, 5, &cfg, &r, &m), ERR_NONE);
    run_result_release(&r);
    set[3] = "calibration.first=10000";
    assert_int_equal(try(set, 5, &cfg, &r, &m), ERR_INPUT);
    assert_string_equal(m.text, "--set calibration.images: calibration.images: images " TEST_IMAGES
                        ": has 10000 images, 10001 are wanted: want fewer, or others");
    assert_int_equal(try(set, 2, &cfg, &r, &m), ERR_INPUT);
    assert_string_equal(m.text, "--set core.readout.range: core.readout.range = percentile: "
                        "without calibration images: want calibration.images = SET, none of whose "
                        "images are run, or core.readout.range = full");
}

/* Returns of how many cores the column of ones, where there is one, reaches furthest. */
static uint32_t assert_columns_said(const char *const *set, uint32_t n_set)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 1,
                                 .images = TEST_IMAGES, .n_image = 1 };
    struct measured d;
    struct ranges ranges;
    struct study s;
    struct err_msg m;
    uint32_t n_apart = 0, n_ones = 0;

    if (study_load(&s, "configs/resnet32_fmnist.yaml", set, n_set, &m) ||
        calibrate(&ranges, &s.plan, &cfg, &m) || measured_run(&d, &s, &cfg, &m))
        fail_msg("%s", m.text);
    for (uint32_t i = 0; i < s.plan.n_core; i++) {
        const int64_t *range = ranges.core[i].range;
        const struct cell_layout *l = &s.plan.layer[s.plan.core[i].plan_layer].array.layout;
        uint32_t n = l->n_slice * s.plan.core[i].columns, least = 0, most = 0; // whose columns
        for (uint32_t c = 0; range && c < n + (l->ones != 0); c++) {
            least = range[c] < range[least] ? c : least;
            most = range[c] > range[most] ? c : most;
        }
        const struct codes_reached *reached = &d.run.range[i];
        assert_int_equal(reached->least, range ? range[least] : 0);
        assert_int_equal(reached->most, range ? range[most] : 0);
        n_apart += reached->least < reached->most;
        n_ones += range && most == n;
    }
    assert_true(n_apart > 20);
    ranges_release(&ranges);
    measured_release(&d);
    study_release(&s);
    return n_ones;
}

/* The command runs images of each clocking its own way. */
static json_t *run_by(const char *clocking)
{
    char arguments[1024];
    void *dir;

    assert_int_equal(tmpdir_make(&dir), 0);
    snprintf(arguments, sizeof arguments, "run configs/resnet32_fmnist.yaml --set "
             "core.readout.kind=adc --set core.readout.range=percentile --set "
             "calibration.images=%s --set calibration.count=2 --set "
             "core.crossbar.input_slice_bits=4 --set core.crossbar.rows=600 --images %s --count 3 "
             "--json - %s", TRAIN_IMAGES, TEST_IMAGES, clocking);
    json_t *doc = json_of(dir, arguments);
    tmpdir_remove(&dir);
    return doc;
}

static void ranges_are_the_same_under_any_clocking(void **state)
{
    static const char *const clocking[] = {
        "--set clocking.kind=elastic",
        "--set clocking.kind=elastic --set fabric.kind=mesh --set core.input_memory.words=300",
        "--set clocking.kind=elastic --set core.crossbar.skip_zero_patches=yes",
    };
    static const char *const cost[] = { "accuracy.codes.clipped", "accuracy.codes.exact_correct" };
    uint64_t n_clipped = 0;

    (void)state;
    need_images();
    json_t *want = run_by("");
    json_t *core = at(want, "core_list");
    for (size_t k = 0; k < sizeof clocking / sizeof *clocking; k++) {
        json_t *doc = run_by(clocking[k]), *other = at(doc, "core_list");
        assert_true(json_equal(at(want, "predictions"), at(doc, "predictions")));
        for (size_t i = 0; i < sizeof cost / sizeof *cost; i++)
            assert_int_equal(integer_at(doc, cost[i]), integer_at(want, cost[i]));
        assert_int_equal(json_array_size(other), json_array_size(core));
        for (size_t i = 0; i < json_array_size(core); i++) {
            json_t *one = json_array_get(core, i);
            if (!json_object_get(one, "converters"))
                continue; // of no array
            assert_true(integer_at(one, "converters.range_most") > 1);
            assert_int_equal(integer_at(json_array_get(other, i), "counters.clipped"),
                             integer_at(one, "counters.clipped"));
            n_clipped += (uint64_t)integer_at(one, "counters.clipped");
        }
        json_decref(doc);
    }
    json_decref(want);
    assert_true(n_clipped > 0);
}

static void a_run_says_what_the_columns_of_each_core_reach(void **state)
{
    const char *set[] = { "core.readout.kind=adc", "core.readout.range=percentile",
                          "core.readout.per=column", ("calibration.images=" TEST_IMAGES),
                          "calibration.first=4", "calibration.count=1",
                          "core.crossbar.cell=sliced", "core.crossbar.scheme=offset",
                          "core.crossbar.cell_bits=1" };

    (void)state;
    need_images();
    assert_int_equal(assert_columns_said(set, 6), 0);
    /* in cells of one bit no column has more than that of ones */
    assert_true(assert_columns_said(set, sizeof set / sizeof *set) > 20);
}

static void calibrated_codes_keep_what_a_full_range_loses(void **state)
{
    static const char *const ranges[] = { "core.readout.range=full",
                                          "core.readout.range=percentile" };
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .jobs = 2,
                                 .images = TEST_IMAGES, .n_image = 40 };
    uint64_t right[2];

    (void)state;
    need_images();
    for (int i = 0; i < 2; i++) {
        const char *set[] = { "core.readout.kind=adc", "core.readout.bits=10", ranges[i],
                              "calibration.images=" TRAIN_IMAGES, "calibration.count=8" };
        struct run_result r;
        struct err_msg m;
        if (try(set, 5, &cfg, &r, &m))
            fail_msg("%s", m.text);
        right[i] = r.n_correct;
        run_result_release(&r);
    }
    assert_true(right[0] < 30 && right[1] >= 36); // of 40; exact sums: 38
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_the_percentile_of_all_sums_that_are_converted),
        cmocka_unit_test(every_column_has_codes_of_its_own_range),
        cmocka_unit_test(a_range_is_that_of_the_ideal_network_over_the_calibration_images),
        cmocka_unit_test(an_image_that_is_run_calibrates_nothing),
        cmocka_unit_test(a_run_says_what_the_columns_of_each_core_reach),
        cmocka_unit_test(ranges_are_the_same_under_any_clocking),
        cmocka_unit_test(calibrated_codes_keep_what_a_full_range_loses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
