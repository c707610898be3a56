/* arch/core/read_back.c -- pixels that go from a core's memory to others; see imc_core.h. */
#include <assert.h>
#include <string.h>

#include "arch/core/stages.h"

uint64_t imc_core_read_back_timestep(const struct imc_core *c, const struct core_read_back *rb)
{
    return c->any_image && rb->image <= c->newest_image ? rb->due : CYC_NEVER;
}

static const struct read_back_send *next_send(const struct imc_core *c,
                                              const struct core_read_back *rb)
{
    uint64_t row = min_u64(rb->image - c->first_image, rb->times->n_image - 1);

    return &rb->times->send[row * rb->times->n + rb->at];
}

void imc_core_set_due(const struct imc_core *c, struct core_read_back *rb)
{
    uint64_t nth = rb->image - c->first_image;

    rb->due = c->plan->time.lead + nth * c->plan->interval + (uint64_t)next_send(c, rb)->timestep;
}

static void send_back(struct imc_core *c, struct core_read_back *rb, uint64_t now_cyc,
                      uint64_t timestep)
{
    const struct read_back_times *times = rb->times;
    const struct read_back_send *send = next_send(c, rb);
    uint32_t x = send->x * rb->who->stride[0], y = send->y * rb->who->stride[1];
    uint64_t missing;
    uint32_t words = memory_read_row(&c->memory, x, rb->image * c->pl->in_width + y, 1,
                                     c->planes.n ? c->pixel : NULL, c->pc->in_n, &missing);

    if (words == 0)
        imc_core_fail(c, now_cyc, "not in the memory when it is read back:",
                      &(struct pixel){ rb->image, x, y });
    c->counters.words_read_back += core_weight(c, rb->image) * words;
    imc_core_tell(c, CORE_READ_BACK, timestep, 1, &(struct pixel){ rb->image, x, y }, words);
    for (uint32_t i = 0; i < rb->n_out; i++) {
        struct core_port *port = &rb->out[i];
        if (!rb->token_open)
            port->token = token_begin(chan_push(port->chan, core_pixel_cyc(c, port, timestep)),
                                      timestep,
                                      times->most_pixels);
        struct token *t = port->token;
        assert(t->n < t->most);
        t->pixel[t->n] = (struct pixel){ rb->image, send->x, send->y };
        uint8_t *to = token_values(t, t->n++, port->value_bytes);
        for (uint32_t p = 0; p < c->planes.n; p++)
            memcpy(to + p * port->n, c->pixel + p * c->pc->in_n + port->first, port->n);
        core_count_sent(c, port, timestep, rb->image, 8);
    }
    rb->token_open = true;
    if (++rb->at == times->n) {
        rb->at = 0;
        rb->image++;
    }
    imc_core_set_due(c, rb);
}

void imc_core_read_back(struct imc_core *c, uint64_t now_cyc, uint64_t timestep)
{
    for (uint32_t i = 0; i < c->n_read_back; i++) {
        struct core_read_back *rb = &c->read_back[i];
        rb->token_open = false;
        while (imc_core_read_back_timestep(c, rb) <= timestep) {
            if (imc_core_read_back_timestep(c, rb) < timestep) {
                imc_core_fail(c, now_cyc, "too late to read back",
                              &(struct pixel){ .image = rb->image });
                return;
            }
            send_back(c, rb, now_cyc, timestep);
        }
    }
}
