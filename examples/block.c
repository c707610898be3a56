/* examples/block.c -- a block of one's own: a DRAM that feeds a chip.
 *
 * The chip takes an image every `interval`, which the plan says. A DRAM of so many bytes a clock
 * reads images into a buffer of two. Both are blocks of 20 lines; the kernel that runs the chip
 * runs them. Does the chip wait?
 */
#include <stdio.h>
#include <stdlib.h>

#include <imcsim.h>

enum { IMAGES = 100, IMAGE_BYTES = 32 * 32 * 3 };

struct dram {
    struct imcsim_channel *to;
    uint64_t clocks, ready; // of an image; when the one under way is read
    unsigned sent;
};

static uint64_t dram_step(void *user, uint64_t now)
{
    struct dram *d = user;

    if (d->sent == IMAGES || now < d->ready)
        return d->sent == IMAGES ? IMCSIM_NEVER : d->ready;
    unsigned *image = imcsim_push(d->to, now + 1);
    if (!image)
        return IMCSIM_NEVER; // the buffer is full: its channel wakes this block
    *image = d->sent++;
    return d->ready = now + d->clocks;
}

struct chip {
    struct imcsim_channel *from;
    uint64_t interval, due, waited; // clocks
    unsigned taken;
};

static uint64_t chip_step(void *user, uint64_t now)
{
    struct chip *c = user;

    if (now < c->due)
        return c->due;
    if (!imcsim_pop(c->from, now))
        return IMCSIM_NEVER; // the channel wakes this block
    c->waited += c->taken++ > 0 ? now - c->due : 0;
    return c->due = now + c->interval;
}

int main(int argc, char **argv)
{
    const double bytes = argc > 1 ? atof(argv[1]) : 0.05; // a clock
    struct imcsim_error e;
    struct imcsim_study *s = imcsim_load("resnet32", NULL, NULL, &e);
    struct imcsim_design *d = s ? imcsim_design_new(&e) : NULL;
    double interval, clocks;

    if (!d || !imcsim_study_number(s, "timing.interval_timesteps", &interval, &e) ||
        !imcsim_study_number(s, "timing.timestep_clocks", &clocks, &e))
        return fprintf(stderr, "%s\n", e.text), 1;
    struct dram dram = { .clocks = (uint64_t)(IMAGE_BYTES / bytes) };
    struct chip chip = { .interval = (uint64_t)(interval * clocks) };
    dram.ready = dram.clocks;
    struct imcsim_block *from = imcsim_block_new(d, "dram", dram_step, &dram);
    struct imcsim_block *to = imcsim_block_new(d, "chip", chip_step, &chip);
    dram.to = chip.from =
        from && to ? imcsim_channel_new(d, from, to, 2, sizeof(unsigned)) : NULL;
    if (!dram.to)
        return fprintf(stderr, "no memory\n"), 1;
    imcsim_design_run(d, IMCSIM_NEVER);
    printf("%u images, one every %llu clocks; the chip waited %llu clocks for the DRAM\n",
           chip.taken, (unsigned long long)chip.interval, (unsigned long long)chip.waited);
    imcsim_design_free(d);
    imcsim_study_free(s);
    return 0;
}
