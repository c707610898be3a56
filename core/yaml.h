/* core/yaml.h -- a YAML file as a tree that remembers where everything was written.
 *
 * The tree holds scalars (as text: what they mean is for the reader to say), lists and maps, in the
 * order of the file. What a configuration has no use for and could hide a mistake in is refused by
 * name: repeated keys, several documents, tags, keys that are not plain text, NUL bytes. A file may
 * have 1 MiB and 64 levels. An empty file is an empty scalar.
 *
 * An alias (*name) stands for what its anchor (&name) has, `<<: *name` and `<<: [*a, *b]` for the
 * keys that the map itself lacks. Keys at the top that begin with x- hold anchors and are left out.
 * Copies are bounded, so that a small file cannot become a large tree. A node behind an alias keeps
 * the line where it is written.
 *
 * libyaml parses; its own complaints are reported with file:line:column.
 */
#ifndef CORE_YAML_H
#define CORE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml { // a node; owns what is below it
    enum yaml_kind kind;
    bool           quoted; // a scalar written in quotes, or as a block
    uint32_t       line;   // from 1, of the key in a map; 0: source is an argument of --set
    const char    *source; // borrowed: the file's name, or "key=value"
    char          *key;    // NULL in a list and at the top
    char          *text;   // of a scalar, else NULL
    struct yaml   *item;   // of a list or map
    size_t         n_item;
};

/* Reads a file. `path` must outlive the tree. On error *root is zero. */
enum err yaml_load(struct yaml *root, const char *path, struct err_msg *m);

/* The same from memory; `source` is its name in messages and must outlive the tree. */
enum err yaml_load_text(struct yaml *root, const char *source, const char *text, size_t n_byte,
                        struct err_msg *m);

/* Puts the value of "a.b.c=value" (YAML, so that [1, 2] and {32: 4} work) at a.b.c, in place of
 * what was there, and creates the maps it needs. The key has at most max_part parts: the last
 * takes the dots that remain. `assignment` must outlive the tree; messages about the value begin
 * "--set a.b.c". */
enum err yaml_set(struct yaml *root, const char *assignment, size_t max_part, struct err_msg *m);

/* A tree of its own, with the same places. On error *to is zero. */
enum err yaml_copy(struct yaml *to, const struct yaml *from, struct err_msg *m);

/* Takes a zeroed tree too. */
void yaml_release(struct yaml *root);

/* What a map has under the key: NULL when there is nothing, or when it is no map. */
struct yaml *yaml_get(const struct yaml *map, const char *key);

/* Whether nothing was written: `key:` without a value, or an empty file. */
bool yaml_is_empty(const struct yaml *node);

/* "configs/resnet32.yaml:14" or "--set fabric.link_gbps", cut to n_byte. */
void yaml_where(const struct yaml *node, char *text, size_t n_byte);

/* ERR_INPUT with the node's place before the line. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
enum err yaml_error(const struct yaml *node, struct err_msg *m, const char *fmt, ...);

/* The value as it reads in a message, cut to a few words: 7, "7", [...], {...} or nothing. */
struct yaml_shown {
    char text[64];
};
struct yaml_shown yaml_show(const struct yaml *node);

/* Typed readers. `name` is the dotted key for messages, `unit` follows the range ("" for none).
 * Numbers may be in quotes. Out of [least, most] is ERR_INPUT. */
enum err yaml_u64(const struct yaml *node, const char *name, uint64_t least, uint64_t most,
                  const char *unit, uint64_t *value, struct err_msg *m);
enum err yaml_double(const struct yaml *node, const char *name, double least, double most,
                     const char *unit, double *value, struct err_msg *m);

/* A scalar that is not empty; the text is the node's own. */
enum err yaml_text(const struct yaml *node, const char *name, const char **text, struct err_msg *m);

/* text * 10^decimals where that is a whole number of 64 bits, exactly: 64, 1_000, 0x10, 1e3, 5.12,
 * 2.5e-1. No sign and no leading zero, which some read as octal. */
bool yaml_decimal(const char *text, unsigned decimals, uint64_t *value);

#endif
