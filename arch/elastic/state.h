/* arch/elastic/state.h -- what decides what a site does from a clock on, and what of it adds up:
 * for images that repeat others. Of arch/elastic alone. */
#ifndef ARCH_ELASTIC_STATE_H
#define ARCH_ELASTIC_STATE_H

#include "arch/elastic/site.h"

struct numbers {
    uint64_t *at; // owned
    size_t    n, room;
    bool      lacks; // the host had no memory for some
};

void numbers_put(void *numbers, uint64_t number);
bool numbers_same(const struct numbers *a, const struct numbers *b); // both whole

struct sums {
    uint64_t **at; // owned; borrowed counters
    size_t     n, room;
    bool       lacks;
};

void sums_add(void *sums, uint64_t *sum);

/* All that decides what follows, but for where in its words a memory has its columns: pixels are
 * counted from an image, clocks from `now`. */
void state_of_site(struct numbers *n, const struct site *s, uint64_t image, uint64_t now);

/* All that grows by as much in clocks that repeat others. */
void sums_of_site(struct sums *sums, struct site *s);

/* The fullest that buffers have been, of either run of a site. */
void most_of_site(struct site *s, const struct site *other);

/* Whether the meters of a run of a site have found all causes that another's have, in their order,
 * so that their sums are the same ones. */
bool site_has_causes(const struct site *s, const struct site *other);

#endif
