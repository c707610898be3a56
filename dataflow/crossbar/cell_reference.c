/* dataflow/crossbar/cell_reference.c -- one device, on for +1 and off for -1; a fixed reference in
 * the middle of both is taken off for every row, so that a column reads sum_r w_r x_r. */
#include "dataflow/crossbar/cell.h"

static enum err layout(const struct cell_cfg *cfg, struct cell_layout *l, struct err_msg *m)
{
    if (cfg->weight_bits != 1 || !cfg->weight_signed)
        return err_set(m, ERR_INPUT, "weights of %u bits: want +1 and -1 alone, or "
                       "core.crossbar.cell = differential", cfg->weight_bits);
    l->n_slice = 1;
    l->slice[0] = (struct cell_slice){ 1, -1, 1, 1 };
    l->devices = 1;
    return ERR_NONE;
}

static int32_t digit(const struct cell_cfg *cfg, uint32_t j, int32_t weight)
{
    (void)cfg, (void)j;
    return weight > 0 ? 1 : -1;
}

const struct cell cell_reference = {
    .name = "reference",
    .doc = "+1 and -1 in one device, less a fixed reference in the middle",
    .layout = layout,
    .digit = digit,
};
