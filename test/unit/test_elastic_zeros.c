/* Zeros save time under elastic clocking: core.crossbar.skip_zero_rows and skip_zero_patches. A
 * twin that counts the reads of every firing bit by bit, from values that plain loops compute, and
 * steps every core in every clock; closed forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/util.h"
#include "network/spiking/spikes.h"
#include "network/values/plain.h"
#include "study/read_counts.h"
#include "study/run.h"
#include "test/elastic_rig.h"
#include "test/naive_elastic.h"
#include "test/random_spiking.h"
#include "test/random_study.h"

enum { N_NETWORK = 120, N_SPIKING = 60, STEPS = 3, MOST_LAYERS = 64 };

/* ---- images ---- */

struct images_of { // of a network, one after the other, over and over
    const uint8_t *byte;
    size_t         bytes;
    uint32_t       n, next;
    uint32_t       begun; // how often from the first on, once more
};

static enum err first_again(void *user, struct err_msg *m)
{
    (void)m;
    struct images_of *s = user;

    s->next = 0;
    s->begun++;
    return ERR_NONE;
}

static enum err next_image(void *user, uint8_t *image, struct err_msg *m)
{
    struct images_of *s = user;

    (void)m;
    memcpy(image, s->byte + s->next++ % s->n * s->bytes, s->bytes);
    return ERR_NONE;
}

static struct read_counts *counts_of(const struct plan *p, struct images_of *images,
                                     uint64_t n_image)
{
    const struct read_counts_cfg cfg = { .plan = p, .n_image = n_image, .again = first_again,
                                         .next = next_image, .user = images };
    struct read_counts *c = read_counts_new(&cfg);

    assert_non_null(c);
    images->next = 0;
    return c;
}

/* ---- naive ---- */

struct naive {
    const struct plan *plan;
    int32_t  *map[NAIVE_ELASTIC_IMAGES][MOST_LAYERS]; // owned; what each plan layer reads
    int32_t   outside[NAIVE_ELASTIC_IMAGES];          // of a network of neurons, in a step
    uint32_t  at;                                     // the chip's image that values are of
    uint64_t *reads;                                  // owned; [n_core]: of all firings so far
};

static void naive_begin(void *user, uint64_t image, uint32_t step)
{
    struct naive *k = user;
    const struct presentation *p = &k->plan->network->present;
    const uint8_t zero = (uint8_t)plan_network_layer(k->plan, 0)->in_zero;

    (void)image;
    k->at = step;
    p->coding->code(p, image, step, &zero, 1, &k->outside[step]);
}

static void naive_see(void *user, uint32_t layer, const struct value_map *map, uint32_t column,
                      uint32_t n_lane)
{
    struct naive *k = user;
    const struct shape *s = &map->shape;
    size_t n = (size_t)s->height * s->width * s->channels;

    assert_int_equal(n_lane, 1);
    assert_true(layer <= MOST_LAYERS);
    if (column + 1 < s->width)
        return;
    k->map[k->at][layer - 1] = malloc(n * sizeof(int32_t));
    memcpy(k->map[k->at][layer - 1], map->value, n * sizeof(int32_t));
}

static int32_t value_at(const struct naive *k, uint64_t image, uint32_t layer, int64_t x, int64_t y,
                        uint32_t channel)
{
    const struct layer *l = plan_network_layer(k->plan, layer);

    if (x >= 0 && y >= 0 && x < l->in.height && y < l->in.width)
        return k->map[image][layer][((size_t)y * l->in.height + (size_t)x) * l->in.channels +
                                    channel];
    if (!network_is_spiking(k->plan->network))
        return l->in_zero;
    return l->in_zero ? k->outside[image] : 0;
}

struct seen { // pixels of a layer's map that outputs see, each once, and where in a kernel
    int64_t  x[4096], y[4096];
    uint32_t position[4096];
    uint32_t n;
};

static void see(struct seen *s, int64_t x, int64_t y, uint32_t position)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->x[i] == x && s->y[i] == y)
            return;
    assert_true(s->n < 4096);
    s->x[s->n] = x;
    s->y[s->n] = y;
    s->position[s->n++] = position;
}

/* A part that is cut inside channels has them at some positions of the kernel only. */
static bool has_row(const struct naive *k, const struct plan_core *c, uint32_t channel,
                    uint32_t position)
{
    const struct window *w = &plan_network_layer(k->plan, c->plan_layer)->window;
    const uint32_t positions = w->kernel[0] * w->kernel[1];
    const uint32_t row = (c->row_first / positions + channel - c->in_first) * positions + position;

    return !k->plan->layer[c->plan_layer].inside ||
           (row >= c->row_first && row < c->row_first + c->row_n);
}

/* Rows that are on join a read until it is full, slice by slice; *all: so do the others. */
static uint64_t walk(const struct naive *k, const struct plan_core *c, uint64_t image,
                     const struct seen *s, uint64_t *all)
{
    const struct array_spec *a = &k->plan->layer[c->plan_layer].array;
    const uint32_t at_once = a->reads.rows_at_once ? a->reads.rows_at_once : UINT32_MAX;
    uint64_t left = 0;
    bool any = false;

    *all = 0;
    for (uint32_t bit = 0; bit < a->reads.input_bits; bit += a->reads.input_slice_bits) {
        uint32_t on_in_read = 0, n_in_read = 0;
        for (uint32_t i = 0; i < s->n; i++)
            for (uint32_t ch = c->in_first; ch < c->in_first + c->in_n; ch++) {
                if (!has_row(k, c, ch, s->position[i]))
                    continue;
                bool on = false;
                for (uint32_t b = bit;
                     b < bit + a->reads.input_slice_bits && b < a->reads.input_bits; b++)
                    on |= value_at(k, image, c->plan_layer, s->x[i], s->y[i], ch) >> b & 1;
                *all += n_in_read == 0;
                n_in_read = n_in_read + 1 == at_once ? 0 : n_in_read + 1;
                left += on && on_in_read == 0;
                if (on)
                    on_in_read = on_in_read + 1 == at_once ? 0 : on_in_read + 1;
                any |= on;
            }
    }
    if (a->skip_rows)
        return left;
    return any ? array_reads(a, c->rows, 1).n : 0;
}

/* Reads of outputs that replicas of one place compute. */
static uint64_t product_reads(const struct naive *k, const struct plan_core *c,
                              const struct pixel *output, uint32_t n)
{
    const struct window *w = &plan_network_layer(k->plan, c->plan_layer)->window;
    struct seen s;
    uint64_t all;

    s.n = 0;
    for (uint32_t o = 0; o < n; o++)
        for (uint32_t i = 0; i < w->kernel[0]; i++)
            for (uint32_t j = 0; j < w->kernel[1]; j++)
                see(&s, window_begin(w, 0, output[o].row) + (int64_t)i * w->dilation[0],
                    window_begin(w, 1, output[o].column) + (int64_t)j * w->dilation[1],
                    i * w->kernel[1] + j);
    uint64_t left = walk(k, c, output[0].image, &s, &all);
    if (k->plan->layer[c->plan_layer].replicas.n == 1)
        assert_int_equal(all, array_reads(&k->plan->layer[c->plan_layer].array, c->rows, 1).n);
    assert_true(left <= array_reads(&k->plan->layer[c->plan_layer].array, c->rows, 1).n);
    return left;
}

/* reads (read + conversions), or pipelined; of a given time an equal share each. */
static uint64_t clocks_of(const struct naive *k, const struct plan_core *c, uint64_t reads)
{
    const struct config *cfg = k->plan->config;
    const struct array_spec *a = &k->plan->layer[c->plan_layer].array;
    const double read = (double)cfg->crossbar.read_as / 1e9;
    const double conv = a->readout->takes_time ? (double)cfg->readout.conversion_as / 1e9 *
                                                     cfg->readout.columns_per_adc : 0;
    double ns = (double)reads * (read + conv);
    uint64_t clk;

    if (reads == 0)
        return 1; // in which nothing is found to read
    if (cfg->crossbar.mvm_ns != MVM_AUTO)
        ns = (double)cfg->crossbar.mvm_ns * (double)reads /
             (double)array_reads(a, c->rows, 1).n;
    else if (cfg->readout.pipelined == YES)
        ns = (double)reads * (read > conv ? read : conv) + (read < conv ? read : conv);
    for (clk = 1; (double)clk * 1000 < ns * cfg->clock_mhz - 1e-6; clk++)
        ;
    return clk;
}

/* Products of a firing are made at once: the longest says how long. */
static uint64_t naive_clocks(void *user, uint32_t core, const struct pixel *output, uint32_t n)
{
    struct naive *k = user;
    const struct plan_core *c = &k->plan->core[core];
    const struct plan_layer *pl = &k->plan->layer[c->plan_layer];
    const struct firing_shape shape = plan_firing_shape(k->plan, c->plan_layer);
    uint64_t most = 0;

    for (uint32_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && firing_replica(pl->firing, &shape, &output[from],
                                                     &output[to]) < shape.n; to++)
            ;
        uint64_t reads = product_reads(k, c, &output[from], to - from);
        k->reads[core] += reads;
        most = max_u64(most, reads);
    }
    return clocks_of(k, c, most);
}

static void naive_release(struct naive *k)
{
    for (uint32_t i = 0; i < NAIVE_ELASTIC_IMAGES; i++)
        for (uint32_t l = 0; l < MOST_LAYERS; l++)
            free(k->map[i][l]);
    free(k->reads);
}

/* ---- the chip beside it ---- */

struct tried {
    uint32_t n, stuck;
    uint64_t all, left; // reads
};

/* Of n_chip images of the chip, n_image of the network; *k has their values. */
static void check(struct naive *k, struct images_of *images, uint64_t n_image, uint64_t n_chip,
                  unsigned seed, struct tried *t)
{
    const struct plan *p = k->plan;
    const struct naive_array array = { naive_clocks, k };
    struct read_counts *counts = counts_of(p, images, n_image);
    struct elastic_cfg_run cfg = { .n_image = n_chip, .reads = read_counts_reads(counts) };
    struct elastic_result e, other;
    struct err_msg m;

    t->n++;
    if (!elastic_rig_agrees_on(&e, p, &cfg, &array, seed)) {
        t->stuck++;
        read_counts_free(counts);
        return;
    }
    for (uint32_t i = 0; i < p->n_core; i++) {
        const struct array_spec *a = &p->layer[p->core[i].plan_layer].array;
        assert_int_equal(e.core[i].reads, k->reads[i]);
        t->left += e.core[i].reads;
        if (p->core[i].rows > 0)
            t->all += e.core[i].products * array_reads(a, p->core[i].rows, 1).n;
    }
    static const struct {
        enum kernel_kind kernel;
        enum kernel_mode mode;
    } ways[] = { { KERNEL_NATIVE, KERNEL_EVERY_CYCLE }, { KERNEL_NATIVE, KERNEL_REVERSED },
                 { KERNEL_SYSTEMC, KERNEL_SKIP_IDLE } };
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        if (!kernel_available(ways[w].kernel))
            continue;
        cfg.kernel = ways[w].kernel;
        cfg.mode = ways[w].mode;
        assert_int_equal(elastic_run(p, &cfg, &other, &m), ERR_NONE);
        assert_memory_equal(other.result_clk, e.result_clk, n_chip * sizeof *e.result_clk);
        assert_memory_equal(other.core, e.core, p->n_core * sizeof *e.core);
        for (uint32_t i = 0; i < e.n_stage; i++)
            assert_memory_equal(other.stage[i].clk, e.stage[i].clk, sizeof e.stage[i].clk);
        elastic_result_release(&other);
    }
    elastic_result_release(&e);
    read_counts_free(counts);
}

/* Arrays that read a few rows or all, some bits at a time, in their reads' time or a given one. */
static void draw_arrays(struct config *c, unsigned seed)
{
    struct random_draws d = { .rng = rng_at(seed, "arrays that skip") };
    struct crossbar_cfg *x = &c->crossbar;
    const uint32_t skips = random_draw(&d, 3);

    snprintf(x->cell, sizeof x->cell, "%s", random_draw(&d, 2) ? "sliced" : "differential");
    x->cell_bits = 1 + random_draw(&d, 4);
    x->scheme = random_draw(&d, 2) ? CELL_OFFSET : CELL_SIGNED;
    x->input_slice_bits = 1 + random_draw(&d, 3);
    x->rows_at_once = random_draw(&d, 3) * 3; // 0: all
    x->columns = 400;
    x->skip_zero_rows = skips > 0 ? YES : NO;
    x->skip_zero_patches = skips != 1 ? YES : NO;
    x->read_as = (uint64_t)(1 + random_draw(&d, 40)) * 500000000;
    const bool given = random_draw(&d, 4) == 0;
    x->mvm_ns = given ? 1000 * (1 + random_draw(&d, 2)) : MVM_AUTO;
    if (random_draw(&d, 2) == 0) // codes of as many bits as the sums have
        return;
    snprintf(c->readout.kind, sizeof c->readout.kind, "adc");
    c->readout.bits = 32;
    c->readout.range = 1u << 31;
    c->readout.columns_per_adc = 1u << random_draw(&d, 3);
    c->readout.conversion_as = (uint64_t)random_draw(&d, 6) * 500000000;
    c->readout.pipelined = random_draw(&d, 2) ? YES : NO;
}

static void blacken(struct random_study *s)
{
    const struct layer *l = &s->network.layer[0];
    const size_t bytes = s->image_bytes;

    if (l->out_zero != 0)
        return;
    if (s->seed % 3) // the upper half of the first, and all of the second
        memset(s->image, 0, bytes / 2);
    if (s->seed % 3 == 1)
        memset(s->image + bytes, 0, bytes);
}

static void compare(void (*study_make)(struct random_study *, unsigned), unsigned seed,
                    struct tried *t)
{
    struct random_study s;
    struct plan p;
    const uint32_t n_image = 1 + seed % 3;

    study_make(&s, seed);
    draw_arrays(&s.config, seed);
    blacken(&s);
    if (!random_study_elastic(&p, &s)) {
        random_study_release(&s);
        return;
    }
    struct images_of images = { (const uint8_t *)s.image, s.image_bytes, STUDY_IMAGES, 0, 0 };
    struct naive k = { .plan = &p, .reads = calloc(p.n_core, sizeof *k.reads) };
    const struct value_watch watch = { NULL, naive_see, NULL, NULL, &k };
    struct plain *plain = plain_new(&s.network);
    for (k.at = 0; k.at < n_image; k.at++)
        plain_run(plain, images.byte + k.at * images.bytes, &watch);
    check(&k, &images, n_image, n_image, seed, t);
    plain_free(plain);
    naive_release(&k);
    plan_release(&p);
    random_study_release(&s);
}

static void flat_study_make(struct random_study *s, unsigned seed)
{
    random_flat_study_make(s, seed, seed % 2);
}

static void firings_take_the_reads_that_the_twin_counts_bit_by_bit(void **state)
{
    static void (*const makes[])(struct random_study *, unsigned) = {
        random_study_make, random_wide_study_make, flat_study_make };

    (void)state;
    for (size_t i = 0; i < sizeof makes / sizeof *makes; i++) {
        struct tried t = { 0 };
        for (unsigned seed = 1; seed <= N_NETWORK; seed++)
            compare(makes[i], seed, &t);
        print_message("%u networks, %u stand still, %llu of %llu reads left\n", t.n, t.stuck,
                      (unsigned long long)t.left, (unsigned long long)t.all);
        assert_true(t.n - t.stuck >= N_NETWORK / 3 && 4 * t.left < 3 * t.all);
    }
}

static void steps_of_neurons_take_the_reads_of_their_spikes(void **state)
{
    struct tried t = { 0 };

    (void)state;
    for (uint64_t seed = 1; seed <= N_SPIKING; seed++) {
        static const char *const set[] = { "clocking.kind=elastic", "core.crossbar.rows=40",
                                           "core.crossbar.columns=64",
                                           "core.crossbar.rows_at_once=3",
                                           "core.crossbar.skip_zero_rows=yes",
                                           "core.crossbar.mvm_ns=auto", "core.crossbar.read_ns=7",
                                           "mapping.replicas={layer1: 2}", "chip.cores=65536",
                                           "elastic.residual_pixels=60", NULL };
        struct plan_rig r;
        random_spiking_make(&r, seed, STEPS, set);
        if (rig_plan(&r)) {
            rig_release(&r);
            continue;
        }
        const size_t bytes = network_image_bytes(&r.network);
        uint8_t *image = malloc(bytes);
        for (size_t i = 0; i < bytes; i++)
            image[i] = (uint8_t)(i * 73 + seed);
        struct images_of images = { image, bytes, 1, 0, 0 };
        struct naive k = { .plan = &r.plan, .reads = calloc(r.plan.n_core, sizeof *k.reads) };
        const struct value_watch watch = { naive_begin, naive_see, NULL, NULL, &k };
        struct spikes *s = spikes_new(&r.network);
        spikes_run(s, image, 0, &watch);
        check(&k, &images, 1, STEPS, (unsigned)seed, &t);
        spikes_free(s);
        free(image);
        naive_release(&k);
        rig_release(&r);
    }
    print_message("%u networks, %u stand still, %llu of %llu reads left\n", t.n, t.stuck,
                  (unsigned long long)t.left, (unsigned long long)t.all);
    assert_true(t.n - t.stuck >= N_SPIKING / 3 && t.left < t.all);
}

/* ---- closed forms ---- */

struct same { // of every product
    uint64_t reads, n; // of how many so far
};

static void begin_same(void *user)
{
    ((struct same *)user)->n = 0;
}

static enum err reads_same(void *user, const struct elastic_product *p, uint64_t *reads,
                           struct err_msg *m)
{
    struct same *s = user;

    (void)p;
    (void)m;
    s->n++;
    *reads = s->reads;
    return ERR_NONE;
}

/* ResNet-32, whose products take 3 clocks a read of a bit; where reads is 0, all or given. */
static void run_same(struct elastic_result *e, struct same *same, const char *mvm, bool pipelined)
{
    const char *set[] = { "clocking.kind=elastic", "clock_mhz=1000",
                          "core.crossbar.read_ns=3", "core.crossbar.input_slice_bits=1", mvm,
                          pipelined ? "core.readout.kind=adc" : NULL,
                          "core.readout.columns_per_adc=8", "core.readout.pipelined=yes", NULL };
    const struct elastic_reads reads = { begin_same, reads_same, same };
    struct plan_rig r;
    struct err_msg m;

    if (rig_make(&r, set))
        fail_msg("%s", r.msg.text);
    const struct elastic_cfg_run cfg = { .n_image = 2, .reads = same ? &reads : NULL };
    if (elastic_run(&r.plan, &cfg, e, &m))
        fail_msg("%s", m.text);
    if (same)
        for (uint32_t i = 0; i < r.plan.n_core; i++)
            assert_int_equal(e->core[i].reads, same->reads * e->core[i].products);
    rig_release(&r);
}

static void assert_as_long(const char *mvm, bool pipelined, uint64_t reads, const char *as)
{
    struct elastic_result got, want;
    struct same same = { .reads = reads };

    run_same(&got, &same, mvm, pipelined);
    run_same(&want, NULL, as, false);
    assert_true(same.n > 0);
    assert_int_equal(got.elapsed, want.elapsed);
    assert_memory_equal(got.result_clk, want.result_clk, 2 * sizeof *got.result_clk);
    for (uint32_t i = 0; i < got.n_stage; i++)
        assert_memory_equal(got.stage[i].clk, want.stage[i].clk, sizeof got.stage[i].clk);
    elastic_result_release(&got);
    elastic_result_release(&want);
}

/* At 1 GHz; of a given time a share, up to whole clocks. */
static void a_product_takes_the_time_of_its_reads_and_at_least_a_clock(void **state)
{
    (void)state;
    assert_as_long("core.crossbar.mvm_ns=auto", false, 8, "core.crossbar.mvm_ns=auto"); // all
    assert_as_long("core.crossbar.mvm_ns=auto", false, 5, "core.crossbar.mvm_ns=15");
    assert_as_long("core.crossbar.mvm_ns=auto", false, 0, "core.crossbar.mvm_ns=1");
    assert_as_long("core.crossbar.mvm_ns=50", false, 8, "core.crossbar.mvm_ns=50");
    assert_as_long("core.crossbar.mvm_ns=50", false, 3, "core.crossbar.mvm_ns=19"); // 18.75
    assert_as_long("core.crossbar.mvm_ns=50", false, 0, "core.crossbar.mvm_ns=1");
    assert_as_long("core.crossbar.mvm_ns=auto", true, 5, "core.crossbar.mvm_ns=43"); // 5 * 8 + 3
    assert_as_long("core.crossbar.mvm_ns=auto", true, 0, "core.crossbar.mvm_ns=1");
}

/* A fully connected layer on the whole image has no border. */
static void an_image_without_a_bit_takes_no_reads_and_one_of_ones_all(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_NETWORK; seed++) {
        struct random_study s;
        struct plan p;
        struct err_msg m;
        random_flat_study_make(&s, seed, true);
        draw_arrays(&s.config, seed);
        if (!random_study_elastic(&p, &s)) {
            random_study_release(&s);
            continue;
        }
        for (int ones = 0; ones <= 1; ones++) {
            struct images_of images = { (const uint8_t *)s.image, s.image_bytes, 1, 0, 0 };
            struct elastic_result e;
            memset(s.image, ones ? 0xff : 0, s.image_bytes);
            struct read_counts *counts = counts_of(&p, &images, 1);
            const struct elastic_cfg_run cfg = { .n_image = 1,
                                                 .reads = read_counts_reads(counts) };
            bool ran = !elastic_run(&p, &cfg, &e, &m);
            for (uint32_t i = 0; ran && i < p.layer[0].n_core; i++) {
                const uint64_t all = array_reads(&p.layer[0].array, p.core[i].rows, 1).n;
                if (p.layer[0].replicas.n == 1 || !ones)
                    assert_int_equal(e.core[i].reads, ones ? e.core[i].products * all : 0);
            }
            n += ran;
            if (ran)
                elastic_result_release(&e);
            read_counts_free(counts);
        }
        plan_release(&p);
        random_study_release(&s);
    }
    assert_true(n > N_NETWORK / 2);
}

/* ---- many images ---- */

enum { N_MANY = 300, MOST_KEPT = 64 };

static void counts_are_kept_of_the_images_in_the_chip_alone(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (unsigned seed = 1; n < 8; seed++) {
        struct random_study s;
        struct plan p;
        struct err_msg m;
        struct elastic_result first, again;
        random_study_make(&s, seed);
        draw_arrays(&s.config, seed);
        if (!random_study_elastic(&p, &s)) {
            random_study_release(&s);
            continue;
        }
        struct images_of images = { (const uint8_t *)s.image, s.image_bytes, STUDY_IMAGES, 0, 0 };
        struct read_counts *counts = counts_of(&p, &images, N_MANY);
        const struct elastic_cfg_run cfg = { .n_image = N_MANY,
                                             .reads = read_counts_reads(counts) };
        if (!elastic_run(&p, &cfg, &first, &m)) {
            assert_true(images.next == N_MANY && images.begun == 0);
            assert_true(read_counts_most(counts) < MOST_KEPT);
            assert_int_equal(elastic_run(&p, &cfg, &again, &m), ERR_NONE); // from the first on
            assert_true(images.next == N_MANY && images.begun == 1);
            assert_memory_equal(first.result_clk, again.result_clk,
                                N_MANY * sizeof *first.result_clk);
            elastic_result_release(&first);
            elastic_result_release(&again);
            n++;
        }
        read_counts_free(counts);
        plan_release(&p);
        random_study_release(&s);
    }
}

static enum err no_image(void *user, uint8_t *image, struct err_msg *m)
{
    (void)user;
    (void)image;
    return err_set(m, ERR_INPUT, "the set ends");
}

static void a_set_that_ends_early_ends_the_run(void **state)
{
    struct random_study s;
    struct elastic_result e;
    struct err_msg m;
    struct plan p;

    (void)state;
    random_study_make(&s, 1);
    assert_true(random_study_elastic(&p, &s));
    const struct read_counts_cfg cfg = { .plan = &p, .n_image = 2, .again = first_again,
                                         .next = no_image };
    struct read_counts *counts = read_counts_new(&cfg);
    const struct elastic_cfg_run run = { .n_image = 2, .reads = read_counts_reads(counts) };
    assert_int_equal(elastic_run(&p, &run, &e, &m), ERR_INPUT);
    assert_string_equal(m.text, "the set ends");
    read_counts_free(counts);
    plan_release(&p);
    random_study_release(&s);
}

/* ---- whole runs ---- */

static enum err run_images(struct run_result *r, const struct plan *p, bool timed,
                           struct err_msg *m)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .jobs = 1, .images = "random",
                                 .n_image = 3, .timed_values = timed };

    return run(p, &cfg, r, m);
}

/* Of replicas timesteps fire what is there, elastic clocking whole groups. */
static bool fires_alike(const struct plan *p, uint32_t core)
{
    return p->layer[p->core[core].plan_layer].replicas.n == 1;
}

static void assert_reads(const struct run_result *a, const struct run_result *b, uint32_t core)
{
    assert_int_equal(a->core[core].firings, b->core[core].firings);
    assert_int_equal(a->core[core].reads, b->core[core].reads);
    assert_int_equal(a->core[core].conversions, b->core[core].conversions);
    assert_int_equal(a->core[core].shift_adds, b->core[core].shift_adds);
    assert_int_equal(a->core[core].active_rows, b->core[core].active_rows);
}

/* Clocking elastic against timesteps, through whose chip values travel. */
static bool classes_agree(void (*study_make)(struct random_study *, unsigned), unsigned seed)
{
    struct random_study s;
    struct run_result e, t, l;
    struct err_msg m;
    struct plan p;

    study_make(&s, seed);
    const uint32_t mvm_ns = s.config.crossbar.mvm_ns;
    draw_arrays(&s.config, seed);
    s.config.crossbar.mvm_ns = mvm_ns;
    plan_release(&s.plan);
    bool ran = !plan_make(&s.plan, &s.network, &s.config, &m) && random_study_elastic(&p, &s);
    if (!ran) {
        random_study_release(&s);
        return false;
    }
    s.config.clocking = CLOCKING_ELASTIC;
    ran = !run_images(&e, &p, false, &m);
    const bool all = run_counts_all(&p);
    s.config.clocking = CLOCKING_TIMESTEP;
    if (ran) {
        assert_int_equal(run_images(&t, &s.plan, true, &m), ERR_NONE);
        assert_int_equal(run_images(&l, &s.plan, false, &m), ERR_NONE);
        for (uint32_t i = 0; i < p.n_core; i++)
            assert_reads(&l, &t, i);
        for (uint32_t i = 0; t.predicted && i < 3; i++)
            assert_int_equal(e.predicted[i], t.predicted[i]);
        for (uint32_t i = 0; all && i < p.n_core; i++) {
            assert_int_equal(e.elastic->core[i].reads, e.core[i].reads);
            if (fires_alike(&p, i))
                assert_reads(&e, &t, i);
        }
        run_result_release(&e);
        run_result_release(&t);
        run_result_release(&l);
    }
    plan_release(&p);
    random_study_release(&s);
    return ran;
}

static void classes_and_reads_are_those_of_timesteps_however_values_travel(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (unsigned seed = 1; seed <= N_NETWORK; seed++) {
        n += classes_agree(random_study_make, seed);
        n += classes_agree(random_wide_study_make, seed);
        n += classes_agree(flat_study_make, seed);
    }
    print_message("%u of %d\n", n, 3 * N_NETWORK);
    assert_true(n > N_NETWORK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_takes_the_time_of_its_reads_and_at_least_a_clock),
        cmocka_unit_test(an_image_without_a_bit_takes_no_reads_and_one_of_ones_all),
        cmocka_unit_test(counts_are_kept_of_the_images_in_the_chip_alone),
        cmocka_unit_test(a_set_that_ends_early_ends_the_run),
        cmocka_unit_test(classes_and_reads_are_those_of_timesteps_however_values_travel),
        cmocka_unit_test(firings_take_the_reads_that_the_twin_counts_bit_by_bit),
        cmocka_unit_test(steps_of_neurons_take_the_reads_of_their_spikes),
    };

    return cmocka_run_group_tests_name("elastic_zeros", tests, NULL, NULL);
}
