/* test/tools/exact_arrays.c -- every combination of cell, slices of inputs, rows at once and
 * readout whose codes are the sums gives the scores of the plain array, bit for bit: both trained
 * networks, 16 images each, whose values travel through the chip's arrays.
 *
 *     exact_arrays [FIRST [STEP]]      combinations FIRST, FIRST + STEP, ...; exit status 1 if one
 *                                      differs
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/chip.h"
#include "network/onnx/read.h"
#include "traces/images.h"

#define IMAGES "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

enum { N_IMAGE = 16, N_CLASS = 10, IMAGE_BYTE = 32 * 32 * 3, MOST_SET = 12 };

static const char *const configs[] = { "configs/resnet32_fmnist.yaml",
                                       "configs/resnet32_cifar10.yaml" };
static const char *const slices[] = { "1", "2", "3", "5", "8" };
static const char *const groups[] = { "0", "1", "7", "100" };
static const char *const codes[][3] = {
    { "core.readout.kind=exact" },
    { "core.readout.kind=charge" },
    { "core.readout.kind=adc", "core.readout.bits=24", "core.readout.range=8388607" },
};
enum { N_CELL = 3 + 8 + 9, N_SLICE = 5, N_GROUP = 4, N_READOUT = 3,
       N_MACHINE = N_CELL * N_SLICE * N_GROUP * N_READOUT };

struct settings { // "key=value", as many as it takes
    char        text[MOST_SET][64];
    const char *set[MOST_SET];
    size_t      n;
};

static void put(struct settings *s, const char *key, const char *value)
{
    snprintf(s->text[s->n], sizeof s->text[s->n], "%s%s", key, value);
    s->set[s->n] = s->text[s->n];
    s->n++;
}

/* Differential, its devices apart, SRAM; sliced signed of 0 to 7 bits, with an offset of 0 to 8. */
static void put_cell(struct settings *s, uint32_t cell)
{
    char bits[12];

    if (cell < 3) {
        put(s, "core.crossbar.cell=", cell == 2 ? "sram" : "differential");
        if (cell == 1)
            put(s, "core.readout.separate=yes", "");
        return;
    }
    bool offset = cell >= 3 + 8;
    snprintf(bits, sizeof bits, "%" PRIu32, offset ? cell - 11 : cell - 3);
    put(s, "core.crossbar.cell=sliced", "");
    put(s, "core.crossbar.cell_bits=", bits);
    put(s, "core.crossbar.scheme=", offset ? "offset" : "signed");
}

static struct settings settings_of(uint32_t i)
{
    struct settings s = { .n = 0 };

    put(&s, "chip.cores=65536", "");
    put_cell(&s, i / (N_SLICE * N_GROUP * N_READOUT));
    put(&s, "core.crossbar.input_slice_bits=", slices[i / (N_GROUP * N_READOUT) % N_SLICE]);
    put(&s, "core.crossbar.rows_at_once=", groups[i / N_READOUT % N_GROUP]);
    for (size_t k = 0; k < 3 && codes[i % N_READOUT][k]; k++)
        put(&s, codes[i % N_READOUT][k], "");
    return s;
}

static void must(enum err e, const struct err_msg *m)
{
    if (!e)
        return;
    fprintf(stderr, "%s\n", m->text);
    exit(2);
}

static void read_images(int8_t *pixels)
{
    const struct images_shape shape = { 32, 32, 3 };
    struct images *set;
    struct err_msg m;
    uint32_t label;
    int more;

    must(images_open(&set, IMAGES, shape, N_CLASS, &m), &m);
    for (int i = 0; i < N_IMAGE; i++)
        must(images_next(set, pixels + i * IMAGE_BYTE, &label, &more, &m), &m);
    images_close(set);
}

/* All images side by side in one chip. */
static void scores(const char *config, const struct settings *s, const struct network *n,
                   const int8_t *pixels, int64_t of[N_IMAGE * N_CLASS])
{
    struct config c;
    struct plan plan;
    struct chip_result r;
    struct err_msg m;

    must(config_load(&c, config, s->set, s->n, &m), &m);
    must(plan_make(&plan, n, &c, &m), &m);
    const struct chip_cfg cfg = { .plan = &plan, .planes = { .n = N_IMAGE } };
    struct chip *chip = chip_new(&cfg);
    if (!chip || !chip_inject(chip, pixels))
        exit(2);
    must(chip_run(chip, (int64_t)plan.time.first_result + 1, &m), &m);
    if (!chip_result(chip, &r))
        exit(2);
    memcpy(of, r.value, N_IMAGE * N_CLASS * sizeof *of);
    chip_free(chip);
    plan_release(&plan);
    config_release(&c);
}

int main(int argc, char **argv)
{
    uint32_t first = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    uint32_t step = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
    static int8_t pixels[N_IMAGE * IMAGE_BYTE];
    const struct settings none = { .text = { "chip.cores=65536" }, .set = { "chip.cores=65536" },
                                   .n = 1 };
    unsigned n = 0, differ = 0;

    read_images(pixels);
    for (size_t k = 0; k < 2; k++) {
        int64_t plain[N_IMAGE * N_CLASS], other[N_IMAGE * N_CLASS];
        struct config c;
        struct network network;
        struct err_msg m;
        must(config_load(&c, configs[k], NULL, 0, &m), &m);
        must(network_load_onnx(&network, c.network.onnx, &m), &m);
        scores(configs[k], &none, &network, pixels, plain);
        for (uint32_t i = first; i < N_MACHINE; i += step > 0 ? step : 1) {
            const struct settings s = settings_of(i);
            scores(configs[k], &s, &network, pixels, other);
            n++;
            if (memcmp(plain, other, sizeof plain) == 0)
                continue;
            differ++;
            printf("FAIL  %s:", configs[k]);
            for (size_t t = 1; t < s.n; t++)
                printf(" %s", s.set[t]);
            printf("\n");
        }
        network_release(&network);
        config_release(&c);
    }
    printf("%u combinations, %u differ\n", n, differ);
    return differ > 0;
}
