/* arch/elastic/meter.c -- where a resource's time goes, as differences of cycle stamps. */
#include <stdlib.h>

#include "arch/elastic/site.h"

const char *const elastic_state_names[N_ELASTIC_STATE] = {
    [ELASTIC_BUSY] = "busy",       [ELASTIC_STARVED] = "starved", [ELASTIC_BLOCKED] = "blocked",
    [ELASTIC_WAITING] = "waiting", [ELASTIC_IDLE] = "idle",
};

bool meter_init(struct meter *m, uint32_t room)
{
    *m = (struct meter){ .state = ELASTIC_STARVED, .room = room + 1,
                         .cause = calloc(room + 1, sizeof *m->cause) };
    m->n = m->cause != NULL; // entry 0: what has no cause
    return m->cause != NULL;
}

/* Adds the time since the last change. */
static void pass(struct meter *m, uint64_t now)
{
    uint64_t clk = now - m->since_clk;

    m->since_clk = now;
    if (m->state == ELASTIC_BUSY) {
        m->clk[ELASTIC_BUSY] += clk;
        return;
    }
    m->pending[m->state] += clk;
    m->cause[m->by].pending += clk;
}

/* It works again: what it waited for was no idleness, unless it is its first work. */
static void settle(struct meter *m)
{
    for (int s = 0; s < N_ELASTIC_STATE; s++) {
        m->clk[m->worked ? s : ELASTIC_IDLE] += m->pending[s];
        m->pending[s] = 0;
    }
    for (uint32_t i = 0; i < m->n; i++) {
        m->cause[i].cause.clk += m->worked ? m->cause[i].pending : 0;
        m->cause[i].pending = 0;
    }
    m->worked = true;
}

static uint32_t find(struct meter *m, enum elastic_state state, enum elastic_on on,
                     uint32_t stream)
{
    for (uint32_t i = 1; i < m->n; i++) {
        const struct elastic_cause *c = &m->cause[i].cause;
        if (c->state == state && c->on == on && c->stream == stream)
            return i;
    }
    if (m->n == m->room)
        return 0;
    m->cause[m->n].cause = (struct elastic_cause){ state, on, stream, 0 };
    return m->n++;
}

/* Whether it is already so, and for the same reason: then its time just goes on. */
static bool is_so(const struct meter *m, enum elastic_state state, enum elastic_on on,
                  uint32_t stream)
{
    const struct elastic_cause *c = &m->cause[m->by].cause;

    return state == m->state &&
           (state == ELASTIC_BUSY || (m->by > 0 && c->on == on && c->stream == stream));
}

void meter_set(struct meter *m, uint64_t now, enum elastic_state state, enum elastic_on on,
               uint32_t stream)
{
    if (is_so(m, state, on, stream))
        return;
    pass(m, now);
    if (state == ELASTIC_BUSY)
        settle(m);
    else
        m->by = find(m, state, on, stream);
    m->state = state;
}

void meter_end(struct meter *m, uint64_t now)
{
    pass(m, now);
    m->worked = false;
    settle(m);
}
