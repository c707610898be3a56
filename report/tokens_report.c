/* report/tokens_report.c -- see tokens_report.h. */
#include "report/tokens_report.h"

#include <inttypes.h>
#include <string.h>

#include "core/util.h"
#include "dataflow/plan/tokens.h"
#include "dataflow/plan/waits.h"
#include "report/json.h"
#include "report/plan_figures.h"

/* ---- waits ---- */

static bool attends(const struct plan *p, uint32_t layer)
{
    return plan_network_layer(p, layer)->kind == LAYER_ATTENTION;
}

struct table *waits_table(const struct plan *p)
{
    static const struct table_column columns[] = {
        { "layer", "layer" }, { "cores", "cores" }, { "first stored", "first_stored" },
        { "last stored", "last_stored" }, { "last done", "last_end" },
        { "mean wait", "mean_wait" }, { "for keys", "mean_barrier" },
        { "for lanes", "mean_lanes" }, { "longest", "longest_wait" },
        { "most wait", "most_waiting" }, { "works", "busy" }, { 0 },
    };
    struct table *t = table_new(columns);

    table_title(t, "Queries that wait in attention cores, timesteps of the first sequence");
    for (uint32_t i = 0; i < p->n_layer; i++) {
        if (!attends(p, i))
            continue;
        const struct waits w = waits_of(p, i);
        const double n = (double)w.n;
        table_text(t, plan_layer_name(p, i));
        table_count(t, p->layer[i].n_core);
        table_count(t, (uint64_t)w.first_stored);
        table_count(t, (uint64_t)w.last_stored);
        table_count(t, (uint64_t)w.last_end - 1);
        table_real(t, (double)(w.barrier + w.lanes) / n, 1);
        table_real(t, (double)w.barrier / n, 1);
        table_real(t, (double)w.lanes / n, 1);
        table_count(t, w.longest);
        table_count(t, w.most);
        table_share(t, (double)w.busy / (double)plan_image_interval(p), 1);
    }
    table_note(t, "for keys: until the last one that it sees is there, the barrier; for lanes: "
               "until those before it\nare through. All cores of a layer wait alike. works: of the "
               "interval between sequences.");
    return t;
}

json_t *json_waits(const struct plan *p)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < p->n_layer; i++) {
        if (!attends(p, i))
            continue;
        const struct waits w = waits_of(p, i);
        json_t *o = json_object();
        json_put_text(&o, "layer", plan_layer_name(p, i));
        json_put_count(&o, "cores", p->layer[i].n_core);
        json_put_count(&o, "queries", w.n);
        json_put_count(&o, "first_stored", (uint64_t)w.first_stored);
        json_put_count(&o, "last_stored", (uint64_t)w.last_stored);
        json_put_count(&o, "last_end", (uint64_t)w.last_end - 1);
        json_put_count(&o, "barrier_timesteps", w.barrier);
        json_put_count(&o, "lanes_timesteps", w.lanes);
        json_put_count(&o, "longest_wait", w.longest);
        json_put_count(&o, "most_waiting", w.most);
        json_put_count(&o, "busy_timesteps", w.busy);
        json_add(&array, o);
    }
    return array;
}

/* ---- lanes ---- */

/* Timesteps of attention for a sequence, of all its layers, with other lanes; *most: of a query. */
static uint64_t with_lanes(const struct plan *p, uint32_t lanes, uint32_t exp_lanes, uint64_t *most)
{
    struct config other = *p->config;
    struct plan plan = *p; // borrows all that it has
    uint64_t sum = 0;

    other.attention.lanes = lanes;
    other.attention.exp_lanes = exp_lanes;
    plan.config = &other;
    *most = 0;
    for (uint32_t i = 0; i < p->n_layer; i++) {
        uint64_t of_layer;
        if (!attends(p, i))
            continue;
        sum += tokens_timesteps(&plan, i, &of_layer);
        *most = max_u64(*most, of_layer);
    }
    return sum;
}

enum { MOST_LANES = 1048576 }; // attention.lanes, attention.exp_lanes

struct lanes {
    uint32_t lanes, exp_lanes;
};

/* The fewest lanes, or exponential lanes, with which a sequence takes at most so many timesteps. */
static uint32_t fewest(const struct plan *p, struct lanes have, bool exps, uint64_t timesteps)
{
    uint32_t low = 1, high = MOST_LANES;
    uint64_t most;

    while (low < high) {
        const uint32_t n = low + (high - low) / 2;
        const uint64_t t = exps ? with_lanes(p, have.lanes, n, &most)
                                : with_lanes(p, n, have.exp_lanes, &most);
        if (t <= timesteps)
            high = n;
        else
            low = n + 1;
    }
    return low;
}

/* The next that helps: lanes, or where exponentials set the pace lanes of those, or both where both
 * do. */
static struct lanes next_useful(const struct plan *p, struct lanes have)
{
    uint64_t most, now = with_lanes(p, have.lanes, have.exp_lanes, &most);
    struct lanes next = have;

    if (with_lanes(p, MOST_LANES, have.exp_lanes, &most) < now) {
        next.lanes = fewest(p, have, false, now - 1);
    } else if (with_lanes(p, have.lanes, MOST_LANES, &most) < now) {
        next.exp_lanes = fewest(p, have, true, now - 1);
    } else if (with_lanes(p, MOST_LANES, MOST_LANES, &most) < now) {
        next.lanes = fewest(p, (struct lanes){ have.lanes, MOST_LANES }, false, now - 1);
        next.exp_lanes = fewest(p, next, true, now - 1);
    }
    return next;
}

/* As many as a query of one timestep takes. */
static struct lanes enough(const struct plan *p)
{
    struct lanes all = { MOST_LANES, MOST_LANES };
    uint64_t most, least = with_lanes(p, MOST_LANES, MOST_LANES, &most);

    return (struct lanes){ fewest(p, all, false, least), fewest(p, all, true, least) };
}

static void put_lanes(struct table *t, const struct study *s, const char *what, struct lanes lanes)
{
    struct config other = s->config;
    struct err_msg unused;
    struct plan plan;
    uint64_t most;

    other.attention.lanes = lanes.lanes;
    other.attention.exp_lanes = lanes.exp_lanes;
    with_lanes(&s->plan, lanes.lanes, lanes.exp_lanes, &most);
    table_text(t, what);
    table_count(t, lanes.lanes);
    table_count(t, lanes.exp_lanes);
    table_count(t, most);
    if (plan_make(&plan, &s->network, &other, &unused)) {
        table_none(t);
        table_none(t);
        table_none(t);
        return;
    }
    table_count(t, plan_image_interval(&plan));
    table_count(t, plan.time.first_result);
    table_real(t, batch_throughput(&plan, plan.time.first_result, other.batch), 0);
    plan_release(&plan);
}

struct table *lanes_table(const struct study *s)
{
    static const struct table_column columns[] = {
        { "attention cores", "machine" }, { "lanes", "lanes" }, { "exp lanes", "exp_lanes" },
        { "a query", "query_timesteps" }, { "interval", "interval_timesteps" },
        { "first result", "first_result_timesteps" }, { "sequences/s", "throughput" }, { 0 },
    };
    const struct plan *p = &s->plan;
    const struct lanes have = { s->config.attention.lanes, s->config.attention.exp_lanes };
    struct table *t = table_new(columns);

    if (first_attention(p) == p->n_layer)
        return t;
    const struct lanes next = next_useful(p, have), all = enough(p);
    table_title(t, "What more lanes of attention would bring, in timesteps");
    put_lanes(t, s, "as they are", have);
    if (have.lanes < MOST_LANES)
        put_lanes(t, s, "one lane more", (struct lanes){ have.lanes + 1, have.exp_lanes });
    if (next.lanes != have.lanes || next.exp_lanes != have.exp_lanes) {
        put_lanes(t, s, "the next that helps", next);
        put_lanes(t, s, "as many as help", (struct lanes){
            max_u32(have.lanes, all.lanes), max_u32(have.exp_lanes, all.exp_lanes) });
    } else {
        table_note(t, "No lanes make it faster: every query takes the fewest timesteps that it "
                   "can.");
    }
    return t;
}

/* ---- the picture ---- */

enum { LEAST_LEFT = 96, MOST_LEFT = 300, TOP = 64, WIDTH = 1100, FOOT = 36 };
enum { THIN = 14, THICK = 44, GAP = 4 };
enum { MOST_TOKENS = 96, MOST_SEQUENCES = 4 }; // drawn

static const double LETTER = 6.5; // width of one of a name, in pixels

/* Of M. Okabe and K. Ito, as traces/pipeline_svg.c has them; and lighter. */
static const char *const dark[] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7" };
static const char *const light[] = { "#a6cbe3", "#f5c6a5", "#a3d9c9", "#ecd0df" };

struct picture {
    const struct plan *plan;
    FILE              *out;
    int64_t            end;  // timesteps
    int                left; // of what is drawn, behind the layers' names, in pixels
    uint32_t           n_sequence;
    bool               rows; // sequences are rows of the map, else images
};

static double x_of(const struct picture *v, int64_t timestep)
{
    return v->left + (double)WIDTH * (double)timestep / (double)v->end;
}

/* Token i of a sequence: along its row, or in the order of the map's pixels. */
static struct token_wait wait_of(const struct picture *v, uint32_t layer, uint32_t sequence,
                                 uint32_t i)
{
    const uint32_t height = v->rows ? 1 : plan_network_layer(v->plan, layer)->out.height;
    const uint32_t row = v->rows ? sequence : i % height, column = i / height;
    const int64_t later = v->rows ? 0 : (int64_t)(sequence * v->plan->interval);
    struct token_wait w = token_wait(v->plan, layer, row, column);

    w.stored += later;
    w.begins += later;
    w.ends += later;
    return w;
}

static uint32_t height_of(const struct plan *p, uint32_t layer)
{
    return attends(p, layer) ? THICK : THIN;
}

static uint32_t tokens_of(const struct picture *v, uint32_t layer)
{
    const struct shape *out = &plan_network_layer(v->plan, layer)->out;

    return v->rows ? out->width : out->width * out->height;
}

/* Every so manieth of a layer's tokens is drawn. */
static uint32_t step_of(const struct picture *v, uint32_t layer)
{
    return max_u32(1, (uint32_t)ceil_div(tokens_of(v, layer), MOST_TOKENS));
}

/* Bars of a sequence's tokens, as one path. */
static void draw_bars(const struct picture *v, uint32_t layer, uint32_t sequence, double y,
                      bool waits)
{
    const struct layer *l = plan_network_layer(v->plan, layer);
    const uint32_t step = step_of(v, layer), n = (uint32_t)ceil_div(tokens_of(v, layer), step);
    const double each = (double)height_of(v->plan, layer) / n;
    bool any = false;

    for (uint32_t i = 0; i < n; i++) {
        const struct token_wait w = wait_of(v, layer, sequence, i * step);
        const int64_t from = waits ? w.stored : w.begins, to = waits ? w.begins : w.ends;
        if (to <= from)
            continue;
        if (!any)
            fprintf(v->out, "<path class=\"%s\" fill=\"%s\" stroke=\"%s\" d=\"",
                    waits ? "wait" : "work", (waits ? light : dark)[sequence],
                    waits ? "none" : dark[sequence]); // a bar of no width still shows
        any = true;
        fprintf(v->out, "M%.2f %.2fH%.2fv%.2fH%.2fz", x_of(v, from), y + i * each, x_of(v, to),
                each, x_of(v, from));
    }
    if (any)
        fprintf(v->out, "\"><title>%s, sequence %" PRIu32 "</title></path>\n", l->name, sequence);
}

static double draw_layer(const struct picture *v, uint32_t layer, double y)
{
    const uint32_t height = height_of(v->plan, layer);

    fprintf(v->out, "<text class=\"layer\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n"
            "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%" PRIu32 "\" fill=\"#f6f6f6\"/>\n",
            v->left - 6, y + height / 2. + 4, plan_layer_name(v->plan, layer), v->left, y, WIDTH,
            height);
    for (uint32_t s = 0; attends(v->plan, layer) && s < v->n_sequence; s++)
        draw_bars(v, layer, s, y, true);
    for (uint32_t s = 0; s < v->n_sequence; s++)
        draw_bars(v, layer, s, y, false);
    return y + height + GAP;
}

static void draw_axis(const struct picture *v, double bottom)
{
    uint64_t unit = 1;

    while (unit * 10 < (uint64_t)v->end)
        unit *= unit % 3 == 2 ? 5 : 2; // 1, 2, 10, 20, 100 ..
    for (int64_t t = 0; t <= v->end; t += (int64_t)unit)
        fprintf(v->out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ccc\" "
                "stroke-width=\"0.5\"/>\n<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">"
                "%" PRId64 "</text>\n",
                x_of(v, t), TOP, x_of(v, t), bottom, x_of(v, t), bottom + 13, t);
    fprintf(v->out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"middle\">timestep of %" PRIu64
            " ns</text>\n", v->left + WIDTH / 2, bottom + 28, v->plan->config->timestep_ns);
}

static void draw_legend(const struct picture *v)
{
    const uint32_t left = (uint32_t)v->left;
    uint32_t step = 1;

    for (uint32_t i = 0; i < v->plan->n_layer; i++)
        step = max_u32(step, step_of(v, i));
    fprintf(v->out, "<text x=\"%d\" y=\"20\" font-size=\"15\">%s, token by token</text>\n", v->left,
            v->plan->network->name);
    for (uint32_t s = 0; s < v->n_sequence; s++)
        fprintf(v->out, "<rect x=\"%" PRIu32 "\" y=\"30\" width=\"12\" height=\"12\" "
                "fill=\"%s\"/>\n<rect x=\"%" PRIu32 "\" y=\"30\" width=\"12\" height=\"12\" "
                "fill=\"%s\"/>\n"
                "<text x=\"%" PRIu32 "\" y=\"40\">sequence %" PRIu32 ": works, waits</text>\n",
                left + 190 * s, dark[s], left + 14 + 190 * s, light[s], left + 32 + 190 * s, s);
    fprintf(v->out, "<text x=\"%d\" y=\"57\" fill=\"#555\">A row is a layer, in it tokens from top "
            "to bottom%s: dark while its core works on one, light while a query waits for keys or "
            "lanes.</text>\n", v->left, step > 1 ? ", not all" : "");
}

static struct picture picture_of(const struct plan *p, FILE *out)
{
    const struct shape *map = &p->network->layer[0].out;
    struct picture v = { .plan = p, .out = out, .rows = p->network->decoded_from > 0 };

    v.n_sequence = v.rows ? min_u32(map->height, MOST_SEQUENCES) : 2;
    v.end = (int64_t)(p->time.first_result + (v.rows ? 0 : p->interval));
    v.left = LEAST_LEFT;
    for (uint32_t i = 0; i < p->n_layer; i++) {
        const int name = (int)(LETTER * (double)strlen(plan_layer_name(p, i))) + 12;
        v.left = name > v.left ? name < MOST_LEFT ? name : MOST_LEFT : v.left;
        if (v.rows)
            continue;
        const struct token_wait last = wait_of(&v, i, 1, tokens_of(&v, i) - 1);
        v.end = last.ends > v.end ? last.ends : v.end; // of tokens that nothing reads
    }
    return v;
}

void tokens_picture(const struct plan *p, FILE *out)
{
    const struct picture v = picture_of(p, out);
    double y = TOP, height = TOP + FOOT;

    for (uint32_t i = 0; i < p->n_layer; i++)
        height += height_of(p, i) + GAP;
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" "
            "font-family=\"sans-serif\" font-size=\"11\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            v.left + WIDTH + 30, height);
    draw_legend(&v);
    for (uint32_t i = 0; i < p->n_layer; i++)
        y = draw_layer(&v, i, y);
    draw_axis(&v, y);
    fputs("</svg>\n", out);
}
