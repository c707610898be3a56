/* The networks that users bring, on the chip: the interval of their slowest layer at full size, and
 * every activation at a reduced one. IMCSIM_ALL_IMAGES=1 computes with all channels. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/chip.h"
#include "onnx/read/read.h"
#include "test/reference.h"
#include "test/zoo/zoo.h"

struct brought { // a network of the zoo and its plan
    struct network network;
    struct config  config;
    struct plan    plan;
};

static void must(enum err e, const struct err_msg *m)
{
    if (e)
        fail_msg("%s", m->text);
}

static void bring(struct brought *b, const char *name, const struct zoo_cfg *cfg,
                  const char *const *set, uint32_t n_set)
{
    struct err_msg m;
    size_t size;
    Onnx__ModelProto *model = zoo_make(name, cfg);
    uint8_t *bytes = make_packed(model, &size);

    make_free(model);
    must(network_decode_onnx(&b->network, name, bytes, size, &m), &m);
    free(bytes);
    must(config_load(&b->config, "configs/imagenet.yaml", set, n_set, &m), &m);
    must(plan_make(&b->plan, &b->network, &b->config, &m), &m);
}

static void release(struct brought *b)
{
    plan_release(&b->plan);
    config_release(&b->config);
    network_release(&b->network);
}

static struct zoo_cfg quantised(const char *name, uint32_t size, uint32_t thin)
{
    struct zoo_cfg cfg = zoo_defaults();

    cfg.form = ZOO_QDQ;
    cfg.size = zoo_size(name, size);
    cfg.thin = thin;
    cfg.classes = 10;
    return cfg;
}

/* ---- time ---- */

/* Pixels of the largest map that a network computes: what its first convolution leaves. */
static uint64_t slowest_layer(const char *name, uint64_t size)
{
    static const struct {
        const char *name;
        uint64_t    kernel, padding, stride;
    } first[] = {{"resnet", 7, 3, 2}, {"vgg", 3, 1, 1},       {"mobilenet", 3, 1, 2},
                 {"dense", 7, 3, 2},  {"squeeze", 3, 0, 2},   {"alex", 11, 2, 4},
                 {"unet", 3, 1, 1},   {"efficient", 3, 1, 2}, {"yolo", 3, 1, 1},
                 {"shuffle", 3, 1, 2}};

    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (strncmp(name, first[i].name, strlen(first[i].name)) == 0) {
            uint64_t side = (size + 2 * first[i].padding - first[i].kernel) / first[i].stride + 1;
            return side * side;
        }
    fail_msg("no first layer of %s is known", name);
    return 0;
}

static void images_come_at_the_interval_of_the_slowest_layer(void **state)
{
    const char *words = "core.input_memory.words=8192"; // maps of a U-Net wait for one another
    (void)state;

    for (uint32_t i = 0; zoo_name(i); i++)
        for (uint32_t size = 224; size >= 56; size -= 63) {
            struct brought b;
            struct err_msg m;
            struct chip_result r[2];
            struct zoo_cfg cfg = quantised(zoo_name(i), size, 16);
            bring(&b, zoo_name(i), &cfg, &words, 1);
            assert_int_equal(b.plan.interval, slowest_layer(zoo_name(i), cfg.size));
            struct chip *chip = chip_new(&(struct chip_cfg){ .plan = &b.plan });
            assert_non_null(chip);
            for (int k = 0; k < 2; k++)
                assert_true(chip_inject(chip, NULL));
            must(chip_run(chip, (int64_t)(b.plan.time.first_result + b.plan.interval), &m), &m);
            for (int k = 0; k < 2; k++)
                assert_true(chip_result(chip, &r[k]));
            assert_int_equal(r[0].timestep + 1, b.plan.time.first_result);
            assert_int_equal(r[1].timestep - r[0].timestep, b.plan.interval);
            chip_free(chip);
            release(&b);
        }
}

static void replicas_speed_up_convolutions_and_pools_alike(void **state)
{
    (void)state;
    static const char *const set[] = { "mapping.replicas.112=4", "mapping.replicas.56=2",
                                       "core.crossbar.rows=1024", "core.crossbar.columns=1024",
                                       "fabric.link_gbps=100", "fabric.partial_sum_gbps=1000" };
    struct zoo_cfg cfg = quantised("resnet18", 224, 16);
    struct brought b;

    bring(&b, "resnet18", &cfg, set, sizeof set / sizeof *set);
    assert_int_equal(b.plan.interval, 112 * 112 / 4);
    bool pooled = false;
    for (uint32_t i = 0; i < b.plan.n_layer; i++) {
        const struct layer *l = plan_network_layer(&b.plan, i);
        pooled |= l->kind == LAYER_MAX_POOL;
        assert_int_equal(b.plan.layer[i].replicas.n,
                         l->out.height == 112 ? 4 : l->out.height == 56 ? 2 : 1);
    }
    assert_true(pooled);
    release(&b);
}

/* ---- values ---- */

struct comparison {
    struct reference   reference;
    const struct plan *plan;
    uint64_t           n_value;
};

static void compare_result(void *user, uint32_t core, const struct core_event *e)
{
    struct comparison *c = user;
    const struct plan_core *pc = &c->plan->core[core];
    const struct layer *l = plan_network_layer(c->plan, pc->plan_layer);

    if (e->kind != CORE_RESULT)
        return;
    for (uint32_t o = 0; o < pc->out_n; o++) {
        int64_t got = l->raw_output   ? ((const int32_t *)(const void *)e->value)[o]
                      : l->out_signed ? (int8_t)e->value[o]
                                      : e->value[o];
        int64_t want = reference_map(&c->reference, c->plan->layer[pc->plan_layer].layer,
                                     e->pixel->row, e->pixel->column, pc->out_first + o);
        if (got != want)
            fail_msg("%s, output (%" PRIu32 ", %" PRIu32 ") channel %" PRIu32 ": %" PRId64
                     ", the reference has %" PRId64, l->name, e->pixel->row, e->pixel->column,
                     pc->out_first + o, got, want);
        c->n_value++;
    }
}

/* Bytes without a pattern. */
static int8_t *any_image(const struct network *n)
{
    const struct shape *s = &n->layer[0].out;
    size_t size = (size_t)s->height * s->width * s->channels;
    int8_t *image = malloc(size);
    uint32_t state = 1;

    assert_non_null(image);
    for (size_t i = 0; i < size; i++) {
        state = state * 1103515245 + 12345; // ISO C11, 7.22.2.2
        image[i] = (int8_t)(state >> 16);
    }
    return image;
}

static void compare_activations(const char *name, const struct zoo_cfg *cfg)
{
    struct brought b;
    struct comparison c = { .plan = &b.plan };
    struct err_msg m;
    struct chip_result r;
    uint64_t values = 0;

    bring(&b, name, cfg, NULL, 0);
    int8_t *image = any_image(&b.network);
    reference_init(&c.reference, &b.network);
    reference_run(&c.reference, image);
    const struct core_probe probe = { .event = compare_result, .user = &c };
    struct chip *chip =
        chip_new(&(struct chip_cfg){ .plan = &b.plan, .planes.n = 1, .probe = &probe });
    assert_non_null(chip);
    assert_true(chip_inject(chip, image));
    must(chip_run(chip, (int64_t)b.plan.time.first_result, &m), &m);
    if (!chip_result(chip, &r))
        fail_msg("%s has no result in time", name);
    for (uint32_t i = 1; i < b.network.n_layer; i++) {
        const struct shape *s = &b.network.layer[i].out;
        values += (uint64_t)s->height * s->width * s->channels;
    }
    assert_int_equal(c.n_value, values);
    chip_free(chip);
    reference_release(&c.reference);
    free(image);
    release(&b);
}

static void every_activation_is_that_of_the_naive_reference(void **state)
{
    (void)state;
    const char *all = getenv("IMCSIM_ALL_IMAGES");

    for (uint32_t i = 0; zoo_name(i); i++)
        for (int form = 0; form < 2; form++) {
            struct zoo_cfg cfg = quantised(zoo_name(i), 56, all && *all == '1' ? 1 : 8);
            cfg.rounded_add = cfg.norm_nodes = form == 1;
            compare_activations(zoo_name(i), &cfg);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_come_at_the_interval_of_the_slowest_layer),
        cmocka_unit_test(replicas_speed_up_convolutions_and_pools_alike),
        cmocka_unit_test(every_activation_is_that_of_the_naive_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
