/* core/yaml/parse.c -- from the events of libyaml to a tree. */
#include "core/yaml/loader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTE (1u << 20)

/* ---- events ---- */

struct yaml yaml_node_at(const struct loader *l, enum yaml_kind kind, yaml_mark_t mark)
{
    return (struct yaml){ .kind = kind,
                          .line = l->set ? 0 : (uint32_t)mark.line + 1,
                          .source = l->source };
}

enum err yaml_refuse(const struct loader *l, yaml_mark_t mark, const char *why)
{
    struct yaml here = yaml_node_at(l, YAML_SCALAR, mark);

    return yaml_error(&here, l->m, "%s", why);
}

/* Where the reader met bytes that are no text; libyaml gives an offset only. */
static yaml_mark_t mark_of_offset(const struct loader *l, size_t offset)
{
    yaml_mark_t mark = { .index = offset };

    for (size_t i = 0; i < offset && i < l->n_byte; i++) {
        bool end = l->text[i] == '\n';
        mark.line += end;
        mark.column = end ? 0 : mark.column + 1;
    }
    return mark;
}

static enum err syntax_error(const struct loader *l)
{
    const yaml_parser_t *p = &l->parser;

    if (p->error == YAML_MEMORY_ERROR)
        return no_memory(l->m);
    yaml_mark_t mark = p->error == YAML_READER_ERROR ? mark_of_offset(l, p->problem_offset)
                                                     : p->problem_mark;
    char problem[256];
    snprintf(problem, sizeof problem, "%s%s%s%s", p->problem, p->context ? " (" : "",
             p->context ? p->context : "", p->context ? ")" : "");
    if (l->set)
        return yaml_refuse(l, mark, problem);
    return err_set(l->m, ERR_INPUT, "%s:%zu:%zu: %s", l->source, mark.line + 1, mark.column + 1,
                   problem);
}

static enum err next_event(struct loader *l, yaml_event_t *event)
{
    return yaml_parser_parse(&l->parser, event) ? ERR_NONE : syntax_error(l);
}

static const char *anchor_of(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return (const char *)e->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return (const char *)e->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return (const char *)e->data.mapping_start.anchor;
    default:
        return NULL;
    }
}

static enum err check_tag(const struct loader *l, const yaml_event_t *e)
{
    bool tag = (e->type == YAML_SCALAR_EVENT && e->data.scalar.tag) ||
               (e->type == YAML_SEQUENCE_START_EVENT && e->data.sequence_start.tag) ||
               (e->type == YAML_MAPPING_START_EVENT && e->data.mapping_start.tag);

    if (tag)
        return yaml_refuse(l, e->start_mark, "tags (!) are not read: leave it out, or put the "
                                             "value in quotes");
    return ERR_NONE;
}

static enum err copy_text(const struct loader *l, const yaml_event_t *e, char **text)
{
    const char *value = (const char *)e->data.scalar.value;

    if (strlen(value) != e->data.scalar.length)
        return yaml_refuse(l, e->start_mark, "a NUL byte in a value or key");
    *text = strdup(value);
    return *text ? ERR_NONE : no_memory(l->m);
}

/* ---- nodes ---- */

static enum err parse_node(struct loader *l, yaml_event_t *event, int depth, struct yaml *node);

static enum err parse_list(struct loader *l, int depth, struct yaml *list)
{
    for (;;) {
        yaml_event_t event;
        enum err e = next_event(l, &event);
        if (e)
            return e;
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        struct yaml item = { 0 };
        if (!end)
            e = parse_node(l, &event, depth + 1, &item);
        yaml_event_delete(&event);
        if (!end && !e)
            e = yaml_append(list, item, l->m);
        if (end || e)
            return e;
    }
}

static enum err parse_key(struct loader *l, const yaml_event_t *event, char **key)
{
    if (event->type != YAML_SCALAR_EVENT || anchor_of(event))
        return yaml_refuse(l, event->start_mark, "a list, a map, an anchor or an alias as a key: "
                                                 "want plain text");
    enum err e = check_tag(l, event);
    return e ? e : copy_text(l, event, key);
}

static bool is_merge(const yaml_event_t *key)
{
    return key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           strcmp((const char *)key->data.scalar.value, "<<") == 0;
}

/* The value of a key; a node's line is that of its key. What is to be merged waits in `merged`. */
static enum err parse_pair(struct loader *l, const yaml_event_t *key, int depth, struct yaml *map,
                           struct yaml *merged)
{
    yaml_event_t event;
    struct yaml value = { 0 };
    char *name = NULL;
    enum err e = parse_key(l, key, &name);

    if (!e)
        e = next_event(l, &event);
    if (!e) {
        e = parse_node(l, &event, depth + 1, &value);
        yaml_event_delete(&event);
    }
    if (e) {
        free(name);
        return e;
    }
    free(value.key); // of an alias
    value.key = name;
    value.line = yaml_node_at(l, YAML_SCALAR, key->start_mark).line;
    return yaml_append(is_merge(key) ? merged : map, value, l->m);
}

static enum err parse_pairs(struct loader *l, int depth, struct yaml *map, struct yaml *merged)
{
    for (;;) {
        yaml_event_t event;
        enum err e = next_event(l, &event);
        if (e)
            return e;
        bool end = event.type == YAML_MAPPING_END_EVENT;
        if (!end)
            e = parse_pair(l, &event, depth, map, merged);
        yaml_event_delete(&event);
        if (e || end)
            return e;
    }
}

static int by_key(const void *a, const void *b)
{
    const struct yaml *x = *(const struct yaml *const *)a, *y = *(const struct yaml *const *)b;
    int order = strcmp(x->key, y->key);

    return order ? order : (x > y) - (x < y);
}

/* A repeated key among the map's own is a mistake; of those merged into it behind them, the first
 * counts. Sorting keeps a hostile map of many keys from costing quadratic time. */
static enum err settle_keys(const struct loader *l, struct yaml *map, size_t n_own)
{
    enum err e = ERR_NONE;
    size_t n = 0;

    if (map->n_item < 2)
        return e;
    struct yaml **sorted = malloc(map->n_item * sizeof *sorted);
    if (!sorted)
        return no_memory(l->m);
    for (size_t i = 0; i < map->n_item; i++)
        sorted[i] = &map->item[i];
    qsort(sorted, map->n_item, sizeof *sorted, by_key);
    for (size_t i = 1, first = 0; i < map->n_item && !e; i++) {
        if (!sorted[first]->key || strcmp(sorted[first]->key, sorted[i]->key) != 0) {
            first = i;
        } else if (sorted[i] >= map->item + n_own) {
            yaml_release(sorted[i]);
        } else {
            char where[512];
            yaml_where(sorted[first], where, sizeof where);
            e = yaml_error(sorted[i], l->m, "key %.64s is repeated; it was first given at %s",
                           sorted[i]->key, where);
        }
    }
    free(sorted);
    if (e)
        return e;
    for (size_t i = 0; i < map->n_item; i++)
        if (map->item[i].key)
            map->item[n++] = map->item[i];
    map->n_item = n;
    return ERR_NONE;
}

static enum err parse_map(struct loader *l, int depth, struct yaml *map)
{
    struct yaml merged = { 0 };
    enum err e = parse_pairs(l, depth, map, &merged);
    size_t n_own = map->n_item;

    for (size_t i = 0; i < merged.n_item && !e; i++)
        e = yaml_merge(l, map, &merged.item[i]);
    yaml_release(&merged);
    return e ? e : settle_keys(l, map, n_own);
}

/* Reads the node that `event` begins. On error *node is zero. */
static enum err parse_node(struct loader *l, yaml_event_t *event, int depth, struct yaml *node)
{
    *node = (struct yaml){ 0 };
    if (event->type == YAML_ALIAS_EVENT)
        return yaml_follow_alias(l, event, depth, node);
    enum err e = check_tag(l, event);
    if (e)
        return e;
    if (depth > MAX_DEPTH)
        return yaml_refuse(l, event->start_mark, "nested too deeply: want at most 64 levels");
    if (event->type == YAML_SCALAR_EVENT) {
        *node = yaml_node_at(l, YAML_SCALAR, event->start_mark);
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        e = copy_text(l, event, &node->text);
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        *node = yaml_node_at(l, YAML_LIST, event->start_mark);
        e = parse_list(l, depth, node);
    } else {
        *node = yaml_node_at(l, YAML_MAP, event->start_mark);
        e = parse_map(l, depth, node);
    }
    if (!e && anchor_of(event))
        e = yaml_keep_anchor(l, anchor_of(event), event->start_mark, node);
    if (e)
        yaml_release(node);
    return e;
}

/* ---- texts and files ---- */

/* One document at most: start, node, end. */
static enum err parse_document(struct loader *l, struct yaml *root)
{
    for (;;) {
        yaml_event_t event;
        enum err e = next_event(l, &event);
        if (e)
            return e;
        bool end = event.type == YAML_STREAM_END_EVENT;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_STREAM_END_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (root->source)
                e = yaml_refuse(l, event.start_mark, "a second document: want one in a file");
            break;
        default:
            e = parse_node(l, &event, 1, root);
        }
        yaml_event_delete(&event);
        if (end || e)
            return e;
    }
}

/* Whether the text is one plain word, such as 128 or column: itself, and no YAML that could be
 * anything else. Most values of --set and all but a few defaults are. */
static bool is_word(const char *text, size_t n_byte)
{
    for (size_t i = 0; i < n_byte; i++) {
        char c = text[i];
        bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && (i == 0 || (c != '_' && c != '.')))
            return false;
    }
    return n_byte > 0;
}

static enum err take_word(struct loader *l, struct yaml *root)
{
    *root = yaml_node_at(l, YAML_SCALAR, (yaml_mark_t){ 0 });
    root->text = strndup(l->text, l->n_byte);
    if (root->text)
        return ERR_NONE;
    *root = (struct yaml){ 0 };
    return no_memory(l->m);
}

enum err yaml_parse(struct loader *l, struct yaml *root)
{
    *root = (struct yaml){ 0 };
    if (is_word(l->text, l->n_byte))
        return take_word(l, root);
    if (!yaml_parser_initialize(&l->parser))
        return no_memory(l->m);
    yaml_parser_set_input_string(&l->parser, (const unsigned char *)l->text, l->n_byte);
    enum err e = parse_document(l, root);
    yaml_parser_delete(&l->parser);
    for (size_t i = 0; i < l->n_anchor; i++) {
        yaml_release(&l->anchor[i].node);
        free(l->anchor[i].name);
    }
    free(l->anchor);

    if (!e && !root->source) { // nothing but comments
        *root = yaml_node_at(l, YAML_SCALAR, (yaml_mark_t){ 0 });
        root->text = strdup("");
        e = root->text ? ERR_NONE : no_memory(l->m);
    }
    if (e)
        yaml_release(root);
    return e;
}

/* Keys at the top that begin with x- hold anchors for other places, and are no keys of the file. */
static void drop_anchor_holders(struct yaml *root)
{
    size_t n = 0;

    if (root->kind != YAML_MAP)
        return;
    for (size_t i = 0; i < root->n_item; i++) {
        if (strncmp(root->item[i].key, "x-", 2) == 0)
            yaml_release(&root->item[i]);
        else
            root->item[n++] = root->item[i];
    }
    root->n_item = n;
}

enum err yaml_load_text(struct yaml *root, const char *source, const char *text, size_t n_byte,
                        struct err_msg *m)
{
    struct loader l = { .source = source, .text = text, .n_byte = n_byte, .m = m };

    *root = (struct yaml){ 0 };
    if (n_byte > MAX_BYTE)
        return err_set(m, ERR_INPUT, "%s: too large: want at most %u bytes", source, MAX_BYTE);
    enum err e = yaml_parse(&l, root);
    if (!e)
        drop_anchor_holders(root);
    return e;
}

enum err yaml_load(struct yaml *root, const char *path, struct err_msg *m)
{
    *root = (struct yaml){ 0 };
    FILE *in = fopen(path, "rb");
    if (!in)
        return err_set(m, ERR_INPUT, "%s: cannot open: %s", path, strerror(errno));

    enum err e;
    char *text = malloc(MAX_BYTE + 1);
    if (!text) {
        e = no_memory(m);
    } else {
        size_t n = fread(text, 1, MAX_BYTE + 1, in);
        e = ferror(in) ? err_set(m, ERR_INPUT, "%s: cannot read: %s", path, strerror(errno))
                       : yaml_load_text(root, path, text, n, m);
    }
    free(text);
    fclose(in);
    return e;
}
