/* test/tools/write_transformers.c -- random quantised transformers (test/random_transformer.h)
 * whose weights of attention are rounded, as ONNX files, and beside each a .json with an input and
 * the outputs that imcsim makes of it.
 *
 * usage: write_transformers FOLDER FIRST COUNT        seeds from FIRST on
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/read/read.h"
#include "study/outputs.h"
#include "test/onnx_make.h"
#include "test/random_transformer.h"

enum { MOST_TOKENS = 64, MOST_PATH = 1024 };

static void make_path(char path[MOST_PATH], const char *folder, uint32_t seed, const char *ending)
{
    snprintf(path, MOST_PATH, "%s/%" PRIu32 ".%s", folder, seed, ending);
}

static FILE *open_file(const char *path)
{
    FILE *f = fopen(path, "wb");
    if (!f) {
        perror(path);
        exit(1);
    }
    return f;
}

/* Value i of the file's input is of this code: a map of one row has its tokens in order. */
static size_t place_of(const struct shape *s, size_t i)
{
    const size_t column = i % s->width, row = i / s->width % s->height;

    return s->height == 1 ? i : (column * s->height + row) * s->channels + i / s->width / s->height;
}

static void write_outputs(FILE *f, const struct network *n, const char *path, const uint8_t *byte)
{
    struct network_cfg cfg = { 0 };
    struct outputs *o;
    struct err_msg m;
    size_t count;

    snprintf(cfg.onnx, sizeof cfg.onnx, "%s", path);
    if (outputs_new(&o, &cfg, n, &m) || outputs_run(o, byte, 1, &m)) {
        fprintf(stderr, "%s\n", m.text);
        exit(1);
    }
    fprintf(f, "\"outputs\": {");
    for (uint32_t i = 0; i < outputs_count(o); i++) {
        const double *v = outputs_values(o, i, &count);
        fprintf(f, "%s\"%s\": [", i ? ", " : "", outputs_name(o, i));
        for (size_t k = 0; k < count; k++)
            fprintf(f, "%s%.17g", k ? ", " : "", v[k]);
        fprintf(f, "]");
    }
    fprintf(f, "}}\n");
    outputs_free(o);
}

static void write_values(FILE *f, const struct network *n, const char *path, struct random *r)
{
    const struct shape s = n->layer[0].out;
    const size_t values = (size_t)s.height * s.width * s.channels;
    uint8_t *byte = malloc(values);
    uint32_t id[MOST_TOKENS];

    if (!byte)
        exit(1);
    for (size_t i = 0; i < s.width && n->table; i++) {
        id[i] = random_below(r, n->table->rows);
        memcpy(byte + i * s.channels, n->table->code + (size_t)id[i] * s.channels, s.channels);
    }
    for (size_t i = 0; i < values && !n->table; i++)
        byte[i] = (uint8_t)random_below(r, 256);
    if (n->table)
        fprintf(f, "{\"ids\": true, \"shape\": [1, %" PRIu32 "], \"input\": [", s.width);
    else if (s.height == 1)
        fprintf(f, "{\"shape\": [1, %" PRIu32 ", %" PRIu32 "], \"input\": [", s.width, s.channels);
    else
        fprintf(f, "{\"shape\": [1, %" PRIu32 ", %" PRIu32 ", %" PRIu32 "], \"input\": [",
                s.channels, s.height, s.width);
    for (size_t i = 0; i < s.width && n->table; i++)
        fprintf(f, "%s%" PRIu32, i ? ", " : "", id[i]);
    for (size_t i = 0; i < values && !n->table; i++)
        fprintf(f, "%s%g", i ? ", " : "", ldexp((int8_t)byte[place_of(&s, i)], -5));
    fprintf(f, "], ");
    write_outputs(f, n, path, byte);
    free(byte);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return fprintf(stderr, "usage: write_transformers FOLDER FIRST COUNT\n"), 2;
    uint32_t seed = (uint32_t)atoi(argv[2]);
    for (int left = atoi(argv[3]); left > 0; seed++) {
        struct random r = { seed * UINT64_C(0x9e3779b97f4a7c15) };
        struct style s = random_style(&r);
        struct network n;
        struct err_msg m;
        size_t size;
        if (!s.weights_rounded)
            continue;
        Onnx__ModelProto *model = make_transformer(&r, &s);
        uint8_t *data = make_packed(model, &size);
        if (network_decode_onnx(&n, "drawn", data, size, &m))
            return fprintf(stderr, "seed %" PRIu32 ": %s\n", seed, m.text), 1;
        char path[MOST_PATH], json[MOST_PATH];
        make_path(path, argv[1], seed, "onnx");
        make_path(json, argv[1], seed, "json");
        FILE *f = open_file(path);
        fwrite(data, size, 1, f);
        fclose(f);
        f = open_file(json);
        write_values(f, &n, path, &r);
        fclose(f);
        network_release(&n);
        make_free(model);
        free(data);
        left--;
    }
    return 0;
}
