/* network/family_vgg.c -- the built-in family vgg-cifar: in each stage as many 3x3 convolutions as
 * the depth asks for and a 2x2 maximum, then two fully connected layers, the first with twice the
 * channels of the last stage. VGG-8 (Lu et al. 2021) is depth 8 with 128, 256 and 512 channels. */
#include "network/family.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "core/util.h"

enum { MOST_DEPTH = 65536, MOST_SIZE = 4096, MOST_STAGES = 12, MOST_CHANNELS = 10922 };

static enum err check_cfg(const struct vgg_cifar_cfg *cfg, struct err_msg *m)
{
    uint32_t stages = cfg->n_stage, least = max_u32(4, 2 + stages);

    if (stages < 1 || stages > MOST_STAGES)
        return err_set(m, ERR_INPUT, "network.channels has %" PRIu32 " stages: want 1 to %d",
                       stages, MOST_STAGES);
    if (cfg->depth < least || cfg->depth > MOST_DEPTH || (cfg->depth - 2) % stages)
        return err_set(m, ERR_INPUT, "network.depth = %" PRIu32 ": want 2 + %" PRIu32
                       " * convolutions, %" PRIu32 " to %" PRIu32, cfg->depth, stages, least,
                       MOST_DEPTH - (MOST_DEPTH - 2) % stages);
    if (cfg->size >> stages == 0 || cfg->size > MOST_SIZE)
        return err_set(m, ERR_INPUT, "network.size = %" PRIu32 ": want %" PRIu32 " to %d, so that "
                       "each of %" PRIu32 " stages can halve its map", cfg->size,
                       UINT32_C(1) << stages, MOST_SIZE, stages);
    for (uint32_t i = 0; i < stages; i++)
        if (cfg->channels[i] < 1 || cfg->channels[i] > MOST_CHANNELS)
            return err_set(m, ERR_INPUT, "network.channels[%" PRIu32 "] = %" PRIu32 ": want 1 to "
                           "%d", i, cfg->channels[i], MOST_CHANNELS);
    if (cfg->classes < 1 || cfg->classes > 65536)
        return err_set(m, ERR_INPUT, "network.classes = %" PRIu32 ": want 1 to 65536",
                       cfg->classes);
    return ERR_NONE;
}

static void append_all(struct family *f, const struct vgg_cifar_cfg *cfg)
{
    struct layer *layer = f->network->layer;
    uint32_t convs = (cfg->depth - 2) / cfg->n_stage, last = 0, n_conv = 0;

    family_image(f, cfg->size);
    for (uint32_t stage = 0; stage < cfg->n_stage; stage++) {
        for (uint32_t i = 0; i < convs; i++) {
            last = family_conv(f, family_name("conv", ++n_conv), last, cfg->channels[stage], 3, 1);
            layer[last].relu = true;
        }
        last = family_max_pool(f, family_name("pool", stage + 1), last);
    }
    last = family_full(f, strdup("fc1"), last, 2 * cfg->channels[cfg->n_stage - 1]);
    layer[last].relu = true;
    last = family_full(f, strdup("fc2"), last, cfg->classes);
    layer[last].raw_output = true;
    layer[last].out_signed = true;
}

enum err network_vgg_cifar(struct network *n, const struct vgg_cifar_cfg *cfg, struct err_msg *m)
{
    struct family f = { .network = n };
    uint32_t n_layer = 1 + cfg->depth + cfg->n_stage;
    enum err e;

    *n = (struct network){ 0 };
    if ((e = check_cfg(cfg, m)) || (e = family_begin(&f, "vgg-cifar-", cfg->depth, n_layer, m)))
        return e;
    append_all(&f, cfg);
    return family_end(&f, n_layer, m);
}
