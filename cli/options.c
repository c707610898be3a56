/* cli/options.c -- see options.h. */
#include "cli/options.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "core/near_miss.h"
#include "core/util.h"
#include "core/wrap.h"
#include "noc/router.h"

enum option_kind {
    KIND_FLAG,   // bool
    KIND_TEXT,   // const char *
    KIND_DOT,    // const char *, or nothing: "-"
    KIND_LIST,   // --set
    KIND_LABEL,  // of the operand before it
    KIND_COUNT,  // uint64_t, least to most
    KIND_CHOICE  // uint64_t: index of the word in choices
};

struct option_row {
    const char       *name;
    const char       *argument; // as --help writes it; NULL: takes none
    enum option_kind  kind;
    size_t            offset; // in struct options
    uint64_t          least, most;
    const char *const choices[6]; // ends with NULL
    const char       *doc;
};

#define MOST_CLOCKS UINT64_C(1000000000000)

#define AT(field) offsetof(struct options, field)
#define FILE_ROW(name, field, doc) { name, "FILE", KIND_TEXT, AT(field), 0, 0, {0}, doc }

_Static_assert(N_OPTION <= 64, "OPTION_BIT() is of 64 bits");

static const struct option_row rows[N_OPTION] = {
    [OPTION_SET] = { "set", "KEY=VALUE", KIND_LIST, AT(set), 0, 0, {0},
        "sets a key of the configuration; may be repeated" },
    [OPTION_IMAGES] = { "images", "SET", KIND_TEXT, AT(images), 0, 0, {0},
        "runs these images: IDX, CIFAR binary, .npy, .npz, a folder of PNG or JPEG; or: random" },
    [OPTION_LABELS] = FILE_ROW("labels", how.labels,
        "their labels: IDX, or .npy of whole numbers, plain or gzip"),
    [OPTION_IMAGE_SHAPE] = { "image-shape", "SHAPE", KIND_TEXT, AT(how.shape), 0, 0, {0},
        "the images are bytes without a header: 28x28, 3x32x32, 32x32x3" },
    [OPTION_INPUTS] = FILE_ROW("inputs", inputs,
        "runs these values of the model's input: an array of numpy, .npy, no labels"),
    [OPTION_OUTPUTS] = FILE_ROW("outputs", outputs,
        "writes each output of the model for every image: .npz of numpy, or .npy of one"),
    [OPTION_INPUT_SHAPE] = { "input-shape", "SHAPE", KIND_TEXT, AT(input_shape), 0, 0, {0},
        "dimensions that the model leaves open: --set network.input_shape=1x3x224x224" },
    [OPTION_AXES] = { "axes", "NAME=N,..", KIND_TEXT, AT(axes), 0, 0, {0},
        "lengths of axes that the model names and leaves open: sequence_length=128" },
    [OPTION_RANDOM_WEIGHTS] = { "random-weights", "SEED", KIND_TEXT, AT(random_weights), 0, 0, {0},
        "values for weights that are missing: --set network.random_weights=SEED" },
    [OPTION_ACTIVITY] = FILE_ROW("activity", activity,
        "prices by the inputs of this run, of run --images --json: --set energy.activity=FILE"),
    [OPTION_COUNT] = { "count", "N", KIND_COUNT, AT(count), 1, 1000000000, {0},
        "runs the first N images (all; one without --images)" },
    [OPTION_JOBS] = { "jobs", "N", KIND_COUNT, AT(jobs), 1, 1024, {0},
        "threads that share the images (1); the result is the same for any" },
    [OPTION_SEED] = { "seed", "N", KIND_COUNT, AT(seed), 0, INT64_MAX, {0},
        "of what is random in analog devices: --set analog.seed=N" },
    [OPTION_KERNEL] = { "kernel", "KERNEL", KIND_CHOICE, AT(kernel), 0, 0,
        { "native", "systemc" }, "native or systemc: same results, native is faster (native)" },
    [OPTION_TIMING] = { "timing", "HOW", KIND_CHOICE, AT(timing), 0, 0, { "plan", "chip" },
        "plan: no chip is stepped where the plan says all; chip: always; same results (plan)" },
    [OPTION_VALUES] = { "values", "HOW", KIND_CHOICE, AT(values), 0, 0, { "layer", "timed" },
        "layer: values apart from time, fast; timed: they travel through the chip (layer)" },
    [OPTION_JSON] = FILE_ROW("json", json, "writes everything as JSON; -: to standard output"),
    [OPTION_CSV] = FILE_ROW("csv", csv,
        "writes the tables as CSV: the first into FILE, the others beside it"),
    [OPTION_STATS] = FILE_ROW("stats", stats, "writes every counter in gem5's form"),
    [OPTION_DOT] = { "dot", "[FILE]", KIND_DOT, AT(dot), 0, 0, {0},
        "writes cores and streams for Graphviz, of a fabric on its grid; no FILE: to standard "
        "output" },
    [OPTION_MARKDOWN] = FILE_ROW("markdown", markdown, "writes the tables as Markdown"),
    [OPTION_PROVE] = { "prove", NULL, KIND_FLAG, AT(prove), 0, 0, {0},
        "follows every byte through the machine, and stops at the first out of its place" },
    [OPTION_PARETO] = { "pareto", NULL, KIND_FLAG, AT(pareto), 0, 0, {0},
        "shows the front of cores against interval and latency instead" },
    [OPTION_FORMAT] = { "format", "FORMAT", KIND_CHOICE, AT(format), 0, 0,
        { "text", "csv", "json", "markdown", "latex" },
        "of standard output: text, csv, json, markdown or latex (text)" },
    [OPTION_TABLE] = { "table", "NAME", KIND_TEXT, AT(table), 0, 0, {0},
        "this table alone; a wrong name lists them" },
    [OPTION_WIDE] = { "wide", NULL, KIND_FLAG, AT(wide), 0, 0, {0},
        "lets lines of text be longer than 100 columns" },
    [OPTION_LABEL] = { "label", "TEXT", KIND_LABEL, AT(label), 0, 0, {0},
        "names the CONFIG before it in the table" },
    [OPTION_SVG] = FILE_ROW("svg", svg,
        "draws the accuracy of analog chips in time, or spikes step by step"),
    [OPTION_OUT] = { "out", "DIR", KIND_TEXT, AT(out), 0, 0, {0},
        "writes tables, figures and a page that shows them into this directory" },
    [OPTION_OUTPUT] = FILE_ROW("output", output, "-o FILE: writes the quantised model"),
    [OPTION_CALIBRATE] = { "calibrate", "N", KIND_COUNT, AT(calibrate), 1, 1000000, {0},
        "chooses the scales of activations on the first N images (128)" },
    [OPTION_PERCENTILE] = { "percentile", "P", KIND_TEXT, AT(percentile), 0, 0, {0},
        "per cent of the magnitudes seen that scales must hold (100: the largest)" },
    [OPTION_MEAN] = { "mean", "M,..", KIND_TEXT, AT(how.mean), 0, 0, {0},
        "with --std: of pixels from 0 to 1, one or by channel: 0.485,0.456,0.406 (0)" },
    [OPTION_STD] = { "std", "S,..", KIND_TEXT, AT(how.std), 0, 0, {0},
        "the model takes a pixel for (pixel / 255 - mean) / S" },
    [OPTION_SCALE] = { "scale", "S", KIND_TEXT, AT(scale), 0, 0, {0},
        "without --std: it is (pixel - mean) * S (0.015625), mean 0 to 255 (128)" },
    [OPTION_WEIGHTS] = { "weights", "PER", KIND_CHOICE, AT(weights), 0, 0,
        { "channel", "tensor" }, "what has a scale of its own: channel or tensor (channel)" },
    [OPTION_ACTIVATIONS] = { "activations", "SCALES", KIND_CHOICE, AT(activations), 0, 0,
        { "free", "power-of-two", "asymmetric" },
        "free or power-of-two scales, zero points 0; or asymmetric: from the least to the largest "
        "value (free)" },
    [OPTION_WRITE_CONFIG] = FILE_ROW("write-config", write_config,
        "writes the effective configuration, every key"),
    [OPTION_TRACE] = FILE_ROW("trace", trace,
        "writes waveforms (VCD) or, as .json or .json.gz, a timeline for Perfetto"),
    [OPTION_TRACE_SCOPE] = { "trace-scope", "SCOPE", KIND_TEXT, AT(trace_scope), 0, 0, {0},
        "waveforms of these cores and signals: CORES[:SIGNALS],.. with *" },
    [OPTION_TRACE_WINDOW] = { "trace-window", "FROM:TO", KIND_TEXT, AT(trace_window), 0, 0, {0},
        "waveforms of these timesteps only, both included" },
    [OPTION_NEURONS] = { "neurons", "WHICH", KIND_TEXT, AT(neurons), 0, 0, {0},
        "LAYER:FIRST-LAST: --svg draws their spikes and potentials of the first image, too" },
    [OPTION_TIMELINE] = FILE_ROW("timeline", timeline,
        "draws when each layer fires, for the first images, as SVG"),
    [OPTION_DRY_RUN] = { "dry-run", NULL, KIND_FLAG, AT(dry_run), 0, 0, {0},
        "lists the points, a command each" },
    [OPTION_DB] = FILE_ROW("db", db,
        "the database of results (arrays.db of arrays.yaml); what is in it is not run again"),
    [OPTION_LIMIT] = { "limit", "SECONDS", KIND_COUNT, AT(limit), 1, 1000000, {0},
        "a point that takes longer is one that failed" },
    [OPTION_STATUS] = { "status", NULL, KIND_FLAG, AT(status), 0, 0, {0},
        "of a database, how far its study is" },
    [OPTION_RETRY] = { "retry", NULL, KIND_FLAG, AT(retry), 0, 0, {0},
        "runs points that failed again" },
    [OPTION_SHARD] = { "shard", "I/N", KIND_TEXT, AT(shard), 0, 0, {0},
        "runs every N-th point from the I-th on, into a database of its own" },
    [OPTION_MERGE] = { "merge", NULL, KIND_FLAG, AT(merge), 0, 0, {0},
        "joins these databases into that of --db" },
    [OPTION_HTML] = { "html", "DIR", KIND_TEXT, AT(html), 0, 0, {0},
        "writes a page to sort, filter and brush the points in: DIR/index.html" },
    [OPTION_FROM] = { "from", "DB:ID", KIND_TEXT, AT(from), 0, 0, {0},
        "instead of CONFIG: the point of a study with this id, or this begin of it" },
    [OPTION_TRAFFIC] = { "traffic", "PATTERN", KIND_TEXT, AT(traffic), 0, 0, {0},
        "uniform, transpose, neighbor, tornado, bitcomp, bitrev, shuffle, or a file of lines: "
        "from to [weight] (uniform)" },
    [OPTION_RATE] = { "rate", "R,..", KIND_TEXT, AT(rate), 0, 0, {0},
        "flits that each node offers in a clock, up to 1; several: a run for each (0.1)" },
    [OPTION_FLITS] = { "flits", "N", KIND_COUNT, AT(flits), 1, ROUTER_MOST_FLITS, {0},
        "of a packet (1)" },
    [OPTION_WARM_UP] = { "warm-up", "CLOCKS", KIND_COUNT, AT(warm_up), 0, MOST_CLOCKS, {0},
        "clocks before packets are measured (10000)" },
    [OPTION_CLOCKS] = { "clocks", "N", KIND_COUNT, AT(clocks), 1, MOST_CLOCKS, {0},
        "in which packets are measured (50000)" },
    [OPTION_EXCLUDE_SELF] = { "exclude-self", NULL, KIND_FLAG, AT(exclude_self), 0, 0, {0},
        "no node sends to itself" },
    [OPTION_BEST] = { "best", "FIGURE", KIND_TEXT, AT(best), 0, 0, {0},
        "points with the best of this come first; a wrong name lists them" },
    [OPTION_FRONT] = { "front", "FIGURE,..", KIND_TEXT, AT(front), 0, 0, {0},
        "the points that no other beats in these two or three figures" },
    [OPTION_EFFECTS] = { "effects", NULL, KIND_FLAG, AT(effects), 0, 0, {0},
        "how much each key moves each figure" },
    [OPTION_LOG_LEVEL] = { "log-level", "LEVEL", KIND_CHOICE, AT(log_level), 0, 0,
        { "error", "info", "debug" }, "error, info (progress on a terminal) or debug (info)" },
    [OPTION_HELP] = { "help", NULL, KIND_FLAG, AT(help), 0, 0, {0}, "this text" },
};

/* What an option is in a subcommand that means something else by it than its row says. */
static const struct own_doc {
    const char *command;
    size_t      id;
    const char *doc;
} own_docs[] = {
    { "import", OPTION_IMAGES,
      "calibrates on these images: IDX, CIFAR binary, .npy, .npz, a folder of PNG or JPEG; or: "
      "random" },
    { "import", OPTION_INPUTS,
      "calibrates on these values of the model's input: an array of numpy, .npy" },
    { "import", OPTION_COUNT, "compares both models on the first N images (all; 100 random ones)" },
    { "report", OPTION_COUNT, "shows N points (10), or has them in --table points (all)" },
    { "sweep", OPTION_JOBS, "processes that run points (1); the results are the same for any" },
    { "map", OPTION_SVG, "draws the chip; its front with --pareto" },
    { "breakdown", OPTION_SVG, "draws the energies" },
    { "compare", OPTION_SVG, "draws accuracy against costs" },
    { "fabric", OPTION_SEED, "of the traffic" },
};

static const char *doc_of(const struct command *c, size_t id)
{
    for (size_t i = 0; i < sizeof own_docs / sizeof *own_docs; i++)
        if (own_docs[i].id == id && strcmp(own_docs[i].command, c->name) == 0)
            return own_docs[i].doc;
    return rows[id].doc;
}

static bool takes(const struct command *c, size_t id)
{
    return id == OPTION_HELP || c->options & OPTION_BIT(id);
}

static enum err unknown(const struct command *c, const char *name, struct err_msg *m)
{
    const char *own[N_OPTION];
    size_t n = 0;

    for (size_t id = 0; id < N_OPTION; id++)
        if (takes(c, id))
            own[n++] = rows[id].name;
    const char *meant = near_miss(name, own, n);
    if (meant)
        return err_set(m, ERR_INPUT, "%s: unknown option --%s: did you mean --%s?", c->name, name,
                       meant);
    return err_set(m, ERR_INPUT, "%s: unknown option --%s (imcsim %s --help lists its options)",
                   c->name, name, c->name);
}

/* A known option that this subcommand does not take: names those that do. */
static enum err misplaced(const struct command *c, size_t id, struct err_msg *m)
{
    char others[256] = "";
    size_t at = 0;

    for (const struct command *const *o = commands; *o; o++)
        if (takes(*o, id))
            at += (size_t)snprintf(others + at, sizeof others - at, "%s%s", at ? ", " : "",
                                   (*o)->name);
    assert(at < sizeof others);
    return err_set(m, ERR_INPUT, "%s: --%s is an option of %s, not of %s", c->name,
                   rows[id].name, others, c->name);
}

/* The row called name[0 .. length - 1] that the subcommand takes. */
static enum err find(const struct command *c, const char *name, size_t length, size_t *id,
                     struct err_msg *m)
{
    char word[64];

    snprintf(word, sizeof word, "%.*s", (int)min_u64(length, sizeof word - 1), name);
    for (*id = 0; *id < N_OPTION; ++*id)
        if (strcmp(rows[*id].name, word) == 0)
            break;
    if (*id == N_OPTION)
        return unknown(c, word, m);
    return takes(c, *id) ? ERR_NONE : misplaced(c, *id, m);
}

/* A whole number in decimal digits and nothing else. */
static bool read_count(const char *text, uint64_t *value)
{
    *value = 0;
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        if (*text < '0' || *text > '9' || *value > (UINT64_MAX - digit) / 10)
            return false;
        *value = 10 * *value + digit;
    }
    return true;
}

static enum err take_count(const struct option_row *row, const char *text, uint64_t *field,
                           struct err_msg *m)
{
    if (read_count(text, field) && *field >= row->least && *field <= row->most)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "--%s %s: want a whole number from %" PRIu64 " to %" PRIu64,
                   row->name, text, row->least, row->most);
}

static enum err take_choice(const struct option_row *row, const char *text, uint64_t *field,
                            struct err_msg *m)
{
    char all[128] = "";
    size_t at = 0;

    for (uint64_t i = 0; row->choices[i]; i++) {
        if (strcmp(row->choices[i], text) == 0) {
            *field = i;
            return ERR_NONE;
        }
        at += (size_t)snprintf(all + at, sizeof all - at, "%s%s", i ? " | " : "",
                               row->choices[i]);
    }
    assert(at < sizeof all);
    return err_set(m, ERR_INPUT, "--%s %s: want %s", row->name, text, all);
}

static enum err take_value(struct options *o, const struct option_row *row, const char *text,
                           struct err_msg *m)
{
    void *field = (char *)o + row->offset;

    if (*text == '\0')
        return err_set(m, ERR_INPUT, "--%s: empty: want %s", row->name, row->argument);
    switch (row->kind) {
    case KIND_TEXT:
    case KIND_DOT:
        *(const char **)field = text;
        return ERR_NONE;
    case KIND_LIST:
        o->set_after[o->n_set] = o->n_operand;
        o->set[o->n_set++] = text;
        return ERR_NONE;
    case KIND_LABEL:
        if (o->n_operand == 0)
            return err_set(m, ERR_INPUT, "--label %.64s: want it behind a CONFIG", text);
        o->label[o->n_operand - 1] = text;
        return ERR_NONE;
    case KIND_COUNT:
        return take_count(row, text, field, m);
    case KIND_CHOICE:
        return take_choice(row, text, field, m);
    case KIND_FLAG:
        break;
    }
    assert(!"takes no value");
    return ERR_INPUT;
}

static bool is_output(const char *word)
{
    return strcmp(word, "-o") == 0;
}

/* The option at arg[*i], its value included: leaves *i at the last word it used. */
static enum err take_option(struct options *o, const struct command *c, size_t *i, size_t n,
                            char *const *arg, struct err_msg *m)
{
    const char *name = is_output(arg[*i]) ? "output" : arg[*i] + 2, *equals = strchr(name, '=');
    size_t id;
    enum err e = find(c, name, equals ? (size_t)(equals - name) : strlen(name), &id, m);

    if (e)
        return e;
    const struct option_row *row = &rows[id];
    if (row->kind == KIND_FLAG) {
        if (equals)
            return err_set(m, ERR_INPUT, "%s: --%s takes no value", c->name, row->name);
        *(bool *)((char *)o + row->offset) = true;
        return ERR_NONE;
    }
    bool alone = !equals && (*i + 1 == n || strncmp(arg[*i + 1], "--", 2) == 0);
    if (alone && row->kind == KIND_DOT) {
        o->dot = "-";
        return ERR_NONE;
    }
    if (alone)
        return err_set(m, ERR_INPUT, "%s: --%s: no value: want --%s %s", c->name, row->name,
                       row->name, row->argument);
    e = take_value(o, row, equals ? equals + 1 : arg[++*i], m);
    if (e)
        err_prefix(m, c->name);
    return e;
}

static void add_operand(struct options *o, const char *word)
{
    o->operands[o->n_operand++] = word;
    o->operand = o->operands[0];
}

static enum err take_operand(struct options *o, const struct command *c, const char *word,
                             struct err_msg *m)
{
    if (!c->operand)
        return err_set(m, ERR_INPUT, "%s: %s: want options only", c->name, word);
    if (*word == '\0')
        return err_set(m, ERR_INPUT, "%s: an empty word: want %s", c->name, c->operand);
    if (o->operand && !command_takes_several(c))
        return err_set(m, ERR_INPUT, "%s: two operands, %s and %s: want one %s", c->name,
                       o->operand, word, c->operand);
    add_operand(o, word);
    return ERR_NONE;
}

/* "map --dot CONFIG": what looked like FILE is the operand. */
static void give_back_dot_file(struct options *o, size_t n, char *const *arg)
{
    for (size_t i = 1; i < n; i++)
        if (o->dot == arg[i] && strcmp(arg[i - 1], "--dot") == 0) {
            add_operand(o, o->dot);
            o->dot = "-";
            return;
        }
}

static enum err take_all(struct options *o, const struct command *c, size_t n, char *const *arg,
                         struct err_msg *m)
{
    bool only_operands = false;
    enum err e = ERR_NONE;

    for (size_t i = 0; i < n && !e; i++) {
        if (only_operands || arg[i][0] != '-' || strcmp(arg[i], "-") == 0)
            e = take_operand(o, c, arg[i], m);
        else if (strcmp(arg[i], "--") == 0)
            only_operands = true;
        else if (strcmp(arg[i], "-h") == 0)
            o->help = true;
        else if (arg[i][1] != '-' && !is_output(arg[i]))
            e = err_set(m, ERR_INPUT, "%s: unknown option %s: options begin with two dashes",
                        c->name, arg[i]);
        else
            e = take_option(o, c, &i, n, arg, m);
        if (o->help)
            return ERR_NONE;
    }
    if (!e && c->operand && !o->operand)
        give_back_dot_file(o, n, arg);
    if (!e && c->operand && !o->operand && !o->from)
        e = err_set(m, ERR_INPUT, "%s: no %s: want imcsim %s %s [option]...", c->name, c->operand,
                    c->name, c->operand);
    return e;
}

enum err options_parse(struct options *o, const struct command *command, size_t n,
                       char *const *arg, struct err_msg *m)
{
    *o = (struct options){ .jobs = 1, .calibrate = 128, .log_level = LOG_INFO,
                            .traffic = "uniform", .rate = "0.1", .flits = 1, .warm_up = 10000,
                            .clocks = 50000 };
    o->set = malloc((n + 1) * sizeof *o->set);
    o->set_after = malloc((n + 1) * sizeof *o->set_after);
    o->operands = malloc((n + 1) * sizeof *o->operands);
    o->label = calloc(n + 1, sizeof *o->label);
    enum err e = o->set && o->set_after && o->operands && o->label ? take_all(o, command, n, arg, m)
                 : err_set(m, ERR_MEMORY, "no memory for the command line");
    if (e)
        options_release(o);
    return e;
}

void options_release(struct options *o)
{
    free(o->set);
    free(o->set_after);
    free(o->operands);
    free(o->label);
    *o = (struct options){0};
}

void options_print_help(const struct command *command, FILE *out)
{
    enum { LEFT = 20 }; // columns of an option and its argument

    for (size_t id = 0; id < N_OPTION; id++) {
        const struct option_row *row = &rows[id];
        char left[40];

        if (!takes(command, id))
            continue;
        int n = snprintf(left, sizeof left, "--%s %s", row->name,
                         row->argument ? row->argument : "");
        fprintf(out, "  %-*s  ", LEFT, left);
        wrap(out, doc_of(command, id), 4 + max_u64((uint64_t)n, LEFT), 4 + LEFT, TEXT_WIDTH);
        fputc('\n', out);
    }
}

void options_print_names(const struct command *command, FILE *out)
{
    for (size_t id = 0; id < N_OPTION; id++)
        if (takes(command, id))
            fprintf(out, "--%s ", rows[id].name);
}

void options_print_choices(FILE *out)
{
    for (size_t id = 0; id < N_OPTION; id++) {
        if (rows[id].kind != KIND_CHOICE)
            continue;
        fprintf(out, "    --%s)\n        COMPREPLY=($(compgen -W '", rows[id].name);
        for (size_t i = 0; rows[id].choices[i]; i++)
            fprintf(out, "%s ", rows[id].choices[i]);
        fputs("' -- \"$cur\"))\n        return ;;\n", out);
    }
}
