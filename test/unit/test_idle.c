/* test/unit/test_idle.c -- keys that change nothing are told, exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "core/notes.h"
#include "imcsim.h"
#include "study/study.h"
#include "test/tmpdir.h"

enum { N_KEY = 5 };

/* Each has a value that is not the default, and another one. */
static const struct {
    const char *key, *value, *other;
} keys[N_KEY] = {
    { "mapping.effort", "3", "100" },
    { "energy.technology", "22nm_lp", "32nm_lp" },
    { "energy.device", "rram_2bit", "fefet_4bit" },
    { "fabric.partial_sum_gbps", "18", "30" },
    { "fabric.partial_sum_hops", "3", "5" },
};

static const struct {
    const char *set[4];     // up to a NULL
    bool        idle[N_KEY];
} cases[] = {
    { { "network.depth=8" }, { true, true, true, false, false } }, // 56 channels: two parts
    { { "network.channels=[8, 16, 16]", "network.depth=8" }, { true, true, true, true, true } },
    { { "network.depth=8", "energy.chip=dazzi2021_14nm" }, { true, false, false, false, false } },
    { { "network.depth=8", "mapping.optimize=interval", "mapping.effort=1" },
      { false, true, true, false, false } },
    { { "network.channels=[8, 16, 16]", "mapping.optimize=interval", "network.depth=8",
        "mapping.effort=1" },
      { false, true, true, false, false } },
};
enum { N_CASE = sizeof cases / sizeof *cases };

static struct imcsim_study *load(size_t c, size_t key, const char *value)
{
    char set[64];
    const char *all[6];
    struct imcsim_error e;
    size_t n = 0;

    for (; n < 4 && cases[c].set[n]; n++)
        all[n] = cases[c].set[n];
    set[0] = '\0';
    if (value) {
        snprintf(set, sizeof set, "%s=%s", keys[key].key, value);
        all[n++] = set;
    }
    all[n] = NULL;
    struct imcsim_study *s = imcsim_load(NULL, all, NULL, &e);
    if (!s)
        fail_msg("case %zu, %s: %s", c, set, e.text);
    return s;
}

static void keys_without_effect_are_told_and_no_others(void **state)
{
    (void)state;
    for (size_t c = 0; c < N_CASE; c++)
        for (size_t k = 0; k < N_KEY; k++) {
            char want[128];
            struct imcsim_study *s = load(c, k, keys[k].value);
            const char *note = imcsim_study_note(s, 0);

            snprintf(want, sizeof want, "--set %s: %s has no effect: ", keys[k].key, keys[k].key);
            if (cases[c].idle[k] != (note && strncmp(note, want, strlen(want)) == 0))
                fail_msg("case %zu, %s: %s", c, keys[k].key, note ? note : "no note");
            assert_true(!note || !imcsim_study_note(s, 1));
            imcsim_study_free(s);
        }
}

/* Keys of arrays: what makes each idle, or NULL, and what each needs to do something. */
static const struct {
    const char *key, *value, *idle, *live[3]; // up to a NULL
} arrays[] = {
    { "core.crossbar.cell_bits", "2", NULL, { "core.crossbar.cell=sliced" } },
    { "core.crossbar.cell_bits", "2", "core.crossbar.cell=sram", { "core.crossbar.cell=sliced" } },
    { "core.crossbar.scheme", "offset", NULL, { "core.crossbar.cell=sliced" } },
    { "core.crossbar.read_ns", "50", NULL, { "core.crossbar.mvm_ns=auto" } },
    { "core.crossbar.read_ns", "50", "core.readout.kind=adc", { "core.crossbar.mvm_ns=auto" } },
    { "core.crossbar.device", "rram_2bit", NULL, { "energy.chip=composed" } },
    { "core.readout.bits", "6", NULL, { "core.readout.kind=adc" } },
    { "core.readout.range", "5000", "core.crossbar.mvm_ns=auto", { "core.readout.kind=adc" } },
    { "core.readout.separate", "yes", "core.crossbar.cell=sliced", { NULL } },
    { "core.readout.separate", "yes", "core.crossbar.cell=sram", { NULL } },
    { "core.readout.columns_per_adc", "4", NULL, { "core.readout.kind=adc" } },
    { "core.readout.conversion_ns", "2", "core.crossbar.mvm_ns=auto",
      { "core.readout.kind=adc", "core.crossbar.mvm_ns=auto", "clocking.timestep_ns=200" } },
    { "core.readout.conversion_ns", "2", "core.readout.kind=adc",
      { "core.readout.kind=adc", "core.crossbar.mvm_ns=auto", "clocking.timestep_ns=200" } },
    { "core.readout.pipelined", "yes", NULL,
      { "core.readout.kind=adc", "core.crossbar.mvm_ns=auto", "clocking.timestep_ns=200" } },
    { "core.crossbar.w_max", "100", NULL, { "core.crossbar.device=pcm_joshi" } },
    { "analog.chips", "3", NULL, { "core.crossbar.device=pcm_joshi" } },
    { "analog.drift", "off", "core.readout.kind=adc",
      { "core.readout.kind=adc", "analog.adc_noise_lsb=1" } },
    { "core.wires.r_row_ohm", "3", "core.crossbar.device=pcm_joshi",
      { "core.crossbar.device=pcm_joshi", "core.wires.model=fast" } },
    { "calibration.count", "5", NULL,
      { "core.crossbar.device=pcm_joshi", "analog.batchnorm_images=3" } },
    { "energy.converter", "sar", NULL, { "energy.chip=composed" } },
    { "input.seed", "3", NULL,
      { "neuron.kind=if", "input.coding=bernoulli", "input.steps=8" } },
    { "neuron.theta", "2", NULL, { "neuron.kind=if", "input.coding=rate", "input.steps=8" } },
    { "neuron.beta", "0.5", NULL, { "neuron.kind=lif", "input.coding=rate", "input.steps=8" } },
};

static bool is_told(const char *key, const char *const *set)
{
    char want[128];
    struct imcsim_error e;
    struct imcsim_study *s = imcsim_load(NULL, set, NULL, &e);

    if (!s)
        fail_msg("%s: %s", key, e.text);
    const char *note = imcsim_study_note(s, 0);
    snprintf(want, sizeof want, ": %s has no effect: ", key);
    bool told = note && strstr(note, want);
    assert_true(told || !note);
    imcsim_study_free(s);
    return told;
}

static void keys_of_arrays_are_told_unless_others_make_them_count(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        char set[64];
        snprintf(set, sizeof set, "%s=%s", arrays[i].key, arrays[i].value);
        const char *const idle[] = { "network.depth=8", set, arrays[i].idle, NULL };
        const char *const live[] = { "network.depth=8", set, arrays[i].live[0], arrays[i].live[1],
                                     arrays[i].live[1] ? arrays[i].live[2] : NULL, NULL };
        if (!is_told(arrays[i].key, idle) || is_told(arrays[i].key, live))
            fail_msg("row %zu: %s", i, set);
    }
}

static void a_note_has_the_whole_reason(void **state)
{
    static const char *const set[] = { "network.depth=8", "core.readout.conversion_ns=2", NULL };
    static const char *const device[] = { "network.depth=8", "core.crossbar.device=rram_2bit",
                                          NULL };
    struct imcsim_error e;

    (void)state;
    struct imcsim_study *s = imcsim_load(NULL, set, NULL, &e);
    assert_non_null(s);
    assert_non_null(strstr(imcsim_study_note(s, 0),
                           "it takes core.readout.kind = adc and core.crossbar.mvm_ns = auto"));
    assert_string_equal(strrchr(imcsim_study_note(s, 0), '='), "= auto");
    imcsim_study_free(s);
    s = imcsim_load(NULL, device, NULL, &e);
    assert_non_null(s);
    assert_string_equal(strrchr(imcsim_study_note(s, 0), '='), "= none");
    imcsim_study_free(s);
}

/* Of a machine whose every other key is a default. */
static void what_a_machine_lacks_has_keys_without_effect(void **state)
{
    static const char *const sets[] = {
        "analog.times_s=[1]", "analog.programming=off", "analog.reference_s=3",
        "core.wires.input=gate", "core.wires.r_column_ohm=1", "core.wires.r_driver_ohm=1",
        "core.wires.r_sense_ohm=1", "core.wires.layout=rows", "core.wires.place=far",
        "calibration.first=3", "input.level=3", "neuron.reset=zero", "neuron.floor=1",
        "neuron.ceiling=1", "neuron.most=3", "neuron.skip_periods=2", "neuron.fraction_bits=3",
        "fabric.rows=4", "fabric.columns=4", "fabric.arity=2", "fabric.flit_bits=64",
        "fabric.header_bits=8", "fabric.vcs=4", "fabric.vc_flits=3", "fabric.switching=cut_through",
        "fabric.routing_clocks=2", "fabric.vc_clocks=2", "fabric.switch_clocks=2",
        "fabric.crossbar_clocks=2", "fabric.link_clocks=2", "fabric.vc_credit_clocks=2",
        "fabric.reach.row=[2]", "fabric.reach.column=[2]", "fabric.reach.diagonal=[1]",
        "fabric.links=none.txt", "fabric.links_are=one_way", "placement.kind=greedy",
        "placement.file=none.csv", "placement.seed=3", "placement.moves=3",
    };

    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const char *const set[] = { "network.depth=8", sets[i], NULL };
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)strcspn(sets[i], "="), sets[i]);
        if (!is_told(key, set))
            fail_msg("%s", sets[i]);
    }
}

/* The same of fabrics that have some of what others have, and of what those do have. */
static void what_a_fabric_lacks_has_keys_without_effect(void **state)
{
    static const struct {
        const char *fabric, *placement, *set;
        bool        told;
    } on[] = {
        { "mesh", "snake", "fabric.flit_bits=64", false },
        { "adjacent", "snake", "fabric.flit_bits=64", true },
        { "adjacent", "snake", "fabric.vc_credit_clocks=2", true },
        { "adjacent", "snake", "fabric.columns=9", false },
        { "adjacent", "snake", "fabric.reach.row=[2]", false },
        { "mesh", "snake", "fabric.reach.row=[2]", true },
        { "mesh", "snake", "fabric.partial_sum_gbps=18", true },
        { "adjacent", "snake", "fabric.partial_sum_gbps=18", false },
        { "mesh", "snake", "placement.seed=3", true },
        { "mesh", "anneal", "placement.seed=3", false },
        { "mesh", "snake", "placement.moves=3", true },
        { "mesh", "anneal", "placement.moves=3", false },
        { "adjacent", "search", "placement.moves=3", false },
        { "adjacent", "search", "placement.seed=3", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof on / sizeof *on; i++) {
        char fabric[64], placement[64], key[64];
        const char *const set[] = { "network.depth=8", "clocking.kind=elastic", fabric, placement,
                                    on[i].set };
        struct study s;
        struct err_msg m;
        bool told = false;
        snprintf(fabric, sizeof fabric, "fabric.kind=%s", on[i].fabric);
        snprintf(placement, sizeof placement, "placement.kind=%s", on[i].placement);
        snprintf(key, sizeof key, "%.*s", (int)strcspn(on[i].set, "="), on[i].set);
        if (study_load_network(&s, NULL, set, sizeof set / sizeof *set, &m) ||
            study_plan_any(&s, &m))
            fail_msg("%s: %s", on[i].set, m.text);
        for (size_t k = 0; k < s.config.notes.n; k++)
            told |= strstr(s.config.notes.line[k], key) != NULL;
        if (told != on[i].told)
            fail_msg("%s: %s", on[i].fabric, on[i].set);
        study_release(&s);
    }
}

static void defaults_are_not_told(void **state)
{
    (void)state;
    struct imcsim_study *s = load(0, 0, "200");

    assert_null(imcsim_study_note(s, 0));
    imcsim_study_free(s);
}

/* Whether layers are split by their rows is the network's; of their links it is told where the
 * network stands beside them, and where --set names both. */
static void links_of_a_machine_are_not_told_for_another_network(void **state)
{
    static const char machine[] = "/m.yaml", text[] =
        "network: {depth: 8, channels: [8, 16, 16]}\nfabric: {partial_sum_gbps: 18}\n";
    static const struct {
        const char *set[3];
        bool        told;
    } on[] = {
        { { NULL }, true },
        { { "network.depth=14" }, true },
        { { "network.family=resnet-cifar" }, false },
        { { "network.family=resnet-cifar", "fabric.partial_sum_gbps=30" }, true },
    };
    char path[TMPDIR_PATH_MAX];

    tmpdir_write(*state, machine + 1, text, strlen(text));
    for (size_t i = 0; i < sizeof on / sizeof *on; i++) {
        struct imcsim_error e;
        struct imcsim_study *s = imcsim_load(tmpdir_path(path, *state, machine + 1), on[i].set,
                                             NULL, &e);
        assert_non_null(s);
        const char *note = imcsim_study_note(s, 0);
        assert_int_equal(note && strstr(note, "fabric.partial_sum_gbps has no effect"), on[i].told);
        imcsim_study_free(s);
    }
}

/* What a run says without its configuration and the host. */
static char *result_of(size_t c, size_t key, const char *value)
{
    struct imcsim_study *s = load(c, key, value);
    struct imcsim_error e;
    struct imcsim_result *r = imcsim_run(s, NULL, &e);

    assert_non_null(r);
    json_t *doc = json_loads(imcsim_result_json(r, &e), 0, NULL);
    json_object_del(doc, "config");
    json_object_del(doc, "config_hash");
    json_object_del(doc, "host");
    char *text = json_dumps(doc, 0);
    json_decref(doc);
    imcsim_result_free(r);
    imcsim_study_free(s);
    return text;
}

/* The other half of exactness: one that is told changes no figure; the others' do. */
static void what_is_told_changes_nothing_and_the_others_do(void **state)
{
    (void)state;
    for (size_t c = 0; c < N_CASE; c++)
        for (size_t k = 0; k < N_KEY; k++) {
            if (cases[c].set[2] && !cases[c].idle[k]) // the mapper's: may choose the same
                continue;
            char *one = result_of(c, k, keys[k].value), *two = result_of(c, k, keys[k].other);
            if ((strcmp(one, two) == 0) != cases[c].idle[k])
                fail_msg("case %zu, %s: %s", c, keys[k].key,
                         cases[c].idle[k] ? "changes the result" : "changes nothing");
            free(one);
            free(two);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_without_effect_are_told_and_no_others),
        cmocka_unit_test(keys_of_arrays_are_told_unless_others_make_them_count),
        cmocka_unit_test(a_note_has_the_whole_reason),
        cmocka_unit_test(what_a_machine_lacks_has_keys_without_effect),
        cmocka_unit_test(what_a_fabric_lacks_has_keys_without_effect),
        cmocka_unit_test(defaults_are_not_told),
        cmocka_unit_test_setup_teardown(links_of_a_machine_are_not_told_for_another_network,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test(what_is_told_changes_nothing_and_the_others_do),
    };
    return cmocka_run_group_tests_name("idle", tests, NULL, NULL);
}
