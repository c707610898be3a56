/* memory/trial.c -- see trial.h. */
#include "memory/trial.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct trial { // of a memory alone, whose every value has a number
    struct input_memory memory;
    uint64_t columns;   // that come
    uint8_t *number;    // owned; [planes][height][columns][pixel]: bytes of all numbers
    uint8_t *stored;    // owned; [planes][pixel]
    uint8_t *found;     // owned; [planes][kernel columns][pixel]
};

/* Bytes in a plane of the numbers of row `row` from column c on. */
static uint8_t *numbers(const struct trial *t, uint32_t plane, uint32_t row, uint64_t c)
{
    const struct memory_shape *s = &t->memory.layout->shape;

    return t->number + (((size_t)plane * s->height + row) * t->columns + c) * s->pixel_values;
}

static void number_all(struct trial *t)
{
    const struct memory_shape *s = &t->memory.layout->shape;

    for (uint32_t plane = 0; plane < t->memory.planes; plane++)
        for (uint32_t row = 0; row < s->height; row++) {
            uint8_t *to = numbers(t, plane, row, 0);
            for (uint64_t i = 0; i < t->columns * s->pixel_values; i++)
                to[i] = (uint8_t)((row * t->columns * s->pixel_values + i) >> (8 * plane));
        }
}

static bool trial_init(struct trial *t, const struct memory_layout *l)
{
    const struct memory_shape *s = &l->shape;
    const uint64_t columns = 2 * (uint64_t)s->columns - 1; // until each slot has held the oldest
    const uint64_t most = columns * s->height * s->pixel_values;
    uint32_t planes = 1;

    while (planes < 8 && most >> (8 * planes))
        planes++;
    *t = (struct trial){ .columns = columns, .number = malloc((size_t)planes * most),
                         .stored = malloc((size_t)planes * s->pixel_values),
                         .found = malloc((size_t)planes * s->kernel_columns * s->pixel_values) };
    if (!memory_init(&t->memory, l, planes) || !t->number || !t->stored || !t->found)
        return false;
    number_all(t);
    return true;
}

static void trial_release(struct trial *t)
{
    memory_release(&t->memory);
    free(t->number);
    free(t->stored);
    free(t->found);
}

static void store_column(struct trial *t, uint64_t c)
{
    const struct memory_shape *s = &t->memory.layout->shape;

    for (uint32_t row = 0; row < s->height; row++) {
        for (uint32_t p = 0; p < t->memory.planes; p++)
            memcpy(t->stored + (size_t)p * s->pixel_values, numbers(t, p, row, c),
                   s->pixel_values);
        memory_store(&t->memory, row, c, 0, s->pixel_values, t->stored);
        for (uint32_t i = 0; i < s->announced; i++)
            memory_announce(&t->memory, row, c);
    }
}

/* Whether n pixels of a row, from column c on, are read as they were stored. */
static bool comes_back(struct trial *t, uint32_t row, uint64_t c, uint32_t n)
{
    const size_t values = (size_t)n * t->memory.layout->shape.pixel_values;
    uint64_t missing;
    bool good = memory_read_row(&t->memory, row, c, n, t->found, values, &missing) > 0;

    for (uint32_t p = 0; good && p < t->memory.planes; p++)
        good = memcmp(t->found + p * values, numbers(t, p, row, c), values) == 0;
    return good;
}

enum err memory_trial(const struct memory_layout *l, const char *core, struct err_msg *m)
{
    const struct memory_shape *s = &l->shape;
    struct trial t;
    enum err e = trial_init(&t, l) ? ERR_NONE
                                   : err_set(m, ERR_MEMORY, "no memory for that of core %s", core);

    for (uint64_t c = 0; !e && c < t.columns; c++) {
        store_column(&t, c);
        for (uint32_t row = 0; c + 1 >= s->columns && !e && row < s->height; row++)
            if (!comes_back(&t, row, c + 1 - s->columns, 1) ||
                !comes_back(&t, row, c + 1 - s->columns, s->kernel_columns))
                e = err_set(m, ERR_RUN, "core %s: memory: the pixels of row %" PRIu32 " from slot "
                            "%" PRIu64 " on are not those that were stored", core, row,
                            (c + 1) % s->columns);
    }
    trial_release(&t);
    return e;
}
