/* test/tools/write_zoo.c -- writes networks of test/zoo/zoo.h as DIRECTORY/NAME_SIZE_FORM.onnx.
 *
 * usage: write_zoo [--out DIRECTORY] [--form float|folded|qdq] [--size PIXELS] [--classes N]
 *                  [--thin N] [--opset N] [--seed N] [--rounded-add] [--norm-nodes] [NAME...]
 * No name: all. A network that does not take so many pixels gets the next fewer.
 * Defaults: build/zoo, float, 224 pixels, 1000 classes, thin 1, opset 13, seed 1.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "test/zoo/zoo.h"

static const char *const forms[] = {[ZOO_FLOAT] = "float", [ZOO_FOLDED] = "folded",
                                    [ZOO_QDQ] = "qdq"};

enum { N_FORM = sizeof forms / sizeof *forms };

static _Noreturn void refuse(const char *what, const char *value)
{
    fprintf(stderr, "write_zoo: %s: %s\n", value, what);
    exit(2);
}

static uint32_t number(const char *text, uint32_t least, uint32_t most)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (*end || end == text || v < least || v > most) {
        fprintf(stderr, "write_zoo: %s: want %" PRIu32 " to %" PRIu32 "\n", text, least, most);
        exit(2);
    }
    return (uint32_t)v;
}

static enum zoo_form form(const char *text)
{
    for (int i = 0; i < N_FORM; i++)
        if (strcmp(text, forms[i]) == 0)
            return (enum zoo_form)i;
    refuse("want float, folded or qdq", text);
}

static void write_one(const char *dir, const char *name, struct zoo_cfg cfg)
{
    char path[4096];
    size_t size;

    cfg.size = zoo_size(name, cfg.size);
    Onnx__ModelProto *model = zoo_make(name, &cfg);

    if (!model)
        refuse("no such network", name);
    uint8_t *bytes = make_packed(model, &size);
    make_free(model);
    snprintf(path, sizeof path, "%s/%s_%" PRIu32 "_%s.onnx", dir, name, cfg.size,
             forms[cfg.form]);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
        refuse(strerror(errno), path);
    free(bytes);
    printf("%s: %zu bytes\n", path, size);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"out", 1, NULL, 'o'},     {"form", 1, NULL, 'f'},    {"size", 1, NULL, 's'},
        {"classes", 1, NULL, 'c'}, {"thin", 1, NULL, 't'},    {"opset", 1, NULL, 'v'},
        {"seed", 1, NULL, 'r'},    {"rounded-add", 0, NULL, 'a'}, {"norm-nodes", 0, NULL, 'n'},
        {NULL, 0, NULL, 0}};
    struct zoo_cfg cfg = zoo_defaults();
    const char *dir = "build/zoo";

    for (int c; (c = getopt_long(argc, argv, "o:", options, NULL)) != -1;) {
        switch (c) {
        case 'o': dir = optarg; break;
        case 'f': cfg.form = form(optarg); break;
        case 's': cfg.size = number(optarg, 32, 4096); break;
        case 'c': cfg.classes = number(optarg, 1, 65536); break;
        case 't': cfg.thin = number(optarg, 1, 1024); break;
        case 'v': cfg.opset = number(optarg, 7, 20); break;
        case 'r': cfg.seed = number(optarg, 0, UINT32_MAX); break;
        case 'a': cfg.rounded_add = true; break;
        case 'n': cfg.norm_nodes = true; break;
        default: return 2;
        }
    }
    if (cfg.form == ZOO_QDQ && cfg.opset < 13)
        refuse("qdq wants an opset of 13 at least", "--opset");
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        refuse(strerror(errno), dir);
    for (uint32_t i = 0; zoo_name(i) && optind == argc; i++)
        write_one(dir, zoo_name(i), cfg);
    for (int i = optind; i < argc; i++)
        write_one(dir, argv[i], cfg);
    return 0;
}
