/* test/unit/test_widths.c -- values of other widths than a byte: words, links and sums by closed
 * forms and by a memory whose bits are laid one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/util.h"
#include "network/precision.h"
#include "study/run.h"
#include "study/study.h"
#include "test/plan_rig.h"

/* ---- formats ---- */

static void limits_and_bits_are_those_of_two_s_complement(void **state)
{
    (void)state;
    for (uint32_t bits = 1; bits <= 16; bits++)
        for (int is_signed = 0; is_signed < 2; is_signed++) {
            int32_t least, most, want_least = 0, want_most = 0;
            for (uint32_t b = 0; b < bits; b++) // each bit set or not, the top one of either sign
                if (is_signed && b + 1 == bits)
                    want_least -= 1 << b;
                else
                    want_most += 1 << b;
            value_limits(bits, is_signed, &least, &most);
            assert_int_equal(least, want_least);
            assert_int_equal(most, want_most);
            if (is_signed && bits == 1)
                continue;
            assert_int_equal(value_bits_for(least, most, is_signed), bits);
            assert_int_equal(value_bits_for(0, most, is_signed), bits > 1 || !is_signed ? bits : 2);
            assert_int_equal(value_bits_for(0, most + 1, is_signed), bits + 1);
            if (is_signed)
                assert_int_equal(value_bits_for(least - 1, 0, true), bits + 1);
        }
}

/* ---- memories ---- */

/* Words of a memory of word_bits bits that is filled value by value, a value never in two words:
 * [value of all, in order of addresses] -> word. */
struct laid {
    uint32_t *word; // owned; [height][columns][channels]
    uint64_t  words;
};

static struct laid lay(const struct memory_shape *s, const char *placing, uint32_t word_bits,
                       uint32_t value_bits)
{
    size_t n = (size_t)s->height * s->columns * s->pixel_values, at = 0;
    struct laid l = { .word = calloc(n, sizeof *l.word) };
    uint32_t word = 0, left = word_bits;

    for (uint32_t row = 0; row < s->height; row++)
        for (uint32_t column = 0; column < s->columns; column++)
            for (uint32_t c = 0; c < s->pixel_values; c++) {
                bool begins = c == 0 && left < word_bits &&
                              (strcmp(placing, "plip") == 0 ||
                               (strcmp(placing, "klip") == 0 && column == 0));
                if (begins || left < value_bits) {
                    word++;
                    left = word_bits;
                }
                left -= value_bits;
                l.word[at++] = word;
            }
    l.words = word + 1;
    return l;
}

static uint32_t different(const uint32_t *word, size_t n)
{
    uint32_t words = 0;

    for (size_t i = 0; i < n; i++)
        words += i == 0 || word[i] != word[i - 1];
    return words;
}

static void words_are_those_of_bits_laid_one_by_one(void **state)
{
    (void)state;
    static const char *const names[] = { "iwap", "klip", "plip" };

    for (uint32_t i = 0; i < 3 * 16 * 5; i++) {
        uint32_t bits = 1 + i / 15, word_bits = (uint32_t[]){ 16, 24, 64, 72, 128 }[i / 3 % 5];
        const struct memory_shape s = { .pixel_values = 1 + i * 7 % 40, .height = 3, .columns = 4,
                                        .kernel_columns = 3, .word_values = word_bits / bits };
        struct memory_layout m;
        memory_layout_init(&m, &s, placing_find(names[i % 3]));
        struct laid l = lay(&s, names[i % 3], word_bits, bits);

        assert_int_equal(memory_used_words(&m), l.words);
        for (uint32_t row = 0; row < 3; row++)
            for (uint32_t column = 0; column < 2; column++) {
                const uint32_t *at = l.word + (row * 4 + column) * s.pixel_values;
                assert_int_equal(memory_write_words(&m, row, column, 0, s.pixel_values),
                                 different(at, s.pixel_values));
                assert_int_equal(memory_read_words(&m, row, column, 3),
                                 different(at, 3 * s.pixel_values));
            }
        free(l.word);
    }
}

/* ---- plans and runs of a family in any width ---- */

static void set_widths(char text[2][64], uint32_t values, uint32_t weights)
{
    snprintf(text[0], 64, "network.value_bits=%u", values);
    snprintf(text[1], 64, "network.weight_bits=%u", weights);
}

/* 128 bits a word: 16 channels of 8 bits take 1 word, of 16 bits 2, of 3 bits (42 a word) 1; 5 Gb/s
 * at 500 MHz are 10 bits a clock. */
static void words_and_links_of_resnet_32_follow_from_the_bits_of_a_value(void **state)
{
    (void)state;
    for (uint32_t bits = 1; bits <= 16; bits++) {
        char text[2][64];
        set_widths(text, bits, 8);
        const char *const set[] = { text[0], text[1], "core.input_memory.placing=plip",
                                    "clocking.timestep_ns=400", NULL };
        struct plan_rig r;
        if (rig_make(&r, set))
            fail_msg("%s", r.msg.text);
        const struct plan *p = &r.plan;
        for (uint32_t i = 0; i < p->n_core; i++) {
            const struct plan_core *c = &p->core[i];
            uint64_t pixel = ceil_div(c->in_n, 128 / bits);
            const struct memory_layout *l = &p->time.core[i].layout;
            assert_int_equal(memory_used_words(l),
                             pixel * l->shape.height * l->shape.columns);
        }
        for (uint32_t i = 0; i < p->n_stream; i++) {
            const struct plan_stream *s = &p->stream[i];
            const struct layer *l = plan_network_layer(
                p, p->core[s->kind == STREAM_IMAGE ? s->to : s->from].plan_layer);
            bool sums = s->kind == STREAM_PARTIAL_SUM || s->kind == STREAM_RESULT;
            /* the most that 2^bits * 2^7 * rows can be */
            bool longs = bits > 8 && (UINT64_C(1) << bits) * 128 * layer_kernel_rows(l) > INT32_MAX;
            assert_int_equal(s->value_bits, !sums ? bits : longs ? 64 : 32);
            if (!sums)
                assert_int_equal(p->time.stream[i].used_clk,
                                 ceil_div((uint64_t)p->time.stream[i].most_pixels * s->n * bits,
                                          10));
        }
        rig_release(&r);
    }
}

/* 72 inputs of 2^16 - 1 times -2^15 need 49 bits; 72 ternary weights (2 bits: -2 at most) need 25:
 * 32 bits hold them. */
static void sums_take_64_bits_where_32_do_not_hold_them(void **state)
{
    (void)state;
    static const struct {
        uint32_t values, weights, sums;
    } row[] = { { 16, 16, 64 }, { 16, 2, 32 }, { 8, 8, 32 }, { 9, 8, 32 }, { 16, 8, 32 },
                { 16, 9, 32 }, { 16, 10, 64 }, { 1, 1, 32 } };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct plan_rig r = { 0 };
        rig_config(&r, (const char *const[]){ NULL });
        rig_image(&r, 5, 5, 8);
        rig_conv(&r, 0, 4, 3, 1); // 72 rows
        assert_int_equal(network_carry(&r.network, row[i].values, row[i].weights, &r.msg),
                         ERR_NONE);
        assert_int_equal(network_sum_bits(&r.network, 1), row[i].sums);
        rig_release(&r);
    }
}

/* Every firing sends a pixel of as many bits; every word written is one of a pixel's. */
static void a_run_counts_bits_and_words_of_the_width(void **state)
{
    (void)state;
    static const uint32_t width[] = { 1, 3, 4, 8, 12, 16 };
    uint64_t pixels_of_8[4096] = { 0 };

    for (size_t k = 0; k < sizeof width / sizeof *width; k++) {
        char text[2][64];
        set_widths(text, 8, 8);
        struct study s;
        struct run_result r;
        struct err_msg m;
        const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE,
                                     .n_image = 2, .jobs = 1 };
        for (uint32_t pass = 0; pass < 2; pass++) { // in bytes, then as wide
            set_widths(text, pass ? width[k] : 8, 8);
            const char *const set[] = { text[0], "core.input_memory.placing=plip",
                                        "clocking.timestep_ns=400", "network.depth=8" };
            if (study_load(&s, NULL, set, 4, &m) || run(&s.plan, &cfg, &r, &m))
                fail_msg("%s", m.text);
            for (uint32_t i = 0; i < s.plan.n_stream; i++) {
                const struct plan_stream *st = &s.plan.stream[i];
                uint64_t pixels = r.stream_bits[i] / ((uint64_t)st->n * st->value_bits);
                if (pass)
                    assert_int_equal(pixels, pixels_of_8[i]);
                pixels_of_8[i] = pixels;
            }
            for (uint32_t i = 0; pass && i < s.plan.n_core; i++) {
                const struct plan_layer *pl = &s.plan.layer[s.plan.core[i].plan_layer];
                uint64_t pixel = ceil_div(s.plan.core[i].in_n, 128 / width[k]);
                if (pl->feed != FEED_READ_BACK)
                    assert_int_equal(r.core[i].words_written,
                                     2 * pixel * pl->in_height * pl->in_width);
            }
            run_result_release(&r);
            study_release(&s);
        }
    }
}

/* ---- layers of several widths ---- */

enum { SIDE = 6 };

/* Two layers of 3 and 5 bits, which a third in two parts reads side by side; the fourth adds the
 * first, whose cores send it. */
static void make_joined(struct plan_rig *r, const char *placing)
{
    char text[64];

    snprintf(text, sizeof text, "core.input_memory.placing=%s", placing);
    rig_config(r, (const char *const[]){ text, "core.crossbar.rows=160", "core.crossbar.columns=32",
                                         "clocking.timestep_ns=4000", NULL });
    rig_image(r, SIDE, SIDE, 8);
    r->network.layer[0].value_bits = 7;
    r->network.layer[0].out_signed = false;
    rig_conv(r, 0, 12, 3, 1)->value_bits = 3;
    rig_conv(r, 0, 10, 3, 1)->value_bits = 5;
    rig_conv(r, 1, 12, 3, 1)->value_bits = 4;
    rig_concat(r, 2);
    struct layer *l = rig_conv(r, 3, 12, 1, 1);
    l->has_residual = true;
    l->residual = 1;
    l->value_bits = 6;
}

/* Bits of what a stream carries, by the numbers above. */
static uint32_t joined_bits(const struct plan *p, const struct plan_stream *s)
{
    static const uint32_t bits[] = { 7, 3, 5, 4, 6 };

    switch (s->kind) {
    case STREAM_IMAGE:
        return bits[0];
    case STREAM_PARTIAL_SUM:
        return 32;
    case STREAM_FROM_RESAMPLING: // the residual
        return bits[1];
    default:
        return bits[p->layer[p->core[s->from].plan_layer].layer];
    }
}

static void streams_and_memories_of_joined_layers_have_widths_of_their_own(void **state)
{
    (void)state;
    static const char *const names[] = { "iwap", "klip", "plip" };

    for (uint32_t k = 0; k < 3; k++) {
        struct plan_rig r = { 0 };
        uint32_t seen[N_STREAM_KIND] = { 0 };
        make_joined(&r, names[k]);
        if (rig_plan(&r))
            fail_msg("%s", r.msg.text);
        const struct plan *p = &r.plan;
        assert_int_equal(p->layer[2].parts, 2); // 22 channels of 9 positions
        for (uint32_t i = 0; i < p->n_stream; i++) {
            const struct plan_stream *s = &p->stream[i];
            seen[s->kind]++;
            assert_int_equal(s->value_bits, joined_bits(p, s));
            if (s->kind != STREAM_PARTIAL_SUM) // 5 Gb/s at 500 MHz
                assert_int_equal(p->time.stream[i].used_clk,
                                 ceil_div((uint64_t)p->time.stream[i].most_pixels * s->n *
                                              joined_bits(p, s), 10));
        }
        assert_true(seen[STREAM_IMAGE] && seen[STREAM_FORWARD] && seen[STREAM_PARTIAL_SUM] &&
                    seen[STREAM_FROM_RESAMPLING] && seen[STREAM_RESULT]);
        for (uint32_t i = 0; i < p->n_core; i++) {
            static const uint32_t widest[] = { 7, 7, 5, 4 }; // of what each layer reads
            const struct memory_layout *m = &p->time.core[i].layout;
            assert_int_equal(m->shape.word_values, 128 / widest[p->core[i].plan_layer]);
            struct laid l = lay(&m->shape, names[k], 128, widest[p->core[i].plan_layer]);
            assert_int_equal(memory_used_words(m), l.words);
            free(l.word);
        }
        rig_release(&r);
    }
}

/* ---- what is refused ---- */

static void assert_refused(const char *const *set, size_t n, const char *want)
{
    struct study s;
    struct err_msg m;

    assert_int_equal(study_load(&s, NULL, set, n, &m), ERR_INPUT);
    if (!strstr(m.text, want))
        fail_msg("\"%s\" lacks \"%s\"", m.text, want);
}

static void widths_from_1_to_16_or_the_network_s_own_are_read_and_no_others(void **state)
{
    (void)state;
    assert_refused((const char *const[]){ "network.value_bits=0" }, 1,
                   "--set network.value_bits: network.value_bits = 0: want 1 to 16 bit, or own");
    assert_refused((const char *const[]){ "network.value_bits=17" }, 1,
                   "network.value_bits = 17: want 1 to 16 bit, or own");
    assert_refused((const char *const[]){ "network.weight_bits=17" }, 1,
                   "network.weight_bits = 17: want 1 to 16 bit, or own");
}

static void a_network_of_bytes_is_carried_in_no_fewer_bits(void **state)
{
    (void)state;
    assert_refused((const char *const[]){ "network.onnx=models/resnet32_fmnist.onnx",
                                          "network.value_bits=4" }, 2,
                   "--set network.value_bits: network.value_bits = 4: layer image has values of 8 "
                   "bits: want at least as many, or own");
    assert_refused((const char *const[]){ "network.onnx=models/resnet32_fmnist.onnx",
                                          "network.weight_bits=4" }, 2,
                   "has weights of 8 bits: want at least as many, or own");
}

static void a_word_holds_a_value_or_is_refused_and_the_cure_works(void **state)
{
    (void)state;
    const char *set[] = { "network.value_bits=12", "core.input_memory.word_bits=8",
                          "clocking.timestep_ns=4000", "core.input_memory.words=65536" };
    struct study s;
    struct err_msg m;

    assert_refused(set, 4,
                   "--set core.input_memory.word_bits: core.input_memory.word_bits = 8: layer "
                   "conv1 reads values of 12 bits: want core.input_memory.word_bits = 16");
    set[1] = "core.input_memory.word_bits=16";
    if (study_load(&s, NULL, set, 4, &m))
        fail_msg("%s", m.text);
    study_release(&s);
}

static void layers_that_state_no_width_there_is_are_refused(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct plan_rig r = { 0 };
        rig_config(&r, (const char *const[]){ NULL });
        rig_image(&r, 5, 5, 8);
        struct layer *l = rig_conv(&r, 0, 4, 3, 1);
        l->value_bits = i == 0 ? 17 : i == 1 ? 1 : 8;
        l->weight_bits = i == 2 ? 17 : 8;
        l->out_signed = i == 1;
        assert_int_equal(rig_plan(&r), ERR_INPUT);
        assert_non_null(strstr(r.msg.text, "want 1 to 16, signed values of 2 or more"));
        rig_release(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_and_bits_are_those_of_two_s_complement),
        cmocka_unit_test(words_are_those_of_bits_laid_one_by_one),
        cmocka_unit_test(words_and_links_of_resnet_32_follow_from_the_bits_of_a_value),
        cmocka_unit_test(sums_take_64_bits_where_32_do_not_hold_them),
        cmocka_unit_test(a_run_counts_bits_and_words_of_the_width),
        cmocka_unit_test(streams_and_memories_of_joined_layers_have_widths_of_their_own),
        cmocka_unit_test(widths_from_1_to_16_or_the_network_s_own_are_read_and_no_others),
        cmocka_unit_test(a_network_of_bytes_is_carried_in_no_fewer_bits),
        cmocka_unit_test(a_word_holds_a_value_or_is_refused_and_the_cure_works),
        cmocka_unit_test(layers_that_state_no_width_there_is_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
