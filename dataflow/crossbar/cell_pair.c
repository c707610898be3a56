/* dataflow/crossbar/cell_pair.c -- two devices in two columns: +1 is on and off, -1 off and on, 0
 * off and off. The columns are subtracted before they are converted. */
#include "dataflow/crossbar/cell.h"

static enum err layout(const struct cell_cfg *cfg, struct cell_layout *l, struct err_msg *m)
{
    if (cfg->weight_bits > 2 || !cfg->weight_signed)
        return err_set(m, ERR_INPUT, "weights of %u bits: want +1, 0 and -1, of 1 or 2 bits, or "
                       "core.crossbar.cell = differential", cfg->weight_bits);
    l->least = -1;
    l->most = 1;
    if (cfg->separate) {
        cell_lay_apart(l);
        return ERR_NONE;
    }
    l->n_slice = 1;
    l->slice[0] = (struct cell_slice){ 1, -1, 1, 2 };
    l->devices = 2;
    return ERR_NONE;
}

static int32_t digit(const struct cell_cfg *cfg, uint32_t j, int32_t weight)
{
    return cfg->separate ? cell_digit_apart(j, weight) : weight;
}

const struct cell cell_pair = {
    .name = "pair",
    .doc = "+1, 0 and -1 in two devices of two columns",
    .divided = true,
    .layout = layout,
    .digit = digit,
};
