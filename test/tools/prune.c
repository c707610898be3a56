/* Zeroes the weakest filter of each convolution of a float ONNX model: the one whose squares add up
 * to least; its bias too.
 *
 * usage: prune MODEL.onnx PRUNED.onnx     prints how many filters */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx.pb-c.h"

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "prune: cannot %s\n", what);
    exit(1);
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");

    must(f && fseek(f, 0, SEEK_END) == 0, path);
    long n = ftell(f);
    must(n > 0, path);
    rewind(f);
    uint8_t *bytes = malloc((size_t)n);
    must(bytes && fread(bytes, 1, (size_t)n, f) == (size_t)n, path);
    fclose(f);
    *size = (size_t)n;
    return bytes;
}

/* Its floats; NULL where it is none of the graph's constants. */
static float *values(const Onnx__GraphProto *g, const char *name, size_t *n, size_t *rows)
{
    for (size_t i = 0; i < g->n_initializer; i++) {
        Onnx__TensorProto *t = g->initializer[i];
        if (strcmp(t->name, name) != 0 || t->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ||
            t->n_dims == 0)
            continue;
        *rows = (size_t)t->dims[0];
        *n = t->has_raw_data ? t->raw_data.len / sizeof(float) : t->n_float_data;
        return t->has_raw_data ? (float *)(void *)t->raw_data.data : t->float_data;
    }
    return NULL;
}

static bool prune(const Onnx__GraphProto *g, const Onnx__NodeProto *node)
{
    size_t n, outputs, n_bias, unused, weakest = 0;
    float *w = node->n_input > 1 ? values(g, node->input[1], &n, &outputs) : NULL;
    float *b = node->n_input > 2 ? values(g, node->input[2], &n_bias, &unused) : NULL;
    double least = 0;

    if (!w || outputs == 0)
        return false;
    for (size_t o = 0; o < outputs; o++) {
        double sum = 0;
        for (size_t i = 0; i < n / outputs; i++)
            sum += (double)w[o * (n / outputs) + i] * (double)w[o * (n / outputs) + i];
        if (o == 0 || sum < least) {
            least = sum;
            weakest = o;
        }
    }
    memset(w + weakest * (n / outputs), 0, n / outputs * sizeof *w);
    if (b)
        b[weakest] = 0;
    return true;
}

int main(int argc, char **argv)
{
    size_t size, filters = 0;

    must(argc == 3, "go on: usage: prune MODEL.onnx PRUNED.onnx");
    uint8_t *bytes = read_file(argv[1], &size);
    Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, size, bytes);
    must(m && m->graph, "read it: want an ONNX model");
    for (size_t i = 0; i < m->graph->n_node; i++)
        if (strcmp(m->graph->node[i]->op_type, "Conv") == 0)
            filters += prune(m->graph, m->graph->node[i]);
    free(bytes);
    size = onnx__model_proto__get_packed_size(m);
    bytes = malloc(size);
    must(bytes, "have memory");
    onnx__model_proto__pack(m, bytes);
    FILE *f = fopen(argv[2], "wb");
    must(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0, argv[2]);
    printf("%zu filters\n", filters);
    free(bytes);
    onnx__model_proto__free_unpacked(m, NULL);
    return 0;
}
