/* arch/cost/event_chip.c -- see event_chip.h. */
#include "arch/cost/event_chip.h"

#include <stddef.h>
#include <string.h>

#include "arch/tech/facts.h"
#include "core/datadir.h"
#include "core/yaml.h"

#define ROW(key, unit, doc) { #key, unit, offsetof(struct event_chip, key), 0, 1e9, doc, 1 }

static const struct fact_row rows[] = {
    ROW(leakage_uw, "uW", "power of the chip, always"),
    ROW(reading_uw, "uW", "power besides, while all cores read rows"),
    ROW(row_pj, "pJ", "reading a row"),
    ROW(synapse_pj, "pJ", "adding a weight of it"),
    ROW(spike_pj, "pJ", "a neuron's spike"),
    FACT_END
};

static const char *const others[] = { "format", NULL };

static enum err read_chip(struct event_chip *c, const struct yaml *root, struct err_msg *m)
{
    const struct yaml *format = yaml_get(root, "format");
    struct facts_missing missing = { 0 };
    const char *text = "";
    enum err e = format ? yaml_text(format, "format", &text, m) : ERR_NONE;

    if (!e && strcmp(text, "imcsim-event-chip/1") != 0)
        return yaml_error(format ? format : root, m, "format = %.100s: event cores are priced by "
                          "events: want imcsim-event-chip/1, or energy.chip = none", text);
    facts_missing_add(&missing, root, "", rows, 1, others);
    if (!e)
        e = facts_check_known(root, "", rows, 1, others, m);
    if (!e)
        e = facts_missing_check(&missing, root, m);
    return e ? e : facts_read(root, "", rows, 1, others, c, m);
}

enum err event_chip_load(struct event_chip *c, const char *chip, struct err_msg *m)
{
    char path[DATADIR_BYTE];
    struct yaml root;
    enum err e = datadir_find(path, "chips", chip, m);

    *c = (struct event_chip){ 0 };
    if (!e)
        e = yaml_load(&root, path, m);
    if (e)
        return e;
    e = read_chip(c, &root, m);
    yaml_release(&root);
    return e;
}
