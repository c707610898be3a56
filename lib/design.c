/* lib/design.c -- see imcsim.h: blocks of a user's own, run by the native kernel. */
#include "imcsim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/block.h"
#include "core/chan.h"
#include "core/kernel.h"
#include "lib/document.h"

static_assert(IMCSIM_NEVER == CYC_NEVER, "both mean never");

struct imcsim_block {
    struct block         block; // first: what the kernel knows of it
    struct imcsim_block *next;
    char                *name; // owned
    uint64_t (*step)(void *user, uint64_t now);
    void *user;
};

struct imcsim_channel {
    struct chan            chan; // first
    struct imcsim_channel *next;
    char                  *name; // owned
};

struct imcsim_design {
    struct imcsim_block   *block;   // owned; the latest first
    struct imcsim_channel *channel; // owned; likewise
    struct block         **blocks;  // owned; [n_block], once it runs
    struct chan          **chans;   // owned
    size_t                 n_block, n_chan;
    struct design          design;  // of the two
    struct kernel         *kernel;  // NULL before the first run
};

struct imcsim_design *imcsim_design_new(struct imcsim_error *e)
{
    struct imcsim_design *d = calloc(1, sizeof *d);
    struct err_msg m;

    if (!d)
        tell(e, err_set(&m, ERR_MEMORY, "out of memory"), &m);
    return d;
}

void imcsim_design_free(struct imcsim_design *d)
{
    if (!d)
        return;
    kernel_free(d->kernel);
    for (struct imcsim_channel *c = d->channel, *next; c; c = next) {
        next = c->next;
        chan_release(&c->chan);
        free(c->name);
        free(c);
    }
    for (struct imcsim_block *b = d->block, *next; b; b = next) {
        next = b->next;
        free(b->name);
        free(b);
    }
    free(d->blocks);
    free(d->chans);
    free(d);
}

static uint64_t step(struct block *b, uint64_t now)
{
    struct imcsim_block *own = (struct imcsim_block *)b;

    return own->step(own->user, now);
}

static void describe(const struct block *b, FILE *out)
{
    fprintf(out, "%s\n", b->path);
}

struct imcsim_block *imcsim_block_new(struct imcsim_design *d, const char *name,
                                      uint64_t (*step_)(void *user, uint64_t now), void *user)
{
    static const struct block_ops ops = { .type = "own", .step = step, .describe = describe };
    struct imcsim_block *b = d->kernel ? NULL : calloc(1, sizeof *b);

    if (!b || !(b->name = strdup(name))) {
        free(b);
        return NULL;
    }
    b->block = (struct block){ .ops = &ops, .path = b->name };
    b->step = step_;
    b->user = user;
    b->next = d->block;
    d->block = b;
    d->n_block++;
    return b;
}

struct imcsim_channel *imcsim_channel_new(struct imcsim_design *d, struct imcsim_block *from,
                                          struct imcsim_block *to, uint32_t depth,
                                          size_t payload_bytes)
{
    size_t n = strlen(from->name) + strlen(to->name) + sizeof "->";
    bool good = !d->kernel && depth > 0 && payload_bytes > 0 && payload_bytes <= UINT32_MAX;
    struct imcsim_channel *c = good ? calloc(1, sizeof *c) : NULL;

    if (!c || !(c->name = malloc(n))) {
        free(c);
        return NULL;
    }
    snprintf(c->name, n, "%s->%s", from->name, to->name);
    if (!chan_init(&c->chan, c->name, &from->block, &to->block, depth, payload_bytes)) {
        free(c->name);
        free(c);
        return NULL;
    }
    c->next = d->channel;
    d->channel = c;
    d->n_chan++;
    return c;
}

void *imcsim_push(struct imcsim_channel *c, uint64_t ready)
{
    return chan_can_push(&c->chan) ? chan_push(&c->chan, ready) : NULL;
}

const void *imcsim_pop(struct imcsim_channel *c, uint64_t now)
{
    return chan_can_pop(&c->chan, now) ? chan_pop(&c->chan, now) : NULL;
}

static bool begin(struct imcsim_design *d)
{
    size_t i = d->n_block, k = d->n_chan;

    d->blocks = calloc(d->n_block + 1, sizeof *d->blocks);
    d->chans = calloc(d->n_chan + 1, sizeof *d->chans);
    if (!d->blocks || !d->chans)
        return false;
    for (struct imcsim_block *b = d->block; b; b = b->next)
        d->blocks[--i] = &b->block;
    for (struct imcsim_channel *c = d->channel; c; c = c->next)
        d->chans[--k] = &c->chan;
    d->design = (struct design){ d->blocks, d->n_block, d->chans, d->n_chan };
    d->kernel = kernel_new(KERNEL_NATIVE, &d->design, KERNEL_SKIP_IDLE);
    return d->kernel != NULL;
}

uint64_t imcsim_design_run(struct imcsim_design *d, uint64_t until)
{
    return d->kernel || begin(d) ? kernel_run(d->kernel, until) : IMCSIM_NEVER;
}
