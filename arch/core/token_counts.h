/* arch/core/token_counts.h -- what cores of layers of tokens count, of a chip that is stepped as of
 * one that is reckoned. */
#ifndef ARCH_CORE_TOKEN_COUNTS_H
#define ARCH_CORE_TOKEN_COUNTS_H

#include "arch/core/core.h"
#include "dataflow/plan/tokens.h"

/* An output whose window sees so many tokens, `weight` times: work, and words read of K/V memory
 * and of the queue of queries. */
void token_count(const struct plan *p, uint32_t core, uint64_t seen, uint64_t weight,
                 struct core_counters *n);

/* Channels [first, first + n_channel) of a token, as the core stores them, `weight` times: words
 * written. Of attention; other cores have registers. */
void token_count_stored(const struct plan *p, uint32_t core, uint32_t first, uint32_t n_channel,
                        uint64_t weight, struct core_counters *n);

#endif
