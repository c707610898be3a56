/* Tests of core/chan.h, the kernel's part played by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/block.h"
#include "core/chan.h"

static void push_u64(struct chan *c, uint64_t ready_cyc, uint64_t value)
{
    *(uint64_t *)chan_push(c, ready_cyc) = value;
}

static uint64_t pop_u64(struct chan *c, uint64_t now_cyc)
{
    return *(const uint64_t *)chan_pop(c, now_cyc);
}

static struct chan u64_chan(uint32_t depth)
{
    struct chan c;
    assert_true(chan_init(&c, "c", NULL, NULL, depth, sizeof(uint64_t)));
    return c;
}

static void payload_is_visible_from_its_ready_cycle_and_not_before(void **state)
{
    (void)state;
    struct chan c = u64_chan(2);

    assert_true(chan_ready_cyc(&c) == CYC_NEVER);
    push_u64(&c, 7, 42);
    chan_commit(&c, 3);
    assert_int_equal(chan_ready_cyc(&c), 7);
    assert_false(chan_can_pop(&c, 6));
    assert_true(chan_can_pop(&c, 7));
    assert_int_equal(pop_u64(&c, 7), 42);
    chan_release(&c);
}

static void push_and_pop_take_effect_at_commit_only(void **state)
{
    (void)state;
    struct chan c = u64_chan(1);

    push_u64(&c, 1, 10);
    assert_int_equal(chan_count(&c), 0);
    assert_false(chan_can_pop(&c, 1)); // staged, not yet inside
    chan_commit(&c, 0);
    assert_int_equal(chan_count(&c), 1);
    assert_false(chan_can_push(&c));

    assert_int_equal(pop_u64(&c, 1), 10);
    assert_int_equal(chan_count(&c), 1);
    assert_int_equal(chan_ready_cyc(&c), 1);
    assert_false(chan_can_push(&c)); // the slot frees at commit
    chan_commit(&c, 1);
    assert_true(chan_can_push(&c));
    chan_release(&c);
}

static void one_push_and_one_pop_a_cycle(void **state)
{
    (void)state;
    struct chan c = u64_chan(4);

    for (uint64_t t = 0; t < 2; t++) {
        push_u64(&c, t + 1, t);
        assert_false(chan_can_push(&c));
        chan_commit(&c, t);
    }
    pop_u64(&c, 2);
    assert_false(chan_can_pop(&c, 2));
    chan_commit(&c, 2);
    assert_true(chan_can_pop(&c, 3));
    chan_release(&c);
}

static void consumer_is_woken_when_the_oldest_payload_becomes_visible(void **state)
{
    (void)state;
    struct block end = { 0 };
    struct chan c = u64_chan(4);
    c.consumer = &end;

    push_u64(&c, 5, 0);
    assert_int_equal(chan_commit(&c, 0).arrive_cyc, 5); // into an empty channel
    push_u64(&c, 6, 1);
    assert_true(chan_commit(&c, 1).arrive_cyc == CYC_NEVER); // behind another
    push_u64(&c, 20, 2);
    chan_commit(&c, 2);
    pop_u64(&c, 8);
    assert_true(chan_commit(&c, 8).arrive_cyc == CYC_NEVER); // the next is visible already
    pop_u64(&c, 9);
    assert_int_equal(chan_commit(&c, 9).arrive_cyc, 20); // the next is still under way
    pop_u64(&c, 20);
    push_u64(&c, 21, 3);
    assert_int_equal(chan_commit(&c, 20).arrive_cyc, 21); // one leaves as one enters
    pop_u64(&c, 21);
    assert_true(chan_commit(&c, 21).arrive_cyc == CYC_NEVER);
    chan_release(&c);
}

static void nobody_is_woken_at_an_end_without_a_block(void **state)
{
    (void)state;
    struct chan c = u64_chan(1);

    push_u64(&c, 5, 0);
    assert_true(chan_commit(&c, 0).arrive_cyc == CYC_NEVER);
    pop_u64(&c, 5);
    assert_true(chan_commit(&c, 5).free_cyc == CYC_NEVER);
    chan_release(&c);
}

static void producer_is_woken_in_the_cycle_after_a_full_channel_was_popped(void **state)
{
    (void)state;
    struct block end = { 0 };
    struct chan c = u64_chan(2);
    c.producer = &end;

    for (uint64_t t = 0; t < 2; t++) {
        push_u64(&c, t + 1, t);
        assert_true(chan_commit(&c, t).free_cyc == CYC_NEVER);
    }
    pop_u64(&c, 5);
    assert_int_equal(chan_commit(&c, 5).free_cyc, 6);
    pop_u64(&c, 6);
    assert_true(chan_commit(&c, 6).free_cyc == CYC_NEVER); // there was room
    chan_release(&c);
}

static void popped_bytes_survive_a_push_in_the_same_cycle(void **state)
{
    (void)state;
    struct chan c = u64_chan(2);

    push_u64(&c, 1, 1);
    chan_commit(&c, 0);
    const uint64_t *popped = chan_pop(&c, 1);
    push_u64(&c, 2, 2);
    assert_int_equal(*popped, 1);
    chan_commit(&c, 1);
    assert_int_equal(pop_u64(&c, 2), 2);
    chan_release(&c);
}

/* A channel against an unbounded array of all that was ever pushed. */
static void check_against_array(uint32_t depth, size_t payload_bytes)
{
    enum { CYCLES = 200, MAX_BYTES = 40 };
    static unsigned char sent[CYCLES][MAX_BYTES];
    static uint64_t ready_cyc[CYCLES];
    size_t n_sent = 0, n_got = 0;
    struct chan c;

    assert_true(payload_bytes <= MAX_BYTES);
    assert_true(chan_init(&c, "c", NULL, NULL, depth, payload_bytes));
    for (uint64_t t = 0; t < CYCLES; t++) {
        bool can_push = n_sent - n_got < depth;
        bool can_pop = n_got < n_sent && ready_cyc[n_got] <= t;
        size_t n_inside = n_sent - n_got;

        assert_int_equal(chan_count(&c), n_inside);
        assert_int_equal(chan_can_push(&c), can_push);
        assert_int_equal(chan_can_pop(&c, t), can_pop);
        assert_true(chan_ready_cyc(&c) == (n_inside ? ready_cyc[n_got] : CYC_NEVER));
        if (can_push && rand() % 3) {
            uint64_t earliest = t + 1 + (uint64_t)(rand() % 4);
            if (n_sent && ready_cyc[n_sent - 1] > earliest)
                earliest = ready_cyc[n_sent - 1];
            ready_cyc[n_sent] = earliest;
            for (size_t i = 0; i < payload_bytes; i++)
                sent[n_sent][i] = (unsigned char)rand();
            unsigned char *slot = chan_push(&c, earliest);
            assert_int_equal((uintptr_t)slot % 8, 0);
            memcpy(slot, sent[n_sent++], payload_bytes);
        }
        if (can_pop && rand() % 3)
            assert_memory_equal(chan_pop(&c, t), sent[n_got++], payload_bytes);
        chan_commit(&c, t);
    }
    assert_true(n_got > CYCLES / 20);
    chan_release(&c);
}

static void payloads_of_any_size_leave_in_order_and_whole_at_any_depth(void **state)
{
    (void)state;
    srand(1);
    for (uint32_t depth = 1; depth <= 6; depth++)
        for (size_t bytes = 1; bytes <= 40; bytes++)
            check_against_array(depth, bytes);
}

static void too_large_a_channel_is_refused_and_releases_like_any_other(void **state)
{
    (void)state;
    struct chan c, zero;

    memset(&zero, 0, sizeof zero);
    assert_false(chan_init(&c, "c", NULL, NULL, UINT32_MAX, UINT32_MAX));
    assert_memory_equal(&c, &zero, sizeof c);
    chan_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payload_is_visible_from_its_ready_cycle_and_not_before),
        cmocka_unit_test(push_and_pop_take_effect_at_commit_only),
        cmocka_unit_test(one_push_and_one_pop_a_cycle),
        cmocka_unit_test(consumer_is_woken_when_the_oldest_payload_becomes_visible),
        cmocka_unit_test(nobody_is_woken_at_an_end_without_a_block),
        cmocka_unit_test(producer_is_woken_in_the_cycle_after_a_full_channel_was_popped),
        cmocka_unit_test(popped_bytes_survive_a_push_in_the_same_cycle),
        cmocka_unit_test(payloads_of_any_size_leave_in_order_and_whole_at_any_depth),
        cmocka_unit_test(too_large_a_channel_is_refused_and_releases_like_any_other),
    };
    return cmocka_run_group_tests_name("chan", tests, NULL, NULL);
}
