/* network/spiking/counts.c -- see counts.h. */
#include "network/spiking/counts.h"

#include <stdlib.h>

#include "core/util.h"
#include "network/network.h"

bool spike_counts_init(struct spike_counts *c, const struct network *n)
{
    const uint32_t steps = presentation_steps(&n->present);

    *c = (struct spike_counts){ .n_layer = n->n_layer, .steps = steps,
                                .spikes = calloc((size_t)n->n_layer * steps, sizeof *c->spikes),
                                .events = calloc(n->n_layer, sizeof *c->events),
                                .most_state = calloc(n->n_layer, sizeof *c->most_state),
                                .right = calloc(steps, sizeof *c->right),
                                .class_after = calloc(steps, sizeof *c->class_after),
                                .decided = calloc(steps, sizeof *c->decided),
                                .decided_right = calloc(steps, sizeof *c->decided_right) };
    if (c->spikes && c->events && c->most_state && c->right && c->class_after && c->decided &&
        c->decided_right)
        return true;
    spike_counts_release(c);
    return false;
}

void spike_counts_release(struct spike_counts *c)
{
    free(c->spikes);
    free(c->events);
    free(c->most_state);
    free(c->right);
    free(c->class_after);
    free(c->decided);
    free(c->decided_right);
    *c = (struct spike_counts){ 0 };
}

void spike_counts_judge(struct spike_counts *c, uint32_t label)
{
    for (uint32_t t = 0; t < c->steps; t++)
        c->right[t] += c->class_after[t] == label;
    c->decided_right[c->decided_at] += c->class_after[c->decided_at] == label;
}

uint32_t spike_decision(const int64_t *score, uint32_t n, uint64_t lead, bool *decided)
{
    uint32_t best = 0;
    bool ahead = lead > 0;

    for (uint32_t c = 1; c < n; c++)
        best = score[c] > score[best] ? c : best;
    for (uint32_t c = 0; c < n && ahead; c++)
        ahead = c == best || (uint64_t)score[best] - (uint64_t)score[c] >= lead;
    *decided = ahead;
    return best;
}

void spike_counts_decide(struct spike_counts *c, uint32_t t, const int64_t *score, uint32_t n,
                         uint64_t lead)
{
    bool decided;

    c->decided_at = t == 0 ? c->steps : c->decided_at; // nobody has yet
    c->class_after[t] = spike_decision(score, n, lead, &decided);
    if (c->decided_at < c->steps || (!decided && t + 1 < c->steps))
        return;
    c->decided_at = t;
    c->decided[t]++;
}

double spike_counts_mean_steps(const struct spike_counts *c)
{
    double sum = 0, images = 0;

    for (uint32_t t = 0; t < c->steps; t++) {
        sum += (double)c->decided[t] * (t + 1);
        images += (double)c->decided[t];
    }
    return images > 0 ? sum / images : 0;
}

void spike_counts_add(struct spike_counts *a, const struct spike_counts *b)
{
    for (size_t i = 0; i < (size_t)a->n_layer * a->steps; i++)
        a->spikes[i] += b->spikes[i];
    for (uint32_t i = 0; i < a->n_layer; i++) {
        a->events[i] += b->events[i];
        a->most_state[i] = max_u64(a->most_state[i], b->most_state[i]);
    }
    for (uint32_t t = 0; t < a->steps; t++) {
        a->right[t] += b->right[t];
        a->decided[t] += b->decided[t];
        a->decided_right[t] += b->decided_right[t];
    }
}

uint64_t spike_counts_of(const struct spike_counts *c, uint32_t layer)
{
    uint64_t all = 0;

    for (uint32_t t = 0; t < c->steps; t++)
        all += c->spikes[(size_t)layer * c->steps + t];
    return all;
}

uint32_t spike_counts_state_bits(const struct spike_counts *c, uint32_t layer)
{
    uint32_t bits = 0;

    while (bits < 63 && c->most_state[layer] >> bits > 0)
        bits++;
    return bits ? bits + 1 : 0;
}
