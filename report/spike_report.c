/* report/spike_report.c -- see spike_report.h. */
#include "report/spike_report.h"

#include "network/spiking/neuron.h"

static bool has_spikes(const struct report *r)
{
    return r->result->spikes.steps > 0;
}

static uint64_t neurons_of(const struct layer *l)
{
    return (uint64_t)l->out.height * l->out.width * l->out.channels;
}

double spike_rate(const struct report *r, uint32_t layer)
{
    const struct spike_counts *c = &r->result->spikes;

    return (double)spike_counts_of(c, layer) / (double)r->result->n_image / c->steps /
           (double)neurons_of(&r->study->network.layer[layer]);
}

/* Whether there is something to say of a layer: it fires, or its weights meet spikes. */
static bool is_told(const struct network *n, uint32_t layer)
{
    return layer == 0 || n->layer[layer].neuron;
}

static bool fires(const struct network *n, uint32_t layer)
{
    return layer == 0 || n->layer[layer].neuron->kind->fires;
}

static double an_image(const struct report *r, uint64_t all)
{
    return (double)all / (double)r->result->n_image;
}

struct table *spike_layer_table(const void *report)
{
    static const struct table_column columns[] = {
        { "layer", "layer" }, { "neurons", "neurons" }, { "state bits", "state_bits" },
        { "spikes an image", "spikes_per_image" }, { "a neuron and step", "rate" },
        { "synaptic events an image", "synaptic_events_per_image" }, { 0 },
    };
    const struct report *r = report;
    const struct spike_counts *c = &r->result->spikes;
    const struct network *n = &r->study->network;
    struct table *t = table_new(columns);

    for (uint32_t i = 0; has_spikes(r) && i < n->n_layer; i++) {
        if (!is_told(n, i))
            continue;
        table_text(t, n->layer[i].name);
        if (i == 0)
            table_none(t);
        else
            table_count(t, neurons_of(&n->layer[i]));
        if (spike_counts_state_bits(c, i) > 0)
            table_count(t, spike_counts_state_bits(c, i));
        else
            table_none(t);
        if (fires(n, i)) {
            table_real(t, an_image(r, spike_counts_of(c, i)), 1);
            table_real(t, spike_rate(r, i), 4);
        } else {
            table_none(t);
            table_none(t);
        }
        table_real(t, an_image(r, c->events[i]), 1);
    }
    table_title(t, "Spikes");
    table_note(t, "state bits       that hold a potential, after every step of these images\n"
                  "synaptic events  spikes that come, each times the weights that it meets");
    return t;
}

struct table *spike_step_table(const void *report)
{
    static const struct table_column columns[] = {
        { "step", "step" }, { "spikes in", "spikes_in" }, { "of neurons", "spikes" },
        { "correct", "correct" }, { "top-1", "top1" }, { 0 },
    };
    const struct report *r = report;
    const struct spike_counts *c = &r->result->spikes;
    struct table *t = table_new(columns);

    for (uint32_t step = 0; has_spikes(r) && step < c->steps; step++) {
        uint64_t all = 0;
        for (uint32_t i = 1; i < c->n_layer; i++)
            all += c->spikes[(size_t)i * c->steps + step];
        table_count(t, step + 1);
        table_count(t, c->spikes[step]);
        table_count(t, all);
        if (r->result->label) {
            table_count(t, c->right[step]);
            table_share(t, an_image(r, c->right[step]), 2);
        } else {
            table_none(t);
            table_none(t);
        }
    }
    table_title(t, "Steps of all images: spikes, and classes as they are after each");
    return t;
}

static json_t *counts_json(const uint64_t *v, uint32_t n)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < n; i++)
        json_add(&array, json_integer((json_int_t)v[i]));
    return array;
}

static json_t *layer_json(const struct report *r, uint32_t i)
{
    const struct spike_counts *c = &r->result->spikes;
    const struct network *n = &r->study->network;
    json_t *o = json_object();

    json_put_text(&o, "name", n->layer[i].name);
    if (i > 0)
        json_put_count(&o, "neurons", neurons_of(&n->layer[i]));
    if (spike_counts_state_bits(c, i) > 0)
        json_put_count(&o, "state_bits", spike_counts_state_bits(c, i));
    if (fires(n, i)) {
        json_put_count(&o, "spikes", spike_counts_of(c, i));
        json_put(&o, "spikes_by_step",
                 counts_json(c->spikes + (size_t)i * c->steps, c->steps));
    }
    json_put_count(&o, "synaptic_events", c->events[i]);
    return o;
}

json_t *spike_json(const struct report *r)
{
    const struct spike_counts *c = &r->result->spikes;
    const struct network *n = &r->study->network;
    json_t *o, *layers;

    if (!has_spikes(r))
        return NULL;
    o = json_object();
    layers = json_array();
    json_put_count(&o, "steps", c->steps);
    for (uint32_t i = 0; i < n->n_layer; i++)
        if (is_told(n, i))
            json_add(&layers, layer_json(r, i));
    json_put(&o, "layers", layers);
    if (r->result->label)
        json_put(&o, "correct_by_step", counts_json(c->right, c->steps));
    return o;
}
