/* test/shared.c -- see shared.h. */
#include "test/shared.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *join(const char *folder, const char *file, const char *ending)
{
    size_t size = strlen(folder) + strlen(file) + strlen(ending) + 2;
    char *path = malloc(size);

    if (!path)
        abort();
    snprintf(path, size, "%s/%s%s", folder, file, ending);
    return path;
}

static char *path_of(const char *file, const char *ending)
{
    const char *folder = getenv("IMCSIM_SHARED");
    char *path = join(folder ? folder : "../shared/data", file, ending);
    FILE *f = fopen(path, "rb");

    if (f) {
        fclose(f);
        return path;
    }
    print_message("           no %s: set IMCSIM_SHARED to the reference data to run this test\n",
                  path);
    free(path);
    return NULL;
}

char *shared_path(const char *file)
{
    return path_of(file, "");
}

/* Whole file with a terminator behind it. */
static uint8_t *slurp(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t room = 1 << 16;

    assert_non_null(f);
    for (*size = 0;;) {
        data = realloc(data, room + 1);
        if (!data)
            abort();
        *size += fread(data + *size, 1, room - *size, f);
        if (*size < room)
            break;
        room *= 2;
    }
    data[*size] = 0;
    fclose(f);
    return data;
}

bool blob_open(struct blob *b, const char *stem)
{
    char *bin = path_of(stem, ".bin"), *txt = bin ? path_of(stem, ".txt") : NULL;
    size_t ignored;

    if (txt) {
        b->data = slurp(bin, &b->size);
        b->manifest = (char *)slurp(txt, &ignored);
    }
    free(bin);
    free(txt);
    return txt != NULL;
}

void blob_close(struct blob *b)
{
    free(b->data);
    free(b->manifest);
}

/* Line "name dtype offset count shape", or NULL. */
static const char *find_line(const struct blob *b, const char *name)
{
    size_t n = strlen(name);

    for (const char *line = b->manifest; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, n) == 0 && line[n] == ' ')
            return line;
    }
    return NULL;
}

bool blob_has(const struct blob *b, const char *name)
{
    return find_line(b, name) != NULL;
}

struct blob_array blob_find(const struct blob *b, const char *name)
{
    const char *line = find_line(b, name);
    char type[16];
    size_t offset = 0, n = 0;
    unsigned bits = 8;

    if (!line || sscanf(line, "%*s %15s %zu %zu", type, &offset, &n) != 3)
        fail_msg("no array %s in the manifest", name);
    bool is_signed = type[0] == 'i';
    if (sscanf(type, is_signed ? "int%u" : "uint%u", &bits) != 1)
        fail_msg("array %s of type %s", name, type);
    assert_true(offset <= b->size && n <= (b->size - offset) / (bits / 8));
    return (struct blob_array){b->data + offset, n, bits / 8, is_signed};
}

int64_t blob_integer(const struct blob_array *a, size_t i)
{
    uint64_t v = 0;

    assert_true(i < a->n);
    for (size_t k = 0; k < a->item; k++)
        v |= (uint64_t)a->data[i * a->item + k] << (8 * k);
    if (a->is_signed && a->item < 8 && v >> (8 * a->item - 1))
        v |= UINT64_MAX << (8 * a->item);
    return (int64_t)v;
}
