/* report/plan_report.c -- what text and CSV show of a plan. */
#include "report/plan_report.h"

#include <inttypes.h>

#include "dataflow/plan/clocking.h"
#include "dataflow/plan/decode.h"
#include "dataflow/plan/tokens.h"
#include "report/tokens_report.h"

/* ---- what is mapped onto what ---- */

struct value_text {
    char text[64];
};

/* Of what is optimised; energy times time in uJ us. */
static struct value_text value_text(const struct mapping_report *r, const struct config *c,
                                    uint64_t value)
{
    struct value_text t;

    if (r->optimize == OPTIMIZE_EDP)
        snprintf(t.text, sizeof t.text, "%.1f", (double)value * (double)c->timestep_ns * 1e-9);
    else
        snprintf(t.text, sizeof t.text, "%s", format_count(value).text);
    return t;
}

static void print_mapping(const struct mapping_report *r, const struct config *c, FILE *out)
{
    static const char *const what[] = {
        [OPTIMIZE_LATENCY] = "timesteps to the first result",
        [OPTIMIZE_INTERVAL] = "timesteps between images",
        [OPTIMIZE_BALANCED] = "interval x first result",
        [OPTIMIZE_EDP] = "uJ us, energy of an image by itself x time to its result",
    };
    enum resource next = mapping_bounded_by(r);

    if (r->optimize == OPTIMIZE_NONE)
        fprintf(out, "Mapping  by the rule `%s`\n", r->policy);
    else if (r->value == r->bound)
        fprintf(out, "Mapping  %s %s: no mapping has less\n", value_text(r, c, r->value).text,
                what[r->optimize]);
    else
        fprintf(out, "Mapping  %s %s;\n         none has less than %s, %.1f %% below\n",
                value_text(r, c, r->value).text, what[r->optimize],
                value_text(r, c, r->bound).text,
                100 * (double)(r->value - r->bound) / (double)r->value);
    if (next == N_RESOURCE)
        fprintf(out, "         bound next by no one resource; least interval\n");
    else
        fprintf(out, "         bound next by %s; least interval\n", resource_name(next));
    fprintf(out, "         with twice the %s %" PRIu64, resource_name(0), r->relief[0]);
    for (int i = 1; i < N_RESOURCE; i++)
        fprintf(out, "%s %s %" PRIu64, i == RESOURCE_MEMORY ? "; with enough" : ",",
                resource_name((enum resource)i), r->relief[i]);
    fputc('\n', out);
}

static void print_events(const struct event_cfg *e, FILE *out)
{
    fprintf(out, "Cores    of events: arbiter %s, a row %" PRIu64 " %s", e->arbiter,
            e->service_cycles > 0 ? e->service_cycles : e->service_ns,
            e->service_cycles > 0 ? "cycles" : "ns");
    if (e->service_cycles > 0)
        fprintf(out, " of %" PRIu32 " kHz", e->arbiter_khz);
    if (e->neuron_khz > 0)
        fprintf(out, ", neurons at %" PRIu32 " kHz", e->neuron_khz);
    fprintf(out, ", a hop %" PRIu64 " ns", e->hop_ns);
}

/* The layer with the largest FIFO of tokens that wait for their sums. */
static uint32_t largest_fifo(const struct plan *p)
{
    uint32_t largest = 0;

    for (uint32_t i = 0; i < p->n_layer; i++)
        if (residual_fifo_bytes(p, i) > residual_fifo_bytes(p, largest))
            largest = i;
    return largest;
}

/* The longest that a query takes, in timesteps or, where nobody waits for one, in clocks. */
static void print_query(const struct plan *p, uint32_t layer, FILE *out)
{
    const struct shape *o = &plan_network_layer(p, layer)->out;
    const bool in_timesteps = clocking_of(p->config)->in_timesteps;
    const struct token_work work = tokens_work(p, layer, 0, o->height - 1, o->width - 1);
    uint64_t most = tokens_clocks(p, layer, &work);

    if (in_timesteps)
        tokens_timesteps(p, layer, &most);
    fprintf(out, "a query takes %" PRIu64 " %s%s\n", most, in_timesteps ? "timestep" : "clock",
            most == 1 ? "" : "s");
}

static void print_attention(const struct plan *p, FILE *out)
{
    const uint32_t i = first_attention(p);

    if (i == p->n_layer)
        return;
    const struct kv_memory kv = tokens_kv(p, i);
    const uint32_t cores = p->layer[i].n_core, banks = p->config->attention.banks;
    const uint32_t fifo = largest_fifo(p);
    fprintf(out, "         and %s of attention, %.3f %% of all; ",
            format_count(network_attention_macs(p->network)).text,
            100 * attention_share(p->network));
    print_query(p, i, out);
    fprintf(out, "Tokens   %s digital cores of attention and normalisation; a layer keeps %s B of "
            "keys and\n         values (%" PRIu32 " bank%s), %s B of queries",
            format_count(plan_digital_cores(p)).text, format_count(cores * kv.bank_bytes).text,
            banks, banks == 1 ? "" : "s", format_count(cores * kv.queue_bytes).text);
    if (clocking_of(p->config)->in_timesteps) // else tokens wait in elastic.residual_pixels
        fprintf(out, "; a FIFO of %" PRIu32 " tokens in front of %s\n         has %s B, where a "
                "bank of keys has %s", p->time.layer[fifo].residual_fifo, plan_layer_name(p, fifo),
                format_count(residual_fifo_bytes(p, fifo)).text,
                format_count(cores * kv.key_bytes).text);
    fprintf(out, "\n");
}

void print_machine(const struct study *s, FILE *out)
{
    const struct config *c = &s->config;
    const struct plan *p = &s->plan;

    fprintf(out, "Network  %s: %" PRIu32 " layers, %s weights, %s multiply-accumulates an image\n",
            s->network.name, p->n_layer, format_count(network_weights(&s->network)).text,
            format_count(network_macs(&s->network)).text);
    if (s->network.host)
        fprintf(out, "Host     %" PRIu32 " layer%s before it, %s weights, not on the chip\n",
                s->network.host->n_layer - 1, s->network.host->n_layer > 2 ? "s" : "",
                format_count(network_weights(s->network.host)).text);
    print_attention(p, out);
    fprintf(out, "Chip     %s of %s cores; %.1f %% of the devices of their %" PRIu32 " x %" PRIu32
                 " crossbars hold weights\n",
            format_count(p->n_core - plan_digital_cores(p)).text,
            format_count(c->chip_cores).text,
            100 * chip_utilization(p), c->crossbar.rows, c->crossbar.columns);
    if (s->mapping_chosen)
        print_mapping(&s->mapping, c, out);
    if (c->core_kind == CORE_EVENT)
        print_events(&c->event, out);
    else
        fprintf(out, "Clock    %" PRIu32 " MHz", c->clock_mhz);
    if (clocking_of(c)->in_timesteps)
        fprintf(out, "; a timestep is %.10g ns, %" PRIu64 " clocks", plan_timestep_ns(p),
                p->timestep_clk);
    fputs("\n", out);
    for (size_t i = 0; i < c->notes.n; i++)
        fprintf(out, "Note     %s\n", c->notes.line[i]);
}

/* ---- tables ---- */

void put_matrix(struct table *t, uint64_t rows, uint64_t columns)
{
    if (rows > 0) {
        table_count(t, rows);
        table_count(t, columns);
    } else {
        table_none(t);
        table_none(t);
    }
}

void put_used(struct table *t, uint64_t rows, double share)
{
    if (rows > 0)
        table_share(t, share, 1);
    else
        table_none(t);
}

struct table *stage_table(const struct plan *p)
{
    static const struct table_column columns[] = {
        { "stage", "stage" },       { "busiest core", "core" },
        { "clocks", "clocks" },     { "of", "timestep_clocks" },
        { "share", "share_of_timestep" }, { 0 },
    };
    struct table *t = table_new(columns);
    uint32_t core;
    uint64_t sum;

    table_title(t, "Budgets: what each stage takes of its worst timestep");
    table_note(t,
               "Each stage has to fit into a timestep by itself. The model lets a core use them\n"
               "all within one timestep; a pipeline of real stages would add %s timesteps to the\n"
               "first result.", format_count(p->time.pipeline_timesteps).text);

    for (int s = 0; s < N_STAGE; s++) {
        if (!worst_core(p, (enum stage)s, &core))
            continue;
        table_named(t, stage_name((enum stage)s), stage_title((enum stage)s));
        table_text(t, p->core[core].name);
        table_count(t, p->time.core[core].used_clk[s]);
        table_count(t, p->timestep_clk);
        table_share(t, share_of_timestep(p, p->time.core[core].used_clk[s]), 1);
    }
    core = busiest_core(p, &sum);
    table_text(t, "all stages");
    table_text(t, p->core[core].name);
    table_count(t, sum);
    table_count(t, p->timestep_clk);
    table_share(t, share_of_timestep(p, sum), 1);
    return t;
}

struct table *stream_table(const struct plan *p, const uint64_t *bits)
{
#define COLUMNS                                                                             \
    { "stream", "kind" }, { "from", "from" }, { "to", "to" }, { "channels", "channels" },   \
    { "bits each", "value_bits" }, { "pixels", "most_pixels" }, { "Gb/s", "rate_gbps" },    \
    { "clocks", "clocks" }, { "share", "share_of_timestep" }
    static const struct table_column columns[] = { COLUMNS, { 0 } };
    static const struct table_column columns_bits[] = { COLUMNS, { "bits", "bits" }, { 0 } };
#undef COLUMNS
    struct table *t = table_new(bits ? columns_bits : columns);

    table_title(t, "Streams, each on a link of its own");
    table_note(t, "pixels  in the worst timestep");
    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct plan_stream *s = &p->stream[i];
        const struct stream_times *use = &p->time.stream[i];
        table_named(t, stream_kind_name(s->kind), stream_title(s->kind));
        table_text(t, stream_from(p, s));
        table_text(t, stream_to(p, s));
        table_count(t, s->n);
        table_count(t, s->value_bits);
        table_count(t, use->most_pixels);
        table_real(t, (double)s->route.rate_bps / 1e9, 2);
        table_count(t, use->used_clk);
        table_share(t, share_of_timestep(p, use->used_clk), 1);
        if (bits)
            table_count(t, bits[i]);
    }
    return t;
}

static struct table *layer_table(const void *study)
{
    static const struct table_column columns[] = {
        { "layer", "name" },        { "cores", "cores" },   { "parts", "parts" },
        { "splits", "groups" },     { "copies", "copies" }, { "rows", "rows" },
        { "columns", "columns" },   { "replicas", "replicas" }, { "used", "utilization" },
        { "firing", "firing" },     { "firings", "firings" },
        { "first", "first_timestep" }, { "last", "last_timestep" }, { 0 },
    };
    const struct plan *p = &((const struct study *)study)->plan;
    struct table *t = table_new(columns);

    table_title(t, "Layers");
    table_note(t, "first, last  timesteps of the first %s's firings, counted from 0",
               plan_pass_word(p));
    for (uint32_t i = 0; i < p->n_layer; i++) {
        const struct plan_layer *l = &p->layer[i];
        table_text(t, plan_layer_name(p, i));
        table_count(t, l->n_core);
        table_count(t, l->parts);
        table_count(t, l->splits);
        table_count(t, l->copies);
        put_matrix(t, l->rows, l->columns);
        table_count(t, l->replicas.n);
        put_used(t, l->rows, l->utilization);
        table_text(t, l->firing->name);
        table_count(t, p->time.layer[i].firings);
        table_count(t, p->time.layer[i].first_timestep);
        table_count(t, p->time.layer[i].last_timestep);
    }
    return t;
}

static struct table *core_table(const void *study)
{
    static const struct table_column columns[] = {
        { "core", "name" },       { "layer", "layer" },     { "rows", "rows" },
        { "columns", "columns" }, { "replicas", "replicas" }, { "used", "utilization" },
        { "placing", "placing" }, { "K", "memory_columns" },
        { "words", "words_used" }, { "of", "words" },       { "FIFO", "residual_fifo" }, { 0 },
    };
    const struct plan *p = &((const struct study *)study)->plan;
    struct table *t = table_new(columns);

    table_title(t, "Cores");
    table_note(t, "K      columns of pixels that the input memory keeps; words: what they fill\n"
                  "FIFO   residual pixels that wait");
    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct plan_core *c = &p->core[i];
        const struct plan_layer *l = &p->layer[c->plan_layer];
        const struct memory_layout *layout = &p->time.core[i].layout;
        table_text(t, c->name);
        table_text(t, plan_layer_name(p, c->plan_layer));
        put_matrix(t, c->rows, c->columns);
        table_count(t, l->replicas.n);
        put_used(t, c->rows, core_utilization(p, i));
        table_text(t, layout->placing->name);
        table_count(t, layout->shape.columns);
        table_count(t, memory_used_words(layout));
        table_count(t, c->memory.words);
        table_count(t, core_fifo(p, i));
    }
    return t;
}

/* Empty where a product is one exact read. */
static struct table *array_table(const void *study)
{
    static const struct table_column columns[] = {
        { "core", "name" }, { "arrays", "arrays" }, { "used", "utilization" },
        { "rows", "rows" }, { "at once", "rows_at_once" }, { "slices", "input_slices" },
        { "reads", "reads" }, { "a weight", "columns_of_a_weight" },
        { "columns", "columns_read" }, { "converters", "converters" },
        { "conversions", "conversions" }, { "exact", "exact_bits" }, { 0 },
    };
    const struct plan *p = &((const struct study *)study)->plan;
    struct table *t = table_new(columns);

    table_title(t, "Arrays, of a product");
    table_note(t, "slices    of the inputs; reads: a slice of some rows each\n"
                  "a weight  columns of its slices; columns: that are read, of all outputs\n"
                  "exact     bits of a code that no sum of a read can pass");
    for (uint32_t i = 0; i < p->n_core && plan_is_read(p); i++) {
        const struct plan_core *c = &p->core[i];
        const struct array_spec *a = &p->layer[c->plan_layer].array;
        if (c->rows == 0)
            continue;
        struct reads r = array_reads(a, c->rows, c->columns);
        table_text(t, c->name);
        table_count(t, c->arrays);
        table_share(t, core_utilization(p, i), 1);
        table_count(t, c->rows);
        table_count(t, array_rows_at_once(a, c->rows));
        table_count(t, r.slices);
        table_count(t, r.n);
        table_count(t, a->layout.columns);
        table_count(t, r.columns);
        table_count(t, a->readout->takes_time ? r.converters : a->readout->counts ? r.columns : 0);
        table_count(t, a->readout->counts ? r.n * r.columns : 0);
        table_count(t, array_exact_bits(a, c->rows));
    }
    return t;
}

static struct table *make_streams(const void *study)
{
    return stream_table(&((const struct study *)study)->plan, NULL);
}

static struct table *make_stages(const void *study)
{
    return stage_table(&((const struct study *)study)->plan);
}

static void plan_head(const void *study, FILE *out)
{
    print_machine(study, out);
}

static void plan_tail(const void *study, FILE *out)
{
    const struct plan *p = &((const struct study *)study)->plan;

    fprintf(out, "\nThe dry run: first result after %s timesteps, then one image every %s.\n",
            format_count(plan_first_result(p)).text,
            format_count(plan_image_interval(p)).text);
    if (network_has_tokens(p->network) && p->time.last_tokens != p->time.first_result)
        fprintf(out, "The last token is behind the last layer after %s, before the head.\n",
                format_count(p->time.last_tokens).text);
    if (p->config->decode.tokens > 0 && network_has_tokens(p->network)) {
        const struct decoding d = decode_of(p);
        fprintf(out, "The last decoded token takes %s timesteps: %s tokens/s.\n",
                format_count(d.last_token).text,
                format_count((uint64_t)(d.tokens_per_s + .5)).text);
    }
}

static struct table *make_waits(const void *study)
{
    return waits_table(&((const struct study *)study)->plan);
}

static struct table *make_lanes(const void *study)
{
    return lanes_table(study);
}

static const struct sheet plan_sheets[] = {
    { "layers", false, layer_table },
    { "cores", false, core_table },
    { "arrays", false, array_table },
    { "streams", false, make_streams },
    { "stages", false, make_stages },
    { "waits", false, make_waits },
    { "lanes", false, make_lanes },
    { 0 },
};

const struct form plan_form = { plan_sheets, plan_head, plan_tail, plan_json };
