/* Reads that zeros save in networks of neurons, whose values are computed layer by layer: beside a
 * naive walk over the rows of each product of each step, and in proportion to spikes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/values/firing_groups.h"
#include "network/spiking/spikes.h"
#include "study/run.h"
#include "test/cli_rig.h"
#include "test/random_spiking.h"
#include "test/tmpdir.h"

enum { N_NETWORK = 150, STEPS = 8 };

static void draw_machine(uint64_t seed, char (*text)[64], const char **set)
{
    static const char *const firing[] = { "column", "free", "block" };
    static const char *const skips[] = { "skip_zero_patches", "skip_zero_rows" };
    struct random_draws d = { .rng = rng_at(seed, "skipping machine") };
    uint32_t n = 0;

    const uint32_t rows = 9 + random_draw(&d, 200);
    snprintf(text[n++], sizeof *text, "core.crossbar.rows=%u", rows);
    snprintf(text[n++], sizeof *text, "core.crossbar.columns=%u", 4 + random_draw(&d, 60));
    snprintf(text[n++], sizeof *text, "core.crossbar.input_slice_bits=%u", 1 + random_draw(&d, 3));
    snprintf(text[n++], sizeof *text, "core.crossbar.rows_at_once=%u", 1 + random_draw(&d, 9));
    snprintf(text[n++], sizeof *text, "core.crossbar.%s=yes", skips[random_draw(&d, 2)]);
    snprintf(text[n++], sizeof *text, "core.crossbar.mvm_ns=auto");
    snprintf(text[n++], sizeof *text, "core.crossbar.read_ns=1");
    snprintf(text[n++], sizeof *text, "core.input_memory.word_bits=256");
    snprintf(text[n++], sizeof *text, "core.input_memory.words=65536");
    snprintf(text[n++], sizeof *text, "core.digital.lanes=1024");
    snprintf(text[n++], sizeof *text, "fabric.link_gbps=10000");
    snprintf(text[n++], sizeof *text, "fabric.partial_sum_gbps=10000");
    snprintf(text[n++], sizeof *text, "clock_mhz=10");
    snprintf(text[n++], sizeof *text, "clocking.timestep_ns=900000");
    snprintf(text[n++], sizeof *text, "mapping.firing=%s", firing[random_draw(&d, 3)]);
    const uint32_t replicas = 1 + random_draw(&d, 3);
    snprintf(text[n++], sizeof *text, "mapping.replicas={layer1: %u, layer2: %u}", replicas,
             1 + random_draw(&d, 3));
    snprintf(text[n++], sizeof *text, "chip.cores=65536");
    for (uint32_t i = 0; i < n; i++)
        set[i] = text[i];
    set[n] = NULL;
}

/* ---- naive ---- */

struct naive {
    const struct plan      *plan;
    const struct value_map *map;
    uint32_t                layer, core; // of the plan
    int32_t                 padding;
    uint64_t               *reads, *conversions; // [cores]
};

static int32_t value_at(const struct naive *k, const struct layer *l, int64_t x, int64_t y,
                        uint32_t channel)
{
    if (x < 0 || y < 0 || x >= l->in.height || y >= l->in.width)
        return k->padding;
    return k->map->value[((size_t)y * l->in.height + (size_t)x) * l->in.channels + channel];
}

/* Whether an output of the group sees the pixel, and the core has a row for it. */
static bool sees(const struct naive *k, const struct firing_group *g, int64_t x, int64_t y,
                 uint32_t channel)
{
    const struct plan *p = k->plan;
    const struct layer *l = plan_network_layer(p, k->layer);
    const struct plan_core *c = &p->core[k->core];
    const struct firing_shape shape = plan_firing_shape(p, k->layer);
    const uint32_t positions = l->window.kernel[0] * l->window.kernel[1];
    struct pixel at = { .row = g->x, .column = g->y };

    for (uint32_t n = 0; n < g->n; n++, p->layer[k->layer].firing->next(&shape, c->copy, &at))
        for (uint32_t i = 0; i < l->window.kernel[0]; i++)
            for (uint32_t j = 0; j < l->window.kernel[1]; j++) {
                int64_t px = (int64_t)at.row * l->window.stride[0] + i - l->window.pad_before[0];
                int64_t py = (int64_t)at.column * l->window.stride[1] + j -
                             l->window.pad_before[1];
                uint32_t row = channel * positions + i * l->window.kernel[1] + j;
                if (px == x && py == y && (!p->layer[k->layer].inside ||
                                           (row >= c->row_first && row < c->row_first + c->row_n)))
                    return true;
            }
    return false;
}

/* Rows that are on join a read until it is full; none is in it where zeros are skipped. */
static void on_group(void *user, const struct firing_group *g)
{
    struct naive *k = user;
    const struct plan_core *c = &k->plan->core[k->core];
    const struct layer *l = plan_network_layer(k->plan, k->layer);
    const struct array_spec *s = &k->plan->layer[k->layer].array;
    const uint32_t at_once = s->reads.rows_at_once < c->rows ? s->reads.rows_at_once : c->rows;
    const uint32_t bits = s->reads.input_slice_bits;
    uint64_t left = 0, all = 0, on_at_all = 0;

    for (uint32_t first = 0; first < s->reads.input_bits; first += bits) {
        uint32_t on = 0;
        for (int64_t y = -3; y < (int64_t)l->in.width + 3; y++)
            for (int64_t x = -3; x < (int64_t)l->in.height + 3; x++)
                for (uint32_t ch = c->in_first; ch < c->in_first + c->in_n; ch++) {
                    int32_t digit = value_at(k, l, x, y, ch) >> first & ((1 << bits) - 1);
                    on += digit != 0 && sees(k, g, x, y, ch);
                }
        left += (on + at_once - 1) / at_once;
        all += (c->rows + at_once - 1) / at_once;
        on_at_all += on;
    }
    if (!s->skip_rows)
        left = on_at_all > 0 ? all : 0;
    k->reads[k->core] += left;
    k->conversions[k->core] += left * g->n * c->out_n * s->layout.columns;
}

struct watching {
    struct naive       naive;
    struct firing_log *log;
    uint32_t           step;
};

static void begin(void *user, uint64_t image, uint32_t step)
{
    struct watching *w = user;
    const struct presentation *p = &w->naive.plan->network->present;
    const uint8_t zero = (uint8_t)plan_network_layer(w->naive.plan, 0)->in_zero;

    w->step = step; // of one image: a chip's image of its own
    p->coding->code(p, image, step, &zero, 1, &w->naive.padding);
}

static void see(void *user, uint32_t layer, const struct value_map *map, uint32_t column,
                uint32_t n_lane)
{
    struct watching *w = user;
    struct naive *k = &w->naive;
    const int32_t padding = k->padding;

    (void)n_lane;
    k->layer = layer - 1;
    if (column + 1 < map->shape.width || layer_is_digital(plan_network_layer(k->plan, k->layer)))
        return;
    k->map = map;
    k->padding = layer == 1 && plan_network_layer(k->plan, 0)->in_zero ? padding : 0;
    for (uint32_t i = 0; i < k->plan->layer[k->layer].n_core; i++) {
        k->core = k->plan->layer[k->layer].first_core + i;
        firing_groups_each(k->plan, w->log, w->step, k->layer, k->plan->core[k->core].copy,
                           on_group, k);
    }
    k->padding = padding;
}

/* ---- beside it ---- */

static void check(struct plan_rig *r, uint64_t *saved)
{
    const struct plan *p = &r->plan;
    struct firing_log *log = firing_log_needed(p) ? firing_log_new(p, 0) : NULL;
    const struct run_cfg cfg = { .images = "random", .n_image = 1, .jobs = 1,
                                 .probe = log ? firing_log_probe(log) : NULL };
    struct watching w = { .naive = { .plan = p, .reads = calloc(p->n_core, sizeof(uint64_t)),
                                     .conversions = calloc(p->n_core, sizeof(uint64_t)) },
                          .log = log };
    const struct value_watch watch = { begin, see, NULL, NULL, &w };
    const struct shape *in = &r->network.layer[0].out;
    const struct images_shape shape = { in->height, in->width, in->channels };
    const size_t n = (size_t)in->height * in->width * in->channels;
    uint8_t *pixel = malloc(n);
    struct images *set;
    struct run_result result;
    struct err_msg m;
    uint32_t label;
    int more;

    if (run(p, &cfg, &result, &m))
        fail_msg("%s", m.text);
    assert_int_equal(images_open(&set, "random", shape, 10, &m), ERR_NONE);
    assert_int_equal(images_next(set, (int8_t *)pixel, &label, &more, &m), ERR_NONE);
    images_close(set);
    for (size_t i = 0; i < n; i++)
        pixel[i] ^= 0x80;
    struct spikes *s = spikes_new(&r->network);
    spikes_run(s, pixel, 0, &watch);
    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct array_spec *a = &p->layer[p->core[i].plan_layer].array;
        if (p->core[i].rows == 0)
            continue;
        assert_int_equal(result.core[i].reads, w.naive.reads[i]);
        assert_int_equal(result.core[i].conversions,
                         a->readout->counts ? w.naive.conversions[i] : 0);
        *saved += result.core[i].firings * array_reads(a, p->core[i].rows, 1).n -
                  result.core[i].reads;
    }
    spikes_free(s);
    firing_log_free(log);
    run_result_release(&result);
    free(w.naive.reads);
    free(w.naive.conversions);
    free(pixel);
}

static void reads_are_those_of_rows_that_spike(void **state)
{
    uint32_t n = 0, saving = 0;

    (void)state;
    for (uint64_t seed = 1; n < N_NETWORK; seed++) {
        char text[20][64];
        const char *set[21];
        struct plan_rig r;
        uint64_t saved = 0;

        draw_machine(seed, text, set);
        random_spiking_make(&r, seed, STEPS, set);
        if (rig_plan(&r)) {
            rig_release(&r);
            continue;
        }
        n++;
        check(&r, &saved);
        saving += saved > 0;
        rig_release(&r);
    }
    assert_true(saving > N_NETWORK / 2);
}

/* ---- energy ---- */

enum { BINS = 8, PIXELS = 28 * 28 };

/* A recording of which so many of eight bins have an event at every pixel. */
static void write_frames(const char *dir, uint32_t full)
{
    static uint8_t frames[BINS * PIXELS];
    char path[TMPDIR_PATH_MAX], header[129];
    FILE *f;

    memset(frames, 0, sizeof frames);
    memset(frames, 1, (size_t)full * PIXELS);
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10);
    int n = snprintf(header + 10, sizeof header - 10, "{'descr': '|u1', 'fortran_order': False, "
                     "'shape': (1, %d, 1, 28, 28), }", BINS);
    header[10 + n] = ' ';
    header[127] = '\n';
    tmpdir_path(path, dir, "frames.npy");
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(header, 1, 128, f), 128);
    assert_int_equal(fwrite(frames, 1, sizeof frames, f), sizeof frames);
    fclose(f);
}

/* Of the arrays of the first layer: a fixed part, and one for each bin that has spikes. */
static void energy_falls_linearly_with_activity(void **state)
{
    static const uint32_t full[] = { 0, 2, 4, 8 }; // 0, 25, 50, 100 %
    const char *dir = *state;
    double crossbar[4], adc[4];

    for (size_t i = 0; i < 4; i++) {
        char arguments[512];
        write_frames(dir, full[i]);
        snprintf(arguments, sizeof arguments, "run lif_fmnist --images %s/frames.npy --set "
                 "input.coding=events --set core.crossbar.skip_zero_patches=yes --set "
                 "core.crossbar.mvm_ns=auto --set core.crossbar.read_ns=80 --set "
                 "energy.chip=composed --json -", dir);
        json_t *doc = json_of(dir, arguments);
        assert_int_equal(integer_at(doc, "core_list[].counters.reads"), full[i]);
        assert_int_equal(integer_at(doc, "core_list[].counters.conversions"), 256 * full[i]);
        crossbar[i] = number_at(doc, "energy.layers[].blocks.crossbar");
        adc[i] = number_at(doc, "energy.layers[].blocks.adc");
        json_decref(doc);
    }
    for (size_t i = 0; i < 4; i++) { // of figures that are printed in thousandths a step
        assert_true(fabs(crossbar[i] - crossbar[0] - full[i] * (crossbar[3] - crossbar[0]) / 8) <
                    0.009);
        assert_true(fabs(adc[i] - full[i] * adc[3] / 8) < 0.009);
    }
    assert_true(adc[0] == 0 && adc[3] > 0.5 && crossbar[3] > 5 * crossbar[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(energy_falls_linearly_with_activity, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test(reads_are_those_of_rows_that_spike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
