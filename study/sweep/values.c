/* study/sweep/values.c -- see values.h. */
#include "study/sweep/values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/datadir.h"
#include "core/near_miss.h"
#include "dataflow/config.h"

enum { MOST_VALUES = 1000000, KEY_BYTE = 256, MOST_ROWS = 256 };

static const double least_number = -1e18, most_number = 1e18;

enum err value_row(const struct param **row, const struct yaml *node, const char *key,
                   struct err_msg *m)
{
    const char *keys[MOST_ROWS];
    size_t n_key = 0;

    for (const struct param *p = config_params; p->key; p++) {
        size_t n = strlen(p->key);
        bool map = p->kind == PARAM_KIND_COUNTS || p->kind == PARAM_KIND_FACTS ||
                   p->kind == PARAM_KIND_MAPS;
        if (strncmp(p->key, key, n) == 0 &&
            (key[n] == '\0' || (map && key[n] == '.' && key[n + 1] != '\0'))) {
            if (strchr(key, '='))
                break;
            *row = p;
            return ERR_NONE;
        }
        if (n_key < MOST_ROWS)
            keys[n_key++] = p->key;
    }
    const char *meant = near_miss(key, keys, n_key);
    return yaml_error(node, m, "%.100s: no key of a configuration: %s%s", key,
                      meant ? "did you mean " : "want one of imcsim help config",
                      meant ? meant : "");
}

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the points of a study");
}

/* ---- a node as text ---- */

static void write_text(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', out);
        if ((unsigned char)*text < ' ')
            fprintf(out, "\\x%02x", (unsigned)(unsigned char)*text);
        else
            putc(*text, out);
    }
    putc('"', out);
}

static void write_node(FILE *out, const struct yaml *node)
{
    if (node->kind == YAML_SCALAR) {
        if (node->quoted || strpbrk(node->text, ",[]{}#\"'\\: "))
            write_text(out, node->text);
        else
            fputs(node->text, out);
        return;
    }
    putc(node->kind == YAML_LIST ? '[' : '{', out);
    for (size_t i = 0; i < node->n_item; i++) {
        if (i > 0)
            fputs(", ", out);
        if (node->item[i].key) {
            write_text(out, node->item[i].key);
            fputs(": ", out);
        }
        write_node(out, &node->item[i]);
    }
    putc(node->kind == YAML_LIST ? ']' : '}', out);
}

/* The file that a scalar names where it lies beside the study. */
static bool beside(char path[DATADIR_BYTE], const struct param *row, const struct yaml *node,
                   const char *directory)
{
    bool file = row->kind == PARAM_KIND_PATH || row->kind == PARAM_KIND_FILE ||
                row->kind == PARAM_KIND_FACTS;

    if (!file || node->kind != YAML_SCALAR || *node->text == '\0' ||
        (row->kind != PARAM_KIND_PATH && !datadir_is_path(node->text)))
        return false;
    return datadir_join(path, directory, node->text) && access(path, F_OK) == 0;
}

enum err value_setting(char **set, const char *key, const struct yaml *node, const char *directory,
                       struct err_msg *m)
{
    char path[DATADIR_BYTE];
    const struct param *row;
    size_t size;
    enum err e = value_row(&row, node, key, m);

    if (e)
        return e;
    if (yaml_is_empty(node))
        return yaml_error(node, m, "%.100s has no value: want one", key);
    FILE *out = open_memstream(set, &size);
    if (!out)
        return no_memory(m);
    fprintf(out, "%s=", key);
    if (beside(path, row, node, directory))
        write_text(out, path);
    else
        write_node(out, node);
    return fclose(out) == 0 ? ERR_NONE : no_memory(m);
}

/* ---- ranges ---- */

struct range {
    double   end[2], factor;
    uint64_t steps;
    bool     log;
};

double values_between(const double end[2], bool log, double share)
{
    if (share == 1)
        return end[1];
    return log ? end[0] * pow(end[1] / end[0], share) : end[0] + (end[1] - end[0]) * share;
}

static enum err read_number(const struct yaml *map, const char *word, const char *key,
                            double *value, struct err_msg *m)
{
    const struct yaml *node = yaml_get(map, word);
    char name[KEY_BYTE];

    snprintf(name, sizeof name, "%.200s.%s", key, word);
    if (!node)
        return yaml_error(map, m, "%s is not there: want a number", name);
    return yaml_double(node, name, least_number, most_number, "", value, m);
}

static enum err check_words(const struct yaml *map, const char *key, bool steps, struct err_msg *m)
{
    static const char *const words[] = { "from", "to", "scale", "steps", "factor" };
    size_t n = steps ? 5 : 3;

    for (size_t i = 0; i < map->n_item; i++) {
        size_t k = 0;
        while (k < n && strcmp(map->item[i].key, words[k]) != 0)
            k++;
        if (k == n)
            return yaml_error(&map->item[i], m, "%.100s.%.40s: want from, to, scale%s", key,
                              map->item[i].key, steps ? ", steps or factor" : "");
    }
    return ERR_NONE;
}

static enum err read_scale(struct range *r, const struct yaml *map, const char *key,
                           struct err_msg *m)
{
    const struct yaml *scale = yaml_get(map, "scale");

    if (scale && (scale->kind != YAML_SCALAR || (strcmp(scale->text, "log") != 0 &&
                                                 strcmp(scale->text, "linear") != 0)))
        return yaml_error(scale, m, "%.100s.scale = %s: want linear or log", key,
                          yaml_show(scale).text);
    r->log = scale && strcmp(scale->text, "log") == 0;
    if ((r->log || yaml_get(map, "factor")) && r->end[0] <= 0)
        return yaml_error(map, m, "%.100s.from = %g: want more than 0 where values are ratios",
                          key, r->end[0]);
    if (r->end[1] < r->end[0])
        return yaml_error(map, m, "%.100s.to = %g: want at least from, %g", key, r->end[1],
                          r->end[0]);
    return ERR_NONE;
}

static enum err read_ends(struct range *r, const struct yaml *map, const char *key,
                          struct err_msg *m)
{
    enum err e = read_number(map, "from", key, &r->end[0], m);

    if (!e)
        e = read_number(map, "to", key, &r->end[1], m);
    return e ? e : read_scale(r, map, key, m);
}

static enum err read_range(struct range *r, const struct yaml *map, const char *key,
                           struct err_msg *m)
{
    const struct yaml *steps = yaml_get(map, "steps"), *factor = yaml_get(map, "factor");
    char name[KEY_BYTE];

    *r = (struct range){0};
    enum err e = check_words(map, key, true, m);
    if (!e)
        e = read_ends(r, map, key, m);
    if (e)
        return e;
    if ((steps != NULL) == (factor != NULL))
        return yaml_error(map, m, "%.100s: %s: want steps: N or factor: F", key,
                          steps ? "steps and factor" : "no steps");
    snprintf(name, sizeof name, "%.200s.%s", key, steps ? "steps" : "factor");
    if (steps) {
        e = yaml_u64(steps, name, 1, MOST_VALUES, "", &r->steps, m);
        if (!e && r->steps == 1 && r->end[0] != r->end[1])
            e = yaml_error(steps, m, "%s = 1: want at least 2 from %g to %g", name, r->end[0],
                           r->end[1]);
        return e;
    }
    e = yaml_double(factor, name, 1.01, most_number, "", &r->factor, m);
    for (double v = r->end[0]; !e && v <= r->end[1] * (1 + 1e-12); v *= r->factor)
        if (++r->steps > MOST_VALUES)
            e = yaml_error(map, m, "%.100s: more than %d values: want a larger factor", key,
                           MOST_VALUES);
    return e;
}

/* ---- numbers ---- */

enum err value_number(char **set, const char *key, const struct yaml *node, double value,
                      struct err_msg *m)
{
    const struct param *row;
    char text[KEY_BYTE + 64];
    enum err e = value_row(&row, node, key, m);

    if (e)
        return e;
    double step = (double)(row->step > 1 ? row->step : 1);
    if (row->kind == PARAM_KIND_DECIMAL) {
        step = row->step > 1 ? step / (double)PARAM_BILLION : 1e-9;
        snprintf(text, sizeof text, "%.*s=%.9f", KEY_BYTE, key, round(value / step) * step);
        size_t n = strlen(text);
        while (text[n - 1] == '0')
            n--;
        text[text[n - 1] == '.' ? n - 1 : n] = '\0';
    } else {
        snprintf(text, sizeof text, "%.*s=%.0f", KEY_BYTE, key, round(value / step) * step);
    }
    *set = strdup(text);
    return *set ? ERR_NONE : no_memory(m);
}

enum err values_ends(double end[2], bool *log, const char *key, const struct yaml *node,
                     struct err_msg *m)
{
    struct range r = {0};
    enum err e = ERR_NONE;

    if (node->kind == YAML_MAP)
        e = check_words(node, key, false, m);
    if (!e && node->kind == YAML_MAP)
        e = read_ends(&r, node, key, m);
    else if (!e && (node->kind != YAML_LIST || node->n_item != 2))
        e = yaml_error(node, m, "%.100s = %s: want [least, most] or {from: A, to: B}", key,
                       yaml_show(node).text);
    for (size_t i = 0; !e && node->kind == YAML_LIST && i < 2; i++)
        e = yaml_double(&node->item[i], key, i ? r.end[0] : least_number, most_number, "",
                        &r.end[i], m);
    *log = r.log;
    end[0] = r.end[0];
    end[1] = r.end[1];
    return e;
}

enum err values_count(uint64_t *n, const char *key, const struct yaml *node, struct err_msg *m)
{
    struct range r;

    *n = node->n_item;
    if (node->kind == YAML_MAP) {
        enum err e = read_range(&r, node, key, m);
        *n = r.steps;
        return e;
    }
    if (node->kind != YAML_LIST || *n == 0)
        return yaml_error(node, m, "%.100s = %s: want a list of values or a range", key,
                          yaml_show(node).text);
    return ERR_NONE;
}

enum err values_setting(char **set, const char *key, const struct yaml *node, uint64_t i,
                        const char *directory, struct err_msg *m)
{
    struct range r;

    if (node->kind == YAML_LIST)
        return value_setting(set, key, &node->item[i], directory, m);
    enum err e = read_range(&r, node, key, m);
    if (e)
        return e;
    double value = r.steps == 1 ? r.end[0]
                 : r.factor > 0 ? r.end[0] * pow(r.factor, (double)i)
                                : values_between(r.end, r.log, (double)i / (double)(r.steps - 1));
    return value_number(set, key, node, value, m);
}
