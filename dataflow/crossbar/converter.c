/* dataflow/crossbar/converter.c -- see converter.h. */
#include "dataflow/crossbar/converter.h"

#include <assert.h>

struct converter converter_of(uint32_t bits, int64_t range, bool both_signs)
{
    assert(bits >= 1 && bits <= 32 && range >= 1);
    int64_t levels = both_signs ? INT64_C(1) << (bits - 1) : (INT64_C(1) << bits) - 1;

    return (struct converter){ .step = range / levels + (range % levels != 0),
                               .least = both_signs ? -levels : 0,
                               .most = both_signs ? levels - 1 : levels };
}

struct converter converter_exact(void)
{
    return (struct converter){ .step = 1, .least = INT64_MIN, .most = INT64_MAX };
}

/* sum / step to the nearest whole number, ties to the even one. */
static int64_t rounded(int64_t sum, int64_t step)
{
    int64_t q = sum / step, r = sum % step;

    if (r < 0) { // the quotient below, the rest above
        q--;
        r += step;
    }
    return q + (r > step - r || (r == step - r && q % 2 != 0));
}

int64_t converter_code(const struct converter *c, int64_t sum)
{
    int64_t code = rounded(sum, c->step);

    if (code < c->least)
        code = c->least;
    if (code > c->most)
        code = c->most;
    return code * c->step;
}

bool converter_clips(const struct converter *c, int64_t sum)
{
    int64_t code = rounded(sum, c->step);

    return code < c->least || code > c->most;
}

bool converter_passes(const struct converter *c, int64_t least, int64_t most)
{
    return c->step == 1 && least >= c->least && most <= c->most;
}
