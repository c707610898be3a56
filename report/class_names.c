/* report/class_names.c -- see class_names.h. */
#include "report/class_names.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DELETE = 127 }; // the control byte that is not below ' '

/* "dir/model.onnx" -> "dir/model.classes.txt", opened; NULL when there is no such file. */
static FILE *open_beside(const char *onnx)
{
    char path[2048];
    const char *slash = strrchr(onnx, '/'), *dot = strrchr(onnx, '.');
    size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - onnx) : strlen(onnx);
    int n = snprintf(path, sizeof path, "%.*s.classes.txt", (int)stem, onnx);

    return n > 0 && (size_t)n < sizeof path ? fopen(path, "r") : NULL;
}

/* The rest of the line, cut to the size of a name; false at the end of the file. */
static bool read_line(FILE *f, struct class_name *name)
{
    size_t n = 0;
    int c = getc(f);

    if (c == EOF)
        return false;
    for (; c != EOF && c != '\n'; c = getc(f))
        if (n + 1 < sizeof name->text && c >= ' ' && c != DELETE)
            name->text[n++] = (char)c;
    name->text[n] = '\0';
    return true;
}

void class_names(struct class_name *name, uint32_t n, const char *onnx)
{
    FILE *f = onnx[0] != '\0' ? open_beside(onnx) : NULL;
    uint32_t i = 0;

    while (f && i < n && read_line(f, &name[i]) && name[i].text[0] != '\0')
        i++;
    for (; i < n; i++)
        snprintf(name[i].text, sizeof name[i].text, "%" PRIu32, i);
    if (f)
        fclose(f);
}
