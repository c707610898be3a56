/* Tests of core/mail.h under every kernel, beside the closed form of when a reader has what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/kernel.h"
#include "core/mail.h"
#include "core/rng.h"
#include "core/util.h"

static void numbers_are_taken_in_order_round_the_ring(void **state)
{
    struct mail m;

    (void)state;
    assert_true(mail_init(&m, NULL, 3));
    assert_true(mail_cyc(&m) == CYC_NEVER);
    for (uint32_t i = 0; i < 20; i++) {
        mail_put(&m, 10 * i, i);
        mail_put(&m, 10 * i + 3, 100 + i);
        assert_int_equal(mail_cyc(&m), 10 * i);
        assert_int_equal(mail_peek(&m, 1)->cyc, 10 * i + 3);
        assert_int_equal(mail_peek(&m, 1)->n, 100 + i);
        assert_int_equal(mail_take(&m), i);
        assert_int_equal(mail_take(&m), 100 + i);
    }
    assert_int_equal(m.n, 0);
    mail_release(&m);
}

/* ---- a writer and a reader ---- */

enum { N_LETTER = 40 };

struct writer {
    struct block base; // first
    struct mail *mail;
    uint64_t     put_cyc[N_LETTER], known_cyc[N_LETTER];
    uint32_t     n;
};

struct reader { // needs the i-th number `pause_cyc` cycles after the one before
    struct block base; // first
    struct mail  mail;
    uint64_t     pause_cyc[N_LETTER], took_cyc[N_LETTER], ready_cyc;
    uint32_t     n;
    uint64_t     n_step;
};

static uint64_t put(struct block *b, uint64_t now)
{
    struct writer *w = (struct writer *)b;

    for (; w->n < N_LETTER && w->put_cyc[w->n] == now; w->n++)
        mail_put(w->mail, w->known_cyc[w->n], w->n);
    return w->n < N_LETTER ? w->put_cyc[w->n] : CYC_NEVER;
}

/* Asks only where it needs a number that is not put yet. */
static uint64_t take(struct block *b, uint64_t now)
{
    struct reader *r = (struct reader *)b;

    r->n_step++;
    while (r->n < N_LETTER && r->ready_cyc <= now && mail_cyc(&r->mail) <= now) {
        assert_int_equal(mail_take(&r->mail), r->n);
        r->took_cyc[r->n++] = now;
        r->ready_cyc = now + (r->n < N_LETTER ? r->pause_cyc[r->n] : 0);
    }
    if (r->n == N_LETTER)
        return CYC_NEVER;
    return r->ready_cyc > now ? r->ready_cyc : mail_wait(&r->mail);
}

static void describe(const struct block *b, FILE *out)
{
    (void)b;
    (void)out;
}

static const struct block_ops writer_ops = { "writer", put, describe };
static const struct block_ops reader_ops = { "reader", take, describe };

static void draw(struct writer *w, struct reader *r, uint32_t seed)
{
    const struct rng rng = rng_at(seed, "mail");
    uint64_t i_draw = 0, at = 0, known = 0;

    *w = (struct writer){ .base = { .ops = &writer_ops, .path = "writer" }, .mail = &r->mail };
    *r = (struct reader){ .base = { .ops = &reader_ops, .path = "reader" } };
    for (int i = 0; i < N_LETTER; i++) {
        at += rng_u64(rng, i_draw++) % 4;
        uint64_t way = 1 + rng_u64(rng, i_draw++) % 5;
        known = max_u64(known, at + way);
        w->put_cyc[i] = at;
        w->known_cyc[i] = known;
        r->pause_cyc[i] = rng_u64(rng, i_draw++) % 5;
    }
    assert_true(mail_init(&r->mail, &r->base, N_LETTER));
}

/* The i-th number is had when it is known and needed. Returns the reader's steps. */
static uint64_t run_and_check(uint32_t seed, enum kernel_kind kind, enum kernel_mode mode,
                              bool reader_first)
{
    struct writer w;
    struct reader r;
    uint64_t had = 0;

    draw(&w, &r, seed);
    struct block *block[] = { reader_first ? &r.base : &w.base, reader_first ? &w.base : &r.base };
    const struct design d = { .block = block, .n_block = 2 };
    struct kernel *k = kernel_new(kind, &d, mode);
    assert_non_null(k);
    kernel_run(k, CYC_NEVER);
    kernel_free(k);
    assert_int_equal(r.n, N_LETTER);
    for (int i = 0; i < N_LETTER; i++) {
        had = max_u64(w.known_cyc[i], i > 0 ? had + r.pause_cyc[i] : 0);
        assert_int_equal(r.took_cyc[i], had);
    }
    mail_release(&r.mail);
    return r.n_step;
}

static void a_reader_has_each_number_when_it_is_known_and_needed(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++)
        for (int first = 0; first < 2; first++) {
            for (enum kernel_mode mode = KERNEL_SKIP_IDLE; mode <= KERNEL_REVERSED; mode++)
                run_and_check(seed, KERNEL_NATIVE, mode, first);
            if (kernel_available(KERNEL_SYSTEMC))
                run_and_check(seed, KERNEL_SYSTEMC, KERNEL_SKIP_IDLE, first);
        }
}

/* Once at the start, once for each number that is known or needed later than the one before, and
 * once more for each that it asks for. */
static void nobody_is_woken_who_has_not_asked(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++)
        assert_in_range(run_and_check(seed, KERNEL_NATIVE, KERNEL_SKIP_IDLE, true), 2,
                        1 + 2 * N_LETTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_taken_in_order_round_the_ring),
        cmocka_unit_test(a_reader_has_each_number_when_it_is_known_and_needed),
        cmocka_unit_test(nobody_is_woken_who_has_not_asked),
    };
    return cmocka_run_group_tests_name("mail", tests, NULL, NULL);
}
