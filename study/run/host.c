/* study/run/host.c -- see host.h. */
#include "study/run/host.h"

#include <stdlib.h>

#include "network/output.h"
#include "network/precision.h"
#include "network/values/values.h"

struct host {
    const struct network *chip;
    const struct layer   *last;
    struct values        *values;
    struct value_lanes   *lanes;
    int64_t              *result; // owned
    uint8_t              *to;
};

struct host *host_new(const struct network *n)
{
    struct host *h = calloc(1, sizeof *h);

    if (!h)
        return NULL;
    h->chip = n;
    h->last = network_result(n->host);
    h->values = values_new(n->host, NULL);
    h->lanes = h->values ? value_lanes_new(h->values) : NULL;
    h->result = calloc(h->last->out.channels, sizeof *h->result);
    if (h->lanes && h->result)
        return h;
    host_free(h);
    return NULL;
}

void host_free(struct host *h)
{
    if (!h)
        return;
    value_lanes_free(h->lanes);
    values_free(h->values);
    free(h->result);
    free(h);
}

static void put(const struct host *h, size_t at, int32_t v)
{
    const struct shape s = h->chip->layer[0].out;

    h->to[at] = value_low_byte(v);
    if (network_is_wide(h->chip))
        h->to[(size_t)s.height * s.width * s.channels + at] = value_high_byte(v);
}

static void take(void *user, uint32_t layer, const struct value_map *map, uint32_t column,
                 uint32_t n_lane)
{
    const struct host *h = user;

    (void)n_lane;
    for (uint32_t x = 0; layer + 1 == h->chip->host->n_layer && x < map->shape.height; x++)
        for (uint32_t c = 0; c < map->shape.channels; c++)
            put(h, ((size_t)column * map->shape.height + x) * map->shape.channels + c,
                value_get(map, x, column, c, 0));
}

void host_compute(struct host *h, const uint8_t *image, uint8_t *chips)
{
    const struct value_watch watch = { .output = take, .user = h };

    h->to = chips;
    value_lanes_run(h->lanes, image, 1, h->result, h->last->pooled ? NULL : &watch);
    for (uint32_t c = 0; h->last->pooled && c < h->last->out.channels; c++)
        put(h, c, (int32_t)h->result[c]);
}
