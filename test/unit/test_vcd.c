/* The dump writer against the letter of IEEE 1364-2005 and against a reader of its own. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/vcd_read.h"
#include "traces/vcd.h"

struct dump {
    char       *text;
    size_t      size;
    FILE       *out;
    struct vcd *vcd;
};

static struct dump *dump_open(uint32_t clock_mhz, uint64_t first_cyc, uint64_t last_cyc)
{
    struct dump *d = calloc(1, sizeof *d);

    assert_non_null(d);
    d->out = open_memstream(&d->text, &d->size);
    assert_non_null(d->out);
    d->vcd = vcd_new(&(struct vcd_cfg){ d->out, clock_mhz, first_cyc, last_cyc });
    assert_non_null(d->vcd);
    return d;
}

static uint32_t declare(struct dump *d, const char *scope, const char *name, enum vcd_kind kind,
                        uint32_t bits, uint64_t value)
{
    uint32_t number;

    assert_true(vcd_declare(d->vcd, scope, name, kind, bits, value, &number));
    return number;
}

static const char *dump_end(struct dump *d, uint64_t cyc)
{
    vcd_end(d->vcd, cyc);
    fflush(d->out);
    return d->text;
}

static void dump_close(struct dump *d)
{
    fclose(d->out);
    free(d->text);
    vcd_free(d->vcd);
    free(d);
}

static void a_small_dump_is_what_one_would_write_by_hand(void **state)
{
    struct dump *d = dump_open(500, 0, UINT64_MAX);
    uint32_t busy = declare(d, "top", "busy", VCD_WIRE, 1, 0);
    uint32_t count = declare(d, "top.a", "count", VCD_WIRE, 8, 5);
    uint32_t fire = declare(d, "top.ab", "fire", VCD_EVENT, 1, 0);
    (void)state;

    vcd_begin(d->vcd, "by hand");
    vcd_set(d->vcd, busy, 1);
    vcd_happen(d->vcd, fire);
    vcd_time(d->vcd, 3);
    vcd_set(d->vcd, count, 0);
    vcd_time(d->vcd, 4);
    vcd_set(d->vcd, busy, 0); // falls and rises
    vcd_set(d->vcd, busy, 1);
    vcd_happen(d->vcd, fire);
    assert_string_equal(dump_end(d, 10), "$version imcsim $end\n"
                                         "$comment by hand $end\n"
                                         "$timescale 1 ns $end\n"
                                         "$scope module top $end\n"
                                         "$var wire 1 ! busy $end\n"
                                         "$scope module a $end\n"
                                         "$var wire 8 \" count $end\n"
                                         "$upscope $end\n"
                                         "$scope module ab $end\n"
                                         "$var event 1 # fire $end\n"
                                         "$upscope $end\n"
                                         "$upscope $end\n"
                                         "$enddefinitions $end\n"
                                         "#0\n"
                                         "$dumpvars\n"
                                         "1!\n"
                                         "b101 \"\n"
                                         "$end\n"
                                         "1#\n"
                                         "#6\n"
                                         "b0 \"\n"
                                         "#8\n"
                                         "1#\n"
                                         "#20\n");
    dump_close(d);
}

static void the_unit_is_the_largest_in_which_a_period_is_whole(void **state)
{
    static const struct {
        uint32_t    mhz;
        const char *timescale;
        uint64_t    of_7_cycles;
    } cases[] = {
        { 500, "1 ns", 14 },           // 2 ns
        { 100, "10 ns", 7 },           // 10 ns
        { 1, "1 us", 7 },
        { 400, "100 ps", 175 },        // 2.5 ns
        { 800, "10 ps", 875 },         // 1.25 ns
        { 1000000, "1 ps", 7 },
        { 300, "1 fs", 23333333 },     // 7 / 300 us, rounded down
        { 999999, "1 fs", 7000 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dump *d = dump_open(cases[i].mhz, 0, UINT64_MAX);
        uint32_t busy = declare(d, "top", "busy", VCD_WIRE, 1, 0);
        vcd_begin(d->vcd, "");
        vcd_time(d->vcd, 7);
        vcd_set(d->vcd, busy, 1);
        struct vcd_file f = vcd_read(dump_end(d, 7));
        assert_string_equal(f.timescale, cases[i].timescale);
        assert_int_equal(f.signal[0].change[1].time, cases[i].of_7_cycles);
        vcd_file_release(&f);
        dump_close(d);
    }
}

static void a_window_begins_with_the_values_before_it_and_ends_at_its_end(void **state)
{
    struct dump *d = dump_open(1000, 10, 20);
    uint32_t count = declare(d, "top", "count", VCD_WIRE, 64, 1);
    uint32_t fire = declare(d, "top", "fire", VCD_EVENT, 1, 0);
    (void)state;

    vcd_begin(d->vcd, "");
    for (uint64_t cyc = 4; cyc <= 24; cyc += 4) { // 4, 8, 12, 16, 20, 24
        vcd_time(d->vcd, cyc);
        vcd_set(d->vcd, count, cyc);
        vcd_happen(d->vcd, fire);
    }
    struct vcd_file f = vcd_read(dump_end(d, 30));
    const struct vcd_signal *c = &f.signal[0], *e = &f.signal[1];
    assert_int_equal(f.dump_time, 10);
    assert_int_equal(f.end_time, 20);
    assert_int_equal(c->n_change, 4);
    assert_int_equal(c->change[0].value, 8);
    assert_int_equal(c->change[1].time, 12);
    assert_int_equal(c->change[3].value, 20);
    assert_int_equal(e->n_change, 3);
    vcd_file_release(&f);
    dump_close(d);
}

static void a_window_without_a_change_has_its_values(void **state)
{
    struct dump *d = dump_open(1000, 10, 20);
    uint32_t count = declare(d, "top", "count", VCD_WIRE, 64, UINT64_MAX);
    (void)state;

    vcd_begin(d->vcd, "");
    vcd_time(d->vcd, 25);
    vcd_set(d->vcd, count, 3);
    struct vcd_file f = vcd_read(dump_end(d, 30));
    assert_int_equal(f.signal[0].n_change, 1);
    assert_int_equal(f.signal[0].change[0].value, UINT64_MAX);
    assert_int_equal(f.signal[0].change[0].time, 10);
    vcd_file_release(&f);
    dump_close(d);
}

static void thousands_of_variables_have_names_of_their_own(void **state)
{
    enum { N = 9000 }; // more than 94 * 94
    struct dump *d = dump_open(1000, 0, UINT64_MAX);
    char name[16];
    (void)state;

    for (uint32_t i = 0; i < N; i++) {
        snprintf(name, sizeof name, "v%" PRIu32, i);
        assert_int_equal(declare(d, "top", name, VCD_WIRE, 16, 0), i);
    }
    vcd_begin(d->vcd, "");
    for (uint32_t i = 0; i < N; i++)
        vcd_set(d->vcd, i, i);
    const char *text = dump_end(d, 1), *at = strstr(text, "$dumpvars");
    char id[8] = "";
    for (uint32_t i = 0; i < N; i++) { // in order of declaration, values in binary
        uint32_t value = 0;
        at = strchr(at, '\n') + 1;
        assert_int_equal(*at, 'b');
        for (at++; *at != ' '; at++)
            value = 2 * value + (uint32_t)(*at - '0');
        assert_int_equal(value, i);
        assert_int_equal(sscanf(at, "%7s", id), 1);
        snprintf(name, sizeof name, "v%" PRIu32 " $", i);
        const char *declared = strstr(text, name);
        assert_memory_equal(declared - strlen(id) - 1, id, strlen(id));
    }
    dump_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_dump_is_what_one_would_write_by_hand),
        cmocka_unit_test(the_unit_is_the_largest_in_which_a_period_is_whole),
        cmocka_unit_test(a_window_begins_with_the_values_before_it_and_ends_at_its_end),
        cmocka_unit_test(a_window_without_a_change_has_its_values),
        cmocka_unit_test(thousands_of_variables_have_names_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
