/* arch/elastic/share.c -- streams of a core that are not sent each by itself: those of the same
 * tokens as one packet, and those to the same place over one link, a whole token at a time. */
#include <inttypes.h>
#include <stdlib.h>

#include "arch/elastic/site.h"

/* ---- the same tokens to different cores ---- */

/* Whether one of a lead's links goes to that node: a node takes a packet once. */
static bool goes_to(const struct elastic_chip *c, const struct link *lead, uint32_t node)
{
    for (uint32_t i = 0; i < lead->n_with; i++)
        if (net_to(c->net, lead->with[i]->stream) == node)
            return true;
    return false;
}

/* Any of them may lack room. */
static bool more_causes(struct link *l, uint32_t n)
{
    const struct meter was = l->meter;

    free(l->meter.cause);
    if (!meter_init(&l->meter, 1 + n))
        return false;
    l->meter.stage = was.stage;
    l->meter.watch = was.watch;
    return true;
}

static bool unite(struct elastic_chip *c, struct site *s, struct link *lead)
{
    lead->with = calloc(s->n_link, sizeof(struct link *));
    if (!lead->with)
        return false;
    for (struct link *l = lead; l < s->link + s->n_link; l++)
        if (l->routed && l->lead == l &&
            plan_same_tokens(c->plan, &c->plan->stream[lead->stream],
                             &c->plan->stream[l->stream]) &&
            !goes_to(c, lead, net_to(c->net, l->stream))) {
            l->lead = lead;
            lead->with[lead->n_with++] = l;
        }
    for (uint32_t i = 0; i < lead->n_with; i++)
        if (!more_causes(lead->with[i], lead->n_with))
            return false;
    return true;
}

bool links_unite(struct elastic_chip *c)
{
    for (uint32_t i = 0; i < c->n_site; i++)
        for (uint32_t k = 0; k < c->site[i].n_link; k++) {
            struct link *l = &c->site[i].link[k];
            if (l->routed && l->lead == l && !unite(c, &c->site[i], l))
                return false;
        }
    return true;
}

struct link *link_short_of(struct link *l, uint32_t n)
{
    if (l->credit < n)
        return l;
    for (uint32_t i = 1; i < l->n_with; i++)
        if (l->with[i]->credit < n)
            return l->with[i];
    return NULL;
}

/* ---- different tokens to the same core ---- */

static struct wire *wire_to(const struct elastic_chip *c, struct site *s, uint32_t to)
{
    for (uint32_t i = 0; i < s->n_wire; i++)
        if (c->plan->stream[s->wire[i].link[0]->stream].to == to)
            return &s->wire[i];
    struct wire *w = &s->wire[s->n_wire];
    w->link = calloc(s->n_link, sizeof(struct link *));
    s->n_wire += w->link != NULL;
    return w->link ? w : NULL;
}

static enum err check_joined(const struct elastic_chip *c, const struct elastic_places *places,
                             const struct plan_stream *st, struct err_msg *m)
{
    const struct graph *g = places->graph;
    uint32_t from = places->node[st->from], to = places->node[st->to];

    if (graph_routers(g, from, to) > 0)
        return ERR_NONE;
    const struct config *config = c->plan->config;
    return err_set(m, ERR_INPUT, "placement.kind = %.31s: %.60s at row %" PRIu32 ", column %" PRIu32
                   " sends to %.60s at row %" PRIu32 ", column %" PRIu32 ", and no link of fabric."
                   "kind = adjacent joins them: want placement.kind = search, and if that finds "
                   "none more links: %s (imcsim map lists all streams without one)",
                   config->placement.kind, c->plan->core[st->from].name, from / g->columns,
                   from % g->columns, c->plan->core[st->to].name, to / g->columns, to % g->columns,
                   config->fabric.links[0] ? "lines of fabric.links"
                                           : "fabric.reach.diagonal = [1]");
}

enum err links_share(struct elastic_chip *c, const struct elastic_places *places,
                     struct err_msg *m)
{
    enum err e = ERR_NONE;

    for (uint32_t i = 0; !e && i < c->n_site; i++) {
        struct site *s = &c->site[i];
        s->wire = calloc(s->n_link + (size_t)1, sizeof *s->wire);
        for (uint32_t k = 0; s->wire && !e && k < s->n_link; k++) {
            struct link *l = &s->link[k];
            const struct plan_stream *st = &c->plan->stream[l->stream];
            if (!net_carries(st))
                continue;
            e = check_joined(c, places, st, m);
            l->wire = e ? NULL : wire_to(c, s, st->to);
            if (l->wire)
                l->wire->link[l->wire->n++] = l;
            if (!e && (!l->wire || !more_causes(l, s->n_link + 1)))
                e = err_set(m, ERR_MEMORY, "no memory for links");
        }
        if (!s->wire)
            e = err_set(m, ERR_MEMORY, "no memory for links");
    }
    return e;
}

/* Every link of the fabric is there, whether it carries anything or not. */
void links_measure(const struct elastic_chip *c, const struct elastic_places *places,
                   struct elastic_wires *w)
{
    const struct graph *g = places->graph;

    *w = (struct elastic_wires){ 0 };
    for (uint32_t p = 0; p < g->n_router * g->n_port; p++)
        if (g->peer[p] != GRAPH_NONE && graph_is_router(g->peer[p]))
            w->wire_halves += graph_length(g, p);
    for (uint32_t i = 0; i < c->plan->n_stream; i++) {
        const struct plan_stream *st = &c->plan->stream[i];
        if (!net_carries(st))
            continue;
        uint32_t from = places->node[st->from], to = places->node[st->to];
        uint32_t port = from * g->n_port + g->exit(g, from, to);
        w->bit_halves += c->link_of[i]->count.bits * graph_length(g, port);
    }
}

/* Whether it has a token, and its receiver room. */
static bool can_send(const struct link *l)
{
    return l->n == 0 && l->next < l->from->end &&
           l->credit >= send_buffer_token(l->from, l->next)->n;
}

bool link_is_shared(const struct link *l)
{
    return l->wire && l->wire->n > 1;
}

bool link_has_turn(const struct link *l)
{
    const struct wire *w = l->wire;

    if (!w)
        return true;
    for (uint32_t i = 0; !w->busy && i < w->n; i++) {
        const struct link *next = w->link[(w->turn + i) % w->n];
        if (can_send(next))
            return next == l;
    }
    return false;
}

void link_takes_wire(struct link *l)
{
    struct wire *w = l->wire;
    uint32_t at = 0;

    while (w->link[at] != l)
        at++;
    w->busy = l;
    w->turn = (at + 1) % w->n;
}

void links_release(struct site *s)
{
    for (uint32_t i = 0; s->link && i < s->n_link; i++)
        free(s->link[i].with);
    for (uint32_t i = 0; s->wire && i < s->n_wire; i++)
        free(s->wire[i].link);
    free(s->wire);
    s->wire = NULL;
}
