/* cli/import/report.c -- see report.h. */
#include "cli/import/report.h"

#include <math.h>

#include "core/wrap.h"
#include "report/json.h"
#include "report/version.h"

static const struct import_end *result_of(const struct import_report *r)
{
    return &r->import->end[r->import->result];
}

bool import_has_classes(const struct import *im)
{
    const struct import_end *end = &im->end[im->result];
    uint64_t n = 1;

    for (uint32_t i = 0; i < end->n_dim; i++)
        n *= end->dim[i];
    return n == end->dim[end->n_dim - 1];
}

static const char *value_name(const struct import_report *r, uint32_t value)
{
    return r->import->graph->graph.value[value].name;
}

static const char *value_type(const struct import_report *r, uint32_t i)
{
    const struct import_value *v = &r->import->value[r->pair[i]];

    return !v->rounded ? "sums" : v->positive ? "uint8" : "int8";
}

/* ---- tables ---- */

static struct table *value_table(const void *report)
{
    static const struct table_column columns[] = {
        { "rounded value", "value" }, { "bytes", "type" }, { "scale", "scale" },
        { "error", "error" }, { 0 },
    };
    const struct import_report *r = report;
    struct table *t = table_new(columns);

    table_title(t, "Rounded values");
    table_note(t, "error  root of sum (quantised - float)^2 / sum float^2");
    for (uint32_t i = 0; i < r->n_pair; i++) {
        table_text(t, value_name(r, r->pair[i]));
        table_text(t, value_type(r, i));
        if (r->import->value[r->pair[i]].rounded)
            table_real(t, (double)r->import->value[r->pair[i]].scale, 6);
        else
            table_none(t);
        if (isfinite(r->measure->error[i])) // not where the float value is 0 throughout
            table_share(t, r->measure->error[i], 2);
        else
            table_none(t);
    }
    return t;
}

static void put_model(struct table *t, const struct import_report *r, const char *name,
                      uint64_t correct)
{
    table_text(t, name);
    table_count(t, r->n_image);
    if (r->labelled) {
        table_count(t, correct);
        table_share(t, (double)correct / (double)r->n_image, 2);
    } else {
        table_none(t);
        table_none(t);
    }
}

/* Empty where the model has no classes. */
static struct table *class_table(const void *report)
{
    static const struct table_column columns[] = {
        { "model", "model" }, { "images", "images" }, { "correct", "correct" },
        { "top-1", "top1" }, { "same class", "same" }, { 0 },
    };
    const struct import_report *r = report;
    struct table *t = table_new(columns);

    if (!import_has_classes(r->import))
        return t;
    table_title(t, "Classes");
    if (r->import->n_end > 1)
        table_note(t, "same class  images that both models class alike, by the output %s",
                   value_name(r, result_of(r)->value));
    else
        table_note(t, "same class  images that both models class alike");
    put_model(t, r, "float", r->measure->correct_one);
    table_none(t);
    put_model(t, r, "quantised", r->measure->correct_other);
    table_count(t, r->measure->n_same);
    return t;
}

static void import_head(const void *report, FILE *out)
{
    const struct import_report *r = report;
    char text[2600];

    if (r->pixels[0] == '\0')
        snprintf(text, sizeof text, "%.1000s reads numbers, of %.1000s. Scales are chosen on the "
                 "first %s.", r->model, r->images, format_count(r->n_calibrate).text);
    else
        snprintf(text, sizeof text, "%.1000s takes a pixel for %.1000s, unless --mean and --std or "
             "--scale say otherwise. Scales are chosen on the first %s images.", r->model,
             r->pixels, format_count(r->n_calibrate).text);
    wrap(out, text, 0, 0, TEXT_WIDTH);
    fputc('\n', out);
}

static void import_tail(const void *report, FILE *out)
{
    const struct import_report *r = report;
    struct err_msg unread;

    onnx_graph_tell_unread(&r->import->graph->graph, &unread);
    if (unread.text[0] != '\0')
        fprintf(out, "\nleft out: %s\n", unread.text);
    if (r->import->left.text[0] != '\0')
        fprintf(out, "\nleft to the host: %s\n", r->import->left.text);
    if (!import_has_classes(r->import))
        fputs("\nThe result is a map, which has no classes to compare: its error is above.\n", out);
}

/* ---- the document ---- */

static json_t *json_values(const struct import_report *r)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < r->n_pair; i++) {
        json_t *o = json_object();
        json_put_text(&o, "name", value_name(r, r->pair[i]));
        json_put_text(&o, "type", value_type(r, i));
        if (r->import->value[r->pair[i]].rounded)
            json_put_real(&o, "scale", (double)r->import->value[r->pair[i]].scale);
        if (isfinite(r->measure->error[i]))
            json_put_real(&o, "error", r->measure->error[i]);
        json_add(&array, o);
    }
    return array;
}

static json_t *json_accuracy(const struct import_report *r)
{
    json_t *o = json_object();

    json_put_text(&o, "output", value_name(r, result_of(r)->value));
    json_put_count(&o, "same", r->measure->n_same);
    if (r->labelled) {
        json_put_count(&o, "float_correct", r->measure->correct_one);
        json_put_count(&o, "quantised_correct", r->measure->correct_other);
    }
    return o;
}

static enum err import_json(const void *report, FILE *out, struct err_msg *m)
{
    const struct import_report *r = report;
    json_t *o = json_object(), *images = json_object();
    struct err_msg unread;

    json_put_text(&o, "format", "imcsim-import/1");
    json_put_text(&o, "version", imcsim_version);
    json_put_text(&o, "model", r->model);
    json_put_count(&images, "count", r->n_image);
    json_put_text(&images, "set", r->images);
    if (r->pixels[0] != '\0')
        json_put_text(&images, "pixels", r->pixels);
    json_put(&o, "images", images);
    json_put(&o, "values", json_values(r));
    if (import_has_classes(r->import))
        json_put(&o, "accuracy", json_accuracy(r));
    onnx_graph_tell_unread(&r->import->graph->graph, &unread);
    if (unread.text[0] != '\0')
        json_put_text(&o, "left_out", unread.text);
    if (r->import->left.text[0] != '\0')
        json_put_text(&o, "left_to_host", r->import->left.text);
    return json_print(o, out, m);
}

static const struct sheet sheets[] = {
    { "values", false, value_table }, { "classes", false, class_table }, { 0 },
};

const struct form import_form = { sheets, import_head, import_tail, import_json };
