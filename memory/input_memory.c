/* memory/input_memory.c -- see input_memory.h. */
#include "memory/input_memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"

/* ---- layout: where pixels lie and which words they touch ---- */

void memory_layout_init(struct memory_layout *l, const struct memory_shape *s,
                        const struct placing *p)
{
    assert(s->pixel_values > 0 && s->height > 0 && s->columns > 0 && s->word_values > 0);
    assert(s->kernel_columns > 0 && s->kernel_columns <= s->columns);
    *l = (struct memory_layout){ .shape = *s,
                                 .placing = p,
                                 .columns = divisor_of(s->columns),
                                 .word = divisor_of(s->word_values) };
    p->strides(s, &l->delta_kernel, &l->delta_pix);
    assert(l->delta_kernel <= UINT64_MAX / s->height);
}

static uint32_t slot_of(const struct memory_layout *l, uint64_t c)
{
    return (uint32_t)remainder_of(c, &l->columns);
}

static uint64_t word_of(const struct memory_layout *l, uint64_t value)
{
    return quotient(value, &l->word);
}

bool memory_words_apart(const struct memory_layout *l)
{
    return remainder_of(l->delta_pix, &l->word) == 0 &&
           remainder_of(l->delta_kernel, &l->word) == 0;
}

static uint64_t address(const struct memory_layout *l, uint32_t row, uint32_t slot)
{
    return row * l->delta_kernel + slot * l->delta_pix;
}

uint64_t memory_used_values(const struct memory_layout *l)
{
    return address(l, l->shape.height - 1, l->shape.columns - 1) + l->shape.pixel_values;
}

uint64_t memory_used_words(const struct memory_layout *l)
{
    return ceil_div(memory_used_values(l), l->shape.word_values);
}

/* Words touched by n values from value `first` on of the pixel in a slot. */
static uint32_t words_written(const struct memory_layout *l, uint32_t row, uint32_t slot,
                              uint32_t first, uint32_t n)
{
    assert(row < l->shape.height && n > 0 && first + n <= l->shape.pixel_values);
    uint64_t begin = address(l, row, slot) + first;

    return (uint32_t)(word_of(l, begin + n - 1) - word_of(l, begin) + 1);
}

uint32_t memory_write_words(const struct memory_layout *l, uint32_t row, uint64_t c, uint32_t first,
                            uint32_t n)
{
    return words_written(l, row, slot_of(l, c), first, n);
}

struct word_range {
    uint64_t first, last;
};

/* Words of the neighbouring slots begin to end - 1 of a row. No word between the first and the last
 * is missed: pixels are adjacent or fill all words of their delta_pix. */
static struct word_range slots_words(const struct memory_layout *l, uint32_t row, uint32_t begin,
                                     uint32_t end)
{
    return (struct word_range){
        .first = word_of(l, address(l, row, begin)),
        .last = word_of(l, address(l, row, end - 1) + l->shape.pixel_values - 1),
    };
}

/* Words touched by n_columns pixels of a row, in the slots from `slot` on. */
static uint32_t words_read(const struct memory_layout *l, uint32_t row, uint32_t slot,
                           uint32_t n_columns)
{
    uint32_t columns = l->shape.columns;
    assert(row < l->shape.height && n_columns > 0 && n_columns <= columns);
    if (memory_words_apart(l))
        return n_columns * (uint32_t)word_of(l, l->delta_pix);
    uint32_t begin = n_columns < columns ? slot : 0; // a whole row starts anywhere
    struct word_range high = slots_words(l, row, begin, min_u32(begin + n_columns, columns));
    uint64_t words = high.last - high.first + 1;

    if (begin + n_columns > columns) { // the newest columns have wrapped to slot 0
        struct word_range low = slots_words(l, row, 0, begin + n_columns - columns);
        words += low.last - low.first + (low.last < high.first);
    }
    return (uint32_t)words;
}

uint32_t memory_read_words(const struct memory_layout *l, uint32_t row, uint64_t c,
                           uint32_t n_columns)
{
    return words_read(l, row, slot_of(l, c), n_columns);
}

uint32_t memory_rotation(const struct memory_layout *l, uint32_t width)
{
    uint32_t a = l->shape.columns, b = width; // their greatest common divisor

    if (memory_words_apart(l))
        return 1;
    while (b > 0) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return l->shape.columns / a;
}

/* Of n images, how many have the rotation of the k-th. */
static uint64_t images_like(const struct image_row *images, uint32_t k)
{
    return (images->n - 1 - k) / images->rotation + 1;
}

uint64_t memory_write_words_in(const struct memory_layout *l, const struct image_row *images,
                               uint32_t row, uint64_t c, uint32_t first, uint32_t n_value)
{
    uint64_t words = 0;

    for (uint32_t k = 0; k < images->rotation && k < images->n; k++, c += images->width)
        words += images_like(images, k) * memory_write_words(l, row, c, first, n_value);
    return words;
}

uint64_t memory_read_words_in(const struct memory_layout *l, const struct image_row *images,
                              uint32_t row, uint64_t c, uint32_t n_columns)
{
    uint64_t words = 0;

    for (uint32_t k = 0; k < images->rotation && k < images->n; k++, c += images->width)
        words += images_like(images, k) * memory_read_words(l, row, c, n_columns);
    return words;
}

struct memory_metrics memory_metrics(const struct memory_layout *l)
{
    const struct memory_shape *s = &l->shape;
    double payload = (double)s->height * s->columns * s->pixel_values;
    struct memory_metrics r = { .used_values = memory_used_values(l),
                                .read_least = UINT32_MAX, .write_least = UINT32_MAX };

    r.empty_percent = 100 * (1 - payload / (double)r.used_values);
    for (uint32_t row = 0; row < s->height; row++)
        for (uint32_t c = 0; c < s->columns; c++) {
            uint32_t read = memory_read_words(l, row, c, s->kernel_columns);
            uint32_t write = memory_write_words(l, row, c, 0, s->pixel_values);

            r.read_least = min_u32(r.read_least, read);
            r.read_most = max_u32(r.read_most, read);
            r.write_least = min_u32(r.write_least, write);
            r.write_most = max_u32(r.write_most, write);
        }
    return r;
}

/* ---- memory: the pixels that are there ---- */

static size_t n_slot(const struct memory_layout *l)
{
    return (size_t)l->shape.height * l->shape.columns;
}

bool memory_init(struct input_memory *m, const struct memory_layout *layout, uint32_t planes)
{
    *m = (struct input_memory){
        .layout = layout,
        .slot = calloc(n_slot(layout), sizeof *m->slot),
        .n_progress = max_u32(layout->shape.columns, layout->shape.tracked),
    };
    m->tracked = divisor_of(m->n_progress);
    m->progress = calloc(m->n_progress, sizeof *m->progress);
    if (planes > 0) {
        m->planes = planes;
        m->plane_bytes = memory_used_words(layout) * layout->shape.word_values;
        m->byte = calloc(planes, m->plane_bytes);
    }
    if (m->slot && m->progress && (m->byte || planes == 0))
        return true;
    memory_release(m);
    return false;
}

void memory_release(struct input_memory *m)
{
    free(m->byte);
    free(m->slot);
    free(m->progress);
    free(m->known);
    *m = (struct input_memory){ 0 };
}

void memory_reset(struct input_memory *m)
{
    memset(m->slot, 0, n_slot(m->layout) * sizeof *m->slot);
    memset(m->progress, 0, m->n_progress * sizeof *m->progress);
    if (m->known)
        memset(m->known, 0, memory_used_words(m->layout) * sizeof *m->known);
}

static struct pixel_slot *pixel_at(const struct input_memory *m, uint32_t row, uint32_t slot)
{
    assert(row < m->layout->shape.height);
    return &m->slot[(size_t)row * m->layout->shape.columns + slot];
}

/* Whether anything of pixel (row, c) is in its slot. */
static bool begun(const struct pixel_slot *p, uint64_t c)
{
    return p->arrived > 0 && p->column == c;
}

/* What arrives of a pixel until it is complete. */
static uint32_t whole(const struct input_memory *m)
{
    return m->layout->shape.pixel_values + m->layout->shape.announced;
}

static bool complete(const struct input_memory *m, const struct pixel_slot *p, uint64_t c)
{
    return p->arrived == whole(m) && p->column == c;
}

static struct column_progress *progress_of(const struct input_memory *m, uint64_t c)
{
    return &m->progress[remainder_of(c, &m->tracked)];
}

/* ---- what is known of words ---- */

bool memory_keep_known(struct input_memory *m)
{
    m->known = calloc(memory_used_words(m->layout), sizeof *m->known);
    return m->known != NULL;
}

/* The words of n values from value `first` on of the pixel in a slot. */
static struct word_range value_words(const struct memory_layout *l, uint32_t row, uint32_t slot,
                                     uint32_t first, uint32_t n)
{
    const uint64_t begin = address(l, row, slot) + first;

    return (struct word_range){ word_of(l, begin), word_of(l, begin + n - 1) };
}

static void set_known(struct input_memory *m, struct word_range words, uint64_t what)
{
    for (uint64_t w = words.first; w <= words.last; w++)
        m->known[w] = what;
}

/* Whether something may be known of the pixel in a slot. */
static bool begins_word(const struct input_memory *m, uint32_t row, uint32_t slot)
{
    return m->known && remainder_of(address(m->layout, row, slot), &m->layout->word) == 0;
}

void memory_learn(struct input_memory *m, uint32_t row, uint64_t c, uint64_t what)
{
    const struct memory_layout *l = m->layout;
    const uint32_t slot = slot_of(l, c);

    if (begins_word(m, row, slot))
        set_known(m, value_words(l, row, slot, 0, l->shape.pixel_values), what);
}

static uint64_t known_in(const struct input_memory *m, uint32_t row, uint32_t slot)
{
    const struct memory_layout *l = m->layout;

    if (!begins_word(m, row, slot))
        return 0;
    const struct word_range words = value_words(l, row, slot, 0, l->shape.pixel_values);
    for (uint64_t w = words.first; w < words.last; w++)
        if (m->known[w] != m->known[words.last])
            return 0;
    return m->known[words.last];
}

uint64_t memory_known(const struct input_memory *m, uint32_t row, uint64_t c)
{
    return known_in(m, row, slot_of(m->layout, c));
}

uint32_t memory_known_row(const struct input_memory *m, uint32_t row, uint64_t c,
                          uint32_t n_columns, uint64_t what, uint64_t step)
{
    const uint32_t columns = m->layout->shape.columns;
    uint32_t slot = slot_of(m->layout, c), n = 0;

    for (; n < n_columns && known_in(m, row, slot) == what; n++, what += step)
        slot = slot + 1 < columns ? slot + 1 : 0;
    return n;
}

/* ---- pixels that come ---- */

/* n more of the values and announcements of pixel (row, c); returns its slot. */
static uint32_t arrive(struct input_memory *m, uint32_t row, uint64_t c, uint32_t n)
{
    uint32_t slot = slot_of(m->layout, c);
    struct pixel_slot *p = pixel_at(m, row, slot);

    if (!begun(p, c)) // takes the slot over
        *p = (struct pixel_slot){ .column = c };
    p->arrived += n;
    assert(p->arrived <= whole(m));
    /* Every producer keeps the order of rows, so pixels become complete in it. A slower one may
     * still complete those of a column whose place a later one has taken: they no longer count. */
    struct column_progress *column = progress_of(m, c);
    if (complete(m, p, c) && (column->rows == 0 || column->column <= c))
        *column = (struct column_progress){ c, row + 1 };
    return slot;
}

uint32_t memory_store(struct input_memory *m, uint32_t row, uint64_t c, uint32_t first, uint32_t n,
                      const uint8_t *bytes)
{
    const struct memory_layout *l = m->layout;
    uint32_t slot = arrive(m, row, c, n);

    for (uint32_t p = 0; bytes && p < m->planes; p++)
        memcpy(&m->byte[p * m->plane_bytes + address(l, row, slot) + first], bytes + p * n, n);
    if (m->known)
        set_known(m, value_words(l, row, slot, first, n), 0);
    return words_written(l, row, slot, first, n);
}

void memory_announce(struct input_memory *m, uint32_t row, uint64_t c)
{
    arrive(m, row, c, 1);
}

uint32_t memory_rows_stored(const struct input_memory *m, uint64_t c)
{
    const struct column_progress *p = progress_of(m, c);

    if (p->rows == 0 || p->column < c)
        return 0;
    return p->column == c ? p->rows : m->layout->shape.height;
}

bool memory_holds(const struct input_memory *m, uint32_t row, uint64_t c)
{
    return complete(m, pixel_at(m, row, slot_of(m->layout, c)), c);
}

/* Whether n pixels of a row from column c on, the first in slot `slot`, are there. */
static bool hold_all(const struct input_memory *m, uint32_t row, uint64_t c, uint32_t slot,
                     uint32_t n)
{
    const struct pixel_slot *held = pixel_at(m, row, 0);
    uint32_t columns = m->layout->shape.columns, want = whole(m);
    uint64_t differ = 0;

    for (uint64_t end = c + n; c < end; c++) {
        differ |= (held[slot].column ^ c) | (held[slot].arrived ^ want);
        slot = slot + 1 < columns ? slot + 1 : 0;
    }
    return differ == 0;
}

/* Pixels of neighbouring slots of a row, one after the other, of every plane. */
static void copy_slots(const struct input_memory *m, uint32_t row, uint32_t slot, uint32_t n_slot,
                       uint8_t *out, size_t apart)
{
    const struct memory_layout *l = m->layout;
    size_t n = l->shape.pixel_values;
    const uint8_t *from = &m->byte[address(l, row, slot)];

    for (uint32_t p = 0; p < m->planes; p++, out += apart, from += m->plane_bytes)
        if (l->delta_pix == n)
            memcpy(out, from, n_slot * n);
        else
            for (uint32_t i = 0; i < n_slot; i++)
                memcpy(out + i * n, from + i * l->delta_pix, n);
}

uint32_t memory_read_row(const struct input_memory *m, uint32_t row, uint64_t c, uint32_t n_columns,
                         uint8_t *out, size_t apart, uint64_t *missing)
{
    const struct memory_layout *l = m->layout;
    uint32_t first = slot_of(l, c);

    if (!hold_all(m, row, c, first, n_columns)) {
        for (*missing = c; memory_holds(m, row, *missing);)
            ++*missing;
        return 0;
    }
    if (out) {
        uint32_t high = min_u32(n_columns, l->shape.columns - first);
        copy_slots(m, row, first, high, out, apart);
        if (high < n_columns)
            copy_slots(m, row, 0, n_columns - high, out + (size_t)high * l->shape.pixel_values,
                       apart);
    }
    return words_read(l, row, first, n_columns);
}
