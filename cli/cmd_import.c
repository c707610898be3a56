/* cli/cmd_import.c -- imcsim import: quantises a float ONNX model on images. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/import/images.h"
#include "cli/import/measure.h"
#include "cli/import/report.h"
#include "cli/progress.h"
#include "cli/results.h"
#include "core/util.h"
#include "import/import.h"
#include "onnx/file.h"
#include "onnx/kind.h"
#include "onnx/read/read.h"
#include "traces/images/images.h"

enum { MOST_AXES = 16 };

struct model { // an ONNX file and its graph
    Onnx__ModelProto  *proto;
    struct float_graph graph;
};

struct job { // all that one import makes
    const struct options *options;
    struct import_cfg     cfg;
    struct model          given, quantised;
    struct onnx_ids       ids; // of the given model's input
    struct import         import;
    struct network        network; // the quantised model as the simulator reads it
    uint64_t              n_image, n_calibrate;
    bool                  labelled;
    uint8_t              *data; // the quantised model's
    size_t                size;
    uint32_t             *pair, n_pair; // values to be compared
    struct npy            inputs; // with --inputs
    struct import_images  images;
    struct measure        measure;
};

/* ---- Options ---- */

static enum err real_option(const char *name, const char *text, double dflt, double most,
                            double *v, struct err_msg *m)
{
    char *end;

    *v = dflt;
    if (!text)
        return ERR_NONE;
    *v = strtod(text, &end);
    if (*end == '\0' && *v > 0 && *v <= most)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "import: --%s %s: want a number above 0, at most %g", name, text,
                   most);
}

/* What the model takes pixels for: --mean and --std of pixels from 0 to 1, or --mean, a pixel, and
 * --scale. */
static enum err read_pixels(struct import_cfg *cfg, const struct options *o, struct err_msg *m)
{
    enum { MIDDLE = 128 };
    char *end = "";
    double mean = o->how.mean && !o->how.std ? strtod(o->how.mean, &end) : MIDDLE;

    if (o->how.std && o->scale)
        return err_set(m, ERR_INPUT, "import: --std and --scale: want one of them");
    if (o->how.std)
        return normalise_read(&cfg->normalise, o->how.mean, o->how.std, m);
    if (*end != '\0' || end == o->how.mean || !(mean >= 0 && mean <= UINT8_MAX) ||
        mean != floor(mean))
        return err_set(m, ERR_INPUT, "import: --mean %.100s without --std: want a pixel, 0 to 255, "
                       "or --std too", o->how.mean);
    cfg->mean = (int32_t)mean;
    return real_option("scale", o->scale, 1.0 / 64, 1e6, &cfg->scale, m);
}

static enum err read_options(struct job *j, struct err_msg *m)
{
    const struct options *o = j->options;

    if ((!o->images && !o->inputs) || !o->output)
        return err_set(m, ERR_INPUT, "import: no %s: want imcsim import MODEL.onnx --images SET -o "
                       "OUT.onnx%s", o->images || o->inputs ? "-o OUT.onnx" : "--images SET",
                       o->images || o->inputs ? "" : ", and --images random where there are none");
    if (o->images && o->inputs)
        return err_set(m, ERR_INPUT, "import: --images and --inputs: want one of them");
    if (o->inputs && (o->how.mean || o->how.std || o->scale || o->how.labels))
        return err_set(m, ERR_INPUT, "import: --inputs are the model's own values, without labels: "
                       "want no --mean, --std, --scale and --labels");
    j->cfg = (struct import_cfg){.values = o->inputs != NULL, .per_channel = o->weights == 0,
                                 .power_of_two = o->activations == 1,
                                 .asymmetric = o->activations == 2};
    enum err e = read_pixels(&j->cfg, o, m);
    return e ? e : real_option("percentile", o->percentile, 100, 100, &j->cfg.percentile, m);
}

/* ---- Models ---- */

static enum err load(struct model *model, const uint8_t *data, size_t size, struct err_msg *m)
{
    struct onnx_ids ids = {0};
    enum err e = onnx_decode(data, size, &model->proto, m);

    if (!e)
        e = onnx_take_ids(model->proto, &ids, m);
    onnx_ids_release(&ids);
    if (!e)
        e = float_graph_init(&model->graph, model->proto, m);
    return e ? e : onnx_graph_check_input(&model->graph.graph, m);
}

static void release(struct model *model)
{
    float_graph_release(&model->graph);
    onnx_free_model(model->proto);
}

static enum err black_image(const struct onnx_graph *g, struct array *image, struct err_msg *m)
{
    struct onnx_image s;
    enum err e = onnx_graph_image(g, &s, m);
    uint64_t n = 1;

    for (uint32_t i = 0; i < s.n_dim && n <= INT32_MAX && !e; i++)
        n *= s.dim[i]; // each up to 65,536
    if (!e && n > INT32_MAX)
        e = err_set(m, ERR_INPUT, "an image of 2^31 values or more: want a smaller one");
    if (!e && !array_init(image, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, s.n_dim, s.dim))
        e = err_set(m, ERR_MEMORY, "no memory for an image");
    return e;
}

/* Folds what is constant and takes the network apart. */
static enum err understand(struct job *j, struct err_msg *m)
{
    struct float_graph *g = &j->given.graph;
    struct float_run sample = {0};
    struct array image = {0};
    enum err e = black_image(&g->graph, &image, m);

    if (!e)
        e = float_graph_fold(g, &image, m);
    if (!e)
        e = float_run_init(&sample, g, m);
    if (!e) {
        float_run_set(&sample, g->graph.image, &image);
        e = float_run_all(&sample, m);
    }
    if (!e)
        e = import_init(&j->import, g, &sample, &j->cfg, m);
    array_release(&image);
    float_run_release(&sample);
    return e;
}

/* Of --random-weights, NULL without it. */
static enum err read_seed(const char *given, uint64_t *seed, struct err_msg *m)
{
    char *end;

    *seed = 0;
    if (!given)
        return ERR_NONE;
    errno = 0;
    *seed = strtoull(given, &end, 10);
    if (*given < '0' || *given > '9' || *end != '\0' || errno || *seed < 1 || *seed > INT64_MAX)
        return err_set(m, ERR_INPUT, "import: --random-weights %.40s: want 1 to %" PRId64, given,
                       INT64_MAX);
    return ERR_NONE;
}

/* Of --axes, "a=1,b=2"; the keys point into `text`. */
static enum err read_axes(const char *given, char *text, size_t n_byte, struct count_map *axes,
                          struct err_msg *m)
{
    char *at = text, *comma;

    snprintf(text, n_byte, "%s", given ? given : "");
    for (; *at; at = comma + 1) {
        char *equals = strchr(at, '='), *end;
        comma = strchr(at, ',');
        unsigned long v = equals ? strtoul(equals + 1, &end, 10) : 0;
        if (v < 1 || v > UINT16_MAX || equals == at || equals[1] < '0' || equals[1] > '9' ||
            (*end != '\0' && *end != ',') || axes->n_entry == MOST_AXES)
            return err_set(m, ERR_INPUT, "import: --axes %.100s: want NAME=N with N from 1 to %d, "
                           "and commas between at most %d of them", given, UINT16_MAX, MOST_AXES);
        *equals = '\0';
        axes->entry[axes->n_entry++] = (struct count_entry){.key = at, .value = (uint32_t)v};
        if (!comma)
            break;
    }
    return ERR_NONE;
}

static bool has_operator(const Onnx__ModelProto *model, const char *type)
{
    const Onnx__GraphProto *g = model->graph;

    for (size_t i = 0; g && i < g->n_node; i++)
        if (g->node[i]->op_type && strcmp(g->node[i]->op_type, type) == 0)
            return true;
    return false;
}

static enum err read_model(struct job *j, struct err_msg *m)
{
    struct onnx_model model;
    struct count_entry entry[MOST_AXES];
    struct count_map axes = {.entry = entry};
    struct network_onnx_cfg open = {.input_shape = j->options->input_shape, .axes = &axes};
    char text[1024];
    enum err e = read_seed(j->options->random_weights, &open.random_weights, m);

    if (!e)
        e = read_axes(j->options->axes, text, sizeof text, &axes, m);
    if (!e)
        e = onnx_model_load(&model, j->options->operand, &open, m);
    if (e)
        return e;
    if (!model.complete)
        e = err_set(m, ERR_INPUT, "some weights are nowhere: want the files that hold them beside "
                    "the model, or --random-weights SEED");
    else if (has_operator(model.proto, "DynamicQuantizeLinear") ||
             has_operator(model.proto, "QAttention"))
        e = err_set(m, ERR_INPUT, "is quantised with scales that are found at run time: want the "
                    "float model that it was made of; import stores its scales");
    else if (onnx_model_is_quantised(model.proto))
        e = err_set(m, ERR_INPUT, "is quantised already: want a float model here; imcsim run "
                    "CONFIG --set network.onnx=FILE runs this one as it is");
    j->given.proto = model.proto;
    j->ids = model.ids;
    model.proto = NULL;
    model.ids = (struct onnx_ids){0};
    onnx_model_release(&model);
    if (!e)
        e = float_graph_init(&j->given.graph, j->given.proto, m);
    if (!e)
        e = onnx_graph_check_input(&j->given.graph.graph, m);
    if (!e && j->ids.input && !j->options->inputs)
        e = err_set(m, ERR_INPUT, "its input %.100s is ids of tokens: want --inputs FILE.npy, "
                    "sequences x tokens, in place of --images", j->ids.input);
    j->cfg.ids = j->ids.input ? &j->ids : NULL;
    if (!e)
        e = understand(j, m);
    if (e)
        err_prefix(m, j->options->operand);
    return e;
}

/* ---- Images ---- */

/* Of the output that the last layer delivers. */
static uint32_t n_classes(const struct job *j)
{
    const struct import_end *end = &j->import.end[j->import.result];

    return end->dim[end->n_dim - 1];
}

/* Where images come from: a set, or an array. */
static const char *source_of(const struct options *o)
{
    return o->inputs ? o->inputs : o->images;
}

static enum err check_id(const struct job *j, size_t i, size_t tokens, struct err_msg *m)
{
    const double v = npy_value(&j->inputs, i);

    if (v >= 0 && v < j->ids.rows && v == rint(v))
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "%s: sequence %zu, token %zu is id %.17g: want whole numbers from "
                   "0 to %" PRIu32 ", rows of the table of input %.100s", j->options->inputs,
                   i / tokens, i % tokens, v, j->ids.rows - 1, j->ids.input);
}

/* Whole inputs of the model, of numbers. */
static enum err read_inputs(struct job *j, uint64_t *there, struct err_msg *m)
{
    size_t n = 1;
    enum err e = npy_read(&j->inputs, j->options->inputs, m);

    for (uint32_t k = 0; k < j->import.n_image_dim; k++)
        n *= j->import.image_dim[k];
    n /= j->ids.input ? j->ids.channels : 1;
    if (!e && (j->inputs.n == 0 || j->inputs.n % n != 0))
        e = err_set(m, ERR_INPUT, "%s: %zu values: want a multiple of %zu, those of the model's "
                    "input", j->options->inputs, j->inputs.n, n);
    else if (!e && !npy_has_items(&j->inputs, n) && !j->ids.input)
        e = err_set(m, ERR_INPUT, "%s: no dimensions hold an input: want the last ones to have %zu "
                    "values, those of the model's input", j->options->inputs, n);
    if (!e && j->ids.input && j->inputs.n_dim > 1 && j->inputs.dim[j->inputs.n_dim - 1] != n)
        e = err_set(m, ERR_INPUT, "%s: %" PRIu32 " ids in a row: want rows of %zu, the tokens of a "
                    "sequence", j->options->inputs, j->inputs.dim[j->inputs.n_dim - 1], n);
    for (size_t i = 0; i < j->inputs.n && !e; i++)
        if (j->ids.input)
            e = check_id(j, i, n, m);
        else if (!isfinite(npy_value(&j->inputs, i)))
            e = err_set(m, ERR_INPUT, "%s: value %zu is %g: want finite numbers",
                        j->options->inputs, i, npy_value(&j->inputs, i));
    *there = e ? 0 : j->inputs.n / n;
    return e;
}

/* How many images the set has. */
static enum err count_images(struct job *j, uint64_t *there, struct err_msg *m)
{
    struct image_reader reader;
    enum err e = normalise_check(&j->cfg.normalise, j->import.image.channels, m);

    if (!e)
        e = image_reader_open(&reader, &j->images, 0, m);
    if (e)
        return e;
    e = images_count(reader.set, there, m);
    j->labelled = !e && images_labelled(reader.set);
    image_reader_close(&reader);
    return e;
}

static enum err calibrate(struct job *j, struct err_msg *m)
{
    const struct options *o = j->options;
    uint64_t there = 0;

    j->images = (struct import_images){.path = source_of(o), .how = o->how,
                                       .inputs = o->inputs ? &j->inputs : NULL,
                                       .n_classes = n_classes(j), .import = &j->import};
    enum err e = o->inputs ? read_inputs(j, &there, m) : count_images(j, &there, m);
    if (!e && (there == 0 || o->count > there))
        e = err_set(m, ERR_INPUT, "images %s: has %" PRIu64 " images, %" PRIu64 " are wanted",
                    source_of(o), there, o->count);
    if (strcmp(source_of(o), "random") == 0) // more of the same says nothing more
        there = min_u64(there, o->calibrate);
    j->n_image = o->count ? o->count : there;
    j->n_calibrate = min_u64(o->calibrate, there);
    return e ? e : import_calibrate(&j->import, &j->images, j->n_calibrate, (uint32_t)o->jobs, m);
}

/* ---- Comparison ---- */

/* Whether a value is compared: rounded ones, and sums that leave as a map. */
static bool is_compared(const struct job *j, uint32_t v)
{
    return j->import.value[v].rounded ||
           (v == j->import.end[j->import.result].value && !import_has_classes(&j->import));
}

/* Rounded values of the given model beside their dequantised ones, and the results. */
static enum err pair_values(struct job *j, struct err_msg *m)
{
    const struct onnx_graph *one = &j->given.graph.graph, *other = &j->quantised.graph.graph;
    uint32_t n = 0;

    j->pair = calloc(2 * (size_t)j->import.n_node + 1, sizeof *j->pair);
    if (!j->pair)
        return err_set(m, ERR_MEMORY, "no memory for %" PRIu32 " layers", j->import.n_node);
    for (uint32_t i = 0; i < j->import.n_node; i++)
        n += is_compared(j, j->import.node[i].out);
    for (uint32_t i = 0; i < j->import.n_node; i++) {
        uint32_t v = j->import.node[i].out;
        char name[512];
        if (!is_compared(j, v))
            continue;
        snprintf(name, sizeof name, "%.400s%s", one->value[v].name,
                 j->import.value[v].rounded ? "_dequantized" : "");
        j->pair[j->n_pair] = v;
        j->pair[n + j->n_pair++] = onnx_graph_find(other, name);
    }
    return ERR_NONE;
}

static enum err measure(struct job *j, struct err_msg *m)
{
    struct progress p;
    struct array image = {0};
    enum err e = load(&j->quantised, j->data, j->size, m);

    if (!e)
        e = black_image(&j->quantised.graph.graph, &image, m);
    if (!e)
        e = float_graph_fold(&j->quantised.graph, &image, m);
    array_release(&image);
    if (!e)
        e = pair_values(j, m);
    if (!e)
        e = network_decode_onnx(&j->network, "quantised", j->data, j->size, m);
    if (e)
        return e;
    const struct measure_cfg cfg = {.from = &j->images, .n_image = j->n_image,
                                    .jobs = (uint32_t)j->options->jobs, .one = &j->given.graph,
                                    .other = &j->quantised.graph, .network = &j->network,
                                    .pair = j->pair, .n_pair = j->n_pair,
                                    .progress = progress_show, .user = &p};
    progress_start(&p, j->options->log_level >= LOG_INFO);
    e = measure_run(&j->measure, &cfg, m);
    progress_end(&p);
    return e;
}

static enum err write_model(const void *job, FILE *out, struct err_msg *m)
{
    const struct job *j = job;

    if (fwrite(j->data, 1, j->size, out) == j->size)
        return ERR_NONE;
    return err_set(m, ERR_OUTPUT, "%s: cannot write", j->options->output);
}

static void describe_pixels(char *text, size_t n_byte, const struct job *j)
{
    const struct images_how *how = &j->options->how;

    if (j->options->inputs)
        text[0] = '\0';
    else if (how->std)
        snprintf(text, n_byte, "(pixel / 255 - %.400s) / %.400s", how->mean ? how->mean : "0",
                 how->std);
    else
        snprintf(text, n_byte, "(pixel - %" PRId32 ") * %g", j->cfg.mean, j->cfg.scale);
}

/* Writes the model, and the report unless standard output has the model. */
static enum err write_all(const struct job *j, const struct output *model, struct err_msg *m)
{
    char pixels[1000];
    describe_pixels(pixels, sizeof pixels, j);
    const struct import_report r = {.model = j->options->operand, .images = source_of(j->options),
                                    .pixels = pixels,
                                    .n_calibrate = j->n_calibrate,
                                    .import = &j->import, .pair = j->pair, .n_pair = j->n_pair,
                                    .measure = &j->measure, .n_image = j->n_image,
                                    .labelled = j->labelled};

    return results_write(&import_form, j->options, &r, model, 1, m);
}

static enum err cmd_import(const struct options *o, struct err_msg *m)
{
    struct job j = {.options = o};
    const struct output model = {o->output, write_model, &j};
    enum err e = read_options(&j, m);

    if (!e)
        e = results_check(&import_form, o, &model, 1, m);
    if (!e)
        e = read_model(&j, m);
    if (!e)
        e = calibrate(&j, m);
    if (!e)
        e = import_build(&j.import, "quantised", &j.data, &j.size, m);
    if (!e)
        e = measure(&j, m);
    if (!e)
        e = write_all(&j, &model, m);
    measure_release(&j.measure);
    import_release(&j.import);
    network_release(&j.network);
    release(&j.given);
    release(&j.quantised);
    npy_release(&j.inputs);
    onnx_ids_release(&j.ids);
    free(j.pair);
    free(j.data);
    return e;
}

const struct command command_import = {
    .name = "import",
    .operand = "MODEL.onnx",
    .summary = "quantises a float ONNX model on images, or values of its input",
    .help = "Folds batch normalisation into weights, finds on images how large activations get,\n"
            "quantises both to 8 bits and writes a QDQ model for `run` and other runtimes. Prints\n"
            "each layer's error, root of sum (quantised - float)^2 / sum float^2, and how many\n"
            "images both classify rightly, the quantised one with the integers of `run`. Weights\n"
            "may be codes already (DequantizeLinear of stored tensors); activations may not.\n"
            "\n"
            "  imcsim import model.onnx --images IMAGES -o model_int8.onnx --jobs 2\n"
            "  imcsim import model.onnx --images random --random-weights 1 -o q.onnx\n"
            "  imcsim import model.onnx --images IMAGES -o q.onnx --mean 0.485,0.456,0.406 \\\n"
            "      --std 0.229,0.224,0.225\n"
            "\n"
            "Transformers are quantised likewise. --inputs FILE.npy has values of the model's\n"
            "input instead of images, such as tokens (N x tokens x channels); --axes gives axes\n"
            "that the model leaves open:\n"
            "\n"
            "  imcsim import model.onnx --axes tokens=128 --inputs tokens.npy -o q.onnx\n"
            "\n"
            "`run` of the quantised model takes the same --mean and --std. --mean 0 --scale S is\n"
            "a model of pixels times S.\n",
    .options = OPTION_IMAGE_SET | OPTION_BIT(OPTION_COUNT) | OPTION_BIT(OPTION_JOBS) |
               OPTION_BIT(OPTION_INPUT_SHAPE) | OPTION_BIT(OPTION_AXES) |
               OPTION_BIT(OPTION_INPUTS) |
               OPTION_BIT(OPTION_RANDOM_WEIGHTS) |
               OPTION_BIT(OPTION_OUTPUT) | OPTION_BIT(OPTION_CALIBRATE) |
               OPTION_BIT(OPTION_PERCENTILE) | OPTION_BIT(OPTION_SCALE) |
               OPTION_BIT(OPTION_WEIGHTS) | OPTION_BIT(OPTION_ACTIVATIONS) | OPTION_RESULTS,
    .run = cmd_import,
};
