/* Writes random quantised networks (test/random_graph.h) of seeds FIRST and up, for another program
 * to run, and what imcsim makes of them: FOLDER/SEED.onnx, whose outputs are all values that are
 * rounded, before and after, and FOLDER/SEED.json: image, outputs and how maps depend on one
 * another. A network that imcsim refuses has the reason there instead.
 *
 * usage: write_graphs FOLDER FIRST COUNT */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataflow/config.h"
#include "network/onnx/read.h"
#include "study/inputs.h"
#include "study/outputs.h"
#include "test/random_graph.h"

enum { MOST_PATH = 1024, N_IMAGE = 2, MOST_PIXELS = 1024 };

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "write_graphs: cannot %s\n", what);
    exit(1);
}

static void write_model(const char *path, const Onnx__ModelProto *model)
{
    size_t size;
    uint8_t *bytes = make_packed(model, &size);
    FILE *f = fopen(path, "wb");

    must(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0, path);
    free(bytes);
}

/* The bytes of an image of floats, as QuantizeLinear makes them. */
static void quantise(const struct random_graph *g, const float *v, uint8_t *bytes)
{
    const struct graph_map *m = &g->map[0];

    for (uint32_t c = 0; c < m->channels; c++)
        for (uint32_t row = 0; row < m->rows; row++)
            for (uint32_t column = 0; column < m->columns; column++) {
                float x = v[(c * m->rows + row) * m->columns + column];
                double q = (double)rintf(x / m->scale) + m->zero, low = m->is_signed ? -128 : 0;
                bytes[(column * m->rows + row) * m->channels + c] =
                    (uint8_t)(int)fmin(fmax(q, low), low + 255);
            }
}

static void print_maps(FILE *f, const struct random_graph *g)
{
    fprintf(f, "\"maps\": [");
    for (uint32_t i = 0; i < g->n_map; i++) {
        const struct graph_map *m = &g->map[i];
        fprintf(f, "%s\n{\"value\": \"%s\", \"bytes\": \"%s\", \"scale\": %.9g, \"zero\": %d, "
                "\"addend\": %.9g, \"isOutput\": %s, \"from\": [", i ? "," : "", m->value,
                m->bytes, (double)m->scale, m->zero, m->addend, m->is_output ? "true" : "false");
        for (uint32_t k = 0; k < m->n_from; k++)
            fprintf(f, "%s%" PRIu32, k ? ", " : "", i ? m->from[k] : 0);
        fprintf(f, "]}");
    }
    fprintf(f, "],\n\"sums\": \"%s\", \"sumsFrom\": %" PRIu32 ", \"sumsStep\": %.9g",
            g->sums, g->sums_from, g->sums_step);
}

static void print_outputs(FILE *f, const struct outputs *o, const struct random_graph *g)
{
    size_t n;

    fprintf(f, ",\n\"outputs\": {");
    for (uint32_t i = 0; i < outputs_count(o); i++) {
        const double *v = outputs_values(o, i, &n);
        fprintf(f, "%s\n\"%s\": [", i ? "," : "", g->model->graph->output[i]->name);
        for (size_t k = 0; k < n; k++)
            fprintf(f, "%s%.17g", k ? "," : "", v[k]);
        fprintf(f, "]");
    }
    fprintf(f, "}");
}

/* Reads and runs the model, and writes what comes out. */
static enum err run(FILE *f, struct random_graph *g, const char *path, struct err_msg *m)
{
    struct network_cfg cfg = {0};
    struct network n;
    struct outputs *o;
    float image[MOST_PIXELS];
    uint8_t bytes[MOST_PIXELS];
    uint32_t size = g->map[0].channels * g->map[0].rows * g->map[0].columns;

    must(size <= MOST_PIXELS, "hold an image");
    snprintf(cfg.onnx, sizeof cfg.onnx, "%s", path);
    enum err e = network_load_onnx(&n, path, m);
    if (e)
        return e;
    e = outputs_new(&o, &cfg, &n, m);
    fprintf(f, ",\n\"images\": [");
    for (uint32_t i = 0; i < N_IMAGE && !e; i++) {
        random_graph_image(g, image, size);
        fprintf(f, "%s[", i ? ",\n" : "");
        for (uint32_t k = 0; k < size; k++)
            fprintf(f, "%s%.9g", k ? "," : "", (double)image[k]);
        fprintf(f, "]");
        quantise(g, image, bytes);
        e = outputs_add(o, bytes, m);
    }
    fprintf(f, "]");
    if (!e)
        print_outputs(f, o, g);
    outputs_free(o);
    network_release(&n);
    return e;
}

static void write_graph(const char *folder, uint64_t seed)
{
    char path[MOST_PATH], json[MOST_PATH];
    struct random_graph g;
    struct err_msg m;

    random_graph_make(&g, seed);
    snprintf(path, sizeof path, "%s/%" PRIu64 ".onnx", folder, seed);
    snprintf(json, sizeof json, "%s/%" PRIu64 ".json", folder, seed);
    write_model(path, g.model);
    FILE *f = fopen(json, "w");
    must(f, json);
    fprintf(f, "{\"seed\": %" PRIu64 ", \"exact\": %s, \"operators\": \"%s\",\n\"shape\": [1, %"
            PRIu32 ", %" PRIu32 ", %" PRIu32 "],\n", seed, g.exact ? "true" : "false", g.operators,
            g.map[0].channels, g.map[0].rows, g.map[0].columns);
    print_maps(f, &g);
    if (run(f, &g, path, &m)) {
        char *quote;
        while ((quote = strchr(m.text, '"')))
            *quote = '\'';
        fprintf(f, ",\n\"refused\": \"%s\"", m.text + strlen(path) + 2);
    }
    fprintf(f, "}\n");
    must(fclose(f) == 0, "write");
    random_graph_tell_all(&g);
    write_model(path, g.model);
    random_graph_free(&g);
}

int main(int argc, char **argv)
{
    must(argc == 4, "go on: usage: write_graphs FOLDER FIRST COUNT");
    uint64_t first = strtoull(argv[2], NULL, 10), count = strtoull(argv[3], NULL, 10);
    for (uint64_t i = 0; i < count; i++)
        write_graph(argv[1], first + i);
    return 0;
}
