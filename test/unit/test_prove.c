#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "arch/core/proof.h"
#include "arch/prove.h"
#include "study/study.h"
#include "test/plan_rig.h"
#include "test/random_study.h"
#include "test/random_tokens.h"

enum { N_DESIGN = 200, N_FLAT = 60, N_FAULT = 200 };

static void shipped_machines_are_proved(void **state)
{
    static const char *const configs[] = { "configs/resnet32.yaml", "configs/resnet32_speedup.yaml",
                                           "configs/resnet32_fmnist.yaml",
                                           "configs/resnet32_optimized.yaml" };

    (void)state;
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        struct study s;
        struct err_msg m;
        if (study_load(&s, configs[i], NULL, 0, &m) || prove(&s.plan, NULL, &m))
            fail_msg("%s: %s", configs[i], m.text);
        study_release(&s);
    }
}

/* By the core that keeps it, and where none keeps all of its channels, by the scratchpad. */
static void layers_that_add_the_image_are_proved(void **state)
{
    static const char *const machines[][4] = {
        { NULL },
        { "core.crossbar.rows=8", "fabric.hop_timesteps=2", NULL },
        { "core.crossbar.rows=8", "fabric.hop_timesteps=2", "fabric.partial_sum_hops=0", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        for (uint32_t before = 0; before <= 4; before++) {
            const struct window w = { .kernel = { 5, 3 }, .stride = { 1, 1 },
                                      .dilation = { 1, 1 }, .pad_before = { before, before / 2 },
                                      .pad_after = { 4 - before, 2 - before / 2 } };
            struct plan_rig r;
            rig_config(&r, machines[i]);
            rig_image(&r, 9, 7, 3);
            rig_layer(&r, 0, 3, &w)->has_residual = true;
            rig_conv(&r, 1, 3, 3, 1)->has_residual = true; // of the image, which no core sends
            if (rig_plan(&r) || prove(&r.plan, NULL, &r.msg))
                fail_msg("machine %zu, %u before: %s", i, before, r.msg.text);
            for (uint32_t k = 1; k < r.plan.n_image_feed; k++) // one of a layer
                assert_true(r.plan.image_feed[k - 1].layer < r.plan.image_feed[k].layer);
            rig_release(&r);
        }
}

static void random_designs_are_proved(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_DESIGN; seed++) {
        struct random_study s;
        struct prove_result r;
        struct err_msg m;
        random_study_make(&s, seed);
        if (prove(&s.plan, &r, &m))
            fail_msg("seed %u: %s", seed, m.text);
        assert_true(r.n_image > s.plan.time.transient_images);
        random_study_release(&s);
    }
}

static void networks_whose_rows_are_split_inside_channels_are_proved(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= N_FLAT; seed++) {
        struct random_study s;
        struct err_msg m;
        random_flat_study_make(&s, seed, seed % 4 == 0);
        if (prove(&s.plan, NULL, &m))
            fail_msg("seed %u: %s", seed, m.text);
        random_study_release(&s);
    }
}

/* The first layers of a network alone: every pixel of what the last one delivers, values or sums,
 * is the result. */
static void networks_that_end_in_a_map_are_proved(void **state)
{
    enum { N_LAYER = 7 };
    (void)state;

    for (int raw = 0; raw < 2; raw++) {
        struct study s;
        struct plan p;
        struct err_msg m;
        if (study_load(&s, "configs/resnet32.yaml", NULL, 0, &m))
            fail_msg("%s", m.text);
        struct layer *last = &s.network.layer[N_LAYER - 1];
        uint32_t n_layer = s.network.n_layer;
        s.network.n_layer = N_LAYER;
        last->raw_output = raw;
        last->relu = !raw;
        assert_int_equal(network_result(&s.network)->out.height, 32);
        if (plan_make(&p, &s.network, &s.config, &m) || prove(&p, NULL, &m))
            fail_msg("%s: %s", raw ? "sums" : "values", m.text);
        plan_release(&p);
        s.network.n_layer = n_layer;
        study_release(&s);
    }
}

/* ---- planted faults ----
 *
 * A chip is built from a plan that is wrong in one place. The fault is live if, with random images
 * and weights, any sum or result of the chip differs from that of a right one, or the chip stops.
 */

struct lcg {
    uint64_t state;
};

static uint32_t next(struct lcg *g, uint32_t n)
{
    g->state = g->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((g->state >> 33) % n);
}

/* Each plants its fault somewhere in the plan; false where the plan has no such place. */

static bool wrong_address(struct plan *p, struct lcg *g)
{
    struct memory_layout *l = &p->time.core[next(g, p->n_core)].layout;

    if (l->shape.pixel_values < 2 || l->shape.height < 2 || l->delta_pix < 2)
        return false;
    l->delta_pix -= 1 + next(g, (uint32_t)(l->delta_pix - 1)); // the next pixel overlaps
    return true;
}

static bool wrong_slot(struct plan *p, struct lcg *g)
{
    uint32_t core = next(g, p->n_core);
    struct memory_layout *l = &p->time.core[core].layout;
    struct memory_shape shape = l->shape;

    if (shape.columns < 2)
        return false;
    shape.columns--; // a column comes to a slot too early
    if (shape.kernel_columns > shape.columns)
        shape.kernel_columns = shape.columns;
    memory_layout_init(l, &shape, l->placing);
    return true;
}

/* Two streams of pixels to one core, of as many channels. */
static bool two_streams(const struct plan *p, struct lcg *g, uint32_t *a, uint32_t *b)
{
    uint32_t start = next(g, p->n_stream);

    for (uint32_t i = 0; i < p->n_stream; i++) {
        *a = (start + i) % p->n_stream;
        for (*b = 0; *b < p->n_stream; ++*b) {
            const struct plan_stream *s = &p->stream[*a], *t = &p->stream[*b];
            if (*a != *b && s->kind == t->kind && s->n == t->n && s->n > 0 && s->to == t->to &&
                (s->kind == STREAM_FORWARD || s->kind == STREAM_RESIDUAL ||
                 s->kind == STREAM_TO_RESAMPLING))
                return true;
        }
    }
    return false;
}

static bool wrong_mask(struct plan *p, struct lcg *g) // slices are written to each other's places
{
    uint32_t a, b;

    if (!two_streams(p, g, &a, &b) || p->stream[a].to_first == p->stream[b].to_first)
        return false;
    uint32_t first = p->stream[a].to_first;
    p->stream[a].to_first = p->stream[b].to_first;
    p->stream[b].to_first = first;
    return true;
}

static bool wrong_stream(struct plan *p, struct lcg *g) // a slice is taken where another begins
{
    uint32_t start = next(g, p->n_stream);

    for (uint32_t i = 0; i < p->n_stream; i++) {
        struct plan_stream *s = &p->stream[(start + i) % p->n_stream];
        if (s->kind != STREAM_FORWARD && s->kind != STREAM_RESIDUAL)
            continue;
        const struct plan_core *from = &p->core[s->from];
        uint32_t low = s->kind == STREAM_FORWARD ? from->out_first : from->in_first;
        uint32_t n = s->kind == STREAM_FORWARD ? from->out_n : from->in_n;
        if (s->n == 0 || s->n >= n)
            continue;
        s->first = s->first > low ? s->first - 1 : s->first + 1;
        return true;
    }
    return false;
}

static struct read_back_send *some_sends(struct plan *p, struct lcg *g, uint32_t *n)
{
    if (p->n_read_back == 0)
        return NULL;
    struct read_back_times *t = &p->time.read_back[next(g, p->n_read_back)];
    *n = t->n;
    return t->n < 2 ? NULL : t->send + (size_t)(t->n_image - 1) * t->n;
}

static bool wrong_order(struct plan *p, struct lcg *g) // two pixels change places
{
    uint32_t n, i;
    struct read_back_send *send = some_sends(p, g, &n);

    if (!send)
        return false;
    i = next(g, n - 1);
    struct read_back_send a = send[i];
    send[i].row = send[i + 1].row;
    send[i].column = send[i + 1].column;
    send[i + 1].row = a.row;
    send[i + 1].column = a.column;
    return true;
}

static bool wrong_time(struct plan *p, struct lcg *g) // a pixel of the image is stored late
{
    uint32_t i = next(g, p->n_image_feed);
    const struct shape *s = &p->network->layer[0].out;
    uint32_t at = next(g, s->height * s->width), late = 1 + next(g, 12);

    int64_t *stored = p->time.image_feed[i].stored;
    for (; at < s->height * s->width; at++) // and those behind it are not before it
        if (stored[at] < stored[s->height * s->width - 1])
            stored[at] += late;
    return true;
}

static bool wrong_read_back(struct plan *p, struct lcg *g) // the neighbour of a pixel
{
    uint32_t n, i;
    struct read_back_send *send = some_sends(p, g, &n);

    if (!send)
        return false;
    i = next(g, n);
    if (send[i].row > 0)
        send[i].row--;
    else
        send[i].row++;
    return true;
}

static bool wrong_replica(struct plan *p, struct lcg *g) // each looks a pixel beside its patch
{
    struct plan_layer *l = &p->layer[next(g, p->n_layer)];

    if (l->replicas.n < 2 || l->window.pad_before[0] == 0)
        return false;
    l->window.pad_before[0]--;
    return true;
}

static bool wrong_copy(struct plan *p, struct lcg *g) // a copy computes the columns of the next
{
    uint32_t layer = next(g, p->n_layer);
    const struct plan_layer *l = &p->layer[layer];

    if (l->copies < 2)
        return false;
    for (uint32_t i = 0; i < l->parts * l->splits; i++)
        p->core[l->first_core + i].copy = 1;
    return true;
}

static bool wrong_part(struct plan *p, struct lcg *g) // two parts say that they hold each other's
{
    uint32_t layer = next(g, p->n_layer);
    const struct plan_layer *l = &p->layer[layer];
    struct plan_core *a = &p->core[l->first_core], *b = a + 1;

    if (l->parts < 2 || a->in_n != b->in_n)
        return false;
    uint32_t first = a->in_first;
    a->in_first = b->in_first;
    b->in_first = first;
    return true;
}

struct plant {
    const char *name;
    bool (*plant)(struct plan *p, struct lcg *g);
};

static const struct plant faults[] = {
    { "address", wrong_address },     { "slot", wrong_slot },       { "mask", wrong_mask },
    { "stream", wrong_stream },       { "order", wrong_order },     { "time", wrong_time },
    { "read-back", wrong_read_back }, { "replica", wrong_replica }, { "copy", wrong_copy },
    { "part", wrong_part },
};

struct subject { // a right plan, and random images
    const struct plan *plan;
    const int8_t      *image; // [STUDY_IMAGES]
    size_t             image_bytes;
};

/* What a chip computes with random images: a hash of every sum and result, by core and pixel. */
struct seen {
    const struct plan *plan;
    uint64_t hash;
};

static void add_event(void *user, uint32_t core, const struct core_event *e)
{
    struct seen *s = user;
    uint64_t h = s->plan->core[core].plan_layer * 65537 + s->plan->core[core].out_first;

    if (e->kind != CORE_RESULT)
        return;
    h = h * 31 + e->pixel->image;
    h = h * 8191 + e->pixel->row;
    h = h * 8191 + e->pixel->column;
    for (uint32_t o = 0; o < s->plan->core[core].out_n; o++)
        h = (h ^ (uint32_t)e->sum[o]) * UINT64_C(0x100000001b3);
    for (uint32_t o = 0; o < e->value_bytes; o++)
        h = (h ^ e->value[o]) * UINT64_C(0x100000001b3);
    s->hash += h * UINT64_C(0x9e3779b97f4a7c15); // in any order
}

static uint64_t values_of(const struct subject *s, const struct plan *p)
{
    struct seen seen = { s->plan, 0 };
    const struct core_probe probe = { .event = add_event, .user = &seen };
    const struct chip_cfg cfg = { .plan = p, .planes = { .n = 1 }, .probe = &probe };
    struct chip *chip = chip_new(&cfg);
    struct chip_result r;
    struct err_msg m;
    uint32_t in = 0, out = 0;

    if (!chip)
        return 0;
    for (int64_t t = -(int64_t)p->time.lead; out < STUDY_IMAGES; t++) {
        while (in < STUDY_IMAGES && chip_inject(chip, s->image + in * s->image_bytes))
            in++;
        if (chip_run(chip, t, &m) || (in == STUDY_IMAGES && chip_stands_still(chip)))
            return 0;
        while (chip_result(chip, &r))
            out++;
    }
    if (chip_run(chip, INT32_MAX, &m))
        return 0;
    chip_free(chip);
    return seen.hash;
}

/* Runs one half in a child, in which an assertion may fail: that stops a run, too. */
static bool stops(const struct subject *s, const struct plan *wrong, uint64_t want)
{
    fflush(NULL);
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct err_msg m;
        static const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL };
        for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
            signal(signals[i], SIG_DFL); // not cmocka's
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        alarm(20);
        bool stop = want ? values_of(s, wrong) != want
                         : prove_chip(wrong, s->plan, NULL, &m) != ERR_NONE;
        _exit(stop);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status != 0;
}

/* Plants the fault in `wrong`; false where it has no place there. */
static bool catch_fault(const struct plant *fault, unsigned seed, const struct subject *right,
                        struct plan *wrong, uint32_t *n_live)
{
    struct lcg g = { seed };

    if (!fault->plant(wrong, &g))
        return false;
    const bool live = stops(right, wrong, values_of(right, right->plan));
    *n_live += live;
    if (live && !stops(right, wrong, 0))
        fail_msg("seed %u: a wrong %s is not seen", seed, fault->name);
    return true;
}

static bool catch_in_study(const struct plant *fault, unsigned seed, uint32_t *n_live)
{
    struct random_study right, wrong;

    random_study_make(&right, seed);
    random_study_make(&wrong, seed);
    const struct subject s = { &right.plan, right.image, right.image_bytes };
    const bool planted = catch_fault(fault, seed, &s, &wrong.plan, n_live);
    random_study_release(&wrong);
    random_study_release(&right);
    return planted;
}

static void every_planted_fault_that_changes_a_value_is_caught(void **state)
{
    const size_t n_kind = sizeof faults / sizeof *faults;
    uint32_t n_live[sizeof faults / sizeof *faults] = { 0 };

    (void)state;
    for (size_t kind = 0; kind < n_kind; kind++) {
        uint32_t n = 0;
        for (unsigned seed = 1; n < N_FAULT / n_kind && seed < 2000; seed++)
            n += catch_in_study(&faults[kind], seed, &n_live[kind]);
        assert_int_equal(n, N_FAULT / n_kind);
        if (n_live[kind] == 0)
            fail_msg("no wrong %s changes a value", faults[kind].name);
    }
}

/* ---- planted faults of layers of tokens ---- */

/* One that sees several tokens of a row; NULL: there is none. */
static struct plan_layer *some_gathers(struct plan *p, struct lcg *g)
{
    const uint32_t start = next(g, p->n_layer);

    for (uint32_t i = 0; i < p->n_layer; i++) {
        const uint32_t layer = (start + i) % p->n_layer;
        if (layer_is_of_tokens(plan_network_layer(p, layer)) &&
            p->layer[layer].window.kernel[1] > 1)
            return &p->layer[layer];
    }
    return NULL;
}

static bool wrong_first_key(struct plan *p, struct lcg *g)
{
    struct plan_layer *l = some_gathers(p, g);
    const bool more = next(g, 2);

    if (!l || (!more && l->window.pad_before[1] == 0))
        return false;
    l->window.pad_before[1] += more ? 1 : UINT32_MAX;
    l->window.kernel[1] += more ? 1 : UINT32_MAX;
    return true;
}

static bool wrong_last_key(struct plan *p, struct lcg *g)
{
    struct plan_layer *l = some_gathers(p, g);

    if (!l)
        return false;
    l->window.kernel[1] += next(g, 2) ? 1 : UINT32_MAX;
    return true;
}

static bool wrong_row_of_keys(struct plan *p, struct lcg *g)
{
    struct plan_layer *l = some_gathers(p, g);

    if (!l || l->in_height < 2 || l->window.kernel[0] < 2)
        return false;
    l->window.kernel[0]--;
    return true;
}

static bool wrong_sequence(struct plan *p, struct lcg *g) // it begins where another ends
{
    struct plan_layer *l = some_gathers(p, g);

    if (!l || l->in_width < 2)
        return false;
    l->in_width--;
    return true;
}

static bool wrong_bank(struct plan *p, struct lcg *g) // there are tokens fewer than are needed
{
    struct plan_layer *l = some_gathers(p, g);

    if (!l)
        return false;
    for (uint32_t i = 0; i < l->n_core; i++) {
        struct memory_layout *m = &p->time.core[l->first_core + i].layout;
        struct memory_shape shape = m->shape;
        if (shape.columns < 2)
            return false;
        shape.columns -= 1 + next(g, shape.columns - 1);
        if (shape.kernel_columns > shape.columns)
            shape.kernel_columns = shape.columns;
        memory_layout_init(m, &shape, m->placing);
    }
    return true;
}

static bool wrong_token_slot(struct plan *p, struct lcg *g) // neighbours lie over each other
{
    struct plan_layer *l = some_gathers(p, g);

    if (!l)
        return false;
    struct memory_layout *m = &p->time.core[l->first_core].layout;
    m->delta_pix = next(g, m->shape.pixel_values);
    return true;
}

static bool wrong_heads(struct plan *p, struct lcg *g) // two cores take those of each other
{
    struct plan_layer *l = some_gathers(p, g);

    if (!l || l->splits < 2)
        return false;
    struct plan_core *core = &p->core[l->first_core];
    const uint32_t split = core[0].split;
    core[0].split = core[1].split;
    core[1].split = split;
    return true;
}

static const struct plant token_faults[] = {
    { "first key", wrong_first_key }, { "last key", wrong_last_key },
    { "row of keys", wrong_row_of_keys }, { "sequence", wrong_sequence }, { "bank", wrong_bank },
    { "slot", wrong_token_slot }, { "core's heads", wrong_heads }, { "mask", wrong_mask },
    { "stream", wrong_stream },
};

static bool catch_in_tokens(const struct plant *fault, unsigned seed, uint32_t *n_live)
{
    struct random_tokens right, wrong;

    random_tokens_make(&right, seed, true);
    random_tokens_make(&wrong, seed, true);
    const struct subject s = { &right.rig.plan, (const int8_t *)right.image, right.image_bytes };
    const bool planted = catch_fault(fault, seed, &s, &wrong.rig.plan, n_live);
    random_tokens_release(&wrong);
    random_tokens_release(&right);
    return planted;
}

/* Which tokens a query sees is the network's, whatever the plan says. */
static void every_planted_fault_of_tokens_that_changes_a_value_is_caught(void **state)
{
    enum { EACH = 20 };

    (void)state;
    for (size_t kind = 0; kind < sizeof token_faults / sizeof *token_faults; kind++) {
        uint32_t n = 0, n_live = 0;
        for (unsigned seed = 1; n < EACH && seed < 2000; seed++)
            n += catch_in_tokens(&token_faults[kind], seed, &n_live);
        if (n < EACH || n_live == 0)
            fail_msg("a wrong %s: %u planted, %u change a value", token_faults[kind].name, n,
                     n_live);
    }
}

/* ---- planted faults of tokens that were proved once ----
 *
 * Two heads of 3 channels: a token is 9 values, of which the third word of 4 has one.
 */

struct slip { // of where a memory's pixels lie, once a core has fired so often
    struct plan *plan;
    uint32_t core, left;
    int64_t by; // values more between neighbouring pixels
};

static void slip(void *user, uint32_t core, const struct core_event *e)
{
    struct slip *s = user;

    if (e->kind == CORE_FIRED && core == s->core && s->left > 0 && --s->left == 0)
        s->plan->time.core[core].layout.delta_pix += (uint64_t)s->by;
}

static void number_tokens(const struct proof *proof, uint64_t image, int8_t *to)
{
    const struct shape *in = &proof->plan->network->layer[0].out;

    for (uint32_t plane = 0; plane < proof->planes; plane++)
        for (uint32_t t = 0; t < in->width * in->height; t++) {
            const struct pixel at = { image, t % in->height, t / in->height };
            for (uint32_t ch = 0; ch < in->channels; ch++)
                *to++ = (int8_t)((proof_number(proof, 0, &at) + ch) >> (8 * plane));
        }
}

static enum err prove_tokens(struct plan *wrong, struct slip *s, const struct plan *right,
                             uint64_t n_image, struct err_msg *m)
{
    const struct core_probe probe = { .event = slip, .user = s };
    const struct shape *in = &right->network->layer[0].out;
    struct chip_result r;
    struct proof proof;
    int64_t until = 0;
    enum err e = ERR_NONE;

    assert_true(proof_init(&proof, right, n_image));
    const struct chip_cfg cfg = { .plan = wrong, .planes = { .n = proof.planes },
                                  .kernel = KERNEL_NATIVE, .probe = &probe, .proof = &proof };
    struct chip *chip = chip_new(&cfg);
    int8_t *image = malloc((size_t)proof.planes * in->height * in->width * in->channels);
    assert_non_null(chip);
    assert_non_null(image);
    for (uint64_t i = 0, out = 0; !e && out < n_image; e = chip_run(chip, until++, m)) {
        number_tokens(&proof, i, image);
        i += i < n_image && chip_inject(chip, image);
        out += chip_result(chip, &r);
    }
    free(image);
    chip_free(chip);
    proof_release(&proof);
    return e;
}

static void load_tokens(struct study *s, const char *sequence, const char *causal)
{
    const char *const set[] = {
        "network.family=transformer", "network.layers=1", "network.hidden=6", "network.heads=2",
        "network.kv_heads=2", "network.ffn=5", sequence, causal, "core.crossbar.rows=64",
        "core.crossbar.columns=64", "core.input_memory.word_bits=32", "fabric.link_gbps=1000",
        "core.digital.lanes=64", "attention.lanes=64", "attention.exp_lanes=64",
        "attention.memory_bytes=65536", "attention.banks=2", "digital_core.lanes=64",
        "chip.cores=64",
    };
    struct err_msg m;

    if (study_load(s, NULL, set, sizeof set / sizeof *set, &m))
        fail_msg("%s", m.text);
}

struct tokens {
    const char *sequence, *causal;
    uint64_t n_image;
    uint32_t left; // firings until the slip; 0: before the first pixel comes
};

static void tokens_slip(const struct tokens *t, int64_t by, bool caught)
{
    struct study right, wrong;
    struct err_msg m = { .text = "" };

    load_tokens(&right, t->sequence, t->causal);
    load_tokens(&wrong, t->sequence, t->causal);
    const uint32_t layer = network_find(&wrong.network, "l1.att");
    const uint32_t core = wrong.plan.layer[layer - 1].first_core;
    struct memory_layout *l = &wrong.plan.time.core[core].layout;
    assert_int_equal(l->shape.pixel_values, 9);
    assert_int_equal(l->delta_pix, 12);
    assert_int_equal(l->shape.columns, 2 * right.plan.network->layer[0].out.width);
    struct slip s = { &wrong.plan, core, t->left, by };
    if (t->left == 0)
        l->delta_pix += (uint64_t)by;
    const enum err e = prove_tokens(&wrong.plan, &s, &right.plan, t->n_image, &m);
    if (caught != (e != ERR_NONE) || (caught && !strstr(m.text, "not what is read for")))
        fail_msg("%s, %s, %u firings, %" PRId64 " more: %s", t->sequence, t->causal, t->left, by,
                 m.text);
    study_release(&wrong);
    study_release(&right);
}

/* All keys of a sequence are proved by its first query. Then those of the last sequence are read
 * from the slot twice as far, from words of their neighbours or a value beside; by its last query
 * alone, too. Of a third sequence the slot twice as far has a token that was proved, be it of the
 * second. */
static void a_key_read_from_a_wrong_slot_after_it_was_proved_is_caught(void **state)
{
    static const int64_t by[] = { 12, 4, 1, -1, -4, -8 };

    (void)state;
    for (uint32_t n = 1; n <= 3; n += 2) // those of a second would lie outside
        for (uint32_t left = 5 * n - 4; left < 5 * n; left++)
            for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
                const struct tokens t = { "network.sequence=5", "network.causal=false", n,
                                          left };
                tokens_slip(&t, 0, false);
                tokens_slip(&t, by[i], true);
            }
}

/* The first query sees the first token alone; the second token then lies over the end of it. */
static void a_key_written_over_after_it_was_proved_is_caught(void **state)
{
    const struct tokens t = { "network.sequence=2", "network.causal=true", 1, 0 };

    (void)state;
    tokens_slip(&t, 0, false);
    tokens_slip(&t, -4, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_machines_are_proved),
        cmocka_unit_test(layers_that_add_the_image_are_proved),
        cmocka_unit_test(random_designs_are_proved),
        cmocka_unit_test(networks_whose_rows_are_split_inside_channels_are_proved),
        cmocka_unit_test(networks_that_end_in_a_map_are_proved),
        cmocka_unit_test(every_planted_fault_that_changes_a_value_is_caught),
        cmocka_unit_test(every_planted_fault_of_tokens_that_changes_a_value_is_caught),
        cmocka_unit_test(a_key_read_from_a_wrong_slot_after_it_was_proved_is_caught),
        cmocka_unit_test(a_key_written_over_after_it_was_proved_is_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
