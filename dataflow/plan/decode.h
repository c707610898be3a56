/* dataflow/plan/decode.h -- a sequence that goes on token by token: each comes when the one before
 * has its answer.
 *
 * A token by itself takes, with n keys to see, the longest way through the layers: a hop to each,
 * its chain of partial sums, and the timesteps that it takes there,
 *
 *     L * D(n) + 1 + p_H     for a decoder with a norm and a head behind its layers
 *
 * and decode.sample_ns from the answer to the next token. Sequences are decoded in turn: so many of
 * them cost nothing until a core has no timestep left between their tokens,
 *
 *     max(way + sample, streams * most timesteps of a core)
 *
 * Each has a bank of keys and values of its own. What a plan says of whole sequences (its dry run)
 * is that of a prompt.
 *
 * A plan of a network whose sequences are decoded (network.h, decoded_from; study/decode.h makes
 * one) has all of their tokens: a row of the map is a sequence, a column a token of each, so that
 * they take turns. Its scratchpad hands the tokens of the prompts over as fast as they are taken,
 * and each other one when its answer has left, by a pass over tokens that fires them by
 * dataflow/plan/rules.h, as the dry run does for whole maps.
 */
#ifndef DATAFLOW_PLAN_DECODE_H
#define DATAFLOW_PLAN_DECODE_H

#include "dataflow/plan/plan.h"

/* Timesteps of a token that sees `keys`, itself among them: from when it is stored in the first
 * layer to its answer. And until the next one of its sequence may come. UINT64_MAX: no memory. */
uint64_t decode_way(const struct plan *p, uint64_t keys);
uint64_t decode_timesteps(const struct plan *p, uint64_t keys);

struct decoding { // of decode.tokens behind decode.prompt
    uint64_t last_token;  // timesteps of the last
    uint64_t all;         // of all, one after the other
    double   tokens_per_s; // of all streams, at the pace of the last
};
struct decoding decode_of(const struct plan *p);

/* Sets p->comes and the interval, in which all tokens have their answers, of a plan with hops.
 * ERR_MEMORY. */
enum err decode_pace(struct plan *p, struct err_msg *m);

/* ERR_INPUT where answers of the timetable are not those that tokens were paced by: of outputs
 * that do not fire in the order of tokens. */
enum err decode_check(const struct plan *p, struct err_msg *m);

#endif
