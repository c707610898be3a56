/* core/kernel.c -- the kernel's common half, and the native kernel.
 *
 * The native kernel steps what is due, commits what was touched, and jumps to the next cycle with
 * a pending wake. A block is due when its own timer expires, a payload arrives at an input or a
 * slot frees at an output. Each of these sources has its own wake in the calendar, so that none
 * hides another; a block woken by several in a cycle is stepped once.
 */
#include "core/kernel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/block.h"
#include "core/calendar.h"
#include "core/chan.h"
#include "core/kernel_impl.h"
#include "core/util.h"

struct native;

struct stepper { // a block under this kernel
    struct native *kernel;
    struct block  *block;
    struct wake    timer;
    uint64_t       due_cyc; // latest cycle in which it was due; CYC_NEVER before any
};

struct pipe { // a channel under this kernel
    struct native *kernel;
    struct wake    arrive, free; // of the consumer, of the producer
};

struct native {
    struct kernel    base;
    enum kernel_mode mode;
    struct calendar  calendar;
    struct stepper  *stepper; // one per block
    struct pipe     *pipe;    // one per channel
    struct stepper **due;     // in the present cycle
    struct chan    **touched; // in the present cycle
    size_t           n_touched;
};

static void on_touch(struct chan *c)
{
    struct native *n = ((struct pipe *)c->kernel)->kernel;
    n->touched[n->n_touched++] = c;
}

static void on_wake(struct block *b, uint64_t cyc)
{
    struct stepper *s = b->kernel;

    assert(cyc > s->kernel->base.last_cyc || cyc == 0); // else it would be due in this cycle again
    if (!s->timer.link || cyc < s->timer.cyc)
        calendar_set(&s->kernel->calendar, &s->timer, cyc);
}

static void commit_touched(struct native *n, uint64_t now_cyc)
{
    for (size_t i = 0; i < n->n_touched; i++) {
        struct chan *c = n->touched[i];
        struct pipe *p = c->kernel;
        struct chan_wakes wake = chan_commit(c, now_cyc);
        if (wake.arrive_cyc != CYC_NEVER)
            calendar_set(&n->calendar, &p->arrive, wake.arrive_cyc);
        if (wake.free_cyc != CYC_NEVER)
            calendar_set(&n->calendar, &p->free, wake.free_cyc);
    }
    n->n_touched = 0;
}

/* Lists every block with a wake in now_cyc once. Returns how many. */
static size_t list_due(struct native *n, uint64_t now_cyc)
{
    size_t n_due = 0;

    for (struct wake *w = calendar_take(&n->calendar, now_cyc); w; w = w->next) {
        struct stepper *s = w->whom;
        if (s->due_cyc != now_cyc)
            n->due[n_due++] = s;
        s->due_cyc = now_cyc;
    }
    return n_due;
}

static void step(struct native *n, struct stepper *s, uint64_t now_cyc)
{
    uint64_t timer_cyc = s->block->ops->step(s->block, now_cyc);

    assert(timer_cyc > now_cyc);
    calendar_set(&n->calendar, &s->timer, timer_cyc);
}

static void execute_due(struct native *n, uint64_t now_cyc)
{
    size_t n_due = list_due(n, now_cyc);

    n->base.last_cyc = now_cyc;
    if (n->mode == KERNEL_REVERSED)
        while (n_due > 0)
            step(n, n->due[--n_due], now_cyc);
    else
        for (size_t i = 0; i < n_due; i++)
            step(n, n->due[i], now_cyc);
    if (n->n_touched > 0)
        commit_touched(n, now_cyc);
}

static void execute_all(struct native *n, uint64_t now_cyc)
{
    if (calendar_next(&n->calendar) == now_cyc && list_due(n, now_cyc) > 0)
        n->base.last_cyc = now_cyc;
    for (size_t i = 0; i < n->base.design->n_block; i++)
        step(n, &n->stepper[i], now_cyc);
    commit_touched(n, now_cyc);
}

static void native_run(struct kernel *k, uint64_t until_cyc)
{
    struct native *n = (struct native *)k;
    uint64_t now = k->open_cyc;
    uint64_t next;

    while ((next = calendar_next(&n->calendar)) != CYC_NEVER && now <= until_cyc) {
        if (n->mode == KERNEL_EVERY_CYCLE)
            execute_all(n, now);
        else if (next <= until_cyc)
            execute_due(n, now = next);
        else
            break;
        now++;
    }
}

static uint64_t native_next_cyc(const struct kernel *k)
{
    return calendar_next(&((const struct native *)k)->calendar);
}

static void native_settle(struct kernel *k, struct chan *c)
{
    struct native *n = (struct native *)k;

    assert(n->n_touched == 1 && n->touched[0] == c);
    commit_touched(n, k->open_cyc - 1);
}

static void native_free(struct kernel *k)
{
    struct native *n = (struct native *)k;

    free(n->stepper);
    free(n->pipe);
    free(n->due);
    free(n->touched);
    free(n);
}

static const struct kernel_ops native_ops = {
    .run = native_run, .next_cyc = native_next_cyc, .settle = native_settle, .free = native_free,
};

static void attach_blocks(struct native *n, const struct design *d)
{
    for (size_t i = 0; i < d->n_block; i++) {
        struct stepper *s = &n->stepper[i];
        *s = (struct stepper){ .kernel = n, .block = d->block[i], .timer.whom = s,
                               .due_cyc = CYC_NEVER };
        d->block[i]->kernel = s;
        d->block[i]->wake = on_wake;
        calendar_set(&n->calendar, &s->timer, 0);
    }
}

static void attach_chans(struct native *n, const struct design *d)
{
    for (size_t i = 0; i < d->n_chan; i++) {
        struct chan *c = d->chan[i];
        assert(chan_count(c) == 0);
        n->pipe[i] = (struct pipe){
            .kernel = n,
            .arrive.whom = c->consumer ? c->consumer->kernel : NULL,
            .free.whom = c->producer ? c->producer->kernel : NULL,
        };
        c->kernel = &n->pipe[i];
        c->touched = on_touch;
    }
}

static struct kernel *native_new(const struct design *d, enum kernel_mode mode)
{
    struct native *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->base.ops = &native_ops;
    n->mode = mode;
    n->stepper = calloc(d->n_block + 1, sizeof *n->stepper); // + 1: an empty design is no failure
    n->pipe = calloc(d->n_chan + 1, sizeof *n->pipe);
    n->due = calloc(d->n_block + 1, sizeof *n->due);
    n->touched = calloc(d->n_chan + 1, sizeof *n->touched);
    if (!n->stepper || !n->pipe || !n->due || !n->touched) {
        native_free(&n->base);
        return NULL;
    }
    attach_blocks(n, d);
    attach_chans(n, d);
    return &n->base;
}

bool kernel_available(enum kernel_kind kind)
{
#ifdef WITH_SYSTEMC
    return kind == KERNEL_NATIVE || kernel_systemc_available();
#else
    return kind == KERNEL_NATIVE;
#endif
}

struct kernel *kernel_new(enum kernel_kind kind, const struct design *d, enum kernel_mode mode)
{
    struct kernel *k = NULL;

    if (kind == KERNEL_NATIVE)
        k = native_new(d, mode);
#ifdef WITH_SYSTEMC
    else
        k = kernel_new_systemc(d);
#endif
    if (k)
        k->design = d;
    return k;
}

void kernel_free(struct kernel *k)
{
    if (k)
        k->ops->free(k);
}

uint64_t kernel_run(struct kernel *k, uint64_t until_cyc)
{
    if (until_cyc >= k->open_cyc) {
        k->ops->run(k, until_cyc);
        k->until_cyc = min_u64(until_cyc, CYC_NEVER - 1); // empty channels are visible never
        /* Told to run for ever, it stands behind the last cycle in which a block was due. */
        k->open_cyc = until_cyc == CYC_NEVER ? max_u64(k->open_cyc, k->last_cyc + 1)
                                             : until_cyc + 1;
    }
    return k->last_cyc;
}

uint64_t kernel_next_cyc(const struct kernel *k)
{
    return k->ops->next_cyc(k);
}

bool kernel_inject(struct kernel *k, struct chan *c, uint64_t ready_cyc, const void *payload)
{
    assert(!c->producer);
    if (!chan_can_push(c))
        return false;
    memcpy(chan_push(c, max_u64(ready_cyc, k->open_cyc)), payload, c->payload_bytes);
    k->ops->settle(k, c);
    return true;
}

bool kernel_drain(struct kernel *k, struct chan *c, void *payload)
{
    assert(!c->consumer);
    if (k->open_cyc == 0 || !chan_can_pop(c, k->until_cyc))
        return false;
    memcpy(payload, chan_pop(c, k->until_cyc), c->payload_bytes);
    k->ops->settle(k, c);
    return true;
}

void kernel_describe(const struct kernel *k, FILE *out)
{
    for (size_t i = 0; i < k->design->n_block; i++)
        k->design->block[i]->ops->describe(k->design->block[i], out);
}
