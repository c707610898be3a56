/* dataflow/config.c -- every key of the configuration; see config.h.
 *
 * The defaults are the plain machine of Dazzi et al. 2021 (Front. Comput. Neurosci. 15:674154):
 * arrays of 256 x 256, MVM and timestep of 100 ns at 500 MHz, 512 words of 128 bit.
 */
#include "dataflow/config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/datadir.h"

#define NS_PER_US 1000u // clocks in 1 us at 1 MHz: 1

#define U32(field, ...)      PARAM_U32(struct config, field, __VA_ARGS__)
#define U64(field, ...)      PARAM_U64(struct config, field, __VA_ARGS__)
#define ENUM(field, ...)     PARAM_ENUM(struct config, field, __VA_ARGS__)
#define NAME(field, ...)     PARAM_NAME(struct config, field, __VA_ARGS__)
#define PATH(field, ...)     PARAM_PATH(struct config, field, __VA_ARGS__)
#define FILE_(field, ...)    PARAM_FILE(struct config, field, __VA_ARGS__)
#define FACTS(field, ...)    PARAM_FACTS(struct config, field, __VA_ARGS__)
#define COUNTS(field, ...)   PARAM_COUNTS(struct config, field, __VA_ARGS__)

/* clang-format off */
const struct param config_params[] = {
    NETWORK_PARAMS(struct config, network),
    INPUT_PARAMS(struct config, input),
    NEURON_PARAMS(struct config, neuron),
    NEURON_LAYERS_PARAM(struct config, neuron),
    LEARNING_PARAMS(struct config, learning),
    NIR_PARAMS(struct config, nir),

    U32(clock_mhz,       "clock_mhz",            "MHz", "500", 1, 10000,
        "clock of the digital logic"),
    ENUM(clocking,       "clocking.kind",        "timestep",
         PARAM_NAMES("timestep", "elastic", "combinational"), NULL,
         "when a core acts: at multiples of timestep_ns, as soon as it can (elastic), or all in "
         "one pass"),
    U64(timestep_ns,     "clocking.timestep_ns", "ns", "100", 1, 1000000,
        "length of a timestep, a whole number of clocks"),

    ELASTIC_PARAMS(struct config, elastic),

    U32(chip_cores,      "chip.cores",           "", "64", 1, 65536,
        "cores on the chip"),

    ENUM(core_kind,      "core.kind",            "imc", PARAM_NAMES("imc", "event"), NULL,
         "what cores are: imc, arrays that multiply a patch; event, which read a row a spike"),
    EVENT_PARAMS(struct config, event),
    CROSSBAR_PARAMS(struct config, crossbar),
    READOUT_PARAMS(struct config, readout),
    WIRES_PARAMS(struct config, wires),
    MEMORY_PARAMS(struct config, memory),

    U32(digital.lanes,   "core.digital.lanes",   "", "64", 1, 65536,
        "outputs scaled and rounded per clock"),
    PARAM_U32_OR(struct config, digital.clock_mhz, "core.digital.clock_mhz", "MHz", "same", 1,
                 10000, PARAM_NAMES("same"), "of elastic: of the digital processor; same: "
                 "clock_mhz"),

    ATTENTION_PARAMS(struct config, attention),
    TOKEN_CORE_PARAMS(struct config, digital_core),
    DECODE_PARAMS(struct config, decode),

    FABRIC_PARAMS(struct config, fabric),
    PLACEMENT_PARAMS(struct config, placement),

    COUNTS(mapping.replicas,   "mapping.replicas",        "{}", 1, 8192,
           "kernel copies in one array, by output height or layer"),
    COUNTS(mapping.copies,     "mapping.copies",          "{}", 1, 65536,
           "cores that share a layer's output columns, by output height or layer"),
    COUNTS(mapping.block_width, "mapping.block_width",    "{}", 1, 65536,
           "columns of a replica block, by output height or layer; 1: along a column"),
    NAME(mapping.firing,       "mapping.firing",          "column",
         "outputs that one firing may hold: column, free or block"),
    ENUM(mapping.optimize,     "mapping.optimize",        "none",
         PARAM_NAMES("none", "latency", "interval", "balanced", "edp"), NULL,
         "chooses replicas, copies and block widths for the least of these"),
    NAME(mapping.policy,       "mapping.policy",          "none",
         "chooses them by a rule: none, stride, greedy or article"),
    U32(mapping.effort,        "mapping.effort",          "million outputs", "200", 1, 1000000,
        "that the optimiser may time: some 50 a second"),

    FILE_(energy.technology,   "energy.technology",       "14nm_lp",
         "node that prices the run: 130nm_lp to 1nm_lp, 130nm_hp to 22nm_hp; hotter: 22nm_lp_350k"),
    FACTS(energy.device,       "energy.device",           "pcm",
         "memory device: a name in configs/devices, a file, or {file: NAME} and what differs; "
         "not given: core.crossbar.device where that is not ideal"),
    FILE_(energy.chip,         "energy.chip",             "none",
         "costs of a core: a name in configs/chips, or a file; composed: from circuits; none: "
         "energy is not computed"),
    ENUM(energy.converter,     "energy.converter",        "auto",
         PARAM_NAMES("auto", "csa", "vsa", "sar", "cco"), NULL,
         "of energy.chip = composed: flash of current or voltage sense amplifiers, sar, cco"),
    PARAM_DECIMAL(struct config, energy.mean_input, "energy.mean_input", "", "0", 0, PARAM_BILLION,
         1, "of inputs that no run measured: bits that are 1, or mean over full scale; 0: as "
         "energy.chip states"),
    ENUM(energy.clock_gating,  "energy.clock_gating",     "core",
         PARAM_NAMES("core", "register"), NULL,
         "what stops a clock: core, a timestep without work; register, all that is not written"),
    PATH(energy.activity,      "energy.activity",
         "result of a run with images, whose inputs a run without is priced by"),

    CALIBRATION_PARAMS(struct config, calibration),
    ANALOG_PARAMS(struct config, analog),

    U32(batch,                 "batch",                   "images", "50", 1, 1000000000,
        "images in the throughput figure"),
    PARAM_END
};
/* clang-format on */

#define N_ROW (sizeof config_params / sizeof *config_params - 1)

/* ---- the network: a family or a file ---- */

static bool is_network(const struct param *row)
{
    return strncmp(row->key, "network.", strlen("network.")) == 0;
}

/* Whether it names a model in a file. */
static bool is_file(const struct param *row)
{
    return strcmp(row->key, "network.onnx") == 0 || strcmp(row->key, "network.nir") == 0;
}

/* Whether it describes a model in a file. */
static bool is_of_file(const struct param *row)
{
    return is_file(row) ||
           strcmp(row->key, "network.input_shape") == 0 ||
           strcmp(row->key, "network.axes") == 0 ||
           strcmp(row->key, "network.input_type") == 0;
}

/* Whether it is of a family and of a file: written back where it was given. */
static bool is_of_both(const struct param *row)
{
    return strcmp(row->key, "network.value_bits") == 0 ||
           strcmp(row->key, "network.weight_bits") == 0 ||
           strcmp(row->key, "network.random_weights") == 0 ||
           strcmp(row->key, "network.host_layers") == 0 ||
           strcmp(row->key, "network.layer") == 0;
}

/* Whether it describes a family. */
static bool is_of_family(const struct param *row)
{
    return is_network(row) && !is_of_file(row) && !is_of_both(row);
}

/* Whether it says how an array is read: written back where it was given. */
static bool is_of_reads(const struct param *row)
{
    static const char *const plain[] = { "core.crossbar.rows", "core.crossbar.columns",
                                         "core.crossbar.mvm_ns" };

    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(row->key, plain[i]) == 0)
            return false;
    return strncmp(row->key, "core.crossbar.", strlen("core.crossbar.")) == 0 ||
           strncmp(row->key, "core.readout.", strlen("core.readout.")) == 0 ||
           strncmp(row->key, "calibration.", strlen("calibration.")) == 0 ||
           strncmp(row->key, "analog.", strlen("analog.")) == 0 ||
           strncmp(row->key, "core.wires.", strlen("core.wires.")) == 0 ||
           strcmp(row->key, "core.input_memory.kind") == 0 ||
           strcmp(row->key, "fabric.partial_sum") == 0;
}

/* Whether it says how images are presented, or what neurons do: likewise. */
static bool is_of_steps(const struct param *row)
{
    return strncmp(row->key, "input.", strlen("input.")) == 0 ||
           strncmp(row->key, "neuron.", strlen("neuron.")) == 0 ||
           strncmp(row->key, "nir.", strlen("nir.")) == 0;
}

/* Whether its text says that it is of something that not every machine has: likewise. */
static bool is_of_some(const struct param *row)
{
    static const char *const of[] = { "of routers: ", "of adjacent: ", "of placement: ",
                                      "of elastic: ", "of event: ", "of tokens: ",
                                      "of learning: " };

    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (strncmp(row->doc, of[i], strlen(of[i])) == 0)
            return true;
    return false;
}

static bool has_file(const struct config *c)
{
    return c->network.onnx[0] != '\0' || c->network.nir[0] != '\0';
}

/* The keys of a family mean nothing beside a file, and the other way round. */
static bool applies(const struct param *row, const void *base)
{
    const struct config *c = base;
    bool when_given = is_of_reads(row) || is_of_steps(row) || is_of_some(row) ||
                      is_of_both(row) ||
                      strcmp(row->key, "core.kind") == 0 ||
                      strcmp(row->key, "energy.converter") == 0 ||
                      strcmp(row->key, "energy.mean_input") == 0 ||
                      strcmp(row->key, "energy.clock_gating") == 0 ||
                      strcmp(row->key, "energy.activity") == 0;

    if (when_given && !c->where[row - config_params])
        return false;
    if (strcmp(row->key, "network.input_shape") == 0 && c->network.input_shape[0] == '\0')
        return false;
    if (strcmp(row->key, "network.axes") == 0 && c->network.axes.n_entry == 0)
        return false;
    if (strcmp(row->key, "network.input_type") == 0 && c->network.input_type == ONNX_INPUT_AUTO)
        return false;
    if (strcmp(row->key, "network.random_weights") == 0 && c->network.random_weights == 0)
        return false;
    if (strcmp(row->key, "network.onnx") == 0 && c->network.nir[0] != '\0')
        return false;
    if (strcmp(row->key, "network.nir") == 0 && c->network.nir[0] == '\0')
        return false;
    return !is_network(row) || is_of_both(row) || is_of_file(row) == has_file(c);
}

static bool by_set(const char *where)
{
    return where && strncmp(where, "--set ", strlen("--set ")) == 0;
}

/* Where the model's file is named, NULL where none is. --set of one kind replaces the file's other;
 * in one place they contradict one another. */
static enum err settle_files(struct config *c, const char **where, struct err_msg *m)
{
    const char *onnx = c->where[param_find(config_params, "network.onnx")];
    const char *nir = c->where[param_find(config_params, "network.nir")];

    if (onnx && nir && by_set(onnx) == by_set(nir))
        return err_set(m, ERR_INPUT, "%.400s: network.nir: network.onnx is given too, at %.400s: "
                       "want one of them", nir, onnx);
    if (onnx && nir)
        (by_set(nir) ? c->network.onnx : c->network.nir)[0] = '\0';
    *where = !nir || (onnx && by_set(onnx)) ? onnx : nir;
    return ERR_NONE;
}

/* Keys of a file want one; those of ONNX alone mean nothing beside network.nir. */
static enum err check_file_keys(const struct config *c, struct err_msg *m)
{
    for (size_t i = 0; i < N_ROW; i++) {
        const struct param *row = &config_params[i];
        if (!is_network(row) || !is_of_file(row) || is_file(row) || !c->where[i])
            continue;
        if (!has_file(c))
            return err_set(m, ERR_INPUT, "%.400s: %s without a model: want network.onnx too",
                           c->where[i], row->key);
        if (c->network.nir[0] != '\0')
            return err_set(m, ERR_INPUT, "%.400s: %s: is of network.onnx, and network.nir is "
                           "given: want it left out", c->where[i], row->key);
    }
    return ERR_NONE;
}

/* --set network.onnx replaces the file's family, --set network.family its onnx; network.nir
 * likewise. In one place they contradict one another. */
static enum err settle_network(struct config *c, struct err_msg *m)
{
    const char *file = NULL, *key;
    enum err e = settle_files(c, &file, m);

    if (!e)
        e = check_file_keys(c, m);
    if (e || !file)
        return e;
    key = c->network.nir[0] != '\0' ? "network.nir" : "network.onnx";
    if (!by_set(file) && by_set(c->where[param_find(config_params, "network.family")])) {
        c->network.onnx[0] = c->network.nir[0] = '\0';
        return ERR_NONE;
    }
    for (size_t i = 0; i < N_ROW; i++) {
        const struct param *row = &config_params[i];
        bool of_family = is_of_family(row) && c->where[i];
        if (of_family && (by_set(c->where[i]) || !by_set(file)))
            return err_set(m, ERR_INPUT, "%.400s: %s: %s is given too, at %.400s: want "
                           "a family or a file", c->where[i], row->key, key, file);
    }
    c->network.family[0] = '\0';
    return ERR_NONE;
}

/* ---- durations ---- */

static uint64_t gcd(uint64_t a, uint64_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

bool config_clocks(uint64_t ns, uint32_t clock_mhz, uint64_t *clocks)
{
    assert(clock_mhz > 0 && ns <= UINT64_MAX / clock_mhz);
    uint64_t product = ns * clock_mhz;

    *clocks = product / NS_PER_US;
    return product % NS_PER_US == 0;
}

static enum err check_duration(const struct config *c, const char *key, uint64_t ns,
                               struct err_msg *m)
{
    uint64_t clocks;

    if (config_clocks(ns, c->clock_mhz, &clocks))
        return ERR_NONE;
    size_t i = param_find(config_params, key);
    uint64_t step = NS_PER_US / gcd(c->clock_mhz, NS_PER_US), low = ns - ns % step;
    char lower[32] = "";
    if (low >= config_params[i].least)
        snprintf(lower, sizeof lower, "%" PRIu64 " or ", low);
    return err_set(m, ERR_INPUT, "%s: %s = %" PRIu64 ": not a whole number of clocks at clock_mhz "
                   "= %" PRIu32 ": want %s%" PRIu64 " ns",
                   c->where[i] ? c->where[i] : config_where(c, "clock_mhz"), key, ns,
                   c->clock_mhz, lower, low + step);
}

/* ---- files ---- */

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* A technology is no file by itself: its directory has the nodes. */
static bool is_there(const struct param *row, const char *path)
{
    char directory[DATADIR_BYTE];

    if (strcmp(row->key, "energy.technology") != 0)
        return exists(path);
    datadir_of(directory, path);
    return exists(directory);
}

/* A file named in the file at c->path is beside it; or, for its users so far, where we are. */
static enum err find_beside(struct config *c, const struct param *row, const char *word,
                            const char *where, struct err_msg *m)
{
    char directory[DATADIR_BYTE], path[DATADIR_BYTE];

    datadir_of(directory, c->path);
    bool fits = datadir_join(path, directory, word);
    if (fits && !is_there(row, path) && is_there(row, word)) {
        notes_add(&c->notes, "%s: %s = %s: is not beside this file; the one of the current "
                  "directory is read", where, row->key, word);
        return ERR_NONE;
    }
    if (!fits || !param_put_file(row, c, path))
        return err_set(m, ERR_INPUT, "%.400s: %s: the path from here is too long: want at most %zu "
                       "bytes", where, row->key, row->size - 1);
    return ERR_NONE;
}

static bool names_file(const struct param *row, const char *word)
{
    return row->kind == PARAM_KIND_PATH ? word[0] != '\0' : datadir_is_path(word);
}

static enum err find_files(struct config *c, struct err_msg *m)
{
    bool is_file = c->path[0] != '\0' && strncmp(c->path, "/dev/", strlen("/dev/")) != 0;

    for (size_t i = 0; i < N_ROW; i++) {
        const struct param *row = &config_params[i];
        char word[DATADIR_BYTE];
        param_file_word(row, c, word, sizeof word);
        if (!is_file || !c->where[i] || by_set(c->where[i]) || !names_file(row, word))
            continue;
        enum err e = find_beside(c, row, word, c->where[i], m);
        if (e)
            return e;
    }
    return ERR_NONE;
}

/* The array's device is priced too, where no other is named. */
static void settle_device(struct config *c)
{
    bool is_ideal = strcmp(c->crossbar.device, "ideal") == 0;

    if (!is_ideal && !c->where[param_find(config_params, "energy.device")])
        memcpy(c->energy.device, c->crossbar.device, sizeof c->energy.device);
}

/* ---- reading ---- */

static enum err read_tree(struct config *c, const struct yaml *root, struct err_msg *m)
{
    c->where = calloc(N_ROW, sizeof *c->where);
    if (!c->where)
        return err_set(m, ERR_MEMORY, "out of memory");
    enum err e = param_read(config_params, c, root, c->where, m);
    if (!e)
        e = find_files(c, m);
    settle_device(c);
    if (!e)
        e = settle_network(c, m);
    if (!e)
        e = check_duration(c, "clocking.timestep_ns", c->timestep_ns, m);
    if (!e)
        e = c->crossbar.mvm_ns == MVM_AUTO
                ? ERR_NONE
                : check_duration(c, "core.crossbar.mvm_ns", c->crossbar.mvm_ns, m);
    return e;
}

static enum err load_tree(struct yaml *root, const char *path, struct err_msg *m)
{
    if (!path)
        return yaml_load_text(root, "", "", 0, m);
    if (strlen(path) >= sizeof ((struct config *)0)->path)
        return err_set(m, ERR_INPUT, "%.64s...: the file name is too long: want at most %zu bytes",
                       path, sizeof ((struct config *)0)->path - 1);
    return yaml_load(root, path, m);
}

/* Of a tree that was read, and is released. */
static enum err take_tree(struct config *c, struct yaml *root, const char *path,
                          const char *const *set, size_t n_set, struct err_msg *m)
{
    enum err e = ERR_NONE;

    *c = (struct config){ 0 };
    strcpy(c->path, path ? path : "");
    for (size_t i = 0; i < n_set && !e; i++)
        e = param_set(config_params, root, set[i], m);
    if (!e)
        e = read_tree(c, root, m);
    yaml_release(root);
    if (e)
        config_release(c);
    return e;
}

enum err config_load(struct config *c, const char *path, const char *const *set, size_t n_set,
                     struct err_msg *m)
{
    struct yaml root = { 0 };
    enum err e = load_tree(&root, path, m);

    *c = (struct config){ 0 };
    return e ? e : take_tree(c, &root, path, set, n_set, m);
}

enum err config_load_text(struct config *c, const char *name, const char *text,
                          const char *const *set, size_t n_set, struct err_msg *m)
{
    struct yaml root = { 0 };
    enum err e = yaml_load_text(&root, name, text, strlen(text), m);

    *c = (struct config){ 0 };
    return e ? e : take_tree(c, &root, NULL, set, n_set, m);
}

enum err config_file_load(struct config_file *f, const char *path, struct err_msg *m)
{
    struct yaml root = { 0 };

    *f = (struct config_file){ 0 };
    if (strlen(path) >= sizeof f->path)
        return load_tree(&root, path, m); // which says so
    strcpy(f->path, path);
    enum err e = load_tree(&f->root, f->path, m);
    if (e)
        config_file_release(f);
    return e;
}

enum err config_of_file(struct config *c, const struct config_file *f, const char *const *set,
                        size_t n_set, struct err_msg *m)
{
    struct yaml root;
    enum err e = yaml_copy(&root, &f->root, m);

    *c = (struct config){ 0 };
    return e ? e : take_tree(c, &root, f->path, set, n_set, m);
}

void config_file_release(struct config_file *f)
{
    yaml_release(&f->root);
    *f = (struct config_file){ 0 };
}

void config_release(struct config *c)
{
    for (size_t i = 0; c->where && i < N_ROW; i++)
        free(c->where[i]);
    free(c->where);
    notes_release(&c->notes);
    param_release(config_params, c);
    *c = (struct config){ 0 };
}

void config_own_policies(struct config *c, const struct policies *own)
{
    c->own = c->memory.own = own;
}

bool config_is_default(const struct config *c, const char *key)
{
    const size_t i = param_find(config_params, key);
    const struct param *row = &config_params[i];
    struct config plain;
    struct err_msg m;

    if (c->where && !c->where[i])
        return true;
    if (config_load(&plain, NULL, NULL, 0, &m))
        return false;
    bool same = memcmp((const char *)c + row->offset, (const char *)&plain + row->offset,
                       row->size) == 0;
    config_release(&plain);
    return same;
}

const char *config_where(const struct config *c, const char *key)
{
    size_t i = param_find(config_params, key);

    return c->where && c->where[i] ? c->where[i] : "default";
}

static const struct count_entry *find_count(const struct count_map *map, const char *layer,
                                            uint32_t height)
{
    char by_height[16];

    snprintf(by_height, sizeof by_height, "%" PRIu32, height);
    for (uint32_t i = 0; i < map->n_entry; i++)
        if (strcmp(map->entry[i].key, layer) == 0)
            return &map->entry[i];
    for (uint32_t i = 0; i < map->n_entry; i++)
        if (strcmp(map->entry[i].key, by_height) == 0)
            return &map->entry[i];
    return NULL;
}

uint32_t count_map_get(const struct count_map *map, const char *layer, uint32_t height,
                       uint32_t otherwise)
{
    const struct count_entry *e = find_count(map, layer, height);

    return e ? e->value : otherwise;
}

const char *count_map_where(const struct count_map *map, const char *layer, uint32_t height)
{
    const struct count_entry *e = find_count(map, layer, height);

    return e ? e->where : "default";
}

/* ---- writing ---- */

enum err config_write_yaml(const struct config *c, FILE *out, struct err_msg *m)
{
    return param_write_yaml(config_params, c, applies, out, m);
}

struct json_t *config_to_json(const struct config *c)
{
    return param_to_json(config_params, c, applies);
}

void config_print_help(FILE *out)
{
    param_print_help(config_params, out);
}
