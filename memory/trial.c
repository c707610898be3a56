/* memory/trial.c -- see trial.h. */
#include "memory/trial.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct trial { // of a memory alone, whose every value has a number
    struct input_memory memory;
    uint8_t            *stored, *found; // owned; [planes][pixel], [planes][kernel columns][pixel]
};

static bool trial_init(struct trial *t, const struct memory_layout *l)
{
    const struct memory_shape *s = &l->shape;
    uint64_t most = 2 * (uint64_t)s->columns * s->height * s->pixel_values;
    uint32_t planes = 1;

    while (planes < 8 && most >> (8 * planes))
        planes++;
    *t = (struct trial){ .stored = malloc((size_t)planes * s->pixel_values),
                         .found = malloc((size_t)planes * s->kernel_columns * s->pixel_values) };
    return memory_init(&t->memory, l, planes) && t->stored && t->found;
}

static void trial_release(struct trial *t)
{
    memory_release(&t->memory);
    free(t->stored);
    free(t->found);
}

/* Byte `plane` of the numbers of a pixel's values. */
static void number_pixel(const struct memory_shape *s, uint32_t row, uint64_t c, uint32_t plane,
                         uint8_t *to)
{
    uint64_t number = (c * s->height + row) * s->pixel_values;

    for (uint32_t i = 0; i < s->pixel_values; i++)
        to[i] = (uint8_t)((number + i) >> (8 * plane));
}

static void store_column(struct trial *t, uint64_t c)
{
    const struct memory_shape *s = &t->memory.layout->shape;

    for (uint32_t row = 0; row < s->height; row++) {
        for (uint32_t p = 0; p < t->memory.planes; p++)
            number_pixel(s, row, c, p, t->stored + (size_t)p * s->pixel_values);
        memory_store(&t->memory, row, c, 0, s->pixel_values, t->stored);
        for (uint32_t i = 0; i < s->announced; i++)
            memory_announce(&t->memory, row, c);
    }
}

/* Whether n pixels of a row, from column c on, are read as they were stored. */
static bool comes_back(struct trial *t, uint32_t row, uint64_t c, uint32_t n)
{
    const struct memory_shape *s = &t->memory.layout->shape;
    const uint8_t *found = t->found;
    uint64_t missing;

    if (memory_read_row(&t->memory, row, c, n, t->found, (size_t)n * s->pixel_values, &missing) ==
        0)
        return false;
    for (uint32_t p = 0; p < t->memory.planes; p++)
        for (uint32_t i = 0; i < n; i++, found += s->pixel_values) {
            number_pixel(s, row, c + i, p, t->stored);
            if (memcmp(found, t->stored, s->pixel_values) != 0)
                return false;
        }
    return true;
}

enum err memory_trial(const struct memory_layout *l, const char *core, struct err_msg *m)
{
    const struct memory_shape *s = &l->shape;
    struct trial t;
    enum err e = trial_init(&t, l) ? ERR_NONE
                                   : err_set(m, ERR_MEMORY, "no memory for that of core %s", core);

    for (uint64_t c = 0; !e && c < 2 * (uint64_t)s->columns - 1; c++) {
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
