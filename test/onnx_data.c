/* test/onnx_data.c -- see onnx_data.h. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/onnx_data.h"

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_test(const struct dirent *d)
{
    return strncmp(d->d_name, "test_", 5) == 0;
}

int onnx_data_visit(const char *group,
                    void (*visit)(void *user, const char *name, const char *directory), void *user)
{
    char directory[512];
    struct dirent **entry;

    snprintf(directory, sizeof directory, ONNX_DATA "%s", group);
    int n = scandir(directory, &entry, is_test, by_name);
    if (n <= 0) {
        print_message("skipped: no %s: install libonnx-testdata\n", directory);
        skip();
    }
    for (int i = 0; i < n; i++) {
        snprintf(directory, sizeof directory, ONNX_DATA "%s/%s", group, entry[i]->d_name);
        visit(user, entry[i]->d_name, directory);
        free(entry[i]);
    }
    free(entry);
    return n;
}
