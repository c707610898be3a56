/* network/values/steps.c -- see steps.h. */
#include "network/values/steps.h"

#include <math.h>
#include <stdlib.h>

#include "network/step_function.h"

enum { LEAST_BUCKETS = 1 << 6, MOST_BUCKETS = 1 << 12, MOST_TOGETHER = 4 };

void value_steps_free(struct value_steps *s)
{
    if (!s)
        return;
    free(s->first);
    free(s->threshold);
    free(s->stored);
    free(s);
}

/* n buckets, and how many thresholds one has at most. */
static void cut(struct value_steps *s, const struct step_function *f, uint32_t n)
{
    const double span = f->n > 0 ? f->threshold[f->n - 1] - f->threshold[0] : 0;
    uint32_t k = 0;

    s->low = f->n > 0 ? f->threshold[0] : 0;
    s->per = span > 0 && isfinite(span) ? n / span : 0;
    s->last = n - 1;
    s->most = 0;
    for (uint32_t bucket = 0; bucket < n; bucket++) {
        const uint32_t first = s->first[bucket] = k;
        while (k < f->n && (uint32_t)value_bucket(s, f->threshold[k]) == bucket)
            k++;
        s->most = k - first > s->most ? k - first : s->most;
    }
}

bool value_steps_new(const struct value_scale *scale, struct value_steps **steps)
{
    const struct step_function *f = scale->function;
    struct value_steps *s = *steps = calloc(1, sizeof *s);

    if (!s)
        return false;
    s->first = calloc(MOST_BUCKETS, sizeof *s->first);
    s->threshold = calloc((size_t)f->n + MOST_TOGETHER, sizeof *s->threshold);
    s->stored = calloc((size_t)f->n + 1, sizeof *s->stored);
    const bool done = s->first && s->threshold && s->stored;
    for (uint32_t k = 0; done && k < f->n + MOST_TOGETHER; k++)
        s->threshold[k] = k < f->n ? f->threshold[k] : INFINITY;
    for (uint32_t k = 0; done && k <= f->n; k++) {
        const int64_t v = (int64_t)f->code[k] + scale->offset;
        s->stored[k] = v < scale->low ? scale->low : v > scale->high ? scale->high : (uint8_t)v;
    }
    for (uint32_t n = LEAST_BUCKETS; done && n <= MOST_BUCKETS; n *= 2) {
        cut(s, f, n);
        if (s->most <= 1)
            break;
    }
    if (done && s->most <= MOST_TOGETHER)
        return true;
    value_steps_free(s);
    *steps = NULL;
    return done;
}
