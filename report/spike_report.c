/* report/spike_report.c -- see spike_report.h. */
#include "report/spike_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

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

static uint64_t right_when_decided(const struct spike_counts *c)
{
    uint64_t all = 0;

    for (uint32_t t = 0; t < c->steps; t++)
        all += c->decided_right[t];
    return all;
}

struct note {
    char text[160];
};

/* What deciding early costs and saves. */
static struct note early_note(const struct report *r)
{
    const struct spike_counts *c = &r->result->spikes;
    const uint64_t lead = r->study->network.present.lead;
    struct note n = { "decided  at the last step: input.lead = 0" };

    if (has_spikes(r) && lead > 0)
        snprintf(n.text, sizeof n.text, "decided  as soon as the best class leads by input.lead = "
                 "%" PRIu64 ": after %.1f steps on average", lead, spike_counts_mean_steps(c));
    if (has_spikes(r) && lead > 0 && r->result->label)
        snprintf(n.text + strlen(n.text), sizeof n.text - strlen(n.text), ", %.2f %% right",
                 100 * an_image(r, right_when_decided(c)));
    return n;
}

struct table *spike_step_table(const void *report)
{
    static const struct table_column columns[] = {
        { "step", "step" }, { "spikes in", "spikes_in" }, { "of neurons", "spikes" },
        { "correct", "correct" }, { "top-1", "top1" }, { "decided", "decided" },
        { "of them right", "decided_correct" }, { 0 },
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
        table_count(t, c->decided[step]);
        if (r->result->label)
            table_count(t, c->decided_right[step]);
        else
            table_none(t);
    }
    table_title(t, "Steps of all images: spikes, and classes as they are after each");
    table_note(t, "%s", early_note(r).text);
    return t;
}

/* Least and most of an array, times `unit`. */
static void table_range(struct table *t, const int64_t *v, uint32_t n, double unit)
{
    int64_t least = v[0], most = v[0];

    for (uint32_t o = 1; o < n; o++) {
        least = v[o] < least ? v[o] : least;
        most = v[o] > most ? v[o] : most;
    }
    table_real(t, (double)least * unit, 4);
    table_real(t, (double)most * unit, 4);
}

static double least_kept(const struct neuron *n)
{
    uint32_t least = NEURON_NO_LEAK;

    for (uint32_t o = 0; o < n->n; o++)
        least = n->beta[o] < least ? n->beta[o] : least;
    return (double)least / NEURON_NO_LEAK;
}

static void neuron_row(struct table *t, const struct network *network, uint32_t layer)
{
    static const char *const resets[] = { "subtract", "zero", "delayed", "none" };
    const struct layer *l = &network->layer[layer];
    const struct neuron *n = l->neuron;
    const double one = ldexp(1, -(int)n->fraction_bits);

    table_text(t, l->name);
    table_text(t, n->kind->name);
    table_text(t, n->kind->fires ? resets[n->reset] : "none");
    table_count(t, network_state_words(network, layer));
    table_real(t, least_kept(n), 5);
    if (n->kind->fires && network->has_values)
        table_range(t, n->theta, n->n, n->unit > 0 ? n->unit * one : 1);
    else {
        table_none(t);
        table_none(t);
    }
    if (n->unit == 0) {
        table_none(t);
        table_none(t);
        table_none(t);
        return;
    }
    table_real(t, n->unit, 6);
    table_real(t, n->error, 3);
    table_count(t, n->fraction_bits);
}

struct table *neuron_table(const void *report)
{
    static const struct table_column columns[] = {
        { "layer", "layer" }, { "neuron", "kind" }, { "reset", "reset" },
        { "state words", "state_words" },
        { "leaves", "least_beta" }, { "threshold from", "least_threshold" },
        { "to", "most_threshold" }, { "unit", "unit" }, { "weights off", "weight_error" },
        { "fraction bits", "fraction_bits" }, { 0 },
    };
    const struct report *r = report;
    const struct network *n = &r->study->network;
    struct table *t = table_new(columns);

    for (uint32_t i = 1; i < n->n_layer; i++)
        if (n->layer[i].neuron && !n->layer[i].neuron->kind->delivers_current)
            neuron_row(t, n, i);
    table_title(t, "Neurons");
    table_note(t, "state words  potentials that are kept from step to step, each read and written\n"
                  "             once in every step\n"
                  "leaves       what a step leaves of a potential, of the neuron that leaks most\n"
                  "unit         what a weight of 1 is worth in the file of network.nir, in whose\n"
                  "             terms thresholds are; else they are in the potential's own\n"
                  "weights off  by rounding, the most of the layer, in units");
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
    if (i > 0) {
        const uint64_t words = network_state_words(n, i);
        json_put_count(&o, "state_words", words);
        json_put_count(&o, "state_reads", words * c->steps * r->result->n_image);
        json_put_count(&o, "state_writes", words * c->steps * r->result->n_image);
    }
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
    json_put(&o, "decided_by_step", counts_json(c->decided, c->steps));
    json_put_real(&o, "steps_until_decided", spike_counts_mean_steps(c));
    if (r->result->label)
        json_put_count(&o, "decided_correct", right_when_decided(c));
    return o;
}
