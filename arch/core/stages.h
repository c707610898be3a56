/* arch/core/stages.h -- the stages of a core's timestep, and what they share. */
#ifndef ARCH_CORE_STAGES_H
#define ARCH_CORE_STAGES_H

#include "arch/core/imc_core.h"
#include "core/util.h"

/* The plan's promise of a pixel was not kept: the chip's fault, if it is the earliest. */
void imc_core_fail(struct imc_core *c, uint64_t now_cyc, const char *what,
                   const struct pixel *pixel);

/* Tells the probe, if there is one, of n pixels and the words that they took. */
void imc_core_tell(const struct imc_core *c, enum core_event_kind kind, uint64_t timestep,
                   uint32_t n, const struct pixel *pixel, uint64_t words);

/* arch/core/fire.c: the crossbar, or what a digital layer has for it, if the next outputs can be
 * computed. */
void imc_core_fire(struct imc_core *c, uint64_t now_cyc, uint64_t timestep);

/* arch/core/sums.c: sums of the part before are added; complete sums go on, to the next part or
 * through the digital processor. */
void imc_core_add_partial_sums(struct imc_core *c, uint64_t now_cyc);
void imc_core_hand_on(struct imc_core *c, uint64_t now_cyc, uint64_t timestep);

/* Outputs of the oldest firing that can be handed on now. */
uint32_t imc_core_outputs_ready(const struct imc_core *c);

/* arch/core/read_back.c: residual and resampling pixels that are due. */
void imc_core_read_back(struct imc_core *c, uint64_t now_cyc, uint64_t timestep);

/* Timestep of the next pixel to send; CYC_NEVER before a pixel of its image has come. */
uint64_t imc_core_read_back_timestep(const struct imc_core *c, const struct core_read_back *rb);

/* A pixel is counted with its image, as often as that counts. */
static inline uint64_t core_weight(struct imc_core *c, uint64_t image)
{
    if (image != c->weighed_image) {
        c->weighed_image = image;
        c->weight = planes_counting(&c->planes, image);
    }
    return c->weight;
}

/* Cycle from which a pixel computed or read in a timestep can be stored where the port leads. */
static inline uint64_t core_pixel_cyc(const struct imc_core *c, const struct core_port *port,
                                      uint64_t timestep)
{
    return (timestep + port->st->route.hops) * c->timestep_clk;
}

/* Counts a pixel that a port has sent in a timestep, value_bits for each of its channels. */
static inline void core_count_sent(struct imc_core *c, struct core_port *port, uint64_t timestep,
                                   uint64_t image, uint32_t value_bits)
{
    uint64_t bits = (uint64_t)port->n * value_bits;

    port->bits += core_weight(c, image) * bits;
    if (c->probe)
        c->probe->event(c->probe->user, c->index,
                        &(struct core_event){ .kind = CORE_SENT, .timestep = timestep,
                                              .stream = port->stream, .bits = bits });
}

/* Pixels of an output's window that lie inside the map. */
static inline uint32_t core_pixels_inside(const struct imc_core *c,
                                          const struct pixel *place)
{
    return window_inside(&c->pl->window, 0, place->x, c->pl->in_height) *
           window_inside(&c->pl->window, 1, place->y, c->pl->in_width);
}

#endif
