/* dataflow/crossbar/cell_sram.c -- two's complement, a bit in each column, the top bit negative.
 * Weights of one bit are +-1 = 2 * {0, 1} - 1. */
#include "dataflow/crossbar/cell.h"

static enum err layout(const struct cell_cfg *cfg, struct cell_layout *l, struct err_msg *m)
{
    (void)m;
    l->n_slice = l->devices = cfg->weight_bits;
    for (uint32_t j = 0; j < l->n_slice; j++)
        l->slice[j] = (struct cell_slice){ .factor = INT32_C(1) << j, .most = 1, .columns = 1 };
    if (cfg->weight_signed && cfg->weight_bits == 1) {
        l->slice[0].factor = 2;
        l->ones = -1;
    } else if (cfg->weight_signed) {
        l->slice[l->n_slice - 1].factor *= -1;
    }
    return ERR_NONE;
}

static int32_t digit(const struct cell_cfg *cfg, uint32_t j, int32_t weight)
{
    if (cfg->weight_signed && cfg->weight_bits == 1)
        return weight > 0;
    return (int32_t)((uint32_t)weight >> j & 1);
}

const struct cell cell_sram = {
    .name = "sram",
    .doc = "two's complement, a column a bit",
    .cut = true,
    .layout = layout,
    .digit = digit,
};
