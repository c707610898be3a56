/* dataflow/crossbar/cell_differential.c -- two devices whose currents are subtracted in one column:
 * the machine of M. Dazzi et al. 2021. A weight is kept whole. */
#include "dataflow/crossbar/cell.h"

static enum err layout(const struct cell_cfg *cfg, struct cell_layout *l, struct err_msg *m)
{
    (void)m;
    if (cfg->separate && cfg->weight_signed) {
        cell_lay_apart(l);
        return ERR_NONE;
    }
    l->n_slice = 1;
    l->slice[0] = (struct cell_slice){ 1, l->least, l->most, 1 };
    l->devices = 2;
    return ERR_NONE;
}

static int32_t digit(const struct cell_cfg *cfg, uint32_t j, int32_t weight)
{
    return cfg->separate && cfg->weight_signed ? cell_digit_apart(j, weight) : weight;
}

const struct cell cell_differential = {
    .name = "differential",
    .doc = "two devices in one column, whose currents are subtracted",
    .divided = true,
    .layout = layout,
    .digit = digit,
};
