/* arch/elastic/turns.c -- cores whose memories turn from image to image.
 *
 * Where pixels share words, what a memory reads and writes for a pixel depends on the slot that its
 * column came to, and columns come to other slots in the next image: its core repeats only after a
 * whole rotation. The others know of that core what it tells them: when pixels come, and places are
 * free. So once all is as it was a period before, but for the slots, such cores are run alone, with
 * the scratchpads that feed them, in a chip of their own: as they were, by what the others have
 * told them, and on for a whole rotation, as if they were told the same again in each period. If
 * they tell the others the same again too, and are what they were at its end, so it is in all
 * periods that follow, and what each turn of the memories counts is known. */
#include <stdlib.h>

#include "arch/core/core.h"
#include "arch/elastic/state.h"

struct kept { // of a mail that such a core reads or writes
    uint32_t       stream;
    bool           credits; // else tokens
    bool           comes;   // from others, else goes to them
    struct letters letters;
};

struct mark { // as an image ended
    uint64_t clk;
    size_t  *n; // owned; [n_kept]: letters that had been put
};

struct turns {
    struct elastic_chip          *chip;
    const struct elastic_cfg_run *cfg;
    uint64_t     rotation; // images
    bool        *turning;  // owned; [n_site]: such a core, or what feeds one
    uint64_t     n_output; // of such cores, an image
    struct kept *kept;     // owned
    uint32_t     n_kept;
    struct mark *mark;     // owned; [n_mark], by image; room for `rotation`
    uint64_t     n_mark;
    uint64_t     n_turn;   // that a period comes to
    uint64_t     n_run;    // of them: no image comes after these, or all
    struct sums  sums;     // of the chip's
    uint64_t    *count;    // owned; [n_turn][sums.n]: that they grow by, in each turn
    uint64_t    *start_clk; // owned; [n_start]: of a rotation of images that have not begun
    uint64_t     n_start, rotation_clk;
};

/* ---- what is kept ---- */

static struct mail *mail_of(const struct elastic_chip *c, const struct kept *k)
{
    return k->credits ? &c->credits[k->stream] : &c->tokens[k->stream];
}

static uint64_t rotation_of(const struct site *s)
{
    return memory_rotation(s->layout, s->pl->in_width);
}

/* False if one of them delivers: when results are there is told by no letter. */
static bool find_cores(struct turns *t)
{
    const struct elastic_chip *c = t->chip;

    for (uint32_t i = 0; i < c->plan->n_core; i++) {
        const struct site *s = &c->site[i];
        if (rotation_of(s) == 1)
            continue;
        if (s->delivers)
            return false;
        t->turning[i] = true;
        t->n_output += s->own->n;
    }
    for (uint32_t i = 0; i < c->plan->n_stream; i++) {
        const uint32_t from = core_stream_from(c->plan, i);
        if (from >= c->plan->n_core && t->turning[c->plan->stream[i].to])
            t->turning[from] = true;
    }
    return t->n_output > 0;
}

/* Their ports stay with the clock: how far ahead they are would depend on who knows what. */
static void stay(const struct turns *t, struct elastic_chip *c)
{
    for (uint32_t i = 0; i < c->plan->n_core; i++)
        c->site[i].stays = t->turning[i];
}

/* What they are told by others, and tell them. */
static void keep(struct turns *t)
{
    const struct elastic_chip *c = t->chip;

    for (uint32_t i = 0; i < c->plan->n_stream; i++) {
        const bool from = t->turning[core_stream_from(c->plan, i)];
        const bool to = c->intake_of[i] && t->turning[c->plan->stream[i].to];
        if (!c->intake_of[i] || from == to)
            continue;
        t->kept[t->n_kept++] = (struct kept){ .stream = i, .comes = to };
        t->kept[t->n_kept++] = (struct kept){ .stream = i, .credits = true, .comes = from };
    }
    for (struct kept *k = t->kept; k < t->kept + t->n_kept; k++)
        mail_of(c, k)->kept = &k->letters;
}

struct turns *turns_new(struct elastic_chip *c, const struct elastic_cfg_run *cfg,
                        uint64_t rotation)
{
    struct turns *t = c->ahead && rotation > 1 ? calloc(1, sizeof *t) : NULL;

    if (!t)
        return NULL;
    *t = (struct turns){ .chip = c, .cfg = cfg, .rotation = rotation };
    t->turning = calloc(c->n_site, sizeof *t->turning);
    t->kept = calloc(2 * (size_t)c->plan->n_stream, sizeof *t->kept);
    t->mark = calloc(rotation, sizeof *t->mark);
    if (!t->turning || !t->kept || !t->mark || !find_cores(t)) {
        turns_free(t);
        return NULL;
    }
    keep(t);
    stay(t, c);
    return t;
}

void turns_free(struct turns *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; i < t->n_kept; i++) {
        mail_of(t->chip, &t->kept[i])->kept = NULL;
        free(t->kept[i].letters.at);
    }
    for (uint64_t i = 0; i < t->n_mark; i++)
        free(t->mark[i].n);
    free(t->turning);
    free(t->kept);
    free(t->mark);
    free(t->sums.at);
    free(t->count);
    free(t->start_clk);
    free(t);
}

bool turns_mark(struct turns *t, uint64_t image, uint64_t now)
{
    if (t->n_mark == t->rotation || image != t->n_mark)
        return false;
    struct mark *m = &t->mark[image];
    *m = (struct mark){ .clk = now, .n = calloc(t->n_kept + (size_t)1, sizeof *m->n) };
    if (!m->n)
        return false;
    t->n_mark++;
    for (uint32_t i = 0; i < t->n_kept; i++)
        m->n[i] = t->kept[i].letters.n;
    return true;
}

/* ---- cores alone ---- */

struct alone {
    const struct turns *turns;
    struct elastic_chip chip;
    size_t             *n; // owned; [n_kept]: letters that they have been told, or have told
    uint64_t            before, last;   // images, whose ends are a period apart
    uint64_t            period_clk;
    struct numbers      state, first;   // owned; as it is, as it was after `before`
};

/* Nobody takes what is told as it comes: of a stream as much as is told of it, and there is. */
static bool make_room(struct elastic_chip *c, const struct kept *k)
{
    struct mail *m = mail_of(c, k);
    struct block *reader = m->reader;
    const uint32_t room = 4 * (c->tokens[k->stream].room + c->credits[k->stream].room);

    mail_release(m);
    return mail_init(m, reader, room);
}

static bool alone_make(struct alone *a, const struct turns *t, uint64_t before)
{
    const struct chip_kind kind = { .ahead = true, .alone = t->turning };
    const uint64_t last = t->n_mark - 1;
    struct elastic_cfg_run cfg = *t->cfg;
    struct err_msg m;

    *a = (struct alone){ .turns = t, .n = calloc(t->n_kept + (size_t)1, sizeof *a->n),
                         .before = before, .last = last,
                         .period_clk = t->mark[last].clk - t->mark[before].clk };
    cfg.n_image = chip_images_known(t->chip) + t->n_run * (last - before); // none ends
    if (chip_make(&a->chip, t->chip->plan, &cfg, &kind, &m) || !a->n)
        return false;
    stay(t, &a->chip);
    for (const struct kept *k = t->kept; k < t->kept + t->n_kept; k++)
        if (!k->comes && !make_room(&a->chip, k))
            return false;
    return true;
}

static void alone_release(struct alone *a)
{
    chip_release(&a->chip);
    free(a->n);
    free(a->state.at);
    free(a->first.at);
}

/* When `periods` after image `before` have ended, and how many letters of a mail were put by then:
 * as many in each. */
static uint64_t end_of(const struct alone *a, uint64_t periods)
{
    return a->turns->mark[a->before].clk + periods * a->period_clk;
}

static size_t letters_by(const struct alone *a, uint32_t kept, uint64_t periods)
{
    const size_t before = a->turns->mark[a->before].n[kept];

    return before + periods * (a->turns->mark[a->last].n[kept] - before);
}

/* The i-th letter of a mail: what was put in the first period comes again in each. */
static struct letter letter_of(const struct alone *a, uint32_t kept, size_t i)
{
    const struct letters *l = &a->turns->kept[kept].letters;
    const size_t before = letters_by(a, kept, 0), each = letters_by(a, kept, 1) - before;

    if (i < before + each)
        return l->at[i];
    struct letter again = l->at[before + (i - before) % each];
    again.cyc += (i - before) / each * a->period_clk;
    return again;
}

static uint32_t untaken(const struct mail *m)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < m->n; i++)
        n += mail_peek(m, i)->n;
    return n;
}

/* Tells them what there is room for; whether there was anything. Until *limit they know all. */
static bool tell(struct alone *a, uint64_t periods, uint64_t *limit)
{
    const struct turns *t = a->turns;
    bool any = false;

    *limit = end_of(a, periods);
    for (uint32_t i = 0; i < t->n_kept; i++) {
        struct mail *mail = mail_of(&a->chip, &t->kept[i]);
        const size_t n = letters_by(a, i, periods);
        if (!t->kept[i].comes)
            continue;
        for (; a->n[i] < n && untaken(mail) < mail->room; any = true) {
            const struct letter l = letter_of(a, i, a->n[i]++);
            mail_put(mail, l.cyc, l.n);
        }
        if (a->n[i] < n)
            *limit = min_u64(*limit, letter_of(a, i, a->n[i]).cyc - 1);
    }
    return any;
}

/* Whether what they tell is what the others were told. */
static bool listen(struct alone *a, uint64_t periods)
{
    const struct turns *t = a->turns;

    for (uint32_t i = 0; i < t->n_kept; i++) {
        struct mail *mail = mail_of(&a->chip, &t->kept[i]);
        for (; !t->kept[i].comes && mail->n > 0; a->n[i]++) {
            if (a->n[i] == letters_by(a, i, periods))
                return false;
            const struct letter l = letter_of(a, i, a->n[i]);
            if (l.cyc != mail_cyc(mail) || l.n != mail_take(mail))
                return false;
        }
    }
    return true;
}

static void put_state(struct alone *a, uint64_t periods)
{
    const struct turns *t = a->turns;
    const uint64_t image = a->before + periods * (a->last - a->before), now = end_of(a, periods);
    struct numbers *to = &a->state;

    to->n = 0;
    for (uint32_t i = 0; i < a->chip.n_site; i++)
        if (t->turning[i])
            state_of_site(to, &a->chip.site[i], image, now);
    for (uint32_t i = 0; i < t->n_kept; i++) {
        const struct mail *mail = mail_of(&a->chip, &t->kept[i]);
        numbers_put(to, letters_by(a, i, periods) - a->n[i]); // that the others are further on
        for (uint32_t k = 0; k < mail->n; k++) {
            numbers_put(to, mail_peek(mail, k)->cyc - now);
            numbers_put(to, mail_peek(mail, k)->n);
        }
    }
}

/* Whether they run as told until so many periods have ended. */
static bool alone_run(struct alone *a, uint64_t periods)
{
    uint64_t limit = 0, before;
    bool any;

    do {
        before = limit;
        any = tell(a, periods, &limit);
        kernel_run(a->chip.kernel, limit);
        if (!listen(a, periods))
            return false;
    } while (any || limit > before);
    chip_find_out(&a->chip, limit);
    chip_settle(&a->chip, limit, false);
    if (limit < end_of(a, periods) || !listen(a, periods))
        return false;
    put_state(a, periods);
    return !a->state.lacks;
}

static bool find_sums(const struct turns *t, struct elastic_chip *c, struct sums *sums)
{
    for (uint32_t i = 0; i < c->n_site; i++)
        if (t->turning[i])
            sums_of_site(sums, &c->site[i]);
    return !sums->lacks;
}

/* ---- whether all repeats ---- */

/* Whether they have counted what they have in the chip, where they may be known further ahead. */
static bool counts_same(const struct turns *t, const struct sums *sums)
{
    for (size_t i = 0; i < sums->n; i++)
        if (*sums->at[i] != *t->sums.at[i])
            return false;
    return true;
}

/* Each turn counts what has come since the one before. */
static bool counts(struct turns *t, struct alone *a, const struct sums *sums)
{
    uint64_t *count = t->count;

    if (!alone_run(a, 0))
        return false;
    a->first = a->state;
    a->state = (struct numbers){ 0 };
    for (uint64_t turn = 0; turn < t->n_run; turn++, count += sums->n) {
        for (size_t i = 0; i < sums->n; i++)
            count[i] = 0 - *sums->at[i];
        if (!alone_run(a, turn + 1) || !numbers_same(&a->state, &a->first) ||
            (turn == 0 && !counts_same(t, sums)))
            return false;
        for (size_t i = 0; i < sums->n; i++)
            count[i] += *sums->at[i];
    }
    return true;
}

/* The chip's causes are those of all turns, and its buffers as full as in any. */
static bool take_most(const struct turns *t, const struct alone *a)
{
    for (uint32_t i = 0; i < t->chip->n_site; i++) {
        if (!t->turning[i])
            continue;
        if (!site_has_causes(&t->chip->site[i], &a->chip.site[i]))
            return false;
        most_of_site(&t->chip->site[i], &a->chip.site[i]);
    }
    return true;
}

/* Images that the chip has not begun, as many as are left out or a rotation has: those that have
 * begun by the end of the last turn, and those that begin a rotation after others. */
static bool find_starts(struct turns *t, const struct alone *a)
{
    const uint64_t begun = chip_images_begun(t->chip), more = chip_images_begun(&a->chip);
    const uint64_t period = a->last - a->before, rotation = t->n_turn * period;

    t->n_start = t->n_run < t->n_turn ? (t->n_run - 1) * period : rotation;
    t->start_clk = calloc(t->n_start, sizeof *t->start_clk);
    if (!t->start_clk || more < begun + (t->n_run - 1) * period || begun < a->last)
        return false;
    t->rotation_clk = t->n_turn * a->period_clk;
    for (uint64_t i = 0; i < t->n_start; i++)
        t->start_clk[i] = begun + i < more
                              ? a->chip.start_clk[begun + i]
                              : a->chip.start_clk[begun + i - rotation] + t->rotation_clk;
    return true;
}

static bool repeats(struct turns *t, uint64_t before)
{
    struct sums sums = { 0 };
    struct alone a;
    bool same = alone_make(&a, t, before) && find_sums(t, t->chip, &t->sums) &&
                find_sums(t, &a.chip, &sums);

    t->count = calloc(t->n_turn * t->sums.n, sizeof *t->count);
    same = same && t->count && counts(t, &a, &sums) && find_starts(t, &a) && take_most(t, &a);
    free(sums.at);
    alone_release(&a);
    return same;
}

bool turns_repeat(struct turns *t, uint64_t before, uint64_t most)
{
    const uint64_t last = t->n_mark - 1;
    const struct elastic_chip *c = t->chip;
    uint64_t all = 0;

    for (uint32_t i = 0; i < c->plan->n_core; i++)
        all += c->site[i].own->n;
    for (uint32_t i = 0; i < t->n_kept; i++)
        if (t->kept[i].letters.lacks)
            return false;
    for (t->n_turn = 1; t->n_turn * (last - before) % t->rotation != 0; t->n_turn++)
        ;
    t->n_run = min_u64(t->n_turn, 1 + most / (last - before));
    const uint64_t alone = last + 1 + t->n_run * (last - before); // images
    const uint64_t saved = min_u64(most, t->rotation - (last - before));
    return t->n_output * alone <= all * saved && repeats(t, before);
}

bool turns_has(const struct turns *t, uint32_t site)
{
    return t->turning[site];
}

void turns_leave_out(struct turns *t, uint64_t n)
{
    struct left_out *l = &t->chip->left_out;

    for (uint64_t turn = 0; turn < t->n_turn; turn++) { // what is left out begins with the second
        const uint64_t times = n / t->n_turn + (turn > 0 && turn <= n % t->n_turn);
        for (size_t i = 0; i < t->sums.n; i++)
            *t->sums.at[i] += times * t->count[turn * t->sums.n + i];
    }
    l->start_clk = t->start_clk;
    l->n_start = t->n_start;
    l->rotation_clk = t->rotation_clk;
    t->start_clk = NULL;
}
