/* core/yaml/loader.h -- a YAML text on its way to a tree. Of core/yaml alone. */
#ifndef CORE_YAML_LOADER_H
#define CORE_YAML_LOADER_H

#include <yaml.h>

#include "core/yaml.h"

#define MAX_DEPTH 64
#define MAX_COPY  (1u << 18) // nodes and bytes of text that anchors and aliases may repeat

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

static inline enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "out of memory");
}

/* ---- The tree, tree.c ---- */

/* Takes the node, after an error too. The capacity is n_item rounded up to a power of two. */
enum err yaml_append(struct yaml *parent, struct yaml node, struct err_msg *m);

/* The longest start of `text` within n_byte bytes that does not cut a UTF-8 character. */
size_t yaml_whole_characters(const char *text, size_t n_byte);

/* ---- Parsing, parse.c ---- */

/* All of l->text. On error *root is zero. */
enum err yaml_parse(struct loader *l, struct yaml *root);

struct yaml yaml_node_at(const struct loader *l, enum yaml_kind kind, yaml_mark_t mark);
enum err    yaml_refuse(const struct loader *l, yaml_mark_t mark, const char *why);

/* ---- Anchors, anchors.c ---- */

enum err yaml_keep_anchor(struct loader *l, const char *name, yaml_mark_t mark,
                          const struct yaml *node);
enum err yaml_follow_alias(struct loader *l, const yaml_event_t *event, int depth,
                           struct yaml *node);

/* `<<: *base` or `<<: [*first, *second]`: the pairs go from `from` behind those of the map. */
enum err yaml_merge(struct loader *l, struct yaml *map, struct yaml *from);

#endif
