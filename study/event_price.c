/* study/event_price.c -- see event_price.h. */
#include "study/event_price.h"

const char *const event_cost_names[N_EVENT_COST] = {
    [EVENT_LEAKAGE] = "leakage", [EVENT_READING] = "cores that read",
    [EVENT_ROWS] = "rows",       [EVENT_SYNAPSES] = "synaptic events",
    [EVENT_SPIKES] = "spikes",
};

void event_price(struct event_price *p, const struct event_chip *chip,
                 const struct event_result *r, uint64_t n_recording)
{
    const double n = (double)n_recording;
    struct event_counts all = { 0 };
    uint32_t cores = 0;

    for (uint32_t i = 0; i < r->n_core; i++) {
        counter_add(event_counter_rows, &all, &r->core[i].counts);
        cores += r->core[i].holds;
    }
    *p = (struct event_price){
        .nj = {
            [EVENT_LEAKAGE] = chip->leakage_uw * (double)r->elapsed_ns * 1e-6 / n,
            [EVENT_READING] = chip->reading_uw * (double)all.busy_ns / cores * 1e-6 / n,
            [EVENT_ROWS] = chip->row_pj * (double)all.rows * 1e-3 / n,
            [EVENT_SYNAPSES] = chip->synapse_pj * (double)all.synapses * 1e-3 / n,
            [EVENT_SPIKES] = chip->spike_pj * (double)all.spikes * 1e-3 / n,
        },
        .ns = (double)r->elapsed_ns / n,
        .synapses = (double)all.synapses / n,
    };
    for (int i = 0; i < N_EVENT_COST; i++)
        p->total_nj += p->nj[i];
}
