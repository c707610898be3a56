/* test/unit/test_memory.c -- placings, word counts, Algorithm 2, and the pixels that are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/util.h"
#include "memory/input_memory.h"
#include "memory/trial.h"

static struct memory_layout layout_of(const struct placing *p, uint32_t n, uint32_t h, uint32_t k,
                                      uint32_t f, uint32_t word_values)
{
    struct memory_shape s = { .pixel_values = n, .height = h, .columns = k, .kernel_columns = f,
                              .word_values = word_values };
    struct memory_layout l;

    memory_layout_init(&l, &s, p);
    return l;
}

static uint32_t pick(uint32_t *seed, uint32_t least, uint32_t most)
{
    *seed = *seed * 1664525u + 1013904223u;
    return least + (*seed >> 8) % (most - least + 1);
}

/* ---- Table 1 ---- */

static void every_cell_of_table_1_comes_out(void **state)
{
    (void)state;
    static const struct {
        uint32_t n, h, word_bits;
        const struct placing *placing;
        uint64_t used_values;
        double   empty_percent; // as printed, rounded to one digit
        uint32_t read_least, read_most, write_least, write_most;
    } cell[] = {
        {  3, 32, 128, &place_iwap,  288,  0.0,  1,  2, 1, 2 },
        {  3, 32, 128, &place_klip,  505, 43.0,  1,  1, 1, 1 },
        {  3, 32, 128, &place_plip, 1523, 81.1,  3,  3, 1, 1 },
        { 56,  8, 160, &place_iwap, 1344,  0.0,  9, 10, 3, 4 },
        { 56,  8, 160, &place_klip, 1428,  5.9,  9,  9, 3, 4 },
        { 56,  8, 160, &place_plip, 1436,  6.4,  9,  9, 3, 3 },
        { 56,  8, 128, &place_iwap, 1344,  0.0, 11, 11, 4, 4 },
        { 56,  8, 128, &place_klip, 1400,  4.0, 11, 11, 4, 4 },
        { 56,  8, 128, &place_plip, 1528, 12.0, 12, 12, 4, 4 },
    };
    for (size_t i = 0; i < sizeof cell / sizeof *cell; i++) {
        struct memory_layout l =
            layout_of(cell[i].placing, cell[i].n, cell[i].h, 3, 3, cell[i].word_bits / 8);
        struct memory_metrics m = memory_metrics(&l);

        assert_int_equal(m.used_values, cell[i].used_values);
        assert_true(m.empty_percent > cell[i].empty_percent - 0.05 &&
                    m.empty_percent < cell[i].empty_percent + 0.05);
        assert_int_equal(m.read_least, cell[i].read_least);
        assert_int_equal(m.read_most, cell[i].read_most);
        assert_int_equal(m.write_least, cell[i].write_least);
        assert_int_equal(m.write_most, cell[i].write_most);
    }
}

static void resnet32_needs_288_bytes_in_layer_1_and_1536_in_every_other_convolution(void **state)
{
    (void)state;
    static const struct {
        uint32_t channels, height, parts;
        uint64_t bytes;
    } layer[] = {
        { 3, 32, 1, 288 }, { 16, 32, 1, 1536 }, { 28, 16, 1, 1536 },
        { 56, 8, 1, 1536 }, { 56, 8, 2, 1536 }, // whole, and split as on 256 rows
    };
    for (size_t i = 0; i < sizeof layer / sizeof *layer; i++) {
        uint32_t n = layer[i].channels / layer[i].parts;
        struct memory_layout l = layout_of(placing_auto(n, 16), n, layer[i].height, 3, 3, 16);

        assert_int_equal(memory_used_words(&l) * 16 * layer[i].parts, layer[i].bytes);
    }
}

/* ---- word counts against a naive map ---- */

/* Which byte of which pixel lies where, laid down pixel by pixel as section 2.3 of the article
 * tells it, without strides. */
struct byte_map {
    uint64_t first[16][8]; // [x][slot] first byte
    uint64_t end;
};

static void map_make(struct byte_map *b, const struct placing *p, const struct memory_shape *s)
{
    uint64_t at = 0;

    *b = (struct byte_map){ 0 };
    for (uint32_t x = 0; x < s->height; x++)
        for (uint32_t slot = 0; slot < s->columns; slot++) {
            bool new_word = p == &place_plip || (p == &place_klip && slot == 0);
            while (new_word && at % s->word_values != 0)
                at++;
            b->first[x][slot] = at;
            b->end = at += s->pixel_values;
        }
}

/* Marks the words of n bytes, one byte at a time; returns how many were not yet marked. */
static uint32_t map_mark(bool *word, uint64_t first, uint32_t n, uint32_t word_values)
{
    uint32_t fresh = 0;

    for (uint64_t at = first; at < first + n; at++) {
        fresh += !word[at / word_values];
        word[at / word_values] = true;
    }
    return fresh;
}

#define MAX_WORDS (16 * 8 * 64 * 2)

static void check_reads(const struct memory_layout *l, const struct byte_map *b, uint32_t x,
                        uint64_t c)
{
    const struct memory_shape *s = &l->shape;
    bool word[MAX_WORDS] = { false };
    uint32_t want = 0;

    for (uint32_t n = 1; n <= s->columns; n++) {
        uint64_t first = b->first[x][(c + n - 1) % s->columns];
        want += map_mark(word, first, s->pixel_values, s->word_values);
        assert_int_equal(memory_read_words(l, x, c, n), want);
    }
}

static void check_writes(const struct memory_layout *l, const struct byte_map *b, uint32_t x,
                         uint64_t c)
{
    const struct memory_shape *s = &l->shape;

    for (uint32_t first = 0; first < s->pixel_values; first++) {
        bool word[MAX_WORDS] = { false };
        uint32_t want = 0;
        for (uint32_t n = 1; first + n <= s->pixel_values; n++) {
            want += map_mark(word, b->first[x][c % s->columns] + first + n - 1, 1, s->word_values);
            assert_int_equal(memory_write_words(l, x, c, first, n), want);
        }
    }
}

static void check_metrics(const struct memory_layout *l, const struct byte_map *b)
{
    const struct memory_shape *s = &l->shape;
    struct memory_metrics got = memory_metrics(l);
    uint32_t least[2] = { UINT32_MAX, UINT32_MAX }, most[2] = { 0, 0 };

    for (uint32_t x = 0; x < s->height; x++)
        for (uint32_t c = 0; c < s->columns; c++) {
            bool word[MAX_WORDS] = { false };
            uint32_t read = 0;
            uint32_t write = map_mark(word, b->first[x][c], s->pixel_values, s->word_values);

            memset(word, 0, sizeof word);
            for (uint32_t i = 0; i < s->kernel_columns; i++)
                read += map_mark(word, b->first[x][(c + i) % s->columns], s->pixel_values,
                                 s->word_values);
            least[0] = min_u32(least[0], read);
            most[0] = max_u32(most[0], read);
            least[1] = min_u32(least[1], write);
            most[1] = max_u32(most[1], write);
        }
    assert_int_equal(got.used_values, b->end);
    assert_int_equal(got.read_least, least[0]);
    assert_int_equal(got.read_most, most[0]);
    assert_int_equal(got.write_least, least[1]);
    assert_int_equal(got.write_most, most[1]);
}

static void word_counts_are_those_of_a_naive_map_of_every_byte(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 300; seed++) {
        uint32_t r = seed;
        uint32_t k = pick(&r, 1, 8), f = pick(&r, 1, k), h = pick(&r, 1, 16);
        uint32_t word_values = pick(&r, 1, 40), n = pick(&r, 1, 60);
        const struct placing *p = placings[seed % 3];
        struct memory_layout l = layout_of(p, n, h, k, f, word_values);
        struct byte_map b;

        map_make(&b, p, &l.shape);
        assert_int_equal(memory_used_words(&l), ceil_div(b.end, word_values));
        check_metrics(&l, &b);
        for (uint32_t x = 0; x < l.shape.height; x++) {
            uint64_t c = pick(&r, 0, 1000000);
            check_reads(&l, &b, x, c);
            check_writes(&l, &b, x, c);
        }
    }
}

/* ---- Algorithm 2 ---- */

/* The article's memory control for a map of height H, line 17 corrected to +=. Each function is
 * called with the position of the pixel (row) that comes next, as its example (section 2.4.3)
 * has it. Line numbers are the article's. */
struct algorithm_2 {
    uint64_t addr_w_0, addr_r_0;
    uint64_t delta_kernel, delta_pix[8];
    uint32_t kernel_size;
};

static uint64_t store_address(struct algorithm_2 *a, uint32_t next_x, uint64_t next_y)
{
    uint64_t addr_w = a->addr_w_0;                        // 2

    if (next_x == 0)                                      // 3
        a->addr_w_0 = a->delta_pix[next_y % a->kernel_size]; // 4
    else
        a->addr_w_0 += a->delta_kernel;                   // 6
    return addr_w;
}

static void read_addresses(struct algorithm_2 *a, uint64_t y, uint32_t next_x, uint64_t *addr_r)
{
    for (uint32_t i = 1; i <= a->kernel_size; i++)        // 9
        addr_r[i - 1] = a->addr_r_0 + a->delta_pix[(y + i) % a->kernel_size]; // 10, 11
    if (next_x == 0)                                      // 14
        a->addr_r_0 = a->delta_pix[0];                    // 15
    else
        a->addr_r_0 += a->delta_kernel;                   // 17
}

static void algorithm_2_init(struct algorithm_2 *a, const struct memory_layout *l)
{
    *a = (struct algorithm_2){ .delta_kernel = l->delta_kernel, .kernel_size = l->shape.columns };
    for (uint32_t slot = 0; slot < l->shape.columns; slot++)
        a->delta_pix[slot] = slot * l->delta_pix;
}

static void fill(uint32_t *seed, uint8_t *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)pick(seed, 0, 255);
}

static void pixels_lie_where_algorithm_2_steps_its_addresses(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++) {
        uint32_t r = seed, k = pick(&r, 1, 8), h = pick(&r, 1, 12), n = pick(&r, 1, 40);
        struct memory_layout l = layout_of(placings[seed % 3], n, h, k, k, pick(&r, 1, 20));
        struct input_memory m;
        struct algorithm_2 a;
        uint8_t pixel[40], row[8 * 40];
        uint64_t addr_r[8], missing;

        assert_true(memory_init(&m, &l, 1));
        algorithm_2_init(&a, &l);
        for (uint64_t c = 0; c < 4 * k; c++) {
            for (uint32_t x = 0; x < h; x++) {
                uint64_t addr_w = store_address(&a, (x + 1) % h, c + (x + 1) / h);
                fill(&r, pixel, n);
                memory_store(&m, x, c, 0, n, pixel);
                assert_memory_equal(&m.byte[addr_w], pixel, n);
            }
            for (uint32_t x = 0; x < h && c + 1 >= k; x++) {
                read_addresses(&a, c, (x + 1) % h, addr_r);
                assert_true(memory_read_row(&m, x, c + 1 - k, k, row, 0, &missing) > 0);
                for (uint32_t i = 0; i < k; i++)
                    assert_memory_equal(&row[i * n], &m.byte[addr_r[i]], n);
            }
        }
        memory_release(&m);
    }
}

/* The article's own example, Fig. 7D: pixels of two words, delta_kernel 6 words, delta_pix 0, 2, 4,
 * and (0,3) (0,1) (0,2) in words 0, 2, 4 once column 3 has come. */
static void strides_are_those_of_fig_7d(void **state)
{
    (void)state;
    struct memory_layout l = layout_of(&place_plip, 20, 5, 3, 3, 16);

    assert_int_equal(l.delta_kernel, 6 * 16);
    assert_int_equal(l.delta_pix, 2 * 16);

    struct input_memory m;
    uint8_t pixel[20];
    assert_true(memory_init(&m, &l, 1));
    for (uint8_t c = 0; c <= 3; c++) {
        memset(pixel, 10 + c, sizeof pixel);
        memory_store(&m, 0, c, 0, sizeof pixel, pixel);
    }
    assert_int_equal(m.byte[0 * 16], 13);
    assert_int_equal(m.byte[2 * 16], 11);
    assert_int_equal(m.byte[4 * 16], 12);
    memory_release(&m);
}

/* ---- the pixels that are there ---- */

/* A naive twin: every pixel ever sent, and how many of its bytes have come. */
#define TWIN_COLUMNS 20
struct twin {
    uint8_t  bytes[TWIN_COLUMNS][12][40];
    uint32_t arrived[TWIN_COLUMNS][12];
};

static bool twin_holds(const struct twin *t, const struct memory_shape *s, uint32_t x, uint64_t c)
{
    bool whole = t->arrived[c][x] == s->pixel_values;
    bool overwritten = c + s->columns < TWIN_COLUMNS && t->arrived[c + s->columns][x] > 0;

    return whole && !overwritten;
}

static void check_against_twin(const struct input_memory *m, const struct twin *t, uint64_t c)
{
    const struct memory_shape *s = &m->layout->shape;
    uint32_t rows = 0;

    while (rows < s->height && t->arrived[c][rows] == s->pixel_values)
        rows++;
    for (uint64_t later = c + s->columns; later < TWIN_COLUMNS; later += s->columns)
        if (t->arrived[later][0] == s->pixel_values)
            rows = s->height; // it had come whole before a pixel of that column had
    assert_int_equal(memory_rows_stored(m, c), rows);

    for (uint32_t x = 0; x < s->height; x++) {
        uint32_t n = min_u32(s->columns, TWIN_COLUMNS - (uint32_t)c), there = 0;
        uint8_t got[8 * 40];
        uint64_t missing = UINT64_MAX;

        assert_int_equal(memory_holds(m, x, c), twin_holds(t, s, x, c));
        while (there < n && twin_holds(t, s, x, c + there))
            there++;
        uint32_t words = memory_read_row(m, x, c, n, got, 0, &missing);
        assert_int_equal(words, there < n ? 0 : memory_read_words(m->layout, x, c, n));
        assert_int_equal(missing, there < n ? c + there : UINT64_MAX);
        for (uint32_t i = 0; there == n && i < n; i++)
            assert_memory_equal(&got[i * s->pixel_values], t->bytes[c + i][x], s->pixel_values);
    }
}

/* Two producers send the channels below and from `cut`, each in scan order and at its own pace, at
 * most a column apart. */
static void slices_of_two_producers_make_the_pixels_of_a_naive_twin(void **state)
{
    (void)state;
    static struct twin t;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        uint32_t r = seed, k = pick(&r, 1, 8), h = pick(&r, 1, 12), n = pick(&r, 2, 40);
        uint32_t cut = pick(&r, 1, n - 1);
        struct memory_layout l = layout_of(placings[seed % 3], n, h, k, k, pick(&r, 1, 20));
        struct input_memory m;
        uint32_t sent[2] = { 0, 0 }, pixels = TWIN_COLUMNS * h;

        memset(&t, 0, sizeof t);
        fill(&r, &t.bytes[0][0][0], sizeof t.bytes);
        assert_true(memory_init(&m, &l, 1));
        while (sent[0] + sent[1] < 2 * pixels) {
            uint32_t i = pick(&r, 0, 1);
            if (sent[i] == pixels || sent[i] >= sent[!i] + h)
                i = !i;
            uint32_t c = sent[i] / h, x = sent[i] % h, first = i ? cut : 0, len = i ? n - cut : cut;

            assert_int_equal(memory_store(&m, x, c, first, len, &t.bytes[c][x][first]),
                             memory_write_words(&l, x, c, first, len));
            t.arrived[c][x] += len;
            sent[i]++;
            check_against_twin(&m, &t, pick(&r, 0, TWIN_COLUMNS - 1));
            check_against_twin(&m, &t, c);
        }
        memory_release(&m);
    }
}

static void a_timing_run_counts_the_words_of_a_run_with_values(void **state)
{
    (void)state;
    struct memory_layout l = layout_of(&place_iwap, 7, 4, 3, 3, 16);
    struct input_memory timing, values;
    uint8_t pixel[7] = { 1, 2, 3, 4, 5, 6, 7 }, row[21];
    uint64_t missing;

    assert_true(memory_init(&timing, &l, 0));
    assert_true(memory_init(&values, &l, 1));
    assert_null(timing.byte);
    for (uint32_t c = 0; c < 5; c++)
        for (uint32_t x = 0; x < 4; x++)
            assert_int_equal(memory_store(&timing, x, c, 0, 7, NULL),
                             memory_store(&values, x, c, 0, 7, pixel));
    for (uint32_t x = 0; x < 4; x++)
        assert_int_equal(memory_read_row(&timing, x, 2, 3, NULL, 0, &missing),
                         memory_read_row(&values, x, 2, 3, row, 0, &missing));
    memory_release(&timing);
    memory_release(&values);
}

static void planes_keep_what_memories_of_their_own_would(void **state)
{
    enum { N_PLANE = 3, N = 20, H = 4, K = 5 };
    static const struct placing *const placing[] = { &place_iwap, &place_klip, &place_plip };

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct memory_layout l = layout_of(placing[i], N, H, K, 3, 16);
        struct input_memory all, one[N_PLANE];
        uint8_t slice[N_PLANE * 8], got[N_PLANE][3 * N + 7], want[3 * N];
        uint64_t missing;
        uint32_t r = i;

        assert_true(memory_init(&all, &l, N_PLANE));
        for (uint32_t p = 0; p < N_PLANE; p++)
            assert_true(memory_init(&one[p], &l, 1));
        for (uint32_t c = 0; c < 9; c++)
            for (uint32_t at = 0; at < H * N; at += 4) { // pixels in slices of 8 and 4 channels
                uint32_t x = at / N, first = at % N, n = first == 16 ? 4 : 8;
                fill(&r, slice, sizeof slice);
                for (uint32_t p = 0; p < N_PLANE; p++)
                    memory_store(&one[p], x, c, first, n, slice + p * n);
                memory_store(&all, x, c, first, n, slice);
                at += n - 4;
            }
        for (uint32_t x = 0; x < H; x++)
            for (uint32_t c = 4; c < 7; c++) {
                uint32_t words = memory_read_row(&all, x, c, 3, got[0], sizeof got[0], &missing);
                assert_true(words > 0);
                for (uint32_t p = 0; p < N_PLANE; p++) {
                    assert_int_equal(memory_read_row(&one[p], x, c, 3, want, 0, &missing), words);
                    assert_memory_equal(got[p], want, sizeof want);
                }
            }
        memory_release(&all);
        for (uint32_t p = 0; p < N_PLANE; p++)
            memory_release(&one[p]);
    }
}

/* Words of every access to the columns of image i. */
static uint64_t words_of_image(const struct memory_layout *l, uint32_t width, uint32_t i)
{
    uint64_t hash = 0;

    for (uint32_t x = 0; x < l->shape.height; x++)
        for (uint32_t y = 0; y < width; y++) {
            uint64_t c = (uint64_t)i * width + y;
            for (uint32_t n = 1; n <= l->shape.columns; n++)
                hash = hash * 31 + memory_read_words(l, x, c, n);
            for (uint32_t first = 0; first < l->shape.pixel_values; first++)
                hash = hash * 31 + memory_write_words(l, x, c, first, 1);
        }
    return hash;
}

/* A naive twin keeps what was learnt last of every word, or that it was written since. Strides are
 * a layout's, or smaller ones by which pixels overlap. */
static void what_is_known_of_a_pixel_lasts_until_any_of_its_words_is_written(void **state)
{
    enum { MOST = 8 * 12 * 64 };
    uint32_t n_known = 0, n_forgotten = 0;

    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++) {
        uint32_t r = seed, k = pick(&r, 1, 8), h = pick(&r, 1, 3), n = pick(&r, 2, 12);
        uint32_t word = pick(&r, 1, 8);
        struct memory_layout l = layout_of(placings[seed % 3], n, h, k, k, word);
        struct input_memory m;
        static uint64_t twin[MOST];
        uint8_t pixel[12] = { 0 };

        assert_true(memory_init(&m, &l, 1) && memory_keep_known(&m));
        const uint64_t words = memory_used_words(&l);
        if (seed % 2)
            l.delta_pix -= pick(&r, 0, (uint32_t)l.delta_pix - 1); // nearer: in the same memory
        memset(twin, 0, sizeof twin);
        for (uint32_t step = 0; step < 300; step++) {
            uint32_t row = pick(&r, 0, h - 1), first = pick(&r, 0, n - 1);
            uint64_t c = step / 10 + pick(&r, 0, k - 1);
            uint64_t at = row * l.delta_kernel + c % k * l.delta_pix, want = twin[at / word];
            uint32_t sort = pick(&r, 0, 4);
            for (uint64_t w = at / word; w <= (at + n - 1) / word; w++)
                want = twin[w] == want ? want : 0;
            assert_int_equal(memory_known(&m, row, c), at % word ? 0 : want);
            n_known += at % word == 0 && want > 0;
            if (sort > 0) {
                memory_learn(&m, row, c, step + 1);
                for (uint64_t w = at / word; at % word == 0 && w <= (at + n - 1) / word; w++)
                    twin[w] = step + 1;
                continue;
            }
            m.slot[row * k + c % k].arrived = 0; // as if another had gone
            memory_store(&m, row, c, first, n - first, pixel);
            for (uint64_t w = (at + first) / word; w <= (at + n - 1) / word; w++) {
                n_forgotten += twin[w] > 0;
                twin[w] = 0;
            }
        }
        memory_reset(&m);
        for (uint64_t w = 0; w < words; w++)
            assert_int_equal(m.known[w], 0);
        memory_release(&m);
    }
    assert_true(n_known > 1000 && n_forgotten > 1000);
}

static void images_a_rotation_apart_take_the_same_words(void **state)
{
    uint32_t n_rotates = 0;

    (void)state;
    for (uint32_t seed = 1; seed <= 300; seed++) {
        uint32_t r = seed, k = pick(&r, 1, 12), width = pick(&r, 1, 30);
        uint32_t n_byte = pick(&r, 1, 40), height = pick(&r, 1, 3), word = pick(&r, 1, 20);
        struct memory_layout l = layout_of(placings[seed % 3], n_byte, height, k, k, word);
        uint32_t n = memory_rotation(&l, width);

        for (uint32_t i = 0; i < 2 * n; i++)
            assert_int_equal(words_of_image(&l, width, i), words_of_image(&l, width, i + n));
        n_rotates += n > 1;
    }
    assert_true(n_rotates >= 30);
}

static void words_in_many_images_are_those_of_each_of_them(void **state)
{
    uint32_t n_rotates = 0;

    (void)state;
    for (uint32_t seed = 1; seed <= 2000; seed++) {
        uint32_t r = seed, k = pick(&r, 1, 12), width = pick(&r, 1, 30);
        uint32_t n_byte = pick(&r, 1, 40), height = pick(&r, 1, 3), word = pick(&r, 1, 20);
        struct memory_layout l = layout_of(placings[seed % 3], n_byte, height, k, k, word);
        const struct image_row images = { width, memory_rotation(&l, width), pick(&r, 1, 40) };
        uint32_t row = pick(&r, 0, height - 1), columns = pick(&r, 1, k);
        uint32_t first = pick(&r, 0, n_byte - 1), n = pick(&r, 1, n_byte - first);
        uint64_t c = pick(&r, 0, 100), read = 0, written = 0;

        for (uint64_t i = 0; i < images.n; i++) {
            read += memory_read_words(&l, row, c + i * width, columns);
            written += memory_write_words(&l, row, c + i * width, first, n);
        }
        assert_int_equal(memory_read_words_in(&l, &images, row, c, columns), read);
        assert_int_equal(memory_write_words_in(&l, &images, row, c, first, n), written);
        n_rotates += images.rotation > 1 && images.n > images.rotation;
    }
    assert_true(n_rotates >= 200);
}

static void an_absent_a_half_and_an_overwritten_pixel_are_refused_by_column(void **state)
{
    (void)state;
    struct memory_layout l = layout_of(&place_plip, 16, 2, 3, 3, 16);
    struct input_memory m;
    uint64_t missing = 99;

    assert_true(memory_init(&m, &l, 0));
    assert_int_equal(memory_read_row(&m, 0, 0, 1, NULL, 0, &missing), 0); // nothing yet
    assert_int_equal(missing, 0);
    for (uint32_t c = 0; c < 3; c++)
        for (uint32_t x = 0; x < 2; x++)
            memory_store(&m, x, c, 0, 16, NULL);
    assert_int_equal(memory_read_row(&m, 1, 0, 3, NULL, 0, &missing), 3);

    memory_store(&m, 0, 3, 0, 8, NULL); // half of (0, 3), where (0, 0) was
    assert_int_equal(memory_read_row(&m, 0, 0, 3, NULL, 0, &missing), 0);
    assert_int_equal(missing, 0);
    assert_int_equal(memory_read_row(&m, 0, 1, 3, NULL, 0, &missing), 0);
    assert_int_equal(missing, 3);
    assert_int_equal(memory_read_row(&m, 1, 0, 3, NULL, 0, &missing), 3); // (1, 0) is still there
    assert_int_equal(memory_rows_stored(&m, 3), 0);
    assert_int_equal(memory_rows_stored(&m, 0), m.layout->shape.height); // it had come whole

    memory_store(&m, 0, 3, 8, 8, NULL);
    assert_int_equal(memory_read_row(&m, 0, 1, 3, NULL, 0, &missing), 3);
    assert_int_equal(memory_rows_stored(&m, 3), 1);

    memory_reset(&m);
    assert_false(memory_holds(&m, 0, 3));
    for (uint32_t c = 0; c < 3; c++)
        assert_int_equal(memory_rows_stored(&m, c), 0);
    assert_int_equal(memory_read_row(&m, 1, 2, 1, NULL, 0, &missing), 0);
    memory_release(&m);
    memory_release(&m); // a released memory is a zeroed one
}

static void a_memory_too_large_for_the_host_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    struct memory_layout slots = layout_of(&place_iwap, 1, UINT32_MAX, 1 << 20, 1, 1);
    struct memory_layout bytes = layout_of(&place_iwap, UINT32_MAX, 1 << 16, 4, 1, 1);
    struct input_memory m, zero = { 0 };

    assert_false(memory_init(&m, &slots, 0));
    assert_memory_equal(&m, &zero, sizeof m);
    assert_false(memory_init(&m, &bytes, 1));
    assert_memory_equal(&m, &zero, sizeof m);
    memory_release(&m);
}

/* ---- the table ---- */

static void placings_are_found_by_name_and_only_plip_needs_no_masks(void **state)
{
    (void)state;
    assert_ptr_equal(placing_find("iwap"), &place_iwap);
    assert_ptr_equal(placing_find("klip"), &place_klip);
    assert_ptr_equal(placing_find("plip"), &place_plip);
    assert_null(placing_find("auto")); // a choice, not a placing
    assert_null(placing_find(""));
    assert_true(place_iwap.needs_masks && place_klip.needs_masks && !place_plip.needs_masks);
}

static void auto_takes_iwap_below_a_word_and_plip_from_a_word_on(void **state)
{
    (void)state;
    assert_ptr_equal(placing_auto(3, 16), &place_iwap);
    assert_ptr_equal(placing_auto(15, 16), &place_iwap);
    assert_ptr_equal(placing_auto(16, 16), &place_plip);
    assert_ptr_equal(placing_auto(28, 16), &place_plip);
}

static void a_pixel_is_complete_when_its_announced_slices_have_come_too(void **state)
{
    (void)state;
    const struct memory_shape s = { .pixel_values = 16, .height = 2, .columns = 2,
                                    .kernel_columns = 1, .word_values = 16, .announced = 2 };
    struct memory_layout l;
    struct input_memory m;

    memory_layout_init(&l, &s, &place_plip);
    assert_true(memory_init(&m, &l, 0));
    memory_announce(&m, 0, 0); // may come first
    memory_store(&m, 0, 0, 0, 16, NULL);
    assert_int_equal(memory_rows_stored(&m, 0), 0);
    assert_false(memory_holds(&m, 0, 0));
    memory_announce(&m, 0, 0);
    assert_int_equal(memory_rows_stored(&m, 0), 1);
    assert_true(memory_holds(&m, 0, 0));
    memory_release(&m);
}

static void tracked_columns_show_how_far_they_are_when_a_later_one_has_begun(void **state)
{
    (void)state;
    struct memory_shape s = { .pixel_values = 16, .height = 2, .columns = 1, .kernel_columns = 1,
                              .word_values = 16 };
    struct memory_layout l;

    for (s.tracked = 1; s.tracked <= 2; s.tracked++) {
        struct input_memory m;
        memory_layout_init(&l, &s, &place_plip);
        assert_true(memory_init(&m, &l, 0));
        memory_store(&m, 0, 0, 0, 16, NULL);
        memory_store(&m, 0, 1, 0, 16, NULL);
        assert_int_equal(memory_rows_stored(&m, 0), s.tracked == 2 ? 1 : s.height);
        assert_int_equal(memory_rows_stored(&m, 1), 1);
        memory_store(&m, 1, 0, 0, 16, NULL); // an older column changes nothing of a later one
        assert_int_equal(memory_rows_stored(&m, 1), 1);
        memory_release(&m);
    }
}

/* ---- a memory by itself ---- */

/* Whether no two pixels share a value, by their addresses. */
static bool pixels_lie_apart(const struct memory_layout *l)
{
    const struct memory_shape *s = &l->shape;
    uint8_t *taken = calloc(memory_used_values(l), 1);
    bool apart = true;

    assert_non_null(taken);
    for (uint32_t row = 0; row < s->height; row++)
        for (uint32_t slot = 0; slot < s->columns; slot++)
            for (uint32_t i = 0; i < s->pixel_values; i++)
                apart &= taken[row * l->delta_kernel + slot * l->delta_pix + i]++ == 0;
    free(taken);
    return apart;
}

static void a_trial_refuses_just_the_layouts_whose_pixels_overlap(void **state)
{
    uint32_t n_overlap = 0;

    (void)state;
    for (uint32_t seed = 1; seed <= 1000; seed++) {
        uint32_t r = seed, k = pick(&r, 1, 9), f = pick(&r, 1, k);
        struct memory_layout l = layout_of(placings[seed % 3], pick(&r, 1, 300), pick(&r, 1, 7), k,
                                           f, pick(&r, 1, 20));
        struct err_msg m;
        l.shape.announced = pick(&r, 0, 2);
        if (seed % 2)
            l.delta_pix -= pick(&r, 0, (uint32_t)l.delta_pix);
        if (seed % 4 == 1)
            l.delta_kernel = pick(&r, 0, (uint32_t)l.delta_kernel);
        bool apart = pixels_lie_apart(&l);
        if (memory_trial(&l, "a.b", &m) != (apart ? ERR_NONE : ERR_RUN))
            fail_msg("seed %u: pixels %s", seed, apart ? "lie apart" : "overlap");
        assert_true(apart || strncmp(m.text, "core a.b: memory: the pixels of row ", 36) == 0);
        n_overlap += !apart;
    }
    assert_in_range(n_overlap, 200, 800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_of_table_1_comes_out),
        cmocka_unit_test(resnet32_needs_288_bytes_in_layer_1_and_1536_in_every_other_convolution),
        cmocka_unit_test(word_counts_are_those_of_a_naive_map_of_every_byte),
        cmocka_unit_test(strides_are_those_of_fig_7d),
        cmocka_unit_test(pixels_lie_where_algorithm_2_steps_its_addresses),
        cmocka_unit_test(slices_of_two_producers_make_the_pixels_of_a_naive_twin),
        cmocka_unit_test(a_timing_run_counts_the_words_of_a_run_with_values),
        cmocka_unit_test(planes_keep_what_memories_of_their_own_would),
        cmocka_unit_test(what_is_known_of_a_pixel_lasts_until_any_of_its_words_is_written),
        cmocka_unit_test(images_a_rotation_apart_take_the_same_words),
        cmocka_unit_test(words_in_many_images_are_those_of_each_of_them),
        cmocka_unit_test(an_absent_a_half_and_an_overwritten_pixel_are_refused_by_column),
        cmocka_unit_test(a_memory_too_large_for_the_host_is_refused_and_leaves_nothing),
        cmocka_unit_test(placings_are_found_by_name_and_only_plip_needs_no_masks),
        cmocka_unit_test(auto_takes_iwap_below_a_word_and_plip_from_a_word_on),
        cmocka_unit_test(a_pixel_is_complete_when_its_announced_slices_have_come_too),
        cmocka_unit_test(tracked_columns_show_how_far_they_are_when_a_later_one_has_begun),
        cmocka_unit_test(a_trial_refuses_just_the_layouts_whose_pixels_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
