/* core/yaml/anchors.c -- anchors, aliases and merges: copies of what stands elsewhere, bounded. */
#include "core/yaml/loader.h"

#include <stdlib.h>
#include <string.h>

/* Repeats what an anchor holds. The budget bounds what nested aliases multiply, the depth chains of
 * them. The copy keeps the lines, so that a message names the place where a value is written. */
static enum err copy_node(struct loader *l, const struct yaml *from, int depth, yaml_mark_t mark,
                          struct yaml *to)
{
    size_t n_byte = 1 + (from->text ? strlen(from->text) : 0) + (from->key ? strlen(from->key) : 0);
    enum err e = ERR_NONE;

    *to = (struct yaml){ 0 };
    if (n_byte > MAX_COPY - l->n_copy)
        return yaml_refuse(l, mark, "anchors and aliases repeat too much: want at most 262144 "
                                    "values and bytes");
    if (depth > MAX_DEPTH)
        return yaml_refuse(l, mark, "nested too deeply: want at most 64 levels");
    l->n_copy += n_byte;
    *to = *from;
    to->item = NULL;
    to->n_item = 0;
    to->text = from->text ? strdup(from->text) : NULL;
    to->key = from->key ? strdup(from->key) : NULL;
    if ((from->text && !to->text) || (from->key && !to->key))
        e = no_memory(l->m);
    for (size_t i = 0; i < from->n_item && !e; i++) {
        struct yaml item;
        e = copy_node(l, &from->item[i], depth + 1, mark, &item);
        if (!e)
            e = yaml_append(to, item, l->m);
    }
    if (e)
        yaml_release(to);
    return e;
}

enum err yaml_keep_anchor(struct loader *l, const char *name, yaml_mark_t mark,
                          const struct yaml *node)
{
    size_t n = l->n_anchor;
    struct yaml copy;

    if ((n & (n - 1)) == 0) {
        struct anchor *anchor = realloc(l->anchor, (n ? 2 * n : 1) * sizeof *anchor);
        if (!anchor)
            return no_memory(l->m);
        l->anchor = anchor;
    }
    enum err e = copy_node(l, node, 1, mark, &copy);
    if (e)
        return e;
    l->anchor[n] = (struct anchor){ strdup(name), copy };
    l->n_anchor++;
    return l->anchor[n].name ? ERR_NONE : no_memory(l->m);
}

/* The last anchor of a name before the alias counts. One that is still open is not there yet. */
enum err yaml_follow_alias(struct loader *l, const yaml_event_t *event, int depth,
                           struct yaml *node)
{
    const char *name = (const char *)event->data.alias.anchor;

    for (size_t i = l->n_anchor; i-- > 0;) {
        if (++l->n_copy > MAX_COPY)
            break; // the search costs too
        if (strcmp(l->anchor[i].name, name) == 0)
            return copy_node(l, &l->anchor[i].node, depth, event->start_mark, node);
    }
    if (l->n_copy > MAX_COPY)
        l->n_copy = MAX_COPY;
    struct yaml here = yaml_node_at(l, YAML_SCALAR, event->start_mark);
    return yaml_error(&here, l->m, "*%.64s: no anchor &%.64s before it", name, name);
}

/* Appends the pairs of `from`, which then owns none of them. */
static enum err take_pairs(struct loader *l, struct yaml *map, struct yaml *from)
{
    if (from->kind != YAML_MAP)
        return yaml_error(from, l->m, "<< = %s: want a map or a list of maps to merge, such as "
                          "*anchor", yaml_show(from).text);
    for (size_t i = 0; i < from->n_item; i++) {
        struct yaml pair = from->item[i];
        from->item[i] = (struct yaml){ 0 };
        enum err e = yaml_append(map, pair, l->m);
        if (e)
            return e;
    }
    return ERR_NONE;
}

enum err yaml_merge(struct loader *l, struct yaml *map, struct yaml *from)
{
    enum err e = ERR_NONE;

    if (from->kind != YAML_LIST)
        return take_pairs(l, map, from);
    for (size_t i = 0; i < from->n_item && !e; i++)
        e = take_pairs(l, map, &from->item[i]);
    return e;
}
