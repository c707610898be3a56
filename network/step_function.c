/* network/step_function.c -- see step_function.h. */
#include "network/step_function.h"

#include <math.h>
#include <stdlib.h>

struct step_function *step_function_new(uint32_t n)
{
    struct step_function *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->n = n;
    f->threshold = calloc((size_t)n + 1, sizeof *f->threshold);
    f->code = calloc((size_t)n + 1, sizeof *f->code);
    if (f->threshold && f->code)
        return f;
    step_function_free(f);
    return NULL;
}

void step_function_free(struct step_function *f)
{
    if (!f)
        return;
    free(f->threshold);
    free(f->code);
    free(f);
}

bool step_function_is_sound(const struct step_function *f)
{
    bool sound = f->n <= MOST_THRESHOLDS;

    for (uint32_t k = 0; k < f->n && sound; k++)
        sound = isfinite(f->threshold[k]) && (k == 0 || f->threshold[k - 1] < f->threshold[k]);
    return sound;
}
