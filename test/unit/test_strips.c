/* test/unit/test_strips.c -- what strips are listed to read against input registers that read it,
 * strip by strip on the map itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataflow/plan/strips.h"
#include "memory/registers.h"
#include "test/random_study.h"

enum { STUDIES = 400, MOST_READS = 4096 };

struct list {
    struct row_read read[MOST_READS];
    uint32_t        n;
};

static void add(struct list *l, struct row_read r)
{
    assert_true(l->n < MOST_READS);
    if (r.columns > 0)
        l->read[l->n++] = r;
}

static int by_place(const void *a, const void *b)
{
    const struct row_read *x = a, *y = b;

    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return (x->first_column > y->first_column) - (x->first_column < y->first_column);
}

static void assert_same(struct list *got, struct list *want)
{
    assert_int_equal(got->n, want->n);
    qsort(got->read, got->n, sizeof *got->read, by_place);
    qsort(want->read, want->n, sizeof *want->read, by_place);
    for (uint32_t i = 0; i < got->n; i++) {
        assert_int_equal(got->read[i].row, want->read[i].row);
        assert_int_equal(got->read[i].first_column, want->read[i].first_column);
        assert_int_equal(got->read[i].columns, want->read[i].columns);
    }
}

/* A read from the list, together with so many before it. */
static struct row_read on_map(const struct plan_layer *pl, const struct strip_form *form,
                              const struct strip_read *read, uint32_t left, bool together)
{
    struct strip_read whole = *read;
    struct row_read r = { .row = read->row };

    for (const struct strip_read *at = read; together && &form->read[at->before] != at;) {
        at = &form->read[at->before];
        whole.first = at->first;
        whole.columns += at->columns;
    }
    strip_read_columns(pl, &whole, left, &r.first_column, &r.columns);
    return r;
}

/* Whether another read goes on where this one ends. */
static bool goes_on(const struct strip_form *form, const struct strip_read *read)
{
    for (const struct strip_read *r = read + 1; r < form->read + form->n_read; r++)
        if (&form->read[r->before] == read)
            return true;
    return false;
}

/* Each output in a firing of its own, or all of them in one. Returns reads made of several. */
static uint32_t check_strip(const struct plan_layer *pl, const struct strips *s, uint32_t left,
                            bool together, struct input_registers *reg)
{
    static struct list got, want;
    const struct strip_form *form = strip_at(s, left);
    uint32_t merged = 0;

    got.n = want.n = 0;
    registers_reset(reg);
    for (uint32_t i = 0; i < form->n_place; i++) {
        struct pixel at = { 0, form->place[i].row, left + form->place[i].column };
        if (i == 0 || !together)
            registers_begin(reg, &at);
        registers_need(reg, &at);
        for (uint32_t k = 0; (!together || i + 1 == form->n_place) && k < reg->n_read; k++)
            add(&want, reg->read[k]);
    }
    for (const struct strip_read *r = form->read; r < form->read + form->n_read; r++) {
        merged += r->before != (uint32_t)(r - form->read);
        if (!together || !goes_on(form, r))
            add(&got, on_map(pl, form, r, left, together));
    }
    assert_same(&got, &want);
    return merged;
}

static uint32_t check_layer(const struct plan *p, uint32_t layer)
{
    const struct plan_layer *pl = &p->layer[layer];
    struct input_registers reg;
    struct strips s;
    uint32_t merged = 0;

    assert_true(strips_init(&s, p, layer));
    assert_true(registers_init(&reg, &pl->window, pl->in_height, pl->in_width, s.width));
    for (uint32_t left = 0; left < s.shape.width; left += s.width) {
        check_strip(pl, &s, left, false, &reg);
        merged += check_strip(pl, &s, left, true, &reg);
    }
    registers_release(&reg);
    strips_release(&s);
    return merged;
}

static void strips_read_what_registers_need(void **state)
{
    uint32_t merged = 0;

    (void)state;
    for (unsigned seed = 1; seed <= STUDIES; seed++) {
        struct random_study study;
        random_study_make(&study, seed);
        for (uint32_t i = 0; i < study.plan.n_layer; i++)
            merged += check_layer(&study.plan, i);
        random_study_release(&study);
    }
    assert_true(merged > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strips_read_what_registers_need),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
