/* cli/cmd_map.c -- imcsim map: the plan, without running it. */
#include "arch/cost/event_chip.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/output.h"
#include "cli/pareto.h"
#include "cli/progress.h"
#include "cli/results.h"
#include "report/event_report.h"
#include "report/placement_report.h"
#include "report/plan_report.h"
#include "study/place.h"
#include "study/pricing.h"
#include "study/study.h"

/* Nothing is priced, but a name that nobody knows is told. */
static enum err check_prices(const struct study *s, struct err_msg *m)
{
    struct chip_model model;
    struct event_chip events;

    if (pricing_wanted(&s->config) && s->config.core_kind == CORE_EVENT) {
        enum err e = event_chip_load(&events, s->config.energy.chip, m);
        if (e)
            err_prefix(m, config_where(&s->config, "energy.chip"));
        return e;
    }
    return pricing_wanted(&s->config) ? pricing_load(&model, &s->config, &s->network, m)
                                      : ERR_NONE;
}

static enum err place_told(struct placed *p, const struct options *o, const struct study *s,
                           struct err_msg *m)
{
    struct progress moves;

    progress_start(&moves, o->log_level >= LOG_INFO);
    moves.things = "moves";
    enum err e = study_place(p, s, progress_show, &moves, m);
    progress_end(&moves);
    return e;
}

/* On a fabric with a graph: which core sits where. */
static enum err map_placed(const struct options *o, const struct study *s, struct err_msg *m)
{
    struct placed p;
    const struct output outputs[] = {
        { o->dot, placement_dot, &p },
        { o->svg, placement_svg, &p },
        { o->write_config, study_write_config, s },
    };
    const size_t n = sizeof outputs / sizeof *outputs;
    enum err e = o->prove
                     ? err_set(m, ERR_INPUT, "map: --prove is of the plan: want --set "
                               "fabric.kind=point_to_point")
                     : results_check(&placement_form, o, outputs, n, m);

    if (!e)
        e = place_told(&p, o, s, m);
    if (e)
        return e;
    e = results_write(&placement_form, o, &p, outputs, n, m);
    placed_release(&p);
    return e;
}

static enum err map_plan(const struct options *o, struct study *s, struct err_msg *m)
{
    const struct output outputs[] = {
        { o->dot, plan_dot, s },
        { o->svg, plan_grid_svg, s },
        { o->write_config, study_write_config, s },
    };
    const size_t n = sizeof outputs / sizeof *outputs;
    const bool events = s->config.core_kind == CORE_EVENT;
    const struct form *form = events ? &event_plan_form : &plan_form;
    enum err e = results_check(form, o, outputs, n, m);

    if (!e)
        e = check_prices(s, m);
    if (!e && o->prove && events)
        e = err_set(m, ERR_INPUT, "map: --prove: event cores have no memories: want no --prove, or "
                    "--set core.kind=imc");
    if (!e && o->prove)
        e = study_prove(s, o, m);
    return e ? e : results_write(form, o, s, outputs, n, m);
}

static enum err cmd_map(const struct options *o, struct err_msg *m)
{
    struct study s;

    if (o->pareto)
        return o->dot || o->write_config
                   ? err_set(m, ERR_INPUT, "map: --pareto has no one plan for --dot or "
                             "--write-config: want --json, --csv or --svg")
                   : map_pareto(o, m);
    enum err e = study_to_place_from_options(&s, o, m);
    if (e)
        return e;
    e = study_is_placed(&s) ? map_placed(o, &s, m) : map_plan(o, &s, m);
    study_release(&s);
    return e;
}

const struct command command_map = {
    .name = "map",
    .operand = "CONFIG",
    .summary = "prints the plan: what sits on which core, and every stream between cores",
    .help = "Maps the network onto the chip as `run` does and prints layers, cores, input\n"
            "memories, streams and budgets. Nothing is simulated but a dry timing run. On a\n"
            "fabric with a graph (fabric.kind: mesh, adjacent): which core sits where.\n"
            "\n"
            "  imcsim map configs/resnet32.yaml\n"
            "  imcsim map configs/resnet32.yaml --set core.crossbar.rows=512\n"
            "  imcsim map configs/resnet32.yaml --svg chip.svg\n"
            "  imcsim map configs/resnet32.yaml --dot | dot -Tsvg >plan.svg\n"
            "  imcsim map configs/resnet32.yaml --set mapping.optimize=latency\n"
            "  imcsim map configs/resnet32.yaml --pareto --svg front.svg\n"
            "  imcsim map configs/resnet32.yaml --prove\n"
            "  imcsim map configs/resnet32.yaml --set fabric.kind=mesh --set "
            "placement.kind=anneal\n"
            "  imcsim map configs/dazzi2021_14nm.yaml --set mapping.optimize=edp\n"
            "  imcsim map configs/resnet32.yaml --json - | jq '.core_list[] | .name, .rows'\n",
    .options = OPTION_BIT(OPTION_SET) | OPTION_RESULTS | OPTION_BIT(OPTION_DOT) |
               OPTION_BIT(OPTION_PARETO) | OPTION_BIT(OPTION_PROVE) | OPTION_BIT(OPTION_SVG) |
               OPTION_BIT(OPTION_WRITE_CONFIG),
    .run = cmd_map,
};
