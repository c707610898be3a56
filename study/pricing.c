/* study/pricing.c -- see pricing.h. */
#include "study/pricing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/elastic/elastic.h"
#include "arch/cost/relative.h"
#include "arch/cost/router_unit.h"
#include "arch/cost/token_unit.h"
#include "core/util.h"
#include "dataflow/policies.h"
#include "dataflow/plan/tokens.h"
#include "network/precision.h"
#include "study/activity.h"

bool pricing_wanted(const struct config *c)
{
    return strcmp(c->energy.chip, "none") != 0;
}

/* Whether bits of SRAM cells are added as they are. */
static bool is_digital(const struct array_spec *a)
{
    return a->cell == &cell_sram && a->adc_bits == 0 && !a->readout->codes;
}

/* Cells of SRAM are priced as such, whatever the default device. */
static const char *device_of(const struct config *c, const struct array_spec *a)
{
    bool said = strcmp(config_where(c, "energy.device"), "default") != 0;

    return a->cell == &cell_sram && !said ? "sram" : c->energy.device;
}

/* energy.converter, where it is said. */
static enum err choose_converter(struct chip_model *model, const struct config *c,
                                 const struct array_spec *a, struct err_msg *m)
{
    static const enum adc_kind of[] = {
        [ADC_CSA] = CONVERTER_CSA, [ADC_VSA] = CONVERTER_VSA, [ADC_SAR] = CONVERTER_SAR,
        [ADC_CCO] = CONVERTER_CCO,
    };

    if (c->energy.converter == ADC_AUTO) {
        if (model->converter == PRICE_CONVERTER_CIRCUITS && model->device.sram && is_digital(a))
            model->adc = CONVERTER_TREE;
        return ERR_NONE;
    }
    if (model->converter != PRICE_CONVERTER_CIRCUITS)
        return err_set(m, ERR_INPUT, "%.400s: energy.converter: energy.chip = %s has a converter "
                       "of its own: want energy.converter = auto, or energy.chip = composed",
                       config_where(c, "energy.converter"), c->energy.chip);
    model->adc = of[c->energy.converter];
    return ERR_NONE;
}

/* Prices of attention and normalisation. */
static enum err load_tokens(struct chip_model *model, const struct config *c, struct err_msg *m)
{
    const bool floats = c->attention.bits == ATTENTION_FP32;
    enum err e = token_facts_load(model, c->energy.chip,
                                  floats ? TOKEN_FLOATS : TOKEN_INTEGERS, m);

    const struct err_msg lacks = *m;
    if (e == ERR_INPUT && floats)
        err_set(m, e, "%.800s, or attention.bits = 8", lacks.text);
    return e;
}

/* Prices of routers, where the fabric has them. */
static enum err load_routers(struct chip_model *model, const struct config *c, struct err_msg *m)
{
    const struct fabric *f;
    enum err e = policies_fabric(&f, c, m);

    if (e || !f->graph || f->direct)
        return e;
    e = router_facts_load(model, c->energy.chip, m);
    const struct err_msg lacks = *m;
    if (e == ERR_INPUT)
        err_set(m, e, "%.800s, energy.chip = composed, or fabric.kind = point_to_point",
                lacks.text);
    return e;
}

enum err pricing_load(struct chip_model *model, const struct config *c, const struct network *n,
                      struct err_msg *m)
{
    const struct precision bits = network_precision(n);
    struct array_spec array;

    if (!pricing_wanted(c))
        return err_set(m, ERR_INPUT, "%.400s: energy.chip = none: want composed, or a file of "
                       "configs/chips, such as dazzi2021_14nm", config_where(c, "energy.chip"));
    if (relative_is(c->energy.technology))
        return err_set(m, ERR_INPUT, "%.400s: energy.technology = %.40s: has ratios, no joules: "
                       "want a name such as 14nm_lp here, or imcsim breakdown",
                       config_where(c, "energy.technology"), c->energy.technology);
    const struct array_load load = { .value_bits = bits.value_bits,
                                     .weight_bits = bits.weight_bits };
    enum err e = array_spec_of(&array, c, &load, m);
    if (!e)
        e = chip_model_load(model, c->energy.technology, device_of(c, &array), c->energy.chip,
                            m);
    if (!e && network_has_tokens(n))
        e = load_tokens(model, c, m);
    if (!e)
        e = load_routers(model, c, m);
    if (e)
        return e;
    if (c->energy.mean_input > 0)
        model->fact.mean_input = (double)c->energy.mean_input / (double)PARAM_BILLION;
    model->registers_gated = c->energy.clock_gating == GATED_BY_REGISTER;
    if (array_is_read(&array) && model->converter != PRICE_CONVERTER_CIRCUITS)
        return err_set(m, ERR_INPUT, "%.400s: energy.chip = %s: is of arrays that are read at "
                       "once, not of core.crossbar.mvm_ns = auto, slices or core.readout.kind = "
                       "adc: want energy.chip = composed",
                       config_where(c, "energy.chip"), c->energy.chip);
    if (c->fabric.partial_sum == PARTIAL_SUM_ANALOG && model->converter != PRICE_CONVERTER_CIRCUITS)
        return err_set(m, ERR_INPUT, "%.400s: energy.chip = %s: is of cores with one array, not of "
                       "fabric.partial_sum = analog: want energy.chip = composed",
                       config_where(c, "energy.chip"), c->energy.chip);
    return choose_converter(model, c, &array, m);
}

/* Of one image by itself. */
static enum err image_pj(void *user, const struct plan *p, uint64_t *pj, struct err_msg *m)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE, .n_image = 1,
                                 .jobs = 1 };
    const struct pricer *pricer = user;
    struct run_result result;
    struct price_report report;
    enum err e = run(p, &cfg, &result, m);

    if (e)
        return e;
    const struct price_run priced = { .core = result.core, .stream_bits = result.stream_bits,
                                      .n_image = 1, .timesteps = result.total_timesteps };
    e = price(&pricer->model, p, &priced, &report, m);
    if (!e)
        *pj = (uint64_t)(price_row_energy_pj(&report.total) + price_row_leakage_pj(&report.total));
    price_report_release(&report);
    run_result_release(&result);
    return e;
}

/* What a core costs whatever it does, and more for what it does at least; compare add_up() of
 * study/price.c. Links, memories and drivers come on top. */
static struct mapper_prices least_prices(const struct pricer *p, const struct config *c,
                                         const struct core_unit *u)
{
    double clocks = (double)c->timestep_ns * c->clock_mhz * 1e-3, idle = p->model.fact.control_idle;
    double clock_pj = u->control_registers + u->control_selection + u->tree, leakage_uw = 0;

    if (p->model.registers_gated)
        clock_pj = u->tree / c->memory.word_bits;

    for (unsigned b = 0; b < N_PRICE_BLOCK; b++)
        leakage_uw += u->leakage_uw[b];
    return (struct mapper_prices){
        .image_pj = image_pj,
        .core_timestep_pj = clocks * idle * clock_pj +
                            leakage_uw * (double)c->timestep_ns * 1e-3, // uW ns = fJ
        .firing_pj = clocks * (1 - idle) * clock_pj,
        .output_pj = u->conversion + u->column + u->scale,
        .mac_pj = u->cell,
        .rounding_pj = N_PRICE_BLOCK, // two halves for each
    };
}

/* Pixels of a kernel row that some controller must buffer, however the layers are cut. */
static uint32_t least_kernel_columns(const struct network *n)
{
    uint32_t columns = 1;

    for (uint32_t i = 1; i < n->n_layer; i++)
        columns = max_u32(columns, min_u32(n->layer[i].window.kernel[1], n->layer[i].in.width));
    return columns;
}

enum err pricer_init(struct pricer *p, const struct config *c, const struct network *n,
                     struct err_msg *m)
{
    const struct precision bits = network_precision(n);
    const struct core_hardware hardware = {
        .rows = c->crossbar.rows, .columns = c->crossbar.columns, .words = c->memory.words,
        .word_bits = c->memory.word_bits, .lanes = c->digital.lanes, .mvm_ns = c->crossbar.mvm_ns,
        .clock_ns = 1e3 / c->clock_mhz,
        .value_bits = bits.value_bits, .weight_bits = bits.weight_bits,
        .kernel_columns = least_kernel_columns(n), .pixel_channels = 1,
    };
    struct core_unit unit;
    enum err e = pricing_load(&p->model, c, n, m);

    if (!e)
        e = core_unit(&p->model, &hardware, &unit, m);
    if (e)
        return e;
    p->prices = least_prices(p, c, &unit);
    p->prices.user = p;
    return ERR_NONE;
}

/* In clocks; the interval is that between the run's last results. */
static struct price_run elastic_price_run(const struct plan *p, const struct run_result *r)
{
    uint64_t clocks = 0, images = 1;

    elastic_interval(p, r->elastic, &clocks, &images);
    return (struct price_run){ .core = r->core, .stream_bits = r->stream_bits,
                               .n_image = r->n_image, .timesteps = r->elastic->elapsed,
                               .interval = (clocks + images / 2) / images,
                               .n_unused = p->config->chip_cores + plan_digital_cores(p) -
                                           p->n_core,
                               .values = r->values, .timestep_clk = 1,
                               .packets = p->fabric->graph ? &r->elastic->packets : NULL };
}

struct price_run price_run_of(const struct plan *p, const struct run_result *r)
{
    if (r->elastic)
        return elastic_price_run(p, r);
    return (struct price_run){ .core = r->core, .stream_bits = r->stream_bits,
                               .n_image = r->n_image, .timesteps = r->total_timesteps,
                               .interval = plan_image_interval(p),
                               .n_unused = p->config->chip_cores + plan_digital_cores(p) -
                                           p->n_core,
                               .values = r->values };
}

/* A row whose input is 0 takes what the others take in the mean. */
static void without_zeros(struct core_counters *n)
{
    double f = n->active_rows > 0 ? (double)n->driven_rows / (double)n->active_rows : 1;

    n->sum_abs_x = (uint64_t)((double)n->sum_abs_x * f);
    n->sum_abs_xw = (uint64_t)((double)n->sum_abs_xw * f);
    n->sum_digits = (uint64_t)((double)n->sum_digits * f);
    n->active_rows = n->driven_rows;
}

/* Value counters of core[n_core] as the pricing is to have them. */
static enum err settle_inputs(struct core_counters *core, const struct study *s,
                              const struct run_result *result, enum price_zeros zeros,
                              struct price_run *run, struct err_msg *m)
{
    const char *activity = s->config.energy.activity;

    if (activity[0] != '\0' && result->values)
        return err_set(m, ERR_INPUT, "%.400s: energy.activity = %.400s: this run has images, and "
                       "is priced by them: want no energy.activity, or no images",
                       config_where(&s->config, "energy.activity"), activity);
    enum err e = activity[0] == '\0'
                     ? ERR_NONE : activity_apply(core, s, result->n_image, activity, m);
    run->values |= activity[0] != '\0';
    for (uint32_t i = 0; zeros == PRICE_WITHOUT_ZEROS && i < s->plan.n_core; i++)
        without_zeros(&core[i]);
    return e;
}

enum err pricing_by(struct price_report *r, const struct chip_model *model, const struct study *s,
                    const struct run_result *result, enum price_zeros zeros, struct err_msg *m)
{
    struct price_run run = price_run_of(&s->plan, result);
    struct core_counters *core = malloc(s->plan.n_core * sizeof *core);

    *r = (struct price_report){ 0 };
    if (!core)
        return err_set(m, ERR_MEMORY, "no memory for the counters of %u cores", s->plan.n_core);
    memcpy(core, result->core, s->plan.n_core * sizeof *core);
    run.core = core;
    enum err e = settle_inputs(core, s, result, zeros, &run, m);
    if (!e)
        e = price(model, &s->plan, &run, r, m);
    free(core);
    return e;
}

enum err pricing(struct price_report *r, const struct study *s, const struct run_result *result,
                 struct err_msg *m)
{
    struct chip_model model;

    *r = (struct price_report){ 0 };
    enum err e = pricing_load(&model, &s->config, &s->network, m);
    return e ? e : pricing_by(r, &model, s, result, PRICE_AS_IT_WAS, m);
}
