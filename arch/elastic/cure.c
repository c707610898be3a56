/* arch/elastic/cure.c -- what would let a machine that stands still go on, found by running it
 * again, at most MOST_TRIES times: the least single buffer; smaller groups; more columns, where a
 * memory stands in the circle; smaller groups, or more columns, and one buffer that is full then;
 * or two buffers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arch/elastic/site.h"

enum { MOST_TRIES = 16 };

struct trial {
    const struct plan            *plan;
    const struct elastic_cfg_run *run;
    struct elastic_cfg            with;
    struct stuck                  stuck; // with these
    uint32_t                     *tries;
};

static uint32_t *buffer_field(struct elastic_cfg *e, enum elastic_buffer_kind k)
{
    switch (k) {
    case BUFFER_INPUT:
        return &e->input_pixels;
    case BUFFER_RESIDUAL:
        return &e->residual_pixels;
    case BUFFER_PARTIAL_SUM:
        return &e->partial_sum_pixels;
    case BUFFER_OUTPUT:
        return &e->output_pixels;
    case BUFFER_READ_BACK:
    case N_ELASTIC_BUFFER:
        break;
    }
    return &e->read_back_pixels;
}

/* Pixels in the fullest buffer of a kind. */
static uint32_t most_used(const struct elastic_result *r, enum elastic_buffer_kind k)
{
    uint32_t most = 1;

    for (uint32_t i = 0; i < r->n_buffer; i++)
        if (r->buffer[i].kind == k)
            most = max_u32(most, r->buffer[i].most);
    return most;
}

/* Whether the run ends with it, with so many pixels in a buffer of a kind; if not, t->stuck says
 * how it stands still. */
static bool ends(struct trial *t, enum elastic_buffer_kind k, uint32_t *most)
{
    struct elastic_cfg_run again = *t->run;
    struct elastic_result r;
    struct err_msg unused;

    ++*t->tries;
    again.elastic = &t->with;
    again.probe = NULL;
    again.watch = NULL;
    again.waits = NULL;
    if (elastic_run_once(t->plan, &again, &r, &unused, &t->stuck))
        return false;
    *most = most_used(&r, k);
    elastic_result_release(&r);
    return true;
}

static bool ends_with_size(const struct trial *t, enum elastic_buffer_kind k, uint32_t size,
                           uint32_t *most)
{
    struct trial other = *t;

    *buffer_field(&other.with, k) = size;
    return ends(&other, k, most);
}

/* The least size of a buffer with which the run ends; 0: none was found. What a run with the
 * largest fills of it is enough, or nearly. */
static uint32_t least_size(struct trial *t, enum elastic_buffer_kind k)
{
    uint32_t low = *buffer_field(&t->with, k), high = ELASTIC_MOST_PIXELS, most, unused;

    if (*t->tries >= MOST_TRIES || !ends_with_size(t, k, high, &most)) // low does not do
        return 0;
    for (uint32_t size = max_u32(most, low + 1); high - low > 1 && *t->tries < MOST_TRIES;
         size = low + (high - low) / 2)
        *(ends_with_size(t, k, size, &unused) ? &high : &low) = size;
    return high;
}

/* That of the full buffers which needs the fewest places more; 0: none does alone. */
static uint32_t least_buffer(struct trial *t, enum elastic_buffer_kind *which)
{
    uint32_t best = 0, added = UINT32_MAX;

    for (enum elastic_buffer_kind k = 0; k < N_ELASTIC_BUFFER; k++) {
        uint32_t size = t->stuck.full[k] ? least_size(t, k) : 0, now = *buffer_field(&t->with, k);
        if (size == 0 || size - now >= added)
            continue;
        added = size - now;
        best = size;
        *which = k;
    }
    return best;
}

/* A plan whose memories have as many columns, in which the trial goes on; false: there is none. The
 * caller releases it. */
static bool with_columns(struct trial *t, struct plan *plan, struct config *config,
                         uint32_t columns)
{
    struct err_msg unused;

    *config = *t->plan->config;
    config->memory.columns = columns;
    if (plan_make(plan, t->plan->network, config, &unused))
        return false;
    if (plan->n_core == t->plan->n_core) {
        t->plan = plan;
        return true;
    }
    plan_release(plan);
    return false;
}

static bool ends_with_columns(const struct trial *t, uint32_t columns)
{
    struct trial other = *t;
    struct config config;
    struct plan plan;
    uint32_t most;

    if (!with_columns(&other, &plan, &config, columns))
        return false;
    bool does = ends(&other, 0, &most);
    plan_release(&plan);
    return does;
}

/* More than the memory has that stands in the circle, and no fewer than any has; 0: none does. */
static uint32_t more_columns(const struct trial *t)
{
    uint32_t most = t->stuck.columns + 1;

    for (uint32_t i = 0; i < t->plan->n_layer; i++)
        most = max_u32(most, t->plan->time.layer[i].memory_columns);
    return t->stuck.columns > 0 ? most : 0;
}

/* 0: none was found. Steps double until the run ends, and are halved then. */
static uint32_t least_columns(const struct trial *t)
{
    uint32_t low = more_columns(t), high = low, step = 1;

    for (; high > 0 && !ends_with_columns(t, high); high += step, step *= 2) {
        low = high + 1;
        if (*t->tries >= MOST_TRIES / 2)
            return 0;
    }
    while (low < high && *t->tries < MOST_TRIES) {
        const uint32_t n = low + (high - low) / 2;
        if (ends_with_columns(t, n))
            high = n;
        else
            low = n + 1;
    }
    return high;
}

/* The fewest columns that were tried, and the buffer that is full then. */
static uint32_t columns_and_buffer(const struct trial *t, uint32_t *columns,
                                   enum elastic_buffer_kind *which)
{
    struct trial other = *t;
    struct config config;
    struct plan plan;
    uint32_t size = 0, unused;

    *columns = more_columns(t);
    if (*columns == 0 || *t->tries >= MOST_TRIES ||
        !with_columns(&other, &plan, &config, *columns))
        return 0;
    if (!ends(&other, 0, &unused))
        size = least_buffer(&other, which);
    plan_release(&plan);
    return size;
}

struct pair {
    enum elastic_buffer_kind kind[2];
    uint32_t                 size[2];
};

/* One that is full, and another that is full where the first is not; the first as large as can be
 * if runs are used up. */
static bool two_buffers(const struct trial *t, struct pair *p)
{
    for (enum elastic_buffer_kind k = 0; k < N_ELASTIC_BUFFER && *t->tries < MOST_TRIES; k++) {
        struct trial large = *t, both = *t;
        uint32_t unused;
        if (!t->stuck.full[k])
            continue;
        *buffer_field(&large.with, k) = ELASTIC_MOST_PIXELS;
        if (ends(&large, k, &unused) || !(p->size[1] = least_buffer(&large, &p->kind[1])))
            continue;
        *buffer_field(&both.with, p->kind[1]) = p->size[1];
        p->kind[0] = k;
        p->size[0] = least_size(&both, k);
        if (p->size[0] == 0)
            p->size[0] = ELASTIC_MOST_PIXELS;
        return true;
    }
    return false;
}

void cure_suggest(const struct plan *p, const struct elastic_cfg_run *cfg,
                  const struct stuck *stuck, struct err_msg *m)
{
    enum elastic_buffer_kind k = 0;
    uint32_t tries = 0, size, columns;
    struct pair two;
    struct trial now = { p, cfg, *cfg->elastic, *stuck, &tries }, any = now;
    size_t n = strlen(m->text), left = sizeof m->text - n;
    char *end = m->text + n;

    any.with.group = GROUP_ANY;
    if ((size = least_buffer(&now, &k)) > 0)
        snprintf(end, left, ": want %s = %" PRIu32, elastic_buffer_keys[k], size);
    else if (now.with.group == GROUP_FULL && ends(&any, k, &size))
        snprintf(end, left, ": want elastic.group = any");
    else if ((size = least_columns(&now)) > 0)
        snprintf(end, left, ": want core.input_memory.columns = %" PRIu32, size);
    else if (now.with.group == GROUP_FULL && (size = least_buffer(&any, &k)) > 0)
        snprintf(end, left, ": want elastic.group = any and %s = %" PRIu32,
                 elastic_buffer_keys[k], size);
    else if ((size = columns_and_buffer(&now, &columns, &k)) > 0)
        snprintf(end, left, ": want core.input_memory.columns = %" PRIu32 " and %s = %" PRIu32,
                 columns, elastic_buffer_keys[k], size);
    else if (two_buffers(&now, &two))
        snprintf(end, left, ": want %s = %" PRIu32 " and %s = %" PRIu32,
                 elastic_buffer_keys[two.kind[0]], two.size[0], elastic_buffer_keys[two.kind[1]],
                 two.size[1]);
    else
        snprintf(end, left, ": no larger buffer alone breaks this");
    if (cfg->n_trial)
        *cfg->n_trial = tries;
}
