/* dataflow/plan/memory_port.c -- the words that the port of each memory moves in its worst
 * timestep.
 *
 * The timesteps of accesses are those of the dry run, over as many images as make the pattern
 * repeat; their words are those of the memory's layout. Words follow from slot and row alone, and
 * repeat where rows lie whole words apart: they are asked for once. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/plan/structure.h"
#include "dataflow/plan/timestep.h"

struct access { // to the pixels of a column, or to `n` pixels of a row
    const struct memory_layout *layout;
    bool                        write;
    uint32_t                    first, n; // bytes of a pixel that are written; pixels read: n
};

struct access_words { // of an access, by slot and row
    struct access access;
    uint32_t      slots; // slots_apart(): of 1, all are alike
    bool         *known; // owned; [slots]
    uint32_t     *words; // owned; [slots][height]
};

/* Words of one memory, timestep by timestep. When every image repeats the one before it, all of
 * them fold onto the timesteps of as many as make the words repeat too. */
struct port {
    const struct timetable *t;
    const struct plan      *p;
    const struct dry_run   *s;
    uint32_t               *words; // owned; [room], of which n are used
    uint32_t               *stored; // owned; likewise: words[] before anything is read
    size_t                  n, room;
    int64_t                 base;  // timestep of words[0]
    bool                    folded;
    uint32_t                most, most_stored; // of words[], of stored[]
    uint64_t                enough; // words at which nobody asks how many more there are
    struct access_words     of;    // the access looked at
};

static inline void use(struct port *port, int64_t t, uint32_t words)
{
    size_t at = (size_t)(t - port->base);

    assert(t >= port->base);
    if (at >= port->n && port->folded)
        at = at < 2 * port->n ? at - port->n : at % port->n;
    if (at < port->n)
        port->most = max_u32(port->most, port->words[at] += words);
}

static bool has_enough(const struct port *port)
{
    return port->most >= port->enough;
}

/* ---- words ---- */

static uint32_t words_of(const struct access *a, uint32_t row, uint64_t c)
{
    return a->write ? memory_write_words(a->layout, row, c, a->first, a->n)
                    : memory_read_words(a->layout, row, c, a->n);
}

/* Rows until pixels begin as far into a word again. */
static uint32_t rows_until_alike(const struct memory_layout *l)
{
    uint64_t a = l->shape.word_values, b = l->delta_kernel % l->shape.word_values;

    while (b > 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return (uint32_t)(l->shape.word_values / a);
}

/* Those of which accesses to the same rows can differ: 1 where every pixel begins a word. */
static uint32_t slots_apart(const struct memory_layout *l)
{
    return memory_rotation(l, 1);
}

static void look_at(struct port *port, const struct access *a)
{
    port->of.access = *a;
    port->of.slots = slots_apart(a->layout);
    memset(port->of.known, 0, port->of.slots * sizeof *port->of.known);
}

/* Of the access looked at, from column c on: words[height]. */
static const uint32_t *column_words(struct port *port, uint64_t c)
{
    const struct memory_layout *l = port->of.access.layout;
    const uint32_t height = l->shape.height;
    const uint32_t slot = port->of.slots == 1 ? 0 : (uint32_t)(c % port->of.slots);
    uint32_t *words = port->of.words + (size_t)slot * height;

    if (port->of.known[slot])
        return words;
    const uint32_t period = rows_until_alike(l);
    for (uint32_t row = 0; row < height; row++)
        words[row] = row < period ? words_of(&port->of.access, row, c) : words[row - period];
    port->of.known[slot] = true;
    return words;
}

/* ---- images ---- */

static uint32_t images_until_alike(const struct port *port, uint32_t core)
{
    return memory_rotation(&port->t->core[core].layout,
                           port->p->layer[port->p->core[core].plan_layer].in_width);
}

/* Unfolded, as many more as overlap with one. */
static uint32_t images_watched(const struct port *port, uint32_t core)
{
    const struct layer_times *l = &port->t->layer[port->p->core[core].plan_layer];
    uint32_t overlap =
        (uint32_t)((l->last_timestep - l->first_timestep) / port->p->interval) + 2;

    if (port->t->transient_images == 1)
        return images_until_alike(port, core);
    return port->t->transient_images - 1 + images_until_alike(port, core) + overlap;
}

/* ---- pixels that come ---- */

/* Whether the stream carries that column of pixels of the receiver's map. */
static bool carries(const struct plan *p, const struct plan_stream *stream, uint32_t column)
{
    const struct plan_core *to = &p->core[stream->to];

    if (stream->kind == STREAM_TO_RESAMPLING)
        return plan_owner(p, to->plan_layer, column) == to->copy;
    if (stream->kind == STREAM_IMAGE)
        return true;
    const struct plan_core *from = &p->core[stream->from];
    return plan_network_layer(p, from->plan_layer)->pooled ||
           plan_owner(p, from->plan_layer, column) == from->copy;
}

/* In FORWARD streams of concatenated layers each slice has its own time. */
static struct column_times arrives(const struct port *port, const struct plan_stream *stream,
                                   uint32_t image, uint32_t column)
{
    const struct plan *p = port->p;

    if (stream->kind != STREAM_FORWARD)
        return dry_run_stored(port->s, p->core[stream->to].plan_layer, image, column);
    struct column_times c =
        dry_run_done(port->s, p->core[stream->from].plan_layer, image, column);
    c.later += stream->route.hops;
    return c;
}

static void stored_by(struct port *port, const struct plan_stream *stream, uint32_t n_image)
{
    const struct plan *p = port->p;
    const struct plan_core *to = &p->core[stream->to];
    const struct plan_layer *pl = &p->layer[to->plan_layer];
    const struct access slice = {
        .layout = &port->t->core[stream->to].layout,
        .write = true,
        .first = stream->pos_n > 0 ? 0 : stream->to_first - to->in_first, // a flat layer's byte
        .n = stream->n,
    };

    look_at(port, &slice);
    for (uint32_t image = 0; image < n_image; image++)
        for (uint32_t column = 0; column < pl->in_width && !has_enough(port); column++) {
            if (!carries(p, stream, column))
                continue;
            struct column_times come = arrives(port, stream, image, column);
            const uint32_t *words = column_words(port, (uint64_t)image * pl->in_width + column);
            for (uint32_t row = 0; row < pl->in_height; row++)
                if (stream_carries(stream, pl->in_width, row, column))
                    use(port, column_time(&come, row), words[row]);
        }
}

/* ---- pixels that are read ---- */

/* Words of pixels [first, first + columns) of a row of an image; of a flat layer's part, those that
 * it has of them. */
static uint32_t read_words(struct port *port, uint32_t index, uint64_t image, uint32_t row,
                           uint32_t first, uint32_t columns)
{
    const struct plan_core *core = &port->p->core[index];
    const struct plan_layer *pl = &port->p->layer[core->plan_layer];

    if (columns == 0 || (pl->flat && !plan_flat_read(port->p, core, row, &first, &columns)))
        return 0;
    return memory_read_words(port->of.access.layout, row, image * pl->in_width + first, columns);
}

static int64_t fired_at(const struct port *port, uint32_t layer, uint64_t image, uint32_t left,
                        const struct strip_place *place)
{
    struct column_times fired = dry_run_fired(port->s, layer, image, left + place->column);

    return column_time(&fired, place->row);
}

/* Words that a read of a strip adds to those of its firing, in which the pixels before it are read
 * in one go with it. */
static uint32_t added_words(struct port *port, uint32_t index, uint64_t image, uint32_t left,
                            const struct strip_form *form, const struct strip_read *read)
{
    const uint32_t layer = port->p->core[index].plan_layer;
    const struct plan_layer *pl = &port->p->layer[layer];
    const int64_t t = fired_at(port, layer, image, left, &form->place[read->place]);
    struct strip_read whole = *read;
    const struct strip_read *at = read;
    uint32_t first, columns;

    while (&form->read[at->before] != at) {
        at = &form->read[at->before];
        if (fired_at(port, layer, image, left, &form->place[at->place]) != t)
            break;
        whole.first = at->first;
        whole.columns += at->columns;
    }
    strip_read_columns(pl, &whole, left, &first, &columns);
    uint32_t words = read_words(port, index, image, read->row, first, columns);
    whole.columns -= read->columns;
    strip_read_columns(pl, &whole, left, &first, &columns);
    return words - read_words(port, index, image, read->row, first, columns);
}

/* A strip of one column: each row is read once, across the patch. */
static void read_column(struct port *port, uint32_t index, uint64_t image, uint32_t left)
{
    const uint32_t layer = port->p->core[index].plan_layer;
    const struct plan_layer *pl = &port->p->layer[layer];
    const struct strip_form *form = strip_at(&port->s->layer[layer].strips, left);
    const struct column_times fired = dry_run_fired(port->s, layer, image, left);
    const uint32_t *words = NULL;
    uint32_t first = 0, columns = 0;

    for (const struct strip_read *r = form->read; r < form->read + form->n_read; r++) {
        if (r == form->read || r->first != r[-1].first || r->columns != r[-1].columns) {
            strip_read_columns(pl, r, left, &first, &columns);
            words = columns == port->of.access.n && !pl->flat
                        ? column_words(port, image * pl->in_width + first)
                        : NULL;
        }
        use(port, column_time(&fired, form->place[r->place].row),
            words ? words[r->row] : read_words(port, index, image, r->row, first, columns));
    }
}

static void read_strip(struct port *port, uint32_t index, uint64_t image, uint32_t left)
{
    const uint32_t layer = port->p->core[index].plan_layer;
    const struct strip_form *form = strip_at(&port->s->layer[layer].strips, left);

    if (form->columns == 1) {
        read_column(port, index, image, left);
        return;
    }
    for (const struct strip_read *r = form->read; r < form->read + form->n_read; r++)
        use(port, fired_at(port, layer, image, left, &form->place[r->place]),
            added_words(port, index, image, left, form, r));
}

static void read_for_crossbar(struct port *port, uint32_t index, uint32_t n_image)
{
    const struct plan_core *core = &port->p->core[index];
    const struct strips *strips = &port->s->layer[core->plan_layer].strips;
    const struct access patch = { .layout = &port->t->core[index].layout,
                                  .n = plan_kernel_columns(port->p, core->plan_layer) };

    look_at(port, &patch);
    for (uint32_t image = 0; image < n_image; image++)
        for (uint32_t left = core->copy * strips->width;
             left < strips->shape.width && !has_enough(port); left += strips_apart(strips))
            read_strip(port, index, image, left);
}

static void read_back_by(struct port *port, uint32_t core, uint32_t index, uint32_t n_image)
{
    const struct plan *p = port->p;
    const struct read_back_times *rb = &port->t->read_back[index];
    const uint32_t *stride = p->read_back[index].stride;
    uint32_t width = p->layer[p->core[core].plan_layer].in_width;
    const struct access pixel = { .layout = &port->t->core[core].layout, .n = 1 };

    look_at(port, &pixel);
    for (uint32_t image = 0; image < n_image; image++) {
        const struct read_back_send *row =
            rb->send + (size_t)min_u32(image, rb->n_image - 1) * rb->n;
        for (uint32_t i = 0; i < rb->n; i++) {
            uint64_t c = (uint64_t)image * width + row[i].column * stride[1];
            use(port, row[i].timestep + (int64_t)(image * p->interval),
                column_words(port, c)[row[i].row * stride[0]]);
        }
    }
}

/* ---- memories ---- */

struct inputs { // streams into a core's memory
    const struct plan_stream **stream; // borrowed
    uint32_t                   n;
};

/* Whether two cores, of one layer or of layers that are alike, store the same slices at the same
 * times. */
static bool same_pixels_come(const struct plan *p, uint32_t a, uint32_t b,
                             const struct inputs *into_a, const struct inputs *into_b)
{
    const struct plan_core *x = &p->core[a], *y = &p->core[b];

    const bool one = x->plan_layer == y->plan_layer;

    if (x->in_n != y->in_n || into_a->n != into_b->n ||
        (p->layer[x->plan_layer].flat && x->part != y->part))
        return false;
    for (uint32_t i = 0; i < into_a->n; i++) {
        const struct plan_stream *u = into_a->stream[i], *v = into_b->stream[i];
        if (u->n != v->n || u->kind != v->kind ||
            (u->kind == STREAM_TO_RESAMPLING && x->copy != y->copy) ||
            (u->kind == STREAM_FORWARD &&
             ((one && p->core[u->from].plan_layer != p->core[v->from].plan_layer) ||
              p->core[u->from].copy != p->core[v->from].copy)) ||
            u->to_first - x->in_first != v->to_first - y->in_first)
            return false;
    }
    return true;
}

/* And read the same. */
static bool same_pixels_go(const struct plan *p, uint32_t a, uint32_t b)
{
    const struct plan_core *x = &p->core[a], *y = &p->core[b];

    return x->copy == y->copy && (x->split == 0) == (y->split == 0);
}

static bool same_layout(const struct memory_layout *a, const struct memory_layout *b)
{
    return memcmp(&a->shape, &b->shape, sizeof a->shape) == 0 && a->placing == b->placing;
}

/* A core before this one, of a layer that is like its own, whose memory does the same; itself where
 * none does. How much later does not matter: of both as many images are watched, from the first. */
static uint32_t core_alike(const struct port *port, uint32_t core, const struct inputs *of)
{
    const struct plan *p = port->p;
    const uint32_t layer = p->core[core].plan_layer, like = port->s->layer[layer].like;
    const struct plan_layer *pl = &p->layer[layer], *other = &p->layer[like];

    if (like == layer || pl->flat != other->flat || pl->n_core != other->n_core)
        return core;
    uint32_t k = other->first_core + core - pl->first_core;
    bool alike = same_pixels_come(p, core, k, &of[core], &of[k]) && same_pixels_go(p, core, k) &&
                 same_layout(&port->t->core[core].layout, &port->t->core[k].layout);
    return alike ? k : core;
}

static void store_all(struct port *port, uint32_t core, const struct inputs *into, uint32_t n_image)
{
    port->folded = port->t->transient_images == 1;
    port->n = port->folded ? images_until_alike(port, core) * port->p->interval : port->room;
    memset(port->words, 0, port->n * sizeof *port->words);
    port->most = 0;
    for (uint32_t i = 0; i < into->n; i++)
        stored_by(port, into->stream[i], n_image);
}

static void keep_stored(struct port *port)
{
    memcpy(port->stored, port->words, port->n * sizeof *port->words);
    port->most_stored = port->most;
}

static void take_stored(struct port *port)
{
    memcpy(port->words, port->stored, port->n * sizeof *port->words);
    port->most = port->most_stored;
}

/* Words in the worst timestep, on top of what is stored. */
static void read_all(struct port *port, uint32_t index, uint32_t n_image)
{
    const struct plan *p = port->p;
    const struct plan_core *core = &p->core[index];

    read_for_crossbar(port, index, n_image);
    for (uint32_t i = 0; core->split == 0 && i < p->n_read_back; i++)
        if (p->read_back[i].reader == core->plan_layer && p->read_back[i].reader_copy == core->copy)
            read_back_by(port, index, i, n_image);
}

static bool into_memory(const struct plan_stream *stream)
{
    return stream->kind == STREAM_IMAGE || stream->kind == STREAM_FORWARD ||
           stream->kind == STREAM_TO_RESAMPLING;
}

struct all_inputs {
    const struct plan_stream **stream; // owned
    struct inputs             *of;     // owned; [n_core]
};

static bool sort_streams(struct all_inputs *in, const struct plan *p)
{
    const struct plan_stream **next;

    in->stream = next = calloc(p->n_stream, sizeof *in->stream);
    in->of = calloc((size_t)p->n_core, sizeof *in->of);
    if (!in->stream || !in->of)
        return false;
    for (uint32_t i = 0; i < p->n_stream; i++)
        if (into_memory(&p->stream[i]))
            in->of[p->stream[i].to].n++;
    for (uint32_t i = 0; i < p->n_core; next += in->of[i++].n)
        in->of[i].stream = next;
    for (uint32_t i = 0; i < p->n_core; i++)
        in->of[i].n = 0;
    for (uint32_t i = 0; i < p->n_stream; i++)
        if (into_memory(&p->stream[i])) {
            struct inputs *to = &in->of[p->stream[i].to];
            to->stream[to->n++] = &p->stream[i];
        }
    return true;
}

/* Whether a core's lanes read what they take: of tokens. */
static bool has_no_port(const struct plan *p, uint32_t core)
{
    return layer_is_of_tokens(plan_network_layer(p, p->core[core].plan_layer));
}

static bool port_init(struct port *port)
{
    const struct plan *p = port->p;
    uint32_t images = 0, slots = 1;
    size_t pixels = 1;

    for (uint32_t i = 0; i < p->n_core; i++) {
        if (has_no_port(p, i))
            continue;
        const struct memory_layout *l = &port->t->core[i].layout;
        uint32_t apart = slots_apart(l);
        images = max_u32(images, images_watched(port, i));
        slots = max_u32(slots, apart);
        pixels = max_u64(pixels, (uint64_t)apart * l->shape.height);
    }
    port->base = -(int64_t)port->t->lead;
    port->room = port->t->transient_images == 1 // folded
                     ? images * p->interval
                     : port->t->lead + port->t->first_result + (images + 1) * p->interval;
    port->words = calloc(port->room, sizeof *port->words);
    port->stored = calloc(port->room, sizeof *port->stored);
    port->of.known = calloc(slots, sizeof *port->of.known);
    port->of.words = calloc(pixels, sizeof *port->of.words);
    return port->words && port->stored && port->of.known && port->of.words;
}

static void port_release(struct port *port)
{
    free(port->words);
    free(port->stored);
    free(port->of.known);
    free(port->of.words);
}

static void use_all(struct port *port, struct timetable *t, const struct inputs *of)
{
    const struct plan *p = port->p;
    uint32_t first = 0, kept = p->n_core; // of cores that store the same; of port->stored

    for (uint32_t i = 0; i < p->n_core && !has_enough(port); i++) {
        const struct inputs into = of[i];
        bool same = i > 0 && p->core[i].plan_layer == p->core[i - 1].plan_layer &&
                    same_pixels_come(p, i, i - 1, &into, &of[i - 1]);
        first = same ? first : i;
        uint32_t like = same && same_pixels_go(p, i, i - 1) ? i - 1 : core_alike(port, i, of);
        uint64_t *clk = &t->core[i].used_clk[STAGE_MEMORY];
        if (has_no_port(p, i))
            continue;
        if (like != i) {
            *clk = t->core[like].used_clk[STAGE_MEMORY];
            continue;
        }
        uint32_t n_image = images_watched(port, i);
        if (port->enough < UINT64_MAX && kept != first && n_image > 1) { // is the first too much?
            store_all(port, i, &into, 1);
            read_all(port, i, 1);
        }
        if (kept == first) {
            take_stored(port);
        } else if (!has_enough(port)) {
            store_all(port, i, &into, n_image);
            keep_stored(port);
            kept = first;
        }
        if (!has_enough(port))
            read_all(port, i, n_image);
        const struct plan_layer *pl = &p->layer[p->core[i].plan_layer];
        *clk = stage_memory_clocks(p->config, (uint64_t)pl->in_height * pl->in_width, port->most);
    }
}

enum err timestep_memory_ports(struct timetable *t, const struct plan *p, const struct dry_run *s,
                               enum thorough thorough, struct err_msg *m)
{
    const uint64_t enough = thorough == TO_THE_FIRST ? p->timestep_clk + 1 : UINT64_MAX;
    struct port port = { .t = t, .p = p, .s = s, .enough = enough };
    struct all_inputs in = { 0 };
    bool done = port_init(&port) && sort_streams(&in, p);

    if (done)
        use_all(&port, t, in.of);
    free(in.stream);
    free(in.of);
    port_release(&port);
    return done ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for the plan's budgets");
}
