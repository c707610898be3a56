/* dataflow/mapper/explain.c -- see explain.h. */
#include "dataflow/mapper/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/util.h"
#include "dataflow/mapper/choose.h"

enum { MOST_EFFORT = 1 }; // of each of the many searches

/* A resource in whole steps: words, lanes, or bytes that a link carries in a timestep. */
struct remedy {
    const char *key;
    bool        is_rate;
    uint64_t (*get)(const struct config *c); // words, lanes or bit/s
    void     (*set)(struct config *c, uint64_t value);
    uint64_t    most; // steps
};

static uint64_t get_words(const struct config *c)
{
    return c->memory.words;
}

static void set_words(struct config *c, uint64_t value)
{
    c->memory.words = (uint32_t)value;
}

static uint64_t get_link(const struct config *c)
{
    return c->fabric.link_bps;
}

static void set_link(struct config *c, uint64_t value)
{
    c->fabric.link_bps = value;
}

static uint64_t get_sums(const struct config *c)
{
    return c->fabric.partial_sum_bps;
}

static void set_sums(struct config *c, uint64_t value)
{
    c->fabric.partial_sum_bps = value;
}

static uint64_t get_lanes(const struct config *c)
{
    return c->digital.lanes;
}

static void set_lanes(struct config *c, uint64_t value)
{
    c->digital.lanes = (uint32_t)value;
}

static const struct remedy remedies[] = {
    { "core.input_memory.words", false, get_words, set_words, 65536 },
    { "fabric.link_gbps", true, get_link, set_link, 65536 },
    { "fabric.partial_sum_gbps", true, get_sums, set_sums, 65536 },
    { "core.digital.lanes", false, get_lanes, set_lanes, 65536 },
    { 0 },
};

static uint64_t value_of(const struct mapper *mp, const struct remedy *r, uint64_t steps)
{
    const struct config *c = mp->config;
    uint64_t clk = 1;

    if (!r->is_rate)
        return steps;
    config_clocks(c->timestep_ns, c->clock_mhz, &clk);
    return ceil_div(8 * steps * c->clock_mhz * 1000000, clk);
}

/* The most steps that are no more than what there is. */
static uint64_t steps_of(const struct mapper *mp, const struct remedy *r)
{
    uint64_t have = r->get(mp->config), low = 0, high = r->most;

    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (value_of(mp, r, middle) <= have)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Whether a mapping is found with so many steps. */
static bool does(const struct mapper *mp, const struct remedy *r, uint64_t steps)
{
    struct config config = *mp->config;
    struct mapper more;
    struct mapper_result result;
    struct err_msg m;

    r->set(&config, value_of(mp, r, steps));
    config.mapping.optimize = OPTIMIZE_INTERVAL;
    config.mapping.effort = min_u32(config.mapping.effort, MOST_EFFORT);
    if (mapper_init(&more, mp->network, &config, &m))
        return false;
    bool found = chooser_run(&more, &result, &m) == ERR_NONE && result.cores > 0;
    mapper_result_release(&result);
    mapper_release(&more);
    return found;
}

/* The least number of steps that does; 0 when none does. */
static uint64_t least_steps(const struct mapper *mp, const struct remedy *r)
{
    uint64_t low = steps_of(mp, r), high = max_u64(low, 1);

    while (high < r->most && (high <= low || !does(mp, r, high))) {
        low = high;
        high = min_u64(2 * high, r->most);
    }
    if (!does(mp, r, high))
        return 0;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (does(mp, r, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

struct amount {
    char text[32];
};

static struct amount amount(const struct remedy *r, uint64_t value)
{
    struct amount a;

    if (r->is_rate)
        snprintf(a.text, sizeof a.text, "%s", param_rate_text(value).text);
    else
        snprintf(a.text, sizeof a.text, "%" PRIu64, value);
    return a;
}

enum err mapper_explain(const struct mapper *mp, struct err_msg *m)
{
    const struct config *c = mp->config;

    for (const struct remedy *r = remedies; r->key; r++) {
        uint64_t steps = least_steps(mp, r), have = r->get(c);
        if (steps == 0)
            continue;
        uint64_t want = value_of(mp, r, steps);
        return err_set(m, ERR_INPUT, "%.400s: %s = %s: no mapping of %s does with that: want %s = "
                       "%s, %s more", config_where(c, r->key), r->key, amount(r, have).text,
                       mp->network->name, r->key, amount(r, want).text,
                       amount(r, want - have).text);
    }
    return err_set(m, ERR_INPUT, "no mapping of %s onto %" PRIu32 " cores with arrays of %" PRIu32
                   " x %" PRIu32 " found, nor with a larger core.input_memory.words, "
                   "core.digital.lanes, fabric.link_gbps or fabric.partial_sum_gbps alone: want "
                   "more cores or a longer clocking.timestep_ns", mp->network->name, c->chip_cores,
                   c->crossbar.rows, c->crossbar.columns);
}
