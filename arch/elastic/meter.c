/* arch/elastic/meter.c -- where a resource's time goes, as differences of cycle stamps. */
#include <assert.h>
#include <stdlib.h>

#include "arch/elastic/site.h"

const char *const elastic_state_names[N_ELASTIC_STATE] = {
    [ELASTIC_BUSY] = "busy",       [ELASTIC_STARVED] = "starved", [ELASTIC_BLOCKED] = "blocked",
    [ELASTIC_WAITING] = "waiting", [ELASTIC_IDLE] = "idle",
};

bool meter_init(struct meter *m, uint32_t room)
{
    *m = (struct meter){ .state = ELASTIC_STARVED, .room = room + 1,
                         .cause = calloc(room + 1, sizeof *m->cause),
                         .time = calloc(room + 1, sizeof *m->time) };
    if (!m->cause || !m->time)
        return false;
    m->cause[m->n++].state = ELASTIC_STARVED; // until it is set first
    return true;
}

void meter_release(struct meter *m)
{
    free(m->cause);
    free(m->time);
}

/* What it has waited for since its last work, or before its first, was idleness. */
static void settle(struct meter *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        struct meter_time *c = &m->time[i];
        uint64_t clk = c->work == m->work ? c->late_clk : 0;
        c->clk -= clk;
        m->idle_clk += clk;
        c->late_clk = 0;
    }
}

uint32_t meter_find(struct meter *m, enum elastic_state state, enum elastic_on on,
                    uint32_t stream)
{
    for (uint32_t i = 1; i < m->n; i++) {
        const struct elastic_cause *c = &m->cause[i];
        if (c->state == state && c->on == on && c->stream == stream)
            return i;
    }
    assert(m->n < m->room);
    m->cause[m->n] = (struct elastic_cause){ state, on, stream, 0 };
    return m->n++;
}

void meter_begin(struct meter *m, uint64_t now)
{
    settle(m);
    m->begin_clk = now;
}

void meter_change(struct meter *m, uint64_t now, enum elastic_state state, enum elastic_on on,
                  uint32_t stream)
{
    meter_pass(m, now);
    m->state = state;
    if (m->watch)
        m->watch->state(m->watch->user, now, m->stage,
                        &(struct elastic_cause){ state, on, stream, 0 });
    if (state != ELASTIC_BUSY) {
        m->by = meter_find(m, state, on, stream);
        return;
    }
    if (m->work == 0)
        meter_begin(m, now);
    m->work++;
}

void meter_settle(struct meter *m, uint64_t now)
{
    meter_pass(m, now);
    for (uint32_t i = 0; i < m->n; i++)
        if (m->time[i].work != m->work)
            m->time[i].late_clk = 0;
}

void meter_end(struct meter *m)
{
    settle(m);
}

void meter_clocks(const struct meter *m, uint64_t clk[N_ELASTIC_STATE])
{
    for (int s = 0; s < N_ELASTIC_STATE; s++)
        clk[s] = s == ELASTIC_BUSY ? m->busy_clk : s == ELASTIC_IDLE ? m->idle_clk : 0;
    for (uint32_t i = 0; i < m->n; i++)
        clk[m->cause[i].state] += m->time[i].clk;
}
