/* bench/bench_crossbar.c -- ns of one matrix-vector product, of bytes and of bits, and of one
 * digital_process(), for every kernel this machine has and the matrix sizes of ResNet-32 (Dazzi et
 * al. 2021, Table 2) and a few larger; then us of an image in a layer of bytes and of one of bits,
 * of sixteen images at a time. The fastest of several rounds is printed. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "arch/units/crossbar.h"
#include "arch/units/digital.h"
#include "network/values/values.h"

enum { MOST_ROWS = 8192, MOST_COLUMNS = 8192, ROUNDS = 7 };

static const uint64_t macs_per_round = 30 * 1000 * 1000;

static const uint32_t size[][2] = {
    // rows, columns
    { 27, 16 },  { 144, 16 },  { 16, 28 },   { 144, 28 },    { 252, 28 },    { 28, 56 },
    { 252, 56 }, { 256, 256 }, { 512, 512 }, { 1024, 1024 }, { 8192, 8192 },
};

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); // of this process: others do not count
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

struct buffers {
    int8_t weight[MOST_ROWS * MOST_COLUMNS];
    uint8_t in[MOST_ROWS], out[MOST_COLUMNS];
    int32_t acc[MOST_COLUMNS];
    uint32_t m[MOST_COLUMNS];
    int64_t b[MOST_COLUMNS], mr[MOST_COLUMNS];
    uint8_t shift[MOST_COLUMNS];
};

static double mvm_ns(const struct crossbar *x, struct buffers *k, struct input_counts *counts)
{
    uint64_t n = 1 + macs_per_round / ((uint64_t)x->rows * x->columns);
    double best = 1e300;

    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (uint64_t i = 0; i < n; i++) {
            crossbar_mvm(x, k->in, k->acc);
            if (counts)
                crossbar_count(x, k->in, counts);
        }
        double took = (now_ns() - start) / (double)n;
        best = took < best ? took : best;
    }
    return best;
}

/* Of inputs 0 and 1 and weights +-1; 0 without memory. */
static double bits_ns(struct buffers *k, const char *kernel, uint32_t rows, uint32_t columns)
{
    struct crossbar x;
    size_t n = (size_t)rows * columns;
    int8_t *weight = malloc(n);
    double ns = 0;

    for (size_t i = 0; weight && i < n; i++)
        weight[i] = k->weight[i] % 2 ? 1 : -1;
    if (weight && crossbar_init(&x, rows, columns, weight, false, kernel)) {
        if (crossbar_take_bits(&x, weight, kernel))
            ns = mvm_ns(&x, k, NULL);
        crossbar_release(&x);
    }
    free(weight);
    return ns;
}

static double digital_ns(const struct digital *d, struct buffers *k, const uint8_t *residual)
{
    uint64_t n = 1 + macs_per_round / (100 * (uint64_t)d->n);
    double best = 1e300;

    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (uint64_t i = 0; i < n; i++)
            digital_process(d, k->acc, residual, k->out);
        double took = (now_ns() - start) / (double)n;
        best = took < best ? took : best;
    }
    return best;
}

static int print_row(struct buffers *k, const char *kernel, uint32_t rows, uint32_t columns)
{
    struct input_counts a = { 0 };
    struct digital d = {
        .n = columns, .m = k->m, .b = k->b, .mr = k->mr, .shift = k->shift, .high = 255
    };
    struct crossbar x;

    if (!crossbar_init(&x, rows, columns, k->weight, false, kernel) ||
        !digital_select(&d, kernel)) {
        fprintf(stderr, "no memory or no kernel %s\n", kernel);
        return EXIT_FAILURE;
    }
    double plain = mvm_ns(&x, k, NULL), counted = mvm_ns(&x, k, &a);
    printf("%-10s %5u x %-5u %12.1f %12.1f %12.1f %12.1f %12.1f\n", kernel, rows, columns, plain,
           counted, bits_ns(k, kernel, rows, columns), digital_ns(&d, k, NULL),
           digital_ns(&d, k, k->in));
    crossbar_release(&x);
    return EXIT_SUCCESS;
}

/* ---- layers ---- */

static const struct {
    uint32_t side, kernel, channels; // of the map, the window, what it reads and delivers
} layer_size[] = { { 28, 3, 16 },  { 28, 3, 32 },  { 28, 3, 64 },  { 28, 3, 128 },
                   { 1, 1, 32 },  { 1, 1, 64 },  { 1, 1, 128 },  { 1, 1, 256 },
                   { 1, 1, 512 }, { 1, 1, 1024 } };

/* us of an image in layer 1 of a network; 0 without memory. */
static double image_us(const struct network *n, const char *kernel, const uint8_t *image)
{
    struct values *v = values_new_whole(n, kernel, NULL);
    struct value_lanes *l = v ? value_lanes_new(v) : NULL;
    uint64_t times = 1 + macs_per_round / (VALUE_LANES * layer_kernel_rows(&n->layer[1]) *
                                           n->layer[1].out.height * n->layer[1].out.width *
                                           (uint64_t)n->layer[1].out.channels);
    double best = 1e300;

    for (int round = -1; l && round < ROUNDS; round++) { // the first is not measured
        value_lanes_take(l, image, VALUE_LANES, NULL);
        if (round < 0)
            value_lanes_layer(l, 0, NULL);
        double start = now_ns();
        for (uint64_t i = 0; i < times; i++)
            value_lanes_layer(l, 1, NULL);
        double took = (now_ns() - start) / (double)(times * VALUE_LANES) * 1e-3;
        best = took < best ? took : best;
    }
    value_lanes_free(l);
    values_free(v);
    return best < 1e300 ? best : 0;
}

/* Of bytes or of bits. */
static double layer_us(struct buffers *k, const char *kernel, size_t at, bool bits)
{
    uint32_t side = layer_size[at].side, window = layer_size[at].kernel, pad = window / 2;
    uint32_t channels = layer_size[at].channels, input = 0;
    const struct shape shape = { side, side, channels };
    size_t weights = (size_t)window * window * channels * channels;
    size_t pixels = (size_t)VALUE_LANES * side * side * channels;
    int8_t *weight = malloc(weights);
    uint8_t *image = malloc(pixels);
    struct layer layer[2] = {
        { .groups = 1, .value_bits = bits, .out = shape },
        { .groups = 1, .kind = LAYER_CONV, .input = &input, .n_input = 1, .in = shape,
          .out = shape, .value_bits = bits, .weight = weight,
          .window = { .kernel = { window, window }, .stride = { 1, 1 }, .dilation = { 1, 1 },
                      .pad_before = { pad, pad }, .pad_after = { pad, pad } },
          .requant = { .m = k->m, .b = k->b, .shift = k->shift, .high = bits ? 1 : 255 } }
    };
    const struct network n = { .layer = layer, .n_layer = 2, .has_values = true };
    double us = 0;

    for (size_t i = 0; weight && i < weights; i++)
        weight[i] = bits ? (k->weight[i] % 2 ? 1 : -1) : k->weight[i];
    for (size_t i = 0; image && i < pixels; i++)
        image[i] = (uint8_t)(bits ? k->in[i % MOST_ROWS] % 2 : k->in[i % MOST_ROWS]);
    if (weight && image)
        us = image_us(&n, kernel, image);
    free(weight);
    free(image);
    return us;
}

static void print_layers(struct buffers *k)
{
    printf("\n%-10s %22s %12s %12s %12s\n", "kernel", "layer", "bytes us", "bits us", "bytes/bits");
    for (const char *const *kernel = crossbar_kernels(); kernel[1]; kernel++) // but of plain C
        for (size_t i = 0; i < sizeof layer_size / sizeof *layer_size; i++) {
            double bytes = layer_us(k, *kernel, i, false), bits = layer_us(k, *kernel, i, true);
            printf("%-10s %2u x %-2u, %u x %u, %5u %12.3f %12.3f %12.2f\n", *kernel,
                   layer_size[i].side, layer_size[i].side, layer_size[i].kernel,
                   layer_size[i].kernel, layer_size[i].channels, bytes, bits, bytes / bits);
        }
}

int main(void)
{
    struct buffers *k = calloc(1, sizeof *k);
    int status = k ? EXIT_SUCCESS : EXIT_FAILURE;

    if (!k)
        return status;
    for (size_t i = 0; i < sizeof k->weight; i++)
        k->weight[i] = (int8_t)(i * 37 % 251);
    for (size_t i = 0; i < MOST_ROWS; i++)
        k->in[i] = (uint8_t)(i % 3 ? i * 31 : 0);
    for (size_t i = 0; i < MOST_COLUMNS; i++) {
        k->m[i] = (uint16_t)(i * 977);
        k->mr[i] = 1 << 20;
        k->shift[i] = 20;
    }
    printf("%-10s %13s %12s %12s %12s %12s %12s\n", "kernel", "size", "mvm ns", "with counts",
           "of bits", "digital ns", "with residual");
    for (const char *const *kernel = crossbar_kernels(); *kernel && status == EXIT_SUCCESS;
         kernel++)
        for (size_t i = 0; i < sizeof size / sizeof size[0] && status == EXIT_SUCCESS; i++)
            status = print_row(k, *kernel, size[i][0], size[i][1]);
    if (status == EXIT_SUCCESS)
        print_layers(k);
    free(k);
    return status;
}
