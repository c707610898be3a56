/* report/json.c -- see json.h. */
#include "report/json.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SCALARS (JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

static void poison(json_t **container)
{
    json_decref(*container);
    *container = NULL;
}

void json_put(json_t **object, const char *key, json_t *value)
{
    if (json_object_set_new(*object, key, value))
        poison(object);
}

void json_add(json_t **array, json_t *value)
{
    if (json_array_append_new(*array, value))
        poison(array);
}

json_t *json_text(const char *text)
{
    json_t *value = json_string(text);
    if (value)
        return value;

    char *ascii = strdup(text);
    if (!ascii)
        return NULL;
    for (unsigned char *p = (unsigned char *)ascii; *p; p++)
        if (*p > 126)
            *p = '?';
    value = json_string(ascii);
    free(ascii);
    return value;
}

void json_put_text(json_t **object, const char *key, const char *text)
{
    json_put(object, key, json_text(text));
}

void json_put_count(json_t **object, const char *key, uint64_t value)
{
    assert(value <= INT64_MAX);
    json_put(object, key, json_integer((json_int_t)value));
}

void json_put_real(json_t **object, const char *key, double value)
{
    json_put(object, key, json_real(value));
}

static bool is_container(const json_t *value)
{
    return json_is_object(value) || json_is_array(value);
}

static bool is_flat(json_t *value)
{
    const char *key;
    size_t i;
    json_t *child;

    json_object_foreach(value, key, child)
        if (is_container(child))
            return false;
    json_array_foreach(value, i, child)
        if (is_container(child))
            return false;
    return true;
}

static int dump(const char *bytes, size_t n, void *out)
{
    return fwrite(bytes, 1, n, out) == n ? 0 : -1;
}

static void new_line(FILE *out, unsigned depth)
{
    fprintf(out, "\n%*s", (int)(2 * depth), "");
}

static bool print_value(json_t *value, unsigned depth, FILE *out);

static bool print_object(json_t *object, unsigned depth, FILE *out)
{
    const char *key;
    json_t *child;
    bool ok = true, first = true;

    fputc('{', out);
    json_object_foreach(object, key, child) {
        if (!first)
            fputc(',', out);
        first = false;
        new_line(out, depth + 1);
        json_t *name = json_string(key);
        ok = ok && name && json_dump_callback(name, dump, out, SCALARS) == 0;
        json_decref(name);
        fputs(": ", out);
        ok = print_value(child, depth + 1, out) && ok;
    }
    new_line(out, depth);
    fputc('}', out);
    return ok;
}

static bool print_array(json_t *array, unsigned depth, FILE *out)
{
    size_t i;
    json_t *child;
    bool ok = true;

    fputc('[', out);
    json_array_foreach(array, i, child) {
        if (i > 0)
            fputc(',', out);
        new_line(out, depth + 1);
        ok = print_value(child, depth + 1, out) && ok;
    }
    new_line(out, depth);
    fputc(']', out);
    return ok;
}

static bool print_value(json_t *value, unsigned depth, FILE *out)
{
    if (is_flat(value))
        return json_dump_callback(value, dump, out, SCALARS) == 0;
    return json_is_object(value) ? print_object(value, depth, out)
                                 : print_array(value, depth, out);
}

enum err json_print(json_t *doc, FILE *out, struct err_msg *m)
{
    if (!doc)
        return err_set(m, ERR_MEMORY, "no memory for the JSON document");
    bool ok = print_value(doc, 0, out);
    fputc('\n', out);
    json_decref(doc);
    if (!ok && !ferror(out))
        return err_set(m, ERR_MEMORY, "no memory to write the JSON document");
    return ERR_NONE;
}
