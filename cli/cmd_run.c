/* cli/cmd_run.c -- imcsim run: simulates and reports. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/log.h"
#include "cli/output.h"
#include "cli/pictures/analog.h"
#include "cli/pictures/spikes.h"
#include "cli/progress.h"
#include "cli/results.h"
#include "cli/run/elastic.h"
#include "cli/run/event.h"
#include "cli/run/neuron_trace.h"
#include "cli/run/notes.h"
#include "cli/run/tracing.h"
#include "dataflow/plan/clocking.h"
#include "network/precision.h"
#include "network/values/values.h"
#include "report/report.h"
#include "report/tokens_report.h"
#include "study/decode_price.h"
#include "study/measure.h"
#include "study/outputs_file.h"
#include "study/pricing.h"
#include "study/study.h"
#include "study/sweep/wishes.h"

static double peak_rss_mib(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024; // Linux counts KiB
}

static enum err check_options(const struct options *o, struct err_msg *m)
{
    if (!kernel_available((enum kernel_kind)o->kernel))
        return err_set(m, ERR_INPUT, "run: --kernel %s: this build has none: want native",
                       kernel_name((enum kernel_kind)o->kernel));
    if (o->kernel == KERNEL_SYSTEMC && o->jobs > 1)
        return err_set(m, ERR_INPUT, "run: --jobs %d with --kernel systemc: SystemC runs one "
                       "simulation a process: want --jobs 1 or --kernel native", (int)o->jobs);
    if (o->from && o->operand)
        return err_set(m, ERR_INPUT, "run: --from beside CONFIG: want one of them");
    if (o->images && o->inputs)
        return err_set(m, ERR_INPUT, "run: --images and --inputs: want one of them");
    if (o->outputs && !o->images && !o->inputs)
        return err_set(m, ERR_INPUT, "run: --outputs without images: want --inputs FILE.npy or "
                       "--images SET too");
    if ((o->how.mean || o->how.std) && !o->images)
        return err_set(m, ERR_INPUT, "run: --mean and --std without --images: want --images SET "
                       "too");
    return tracing_check(o, m);
}

/* The file's outputs come from exact products of the whole network, image by image. */
static enum err check_outputs(const struct options *o, const struct study *s, struct err_msg *m)
{
    const struct config *c = &s->config;

    if (!o->outputs)
        return ERR_NONE;
    if (c->network.onnx[0] == '\0')
        return err_set(m, ERR_INPUT, "run: --outputs %s: it has the outputs of a model's file, and "
                       "network %s is of none: want --set network.onnx=MODEL, or no --outputs",
                       o->outputs, s->network.name);
    const struct {
        bool        differs;
        const char *key, *value, *why, *cure;
    } reasons[] = {
        { strcmp(c->network.layer, "all") != 0, "network.layer", c->network.layer,
          "the file's outputs are those of all layers", ", or --set network.layer=all" },
        { network_is_spiking(&s->network), "neuron.kind", c->neuron.kind,
          "outputs are those of a single presentation", ", or --set neuron.kind=requantize --set "
          "input.coding=value --set input.steps=1" },
        { s->analog.device, "core.crossbar.device", c->crossbar.device,
          "outputs are those of exact products", ", or --set core.crossbar.device=ideal" },
        { !plan_is_exact(&s->plan), "core.readout.kind", c->readout.kind,
          "outputs are those of exact products, from which codes may differ",
          ", or --set core.readout.kind=exact" },
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].differs)
            return err_set(m, ERR_INPUT, "run: --outputs %s: %s = %.60s: %s: want no --outputs%s",
                           o->outputs, reasons[i].key, reasons[i].value, reasons[i].why,
                           reasons[i].cure);
    return ERR_NONE;
}

static enum err check_picture(const struct options *o, const struct study *s, struct err_msg *m)
{
    const bool spikes = network_is_spiking(&s->network);

    if (!o->svg || s->analog.device || network_has_tokens(&s->network) ||
        (spikes && (o->images || o->inputs)))
        return ERR_NONE;
    if (spikes)
        return err_set(m, ERR_INPUT, "run: --svg %s: draws spikes, which images make: want "
                       "--images SET too, or --timeline %s", o->svg, o->svg);
    return err_set(m, ERR_INPUT, "run: --svg %s: draws the accuracy of analog chips in time, or "
                   "spikes, and devices are ideal: want --set core.crossbar.device=pcm_joshi, or "
                   "--timeline %s", o->svg, o->svg);
}

/* Of a machine of tokens; report is a const struct report *. */
static enum err token_picture(const void *report, FILE *out, struct err_msg *m)
{
    const struct report *r = report;

    (void)m;
    tokens_picture(r->decoder ? &r->decoder->plan : &r->study->plan, out);
    return ERR_NONE;
}

/* Of CONFIG, or of a point with what it ran; images that are asked for besides count. */
static enum err load_chosen(struct study *s, struct options *own, json_t **images,
                            const struct options *o, struct err_msg *m)
{
    *own = *o;
    if (!o->from)
        return study_any_from_options(s, o, m);
    enum err e = study_from_point(s, images, o, m);
    const struct wanted_images wanted = wanted_images(*images);
    if (e || !wanted.set || o->images || o->inputs)
        return e;
    own->images = wanted.set;
    own->how = wanted.how;
    own->count = o->count > 0 ? o->count : wanted.count;
    return ERR_NONE;
}

/* The study, with --seed as its analog.seed; *own: the options with what a point ran. */
static enum err load_study(struct study *s, struct options *own, json_t **images,
                           const struct options *o, struct err_msg *m)
{
    struct options seeded = *o;
    char seed[64];

    if (o->seed == 0)
        return load_chosen(s, own, images, o, m);
    seeded.set = calloc(o->n_set + 1, sizeof *seeded.set);
    if (!seeded.set)
        return err_set(m, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < o->n_set; i++)
        seeded.set[i] = o->set[i];
    snprintf(seed, sizeof seed, "analog.seed=%" PRIu64, o->seed);
    seeded.set[seeded.n_set++] = seed;
    enum err e = load_chosen(s, own, images, &seeded, m);
    free(seeded.set);
    own->set = o->set;
    own->n_set = o->n_set;
    if (e || s->analog.device)
        return e;
    study_release(s);
    return err_set(m, ERR_INPUT, "run: --seed %" PRIu64 ": nothing is random where devices are "
                   "ideal, and no seed changes it: want no --seed, or --set "
                   "core.crossbar.device=pcm_joshi", o->seed);
}

/* Runs, with exact weights and then on analog chips, and measures the host meanwhile. */
static enum err simulate(const struct options *o, const struct study *s, struct measured *d,
                         struct host *host, struct err_msg *m)
{
    struct progress p;
    struct tracing t;
    bool places = !clocking_of(&s->config)->pass; // of pixels, to be proved
    enum err e = places && (o->images || o->inputs) ? study_prove(s, o, m) : ERR_NONE;
    if (!e)
        e = tracing_open(&t, o, &s->plan, m);
    if (e)
        return e;
    const struct run_cfg cfg = { .kernel = (enum kernel_kind)o->kernel,
                                 .mode = KERNEL_SKIP_IDLE,
                                 .images = o->images,
                                 .images_how = o->how,
                                 .inputs = o->inputs,
                                 .n_image = o->count,
                                 .jobs = (uint32_t)o->jobs,
                                 .stepped = o->timing,
                                 .timed_values = o->values,
                                 .probe = tracing_probe(&t),
                                 .progress = progress_show,
                                 .user = &p };

    progress_start(&p, o->log_level >= LOG_INFO);
    e = tracing_close(&t, measured_run(d, s, &cfg, m), m);
    if (e)
        measured_release(d);
    *host = (struct host){ .jobs = o->jobs, .wall_s = clock_s() - p.start_s };
    host->peak_rss_mib = peak_rss_mib();
    progress_end(&p);
    if (!e)
        note_cut_values(o, &d->run);
    if (!e)
        log_line(o, LOG_DEBUG, "ran %" PRIu64 " images in %.3f s", d->run.n_image, host->wall_s);
    return e;
}

/* Of --outputs: images that wait until as many are there as go through together. */
struct visit {
    struct outputs          *outputs; // owned, as the next two
    struct outputs_file     *file;
    uint8_t                 *image;   // [VALUE_LANES][image_bytes]
    size_t                   image_bytes;
    uint32_t                 n;       // that wait
    uint64_t                 end;     // of those seen
    const struct run_result *result;
};

/* Images whose classes are the chip's: one proves the other. */
static enum err run_waiting(struct visit *v, struct err_msg *m)
{
    const uint64_t first = v->end - v->n;
    enum err e = outputs_run(v->outputs, v->image, v->n, m);

    for (uint32_t i = 0; !e && v->result->predicted && i < v->n; i++)
        if (v->result->predicted[first + i] != outputs_class(v->outputs, i))
            e = err_set(m, ERR_RUN, "image %" PRIu64 ": the chip's class %" PRIu32 " is not that "
                        "of the layers one by one, %" PRIu32, first + i,
                        v->result->predicted[first + i], outputs_class(v->outputs, i));
    v->n = 0;
    return e ? e : outputs_file_add(v->file, v->result->n_image, m);
}

static enum err visit_image(void *user, uint64_t i, const uint8_t *image, struct err_msg *m)
{
    struct visit *v = user;

    memcpy(v->image + v->n++ * v->image_bytes, image, v->image_bytes);
    v->end = i + 1;
    return v->n == VALUE_LANES || v->end == v->result->n_image ? run_waiting(v, m) : ERR_NONE;
}

/* What can be refused before the run is. */
static enum err visit_open(struct visit *v, const struct options *o, const struct study *s,
                           struct err_msg *m)
{
    enum err e = outputs_new(&v->outputs, &s->config.network, &s->network, m);

    if (!e)
        e = outputs_file_open(&v->file, v->outputs, o->outputs, m);
    v->image_bytes = network_image_bytes(&s->network);
    v->image = e ? NULL : calloc(VALUE_LANES, v->image_bytes);
    return e || v->image ? e : err_set(m, ERR_MEMORY, "no memory for images");
}

static enum err visit_all(struct visit *v, const struct options *o, const struct study *s,
                          const struct run_result *result, struct err_msg *m)
{
    const struct run_cfg cfg = { .images = o->images, .images_how = o->how,
                                 .inputs = o->inputs };

    v->result = result;
    enum err e = run_visit_images(&s->plan, &cfg, 0, result->n_image, visit_image, v, m);
    if (!e) {
        e = outputs_file_commit(v->file, m);
        v->file = NULL;
    }
    return e;
}

static void visit_close(struct visit *v)
{
    outputs_file_discard(v->file);
    outputs_free(v->outputs);
    free(v->image);
}

struct decoding { // beside the run of whole sequences
    struct decoder    decoder;
    struct run_result run;
    struct decode_price price;
    bool              done;
};

static void decoding_release(struct decoding *d)
{
    if (d->done)
        run_result_release(&d->run);
    decoder_release(&d->decoder);
}

/* Decodes, where the configuration asks for tokens. */
static enum err decode(struct decoding *d, struct report *r, const struct options *o,
                       struct err_msg *m)
{
    const struct run_cfg cfg = { .kernel = (enum kernel_kind)o->kernel, .n_image = 1, .jobs = 1,
                                 .stepped = o->timing };
    enum err e;

    *d = (struct decoding){ .done = false };
    if (!decoder_wanted(r->study))
        return ERR_NONE;
    if ((e = decoder_make(&d->decoder, r->study, m)) ||
        (e = run(&d->decoder.plan, &cfg, &d->run, m)))
        return e;
    d->done = true;
    r->decoder = &d->decoder;
    r->decoded = &d->run;
    if (!pricing_wanted(&r->study->config))
        return ERR_NONE;
    r->decode_price = &d->price;
    return decode_price(&d->price, r->study, &d->decoder, &d->run, m);
}

static enum err run_study(const struct options *o, struct report *r, const struct output *outputs,
                          size_t n, struct err_msg *m)
{
    struct measured d;
    struct visit v = { 0 };
    enum err e = o->outputs ? visit_open(&v, o, r->study, m) : ERR_NONE;

    if (!e)
        e = simulate(o, r->study, &d, &r->host, m);
    if (!e && o->outputs && (e = visit_all(&v, o, r->study, &d.run, m)))
        measured_release(&d);
    visit_close(&v);
    if (e)
        return e;
    e = measured_price(&d, r->study, m);
    struct decoding decoding = { .done = false };
    if (!e)
        e = decode(&decoding, r, o, m);
    if (!e) {
        report_measured(r, &d);
        e = results_write(&report_form, o, r, outputs, n, m);
    }
    decoding_release(&decoding);
    measured_release(&d);
    return e;
}

static enum err run_in_timesteps(const struct options *o, const struct study *s,
                                 struct err_msg *m)
{
    struct report r = { .study = s,
                        .images = o->images ? o->images : o->inputs,
                        .kernel = (enum kernel_kind)o->kernel,
                        .seed = s->analog.seed };
    struct neuron_trace trace = { 0 };
    const struct spike_drawing drawing = { &r, &trace };
    const bool tokens = network_has_tokens(&s->network);
    const struct output outputs[] = {
        { o->stats, report_stats, &r },
        { o->write_config, study_write_config, s },
        { o->svg, s->analog.device ? analog_picture : tokens ? token_picture : spike_picture,
          s->analog.device || tokens ? (const void *)&r : &drawing },
        { o->trace, NULL, NULL }, // these are written during the run
        { o->timeline, NULL, NULL },
        { o->outputs, NULL, NULL },
    };
    const size_t n = sizeof outputs / sizeof *outputs, n_result = n - 3;
    enum err e = check_outputs(o, s, m);

    if (!e)
        e = check_picture(o, s, m);
    if (!e)
        e = results_check(&report_form, o, outputs, n, m);
    if (!e)
        e = neuron_trace_make(&trace, o, s, m);
    if (!e)
        e = run_study(o, &r, outputs, n_result, m);
    neuron_trace_release(&trace);
    return e;
}

/* By the clocking, whose reports differ. */
static enum err run_any(const struct options *o, const struct study *s, struct err_msg *m)
{
    switch (config_clocking(&s->config)) {
    case CLOCKING_ELASTIC:
        return run_elastic(o, s, m);
    case CLOCKING_EVENT:
        return run_event(o, s, m);
    case CLOCKING_TIMESTEP:
    case CLOCKING_COMBINATIONAL:
        break;
    }
    return run_in_timesteps(o, s, m);
}

static enum err cmd_run(const struct options *o, struct err_msg *m)
{
    struct study s;
    struct options own;
    json_t *images = NULL;
    enum err e = check_options(o, m);

    if (!e)
        e = load_study(&s, &own, &images, o, m);
    if (!e) {
        e = run_any(&own, &s, m);
        study_release(&s);
    }
    json_decref(images);
    return e;
}

const struct command command_run = {
    .name = "run",
    .operand = "CONFIG",
    .summary = "simulates the chip, images or timing only, and explains the result",
    .help = "Maps the network of CONFIG onto IMC cores and simulates them timestep by timestep.\n"
            "With --images they come out classified, their values computed layer by layer beside\n"
            "the chip's time; --values timed lets their bytes travel through the chip instead,\n"
            "with the same results. Without images the same run is timing only: counts and times\n"
            "are those of the plan, which --timing chip proves by stepping a chip through it.\n"
            "With clocking.kind=elastic each stage works as soon as it can, and the\n"
            "report says what it waits for (imcsim help elastic).\n"
            "\n"
            "  imcsim run configs/resnet32.yaml\n"
            "  imcsim run configs/resnet32.yaml --set fabric.partial_sum_hops=0\n"
            "  imcsim run configs/resnet32_fmnist.yaml --jobs 2 \\\n"
            "      --images /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz\n"
            "  imcsim run configs/resnet32.yaml --json - | jq .timing\n"
            "  imcsim run --from arrays.db:ID --timeline t.svg        # a point of a study\n"
            "  imcsim run configs/resnet32.yaml --set clocking.kind=elastic --count 5\n"
            "  imcsim run configs/resnet32.yaml --trace t.vcd.gz --trace-scope 'conv1,rs*:fire'\n"
            "  imcsim run configs/resnet32.yaml --count 2 --trace t.json.gz --timeline t.svg\n"
            "  imcsim run configs/resnet32_fmnist.yaml --count 3 --svg chips.svg \\\n"
            "      --set core.crossbar.device=pcm_joshi --set analog.chips=2 \\\n"
            "      --images /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz\n",
    .options = OPTION_BIT(OPTION_FROM) | OPTION_BIT(OPTION_SET) | OPTION_IMAGE_SET |
               OPTION_BIT(OPTION_COUNT) | OPTION_BIT(OPTION_INPUTS) | OPTION_BIT(OPTION_OUTPUTS) |
               OPTION_BIT(OPTION_INPUT_SHAPE) | OPTION_BIT(OPTION_RANDOM_WEIGHTS) |
               OPTION_BIT(OPTION_ACTIVITY) | OPTION_BIT(OPTION_JOBS) | OPTION_BIT(OPTION_SEED) |
               OPTION_BIT(OPTION_KERNEL) | OPTION_BIT(OPTION_TIMING) |
               OPTION_BIT(OPTION_VALUES) | OPTION_RESULTS |
               OPTION_BIT(OPTION_STATS) | OPTION_BIT(OPTION_SVG) |
               OPTION_BIT(OPTION_WRITE_CONFIG) | OPTION_BIT(OPTION_TRACE) |
               OPTION_BIT(OPTION_TRACE_SCOPE) | OPTION_BIT(OPTION_TRACE_WINDOW) |
               OPTION_BIT(OPTION_TIMELINE) | OPTION_BIT(OPTION_NEURONS),
    .run = cmd_run,
};
