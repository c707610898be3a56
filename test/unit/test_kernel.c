/* Tests of core/kernel.h, native and SystemC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/block.h"
#include "core/chan.h"
#include "core/kernel.h"
#include "core/util.h"
#include "test/rig_toy.h"

enum { N_DESIGNS = 500 };

static const struct {
    const char      *name;
    enum kernel_kind kind;
    enum kernel_mode mode;
} ways[] = {
    { "skip idle",   KERNEL_NATIVE,  KERNEL_SKIP_IDLE },
    { "every cycle", KERNEL_NATIVE,  KERNEL_EVERY_CYCLE },
    { "reversed",    KERNEL_NATIVE,  KERNEL_REVERSED },
    { "systemc",     KERNEL_SYSTEMC, KERNEL_SKIP_IDLE },
};

/* SystemC comes last and may be left out of a build. */
static size_t n_ways(void)
{
    return sizeof ways / sizeof *ways - !kernel_available(KERNEL_SYSTEMC);
}

static void skip_without_systemc(void)
{
    if (!kernel_available(KERNEL_SYSTEMC)) {
        printf("skipped: this build has no SystemC kernel\n");
        skip();
    }
}

static struct rig_trace run_design(uint64_t seed, size_t way, enum gates gates, enum cuts cuts)
{
    struct rig *r = rig_new(seed, gates);
    struct rig_trace t = rig_run(r, ways[way].kind, ways[way].mode, cuts);

    if (rig_leak(r))
        fail_msg("design %d, %s: a link lost payloads", (int)seed, ways[way].name);
    rig_free(r);
    return t;
}

static void check_same(const char *a, const char *b, uint64_t seed, size_t way)
{
    if (strcmp(a, b) != 0) {
        size_t i = 0;
        while (a[i] == b[i])
            i++;
        while (i > 0 && a[i - 1] != '\n')
            i--;
        fail_msg("design %d, %s:\nwant %.60s\ngot  %.60s", (int)seed, ways[way].name, a + i, b + i);
    }
}

static void every_kernel_and_step_order_gives_the_same_trace(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_DESIGNS; seed++) {
        struct rig_trace want = run_design(seed, 0, GATES_INSIDE, RUN_WHOLE);
        for (size_t way = 1; way < n_ways(); way++) {
            struct rig_trace got = run_design(seed, way, GATES_INSIDE, RUN_WHOLE);
            check_same(want.blocks, got.blocks, seed, way);
            check_same(want.kernel, got.kernel, seed, way);
            rig_trace_free(&got);
        }
        rig_trace_free(&want);
    }
}

static const char *last_line(const char *text)
{
    const char *end = text + strlen(text) - 1;

    while (end > text && end[-1] != '\n')
        end--;
    return end;
}

static void run_cut_anywhere_gives_what_one_long_run_gives(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_DESIGNS; seed++) {
        struct rig_trace want = run_design(seed, 0, GATES_INSIDE, RUN_WHOLE);
        struct rig_trace cut = run_design(seed, 0, GATES_INSIDE, RUN_CUT);
        check_same(want.blocks, cut.blocks, seed, 0);
        check_same(want.kernel, last_line(cut.kernel), seed, 0);
        for (size_t way = 1; way < n_ways(); way++) {
            struct rig_trace got = run_design(seed, way, GATES_INSIDE, RUN_CUT);
            check_same(want.blocks, got.blocks, seed, way);
            check_same(cut.kernel, got.kernel, seed, way);
            rig_trace_free(&got);
        }
        rig_trace_free(&cut);
        rig_trace_free(&want);
    }
}

static void inject_and_drain_between_runs_act_as_blocks_inside_would(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_DESIGNS; seed++) {
        struct rig_trace want = run_design(seed, 0, GATES_INSIDE, RUN_WHOLE);
        struct rig_trace outside = run_design(seed, 0, GATES_OUTSIDE, RUN_CUT);
        check_same(want.blocks, outside.blocks, seed, 0);
        for (size_t way = 1; way < n_ways(); way++) {
            struct rig_trace got = run_design(seed, way, GATES_OUTSIDE, RUN_CUT);
            check_same(want.blocks, got.blocks, seed, way);
            check_same(outside.kernel, got.kernel, seed, way);
            rig_trace_free(&got);
        }
        rig_trace_free(&outside);
        rig_trace_free(&want);
    }
}

static void random_designs_are_busy_ones(void **state)
{
    (void)state;
    uint64_t n_pushes = 0;

    for (uint64_t seed = 0; seed < N_DESIGNS; seed++) {
        struct rig *r = rig_new(seed, GATES_INSIDE);
        struct rig_trace t = rig_run(r, KERNEL_NATIVE, KERNEL_SKIP_IDLE, RUN_WHOLE);
        n_pushes += rig_pushes(r);
        rig_trace_free(&t);
        rig_free(r);
    }
    assert_true(n_pushes > 100 * N_DESIGNS);
}

/* Source -> link -> sink, the shape of the closed forms. */
struct pair {
    struct toy    source, sink;
    struct link   link;
    struct block *block[2];
    struct chan  *chan[1];
    struct design design;
};

static void pair_init(struct pair *p, uint32_t n, uint32_t depth, uint32_t latency_cyc)
{
    toy_init(&p->source, TOY_NODE, "source");
    toy_init(&p->sink, TOY_NODE, "sink");
    link_init(&p->link, &p->source, &p->sink, depth, latency_cyc, sizeof(uint64_t));
    p->source.n_left = n;
    p->block[0] = &p->source.base;
    p->block[1] = &p->sink.base;
    p->chan[0] = &p->link.chan;
    p->design = (struct design){ p->block, 2, p->chan, 1 };
}

static struct kernel *way_new(size_t way, const struct design *d)
{
    struct kernel *k = kernel_new(ways[way].kind, d, ways[way].mode);
    assert_non_null(k);
    return k;
}

/* Cycle of the n-th event of a kind. */
static uint64_t event_cyc(const struct toy *t, char what, uint32_t n)
{
    for (uint32_t i = 0; i < t->n_events; i++)
        if (t->event[i].what == what && n-- == 0)
            return t->event[i].cyc;
    fail_msg("%s has too few events", t->path);
    return 0;
}

/* A payload occupies its slot for the latency and the cycle in which the slot frees. */
static void depth_over_latency_plus_one_is_the_rate_of_a_channel(void **state)
{
    (void)state;
    enum { N = 40, FIRST_CYC = 1 }; // the source takes in cycle 0 and gives in cycle 1
    for (size_t way = 0; way < n_ways(); way++)
        for (uint32_t depth = 1; depth <= 5; depth++)
            for (uint32_t latency = 1; latency <= 7; latency++) {
                uint64_t round_cyc = max_u64(depth, latency + 1);
                struct pair p;
                pair_init(&p, N, depth, latency);
                struct kernel *k = way_new(way, &p.design);
                kernel_run(k, CYC_NEVER);
                for (uint32_t i = 0; i < N; i++) {
                    uint64_t sent_cyc = FIRST_CYC + i / depth * round_cyc + i % depth;
                    assert_int_equal(event_cyc(&p.source, '>', i), sent_cyc);
                    assert_int_equal(event_cyc(&p.sink, '<', i), sent_cyc + latency);
                }
                kernel_free(k);
                chan_release(&p.link.chan);
            }
}

static void slow_sink_sets_the_pace_and_the_source_stalls_behind_a_full_channel(void **state)
{
    (void)state;
    enum { N = 30 };
    for (size_t way = 0; way < n_ways(); way++)
        for (uint32_t depth = 1; depth <= 5; depth++)
            for (uint32_t pace = 2; pace <= 9; pace++) {
                struct pair p;
                pair_init(&p, N, depth, 1);
                p.sink.pace_cyc = pace;
                struct kernel *k = way_new(way, &p.design);
                kernel_run(k, CYC_NEVER);
                for (uint32_t i = 0; i < N; i++)
                    assert_int_equal(event_cyc(&p.sink, '<', i), round_up(2, pace) + i * pace);
                for (uint32_t i = depth; i < N; i++) // a slot freed in t is filled in t + 1
                    assert_true(event_cyc(&p.source, '>', i) ==
                                max_u64(1 + i, event_cyc(&p.sink, '<', i - depth) + 1));
                kernel_free(k);
                chan_release(&p.link.chan);
            }
}

static void run_ends_exactly_with_the_cycle_it_was_told(void **state)
{
    (void)state;
    const uint64_t far_cyc = UINT64_C(1000000000000);

    for (size_t way = 0; way < n_ways(); way++) {
        uint32_t latency = ways[way].mode == KERNEL_EVERY_CYCLE ? 1000 : (uint32_t)4e9;
        uint64_t pace = ways[way].mode == KERNEL_EVERY_CYCLE ? 0 : far_cyc;
        struct pair p;
        pair_init(&p, 1, 1, latency);
        p.link.ready_cyc = pace; // the first payload is not visible before
        uint64_t seen_cyc = max_u64(pace, 1 + latency);
        struct kernel *k = way_new(way, &p.design);

        assert_int_equal(kernel_next_cyc(k), 0);
        assert_int_equal(kernel_run(k, 0), 0);
        assert_int_equal(kernel_next_cyc(k), 1);
        assert_int_equal(kernel_run(k, seen_cyc - 1), 1);
        assert_int_equal(p.sink.n_taken, 0);
        assert_true(kernel_next_cyc(k) == seen_cyc);
        assert_true(kernel_run(k, seen_cyc) == seen_cyc);
        assert_int_equal(p.sink.n_taken, 1);
        assert_true(kernel_run(k, CYC_NEVER) == seen_cyc + 1); // the sink lets go
        assert_true(kernel_next_cyc(k) == CYC_NEVER);
        assert_true(kernel_run(k, 5) == seen_cyc + 1); // the past is past
        kernel_free(k);
        chan_release(&p.link.chan);
    }
}

static void boundary_channels_keep_ready_cycles_and_depth(void **state)
{
    (void)state;
    for (size_t way = 0; way < n_ways(); way++) {
        struct toy relay;
        struct link in, out;
        toy_init(&relay, TOY_NODE, "relay");
        link_init(&in, NULL, &relay, 2, 1, sizeof(uint64_t));
        link_init(&out, &relay, NULL, 2, 10, sizeof(uint64_t));
        struct block *block[] = { &relay.base };
        struct chan *chan[] = { &in.chan, &out.chan };
        struct design d = { block, 1, chan, 2 };
        struct kernel *k = way_new(way, &d);
        uint64_t value = 7;

        assert_true(kernel_inject(k, &in.chan, 0, &value)); // before the first cycle
        assert_true(kernel_inject(k, &in.chan, 5, &value));
        assert_false(kernel_inject(k, &in.chan, 5, &value)); // full
        assert_false(kernel_drain(k, &out.chan, &value));
        kernel_run(k, 0);
        assert_int_equal(event_cyc(&relay, '<', 0), 0);
        assert_true(kernel_inject(k, &in.chan, 5, &value)); // cycle 0 has freed a slot
        assert_false(kernel_inject(k, &in.chan, 5, &value));

        kernel_run(k, 10); // given in cycle 1, visible in 11
        assert_int_equal(chan_ready_cyc(&out.chan), 11);
        assert_false(kernel_drain(k, &out.chan, &value));
        kernel_run(k, 11);
        assert_true(kernel_drain(k, &out.chan, &value));
        assert_int_equal(value, relay.event[1].value);
        assert_int_equal(event_cyc(&relay, '<', 1), 5);
        assert_int_equal(event_cyc(&relay, '<', 2), 6);

        assert_int_equal(kernel_run(k, CYC_NEVER), 12); // the third stalled until the drain
        assert_int_equal(kernel_run(k, 3), 12);         // the past is past
        value = 9;
        assert_true(kernel_inject(k, &in.chan, 0, &value)); // seen in the first cycle not yet run
        assert_int_equal(kernel_next_cyc(k), 13);
        while (kernel_drain(k, &out.chan, &value))
            kernel_run(k, CYC_NEVER);
        assert_int_equal(relay.n_taken, 4);

        kernel_run(k, 99);
        kernel_run(k, CYC_NEVER); // nothing to do, and no way back
        assert_true(kernel_inject(k, &in.chan, 0, &value));
        assert_int_equal(kernel_next_cyc(k), 100);
        kernel_free(k);
        chan_release(&in.chan);
        chan_release(&out.chan);
    }
}

static void design_that_cannot_move_says_never_and_describes_what_waits(void **state)
{
    (void)state;
    for (size_t way = 0; way < n_ways(); way++) { // two joins, each waiting for the other
        struct toy source, a, b;
        struct link feed, ab, ba;
        toy_init(&source, TOY_NODE, "source");
        toy_init(&a, TOY_NODE, "a");
        toy_init(&b, TOY_NODE, "b");
        source.n_left = 9;
        link_init(&feed, &source, &a, 2, 1, sizeof(uint64_t));
        link_init(&ab, &a, &b, 2, 1, sizeof(uint64_t));
        link_init(&ba, &b, &a, 2, 1, sizeof(uint64_t));
        struct block *block[] = { &source.base, &a.base, &b.base };
        struct chan *chan[] = { &feed.chan, &ab.chan, &ba.chan };
        struct design d = { block, 3, chan, 3 };
        struct kernel *k = way_new(way, &d);

        kernel_run(k, 1000);
        assert_true(kernel_next_cyc(k) == CYC_NEVER);
        assert_true(source.busy && source.n_left > 0);

        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        kernel_describe(k, out);
        fclose(out);
        assert_string_equal(text, "source: waits for a free slot\n"
                                  "a: waits for a payload\n"
                                  "b: waits for a payload\n");
        free(text);
        kernel_free(k);
        for (size_t i = 0; i < 3; i++)
            chan_release(chan[i]);
    }
}

/* Steps of n relays in a line through which n_tokens pass, far apart. */
static uint64_t steps_of_line(size_t way, uint32_t n, uint32_t n_tokens)
{
    struct toy *toy = calloc(n, sizeof *toy);
    struct link *link = calloc(n, sizeof *link);
    struct block **block = calloc(n, sizeof *block);
    struct chan **chan = calloc(n, sizeof *chan);
    uint64_t n_steps = 0, token = 1;

    assert_true(toy && link && block && chan);
    for (uint32_t i = 0; i < n; i++) {
        toy_init(&toy[i], TOY_NODE, "relay");
        link_init(&link[i], i ? &toy[i - 1] : NULL, &toy[i], 1, 1, sizeof(uint64_t));
        block[i] = &toy[i].base;
        chan[i] = &link[i].chan;
    }
    struct design d = { block, n, chan, n };
    struct kernel *k = way_new(way, &d);
    for (uint32_t i = 0; i < n_tokens; i++) {
        assert_true(kernel_inject(k, &link[0].chan, 0, &token));
        kernel_run(k, CYC_NEVER);
    }
    kernel_free(k);
    for (uint32_t i = 0; i < n; i++) {
        n_steps += toy[i].n_steps;
        chan_release(chan[i]);
    }
    free(chan);
    free(block);
    free(link);
    free(toy);
    return n_steps;
}

static void idle_blocks_are_not_stepped_however_many(void **state)
{
    (void)state;
    enum { TOKENS = 10 };
    static const uint32_t sizes[] = { 43, 2000 };

    for (size_t way = 0; way < n_ways(); way++)
        for (size_t s = 0; s < 2 && ways[way].mode != KERNEL_EVERY_CYCLE; s++) {
            /* One step each in cycle 0, for the first relay that in which it takes the first token.
             * Then every token is taken and given once by each, and empties a full channel, which
             * wakes the relay before. */
            uint64_t n = sizes[s];
            uint64_t want = n + TOKENS * (2 * n) - 1 + TOKENS * (n - 1);
            assert_int_equal(steps_of_line(way, sizes[s], TOKENS), want);
        }
}

/* A block that notes when it is stepped among others. */
struct noter {
    struct block base;
    unsigned    *n_noted; // shared
    unsigned     turn;
};

static uint64_t note(struct block *b, uint64_t now_cyc)
{
    struct noter *n = (struct noter *)b;

    (void)now_cyc;
    n->turn = (*n->n_noted)++;
    return CYC_NEVER;
}

static void reversed_mode_steps_the_blocks_of_a_cycle_the_other_way_round(void **state)
{
    (void)state;
    enum { N = 5 };
    static const struct block_ops ops = { .type = "noter", .step = note };
    unsigned turn[2][N];

    for (int reversed = 0; reversed < 2; reversed++) {
        struct noter noter[N];
        struct block *block[N];
        unsigned n_noted = 0;
        for (int i = 0; i < N; i++) {
            noter[i] = (struct noter){ { .ops = &ops, .path = "noter" }, &n_noted, 0 };
            block[i] = &noter[i].base;
        }
        struct design d = { block, N, NULL, 0 };
        struct kernel *k = kernel_new(KERNEL_NATIVE, &d,
                                      reversed ? KERNEL_REVERSED : KERNEL_SKIP_IDLE);
        kernel_run(k, 0);
        kernel_free(k);
        for (int i = 0; i < N; i++)
            turn[reversed][i] = noter[i].turn;
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(turn[0][i] + turn[1][i], N - 1);
}

static void second_systemc_kernel_is_refused_until_the_first_is_freed(void **state)
{
    (void)state;
    skip_without_systemc();
    struct design empty = { NULL, 0, NULL, 0 };
    struct kernel *first = kernel_new(KERNEL_SYSTEMC, &empty, KERNEL_SKIP_IDLE);

    assert_true(kernel_available(KERNEL_NATIVE));
    assert_non_null(first);
    assert_null(kernel_new(KERNEL_SYSTEMC, &empty, KERNEL_SKIP_IDLE));
    kernel_free(first);
    struct kernel *next = kernel_new(KERNEL_SYSTEMC, &empty, KERNEL_SKIP_IDLE);
    assert_non_null(next);
    assert_int_equal(kernel_run(next, CYC_NEVER), 0);
    assert_true(kernel_next_cyc(next) == CYC_NEVER);
    kernel_free(next);
}

/* libsystemc likes to greet, and to warn of runs that find nothing to do. */
static void systemc_keeps_stdout_and_stderr_clean(void **state)
{
    (void)state;
    skip_without_systemc();
    FILE *caught = tmpfile();
    int saved_out = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO);
    struct pair p;

    assert_non_null(caught);
    fflush(stdout);
    fflush(stderr);
    dup2(fileno(caught), STDOUT_FILENO);
    dup2(fileno(caught), STDERR_FILENO);
    pair_init(&p, 3, 1, 1);
    struct kernel *k = kernel_new(KERNEL_SYSTEMC, &p.design, KERNEL_SKIP_IDLE);
    kernel_run(k, 0);
    kernel_run(k, 0);
    kernel_run(k, CYC_NEVER);
    kernel_run(k, 1000);
    kernel_free(k);
    fflush(stdout);
    fflush(stderr);
    dup2(saved_out, STDOUT_FILENO);
    dup2(saved_err, STDERR_FILENO);
    close(saved_out);
    close(saved_err);

    assert_int_equal(p.sink.n_taken, 3);
    assert_int_equal(lseek(fileno(caught), 0, SEEK_END), 0);
    fclose(caught);
    chan_release(&p.link.chan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_and_step_order_gives_the_same_trace),
        cmocka_unit_test(run_cut_anywhere_gives_what_one_long_run_gives),
        cmocka_unit_test(inject_and_drain_between_runs_act_as_blocks_inside_would),
        cmocka_unit_test(random_designs_are_busy_ones),
        cmocka_unit_test(depth_over_latency_plus_one_is_the_rate_of_a_channel),
        cmocka_unit_test(slow_sink_sets_the_pace_and_the_source_stalls_behind_a_full_channel),
        cmocka_unit_test(run_ends_exactly_with_the_cycle_it_was_told),
        cmocka_unit_test(boundary_channels_keep_ready_cycles_and_depth),
        cmocka_unit_test(design_that_cannot_move_says_never_and_describes_what_waits),
        cmocka_unit_test(idle_blocks_are_not_stepped_however_many),
        cmocka_unit_test(reversed_mode_steps_the_blocks_of_a_cycle_the_other_way_round),
        cmocka_unit_test(second_systemc_kernel_is_refused_until_the_first_is_freed),
        cmocka_unit_test(systemc_keeps_stdout_and_stderr_clean),
    };
    return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
