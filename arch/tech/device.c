/* arch/tech/device.c -- see device.h. */
#include "arch/tech/device.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "arch/tech/facts.h"

enum { RESISTIVE = 1, SRAM = 2, BOTH = 3 };

#define ROW(field, unit, least, most, when, doc) \
    { #field, unit, offsetof(struct device, field), least, most, doc, when }

static const struct fact_row rows[] = {
    ROW(on_kohm,       "kOhm", 0.01, 1e6, RESISTIVE, "resistance of the most conducting state"),
    ROW(off_kohm,      "kOhm", 0.01, 1e9, RESISTIVE, "resistance of the least conducting state"),
    ROW(level_step,    "",     1e-6, 1,   RESISTIVE, "least distance of two levels"),
    ROW(mean_us,       "uS",   1e-6, 1e6, RESISTIVE, "mean conductance"),
    ROW(bits,          "bit",  1,    8,   BOTH,      "bits per cell"),
    ROW(read_v,        "V",    0.01, 5,   BOTH,      "read voltage"),
    ROW(select_v,      "V",    0.1,  5,   RESISTIVE, "gate voltage of a selected cell"),
    ROW(write_v,       "V",    0.1,  20,  RESISTIVE, "write voltage"),
    ROW(cell_height_f, "F",    1,    1e4, RESISTIVE, "height of a cell"),
    ROW(cell_width_f,  "F",    1,    1e4, RESISTIVE, "width of a cell"),
    FACT_END
};

static enum err read_device(const struct yaml *root, struct device *d, struct err_msg *m)
{
    static const char *const others[] = { "format", "name", "cell", NULL };
    const struct yaml *cell = yaml_get(root, "cell");
    bool sram = cell && cell->kind == YAML_SCALAR && strcmp(cell->text, "sram") == 0;
    struct facts_missing missing = { 0 };
    const char *text[3];

    unsigned mask = sram ? SRAM : cell ? RESISTIVE : 0;
    enum err e = mask ? facts_check_known(root, "", rows, mask, others, m) : ERR_NONE;

    facts_missing_add(&missing, root, "", rows, mask, others);
    if (!e)
        e = facts_missing_check(&missing, root, m);
    for (unsigned i = 0; !e && i < 3; i++)
        e = yaml_text(yaml_get(root, others[i]), others[i], &text[i], m);
    if (e)
        return e;
    if (strcmp(text[0], "imcsim-device/1") != 0)
        return yaml_error(root, m, "format = %s: want imcsim-device/1", text[0]);
    snprintf(d->name, sizeof d->name, "%s", text[1]);
    d->sram = strcmp(text[2], "sram") == 0;
    if (!d->sram && strcmp(text[2], "resistive") != 0)
        return yaml_error(yaml_get(root, "cell"), m, "cell = %s: want resistive or sram", text[2]);
    if ((e = facts_read(root, "", rows, d->sram ? SRAM : RESISTIVE, others, d, m)))
        return e;
    if (!d->sram && d->off_kohm <= d->on_kohm)
        return yaml_error(yaml_get(root, "off_kohm"), m, "off_kohm = %g: want more than on_kohm = "
                          "%g", d->off_kohm, d->on_kohm);
    return device_check_bits(d, d->bits, m);
}

enum err device_load(struct device *d, const char *path, struct err_msg *m)
{
    struct yaml root;
    enum err e;

    *d = (struct device){ 0 };
    if ((e = yaml_load(&root, path, m)))
        return e;
    if ((e = read_device(&root, d, m)))
        *d = (struct device){ 0 };
    yaml_release(&root);
    return e;
}

enum err device_check_bits(const struct device *d, double bits, struct err_msg *m)
{
    double window = d->sram ? 1 : 1 - d->on_kohm / d->off_kohm;
    double most = d->sram ? 1 : floor(log2(1 + window / d->level_step) + 1e-9);

    if (bits >= 1 && bits <= most)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "%s: %g bits in a cell: on/off ratio %.4g with steps of %g of the "
                   "largest conductance holds at most %g", d->name, bits,
                   d->sram ? HUGE_VAL : d->off_kohm / d->on_kohm, d->level_step, most);
}
