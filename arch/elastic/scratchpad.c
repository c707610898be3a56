/* arch/elastic/scratchpad.c -- hands the pixels of images to a layer, one by one. */
#include <inttypes.h>

#include "arch/elastic/site.h"

/* The clock before which the next pixel does not go; CYC_NEVER: its image is still to be given. */
static uint64_t paced_clk(const struct site *s)
{
    const struct elastic_chip *c = s->chip;
    const uint64_t image = s->pixels / c->image.n, due = image * c->cfg->image_period_clk;

    if (s->pixels % c->image.n != 0)
        return 0;
    if (!c->live)
        return due;
    return image < c->n_given ? max_u64(due, c->given_clk[image]) : CYC_NEVER;
}

static bool has_more(const struct site *s)
{
    return s->pixels < s->chip->n_image * s->chip->image.n;
}

/* The clock in which the first pixel of an image is sent to whom it is sent first. */
static void note_starts(struct site *s, uint64_t now)
{
    struct elastic_chip *c = s->chip;

    for (uint32_t i = 0; i < s->n_link; i++) {
        const struct link *l = &s->link[i];
        uint64_t image = (l->pixels - 1) / c->image.n;
        if (l->pixels > 0 && (l->pixels - 1) % c->image.n == 0 && now < c->start_clk[image])
            c->start_clk[image] = now;
    }
}

static uint64_t step(struct block *b, uint64_t now)
{
    struct site *s = (struct site *)b;

    links_end(s, now);
    while (has_more(s) && s->out.fill.used < s->out.fill.size && paced_clk(s) <= now) {
        fill_add(&s->out.fill, now, 1);
        send_buffer_put(&s->out, 1, now);
        s->pixels++;
    }
    links_start(s, now);
    note_starts(s, now);
    if (s->chip->checks)
        links_check(s, now);
    uint64_t next = min_u64(s->link_end, links_wake(s)); // each end may let a pixel come
    if (has_more(s) && s->out.fill.used < s->out.fill.size)
        next = min_u64(next, max_u64(paced_clk(s), now + 1));
    return next;
}

static void describe(const struct block *b, FILE *out)
{
    const struct site *s = (const struct site *)b;

    fprintf(out, "%s has put %" PRIu64 " pixels\n", b->path, s->pixels);
}

const struct block_ops elastic_scratchpad_ops = { "elastic_scratchpad", step, describe };
