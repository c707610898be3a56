/* Prints an array and its wires as a netlist for ngspice, and the currents in uA that they have
 * here as a comment behind it.
 *
 * usage: write_netlist ROWS COLUMNS SEED R_ROW R_COLUMN R_DRIVER R_SENSE [row|gate]   ohm
 *        build/test/tools/write_netlist 32 32 1 5 5 100 50 >array.cir; ngspice -b array.cir
 *
 * Devices conduct 0 to 25 uS, rows are at 0 to 0.2 V, a quarter of them at 0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/analog/gate.h"
#include "core/rng.h"
#include "test/spice.h"

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "write_netlist: %s\n", what);
    exit(1);
}

static double number(const char *text)
{
    char *end;
    double n = strtod(text, &end);

    must(end != text && *end == '\0' && n >= 0 && n <= 1e9, "want numbers from 0 to 1e9");
    return n;
}

/* What stands behind a column: of rows that share a voltage or none, if input is on gates. */
static void print_currents(const struct spice_array *a)
{
    size_t n = a->rows * a->columns;
    double *t = malloc(n * sizeof *t), *ua = calloc(a->columns, sizeof *ua);
    uint16_t *x = malloc(a->rows * sizeof *x);

    must(t && ua && x, "out of memory");
    for (size_t i = 0; i < a->rows; i++)
        x[i] = a->volt[i] > 0;
    if (a->gate)
        must(gate_charge(a->wires, a->rows, a->columns, a->g, x, 1, ua), "out of memory");
    else
        must(wires_see(a->wires, a->rows, a->columns, a->g, t), "out of memory");
    for (size_t i = 0; !a->gate && i < n; i++)
        ua[i % a->columns] += t[i] * a->volt[i / a->columns];
    for (size_t j = 0; j < a->columns; j++)
        printf("* i(vs%zu) = %.12g uA\n", j, ua[j]);
    free(t);
    free(ua);
    free(x);
}

int main(int argc, char **argv)
{
    must(argc == 8 || argc == 9, "usage: write_netlist ROWS COLUMNS SEED R_ROW R_COLUMN R_DRIVER "
                                 "R_SENSE [row|gate]");
    size_t rows = (size_t)number(argv[1]), columns = (size_t)number(argv[2]);
    uint64_t seed = (uint64_t)number(argv[3]);
    bool gate = argc == 9 && strcmp(argv[8], "gate") == 0;
    must(rows >= 1 && columns >= 1 && rows <= 1024 && columns <= 1024, "want 1 to 1024 devices");
    const struct wires w = { .model = &wires_exact, .r_row_ohm = number(argv[4]),
                             .r_column_ohm = number(argv[5]), .r_driver_ohm = number(argv[6]),
                             .r_sense_ohm = number(argv[7]) };
    double *g = malloc(rows * columns * sizeof *g), *volt = malloc(rows * sizeof *volt);
    must(g && volt, "out of memory");
    for (size_t i = 0; i < rows * columns; i++)
        g[i] = 25 * rng_double(rng_at(seed, "device"), i);
    for (size_t i = 0; i < rows; i++)
        volt[i] = i % 4 == 3 ? 0 : gate ? 1 : .2 * rng_double(rng_at(seed, "input"), i);
    const struct spice_array a = { &w, rows, columns, g, volt, gate };
    spice_write(stdout, &a);
    print_currents(&a);
    free(g);
    free(volt);
    return 0;
}
