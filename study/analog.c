/* study/analog.c -- see analog.h. */
#include "study/analog.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arch/analog/layers.h"
#include "core/util.h"
#include "network/precision.h"
#include "study/calibrate.h"
#include "study/jobs.h"
#include "study/recalibrate.h"
#include "study/values.h"

static enum err no_memory(struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "no memory for the analog chips");
}

struct pictures { // as the network takes them
    uint8_t *byte; // owned; [n]
    uint64_t n;
    size_t   size; // of one
};

static enum err keep_image(void *user, uint64_t i, const uint8_t *image, struct err_msg *m)
{
    struct pictures *p = user;

    (void)m;
    memcpy(p->byte + i * p->size, image, p->size);
    return ERR_NONE;
}

/* The first n images of a run. */
static enum err read_images(struct pictures *p, const struct study *s, const struct run_cfg *cfg,
                            uint64_t n, struct err_msg *m)
{
    p->n = n;
    p->size = network_image_bytes(&s->network);
    p->byte = calloc(n, p->size);
    return p->byte ? run_visit_images(&s->plan, cfg, 0, n, keep_image, p, m) : no_memory(m);
}

struct states { // chips at times, one after the other, of which a thread makes some
    const struct study   *study;
    const struct run_cfg *cfg;
    struct analog_spec    spec; // with ranges of converters
    struct analog_result *result;
    struct pictures       pictures, calibration;
    struct recalibration  recalibration; // none without images of it
    struct analog_state   exact; // by layer: what errors are measured against
    struct jobs           jobs;
    uint32_t              n_job;
    struct maker {
        struct analog_chip chip; // the last one programmed, if any
        uint64_t           number;
        enum err           err;
        struct err_msg     msg;
    } *maker; // owned; [n_job]
};

/* State `index` of all: times of a chip stand together, so that it is programmed once. */
static enum err make_state(struct states *s, struct maker *k, uint64_t index,
                           struct analog_state *state)
{
    struct analog_result *r = s->result;
    uint64_t chip = index / r->n_time, time = index % r->n_time;
    enum err e = ERR_NONE;

    if (!k->chip.plan || k->number != chip) {
        analog_chip_release(&k->chip);
        e = analog_chip_init(&k->chip, &s->study->plan, &s->spec, chip, &k->msg);
        k->number = chip;
    }
    if (!e)
        e = analog_state_init(state, &k->chip, r->time_s[time], &k->msg);
    return e;
}

/* The network with the scales that the state wants, or as it is; own_scales_release() releases it.
 */
static bool own_network(const struct states *s, const struct analog_state *state,
                        struct network *own)
{
    struct analog_layers layers = { 0 };

    if (!own_scales(own, &s->study->network))
        return false;
    if (s->calibration.n == 0)
        return true;
    bool done = analog_layers_init(&layers, state) &&
                recalibrate(&s->recalibration, own, layers.layer);
    analog_layers_release(&layers);
    if (!done)
        own_scales_release(own);
    return done;
}

/* Where the classes of a state go. */
static uint32_t *predicted_of(const struct analog_result *r, uint64_t index)
{
    uint64_t chip = index / r->n_time, time = index % r->n_time;

    return r->predicted + (time * r->n_chip + chip) * r->n_image;
}

static struct analog_figures *figures_of(const struct analog_result *r, uint64_t index)
{
    uint64_t chip = index / r->n_time, time = index % r->n_time;

    return r->figures + (time * r->n_chip + chip) * r->n_layer;
}

static double scale_of(const struct analog_readout *r)
{
    double sum = 0;

    for (uint32_t c = 0; r->column_k && c < r->columns; c++)
        sum += ldexp(r->column_k[c], -ANALOG_SCALE_BIT);
    return r->column_k ? sum / r->columns : ldexp(r->k, -ANALOG_SCALE_BIT);
}

/* What is known of a layer of a state whose images have been classified. */
static void take_figures(const struct states *s, const struct analog_state *state, uint32_t layer,
                         struct analog_figures *to)
{
    const struct plan *p = &s->study->plan;
    const struct plan_layer *l = &p->layer[layer];
    const struct shape *out = &plan_network_layer(p, layer)->out;
    uint64_t clipped = 0, codes = 0;

    *to = (struct analog_figures){ .error = -1 };
    for (uint32_t i = l->first_core; i < l->first_core + l->n_core; i++) {
        const struct analog_weights *w = &state->core[i];
        if (!w->matrix.a)
            return;
        to->drop += w->matrix.drop / l->n_core;
        to->most_drop = fmax(to->most_drop, w->matrix.drop);
        to->k += scale_of(&w->readout) / l->n_core;
        to->saturated += w->matrix.saturated;
        clipped += analog_readout_take_clipped(&w->readout);
        codes += (uint64_t)p->core[i].out_n * w->readout.parts *
                 array_reads(&l->array, p->core[i].rows, 1).n;
    }
    codes = codes / l->copies * out->height * out->width * s->result->n_image; // of one copy each
    to->clipped = codes > 0 ? (double)clipped / (double)codes : 0;
}

/* ---- layer by layer ---- */

static enum err classify(struct states *s, struct maker *k, const struct values *v,
                         uint32_t *predicted)
{
    uint64_t n_image = s->result->n_image;
    uint32_t classes = layer_delivers(network_result(&s->study->network)).channels;
    struct value_lanes *lanes = value_lanes_new(v);
    int64_t *value = calloc((size_t)VALUE_LANES * classes, sizeof *value);
    bool done = lanes && value;

    for (uint64_t i = 0, n; done && i < n_image && !atomic_load(&s->jobs.stop); i += n) {
        n = ceil_div(n_image - i, ceil_div(n_image - i, VALUE_LANES));
        value_lanes_number(lanes, i);
        value_lanes_run(lanes, s->pictures.byte + i * s->pictures.size, (uint32_t)n, value, NULL);
        for (uint64_t j = 0; j < n; j++)
            predicted[i + j] = largest_value(value + j * classes, classes);
        atomic_fetch_add(&s->jobs.done, n);
    }
    free(value);
    value_lanes_free(lanes);
    return done ? ERR_NONE : no_memory(&k->msg);
}

/* The errors of products with the inputs that the state's cores get, into figures[n_layer]. */
static bool measure(const struct states *s, const struct analog_state *state,
                    const struct network *own, struct analog_figures *figures)
{
    const struct plan *p = &s->study->plan;
    uint32_t classes = layer_delivers(network_result(own)).channels;
    int64_t *value = calloc((size_t)VALUE_LANES * classes, sizeof *value);
    struct analog_layers layers = { 0 };
    struct values *v = NULL;

    if (value && analog_layers_measured(&layers, state, &s->exact))
        v = values_new_on(own, s->cfg->simd, layers.layer);
    struct value_lanes *lanes = v ? value_lanes_new(v) : NULL;
    if (lanes)
        value_lanes_run(lanes, s->pictures.byte,
                        (uint32_t)min_u64(s->pictures.n, ANALOG_MEASURED), value, NULL);
    for (uint32_t i = 0; lanes && i < p->n_layer; i++) {
        double error = 0, square = 0;
        for (uint32_t k = p->layer[i].first_core; k < p->layer[i].first_core + p->layer[i].n_core;
             k++) {
            error += layers.meter[k].error;
            square += layers.meter[k].square;
        }
        if (square > 0)
            figures[i].error = sqrt(error / square);
    }
    bool done = lanes;
    value_lanes_free(lanes);
    values_free(v);
    analog_layers_release(&layers);
    free(value);
    return done;
}

static enum err run_state(struct states *s, struct maker *k, uint64_t index)
{
    struct analog_figures *figures = figures_of(s->result, index);
    struct analog_layers layers = { 0 };
    struct analog_state state;
    struct network own = { 0 };
    struct values *v = NULL;
    enum err e = make_state(s, k, index, &state);

    if (e)
        return e;
    if (own_network(s, &state, &own) && analog_layers_init(&layers, &state))
        v = values_new_on(&own, s->cfg->simd, layers.layer);
    e = v ? classify(s, k, v, predicted_of(s->result, index)) : no_memory(&k->msg);
    for (uint32_t i = 0; !e && i < s->result->n_layer; i++)
        take_figures(s, &state, i, &figures[i]);
    if (!e && !measure(s, &state, &own, figures))
        e = no_memory(&k->msg);
    values_free(v);
    analog_layers_release(&layers);
    own_scales_release(&own);
    analog_state_release(&state);
    return e;
}

static void run_share(void *user, uint32_t job)
{
    struct states *s = user;
    struct maker *k = &s->maker[job];
    uint64_t n = (uint64_t)s->result->n_chip * s->result->n_time;

    for (uint64_t i = n * job / s->n_job; !k->err && i < n * (job + 1) / s->n_job; i++)
        k->err = run_state(s, k, i);
    if (k->err)
        atomic_store(&s->jobs.stop, true);
}

static enum err run_by_layer(struct states *s, struct err_msg *m)
{
    struct analog_result *r = s->result;
    enum err e = ERR_NONE;

    if (!s->pictures.byte)
        e = read_images(&s->pictures, s->study, s->cfg, r->n_image, m);
    if (!e)
        e = analog_state_exact(&s->exact, &s->study->plan, m);
    if (!e)
        jobs_run(&s->jobs, &(struct jobs_work){
            run_share, s, s->n_job, r->n_image * r->n_chip * r->n_time, s->cfg->progress,
            s->cfg->user });
    for (uint32_t i = 0; !e && i < s->n_job; i++) {
        e = s->maker[i].err;
        *m = s->maker[i].msg;
    }
    return e;
}

/* ---- through chips, which are carried abreast ---- */

static enum err run_abreast(struct states *s, uint64_t first, uint32_t n, struct err_msg *m)
{
    struct analog_state state[RUN_MOST_STATES] = { { 0 } };
    const struct analog_state *borrowed[RUN_MOST_STATES];
    struct run_cfg cfg = *s->cfg;
    struct run_result result = { 0 };
    struct plan plan = s->study->plan;
    struct network own = { 0 };
    enum err e = ERR_NONE;

    for (uint32_t i = 0; !e && i < n; i++) {
        e = make_state(s, &s->maker[0], first + i, &state[i]);
        borrowed[i] = &state[i];
    }
    *m = s->maker[0].msg;
    cfg.state = borrowed;
    cfg.n_state = n;
    cfg.probe = NULL;
    if (!e && !own_network(s, &state[0], &own))
        e = no_memory(m);
    plan.network = &own; // as all of them want it: there is one where they want several
    if (!e)
        e = run(&plan, &cfg, &result, m);
    for (uint32_t i = 0; !e && i < n; i++)
        for (uint32_t k = 0; k < s->result->n_layer; k++)
            take_figures(s, &state[i], k, &figures_of(s->result, first + i)[k]);
    for (uint32_t i = 0; !e && i < n; i++)
        memcpy(predicted_of(s->result, first + i), result.predicted + i * s->result->n_image,
               s->result->n_image * sizeof *result.predicted);
    run_result_release(&result);
    own_scales_release(&own);
    for (uint32_t i = 0; i < n; i++)
        analog_state_release(&state[i]);
    return e;
}

static enum err run_through_chips(struct states *s, struct err_msg *m)
{
    uint64_t all = (uint64_t)s->result->n_chip * s->result->n_time;
    enum err e = ERR_NONE;

    for (uint64_t i = 0, n; !e && i < all; i += n) {
        n = s->calibration.n > 0 ? 1 : min_u64(all - i, RUN_MOST_STATES);
        e = run_abreast(s, i, (uint32_t)n, m);
    }
    return e;
}

/* ---- calibration ---- */

static enum err recalibration_open(struct states *s, struct err_msg *m)
{
    const struct config *c = &s->study->config;
    uint32_t n = c->analog.batchnorm_images;
    const struct run_cfg own = calibrate_images(&s->study->plan, s->cfg, n);

    if (n == 0)
        return ERR_NONE;
    if (!analog_by_layer(&s->study->plan))
        return err_set(m, ERR_INPUT, "%.400s: analog.batchnorm_images = %u: where values travel "
                       "through the chip (replicas, copies, several reads, gates, per_mvm) it is "
                       "not there yet: want analog.batchnorm_images = 0",
                       config_where(c, "analog.batchnorm_images"), n);
    enum err e = calibrate_check(&s->study->plan, s->cfg, n, m);
    if (!e)
        e = read_images(&s->calibration, s->study, &own, n, m);
    if (!e && !recalibration_init(&s->recalibration, &s->study->plan, s->calibration.byte, n,
                                  s->calibration.size, s->cfg->simd))
        e = no_memory(m);
    return e;
}

/* ---- all ---- */

enum err analog_check(const struct study *s, const struct run_cfg *cfg, struct err_msg *m)
{
    const char *where = config_where(&s->config, "core.crossbar.device");

    if (!s->analog.device)
        return ERR_NONE;
    if (!run_has_values(cfg))
        return err_set(m, ERR_INPUT, "%.400s: core.crossbar.device = %s: a run without images has "
                       "no weights that a device could keep: want --images SET, or "
                       "core.crossbar.device = ideal", where, s->analog.device->name);
    if (cfg->inputs)
        return err_set(m, ERR_INPUT, "%.400s: core.crossbar.device = %s: --inputs have no labels: "
                       "want --images SET", where, s->analog.device->name);
    if (network_is_wide(&s->network))
        return err_set(m, ERR_INPUT, "%.400s: core.crossbar.device = %s: network %s has values or "
                       "weights of more than 8 bits: want core.crossbar.device = ideal", where,
                       s->analog.device->name, s->network.name);
    return ERR_NONE;
}

void analog_result_release(struct analog_result *r)
{
    free(r->predicted);
    free(r->figures);
    *r = (struct analog_result){ 0 };
}

enum err analog_run(const struct study *s, const struct run_cfg *cfg,
                    const struct run_result *exact, struct analog_result *r, struct err_msg *m)
{
    const struct analog_cfg *a = &s->config.analog;
    size_t n = (size_t)a->chips * a->n_time;
    bool by_layer = analog_by_layer(&s->plan) && !cfg->timed_values;
    struct states all = { .study = s, .cfg = cfg, .spec = s->analog, .result = r, .jobs = JOBS_INIT,
                          .n_job = by_layer ? (uint32_t)min_u64(cfg->jobs, n) : 1 };

    all.spec.ranges = cfg->ranges;
    *r = (struct analog_result){ .n_time = a->n_time, .n_chip = a->chips, .time_s = a->time_s,
                                 .n_image = exact->n_image, .n_layer = s->plan.n_layer };
    if (!exact->label)
        return err_set(m, ERR_INPUT, "images %s: have no labels, which the accuracy of analog "
                       "chips takes: want --labels FILE, or core.crossbar.device = ideal",
                       cfg->images);
    r->predicted = calloc(n, exact->n_image * sizeof *r->predicted);
    r->figures = calloc(n, s->plan.n_layer * sizeof *r->figures);
    all.maker = calloc(all.n_job, sizeof *all.maker);
    enum err e = r->predicted && r->figures && all.maker ? ERR_NONE : no_memory(m);
    if (!e)
        e = recalibration_open(&all, m);
    if (!e)
        e = by_layer ? run_by_layer(&all, m) : run_through_chips(&all, m);
    recalibration_release(&all.recalibration);
    analog_state_release(&all.exact);
    free(all.pictures.byte);
    free(all.calibration.byte);
    for (uint32_t i = 0; all.maker && i < all.n_job; i++)
        analog_chip_release(&all.maker[i].chip);
    free(all.maker);
    if (e)
        analog_result_release(r);
    return e;
}

/* ---- figures ---- */

double analog_top1(const struct analog_result *r, const struct run_result *exact, uint32_t time,
                   uint32_t chip)
{
    const uint32_t *predicted = r->predicted + ((size_t)time * r->n_chip + chip) * r->n_image;
    uint64_t n = 0;

    for (uint64_t i = 0; i < r->n_image; i++)
        n += predicted[i] == exact->label[i];
    return (double)n / (double)r->n_image;
}

static double changed(const struct analog_result *r, const struct run_result *exact, uint32_t time,
                      bool to_right)
{
    const uint32_t *predicted = r->predicted + (size_t)time * r->n_chip * r->n_image;
    uint64_t n = 0;

    for (uint32_t c = 0; c < r->n_chip; c++, predicted += r->n_image)
        for (uint64_t i = 0; i < r->n_image; i++) {
            bool was = exact->predicted[i] == exact->label[i], is = predicted[i] == exact->label[i];
            n += was != is && is == to_right;
        }
    return (double)n / r->n_chip;
}

static const struct analog_figures *figures_at(const struct analog_result *r, uint32_t time,
                                               uint32_t chip, uint32_t layer)
{
    return &r->figures[((size_t)time * r->n_chip + chip) * r->n_layer + layer];
}

double analog_drop(const struct analog_result *r, uint32_t time)
{
    double drop = 0;

    for (uint32_t c = 0; c < r->n_chip; c++)
        for (uint32_t i = 0; i < r->n_layer; i++)
            drop = fmax(drop, figures_at(r, time, c, i)->most_drop);
    return drop;
}

struct analog_figures analog_layer(const struct analog_result *r, uint32_t time, uint32_t layer)
{
    struct analog_figures all = { 0 };

    for (uint32_t c = 0; c < r->n_chip; c++) {
        const struct analog_figures *one = figures_at(r, time, c, layer);
        all.error += one->error / r->n_chip;
        all.drop += one->drop / r->n_chip;
        all.most_drop = fmax(all.most_drop, one->most_drop);
        all.k += one->k / r->n_chip;
        all.clipped += one->clipped / r->n_chip;
        all.saturated += one->saturated;
    }
    return all;
}

struct analog_accuracy analog_accuracy(const struct analog_result *r,
                                       const struct run_result *exact, uint32_t time)
{
    struct analog_accuracy a = { 0 };
    double square = 0;

    for (uint32_t c = 0; c < r->n_chip; c++)
        a.mean += analog_top1(r, exact, time, c) / r->n_chip;
    for (uint32_t c = 0; c < r->n_chip; c++)
        square += pow(analog_top1(r, exact, time, c) - a.mean, 2);
    a.low = a.high = a.mean;
    if (r->n_chip > 1) {
        a.sd = sqrt(square / (r->n_chip - 1));
        double half = student_95(r->n_chip - 1) * a.sd / sqrt(r->n_chip);
        a.low -= half;
        a.high += half;
    }
    a.to_right = changed(r, exact, time, true);
    a.to_wrong = changed(r, exact, time, false);
    return a;
}

/* P(|T| <= t), Abramowitz and Stegun, 26.7.3 and 26.7.4: a sum of powers of cos(atan(t / sqrt n)).
 */
static double student_within(double t, uint32_t n)
{
    double angle = atan(t / sqrt(n)), c2 = cos(angle) * cos(angle), term, sum = 0;

    if (n % 2 == 1) {
        term = cos(angle);
        for (uint32_t i = 1; i + 2 <= n; i += 2) {
            sum += term;
            term *= c2 * (i + 1) / (i + 2);
        }
        return 2 / acos(-1) * (angle + sin(angle) * sum);
    }
    term = 1;
    for (uint32_t i = 0; i + 2 <= n; i += 2) {
        sum += term;
        term *= c2 * (i + 1) / (i + 2);
    }
    return sin(angle) * sum;
}

double student_95(uint32_t n)
{
    double low = 1, high = 13; // of one degree: 12.706

    for (int i = 0; i < 60; i++) {
        double t = (low + high) / 2;
        if (student_within(t, n) < 0.95)
            low = t;
        else
            high = t;
    }
    return low;
}
