/* Writes random quantised networks (test/random_graph.h) of seeds FIRST and up, for another program
 * to run, and what imcsim makes of them: FOLDER/SEED.onnx, whose outputs are all values that are
 * rounded, before and after, and FOLDER/SEED.json: image, outputs and how maps depend on one
 * another. A network that imcsim refuses has the reason there instead.
 *
 * Beside each byte stands how far its value may be from a tie for it to be one off, in steps:
 * docs/onnx.md, Arithmetic.
 *
 * usage: write_graphs FOLDER FIRST COUNT */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/read/read.h"
#include "memory/registers.h"
#include "study/outputs.h"
#include "test/random_graph.h"
#include "test/reference.h"

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

/* 2^-(shift + 1) of a factor as it was chosen, before it was halved with its shift. */
static double half_unit(uint64_t m, int shift)
{
    for (; m > 0 && m <= 1 << 14; m *= 2)
        shift++;
    return ldexp(1, -shift - 1);
}

/* (|acc| + |r - z_r| + 1) / 2^(shift + 1): factors and offsets are off by half a unit at most. */
static double bound_of(const struct reference *ref, uint32_t index, uint32_t x, uint32_t y,
                       uint32_t o)
{
    const struct layer *l = &ref->network->layer[index];
    uint32_t entry = o;
    double residual = 0, acc = 0;

    if (l->pooled) {
        for (uint32_t row = 0; row < l->out.height; row++)
            for (uint32_t column = 0; column < l->out.width; column++)
                acc += (double)reference_map(ref, index, row, column, o);
        return (fabs(acc) + 1) * half_unit(l->pool.m, l->pool.shift);
    }
    acc = fabs((double)reference_sum(ref, index, x, y, o));
    if (l->kind == LAYER_AVERAGE_POOL)
        entry = window_inside(&l->window, 0, x, l->in.height) *
                    window_inside(&l->window, 1, y, l->in.width) - 1;
    if (l->has_residual)
        residual = fabs((double)(reference_delivered(ref, l->residual, x, y, o) -
                                 l->requant.r_zero));
    acc = l->multiplies ? acc * residual : acc + residual;
    return (acc + 1) * half_unit(l->requant.m[entry], l->requant.shift[entry]);
}

/* Of all values that leave the network as bytes, in the file's order: batch, channel, row, column.
 */
static void print_bounds(FILE *f, const struct reference *ref)
{
    const struct network *n = ref->network;
    const char *comma = "";

    fprintf(f, "{");
    for (uint32_t i = 0; i < n->n_end; i++) {
        const struct layer *l = &n->layer[n->end[i].layer];
        const struct shape s = layer_delivers(l);
        if (l->raw_output)
            continue;
        must(!n->end[i].channels_last && !n->end[i].place, "put channels last");
        fprintf(f, "%s\n\"%s\": [", comma, n->end[i].value);
        for (uint32_t o = 0; o < s.channels; o++)
            for (uint32_t x = 0; x < s.height; x++)
                for (uint32_t y = 0; y < s.width; y++)
                    fprintf(f, "%s%.9g", o + x + y ? "," : "",
                            bound_of(ref, n->end[i].layer, x, y, o));
        fprintf(f, "]");
        comma = ",";
    }
    fprintf(f, "}");
}

/* Reads and runs the model, and writes what comes out. */
static enum err run(FILE *f, struct random_graph *g, const char *path, struct err_msg *m)
{
    struct network_cfg cfg = {0};
    struct network n;
    struct outputs *o;
    struct reference ref;
    float image[MOST_PIXELS];
    uint8_t bytes[N_IMAGE * MOST_PIXELS];
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
        quantise(g, image, bytes + i * size);
        for (uint32_t k = 0; n.layer[0].value_bits == 1 && k < size; k++)
            bytes[i * size + k] = bytes[i * size + k] > 0; // the image comes in one bit
    }
    if (!e)
        e = outputs_run(o, bytes, N_IMAGE, m);
    fprintf(f, "]");
    if (!e)
        print_outputs(f, o, g);
    reference_init(&ref, &n);
    fprintf(f, ",\n\"bounds\": [");
    for (uint32_t i = 0; i < N_IMAGE && !e; i++) {
        fprintf(f, "%s", i ? ",\n" : "");
        reference_run(&ref, bytes + i * size);
        print_bounds(f, &ref);
    }
    fprintf(f, "]");
    reference_release(&ref);
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
