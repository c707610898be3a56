/* Tests of core/calendar.h against an array of pending cycles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdbool.h>

#include "core/block.h"
#include "core/calendar.h"
#include "core/rng.h"

enum { N_WAKES = 60 };

struct twin { // each wake and the cycle in which it is pending; CYC_NEVER: it is not
    struct calendar calendar;
    struct wake     wake[N_WAKES];
    uint64_t        cyc[N_WAKES];
};

static uint64_t earliest(const struct twin *t)
{
    uint64_t cyc = CYC_NEVER;

    for (int i = 0; i < N_WAKES; i++)
        cyc = t->cyc[i] < cyc ? t->cyc[i] : cyc;
    return cyc;
}

static void set(struct twin *t, size_t i, uint64_t cyc)
{
    calendar_set(&t->calendar, &t->wake[i], cyc);
    t->cyc[i] = cyc;
    assert_true(calendar_next(&t->calendar) == earliest(t));
}

/* Takes the earliest cycle and checks that it brings exactly the wakes pending then. */
static uint64_t take(struct twin *t)
{
    uint64_t cyc = earliest(t);
    bool taken[N_WAKES] = { false };

    for (struct wake *w = calendar_take(&t->calendar, cyc); w; w = w->next) {
        size_t i = (size_t)(w - t->wake);
        assert_false(taken[i]);
        taken[i] = true;
    }
    for (size_t i = 0; i < N_WAKES; i++) {
        assert_int_equal(taken[i], t->cyc[i] == cyc);
        if (taken[i])
            t->cyc[i] = CYC_NEVER;
    }
    assert_true(calendar_next(&t->calendar) == earliest(t));
    assert_true(t->calendar.base_cyc == cyc); // files by the present, which bounds the refiling
    return cyc;
}

/* Distances of every magnitude, many wakes in a cycle, moves both ways and cancellations. */
static void wakes_come_in_the_order_of_their_cycles(void **state)
{
    (void)state;
    const struct rng r = rng_at(1, "calendar");
    uint64_t i_draw = 0;

    for (unsigned max_bits = 1; max_bits <= 62; max_bits += 3) {
        struct twin t = { .calendar = { 0 } };
        uint64_t now = 0;

        for (int i = 0; i < N_WAKES; i++)
            t.cyc[i] = CYC_NEVER;
        for (int n = 0; n < 3000; n++) {
            uint64_t far = (UINT64_C(1) << rng_u64(r, i_draw++) % max_bits) - 1;
            uint64_t cyc = now + 1 + (rng_u64(r, i_draw++) & far);
            uint64_t whose = rng_u64(r, i_draw++) % N_WAKES;
            set(&t, whose, rng_u64(r, i_draw++) % 8 ? cyc : CYC_NEVER);
            if (rng_u64(r, i_draw++) % 4 == 0 && earliest(&t) != CYC_NEVER &&
                now < UINT64_C(1) << 63)
                now = take(&t);
        }
        while (earliest(&t) != CYC_NEVER)
            take(&t);
    }
}

static void last_cycle_that_can_be_named_is_reached(void **state)
{
    (void)state;
    struct calendar c = { 0 };
    struct wake first = { .whom = NULL }, last = { .whom = NULL };

    calendar_set(&c, &last, CYC_NEVER - 1);
    calendar_set(&c, &first, 0);
    assert_ptr_equal(calendar_take(&c, 0), &first);
    assert_true(calendar_next(&c) == CYC_NEVER - 1);
    assert_ptr_equal(calendar_take(&c, CYC_NEVER - 1), &last);
    assert_true(calendar_next(&c) == CYC_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wakes_come_in_the_order_of_their_cycles),
        cmocka_unit_test(last_cycle_that_can_be_named_is_reached),
    };
    return cmocka_run_group_tests_name("calendar", tests, NULL, NULL);
}
