/* cli/pricing.c -- see pricing.h. */
#include "cli/pricing.h"

#include <stdio.h>
#include <string.h>

bool pricing_wanted(const struct config *c)
{
    return strcmp(c->energy.chip, "none") != 0;
}

enum err pricing(struct price_report *r, const struct study *s, const struct run_result *result,
                 struct err_msg *m)
{
    const struct energy_cfg *energy = &s->config.energy;
    const struct price_run run = { .core = result->core,
                                   .stream_bits = result->stream_bits,
                                   .n_image = result->n_image,
                                   .timesteps = result->total_timesteps };
    char device[128], chip[128];
    struct chip_model model;
    enum err e;

    *r = (struct price_report){ 0 };
    if (!pricing_wanted(&s->config))
        return err_set(m, ERR_INPUT, "%.400s: energy.chip = none: want a file of configs/chips, "
                       "such as dazzi2021_14nm", config_where(&s->config, "energy.chip"));
    snprintf(device, sizeof device, "configs/devices/%s.yaml", energy->device);
    snprintf(chip, sizeof chip, "configs/chips/%s.yaml", energy->chip);
    if ((e = chip_model_load(&model, energy->technology, device, chip, m)))
        return e;
    return price(&model, &s->plan, &run, r, m);
}
