/* arch/core/read_back.c -- the stage that sends pixels from a core's memory to others; see
 * stages.h. */
#include "arch/core/read_back.h"

#include <assert.h>
#include <string.h>

#include "arch/core/stages.h"
#include "core/util.h"

static const struct read_back_send *next_send(const struct imc_spec *spec,
                                              const struct core_read_back *rb)
{
    uint64_t row = min_u64(rb->image - spec->first_image, rb->times->n_image - 1);

    return &rb->times->send[row * rb->times->n + rb->at];
}

void read_back_set_due(const struct imc_spec *spec, struct core_read_back *rb)
{
    uint64_t nth = rb->image - spec->first_image;

    rb->due = spec->plan->time.lead + nth * spec->plan->interval +
              (uint64_t)next_send(spec, rb)->timestep;
}

/* Timestep of the next pixel to send; CYC_NEVER before a pixel of its image has come. */
static uint64_t due_timestep(const struct imc_core *c, const struct core_read_back *rb)
{
    return c->state.any_image && rb->image <= c->state.newest_image ? rb->due : CYC_NEVER;
}

/* Appends the pixel in the scratch to the port's token, which begins with it when `first`. */
static void put_pixel(struct imc_core *c, struct port *port, const struct pixel *px, bool first,
                      const struct core_now *now)
{
    if (first)
        port->token = port_begin(port, core_pixel_cyc(c, port, now->timestep), now->timestep);
    struct token *t = port->token;
    if (!t) {
        core_fail(&c->base, now->cyc, "no room on the link for", px);
        return;
    }
    assert(t->n < t->most);
    t->pixel[t->n] = *px;
    uint8_t *to = token_values(t, t->n++, port->value_bytes);
    for (uint32_t p = 0; p < c->spec->planes.n; p++)
        memcpy(to + p * port->n, c->scratch.pixel + p * c->spec->in_n + port->first, port->n);
    port_count(port, &c->base, now->timestep, core_weight(c, px->image));
}

static void send_back(struct imc_core *c, struct core_read_back *rb, bool first,
                      const struct core_now *now)
{
    const struct read_back_send *send = next_send(c->spec, rb);
    const struct pixel px = { rb->image, send->row * rb->who->stride[0],
                              send->column * rb->who->stride[1] };
    const struct pixel sent = { rb->image, send->row, send->column }; // as the receiver counts
    const uint64_t column = px.image * c->spec->in_width + px.column;
    uint64_t missing;
    uint32_t words =
        memory_read_row(&c->memory, px.row, column, 1,
                        c->spec->planes.n ? c->scratch.pixel : NULL, c->spec->in_n, &missing);

    if (words == 0)
        core_fail(&c->base, now->cyc, "not in the memory when it is read back:", &px);
    c->base.report.counters.words_read_back +=
        core_words_read(c, px.row, column, 1, px.image, words);
    core_tell_pixels(c, CORE_READ_BACK, now->timestep, 1, &px, words);
    for (uint32_t i = 0; i < rb->n_out; i++)
        put_pixel(c, &rb->out[i], &sent, first, now);
    if (++rb->at == rb->times->n) {
        rb->at = 0;
        rb->image++;
    }
    read_back_set_due(c->spec, rb);
}

static uint64_t act(struct imc_core *c, const struct core_now *now)
{
    uint64_t next = CYC_NEVER;

    for (uint32_t i = 0; i < c->n_read_back; i++) {
        struct core_read_back *rb = &c->read_back[i];
        uint64_t due = due_timestep(c, rb);
        for (bool first = true; !now->between && due <= now->timestep; first = false) {
            if (due < now->timestep) {
                core_fail(&c->base, now->cyc, "too late to read back",
                          &(struct pixel){ .image = rb->image });
                return CYC_NEVER;
            }
            send_back(c, rb, first, now);
            due = due_timestep(c, rb);
        }
        next = min_u64(next, due);
    }
    return next;
}

static bool needed(const struct imc_core *c)
{
    return c->n_read_back > 0;
}

const struct core_stage stage_read_back = { .name = "read_back", .needed = needed, .act = act };
