/* study/study.c -- see study.h. */
#include "study/study.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "arch/analog/chip.h"
#include "arch/event/layers.h"
#include "arch/event/machine.h"
#include "arch/tech/device.h"
#include "core/datadir.h"
#include "core/notes.h"
#include "dataflow/plan/clocking.h"
#include "dataflow/plan/operations.h"
#include "dataflow/policies.h"
#include "import/import.h"
#include "network/family.h"
#include "network/host.h"
#include "network/part.h"
#include "network/precision.h"
#include "network/tokens/values.h"
#include "onnx/kind.h"
#include "onnx/read/read.h"
#include "study/idle.h"
#include "study/present.h"
#include "study/pricing.h"

/* Complaints of the family and of widths begin with the key: puts the place where it was given
 * before it. */
static void name_place(const struct config *c, struct err_msg *m)
{
    static const char *const keys[] = { "network.depth", "network.size", "network.channels",
                                        "network.classes", "network.value_bits",
                                        "network.weight_bits", "core.event.hop_ns",
                                        "core.event.service_ns", "core.event.neuron_clock_khz",
                                        "core.event.service_cycles",
                                        "network.heads", "network.kv_heads",
                                        "network.layers", "network.patch", "network.vocabulary" };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strncmp(m->text, keys[i], strlen(keys[i])) == 0) {
            err_prefix(m, config_where(c, keys[i]));
            return;
        }
}

/* Nodes of a model's file that are no part of the network. */
static void note_unread(struct config *c, const struct onnx_model *o)
{
    struct onnx_graph g;
    struct err_msg line;

    if (onnx_graph_init(&g, o->proto, 1, &line))
        return; // it has been read before
    onnx_graph_tell_unread(&g, &line);
    if (line.text[0] != '\0')
        notes_add(&c->notes, "%.400s: %s", c->network.onnx, line.text);
    onnx_graph_release(&g);
}

/* A quantised model as it is; of a float one the shapes, for plans, time and price. */
static enum err load_model(struct network *n, struct config *c, struct err_msg *m)
{
    const struct network_cfg *cfg = &c->network;
    struct onnx_model o;
    const struct network_onnx_cfg open = {cfg->input_shape, &cfg->axes, cfg->input_type,
                                          cfg->random_weights};
    enum err e = onnx_model_load(&o, cfg->onnx, &open, m);

    *n = (struct network){0};
    if (e)
        return e;
    if (onnx_model_is_quantised(o.proto))
        e = network_read_onnx(n, &o, m);
    else
        e = import_network(n, o.name, o.proto, m);
    if (e)
        err_prefix(m, cfg->onnx);
    if (!e)
        note_unread(c, &o);
    onnx_model_release(&o);
    return e;
}

/* A file of NIR, neurons and all. */
static enum err load_nir(struct network *n, const struct config *c, struct err_msg *m)
{
    const char *path = c->network.nir, *slash = strrchr(path, '/');
    struct presentation p;
    struct nir_graph g;
    struct nir_cfg nir;
    enum err e = present_read(&p, c, m);

    *n = (struct network){ 0 };
    if (!e)
        e = present_nir(&nir, c, &p, m);
    if (!e)
        e = nir_graph_load(&g, path, m);
    if (e)
        return e;
    e = nir_network(n, slash ? slash + 1 : path, &g, &nir, m);
    nir_graph_release(&g);
    n->present = p;
    if (!e)
        e = network_check(n, m);
    if (e) {
        err_prefix(m, path);
        network_release(n);
    }
    return e;
}

static enum err own_network(struct network *n, struct config *c, struct err_msg *m)
{
    const struct network_cfg *cfg = &c->network;

    if (cfg->onnx[0] != '\0')
        return load_model(n, c, m);
    if (cfg->nir[0] != '\0')
        return load_nir(n, c, m);
    const struct resnet_cifar_cfg resnet = { cfg->depth, cfg->size, cfg->classes, cfg->channels,
                                             cfg->n_channels };
    const struct vgg_cifar_cfg vgg = { cfg->depth, cfg->size, cfg->classes, cfg->channels,
                                       cfg->n_channels };
    enum err e;

    struct transformer_cfg transformer = cfg->transformer;
    transformer.size = cfg->size;
    transformer.classes = cfg->classes;
    transformer.functions = cfg->random_weights > 0;
    if (strcmp(cfg->family, "transformer") == 0)
        e = network_transformer(n, &transformer, m);
    else if (strcmp(cfg->family, "resnet-cifar") == 0)
        e = network_resnet_cifar(n, &resnet, m);
    else if (strcmp(cfg->family, "vgg-cifar") == 0)
        e = network_vgg_cifar(n, &vgg, m);
    else
        return err_set(m, ERR_INPUT, "%.400s: network.family = %s: want resnet-cifar, "
                       "vgg-cifar or transformer",
                       config_where(c, "network.family"), cfg->family);
    if (!e && cfg->random_weights > 0)
        e = family_fill(n, cfg->random_weights, m);
    if (e)
        name_place(c, m);
    return e;
}

/* Layers that stay with the host, which presents an image once. */
static enum err give_to_host(struct network *n, const struct config *c, struct err_msg *m)
{
    const char *where = config_where(c, "network.host_layers");

    if (presentation_steps(&n->present) > 1)
        return err_set(m, ERR_INPUT, "%.400s: network.host_layers = %" PRIu32 " beside %" PRIu32
                       " steps of an image: want input.steps = 1, or no host's layers", where,
                       c->network.host_layers, presentation_steps(&n->present));
    enum err e = network_give_to_host(n, c->network.host_layers, m);
    if (e)
        err_prefix(m, where);
    return e;
}

/* 0: real numbers. */
static uint32_t attention_bits(const struct config *c)
{
    static const uint32_t bits[] = { [ATTENTION_6] = 6, [ATTENTION_8] = 8, [ATTENTION_10] = 10,
                                     [ATTENTION_FP32] = 0 };

    return bits[c->attention.bits];
}

static void give_numbers(struct network *n, const struct config *c)
{
    network_attention_bits(n, attention_bits(c));
    network_digital_numbers(n, c->digital_core.numbers);
}

static enum err make_network(struct network *n, struct config *c, struct err_msg *m)
{
    const struct network_cfg *cfg = &c->network;
    uint32_t values = cfg->value_bits == WIDTH_OWN ? 0 : cfg->value_bits;
    uint32_t weights = cfg->weight_bits == WIDTH_OWN ? 0 : cfg->weight_bits;
    enum err e = own_network(n, c, m);

    if (!e && strcmp(cfg->layer, "all") != 0) {
        e = network_keep_layer(n, cfg->layer, m);
        if (e)
            err_prefix(m, config_where(c, "network.layer"));
    }
    if (!e)
        e = present_network(n, c, m);
    if (!e && cfg->host_layers > 0)
        e = give_to_host(n, c, m);
    if (!e)
        present_note(c, n);
    if (!e)
        give_numbers(n, c);
    if (e || (values == 0 && weights == 0))
        return e;
    e = network_carry(n, values, weights, m);
    if (e)
        name_place(c, m);
    return e;
}

static enum err hash_config(char text[17], const struct config *c, struct err_msg *m)
{
    json_t *json = config_to_json(c);
    char *bytes = json ? json_dumps(json, JSON_COMPACT) : NULL;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    json_decref(json);
    if (!bytes)
        return err_set(m, ERR_MEMORY, "no memory to write the configuration");
    for (const unsigned char *p = (const unsigned char *)bytes; *p; p++)
        hash = (hash ^ *p) * UINT64_C(0x100000001b3);
    free(bytes);
    snprintf(text, 17, "%016" PRIx64, hash);
    return ERR_NONE;
}

/* Devices that are named and matter, so that a mistake is told with its place. */
static enum err check_devices(const struct config *c, struct err_msg *m)
{
    const struct {
        const char *key, *word;
        bool matters;
    } named[] = {
        { "core.crossbar.device", c->crossbar.device, strcmp(c->crossbar.device, "ideal") != 0 },
        { "energy.device", c->energy.device, pricing_wanted(c) },
    };

    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        const char *where = config_where(c, named[i].key);
        struct device d;
        if (!named[i].matters || strcmp(where, "default") == 0)
            continue;
        enum err e = device_read(&d, named[i].word, named[i].key, m);
        if (e) {
            err_prefix(m, where);
            return e;
        }
    }
    return ERR_NONE;
}

/* Of a configuration that was read, or not. */
static enum err begin(struct study *s, enum err e, struct err_msg *m)
{
    if (!e)
        e = hash_config(s->config_hash, &s->config, m);
    if (!e)
        e = check_devices(&s->config, m);
    if (e)
        study_release(s);
    return e;
}

enum err study_network(struct study *s, const struct study *like, struct err_msg *m)
{
    const size_t n = sizeof s->config.network;
    enum err e = ERR_NONE;

    s->borrows_network =
        like && memcmp(&s->config.network, &like->config.network, n) == 0 &&
        memcmp(&s->config.input, &like->config.input, sizeof s->config.input) == 0 &&
        memcmp(&s->config.neuron, &like->config.neuron, sizeof s->config.neuron) == 0 &&
        memcmp(&s->config.nir, &like->config.nir, sizeof s->config.nir) == 0 &&
        s->config.attention.bits == like->config.attention.bits &&
        s->config.digital_core.numbers == like->config.digital_core.numbers;
    if (s->borrows_network)
        s->network = like->network;
    else
        e = make_network(&s->network, &s->config, m);
    if (e)
        study_release(s);
    return e;
}

enum err study_load_config(struct study *s, const char *path, const char *const *set,
                           size_t n_set, struct err_msg *m)
{
    char found[DATADIR_BYTE];

    *s = (struct study){0};
    if (path && strcmp(path, "-") == 0)
        path = "/dev/stdin";
    if (path && strlen(path) < sizeof found) {
        datadir_open_name(found, path);
        path = found;
    }
    return begin(s, config_load(&s->config, path, set, n_set, m), m);
}

enum err study_config_of(struct study *s, const struct config_file *f, const char *const *set,
                         size_t n_set, struct err_msg *m)
{
    *s = (struct study){0};
    return begin(s, config_of_file(&s->config, f, set, n_set, m), m);
}

enum err study_load_network(struct study *s, const char *path, const char *const *set,
                            size_t n_set, struct err_msg *m)
{
    enum err e = study_load_config(s, path, set, n_set, m);

    return e ? e : study_network(s, NULL, m);
}

enum err study_load_network_text(struct study *s, const char *name, const char *text,
                                 const char *const *set, size_t n_set, struct err_msg *m)
{
    *s = (struct study){0};
    enum err e = begin(s, config_load_text(&s->config, name, text, set, n_set, m), m);

    return e ? e : study_network(s, NULL, m);
}

enum err study_compose(struct study *s, struct err_msg *m)
{
    if (pricing_wanted(&s->config))
        return ERR_NONE;
    strcpy(s->config.energy.chip, "composed");
    enum err e = hash_config(s->config_hash, &s->config, m);
    if (e)
        study_release(s);
    return e;
}

enum err study_prices_of(struct study *s, struct study *other, struct err_msg *m)
{
    char **where = s->config.where;

    s->config.energy = other->config.energy;
    s->config.where = other->config.where;
    other->config.where = where;
    return hash_config(s->config_hash, &s->config, m);
}

static enum err choose_mapping(struct study *s, struct err_msg *m)
{
    struct pricer pricer;
    bool priced = s->config.mapping.optimize == OPTIMIZE_EDP;
    enum err e = priced ? pricer_init(&pricer, &s->config, &s->network, m) : ERR_NONE;

    if (!e)
        e = mapping_resolve(&s->config, &s->network, priced ? &pricer.prices : NULL, &s->mapping,
                            m);
    return e ? e : hash_config(s->config_hash, &s->config, m);
}

static enum err check_rule(const struct config *c, struct err_msg *m)
{
    if (learning_rule_find(c->learning.rule))
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "%.400s: learning.rule = %s: want none or stdp",
                   config_where(c, "learning.rule"), c->learning.rule);
}

/* What event cores can be made of, before anything runs. */
static enum err check_events(const struct study *s, struct err_msg *m)
{
    const struct config *c = &s->config;
    const struct event_timing t = event_timing_of(c);

    if (c->core_kind != CORE_EVENT)
        return ERR_NONE;
    if (!t.arbiter)
        return err_set(m, ERR_INPUT, "%.400s: core.event.arbiter = %s: want fixed or round_robin",
                       config_where(c, "core.event.arbiter"), c->event.arbiter);
    enum err e = event_timing_check(&t, m);
    if (e)
        name_place(c, m);
    if (!e && s->analog.device)
        e = err_set(m, ERR_INPUT, "%.400s: core.crossbar.device = %s: event cores compute exactly: "
                    "want ideal, or core.kind = imc", config_where(c, "core.crossbar.device"),
                    c->crossbar.device);
    return e ? e : event_layers_check(&s->network, m);
}

/* Without notes of keys that have no effect. */
static enum err make_plan(struct study *s, struct err_msg *m)
{
    enum err e = idle_refuse(s, m);

    s->mapping_chosen = mapping_is_chosen(&s->config);
    if (!e && s->mapping_chosen && network_has_tokens(&s->network))
        e = err_set(m, ERR_INPUT, "%.400s: mapping.optimize, mapping.policy: network %s has layers "
                    "of tokens, which the mapper does not time yet: want none",
                    config_where(&s->config, "mapping.optimize"), s->network.name);
    if (!e && s->mapping_chosen)
        e = choose_mapping(s, m);
    if (!e)
        e = analog_spec_of(&s->analog, &s->config, m);
    if (!e)
        e = check_rule(&s->config, m);
    if (!e)
        e = check_events(s, m);
    if (!e)
        e = plan_make(&s->plan, &s->network, &s->config, m);
    if (!e && s->analog.device)
        e = analog_chip_check(&s->plan, &s->analog, m);
    if (e)
        study_release(s);
    return e;
}

enum err study_plan_any(struct study *s, struct err_msg *m)
{
    enum err e = make_plan(s, m);

    if (!e)
        idle_note(s);
    return e;
}

enum err study_plan(struct study *s, struct err_msg *m)
{
    const bool events = s->config.core_kind == CORE_EVENT;
    const char *key = events ? "core.kind" : "clocking.kind";

    if (clocking_of(&s->config)->in_timesteps)
        return study_plan_any(s, m);
    err_set(m, ERR_INPUT, "%.400s: %s = %s: its times are those of imcsim run%s: want %s here",
            config_where(&s->config, key), key, clocking_of(&s->config)->name,
            events ? " with images" : "",
            events ? "core.kind = imc" : "clocking.kind = timestep");
    study_release(s);
    return ERR_INPUT;
}

enum err study_plan_to_place(struct study *s, struct err_msg *m)
{
    char kind[sizeof s->config.fabric.kind];
    const struct fabric *f;

    if (s->config.core_kind == CORE_EVENT)
        return study_plan_any(s, m);
    memcpy(kind, s->config.fabric.kind, sizeof kind);
    if (policies_fabric(&f, &s->config, m) || !f->graph)
        return study_plan(s, m); // which says what is wrong
    snprintf(s->config.fabric.kind, sizeof kind, "%s", fabric_point_to_point.name);
    enum err e = make_plan(s, m);
    if (e)
        return e;
    memcpy(s->config.fabric.kind, kind, sizeof kind);
    idle_note(s);
    return hash_config(s->config_hash, &s->config, m);
}

enum err study_load(struct study *s, const char *path, const char *const *set, size_t n_set,
                    struct err_msg *m)
{
    enum err e = study_load_network(s, path, set, n_set, m);

    return e ? e : study_plan(s, m);
}

void study_release(struct study *s)
{
    plan_release(&s->plan);
    if (!s->borrows_network)
        network_release(&s->network);
    config_release(&s->config);
    *s = (struct study){0};
}

enum err study_write_config(const void *study, FILE *out, struct err_msg *m)
{
    return config_write_yaml(&((const struct study *)study)->config, out, m);
}
