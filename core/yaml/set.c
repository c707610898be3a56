/* core/yaml/set.c -- assignments, a.b.c=value, to places of a tree. */
#include "core/yaml/loader.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SHOWN 256 // bytes of a key in a message

/* Bytes of the UTF-8 character at p (Unicode, table 3-7), or 0 if there is none. */
static size_t character(const unsigned char *p)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC0 || p[0] >= 0xF8)
        return 0;
    size_t n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    uint32_t code = p[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3Fu);
    }
    bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code < least[n] || code > 0x10FFFF || surrogate ? 0 : n;
}

/* libyaml checks the text that it parses, so the value, but not the key. */
static bool is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    for (size_t n = 1; *p && n > 0; p += n)
        n = character(p);
    return *p == '\0';
}

static enum err no_assignment(const char *assignment, struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "--set %.*s: want section.key=value, in UTF-8",
                   (int)yaml_whole_characters(assignment, MAX_SHOWN), assignment);
}

/* The item of `parent` under `key`, made if it is missing. */
static enum err step_into(struct yaml *parent, const char *assignment, char *key,
                          struct yaml **child, struct err_msg *m)
{
    if (yaml_is_empty(parent)) {
        free(parent->text);
        parent->text = NULL;
        parent->kind = YAML_MAP;
    }
    if (parent->kind != YAML_MAP) {
        const struct yaml at = { .source = assignment };
        struct yaml_shown shown = yaml_show(parent);
        char where[512];
        yaml_where(parent, where, sizeof where);
        return yaml_error(&at, m, "no keys fit under %.64s = %s, given at %s",
                          parent->key ? parent->key : "the top", shown.text, where);
    }
    *child = yaml_get(parent, key);
    if (*child)
        return ERR_NONE;

    struct yaml made = { .source = assignment, .key = strdup(key), .text = strdup("") };
    if (!made.key || !made.text) {
        yaml_release(&made);
        return no_memory(m);
    }
    enum err e = yaml_append(parent, made, m);
    *child = &parent->item[parent->n_item - 1];
    return e;
}

/* Walks the dotted `path` (cut into its parts here) down from *node. */
static enum err walk(struct yaml **node, const char *assignment, char *path, size_t max_part,
                     struct err_msg *m)
{
    for (size_t part = 1; path; part++) {
        char *dot = part < max_part ? strchr(path, '.') : NULL;
        if (dot)
            *dot = '\0';
        if (path[0] == '\0' || part > MAX_DEPTH)
            return no_assignment(assignment, m);
        enum err e = step_into(*node, assignment, path, node, m);
        if (e)
            return e;
        path = dot ? dot + 1 : NULL;
    }
    return ERR_NONE;
}

enum err yaml_set(struct yaml *root, const char *assignment, size_t max_part, struct err_msg *m)
{
    const char *equals = strchr(assignment, '=');
    if (!equals || !is_utf8(assignment))
        return no_assignment(assignment, m);

    struct loader l = { .source = assignment, .set = true, .text = equals + 1,
                        .n_byte = strlen(equals + 1), .m = m };
    struct yaml value, *node = root;
    enum err e = yaml_parse(&l, &value);
    if (e)
        return e;

    char *path = strndup(assignment, (size_t)(equals - assignment));
    e = path ? walk(&node, assignment, path, max_part, m) : no_memory(m);
    free(path);
    if (e) {
        yaml_release(&value);
        return e;
    }
    value.key = node->key;
    node->key = NULL;
    yaml_release(node);
    *node = value;
    return ERR_NONE;
}
