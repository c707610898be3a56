/* core/param_write.c -- writes the fields of a struct as YAML, JSON and help; see param.h. */
#include "core/param.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <yaml.h>

#define BPS_PER_GBPS 1e9

static const void *field_of(const struct param *row, const void *base)
{
    return (const char *)base + row->offset;
}

static uint32_t list_length(const struct param *row, const void *base)
{
    return *(const uint32_t *)(const void *)((const char *)base + row->n_offset);
}

static unsigned enum_value(const void *field)
{
    unsigned v;

    memcpy(&v, field, sizeof v);
    return v;
}

/* ---- YAML ---- */

struct writer {
    yaml_emitter_t emitter;
    bool           ok; // once false, nothing more is written
};

/* Emits the event that `made` says was made; it belongs to the emitter then. */
static void emit(struct writer *w, yaml_event_t *event, int made)
{
    w->ok = w->ok && made && yaml_emitter_emit(&w->emitter, event);
}

static void emit_text(struct writer *w, const char *text)
{
    yaml_event_t event;

    emit(w, &event, yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                                 (int)strlen(text), 1, 1, YAML_ANY_SCALAR_STYLE));
}

static void emit_u64(struct writer *w, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    emit_text(w, text);
}

static void begin_map(struct writer *w, yaml_mapping_style_t style)
{
    yaml_event_t event;

    emit(w, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style));
}

static void end_map(struct writer *w)
{
    yaml_event_t event;

    emit(w, &event, yaml_mapping_end_event_initialize(&event));
}

static void emit_list(struct writer *w, const uint32_t *value, uint32_t n)
{
    yaml_event_t event;

    emit(w, &event,
         yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_FLOW_SEQUENCE_STYLE));
    for (uint32_t i = 0; i < n; i++)
        emit_u64(w, value[i]);
    emit(w, &event, yaml_sequence_end_event_initialize(&event));
}

static void emit_counts(struct writer *w, const struct count_map *map)
{
    begin_map(w, YAML_FLOW_MAPPING_STYLE);
    for (uint32_t i = 0; i < map->n_entry; i++) {
        emit_text(w, map->entry[i].key);
        emit_u64(w, map->entry[i].value);
    }
    end_map(w);
}

static void emit_json(struct writer *w, const json_t *value);

static void emit_object(struct writer *w, const json_t *object)
{
    const char *key;
    json_t *value;

    begin_map(w, YAML_FLOW_MAPPING_STYLE);
    json_object_foreach((json_t *)object, key, value) {
        emit_text(w, key);
        emit_json(w, value);
    }
    end_map(w);
}

static void emit_array(struct writer *w, const json_t *array)
{
    yaml_event_t event;

    emit(w, &event,
         yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_FLOW_SEQUENCE_STYLE));
    for (size_t i = 0; i < json_array_size(array); i++)
        emit_json(w, json_array_get(array, i));
    emit(w, &event, yaml_sequence_end_event_initialize(&event));
}

static void emit_json(struct writer *w, const json_t *value)
{
    if (json_is_object(value)) {
        emit_object(w, value);
    } else if (json_is_array(value)) {
        emit_array(w, value);
    } else if (json_is_string(value)) {
        emit_text(w, json_string_value(value));
    } else {
        char *text = json_dumps(value, PARAM_JSON | JSON_ENCODE_ANY);
        w->ok = w->ok && text;
        emit_text(w, text ? text : "");
        free(text);
    }
}

/* A word, or the map whose text it is. */
static void emit_facts(struct writer *w, const char *field)
{
    json_t *map = param_map(field);

    if (map)
        emit_json(w, map);
    else
        emit_text(w, field);
    json_decref(map);
}

static void emit_value(struct writer *w, const struct param *row, const void *base)
{
    const void *field = field_of(row, base);

    switch (row->kind) {
    case PARAM_KIND_U32: {
        const char *word = param_word(row, *(const uint32_t *)field);
        if (word)
            emit_text(w, word);
        else
            emit_u64(w, *(const uint32_t *)field);
        break;
    }
    case PARAM_KIND_U64:
        emit_u64(w, *(const uint64_t *)field);
        break;
    case PARAM_KIND_DECIMAL:
        emit_text(w, param_rate_text(*(const uint64_t *)field).text);
        break;
    case PARAM_KIND_ENUM:
        emit_text(w, row->names[enum_value(field)]);
        break;
    case PARAM_KIND_NAME:
    case PARAM_KIND_FILE:
    case PARAM_KIND_PATH:
        emit_text(w, field);
        break;
    case PARAM_KIND_FACTS:
    case PARAM_KIND_MAPS:
        emit_facts(w, field);
        break;
    case PARAM_KIND_LIST:
        emit_list(w, field, list_length(row, base));
        break;
    case PARAM_KIND_COUNTS:
        emit_counts(w, field);
        break;
    }
}

/* Bytes of the sections that two keys share, the dot behind them included. */
static size_t shared_sections(const char *a, const char *b)
{
    size_t shared = 0;

    for (size_t i = 0; a[i] && a[i] == b[i]; i++)
        if (a[i] == '.')
            shared = i + 1;
    return shared;
}

/* Leaves the sections of `from` that `to` is not in, and enters those of `to`. */
static void change_section(struct writer *w, const char *from, const char *to)
{
    size_t shared = shared_sections(from, to);
    const char *dot;

    for (const char *p = from + shared; (p = strchr(p, '.')); p++)
        end_map(w);
    for (const char *p = to + shared; (dot = strchr(p, '.')); p = dot + 1) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(dot - p), p);
        emit_text(w, name);
        begin_map(w, YAML_BLOCK_MAPPING_STYLE);
    }
    const char *last = strrchr(to, '.');
    if (to[0])
        emit_text(w, last ? last + 1 : to);
}

static void emit_rows(struct writer *w, const struct param *rows, const void *base,
                      param_applies *applies)
{
    const char *key = "";

    begin_map(w, YAML_BLOCK_MAPPING_STYLE);
    for (; rows->key; rows++)
        if (applies(rows, base)) {
            change_section(w, key, rows->key);
            emit_value(w, rows, base);
            key = rows->key;
        }
    change_section(w, key, "");
    end_map(w);
}

enum err param_write_yaml(const struct param *rows, const void *base, param_applies *applies,
                          FILE *out, struct err_msg *m)
{
    struct writer w = { .ok = true };
    yaml_event_t event;

    if (!yaml_emitter_initialize(&w.emitter))
        return err_set(m, ERR_MEMORY, "out of memory");
    yaml_emitter_set_output_file(&w.emitter, out);
    yaml_emitter_set_unicode(&w.emitter, 1);
    yaml_emitter_set_width(&w.emitter, -1);
    emit(&w, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    emit(&w, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
    emit_rows(&w, rows, base, applies);
    emit(&w, &event, yaml_document_end_event_initialize(&event, 1));
    emit(&w, &event, yaml_stream_end_event_initialize(&event));
    bool memory = w.emitter.error == YAML_MEMORY_ERROR;
    yaml_emitter_delete(&w.emitter);

    if (memory)
        return err_set(m, ERR_MEMORY, "out of memory");
    if (!w.ok || fflush(out) != 0)
        return err_set(m, ERR_OUTPUT, "cannot write the configuration");
    return ERR_NONE;
}

/* ---- JSON ---- */

/* A whole rate is an integer, as in the YAML. The quotient is the double nearest the decimal. */
static json_t *rate_to_json(uint64_t bps)
{
    double gbps = (double)bps / BPS_PER_GBPS;
    uint64_t whole = (uint64_t)gbps;

    return (double)whole == gbps ? json_integer((json_int_t)whole) : json_real(gbps);
}

static json_t *list_to_json(const uint32_t *value, uint32_t n)
{
    json_t *list = json_array();

    for (uint32_t i = 0; list && i < n; i++)
        if (json_array_append_new(list, json_integer(value[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *counts_to_json(const struct count_map *map)
{
    json_t *object = json_object();

    for (uint32_t i = 0; object && i < map->n_entry; i++)
        if (json_object_set_new(object, map->entry[i].key, json_integer(map->entry[i].value))) {
            json_decref(object);
            return NULL;
        }
    return object;
}

static json_t *value_to_json(const struct param *row, const void *base)
{
    const void *field = field_of(row, base);

    switch (row->kind) {
    case PARAM_KIND_U32: {
        const char *word = param_word(row, *(const uint32_t *)field);
        return word ? json_string(word) : json_integer(*(const uint32_t *)field);
    }
    case PARAM_KIND_U64:
        return json_integer((json_int_t) * (const uint64_t *)field);
    case PARAM_KIND_DECIMAL:
        return rate_to_json(*(const uint64_t *)field);
    case PARAM_KIND_ENUM:
        return json_string(row->names[enum_value(field)]);
    case PARAM_KIND_NAME:
    case PARAM_KIND_FILE:
    case PARAM_KIND_PATH:
        return json_string(field);
    case PARAM_KIND_FACTS:
    case PARAM_KIND_MAPS: {
        json_t *map = param_map(field);
        return map ? map : json_string(field);
    }
    case PARAM_KIND_LIST:
        return list_to_json(field, list_length(row, base));
    case PARAM_KIND_COUNTS:
        return counts_to_json(field);
    }
    return NULL;
}

/* Puts the value at its dotted key, making the objects on the way. Takes the value. */
static int put_json(json_t *object, const char *key, json_t *value)
{
    const char *dot;

    for (; (dot = strchr(key, '.')); key = dot + 1) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(dot - key), key);
        json_t *section = json_object_get(object, name);
        if (!section) {
            section = json_object();
            if (json_object_set_new(object, name, section) != 0) {
                json_decref(value);
                return -1;
            }
        }
        object = section;
    }
    return json_object_set_new(object, key, value);
}

struct json_t *param_to_json(const struct param *rows, const void *base, param_applies *applies)
{
    json_t *object = json_object();

    for (; object && rows->key; rows++)
        if (applies(rows, base) && put_json(object, rows->key, value_to_json(rows, base)) != 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

/* ---- help ---- */
