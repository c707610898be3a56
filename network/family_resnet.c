/* network/family_resnet.c -- the built-in family resnet-cifar, docs/accelerator.md, section 1.
 *
 * One convolution, then for every stage `blocks` blocks of two 3x3 convolutions around which a
 * residual runs, then global average pooling and a fully connected layer. The first block of each
 * stage but the first halves the map; there the residual passes a 1x1 convolution of stride 2, rs1,
 * rs2 and so on. A map of odd size h becomes ceil(h / 2) on both ways:
 *
 *     3x3, pad 1:  floor((h + 2 - 3) / 2) + 1 = ceil(h / 2)
 *     1x1, pad 0:  floor((h - 1) / 2) + 1     = ceil(h / 2)
 */
#include "network/family.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEPTH = 65536, MOST_SIZE = 4096, MOST_STAGES = 13, MOST_CHANNELS = 65536 };

static enum err check_cfg(const struct resnet_cifar_cfg *cfg, struct err_msg *m)
{
    if (cfg->n_stage < 1 || cfg->n_stage > MOST_STAGES)
        return err_set(m, ERR_INPUT, "network.channels has %" PRIu32 " stages: want 1 to %d",
                       cfg->n_stage, MOST_STAGES);
    uint32_t per_block = 2 * cfg->n_stage;
    uint32_t least_size = cfg->n_stage > 1 ? (UINT32_C(1) << (cfg->n_stage - 2)) + 1 : 1;
    if (cfg->depth < 2 + per_block || cfg->depth > MOST_DEPTH || (cfg->depth - 2) % per_block)
        return err_set(m, ERR_INPUT,
                       "network.depth = %" PRIu32 ": want 2 + %" PRIu32 " * blocks, %" PRIu32
                       " to %" PRIu32, cfg->depth, per_block, 2 + per_block,
                       MOST_DEPTH - (MOST_DEPTH - 2) % per_block);
    if (cfg->size < least_size || cfg->size > MOST_SIZE)
        return err_set(m, ERR_INPUT, "network.size = %" PRIu32 ": want %" PRIu32 " to %d, so that "
                       "each of %" PRIu32 " stages but the first can halve its map", cfg->size,
                       least_size, MOST_SIZE, cfg->n_stage);
    for (uint32_t i = 0; i < cfg->n_stage; i++)
        if (cfg->channels[i] < 1 || cfg->channels[i] > MOST_CHANNELS)
            return err_set(m, ERR_INPUT, "network.channels[%" PRIu32 "] = %" PRIu32 ": want 1 to "
                           "%d", i, cfg->channels[i], MOST_CHANNELS);
    if (cfg->classes < 1 || cfg->classes > MOST_CHANNELS)
        return err_set(m, ERR_INPUT, "network.classes = %" PRIu32 ": want 1 to %d", cfg->classes,
                       MOST_CHANNELS);
    return ERR_NONE;
}

/* Two convolutions from `input`; returns the second. */
static uint32_t append_block(struct family *b, uint32_t input, uint32_t stage, bool first,
                             uint32_t channels, uint32_t *n_conv)
{
    struct layer *layer = b->network->layer;
    bool halves = first && stage > 0;
    uint32_t residual = input;

    if (halves)
        residual = family_conv(b, family_name("rs", stage), input, channels, 1, 2);
    if (halves)
        layer[residual].out_signed = true;
    uint32_t one = family_conv(b, family_name("conv", ++*n_conv), input, channels, 3,
                               halves ? 2 : 1);
    uint32_t two = family_conv(b, family_name("conv", ++*n_conv), one, channels, 3, 1);
    layer[one].relu = layer[two].relu = true;
    layer[two].has_residual = true;
    layer[two].residual = residual;
    return two;
}

static void append_all(struct family *b, const struct resnet_cifar_cfg *cfg)
{
    struct network *n = b->network;
    uint32_t blocks = (cfg->depth - 2) / (2 * cfg->n_stage), n_conv = 1;

    family_image(b, cfg->size);
    uint32_t last = family_conv(b, family_name("conv", 1), 0, cfg->channels[0], 3, 1);
    n->layer[last].relu = true;
    for (uint32_t stage = 0; stage < cfg->n_stage; stage++)
        for (uint32_t i = 0; i < blocks; i++)
            last = append_block(b, last, stage, i == 0, cfg->channels[stage], &n_conv);
    n->layer[last].pooled = true;

    last = family_conv(b, strdup("fc"), last, cfg->classes, 1, 1);
    n->layer[last].kind = LAYER_GEMM;
    n->layer[last].raw_output = true;
    n->layer[last].out_signed = true;
}

enum err network_resnet_cifar(struct network *n, const struct resnet_cifar_cfg *cfg,
                              struct err_msg *m)
{
    *n = (struct network){0};
    enum err e = check_cfg(cfg, m);
    if (e)
        return e;

    struct family b = {.network = n};
    uint32_t n_layer = 1 + cfg->depth + (cfg->n_stage - 1);
    if ((e = family_begin(&b, "resnet-cifar-", cfg->depth, n_layer, m)))
        return e;
    append_all(&b, cfg);
    return family_end(&b, n_layer, m);
}
