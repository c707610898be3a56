/* cli/kinds.c -- see kinds.h. */
#include "cli/kinds.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "cli/command.h"
#include "cli/word.h"
#include "core/datadir.h"
#include "core/yaml.h"
#include "dataflow/config.h"

enum { GLANCE_BYTE = 4096 };

struct glance { // at a file
    const char   *path;
    bool          directory, packed; // by gzip
    unsigned char head[GLANCE_BYTE + 1]; // unpacked where it is gzip; ends with 0
    size_t        n;
    struct yaml   yaml; // zero where it is none
};

/* ---- how files are recognised ---- */

static bool is_directory(const struct glance *g, const char *unused)
{
    (void)unused;
    return g->directory;
}

static bool is_empty(const struct glance *g, const char *unused)
{
    (void)unused;
    return !g->directory && g->n == 0;
}

static bool is_packed(const struct glance *g, const char *unused)
{
    (void)unused;
    return g->packed;
}

static bool begins(const struct glance *g, const char *magic)
{
    size_t n = strlen(magic);

    return g->n >= n && memcmp(g->head, magic, n) == 0;
}

static bool begins_at_4(const struct glance *g, const char *magic)
{
    size_t n = strlen(magic);

    return g->n >= 4 + n && memcmp(g->head + 4, magic, n) == 0;
}

/* Behind white space, in capitals or not. */
static bool begins_with_word(const struct glance *g, const char *word)
{
    size_t i = 0;

    while (isspace(g->head[i]))
        i++;
    for (; *word; word++, i++)
        if (tolower(g->head[i]) != *word)
            return false;
    return true;
}

/* The names in an archive stand between its parts. */
static bool is_zip_with(const struct glance *g, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; begins(g, "PK\x03\x04") && i + n <= g->n; i++)
        if (memcmp(g->head + i, name, n) == 0)
            return true;
    return false;
}

/* Unsigned bytes in one to four dimensions. */
static bool is_idx(const struct glance *g, const char *unused)
{
    (void)unused;
    return g->n >= 4 && memcmp(g->head, "\0\0\x08", 3) == 0 && g->head[3] >= 1 && g->head[3] <= 4;
}

/* Of Python's protocols 2 to 5. */
static bool is_pickle(const struct glance *g, const char *unused)
{
    (void)unused;
    return g->n >= 2 && g->head[0] == 0x80 && g->head[1] >= 2 && g->head[1] <= 5;
}

static bool ends_so(const struct glance *g, const char *end)
{
    size_t n = strlen(g->path), n_end = strlen(end);

    if (n > 3 && strcmp(g->path + n - 3, ".gz") == 0)
        n -= 3;
    return n > n_end && strncmp(g->path + n - n_end, end, n_end) == 0;
}

/* By its name; else by what protobuf begins with: ir_version, and then another field of it. */
static bool is_onnx(const struct glance *g, const char *unused)
{
    enum { IR_VERSION = 0x08, LEAST = 3, MOST = 31 };
    static const char next[] = "\x12\x1a\x22\x28\x32\x3a\x42\x72";

    (void)unused;
    return ends_so(g, ".onnx") ||
           (g->n > 2 && g->head[0] == IR_VERSION && g->head[1] >= LEAST && g->head[1] <= MOST &&
            memchr(next, g->head[2], sizeof next - 1));
}

/* Of a YAML, or of a JSON document too long to be one. */
static bool has_format(const struct glance *g, const char *format)
{
    const struct yaml *own = yaml_get(&g->yaml, "format");
    const char *text = own && own->text ? own->text : NULL, *key = (const char *)g->head;

    if (!text && begins(g, "{") && (key = strstr(key, "\"format\":")) != NULL)
        text = key + strcspn(key, ":") + 1 + strspn(key + strcspn(key, ":") + 1, " \"");
    return text && strncmp(text, format, strlen(format)) == 0;
}

static bool has_key(const struct glance *g, const char *key)
{
    return yaml_get(&g->yaml, key) != NULL;
}

static bool has_text(const struct glance *g, const char *text)
{
    return strstr((const char *)g->head, text) != NULL;
}

static bool is_config(const struct glance *g, const char *unused)
{
    char first[64];

    (void)unused;
    for (const struct param *p = config_params; p->key; p++) {
        snprintf(first, sizeof first, "%.*s", (int)strcspn(p->key, "."), p->key);
        if (yaml_get(&g->yaml, first))
            return true;
    }
    return false;
}

/* ---- kinds ---- */

enum kind {
    DIRECTORY, EMPTY, NIR, HDF5, DATABASE, PICTURE, NPY, NPZ, IDX, RAW, RUN, STUDY, MACRO, DEVICE,
    CHIP, FACTORS, CONFIG, ONNX, NO_USE
};
#define BIT(kind) (1u << (kind))
#define IMAGES (BIT(DIRECTORY) | BIT(PICTURE) | BIT(NPY) | BIT(NPZ) | BIT(IDX) | BIT(RAW))

#define BY_NAME (BIT(DEVICE) | BIT(CHIP) | BIT(FACTORS)) // or by path

#define SHOW "imcsim run resnet32_fmnist --images "
#define EXPORT "export it as ONNX, then use imcsim import"

/* The first that fits is it. Where `use` ends with = or a space, the file's name follows; NULL: the
 * reader has a cure. */
static const struct kind_row {
    enum kind   kind;
    bool      (*is)(const struct glance *g, const char *arg);
    const char *arg, *what, *use;
} kinds[] = {
    { DIRECTORY, is_directory, NULL, "a directory", "if it is of pictures, use " SHOW },
    { EMPTY, is_empty, NULL, "an empty file", NULL },
    { NIR, ends_so, ".nir", "a spiking network (NIR)",
      "use imcsim run nmnist_nir --set network.nir=" },
    { HDF5, begins, "\x89HDF\r\n", "HDF5, as NIR and Keras have it",
      "of NIR, use imcsim run nmnist_nir --set network.nir=" },
    { DATABASE, begins, "SQLite format 3", "a database", "use imcsim report " },
    { PICTURE, begins, "\x89PNG", "a PNG image", "use " SHOW },
    { PICTURE, begins, "\xff\xd8\xff", "a JPEG image", "use " SHOW },
    { NPY, begins, "\x93NUMPY", "an array of numpy", "use " SHOW },
    { NO_USE, is_zip_with, "data.pkl", "a checkpoint of PyTorch", EXPORT },
    { NPZ, is_zip_with, ".npy", "arrays of numpy (.npz)", "use " SHOW },
    { NO_USE, begins, "PK\x03\x04", "a zip archive", NULL },
    { NO_USE, is_pickle, NULL, "a pickle of Python", EXPORT },
    { NO_USE, begins_at_4, "TFL3", "a model of TensorFlow Lite", EXPORT },
    { IDX, is_idx, NULL, "a set of images or labels (IDX)", "use " SHOW },
    { RAW, ends_so, ".bin", "bytes, as CIFAR has its images", "use " SHOW },
    { NO_USE, begins, "%PDF", "a PDF", NULL },
    { NO_USE, begins, "\x7f" "ELF", "a program or library", NULL },
    { NO_USE, begins, "!<arch>", "a library", NULL },
    { NO_USE, begins_with_word, "<svg", "a picture (SVG)", NULL },
    { NO_USE, begins_with_word, "<!doctype html", "a page for a browser", NULL },
    { NO_USE, begins_with_word, "<html", "a page for a browser", NULL },
    { NO_USE, begins_with_word, "<", "XML", NULL },
    { NO_USE, begins_with_word, "$date", "waveforms (VCD)", "use gtkwave" },
    { NO_USE, begins_with_word, "$comment", "waveforms (VCD)", "use gtkwave" },
    { NO_USE, begins_with_word, "$version", "waveforms (VCD)", "use gtkwave" },
    { NO_USE, begins_with_word, "$timescale", "waveforms (VCD)", "use gtkwave" },
    { NO_USE, begins_with_word, "digraph", "a graph for Graphviz", "use dot -Tsvg " },
    { NO_USE, has_text, "Begin Simulation Statistics", "counters in gem5's form", NULL },
    { NO_USE, has_text, "\"traceEvents\"", "a timeline for Perfetto", NULL },
    { NO_USE, is_packed, NULL, "packed by gzip", "use gunzip -k " },
    { RUN, has_format, "imcsim-run/", "the result of a run", "use imcsim breakdown " },
    { DEVICE, has_format, "imcsim-device/", "a memory device",
      "use imcsim breakdown resnet32 --set energy.device=" },
    { CHIP, has_format, "imcsim-chip/", "the costs of a chip",
      "use imcsim breakdown resnet32 --set energy.chip=" },
    { NO_USE, has_format, "imcsim-technology/", "a technology",
      "use imcsim breakdown resnet32 --set energy.technology=22nm_lp" },
    { NO_USE, has_format, "imcsim-relative/", "a technology of ratios",
      "use imcsim breakdown bert_base_spoon --set attention.bits=6 --set "
      "energy.technology=spoon2021" },
    { NO_USE, has_format, "imcsim-", "a result (JSON) of another command than run", NULL },
    { STUDY, has_key, "base", "a study", "use imcsim sweep " },
    { MACRO, has_key, "macro", "a macro", "use imcsim breakdown " },
    { FACTORS, has_key, "level_shifter_wiring", "factors of circuits",
      "use imcsim circuit sub_array --set calibration=" },
    { CONFIG, is_config, NULL, "a configuration", "use imcsim run " },
    { NO_USE, ends_so, ".csv", "a table (CSV)", NULL },
    { NO_USE, ends_so, ".md", "text (Markdown)", NULL },
    { NO_USE, ends_so, ".json", "JSON, but no result of imcsim", NULL },
    { ONNX, is_onnx, NULL, "an ONNX model", "use imcsim run imagenet --set network.onnx=" },
};

/* ---- readers ---- */

struct reader {
    const char *name;  // of a command, an option or the last part of a key
    unsigned    takes; // kinds
    const char *reads, *cure;
};

#define READS_CONFIG BIT(CONFIG), "a configuration (YAML)", "imcsim list configs has some"
#define READS_DATABASE BIT(DATABASE), "a database", "imcsim sweep STUDY writes one"

static const struct reader command_readers[] = {
    { "run", READS_CONFIG },
    { "map", READS_CONFIG },
    { "fabric", READS_CONFIG },
    { "compare", READS_CONFIG },
    { "breakdown", BIT(CONFIG) | BIT(RUN) | BIT(MACRO),
      "a configuration (YAML), a macro or the result of a run (JSON)",
      "imcsim list configs has some" },
    { "sweep", BIT(STUDY), "a study (YAML)", "imcsim list studies has some" },
    { "report", READS_DATABASE },
    { "import", BIT(ONNX), "an ONNX model", "imcsim help onnx says what it may hold" },
    { 0 },
}, of_databases = { "sweep", READS_DATABASE },
option_readers[] = {
    { "--images", IMAGES, "sets of images", "want the word random where there is none" },
    { "--labels", BIT(IDX) | BIT(NPY), "labels (IDX or .npy)", "numpy.save() writes them" },
    { "--inputs", BIT(NPY), "an array of numpy (.npy)", "numpy.save() writes one" },
    { "--activity", BIT(RUN), "the result of a run with images",
      "imcsim run CONFIG --images SET --json FILE writes one" },
    { "--traffic", 0, "a name, or lines of text: from to [weight]",
      "imcsim help fabrics has them" },
    { 0 },
}, key_readers[] = {
    { "onnx", BIT(ONNX), "an ONNX model", "imcsim list networks has some" },
    { "nir", BIT(NIR) | BIT(HDF5), "a network in NIR (HDF5)", "imcsim help spiking tells of them" },
    { "device", BIT(DEVICE), "a memory device", "imcsim list devices has some" },
    { "chip", BIT(CHIP), "the costs of a chip", "imcsim list chips has some" },
    { "calibration", BIT(FACTORS), "factors of circuits", "rram40_macro is one" },
    { "activity", BIT(RUN), "the result of a run with images",
      "imcsim run CONFIG --images SET --json FILE writes one" },
    { 0 },
};

/* ---- a file and its reader ---- */

/* Text without control characters, and all of it there. */
static bool may_be_yaml(const struct glance *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->head[i] < ' ' && !isspace(g->head[i]))
            return false;
    return true;
}

/* False for what cannot be looked at: pipes, devices, what may not be read. */
static bool take_glance(struct glance *g, const char *path)
{
    struct err_msg m;
    struct stat st;

    *g = (struct glance){ .path = path };
    if (stat(path, &st) || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return false;
    g->directory = S_ISDIR(st.st_mode);
    gzFile f = g->directory ? NULL : gzopen(path, "rb"); // plain files too
    int n = f ? gzread(f, g->head, GLANCE_BYTE) : 0;
    g->packed = f && !gzdirect(f);
    g->n = n > 0 ? (size_t)n : 0;
    if (f)
        gzclose(f);
    if (!g->packed && may_be_yaml(g) && yaml_load(&g->yaml, path, &m))
        g->yaml = (struct yaml){ 0 };
    return g->directory || f;
}

static const struct kind_row *find_kind(const struct glance *g)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].is(g, kinds[i].arg))
            return &kinds[i];
    return NULL;
}

static const struct reader *find_reader(const struct reader *r, const char *name)
{
    while (r->name && strcmp(r->name, name) != 0)
        r++;
    return r->name ? r : NULL;
}

/* Whether the failure is of this file: "FILE: ..." or "... FILE:2: ...". */
static bool names(const struct err_msg *m, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = m->text; n > 0 && (p = strstr(p, name)) != NULL; p++)
        if ((p == m->text || p[-1] == ' ') && p[n] == ':')
            return true;
    return false;
}

/* `who` reads `name`, whose file is `path`; m may be about something else. */
static void explain(const struct reader *r, const char *who, const char *name, const char *path,
                    struct err_msg *m)
{
    struct glance g;

    if (!(names(m, name) || names(m, path)) || !take_glance(&g, path))
        return;
    const struct kind_row *kind = find_kind(&g);
    yaml_release(&g.yaml);
    if (!kind || r->takes & BIT(kind->kind))
        return;
    const char *use = kind->use ? kind->use : r->cure;
    char *word = strchr("= ", use[strlen(use) - 1]) ? shell_word(name) : NULL;
    err_set(m, ERR_INPUT, "%.300s: this is %s, and %s reads %s: %s%.400s", name, kind->what, who,
            r->reads, use, word ? word : "");
    free(word);
}

void kinds_explain_operand(const struct command *c, const struct options *o, const char *name,
                           struct err_msg *m)
{
    const struct reader *r = o->status || o->merge ? &of_databases
                                                   : find_reader(command_readers, c->name);
    char who[32], path[DATADIR_BYTE];

    if (!r || strcmp(name, "-") == 0 || strlen(name) >= sizeof path)
        return;
    snprintf(who, sizeof who, "imcsim %s", c->name);
    datadir_open_name(path, name);
    if (access(path, F_OK) == 0)
        explain(r, who, name, path, m);
    else if (names(m, name))
        err_set(m, ERR_INPUT, "%.300s: cannot open: %s: %s reads %s: %s", name, strerror(errno),
                who, r->reads, r->cure);
}

/* The file that KEY=FILE names, if it is a path. */
static void explain_setting(const char *set, struct err_msg *m)
{
    const char *equals = strchr(set, '='), *part = set;
    char key[128];

    if (!equals || (size_t)(equals - set) >= sizeof key)
        return;
    snprintf(key, sizeof key, "%.*s", (int)(equals - set), set);
    for (const char *p = key; *p; p++)
        if (*p == '.')
            part = set + (p + 1 - key);
    const struct reader *r = find_reader(key_readers, key + (part - set));
    if (r && (!(r->takes & BY_NAME) || datadir_is_path(equals + 1)))
        explain(r, key, equals + 1, equals + 1, m);
}

void kinds_explain(const struct command *c, const struct options *o, struct err_msg *m)
{
    const struct { const char *option, *path; } files[] = {
        { "--images", o->how.shape ? NULL : o->images }, // raw bytes may look like anything
        { "--labels", o->how.labels },
        { "--inputs", o->inputs }, { "--activity", o->activity },
        { "--traffic", o->traffic },
    };

    for (size_t i = 0; i < o->n_operand; i++)
        kinds_explain_operand(c, o, o->operands[i], m);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i].path)
            explain(find_reader(option_readers, files[i].option), files[i].option, files[i].path,
                    files[i].path, m);
    for (size_t i = 0; i < o->n_set; i++)
        explain_setting(o->set[i], m);
}
