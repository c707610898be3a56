/* core/yaml/tree.c -- trees: what they hold and where it was written; see core/yaml.h. */
#include "core/yaml/loader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct yaml *yaml_get(const struct yaml *map, const char *key)
{
    if (map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->n_item; i++)
        if (strcmp(map->item[i].key, key) == 0)
            return &map->item[i];
    return NULL;
}

bool yaml_is_empty(const struct yaml *node)
{
    return node->kind == YAML_SCALAR && !node->quoted && node->text[0] == '\0';
}

enum err yaml_append(struct yaml *parent, struct yaml node, struct err_msg *m)
{
    size_t n = parent->n_item;

    if ((n & (n - 1)) == 0) {
        struct yaml *item = realloc(parent->item, (n ? 2 * n : 1) * sizeof *item);
        if (!item) {
            yaml_release(&node);
            return no_memory(m);
        }
        parent->item = item;
    }
    parent->item[parent->n_item++] = node;
    return ERR_NONE;
}

void yaml_release(struct yaml *root)
{
    for (size_t i = 0; i < root->n_item; i++)
        yaml_release(&root->item[i]);
    free(root->item);
    free(root->text);
    free(root->key);
    *root = (struct yaml){ 0 };
}

/* Of a list or map of n_item: a power of two, so that yaml_append() needs not be told. */
static size_t room_for(size_t n_item)
{
    size_t room = 1;

    while (room < n_item)
        room *= 2;
    return room;
}

enum err yaml_copy(struct yaml *to, const struct yaml *from, struct err_msg *m)
{
    enum err e = ERR_NONE;

    *to = *from;
    to->key = from->key ? strdup(from->key) : NULL;
    to->text = from->text ? strdup(from->text) : NULL;
    to->item = from->n_item ? calloc(room_for(from->n_item), sizeof *to->item) : NULL;
    to->n_item = 0;
    if ((from->key && !to->key) || (from->text && !to->text) || (from->n_item && !to->item))
        e = no_memory(m);
    for (; !e && to->n_item < from->n_item; to->n_item++)
        e = yaml_copy(&to->item[to->n_item], &from->item[to->n_item], m);
    if (e)
        yaml_release(to);
    return e;
}

/* ---- places ---- */

void yaml_where(const struct yaml *node, char *text, size_t n_byte)
{
    if (node->line > 0)
        snprintf(text, n_byte, "%s:%" PRIu32, node->source, node->line);
    else
        snprintf(text, n_byte, "--set %.*s", (int)strcspn(node->source, "="), node->source);
}

enum err yaml_error(const struct yaml *node, struct err_msg *m, const char *fmt, ...)
{
    char line[sizeof m->text], where[sizeof m->text];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    yaml_where(node, where, sizeof where);
    err_set(m, ERR_INPUT, "%s", line);
    err_prefix(m, where);
    return ERR_INPUT;
}

size_t yaml_whole_characters(const char *text, size_t n_byte)
{
    size_t n = strlen(text);

    if (n <= n_byte)
        return n;
    for (n = n_byte; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;)
        n--;
    return n;
}

struct yaml_shown yaml_show(const struct yaml *node)
{
    struct yaml_shown s;
    const char *quote = node->quoted ? "\"" : "";

    if (node->kind == YAML_LIST)
        return (struct yaml_shown){ "[...]" };
    if (node->kind == YAML_MAP)
        return (struct yaml_shown){ "{...}" };
    if (yaml_is_empty(node))
        return (struct yaml_shown){ "nothing" };

    size_t most = sizeof s.text - sizeof "\"\"...", n = yaml_whole_characters(node->text, most);
    snprintf(s.text, sizeof s.text, "%s%.*s%s%s", quote, (int)n, node->text,
             node->text[n] ? "..." : "", quote);
    return s;
}
