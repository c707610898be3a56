/* arch/tech/calibration.c -- see calibration.h. */
#include "arch/tech/calibration.h"

#include "arch/tech/facts.h"

#define ROW(field, least, most, doc) \
    { #field, "", offsetof(struct calibration, field), least, most, doc, 1 }

static const struct fact_row rows[] = {
    ROW(level_shifter_wiring, 1,    100, "layout over gates"),
    ROW(sensing_delay,        0.01, 100, "sensing cycle over its stages"),
    ROW(dff_activity,         0.001, 1,  "datapath registers that switch"),
    ROW(adder_activity,       0.001, 1,  "adder gates that switch"),
    ROW(control_activity,     0.001, 1,  "control gates that switch"),
    ROW(control_dff_activity, 0.001, 1,  "control registers that switch"),
    ROW(post_layout_energy,   0.01, 100, "energy after layout over before"),
    FACT_END
};

struct calibration calibration_none(void)
{
    return (struct calibration){ 1, 1, 1, 1, 1, 1, 1 };
}

enum err calibration_load(struct calibration *c, const char *path, struct err_msg *m)
{
    static const char *const none[] = { NULL };
    struct yaml root;
    enum err e;

    if ((e = yaml_load(&root, path, m)))
        return e;
    e = facts_read(&root, "", rows, 1, none, c, m);
    yaml_release(&root);
    return e;
}

struct activity calibration_activity(const struct calibration *c)
{
    return (struct activity){ c->adder_activity, c->dff_activity, c->control_activity };
}
