/* cli/cmd_breakdown.c -- imcsim breakdown: energy and area by block, layer and core. */
#include <string.h>

#include "arch/cost/macro.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/macro_report.h"
#include "cli/results.h"
#include "core/wrap.h"
#include "report/json.h"
#include "report/price_report.h"
#include "report/relative_report.h"
#include "report/report.h"
#include "study/price_json.h"
#include "study/pricing.h"
#include "study/stored.h"

struct breakdown { // all borrowed
    const struct study        *study;
    const struct price_report *price, *without_zeros;
};

static void print_head(const void *breakdown, FILE *out)
{
    const struct breakdown *b = breakdown;
    const struct price_report *r = b->price;
    const struct config *c = &b->study->config;
    char text[4096], inputs[2048];

    price_say_inputs(r, c->energy.activity, inputs, sizeof inputs);
    snprintf(text, sizeof text, "Energy per image of %s on %s, %s, %s, while the pipeline is full; "
             "%s.", b->study->network.name, c->energy.chip, r->technology, r->device, inputs);
    wrap(out, text, 0, 0, TEXT_WIDTH);
    fputc('\n', out);
    if (!r->warning[0])
        return;
    snprintf(text, sizeof text, "Note: %s.", r->warning);
    wrap(out, text, 0, 0, TEXT_WIDTH);
    fputc('\n', out);
}

static void print_tail(const void *breakdown, FILE *out)
{
    const struct breakdown *b = breakdown;

    fprintf(out, "\nFilling and draining the pipeline takes %.3f nJ besides, once for a stream of "
            "images.\n", (double)b->price->fill_pj * 1e-3);
}

static struct table *block_table(const void *what)
{
    return price_block_table(((const struct breakdown *)what)->price);
}

static struct table *layer_table(const void *what)
{
    return price_layer_table(((const struct breakdown *)what)->price);
}

static struct table *kind_table(const void *what)
{
    return price_kind_table(((const struct breakdown *)what)->price);
}

static struct table *basis_table(const void *what)
{
    return price_basis_table(((const struct breakdown *)what)->price);
}

static struct table *efficiency_table(const void *what)
{
    return price_efficiency_table(((const struct breakdown *)what)->price);
}

static struct table *programming_table(const void *what)
{
    return price_programming_table(((const struct breakdown *)what)->price);
}

static struct table *item_table(const void *what)
{
    return price_item_table(((const struct breakdown *)what)->price);
}

static struct table *input_table(const void *what)
{
    return price_input_table(((const struct breakdown *)what)->price);
}

static struct table *zeros_table(const void *what)
{
    const struct breakdown *b = what;

    return price_zeros_table(b->price, b->without_zeros);
}

static enum err breakdown_svg(const void *what, FILE *out, struct err_msg *m)
{
    (void)m;
    price_print_svg(((const struct breakdown *)what)->price, out);
    return ERR_NONE;
}

static enum err breakdown_json(const void *what, FILE *out, struct err_msg *m)
{
    const struct breakdown *b = what;
    json_t *o = json_begin("imcsim-breakdown/1", b->study);

    json_put(&o, "network", json_network(&b->study->network));
    json_put_count(&o, "cores", b->study->plan.n_core);
    json_put_count(&o, "images", b->price->n_image);
    json_put(&o, "energy", price_energy_json(b->price));
    json_put(&o, "area", price_area_json(b->price));
    return json_print(o, out, m);
}

/* ---- of a technology of ratios ---- */

struct ratios { // borrowed
    const struct study          *study;
    const struct relative_price *price;
};

static struct table *ratio_table(const void *what)
{
    const struct ratios *b = what;

    return relative_table(b->price, &b->study->plan);
}

static void print_ratio_head(const void *what, FILE *out)
{
    const struct ratios *b = what;

    fprintf(out, "%s on %s, whose figures are ratios\n", b->study->network.name,
            b->study->config.energy.technology);
}

static enum err ratio_json(const void *what, FILE *out, struct err_msg *m)
{
    const struct ratios *b = what;
    json_t *o = json_begin("imcsim-breakdown/1", b->study);

    json_put(&o, "network", json_network(&b->study->network));
    json_put(&o, "relative", relative_json(b->price, &b->study->plan));
    return json_print(o, out, m);
}

static const struct sheet ratio_sheets[] = { { "relative", false, ratio_table }, { 0 } };

static const struct form ratio_form = { ratio_sheets, print_ratio_head, NULL, ratio_json };

static enum err price_ratios(const struct study *s, const struct run_result *result,
                             const struct options *o, struct err_msg *m)
{
    struct relative_price price;
    enum err e = o->svg ? err_set(m, ERR_INPUT, "--svg: ratios have no picture: want none, or an "
                                  "energy.technology of joules, such as 14nm_lp")
                        : results_check(&ratio_form, o, NULL, 0, m);

    if (e || (e = relative_price(&price, s, result, m)))
        return e;
    e = results_write(&ratio_form, o, &(struct ratios){ s, &price }, NULL, 0, m);
    relative_price_release(&price);
    return e;
}

/* ---- of circuits and chips ---- */

static const struct sheet sheets[] = {
    { "blocks", false, block_table },
    { "layers", false, layer_table },
    { "kinds", false, kind_table },
    { "basis", false, basis_table },
    { "efficiency", false, efficiency_table },
    { "zeros", false, zeros_table },
    { "programming", true, programming_table },
    { "inputs", true, input_table },
    { "items", true, item_table },
    { 0 },
};

static const struct form form = { sheets, print_head, print_tail, breakdown_json };

static enum err simulate(struct study *s, struct run_result *r, const struct options *o,
                         struct err_msg *m)
{
    const struct run_cfg cfg = { .kernel = KERNEL_NATIVE, .mode = KERNEL_SKIP_IDLE,
                                 .images = o->images, .images_how = o->how,
                                 .n_image = o->count,
                                 .jobs = (uint32_t)o->jobs };
    enum err e = study_priced_from_options(s, o, m);

    if (!e && (e = run(&s->plan, &cfg, r, m)))
        study_release(s);
    return e;
}

static enum err load_stored(struct study *s, struct run_result *r, const struct options *o,
                            struct err_msg *m)
{
    if (o->images || o->count)
        return err_set(m, ERR_INPUT, "%.400s: a stored result is not run again: want no --images "
                       "and no --count", o->operand);
    return stored_from_options(s, r, o, m);
}

/* As it was and, with values, as if no input had been 0. */
static enum err price_both(struct price_report *price, struct price_report *without_zeros,
                           const struct study *s, const struct run_result *r, struct err_msg *m)
{
    struct chip_model model;
    enum err e = pricing_load(&model, &s->config, &s->network, m);

    if (!e)
        e = pricing_by(price, &model, s, r, PRICE_AS_IT_WAS, m);
    if (!e && price->values)
        e = pricing_by(without_zeros, &model, s, r, PRICE_WITHOUT_ZEROS, m);
    return e;
}

static enum err cmd_breakdown(const struct options *o, struct err_msg *m)
{
    struct study s;
    struct run_result result = { 0 };
    struct price_report price = { 0 }, without_zeros = { 0 };
    struct breakdown b = { &s, &price, &without_zeros };
    const struct output svg = { o->svg, breakdown_svg, &b };
    enum err e;

    if (!stored_is(o->operand) && macro_is(o->operand))
        return macro_report(o, m);
    if (o->table && strcmp(o->table, ratio_sheets[0].name) == 0)
        e = ERR_NONE; // seen when the technology is
    else
        e = results_check(&form, o, &svg, 1, m);
    if (!e)
        e = stored_is(o->operand) ? load_stored(&s, &result, o, m) : simulate(&s, &result, o, m);
    if (e)
        return e;
    if (relative_price_wanted(&s.config))
        e = price_ratios(&s, &result, o, m);
    else if (!(e = price_both(&price, &without_zeros, &s, &result, m)))
        e = results_write(&form, o, &b, &svg, 1, m);
    price_report_release(&price);
    price_report_release(&without_zeros);
    run_result_release(&result);
    study_release(&s);
    return e;
}

const struct command command_breakdown = {
    .name = "breakdown",
    .operand = "CONFIG",
    .summary = "energy and area by block and layer",
    .help = "Runs CONFIG, timing only or with --images, and prices what it did: energy, power and\n"
            "area of each block and layer. Where energy.chip is none, the machine is composed of\n"
            "circuits: nothing cited, nothing fitted. CONFIG may also be a result of\n"
            "`run --json FILE.json`, priced again without running;\n"
            "--set energy.technology=22nm_lp prices it elsewhere.\n"
            "Of runs with images it says what inputs of 0 save; --activity FILE prices one\n"
            "without by the inputs of another. --table inputs has them by layer, --table items a\n"
            "row for each block of each core, --table programming what writing the weights takes.\n"
            "Of a macro it shows chip, article and ours by module.\n"
            "\n"
            "  imcsim breakdown configs/hermes_14nm.yaml\n"
            "  imcsim breakdown configs/resnet32.yaml --set energy.technology=22nm_lp\n"
            "  imcsim breakdown configs/dazzi2021_14nm.yaml --format latex --svg energy.svg\n"
            "  imcsim run configs/hermes_14nm.yaml --json run.json\n"
            "  imcsim breakdown run.json --set energy.technology=22nm_lp\n"
            "  imcsim run configs/resnet32_fmnist.yaml --images random --count 2 --json busy.json\n"
            "  imcsim breakdown configs/resnet32_fmnist.yaml --activity busy.json\n"
            "  imcsim breakdown configs/rram40_macro.yaml\n",
    .options = OPTION_BIT(OPTION_SET) | OPTION_IMAGE_SET | OPTION_BIT(OPTION_COUNT) |
               OPTION_BIT(OPTION_ACTIVITY) | OPTION_BIT(OPTION_JOBS) | OPTION_RESULTS |
               OPTION_BIT(OPTION_SVG),
    .run = cmd_breakdown,
};
