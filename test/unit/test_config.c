#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "dataflow/config.h"
#include "dataflow/crossbar/cell.h"
#include "dataflow/crossbar/readout.h"
#include "dataflow/firing.h"
#include "dataflow/mapper/mapper.h"
#include "memory/input_memory.h"
#include "network/spiking/coding.h"
#include "network/spiking/neuron.h"
#include "noc/fabric.h"
#include "noc/placement.h"
#include "study/study.h"
#include "test/tmpdir.h"

enum { MAX_SET = 128 };

static const uint64_t most_decimal = UINT64_C(10000000000000); // 10,000 in billionths

static struct config load(const char *path, const char *const *set, size_t n_set)
{
    struct config c;
    struct err_msg m = { "" };

    if (config_load(&c, path, set, n_set, &m) != ERR_NONE)
        fail_msg("%s", m.text);
    return c;
}

static struct config load_with(const char *set)
{
    return load(NULL, &set, 1);
}

static char *yaml_of(const struct config *c)
{
    char *text;
    size_t n;
    struct err_msg m = { "" };
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    assert_int_equal(config_write_yaml(c, out, &m), ERR_NONE);
    fclose(out);
    return text;
}

static char *json_of(const struct config *c)
{
    json_t *json = config_to_json(c);
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));

    assert_non_null(text);
    json_decref(json);
    return text;
}

/* Loads "x.yaml" with this text and expects to be refused with this message, in which @ stands for
 * the path to the file. */
static void refused(void **state, const char *text, const char *set, const char *message)
{
    char path[TMPDIR_PATH_MAX], want[2 * TMPDIR_PATH_MAX + 512] = "";
    const struct config zero = { 0 };
    struct config c;
    struct err_msg m = { "" };

    tmpdir_write(*state, "x.yaml", text, strlen(text));
    tmpdir_path(path, *state, "x.yaml");
    for (size_t n; *message; message += n) {
        n = strcspn(message, "@");
        strncat(want, message, n);
        if (message[n] == '@') {
            strcat(want, path);
            n++;
        }
    }
    assert_int_equal(config_load(&c, path, &set, set != NULL, &m), ERR_INPUT);
    assert_string_equal(m.text, want);
    assert_memory_equal(&c, &zero, sizeof c);
}

/* ---- the machines that are shipped ---- */

static void the_defaults_are_the_plain_machine(void **state)
{
    struct config c = load(NULL, NULL, 0);

    (void)state;
    assert_string_equal(c.network.family, "resnet-cifar");
    assert_int_equal(c.network.depth, 32);
    assert_int_equal(c.network.size, 32);
    assert_int_equal(c.network.n_channels, 3);
    assert_int_equal(c.network.channels[0], 16);
    assert_int_equal(c.network.channels[1], 28);
    assert_int_equal(c.network.channels[2], 56);
    assert_int_equal(c.network.classes, 10);
    assert_string_equal(c.network.onnx, "");
    assert_int_equal(c.clock_mhz, 500);
    assert_int_equal(c.clocking, CLOCKING_TIMESTEP);
    assert_int_equal(c.timestep_ns, 100);
    assert_int_equal(c.chip_cores, 64);
    assert_int_equal(c.crossbar.rows, 256);
    assert_int_equal(c.crossbar.columns, 256);
    assert_int_equal(c.crossbar.mvm_ns, 100);
    assert_int_equal(c.memory.word_bits, 128);
    assert_int_equal(c.memory.words, 512);
    assert_string_equal(c.memory.placing, "auto");
    assert_int_equal(c.digital.lanes, 64);
    assert_string_equal(c.fabric.kind, "point_to_point");
    assert_int_equal(c.fabric.link_bps, 5000000000);
    assert_int_equal(c.fabric.partial_sum_bps, 20480000000);
    assert_int_equal(c.fabric.hop_timesteps, 1);
    assert_int_equal(c.fabric.partial_sum_hops, 1);
    assert_int_equal(c.mapping.replicas.n_entry, 0);
    assert_int_equal(c.mapping.copies.n_entry, 0);
    assert_int_equal(c.mapping.block_width.n_entry, 0);
    assert_string_equal(c.mapping.firing, "column");
    assert_int_equal(c.batch, 50);
    assert_string_equal(c.path, "");
    config_release(&c);
}

static void assert_differs_by(const char *path, const char *const *set, size_t n_set)
{
    struct config file = load(path, NULL, 0), twin = load(NULL, set, n_set);
    char *a = yaml_of(&file), *b = yaml_of(&twin);

    assert_string_equal(a, b);
    assert_string_equal(file.path, path);
    free(a);
    free(b);
    config_release(&file);
    config_release(&twin);
}

static void the_shipped_files_are_the_plain_machine_and_what_they_change(void **state)
{
    static const char *const speedup[] = { "core.crossbar.rows=512", "core.crossbar.columns=512",
                                           "fabric.link_gbps=5.12", "mapping.firing=free",
                                           "mapping.replicas={32: 4, 16: 2, 8: 1}", "batch=100" };
    static const char *const fmnist[] = { "network.onnx=models/resnet32_fmnist.onnx" };
    static const char *const cifar10[] = { "network.onnx=models/resnet32_cifar10.onnx" };

    (void)state;
    assert_differs_by("configs/resnet32.yaml", NULL, 0);
    assert_differs_by("configs/resnet32_speedup.yaml", speedup, 6);
    assert_differs_by("configs/resnet32_fmnist.yaml", fmnist, 1);
    assert_differs_by("configs/resnet32_cifar10.yaml", cifar10, 1);
}

/* ---- every key ---- */

/* A value of the row other than its default. */
static void other_value(const struct param *row, char *text, size_t n_byte)
{
    switch (row->kind) {
    case PARAM_KIND_U32:
    case PARAM_KIND_U64:
        snprintf(text, n_byte, "%" PRIu64, row->most);
        if (strcmp(text, row->dflt) == 0)
            snprintf(text, n_byte, "%" PRIu64, row->least);
        break;
    case PARAM_KIND_DECIMAL:
        snprintf(text, n_byte, row->most < most_decimal ? "0.25" : "7.25");
        break;
    case PARAM_KIND_ENUM: // the last name
        for (size_t i = 0; row->names[i]; i++)
            snprintf(text, n_byte, "%s", row->names[i]);
        break;
    case PARAM_KIND_NAME:
    case PARAM_KIND_FILE:
    case PARAM_KIND_PATH:
        snprintf(text, n_byte, "other");
        break;
    case PARAM_KIND_FACTS:
        snprintf(text, n_byte, "{file: other, r_on_ohm: 2.5}");
        break;
    case PARAM_KIND_MAPS:
        snprintf(text, n_byte, "{conv1: {theta: 2.5}}");
        break;
    case PARAM_KIND_LIST:
        snprintf(text, n_byte, "[3, %" PRIu64 "]", row->most);
        break;
    case PARAM_KIND_COUNTS:
        snprintf(text, n_byte, "{conv1: 3, 32: %" PRIu64 "}", row->most);
        break;
    }
}

/* The line of the written YAML with this key, under its sections. */
static const char *line_of(const char *yaml, const char *key)
{
    char part[64];

    for (int depth = 0;; depth++) {
        size_t n = strcspn(key, ".");
        snprintf(part, sizeof part, "\n%*s%.*s:", 2 * depth, "", (int)n, key);
        if (strncmp(yaml, part + 1, strlen(part + 1)) != 0)
            yaml = strstr(yaml, part) + 1;
        assert_non_null(yaml);
        if (key[n] == '\0')
            return yaml;
        key += n + 1;
    }
}

/* What a configuration says of the model in network.onnx. */
static bool is_beside_onnx(const struct param *row)
{
    static const char *const keys[] = {"network.axes", "network.input_shape", "network.input_type",
                                       "network.random_weights"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(row->key, keys[i]) == 0)
            return true;
    return false;
}

static void set_reaches_every_key_and_changes_nothing_else(void **state)
{
    struct config plain = load(NULL, NULL, 0);

    (void)state;
    for (const struct param *row = config_params; row->key; row++) {
        if (row->kind == PARAM_KIND_PATH || is_beside_onnx(row) ||
            strcmp(row->key, "core.crossbar.device") == 0)
            continue; // below: it replaces others, and what goes with it
        char value[64], set[128], want[128];
        snprintf(set, sizeof set, "%s=%s", row->key, row->dflt); // some are written when given
        struct config given = load_with(set);
        char *before = yaml_of(&given);
        other_value(row, value, sizeof value);
        snprintf(set, sizeof set, "%s=%s", row->key, value);
        struct config c = load_with(set);
        char *after = yaml_of(&c);

        const char *old = line_of(before, row->key), *new = line_of(after, row->key);
        const char *last = strrchr(row->key, '.');
        size_t indent = strspn(new, " ");
        snprintf(want, sizeof want, "%s: %s\n", last ? last + 1 : row->key, value);
        assert_memory_equal(new + indent, want, strlen(want));
        if (row->kind != PARAM_KIND_ENUM || row->names[1]) // one name is no choice
            assert_true(strncmp(old + indent, want, strlen(want)) != 0);
        assert_int_equal(old - before, new - after);
        assert_memory_equal(before, after, (size_t)(old - before));
        assert_string_equal(strchr(old, '\n'), strchr(new, '\n'));
        snprintf(want, sizeof want, "--set %s", row->key);
        assert_string_equal(config_where(&c, row->key), want);
        assert_string_equal(config_where(&plain, row->key), "default");
        free(after);
        free(before);
        config_release(&c);
        config_release(&given);
    }
    config_release(&plain);
}

static void the_array_s_device_is_priced_where_no_other_is_named(void **state)
{
    static const char *const set[] = { "core.crossbar.device={file: a, r_on_ohm: 5}",
                                       "energy.device=b" };

    (void)state;
    for (size_t n = 0; n <= 2; n++) {
        struct config c = load(NULL, set, n);
        assert_string_equal(c.crossbar.device,
                            n > 0 ? "{\"file\":\"a\",\"r_on_ohm\":5}" : "ideal");
        assert_string_equal(c.energy.device, n == 0 ? "pcm" : n == 1 ? c.crossbar.device : "b");
        char *json = json_of(&c), *yaml = yaml_of(&c);
        if (n == 1)
            assert_non_null(strstr(json, "\"device\":{\"file\":\"a\",\"r_on_ohm\":5}}"));
        struct config back;
        struct err_msg m;
        assert_int_equal(config_load_text(&back, "x", yaml, NULL, 0, &m), ERR_NONE);
        char *again = json_of(&back);
        assert_string_equal(json, again);
        config_release(&back);
        assert_int_equal(config_load_text(&back, "x", json, NULL, 0, &m), ERR_NONE);
        free(again);
        again = json_of(&back);
        assert_string_equal(json, again);
        config_release(&back);
        config_release(&c);
        free(again);
        free(json);
        free(yaml);
    }
}

static void a_file_in_a_map_is_beside_the_configuration(void **state)
{
    static const char text[] = "energy: {device: {r_on_ohm: 7, file: own.yaml}}\n";
    char path[TMPDIR_PATH_MAX], want[2 * TMPDIR_PATH_MAX];

    tmpdir_write(*state, "x.yaml", text, strlen(text));
    tmpdir_write(*state, "own.yaml", "", 0);
    struct config c = load(tmpdir_path(path, *state, "x.yaml"), NULL, 0);
    snprintf(want, sizeof want, "{\"r_on_ohm\":7,\"file\":\"%s\"}",
             tmpdir_path(path, *state, "own.yaml"));
    assert_string_equal(c.energy.device, want);
    config_release(&c);
}

static void ranges_reach_what_the_contract_promises(void **state)
{
    static const char *const set[] = {
        "core.crossbar.rows=8192",    "core.crossbar.columns=8192", "core.input_memory.words=65536",
        "chip.cores=65536",           "fabric.link_gbps=10000",     "fabric.partial_sum_gbps=10000",
        "clocking.timestep_ns=1000000", "fabric.partial_sum_hops=0", "fabric.hop_timesteps=1",
        "core.crossbar.rows=1",       "core.crossbar.columns=1",    "core.input_memory.words=1",
        "core.input_memory.word_bits=8", "batch=1",                 "chip.cores=1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
        struct config c = load_with(set[i]);
        config_release(&c);
    }
}

/* ---- ranges ---- */

struct range { // as help prints it
    const char *before, *after; // of a value in YAML: "[", "]"
    char        least[32], most[32], below[32], above[32];
};

/* A decimal and its neighbours a step of the key's last digit away; digits of "0.000001" count. */
static void neighbour(char *text, const char *value, const char *step, int sign)
{
    double digits = strchr(step, '.') ? (double)strlen(strchr(step, '.') + 1) : 0;
    double unit = 1;

    for (int i = 0; i < (int)digits; i++)
        unit /= 10;
    snprintf(text, 32, "%.*f", (int)digits, strtod(value, NULL) + sign * unit);
}

/* False for a key without a range. */
static bool read_range(const struct param *row, struct range *r)
{
    const struct param_text t = param_accepts(row);
    const char *text = t.text;
    const char *multiple = strstr(text, "multiple of ");
    unsigned long long step;

    *r = (struct range){ "", "", "", "", "", "" };
    if (row->kind == PARAM_KIND_LIST) {
        r->before = "[";
        r->after = "]";
    } else if (row->kind == PARAM_KIND_COUNTS) {
        r->before = "{conv1: ";
        r->after = "}";
    }
    text += strspn(text, "[{");
    text += strncmp(text, "key: ", 5) == 0 ? 5 : 0;
    if (sscanf(text, "%31[0-9.] to %31[0-9.]", r->least, r->most) != 2)
        return false;
    neighbour(r->below, r->least, r->least, -1);
    if (!multiple) {
        neighbour(r->above, r->most, r->least, 1);
    } else {
        assert_int_equal(sscanf(multiple, "multiple of %llu", &step), 1);
        snprintf(r->above, sizeof r->above, "%llu", strtoull(r->most, NULL, 10) + step);
    }
    if (row->most == INT64_MAX) // no double
        strcpy(r->above, "9223372036854775808");
    return true;
}

static enum err load_value(const struct param *row, const struct range *r, const char *value,
                           struct err_msg *m)
{
    char set[128];
    const char *all[] = { "clock_mhz=1000", set, "network.onnx=a.onnx" }; // any ns is whole clocks
    bool of_file = strcmp(row->key, "network.random_weights") == 0 ||
                   strcmp(row->key, "network.axes") == 0;
    struct config c;

    snprintf(set, sizeof set, "%s=%s%s%s", row->key, r->before, value, r->after);
    bool is_clock = strcmp(row->key, "clock_mhz") == 0; // 1 us is whole clocks of each
    const char *clock[] = { set, "clocking.timestep_ns=1000", "core.crossbar.mvm_ns=1000" };
    enum err e = config_load(&c, NULL, is_clock ? clock : all, is_clock || of_file ? 3 : 2, m);
    config_release(&c);
    return e;
}

static void the_ranges_of_help_are_taken_and_one_beyond_is_not(void **state)
{
    (void)state;
    struct err_msg m;
    unsigned n = 0;

    for (const struct param *row = config_params; row->key; row++) {
        struct range r;
        if (!read_range(row, &r))
            continue;
        n++;
        if (load_value(row, &r, r.least, &m) || load_value(row, &r, r.most, &m))
            fail_msg("%s: %s to %s: %s", row->key, r.least, r.most, m.text);
        if (load_value(row, &r, r.below, &m) != ERR_INPUT || !strstr(m.text, r.least) ||
            load_value(row, &r, r.above, &m) != ERR_INPUT || !strstr(m.text, r.most))
            fail_msg("%s: %s and %s: %s", row->key, r.below, r.above, m.text);
    }
    assert_true(n >= 30);
}

/* An array has at most 8192 rows and columns, a value and a weight 16 bits, a code 32. */
static void the_ranges_of_arrays_and_readouts_are_those_of_the_manual(void **state)
{
    static const struct {
        const char *key, *least, *most;
    } want[] = {
        { "core.crossbar.rows", "1", "8192" },
        { "core.crossbar.columns", "1", "8192" },
        { "core.crossbar.mvm_ns", "1", "1000000" },
        { "core.crossbar.read_ns", "0.000001", "1000000" },
        { "core.crossbar.input_slice_bits", "1", "16" },
        { "core.crossbar.rows_at_once", "0", "8192" },
        { "core.crossbar.cell_bits", "0", "16" },
        { "core.crossbar.reserved_rows", "0", "8191" },
        { "core.readout.bits", "1", "32" },
        { "core.readout.range", "1", "2147483647" },
        { "core.readout.percentile", "0", "100" },
        { "core.readout.columns_per_adc", "1", "8192" },
        { "core.readout.conversion_ns", "0", "1000000" },
        { "calibration.first", "0", "1000000000" },
        { "calibration.count", "1", "1000000" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct param *row = config_params;
        struct range r;
        while (row->key && strcmp(row->key, want[i].key) != 0)
            row++;
        if (!row->key || !read_range(row, &r))
            fail_msg("%s has no range", want[i].key);
        if (strcmp(r.least, want[i].least) != 0 || strcmp(r.most, want[i].most) != 0)
            fail_msg("%s: %s to %s", row->key, r.least, r.most);
    }
}

/* Members of the family in which each of its keys has its least and its most. */
static void the_ranges_of_the_family_are_those_of_a_network(void **state)
{
    static const char *const set[][4] = {
        { "network.channels=[1]", "network.depth=4", "network.size=1", "network.classes=1" },
        { "network.channels=[1]", "network.depth=65536", "network.size=1", "network.classes=1" },
        { "network.channels=[1]", "network.depth=4", "network.size=4096",
          "network.classes=65536" },
        { "network.channels=[10922]", "network.depth=4", "network.size=4", "network.classes=2" },
        { "network.channels=[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", "network.depth=28",
          "network.size=4096", "network.classes=2" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
        struct study s;
        struct err_msg m;
        if (study_load_network(&s, NULL, set[i], 4, &m))
            fail_msg("%s", m.text);
        study_release(&s);
    }
}

static void later_sets_win_over_earlier_ones_and_over_the_file(void **state)
{
    static const char *const set[] = { "core.crossbar={rows: 64}", "core.crossbar.rows=128",
                                       "mapping.replicas.32=8", "mapping.replicas.conv5=2" };
    static const char text[] = "batch: 7\n"
                               "core: {crossbar: {columns: 32}}\n"
                               "mapping:\n"
                               "  replicas: {32: 4, 16: 2}\n";
    char path[TMPDIR_PATH_MAX], want[TMPDIR_PATH_MAX + 8];

    tmpdir_write(*state, "x.yaml", text, sizeof text - 1);
    struct config c = load(tmpdir_path(path, *state, "x.yaml"), set, 4);
    assert_int_equal(c.crossbar.rows, 128);
    assert_int_equal(c.crossbar.columns, 256); // the section was replaced as a whole
    assert_int_equal(c.mapping.replicas.n_entry, 3);
    assert_int_equal(count_map_get(&c.mapping.replicas, "conv1", 32, 1), 8);
    assert_int_equal(count_map_get(&c.mapping.replicas, "conv5", 32, 1), 2);
    assert_int_equal(count_map_get(&c.mapping.replicas, "conv12", 16, 1), 2);
    snprintf(want, sizeof want, "%s:1", path);
    assert_string_equal(config_where(&c, "batch"), want);
    snprintf(want, sizeof want, "%s:4", path);
    assert_string_equal(c.mapping.replicas.entry[1].where, want);
    assert_string_equal(config_where(&c, "core.crossbar.rows"), "--set core.crossbar.rows");
    assert_string_equal(config_where(&c, "clock_mhz"), "default");
    config_release(&c);
}

static void a_count_is_looked_up_by_name_then_by_height(void **state)
{
    struct config c = load_with("mapping.replicas={32: 4, conv5: 2, \"16\": 3, \"8\": 7}");
    const struct count_map *map = &c.mapping.replicas;

    (void)state;
    assert_int_equal(count_map_get(map, "conv5", 32, 1), 2);
    assert_int_equal(count_map_get(map, "conv6", 32, 1), 4);
    assert_int_equal(count_map_get(map, "rs1", 16, 1), 3);
    assert_int_equal(count_map_get(map, "fc", 1, 1), 1);
    assert_int_equal(count_map_get(map, "fc", 3, 9), 9);
    assert_int_equal(count_map_get(map, "8", 32, 1), 7); // a layer may have such a name
    config_release(&c);
}

/* ---- the network ---- */

static void set_replaces_the_network_of_the_file(void **state)
{
    static const char *const onnx = "network.onnx=a.onnx", *const family = "network.family=other";

    (void)state;
    struct config c = load("configs/resnet32.yaml", &onnx, 1);
    assert_string_equal(c.network.onnx, "a.onnx");
    assert_string_equal(c.network.family, "");
    char *text = yaml_of(&c);
    assert_non_null(strstr(text, "network:\n  onnx: a.onnx\nclock_mhz: 500\n"));
    free(text);
    config_release(&c);

    c = load("configs/resnet32_fmnist.yaml", &family, 1);
    assert_string_equal(c.network.onnx, "");
    assert_string_equal(c.network.family, "other");
    assert_int_equal(c.network.depth, 32);
    text = yaml_of(&c);
    assert_null(strstr(text, "onnx"));
    free(text);
    config_release(&c);
}

static void a_family_beside_an_onnx_model_is_refused(void **state)
{
    refused(state, "network:\n  family: resnet-cifar\n  onnx: a.onnx\n", NULL,
            "@:2: network.family: network.onnx is given too, at @:3: want a family or a file");
    refused(state, "network: {onnx: a.onnx,\n  depth: 20}\n", NULL,
            "@:2: network.depth: network.onnx is given too, at @:1: want a family or a file");
    refused(state, "network: {onnx: a.onnx}\n", "network.depth=20",
            "--set network.depth: network.depth: network.onnx is given too, at @:1: "
            "want a family or a file");
    refused(state, "", "network={onnx: a.onnx, classes: 10}",
            "--set network: network.classes: network.onnx is given too, at --set network: "
            "want a family or a file");
    refused(state, "network: {depht: 20}\n", "network.onnx=a.onnx", // replaced, but read
            "@:1: network.depht: unknown key; did you mean network.depth?");
}

/* ---- what is refused ---- */

static void every_kind_of_mistake_has_its_line_and_cure(void **state)
{
    static const struct {
        const char *text, *set, *message;
    } bad[] = {
        { "clock_mhz: 500\ncore:\n  crossbar:\n    rows: 0\n", NULL,
          "@:4: core.crossbar.rows = 0: want a whole number from 1 to 8192" },
        { "chip: {cores: 64}\nchips: 3\n", NULL,
          "@:2: chips: unknown key; did you mean analog.chips?" },
        { "batch: 50\n\nbatch: 50\n", NULL,
          "@:3: key batch is repeated; it was first given at @:1" },
        { "core: 256\n", NULL,
          "@:1: core = 256: want a section with the keys kind, event, crossbar, readout, wires, "
          "input_memory, digital" },
        { "clocking: {kind: elastik}\n", NULL,
          "@:1: clocking.kind = elastik: want timestep, elastic or combinational" },
        { "core: {input_memory: {word_bits: 100}}\n", NULL,
          "@:1: core.input_memory.word_bits = 100: want 8 to 8192 bit, a multiple of 8" },
        { "fabric: {link_gbps: 0.0001}\n", NULL,
          "@:1: fabric.link_gbps = 0.0001: want 0.001 to 10000 Gb/s, "
          "a decimal number with at most 9 decimals" },
        { "", "fabric.link_gbps=10001",
          "--set fabric.link_gbps: fabric.link_gbps = 10001: want 0.001 to 10000 Gb/s, "
          "a decimal number with at most 9 decimals" },
        { "", "mapping.replicas.32=0",
          "--set mapping.replicas.32: mapping.replicas.32 = 0: "
          "want a whole number from 1 to 8192" },
        { "core: 256\n", "core.crossbar.rows=5",
          "--set core.crossbar.rows: no keys fit under core = 256, given at @:1" },
        { "", "core.crossbar.row=5",
          "--set core.crossbar.row: core.crossbar.row: unknown key; "
          "did you mean core.crossbar.rows?" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(state, bad[i].text, bad[i].set, bad[i].message);
}

static void a_duration_must_be_whole_clocks_and_the_nearest_are_named(void **state)
{
    refused(state, "clocking: {timestep_ns: 101}\n", NULL,
            "@:1: clocking.timestep_ns = 101: not a whole number of clocks at "
            "clock_mhz = 500: want 100 or 102 ns");
    refused(state, "\ncore: {crossbar: {mvm_ns: 1}}\n", NULL,
            "@:2: core.crossbar.mvm_ns = 1: not a whole number of clocks at "
            "clock_mhz = 500: want 2 ns");
    refused(state, "clock_mhz: 333\n", NULL,
            "@:1: clocking.timestep_ns = 100: not a whole number of clocks at "
            "clock_mhz = 333: want 1000 ns");
    refused(state, "clock_mhz: 80\n", "core.crossbar.mvm_ns=130",
            "--set core.crossbar.mvm_ns: core.crossbar.mvm_ns = 130: not a whole number of clocks "
            "at clock_mhz = 80: want 125 or 150 ns");
    refused(state, "clocking: {timestep_ns: 999999}\n", "clock_mhz=1",
            "@:1: clocking.timestep_ns = 999999: not a whole number of clocks at "
            "clock_mhz = 1: want 999000 or 1000000 ns");
}

/* Against the definition: n clocks of 1000 / mhz ns are ns, so n * 1000 == ns * mhz. */
static void clocks_are_whole_or_refused(void **state)
{
    (void)state;
    for (uint32_t mhz = 1; mhz < 2200; mhz += 7)
        for (uint64_t ns = 1; ns < 500; ns++) {
            uint64_t clocks = 0, n = 0;
            bool whole = config_clocks(ns, mhz, &clocks);
            while (n * 1000 < ns * mhz)
                n++;
            assert_int_equal(whole, n * 1000 == ns * mhz);
            if (whole)
                assert_int_equal(clocks, n);
        }
}

static void a_file_that_is_missing_or_has_an_endless_name_is_refused(void **state)
{
    char name[3000], want[TMPDIR_PATH_MAX + 64], path[TMPDIR_PATH_MAX];
    struct config c;
    struct err_msg m = { "" };

    tmpdir_path(path, *state, "missing.yaml");
    assert_int_equal(config_load(&c, path, NULL, 0, &m), ERR_INPUT);
    snprintf(want, sizeof want, "%s: cannot open: No such file or directory", path);
    assert_string_equal(m.text, want);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(config_load(&c, name, NULL, 0, &m), ERR_INPUT);
    assert_non_null(strstr(m.text, "n...: the file name is too long: want at most 1023 bytes"));
    config_release(&c);
}

/* ---- writing ---- */

static void json_has_the_keys_of_the_yaml_and_rates_in_gbps(void **state)
{
    struct config c = load("configs/resnet32_speedup.yaml", NULL, 0);
    char *text = json_of(&c);

    (void)state;
    assert_string_equal(
        text, "{\"network\":{\"family\":\"resnet-cifar\",\"depth\":32,\"size\":32,"
              "\"channels\":[16,28,56],\"classes\":10},\"clock_mhz\":500,"
              "\"clocking\":{\"kind\":\"timestep\",\"timestep_ns\":100},\"chip\":{\"cores\":64},"
              "\"core\":{\"crossbar\":{\"rows\":512,\"columns\":512,\"mvm_ns\":100},"
              "\"input_memory\":{\"word_bits\":128,\"words\":512,\"placing\":\"auto\"},"
              "\"digital\":{\"lanes\":64}},"
              "\"fabric\":{\"kind\":\"point_to_point\",\"link_gbps\":5.12,"
              "\"partial_sum_gbps\":20.48,\"hop_timesteps\":1,\"partial_sum_hops\":1},"
              "\"mapping\":{\"replicas\":{\"32\":4,\"16\":2,\"8\":1},\"copies\":{},"
              "\"block_width\":{},\"firing\":\"free\",\"optimize\":\"none\","
              "\"policy\":\"none\",\"effort\":200},"
              "\"energy\":{\"technology\":\"14nm_lp\",\"device\":\"pcm\",\"chip\":\"none\"},"
              "\"batch\":100}");
    free(text);
    config_release(&c);
}

/* xorshift64* (S. Vigna, 2016): random studies, the same in every run. */
static uint64_t random_below(uint64_t *s, uint64_t n)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return (*s * UINT64_C(2685821657736338717) >> 11) % n;
}

static uint64_t random_in(uint64_t *s, const struct param *row)
{
    return (row->least + random_below(s, row->most - row->least + 1)) / row->step * row->step;
}

/* "key=value" with a random value of the row that passes every check. */
static void random_set(uint64_t *s, const struct param *row, char *text, size_t n_byte)
{
    static const uint32_t mhz[] = { 1, 8, 125, 250, 500, 1000, 10000 };
    size_t n_key = (size_t)snprintf(text, n_byte, "%s=", row->key);

    text += n_key;
    n_byte -= n_key;
    if (strcmp(row->unit, "MHz") == 0)
        snprintf(text, n_byte, "%" PRIu32, mhz[random_below(s, 7)]);
    else if (row->kind == PARAM_KIND_DECIMAL && row->most < most_decimal)
        snprintf(text, n_byte, "0.%" PRIu64, random_below(s, 10));
    else if (row->kind == PARAM_KIND_DECIMAL)
        snprintf(text, n_byte, "%" PRIu64 ".%0*" PRIu64, 1 + random_below(s, 9999),
                 (int)(1 + random_below(s, row->step > 1 ? 6 : 9)), random_below(s, 10));
    else if (strcmp(row->unit, "ns") == 0) // whole microseconds are whole clocks
        snprintf(text, n_byte, "%" PRIu64, 1000 * (1 + random_below(s, row->most / 1000)));
    else if (row->kind == PARAM_KIND_LIST)
        snprintf(text, n_byte, "[%" PRIu64 ", %" PRIu64 "]", random_in(s, row), random_in(s, row));
    else if (row->kind == PARAM_KIND_COUNTS)
        snprintf(text, n_byte, "{/layer.%" PRIu64 "/Conv: %" PRIu64 ", %" PRIu64 ": 1}",
                 random_below(s, 100), random_in(s, row), 1 + random_below(s, 64));
    else if (row->kind == PARAM_KIND_MAPS)
        snprintf(text, n_byte, "{/layer.%" PRIu64 "/Conv: {theta: %" PRIu64 ".5}}",
                 random_below(s, 100), random_below(s, 64));
    else if (row->kind == PARAM_KIND_U32 || row->kind == PARAM_KIND_U64)
        snprintf(text, n_byte, "%" PRIu64, random_in(s, row));
    else if (row->kind == PARAM_KIND_ENUM)
        snprintf(text, n_byte, "%s", row->names[0]);
    else
        snprintf(text, n_byte, "'%c: #%" PRIu64 "'", "[x-&"[random_below(s, 4)],
                 random_below(s, 100));
}

static struct config random_config(uint64_t *s)
{
    char text[MAX_SET][128];
    const char *set[MAX_SET];
    size_t n = 0;
    const char *file[] = { "network.onnx", "network.nir", "" }, *one = file[random_below(s, 3)];

    snprintf(text[n], sizeof text[n], "clocking.timestep_ns=1000");
    set[n] = text[n], n++;
    snprintf(text[n], sizeof text[n], "core.crossbar.mvm_ns=1000");
    set[n] = text[n], n++;
    for (const struct param *row = config_params; row->key; row++) {
        bool network = strncmp(row->key, "network.", 8) == 0, path = row->kind == PARAM_KIND_PATH;
        bool chosen = strcmp(row->key, one) == 0, onnx = one == file[0], family = one == file[2];
        if (network && (path ? !chosen : is_beside_onnx(row) ? !onnx : !family))
            continue;
        if (random_below(s, 2) && !chosen)
            continue;
        assert_true(n < MAX_SET);
        random_set(s, row, text[n], sizeof text[n]);
        set[n] = text[n], n++;
    }
    return load(NULL, set, n);
}

static void any_configuration_reads_back_to_the_same_bytes(void **state)
{
    uint64_t s = 3;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct config c = random_config(&s);
        char *yaml = yaml_of(&c), *json = json_of(&c);
        struct config back;
        struct err_msg m;
        if (config_load_text(&back, "again", yaml, NULL, 0, &m))
            fail_msg("%s", m.text);
        char *yaml_back = yaml_of(&back), *json_back = json_of(&back);
        assert_string_equal(yaml, yaml_back);
        assert_string_equal(json, json_back);
        free(yaml);
        free(json);
        free(yaml_back);
        free(json_back);
        config_release(&c);
        config_release(&back);
    }
}

static void help_lists_every_key(void **state)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    (void)state;
    config_print_help(out);
    fclose(out);
    for (const struct param *row = config_params; row->key; row++) {
        char key[64];
        snprintf(key, sizeof key, "  %s (", row->key);
        assert_non_null(strstr(text, key));
    }
    free(text);
}

/* A kind is a row of its table, and a word in the help of the key that takes it. */
static void expect_word(const char *key, const char *name)
{
    if (!strstr(config_params[param_find(config_params, key)].doc, name))
        fail_msg("the help of %s does not name %s", key, name);
}

#define EXPECT_WORDS(key, table)                                                                   \
    for (size_t i = 0; (table)[i]; i++)                                                            \
        expect_word(key, (table)[i]->name)

static void help_of_a_key_names_every_kind_that_it_takes(void **state)
{
    (void)state;
    EXPECT_WORDS("fabric.kind", fabrics);
    EXPECT_WORDS("placement.kind", placement_policies);
    EXPECT_WORDS("mapping.firing", firing_policies);
    EXPECT_WORDS("mapping.policy", mapper_policies);
    EXPECT_WORDS("core.input_memory.placing", placings);
    EXPECT_WORDS("core.crossbar.cell", cell_kinds);
    EXPECT_WORDS("core.readout.kind", readouts);
    for (const struct coding *c = codings; c->name; c++)
        expect_word("input.coding", c->name);
    for (const struct neuron_kind *k = neuron_kinds; k->name; k++)
        if (k->fires)
            expect_word("neuron.kind", k->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_the_plain_machine),
        cmocka_unit_test(the_shipped_files_are_the_plain_machine_and_what_they_change),
        cmocka_unit_test(set_reaches_every_key_and_changes_nothing_else),
        cmocka_unit_test(the_array_s_device_is_priced_where_no_other_is_named),
        cmocka_unit_test_setup_teardown(a_file_in_a_map_is_beside_the_configuration, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test(ranges_reach_what_the_contract_promises),
        cmocka_unit_test(the_ranges_of_help_are_taken_and_one_beyond_is_not),
        cmocka_unit_test(the_ranges_of_arrays_and_readouts_are_those_of_the_manual),
        cmocka_unit_test(the_ranges_of_the_family_are_those_of_a_network),
        cmocka_unit_test_setup_teardown(later_sets_win_over_earlier_ones_and_over_the_file,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test(a_count_is_looked_up_by_name_then_by_height),
        cmocka_unit_test(set_replaces_the_network_of_the_file),
        cmocka_unit_test_setup_teardown(a_family_beside_an_onnx_model_is_refused, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(every_kind_of_mistake_has_its_line_and_cure, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(a_duration_must_be_whole_clocks_and_the_nearest_are_named,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test(clocks_are_whole_or_refused),
        cmocka_unit_test_setup_teardown(a_file_that_is_missing_or_has_an_endless_name_is_refused,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test(json_has_the_keys_of_the_yaml_and_rates_in_gbps),
        cmocka_unit_test_setup_teardown(any_configuration_reads_back_to_the_same_bytes,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test(help_lists_every_key),
        cmocka_unit_test(help_of_a_key_names_every_kind_that_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
