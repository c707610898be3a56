/* arch/analog/wires.h -- what the wires of an array leave of its conductances (IR drop).
 *
 * Row i is driven on the left through r_driver, column j ends at the bottom in r_sense and a
 * virtual ground. Each cell adds a segment of r_row before it and a segment of r_column behind it:
 *
 *     driver i - r_driver - r_row - o - r_row - o - ...        o: a node of row i; device (i, j)
 *                                   |           |              leads from there to the node of
 *                                   g           g              column j
 *                                   |           |
 *
 * Rows that are not driven are held at 0 V. The network is linear, so that pulses superpose:
 * column j collects sum_i T[i][j] V[i], and T does not depend on V. Where input is on gates
 * instead, see gate.h.
 *
 * Models, each a file and a row of wires_models[]: off, T = g; fast, T = g over 1 and the drop that
 * g would have were no current lost; exact, the nodes are solved. Against the exact currents
 * `fast` is wrong by .01 % of their rms at a mean drop of 4 %, .15 at 13, 1 at 36.
 *
 * Cells without a weight lie beside the matrix. They conduct `unused_us` and load the wires.
 *
 * Not modelled: wires that differ from one another, capacitance (a read has settled), a device's
 * nonlinearity, and the resistance of the transistor in a cell, which is part of its g.
 */
#ifndef ARCH_ANALOG_WIRES_H
#define ARCH_ANALOG_WIRES_H

#include <stdbool.h>
#include <stddef.h>

#include "dataflow/crossbar/params.h"

#define US_OHM 1e-6 // a microsiemens times an ohm

struct wires_model;

struct wires { // of one array
    const struct wires_model *model;
    double r_row_ohm, r_column_ohm, r_driver_ohm, r_sense_ohm; // 0: nodes are one
    size_t rows, columns; // devices of the array; fewer than a matrix has: as many as that
    enum wires_place place;
    double unused_us;     // what a device without a weight conducts
};

struct wires_on { // a row whose gates are on
    size_t row;
    double share; // of the time, above 0
};

struct wires_model {
    const char *name; // "fast"
    const char *doc;
    bool (*see)(const struct wires *w, size_t rows, size_t columns, const double *g, double *t);

    /* Input on gates (gate.h): sum[columns] is what the senses get of the rows that are on, from
     * the top to the bottom of g[rows][columns]; spare[2 * columns] is lost. */
    void (*collect)(const struct wires *w, size_t rows, size_t columns, const double *g,
                    const struct wires_on *on, size_t n_on, double *sum, double *spare);
    bool each_level; // rows are on for all of the time or for none of it
};

extern const struct wires_model wires_off, wires_fast, wires_exact;
extern const struct wires_model *const wires_models[]; // by enum wires_kind; ends with NULL

/* The wires that a configuration states, of an array of so many devices. */
struct wires wires_of(const struct wires_cfg *c, size_t rows, size_t columns, double unused_us);

/* t[rows][columns] is the conductance in uS between driver and sense of each device of
 * g[rows][columns], which is at least 0; t does not overlap g. False when the host has no memory.
 */
bool wires_see(const struct wires *w, size_t rows, size_t columns, const double *g, double *t);

/* The same of a matrix whose weights have n devices: g[n][rows][columns] become what is seen of
 * them. layout: whether those of a weight stand in neighbouring columns of a row or, of two, in two
 * rows of a column, which are driven with opposite signs. */
bool wires_see_all(const struct wires *w, enum wires_layout layout, size_t n, size_t rows,
                   size_t columns, double *g);

/* Share of the current that the wires take when all rows are driven alike: 1 - sum t / sum g. */
double wires_mean_drop(size_t n, const double *g, const double *t);

/* Devices of the array beside a matrix: before and behind it, as seen from the drivers; below and
 * above it, as seen from the senses. */
struct wires_unused {
    size_t before, behind, below, above;
};
struct wires_unused wires_unused(const struct wires *w, size_t rows, size_t columns);

#endif
