/* traces/states_svg.h -- a picture of what resources do: one row for each, time from left to right,
 * a colour for each state.
 *
 * A row is cut into columns of equal time, in which the states stand on one another, each as high
 * as its share.
 */
#ifndef TRACES_STATES_SVG_H
#define TRACES_STATES_SVG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { STATES_MOST = 6 };

struct states_kind { // of states, from the bottom of a row to its top
    const char *name, *colour, *doc; // borrowed; colour: "#0072b2"; NULL: it is left white
};

struct states_row {
    const char *name;  // borrowed
    uint64_t   *clk;   // owned; [columns][n_kind]
};

struct states_picture {
    const struct states_kind *kind; // borrowed
    uint32_t                  n_kind;
    struct states_row        *row; // owned
    uint32_t                  n_row, n_column;
    uint64_t                  end_clk, column_clk;
};

/* Of end_clk > 0 clocks; rows have no names yet. False when the host has no memory; then *p is
 * zero. */
bool states_init(struct states_picture *p, const struct states_kind *kind, uint32_t n_kind,
                 uint32_t n_row, uint64_t end_clk);
void states_release(struct states_picture *p); // takes a zeroed one

/* A row is of a kind in [first, end). */
void states_add(struct states_picture *p, uint32_t row, uint32_t kind, uint64_t first_clk,
                uint64_t end_clk);

void states_draw(const struct states_picture *p, const char *title, FILE *out);

#endif
