/* test/spice.c -- see spice.h. */
#include "test/spice.h"

#include <stdlib.h>

#define OHM_OF_US 1e6

struct name {
    char text[48];
};

/* Node of row i at device j: that of the device before it, or of the driver, where 0 ohm lie
 * between them. */
static struct name row_node(const struct spice_array *a, size_t i, size_t j)
{
    const struct wires *w = a->wires;
    struct name n;

    if (w->r_row_ohm == 0)
        j = 0;
    if (a->gate || w->r_row_ohm + w->r_driver_ohm == 0)
        snprintf(n.text, sizeof n.text, "d%zu", i);
    else
        snprintf(n.text, sizeof n.text, "u%zu_%zu", i, j);
    return n;
}

/* Likewise towards the sense. */
static struct name column_node(const struct spice_array *a, size_t i, size_t j)
{
    const struct wires *w = a->wires;
    struct name n;

    if (w->r_column_ohm == 0)
        i = a->rows - 1;
    if (w->r_column_ohm + w->r_sense_ohm == 0)
        snprintf(n.text, sizeof n.text, "s%zu", j);
    else
        snprintf(n.text, sizeof n.text, "w%zu_%zu", i, j);
    return n;
}

static void write_resistor(FILE *out, const char *kind, size_t i, size_t j, const char *from,
                           const char *to, double ohm)
{
    if (ohm > 0)
        fprintf(out, "R%s%zu_%zu %s %s %.17g\n", kind, i, j, from, to, ohm);
}

static void write_row_wire(FILE *out, const struct spice_array *a, size_t i)
{
    const struct wires *w = a->wires;
    char driver[32];

    snprintf(driver, sizeof driver, "d%zu", i);
    write_resistor(out, "row", i, 0, driver, row_node(a, i, 0).text,
                   w->r_driver_ohm + w->r_row_ohm);
    for (size_t j = 1; j < a->columns; j++)
        write_resistor(out, "row", i, j, row_node(a, i, j - 1).text, row_node(a, i, j).text,
                       w->r_row_ohm);
}

static void write_column_wire(FILE *out, const struct spice_array *a, size_t j)
{
    const struct wires *w = a->wires;
    size_t last = a->rows - 1;
    char sense[32];

    snprintf(sense, sizeof sense, "s%zu", j);
    for (size_t i = 0; i < last; i++)
        write_resistor(out, "col", i, j, column_node(a, i, j).text, column_node(a, i + 1, j).text,
                       w->r_column_ohm);
    write_resistor(out, "col", last, j, column_node(a, last, j).text, sense,
                   w->r_sense_ohm + w->r_column_ohm);
}

static void write_devices(FILE *out, const struct spice_array *a)
{
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < a->columns; j++) {
            double g = a->g[i * a->columns + j];
            if (g > 0 && !(a->gate && a->volt[i] == 0))
                write_resistor(out, "dev", i, j, row_node(a, i, j).text,
                               column_node(a, i, j).text, OHM_OF_US / g);
        }
}

void spice_write(FILE *out, const struct spice_array *a)
{
    fprintf(out, "* %zu rows, %zu columns, input on %s\n", a->rows, a->columns,
            a->gate ? "gates" : "rows");
    for (size_t i = 0; i < a->rows; i++) {
        fprintf(out, "Vd%zu d%zu 0 %.17g\n", i, i, a->volt[i]);
        if (!a->gate)
            write_row_wire(out, a, i);
    }
    for (size_t j = 0; j < a->columns; j++) {
        fprintf(out, "Vs%zu s%zu 0 0\n", j, j);
        write_column_wire(out, a, j);
    }
    write_devices(out, a);
    fprintf(out, ".control\nset numdgt=16\nop\n");
    for (size_t j = 0; j < a->columns; j++)
        fprintf(out, "print i(vs%zu)\n", j);
    fprintf(out, ".endc\n.end\n");
}

bool spice_is_installed(void)
{
    return system("command -v ngspice >/dev/null") == 0;
}

bool spice_run(const char *netlist, size_t columns, double *ua)
{
    char command[1024], line[256];
    size_t n = 0;

    snprintf(command, sizeof command, "ngspice -b '%s' 2>/dev/null", netlist);
    FILE *f = popen(command, "r");
    while (f && fgets(line, sizeof line, f)) {
        size_t column;
        double ampere;
        if (sscanf(line, "i(vs%zu) = %lf", &column, &ampere) == 2 && column < columns) {
            ua[column] = ampere * 1e6;
            n++;
        }
    }
    if (f)
        pclose(f);
    return n == columns;
}
