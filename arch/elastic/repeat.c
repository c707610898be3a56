/* arch/elastic/repeat.c -- images that repeat one another are run once.
 *
 * What a chip does from a clock on follows from its state alone. Where that is, as an image's
 * result is there, what it was `period` images before, counted from that image and clock, all until
 * the last image has come is as in that period. So the images between are left out: the chip runs
 * as many fewer, what the period has counted counts as often as it fits, and results between come a
 * period's clocks after one another. Periods are whole rotations of the memories in which pixels
 * share words, as columns come to other slots, or less, where the others do not notice (turns.c);
 * up to MOST_ROTATIONS of them, as routers have turns of their own. Where the state was the same
 * after some images of the period too, but for the slots, as many are left out beyond whole
 * periods, and the memories are turned by them. */
#include <stdlib.h>
#include <string.h>

#include "arch/elastic/state.h"

enum { MOST_PERIOD = 64, MOST_ROTATIONS = 12, LEAST_IMAGES = 2 };

struct moment { // as an image ended
    uint64_t       clk, image;
    struct numbers state; // what decides all that follows
    uint64_t      *sum;   // owned; what adds up; NULL: it has never been kept
};

struct repeat {
    struct elastic_chip *chip;
    uint64_t   rotation;    // images
    uint64_t   n_moment;
    uint64_t   image;       // the last that has ended
    uint64_t   n_result;    // of the chip, as looked at last
    struct moment *moment;  // owned; [n_moment]: of image i at i % n_moment
    struct sums sum;        // owned; what adds up
    size_t    *sum_end;     // owned; [n_site]: behind a site's
    struct numbers state;   // as it is now
    struct turns *turns;    // owned; NULL: only whole rotations are periods
    bool       done;
};

/* ---- a moment ---- */

/* An image is paced by the clocks from when the first one came. */
static void put_state(struct repeat *r, uint64_t now)
{
    const struct elastic_chip *c = r->chip;

    r->state.n = 0;
    numbers_put(&r->state, c->cfg->image_period_clk ? now - r->image * c->cfg->image_period_clk
                                                    : 0);
    for (uint32_t i = 0; i < c->n_site; i++)
        state_of_site(&r->state, &c->site[i], r->image, now);
    if (c->net)
        net_state(c->net, now, numbers_put, &r->state);
}

static void find_sums(struct repeat *r)
{
    struct elastic_chip *c = r->chip;

    for (uint32_t i = 0; i < c->n_site; i++) {
        sums_of_site(&r->sum, &c->site[i]);
        r->sum_end[i] = r->sum.n;
    }
    if (c->net)
        net_sums(c->net, sums_add, &r->sum);
}

void chip_settle(struct elastic_chip *c, uint64_t now, bool done)
{
    if (c->net)
        net_settle(c->net, now);
    for (uint32_t i = 0; i < c->n_site; i++) {
        struct site *s = &c->site[i];
        if (!site_is_run(s) || (s->ahead && !done))
            continue;
        fill_settle(&s->out.fill, now);
        for (uint32_t k = 0; k < s->n_link; k++)
            meter_settle(&s->link[k].meter, now);
        if (i >= c->plan->n_core)
            continue;
        meter_settle(&s->port_meter, now);
        meter_settle(&s->array_meter, now);
        meter_settle(&s->digital_meter, now);
        for (uint32_t k = 0; k < s->n_in; k++)
            fill_settle(&s->in[k].fill, now);
        for (uint32_t k = 0; k < s->n_added; k++)
            fill_settle(&s->added[k].fill, now);
        fill_settle(&s->sums.fill, now);
        for (uint32_t k = 0; k < s->n_back; k++)
            fill_settle(&s->back[k].out.fill, now);
        if (s->works)
            s->count.busy_clk += now - s->works_clk;
        s->works_clk = now;
    }
}

/* ---- from image to image ---- */

static uint64_t gcd(uint64_t a, uint64_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

/* Images until all memories have their columns where they had them; 0: too many. */
static uint64_t rotation(const struct elastic_chip *c)
{
    uint64_t n = 1;

    for (uint32_t i = 0; i < c->plan->n_core && n <= MOST_PERIOD; i++) {
        uint32_t own = memory_rotation(c->site[i].layout, c->site[i].pl->in_width);
        n = n / gcd(n, own) * own;
    }
    return n <= MOST_PERIOD ? n : 0;
}

static bool make_moments(struct repeat *r)
{
    r->moment = calloc(r->n_moment, sizeof *r->moment);
    for (uint64_t i = 0; r->moment && i < r->n_moment; i++)
        r->moment[i].image = UINT64_MAX;
    return r->moment != NULL;
}

void repeat_free(struct repeat *r)
{
    for (uint64_t i = 0; r && r->moment && i < r->n_moment; i++) {
        free(r->moment[i].state.at);
        free(r->moment[i].sum);
    }
    if (r) {
        free(r->moment);
        free(r->state.at);
        free(r->sum.at);
        free(r->sum_end);
        turns_free(r->turns);
        for (uint32_t i = 0; i < r->chip->plan->n_core; i++)
            r->chip->site[i].stays = false; // no moments are compared any more
    }
    free(r);
}

struct repeat *repeat_new(struct elastic_chip *c, const struct elastic_cfg_run *cfg)
{
    struct repeat *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    *r = (struct repeat){ .chip = c, .rotation = rotation(c), .image = UINT64_MAX };
    r->n_moment = r->rotation * MOST_ROTATIONS;
    if (c->n_image > LEAST_IMAGES + 1)
        r->turns = turns_new(c, cfg, r->rotation);
    r->done = r->rotation == 0 ||
              c->n_image < (r->turns ? 1 : r->rotation) + LEAST_IMAGES; // none to be left out
    if (r->done)
        return r;
    r->sum_end = calloc(c->n_site, sizeof *r->sum_end);
    if (r->sum_end)
        find_sums(r);
    if (!r->sum_end || r->sum.lacks || !make_moments(r)) {
        repeat_free(r);
        return NULL;
    }
    return r;
}

/* Whether pixels come to places from now on in which others were before. */
static bool reuses_slots(const struct site *s)
{
    for (uint32_t i = 0; i < s->n_in; i++) {
        const struct order *o = s->in[i].order;
        uint64_t column = s->in[i].taken / o->n * s->pl->in_width, least = s->pl->in_width;
        for (uint64_t k = s->in[i].taken % o->n; k < o->n; k++)
            least = min_u64(least, o->at[k].column);
        if (column + least < s->layout->shape.columns)
            return false;
    }
    return true;
}

static bool all_reuse_slots(const struct elastic_chip *c)
{
    for (uint32_t i = 0; i < c->plan->n_core; i++)
        if (!reuses_slots(&c->site[i]))
            return false;
    return true;
}

uint64_t chip_images_ended(const struct elastic_chip *c)
{
    uint64_t n = UINT64_MAX;

    for (uint32_t i = 0; i < c->plan->n_core; i++)
        if (c->site[i].delivers)
            n = min_u64(n, c->site[i].made / c->site[i].own->n);
    return n;
}

uint64_t chip_images_begun(const struct elastic_chip *c)
{
    uint64_t n = 0;

    while (n < c->n_image && c->start_clk[n] != UINT64_MAX)
        n++;
    return n;
}

static const struct moment *moment_of(const struct repeat *r, uint64_t image)
{
    const struct moment *m = &r->moment[image % r->n_moment];

    return m->image == image ? m : NULL;
}

/* Those of the next pixels and of the next firings. */
uint64_t chip_images_known(const struct elastic_chip *c)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < c->n_site; i++) {
        const struct site *s = &c->site[i];
        bool feeds = i >= c->plan->n_core;
        uint64_t at = feeds ? s->pixels : s->load_next + max_u32(s->group_n, 1) - 1;
        n = max_u64(n, order_image(feeds ? &c->image : s->own, at) + 1);
    }
    return n;
}

/* How many of at most `most` images can be left out: whole periods and the first images of one. */
static uint64_t how_many(const struct repeat *r, uint64_t first, uint64_t period, uint64_t most)
{
    uint64_t n = most;

    for (const struct moment *m; n % period > 0; n--)
        if ((m = moment_of(r, first + n % period)) && numbers_same(&r->state, &m->state))
            break;
    return n;
}

/* What of a site adds up: as often as a period fits, and in a part of one. */
static void add_sums(struct repeat *r, uint32_t site, uint64_t times, const struct moment *before,
                     const struct moment *rest)
{
    for (size_t i = site > 0 ? r->sum_end[site - 1] : 0; i < r->sum_end[site]; i++)
        *r->sum.at[i] += times * (*r->sum.at[i] - before->sum[i]) + rest->sum[i] - before->sum[i];
}

static uint64_t most_left_out(const struct elastic_chip *c)
{
    const uint64_t known = chip_images_known(c);

    return c->n_image > known ? c->n_image - known : 0;
}

/* `turned`: the memories have been as often as they can be. */
static void leave_out(struct repeat *r, const struct moment *before, uint64_t now, bool turned)
{
    struct elastic_chip *c = r->chip;
    const uint64_t period = r->image - before->image, most = most_left_out(c);
    const uint64_t images = turned ? most / period * period
                                   : how_many(r, before->image, period, most);
    const struct moment *rest = moment_of(r, before->image + images % period);
    const uint64_t times = images / period;

    for (uint32_t i = 0; i < c->n_site; i++)
        if (!turned || !turns_has(r->turns, i))
            add_sums(r, i, times, before, rest);
    for (size_t i = r->sum_end[c->n_site - 1]; i < r->sum.n; i++)
        *r->sum.at[i] += times * (*r->sum.at[i] - before->sum[i]) + rest->sum[i] - before->sum[i];
    c->left_out = (struct left_out){
        .images = images, .period = period, .period_clk = now - before->clk,
        .clk = times * (now - before->clk) + rest->clk - before->clk,
        .begun = chip_images_begun(c), .ended = r->image + 1 };
    if (turned)
        turns_leave_out(r->turns, times);
    for (uint32_t i = 0; c->ahead && i < c->plan->n_core; i++)
        ahead_turn(&c->site[i]);
    c->n_image -= images;
}

/* Keeps the moment for later ones, to which it gives its room. */
static void keep(struct repeat *r, struct moment *m, uint64_t now)
{
    struct numbers other = m->state;

    if (!m->sum && !(m->sum = malloc(r->sum.n * sizeof *m->sum))) {
        r->done = true; // without memory for it nothing is left out
        return;
    }
    m->clk = now;
    m->image = all_reuse_slots(r->chip) ? r->image : UINT64_MAX;
    m->state = r->state;
    r->state = other;
    for (size_t i = 0; i < r->sum.n; i++)
        m->sum[i] = *r->sum.at[i];
}

void chip_find_out(struct elastic_chip *c, uint64_t now)
{
    bool any;

    do {
        any = false;
        for (uint32_t i = 0; i < c->n_site; i++)
            if (site_is_run(&c->site[i]))
                site_settle(&c->site[i], now + 1);
        for (uint32_t i = 0; c->ahead && i < c->plan->n_core; i++)
            any |= site_is_run(&c->site[i]) && ahead_run(&c->site[i], now);
    } while (any);
}

static void stop_turning(struct repeat *r)
{
    turns_free(r->turns);
    r->turns = NULL;
}

/* Where the state was the same but for the slots. */
static void look_turned(struct repeat *r, uint64_t now)
{
    if (!turns_mark(r->turns, r->image, now) || r->image >= r->rotation) {
        stop_turning(r);
        return;
    }
    for (uint64_t ago = 1; !r->done && ago < r->rotation && ago <= r->image; ago++) {
        const struct moment *m = moment_of(r, r->image - ago);
        if (!m || !numbers_same(&r->state, &m->state))
            continue;
        if (turns_repeat(r->turns, m->image, most_left_out(r->chip))) {
            leave_out(r, m, now, true);
            r->done = true;
        }
        stop_turning(r);
        return;
    }
}

/* An image has ended. */
static void look(struct repeat *r, uint64_t now)
{
    chip_find_out(r->chip, now);
    chip_settle(r->chip, now, false);
    put_state(r, now);
    if (r->state.lacks) { // without memory for it nothing is left out
        r->done = true;
        return;
    }
    if (r->turns)
        look_turned(r, now);
    for (uint64_t ago = r->rotation; !r->done && ago <= r->n_moment && ago <= r->image;
         ago += r->rotation) {
        const struct moment *m = moment_of(r, r->image - ago);
        if (!m || !numbers_same(&r->state, &m->state))
            continue;
        leave_out(r, m, now, false);
        r->done = true;
    }
    if (!r->done)
        keep(r, &r->moment[r->image % r->n_moment], now);
}

bool repeat_step(struct repeat *r, uint64_t now)
{
    const struct elastic_chip *c = r->chip;

    if (r->done || c->n_result == r->n_result)
        return !r->done;
    r->n_result = c->n_result;
    uint64_t ended = chip_images_ended(c);
    if (ended > r->image + 1) {
        r->image = ended - 1;
        look(r, now);
    }
    return !r->done;
}

/* The clocks of all images, from those of the images that were run: room for the others. */
static void make_room(uint64_t *clk, const struct left_out *l, uint64_t n_image, uint64_t known)
{
    memmove(clk + known + l->images, clk + known, (n_image - known) * sizeof *clk);
    for (uint64_t i = known + l->images; i < n_image + l->images; i++)
        clk[i] += l->clk;
}

static void spread(uint64_t *clk, const struct left_out *l, uint64_t known)
{
    for (uint64_t i = known; i < known + l->images; i++)
        clk[i] = clk[i - l->period] + l->period_clk;
}

static void spread_starts(uint64_t *clk, const struct left_out *l)
{
    for (uint64_t i = 0; i < l->images; i++)
        clk[l->begun + i] = l->start_clk[i % l->n_start] + i / l->n_start * l->rotation_clk;
}

void repeat_spread(struct elastic_chip *c)
{
    const struct left_out *l = &c->left_out;

    if (l->images == 0)
        return;
    make_room(c->start_clk, l, c->n_image, l->begun);
    make_room(c->result_clk, l, c->n_image, l->ended);
    spread(c->result_clk, l, l->ended);
    if (l->start_clk)
        spread_starts(c->start_clk, l);
    else
        spread(c->start_clk, l, l->begun);
}
