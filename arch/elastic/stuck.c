/* arch/elastic/stuck.c -- why nothing moves: every stage that is not done waits for another one, so
 * that whoever follows them comes to a circle. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/core/core.h"
#include "arch/elastic/site.h"

struct node { // a stage
    uint32_t          site;
    enum elastic_kind kind;
    uint32_t          stream; // of a link
};

static const struct elastic_cause *cause_of(const struct elastic_chip *c, const struct node *n)
{
    const struct site *s = &c->site[n->site];
    const struct meter *m = n->kind == ELASTIC_PORT       ? &s->port_meter
                            : n->kind == ELASTIC_CROSSBAR ? &s->array_meter
                            : n->kind == ELASTIC_DIGITAL  ? &s->digital_meter
                                                          : &c->link_of[n->stream]->meter;

    return &m->cause[m->by];
}

static struct node link_node(const struct elastic_chip *c, uint32_t stream)
{
    return (struct node){ core_stream_from(c->plan, stream), ELASTIC_LINK, stream };
}

/* The stage that it waits for. */
static struct node next_of(const struct elastic_chip *c, const struct node *n)
{
    const struct elastic_cause *why = cause_of(c, n);
    const struct plan_stream *st = &c->plan->stream[why->stream];

    switch (why->on) {
    case ON_PIXELS:
    case ON_SUMS:
    case ON_RESIDUAL:
    case ON_OUTPUT:
    case ON_READ_BACK:
    case ON_WIRE:
        return link_node(c, why->stream);
    case ON_CREDIT:
        if (st->kind == STREAM_PARTIAL_SUM || stream_is_added(st->kind))
            return (struct node){ st->to, ELASTIC_DIGITAL, 0 };
        return (struct node){ st->to, ELASTIC_PORT, 0 };
    case ON_TOKEN:
        if (n->site >= c->plan->n_core) // a scratchpad waits for its slowest link
            return *n;
        return (struct node){ n->site,
                              st->kind == STREAM_RESIDUAL || st->kind == STREAM_TO_RESAMPLING
                                  ? ELASTIC_PORT : ELASTIC_DIGITAL, 0 };
    case ON_CROSSBAR:
        return (struct node){ n->site, ELASTIC_CROSSBAR, 0 };
    case ON_DIGITAL:
        return (struct node){ n->site, ELASTIC_DIGITAL, 0 };
    case ON_PORT:
    case ON_SLOT:
    case ON_TIME:
    case ON_NOTHING:
    case N_ELASTIC_ON:
        break;
    }
    return (struct node){ n->site, ELASTIC_PORT, 0 };
}

static bool same(const struct node *a, const struct node *b)
{
    return a->site == b->site && a->kind == b->kind &&
           (a->kind != ELASTIC_LINK || a->stream == b->stream);
}

static struct node after(const struct elastic_chip *c, struct node n)
{
    return next_of(c, &n);
}

/* A stage of the circle that the digital processor of the result waits for. */
static struct node in_circle(const struct elastic_chip *c)
{
    struct node slow = { c->plan->n_core - 1, ELASTIC_DIGITAL, 0 }, fast = slow;

    do {
        slow = after(c, slow);
        fast = after(c, after(c, fast));
    } while (!same(&slow, &fast));
    return slow;
}

struct text {
    char  *at;
    size_t left;
};

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void say(struct text *t, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(t->at, t->left, fmt, args);
    va_end(args);
    size_t used = n < 0 ? 0 : min_u64((uint64_t)n, t->left - 1);
    t->at += used;
    t->left -= used;
}

static void say_fill(struct text *t, const struct elastic_chip *c, const struct fill *f,
                     enum elastic_buffer_kind kind, uint32_t core, struct stuck *stuck)
{
    static const char *const names[N_ELASTIC_BUFFER] = {
        "input", "residual", "sums", "output", "read_back",
    };

    say(t, " (%s.%s %" PRIu32 " of %" PRIu32 " full)", elastic_site_name(c->plan, core),
        names[kind], f->used, f->size);
    stuck->full[kind] = true;
}

/* A stage, and the full buffer that it waits for. */
static void say_node(struct text *t, const struct elastic_chip *c, const struct node *n,
                     struct stuck *stuck)
{
    const struct elastic_cause *why = cause_of(c, n);
    const struct site *s = &c->site[n->site];

    if (n->kind == ELASTIC_LINK) {
        const struct plan_stream *st = &c->plan->stream[n->stream];
        say(t, "%s->%s", elastic_site_name(c->plan, n->site), elastic_site_name(c->plan, st->to));
    } else {
        say(t, "%s.%s", elastic_site_name(c->plan, n->site), elastic_kind_names[n->kind]);
    }
    if (why->on == ON_CREDIT) {
        const struct plan_stream *st = &c->plan->stream[why->stream];
        say_fill(t, c, &c->intake_of[why->stream]->fill,
                 st->kind == STREAM_PARTIAL_SUM ? BUFFER_PARTIAL_SUM
                 : stream_is_added(st->kind) ? BUFFER_RESIDUAL
                                             : BUFFER_INPUT, st->to, stuck);
    }
    if (why->on == ON_OUTPUT)
        say_fill(t, c, &s->out.fill, BUFFER_OUTPUT, n->site, stuck);
    if (why->on == ON_READ_BACK)
        say_fill(t, c, &c->link_of[why->stream]->from->fill, BUFFER_READ_BACK, n->site, stuck);
    if (why->on == ON_SLOT) {
        stuck->columns = max_u32(stuck->columns, s->layout->shape.columns);
        say(t, " (all %" PRIu32 " columns of its memory are taken)", s->layout->shape.columns);
    }
}

/* A stage that waits for itself reads only once more is there than its memory has columns for. */
void stuck_explain(const struct elastic_chip *c, struct err_msg *m, struct stuck *stuck)
{
    const struct node begin = in_circle(c);
    struct node n = begin;
    uint64_t image = chip_images_ended(c) + c->left_out.images;

    *stuck = (struct stuck){ .is = true };
    err_set(m, ERR_RUN, "nothing can move any more while image %" PRIu64 " is computed: ", image);
    struct text t = { m->text + strlen(m->text), sizeof m->text - strlen(m->text) - 100 };
    do {
        say_node(&t, c, &n, stuck);
        say(&t, " waits for ");
        n = after(c, n);
    } while (!same(&n, &begin));
    say_node(&t, c, &begin, stuck);
}

static void list_node(const struct elastic_chip *c, const struct elastic_cfg_run *cfg,
                      const struct node *n)
{
    const enum elastic_state state = cause_of(c, n)->state;
    struct stuck unused = { .is = true };
    char line[256];
    struct text t = { line, sizeof line };

    if (state != ELASTIC_BLOCKED && state != ELASTIC_WAITING)
        return;
    const struct node next = after(c, *n);
    say_node(&t, c, n, &unused);
    say(&t, " %s ", state == ELASTIC_BLOCKED ? "is blocked by" : "waits for");
    say_node(&t, c, &next, &unused);
    cfg->waits(cfg->user, line);
}

void stuck_list(const struct elastic_chip *c, const struct elastic_cfg_run *cfg)
{
    for (uint32_t i = 0; i < c->plan->n_core; i++)
        for (enum elastic_kind kind = 0; kind < ELASTIC_LINK; kind++)
            list_node(c, cfg, &(struct node){ i, kind, 0 });
    for (uint32_t i = 0; i < c->plan->n_stream; i++)
        if (c->intake_of[i]) {
            const struct node n = link_node(c, i);
            list_node(c, cfg, &n);
        }
}
