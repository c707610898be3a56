/* The chip against things that know nothing of it: a naive integer reference, the plan's dry run,
 * the files that the networks' training wrote, and itself under other kernels and step orders. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "core/counter.h"
#include "core/util.h"
#include "test/random_study.h"
#include "test/reference.h"

enum { N_STUDY = 500 };

/* ---- running a study ---- */

/* Everything observable of a run, as one number and for people. */
struct observed {
    uint64_t hash;
    uint64_t n_event;
    int64_t  result_timestep[STUDY_IMAGES];
    int64_t  result[STUDY_IMAGES][16];
};

static void mix(struct observed *o, const void *bytes, size_t n)
{
    const unsigned char *p = bytes; // FNV-1a

    for (size_t i = 0; i < n; i++)
        o->hash = (o->hash ^ p[i]) * UINT64_C(1099511628211);
}

/* Events of different cores in one timestep come in the order of the steps: their sum does not. */
static void watch(void *user, uint32_t core, const struct core_event *e)
{
    struct observed *all = user, one = { .hash = UINT64_C(14695981039346656037) };

    mix(&one, &core, sizeof core);
    mix(&one, &e->kind, sizeof e->kind);
    mix(&one, &e->timestep, sizeof e->timestep);
    for (uint32_t i = 0; i < e->n; i++) {
        mix(&one, &e->pixel[i].image, sizeof e->pixel[i].image);
        mix(&one, &e->pixel[i].row, sizeof e->pixel[i].row);
        mix(&one, &e->pixel[i].column, sizeof e->pixel[i].column);
    }
    mix(&one, &e->words, sizeof e->words);
    mix(&one, &e->stream, sizeof e->stream);
    mix(&one, &e->bits, sizeof e->bits);
    if (e->value)
        mix(&one, e->value, e->value_bytes);
    all->hash += one.hash;
    all->n_event++;
}

static void run_chip(struct chip *chip, const struct random_study *s, uint32_t first, uint32_t n,
                     struct observed *o)
{
    struct err_msg m;
    struct chip_result r;
    uint32_t in = 0, out = 0;

    for (int64_t until = -(int64_t)s->plan.time.lead; out < n; until++) { // cut everywhere
        while (in < n && chip_inject(chip, s->image + (first + in) * s->image_bytes))
            in++;
        if (chip_run(chip, until, &m))
            fail_msg("seed %u: %s", s->seed, m.text);
        while (chip_result(chip, &r)) {
            assert_int_equal(r.image, first + out);
            o->result_timestep[out] = r.timestep;
            const uint32_t n_value = layer_delivers(network_result(&s->network)).channels;
            for (uint32_t i = 0; r.value && i < n_value; i++)
                o->result[out][i] = r.value[i];
            out++;
        }
        assert_true(out == n || in < n || !chip_stands_still(chip));
    }
    assert_true(chip_run(chip, INT32_MAX, &m) == ERR_NONE);
    assert_true(chip_stands_still(chip));
}

static struct observed run_study(const struct random_study *s, enum kernel_kind kernel,
                                 enum kernel_mode mode, bool values, uint32_t first, uint32_t n)
{
    struct observed o = { 0 };
    const struct core_probe probe = { .event = watch, .user = &o };
    const struct chip_cfg cfg = { .plan = &s->plan, .planes.n = values, .first_image = first,
                                  .kernel = kernel, .mode = mode, .probe = &probe };
    struct chip *chip = chip_new(&cfg);

    assert_non_null(chip);
    run_chip(chip, s, first, n, &o);
    for (uint32_t i = 0; i < s->plan.n_core; i++)
        mix(&o, chip_counters(chip, i), sizeof(struct core_counters));
    for (uint32_t i = 0; i < s->plan.n_stream; i++) {
        uint64_t bits = chip_stream_bits(chip, i);
        mix(&o, &bits, sizeof bits);
    }
    chip_free(chip);
    return o;
}

static void four_ways_of_running_a_design_agree_in_every_event_value_and_counter(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        random_study_make(&s, seed);
        bool values = seed % 4 != 0;
        struct observed want = run_study(&s, KERNEL_NATIVE, KERNEL_SKIP_IDLE, values, 0, 2), got;

        got = run_study(&s, KERNEL_NATIVE, KERNEL_REVERSED, values, 0, 2);
        assert_memory_equal(&got, &want, sizeof got);
        got = run_study(&s, KERNEL_NATIVE, KERNEL_EVERY_CYCLE, values, 0, 2);
        assert_memory_equal(&got, &want, sizeof got);
        if (kernel_available(KERNEL_SYSTEMC)) {
            got = run_study(&s, KERNEL_SYSTEMC, KERNEL_SKIP_IDLE, values, 0, 2);
            assert_memory_equal(&got, &want, sizeof got);
        }
        random_study_release(&s);
    }
}

/* ---- values ---- */

struct comparison {
    const struct random_study *study;
    struct reference    reference[STUDY_IMAGES];
    uint64_t            n_value;
};

static void compare_result(void *user, uint32_t core, const struct core_event *e)
{
    struct comparison *c = user;

    if (e->kind != CORE_RESULT)
        return;
    const struct pixel *at = &e->pixel[0];
    const struct reference *r = &c->reference[at->image];
    const struct plan *p = &c->study->plan;
    const struct plan_core *pc = &p->core[core];
    const struct layer *l = plan_network_layer(p, pc->plan_layer);
    uint32_t layer = p->layer[pc->plan_layer].layer;
    for (uint32_t o = 0; o < pc->out_n; o++) {
        int64_t value = l->raw_output   ? ((const int32_t *)(const void *)e->value)[o]
                        : l->out_signed ? (int8_t)e->value[o]
                                        : e->value[o];
        uint32_t ch = pc->out_first + o;
        if (e->sum[o] != reference_sum(r, layer, at->row, at->column, ch))
            fail_msg("seed %u, %s, output (%" PRIu32 ", %" PRIu32 ") channel %" PRIu32 ": sum %"
                     PRId32 ", the reference has %" PRId64, c->study->seed, l->name, at->row,
                     at->column, ch, e->sum[o], reference_sum(r, layer, at->row, at->column, ch));
        if (value != reference_map(r, layer, at->row, at->column, ch))
            fail_msg("seed %u, %s, output (%" PRIu32 ", %" PRIu32 ") channel %" PRIu32 ": %" PRId64
                     ", the reference has %" PRId64, c->study->seed, l->name, at->row,
                     at->column, ch, value, reference_map(r, layer, at->row, at->column, ch));
        c->n_value++;
    }
}

static uint64_t values_per_image(const struct network *n)
{
    uint64_t values = 0;

    for (uint32_t i = 1; i < n->n_layer; i++)
        values += (uint64_t)n->layer[i].out.height * n->layer[i].out.width *
                  n->layer[i].out.channels;
    return values;
}

static void check_values(unsigned seed)
{
    struct random_study s;
    random_study_make(&s, seed);
    struct comparison c = { .study = &s };

    for (uint32_t i = 0; i < STUDY_IMAGES; i++) {
        reference_init(&c.reference[i], &s.network);
        reference_run(&c.reference[i], s.image + i * s.image_bytes);
    }
    const struct core_probe probe = { .event = compare_result, .user = &c };
    const struct chip_cfg cfg = { .plan = &s.plan, .planes.n = 1, .probe = &probe };
    struct chip *chip = chip_new(&cfg);
    struct observed o = { 0 };
    assert_non_null(chip);
    run_chip(chip, &s, 0, STUDY_IMAGES, &o);
    assert_int_equal(c.n_value, STUDY_IMAGES * values_per_image(&s.network));
    chip_free(chip);
    for (uint32_t i = 0; i < STUDY_IMAGES; i++)
        reference_release(&c.reference[i]);
    random_study_release(&s);
}

static void every_sum_and_activation_is_that_of_the_naive_reference(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++)
        check_values(seed);
}

/* Slices of pixels that share a slot came in one timestep, or copies raced for it; windows lay in
 * the padding altogether. */
static void so_they_are_in_designs_whose_memories_once_were_too_small(void **state)
{
    static const unsigned seed[] = { 977, 4647, 6329, 7928, 12307, 13883, 14713, 18137, 19245,
                                     45162, 97413, 99150, 140005, 181231, 214934 };

    (void)state;
    for (size_t i = 0; i < sizeof seed / sizeof *seed; i++)
        check_values(seed[i]);
}

static void a_streamed_image_gives_what_it_gives_on_a_chip_just_reset(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 100; seed++) {
        struct random_study s;
        random_study_make(&s, seed);
        struct observed stream = run_study(&s, KERNEL_NATIVE, KERNEL_SKIP_IDLE, true, 0,
                                           STUDY_IMAGES);
        for (uint32_t i = 0; i < STUDY_IMAGES; i++) {
            struct observed one = run_study(&s, KERNEL_NATIVE, KERNEL_SKIP_IDLE, true, i, 1);
            assert_memory_equal(one.result[0], stream.result[i], sizeof one.result[0]);
        }
        random_study_release(&s);
    }
}

/* ---- counters ---- */

/* Output pixels of a layer that one copy computes. */
static uint64_t outputs_of(const struct plan *p, uint32_t layer, uint32_t copy)
{
    const struct shape *out = &plan_network_layer(p, layer)->out;
    uint64_t columns = 0;

    for (uint32_t y = 0; y < out->width; y++)
        columns += plan_owner(p, layer, y) == copy;
    return columns * out->height;
}

/* Pixels inside the map of all windows of one copy of a layer, added up one by one. */
static uint64_t pixels_in_windows(const struct plan *p, uint32_t layer, uint32_t copy)
{
    const struct layer *l = plan_network_layer(p, layer);
    const struct window *w = &l->window;
    uint64_t n = 0;

    for (uint32_t y = 0; y < l->out.width; y++)
        for (uint32_t x = 0; x < l->out.height && plan_owner(p, layer, y) == copy; x++)
            for (uint32_t i = 0; i < w->kernel[0]; i++)
                for (uint32_t j = 0; j < w->kernel[1]; j++) {
                    int64_t row = (int64_t)x * w->stride[0] + (int64_t)i * w->dilation[0];
                    int64_t column = (int64_t)y * w->stride[1] + (int64_t)j * w->dilation[1];
                    n += row >= w->pad_before[0] && row < w->pad_before[0] + l->in.height &&
                         column >= w->pad_before[1] && column < w->pad_before[1] + l->in.width;
                }
    return n;
}

/* Words and firings follow from the dry run, tested below; everything else from shapes. */
static void check_shape_counters(const struct plan *p, uint32_t core,
                                 const struct core_counters *n)
{
    const struct plan_core *pc = &p->core[core];
    const struct plan_layer *pl = &p->layer[pc->plan_layer];
    const struct layer *l = plan_network_layer(p, pc->plan_layer);
    uint64_t outputs = outputs_of(p, pc->plan_layer, pc->copy);
    uint64_t values = outputs * pc->out_n, stored = 0;
    bool last = pc->part + 1 == pl->parts, rounds = last && !l->raw_output;

    assert_int_equal(n->outputs, outputs);
    bool digital = layer_is_digital(l), windows = digital && l->kind != LAYER_SCALE;
    uint64_t pooled = windows ? pixels_in_windows(p, pc->plan_layer, pc->copy) : 0;
    assert_int_equal(n->conversions, digital ? 0 : values);
    assert_int_equal(n->firings, digital ? 0 : n->busy_timesteps);
    assert_int_equal(n->partial_sum_ops, pc->part > 0 ? values : 0);
    assert_int_equal(n->scale_ops, last ? values : 0);
    assert_int_equal(n->round_ops, rounds ? values : 0);
    assert_int_equal(n->residual_ops, rounds && l->has_residual ? values : 0);
    assert_int_equal(n->relu_ops, rounds && (l->relu || layer_looks_up(l)) ? values : 0);
    assert_int_equal(n->pool_ops, (rounds && l->pooled ? values : 0) + pooled * pc->out_n);
    if (pl->replicas.n == 1)
        assert_int_equal(n->driven_rows, digital ? 0
                                                 : outputs * pc->in_n * pl->window.kernel[0] *
                                                       pl->window.kernel[1]);
    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct plan_stream *st = &p->stream[i];
        if (st->kind == STREAM_RESULT || &p->core[st->to] != pc)
            continue;
        if (st->kind == STREAM_IMAGE)
            stored += (uint64_t)pl->in_height * pl->in_width;
        if (st->kind == STREAM_TO_RESAMPLING)
            stored += outputs;
        if (st->kind == STREAM_FORWARD) {
            uint32_t from = p->core[st->from].plan_layer;
            stored += plan_network_layer(p, from)->pooled
                          ? 1
                          : outputs_of(p, from, p->core[st->from].copy);
        }
    }
    assert_int_equal(n->pixels_stored, stored);
}

static void check_stream_bits(const struct plan *p, const struct chip *chip, uint32_t i)
{
    const struct plan_stream *st = &p->stream[i];
    const struct plan_core *from = &p->core[st->from];
    const struct shape *image = &p->network->layer[0].out;
    uint64_t pixels = 0;

    switch (st->kind) {
    case STREAM_IMAGE:
    case STREAM_IMAGE_RESIDUAL:
        pixels = (uint64_t)image->height * image->width;
        break;
    case STREAM_FORWARD:
    case STREAM_RESULT:
    case STREAM_VALID: // of no channels
        pixels = plan_network_layer(p, from->plan_layer)->pooled
                     ? 1
                     : outputs_of(p, from->plan_layer, from->copy);
        break;
    case STREAM_PARTIAL_SUM:
        pixels = outputs_of(p, from->plan_layer, from->copy);
        break;
    case STREAM_RESIDUAL:
    case STREAM_TO_RESAMPLING:
        pixels = outputs_of(p, p->core[st->to].plan_layer, p->core[st->to].copy);
        break;
    case STREAM_FROM_RESAMPLING: { // columns that both copies have
        uint32_t to = p->core[st->to].plan_layer;
        const struct shape *out = &plan_network_layer(p, to)->out;
        for (uint32_t y = 0; y < out->width; y++)
            if (plan_owner(p, to, y) == p->core[st->to].copy &&
                plan_owner(p, from->plan_layer, y) == from->copy)
                pixels += out->height;
        break;
    }
    case N_STREAM_KIND:
        fail();
    }
    assert_int_equal(chip_stream_bits(chip, i), pixels * st->n * st->value_bits);
}

/* Input value (x, y) of a layer, the zero point in the padding. */
static int64_t input_value(const struct reference *r, const struct layer *l, int64_t x, int64_t y,
                           uint32_t ch)
{
    uint32_t i = 0;

    if (x < 0 || y < 0 || x >= l->in.height || y >= l->in.width)
        return l->in_zero;
    while (ch >= r->network->layer[l->input[i]].out.channels)
        ch -= r->network->layer[l->input[i++]].out.channels;
    return reference_delivered(r, l->input[i], (uint32_t)x, (uint32_t)y, ch);
}

/* Weight between input channel ch and output o of a layer at place k of its kernel: 0 between
 * groups. */
static int64_t weight_of(const struct layer *l, uint32_t o, uint32_t ch, uint32_t k)
{
    uint32_t in = l->in.channels / l->groups, out = l->out.channels / l->groups;
    uint32_t positions = l->window.kernel[0] * l->window.kernel[1];

    return o / out == ch / in ? l->weight[(o * in + ch % in) * positions + k] : 0;
}

/* What the inputs of a core without replicas add up to, output by output. */
static void check_value_sums(const struct plan *p, uint32_t core, const struct core_counters *n,
                             const struct reference *r)
{
    const struct plan_core *pc = &p->core[core];
    const struct layer *l = plan_network_layer(p, pc->plan_layer);
    const struct window *w = &l->window;
    uint32_t positions = w->kernel[0] * w->kernel[1];
    uint64_t active = 0, sum = 0, weighted = 0;

    for (uint32_t y = 0; y < l->out.width; y++) {
        if (plan_owner(p, pc->plan_layer, y) != pc->copy)
            continue;
        for (uint32_t i = 0; i < l->out.height * pc->in_n * positions; i++) {
            uint32_t x = i / (pc->in_n * positions), k = i % positions;
            uint32_t ch = pc->in_first + i / positions % pc->in_n;
            int64_t row = (int64_t)x * w->stride[0] + k / w->kernel[1] * w->dilation[0];
            int64_t column = (int64_t)y * w->stride[1] + k % w->kernel[1] * w->dilation[1];
            int64_t v = input_value(r, l, row - w->pad_before[0], column - w->pad_before[1], ch);
            uint64_t row_abs = 0;
            for (uint32_t o = 0; o < pc->out_n; o++)
                row_abs += (uint64_t)llabs(weight_of(l, pc->out_first + o, ch, k));
            active += v != 0;
            sum += (uint64_t)llabs(v);
            weighted += (uint64_t)llabs(v) * row_abs;
        }
    }
    assert_int_equal(n->active_rows, active);
    assert_int_equal(n->sum_abs_x, sum);
    assert_int_equal(n->sum_abs_xw, weighted);
}

static void counters_are_closed_forms_of_shapes_and_naive_sums_of_values(void **state)
{
    uint32_t n_checked = 0;
    (void)state;

    for (unsigned seed = 1; seed <= 200; seed++) {
        struct random_study s;
        struct reference r;
        struct observed o = { 0 };
        random_study_make(&s, seed);
        reference_init(&r, &s.network);
        reference_run(&r, s.image);
        const struct chip_cfg cfg = { .plan = &s.plan, .planes.n = 1 };
        struct chip *chip = chip_new(&cfg);
        assert_non_null(chip);
        run_chip(chip, &s, 0, 1, &o);
        for (uint32_t i = 0; i < s.plan.n_core; i++) {
            uint32_t layer = s.plan.core[i].plan_layer;
            check_shape_counters(&s.plan, i, chip_counters(chip, i));
            if (s.plan.layer[layer].replicas.n > 1 ||
                layer_is_digital(plan_network_layer(&s.plan, layer)))
                continue;
            check_value_sums(&s.plan, i, chip_counters(chip, i), &r);
            n_checked++;
        }
        for (uint32_t i = 0; i < s.plan.n_stream; i++)
            check_stream_bits(&s.plan, chip, i);
        chip_free(chip);
        reference_release(&r);
        random_study_release(&s);
    }
    assert_true(n_checked > 500);
}

/* Counters of all cores, and bits of all streams, of a run of three images. */
static void count_images(const struct random_study *s, bool values,
                         const struct counted_images *counted, struct core_counters *sum,
                         uint64_t *bits)
{
    const struct chip_cfg cfg = { .plan = &s->plan, .planes = { .n = values, .counted = counted } };
    struct chip *chip = chip_new(&cfg);
    struct observed o = { 0 };

    assert_non_null(chip);
    run_chip(chip, s, 0, 3, &o);
    for (uint32_t i = 0; i < s->plan.n_core; i++)
        counter_add(core_counter_rows, sum, chip_counters(chip, i));
    for (uint32_t i = 0; i < s->plan.n_stream; i++)
        *bits += chip_stream_bits(chip, i);
    chip_free(chip);
}

/* Timing or values: what three images count is what each counts while the others do not. */
static void images_that_do_not_count_count_nothing(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct random_study s;
        struct core_counters all = { 0 }, sum = { 0 };
        uint64_t all_bits = 0, bits = 0;
        random_study_make(&s, seed);
        count_images(&s, seed % 2, NULL, &all, &all_bits);
        for (uint64_t i = 0; i < 3; i++)
            count_images(&s, seed % 2, &(struct counted_images){ i, i + 1 }, &sum, &bits);
        assert_memory_equal(&sum, &all, sizeof sum);
        assert_int_equal(bits, all_bits);
        random_study_release(&s);
    }
}

/* ---- faults ---- */

/* Results that nobody takes fill their channel: a push asks before it writes. */
static void a_link_without_room_is_a_fault_with_a_name(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        struct random_study s;
        struct err_msg m = { 0 };
        char want[128];
        random_study_make(&s, seed);
        const struct chip_cfg cfg = { .plan = &s.plan, .planes.n = 1 };
        struct chip *chip = chip_new(&cfg);
        enum err e = ERR_NONE;
        assert_non_null(chip);
        for (int64_t t = -(int64_t)s.plan.time.lead;
             !e && t < 100 * (int64_t)s.plan.interval + 10000; t++) {
            while (chip_inject(chip, s.image))
                ; // as many as the scratchpads hold
            e = chip_run(chip, t, &m);
        }
        assert_int_equal(e, ERR_RUN);
        snprintf(want, sizeof want, "chip.%s", plan_layer_name(&s.plan, s.plan.n_layer - 1));
        if (!strstr(m.text, want))
            fail_msg("seed %u: %s", seed, m.text);
        assert_non_null(strstr(m.text, ": no room on the link for pixel ("));
        chip_free(chip);
        random_study_release(&s);
    }
}

/* ---- time ---- */

struct timeline { // of the first image's firings
    const struct plan *plan;
    uint64_t          *first, *last, *firings; // per plan layer
};

static void note_firing(void *user, uint32_t core, const struct core_event *e)
{
    struct timeline *t = user;
    const struct plan_core *pc = &t->plan->core[core];
    uint32_t i = pc->plan_layer;

    if (e->kind != CORE_FIRED)
        return;
    for (uint32_t k = 0; k < e->n; k++) {
        if (e->pixel[k].image != 0)
            continue;
        uint64_t at = e->timestep - t->plan->time.lead;
        t->first[i] = min_u64(t->first[i], at);
        t->last[i] = max_u64(t->last[i], at);
    }
    t->firings[i] += pc->part + pc->split == 0;
}

static void the_chip_fires_when_the_dry_run_says(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct random_study s;
        random_study_make(&s, seed);
        const struct plan *p = &s.plan;
        struct timeline t = { p, malloc(p->n_layer * 8), calloc(p->n_layer, 8),
                              calloc(p->n_layer, 8) };
        memset(t.first, 0xff, p->n_layer * 8);
        const struct core_probe probe = { .event = note_firing, .user = &t };
        const struct chip_cfg cfg = { .plan = p, .probe = &probe };
        struct chip *chip = chip_new(&cfg);
        struct observed o = { 0 };
        run_chip(chip, &s, 0, 1, &o);
        assert_int_equal(o.result_timestep[0] + 1, p->time.first_result);
        for (uint32_t i = 0; i < p->n_layer; i++) {
            assert_int_equal(t.first[i], p->time.layer[i].first_timestep);
            assert_int_equal(t.last[i], p->time.layer[i].last_timestep);
            assert_int_equal(t.firings[i], p->time.layer[i].firings);
        }
        chip_free(chip);
        free(t.first);
        free(t.last);
        free(t.firings);
        random_study_release(&s);
    }
}

static uint64_t words(const struct core_counters *c)
{
    return c->words_written + c->words_read + c->words_read_back;
}

static void a_memory_is_never_busier_than_the_budget_says_and_once_as_busy(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 200; seed++) {
        struct random_study s;
        random_study_make(&s, seed);
        const struct plan *p = &s.plan;
        const struct chip_cfg cfg = { .plan = p };
        struct chip *chip = chip_new(&cfg);
        uint64_t *before = calloc(p->n_core, 8), *most = calloc(p->n_core, 8);
        struct err_msg m;
        struct chip_result r;
        uint32_t n_image = p->time.transient_images + 12; // every rotation of K <= 12
        uint32_t in = 0, out = 0;
        for (int64_t t = -(int64_t)p->time.lead - 1; out < n_image; t++) { // one timestep at a time
            while (in < n_image && chip_inject(chip, NULL))
                in++;
            assert_int_equal(chip_run(chip, t, &m), ERR_NONE);
            for (uint32_t i = 0; i < p->n_core; i++) {
                uint64_t now = words(chip_counters(chip, i));
                most[i] = max_u64(most[i], now - before[i]);
                before[i] = now;
            }
            while (chip_result(chip, &r))
                out++;
        }
        for (uint32_t i = 0; i < p->n_core; i++)
            if (most[i] != p->time.core[i].used_clk[STAGE_MEMORY])
                fail_msg("seed %u, %s: %" PRIu64 " words, the budget says %" PRIu64, seed,
                         p->core[i].name, most[i], p->time.core[i].used_clk[STAGE_MEMORY]);
        free(before);
        free(most);
        chip_free(chip);
        random_study_release(&s);
    }
}

/* ---- promises that are broken ---- */

/* A timing run long enough to meet everything; its error, if there is one, in m. */
static enum err run_broken(const struct plan *p, struct err_msg *m)
{
    const struct chip_cfg cfg = { .plan = p };
    struct chip *chip = chip_new(&cfg);
    uint32_t n = p->time.transient_images + 4, in = 0;
    int64_t end = (int64_t)((n + 2) * p->interval + p->time.first_result);
    enum err e = ERR_NONE;

    assert_non_null(chip);
    for (int64_t t = -(int64_t)p->time.lead; !e && t < end; t++) {
        while (in < n && chip_inject(chip, NULL))
            in++;
        e = chip_run(chip, t, m);
    }
    chip_free(chip);
    return e;
}

/* From copies or several layers, whose columns overlap: memories then keep pixels that nobody reads
 * as well, so that columns can be told apart. */
static bool comes_overlapped(const struct plan *p, uint32_t layer)
{
    return !plan_in_scan_order(p, layer) || plan_network_layer(p, layer)->n_input > 1;
}

/* Windows of padding alone wait for the pixels next to them, which they do not read. */
static bool sees_padding_alone(const struct plan *p, uint32_t layer)
{
    const struct window *w = &p->layer[layer].window;
    bool sees = false;

    for (int a = 0; a < 2; a++) {
        uint32_t reach = (w->kernel[a] - 1) * w->dilation[a] + 1;
        sees |= w->pad_before[a] >= reach || w->pad_after[a] >= reach;
    }
    return sees;
}

static void a_memory_with_one_column_too_few_is_found_out(void **state)
{
    uint32_t found = 0;
    (void)state;

    for (unsigned seed = 1; seed <= 60; seed++) {
        struct random_study s;
        struct err_msg m;
        random_study_make(&s, seed);
        uint32_t i = 0;
        while (i < s.plan.n_layer &&
               (s.plan.time.layer[i].memory_columns <= plan_kernel_columns(&s.plan, i) ||
                s.plan.layer[i].feed == FEED_READ_BACK || comes_overlapped(&s.plan, i) ||
                sees_padding_alone(&s.plan, i)))
            i++;
        for (uint32_t c = 0; i < s.plan.n_layer && c < s.plan.layer[i].n_core; c++) {
            struct memory_layout *l = &s.plan.time.core[s.plan.layer[i].first_core + c].layout;
            struct memory_shape shape = l->shape;
            shape.columns--;
            memory_layout_init(l, &shape, l->placing);
        }
        if (i < s.plan.n_layer) {
            assert_int_equal(run_broken(&s.plan, &m), ERR_RUN);
            assert_non_null(strstr(m.text, "not in the memory when it is read"));
            found++;
        }
        random_study_release(&s);
    }
    assert_true(found > 10);
}

static void a_residual_fifo_with_one_place_too_few_overflows(void **state)
{
    uint32_t found = 0;
    (void)state;

    for (unsigned seed = 1; seed <= 120; seed++) {
        struct random_study s;
        struct err_msg m;
        random_study_make(&s, seed);
        uint32_t i = 0;
        while (i < s.plan.n_layer && s.plan.time.layer[i].residual_fifo < 2)
            i++;
        if (i < s.plan.n_layer) {
            s.plan.time.layer[i].residual_fifo--;
            assert_int_equal(run_broken(&s.plan, &m), ERR_RUN);
            assert_non_null(strstr(m.text, "the residual FIFO has no room for pixel"));
            found++;
        }
        random_study_release(&s);
    }
    assert_true(found > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_ways_of_running_a_design_agree_in_every_event_value_and_counter),
        cmocka_unit_test(every_sum_and_activation_is_that_of_the_naive_reference),
        cmocka_unit_test(so_they_are_in_designs_whose_memories_once_were_too_small),
        cmocka_unit_test(a_streamed_image_gives_what_it_gives_on_a_chip_just_reset),
        cmocka_unit_test(counters_are_closed_forms_of_shapes_and_naive_sums_of_values),
        cmocka_unit_test(images_that_do_not_count_count_nothing),
        cmocka_unit_test(a_link_without_room_is_a_fault_with_a_name),
        cmocka_unit_test(the_chip_fires_when_the_dry_run_says),
        cmocka_unit_test(a_memory_is_never_busier_than_the_budget_says_and_once_as_busy),
        cmocka_unit_test(a_memory_with_one_column_too_few_is_found_out),
        cmocka_unit_test(a_residual_fifo_with_one_place_too_few_overflows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
