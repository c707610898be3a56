/* cli/circuit_bench.h -- the circuits that `imcsim circuit` shows by themselves.
 *
 * A circuit is a row of circuits[]: a name, its parameters with defaults, and a function that adds
 * rows to the bench. A new circuit is a function and a row.
 */
#ifndef CLI_CIRCUIT_BENCH_H
#define CLI_CIRCUIT_BENCH_H

#include <stdbool.h>
#include <stdio.h>

#include "arch/tech/calibration.h"
#include "arch/tech/circuit.h"
#include "arch/tech/device.h"
#include "core/err.h"

enum { MOST_PARAM = 13, MOST_ROW = 24 };

struct param_row {
    const char *name;
    double      dflt, least, most;
    bool        is_count;
    const char *const *names; // of its values from 0 on, ends with NULL; or NULL
};

struct result_row {
    char   name[48];
    double um2, ns, pj, uw;
};

struct bench { // what a circuit is asked and answers
    struct technology   technology;
    struct device       device;
    struct calibration  calibration;
    struct activity     activity;
    char                technology_name[32], calibration_name[64], chip_name[64];
    char                device_name[1024]; // a map too
    double              value[MOST_PARAM]; // of its parameters, in their order
    struct result_row   row[MOST_ROW];
    unsigned            n_row;
    const char         *circuit;
    char                old_names[128]; // that were given for new ones
    char                warning[512]; // interpolated or scaled; empty: none
};

struct circuit_row {
    const char *name, *doc;
    const char *technology, *device; // unless --set says otherwise
    struct param_row param[MOST_PARAM]; // ends with a NULL name
    enum err (*make)(struct bench *b, struct err_msg *m);
};

extern const struct circuit_row circuits[]; // ends with a NULL name

/* What a parameter takes: "csa, vsa, sar or cco", "1 to 256". */
struct circuit_text {
    char text[96];
};
struct circuit_text circuit_accepts(const struct param_row *p);

/* Its line, and one for each parameter with default and range. */
void circuit_describe(const struct circuit_row *c, FILE *out);

#endif
