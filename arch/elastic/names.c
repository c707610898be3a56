/* arch/elastic/names.c -- stages, buffers and what is waited for, in words. */
#include <stdio.h>
#include <string.h>

#include "arch/core/core.h"
#include "arch/elastic/elastic.h"

const char *const elastic_kind_names[N_ELASTIC_KIND] = {
    [ELASTIC_PORT] = "port", [ELASTIC_CROSSBAR] = "crossbar", [ELASTIC_DIGITAL] = "digital",
    [ELASTIC_LINK] = "link",
};

const char *const elastic_buffer_keys[N_ELASTIC_BUFFER] = {
    [BUFFER_INPUT] = "elastic.input_pixels",
    [BUFFER_RESIDUAL] = "elastic.residual_pixels",
    [BUFFER_PARTIAL_SUM] = "elastic.partial_sum_pixels",
    [BUFFER_OUTPUT] = "elastic.output_pixels",
    [BUFFER_READ_BACK] = "elastic.read_back_pixels",
};

const char *elastic_site_name(const struct plan *p, uint32_t core)
{
    return core < p->n_core ? p->core[core].name : "scratchpad";
}

/* Of a stream's ends. */
static const char *sender(const struct plan *p, uint32_t stream)
{
    return elastic_site_name(p, core_stream_from(p, stream));
}

static const char *receiver(const struct plan *p, uint32_t stream)
{
    const struct plan_stream *st = &p->stream[stream];

    return st->kind == STREAM_RESULT ? "result" : p->core[st->to].name;
}

struct elastic_name elastic_stage_name(const struct plan *p, const struct elastic_stage *s)
{
    struct elastic_name n;

    if (s->kind == ELASTIC_LINK)
        snprintf(n.text, sizeof n.text, "%.110s -> %.110s%s", elastic_site_name(p, s->core),
                 receiver(p, s->stream),
                 p->stream[s->stream].kind == STREAM_RESIDUAL ? " residual" : "");
    else
        snprintf(n.text, sizeof n.text, "%.120s.%s", elastic_site_name(p, s->core),
                 elastic_kind_names[s->kind]);
    return n;
}

struct elastic_name elastic_cause_name(const struct plan *p, const struct elastic_stage *s,
                                       const struct elastic_cause *c)
{
    const bool of_image = p->stream[c->stream].kind == STREAM_IMAGE;
    const char *from = of_image ? "the image" : sender(p, c->stream);
    const char *to = receiver(p, c->stream);
    struct elastic_name n;

    switch (c->on) {
    case ON_PIXELS:
        snprintf(n.text, sizeof n.text, "pixels of %.120s", from);
        break;
    case ON_SUMS:
        snprintf(n.text, sizeof n.text, "sums of %.120s", from);
        break;
    case ON_RESIDUAL:
        snprintf(n.text, sizeof n.text, "residual of %.120s", from);
        break;
    case ON_CREDIT:
        snprintf(n.text, sizeof n.text, "room at %.120s", to);
        break;
    case ON_WIRE:
        snprintf(n.text, sizeof n.text, "the link, with other pixels for %.100s", to);
        break;
    case ON_OUTPUT:
        snprintf(n.text, sizeof n.text, "outputs not yet sent to %.120s", to);
        break;
    case ON_READ_BACK:
        snprintf(n.text, sizeof n.text, "pixels read back not yet sent to %.100s", to);
        break;
    case ON_TOKEN:
        snprintf(n.text, sizeof n.text, "results of %.120s", elastic_site_name(p, s->core));
        break;
    case ON_PORT:
        snprintf(n.text, sizeof n.text, "its registers");
        break;
    case ON_CROSSBAR:
        snprintf(n.text, sizeof n.text, "its array");
        break;
    case ON_DIGITAL:
        snprintf(n.text, sizeof n.text, "its digital processor");
        break;
    case ON_SLOT:
        snprintf(n.text, sizeof n.text, "a free column of its memory");
        break;
    case ON_TIME:
    case ON_NOTHING:
    case N_ELASTIC_ON:
        snprintf(n.text, sizeof n.text, "nothing");
        break;
    }
    return n;
}

struct elastic_name elastic_buffer_name(const struct plan *p, const struct elastic_buffer *b)
{
    struct elastic_name n;
    const char *key = strchr(elastic_buffer_keys[b->kind], '.') + 1;

    snprintf(n.text, sizeof n.text, "%.120s.%.*s", elastic_site_name(p, b->core),
             (int)(strlen(key) - strlen("_pixels")), key);
    return n;
}
