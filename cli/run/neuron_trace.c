/* cli/run/neuron_trace.c -- see neuron_trace.h. */
#include "cli/run/neuron_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network/precision.h"
#include "network/spiking/neuron.h"
#include "network/spiking/spikes.h"
#include "study/run.h"

enum { MOST = 64, MOST_STEPS = 100000 };

struct watching {
    struct neuron_trace *trace;
    const struct network *network;
    uint32_t layer;
};

static enum err refuse(const char *text, const char *what, struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "run: --neurons %.200s: %.200s: want LAYER or LAYER:FIRST-LAST, "
                   "of at most %d neurons", text, what, MOST);
}

/* FIRST-LAST of `total`. */
static bool read_range(const char *text, uint64_t total, struct neuron_trace *t)
{
    char *end;
    unsigned long long first = strtoull(text, &end, 10), last = first;

    if (end == text || *text == '-')
        return false;
    if (*end == '-') {
        const char *from = end + 1;
        last = strtoull(from, &end, 10);
        if (end == from)
            return false;
    }
    if (*end != '\0' || last < first || last >= total || last - first >= MOST)
        return false;
    t->first = (uint32_t)first;
    t->n = (uint32_t)(last - first + 1);
    return true;
}

static enum err choose(struct watching *w, const char *text, struct err_msg *m)
{
    const struct network *n = w->network;
    const char *colon = strchr(text, ':');
    char name[256];

    snprintf(name, sizeof name, "%.*s", colon ? (int)(colon - text) : (int)strlen(text), text);
    w->layer = network_find(n, name);
    if (w->layer == n->n_layer || !n->layer[w->layer].neuron ||
        n->layer[w->layer].neuron->kind->delivers_current)
        return refuse(text, "no layer of neurons is called so; --table neurons lists them", m);
    const struct layer *l = &n->layer[w->layer];
    const uint64_t total = (uint64_t)l->out.height * l->out.width * l->out.channels;
    struct neuron_trace *t = w->trace;
    t->name = l->name;
    t->fires = l->neuron->kind->fires;
    t->steps = presentation_steps(&n->present);
    t->n = total < 32 ? (uint32_t)total : 32;
    if (colon && !read_range(colon + 1, total, t)) {
        char what[80];
        snprintf(what, sizeof what, "the layer has neurons 0 to %" PRIu64, total - 1);
        return refuse(text, what, m);
    }
    if (t->steps > MOST_STEPS)
        return refuse(text, "more than 100,000 steps", m);
    return ERR_NONE;
}

static void look(const struct watching *w, const struct spikes *s, uint32_t step)
{
    struct neuron_trace *t = w->trace;
    const struct layer *l = &w->network->layer[w->layer];
    const uint32_t weight = presentation_weight(&w->network->present, step);

    for (uint32_t i = 0; i < t->n; i++) {
        const size_t at = t->first + i;
        const double theta = (double)(l->neuron->theta[at % l->out.channels] << weight);
        t->spikes[(size_t)i * t->steps + step] = t->fires ? spikes_delivered(s, w->layer, at) : 0;
        t->v[(size_t)i * t->steps + step] =
            (double)spikes_potential(s, w->layer, at) / (t->fires ? theta : 1);
    }
}

/* Step by step, as spikes_run() does. */
static enum err follow(void *user, uint64_t i, const uint8_t *image, struct err_msg *m)
{
    struct watching *w = user;
    const struct presentation *p = &w->network->present;
    const size_t pixels = network_image_values(w->network);
    struct spikes *s = spikes_new(w->network);
    int32_t *in = malloc(pixels * sizeof *in);

    if (!s || !in) {
        spikes_free(s);
        free(in);
        return err_set(m, ERR_MEMORY, "no memory to follow neurons");
    }
    spikes_forget(s);
    for (uint32_t t = 0; t < w->trace->steps; t++) {
        p->coding->code(p, i, t, image, pixels, in);
        spikes_step(s, in, t, NULL);
        look(w, s, t);
    }
    spikes_free(s);
    free(in);
    return ERR_NONE;
}

enum err neuron_trace_make(struct neuron_trace *t, const struct options *o, const struct study *s,
                           struct err_msg *m)
{
    struct watching w = { t, &s->network, 0 };
    const struct run_cfg cfg = { .images = o->images, .images_how = o->how, .inputs = o->inputs };

    *t = (struct neuron_trace){ 0 };
    if (!o->neurons)
        return ERR_NONE;
    if (!o->svg)
        return refuse(o->neurons, "nothing is drawn without --svg FILE", m);
    enum err e = choose(&w, o->neurons, m);
    if (!e) {
        t->spikes = calloc((size_t)t->n * t->steps, sizeof *t->spikes);
        t->v = calloc((size_t)t->n * t->steps, sizeof *t->v);
        e = t->spikes && t->v ? run_visit_images(&s->plan, &cfg, 0, 1, follow, &w, m)
                              : err_set(m, ERR_MEMORY, "no memory to follow neurons");
    }
    if (e)
        neuron_trace_release(t);
    return e;
}

void neuron_trace_release(struct neuron_trace *t)
{
    free(t->spikes);
    free(t->v);
    *t = (struct neuron_trace){ 0 };
}
