/* test/random_function.c -- see random_function.h. */
#include "test/random_function.h"

#include <math.h>
#include <stddef.h>

#include "network/step_function.h"

static struct step_function *random_function(struct dice *d)
{
    const uint32_t n = chance(d, 8) ? pick(d, 200, 400) : pick(d, 0, 40);
    struct step_function *f = step_function_new(n);
    double at = -(double)pick(d, 0, 200);

    for (uint32_t k = 0; f && k <= n; k++) {
        f->code[k] = (int32_t)pick(d, 0, 300) - 150;
        if (k == n)
            break;
        f->threshold[k] = at;
        const bool near = chance(d, 4); // one beside the other, by steps that sums may take
        at += near ? ldexp(1, -(int)pick(d, 6, 12)) : pick(d, 1, 20) / 2.0; // or a sum's own value
    }
    return f;
}

void random_functions(unsigned seed, struct network *n)
{
    struct dice d = { .state = seed ^ UINT64_C(0x66756e6374696f6e) };

    if (!chance(&d, 4))
        return;
    for (uint32_t i = 1; i < n->n_layer; i++) {
        struct layer *l = &n->layer[i];
        if (chance(&d, 3) && !l->raw_output && !layer_is_of_tokens(l) && !l->neuron)
            l->function = random_function(&d);
    }
}

int64_t naive_function(const struct step_function *f, int64_t t, unsigned shift)
{
    const long double x = ldexpl((long double)t, -(int)shift);
    int64_t code = f->code[0];

    for (uint32_t k = 0; k < f->n; k++)
        code = f->threshold[k] <= x ? f->code[k + 1] : code;
    return code;
}
