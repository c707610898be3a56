/* arch/core/port.c -- see port.h. */
#include "arch/core/port.h"

#include <stdlib.h>

/* A byte for a value, whatever its bits, and an int32_t for a sum. */
static uint32_t bytes_each(const struct plan *p, const struct plan_stream *st)
{
    const bool made = st->kind == STREAM_FORWARD || st->kind == STREAM_VALID ||
                      st->kind == STREAM_RESULT; // by the layer that sends them
    const bool sums = st->kind == STREAM_PARTIAL_SUM ||
                      (made && plan_network_layer(p, p->core[st->from].plan_layer)->raw_output);

    return sums ? sizeof(int32_t) : 1;
}

uint32_t stream_value_bytes(const struct plan *p, uint32_t stream)
{
    const struct plan_stream *st = &p->stream[stream];

    return st->n * bytes_each(p, st);
}

struct port port_of(const struct plan *p, uint32_t stream, struct chan *chan, uint32_t first,
                    uint32_t planes, uint64_t *stream_bits)
{
    const struct plan_stream *st = &p->stream[stream];
    uint32_t bytes = stream_value_bytes(p, stream);

    return (struct port){ .chan = chan, .st = st, .stream = stream, .first = first, .n = st->n,
                          .each = bytes_each(p, st),
                          .value_bytes = planes * bytes, .plane_bytes = bytes,
                          .most_pixels = p->time.stream[stream].most_pixels,
                          .bits = &stream_bits[stream] };
}

bool port_append(struct port **port, uint32_t *n, const struct port *one)
{
    struct port *more = realloc(*port, (*n + 1) * sizeof *more);

    if (!more)
        return false;
    *port = more;
    more[(*n)++] = *one;
    return true;
}
