/* report/learning_report.c -- see learning_report.h. */
#include "report/learning_report.h"

#include "dataflow/plan/operations.h"
#include "network/precision.h"
#include "network/spiking/neuron.h"

struct table *operation_table(const void *report)
{
    static const struct table_column columns[] = {
        { "layer", "layer" }, { "forward", "forward_clocks" }, { "backward", "backward_clocks" },
        { "read row", "read_row_clocks" }, { "update", "update_clocks" }, { 0 },
    };
    const struct report *r = report;
    const struct plan *p = &r->study->plan;
    struct table *t = table_new(columns);

    for (uint32_t i = 0; i < p->n_layer && p->config->core_kind == CORE_IMC; i++) {
        if (layer_is_digital(plan_network_layer(p, i)))
            continue;
        table_text(t, plan_layer_name(p, i));
        for (enum operation o = 0; o < N_OPERATION; o++) {
            uint64_t most = 0;
            for (uint32_t c = 0; c < p->layer[i].n_core; c++) {
                uint64_t clocks = operation_clocks(p, p->layer[i].first_core + c, o);
                most = clocks > most ? clocks : most;
            }
            if (o == OPERATION_UPDATE && most == 0)
                table_none(t);
            else
                table_count(t, most);
        }
    }
    table_title(t, "Operations of an array, clocks");
    table_note(t, "backward  outputs drive the transposed array, rows are read\n"
                  "read row  one row is driven, its columns are converted\n"
                  "update    weights of an output, by learning.rule = %s",
               p->config->learning.rule);
    return t;
}

struct learned { // of a layer, over all images
    uint64_t spikes, array_updates, clocks, bits_read, bits_written;
    double   energy_pj;
};

/* Whether a layer's weights would be updated. */
static bool learns(const struct report *r, uint32_t layer)
{
    const struct layer *l = plan_network_layer(&r->study->plan, layer);
    const struct learning_rule *rule = learning_rule_find(r->study->config.learning.rule);

    return r->result->spikes.steps > 0 && rule && rule->update && l->neuron &&
           l->neuron->kind->fires && !layer_is_digital(l);
}

static struct learned learned_of(const struct report *r, uint32_t layer)
{
    const struct plan *p = &r->study->plan;
    const struct learning_cfg *cfg = &r->study->config.learning;
    const struct update_cost cost = learning_rule_find(cfg->rule)->update(
        network_weight_bits(p->network, layer + 1));
    const uint64_t replicas = operation_replicas(p, layer);
    struct learned u = { .spikes = spike_counts_of(&r->result->spikes, layer + 1) };

    u.array_updates = u.spikes * operation_arrays(p, layer) * replicas;
    u.clocks = u.spikes * replicas * cost.clocks;
    u.bits_read = u.array_updates * cost.bits_read;
    u.bits_written = u.array_updates * cost.bits_written;
    u.energy_pj = (double)u.array_updates * (double)cfg->update_pj / (double)PARAM_BILLION;
    return u;
}

struct table *learning_table(const void *report)
{
    static const struct table_column columns[] = {
        { "layer", "layer" }, { "arrays of an output", "arrays" },
        { "updates an image", "updates_per_image" },
        { "of arrays", "array_updates_per_image" }, { "clocks an image", "clocks_per_image" },
        { "nJ an image", "energy_nj_per_image" }, { 0 },
    };
    const struct report *r = report;
    const struct plan *p = &r->study->plan;
    const double images = (double)r->result->n_image;
    struct table *t = table_new(columns);

    for (uint32_t i = 0; i < p->n_layer; i++) {
        if (!learns(r, i))
            continue;
        const struct learned u = learned_of(r, i);
        table_text(t, plan_layer_name(p, i));
        table_count(t, operation_arrays(p, i));
        table_real(t, (double)u.spikes / images, 1);
        table_real(t, (double)u.array_updates / images, 1);
        table_real(t, (double)u.clocks / images, 1);
        if (r->study->config.learning.update_pj > 0)
            table_real(t, u.energy_pj / 1000 / images, 3);
        else
            table_none(t);
    }
    table_title(t, "Updates that a learning rule would make");
    table_note(t, "clocks  of one array, updates one after the other; arrays of an output work "
                  "side by side\n"
                  "learning.rule = %s: counted alone, the weights stay what they are",
               r->study->config.learning.rule);
    return t;
}

json_t *learning_json(const struct report *r)
{
    const struct plan *p = &r->study->plan;
    json_t *layers = json_array(), *o = json_object();

    for (uint32_t i = 0; i < p->n_layer; i++) {
        if (!learns(r, i))
            continue;
        const struct learned u = learned_of(r, i);
        json_t *l = json_object();
        json_put_text(&l, "name", plan_layer_name(p, i));
        json_put_count(&l, "updates", u.spikes);
        json_put_count(&l, "array_updates", u.array_updates);
        json_put_count(&l, "clocks", u.clocks);
        json_put_count(&l, "bits_read", u.bits_read);
        json_put_count(&l, "bits_written", u.bits_written);
        if (r->study->config.learning.update_pj > 0)
            json_put_real(&l, "energy_nj", u.energy_pj / 1000);
        json_add(&layers, l);
    }
    if (json_array_size(layers) == 0) {
        json_decref(layers);
        json_decref(o);
        return NULL;
    }
    json_put_text(&o, "rule", r->study->config.learning.rule);
    json_put(&o, "layers", layers);
    return o;
}
