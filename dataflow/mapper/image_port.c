/* dataflow/mapper/image_port.c -- see image_port.h. */
#include "dataflow/mapper/image_port.h"

#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/mapping.h"
#include "dataflow/plan/dry_run/dry_run.h"
#include "dataflow/plan/structure.h"
#include "memory/registers.h"

enum err image_port_init(struct image_port *ip, const struct mapper *mp, uint32_t layer,
                         struct err_msg *m)
{
    const struct plan_layer *pl = &mp->plan.layer[layer];

    *ip = (struct image_port){
        .mp = mp,
        .layer = layer,
        .use = malloc(pl->in_width * sizeof *ip->use),
        .run = malloc(pl->in_height * sizeof *ip->run),
    };
    if (ip->use && ip->run)
        return ERR_NONE;
    image_port_release(ip);
    return err_set(m, ERR_MEMORY, "no memory for the mapper");
}

void image_port_release(struct image_port *ip)
{
    free(ip->use);
    free(ip->run);
    free(ip->write);
    *ip = (struct image_port){ 0 };
}

/* The strips of an option, the rows and columns of the map that they see, and how the memories of
 * its first part, which has the most channels, keep a pixel. */
struct strips_seen {
    const struct plan_layer *pl;
    const struct layer      *l;
    uint32_t                 width;  // output columns of a strip
    uint32_t                 n;      // strips
    uint32_t                 height; // output rows of a firing
    uint32_t                 blocks; // firings of a strip
    uint32_t                 copies;
    uint32_t                 channels, word; // of a pixel there; values of a word
    uint32_t                 pixel_words;    // that it takes by itself; 0: pixels share words
};

static struct strips_seen strips_of(const struct mapper *mp, uint32_t layer,
                                    const struct mapper_option *o)
{
    const struct cut cut = { o->parts, o->splits, o->inside };
    const struct layer *l = plan_network_layer(&mp->plan, layer);
    struct strips_seen s = { .pl = &mp->plan.layer[layer], .l = l, .copies = o->copies,
                             .channels = layer_slice(l, cut, 0, 0).in_n,
                             .word = plan_word_values(&mp->plan, layer) };
    const struct firing_shape shape = mapper_firing_shape(l, o);

    if (!plan_placing(&mp->config->memory, s.channels, s.word)->needs_masks)
        s.pixel_words = (uint32_t)ceil_div(s.channels, s.word);
    s.width = o->firing->strip_width(&shape);
    s.n = firing_strips(o->firing, &shape);
    s.height = o->replicas.width > 1 ? shape.block_h : min_u32(shape.n, shape.height);
    s.blocks = (uint32_t)ceil_div(shape.height, s.height);
    return s;
}

/* Each block of rows sees new ones, and each window something of the map. A layer of one output
 * sets an interval of its own. */
static bool is_told(const struct image_port *ip, const struct mapper_option *o)
{
    const struct plan_layer *pl = &ip->mp->plan.layer[ip->layer];
    const struct shape *out = &plan_network_layer(&ip->mp->plan, ip->layer)->out;
    const struct window *w = &pl->window;

    if (out->height == 1 && out->width == 1)
        return false;
    for (int a = 0; a < 2; a++)
        if (w->dilation[a] > 1 || w->again[a] > 0 || w->stride[a] > w->kernel[a] ||
            w->pad_before[a] >= w->kernel[a] || w->pad_after[a] >= w->kernel[a])
            return false;
    return pl->feed == FEED_SCRATCHPAD && !o->inside && !o->firing->across_columns;
}

/* Input columns that a strip sees: [*first, *first + n). */
static uint32_t columns_seen(const struct strips_seen *s, uint32_t strip, uint32_t *first)
{
    uint32_t left = strip * s->width, right = min_u32(left + s->width, s->l->out.width) - 1;

    *first = window_first(&s->pl->window, 1, left, s->pl->in_width);
    return window_last(&s->pl->window, 1, right, s->pl->in_width) - *first + 1;
}

/* Rows from the map's first that the blocks up to this one see. */
static uint32_t rows_seen(const struct strips_seen *s, uint32_t block)
{
    uint32_t last = min_u32((block + 1) * s->height, s->l->out.height) - 1;

    return window_last(&s->pl->window, 0, last, s->pl->in_height) + 1;
}

/* Firing of its copy in which a strip's first block is computed. */
static int64_t begins(const struct strips_seen *s, uint32_t strip)
{
    return (int64_t)(strip / s->copies) * s->blocks;
}

/* A pixel's first use is that of its column, and in which block of rows it lies behind that. What
 * no window sees comes before what is seen behind it. */
static void find_uses(struct image_port *ip, const struct strips_seen *s)
{
    const uint32_t height = s->pl->in_height, width = s->pl->in_width;
    uint32_t done = 0, seen = 0; // rows that are told; columns

    ip->n_run = 0;
    for (uint32_t block = 0; block < s->blocks; block++) {
        uint32_t rows = rows_seen(s, block);
        if (rows > done)
            ip->run[ip->n_run++] = (struct image_port_run){ rows - done, block };
        done = max_u32(done, rows);
    }
    if (height > done)
        ip->run[ip->n_run++] = (struct image_port_run){ height - done, DRY_RUN_NEVER_USED };
    for (uint32_t strip = 0; strip < s->n; strip++) {
        uint32_t first, columns = columns_seen(s, strip, &first);
        for (; seen < first + columns; seen++)
            ip->use[seen] = begins(s, strip);
    }
    for (; seen < width; seen++)
        ip->use[seen] = DRY_RUN_NEVER_USED;
}

/* The earliest timestep with pixels so far, and how many. */
struct stored {
    int64_t  t;
    uint64_t n;
};

/* The pixels before these, first used at `use`: each as late as that and those behind it allow. */
static void store_run(uint32_t *write, struct stored *at, uint64_t n, int64_t use, uint64_t rate,
                      int64_t interval)
{
    if (use < at->t)
        *at = (struct stored){ use, 0 };
    while (n > 0) {
        if (at->n == rate)
            *at = (struct stored){ at->t - 1, 0 };
        uint64_t now = min_u64(n, rate - at->n);
        int64_t t = at->t % interval;
        write[t < 0 ? t + interval : t] += (uint32_t)now;
        at->n += now;
        n -= now;
    }
}

/* As dry_run_as_late_as_possible() stores pixels, run by run: again, until the next image's first
 * pixels agree. */
static void store_pixels(struct image_port *ip, const struct strips_seen *s, uint64_t interval)
{
    const uint64_t rate = ceil_div((uint64_t)s->pl->in_height * s->pl->in_width, interval);
    const int64_t images = (int64_t)interval;
    struct stored behind, next = { images - 1, 0 };

    find_uses(ip, s);
    do {
        struct stored at = behind = next;
        memset(ip->write, 0, interval * sizeof *ip->write);
        for (uint32_t c = s->pl->in_width; c-- > 0;)
            for (uint32_t r = ip->n_run; r-- > 0;)
                store_run(ip->write, &at, ip->run[r].rows, ip->use[c] + ip->run[r].use, rate,
                          images);
        if (at.t < 0)
            next = (struct stored){ at.t + images, at.n };
    } while (next.t != behind.t || next.n != behind.n);
}

/* Words of a row of pixels, at least. */
static uint64_t row_words(const struct strips_seen *s, uint32_t columns)
{
    return s->pixel_words > 0 ? (uint64_t)columns * s->pixel_words
                              : ceil_div((uint64_t)columns * s->channels, s->word);
}

/* Whether all firings of a strip leave time for what is written meanwhile. */
static bool strip_fits(const struct image_port *ip, const struct strips_seen *s, uint32_t strip)
{
    const uint64_t clocks = ip->mp->plan.timestep_clk, write = max_u32(1, s->pixel_words);
    const uint32_t *written = ip->write + begins(s, strip);
    uint32_t first, before = window_first(&s->pl->window, 0, 0, s->pl->in_height);
    const uint64_t words = row_words(s, columns_seen(s, strip, &first));

    for (uint32_t block = 0; block < s->blocks; block++) {
        uint32_t rows = rows_seen(s, block);
        if (words * (rows - before) + write * written[block] > clocks)
            return false;
        before = rows;
    }
    return true;
}

/* The same without a look at when pixels come: those of an image have to come in its interval, at
 * most `rate` in a timestep, and in a timestep with reads no more than these leave. */
static bool has_time(const struct image_port *ip, const struct strips_seen *s,
                     uint64_t interval)
{
    const uint64_t clocks = ip->mp->plan.timestep_clk, write = max_u32(1, s->pixel_words);
    const uint64_t pixels = (uint64_t)s->pl->in_height * s->pl->in_width;
    const uint64_t rate = ceil_div(pixels, interval);
    uint64_t written = interval * rate;

    for (uint32_t strip = 0; strip < s->n; strip += s->copies) {
        uint32_t first, before = window_first(&s->pl->window, 0, 0, s->pl->in_height);
        const uint64_t words = row_words(s, columns_seen(s, strip, &first));
        for (uint32_t block = 0; block < s->blocks; block++) {
            uint32_t rows = rows_seen(s, block);
            uint64_t read = words * (rows - before);
            if (read > clocks)
                return false;
            written -= rate - min_u64(rate, (clocks - read) / write);
            before = rows;
        }
    }
    return written >= pixels && rate * write <= clocks;
}

bool image_port_may_fit(struct image_port *ip, const struct mapper_option *o, uint64_t interval)
{
    if (!is_told(ip, o))
        return true;
    const struct strips_seen s = strips_of(ip->mp, ip->layer, o);
    if (interval > ip->room) {
        uint32_t *more = realloc(ip->write, interval * sizeof *more);
        if (!more)
            return true;
        ip->write = more;
        ip->room = (uint32_t)interval;
    }
    if (!has_time(ip, &s, interval))
        return false;
    store_pixels(ip, &s, interval);
    for (uint32_t strip = 0; strip < s.n; strip++)
        if (!strip_fits(ip, &s, strip))
            return false;
    return true;
}
