/* report/report_json.c -- a run as the JSON document "imcsim-run/1". */
#include <stdlib.h>

#include "report/analog_report.h"
#include "report/converter_report.h"
#include "report/decode_report.h"
#include "report/json.h"
#include "report/learning_report.h"
#include "report/report.h"
#include "report/spike_report.h"
#include "report/tokens_report.h"
#include "study/price_json.h"

static json_t *json_run_layer(const struct report *r, uint32_t layer)
{
    json_t *o = json_layer(&r->study->plan, layer);
    struct layer_work work = layer_work(r, layer);

    json_put_count(&o, "first_timestep", r->result->layer[layer].first_timestep);
    json_put_count(&o, "last_timestep", r->result->layer[layer].last_timestep);
    json_put_count(&o, "mvms", work.mvms);
    json_put_count(&o, "sram_reads", work.words_read);
    json_put_count(&o, "sram_writes", work.words_written);
    return o;
}

static json_t *json_layers(const struct report *r)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < r->study->plan.n_layer; i++)
        json_add(&array, json_run_layer(r, i));
    return array;
}

static json_t *json_cores(const struct report *r)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < r->study->plan.n_core; i++) {
        json_t *o = json_core(&r->study->plan, i), *counters = json_object();
        for (const struct counter *c = core_counter_rows; c->name; c++)
            if (core_counter_shown(&r->study->plan, c))
                json_put_count(&counters, c->name, counter_get(c, &r->result->core[i]));
        json_put(&o, "counters", counters);
        json_t *converters = converter_json(r, i);
        if (converters)
            json_put(&o, "converters", converters);
        json_add(&array, o);
    }
    return array;
}

static json_t *json_streams(const struct report *r)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < r->study->plan.n_stream; i++) {
        json_t *o = json_stream(&r->study->plan, i);
        json_put_count(&o, "bits", r->result->stream_bits[i]);
        json_add(&array, o);
    }
    return array;
}

static json_t *json_images(const struct report *r)
{
    json_t *o = json_object();

    json_put_count(&o, "count", r->result->n_image);
    if (r->images)
        json_put_text(&o, "set", r->images);
    json_put_count(&o, "total_timesteps", r->result->total_timesteps);
    return o;
}

static json_t *json_classes(const struct report *r)
{
    uint32_t n;
    struct class_result *class = class_results(r, &n);
    json_t *array = class ? json_array() : NULL;

    for (uint32_t i = 0; class && i < n; i++) {
        json_t *o = json_object();
        json_put_text(&o, "name", class[i].name.text);
        json_put_count(&o, "images", class[i].images);
        json_put_count(&o, "correct", class[i].correct);
        json_add(&array, o);
    }
    free(class);
    return array;
}

static json_t *json_codes(const struct report *r)
{
    const struct codes_clipped c = codes_clipped(r);
    json_t *o = json_object();

    json_put_count(&o, "conversions", c.conversions);
    json_put_count(&o, "clipped", c.clipped);
    json_put_count(&o, "exact_correct", r->codes->n_correct);
    json_put_count(&o, "changed_to_right", r->codes->to_right);
    json_put_count(&o, "changed_to_wrong", r->codes->to_wrong);
    return o;
}

static json_t *json_accuracy(const struct report *r)
{
    const struct run_result *result = r->result;
    json_t *o = json_object();

    json_put_count(&o, "images", result->n_image);
    json_put_count(&o, "correct", result->n_correct);
    json_put_real(&o, "top1", (double)result->n_correct / (double)result->n_image);
    json_put(&o, "classes", json_classes(r));
    if (r->codes)
        json_put(&o, "codes", json_codes(r));
    if (r->analog)
        json_put(&o, "times", json_analog_times(r));
    return o;
}

static json_t *json_indices(const uint32_t *value, uint64_t n)
{
    json_t *array = json_array();

    for (uint64_t i = 0; i < n; i++)
        json_add(&array, json_integer(value[i]));
    return array;
}

static json_t *json_host(const struct report *r)
{
    json_t *o = json_object();

    json_put_count(&o, "jobs", r->host.jobs);
    json_put_text(&o, "timing", r->result->stepped ? "chip" : "plan");
    json_put_real(&o, "wall_s", r->host.wall_s);
    json_put_real(&o, "images_per_s", (double)r->result->n_image / r->host.wall_s);
    json_put_real(&o, "peak_rss_mib", r->host.peak_rss_mib);
    return o;
}

void json_put_values(json_t **o, const struct report *r)
{
    const struct run_result *result = r->result;

    if (result->label) {
        json_put(o, "accuracy", json_accuracy(r));
        json_put(o, "labels", json_indices(result->label, result->n_image));
    }
    if (result->predicted)
        json_put(o, "predictions", json_indices(result->predicted, result->n_image));
    if (result->spikes.steps > 0)
        json_put(o, "spiking", spike_json(r));
    json_t *learning = learning_json(r);
    if (learning)
        json_put(o, "learning", learning);
    if (r->analog)
        json_put(o, "analog", json_analog(r));
    if (r->price) {
        json_put(o, "energy", price_energy_json(r->price));
        json_put(o, "area", price_area_json(r->price));
    }
}

json_t *report_document(const struct report *r)
{
    const struct plan *p = &r->study->plan;
    const struct run_result *result = r->result;
    json_t *o = json_begin("imcsim-run/1", r->study);

    json_put_text(&o, "kernel", kernel_name(r->kernel));
    json_put_count(&o, "seed", r->seed);
    json_put(&o, "network", json_network(&r->study->network));
    json_put_cores(&o, p);
    json_put(&o, "images", json_images(r));
    json_put(&o, "timing", json_timing(p, result->first_result, result->last_conv));
    json_put(&o, "layers", json_layers(r));
    json_put(&o, "core_list", json_cores(r));
    json_put(&o, "streams", json_streams(r));
    json_put(&o, "stages", json_stages(p));
    if (network_has_tokens(p->network))
        json_put(&o, "waits", json_waits(p));
    if (r->decoder)
        json_put(&o, "decode", json_decode(r));
    json_put_values(&o, r);
    if (r->host.jobs > 0)
        json_put(&o, "host", json_host(r));
    return o;
}

enum err report_json(const void *report, FILE *out, struct err_msg *m)
{
    return json_print(report_document(report), out, m);
}
