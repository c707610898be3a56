/* study/event_price.h -- energy of recordings on event cores: what they did, times what that costs.
 *
 * A recording takes as long as it is, and until its last row where that is later. */
#ifndef STUDY_EVENT_PRICE_H
#define STUDY_EVENT_PRICE_H

#include "arch/cost/event_chip.h"
#include "study/event.h"

enum event_cost { EVENT_LEAKAGE, EVENT_READING, EVENT_ROWS, EVENT_SYNAPSES, EVENT_SPIKES,
                  N_EVENT_COST };
extern const char *const event_cost_names[N_EVENT_COST];

struct event_price { // of a recording, in the mean
    double nj[N_EVENT_COST], total_nj;
    double ns;   // that it takes
    double synapses; // synaptic events, of two operations each
};

void event_price(struct event_price *p, const struct event_chip *chip,
                 const struct event_result *r, uint64_t n_recording);

#endif
