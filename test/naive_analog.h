/* test/naive_analog.h -- a network on a chip of analog arrays, device by device and code by code.
 *
 * Written from docs/analog.md, the published formulas and the keys of the draws, with the C
 * library's functions and plain loops; of the simulator it knows the plan, which says which weight
 * sits on which core, and core/rng.h. Chips have neither replicas nor copies.
 */
#ifndef TEST_NAIVE_ANALOG_H
#define TEST_NAIVE_ANALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "dataflow/plan/plan.h"
#include "test/reference.h"

struct naive_effects {
    uint64_t seed, chip;
    double   t_s, reference_s;
    bool     hermes; // else Joshi's PCM
    bool     programming, drift, read;
    double   stuck_off, stuck_on;
    bool     by_core, by_column, through_adc; // compensation
    uint32_t bits;                            // of converters; 0: sums are exact
    int64_t  range;
    bool     apart;                           // a converter for each device
    double   gain_sd, offset_sd, noise;
    uint32_t cell_bits;         // of a weight's digits; 0: it is kept whole
    bool     offset;            // they are those of w + 128, else of |w| in devices of both signs
    bool     twos;              // with an offset and 1 bit: of w itself, the top one negative
    uint32_t slice_bits;        // of the inputs in a read; 0: all
    uint32_t rows_at_once;      // 0: all
    bool     per_mvm;           // `read` is drawn for every read
    double   column_ohm, sense_ohm; // inputs are on gates; both 0: on rows, without wires
};

enum { NAIVE_MOST_PARTS = 16 };

struct naive_core {
    uint32_t  rows, columns;
    uint32_t *in;      // owned; [rows]: of an output's patch, [channel][position] of all channels
    int32_t  *weight;  // owned; [rows][columns]
    uint32_t  n_device, n_part;        // of a weight
    int64_t   factor[NAIVE_MOST_PARTS];
    double   *g[NAIVE_MOST_PARTS];     // owned; [rows][columns]; of each device
    double   *sd[NAIVE_MOST_PARTS];    // owned; likewise: of a read's noise
    int32_t  *a[NAIVE_MOST_PARTS];     // owned; likewise: of each part, in 1/128
    double   *k;                       // owned; [columns]
    double   *gain[NAIVE_MOST_PARTS], *offset[NAIVE_MOST_PARTS]; // owned; [columns]
    uint64_t  clipped;
    double    error, square; // sums of (y - exact)^2 and exact^2
};

struct naive_chip {
    const struct plan    *plan; // borrowed
    struct naive_effects  effects;
    struct naive_core    *core; // owned; [n_core of the plan]
    struct reference      digital; // what the network makes of the cores' sums
    uint64_t              image;   // number of the next
};

void naive_chip_init(struct naive_chip *c, const struct plan *p, const struct naive_effects *e);
void naive_chip_release(struct naive_chip *c);

/* Then c->digital has every sum and map. */
void naive_chip_run(struct naive_chip *c, const void *image);

#endif
