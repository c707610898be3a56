/* study/price.h -- energy and area of a run: what its cores and links did, times what that
 * costs.
 *
 *     energy of a block = sum over its actions: count * unit energy        (arch/cost/chip_model.h)
 *     leakage           = leakage power * time
 *
 * An image is priced as in a pipeline that is full: its time is the interval between images. What
 * cores take while the pipeline fills and drains is apart, once for a stream of images.
 *
 * Every joule belongs to one block of one core, and a core to one layer. Amounts are rounded once,
 * to whole pJ per image and whole um2 for each block of each core; tables add these integers, so
 * that rows and columns sum to the total to the last digit, in any order.
 *
 * With values, input pulses cost what they are long (counter sum_abs_x, in slices sum_digits), word
 * lines go up for bits that are 1 (sum_digits), and cells conduct meanwhile (sum_abs_xw); an array
 * of circuits converts and adds what a column conducts with as many inputs. A timing run takes the
 * mean input and conductance that the files of chip and device state.
 *
 * Operations are counted by what the network needs: two per weight of each output pixel, and two
 * per product of attention. Tokens that come from off the chip are paid by the first core that
 * stores them. Cores that
 * exist but hold no layer have area and leak; their clocks stand.
 */
#ifndef STUDY_PRICE_H
#define STUDY_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/core/core.h"
#include "arch/cost/core_cost.h"
#include "arch/elastic/elastic.h"
#include "core/err.h"
#include "dataflow/plan/plan.h"

struct price_run { // what a run counted; borrowed
    const struct core_counters *core;        // [plan->n_core]
    const uint64_t             *stream_bits; // [plan->n_stream]
    uint64_t                    n_image;
    uint64_t                    timesteps;   // that the chip was on; clocks, if timestep_clk is 1
    uint64_t                    interval;    // between images; 0: all of the run is priced
    uint32_t                    n_unused;    // cores without a layer
    bool                        values;      // counters of values are those of images
    uint64_t                    timestep_clk; // 0: the plan's
    const struct elastic_packets *packets; // of a fabric whose channels are shared; NULL: links
};

struct price_inputs { // of all images; 0 in a timing run
    double driven, active; // rows; of them those whose input is not 0
    double digits, most;   // sum of the inputs' digits; if all were full
};

struct price_row { // of a core, a layer or the chip; sums of whole units
    char    name[64];
    uint32_t layer;                    // of a core or layer: its place in price_report.layer
    int64_t energy_pj[N_PRICE_ALL];    // per image, without leakage
    int64_t leakage_pj[N_PRICE_ALL];   // per image
    int64_t area_um2[N_PRICE_ALL];
    int64_t shift_add_pj;              // of energy_pj[PRICE_DIGITAL]
    int64_t cells, program_pj;         // that weights take; to program them, once
    int64_t idle_pj;                   // of all this, while the core did not fire
    struct price_inputs in;
    double  latency_ns[N_PRICE_ALL];   // in the worst timestep; of several cores, the slowest's
};

enum price_kind { // of cores that hold a layer
    PRICE_ARRAY_CORE, PRICE_DIGITAL_CORE, PRICE_TOKEN_CORE, N_PRICE_KIND
};

struct price_report {
    char              technology[40], device[32];
    char              warning[512]; // empty: none
    const char       *basis[N_PRICE_ALL]; // see price_basis()
    bool              has_block[N_PRICE_ALL]; // that a machine of this kind has
    unsigned          n_block; // of them
    const char       *program_basis; // of program_pj, as in device.h; of SRAM "predicted"
    bool              values;       // crossbar and drivers follow the run's values
    uint64_t          n_image;
    double            image_ns;     // time per image
    int64_t           fill_pj;      // of filling and draining, of the whole run
    double            image_ops;    // operations per image
    double            attention_ops; // of them, those of attention
    struct price_row *core;         // owned; [n_core]
    uint32_t          n_core;
    struct price_row *layer;        // owned; [n_layer], sums over its cores
    uint32_t          n_layer;
    struct price_row  kind[N_PRICE_KIND]; // sums over the cores of a kind
    uint32_t          n_kind[N_PRICE_KIND]; // cores of it
    struct price_row  unused;       // cores without a layer, all together
    uint32_t          n_unused;
    struct price_row  fabric;       // routers and channels that cores share
    bool              has_fabric;
    struct price_row  total;
    struct core_peak  attention_peak; // of an attention core; 0: there is none
    struct core_peak  peak;         // of the first core, working all the time
    double            tops_per_w, tops, tops_per_mm2; // delivered by the run, leakage included
};

/* The next block that the machine has; N_PRICE_ALL: none. The first is always there. */
unsigned price_next_block(const struct price_report *r, unsigned b);

int64_t price_row_energy_pj(const struct price_row *r);  // sums over blocks, leakage apart
int64_t price_row_leakage_pj(const struct price_row *r);
int64_t price_row_area_um2(const struct price_row *r);

/* ERR_INPUT: hardware that the chip cannot be (see core_unit()); n_image or timesteps of 0; a core
 * that takes more than 10 J an image, or all less than 1 pJ. On error *r is zero. */
enum err price(const struct chip_model *c, const struct plan *p, const struct price_run *run,
               struct price_report *r, struct err_msg *m);
void price_report_release(struct price_report *r); // takes a zeroed one

#endif
