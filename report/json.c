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

static bool is_ascii(const char *text)
{
    unsigned char all = 0;

    for (; *text; text++)
        all |= (unsigned char)*text;
    return all < 0x80;
}

/* What is ASCII is UTF-8, which need not be looked at again. */
void json_put(json_t **object, const char *key, json_t *value)
{
    if (is_ascii(key) ? json_object_set_new_nocheck(*object, key, value)
                      : json_object_set_new(*object, key, value))
        poison(object);
}

void json_add(json_t **array, json_t *value)
{
    if (json_array_append_new(*array, value))
        poison(array);
}

json_t *json_text(const char *text)
{
    json_t *value = is_ascii(text) ? json_string_nocheck(text) : json_string(text);
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

struct text { // that grows
    char  *byte; // owned
    size_t n, room;
    bool   failed; // for want of memory
};

static bool grow(struct text *t, size_t n)
{
    size_t room = 2 * (t->n + n) + 4096;
    char *more = t->failed ? NULL : realloc(t->byte, room);

    if (!more) {
        t->failed = true;
        return false;
    }
    t->byte = more;
    t->room = room;
    return true;
}

static inline void put(const char *bytes, size_t n, struct text *t)
{
    if (n > t->room - t->n && !grow(t, n))
        return;
    memcpy(t->byte + t->n, bytes, n);
    t->n += n;
}

static int put_dumped(const char *bytes, size_t n, void *text)
{
    struct text *t = text;

    put(bytes, n, t);
    return t->failed ? -1 : 0;
}

static void new_line(struct text *t, unsigned depth)
{
    put("\n", 1, t);
    for (unsigned i = 0; i < depth; i++)
        put("  ", 2, t);
}

static void put_whole(struct text *t, json_int_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do
        digits[--at] = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (value < 0)
        digits[--at] = '-';
    put(digits + at, sizeof digits - at, t);
}

/* False where a character is written as another. */
static bool put_plain(struct text *t, const char *string, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)string[i] < ' ' || (unsigned char)string[i] > '~' ||
            string[i] == '"' || string[i] == '\\')
            return false;
    put("\"", 1, t);
    put(string, n, t);
    put("\"", 1, t);
    return true;
}

/* Most are whole numbers and plain words, which jansson would take ten times as long for. */
static void put_scalar(struct text *t, const json_t *value)
{
    if (json_is_integer(value))
        put_whole(t, json_integer_value(value));
    else if (!json_is_string(value) ||
             !put_plain(t, json_string_value(value), json_string_length(value)))
        t->failed = json_dump_callback(value, put_dumped, t, SCALARS) != 0 || t->failed;
}

static void put_key(struct text *t, const char *key)
{
    if (!put_plain(t, key, strlen(key))) {
        json_t *name = json_string(key);
        t->failed = !name || json_dump_callback(name, put_dumped, t, SCALARS) != 0 || t->failed;
        json_decref(name);
    }
    put(": ", 2, t);
}

/* A flat container stands on one line. */
static void put_value(struct text *t, json_t *value, unsigned depth)
{
    const bool object = json_is_object(value), flat = is_flat(value);
    const char *key;
    size_t i, n = 0;
    json_t *child;

    if (!is_container(value)) {
        put_scalar(t, value);
        return;
    }
    put(object ? "{" : "[", 1, t);
    json_object_foreach(value, key, child) {
        put(", ", n == 0 ? 0 : flat ? 2 : 1, t);
        if (!flat)
            new_line(t, depth + 1);
        put_key(t, key);
        put_value(t, child, depth + 1);
        n++;
    }
    json_array_foreach(value, i, child) {
        put(", ", i == 0 ? 0 : flat ? 2 : 1, t);
        if (!flat)
            new_line(t, depth + 1);
        put_value(t, child, depth + 1);
    }
    if (!flat)
        new_line(t, depth);
    put(object ? "}" : "]", 1, t);
}

enum err json_bytes(json_t *doc, char **text, size_t *n, struct err_msg *m)
{
    struct text t = { .n = 0 };

    *text = NULL;
    *n = 0;
    if (!doc)
        return err_set(m, ERR_MEMORY, "no memory for the JSON document");
    put_value(&t, doc, 0);
    put("\n", 1, &t);
    json_decref(doc);
    if (t.failed) {
        free(t.byte);
        return err_set(m, ERR_MEMORY, "no memory to write the JSON document");
    }
    *text = t.byte;
    *n = t.n;
    return ERR_NONE;
}

enum err json_print(json_t *doc, FILE *out, struct err_msg *m)
{
    char *text;
    size_t n;
    enum err e = json_bytes(doc, &text, &n, m);

    if (!e)
        fwrite(text, 1, n, out);
    free(text);
    return e;
}
