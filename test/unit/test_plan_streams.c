/* test/unit/test_plan_streams.c -- who sends what to whom: every channel of every pixel comes to
 * every core that wants it once, however layers are cut and copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/plan_rig.h"

static uint32_t pick(uint32_t *seed, uint32_t least, uint32_t most)
{
    *seed = *seed * 1664525u + 1013904223u;
    return least + (*seed >> 8) % (most - least + 1);
}

/* ---- ResNet-32 by reasoning ---- */

/* Whole layers send one stream. conv23 to conv31 have two parts: each half gets its channels from
 * the core before, so that 31 edges of the chain are 22 + 9 * 2 streams; it sends its sums to the
 * other. 13 blocks read their residual from a memory, which is cut in the last 4 (conv24, 26, 28,
 * 30 have halves of it); 2 go through resampling layers, one stream to and one from each. */
static void resnet32_has_72_streams(void **state)
{
    (void)state;
    static const uint32_t want[N_STREAM_KIND] = {
        [STREAM_IMAGE] = 1,         [STREAM_FORWARD] = 22 + 9 * 2,
        [STREAM_PARTIAL_SUM] = 9,   [STREAM_RESIDUAL] = 9 + 4 * 2,
        [STREAM_TO_RESAMPLING] = 2, [STREAM_FROM_RESAMPLING] = 2,
        [STREAM_RESULT] = 1,
    };
    static const char *const plain[] = { NULL };
    uint32_t got[N_STREAM_KIND] = { 0 };
    struct plan_rig r;

    if (rig_make(&r, plain))
        fail_msg("%s", r.msg.text);
    for (uint32_t i = 0; i < r.plan.n_stream; i++)
        got[r.plan.stream[i].kind]++;
    assert_memory_equal(got, want, sizeof want);
    assert_int_equal(r.plan.n_stream, 72);
    rig_release(&r);
}

/* ---- studies at random ---- */

/* Arrays that cut layers by rows and columns, and copies. Budgets that nothing exceeds. */
static void random_machine(uint32_t *rnd, char (*text)[64], const char **set, size_t n_layer)
{
    static const char *const roomy[] = { "chip.cores=60000", "core.input_memory.words=65536",
                                         "clocking.timestep_ns=100000" };
    static const char *const firing[] = { "column", "free", "block" };
    uint32_t policy = pick(rnd, 0, 2);
    size_t n = 0;

    snprintf(text[n], sizeof *text, "core.crossbar.rows=%u", pick(rnd, 40, 200));
    n++;
    snprintf(text[n], sizeof *text, "core.crossbar.columns=%u", pick(rnd, 6, 40));
    n++;
    snprintf(text[n], sizeof *text, "mapping.firing=%s", firing[policy]);
    n++;
    for (size_t i = 1; i < n_layer; i++) {
        snprintf(text[n], sizeof *text, "mapping.copies.layer%zu=%u", i, pick(rnd, 1, 3));
        n++;
        snprintf(text[n], sizeof *text, "mapping.replicas.layer%zu=%u", i, pick(rnd, 1, 2));
        n++;
        snprintf(text[n], sizeof *text, "mapping.block_width.layer%zu=%u", i,
                 policy == 2 ? pick(rnd, 1, 2) : 1);
        n++;
    }
    for (size_t i = 0; i < n; i++)
        set[i] = text[i];
    for (size_t i = 0; i < 3; i++)
        set[n++] = roomy[i];
    set[n] = NULL;
}

/* A fork that is concatenated again, a residual that no memory keeps, one that a memory does, one
 * through a resampling layer and the image as one; pooled and fully connected. */
static void odd_network(struct plan_rig *r, uint32_t *rnd)
{
    uint32_t a = pick(rnd, 1, 12), b = pick(rnd, 1, 12);

    uint32_t channels = pick(rnd, 1, 6);

    rig_image(r, pick(rnd, 7, 9), pick(rnd, 7, 9), channels);
    struct layer *l = rig_conv(r, 0, channels, 3, 1);     // 1 + the image
    l->has_residual = true;
    rig_conv(r, 1, a, 3, 1);                              // 2
    rig_conv(r, 1, b, 3, 1);                              // 3
    rig_conv(r, 2, pick(rnd, 1, 12), 3, 1);               // 4: [2, 3]
    rig_concat(r, 3);
    l = rig_conv(r, 4, a, 3, 1);                          // 5 + 2, which only sends
    l->has_residual = true;
    l->residual = 2;
    l = rig_conv(r, 5, a, 1, 1);                          // 6 + 5, from its own memory
    l->has_residual = true;
    l->residual = 5;
    uint32_t c = pick(rnd, 1, 12);
    rig_conv(r, 6, c, 1, 2);                              // 7: resampling
    rig_conv(r, 6, c, 3, 2);                              // 8
    l = rig_conv(r, 8, c, 3, 1);                          // 9 + 7
    l->has_residual = true;
    l->residual = 7;
    l->pooled = true;
    rig_conv(r, 9, pick(rnd, 1, 12), 1, 1)->kind = LAYER_GEMM; // 10
}

typedef void check_plan(const struct plan *p);

static void check_random_plans(check_plan *check)
{
    uint32_t made = 0;

    for (uint32_t seed = 1; seed <= 150; seed++) {
        uint32_t rnd = seed;
        char text[40][64];
        const char *set[44];
        struct plan_rig r;

        random_machine(&rnd, text, set, 9); // neither the pooled layer nor the last has copies
        rig_config(&r, set);
        odd_network(&r, &rnd);
        if (rig_plan(&r) == ERR_NONE) {
            check(&r.plan);
            made++;
        }
        rig_release(&r);
    }
    assert_true(made >= 100);
}

/* ---- every channel once ---- */

enum { CHANNELS = 32, WIDTH = 9 };

/* Copy that computes an output column, by going through the outputs of each. */
static uint32_t owner(const struct plan *p, uint32_t layer, uint32_t y)
{
    struct firing_shape shape = plan_firing_shape(p, layer);
    const struct firing_policy *f = p->layer[layer].firing;

    for (uint32_t copy = 0; copy < shape.copies; copy++) {
        struct pixel at = firing_first(f, &shape, copy, 0);
        for (; at.image == 0; f->next(&shape, copy, &at))
            if (at.column == y)
                return copy;
    }
    fail_msg("nobody computes column %u", y);
    return 0;
}

static void copies_own_the_columns_that_they_go_through_on(const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_layer; i++)
        for (uint32_t y = 0; y < plan_network_layer(p, i)->out.width; y++)
            assert_int_equal(plan_owner(p, i, y), owner(p, i, y));
}

/* Whether a stream from a layer's core carries column y of what the layer delivers. */
static bool carries(const struct plan *p, const struct plan_stream *st, uint32_t y)
{
    const struct plan_core *from = &p->core[st->from];

    return plan_network_layer(p, from->plan_layer)->pooled ||
           plan_owner(p, from->plan_layer, y) == from->copy;
}

static void count_channels(const struct plan_stream *st, uint32_t *times)
{
    assert_true(st->n > 0 && st->to_first + st->n <= CHANNELS);
    for (uint32_t ch = st->to_first; ch < st->to_first + st->n; ch++)
        times[ch]++;
}

static void assert_once(const uint32_t *times, uint32_t first, uint32_t n)
{
    for (uint32_t ch = 0; ch < CHANNELS; ch++)
        assert_int_equal(times[ch], ch >= first && ch < first + n);
}

/* Streams of a kind to a core, that carry column y when they come from a layer. */
static void assert_column_comes_once(const struct plan *p, uint32_t core, enum stream_kind kind,
                                     uint32_t y, uint32_t first, uint32_t n)
{
    uint32_t times[CHANNELS] = { 0 };

    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct plan_stream *st = &p->stream[i];
        bool direct = kind == STREAM_FORWARD || kind == STREAM_FROM_RESAMPLING;
        if (st->kind == kind && st->to == core && (!direct || carries(p, st, y)))
            count_channels(st, times);
    }
    assert_once(times, first, n);
}

static void pixels_come_once_to_memories_on(const struct plan *p)
{
    static const enum stream_kind kind[] = { [FEED_SCRATCHPAD] = STREAM_IMAGE,
                                             [FEED_PRODUCER] = STREAM_FORWARD,
                                             [FEED_READ_BACK] = STREAM_TO_RESAMPLING };
    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct plan_core *c = &p->core[i];
        const struct plan_layer *pl = &p->layer[c->plan_layer];
        for (uint32_t y = 0; y < pl->in_width; y++)
            assert_column_comes_once(p, i, kind[pl->feed], y, c->in_first, c->in_n);
    }
}

/* Cores of concatenated layers hear once, from each copy of it, of a layer whose pixels they do not
 * store. */
static void layers_that_a_core_lacks_are_announced_on(const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct plan_core *c = &p->core[i];
        const struct layer *l = plan_network_layer(p, c->plan_layer);
        for (uint32_t k = 0, offset = 0; k < l->n_input && l->input[k] > 0; k++) {
            uint32_t from = l->input[k] - 1, times = 0, inputs = 0;
            uint32_t n = p->network->layer[l->input[k]].out.channels;
            bool lacks = offset + n <= c->in_first || offset >= c->in_first + c->in_n;
            for (uint32_t s = 0; s < p->n_stream; s++)
                times += p->stream[s].kind == STREAM_VALID && p->stream[s].to == i &&
                         p->core[p->stream[s].from].plan_layer == from;
            for (uint32_t j = 0; j < l->n_input; j++)
                inputs += l->input[j] == l->input[k];
            if (inputs == 1)
                assert_int_equal(times, lacks && p->layer[c->plan_layer].feed == FEED_PRODUCER
                                            ? p->layer[from].copies : 0);
            offset += n;
        }
    }
}

static void residuals_come_once_to_summing_cores_on(const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct plan_core *c = &p->core[i];
        const struct plan_layer *pl = &p->layer[c->plan_layer];
        bool sums = c->part + 1 == pl->parts;
        for (uint32_t y = 0; y < plan_network_layer(p, c->plan_layer)->out.width; y++) {
            if (plan_owner(p, c->plan_layer, y) != c->copy)
                continue;
            assert_column_comes_once(p, i, STREAM_RESIDUAL, y, c->out_first,
                                     sums && pl->residual == RESIDUAL_READ_BACK ? c->out_n : 0);
            assert_column_comes_once(p, i, STREAM_FROM_RESAMPLING, y, c->out_first,
                                     sums && pl->residual == RESIDUAL_DIRECT ? c->out_n : 0);
            assert_column_comes_once(p, i, STREAM_IMAGE_RESIDUAL, y, c->out_first,
                                     sums && pl->residual == RESIDUAL_IMAGE ? c->out_n : 0);
        }
    }
}

static void partial_sums_run_along_chains_on(const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct plan_core *c = &p->core[i];
        uint32_t sends = 0;
        for (uint32_t k = 0; k < p->n_stream; k++) {
            const struct plan_stream *st = &p->stream[k];
            if (st->kind != STREAM_PARTIAL_SUM || st->from != i)
                continue;
            const struct plan_core *to = &p->core[st->to];
            assert_int_equal(to->plan_layer, c->plan_layer);
            assert_int_equal(to->copy, c->copy);
            assert_int_equal(to->split, c->split);
            assert_int_equal(to->part, c->part + 1);
            assert_true(st->first == c->out_first && st->n == c->out_n && st->value_bits == 32);
            sends++;
        }
        assert_int_equal(sends, c->part + 1 < p->layer[c->plan_layer].parts);
    }
}

static void the_result_leaves_once_on(const struct plan *p)
{
    uint32_t times[CHANNELS] = { 0 };

    for (uint32_t i = 0; i < p->n_stream; i++)
        if (p->stream[i].kind == STREAM_RESULT)
            count_channels(&p->stream[i], times);
    assert_once(times, 0, network_result(p->network)->out.channels);
}

/* ---- senders have what they send ---- */

/* Where the channels of layer `from` begin among those that `to` reads. */
static uint32_t offset_of(const struct plan *p, uint32_t from, uint32_t to)
{
    const struct layer *l = plan_network_layer(p, to);
    uint32_t offset = 0;

    for (uint32_t i = 0; l->input[i] != from + 1; i++)
        offset += p->network->layer[l->input[i]].out.channels;
    return offset;
}

static void check_sender(const struct plan *p, const struct plan_stream *st)
{
    if (st->kind == STREAM_IMAGE) {
        assert_int_equal(st->first, st->to_first);
        return;
    }
    const struct plan_core *from = &p->core[st->from];
    const struct plan_layer *pl = &p->layer[from->plan_layer];
    bool memory = st->kind == STREAM_RESIDUAL || st->kind == STREAM_TO_RESAMPLING;
    uint32_t first = memory ? from->in_first : from->out_first;
    uint32_t n = memory ? from->in_n : from->out_n;

    assert_true(st->first >= first && st->first + st->n <= first + n);
    if (memory) {
        const struct read_back *rb = &p->read_back[st->read_back];
        assert_int_equal(rb->reader, from->plan_layer);
        assert_int_equal(rb->reader_copy, from->copy);
        assert_int_equal(rb->receiver, p->core[st->to].plan_layer);
        assert_int_equal(rb->receiver_copy, p->core[st->to].copy);
        assert_int_equal(from->split, 0); // all groups hold the same pixels: one sends
        assert_int_equal(st->first, st->to_first);
    } else if (st->kind == STREAM_VALID) {
        assert_int_equal(st->n, 0);
    } else if (st->kind == STREAM_FORWARD) {
        uint32_t offset = offset_of(p, from->plan_layer, p->core[st->to].plan_layer);
        assert_int_equal(st->first + offset, st->to_first);
    } else {
        assert_int_equal(st->first, st->to_first);
    }
    if (!memory && st->kind != STREAM_PARTIAL_SUM)
        assert_int_equal(from->part + 1, pl->parts); // only the last has whole sums
}

static void senders_hold_the_channels_they_send_on(const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_stream; i++)
        check_sender(p, &p->stream[i]);
}

/* ---- timetables ---- */

static void outputs_are_read_back_once_and_in_order_on(const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_read_back; i++) {
        const struct read_back *rb = &p->read_back[i];
        const struct read_back_times *times = &p->time.read_back[i];
        const struct shape *out = &plan_network_layer(p, rb->receiver)->out;
        for (uint32_t row = 0; row < times->n_image; row++) {
            const struct read_back_send *send = times->send + (size_t)row * times->n;
            uint32_t seen[WIDTH][WIDTH] = { 0 };
            for (uint32_t k = 0; k < times->n; k++) {
                seen[send[k].row][send[k].column]++;
                assert_true(k == 0 || send[k].timestep >= send[k - 1].timestep);
            }
            for (uint32_t x = 0; x < out->height; x++)
                for (uint32_t y = 0; y < out->width; y++)
                    assert_int_equal(seen[x][y],
                                     plan_owner(p, rb->receiver, y) == rb->receiver_copy);
        }
    }
}

#define PROPERTY(check)                                                                            \
    static void check##_any_plan(void **state)                                                     \
    {                                                                                              \
        (void)state;                                                                               \
        check_random_plans(check);                                                                 \
    }
PROPERTY(copies_own_the_columns_that_they_go_through_on)
PROPERTY(pixels_come_once_to_memories_on)
PROPERTY(layers_that_a_core_lacks_are_announced_on)
PROPERTY(residuals_come_once_to_summing_cores_on)
PROPERTY(partial_sums_run_along_chains_on)
PROPERTY(the_result_leaves_once_on)
PROPERTY(senders_hold_the_channels_they_send_on)
PROPERTY(outputs_are_read_back_once_and_in_order_on)

static void random_plans_have_streams_of_every_kind(void **state)
{
    (void)state;
    uint32_t seen = 0;

    for (uint32_t seed = 1; seed <= 150; seed++) {
        uint32_t rnd = seed;
        char text[40][64];
        const char *set[44];
        struct plan_rig r;
        random_machine(&rnd, text, set, 9);
        rig_config(&r, set);
        odd_network(&r, &rnd);
        if (rig_plan(&r) == ERR_NONE)
            for (uint32_t i = 0; i < r.plan.n_stream; i++)
                seen |= 1u << r.plan.stream[i].kind;
        rig_release(&r);
    }
    struct plan_rig r; // rows of a channel in two cores, neither of which keeps the whole image
    rig_config(&r, (const char *const[]){ "core.crossbar.rows=8", NULL });
    rig_image(&r, 8, 8, 3);
    rig_conv(&r, 0, 3, 3, 1)->has_residual = true;
    if (rig_plan(&r))
        fail_msg("%s", r.msg.text);
    residuals_come_once_to_summing_cores_on(&r.plan);
    for (uint32_t i = 0; i < r.plan.n_stream; i++)
        seen |= 1u << r.plan.stream[i].kind;
    rig_release(&r);
    assert_int_equal(seen, (1u << N_STREAM_KIND) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resnet32_has_72_streams),
        cmocka_unit_test(copies_own_the_columns_that_they_go_through_on_any_plan),
        cmocka_unit_test(pixels_come_once_to_memories_on_any_plan),
        cmocka_unit_test(layers_that_a_core_lacks_are_announced_on_any_plan),
        cmocka_unit_test(residuals_come_once_to_summing_cores_on_any_plan),
        cmocka_unit_test(partial_sums_run_along_chains_on_any_plan),
        cmocka_unit_test(the_result_leaves_once_on_any_plan),
        cmocka_unit_test(senders_hold_the_channels_they_send_on_any_plan),
        cmocka_unit_test(outputs_are_read_back_once_and_in_order_on_any_plan),
        cmocka_unit_test(random_plans_have_streams_of_every_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
