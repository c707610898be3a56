/* core/yaml.c -- see yaml.h. */
#include "core/yaml.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#define MAX_BYTE  (1u << 20)
#define MAX_DEPTH 64
#define MAX_COPY  (1u << 18) // nodes and bytes of text that anchors and aliases may repeat
#define MAX_SHOWN 256 // bytes of a key in a message

struct anchor {
    char       *name; // owned
    struct yaml node; // owned: what the file had there, without its key
};

struct loader {
    yaml_parser_t   parser;
    const char     *source;
    bool            set; // source is an argument of --set
    const char     *text;
    size_t          n_byte;
    struct anchor  *anchor; // owned; in the order of the file
    size_t          n_anchor;
    size_t          n_copy; // so far, of MAX_COPY
    struct err_msg *m;
};

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "out of memory");
}

/* Of a list or map of n_item: a power of two, so that append() needs not be told. */
static size_t room_for(size_t n_item)
{
    size_t room = 1;

    while (room < n_item)
        room *= 2;
    return room;
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

/* The longest start of `text` within n_byte bytes that does not cut a UTF-8 character. */
static size_t whole_characters(const char *text, size_t n_byte)
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

    size_t most = sizeof s.text - sizeof "\"\"...", n = whole_characters(node->text, most);
    snprintf(s.text, sizeof s.text, "%s%.*s%s%s", quote, (int)n, node->text,
             node->text[n] ? "..." : "", quote);
    return s;
}

/* ---- parsing ---- */

static struct yaml node_at(const struct loader *l, enum yaml_kind kind, yaml_mark_t mark)
{
    return (struct yaml){ .kind = kind,
                          .line = l->set ? 0 : (uint32_t)mark.line + 1,
                          .source = l->source };
}

static enum err refuse(const struct loader *l, yaml_mark_t mark, const char *why)
{
    struct yaml here = node_at(l, YAML_SCALAR, mark);

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
        return refuse(l, mark, problem);
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
        return refuse(l, e->start_mark, "tags (!) are not read: leave it out, or put the value "
                                        "in quotes");
    return ERR_NONE;
}

static enum err copy_text(const struct loader *l, const yaml_event_t *e, char **text)
{
    const char *value = (const char *)e->data.scalar.value;

    if (strlen(value) != e->data.scalar.length)
        return refuse(l, e->start_mark, "a NUL byte in a value or key");
    *text = strdup(value);
    return *text ? ERR_NONE : no_memory(l->m);
}

/* Appends a node; its capacity is n_item rounded up to a power of two. */
static enum err append(struct yaml *parent, struct yaml node, struct err_msg *m)
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

/* ---- anchors, aliases and merges ---- */

/* Repeats what an anchor holds. The budget bounds what nested aliases multiply, the depth chains of
 * them. The copy keeps the lines, so that a message names the place where a value is written. */
static enum err copy_node(struct loader *l, const struct yaml *from, int depth, yaml_mark_t mark,
                          struct yaml *to)
{
    size_t n_byte = 1 + (from->text ? strlen(from->text) : 0) + (from->key ? strlen(from->key) : 0);
    enum err e = ERR_NONE;

    *to = (struct yaml){ 0 };
    if (n_byte > MAX_COPY - l->n_copy)
        return refuse(l, mark, "anchors and aliases repeat too much: want at most 262144 values "
                               "and bytes");
    if (depth > MAX_DEPTH)
        return refuse(l, mark, "nested too deeply: want at most 64 levels");
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
            e = append(to, item, l->m);
    }
    if (e)
        yaml_release(to);
    return e;
}

static enum err keep_anchor(struct loader *l, const char *name, yaml_mark_t mark,
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
static enum err follow_alias(struct loader *l, const yaml_event_t *event, int depth,
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
    struct yaml here = node_at(l, YAML_SCALAR, event->start_mark);
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
        enum err e = append(map, pair, l->m);
        if (e)
            return e;
    }
    return ERR_NONE;
}

/* `<<: *base` or `<<: [*first, *second]`: keys that the map does not have itself. */
static enum err merge(struct loader *l, struct yaml *map, struct yaml *from)
{
    enum err e = ERR_NONE;

    if (from->kind != YAML_LIST)
        return take_pairs(l, map, from);
    for (size_t i = 0; i < from->n_item && !e; i++)
        e = take_pairs(l, map, &from->item[i]);
    return e;
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
            e = append(list, item, l->m);
        if (end || e)
            return e;
    }
}

static enum err parse_key(struct loader *l, const yaml_event_t *event, char **key)
{
    if (event->type != YAML_SCALAR_EVENT || anchor_of(event))
        return refuse(l, event->start_mark, "a list, a map, an anchor or an alias as a key: want "
                                            "plain text");
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
    value.line = node_at(l, YAML_SCALAR, key->start_mark).line;
    return append(is_merge(key) ? merged : map, value, l->m);
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

static enum err parse_map(struct loader *l, int depth, struct yaml *map)
{
    struct yaml merged = { 0 };
    enum err e = parse_pairs(l, depth, map, &merged);
    size_t n_own = map->n_item;

    for (size_t i = 0; i < merged.n_item && !e; i++)
        e = merge(l, map, &merged.item[i]);
    yaml_release(&merged);
    return e ? e : settle_keys(l, map, n_own);
}

/* Reads the node that `event` begins. On error *node is zero. */
static enum err parse_node(struct loader *l, yaml_event_t *event, int depth, struct yaml *node)
{
    *node = (struct yaml){ 0 };
    if (event->type == YAML_ALIAS_EVENT)
        return follow_alias(l, event, depth, node);
    enum err e = check_tag(l, event);
    if (e)
        return e;
    if (depth > MAX_DEPTH)
        return refuse(l, event->start_mark, "nested too deeply: want at most 64 levels");
    if (event->type == YAML_SCALAR_EVENT) {
        *node = node_at(l, YAML_SCALAR, event->start_mark);
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        e = copy_text(l, event, &node->text);
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        *node = node_at(l, YAML_LIST, event->start_mark);
        e = parse_list(l, depth, node);
    } else {
        *node = node_at(l, YAML_MAP, event->start_mark);
        e = parse_map(l, depth, node);
    }
    if (!e && anchor_of(event))
        e = keep_anchor(l, anchor_of(event), event->start_mark, node);
    if (e)
        yaml_release(node);
    return e;
}

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
                e = refuse(l, event.start_mark, "a second document: want one in a file");
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
    *root = node_at(l, YAML_SCALAR, (yaml_mark_t){ 0 });
    root->text = strndup(l->text, l->n_byte);
    if (root->text)
        return ERR_NONE;
    *root = (struct yaml){ 0 };
    return no_memory(l->m);
}

static enum err parse_text(struct loader *l, struct yaml *root)
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
        *root = node_at(l, YAML_SCALAR, (yaml_mark_t){ 0 });
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
    enum err e = parse_text(&l, root);
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

/* ---- the tree ---- */

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
                   (int)whole_characters(assignment, MAX_SHOWN), assignment);
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
    enum err e = append(parent, made, m);
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
    enum err e = parse_text(&l, &value);
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

/* ---- typed readers ---- */

/* The digit at *p, over underscores that stand between two: 1_000. Or -1. */
static int next_digit(const char **p, unsigned base)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = *p;

    if (at[0] == '_' && at[1] != '\0')
        at++;
    const char *found = *at ? strchr(digits, *at >= 'A' && *at <= 'F' ? *at + 'a' - 'A' : *at)
                            : NULL;
    if (!found || found - digits >= (int)base)
        return -1;
    *p = at + 1;
    return (int)(found - digits);
}

/* *v = *v * base + digit; false where 64 bits do not hold it. */
static bool append_digit(uint64_t *v, unsigned base, unsigned digit)
{
    if (*v > (UINT64_MAX - digit) / base)
        return false;
    *v = *v * base + digit;
    return true;
}

static bool read_hexadecimal(const char *p, uint64_t *v)
{
    int digit = *p == '_' ? -1 : next_digit(&p, 16);

    for (*v = 0; digit >= 0; digit = next_digit(&p, 16))
        if (!append_digit(v, 16, (unsigned)digit))
            return false;
    return *p == '\0' && p[-1] != 'x';
}

/* e3, E+3, e-3 or nothing. */
static bool read_exponent(const char *p, long *exponent)
{
    *exponent = 0;
    if (*p == '\0')
        return true;
    if ((*p != 'e' && *p != 'E') || p[strcspn(p, "0123456789")] == '\0')
        return false;
    size_t n_sign = p[1] == '-' || p[1] == '+';
    if (strspn(p + 1 + n_sign, "0123456789") != strlen(p + 1 + n_sign) || strlen(p) > 6)
        return false;
    *exponent = strtol(p + 1, NULL, 10);
    return true;
}

/* Digits from *p on go to *v; the zeros at their end are only counted, so that 1.500e2 fits. */
static bool read_digits(const char **p, uint64_t *v, long *n_zero, long *n_digit)
{
    int digit;

    for (*n_digit = 0; (digit = next_digit(p, 10)) >= 0; ++*n_digit) {
        ++*n_zero;
        if (digit == 0)
            continue;
        for (; *n_zero > 1; --*n_zero)
            if (!append_digit(v, 10, 0))
                return false;
        *n_zero = 0;
        if (!append_digit(v, 10, (unsigned)digit))
            return false;
    }
    return true;
}

bool yaml_decimal(const char *text, unsigned decimals, uint64_t *value)
{
    uint64_t v = 0;
    long zeros = 0, whole, fraction = 0, exponent;
    const char *p = text;

    if (text[0] == '0' && text[1] == 'x') {
        if (!read_hexadecimal(text + 2, &v))
            return false;
        exponent = 0;
    } else {
        bool leading_zero = text[0] == '0' && text[1] != '\0' && strchr("0123456789_", text[1]);
        if (leading_zero || *p == '_' || !read_digits(&p, &v, &zeros, &whole) || whole == 0)
            return false;
        bool point = *p == '.';
        p += point;
        if (point && (*p == '_' || !read_digits(&p, &v, &zeros, &fraction) || fraction == 0))
            return false;
        if (!read_exponent(p, &exponent))
            return false;
    }
    exponent += zeros - fraction + (long)decimals;
    if (v != 0 && exponent < 0)
        return false;
    for (; v != 0 && exponent > 0; exponent--)
        if (!append_digit(&v, 10, 0))
            return false;
    *value = v;
    return true;
}

/* Why a scalar that looks like a number is none. */
static const char *number_hint(const struct yaml *node)
{
    if (node->kind == YAML_SCALAR && node->text[0] == '0' && node->text[1] >= '0' &&
        node->text[1] <= '9')
        return ", without leading zeros";
    return "";
}

enum err yaml_u64(const struct yaml *node, const char *name, uint64_t least, uint64_t most,
                  const char *unit, uint64_t *value, struct err_msg *m)
{
    uint64_t v;

    if (node->kind == YAML_SCALAR && yaml_decimal(node->text, 0, &v) && v >= least && v <= most) {
        *value = v;
        return ERR_NONE;
    }
    return yaml_error(node, m, "%.200s = %s: want a whole number from %" PRIu64 " to %" PRIu64
                      "%s%s%s", name, yaml_show(node).text, least, most, unit[0] ? " " : "", unit,
                      number_hint(node));
}

/* [-]digits[.digits][e[+-]digits]: what JSON calls a number, so neither infinite nor nan. */
static bool is_number(const char *p)
{
    size_t n = strspn(p += *p == '-', "0123456789");

    if (n == 0 || (p[0] == '0' && n > 1))
        return false;
    p += n;
    if (*p == '.') {
        n = strspn(++p, "0123456789");
        if (n == 0)
            return false;
        p += n;
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '-' || *p == '+';
        n = strspn(p, "0123456789");
        if (n == 0)
            return false;
        p += n;
    }
    return *p == '\0';
}

/* A number as JSON has it, or one that yaml_decimal() reads: 1_000, 0x10. */
static bool read_number(const char *text, double *v)
{
    uint64_t whole;

    if (is_number(text)) {
        *v = strtod(text, NULL);
        return isfinite(*v);
    }
    if (!yaml_decimal(text, 0, &whole))
        return false;
    *v = (double)whole;
    return true;
}

enum err yaml_double(const struct yaml *node, const char *name, double least, double most,
                     const char *unit, double *value, struct err_msg *m)
{
    double v;

    if (node->kind == YAML_SCALAR && read_number(node->text, &v) && v >= least && v <= most) {
        *value = v;
        return ERR_NONE;
    }
    return yaml_error(node, m, "%.200s = %s: want a number from %.15g to %.15g%s%s%s", name,
                      yaml_show(node).text, least, most, unit[0] ? " " : "", unit,
                      number_hint(node));
}

enum err yaml_text(const struct yaml *node, const char *name, const char **text, struct err_msg *m)
{
    if (node->kind != YAML_SCALAR || node->text[0] == '\0')
        return yaml_error(node, m, "%.200s = %s: want text", name, yaml_show(node).text);
    *text = node->text;
    return ERR_NONE;
}
