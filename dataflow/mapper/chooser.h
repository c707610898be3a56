/* dataflow/mapper/chooser.h -- a choice in the making: the best mapping seen so far. */
#ifndef DATAFLOW_MAPPER_CHOOSER_H
#define DATAFLOW_MAPPER_CHOOSER_H

#include "dataflow/mapper/mapper.h"
#include "dataflow/mapper/times.h"

enum { MOST_TRIED = 64 };

struct refusal { // what keeps a mapping from having a plan
    uint32_t layer; // whose option; that of none: not known
    bool     shape; // of all layers of its shape
};

struct tried { // mappings without a plan; of many, the latest
    uint32_t      *choice; // owned; [MOST_TRIED][layers]
    struct refusal refusal[MOST_TRIED];
    uint32_t       n;      // all there were
};

struct chooser {
    const struct mapper  *mp;
    struct mapper_result *r; // the best so far; cores = 0: none yet
    struct mapper_times  *times;
    uint32_t             *choice;     // owned; to be looked at
    struct tried          tried;
    uint64_t             *interval;   // owned; every one there is, ascending
    uint32_t              n_interval, least; // index of the least that fits; n_interval: none does
    int                   rounds, repairs; // so far: searches, and options set aside for others
    bool                  refused; // a better mapping than the one kept did not fit
    enum err              error;   // of the prices: what follows is in vain
    struct err_msg        msg;
};

/* Plans c->choice if it may be better than what was kept, and keeps it if it is. */
void chooser_consider(struct chooser *c);

/* Takes back all options that were set aside because a mapping with them did not fit. */
void chooser_forgive(const struct mapper *mp);

/* What is optimised. With energies at least, and times, so is the value. */
uint64_t chooser_value(const struct chooser *c, uint64_t interval, uint64_t first_result,
                       double energy_pj);

#endif
