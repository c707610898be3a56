/* report/report_text.c -- a run for someone who has never seen the simulator: the figures,
 * and why they are what they are. */
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "core/wrap.h"
#include "dataflow/plan/clocking.h"
#include "report/analog_report.h"
#include "report/class_names.h"
#include "report/converter_report.h"
#include "report/decode_report.h"
#include "report/price_report.h"
#include "report/learning_report.h"
#include "report/report.h"
#include "report/spike_report.h"
#include "report/table.h"
#include "report/tokens_report.h"
#include "report/version.h"

static void print_heading(const struct report *r, FILE *out)
{
    fprintf(out, "imcsim %s, %s%s, configuration %s\n\n", imcsim_version,
            r->result->stepped ? kernel_name(r->kernel) : "timed by its plan",
            r->result->stepped ? " kernel" : "", r->study->config_hash);
    print_machine(r->study, out);
    print_devices(r->study, out);
    if (r->images)
        fprintf(out, "Images   %s of %s\n", format_count(r->result->n_image).text,
                report_images(r));
    else
        fprintf(out, "Images   none: timing only, work counted for %s\n",
                format_count(r->result->n_image).text);
    const struct presentation *shown = &r->study->network.present;
    if (presentation_steps(shown) > 1)
        fprintf(out, "Steps    %s %s of an image, coded by %s\n",
                format_count(presentation_steps(shown)).text,
                shown->by_output ? "steps, all of an output at once," : "presentations",
                shown->coding->name);
}

/* Timesteps in which what comes after an image's first presentation follows, one an interval. */
static uint64_t later_steps(const struct plan *p)
{
    return (plan_steps(p) - 1) * p->interval;
}

/* Until the last convolution has fired for the last time, for the first presentation. */
static uint64_t last_conv(const struct report *r)
{
    return r->result->last_conv - later_steps(&r->study->plan);
}

/* The layer behind that; n_layer when the network has no convolution. */
static uint32_t last_convolution(const struct report *r)
{
    const struct plan *p = &r->study->plan;

    for (uint32_t i = p->n_layer; i-- > 0;)
        if (p->network->layer[p->layer[i].layer].kind == LAYER_CONV &&
            r->result->layer[i].last_timestep + 1 == last_conv(r))
            return i;
    return p->n_layer;
}

/* The layer with which the slowest path to `layer` begins. */
static uint32_t path_begin(const struct report *r, uint32_t layer)
{
    uint32_t from;

    while ((from = latest_producer(r, layer)) < r->study->plan.n_layer)
        layer = from;
    return layer;
}

/* Products on the slowest path to `layer` that wait for the mean of the map that they multiply: how
 * many, and how much later their last pixel comes than that map's. */
static uint64_t wait_for_pools(const struct report *r, uint32_t layer, uint32_t *n)
{
    const struct plan *p = &r->study->plan;
    uint64_t wait = 0;

    *n = 0;
    for (; layer < p->n_layer; layer = latest_producer(r, layer)) {
        const struct layer *l = plan_network_layer(p, layer);
        if (!l->multiplies || l->window.again[0] + l->window.again[1] == 0)
            continue;
        wait += r->result->layer[layer].last_timestep -
                r->result->layer[l->residual - 1].last_timestep;
        ++*n;
    }
    return wait;
}

/* Where the timesteps to the last firing of convolution `last` go: the differences of last firings
 * along the slowest path, which add up by construction. */
static void print_convolutions(const struct report *r, uint32_t last, FILE *out)
{
    const struct plan *p = &r->study->plan;
    uint32_t first = path_begin(r, last);
    uint64_t fed = r->result->layer[first].last_timestep + 1;

    fprintf(out, "  %9s  until %s has fired for the last time\n", format_count(fed).text,
            plan_layer_name(p, first));
    if (last != first)
        fprintf(out, "  %9s  until %s has, each layer `lag` timesteps after the one before it:\n"
                     "  %9s  %s in all to the last firing of a %s\n",
                format_count(last_conv(r) - fed).text, plan_layer_name(p, last), "",
                format_count(last_conv(r)).text,
                network_has_tokens(p->network) ? "matrix" : "convolution");
    uint32_t n;
    uint64_t wait = wait_for_pools(r, last, &n);
    if (n > 0)
        fprintf(out, "  %9s  %s of them because %" PRIu32 " products wait for the mean of a map\n",
                "", format_count(wait).text, n);
}

static void print_intro(const struct plan *p, FILE *out)
{
    uint32_t hop = 0;

    for (uint32_t i = 0; i < p->n_stream; i++)
        if (p->stream[i].kind != STREAM_PARTIAL_SUM)
            hop = max_u32(hop, p->stream[i].route.hops);
    fprintf(out,
            "\n%sIn a timestep every core stores the pixels that came, fires its crossbar if the\n"
            "pixels under its next output are all there, and sends the new pixels on: the next\n"
            "core has them %" PRIu32 " timestep%s later.\n",
            network_has_tokens(p->network)
                ? "A token travels as a pixel does, and a sequence of them is an image.\n" : "",
            hop, hop == 1 ? "" : "s");
}

/* From the first presentation's result to that of the image. */
static uint64_t steps_wait(const struct report *r)
{
    const struct plan *p = &r->study->plan;

    return later_steps(p) + (uint64_t)timetable_late(&p->time, plan_steps(p) - 1); // it wraps
}

static void print_latency(const struct report *r, FILE *out)
{
    const struct plan *p = &r->study->plan;
    const struct run_result *result = r->result;
    uint32_t last = last_convolution(r);
    uint64_t rest = result->first_result - steps_wait(r);

    fprintf(out, "\nFirst result after %s timesteps = %s clocks = %.10g us:\n",
            format_count(result->first_result).text,
            format_count(result->first_result * p->timestep_clk).text,
            timesteps_us(p, result->first_result));
    if (last < p->n_layer) {
        uint64_t sums = (uint64_t)plan_sum_latency(p, last);
        print_convolutions(r, last, out);
        rest -= last_conv(r);
        sums = min_u64(sums, rest);
        if (sums > 0)
            fprintf(out, "  %9s  until its partial sums have hopped along its %" PRIu32 " cores\n",
                    format_count(sums).text, p->layer[last].parts);
        rest -= sums;
    }
    if (rest > 0)
        fprintf(out, "  %9s  until the result of %s is there\n", format_count(rest).text,
                network_result(p->network)->name);
    if (plan_steps(p) > 1)
        fprintf(out,
                "  %9s  until its other %s presentations are through, one every %s timesteps\n",
                format_count(steps_wait(r)).text, format_count(plan_steps(p) - 1).text,
                format_count(p->interval).text);
}

/* The layer whose cores fire most often for an image: it sets the interval. n_layer where that is
 * what it takes to write the image. */
static uint32_t pace_setter(const struct plan *p)
{
    for (uint32_t i = 0; i < p->n_layer; i++) {
        struct firing_shape s = plan_firing_shape(p, i);
        if (p->layer[i].firing->firings(&s) == p->interval)
            return i;
    }
    return p->n_layer;
}

static void print_throughput(const struct report *r, FILE *out)
{
    const struct plan *p = &r->study->plan;
    uint64_t batch = p->config->batch, first = r->result->first_result;

    uint32_t pace = pace_setter(p);
    fprintf(out, "\nOne image every %s timesteps: ", format_count(plan_image_interval(p)).text);
    if (pace < p->n_layer)
        fprintf(out, "so often fires each core of %s for an image, at most\n"
                     "once a timestep, and none fires more.", plan_layer_name(p, pace));
    else
        fprintf(out, "so long the memories of %s take to write its pixels.",
                plan_layer_name(p, p->image_feed[0].layer));
    fprintf(out, " A batch of %s images gives\n\n", format_count(batch).text);
    fprintf(out, "  %s images/s = %s images / ((%s + %s x %s",
            format_count((uint64_t)(batch_throughput(p, first, batch) + 0.5)).text,
            format_count(batch).text, format_count(first).text, format_count(batch - 1).text,
            format_count(plan_image_interval(p)).text);
    if (timetable_late(&p->time, batch - 1) != 0)
        fprintf(out, " + %" PRId64 " until images repeat one another",
                timetable_late(&p->time, batch - 1));
    fprintf(out, ") timesteps x %s ns)\n", format_count(p->config->timestep_ns).text);
}

/* Of a machine whose timestep is the way through all its layers. */
static void print_pass(const struct report *r, FILE *out)
{
    const struct plan *p = &r->study->plan;
    uint64_t images = (uint64_t)(1e9 / plan_timestep_ns(p) + 0.5);

    fprintf(out, "\nNo clock and no registers between layers: an input stays until its result is\n"
                 "out, and the arrays' delays on the longest way add up.\n"
                 "\nFirst result after %s clocks = %.10g ns, and then one image in each\n"
                 "such pass:\n"
                 "\n  %s images/s\n",
            format_count(p->timestep_clk).text, plan_timestep_ns(p), format_count(images).text);
}

static struct table *link_table(const void *report)
{
    static const struct table_column columns[] = {
        { "stream", "kind" },    { "links", "links" },   { "busiest from", "from" }, { "to", "to" },
        { "Gb/s", "rate_gbps" }, { "clocks", "clocks" }, { "share", "share_of_timestep" },
        { "bits carried", "bits" }, { 0 },
    };
    const struct report *r = report;
    const struct plan *p = &r->study->plan;
    struct table *t = table_new(columns);

    table_title(t, "Links, one for every stream between two cores");
    for (int kind = 0; kind < N_STREAM_KIND; kind++) {
        const struct plan_stream *busiest = NULL;
        uint64_t links = 0, bits = 0, used = 0;
        for (uint32_t i = 0; i < p->n_stream; i++) {
            const struct plan_stream *s = &p->stream[i];
            if (s->kind != (enum stream_kind)kind)
                continue;
            links++;
            bits += r->result->stream_bits[i];
            if (busiest && p->time.stream[i].used_clk <= used)
                continue;
            busiest = s;
            used = p->time.stream[i].used_clk;
        }
        if (!busiest)
            continue;
        table_named(t, stream_kind_name(busiest->kind), stream_title(busiest->kind));
        table_count(t, links);
        table_text(t, stream_from(p, busiest));
        table_text(t, stream_to(p, busiest));
        table_real(t, (double)busiest->route.rate_bps / 1e9, 2);
        table_count(t, used);
        table_share(t, share_of_timestep(p, used), 1);
        table_count(t, bits);
    }
    return t;
}

static struct table *budget_table(const void *report)
{
    return stage_table(&((const struct report *)report)->study->plan);
}

struct codes_note {
    char text[640];
};

/* What clipped and rounded codes cost; empty where codes are their sums. */
static struct codes_note codes_note(const struct report *r)
{
    const struct codes_clipped c = codes_clipped(r);
    struct codes_note n = { "" };

    if (r->codes && c.conversions > 0)
        snprintf(n.text, sizeof n.text,
                 "\n%s of %s codes were clipped (%.3f %%). With exact codes %s images have the\n"
                 "right class: of those %s are wrong here, and %s others are right.",
                 format_count(c.clipped).text, format_count(c.conversions).text,
                 100 * (double)c.clipped / (double)c.conversions,
                 format_count(r->codes->n_correct).text, format_count(r->codes->to_wrong).text,
                 format_count(r->codes->to_right).text);
    return n;
}

struct table *run_accuracy_table(const void *report)
{
    static const struct table_column columns[] = {
        { "class", "class" }, { "images", "images" }, { "correct", "correct" },
        { "top-1", "top1" }, { 0 },
    };
    const struct report *r = report;
    const struct run_result *result = r->result;
    struct table *t = table_new(columns);
    uint32_t n;

    if (!result->label)
        return t;
    struct class_result *class = class_results(r, &n);
    if (!class) {
        table_free(t);
        return NULL;
    }
    table_title(t, "Accuracy");
    table_note(t, "%s of %s images have the right class: top-1 %.2f %%%s",
               format_count(result->n_correct).text, format_count(result->n_image).text,
               100 * (double)result->n_correct / (double)result->n_image, codes_note(r).text);
    for (uint32_t i = 0; i < n; i++) {
        if (class[i].images == 0)
            continue;
        table_text(t, class[i].name.text);
        table_count(t, class[i].images);
        table_count(t, class[i].correct);
        table_share(t, (double)class[i].correct / (double)class[i].images, 2);
    }
    free(class);
    return t;
}

/* The class of each image, and the right one where there are labels. */
static struct table *prediction_table(const void *report)
{
    static const struct table_column labelled[] = {
        { "image", "image" }, { "class", "predicted" }, { "right class", "label" }, { 0 },
    }, plain[] = { { "image", "image" }, { "class", "predicted" }, { 0 } };
    const struct report *r = report;
    const struct run_result *result = r->result;
    const uint32_t n = network_result(&r->study->network)->out.channels;
    struct table *t = table_new(result->label ? labelled : plain);
    struct class_name *name = result->predicted ? calloc(n, sizeof *name) : NULL;

    if (!result->predicted)
        return t;
    if (!name) {
        table_free(t);
        return NULL;
    }
    table_title(t, "Classes");
    class_names(name, n, r->study->config.network.onnx);
    for (uint64_t i = 0; i < result->n_image; i++) {
        table_count(t, i);
        table_text(t, name[result->predicted[i]].text);
        if (result->label)
            table_text(t, name[result->label[i]].text);
    }
    free(name);
    return t;
}

static int64_t block_pj(const struct price_row *row, unsigned b)
{
    return row->energy_pj[b] + row->leakage_pj[b];
}

/* The blocks whose energy rests on the same, and their share of all. */
static void print_basis(const struct price_report *p, const char *basis, double all_pj, FILE *out)
{
    char text[512];
    int64_t pj = 0;

    for (unsigned b = 0; b < N_PRICE_ALL; b = price_next_block(p, b))
        if (strcmp(p->basis[b], basis) == 0)
            pj += block_pj(&p->total, b);
    if (pj == 0)
        return;
    size_t n = (size_t)snprintf(text, sizeof text, "  %9.1f %%  %s", 100 * (double)pj / all_pj,
                                basis);
    const char *before = ": ";
    for (unsigned b = 0; b < N_PRICE_ALL; b = price_next_block(p, b))
        if (strcmp(p->basis[b], basis) == 0) {
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", before,
                                  price_block_title((enum price_block)b));
            before = ", ";
        }
    wrap(out, text, 0, 15, TEXT_WIDTH);
    fputc('\n', out);
}

/* By what inputs crossbar and drivers are priced. */
static void print_inputs(const struct report *r, FILE *out)
{
    char text[2048];

    price_say_inputs(r->price, r->study->config.energy.activity, text, sizeof text);
    text[0] = (char)toupper((unsigned char)text[0]);
    wrap(out, text, 0, 0, TEXT_WIDTH);
    fputs(".\n", out);
}

void print_energy(const struct report *r, FILE *out)
{
    const struct price_report *p = r->price;
    double leakage_pj = (double)price_row_leakage_pj(&p->total);
    double pj = (double)price_row_energy_pj(&p->total) + leakage_pj;

    fprintf(out,
            "\nAn image takes %.3f nJ on %s, %s, %s: %.1f mW in the mean, %.1f %% of it\n"
            "leakage. %.4g TOPS/W delivered (one core at work all the time: %.4g), %.3f mm2.\n"
            "Filling and draining the pipeline takes %.3f nJ besides, once a stream of images.\n",
            pj * 1e-3, r->study->config.energy.chip, p->technology, p->device, pj / p->image_ns,
            100 * leakage_pj / pj, p->tops_per_w, p->peak.tops_per_w,
            (double)price_row_area_um2(&p->total) * 1e-6, (double)p->fill_pj * 1e-3);
    print_inputs(r, out);
    fprintf(out, "Of the energy\n\n");
    print_basis(p, "calibrated", pj, out);
    print_basis(p, "cited", pj, out);
    print_basis(p, "scaled", pj, out);
    print_basis(p, "predicted", pj, out);
    fprintf(out, "\n  calibrated: a factor was fitted to figures of this chip; predicted: from "
            "circuits\n"
                 "  and stated sizes alone. `imcsim breakdown` shows each block and layer.\n");
    if (!p->warning[0])
        return;
    char note[640];
    snprintf(note, sizeof note, "  Note: %s.", p->warning);
    wrap(out, note, 0, 2, TEXT_WIDTH);
    fputc('\n', out);
}

static void report_head(const void *report, FILE *out)
{
    const struct report *r = report;

    print_heading(r, out);
    if (clocking_of(&r->study->config)->pass) {
        print_pass(r, out);
    } else {
        print_intro(&r->study->plan, out);
        print_latency(r, out);
        print_throughput(r, out);
    }
}

static void report_tail(const void *report, FILE *out)
{
    const struct report *r = report;

    if (r->price)
        print_energy(r, out);
    fprintf(out, "\nHost: %.3g s, %.4g images/s, %.0f MiB\n", r->host.wall_s,
            (double)r->result->n_image / r->host.wall_s, r->host.peak_rss_mib);
}

static struct table *run_waits_table(const void *report)
{
    return waits_table(&((const struct report *)report)->study->plan);
}

static const struct sheet sheets[] = {
    { "layers", false, run_layer_table },    { "stages", false, budget_table },
    { "links", false, link_table },          { "accuracy", false, run_accuracy_table },
    { "predictions", true, prediction_table },
    { "spikes", false, spike_layer_table },  { "steps", true, spike_step_table },
    { "waits", false, run_waits_table },     { "decode", false, decode_table },
    { "learning", false, learning_table },   { "operations", true, operation_table },
    { "neurons", true, neuron_table },
    { "analog", false, analog_table },       { "analog_layers", true, analog_layer_table },
    { "cores", true, run_core_table },       { "converters", true, converter_table },
    { "streams", true, run_stream_table },   { "run", true, run_figure_table },
    { 0 },
};

const struct form report_form = { sheets, report_head, report_tail, report_json };
