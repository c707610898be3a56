/* study/measure.c -- see measure.h. */
#include "study/measure.h"

#include "study/calibrate.h"
#include "study/pricing.h"

enum err measured_place(struct measured *d, const struct study *s, struct run_cfg *cfg,
                        placement_progress *progress, void *user, struct err_msg *m)
{
    if (config_clocking(&s->config) != CLOCKING_ELASTIC || !study_is_placed(s))
        return ERR_NONE;
    enum err e = study_place(&d->placed, s, progress, user, m);
    d->places = (struct elastic_places){ &d->placed.graph, d->placed.placement.node };
    cfg->places = &d->places;
    return e;
}

enum err measured_run(struct measured *d, const struct study *s, const struct run_cfg *cfg,
                      struct err_msg *m)
{
    struct run_cfg own = *cfg; // with ranges of converters, for both runs
    struct ranges ranges = { 0 };

    *d = (struct measured){ .on_analog = s->analog.device != NULL };
    enum err e = analog_check(s, cfg, m);
    if (!e && run_has_values(cfg) && calibrate_wanted(&s->plan)) {
        e = calibrate(&ranges, &s->plan, cfg, m);
        own.ranges = &ranges;
    }
    if (!e)
        e = measured_place(d, s, &own, NULL, NULL, m);
    if (!e)
        e = run(&s->plan, &own, &d->run, m);
    if (!e && own.ranges)
        e = calibrate_keep(&d->run, &s->plan, own.ranges, m);
    if (!e && d->on_analog)
        e = analog_run(s, &own, &d->run, &d->analog, m);
    d->has_codes = !e && !d->on_analog && codes_cost_wanted(&s->plan, &d->run);
    if (d->has_codes)
        e = codes_cost(&d->codes, &s->plan, &own, &d->run, m);
    ranges_release(&ranges);
    if (e)
        measured_release(d);
    return e;
}

static enum err price_events(struct measured *d, const struct study *s, struct err_msg *m)
{
    struct event_chip chip;
    enum err e = event_chip_load(&chip, s->config.energy.chip, m);

    if (e)
        err_prefix(m, config_where(&s->config, "energy.chip"));
    else
        event_price(&d->event_price, &chip, d->run.event, d->run.n_image);
    return e;
}

enum err measured_price(struct measured *d, const struct study *s, struct err_msg *m)
{
    const bool wanted = pricing_wanted(&s->config);
    enum err e = ERR_NONE;

    d->is_priced = wanted && !d->run.event && run_counts_all(&s->plan);
    d->events_priced = wanted && d->run.event;
    if (d->is_priced)
        e = pricing(&d->price, s, &d->run, m);
    else if (d->events_priced)
        e = price_events(d, s, m);
    if (e)
        measured_release(d);
    return e;
}

void measured_release(struct measured *d)
{
    price_report_release(&d->price);
    analog_result_release(&d->analog);
    run_result_release(&d->run);
    placed_release(&d->placed);
    *d = (struct measured){ .on_analog = false };
}
