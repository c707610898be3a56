/* arch/circuits/register_file.c -- see register_file.h. */
#include "arch/circuits/register_file.h"

#include <assert.h>
#include <math.h>

#include "arch/circuits/decoder.h"
#include "arch/circuits/dff.h"

struct circuit register_file(const struct technology *t, unsigned words, unsigned word_bits,
                             const struct activity *activity)
{
    assert(words >= 4 && word_bits >= 1);
    double bits = (double)words * word_bits;
    struct circuit reg = dff(t, bits, bits, activity->dff);
    struct decoder_cfg lines = { .bits = (unsigned)ceil(log2(words)), .driver_ratio = 1,
                                 .load_pf = reg.height_um * word_bits * t->wire_pf_um,
                                 .line_cells = word_bits,
                                 .height_um = words * reg.height_um };
    struct circuit dec = decoder(t, &lines, activity);

    reg.area_um2 += dec.area_um2;
    reg.width_um = reg.area_um2 / reg.height_um;
    reg.delay_ns = dec.delay_ns;
    reg.energy_pj = (reg.energy_pj + dec.energy_pj * words) / words;
    reg.leakage_uw += dec.leakage_uw;
    return reg;
}

double register_file_write_pj(const struct technology *t, unsigned words, unsigned word_bits,
                              const struct activity *activity)
{
    return register_file(t, words, word_bits, activity).energy_pj +
           dff(t, word_bits, word_bits, activity->dff).energy_pj;
}
