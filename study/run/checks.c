/* study/run/checks.c -- what a run cannot be: why, and what else would do. */
#include "study/run/job.h"

#include "network/precision.h"

/* Where values can only be computed layer by layer: why they are not, and what else would do. */
static enum err check_layers(const struct plan *p, const struct run_cfg *cfg, const char *whose,
                             const char *otherwise, struct err_msg *m)
{
    const struct config *c = p->config;
    const struct {
        bool        differs;
        const char *key, *value, *why, *cure;
    } reasons[] = {
        { cfg->timed_values, "--values", "timed", "", "--values layer" },
        { cfg->n_state > 0, "core.crossbar.device = ", c->crossbar.device,
          ", whose weights drift", "--set core.crossbar.device=ideal" },
        { !run_computes_layers(p, cfg->ranges), "core.readout.kind = ", c->readout.kind,
          ", whose codes can clip", "--set core.readout.kind=exact" },
    };

    for (size_t i = 0; run_has_values(cfg) && i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].differs)
            return err_set(m, ERR_INPUT, "%s%s%.60s%s: values %s are computed layer by layer "
                           "and exactly: want %s%s", reasons[i].key, i == 0 ? " " : "",
                           reasons[i].value, reasons[i].why, whose, reasons[i].cure, otherwise);
    return ERR_NONE;
}

/* Of a machine in one pass no chip is stepped. */
static enum err check_pass(const struct plan *p, const struct run_cfg *cfg, struct err_msg *m)
{
    if (!is_one_pass(p))
        return ERR_NONE;
    enum err e = check_layers(p, cfg, "under clocking.kind = combinational",
                              ", or --set clocking.kind=timestep", m);
    if (e)
        return e;
    if (cfg->stepped || cfg->probe || cfg->kernel != KERNEL_NATIVE)
        return err_set(m, ERR_INPUT, "clocking.kind = combinational: all layers work in one pass, "
                       "and there is nothing to step or to draw: want no --timing chip, no "
                       "--trace, no --timeline and --kernel native, or clocking.kind = timestep");
    return ERR_NONE;
}

static enum err check_elastic(const struct plan *p, const struct run_cfg *cfg, struct err_msg *m)
{
    if (!is_elastic(p))
        return ERR_NONE;
    return check_layers(p, cfg, "under clocking.kind = elastic",
                        ", or --set clocking.kind=timestep", m);
}

static enum err check_event_run(const struct plan *p, const struct run_cfg *cfg, struct err_msg *m)
{
    if (!run_has_values(cfg))
        return err_set(m, ERR_INPUT, "core.kind = event: event cores work when spikes come: want "
                       "images, event recordings or others (--images random where there are none)");
    if (cfg->timed_values || cfg->n_state > 0 || cfg->probe)
        return err_set(m, ERR_INPUT, "core.kind = event: event cores have neither waveforms nor "
                       "values in timesteps: want core.kind = imc for them");
    if (p->network->present.coding->periodic)
        return err_set(m, ERR_INPUT, "input.coding = %s: its steps weigh differently, and a spike "
                       "is an address: want rate, events or bernoulli",
                       p->network->present.coding->name);
    return ERR_NONE;
}

enum err run_check(const struct plan *p, const struct run_cfg *cfg, struct err_msg *m)
{
    if (has_event_cores(p))
        return check_event_run(p, cfg, m);
    enum err e = check_elastic(p, cfg, m);
    if (!e)
        e = check_pass(p, cfg, m);
    if (!e && network_is_spiking(p->network))
        e = check_layers(p, cfg, "of neurons", "", m);
    return e;
}
