/* core/chan.c -- see chan.h. */
#include "core/chan.h"

#include <assert.h>
#include <stdlib.h>

#include "core/block.h"
#include "core/util.h"

struct slot {
    uint64_t ready_cyc;
    unsigned char payload[];
};

/* Until a kernel takes the channel, nobody is told. */
static void tell_nobody(struct chan *c)
{
    (void)c;
}

bool chan_init(struct chan *c, const char *path, struct block *producer, struct block *consumer,
               uint32_t depth, size_t payload_bytes)
{
    assert(depth >= 1);
    assert(payload_bytes >= 1 && payload_bytes <= UINT32_MAX);
    *c = (struct chan){0};

    size_t slot_bytes = sizeof(struct slot) + round_up(payload_bytes, sizeof(uint64_t));
    unsigned char *slots = calloc(depth, slot_bytes);
    if (!slots)
        return false;
    *c = (struct chan){
        .path = path,
        .producer = producer,
        .consumer = consumer,
        .depth = depth,
        .payload_bytes = (uint32_t)payload_bytes,
        .slots = slots,
        .slot_bytes = slot_bytes,
        .visible_cyc = CYC_NEVER,
        .touched = tell_nobody,
    };
    return true;
}

void chan_release(struct chan *c)
{
    free(c->slots);
    *c = (struct chan){0};
}

/* The slot `offset` payloads behind the oldest. */
static struct slot *slot_at(const struct chan *c, uint32_t offset)
{
    uint32_t to_wrap = c->depth - c->head;
    uint32_t i = offset < to_wrap ? c->head + offset : offset - to_wrap;

    return (struct slot *)(void *)(c->slots + i * c->slot_bytes);
}

static void touch(struct chan *c)
{
    if (!c->pushed && !c->popped)
        c->touched(c);
}

void *chan_push(struct chan *c, uint64_t ready_cyc)
{
    assert(chan_can_push(c));
    assert(ready_cyc >= c->staged_cyc && ready_cyc != CYC_NEVER);
    touch(c);
    c->pushed = true;
    c->staged_cyc = ready_cyc;

    struct slot *tail = slot_at(c, c->count);
    tail->ready_cyc = ready_cyc;
    return tail->payload;
}

const void *chan_pop(struct chan *c, uint64_t now_cyc)
{
    assert(c->count > 0 && chan_can_pop(c, now_cyc));
    touch(c);
    c->popped = true;
    return slot_at(c, 0)->payload;
}

uint64_t chan_ready_cyc(const struct chan *c)
{
    return c->visible_cyc;
}

uint32_t chan_count(const struct chan *c)
{
    return c->count;
}

struct chan_wakes chan_commit(struct chan *c, uint64_t now_cyc)
{
    const uint64_t next_cyc = now_cyc + 1; // wraps to 0 before the first cycle
    const bool new_oldest = c->popped || (c->pushed && c->count == 0);

    struct chan_wakes wake = { CYC_NEVER, CYC_NEVER };
    if (c->popped) {
        if (c->count == c->depth && c->producer)
            wake.free_cyc = next_cyc;
        c->head = c->head + 1 == c->depth ? 0 : c->head + 1;
        c->count--;
    }
    if (c->pushed) {
        assert(c->staged_cyc >= next_cyc); // 0 cycles would make the result depend on step order
        c->count++;
    }
    if (new_oldest) {
        c->visible_cyc = c->count ? slot_at(c, 0)->ready_cyc : CYC_NEVER;
        if (c->visible_cyc >= next_cyc && c->consumer)
            wake.arrive_cyc = c->visible_cyc;
    }
    c->pushed = c->popped = false;
    return wake;
}
