/* traces/images/random_images.c -- "random": a hundred images of noise for who has none, always the
 * same.
 *
 * Every byte is uniform and independent; of a recording every input has an event in one bin of
 * sixteen, by chance. A network's classes of them mean nothing; timing, energy and whether two
 * programs agree do not need them to. */
#include <string.h>

#include "core/rng.h"
#include "traces/images/image_format.h"

enum { N_RANDOM = 100, BINS_AN_EVENT = 16 };

struct random_images {
    struct image_reader base;
    uint64_t            next;
};

static bool random_probe(const struct image_clue *c)
{
    return !c->file && !c->directory && strcmp(c->path, "random") == 0;
}

static enum err random_open(struct image_reader *r, struct err_msg *m)
{
    if (r->how.labels || r->how.shape)
        return err_set(m, ERR_INPUT, "--images random: want no --labels and no --image-shape");
    r->shape = r->want;
    return ERR_NONE;
}

static enum err random_count(struct image_reader *r, uint64_t *count, struct err_msg *m)
{
    (void)r;
    (void)m;
    *count = N_RANDOM;
    return ERR_NONE;
}

static enum err random_next(struct image_reader *r, uint8_t *pixels, uint32_t *label, int *more,
                            struct err_msg *m)
{
    struct random_images *s = (struct random_images *)r;
    const struct rng image = rng_in(rng_at(0, "images"), s->next);
    const uint32_t n_bin = r->how.n_bin;
    const size_t n = image_bytes(r) * (n_bin > 0 ? n_bin : 1);

    (void)m;
    *label = 0;
    *more = s->next < N_RANDOM;
    for (size_t i = 0; *more && i < n; i++) {
        const uint8_t byte = (uint8_t)(rng_u64(image, i / 8) >> i % 8 * 8);
        pixels[i] = n_bin > 0 ? byte % BINS_AN_EVENT == 0 : byte;
    }
    s->next += *more ? 1 : 0;
    return ERR_NONE;
}

const struct image_format image_random = {
    .name = "the word random", .reader_byte = sizeof(struct random_images),
    .probe = random_probe, .open = random_open, .count = random_count, .next = random_next,
};
