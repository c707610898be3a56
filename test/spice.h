/* test/spice.h -- arrays and their wires as netlists of ngspice, and the currents it finds.
 *
 * Resistors of 0 ohm are left out and their nodes are one: ngspice would take a milliohm.
 */
#ifndef TEST_SPICE_H
#define TEST_SPICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "arch/analog/wires.h"

struct spice_array {
    const struct wires *wires; // what a cell without a weight does is not looked at
    size_t rows, columns;
    const double *g;    // [rows][columns], uS
    const double *volt; // [rows], of the drivers
    bool gate;          // rows of 0 V are open, the others lead to their voltage without a wire
};

/* The title line first; ends with commands that print the current of each column's sense. */
void spice_write(FILE *out, const struct spice_array *a);

/* Whether ngspice is there to be run. */
bool spice_is_installed(void);

/* Runs `netlist`, a file, and reads ua[columns] in uA. False when not all of them were printed: its
 * exit status tells nothing. */
bool spice_run(const char *netlist, size_t columns, double *ua);

#endif
