/* Waveforms of chips, parsed back, against counters, the plan and each other. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "arch/watch/waves.h"
#include "core/util.h"
#include "test/random_study.h"
#include "test/vcd_read.h"

enum { N_STUDY = 60, N_IMAGE = 3 };

/* A chip that has run, and the text of its dump. Stays where it is: the plan points into it. */
struct watched {
    struct random_study study;
    struct chip        *chip;
    char               *text;
};

static void run_chip(struct chip *chip, const struct random_study *s)
{
    struct err_msg m;
    struct chip_result r;
    uint32_t in = 0, out = 0;

    for (int64_t until = -(int64_t)s->plan.time.lead; out < N_IMAGE; until += 3) {
        while (in < N_IMAGE && chip_inject(chip, s->image + in * s->image_bytes))
            in++;
        if (chip_run(chip, until, &m))
            fail_msg("seed %u: %s", s->seed, m.text);
        while (chip_result(chip, &r))
            out++;
    }
    assert_int_equal(chip_run(chip, INT32_MAX, &m), ERR_NONE);
}

static struct watched *watch(unsigned seed, enum kernel_kind kernel, enum kernel_mode mode,
                             const struct waves_cfg *cfg)
{
    struct watched *w = calloc(1, sizeof *w);
    struct waves_cfg own = cfg ? *cfg : (struct waves_cfg){ .scope = NULL };
    struct waves *waves;
    struct err_msg m;
    size_t size;

    assert_non_null(w);
    random_study_make(&w->study, seed);
    FILE *out = own.out = open_memstream(&w->text, &size);
    assert_non_null(out);
    assert_int_equal(waves_new(&waves, &w->study.plan, &own, &m), ERR_NONE);
    const struct journal_sink sink = waves_sink(waves);
    struct journal *journal = journal_new(&w->study.plan, &sink, 1);
    assert_non_null(journal);
    w->chip = chip_new(&(struct chip_cfg){ .plan = &w->study.plan, .planes.n = seed % 2 == 0,
                                          .kernel = kernel, .mode = mode,
                                          .probe = journal_probe(journal) });
    assert_non_null(w->chip);
    run_chip(w->chip, &w->study);
    journal_end(journal);
    waves_end(waves);
    journal_free(journal);
    waves_free(waves);
    fclose(out);
    return w;
}

static void unwatch(struct watched *w)
{
    chip_free(w->chip);
    free(w->text);
    random_study_release(&w->study);
    free(w);
}

static const struct vcd_signal *signal_of(const struct vcd_file *f, const struct plan *p,
                                          uint32_t core, const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "chip.%s.%s", p->core[core].name, name);
    const struct vcd_signal *s = vcd_find(f, path);
    if (!s)
        fail_msg("no signal %s", path);
    return s;
}

/* Ticks of a clock cycle: the reader knows only the file. */
static uint64_t period(const struct vcd_file *f, const struct plan *p)
{
    static const char *const unit[] = { "fs", "ps", "ns", "us" };
    uint64_t n, fs = 1;
    char name[8];

    assert_int_equal(sscanf(f->timescale, "%" SCNu64 " %7s", &n, name), 2);
    for (size_t i = 0; strcmp(unit[i], name) != 0; i++)
        fs *= 1000;
    assert_int_equal(1000000000 % p->config->clock_mhz, 0); // of the random studies
    return 1000000000 / p->config->clock_mhz / (n * fs);
}

static void names_are_told_apart_without_scopes_and_time_is_signed(void **state)
{
    (void)state;
    struct watched *w = watch(1, KERNEL_NATIVE, KERNEL_SKIP_IDLE, NULL);
    const struct plan *p = &w->study.plan;
    struct vcd_file f = vcd_read(w->text);
    const struct vcd_signal *clock = vcd_find(&f, "chip.timestep");
    const struct vcd_signal *zero = vcd_find(&f, "chip.timestep_0_cycle");

    for (uint32_t i = 0; i < f.n_signal; i++)
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(f.signal[i].name, f.signal[k].name);
    assert_true(p->time.lead > 0 && (int64_t)clock->change[0].value == -(int64_t)p->time.lead);
    assert_non_null(strstr(w->text, "\nr-1 !\n")); // not 2^64 - 1
    assert_int_equal(zero->n_change, 1);
    uint32_t k = 0;
    while (clock->change[k].value != 0)
        k++;
    assert_int_equal(clock->change[k].time, zero->change[0].value * period(&f, p));
    vcd_file_release(&f);
    unwatch(w);
}

/* Layers that leave their crossbar idle have outputs and no firings. */
static void firings_and_first_firings_are_those_of_counters_and_plan(void **state)
{
    uint32_t n_idle = 0;
    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct watched *w = watch(seed, KERNEL_NATIVE, KERNEL_SKIP_IDLE, NULL);
        const struct plan *p = &w->study.plan;
        struct vcd_file f = vcd_read(w->text);
        uint64_t timestep = period(&f, p) * p->timestep_clk;
        const struct vcd_signal *clock = vcd_find(&f, "chip.timestep");
        for (uint32_t i = 0; i < p->n_layer; i++) {
            uint64_t firings = 0, counted = 0, first = UINT64_MAX, first_fire = UINT64_MAX;
            for (uint32_t k = 0; k < p->layer[i].n_core; k++) {
                uint32_t core = p->layer[i].first_core + k;
                const struct vcd_signal *fire = signal_of(&f, p, core, "fire");
                firings += fire->n_change;
                counted += chip_counters(w->chip, core)->firings;
                first = min_u64(first, signal_of(&f, p, core, "outputs")->change[1].time);
                if (fire->n_change > 0)
                    first_fire = min_u64(first_fire, fire->change[0].time);
            }
            const bool idle = layer_is_digital(plan_network_layer(p, i));
            n_idle += idle;
            assert_int_equal(firings, counted);
            assert_int_equal(first_fire, idle ? UINT64_MAX : first);
            assert_int_equal(first, (p->time.lead + p->time.layer[i].first_timestep) * timestep);
            assert_int_equal(vcd_value_at(clock, first), p->time.layer[i].first_timestep);
        }
        vcd_file_release(&f);
        unwatch(w);
    }
    assert_true(n_idle > 5);
}

static void pixels_and_busy_cycles_add_up_to_what_was_counted(void **state)
{
    uint64_t read_back = 0;
    (void)state;

    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct watched *w = watch(seed, KERNEL_NATIVE, KERNEL_SKIP_IDLE, NULL);
        const struct plan *p = &w->study.plan;
        struct vcd_file f = vcd_read(w->text);
        uint64_t clk = period(&f, p), mvm;
        for (uint32_t i = 0; i < p->n_core; i++) {
            const struct core_counters *n = chip_counters(w->chip, i);
            uint64_t words = n->words_written + n->words_read + n->words_read_back;
            const struct vcd_signal *memory = signal_of(&f, p, i, "memory_busy");
            const struct vcd_signal *crossbar = signal_of(&f, p, i, "crossbar_busy");
            assert_int_equal(vcd_value_at(signal_of(&f, p, i, "stored"), f.end_time),
                             n->pixels_stored);
            read_back += vcd_value_at(signal_of(&f, p, i, "read_back"), f.end_time);
            assert_int_equal(vcd_time_up(memory, f.end_time), words * clk);
            assert_true(config_clocks(p->core[i].crossbar.mvm_ns, p->config->clock_mhz, &mvm));
            assert_int_equal(vcd_time_up(crossbar, f.end_time), n->firings * mvm * clk);
            assert_int_equal(vcd_value_at(memory, f.end_time), 0);
            if (p->core[i].part + 1 < p->layer[p->core[i].plan_layer].parts ||
                p->time.core[i].most_outputs > 1)
                continue; // what finishes one output at a time
            assert_int_equal(vcd_time_up(signal_of(&f, p, i, "digital_busy"), f.end_time),
                             n->outputs * p->time.core[i].used_clk[STAGE_DIGITAL] * clk);
        }
        vcd_file_release(&f);
        unwatch(w);
    }
    assert_true(read_back > 0);
}

/* Where pixels come whole and from one core, the n-th that is stored lies in column n / H of the
 * stream of images. */
static void addresses_are_those_of_the_pixels_stored_last(void **state)
{
    uint32_t n_found = 0, n_wrapped = 0;
    (void)state;

    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct watched *w = watch(seed, KERNEL_NATIVE, KERNEL_SKIP_IDLE, NULL);
        const struct plan *p = &w->study.plan;
        struct vcd_file f = vcd_read(w->text);
        for (uint32_t i = 0; i < p->n_core; i++) {
            const struct memory_layout *l = &p->time.core[i].layout;
            const struct vcd_signal *stored = signal_of(&f, p, i, "stored");
            const struct vcd_signal *address = signal_of(&f, p, i, "address");
            const uint64_t pixels =
                (uint64_t)N_IMAGE * l->shape.height * p->layer[p->core[i].plan_layer].in_width;
            for (uint32_t k = 0; k < address->n_change; k++)
                assert_true(address->change[k].value + l->shape.pixel_values <=
                            memory_used_values(l));
            uint32_t n_in = 0, block_width = 1;
            for (uint32_t k = 0; k < p->n_stream; k++) {
                const struct plan_stream *st = &p->stream[k];
                if (st->to != i || (st->kind != STREAM_FORWARD && st->kind != STREAM_IMAGE))
                    continue;
                n_in++;
                if (st->kind == STREAM_FORWARD)
                    block_width = p->layer[p->core[st->from].plan_layer].replicas.width;
            }
            if (vcd_value_at(stored, f.end_time) != pixels || n_in != 1 || block_width > 1)
                continue; // slices, several senders out of step, or strips of columns
            for (uint32_t k = 1; k < stored->n_change; k++) {
                uint64_t n = stored->change[k].value - 1, column = n / l->shape.height;
                assert_int_equal(vcd_value_at(address, stored->change[k].time),
                                 n % l->shape.height * l->delta_kernel +
                                     column % l->shape.columns * l->delta_pix);
                n_wrapped += column >= l->shape.columns;
            }
            n_found++;
        }
        vcd_file_release(&f);
        unwatch(w);
    }
    assert_true(n_found > 50 && n_wrapped > 1000);
}

/* Of layers that compute one output at a time, column by column. */
static void pointers_go_from_output_to_output(void **state)
{
    uint32_t n_found = 0;
    (void)state;

    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct watched *w = watch(seed, KERNEL_NATIVE, KERNEL_SKIP_IDLE, NULL);
        const struct plan *p = &w->study.plan;
        struct vcd_file f = vcd_read(w->text);
        for (uint32_t i = 0; i < p->n_core; i++) {
            const struct plan_layer *pl = &p->layer[p->core[i].plan_layer];
            const struct firing_shape shape = plan_firing_shape(p, p->core[i].plan_layer);
            const struct vcd_signal *fire = signal_of(&f, p, i, "fire");
            if (pl->replicas.n > 1 || pl->copies > 1)
                continue;
            for (uint32_t k = 0; k < fire->n_change; k++) {
                uint64_t time = fire->change[k].time, next = k + 1;
                assert_int_equal(vcd_value_at(signal_of(&f, p, i, "next_x"), time),
                                 next % shape.height);
                assert_int_equal(vcd_value_at(signal_of(&f, p, i, "next_y"), time),
                                 next / shape.height % shape.width);
                assert_int_equal(vcd_value_at(signal_of(&f, p, i, "next_image"), time),
                                 next / shape.height / shape.width);
                n_found++;
            }
        }
        vcd_file_release(&f);
        unwatch(w);
    }
    assert_true(n_found > 1000);
}

/* With one pixel at a time what a core sends takes the same clocks each time. */
static void links_are_valid_for_as_long_as_their_bits_take(void **state)
{
    uint32_t n_found = 0, n_sums = 0;
    (void)state;

    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct watched *w = watch(seed, KERNEL_NATIVE, KERNEL_SKIP_IDLE, NULL);
        const struct plan *p = &w->study.plan;
        struct vcd_file f = vcd_read(w->text);
        for (uint32_t i = 0; i < p->n_stream; i++) {
            const struct plan_stream *st = &p->stream[i];
            uint32_t n_out = 0;
            for (uint32_t k = 0; k < p->n_stream; k++)
                n_out += p->stream[k].kind != STREAM_IMAGE && p->stream[k].from == st->from;
            if (st->kind == STREAM_IMAGE || st->kind == STREAM_RESULT || n_out > 1 ||
                p->time.stream[i].most_pixels > 1)
                continue;
            bool sums = st->kind == STREAM_PARTIAL_SUM;
            uint64_t pixels = chip_stream_bits(w->chip, i) / ((uint64_t)st->n * st->value_bits);
            const struct vcd_signal *valid =
                signal_of(&f, p, st->from, sums ? "partial_sum_valid" : "link_valid");
            assert_int_equal(vcd_time_up(valid, f.end_time),
                             pixels * p->time.stream[i].used_clk * period(&f, p));
            n_found++;
            n_sums += sums;
        }
        vcd_file_release(&f);
        unwatch(w);
    }
    assert_true(n_found > 20 && n_sums > 5);
}

/* As two links of a core do when sums run along the chain within a timestep. */
static void a_stage_is_busy_until_the_last_of_what_overlaps_in_it(void **state)
{
    const struct core_cycle longer = { .used_clk = { [STAGE_LINK] = 20 } },
                               shorter = { .used_clk = { [STAGE_LINK] = 5 } };
    struct random_study s;
    struct waves *w;
    struct err_msg m;
    char *text;
    size_t size;
    (void)state;

    random_study_make(&s, 1);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    const struct waves_cfg cfg = { .out = out };
    assert_int_equal(waves_new(&w, &s.plan, &cfg, &m), ERR_NONE);
    const struct journal_sink sink = waves_sink(w);
    sink.cycle(sink.user, 100, &longer, 1);
    sink.cycle(sink.user, 101, &shorter, 1);
    sink.cycle(sink.user, 200, &shorter, 1);
    sink.cycle(sink.user, 201, &longer, 1);
    sink.cycle(sink.user, 221, &shorter, 1); // follows without a gap
    waves_end(w);
    fclose(out);
    struct vcd_file f = vcd_read(text);
    const struct vcd_signal *valid = signal_of(&f, &s.plan, 0, "link_valid");
    static const uint64_t cyc[] = { 0, 100, 120, 200, 226 };
    assert_int_equal(valid->n_change, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(valid->change[i].time, cyc[i] * period(&f, &s.plan));
    vcd_file_release(&f);
    waves_free(w);
    free(text);
    random_study_release(&s);
}

static void the_kernel_and_the_order_of_steps_do_not_show(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_STUDY; seed++) {
        struct watched *want = watch(seed, KERNEL_NATIVE, KERNEL_SKIP_IDLE, NULL), *got;
        got = watch(seed, KERNEL_NATIVE, KERNEL_REVERSED, NULL);
        assert_string_equal(got->text, want->text);
        unwatch(got);
        got = watch(seed, KERNEL_NATIVE, KERNEL_EVERY_CYCLE, NULL);
        assert_string_equal(got->text, want->text);
        unwatch(got);
        if (kernel_available(KERNEL_SYSTEMC)) {
            got = watch(seed, KERNEL_SYSTEMC, KERNEL_SKIP_IDLE, NULL);
            assert_string_equal(got->text, want->text);
            unwatch(got);
        }
        unwatch(want);
    }
}

static void a_scope_has_the_named_signals_of_the_named_cores_and_nothing_else(void **state)
{
    char scope[512];
    (void)state;

    for (unsigned seed = 1; seed <= 10; seed++) {
        struct watched *all = watch(seed, KERNEL_NATIVE, KERNEL_SKIP_IDLE, NULL);
        const struct plan *p = &all->study.plan;
        snprintf(scope, sizeof scope, "%s,%s:next_*,*:fire", p->core[0].name,
                 p->core[p->n_core - 1].name);
        struct waves_cfg cfg = { .scope = scope };
        struct watched *some = watch(seed, KERNEL_NATIVE, KERNEL_SKIP_IDLE, &cfg);
        struct vcd_file a = vcd_read(all->text), s = vcd_read(some->text);
        assert_int_equal(s.n_signal, 2 + 13 + (p->n_core - 2) + 4); // the first two: the timestep
        for (uint32_t i = 0; i < s.n_signal; i++) {
            const struct vcd_signal *of = vcd_find(&a, s.signal[i].path);
            assert_non_null(of);
            assert_int_equal(s.signal[i].n_change, of->n_change);
            assert_memory_equal(s.signal[i].change, of->change,
                                of->n_change * sizeof *of->change);
        }
        vcd_file_release(&a);
        vcd_file_release(&s);
        unwatch(all);
        unwatch(some);
    }
}

static void a_window_shows_what_the_whole_dump_shows_there(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 10; seed++) {
        struct watched *all = watch(seed, KERNEL_NATIVE, KERNEL_SKIP_IDLE, NULL);
        const struct plan *p = &all->study.plan;
        struct waves_cfg cfg = { .windowed = true,
                                 .first = p->interval / 2,
                                 .last = p->interval / 2 + p->interval };
        struct watched *some = watch(seed, KERNEL_NATIVE, KERNEL_SKIP_IDLE, &cfg);
        struct vcd_file a = vcd_read(all->text), s = vcd_read(some->text);
        uint64_t timestep = period(&a, p) * p->timestep_clk;
        assert_int_equal(s.dump_time, (p->time.lead + cfg.first) * timestep);
        assert_int_equal(s.end_time,
                         (p->time.lead + cfg.last + 1) * timestep - period(&a, p));
        assert_int_equal(s.n_signal, a.n_signal);
        for (uint32_t i = 0; i < s.n_signal; i++) {
            const struct vcd_signal *got = &s.signal[i], *want = &a.signal[i];
            bool wire = strcmp(got->type, "wire") == 0;
            uint32_t n = 0;
            if (wire)
                assert_int_equal(got->change[n++].value, vcd_value_at(want, s.dump_time));
            for (uint32_t k = 0; k < want->n_change; k++) {
                uint64_t time = want->change[k].time;
                if (time < s.dump_time || time > s.end_time || (wire && time == s.dump_time))
                    continue;
                assert_true(n < got->n_change);
                assert_memory_equal(&got->change[n++], &want->change[k], sizeof *want->change);
            }
            assert_int_equal(n, got->n_change);
        }
        vcd_file_release(&a);
        vcd_file_release(&s);
        unwatch(all);
        unwatch(some);
    }
}

static void a_pattern_that_matches_nothing_is_refused(void **state)
{
    static const char *const scopes[] = { "nowhere", "*:fired", "*,nowhere:fire", "", "*,", ",*" };
    struct random_study s;
    (void)state;

    random_study_make(&s, 1);
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        struct waves *w;
        struct err_msg m;
        const struct waves_cfg cfg = { .out = stdout, .scope = scopes[i] };
        assert_int_equal(waves_new(&w, &s.plan, &cfg, &m), ERR_INPUT);
        assert_non_null(strstr(m.text, "no such signal"));
        assert_null(w);
    }
    random_study_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_told_apart_without_scopes_and_time_is_signed),
        cmocka_unit_test(firings_and_first_firings_are_those_of_counters_and_plan),
        cmocka_unit_test(pixels_and_busy_cycles_add_up_to_what_was_counted),
        cmocka_unit_test(addresses_are_those_of_the_pixels_stored_last),
        cmocka_unit_test(pointers_go_from_output_to_output),
        cmocka_unit_test(links_are_valid_for_as_long_as_their_bits_take),
        cmocka_unit_test(a_stage_is_busy_until_the_last_of_what_overlaps_in_it),
        cmocka_unit_test(the_kernel_and_the_order_of_steps_do_not_show),
        cmocka_unit_test(a_scope_has_the_named_signals_of_the_named_cores_and_nothing_else),
        cmocka_unit_test(a_window_shows_what_the_whole_dump_shows_there),
        cmocka_unit_test(a_pattern_that_matches_nothing_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
