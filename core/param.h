/* core/param.h -- one row per parameter, from which everything about it comes.
 *
 * A table of rows describes the fields of a configuration struct: dotted key, kind, unit, default,
 * range, one line of doc. Reading, range checks, --set, --help and the written-back configuration
 * all walk the table, so they cannot disagree. Rows of one section stand together; a table ends
 * with PARAM_END.
 *
 *     static const struct param rows[] = {
 *         PARAM_U32(struct cfg, rows, "crossbar.rows", "", "256", 1, 8192, "rows of the array"),
 *         PARAM_END };
 *
 * Numbers are read exactly (yaml_decimal()): 64, 1_000, 0x10, 1e3. Those that are not whole have at
 * most nine decimals; none passes through floating point. Keys at the top that begin with "x-" are
 * not read: they are a place for anchors.
 */
#ifndef CORE_PARAM_H
#define CORE_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "core/yaml.h"

enum param_kind {
    PARAM_KIND_U32,
    PARAM_KIND_U64,
    PARAM_KIND_DECIMAL, // uint64_t in billionths of the unit: 5.12 Gb/s is 5,120,000,000 bit/s
    PARAM_KIND_ENUM,  // an enum counted from 0, written by name
    PARAM_KIND_NAME,  // char[]: a word; whether it means something is checked by its user
    PARAM_KIND_PATH,  // char[]: a file; empty: not given
    PARAM_KIND_FILE,  // char[]: one of the files that come with imcsim, by name, or a path
    PARAM_KIND_FACTS, // char[]: likewise; or a map, {file: NAME, key: value}, as JSON text
    PARAM_KIND_MAPS,  // char[]: a map of maps under free keys, as JSON text
    PARAM_KIND_LIST,  // uint32_t[] and its count, at least one where none may be 0
    PARAM_KIND_COUNTS // struct count_map
};

struct count_map { // integers under free keys, e.g. mapping.replicas: {32: 4, conv5: 2}
    struct count_entry {
        char    *key;   // owned
        char    *where; // owned; file:line, for errors
        uint32_t value;
    }       *entry; // owned; in the order of the file
    uint32_t n_entry;
};

struct param {
    const char        *key;
    enum param_kind    kind;
    size_t             offset, size; // of the field
    size_t             n_offset;     // of a list's uint32_t count
    const char        *unit;         // "" for a pure number
    const char        *dflt;         // as YAML; "" for a path
    uint64_t           least, most;  // of the field, of each element or of each count
    uint64_t           step;         // the field is a multiple of it
    const char *const *names;        // of an enum, by value; ends with NULL. A whole number may
                                     // have some beside its range: names[i] is PARAM_WORD(i)
    const char        *reserved;     // a name that an enum will have one day, or NULL
    const char        *doc;          // one line
};

#define PARAM_FIELD(type, field) offsetof(type, field), sizeof(((type *)0)->field)
#define PARAM_U32(type, field, key, unit, dflt, least, most, doc)                                  \
    PARAM_U32_STEP(type, field, key, unit, dflt, least, most, 1, doc)
#define PARAM_U32_STEP(type, field, key, unit, dflt, least, most, step, doc)                       \
    { key, PARAM_KIND_U32, PARAM_FIELD(type, field), 0, unit, dflt, least, most, step, NULL, NULL, \
      doc }
#define PARAM_U64(type, field, key, unit, dflt, least, most, doc)                                  \
    { key, PARAM_KIND_U64, PARAM_FIELD(type, field), 0, unit, dflt, least, most, 1, NULL, NULL,    \
      doc }
#define PARAM_RATE(type, field, key, dflt, least, most, doc)                                       \
    PARAM_DECIMAL(type, field, key, "Gb/s", dflt, least, most, 1, doc)
#define PARAM_DECIMAL(type, field, key, unit, dflt, least, most, step, doc)                        \
    { key, PARAM_KIND_DECIMAL, PARAM_FIELD(type, field), 0, unit, dflt, least, most, step, NULL,   \
      NULL, doc }
#define PARAM_U32_OR(type, field, key, unit, dflt, least, most, names, doc)                        \
    { key, PARAM_KIND_U32, PARAM_FIELD(type, field), 0, unit, dflt, least, most, 1, names, NULL,   \
      doc }
#define PARAM_ENUM(type, field, key, dflt, names, reserved, doc)                                   \
    { key, PARAM_KIND_ENUM, PARAM_FIELD(type, field), 0, "", dflt, 0, 0, 1, names, reserved, doc }
#define PARAM_NAME(type, field, key, dflt, doc)                                                    \
    { key, PARAM_KIND_NAME, PARAM_FIELD(type, field), 0, "", dflt, 0, 0, 1, NULL, NULL, doc }
#define PARAM_PATH(type, field, key, doc)                                                          \
    { key, PARAM_KIND_PATH, PARAM_FIELD(type, field), 0, "", "", 0, 0, 1, NULL, NULL, doc }
#define PARAM_FILE(type, field, key, dflt, doc)                                                    \
    { key, PARAM_KIND_FILE, PARAM_FIELD(type, field), 0, "", dflt, 0, 0, 1, NULL, NULL, doc }
#define PARAM_FACTS(type, field, key, dflt, doc)                                                   \
    { key, PARAM_KIND_FACTS, PARAM_FIELD(type, field), 0, "", dflt, 0, 0, 1, NULL, NULL, doc }
#define PARAM_MAPS(type, field, key, doc)                                                          \
    { key, PARAM_KIND_MAPS, PARAM_FIELD(type, field), 0, "", "{}", 0, 0, 1, NULL, NULL, doc }
#define PARAM_LIST(type, field, n_field, key, dflt, least, most, doc)                              \
    { key, PARAM_KIND_LIST, PARAM_FIELD(type, field), offsetof(type, n_field), "", dflt, least,    \
      most, 1, NULL, NULL, doc }
#define PARAM_COUNTS(type, field, key, dflt, least, most, doc)                                     \
    { key, PARAM_KIND_COUNTS, PARAM_FIELD(type, field), 0, "", dflt, least, most, 1, NULL, NULL,   \
      doc }
#define PARAM_WORD(i) (UINT32_MAX - (uint32_t)(i))
#define PARAM_NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define PARAM_JSON (JSON_COMPACT | JSON_REAL_PRECISION(15)) // of the text of a map
#define PARAM_BILLION UINT64_C(1000000000) // of a decimal's unit
#define PARAM_GBPS PARAM_BILLION // bit/s
#define PARAM_END { 0 }

/* Fills every field of the zeroed struct at `base` from the tree, or with its default. where[i],
 * if `where` is not NULL, becomes the place that gave row i (owned by the caller) or stays NULL.
 * On error the fields are to be released as well. */
enum err param_read(const struct param *rows, void *base, const struct yaml *root, char **where,
                    struct err_msg *m);

/* Frees what the fields own. */
void param_release(const struct param *rows, void *base);

/* Applies "key=value" to the tree. Keys below a map of free keys may hold dots. */
enum err param_set(const struct param *rows, struct yaml *root, const char *assignment,
                   struct err_msg *m);

/* Index of the row with this key, which must exist. */
size_t param_find(const struct param *rows, const char *key);

/* The word of a number that has one instead of digits; NULL where it has not. */
const char *param_word(const struct param *row, uint32_t value);

/* The map whose text a field of PARAM_FACTS holds, the caller's; NULL where it holds a word. */
struct json_t *param_map(const char *field);

/* The word of a file that a row names: a path, a name, "file" of a map. Empty: none. */
void param_file_word(const struct param *row, const void *base, char *word, size_t n_byte);

/* Puts another in its place. False when it does not fit. */
bool param_put_file(const struct param *row, void *base, const char *word);

/* Whether a row means something in this configuration; rows that do not are not written. */
typedef bool param_applies(const struct param *row, const void *base);

/* Writes every row that applies, as YAML that param_read() reads back to the same fields. */
enum err param_write_yaml(const struct param *rows, const void *base, param_applies *applies,
                          FILE *out, struct err_msg *m);

/* The same structure as a JSON object (the caller's), rates in Gb/s: print it with
 * JSON_REAL_PRECISION(15) and they read as in the YAML. NULL without memory. */
struct json_t *param_to_json(const struct param *rows, const void *base, param_applies *applies);

/* A paragraph per row: key, default, what is accepted, doc. A gap between sections. */
void param_print_help(const struct param *rows, FILE *out);

/* A page for a key, or a paragraph for each key of a section. ERR_INPUT when there is neither, with
 * the key that was probably meant. */
enum err param_print_key(const struct param *rows, const char *key, FILE *out, struct err_msg *m);

/* What a row accepts: "1 to 8192", "auto, iwap, klip or plip". */
struct param_text {
    char text[128];
};
struct param_text param_accepts(const struct param *row);

/* A rate as written in YAML: 5120000000 is 5.12. */
struct param_rate {
    char text[32];
};
struct param_rate param_rate_text(uint64_t bps);

#endif
