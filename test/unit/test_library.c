/* test/unit/test_library.c -- imcsim.h: the same figures as inside, errors as text, policies and
 * blocks of one's own. That nothing else is needed is for scripts/check_install.sh to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "dataflow/firing.h"
#include "imcsim.h"
#include "memory/input_memory.h"
#include "noc/fabric.h"
#include "study/pricing.h"
#include "study/run.h"
#include "study/study.h"

static const char *const priced[] = { "energy.chip=dazzi2021_14nm", "network.depth=8", NULL };

static struct imcsim_study *load(const char *const *set, const struct imcsim_policies *own)
{
    struct imcsim_error e;
    struct imcsim_study *s = imcsim_load(NULL, set, own, &e);

    if (!s)
        fail_msg("%s", e.text);
    return s;
}

static double number(struct imcsim_result *r, const char *path)
{
    struct imcsim_error e;
    double value = 0;

    if (!imcsim_number(r, path, &value, &e))
        fail_msg("%s", e.text);
    return value;
}

static void figures_are_those_of_a_run_inside(void **state)
{
    (void)state;
    const struct run_cfg cfg = { .n_image = 3, .jobs = 1 };
    const struct imcsim_run how = { .count = 3 };
    struct study s;
    struct run_result run_of;
    struct price_report price_of;
    struct err_msg m;
    struct imcsim_error e;
    struct imcsim_study *study = load(priced, NULL);
    struct imcsim_result *r = imcsim_run(study, &how, &e);

    assert_non_null(r);
    assert_int_equal(study_load(&s, NULL, priced, 2, &m), ERR_NONE);
    assert_int_equal(run(&s.plan, &cfg, &run_of, &m), ERR_NONE);
    assert_int_equal(pricing(&price_of, &s, &run_of, &m), ERR_NONE);
    assert_true(number(r, "timing.first_result_timesteps") == (double)run_of.first_result);
    assert_true(number(r, "images.total_timesteps") == (double)run_of.total_timesteps);
    assert_true(number(r, "core_list[0].counters.firings") == (double)run_of.core[0].firings);
    assert_true(number(r, "core_list.conv1.counters.firings") == (double)run_of.core[0].firings);
    assert_true(number(r, "layers[1].rows") == s.plan.layer[1].rows);
    double nj = number(r, "energy.total_nj_per_image");
    assert_int_equal((int64_t)(nj * 1000 + 0.5), price_row_energy_pj(&price_of.total) +
                                                     price_row_leakage_pj(&price_of.total));
    assert_int_equal(imcsim_class(r, 0), UINT32_MAX); // timing only
    price_report_release(&price_of);
    run_result_release(&run_of);
    study_release(&s);
    imcsim_result_free(r);
    imcsim_study_free(study);
}

static void plan_facts_come_without_a_run(void **state)
{
    (void)state;
    struct imcsim_error e;
    struct imcsim_study *s = imcsim_load("resnet32", NULL, NULL, &e);
    double value;

    assert_non_null(s);
    assert_true(imcsim_study_number(s, "cores", &value, &e) && value == 43);
    assert_true(imcsim_study_number(s, "timing.interval_timesteps", &value, &e) && value == 1024);
    assert_ptr_equal(imcsim_study_json(s, &e), imcsim_study_json(s, &e));
    json_t *doc = json_loads(imcsim_study_json(s, &e), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(doc, "format")), "imcsim-map/1");
    json_decref(doc);
    assert_null(imcsim_study_note(s, 0));
    imcsim_study_free(s);
}

static void a_text_is_a_configuration(void **state)
{
    (void)state;
    static const char *const set[] = { "batch=9", NULL };
    struct imcsim_error e;
    struct imcsim_study *s = imcsim_load_text("network: {depth: 8}\nbatch: 7\n", set, NULL, &e);
    double value;

    assert_non_null(s);
    assert_true(imcsim_study_number(s, "timing.batch", &value, &e) && value == 9);
    imcsim_study_free(s);
    assert_null(imcsim_load_text("bach: 7\n", NULL, NULL, &e));
    assert_int_equal(e.status, IMCSIM_BAD_INPUT);
    assert_string_equal(e.text, "text:1: bach: unknown key; did you mean batch?");
}

static void errors_are_text_and_may_be_ignored(void **state)
{
    (void)state;
    static const char *const bad[] = { "chip.cores=1", NULL };
    const struct imcsim_run how = { .images = "/none" };
    struct imcsim_error e = { .status = IMCSIM_OK };
    struct imcsim_study *s = load(priced, NULL);
    struct imcsim_result *r = imcsim_run(s, NULL, &e);
    double value = 5;

    assert_int_equal(e.status, IMCSIM_OK);
    assert_null(imcsim_load(NULL, bad, NULL, NULL));
    assert_null(imcsim_load("/none.yaml", NULL, NULL, &e));
    assert_non_null(strstr(e.text, "/none.yaml"));
    assert_null(imcsim_run(s, &how, &e));
    assert_int_equal(e.status, IMCSIM_BAD_INPUT);
    static const char *const paths[] = { "", "timing", "timing.", "timing.no", "layers[99].rows",
                                         "layers[x].rows", "layers[0", "layers.none.rows", "..",
                                         "network.name", "[0]" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_false(imcsim_number(r, paths[i], &value, &e));
        assert_int_equal(e.status, IMCSIM_BAD_INPUT);
        assert_true(value == 5);
    }
    imcsim_result_free(r);
    imcsim_study_free(s);
    imcsim_result_free(NULL);
    imcsim_study_free(NULL);
    imcsim_design_free(NULL);
}

static void a_run_is_priced_again_without_running(void **state)
{
    (void)state;
    static const char *const other[] = { "energy.chip=dazzi2021_14nm", "network.depth=8",
                                         "energy.technology=22nm_lp", NULL };
    static const char *const plain[] = { "network.depth=8", NULL };
    struct imcsim_error e;
    struct imcsim_study *s = load(plain, NULL), *want = load(other, NULL);
    struct imcsim_result *r = imcsim_run(s, NULL, &e), *w = imcsim_run(want, NULL, &e);
    double value;

    assert_false(imcsim_number(r, "energy.total_nj_per_image", &value, &e));
    assert_false(imcsim_price(r, "22nm_lp", NULL, "no_such_chip", &e));
    assert_false(imcsim_number(r, "energy.total_nj_per_image", &value, &e));
    assert_true(imcsim_price(r, "22nm_lp", NULL, "dazzi2021_14nm", &e));
    assert_true(number(r, "energy.total_nj_per_image") == number(w, "energy.total_nj_per_image"));
    imcsim_result_free(r);
    imcsim_result_free(w);
    imcsim_study_free(s);
    imcsim_study_free(want);
}

static uint64_t twice(const struct fabric_machine *machine, const struct fabric_route *r,
                      uint64_t bits)
{
    return 2 * fabric_point_to_point.use(machine, r, bits);
}

/* A firing policy and a placing that are built-in ones under another name give their figures; a
 * fabric of half the rate uses twice the clocks. */
static void policies_of_ones_own_are_named_like_built_in_ones(void **state)
{
    (void)state;
    static const char *const built_in[] = { "network.depth=8", "mapping.firing=free",
                                            "mapping.replicas={32: 2}", "fabric.link_gbps=20",
                                            "fabric.partial_sum_gbps=40.96",
                                            "core.input_memory.placing=klip", NULL };
    static const char *const mine[] = { "network.depth=8", "mapping.firing=my_firing",
                                        "mapping.replicas={32: 2}", "fabric.link_gbps=20",
                                            "fabric.partial_sum_gbps=40.96",
                                        "core.input_memory.placing=my_placing",
                                        "fabric.kind=my_fabric", NULL };
    struct firing_policy firing = fire_free;
    struct placing placing = place_klip;
    struct fabric fabric = fabric_point_to_point;
    firing.name = "my_firing";
    placing.name = "my_placing";
    fabric.name = "my_fabric";
    fabric.use = twice;
    const struct firing_policy *const firings[] = { &firing, NULL };
    const struct placing *const placings_[] = { &placing, NULL };
    const struct fabric *const fabrics_[] = { &fabric, NULL };
    const struct imcsim_policies own = { firings, placings_, fabrics_ };
    struct imcsim_error e;
    struct imcsim_study *a = load(built_in, NULL), *b = load(mine, &own);
    struct imcsim_result *ra = imcsim_run(a, NULL, &e), *rb = imcsim_run(b, NULL, &e);

    assert_null(imcsim_load(NULL, mine, NULL, &e)); // nobody has them without `own`
    static const char *const same[] = { "timing.first_result_timesteps", "layers.conv1.sram_reads",
                                        "layers.conv2.mvms", "layers.conv3.last_timestep" };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_true(number(ra, same[i]) == number(rb, same[i]));
    assert_true(2 * number(ra, "streams[1].clocks") == number(rb, "streams[1].clocks"));
    imcsim_result_free(ra);
    imcsim_result_free(rb);
    imcsim_study_free(a);
    imcsim_study_free(b);
}

struct source {
    struct imcsim_channel *to;
    uint64_t sent, n;
};

static uint64_t source_step(void *user, uint64_t now)
{
    struct source *s = user;
    uint64_t *payload = s->sent < s->n ? imcsim_push(s->to, now + 3) : NULL;

    if (payload)
        *payload = s->sent++;
    return s->sent < s->n ? now + 1 : IMCSIM_NEVER;
}

struct sink {
    struct imcsim_channel *from;
    uint64_t next, sum, got;
};

/* Takes one every 5 cycles. */
static uint64_t sink_step(void *user, uint64_t now)
{
    struct sink *s = user;
    const uint64_t *payload = now >= s->next ? imcsim_pop(s->from, now) : NULL;

    if (payload) {
        assert_int_equal(*payload, s->got);
        s->sum += *payload;
        s->got++;
        s->next = now + 5;
    }
    return now < s->next ? s->next : IMCSIM_NEVER;
}

/* The first arrives in cycle 3; the sink's pace sets the rest: the last is taken in 3 + 5 (n -
 * 1). */
static void blocks_of_ones_own_run_by_their_channels(void **state)
{
    (void)state;
    enum { N = 100 };
    struct imcsim_error e;
    struct imcsim_design *d = imcsim_design_new(&e);
    struct source source = { .n = N };
    struct sink sink = { 0 };
    struct imcsim_block *a = imcsim_block_new(d, "source", source_step, &source);
    struct imcsim_block *b = imcsim_block_new(d, "sink", sink_step, &sink);

    assert_null(imcsim_channel_new(d, a, b, 0, 8));
    source.to = sink.from = imcsim_channel_new(d, a, b, 2, sizeof(uint64_t));
    assert_non_null(source.to);
    imcsim_design_run(d, 3 + 5 * 9);
    assert_int_equal(sink.got, 10);
    imcsim_design_run(d, 3 + 5 * (N - 1) - 1);
    assert_int_equal(sink.got, N - 1);
    imcsim_design_run(d, IMCSIM_NEVER);
    assert_int_equal(sink.got, N);
    assert_int_equal(sink.sum, N * (N - 1) / 2);
    assert_null(imcsim_block_new(d, "late", sink_step, &sink)); // it has begun
    imcsim_design_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_a_run_inside),
        cmocka_unit_test(plan_facts_come_without_a_run),
        cmocka_unit_test(a_text_is_a_configuration),
        cmocka_unit_test(errors_are_text_and_may_be_ignored),
        cmocka_unit_test(a_run_is_priced_again_without_running),
        cmocka_unit_test(policies_of_ones_own_are_named_like_built_in_ones),
        cmocka_unit_test(blocks_of_ones_own_run_by_their_channels),
    };
    return cmocka_run_group_tests_name("library", tests, NULL, NULL);
}
