/* report/plan_json.c -- the plan as JSON: sections that map and run share, and map's
 * document. */
#include "dataflow/plan/clocking.h"
#include "dataflow/plan/decode.h"
#include "dataflow/plan/tokens.h"
#include "network/precision.h"
#include "network/spiking/neuron.h"
#include "report/json.h"
#include "report/plan_report.h"
#include "report/version.h"

static const char *const feed_names[] = {
    [FEED_SCRATCHPAD] = "scratchpad",
    [FEED_PRODUCER] = "producer",
    [FEED_READ_BACK] = "read_back",
};

static const char *const residual_names[] = {
    [RESIDUAL_NONE] = "none",
    [RESIDUAL_READ_BACK] = "read_back",
    [RESIDUAL_DIRECT] = "direct",
    [RESIDUAL_IMAGE] = "image",
};


json_t *json_begin(const char *format, const struct study *s)
{
    json_t *o = json_object();

    json_put_text(&o, "format", format);
    json_put_text(&o, "version", imcsim_version);
    json_put(&o, "config", config_to_json(&s->config));
    json_put_text(&o, "config_hash", s->config_hash);
    return o;
}

json_t *json_network(const struct network *n)
{
    json_t *o = json_object();

    json_put_text(&o, "name", n->name);
    json_put_count(&o, "weights", network_weights(n));
    json_put_count(&o, "macs", network_macs(n));
    if (n->host) {
        json_put_count(&o, "host_layers", n->host->n_layer - 1);
        json_put_count(&o, "host_weights", network_weights(n->host));
    }
    if (network_is_spiking(n)) {
        uint64_t words = 0, neurons = 0;
        for (uint32_t i = 1; i < n->n_layer; i++) {
            words += network_state_words(n, i);
            neurons += network_neurons(n, i);
        }
        json_put_count(&o, "neurons", neurons);
        json_put_count(&o, "state_words", words);
    }
    if (network_has_tokens(n)) {
        json_put_count(&o, "attention_macs", network_attention_macs(n));
        json_put_real(&o, "attention_share", attention_share(n));
        json_put_count(&o, "off_chip_bytes", network_image_values(n));
    }
    return o;
}

void json_put_cores(json_t **o, const struct plan *p)
{
    const uint32_t digital = plan_digital_cores(p);

    json_put_count(o, "cores", p->n_core - digital);
    if (!network_has_tokens(p->network))
        return;
    json_put_count(o, "digital_cores", digital);
    json_put_real(o, "utilization", chip_utilization(p));
}

/* Of an attention layer. */
static json_t *json_attention(const struct plan *p, uint32_t layer)
{
    const struct kv_memory kv = tokens_kv(p, layer);
    const uint32_t cores = p->layer[layer].n_core;
    json_t *o = json_object();
    uint64_t most, sum = tokens_timesteps(p, layer, &most);

    json_put_count(&o, "query_timesteps", most);
    json_put_count(&o, "sequence_timesteps", sum);
    json_put_count(&o, "banks", p->config->attention.banks);
    json_put_count(&o, "kv_bytes", cores * kv.bank_bytes);
    json_put_count(&o, "kv_bytes_of_core", kv.bank_bytes);
    json_put_count(&o, "memory_bytes_of_core",
                   p->config->attention.banks * kv.bank_words * p->config->memory.word_bits / 8);
    json_put_count(&o, "queue_bytes", cores * kv.queue_bytes);
    return o;
}

static json_t *json_slowest_stage(const struct plan *p)
{
    json_t *o = json_object();
    uint32_t core;
    enum stage stage;

    plan_slowest_stage(p, &core, &stage);
    json_put_text(&o, "core", p->core[core].name);
    json_put_text(&o, "stage", stage_name(stage));
    json_put_real(&o, "share_of_timestep", plan_stage_share(p, core, stage));
    return o;
}

static json_t *json_busiest_core(const struct plan *p)
{
    json_t *o = json_object();
    uint64_t clocks;
    uint32_t core = busiest_core(p, &clocks);

    json_put_text(&o, "core", p->core[core].name);
    json_put_count(&o, "clocks", clocks);
    json_put_real(&o, "share_of_timestep", share_of_timestep(p, clocks));
    return o;
}

json_t *json_timing(const struct plan *p, uint64_t first_result, uint64_t last_conv)
{
    const struct config *c = p->config;
    json_t *o = json_object();

    json_put_count(&o, "clock_mhz", c->clock_mhz);
    json_put_text(&o, "clocking", clocking_of(c)->name);
    if (clocking_of(c)->pass)
        json_put_real(&o, "timestep_ns", plan_timestep_ns(p));
    else
        json_put_count(&o, "timestep_ns", c->timestep_ns);
    json_put_count(&o, "timestep_clocks", p->timestep_clk);
    json_put_count(&o, "first_result_timesteps", first_result);
    json_put_count(&o, "last_conv_timesteps", last_conv);
    if (network_has_tokens(p->network))
        json_put_count(&o, "last_layer_timesteps", p->time.last_tokens);
    if (c->decode.tokens > 0 && network_has_tokens(p->network)) {
        const struct decoding d = decode_of(p);
        json_put_count(&o, "last_token_timesteps", d.last_token);
        json_put_count(&o, "decode_timesteps", d.all);
        json_put_real(&o, "tokens_per_s", d.tokens_per_s);
    }
    json_put_count(&o, "interval_timesteps", plan_image_interval(p));
    if (presentation_steps(&p->network->present) > 1)
        json_put_count(&o, "steps", presentation_steps(&p->network->present));
    json_put_count(&o, "pipeline_timesteps", p->time.pipeline_timesteps);
    json_put_count(&o, "latency_cycles", first_result * p->timestep_clk);
    json_put_real(&o, "latency_us", timesteps_us(p, first_result));
    json_put_count(&o, "batch", c->batch);
    json_put(&o, "settling_timesteps", json_integer(timetable_late(&p->time, c->batch - 1)));
    json_put_real(&o, "throughput_images_per_s", batch_throughput(p, first_result, c->batch));
    json_put(&o, "slowest_stage", json_slowest_stage(p));
    json_put(&o, "busiest_core", json_busiest_core(p));
    return o;
}

json_t *json_layer(const struct plan *p, uint32_t layer)
{
    const struct plan_layer *l = &p->layer[layer];
    json_t *o = json_object();

    json_put_text(&o, "name", plan_layer_name(p, layer));
    json_put_count(&o, "cores", l->n_core);
    json_put_count(&o, "rows", l->rows);
    json_put_count(&o, "columns", l->columns);
    json_put_count(&o, "replicas", l->replicas.n);
    json_put_real(&o, "utilization", l->utilization);
    json_put_count(&o, "parts", l->parts);
    json_put_count(&o, "groups", l->splits);
    json_put_count(&o, "copies", l->copies);
    json_put_text(&o, "firing", l->firing->name);
    json_put_text(&o, "feed", feed_names[l->feed]);
    if (l->feed == FEED_READ_BACK)
        json_put_text(&o, "feeder", plan_layer_name(p, l->feeder));
    json_put_text(&o, "residual", residual_names[l->residual]);
    if (l->residual != RESIDUAL_NONE)
        json_put_text(&o, "residual_from", plan_layer_name(p, l->residual_from));
    json_put_count(&o, "residual_fifo", p->time.layer[layer].residual_fifo);
    if (network_has_tokens(p->network))
        json_put_count(&o, "residual_fifo_bytes", residual_fifo_bytes(p, layer));
    json_put_count(&o, "memory_columns", p->time.layer[layer].memory_columns);
    if (plan_network_layer(p, layer)->kind == LAYER_ATTENTION)
        json_put(&o, "attention", json_attention(p, layer));
    return o;
}

static json_t *json_core_stages(const struct plan *p, uint32_t core)
{
    json_t *o = json_object();

    for (int s = 0; s < N_STAGE; s++)
        if (p->time.core[core].used_clk[s] > 0)
            json_put_count(&o, stage_name((enum stage)s), p->time.core[core].used_clk[s]);
    return o;
}

json_t *json_core(const struct plan *p, uint32_t core)
{
    const struct plan_core *c = &p->core[core];
    const struct memory_layout *layout = &p->time.core[core].layout;
    json_t *o = json_object();

    json_put_text(&o, "name", c->name);
    json_put_text(&o, "layer", plan_layer_name(p, c->plan_layer));
    json_put_count(&o, "part", c->part);
    json_put_count(&o, "group", c->split);
    json_put_count(&o, "copy", c->copy);
    json_put_count(&o, "first_input_channel", c->in_first);
    json_put_count(&o, "input_channels", c->in_n);
    json_put_count(&o, "first_output_channel", c->out_first);
    json_put_count(&o, "output_channels", c->out_n);
    json_put_count(&o, "rows", c->rows);
    json_put_count(&o, "columns", c->columns);
    json_put_real(&o, "utilization", core_utilization(p, core));
    if (!layout->placing) // event cores have no memories
        return o;
    json_put_text(&o, "placing", layout->placing->name);
    json_put_count(&o, "memory_columns", layout->shape.columns);
    json_put_count(&o, "words_used", memory_used_words(layout));
    json_put_count(&o, "words", c->memory.words);
    json_put_count(&o, "residual_fifo", core_fifo(p, core));
    json_put(&o, "stage_clocks", json_core_stages(p, core));
    return o;
}

json_t *json_stages(const struct plan *p)
{
    json_t *array = json_array();
    uint32_t core;

    for (int s = 0; s < N_STAGE; s++) {
        if (!worst_core(p, (enum stage)s, &core))
            continue;
        json_t *o = json_object();
        json_put_text(&o, "stage", stage_name((enum stage)s));
        json_put_text(&o, "core", p->core[core].name);
        json_put_count(&o, "clocks", p->time.core[core].used_clk[s]);
        json_put_real(&o, "share_of_timestep", plan_stage_share(p, core, (enum stage)s));
        json_add(&array, o);
    }
    return array;
}

json_t *json_stream(const struct plan *p, uint32_t stream)
{
    const struct plan_stream *s = &p->stream[stream];
    uint64_t used = p->time.stream[stream].used_clk;
    json_t *o = json_object();

    json_put_text(&o, "kind", stream_kind_name(s->kind));
    json_put_text(&o, "from", stream_from(p, s));
    json_put_text(&o, "to", stream_to(p, s));
    json_put_count(&o, "first_channel", s->first);
    json_put_count(&o, "channels", s->n);
    json_put_count(&o, "value_bits", s->value_bits);
    json_put_count(&o, "most_pixels", p->time.stream[stream].most_pixels);
    json_put_count(&o, "rate_bps", s->route.rate_bps);
    json_put_count(&o, "clocks", used);
    json_put_real(&o, "share_of_timestep", share_of_timestep(p, used));
    return o;
}

/* Of rows that are kept for biases. */
static void put_biases(json_t **o, const struct plan *p, uint32_t layer)
{
    if (plan_bias_reach(p, layer) == 0)
        return;
    json_put_count(o, "bias_reach", (uint64_t)plan_bias_reach(p, layer));
    json_put_count(o, "trim_reads", plan_trim_reads(p, layer));
}

static json_t *json_planned_layer(const struct plan *p, uint32_t layer)
{
    json_t *o = json_layer(p, layer);

    put_biases(&o, p, layer);
    if (!clocking_of(p->config)->in_timesteps)
        return o;
    json_put_count(&o, "first_timestep", p->time.layer[layer].first_timestep);
    json_put_count(&o, "last_timestep", p->time.layer[layer].last_timestep);
    json_put_count(&o, "firings", p->time.layer[layer].firings);
    return o;
}

static json_t *json_read_back(const struct plan *p, uint32_t i)
{
    const struct read_back *r = &p->read_back[i];
    json_t *o = json_object();

    json_put_text(&o, "reader", plan_layer_name(p, r->reader));
    json_put_count(&o, "reader_copy", r->reader_copy);
    json_put_text(&o, "receiver", plan_layer_name(p, r->receiver));
    json_put_count(&o, "receiver_copy", r->receiver_copy);
    json_put_count(&o, "pixels", p->time.read_back[i].n);
    json_put_count(&o, "most_pixels", p->time.read_back[i].most_pixels);
    return o;
}

/* piece() of each of n. */
static json_t *json_each(const struct plan *p, uint32_t n,
                         json_t *(*piece)(const struct plan *p, uint32_t i))
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < n; i++)
        json_add(&array, piece(p, i));
    return array;
}

static json_t *json_mapping(const struct mapping_report *r)
{
    static const char *const optimize_names[] = {
        [OPTIMIZE_NONE] = "none",         [OPTIMIZE_LATENCY] = "latency",
        [OPTIMIZE_INTERVAL] = "interval", [OPTIMIZE_BALANCED] = "balanced",
        [OPTIMIZE_EDP] = "edp",
    };
    enum resource bounded = mapping_bounded_by(r);
    json_t *o = json_object(), *next = json_object();

    json_put_text(&o, "optimize", optimize_names[r->optimize]);
    json_put_text(&o, "policy", r->policy);
    if (r->optimize != OPTIMIZE_NONE) {
        json_put_count(&o, "value", r->value);
        json_put_count(&o, "bound", r->bound);
    }
    if (r->optimize == OPTIMIZE_EDP)
        json_put_count(&o, "energy_pj_per_image", r->energy_pj);
    json_put_text(&o, "bound_next_by", bounded == N_RESOURCE ? "none" : resource_name(bounded));
    for (int i = 0; i < N_RESOURCE; i++)
        json_put_count(&next, resource_name((enum resource)i), r->relief[i]);
    json_put(&o, "interval_with_more", next);
    return o;
}

enum err plan_json(const void *study, FILE *out, struct err_msg *m)
{
    const struct study *s = study;
    const struct plan *p = &s->plan;
    json_t *o = json_begin("imcsim-map/1", s);

    json_put(&o, "network", json_network(&s->network));
    json_put_cores(&o, p);
    if (s->mapping_chosen)
        json_put(&o, "mapping", json_mapping(&s->mapping));
    if (clocking_of(p->config)->in_timesteps)
        json_put(&o, "timing",
                 json_timing(p, plan_first_result(p),
                             p->time.last_conv + plan_image_interval(p) - p->interval));
    json_put(&o, "layers", json_each(p, p->n_layer, json_planned_layer));
    json_put(&o, "core_list", json_each(p, p->n_core, json_core));
    json_put(&o, "streams", json_each(p, p->n_stream, json_stream));
    json_put(&o, "read_backs", json_each(p, p->n_read_back, json_read_back));
    json_put(&o, "stages", json_stages(p));
    return json_print(o, out, m);
}
