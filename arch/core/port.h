/* arch/core/port.h -- an end of a stream at a core: a channel, the channels of pixels that it
 * carries, and what they take.
 */
#ifndef ARCH_CORE_PORT_H
#define ARCH_CORE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/core/core.h"
#include "noc/token.h"

struct port {
    struct chan              *chan; // NULL: there is no such stream
    const struct plan_stream *st;   // of the plan; borrowed
    uint32_t                  stream;
    uint32_t                  first, n;    // channels: where they sit at this end
    uint32_t                  each;        // bytes in which one channel of a pixel travels here
    uint32_t                  value_bytes; // of one pixel in the token, all planes; 0 when timing
    uint32_t                  plane_bytes; // of that, in one plane
    uint32_t                  most_pixels; // of a token
    uint64_t                 *bits;  // borrowed; that it has carried out of this core
    struct token             *token; // being filled in the present step, where a stage says so
};

/* A port for a stream; `first` of its channels is the core's own count. */
struct port port_of(const struct plan *p, uint32_t stream, struct chan *chan, uint32_t first,
                    uint32_t planes, uint64_t *stream_bits);

/* Appends to a growing array. False when the host has no memory. */
bool port_append(struct port **port, uint32_t *n, const struct port *one);

/* Bytes of one pixel's values on a stream, in one plane. */
uint32_t stream_value_bytes(const struct plan *p, uint32_t stream);

/* An empty token of a timestep on an outgoing port, which the receiver may see from ready_cyc on.
 * NULL when the channel has no room: a plan promises it, so that is a fault (core_fail()). */
static inline struct token *port_begin(const struct port *port, uint64_t ready_cyc,
                                       uint64_t timestep)
{
    if (!chan_can_push(port->chan))
        return NULL;
    return token_begin(chan_push(port->chan, ready_cyc), timestep, port->most_pixels);
}

static inline const struct token *port_take(const struct port *port, uint64_t now_cyc)
{
    if (!port->chan || !chan_can_pop(port->chan, now_cyc))
        return NULL;
    return (const struct token *)chan_pop(port->chan, now_cyc);
}

/* Counts a pixel that a port has sent, as often as its image does. */
static inline void port_count(const struct port *port, const struct core *c, uint64_t timestep,
                              uint64_t weight)
{
    uint64_t bits = (uint64_t)port->n * port->st->value_bits;

    *port->bits += weight * bits;
    if (!c->probe)
        return;
    const struct core_event sent = { .kind = CORE_SENT, .timestep = timestep,
                                     .stream = port->stream, .bits = bits };
    core_tell(c, &sent);
}

#endif
