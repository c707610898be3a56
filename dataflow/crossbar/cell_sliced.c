/* dataflow/crossbar/cell_sliced.c -- a weight in digits of cell_bits, a device each.
 *
 *     offset   w + 2^(w-1) is cut into digits; the column of ones takes 2^(w-1) off again. The
 *              array of A. Shafiee et al., ISAAC, ISCA 2016
 *     signed   |w| is cut into digits, which stand in columns of their sign
 *
 * The last digit may be narrower. Unsigned weights are cut as they are.
 */
#include "core/util.h"
#include "dataflow/crossbar/cell.h"

/* Bits that are cut into digits. */
static uint32_t magnitude_bits(const struct cell_cfg *cfg)
{
    bool drop = cfg->weight_signed && cfg->scheme == CELL_SIGNED && cfg->weight_bits > 1;

    return cfg->weight_bits - drop;
}

static uint32_t digit_bits(const struct cell_cfg *cfg)
{
    uint32_t bits = magnitude_bits(cfg);

    return cfg->cell_bits ? min_u32(cfg->cell_bits, bits) : bits;
}

static uint32_t n_digit(const struct cell_cfg *cfg)
{
    return (uint32_t)ceil_div(magnitude_bits(cfg), digit_bits(cfg));
}

static int32_t most_of(const struct cell_cfg *cfg, uint32_t i)
{
    uint32_t bits = min_u32(digit_bits(cfg), magnitude_bits(cfg) - i * digit_bits(cfg));

    return (INT32_C(1) << bits) - 1;
}

static bool two_signs(const struct cell_cfg *cfg)
{
    return cfg->weight_signed && cfg->scheme == CELL_SIGNED;
}

static enum err layout(const struct cell_cfg *cfg, struct cell_layout *l, struct err_msg *m)
{
    (void)m;
    if (two_signs(cfg))
        l->least = -l->most;
    else if (cfg->weight_signed)
        l->ones = l->least;
    for (uint32_t i = 0; i < n_digit(cfg); i++)
        for (int32_t sign = 1; sign >= (two_signs(cfg) ? -1 : 1); sign -= 2)
            l->slice[l->n_slice++] = (struct cell_slice){
                .factor = sign * (INT32_C(1) << (i * digit_bits(cfg))),
                .most = most_of(cfg, i),
                .columns = 1,
            };
    if (cfg->weight_bits == 1 && l->ones) // +-1 is 2 * {0, 1} - 1
        l->slice[0].factor = 2;
    l->devices = l->n_slice;
    return ERR_NONE;
}

static int32_t digit(const struct cell_cfg *cfg, uint32_t j, int32_t weight)
{
    uint32_t i = two_signs(cfg) ? j / 2 : j, magnitude;

    if (two_signs(cfg)) {
        bool negative = j % 2 != 0;
        if ((weight < 0) != negative)
            return 0;
        magnitude = (uint32_t)(weight < 0 ? -weight : weight);
    } else if (cfg->weight_signed && cfg->weight_bits == 1) {
        magnitude = weight > 0;
    } else {
        magnitude = (uint32_t)(weight - weight_least(cfg));
    }
    return (int32_t)(magnitude >> (i * digit_bits(cfg)) & (uint32_t)most_of(cfg, i));
}

const struct cell cell_sliced = {
    .name = "sliced",
    .doc = "digits of cell_bits in a device each; scheme: offset or signed",
    .cut = true,
    .takes_bits = true,
    .layout = layout,
    .digit = digit,
};
