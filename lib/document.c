/* lib/document.c -- see document.h. */
#include "lib/document.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

const char *document_text(struct document *d,
                          enum err (*write)(const void *what, FILE *out, struct err_msg *m),
                          const void *what, struct imcsim_error *to)
{
    struct err_msg m;
    size_t n;

    if (d->text)
        return d->text;
    FILE *f = open_memstream(&d->text, &n);
    enum err e = f ? write(what, f, &m) : err_set(&m, ERR_MEMORY, "no memory for the document");
    if (f && fclose(f) != 0 && !e)
        e = err_set(&m, ERR_MEMORY, "no memory for the document");
    tell(to, e, &m);
    if (e)
        document_release(d);
    return d->text;
}

static json_t *named(json_t *array, const char *name)
{
    json_t *item;
    size_t i;

    json_array_foreach(array, i, item) {
        const char *own = json_string_value(json_object_get(item, "name"));
        if (own && strcmp(own, name) == 0)
            return item;
    }
    return NULL;
}

/* "name", "[3]" and what follows them up to the next dot or bracket: one step down. */
static json_t *descend(json_t *at, const char **path)
{
    char word[128];
    const char *begin = *path;
    char *end;
    size_t n = begin[0] == '[' ? strcspn(begin, "]") : strcspn(begin, ".[");

    if (n == 0 || n >= sizeof word)
        return NULL;
    memcpy(word, begin, n);
    word[n] = '\0';
    *path = begin + n;
    if (begin[0] == '[') {
        *path += **path == ']';
        *path += **path == '.';
        unsigned long long i = strtoull(word + 1, &end, 10);
        return end > word + 1 && *end == '\0' ? json_array_get(at, i) : NULL;
    }
    *path += **path == '.';
    return json_is_array(at) ? named(at, word) : json_object_get(at, word);
}

bool document_number(struct document *d, const char *path, double *value, struct imcsim_error *to)
{
    const char *left = path;
    struct err_msg m;

    if (!d->json)
        d->json = json_loads(d->text, 0, NULL);
    json_t *at = d->json;
    while (at && *left)
        at = descend(at, &left);
    if (json_is_number(at)) {
        *value = json_number_value(at);
        return true;
    }
    tell(to, err_set(&m, ERR_INPUT, "%.200s: %s: want the path of a number, such as "
                     "timing.interval_timesteps or layers[0].rows", path,
                     at ? "no number" : "not in the document"), &m);
    return false;
}

void document_release(struct document *d)
{
    free(d->text);
    json_decref(d->json);
    *d = (struct document){ 0 };
}
