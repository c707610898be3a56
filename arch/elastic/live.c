/* arch/elastic/live.c -- images that come while the chip runs; see elastic.h.
 *
 * The same chip as that of elastic_run(), whose scratchpads wait for what has not been given: when
 * an image is there is all that it is told from outside. Nothing is left out (repeat.c), as nobody
 * knows when images will come. */
#include <assert.h>
#include <stdlib.h>

#include "arch/elastic/site.h"

struct elastic_live {
    struct elastic_chip    chip;
    struct elastic_cfg_run cfg;
    uint64_t               room; // of given_clk
    uint64_t               open_clk; // the first that has not been run
};

enum err elastic_live_new(struct elastic_live **l, const struct plan *p,
                          const struct elastic_cfg_run *cfg, struct err_msg *m)
{
    const struct chip_kind kind = { .live = true };
    struct elastic_live *n = calloc(1, sizeof *n);

    *l = NULL;
    if (!n)
        return err_set(m, ERR_MEMORY, "no memory for the run");
    assert(cfg->n_image > 0 && cfg->kernel == KERNEL_NATIVE);
    n->cfg = *cfg;
    if (!n->cfg.elastic)
        n->cfg.elastic = &p->config->elastic;
    enum err e = chip_make(&n->chip, p, &n->cfg, &kind, m);
    if (e) {
        elastic_live_free(n);
        return e;
    }
    *l = n;
    return ERR_NONE;
}

void elastic_live_free(struct elastic_live *l)
{
    if (!l)
        return;
    chip_release(&l->chip);
    free(l);
}

static bool make_room(struct elastic_live *l)
{
    const uint64_t room = l->room ? 2 * l->room : 16;
    uint64_t *clk = realloc(l->chip.given_clk, room * sizeof *clk);

    if (!clk)
        return false;
    l->chip.given_clk = clk;
    if (!chip_note_images(&l->chip, room))
        return false;
    l->room = room;
    return true;
}

bool elastic_live_give(struct elastic_live *l, uint64_t clk)
{
    struct elastic_chip *c = &l->chip;

    assert(c->n_given < c->n_image && clk >= l->open_clk);
    assert(c->n_given == 0 || clk >= c->given_clk[c->n_given - 1]);
    if (c->n_given == l->room && !make_room(l))
        return false;
    c->given_clk[c->n_given++] = clk;
    for (uint32_t i = c->plan->n_core; i < c->n_site; i++)
        c->block[i]->wake(c->block[i], clk);
    return true;
}

uint64_t elastic_live_next(const struct elastic_live *l)
{
    return kernel_next_cyc(l->chip.kernel);
}

enum err elastic_live_run(struct elastic_live *l, uint64_t clk, struct err_msg *m)
{
    kernel_run(l->chip.kernel, clk);
    l->open_clk = clk + 1;
    if (l->chip.err)
        *m = l->chip.msg;
    if (l->chip.err)
        return l->chip.err;
    return l->chip.net ? net_error(l->chip.net, m) : ERR_NONE;
}

uint64_t elastic_live_begun(const struct elastic_live *l)
{
    const struct elastic_chip *c = &l->chip;
    uint64_t n = 0;

    while (n < c->n_given && c->start_clk[n] != UINT64_MAX)
        n++;
    return n;
}

uint64_t elastic_live_ended(const struct elastic_live *l, uint64_t *clk)
{
    uint64_t n = chip_images_ended(&l->chip);

    *clk = n > 0 ? l->chip.result_clk[n - 1] : 0;
    return n;
}

uint64_t elastic_live_firings(const struct elastic_live *l)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < l->chip.plan->n_core; i++)
        n += l->chip.site[i].count.firings;
    return n;
}

enum err elastic_live_end(struct elastic_live *l, struct elastic_result *r, struct err_msg *m)
{
    struct stuck stuck;

    assert(l->chip.n_given == l->chip.n_image);
    return chip_end(&l->chip, &l->cfg, r, m, &stuck);
}
