/* test/npy.c -- see npy.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/npy.h"

static void read_header(struct npy *a, char *text)
{
    char *p = strstr(text, "'shape': (");

    assert_non_null(p);
    a->n = 1;
    for (p += strlen("'shape': ("); *p != ')'; p += *p == ',' || *p == ' ') {
        char *end;
        if (*p == ',' || *p == ' ')
            continue;
        a->dim[a->n_dim] = (uint32_t)strtoul(p, &end, 10);
        a->n *= a->dim[a->n_dim++];
        assert_ptr_not_equal(p, end);
        p = end;
    }
}

struct npy npy_read(const char *path)
{
    struct npy a = {0};
    uint8_t head[10];
    FILE *f = fopen(path, "rb");

    if (!f)
        fail_msg("cannot open %s", path);
    assert_int_equal(fread(head, 1, sizeof head, f), sizeof head);
    assert_memory_equal(head, "\x93NUMPY\x01", 7);
    size_t length = head[8] + 256U * head[9];
    char *text = calloc(length + 1, 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, length, f), length);
    read_header(&a, text);
    int bytes = strstr(text, "'|u1'") ? 1 : strstr(text, "'|i1'") ? -1 : 0;
    assert_true(bytes || strstr(text, "'<f4'"));
    a.bytes = bytes != 0;
    a.value = calloc(a.n + 1, sizeof *a.value);
    for (size_t i = 0; i < a.n; i++) {
        float v;
        if (bytes)
            a.value[i] = bytes > 0 ? fgetc(f) : (int8_t)fgetc(f);
        else if (fread(&v, sizeof v, 1, f) == 1)
            a.value[i] = (double)v;
        assert_false(feof(f));
    }
    free(text);
    fclose(f);
    return a;
}

void npy_release(struct npy *a)
{
    free(a->value);
    *a = (struct npy){0};
}
