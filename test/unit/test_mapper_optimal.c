/* test/unit/test_mapper_optimal.c -- the mapper against every mapping there is.
 *
 * The twin here shares nothing with the mapper: it counts the cores of each way to map each layer
 * from the rules (docs/accelerator.md, section 2), puts the ways of all layers together in every
 * combination that the chip has cores for, and has each one planned. Whether a mapping fits, how
 * often it gives an image and how soon, only the plan says. IMCSIM_ALL_MAPPINGS=1 tries more and
 * larger cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/util.h"
#include "dataflow/mapper/cores.h"
#include "dataflow/mapper/mapper.h"
#include "test/plan_rig.h"

enum { MOST_LAYERS = 5, MOST_WAYS = 4096, SIDE = 32 };

static uint32_t pick(uint32_t *seed, uint32_t least, uint32_t most)
{
    *seed = *seed * 1664525u + 1013904223u;
    return least + (*seed >> 8) % (most - least + 1);
}

/* ---- a small machine and network ---- */

static struct layer *last_layer(struct plan_rig *r)
{
    return &r->network.layer[r->network.n_layer - 1];
}

static bool same_shape(const struct shape *a, const struct shape *b)
{
    return a->height == b->height && a->width == b->width && a->channels == b->channels;
}

/* Lets the last layer add an earlier one's pixels, if one has its shape. */
static void add_residual(struct plan_rig *r, uint32_t *seed)
{
    struct layer *l = last_layer(r);

    for (uint32_t i = r->network.n_layer - 2; i > 0; i--)
        if (same_shape(&r->network.layer[i].out, &l->out) && pick(seed, 0, 1)) {
            l->has_residual = true;
            l->residual = i;
            return;
        }
}

/* A block whose shortcut is a pointwise convolution: resampling. */
static void add_resampled_block(struct plan_rig *r, uint32_t channels)
{
    uint32_t from = r->network.n_layer - 1;

    rig_conv(r, from, channels, 3, 2);
    rig_conv(r, from, channels, 1, 2);
    struct layer *l = rig_conv(r, from + 1, channels, 3, 1);
    l->has_residual = true;
    l->residual = from + 2;
}

static void add_max_pool(struct plan_rig *r, uint32_t input, uint32_t *seed)
{
    const struct shape in = layer_delivers(&r->network.layer[input]);
    struct layer *l = rig_conv(r, input, in.channels, 2 * pick(seed, 0, 1) + 1, pick(seed, 1, 2));

    l->kind = LAYER_MAX_POOL;
    l->groups = in.channels;
}

/* Lets the last layer, a convolution, read a second map as large as its first, if there is one. */
static void add_input(struct plan_rig *r)
{
    struct layer *l = last_layer(r);

    for (uint32_t i = 1; i + 1 < r->network.n_layer; i++) {
        const struct shape *s = &r->network.layer[i].out;
        if (i != l->input[0] && s->height == l->in.height && s->width == l->in.width) {
            rig_concat(r, i);
            return;
        }
    }
}

/* Deals the channels of the last layer to as many groups as go into both sides. */
static void make_grouped(struct plan_rig *r, uint32_t *seed)
{
    struct layer *l = last_layer(r);
    uint32_t g = pick(seed, 2, 4);

    if (l->in.channels % g == 0 && l->out.channels % g == 0)
        l->groups = g;
}

static void draw_network(struct plan_rig *r, uint32_t n_layer, bool plain, uint32_t *seed)
{
    bool fc = n_layer > 1 && pick(seed, 0, 2) > 0;
    uint32_t n_conv = n_layer - fc;

    rig_image(r, pick(seed, 2, 5), pick(seed, 2, 5), pick(seed, 1, 3));
    while (r->network.n_layer <= n_conv) {
        uint32_t left = n_conv + 1 - r->network.n_layer, before = r->network.n_layer - 1;
        if (left >= 3 && before > 0 && pick(seed, 0, 1)) {
            add_resampled_block(r, pick(seed, 1, 4));
            continue;
        }
        uint32_t kind = plain ? 0 : pick(seed, 0, 7);
        if ((kind == 1 || kind == 2) && before > 0) {
            add_max_pool(r, before, seed);
            continue;
        }
        uint32_t kernel = 2 * pick(seed, 0, 1) + 1, stride = 1 + (pick(seed, 0, 3) == 0);
        rig_conv(r, before, plain ? pick(seed, 1, 4) : 2 * pick(seed, 1, 2), kernel, stride);
        if (kind >= 3 && kind <= 5)
            add_input(r);
        if (kind > 5)
            make_grouped(r, seed);
        if (pick(seed, 0, 1))
            add_residual(r, seed);
    }
    last_layer(r)->pooled = true;
    if (fc)
        rig_conv(r, n_conv, pick(seed, 1, 4), 1, 1);
}

static void draw_config(struct plan_rig *r, uint32_t n_layer, uint32_t *seed)
{
    static const char *const firing[] = { "column", "column", "block", "free" };
    char text[10][64];
    const char *set[11] = { 0 };

    snprintf(text[0], 64, "core.crossbar.rows=%u", pick(seed, 9, 80));
    snprintf(text[1], 64, "core.crossbar.columns=%u", pick(seed, 2, 10));
    snprintf(text[2], 64, "chip.cores=%u", pick(seed, n_layer, 12));
    snprintf(text[3], 64, "fabric.link_gbps=%.2f", 0.08 * pick(seed, 2, 12));
    snprintf(text[4], 64, "fabric.partial_sum_gbps=%.2f", 0.32 * pick(seed, 2, 12));
    snprintf(text[5], 64, "fabric.partial_sum_hops=%u", pick(seed, 0, 1));
    uint32_t words = pick(seed, 0, 1) ? pick(seed, 6, 40) : 512;
    uint32_t timestep_ns = pick(seed, 0, 2) ? 100 : 2 * pick(seed, 4, 12);
    snprintf(text[6], 64, "core.input_memory.words=%u", words);
    snprintf(text[7], 64, "core.input_memory.word_bits=%u", 8 * pick(seed, 1, 4));
    snprintf(text[8], 64, "clocking.timestep_ns=%u", timestep_ns);
    snprintf(text[9], 64, "mapping.firing=%s", firing[pick(seed, 0, 3)]);
    for (int i = 0; i < 10; i++)
        set[i] = text[i];
    struct network network = r->network;
    rig_config(r, set);
    r->network = network;
    r->config.crossbar.mvm_ns = (uint32_t)r->config.timestep_ns;
}

/* ---- every way to map a layer ---- */

struct way {
    uint32_t n, width, copies, cores;
};

struct ways {
    struct way way[MOST_WAYS];
    uint32_t   n;
};

/* Distinct positions that the patches of n outputs in rows of `width` see. */
static uint32_t positions(const struct window *w, uint32_t n, uint32_t width)
{
    static bool seen[SIDE * 4][SIDE * 4];
    uint32_t count = 0;

    memset(seen, 0, sizeof seen);
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t i = 0; i < w->kernel[0]; i++)
            for (uint32_t j = 0; j < w->kernel[1]; j++) {
                bool *at = &seen[r / width * w->stride[0] + i][r % width * w->stride[1] + j];
                count += !*at;
                *at = true;
            }
    return count;
}

/* Shares of the channels, one channel more at a time until they fit; 0 when none does. */
static uint32_t shares(uint32_t channels, uint32_t each, uint32_t room)
{
    for (uint32_t n = 1; n <= channels; n++)
        if ((channels + n - 1) / n * each <= room)
            return n;
    return 0;
}

/* Cores of one copy: whole groups of channels, as many as stand beside each other on an array; or
 * several cores for a group. 0 when not one channel fits. */
static uint32_t cores_of(const struct plan_rig *r, const struct layer *l, uint32_t n,
                         uint32_t width)
{
    const struct crossbar_cfg *array = &r->config.crossbar;
    uint32_t in = l->in.channels / l->groups, out = l->out.channels / l->groups;
    uint32_t rows = positions(&l->window, n, width), beside = 0;

    while (beside < l->groups && (beside + 1) * rows * in <= array->rows &&
           (beside + 1) * n * out <= array->columns)
        beside++;
    if (l->groups > 1 && beside > 0)
        return (l->groups + beside - 1) / beside;
    return l->groups * shares(in, rows, array->rows) * shares(out, n, array->columns);
}

static void list_ways(const struct plan_rig *r, const struct layer *l, struct ways *ways)
{
    bool blocks = strcmp(r->config.mapping.firing, "free") != 0;
    const struct crossbar_cfg *array = &r->config.crossbar;

    ways->n = 0;
    for (uint32_t width = 1; width <= (blocks ? l->out.width : 1); width++)
        for (uint32_t n = width; n <= array->columns; n++) {
            uint32_t cores = cores_of(r, l, n, width);
            for (uint32_t copies = 1; copies <= l->out.width && cores; copies++) {
                assert_true(ways->n < MOST_WAYS);
                ways->way[ways->n++] = (struct way){ n, width, copies, cores * copies };
            }
        }
}

/* ---- every mapping ---- */

struct twin {
    struct plan_rig  *rig;
    struct ways       ways[MOST_LAYERS];
    uint32_t          n_layer;
    const struct way *chosen[MOST_LAYERS];
    uint64_t          n_mapping, n_plan;
    uint64_t          interval, latency, product, edp; // the least
};

/* An energy that is easy to count, and what it is at least. */
static enum err image_pj(void *user, const struct plan *p, uint64_t *pj, struct err_msg *m)
{
    (void)user, (void)m;
    *pj = 3 * p->n_core * p->time.first_result + 2 * p->n_stream;
    for (uint32_t i = 0; i < p->n_layer; i++) {
        const struct layer *l = plan_network_layer(p, i);
        *pj += 7 * p->time.layer[i].firings * p->layer[i].parts * p->layer[i].splits;
        *pj += (uint64_t)l->out.height * l->out.width * l->out.channels;
    }
    return ERR_NONE;
}

static const struct mapper_prices prices = { .image_pj = image_pj, .core_timestep_pj = 3,
                                             .firing_pj = 7, .output_pj = 1 };

static uint64_t edp_of(const struct plan *p)
{
    uint64_t pj;

    image_pj(NULL, p, &pj, NULL);
    return pj * p->time.first_result;
}

static void plan_chosen(struct twin *t)
{
    struct count_entry entry[3][MOST_LAYERS];
    struct config c = t->rig->config;
    struct plan p;
    struct err_msg m;

    for (uint32_t i = 0; i < t->n_layer; i++) {
        const struct way *w = t->chosen[i];
        const uint32_t values[] = { w->n, w->copies, w->width };
        for (int k = 0; k < 3; k++)
            entry[k][i] = (struct count_entry){ .key = t->rig->network.layer[i + 1].name,
                                                .where = (char *)"test", .value = values[k] };
    }
    c.mapping.replicas = (struct count_map){ entry[0], t->n_layer };
    c.mapping.copies = (struct count_map){ entry[1], t->n_layer };
    c.mapping.block_width = (struct count_map){ entry[2], t->n_layer };
    if (plan_make(&p, &t->rig->network, &c, &m))
        return;
    assert_true(p.n_core <= t->rig->config.chip_cores);
    t->n_plan++;
    t->interval = min_u64(t->interval, p.interval);
    t->latency = min_u64(t->latency, p.time.first_result);
    t->product = min_u64(t->product, p.interval * p.time.first_result);
    t->edp = min_u64(t->edp, edp_of(&p));
    plan_release(&p);
}

static void try_layers(struct twin *t, uint32_t layer, uint32_t cores, bool plan)
{
    if (layer == t->n_layer) {
        t->n_mapping++;
        if (plan)
            plan_chosen(t);
        return;
    }
    for (uint32_t i = 0; i < t->ways[layer].n; i++) {
        t->chosen[layer] = &t->ways[layer].way[i];
        if (cores + t->chosen[layer]->cores <= t->rig->config.chip_cores)
            try_layers(t, layer + 1, cores + t->chosen[layer]->cores, plan);
    }
}

/* False when there are none, or more than `most`. */
static bool try_all(struct twin *t, uint64_t most)
{
    t->n_layer = t->rig->network.n_layer - 1;
    t->n_mapping = t->n_plan = 0;
    t->interval = t->latency = t->product = t->edp = UINT64_MAX;
    for (uint32_t i = 0; i < t->n_layer; i++)
        list_ways(t->rig, &t->rig->network.layer[i + 1], &t->ways[i]);
    try_layers(t, 0, 0, false);
    if (t->n_mapping == 0 || t->n_mapping > most)
        return false;
    try_layers(t, 0, 0, true);
    return true;
}

/* ---- the mapper ---- */

static void assert_finds(const struct twin *t, enum optimize o, uint64_t want, uint32_t seed)
{
    struct config c = t->rig->config;
    struct mapping_report report;
    struct plan p;
    struct err_msg m;

    c.mapping.optimize = o;
    enum err e = mapping_resolve(&c, &t->rig->network, &prices, &report, &m);
    if (t->n_plan == 0) {
        assert_int_equal(e, ERR_INPUT);
        return;
    }
    if (e || plan_make(&p, &t->rig->network, &c, &m))
        fail_msg("case %u: %s", seed, m.text);
    uint64_t got = o == OPTIMIZE_LATENCY    ? p.time.first_result
                   : o == OPTIMIZE_INTERVAL ? p.interval
                   : o == OPTIMIZE_EDP      ? edp_of(&p)
                                            : p.interval * p.time.first_result;
    if (got != want || report.value != want || report.bound != want)
        fail_msg("case %u, objective %d, firing %s: got %llu (said %llu, bound %llu), want %llu of "
                 "%llu plans", seed, o, c.mapping.firing, (unsigned long long)got,
                 (unsigned long long)report.value, (unsigned long long)report.bound,
                 (unsigned long long)want, (unsigned long long)t->n_plan);
    plan_release(&p);
    param_release(config_params, &c);
}

/* What is said of all mappings without a look at each: as of large networks. Returns whether it is
 * more than that no option fires less often. */
static bool assert_bound(const struct twin *t, uint32_t seed)
{
    struct config c = t->rig->config;
    struct mapper_result r;
    struct mapper mp;
    uint64_t *interval;
    uint32_t n;
    struct err_msg m;
    bool more = false, doubtful = false; // those are no options of large networks

    c.mapping.optimize = OPTIMIZE_INTERVAL;
    if (mapper_init(&mp, &t->rig->network, &c, &m))
        return false;
    mp.small = false;
    for (uint32_t i = 0; i < mp.n_layer; i++)
        for (uint32_t k = 0; k < mp.layer[i].n_option; k++)
            doubtful |= mp.layer[i].option[k].doubtful;
    if (!doubtful && mapper_choose(&mp, &r, &m) == ERR_NONE) {
        if (r.bound > t->interval || r.value < t->interval)
            fail_msg("case %u: found %llu, none below %llu: there is %llu", seed,
                     (unsigned long long)r.value, (unsigned long long)r.bound,
                     (unsigned long long)t->interval);
        assert_int_equal(mapper_intervals(&mp, &interval, &n, &m), ERR_NONE);
        more = r.bound > interval[mapper_least_interval(&mp, interval, n)];
        free(interval);
        mapper_result_release(&r);
    }
    mapper_release(&mp);
    return more;
}

/* Kinds of layers seen in cases with something to choose. */
struct kinds {
    uint32_t pool, grouped, concat, residual;
};

static void note_kinds(const struct network *n, struct kinds *k)
{
    for (uint32_t i = 1; i < n->n_layer; i++) {
        const struct layer *l = &n->layer[i];
        k->pool += layer_is_digital(l);
        k->grouped += !layer_is_digital(l) && l->groups > 1;
        k->concat += l->n_input > 1;
        k->residual += l->has_residual;
    }
}

/* A convolution that reads the image, few clocks for it, and one that no array has room to make
 * faster: one of them sets the interval, or both may. */
static void draw_image_case(struct plan_rig *r, uint32_t *seed)
{
    char text[4][64];
    const char *set[] = { text[0], text[1], text[2], text[3], "core.crossbar.rows=80",
                          "core.crossbar.columns=8", "core.crossbar.mvm_ns=2",
                          "fabric.link_gbps=400", "core.digital.lanes=1024", NULL };

    rig_image(r, pick(seed, 3, 6), pick(seed, 3, 6), 1);
    rig_conv(r, 0, pick(seed, 1, 3), 3, pick(seed, 1, 2));
    rig_conv(r, 1, pick(seed, 3, 8), 1, 1)->pooled = true;
    snprintf(text[0], 64, "chip.cores=%u", pick(seed, 2, 5));
    snprintf(text[1], 64, "core.input_memory.words=%u", pick(seed, 30, 100));
    snprintf(text[2], 64, "core.input_memory.word_bits=%u", 8 * pick(seed, 1, 3));
    snprintf(text[3], 64, "clocking.timestep_ns=%u", 2 * pick(seed, 2, 12));
    struct network network = r->network;
    rig_config(r, set);
    r->network = network;
}

static void no_interval_is_out_of_question_that_a_plan_has(void **state)
{
    (void)state;
    uint32_t n_case = 0, n_more = 0;
    struct twin *t = calloc(1, sizeof *t);
    assert_non_null(t);

    for (uint32_t seed = 1; seed <= 200; seed++) {
        uint32_t r = seed * 7919;
        struct plan_rig rig = { 0 };
        t->rig = &rig;
        draw_image_case(&rig, &r);
        if (try_all(t, 3000) && t->n_plan > 1) {
            n_case++;
            n_more += assert_bound(t, seed);
        }
        rig_release(&rig);
    }
    free(t);
    assert_true(n_case > 80 && n_more > 30);
}

static void no_mapping_is_better_in_small_cases(void **state)
{
    (void)state;
    bool all = getenv("IMCSIM_ALL_MAPPINGS") != NULL;
    uint32_t n_case = 0, n_more = 0, largest[MOST_LAYERS + 1] = { 0 };
    struct kinds seen = { 0 };
    struct twin *t = calloc(1, sizeof *t);
    assert_non_null(t);

    for (uint32_t seed = 1; seed <= (all ? 3000 : 400); seed++) {
        uint32_t r = seed * 7919, n_layer = 1 + seed % MOST_LAYERS;
        struct plan_rig rig = { 0 };
        t->rig = &rig;
        draw_network(&rig, n_layer, seed % 3 == 0, &r);
        draw_config(&rig, n_layer, &r);
        if (try_all(t, all ? 100000 : 1000)) {
            assert_finds(t, OPTIMIZE_INTERVAL, t->interval, seed);
            assert_finds(t, OPTIMIZE_LATENCY, t->latency, seed);
            assert_finds(t, OPTIMIZE_BALANCED, t->product, seed);
            assert_finds(t, OPTIMIZE_EDP, t->edp, seed);
            n_case += t->n_plan > 1;
            n_more += assert_bound(t, seed);
            if (t->n_plan > 1)
                note_kinds(&rig.network, &seen);
            largest[n_layer] = max_u32(largest[n_layer], (uint32_t)t->n_plan);
        }
        rig_release(&rig);
    }
    free(t);
    assert_true(n_case > 50);
    assert_true(n_more > 4);
    assert_true(seen.pool > 10 && seen.grouped > 3 && seen.concat > 3 && seen.residual > 10);
    for (uint32_t i = 2; i <= MOST_LAYERS; i++)
        assert_true(largest[i] > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_interval_is_out_of_question_that_a_plan_has),
        cmocka_unit_test(no_mapping_is_better_in_small_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
