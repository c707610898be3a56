/* core/param.c -- reads a tree into the fields of a struct; see param.h. */
#include "core/param.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/util.h"
#include "core/wrap.h"

#define BPS_PER_GBPS   1000000000u
#define GBPS_DECIMALS  9    // log10(BPS_PER_GBPS)
#define MAX_KEY_BYTE   256  // of a dotted key; more is cut
#define MAX_PLACE_BYTE 1200 // of a path and a line
#define MAX_COMPARE    64   // characters of a key that are looked at to guess what was meant

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "out of memory");
}

size_t param_find(const struct param *rows, const char *key)
{
    size_t i = 0;

    while (rows[i].key && (rows[i].key[0] != key[0] || strcmp(rows[i].key, key) != 0))
        i++;
    assert(rows[i].key);
    return i;
}

/* ---- values ---- */

struct param_rate param_rate_text(uint64_t bps)
{
    struct param_rate t;
    int n = snprintf(t.text, sizeof t.text, "%" PRIu64 ".%09" PRIu64, bps / BPS_PER_GBPS,
                     bps % BPS_PER_GBPS);

    while (t.text[n - 1] == '0')
        n--;
    if (t.text[n - 1] == '.')
        n--;
    t.text[n] = '\0';
    return t;
}

/* "a, b or c" */
static struct param_text choice(const char *const *names)
{
    struct param_text t = { "" };
    size_t n = 0;

    for (size_t i = 0; names[i] && n < sizeof t.text; i++) {
        const char *glue = i == 0 ? "" : names[i + 1] ? ", " : " or ";
        n += (size_t)snprintf(t.text + n, sizeof t.text - n, "%s%s", glue, names[i]);
    }
    return t;
}

struct param_text param_accepts(const struct param *row)
{
    struct param_text t = { "" };
    const char *gap = row->unit[0] ? " " : "";

    switch (row->kind) {
    case PARAM_KIND_U32:
    case PARAM_KIND_U64:
        snprintf(t.text, sizeof t.text, "%" PRIu64 " to %" PRIu64 "%s%s", row->least, row->most,
                 gap, row->unit);
        if (row->names) {
            size_t n = strlen(t.text);
            snprintf(t.text + n, sizeof t.text - n, ", %s%.32s", row->names[1] ? "" : "or ",
                     choice(row->names).text);
        }
        if (row->step > 1) {
            size_t n = strlen(t.text);
            snprintf(t.text + n, sizeof t.text - n, ", a multiple of %" PRIu64, row->step);
        }
        break;
    case PARAM_KIND_DECIMAL:
        snprintf(t.text, sizeof t.text, "%s to %s%s%s", param_rate_text(row->least).text,
                 param_rate_text(row->most).text, gap, row->unit);
        break;
    case PARAM_KIND_ENUM:
        return choice(row->names);
    case PARAM_KIND_NAME:
        snprintf(t.text, sizeof t.text, "a name, at most %zu bytes", row->size - 1);
        break;
    case PARAM_KIND_FILE:
        snprintf(t.text, sizeof t.text, "a name or a path, at most %zu bytes", row->size - 1);
        break;
    case PARAM_KIND_FACTS:
        snprintf(t.text, sizeof t.text, "a name, a path or {file: NAME, key: value, ...}, at most "
                 "%zu bytes", row->size - 1);
        break;
    case PARAM_KIND_MAPS:
        snprintf(t.text, sizeof t.text, "{name: {key: value, ...}, ...}, at most %zu bytes",
                 row->size - 1);
        break;
    case PARAM_KIND_PATH:
        snprintf(t.text, sizeof t.text, "a file name, at most %zu bytes", row->size - 1);
        break;
    case PARAM_KIND_LIST:
        snprintf(t.text, sizeof t.text, "[%" PRIu64 " to %" PRIu64 ", ...], %d to %zu of them",
                 row->least, row->most, row->least > 0, row->size / sizeof(uint32_t));
        break;
    case PARAM_KIND_COUNTS:
        snprintf(t.text, sizeof t.text, "{key: %" PRIu64 " to %" PRIu64 ", ...}", row->least,
                 row->most);
        break;
    }
    return t;
}

static enum err unwanted(const struct param *row, const struct yaml *node, struct err_msg *m)
{
    return yaml_error(node, m, "%s = %s: want %s", row->key, yaml_show(node).text,
                      param_accepts(row).text);
}

static enum err read_integer(const struct param *row, const struct yaml *node, uint64_t *value,
                             struct err_msg *m)
{
    enum err e = yaml_u64(node, row->key, row->least, row->most, row->unit, value, m);

    return !e && *value % row->step != 0 ? unwanted(row, node, m) : e;
}

const char *param_word(const struct param *row, uint32_t value)
{
    for (uint32_t i = 0; row->names && row->names[i]; i++)
        if (value == PARAM_WORD(i))
            return row->names[i];
    return NULL;
}

static enum err read_u32(const struct param *row, const struct yaml *node, uint32_t *field,
                         struct err_msg *m)
{
    uint64_t v = *field;

    assert(row->most <= UINT32_MAX);
    for (uint32_t i = 0; row->names && row->names[i] && node->kind == YAML_SCALAR; i++)
        if (strcmp(row->names[i], node->text) == 0) {
            *field = PARAM_WORD(i);
            return ERR_NONE;
        }
    enum err e = read_integer(row, node, &v, m);
    if (e && row->names) // which says the words too
        return unwanted(row, node, m);
    *field = (uint32_t)v;
    return e;
}

/* Decimals of a multiple of `step` billionths. */
static int decimals(uint64_t step)
{
    int n = GBPS_DECIMALS;

    for (; step >= 10; step /= 10)
        n--;
    return n;
}

static enum err read_decimal(const struct param *row, const struct yaml *node, uint64_t *field,
                          struct err_msg *m)
{
    uint64_t v;

    if (node->kind == YAML_SCALAR && yaml_decimal(node->text, GBPS_DECIMALS, &v) &&
        v >= row->least && v <= row->most && v % row->step == 0) {
        *field = v;
        return ERR_NONE;
    }
    return yaml_error(node, m, "%s = %s: want %s, a decimal number with at most %d decimals",
                      row->key, yaml_show(node).text, param_accepts(row).text,
                      decimals(row->step));
}

static enum err read_enum(const struct param *row, const struct yaml *node, void *field,
                          struct err_msg *m)
{
    const char *text = node->kind == YAML_SCALAR ? node->text : "";

    for (unsigned i = 0; row->names[i]; i++)
        if (strcmp(row->names[i], text) == 0) {
            assert(row->size == sizeof i);
            memcpy(field, &i, sizeof i);
            return ERR_NONE;
        }
    if (row->reserved && strcmp(row->reserved, text) == 0)
        return yaml_error(node, m, "%s = %s: not there yet: want %s", row->key, text,
                          param_accepts(row).text);
    return unwanted(row, node, m);
}

static enum err read_text(const struct param *row, const struct yaml *node, char *field,
                          struct err_msg *m)
{
    if (node->kind != YAML_SCALAR || node->text[0] == '\0' || strlen(node->text) >= row->size)
        return unwanted(row, node, m);
    strcpy(field, node->text);
    return ERR_NONE;
}

json_t *param_map(const char *field)
{
    json_t *map = json_loads(field, 0, NULL);

    if (json_is_object(map))
        return map;
    json_decref(map);
    return NULL;
}

static json_t *json_of(const struct yaml *node);

/* The value as JSON has it. */
static json_t *json_of_scalar(const char *text)
{
    json_t *number = json_loads(text, JSON_DECODE_ANY, NULL);

    if (json_is_number(number))
        return number;
    json_decref(number);
    return json_string(text);
}

static json_t *json_of_items(const struct yaml *node)
{
    json_t *all = node->kind == YAML_MAP ? json_object() : json_array();
    bool done = all != NULL;

    for (size_t i = 0; done && i < node->n_item; i++) {
        json_t *one = json_of(&node->item[i]);
        done = node->kind == YAML_MAP ? !json_object_set_new(all, node->item[i].key, one)
                                      : !json_array_append_new(all, one);
    }
    if (done)
        return all;
    json_decref(all);
    return NULL;
}

/* NULL without memory. */
static json_t *json_of(const struct yaml *node)
{
    return node->kind == YAML_SCALAR ? json_of_scalar(node->text) : json_of_items(node);
}

/* A map's text. */
static enum err read_map(const struct param *row, const struct yaml *node, char *field,
                         struct err_msg *m)
{
    if (node->kind != YAML_MAP)
        return unwanted(row, node, m);
    json_t *map = json_of(node);
    char *text = map ? json_dumps(map, PARAM_JSON) : NULL;
    json_decref(map);
    if (!text)
        return no_memory(m);
    bool fits = strlen(text) < row->size;
    if (fits)
        strcpy(field, text);
    free(text);
    return fits ? ERR_NONE : unwanted(row, node, m);
}

/* A word, or a map's text; a word is none that could be taken for a map. */
static enum err read_facts(const struct param *row, const struct yaml *node, char *field,
                           struct err_msg *m)
{
    json_t *map = node->kind == YAML_SCALAR ? param_map(node->text) : NULL;

    if (node->kind == YAML_SCALAR && !map)
        return read_text(row, node, field, m);
    json_decref(map);
    return read_map(row, node, field, m);
}

/* Of maps, each under a key. */
static enum err read_maps(const struct param *row, const struct yaml *node, char *field,
                          struct err_msg *m)
{
    for (size_t i = 0; node->kind == YAML_MAP && i < node->n_item; i++)
        if (node->item[i].kind != YAML_MAP || node->item[i].key[0] == '\0')
            return unwanted(row, node, m);
    return read_map(row, node, field, m);
}

static enum err read_list(const struct param *row, const struct yaml *node, uint32_t *field,
                          uint32_t *n_field, struct err_msg *m)
{
    if (node->kind != YAML_LIST || (node->n_item == 0 && row->least > 0) ||
        node->n_item > row->size / sizeof *field)
        return unwanted(row, node, m);
    for (size_t i = 0; i < node->n_item; i++) {
        enum err e = read_u32(row, &node->item[i], &field[i], m);
        if (e)
            return e;
    }
    *n_field = (uint32_t)node->n_item;
    return ERR_NONE;
}

static char *place_of(const struct yaml *node)
{
    char where[MAX_PLACE_BYTE];

    yaml_where(node, where, sizeof where);
    return strdup(where);
}

static enum err read_count(const struct param *row, const struct yaml *node,
                           struct count_entry *entry, struct err_msg *m)
{
    char name[MAX_KEY_BYTE];
    uint64_t value;

    if (node->key[0] == '\0')
        return yaml_error(node, m, "%s: an empty key", row->key);
    snprintf(name, sizeof name, "%s.%s", row->key, node->key);
    enum err e = yaml_u64(node, name, row->least, row->most, row->unit, &value, m);
    if (e)
        return e;
    entry->key = strdup(node->key);
    entry->where = place_of(node);
    entry->value = (uint32_t)value;
    return entry->key && entry->where ? ERR_NONE : no_memory(m);
}

static void release_counts(struct count_map *map)
{
    for (uint32_t i = 0; i < map->n_entry; i++) {
        free(map->entry[i].key);
        free(map->entry[i].where);
    }
    free(map->entry);
    *map = (struct count_map){ 0 };
}

static enum err read_counts(const struct param *row, const struct yaml *node,
                            struct count_map *map, struct err_msg *m)
{
    if (node->kind != YAML_MAP && !yaml_is_empty(node))
        return unwanted(row, node, m);
    release_counts(map);
    if (node->n_item == 0)
        return ERR_NONE;
    map->entry = calloc(node->n_item, sizeof *map->entry);
    if (!map->entry)
        return no_memory(m);
    map->n_entry = (uint32_t)node->n_item;
    for (size_t i = 0; i < node->n_item; i++) {
        enum err e = read_count(row, &node->item[i], &map->entry[i], m);
        if (e)
            return e;
    }
    return ERR_NONE;
}

static enum err read_value(const struct param *row, void *base, const struct yaml *node,
                           struct err_msg *m)
{
    void *field = (char *)base + row->offset, *n_field = (char *)base + row->n_offset;

    switch (row->kind) {
    case PARAM_KIND_U32:
        assert(row->size == sizeof(uint32_t));
        return read_u32(row, node, field, m);
    case PARAM_KIND_U64:
        assert(row->size == sizeof(uint64_t) && row->most <= INT64_MAX); // JSON has no more
        return read_integer(row, node, field, m);
    case PARAM_KIND_DECIMAL:
        assert(row->size == sizeof(uint64_t));
        return read_decimal(row, node, field, m);
    case PARAM_KIND_ENUM:
        return read_enum(row, node, field, m);
    case PARAM_KIND_NAME:
    case PARAM_KIND_FILE:
    case PARAM_KIND_PATH:
        return read_text(row, node, field, m);
    case PARAM_KIND_FACTS:
        return read_facts(row, node, field, m);
    case PARAM_KIND_MAPS:
        return read_maps(row, node, field, m);
    case PARAM_KIND_LIST:
        return read_list(row, node, field, n_field, m);
    case PARAM_KIND_COUNTS:
        assert(row->size == sizeof(struct count_map));
        return read_counts(row, node, field, m);
    }
    assert(!"unknown kind");
    return ERR_INPUT;
}

void param_release(const struct param *rows, void *base)
{
    for (; rows->key; rows++)
        if (rows->kind == PARAM_KIND_COUNTS)
            release_counts((struct count_map *)(void *)((char *)base + rows->offset));
}

/* ---- files ---- */

static json_t *facts_map(const struct param *row, const char *field)
{
    return row->kind == PARAM_KIND_FACTS ? param_map(field) : NULL;
}

static bool is_file(const struct param *row)
{
    return row->kind == PARAM_KIND_PATH || row->kind == PARAM_KIND_FILE ||
           row->kind == PARAM_KIND_FACTS;
}

void param_file_word(const struct param *row, const void *base, char *word, size_t n_byte)
{
    const char *field = (const char *)base + row->offset;

    word[0] = '\0';
    if (!is_file(row))
        return;
    json_t *map = facts_map(row, field);
    const char *file = map ? json_string_value(json_object_get(map, "file")) : field;
    snprintf(word, n_byte, "%s", file ? file : "");
    json_decref(map);
}

bool param_put_file(const struct param *row, void *base, const char *word)
{
    char *field = (char *)base + row->offset;
    json_t *map = facts_map(row, field);
    char *text = NULL;

    if (map && !json_object_set_new(map, "file", json_string(word)))
        text = json_dumps(map, PARAM_JSON);
    bool fits = strlen(map && text ? text : word) < row->size && !map == !text;
    if (fits) {
        memset(field, 0, row->size);
        strcpy(field, map ? text : word);
    }
    free(text);
    json_decref(map);
    return fits;
}

/* ---- keys ---- */

/* Whether `key` is the section `section` of the table, or (n_section == 0) its top. */
static bool below(const char *key, const char *section, size_t n_section)
{
    return n_section == 0 || (strncmp(key, section, n_section) == 0 && key[n_section] == '.');
}

/* Edits (insert, delete, replace a character) between two words, each cut to MAX_COMPARE. */
static size_t edits(const char *a, const char *b)
{
    size_t n_a = strnlen(a, MAX_COMPARE), n_b = strnlen(b, MAX_COMPARE);
    size_t row[MAX_COMPARE + 1];

    for (size_t j = 0; j <= n_b; j++)
        row[j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = min_u64(replaced, min_u64(row[j], row[j - 1]) + 1);
        }
    }
    return row[n_b];
}

static const char *last_part(const char *key)
{
    const char *dot = strrchr(key, '.');

    return dot ? dot + 1 : key;
}

/* Whether two keys lie in the same section; none is at the top. */
static bool beside(const char *a, const char *b)
{
    size_t n = (size_t)(last_part(a) - a);

    return n > 0 && (size_t)(last_part(b) - b) == n && strncmp(a, b, n) == 0;
}

/* The key or section that `unknown` was most likely meant to be: the nearest last part, where one
 * of the same section counts an edit less and half, then the nearest whole. Returns the edits
 * between the last parts. */
static size_t nearest_key(const struct param *rows, const char *unknown, char *nearest)
{
    size_t best = SIZE_MAX, between = 0;

    for (; rows->key; rows++)
        for (const char *end = rows->key; *end;) {
            char candidate[MAX_KEY_BYTE];
            end += strcspn(end + 1, ".") + 1; // each section of the key, then the key
            snprintf(candidate, sizeof candidate, "%.*s", (int)(end - rows->key), rows->key);
            size_t last = edits(last_part(unknown), last_part(candidate));
            size_t n = (2 * last + (beside(unknown, candidate) ? 0 : 3)) * (MAX_COMPARE + 1) +
                       edits(unknown, candidate);
            if (n < best) {
                best = n;
                between = last;
                strcpy(nearest, candidate);
            }
        }
    return between;
}

/* "rows, columns, mvm_ns" of core.crossbar */
static void list_section(const struct param *rows, const char *section, char *text, size_t n_byte)
{
    size_t n = 0, n_section = strlen(section), n_last = 0;
    const char *last = "";

    text[0] = '\0';
    for (; rows->key && n < n_byte; rows++) {
        if (!below(rows->key, section, n_section))
            continue;
        const char *part = rows->key + (n_section ? n_section + 1 : 0);
        size_t n_part = strcspn(part, ".");
        if (n_part == n_last && strncmp(part, last, n_part) == 0)
            continue;
        n += (size_t)snprintf(text + n, n_byte - n, "%s%.*s", n ? ", " : "", (int)n_part, part);
        last = part;
        n_last = n_part;
    }
}

static enum err unknown_key(const struct param *rows, const struct yaml *node, const char *section,
                            const char *key, struct err_msg *m)
{
    char nearest[MAX_KEY_BYTE] = "", keys[512];

    if (nearest_key(rows, key, nearest) <= strnlen(last_part(key), MAX_COMPARE) / 2)
        return yaml_error(node, m, "%s: unknown key; did you mean %s?", key, nearest);
    list_section(rows, section, keys, sizeof keys);
    return yaml_error(node, m, "%s: unknown key; want one of %s", key, keys);
}

struct reader {
    const struct param *rows;
    void               *base;
    char              **where;
    struct err_msg     *m;
};

static enum err read_row(struct reader *r, size_t i, const struct yaml *node)
{
    enum err e = read_value(&r->rows[i], r->base, node, r->m);

    if (e || !r->where)
        return e;
    r->where[i] = place_of(node);
    return r->where[i] ? ERR_NONE : no_memory(r->m);
}

static enum err read_section(struct reader *r, const char *section, const struct yaml *node);

/* The item of a section is a row, a section or a mistake. */
static enum err read_item(struct reader *r, const char *section, const struct yaml *node)
{
    char key[MAX_KEY_BYTE];
    snprintf(key, sizeof key, "%s%s%s", section, section[0] ? "." : "", node->key);
    size_t n_key = strlen(key);

    if (strchr(node->key, '.'))
        return yaml_error(node, r->m, "%s: a key with dots: want its sections one inside the other",
                          key);
    for (size_t i = 0; r->rows[i].key && n_key > 0; i++) {
        if (strcmp(r->rows[i].key, key) == 0)
            return read_row(r, i, node);
        if (below(r->rows[i].key, key, n_key))
            return read_section(r, key, node);
    }
    return unknown_key(r->rows, node, section, key, r->m);
}

static enum err read_section(struct reader *r, const char *section, const struct yaml *node)
{
    if (yaml_is_empty(node))
        return ERR_NONE;
    if (node->kind != YAML_MAP) {
        char keys[512];
        list_section(r->rows, section, keys, sizeof keys);
        return yaml_error(node, r->m, "%s%s%s: want a section with the keys %s", section,
                          section[0] ? " = " : "", yaml_show(node).text, keys);
    }
    for (size_t i = 0; i < node->n_item; i++) {
        enum err e = read_item(r, section, &node->item[i]);
        if (e)
            return e;
    }
    return ERR_NONE;
}

static enum err read_defaults(const struct param *rows, void *base, struct err_msg *m)
{
    for (; rows->key; rows++) {
        struct yaml node;
        if (rows->dflt[0] == '\0')
            continue;
        enum err e = yaml_load_text(&node, "default", rows->dflt, strlen(rows->dflt), m);
        if (!e)
            e = read_value(rows, base, &node, m);
        yaml_release(&node);
        if (e)
            return e;
    }
    return ERR_NONE;
}

enum err param_read(const struct param *rows, void *base, const struct yaml *root, char **where,
                    struct err_msg *m)
{
    struct reader r = { rows, base, where, m };
    enum err e = read_defaults(rows, base, m);

    assert(e != ERR_INPUT); // a row's own default
    return e ? e : read_section(&r, "", root);
}

enum err param_set(const struct param *rows, struct yaml *root, const char *assignment,
                   struct err_msg *m)
{
    size_t max_part = SIZE_MAX;

    for (; rows->key; rows++)
        if (rows->kind == PARAM_KIND_COUNTS && below(assignment, rows->key, strlen(rows->key))) {
            max_part = 2;
            for (const char *p = rows->key; *p; p++)
                max_part += *p == '.';
        }
    return yaml_set(root, assignment, max_part, m);
}

/* ---- help ---- */

static void print_line(const struct param *row, FILE *out)
{
    char text[MAX_KEY_BYTE + 1600];

    int n = snprintf(text, sizeof text, "%s (%s), %s: %s", row->key,
                     row->dflt[0] ? row->dflt : "-", param_accepts(row).text, row->doc);
    assert(n > 0 && (size_t)n < sizeof text);
    fputs("  ", out);
    wrap(out, text, 2, 6, TEXT_WIDTH);
    fputc('\n', out);
}

void param_print_help(const struct param *rows, FILE *out)
{
    const char *before = rows->key;

    for (const struct param *row = rows; row->key; row++) {
        if (strcspn(before, ".") != strcspn(row->key, ".") ||
            strncmp(before, row->key, strcspn(before, ".")) != 0)
            fputc('\n', out);
        before = row->key;
        print_line(row, out);
    }
}

static void print_page(const struct param *row, FILE *out)
{
    fprintf(out, "%s: ", row->key);
    wrap(out, row->doc, strlen(row->key) + 2, 4, TEXT_WIDTH);
    fprintf(out, "\n\n  takes    %s\n", param_accepts(row).text);
    if (row->dflt[0])
        fprintf(out, "  default  %s\n", row->dflt);
    else
        fprintf(out, "  default  not given\n");
    fprintf(out, "\n  in a file");
    size_t indent = 4;
    for (const char *p = row->key; *p;) {
        int n = (int)strcspn(p, ".");
        fprintf(out, "\n%*s%.*s:", (int)indent, "", n, p);
        indent += 2;
        p += n;
        p += *p == '.';
    }
    fprintf(out, " %s\n\n  for one run\n    --set '%s=%s'\n", row->dflt[0] ? row->dflt : "FILE",
            row->key, row->dflt[0] ? row->dflt : "FILE");
}

enum err param_print_key(const struct param *rows, const char *key, FILE *out, struct err_msg *m)
{
    char nearest[MAX_KEY_BYTE] = "";
    size_t n_key = strlen(key), n = 0;

    for (const struct param *row = rows; row->key; row++)
        if (strcmp(row->key, key) == 0) {
            print_page(row, out);
            return ERR_NONE;
        }
    for (const struct param *row = rows; row->key && n_key > 0; row++)
        if (below(row->key, key, n_key) && ++n)
            print_line(row, out);
    if (n > 0)
        return ERR_NONE;
    nearest_key(rows, key, nearest);
    return err_set(m, ERR_INPUT, "help config %.100s: no such key: did you mean %s?", key, nearest);
}
