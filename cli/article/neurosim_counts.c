/* cli/article/neurosim_counts.c -- see neurosim_counts.h. */
#include "cli/article/neurosim_counts.h"

#include <math.h>
#include <stddef.h>

#include "arch/circuits/wire.h"
#include "core/datadir.h"

const struct neurosim_layer neurosim_vgg8[] = {
    { 1, 32, 3, 3, 1, 128, false },   { 1, 32, 128, 3, 1, 128, true },
    { 1, 16, 128, 3, 1, 256, false }, { 1, 16, 256, 3, 1, 256, true },
    { 1, 8, 256, 3, 1, 512, false },  { 1, 8, 512, 3, 1, 512, true },
    { 1, 1, 8192, 1, 1, 1024, false }, { 1, 1, 1024, 1, 1, 10, false }, { 0 } };

/* Its maps came padded. With 34, 18 and 10 that program counts 83.2 M products, 1.42 times those
 * that there are, as it did. */
const struct neurosim_layer neurosim_resnet32[] = {
    { 1, 34, 3, 3, 1, 16, false }, { 10, 34, 16, 3, 1, 16, false },
    { 1, 34, 16, 3, 2, 28, false }, { 1, 32, 16, 1, 2, 28, false },
    { 9, 18, 28, 3, 1, 28, false }, { 1, 18, 28, 3, 2, 56, false },
    { 1, 16, 28, 1, 2, 56, false }, { 9, 10, 56, 3, 1, 56, false },
    { 1, 1, 56, 1, 1, 10, false }, { 0 } };

static const double bits = 8;

double neurosim_sum(const struct neurosim_parts *p)
{
    return p->lines + p->converters + p->accumulation + p->switches + p->mux + p->buses;
}

enum err neurosim_load(struct neurosim_machine *k, const char *technology, const char *device,
                       struct err_msg *m)
{
    struct technology_warning w;
    char path[DATADIR_BYTE];
    enum err e = technology_load_name(&k->technology, NULL, technology, &w, m);

    if (!e)
        e = device_read(&k->device, device, "device", m);
    if (!e)
        e = datadir_find(path, "calibration", "rram40_macro", m);
    return e ? e : calibration_load(&k->calibration, path, m);
}

enum err neurosim_array(const struct neurosim_machine *k, unsigned rows, struct sub_array *s,
                        struct err_msg *m)
{
    const struct sub_array_cfg cfg = {
        .rows = k->side, .columns = k->side, .rows_at_once = k->side,
        .columns_per_adc = NEUROSIM_TURNS, .levels = k->levels, .converter = CONVERTER_CSA,
        .weight_bits = 8, .cells_per_weight = k->cells, .input_bits = 8,
        .active = k->ones * rows / k->side, .on_share = 0.5 };

    return sub_array(&k->technology, &k->device, &cfg, &k->calibration, s, m);
}

/* What `groups` rows of blocks take, `rows` rows of each hold weights, in `reads` reads of all
 * columns. */
static enum err read_arrays(const struct neurosim_machine *k, unsigned rows, double columns,
                            double groups, double reads, struct neurosim_parts *p,
                            struct err_msg *m)
{
    double wide = ceil(columns / k->side), times = groups * reads;
    double arrays = wide * times * 1e-6, used = columns / k->side * times * 1e-6;
    struct sub_array s;
    const struct circuit *b = s.block;
    enum err e = neurosim_array(k, rows, &s, m);

    if (e)
        return e;
    p->lines += arrays * b[BLOCK_ARRAY].energy_pj;
    p->converters += used * (b[BLOCK_ADC].energy_pj + b[BLOCK_ENCODER].energy_pj);
    p->accumulation += arrays * (b[BLOCK_SHIFT_ADD_WEIGHT].energy_pj +
                                 b[BLOCK_SHIFT_ADD_INPUT].energy_pj);
    p->switches += arrays * b[BLOCK_ROW_SWITCH].energy_pj;
    p->mux += arrays * (b[BLOCK_MUX].energy_pj + b[BLOCK_MUX_DECODER].energy_pj);
    p->rows += rows * wide * times;
    p->columns += columns * times;
    p->arrays += wide * groups;
    return ERR_NONE;
}

static enum err one_layer(const struct neurosim_machine *k, const struct neurosim_layer *c,
                          unsigned border, struct neurosim_parts *p, struct err_msg *m)
{
    const struct repeated_wire w = repeated_wire(&k->technology, 0.1, SHRINK_HALVE);
    unsigned positions = c->kernel * c->kernel, all_rows = c->channels * positions;
    unsigned size = c->size + (c->kernel == 3 ? border : 0);
    bool apart = positions == 9 && all_rows >= k->side;
    double n = floor((double)(size - c->kernel + c->stride) / c->stride), pixels = n * n;
    double groups = c->n * (apart ? positions : 1), reads = pixels * bits;
    unsigned rows = apart ? c->channels : all_rows;
    enum err e = ERR_NONE;

    for (; !e && rows > k->side; rows -= k->side)
        e = read_arrays(k, k->side, c->outputs * k->cells, groups, reads, p, m);
    if (!e)
        e = read_arrays(k, rows, c->outputs * k->cells, groups, reads, p, m);
    double in = all_rows * bits * pixels / (apart ? c->kernel : 1);
    double out = c->outputs * bits * pixels / (c->pooled ? 4 : 1);
    p->buses += c->n * (in + out) * k->half_side_um * w.pj_per_bit_um * 1e-6;
    return e;
}

enum err neurosim_network(const struct neurosim_machine *k, const struct neurosim_layer *layer,
                          unsigned border, struct neurosim_parts *p, struct err_msg *m)
{
    enum err e = ERR_NONE;

    *p = (struct neurosim_parts){ 0 };
    for (; layer->n > 0 && !e; layer++)
        e = one_layer(k, layer, border, p, m);
    return e;
}
