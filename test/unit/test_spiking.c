/* Networks of neurons: spikes, step by step, against what independent programs counted of the
 * trained networks of ../shared/data, and units by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "network/spiking/convert.h"
#include "network/spiking/spikes.h"
#include "network/values/values.h"
#include "onnx/read/read.h"
#include "test/random_spiking.h"
#include "test/trained.h"
#include "traces/images/images.h"

enum { FASHION_IMAGES = 10000 };

static const struct neuron_cfg plain_if = {
    .beta = NEURON_NO_LEAK, .theta = 1000000000, .floor = NEURON_UNBOUNDED,
    .ceiling = NEURON_UNBOUNDED, .most = 1,
};

static void make_spiking(struct network *n, const char *coding, uint32_t steps,
                         const struct neuron_cfg *cfg)
{
    struct neuron_cfg *with = calloc(n->n_layer, sizeof *with);
    struct err_msg m;

    assert_non_null(with);
    for (uint32_t i = 0; i < n->n_layer; i++) {
        with[i] = *cfg;
        with[i].kind = neuron_kind_find("if");
    }
    n->present.coding = coding_find(coding);
    n->present.steps = steps;
    if (network_make_spiking(n, with, &m) || network_check(n, &m))
        fail_msg("%s", m.text);
    free(with);
}

/* ---- Fashion-MNIST ---- */

struct fashion {
    uint8_t  *pixel;
    uint32_t *label;
};

static void open_fashion(struct fashion *f)
{
    if (access(FASHION, R_OK) != 0) {
        print_message("%s is not there\n", FASHION);
        skip();
    }
    f->pixel = malloc((size_t)FASHION_IMAGES * TRAINED_IMAGE);
    f->label = calloc(FASHION_IMAGES, sizeof *f->label);
    trained_images(FASHION, f->pixel, f->label, FASHION_IMAGES);
}

static void close_fashion(struct fashion *f)
{
    free(f->pixel);
    free(f->label);
}

/* Whether the largest potential of the last layer is the label's. */
static bool is_right(const struct spikes *s, const struct network *n, uint32_t label)
{
    uint32_t best = 0, last = n->n_layer - 1;

    for (uint32_t c = 1; c < n->layer[last].out.channels; c++)
        if (spikes_potential(s, last, c) > spikes_potential(s, last, best))
            best = c;
    return best == label;
}

/* right[t]: images whose class is right after step t. */
static void count_right(const struct network *n, const struct fashion *f, uint32_t *right)
{
    const struct presentation *p = &n->present;
    struct spikes *s = spikes_new(n);
    int32_t in[TRAINED_IMAGE];

    assert_non_null(s);
    for (uint32_t i = 0; i < FASHION_IMAGES; i++) {
        spikes_forget(s);
        for (uint32_t t = 0; t < p->steps; t++) {
            p->coding->code(p, i, t, f->pixel + (size_t)i * TRAINED_IMAGE, TRAINED_IMAGE, in);
            spikes_step(s, in, t, NULL);
            right[t] += is_right(s, n, f->label[i]);
        }
    }
    spikes_free(s);
}

static void count_mlp(const char *coding, uint32_t steps, uint32_t *right)
{
    static const struct dense mlp = { "spiking/mlp_fmnist", 3, { 784, 256, 128, 10 }, false, 8 };
    static const char *const machine[] = { NULL };
    struct plan_rig r;
    struct fashion f;
    struct blob b;

    if (!blob_open(&b, mlp.blob))
        skip();
    open_fashion(&f);
    rig_config(&r, machine);
    trained_network(&r, &mlp, &b);
    blob_close(&b);
    make_spiking(&r.network, coding, steps, &plain_if);
    count_right(&r.network, &f, right);
    rig_release(&r);
    close_fashion(&f);
}

static void weighted_spikes_have_8725_8898_8904_after_a_period_each(void **state)
{
    uint32_t right[24] = { 0 };

    (void)state;
    count_mlp("phase", 24, right);
    assert_int_equal(right[7], 8725);
    assert_int_equal(right[15], 8898);
    assert_int_equal(right[23], 8904);
}

static void rates_have_8815_8921_8947_after_8_16_32_steps(void **state)
{
    uint32_t right[32] = { 0 };

    (void)state;
    count_mlp("rate", 32, right);
    assert_int_equal(right[7], 8815);
    assert_int_equal(right[15], 8921);
    assert_int_equal(right[31], 8947);
}

/* ---- a network trained with leaks ---- */

/* Its potentials are in 256ths. */
static void make_lif(struct plan_rig *r, const struct blob *b)
{
    static const char *const machine[] = { NULL };
    const struct blob_array theta = blob_find(b, "th"), bias = blob_find(b, "bias");

    rig_config(r, machine);
    rig_image(r, 1, 1, 784);
    r->network.has_values = true;
    r->network.present = (struct presentation){ .coding = coding_find("rate"), .steps = 8,
                                                .bare = true };
    r->network.layer[0].out_signed = false;
    r->network.layer[0].value_bits = 1;
    for (uint32_t i = 1; i <= 2; i++) {
        const struct blob_array w = trained_array(b, "w", i);
        struct layer *l = rig_conv(r, i - 1, i == 1 ? 512 : 10, 1, 1);
        l->weight = malloc(w.n);
        memcpy(l->weight, w.data, w.n);
        l->neuron = neuron_new(neuron_kind_find(i == 1 ? "lif" : "accumulate"), l->out.channels,
                               false);
        l->raw_output = i == 2;
        l->value_bits = 1;
    }
    struct neuron *n = r->network.layer[1].neuron;
    neuron_set_leak(n, 223 << 8);
    n->reset = NEURON_DELAYED;
    for (uint32_t o = 0; o < 512; o++) {
        n->m[o] = 256;
        n->theta[o] = blob_integer(&theta, o);
        n->b[o] = blob_integer(&bias, o);
    }
}

struct counted { // spikes
    uint64_t in, out, first; // first: out, in the first step
};

static void a_network_with_leaks_has_8836_and_its_spikes(void **state)
{
    struct plan_rig r;
    struct fashion f;
    struct blob b;
    struct counted c = { 0 };
    uint32_t right = 0;
    int32_t in[TRAINED_IMAGE];

    (void)state;
    if (!blob_open(&b, "spiking/lif_fmnist"))
        skip();
    open_fashion(&f);
    make_lif(&r, &b);
    blob_close(&b);
    struct spikes *s = spikes_new(&r.network);
    const struct presentation *p = &r.network.present;
    for (uint32_t i = 0; i < FASHION_IMAGES; i++) {
        spikes_forget(s);
        for (uint32_t t = 0; t < p->steps; t++) {
            p->coding->code(p, i, t, f.pixel + (size_t)i * TRAINED_IMAGE, TRAINED_IMAGE, in);
            spikes_step(s, in, t, NULL);
            for (uint32_t k = 0; k < TRAINED_IMAGE; k++)
                c.in += (uint32_t)in[k];
            uint64_t before = c.out;
            for (uint32_t o = 0; o < 512; o++)
                c.out += (uint32_t)spikes_delivered(s, 1, o);
            c.first += t == 0 ? c.out - before : 0;
        }
        right += is_right(s, &r.network, f.label[i]);
    }
    assert_int_equal(right, 8836);
    assert_int_equal(c.in, 16073729);
    assert_int_equal(c.out, 8286694);
    assert_int_equal(c.first, 10000);
    spikes_free(s);
    rig_release(&r);
    close_fashion(&f);
}

/* ---- N-MNIST ---- */

enum { DVS = 34, BINS = 300, RECORDINGS = 100 };

static void add_layer(struct plan_rig *r, uint32_t channels, uint32_t kernel, uint32_t stride,
                      uint32_t pad, const struct blob *b, const char *name)
{
    const struct window w = { .kernel = { kernel, kernel }, .stride = { stride, stride },
                              .dilation = { 1, 1 }, .pad_before = { pad, pad },
                              .pad_after = { pad, pad } };
    struct layer *l = rig_layer(r, r->network.n_layer - 1, channels, &w);
    char text[32];

    l->value_bits = 8;
    if (!name) {
        l->kind = LAYER_AVERAGE_POOL;
        l->groups = channels;
        return;
    }
    snprintf(text, sizeof text, "%s.w", name);
    const struct blob_array weight = blob_find(b, text);
    snprintf(text, sizeof text, "%s.th", name);
    const struct blob_array theta = blob_find(b, text);
    assert_int_equal(weight.n, (size_t)layer_kernel_rows(l) * channels);
    l->weight = malloc(weight.n);
    memcpy(l->weight, weight.data, weight.n);
    l->neuron = neuron_new(neuron_kind_find("if"), channels, false);
    for (uint32_t o = 0; o < channels; o++)
        l->neuron->theta[o] = blob_integer(&theta, 0);
}

static void make_nmnist(struct plan_rig *r, const struct blob *b)
{
    static const char *const machine[] = { NULL };

    rig_config(r, machine);
    rig_image(r, DVS, DVS, 2);
    r->network.has_values = true;
    r->network.layer[0].out_signed = false;
    r->network.present = (struct presentation){ .coding = coding_find("rate"), .steps = BINS,
                                                .bare = true };
    add_layer(r, 16, 5, 2, 1, b, "conv1");
    add_layer(r, 16, 3, 1, 1, b, "conv2");
    add_layer(r, 16, 2, 2, 0, NULL, NULL);
    add_layer(r, 8, 3, 1, 1, b, "conv3");
    add_layer(r, 8, 2, 2, 0, NULL, NULL);
    add_layer(r, 256, 4, 1, 0, b, "fc1");
    add_layer(r, 10, 1, 1, 0, b, "fc2");
}

struct recording {
    int32_t bin[BINS][DVS * DVS * 2]; // [column][row][polarity]
};

static void read_recording(struct recording *rec, uint32_t number)
{
    char name[64];
    uint8_t e[5];

    snprintf(name, sizeof name, "nmnist/%u.bs2", number);
    char *path = shared_path(name);
    if (!path)
        skip();
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    memset(rec, 0, sizeof *rec);
    while (fread(e, sizeof e, 1, f) == 1) {
        uint32_t us = (uint32_t)(e[2] & 127) << 16 | (uint32_t)e[3] << 8 | e[4];
        uint32_t t = us / 1000 < BINS ? us / 1000 : BINS - 1;
        rec->bin[t][((uint32_t)e[0] * DVS + e[1]) * 2 + (e[2] >> 7)]++;
    }
    fclose(f);
    free(path);
}

/* Returns how many recordings are right; spikes[] of each layer's map, those of events first. */
static uint32_t run_nmnist(int32_t most, uint64_t *spikes)
{
    struct plan_rig r;
    struct blob b;
    struct recording *rec = malloc(sizeof *rec);
    uint32_t right = 0;
    char *labels = shared_path("nmnist/test100.txt");

    if (!labels || !blob_open(&b, "spiking/nmnist_cnn"))
        skip();
    make_nmnist(&r, &b);
    blob_close(&b);
    for (uint32_t i = 1; i < r.network.n_layer; i++)
        if (r.network.layer[i].neuron)
            r.network.layer[i].neuron->most = most;
    struct spikes *s = spikes_new(&r.network);
    FILE *f = fopen(labels, "r");
    char line[64];
    while (fgets(line, sizeof line, f)) {
        unsigned number, label;
        if (sscanf(line, "%u %u", &number, &label) != 2)
            continue;
        read_recording(rec, number);
        uint32_t out[10] = { 0 }, best = 0;
        spikes_forget(s);
        for (uint32_t t = 0; t < BINS; t++) {
            spikes_step(s, rec->bin[t], t, NULL);
            for (uint32_t k = 0; k < DVS * DVS * 2; k++)
                spikes[0] += (uint32_t)rec->bin[t][k];
            for (uint32_t l = 1; l < r.network.n_layer; l++) {
                const struct shape z = r.network.layer[l].out;
                for (uint32_t k = 0; k < z.height * z.width * z.channels; k++)
                    spikes[l] += (uint32_t)spikes_delivered(s, l, k);
            }
            for (uint32_t c = 0; c < 10; c++)
                out[c] += (uint32_t)spikes_delivered(s, r.network.n_layer - 1, c);
        }
        for (uint32_t c = 1; c < 10; c++)
            best = out[c] > out[best] ? c : best;
        right += best == label;
    }
    fclose(f);
    free(labels);
    spikes_free(s);
    rig_release(&r);
    free(rec);
    return right;
}

static void n_mnist_has_98_of_100_and_its_spikes(void **state)
{
    uint64_t spikes[8] = { 0 };

    (void)state;
    assert_int_equal(run_nmnist(1, spikes), 98);
    assert_int_equal(spikes[0], 385596);
    assert_int_equal(spikes[1], 542930);
    assert_int_equal(spikes[2], 1165810);
    assert_int_equal(spikes[4], 923530);
}

static void n_mnist_has_all_of_100_where_a_neuron_fires_several_times(void **state)
{
    uint64_t spikes[8] = { 0 };

    (void)state;
    assert_int_equal(run_nmnist(INT32_MAX, spikes), 100);
    assert_int_equal(spikes[0], 385596);
}

/* ---- by hand ---- */

/* Kim 2019, Fig. 4.2: weights +1 and -1 see 10000000 and 01111111, bit by bit. */
static void a_neuron_of_weighted_spikes_makes_up_for_an_early_spike(void **state)
{
    static const char *const machine[] = { NULL };
    const uint8_t pixel[2] = { 128, 127 };
    struct plan_rig r;
    uint32_t spikes = 0;
    int32_t in[2];

    (void)state;
    rig_config(&r, machine);
    rig_image(&r, 1, 1, 2);
    r.network.has_values = true;
    r.network.layer[0].out_signed = false;
    struct layer *l = rig_conv(&r, 0, 1, 1, 1);
    l->weight = calloc(2, 1);
    l->weight[0] = 1;
    l->weight[1] = -1;
    l->requant = (struct requant){ .m = calloc(1, sizeof(uint32_t)),
                                   .b = calloc(1, sizeof(int64_t)), .shift = calloc(1, 1),
                                   .high = 255 };
    l->requant.m[0] = 1;
    l = rig_conv(&r, 1, 1, 1, 1);
    l->weight = calloc(1, 1);
    l->weight[0] = 1;
    l->requant.b = calloc(1, sizeof(int64_t));
    l->raw_output = true;
    make_spiking(&r.network, "phase", 8 * 128, &plain_if);
    struct spikes *s = spikes_new(&r.network);
    spikes_forget(s);
    for (uint32_t t = 0; t < 8 * 128; t++) {
        r.network.present.coding->code(&r.network.present, 0, t, pixel, 2, in);
        spikes_step(s, in, t, NULL);
        spikes += (uint32_t)spikes_delivered(s, 1, 0);
        if (t == 0)
            assert_int_equal(spikes, 1); // 10000000
        if (t == 7)
            assert_int_equal(spikes_potential(s, 1, 0), -127);
        if (t == 8 * 50 - 1)
            assert_int_equal(spikes_potential(s, 1, 0), -78);
    }
    assert_int_equal(spikes, 1);
    assert_int_equal(spikes_potential(s, 1, 0), 0);
    spikes_free(s);
    rig_release(&r);
}

/* A weight of 1 and a threshold of 1, 0.83 kept of a potential, spikes taken off a step later
 * (Eshraghian and others 2022): by hand, in 10,000ths. */
static void a_delayed_reset_is_that_of_the_article(void **state)
{
    enum { ONE = 10000 };
    struct neuron *n = neuron_new(neuron_kind_find("lif"), 1, false);
    const int64_t x[] = { ONE, 0, 0 };
    int64_t v = 0, current;
    int32_t spikes = 0;
    const struct neuron_step step = { .n = 1, .current = &current, .v = &v, .spikes = &spikes };

    (void)state;
    neuron_set_leak(n, 54395); // 0.83, rounded to 2^-16
    n->reset = NEURON_DELAYED;
    n->theta[0] = ONE;
    const int64_t want[] = { ONE, -1700, -1411 };
    for (int t = 0; t < 3; t++) {
        current = x[t];
        n->kind->step(n, &step);
        assert_int_equal(v, want[t]);
        assert_int_equal(spikes, t == 0);
    }
    v = spikes = 0;
    const int64_t below[] = { -ONE, -8300, -6889 };
    for (int t = 0; t < 3; t++) {
        current = -x[t];
        n->kind->step(n, &step);
        assert_int_equal(v, below[t]);
        assert_int_equal(spikes, 0);
    }
    neuron_free(n);
}

/* ---- early decisions ---- */

static void an_image_is_decided_when_its_best_class_leads(void **state)
{
    enum { STEPS = 4, NAMES = 3 };
    static const int64_t score[STEPS][NAMES] = {
        { 5, 5, 4 }, { 7, 6, 4 }, { 10, 6, 5 }, { 10, 12, -INT64_MAX },
    };
    static const struct { uint64_t lead; uint32_t at, class; } rows[] = {
        { 0, 3, 1 }, { 1, 1, 0 }, { 3, 2, 0 }, { 4, 2, 0 }, { 5, 3, 1 }, { UINT64_MAX, 3, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct layer layer = { .groups = 1 };
        struct network n = { .n_layer = 1, .layer = &layer, .present = { .steps = STEPS } };
        struct spike_counts c;
        assert_true(spike_counts_init(&c, &n));
        for (int image = 0; image < 2; image++) {
            for (uint32_t t = 0; t < STEPS; t++)
                spike_counts_decide(&c, t, score[t], NAMES, rows[i].lead);
            spike_counts_judge(&c, 1);
        }
        assert_int_equal(c.decided_at, rows[i].at);
        for (uint32_t t = 0; t < STEPS; t++) {
            assert_int_equal(c.decided[t], t == rows[i].at ? 2 : 0);
            assert_int_equal(c.decided_right[t], t == rows[i].at && rows[i].class == 1 ? 2 : 0);
        }
        assert_true(spike_counts_mean_steps(&c) == rows[i].at + 1);
        spike_counts_release(&c);
    }
}

/* ---- random networks beside plain loops ---- */

enum { RANDOM_NETWORKS = 60, RANDOM_STEPS = 24 };

struct naive { // of one network
    const struct network *n;
    double  *value[16], *v[16]; // of each layer's map, before it is pooled
    int64_t *given[16], *fired[16]; // sums of currents and of 2^w spikes
    double   met[16], most[16]; // inputs times weights that see them; largest |v|
};

static size_t map_size(const struct layer *l)
{
    return (size_t)l->out.height * l->out.width * l->out.channels;
}

/* What a layer sees of channel c at (x, y) of its input; 0 outside. */
static double naive_input(const struct naive *k, const struct layer *l, int64_t x, int64_t y,
                          uint32_t c)
{
    uint32_t i = 0;

    if (x < 0 || y < 0 || x >= l->in.height || y >= l->in.width)
        return 0;
    for (;; i++) {
        const struct layer *from = &k->n->layer[l->input[i]];
        if (c >= from->out.channels) {
            c -= from->out.channels;
            continue;
        }
        if (!from->pooled)
            return k->value[l->input[i]][((size_t)y * from->out.height + (size_t)x) *
                                         from->out.channels + c];
        double sum = 0;
        for (size_t p = c; p < map_size(from); p += from->out.channels)
            sum += k->value[l->input[i]][p];
        return sum;
    }
}

static double naive_sum(const struct naive *k, const struct layer *l, uint32_t x, uint32_t y,
                        uint32_t o, double *met)
{
    const struct window *w = &l->window;
    uint32_t in = l->in.channels / l->groups, out = l->out.channels / l->groups;
    double sum = 0;

    for (uint32_t c = 0; c < in; c++)
        for (uint32_t i = 0; i < w->kernel[0]; i++)
            for (uint32_t j = 0; j < w->kernel[1]; j++) {
                double weight = l->weight ? l->weight[((o * in + c) * w->kernel[0] + i) *
                                                      w->kernel[1] + j] : 1;
                double in_at =
                    naive_input(k, l, (int64_t)x * w->stride[0] + (int64_t)i * w->dilation[0] -
                                          w->pad_before[0],
                                (int64_t)y * w->stride[1] + (int64_t)j * w->dilation[1] -
                                    w->pad_before[1], o / out * in + c);
                sum += weight * in_at;
                *met += l->weight ? in_at : 0;
            }
    return sum;
}

/* The currents that a pool of them adds up, which have their 2^w; false where a layer reads no
 * currents. */
static bool naive_pool(const struct naive *k, const struct layer *l, uint32_t x, uint32_t y,
                       uint32_t o, double *sum)
{
    const struct layer *from = &k->n->layer[l->input[0]];
    const struct window *w = &l->window;

    if (!l->neuron || !from->neuron || !from->neuron->kind->delivers_current)
        return false;
    *sum = 0;
    for (uint32_t i = 0; i < w->kernel[0]; i++)
        for (uint32_t j = 0; j < w->kernel[1]; j++)
            *sum += k->v[l->input[0]][((size_t)(y * w->stride[1] + j) * from->out.height +
                                       x * w->stride[0] + i) * from->out.channels + o];
    return true;
}

/* The rules of neuron.h, in doubles that hold every number of theirs. */
static double naive_fire(const struct neuron *n, uint32_t o, double *v, double current,
                         double before, int w)
{
    double theta = ldexp((double)n->theta[o], w), spikes;

    *v = n->beta[o] == NEURON_NO_LEAK ? *v : nearbyint(*v * n->beta[o] / 65536);
    *v += current - (n->reset == NEURON_DELAYED ? theta * before : 0);
    if (n->floor != NEURON_UNBOUNDED)
        *v = fmax(*v, (double)n->floor * (double)n->theta[o]);
    spikes = n->kind->fires ? fmin(fmax(floor(*v / theta), 0), n->most) : 0;
    if (n->reset == NEURON_SUBTRACT)
        *v -= theta * spikes;
    if (n->reset == NEURON_ZERO && spikes > 0)
        *v = 0;
    return spikes;
}

static void naive_step(struct naive *k, const int32_t *in, uint32_t t)
{
    const struct presentation *p = &k->n->present;
    const int w = (int)presentation_weight(p, t);

    for (size_t i = 0; i < map_size(&k->n->layer[0]); i++)
        k->value[0][i] = in[i];
    for (uint32_t index = 1; index < k->n->n_layer; index++) {
        const struct layer *l = &k->n->layer[index];
        size_t at = 0;
        for (uint32_t y = 0; y < l->out.width; y++)
            for (uint32_t x = 0; x < l->out.height; x++)
                for (uint32_t o = 0; o < l->out.channels; o++, at++) {
                    double sum = naive_sum(k, l, x, y, o, &k->met[index]);
                    const struct neuron *n = l->neuron;
                    if (!n) {
                        k->value[index][at] = sum;
                        continue;
                    }
                    double current = ldexp(sum * (double)n->m[o], w) +
                                     (presentation_adds(p, t) ? (double)n->b[o] : 0);
                    if (naive_pool(k, l, x, y, o, &sum))
                        current = sum * (double)n->m[o] +
                                  (presentation_adds(p, t) ? (double)n->b[o] : 0);
                    if (n->kind->delivers_current) {
                        k->v[index][at] = current;
                        continue;
                    }
                    if (l->has_residual)
                        current += ldexp(k->value[l->residual][at] * (double)n->mr[o], w);
                    k->value[index][at] = naive_fire(n, o, &k->v[index][at], current,
                                                     k->value[index][at], w);
                    k->given[index][at] += (int64_t)current;
                    k->fired[index][at] += (int64_t)ldexp(k->value[index][at], w);
                }
    }
}

/* Spikes of a step, events and states so far, and the class, by plain loops. */
static void check_counts(struct naive *k, const struct spike_counts *c, uint32_t t)
{
    const struct network *n = k->n;
    const uint32_t last = n->n_layer - 1;
    uint32_t best = 0;

    for (uint32_t l = 0; l < n->n_layer; l++) {
        const struct layer *layer = &n->layer[l];
        double spikes = 0;
        for (size_t i = 0; i < map_size(layer); i++) {
            spikes += l == 0 || (layer->neuron && layer->neuron->kind->fires) ? k->value[l][i] : 0;
            k->most[l] = fmax(k->most[l], l > 0 && layer->neuron &&
                                           !layer->neuron->kind->delivers_current
                                       ? fabs(k->v[l][i]) : 0);
        }
        assert_int_equal(c->spikes[(size_t)l * c->steps + t], (int64_t)spikes);
        assert_int_equal(c->most_state[l], (int64_t)k->most[l]);
        assert_int_equal(c->events[l], (int64_t)k->met[l]);
    }
    for (uint32_t i = 1; i < n->layer[last].out.channels; i++)
        best = k->v[last][i] > k->v[last][best] ? i : best;
    assert_int_equal(c->class_after[t], best);
}

static void check_random(uint64_t seed)
{
    static const char *const machine[] = { NULL };
    struct plan_rig r;
    struct naive k = { 0 };
    struct spike_counts counts;

    struct random_draws d = random_spiking_make(&r, seed, RANDOM_STEPS, machine);
    const struct network *n = k.n = &r.network;
    const size_t pixels = map_size(&n->layer[0]);
    for (uint32_t i = 0; i < n->n_layer; i++) {
        k.value[i] = calloc(map_size(&n->layer[i]), sizeof(double));
        k.v[i] = calloc(map_size(&n->layer[i]), sizeof(double));
        k.given[i] = calloc(map_size(&n->layer[i]), sizeof(int64_t));
        k.fired[i] = calloc(map_size(&n->layer[i]), sizeof(int64_t));
    }
    uint8_t *pixel = malloc(pixels);
    int32_t *in = malloc(pixels * sizeof *in);
    for (size_t i = 0; i < pixels; i++)
        pixel[i] = d.quiet && random_draw(&d, 4) ? 0 : (uint8_t)random_draw(&d, 256);
    struct spikes *s = spikes_new(n);
    assert_true(spike_counts_init(&counts, n));
    spikes_count(s, &counts);
    spikes_forget(s);
    for (uint32_t t = 0; t < RANDOM_STEPS; t++) {
        n->present.coding->code(&n->present, 0, t, pixel, pixels, in);
        spikes_step(s, in, t, NULL);
        naive_step(&k, in, t);
        check_counts(&k, &counts, t);
        for (uint32_t l = 1; l < n->n_layer; l++)
            for (size_t i = 0; i < map_size(&n->layer[l]); i++) {
                assert_int_equal(spikes_delivered(s, l, i), (int64_t)k.value[l][i]);
                if (n->layer[l].neuron)
                    assert_int_equal(spikes_potential(s, l, i), (int64_t)k.v[l][i]);
            }
    }
    for (uint32_t l = 1; l < n->n_layer; l++) { // Kim 2019, eq. 4.7
        const struct neuron *u = n->layer[l].neuron;
        bool kept = u && u->kind->fires && u->reset == NEURON_SUBTRACT &&
                    u->floor == NEURON_UNBOUNDED;
        for (size_t i = 0; kept && i < map_size(&n->layer[l]); i++)
            if (u->beta[i % u->n] == NEURON_NO_LEAK)
                assert_int_equal(u->theta[i % u->n] * k.fired[l][i],
                                 k.given[l][i] - spikes_potential(s, l, i));
    }
    spikes_free(s);
    spike_counts_release(&counts);
    for (uint32_t i = 0; i < n->n_layer; i++) {
        free(k.value[i]);
        free(k.v[i]);
        free(k.given[i]);
        free(k.fired[i]);
    }
    free(pixel);
    free(in);
    rig_release(&r);
}

static void random_networks_spike_as_plain_loops_do_and_keep_the_charge(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= RANDOM_NETWORKS; seed++)
        check_random(seed);
}

/* ---- what neurons cannot be made of ---- */

enum odd { SUM_WITHOUT_RELU, POOL_WITHOUT_RELU, POOL_OF_A_PADDED_MAP, NOTHING_ODD };

/* conv1 and conv2, which has no ReLU; then what is odd, and a last layer. */
static enum err try_to_convert(enum odd odd, struct err_msg *m)
{
    static const char *const machine[] = { NULL };
    const struct window pool = { .kernel = { 2, 2 }, .stride = { 2, 2 }, .dilation = { 1, 1 },
                                 .pad_before = { odd == POOL_OF_A_PADDED_MAP, 0 },
                                 .pad_after = { odd == POOL_OF_A_PADDED_MAP, 0 } };
    struct neuron_cfg cfg[5];
    struct plan_rig r;

    rig_config(&r, machine);
    rig_image(&r, 8, 8, 1);
    r.network.layer[0].out_signed = false;
    rig_conv(&r, 0, 4, 3, 1)->relu = true;
    struct layer *two = rig_conv(&r, 1, 4, 3, 1);
    two->relu = false;
    if (odd == SUM_WITHOUT_RELU) {
        two->has_residual = true;
        two->residual = 1;
    }
    struct layer *third = odd == SUM_WITHOUT_RELU ? rig_conv(&r, 1, 4, 3, 1)
                                                  : rig_layer(&r, 2, 4, &pool);
    third->relu = odd != POOL_WITHOUT_RELU;
    if (odd == SUM_WITHOUT_RELU) {
        third->has_residual = true;
        third->residual = 2;
    } else {
        third->kind = LAYER_AVERAGE_POOL;
        third->groups = 4;
    }
    rig_conv(&r, 3, 2, 3, 1)->raw_output = true;
    for (size_t i = 0; i < sizeof cfg / sizeof *cfg; i++) {
        cfg[i] = plain_if;
        cfg[i].kind = neuron_kind_find("if");
    }
    r.network.present = (struct presentation){ .coding = coding_find("rate"), .steps = 4 };
    enum err e = network_make_spiking(&r.network, cfg, m);
    rig_release(&r);
    return e;
}

static void what_no_neuron_can_be_made_of_is_refused_by_layer(void **state)
{
    static const char *const want[] = { "adds a map and has no ReLU: want a ReLU behind the sum",
                                        "pools currents and has no ReLU",
                                        "pools currents of several layers, or pads them" };
    struct err_msg m;

    (void)state;
    for (int i = 0; i < NOTHING_ODD; i++) {
        assert_int_equal(try_to_convert((enum odd)i, &m), ERR_INPUT);
        if (!strstr(m.text, want[i]))
            fail_msg("\"%s\" says nothing of \"%s\"", m.text, want[i]);
    }
    assert_int_equal(try_to_convert(NOTHING_ODD, &m), ERR_NONE);
}

/* ---- ResNet-32 ---- */

enum { RESNET_PIXELS = 32 * 32 * 3, RESNET_IMAGES = 16 };

static void load_resnet(struct network *n, uint32_t steps)
{
    struct err_msg m;

    if (network_load_onnx(n, "models/resnet32_fmnist.onnx", &m))
        fail_msg("%s", m.text);
    make_spiking(n, "phase", steps, &plain_if);
}

/* What m, b and mr are in thresholds, from the network's scales: those of a value's step. */
static void neurons_are_the_scales_of_their_layers(void **state)
{
    struct network n, q; // q: as it was
    struct err_msg m;
    uint32_t currents = 0;

    (void)state;
    load_resnet(&n, 8);
    if (network_load_onnx(&q, "models/resnet32_fmnist.onnx", &m))
        fail_msg("%s", m.text);
    for (uint32_t i = 1; i < n.n_layer; i++) {
        const struct layer *l = &q.layer[i], *r = &q.layer[l->has_residual ? l->residual : 0];
        const struct neuron *u = n.layer[i].neuron, *from = n.layer[l->residual].neuron;
        const bool sums = l->has_residual && from->kind->delivers_current;
        for (uint32_t o = 0; o < l->out.channels && u->kind->fires; o++) {
            const double step = ldexp(1, l->requant.shift[o]), theta = (double)u->theta[o];
            double grey = 0, b = (double)l->requant.b[o];
            for (size_t k = 0; k < layer_kernel_rows(l) && i == 1; k++)
                grey += 128.0 * l->weight[o * layer_kernel_rows(l) + k];
            b -= grey * l->requant.m[o];
            if (sums)
                b += (double)l->requant.mr[o] * (double)r->requant.b[o] /
                     ldexp(1, r->requant.shift[o]);
            assert_true((double)u->m[o] / theta == l->requant.m[o] / step);
            assert_true((double)u->b[o] / theta == b / step);
            if (l->has_residual)
                assert_true((double)u->mr[o] / theta ==
                            (double)l->requant.mr[o] / step *
                                (sums ? r->requant.m[o] / ldexp(1, r->requant.shift[o]) : 1));
        }
        currents += sums;
    }
    assert_int_equal(currents, 2); // L13 and L23
    const struct neuron *fc = n.layer[n.n_layer - 1].neuron;
    for (uint32_t o = 0; o < 10; o++) // behind a mean of 64 spikes, which is a sum
        assert_int_equal(fc->b[o], 64 * q.layer[q.n_layer - 1].requant.b[o]);
    network_release(&n);
    network_release(&q);
}

static void take_resnet_images(uint8_t (*pixel)[RESNET_PIXELS], uint32_t *label, uint32_t n)
{
    const struct images_shape shape = { 32, 32, 3 };
    struct images *set;
    struct err_msg m;
    int more;

    if (access(FASHION, R_OK) != 0) {
        print_message("%s is not there\n", FASHION);
        skip();
    }
    if (images_open(&set, FASHION, shape, 10, &m))
        fail_msg("%s", m.text);
    for (uint32_t i = 0; i < n; i++) {
        if (images_next(set, (int8_t *)pixel[i], &label[i], &more, &m))
            fail_msg("%s", m.text);
        for (uint32_t k = 0; k < RESNET_PIXELS; k++)
            pixel[i][k] ^= 0x80; // delivered as 128 less
    }
    images_close(set);
}

/* Sixteen images and 80 periods take minutes: with IMCSIM_ALL_IMAGES. */
static uint32_t resnet_images(void)
{
    return getenv("IMCSIM_ALL_IMAGES") ? RESNET_IMAGES : 1;
}

static void resnet_32_is_right_from_period_21_on(void **state)
{
    static uint8_t pixel[RESNET_IMAGES][RESNET_PIXELS];
    const uint32_t images = resnet_images(), periods = images == RESNET_IMAGES ? 80 : 21;
    uint32_t label[RESNET_IMAGES];
    static int32_t in[RESNET_PIXELS];
    struct network n;

    (void)state;
    take_resnet_images(pixel, label, images);
    load_resnet(&n, periods * 8);
    n.layer[n.n_layer - 1].neuron->skip = 20 * 8;
    struct spikes *s = spikes_new(&n);
    for (uint32_t i = 0; i < images; i++) {
        spikes_forget(s);
        for (uint32_t t = 0; t < periods * 8; t++) {
            n.present.coding->code(&n.present, i, t, pixel[i], RESNET_PIXELS, in);
            spikes_step(s, in, t, NULL);
            if (t >= 20 * 8 && t % 8 == 7)
                assert_true(is_right(s, &n, label[i]));
        }
    }
    spikes_free(s);
    network_release(&n);
}

static void the_first_layers_of_resnet_32_spike_as_often_as_counted(void **state)
{
    static uint8_t pixel[RESNET_IMAGES][RESNET_PIXELS];
    static const uint64_t want[] = { 45624427, 28506804, 68141600 };
    const uint32_t layers = resnet_images() == RESNET_IMAGES ? 3 : 1;
    uint32_t label[RESNET_IMAGES];
    static int32_t in[RESNET_PIXELS];
    uint64_t spikes[3] = { 0 };
    struct network n;

    (void)state;
    take_resnet_images(pixel, label, RESNET_IMAGES);
    load_resnet(&n, 640);
    const uint32_t all = n.n_layer;
    n.n_layer = layers + 1; // the layers behind change nothing
    struct spikes *s = spikes_new(&n);
    for (uint32_t i = 0; i < RESNET_IMAGES; i++) {
        spikes_forget(s);
        for (uint32_t t = 0; t < 640; t++) {
            n.present.coding->code(&n.present, i, t, pixel[i], RESNET_PIXELS, in);
            spikes_step(s, in, t, NULL);
            for (uint32_t l = 0; l < layers; l++)
                for (size_t k = 0; k < map_size(&n.layer[l + 1]); k++)
                    spikes[l] += (uint32_t)spikes_delivered(s, l + 1, k);
        }
    }
    for (uint32_t l = 0; l < layers; l++)
        assert_int_equal(spikes[l], want[l]);
    spikes_free(s);
    n.n_layer = all;
    network_release(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_is_decided_when_its_best_class_leads),
        cmocka_unit_test(weighted_spikes_have_8725_8898_8904_after_a_period_each),
        cmocka_unit_test(rates_have_8815_8921_8947_after_8_16_32_steps),
        cmocka_unit_test(a_network_with_leaks_has_8836_and_its_spikes),
        cmocka_unit_test(n_mnist_has_98_of_100_and_its_spikes),
        cmocka_unit_test(n_mnist_has_all_of_100_where_a_neuron_fires_several_times),
        cmocka_unit_test(a_neuron_of_weighted_spikes_makes_up_for_an_early_spike),
        cmocka_unit_test(a_delayed_reset_is_that_of_the_article),
        cmocka_unit_test(random_networks_spike_as_plain_loops_do_and_keep_the_charge),
        cmocka_unit_test(what_no_neuron_can_be_made_of_is_refused_by_layer),
        cmocka_unit_test(neurons_are_the_scales_of_their_layers),
        cmocka_unit_test(resnet_32_is_right_from_period_21_on),
        cmocka_unit_test(the_first_layers_of_resnet_32_spike_as_often_as_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
