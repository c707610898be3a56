/* cli/cmd_fabric.c -- imcsim fabric: a fabric of routers driven alone. */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/results.h"
#include "core/datadir.h"
#include "core/yaml.h"
#include "dataflow/policies.h"
#include "report/fabric_report.h"

enum { MOST_RATES = 64, RATE_DECIMALS = 9 };

/* ---- what was asked for ---- */

static enum err load_config(struct config *c, const struct options *o, struct err_msg *m)
{
    char path[DATADIR_BYTE];
    const char *word = strcmp(o->operand, "-") == 0 ? "/dev/stdin" : o->operand;

    if (strlen(word) < sizeof path) {
        datadir_open_name(path, word);
        word = path;
    }
    return config_load(c, word, o->set, o->n_set, m);
}

/* A number of nodes is fixed, and so is a rate of links that a flit and a clock make. */
static enum err check_config(const struct config *c, const struct fabric *f, struct err_msg *m)
{
    const char *where = config_where(c, "fabric.kind");

    if (!f->graph || f->direct)
        return err_set(m, ERR_INPUT, "%.400s: fabric.kind = %s: has no routers to drive: want "
                       "--set fabric.kind=mesh", where, f->name);
    where = config_where(c, "fabric.link_gbps");
    if (strncmp(where, "--set ", strlen("--set ")) == 0)
        return err_set(m, ERR_INPUT, "%.400s: fabric.kind = %s moves a flit a clock on every "
                       "channel: want fabric.flit_bits", where, f->name);
    return ERR_NONE;
}

static enum err check_packets(const struct config *c, const struct options *o, struct err_msg *m)
{
    const struct fabric_cfg *f = &c->fabric;

    if (f->switching != SWITCHING_CUT_THROUGH || o->flits <= f->vc_flits)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "--flits %u: a buffer has %u flits, and with fabric.switching = "
                   "cut_through it holds a whole packet: want --flits %u or --set "
                   "fabric.vc_flits=%u", (unsigned)o->flits, f->vc_flits, f->vc_flits,
                   (unsigned)o->flits);
}

static enum err read_rates(struct fabric_rate *rate, uint32_t *n, const char *text,
                           struct err_msg *m)
{
    for (*n = 0;; text++) {
        char word[32];
        size_t length = strcspn(text, ",");
        if (*n == MOST_RATES)
            return err_set(m, ERR_INPUT, "--rate: want at most %d of them", MOST_RATES);
        snprintf(word, sizeof word, "%.*s", (int)(length < 31 ? length : 31), text);
        uint64_t *value = &rate[(*n)++].rate;
        if (length > 30 || !yaml_decimal(word, RATE_DECIMALS, value) || *value < 1 ||
            *value > TRAFFIC_RATE_ONE)
            return err_set(m, ERR_INPUT, "--rate %s: want flits a node and clock, above 0 and up "
                           "to 1, with at most %d decimals", word, RATE_DECIMALS);
        text += length;
        if (*text == '\0')
            return ERR_NONE;
    }
}

/* ---- runs ---- */

struct watch {
    struct progress *progress;
    uint32_t         done, n; // runs
};

static void show(void *user, uint64_t done_clk, uint64_t n_clk)
{
    const struct watch *w = user;

    progress_show(w->progress, w->done * n_clk + done_clk, w->n * n_clk);
}

static enum err drive(struct fabric_report *f, struct traffic *t, const struct options *o,
                      struct err_msg *m)
{
    const struct router_spec spec = fabric_router_spec(&f->config->fabric);
    struct progress progress;
    struct watch watch = { &progress, 0, f->n_rate };
    enum err e = ERR_NONE;

    progress_start(&progress, o->log_level >= LOG_INFO);
    progress.things = "clocks";
    for (uint32_t i = 0; !e && i < f->n_rate; watch.done = ++i) {
        t->rate = f->rate[i].rate;
        e = traffic_run(&f->rate[i].result, f->graph, &spec, t, show, &watch, m);
    }
    progress_end(&progress);
    return e;
}

static enum err with_graph(const struct config *c, const struct graph *g, const struct options *o,
                           struct err_msg *m)
{
    struct fabric_rate rate[MOST_RATES] = { { 0 } };
    struct traffic t = { .n_flit = (uint32_t)o->flits, .exclude_self = o->exclude_self,
                         .warm_up_clk = o->warm_up, .measured_clk = o->clocks, .seed = o->seed };
    struct fabric_report f = { .config = c, .graph = g, .traffic = &t, .pattern = o->traffic,
                               .rate = rate };
    enum err e = read_rates(rate, &f.n_rate, o->rate, m);

    if (!e)
        e = check_packets(c, o, m);
    if (!e && (e = traffic_find(&t, o->traffic, g, m)) != ERR_NONE)
        err_prefix(m, "--traffic");
    if (!e)
        e = drive(&f, &t, o, m);
    if (!e)
        e = results_write(&fabric_form, o, &f, NULL, 0, m);
    for (uint32_t i = 0; i < f.n_rate; i++)
        traffic_result_release(&rate[i].result);
    traffic_release(&t);
    return e;
}

static enum err cmd_fabric(const struct options *o, struct err_msg *m)
{
    const struct fabric *fabric;
    struct config c;
    struct graph g = { 0 };
    enum err e = results_check(&fabric_form, o, NULL, 0, m);

    if (!e)
        e = load_config(&c, o, m);
    if (e)
        return e;
    e = policies_fabric(&fabric, &c, m);
    if (e)
        err_prefix(m, config_where(&c, "fabric.kind"));
    if (!e)
        e = check_config(&c, fabric, m);
    if (!e)
        e = fabric->graph(&c.fabric, &g, m);
    if (!e)
        e = with_graph(&c, &g, o, m);
    graph_release(&g);
    config_release(&c);
    return e;
}

const struct command command_fabric = {
    .name = "fabric",
    .operand = "CONFIG",
    .summary = "drives a fabric of routers alone: latency and throughput against load",
    .help = "Every node of the fabric of CONFIG (fabric.kind: mesh) creates packets at random, at\n"
            "the rate that --rate says, for destinations of --traffic; latencies are those of\n"
            "packets created in the measured clocks. docs/fabrics.md has the routers and the\n"
            "options; `imcsim help config fabric` has the keys.\n"
            "\n"
            "  imcsim fabric configs/resnet32.yaml --set fabric.kind=mesh --rate 0.05,0.1,0.2,0.3\n"
            "  imcsim fabric configs/resnet32.yaml --set fabric.kind=mesh --flits 4 \\\n"
            "      --traffic transpose --table channels --format csv\n",
    .options = OPTION_BIT(OPTION_SET) | OPTION_BIT(OPTION_TRAFFIC) | OPTION_BIT(OPTION_RATE) |
               OPTION_BIT(OPTION_FLITS) | OPTION_BIT(OPTION_WARM_UP) | OPTION_BIT(OPTION_CLOCKS) |
               OPTION_BIT(OPTION_SEED) | OPTION_BIT(OPTION_EXCLUDE_SELF) | OPTION_RESULTS,
    .run = cmd_fabric,
};
