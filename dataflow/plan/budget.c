/* dataflow/plan/budget.c -- what each stage of each core does in its worst timestep, in the clocks
 * of dataflow/plan/rules.h.
 *
 * Stages are budgets, checked one by one: each must fit a timestep by itself. The timesteps of the
 * memory's accesses are those of the dry run, over as many images as make the pattern repeat. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/plan/structure.h"
#include "dataflow/plan/timestep.h"

/* A budget in the making. */
struct budget {
    struct timetable    *t;
    const struct plan    *p;
    const struct dry_run *s;
};

/* Words of one memory, timestep by timestep. When every image repeats the one before it, all of
 * them fold onto the timesteps of as many as make the words repeat too. */
struct port {
    uint32_t *words; // [n]
    int64_t   base;  // timestep of words[0]
    size_t    n, room;
    bool      folded;
    uint32_t *of_row; // [rows of the highest map]: words of a column's pixels
};

static void port_use(struct port *port, int64_t t, uint32_t words)
{
    size_t at = (size_t)(t - port->base);

    assert(t >= port->base);
    if (port->folded && at >= port->n)
        at = at < 2 * port->n ? at - port->n : at % port->n;
    if (at < port->n)
        port->words[at] += words;
}

/* Unfolded, as many more as overlap with one. */
static uint32_t images_watched(const struct budget *b, uint32_t core)
{
    const struct layer_times *l = &b->t->layer[b->p->core[core].plan_layer];
    uint32_t overlap = (uint32_t)((l->last_timestep - l->first_timestep) / b->p->interval) + 2;
    uint32_t width = b->p->layer[b->p->core[core].plan_layer].in_width;
    uint32_t different = memory_rotation(&b->t->core[core].layout, width);

    if (b->t->transient_images == 1)
        return different;
    return b->t->transient_images - 1 + different + overlap;
}

/* The words that a stream's slices of the pixels of column c take: words[height]. */
static void slice_words(const struct budget *b, const struct plan_stream *stream, uint64_t c,
                        uint32_t *words)
{
    const struct memory_layout *layout = &b->t->core[stream->to].layout;
    const uint32_t first = stream->pos_n > 0 ? 0 // the byte of a flat layer
                                             : stream->to_first - b->p->core[stream->to].in_first;

    for (uint32_t row = 0; row < layout->shape.height; row++)
        words[row] = row > 0 && !layout->placing->needs_masks
                         ? words[0]
                         : memory_write_words(layout, row, c, first, stream->n);
}

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
static struct column_times arrives(const struct budget *b, const struct plan_stream *stream,
                                   uint32_t image, uint32_t column)
{
    const struct plan *p = b->p;

    if (stream->kind != STREAM_FORWARD)
        return dry_run_stored(b->s, p->core[stream->to].plan_layer, image, column);
    struct column_times c =
        dry_run_done(b->s, p->core[stream->from].plan_layer, image, column);
    c.later += stream->route.hops;
    return c;
}

static void stored_by(const struct budget *b, const struct plan_stream *stream, uint32_t n_image,
                      struct port *port)
{
    const struct plan *p = b->p;
    const struct plan_layer *pl = &p->layer[p->core[stream->to].plan_layer];

    for (uint32_t image = 0; image < n_image; image++)
        for (uint32_t column = 0; column < pl->in_width; column++) {
            if (!carries(p, stream, column))
                continue;
            struct column_times come = arrives(b, stream, image, column);
            slice_words(b, stream, (uint64_t)image * pl->in_width + column, port->of_row);
            for (uint32_t row = 0; row < pl->in_height; row++)
                if (stream_carries(stream, pl->in_width, row, column))
                    port_use(port, column_time(&come, row), port->of_row[row]);
        }
}

/* Words of pixels [first, first + columns) of a row of an image; of a flat layer's part, those that
 * it has of them. */
static uint32_t read_words(const struct budget *b, uint32_t index, uint64_t image, uint32_t row,
                           uint32_t first, uint32_t columns)
{
    const struct plan_core *core = &b->p->core[index];
    const struct plan_layer *pl = &b->p->layer[core->plan_layer];

    if (columns == 0 || (pl->flat && !plan_flat_read(b->p, core, row, &first, &columns)))
        return 0;
    return memory_read_words(&b->t->core[index].layout, row, image * pl->in_width + first,
                             columns);
}

static int64_t fired_at(const struct budget *b, uint32_t layer, uint64_t image, uint32_t left,
                        const struct strip_place *place)
{
    struct column_times fired = dry_run_fired(b->s, layer, image, left + place->column);

    return column_time(&fired, place->row);
}

/* Words that a read of a strip adds to those of its firing, in which the pixels before it are read
 * in one go with it. */
static uint32_t added_words(const struct budget *b, uint32_t index, uint64_t image, uint32_t left,
                            const struct strip_form *form, const struct strip_read *read)
{
    const uint32_t layer = b->p->core[index].plan_layer;
    const struct plan_layer *pl = &b->p->layer[layer];
    const int64_t t = fired_at(b, layer, image, left, &form->place[read->place]);
    struct strip_read whole = *read;
    uint32_t first, columns, words = 0;

    for (uint32_t k = read->before; &form->read[k] != read; k = form->read[k].before) {
        const struct strip_read *before = &form->read[k];
        if (fired_at(b, layer, image, left, &form->place[before->place]) != t)
            break;
        whole.first = before->first;
        whole.columns += before->columns;
        if (before->before == k)
            break;
    }
    strip_read_columns(pl, &whole, left, &first, &columns);
    words = read_words(b, index, image, read->row, first, columns);
    if (whole.columns == read->columns)
        return words;
    whole.columns -= read->columns;
    strip_read_columns(pl, &whole, left, &first, &columns);
    return words - read_words(b, index, image, read->row, first, columns);
}

static void read_strip(const struct budget *b, uint32_t index, uint64_t image, uint32_t left,
                       struct port *port)
{
    const uint32_t layer = b->p->core[index].plan_layer;
    const struct strip_form *form = strip_at(&b->s->layer[layer].strips, left);
    const struct column_times fired = dry_run_fired(b->s, layer, image, left);
    uint32_t first = 0, columns = 0;

    for (const struct strip_read *r = form->read; r < form->read + form->n_read; r++) {
        const struct strip_place *place = &form->place[r->place];
        if (form->columns > 1) {
            port_use(port, fired_at(b, layer, image, left, place),
                     added_words(b, index, image, left, form, r));
            continue;
        }
        if (r == form->read || r->first != r[-1].first || r->columns != r[-1].columns)
            strip_read_columns(&b->p->layer[layer], r, left, &first, &columns);
        port_use(port, column_time(&fired, place->row),
                 read_words(b, index, image, r->row, first, columns));
    }
}

static void read_for_crossbar(const struct budget *b, uint32_t index, uint32_t n_image,
                              struct port *port)
{
    const struct plan_core *core = &b->p->core[index];
    const struct strips *strips = &b->s->layer[core->plan_layer].strips;

    for (uint32_t image = 0; image < n_image; image++)
        for (uint32_t left = core->copy * strips->width; left < strips->shape.width;
             left += strips_apart(strips))
            read_strip(b, index, image, left, port);
}

static void read_back_by(const struct budget *b, uint32_t core, uint32_t index, uint32_t n_image,
                         struct port *port)
{
    const struct plan *p = b->p;
    const struct read_back_times *rb = &b->t->read_back[index];
    const uint32_t *stride = p->read_back[index].stride;
    uint32_t width = p->layer[p->core[core].plan_layer].in_width;

    for (uint32_t image = 0; image < n_image; image++) {
        const struct read_back_send *row =
            rb->send + (size_t)min_u32(image, rb->n_image - 1) * rb->n;
        for (uint32_t i = 0; i < rb->n; i++)
            port_use(port, row[i].timestep + (int64_t)(image * p->interval),
                     memory_read_words(&b->t->core[core].layout, row[i].row * stride[0],
                                       (uint64_t)image * width + row[i].column * stride[1], 1));
    }
}

static void memory_use(const struct budget *b, uint32_t index,
                       const struct plan_stream *const *into, uint32_t n_into, struct port *port)
{
    const struct plan *p = b->p;
    const struct plan_core *core = &p->core[index];
    const struct plan_layer *pl = &p->layer[core->plan_layer];
    uint32_t n_image = images_watched(b, index);
    uint32_t different = memory_rotation(&b->t->core[index].layout, pl->in_width), most = 0;

    port->folded = b->t->transient_images == 1;
    port->n = port->folded ? different * p->interval : port->room;
    memset(port->words, 0, port->n * sizeof *port->words);
    for (uint32_t i = 0; i < n_into; i++)
        stored_by(b, into[i], n_image, port);
    read_for_crossbar(b, index, n_image, port);
    for (uint32_t i = 0; core->split == 0 && i < p->n_read_back; i++)
        if (p->read_back[i].reader == core->plan_layer && p->read_back[i].reader_copy == core->copy)
            read_back_by(b, index, i, n_image, port);
    for (size_t i = 0; i < port->n; i++)
        most = max_u32(most, port->words[i]);
    b->t->core[index].used_clk[STAGE_MEMORY] = stage_clocks(p->config, STAGE_MEMORY, most);
}

/* Cores that store the same slices at the same times do the same. */
static bool same_memory_use(const struct plan *p, uint32_t a, uint32_t b,
                            const struct plan_stream *const *into_a, uint32_t n_a,
                            const struct plan_stream *const *into_b, uint32_t n_b)
{
    const struct plan_core *x = &p->core[a], *y = &p->core[b];

    if (p->layer[x->plan_layer].flat && x->part != y->part)
        return false;
    if (x->plan_layer != y->plan_layer || x->copy != y->copy || x->in_n != y->in_n || n_a != n_b ||
        (x->split == 0) != (y->split == 0))
        return false;
    for (uint32_t i = 0; i < n_a; i++)
        if (into_a[i]->n != into_b[i]->n || into_a[i]->kind != into_b[i]->kind ||
            (into_a[i]->kind == STREAM_FORWARD &&
             p->core[into_a[i]->from].plan_layer != p->core[into_b[i]->from].plan_layer) ||
            into_a[i]->to_first - x->in_first != into_b[i]->to_first - y->in_first)
            return false;
    return true;
}

static bool into_memory(const struct plan_stream *stream)
{
    return stream->kind == STREAM_IMAGE || stream->kind == STREAM_FORWARD ||
           stream->kind == STREAM_TO_RESAMPLING;
}

/* Streams into each core's memory: those of core i are list[begin[i]] .. list[begin[i + 1] - 1]. */
static bool sort_streams(const struct plan *p, const struct plan_stream ***list, uint32_t **begin)
{
    *list = calloc(p->n_stream, sizeof **list);
    *begin = calloc((size_t)p->n_core + 2, sizeof **begin);
    if (!*list || !*begin)
        return false;
    for (uint32_t i = 0; i < p->n_stream; i++)
        if (into_memory(&p->stream[i]))
            (*begin)[p->stream[i].to + 2]++;
    for (uint32_t i = 0; i < p->n_core; i++)
        (*begin)[i + 2] += (*begin)[i + 1];
    for (uint32_t i = 0; i < p->n_stream; i++)
        if (into_memory(&p->stream[i]))
            (*list)[(*begin)[p->stream[i].to + 1]++] = &p->stream[i];
    return true;
}

static enum err memories_use(const struct budget *b, struct err_msg *m)
{
    const struct plan *p = b->p;
    const struct plan_stream **list = NULL;
    uint32_t *begin = NULL, most = 0, height = 0;
    struct port port = { .base = -(int64_t)b->t->lead };
    enum err e = ERR_NONE;

    for (uint32_t i = 0; i < p->n_core; i++)
        most = max_u32(most, images_watched(b, i));
    port.room = b->t->lead + b->t->first_result + (most + 1) * p->interval;
    for (uint32_t i = 0; i < p->n_layer; i++)
        height = max_u32(height, p->layer[i].in_height);
    port.words = calloc(port.room, sizeof *port.words);
    port.of_row = calloc(height, sizeof *port.of_row);
    if (!port.words || !port.of_row || !sort_streams(p, &list, &begin))
        e = err_set(m, ERR_MEMORY, "no memory for the plan's budgets");
    for (uint32_t i = 0; !e && i < p->n_core; i++) {
        uint32_t n = begin[i + 1] - begin[i];
        if (i > 0 && same_memory_use(p, i, i - 1, list + begin[i], n, list + begin[i - 1],
                                     begin[i] - begin[i - 1]))
            b->t->core[i].used_clk[STAGE_MEMORY] = b->t->core[i - 1].used_clk[STAGE_MEMORY];
        else
            memory_use(b, i, list + begin[i], n, &port);
    }
    free(list);
    free(begin);
    free(port.words);
    free(port.of_row);
    return e;
}

/* Most outputs in one firing of a copy. */
static uint32_t most_outputs(const struct dry_run *s, uint32_t layer, uint32_t copy)
{
    const struct strips *strips = &s->layer[layer].strips;
    int64_t before = INT64_MIN;
    uint32_t run = 0, most = 0;

    for (uint64_t image = 0; image <= s->n_image; image++)
        for (uint32_t left = copy * strips->width; left < strips->shape.width;
             left += strips_apart(strips)) {
            const struct strip_form *form = strip_at(strips, left);
            for (uint32_t i = 0; i < form->n_place; i++) {
                if (most == strips->shape.n)
                    return most;
                struct column_times c =
                    dry_run_fired(s, layer, image, left + form->place[i].column);
                int64_t t = column_time(&c, form->place[i].row);
                run = t == before ? run + 1 : 1;
                most = max_u32(most, run);
                before = t;
            }
        }
    return most;
}

static uint64_t stream_bits(const struct budget *b, uint32_t stream)
{
    const struct plan_stream *st = &b->p->stream[stream];

    return (uint64_t)b->t->stream[stream].most_pixels * st->n * st->value_bits;
}

static bool between_cores(const struct plan_stream *st)
{
    return st->kind != STREAM_IMAGE && st->kind != STREAM_RESULT;
}

static void streams_use(const struct budget *b)
{
    const struct plan *p = b->p;

    for (uint32_t i = 0; i < p->n_stream; i++) {
        const struct plan_stream *st = &p->stream[i];
        uint64_t clk = stage_link_clocks(p->config, p->fabric, &st->route, stream_bits(b, i));
        b->t->stream[i].used_clk = clk;
        if (!between_cores(st))
            continue;
        uint64_t *core = &b->t->core[st->from].used_clk[stream_stage(st->kind)];
        *core = max_u64(*core, clk);
    }
}

/* Operations of a core's digital processor in its worst timestep. */
static uint64_t digital_ops(const struct budget *b, uint32_t core)
{
    const struct plan_core *c = &b->p->core[core];

    return stage_digital_ops(plan_network_layer(b->p, c->plan_layer), b->t->core[core].most_outputs,
                             c->out_n);
}

static uint32_t most_pixels(const struct budget *b, const struct plan_stream *st)
{
    const struct plan *p = b->p;
    const struct plan_layer *to = &p->layer[p->core[st->to].plan_layer];

    switch (st->kind) {
    case STREAM_IMAGE:
        return (uint32_t)ceil_div((uint64_t)to->in_height * to->in_width, p->interval);
    case STREAM_RESIDUAL:
    case STREAM_TO_RESAMPLING:
        return b->t->read_back[st->read_back].most_pixels;
    case STREAM_PARTIAL_SUM:
        return b->t->core[st->from].most_outputs;
    default: // results; of a pooled layer the one pixel
        return plan_network_layer(p, p->core[st->from].plan_layer)->pooled
                   ? 1
                   : b->t->core[st->from].most_outputs;
    }
}

/* Most pixels that each stream carries, and the stages that follow from firings. */
static void firings_use(const struct budget *b)
{
    const struct plan *p = b->p;

    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct plan_core *core = &p->core[i];
        struct core_times *use = &b->t->core[i];
        if (core->rows > 0)
            use->used_clk[STAGE_CROSSBAR] =
                stage_array_clocks(p->config, &p->array, core->rows, core->columns);
        use->most_outputs = core->part + core->split == 0
                                ? most_outputs(b->s, core->plan_layer, core->copy)
                                : b->t->core[i - 1].most_outputs;
        if (core->part + 1 == p->layer[core->plan_layer].parts)
            use->used_clk[STAGE_DIGITAL] =
                stage_clocks(p->config, STAGE_DIGITAL, digital_ops(b, i));
    }
    for (uint32_t i = 0; i < p->n_stream; i++)
        b->t->stream[i].most_pixels = most_pixels(b, &p->stream[i]);
}

/* What would make the stage fit in every core: the configuration's key and the least value. */
static void cure(const struct budget *b, enum stage stage, char *text, size_t size)
{
    const struct plan *p = b->p;
    uint64_t ops = 0, bits = 0;

    for (uint32_t i = 0; i < p->n_core; i++)
        ops = max_u64(ops, digital_ops(b, i));
    for (uint32_t i = 0; i < p->n_stream; i++)
        if (between_cores(&p->stream[i]) && stream_stage(p->stream[i].kind) == stage)
            bits = max_u64(bits, stream_bits(b, i));
    uint64_t bps = stage_least_bps(p->config, bits, p->timestep_clk);
    switch (stage) {
    case STAGE_CROSSBAR:
        if (!p->array.timed)
            snprintf(text, size, ", or core.crossbar.mvm_ns = %" PRIu64, p->config->timestep_ns);
        break;
    case STAGE_DIGITAL:
        snprintf(text, size, ", or core.digital.lanes = %" PRIu64, ceil_div(ops, p->timestep_clk));
        break;
    case STAGE_LINK:
        snprintf(text, size, ", or fabric.link_gbps = %s", param_rate_text(bps).text);
        break;
    case STAGE_PARTIAL_SUM:
        snprintf(text, size, ", or fabric.partial_sum_gbps = %s", param_rate_text(bps).text);
        break;
    case STAGE_MEMORY: // plan_make() looks for words that do
    case N_STAGE:
        break;
    }
}

/* Timestep in which every stage of every core fits, and every chain without hops. */
static uint64_t least_timestep_ns(const struct budget *b)
{
    const struct plan *p = b->p;
    uint64_t clk = p->timestep_clk + 1;

    for (uint32_t i = 0; i < p->n_core; i++)
        for (unsigned k = 0; k < N_STAGE; k++)
            clk = max_u64(clk, b->t->core[i].used_clk[k]);
    for (uint32_t i = 0; i < p->n_layer; i++)
        clk = max_u64(clk, p->hops[i].sums == 0 ? p->layer[i].parts : 0);
    return stage_least_ns(p->config, clk);
}

/* Whether stages of no other kind do not fit. */
static bool is_alone(const struct budget *b, enum stage stage)
{
    for (uint32_t i = 0; i < b->p->n_core; i++)
        for (unsigned k = 0; k < N_STAGE; k++)
            if (k != stage && b->t->core[i].used_clk[k] > b->p->timestep_clk)
                return false;
    return true;
}

static enum err refuse_stage(const struct budget *b, uint32_t core, enum stage stage,
                             struct err_msg *m)
{
    const struct plan *p = b->p;
    char other[128] = "";

    if (is_alone(b, stage))
        cure(b, stage, other, sizeof other);
    return PLAN_REFUSE(p, "clocking.timestep_ns", m,
                       "core %s: %s needs %" PRIu64 " clocks in its worst timestep, "
                       "clocking.timestep_ns = %" PRIu64 " has %" PRIu64
                       ": want clocking.timestep_ns = %" PRIu64 "%s",
                       p->core[core].name, stage_name(stage), b->t->core[core].used_clk[stage],
                       p->config->timestep_ns, p->timestep_clk, least_timestep_ns(b), other);
}

static enum err check(const struct budget *b, struct err_msg *m)
{
    const struct plan *p = b->p;

    for (uint32_t i = 0; i < p->n_core; i++)
        for (unsigned k = 0; k < N_STAGE; k++)
            if (b->t->core[i].used_clk[k] > p->timestep_clk)
                return refuse_stage(b, i, (enum stage)k, m);
    for (uint32_t i = 0; i < p->n_layer; i++)
        if (p->hops[i].sums == 0 && p->layer[i].parts > p->timestep_clk)
            return PLAN_REFUSE(p, "fabric.partial_sum_hops", m,
                           "layer %s: a chain of %u partial sums without hops takes a clock each, "
                           "a timestep has %" PRIu64 ": want fabric.partial_sum_hops = 1",
                           plan_layer_name(p, i), p->layer[i].parts, p->timestep_clk);
    return ERR_NONE;
}

/* Timesteps that one core's stages would take one after the other, beyond the one they have. */
static uint64_t extra_timesteps(const struct budget *b, uint32_t core)
{
    uint64_t sum = 0;

    for (unsigned k = 0; k < N_STAGE; k++)
        sum += b->t->core[core].used_clk[k];
    return ceil_div(max_u64(sum, 1), b->p->timestep_clk) - 1;
}

/* Timestep in which the layer delivers the last pixel of the first image. */
static int64_t last_done(const struct dry_run *s, uint32_t layer)
{
    const struct shape map = layer_delivers(plan_network_layer(s->plan, layer));
    struct column_times c = dry_run_done(s, layer, 0, map.width - 1);

    return column_time(&c, map.height - 1);
}

/* The layers that set the latency, back from the result: of several inputs the latest. */
static uint64_t pipeline(const struct budget *b)
{
    const struct plan *p = b->p;
    const struct dry_run *s = b->s;
    uint32_t layer = p->n_layer - 1;
    uint64_t timesteps = 0;

    for (;;) {
        const struct plan_layer *pl = &p->layer[layer];
        const struct layer *l = plan_network_layer(p, layer);
        uint64_t worst = 0, chain = 0;
        for (uint32_t k = 0; k < pl->n_core; k++) {
            uint32_t core = pl->first_core + k;
            chain = (p->core[core].part == 0 ? 0 : chain) + extra_timesteps(b, core);
            worst = max_u64(worst, chain);
        }
        timesteps += worst;
        if (pl->feed == FEED_SCRATCHPAD)
            return timesteps;
        uint32_t latest = l->input[0];
        for (uint32_t i = 1; i < l->n_input; i++)
            if (last_done(s, l->input[i] - 1) > last_done(s, latest - 1))
                latest = l->input[i];
        layer = latest - 1;
    }
}

enum err timestep_budget(struct timetable *t, const struct plan *p, const struct dry_run *s,
                         struct err_msg *m)
{
    struct budget b = { t, p, s };

    firings_use(&b);
    streams_use(&b);
    enum err e = memories_use(&b, m);
    if (!e)
        e = check(&b, m);
    if (!e)
        t->pipeline_timesteps = pipeline(&b);
    return e;
}
