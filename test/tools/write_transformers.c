/* test/tools/write_transformers.c -- random quantised transformers (test/random_transformer.h)
 * whose weights of attention are rounded, as ONNX files, and beside each a .json with an input and
 * what imcsim makes of it.
 *
 * usage: write_transformers FOLDER FIRST COUNT        seeds from FIRST on
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network/onnx/read.h"
#include "network/values/plain.h"
#include "test/onnx_make.h"
#include "test/random_transformer.h"

enum { MOST_TOKENS = 64 };

static FILE *open_file(const char *folder, uint32_t seed, const char *ending)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%" PRIu32 ".%s", folder, seed, ending);
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

static void write_values(FILE *f, const struct network *n, struct random *r)
{
    const struct shape s = n->layer[0].out;
    const size_t values = (size_t)s.height * s.width * s.channels;
    uint8_t *byte = malloc(values);
    uint32_t id[MOST_TOKENS];
    struct plain *p = plain_new(n);

    if (!byte || !p)
        exit(1);
    for (size_t i = 0; i < s.width && n->table; i++) {
        id[i] = random_below(r, n->table->rows);
        memcpy(byte + i * s.channels, n->table->code + (size_t)id[i] * s.channels, s.channels);
    }
    for (size_t i = 0; i < values && !n->table; i++)
        byte[i] = (uint8_t)random_below(r, 256);
    plain_run(p, byte, NULL);
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
    fprintf(f, "], \"codes\": [");
    for (uint32_t i = 0; i < network_result(n)->out.channels; i++)
        fprintf(f, "%s%" PRId64, i ? ", " : "", plain_delivered(p, n->n_layer - 1, i));
    fprintf(f, "]}\n");
    plain_free(p);
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
        FILE *f = open_file(argv[1], seed, "onnx");
        fwrite(data, size, 1, f);
        fclose(f);
        f = open_file(argv[1], seed, "json");
        write_values(f, &n, &r);
        fclose(f);
        network_release(&n);
        make_free(model);
        free(data);
        left--;
    }
    return 0;
}
