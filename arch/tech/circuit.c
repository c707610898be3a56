/* arch/tech/circuit.c -- see circuit.h. */
#include "arch/tech/circuit.h"

#include <math.h>

/* As many of n as fit `length`; a billionth short of whole is whole. */
static double fit(double n, double cell_um, double length_um)
{
    return fmin(n, fmax(1, floor(length_um / cell_um + 1e-9)));
}

void circuit_in_rows(struct circuit *c, double n, double w_um, double h_um, double width_um)
{
    double rows = ceil(n / fit(n, w_um, width_um));

    c->width_um = width_um;
    c->height_um = rows * h_um;
    c->area_um2 = c->width_um * c->height_um;
}

void circuit_in_columns(struct circuit *c, double n, double w_um, double h_um, double height_um)
{
    double columns = ceil(n / fit(n, h_um, height_um));

    c->width_um = columns * w_um;
    c->height_um = height_um;
    c->area_um2 = c->width_um * c->height_um;
}

void circuit_at_width(struct circuit *c, double width_um)
{
    c->width_um = width_um;
    c->height_um = c->area_um2 / width_um;
}

void circuit_at_height(struct circuit *c, double height_um)
{
    c->height_um = height_um;
    c->width_um = c->area_um2 / height_um;
}

struct circuit circuit_times(struct circuit c, double n)
{
    c.area_um2 *= n;
    c.width_um *= n;
    c.energy_pj *= n;
    c.leakage_uw *= n;
    return c;
}
