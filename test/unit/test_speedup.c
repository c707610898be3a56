/* Replicas, splits, copies and firing policies on a trained network: what they compute is what
 * plain loops over the same integers compute, whatever the mapping. When they compute it is in
 * test_dry_run.c. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "study/run.h"
#include "study/study.h"
#include "test/reference.h"
#include "traces/images/images.h"

#define TRAINED "configs/resnet32_fmnist.yaml"
#define IMAGES  "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

/* No stage is over budget, no memory too small: what is tested is what comes out. */
#define NO_BUDGET                                                                                 \
    "chip.cores=60000", "core.input_memory.words=65536", "clocking.timestep_ns=100000"

enum { N_STREAM_IMAGE = 2, MAX_SET = 24, N_MAPPING = 24 };

static bool skip_without_images(void)
{
    if (access(IMAGES, R_OK) == 0)
        return false;
    print_message("%s is not there\n", IMAGES);
    return true;
}

/* ---- what is to come out ---- */

struct want {
    struct study     plain; // its network is the references'
    int8_t          *pixels[N_STREAM_IMAGE];
    struct reference image[N_STREAM_IMAGE];
};

static int make_want(void **state)
{
    struct want *w = calloc(1, sizeof *w);
    const struct images_shape shape = { 32, 32, 3 };
    struct images *set;
    struct err_msg m;
    uint32_t label;
    int more;

    *state = w;
    if (study_load(&w->plain, TRAINED, NULL, 0, &m)) {
        fprintf(stderr, "%s\n", m.text);
        return -1;
    }
    if (access(IMAGES, R_OK) != 0)
        return 0;
    if (images_open(&set, IMAGES, shape, 10, &m))
        return -1;
    for (int i = 0; i < N_STREAM_IMAGE; i++) {
        w->pixels[i] = malloc(32 * 32 * 3);
        if (images_next(set, w->pixels[i], &label, &more, &m) || !more)
            return -1;
        reference_init(&w->image[i], &w->plain.network);
        reference_run(&w->image[i], w->pixels[i]);
    }
    images_close(set);
    return 0;
}

static int free_want(void **state)
{
    struct want *w = *state;

    for (int i = 0; i < N_STREAM_IMAGE; i++)
        if (w->pixels[i]) {
            reference_release(&w->image[i]);
            free(w->pixels[i]);
        }
    study_release(&w->plain);
    free(w);
    return 0;
}

/* ---- what comes out ---- */

struct watcher {
    const struct want *want;
    const struct plan *plan;
    const char        *mapping;
    uint64_t           n_value;
};

static void compare(void *user, uint32_t core, const struct core_event *e)
{
    struct watcher *w = user;
    const struct plan_core *pc = &w->plan->core[core];
    const struct layer *l = plan_network_layer(w->plan, pc->plan_layer);
    uint32_t layer = w->plan->layer[pc->plan_layer].layer;

    if (e->kind != CORE_RESULT)
        return;
    assert_int_equal(e->n, 1);
    const struct pixel *at = &e->pixel[0];
    const struct reference *r = &w->want->image[at->image];
    for (uint32_t o = 0; o < pc->out_n; o++) {
        uint32_t channel = pc->out_first + o;
        int64_t value = l->raw_output    ? ((const int32_t *)(const void *)e->value)[o]
                        : l->out_signed ? (int8_t)e->value[o]
                                        : e->value[o];
        if (value != reference_map(r, layer, at->row, at->column, channel) ||
            e->sum[o] != reference_sum(r, layer, at->row, at->column, channel))
            fail_msg("%s: image %" PRIu64 ", %s, pixel (%" PRIu32 ", %" PRIu32 "), channel %" PRIu32
                     ": %" PRId64 " of a sum of %" PRId32, w->mapping, at->image, l->name, at->row,
                     at->column, channel, value, e->sum[o]);
        w->n_value++;
    }
}

static uint64_t values_per_image(const struct network *n)
{
    uint64_t values = 0;

    for (uint32_t i = 1; i < n->n_layer; i++)
        values += (uint64_t)n->layer[i].out.height * n->layer[i].out.width *
                  n->layer[i].out.channels;
    return values;
}

/* Streams the images back to back; every activation of every layer must come, and be right. */
static void assert_values(const struct want *want, const struct study *s, const char *mapping)
{
    struct watcher w = { want, &s->plan, mapping, 0 };
    const struct core_probe probe = { .event = compare, .user = &w };
    const struct chip_cfg cfg = { .plan = &s->plan, .planes.n = 1, .probe = &probe };
    struct chip *chip = chip_new(&cfg);
    struct chip_result result;
    struct err_msg m;
    int64_t end = (int64_t)(s->plan.time.first_result + N_STREAM_IMAGE * s->plan.interval);
    uint32_t in = 0, out = 0;

    assert_non_null(chip);
    for (int64_t t = -1; t < end; t += (int64_t)s->plan.interval) {
        while (in < N_STREAM_IMAGE && chip_inject(chip, want->pixels[in]))
            in++;
        if (chip_run(chip, t, &m))
            fail_msg("%s: %s", mapping, m.text);
        while (chip_result(chip, &result))
            out++;
    }
    if (chip_run(chip, end, &m))
        fail_msg("%s: %s", mapping, m.text);
    while (chip_result(chip, &result))
        out++;
    assert_int_equal(out, N_STREAM_IMAGE);
    assert_int_equal(w.n_value, N_STREAM_IMAGE * values_per_image(&s->network));
    chip_free(chip);
}

/* False when the mapping does not fit. set ends with NULL. */
static bool check_mapping(const struct want *want, const char *const *set)
{
    struct study s;
    struct err_msg m;
    char mapping[1024] = "";
    size_t n = 0;

    for (; set[n]; n++)
        snprintf(mapping + strlen(mapping), sizeof mapping - strlen(mapping), " %s", set[n]);
    enum err e = study_load(&s, TRAINED, set, n, &m);
    if (e) {
        assert_int_equal(e, ERR_INPUT);
        return false;
    }
    assert_values(want, &s, mapping);
    study_release(&s);
    return true;
}

static void the_article_s_speed_up_computes_the_activations_of_plain_loops(void **state)
{
    static const char *const mappings[][8] = {
        { NULL },
        { "mapping.replicas={32: 4, 16: 2}", "fabric.link_gbps=5.12" },
        { "mapping.replicas={32: 4, 16: 2}", "fabric.link_gbps=5.12", "mapping.firing=free" },
        { "mapping.replicas={32: 4, 16: 2}", "fabric.link_gbps=5.12", "core.crossbar.rows=512",
          "core.crossbar.columns=512", "mapping.firing=free" },
        { "mapping.replicas={32: 4, 16: 2}", "fabric.link_gbps=5.12", "core.crossbar.rows=512",
          "core.crossbar.columns=512" },
        { "mapping.replicas={32: 4, 16: 2}", "fabric.link_gbps=5.12", "mapping.block_width.32=2" },
    };

    if (skip_without_images())
        skip();
    for (size_t i = 0; i < sizeof mappings / sizeof *mappings; i++)
        assert_true(check_mapping(*state, mappings[i]));
}

/* ---- mappings at random ---- */

static uint32_t pick(uint32_t *seed, uint32_t least, uint32_t most)
{
    *seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223); // Numerical Recipes
    return least + (*seed >> 8) % (most - least + 1);
}

struct mapping {
    char        text[MAX_SET][64];
    const char *set[MAX_SET + 1];
    size_t      n;
};

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void set(struct mapping *m, const char *fmt, ...)
{
    va_list args;

    assert_true(m->n < MAX_SET);
    va_start(args, fmt);
    vsnprintf(m->text[m->n], sizeof m->text[m->n], fmt, args);
    va_end(args);
    m->set[m->n] = m->text[m->n];
    m->n++;
}

/* By height of the output, and for one layer by name. */
static void random_mapping(struct mapping *m, uint32_t seed)
{
    static const char *const no_budget[] = { NO_BUDGET };
    static const char *const firing[] = { "column", "free", "block" };
    static const char *const placing[] = { "auto", "iwap", "klip", "plip" };
    static const uint32_t side[] = { 64, 128, 200, 256, 512, 1024 };
    uint32_t r = seed * UINT32_C(2654435761);

    *m = (struct mapping){ 0 };
    for (size_t i = 0; i < sizeof no_budget / sizeof *no_budget; i++)
        set(m, "%s", no_budget[i]);
    set(m, "core.crossbar.rows=%u", side[pick(&r, 0, 5)]);
    set(m, "core.crossbar.columns=%u", side[pick(&r, 0, 5)]);
    set(m, "core.input_memory.placing=%s", placing[pick(&r, 0, 3)]);
    set(m, "fabric.partial_sum_hops=%u", pick(&r, 0, 2));
    set(m, "mapping.firing=%s", firing[pick(&r, 0, 2)]);
    for (uint32_t height = 32; height >= 8; height /= 2) {
        set(m, "mapping.replicas.%u=%u", height, pick(&r, 1, 7));
        if (pick(&r, 0, 1))
            set(m, "mapping.block_width.%u=%u", height, pick(&r, 1, 4));
        if (pick(&r, 0, 2) == 0)
            set(m, "mapping.copies.%u=%u", height, pick(&r, 2, 3));
    }
    set(m, "mapping.copies.L31=1"); // pooled
    set(m, "mapping.replicas.L%u=%u", pick(&r, 1, 31), pick(&r, 1, 9));
}

static void any_mapping_computes_the_activations_of_plain_loops(void **state)
{
    uint32_t fit = 0;

    if (skip_without_images())
        skip();
    for (uint32_t seed = 1; seed <= N_MAPPING; seed++) {
        struct mapping m;
        random_mapping(&m, seed);
        fit += check_mapping(*state, m.set);
    }
    assert_true(fit >= N_MAPPING / 2);
}

/* ---- classes ---- */

static struct run_result classify(const char *const *sets, size_t n)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .images = IMAGES, .n_image = 300,
                                 .jobs = 2 };
    struct run_result result = { 0 };
    struct study s;
    struct err_msg m;

    if (study_load(&s, TRAINED, sets, n, &m) || run(&s.plan, &cfg, &result, &m))
        fail_msg("%s", m.text);
    study_release(&s);
    return result;
}

static void the_speed_up_classifies_as_the_plain_run(void **state)
{
    static const char *const speed_up[] = {
        "mapping.replicas={32: 4, 16: 2}", "fabric.link_gbps=5.12", "core.crossbar.rows=512",
        "core.crossbar.columns=512", "mapping.firing=free",
    };

    (void)state;
    if (skip_without_images())
        skip();
    struct run_result plain = classify(NULL, 0), fast = classify(speed_up, 5);
    assert_int_equal(plain.first_result, 1628);
    assert_int_equal(fast.first_result, 527);
    assert_memory_equal(fast.predicted, plain.predicted, 300 * sizeof *plain.predicted);
    assert_int_equal(fast.n_correct, plain.n_correct);
    assert_in_range(plain.n_correct, 270, 300); // 94.5 % of all 10,000
    run_result_release(&plain);
    run_result_release(&fast);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_article_s_speed_up_computes_the_activations_of_plain_loops),
        cmocka_unit_test(any_mapping_computes_the_activations_of_plain_loops),
        cmocka_unit_test(the_speed_up_classifies_as_the_plain_run),
    };
    return cmocka_run_group_tests(tests, make_want, free_want);
}
