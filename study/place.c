/* study/place.c -- see place.h. */
#include "study/place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arch/reckon.h"
#include "core/lines.h"
#include "core/yaml.h"
#include "dataflow/policies.h"

bool study_is_placed(const struct study *s)
{
    const struct fabric *f;
    struct err_msg unused;

    return !policies_fabric(&f, &s->config, &unused) && f->graph;
}

/* ---- a placement that a file states ---- */

static enum err take_place(void *placed, char *line, struct err_msg *m)
{
    const struct placed *p = placed;
    static const char space[] = ", \t\r\n";
    char *rest, *name = strtok_r(line, space, &rest), *row = strtok_r(NULL, space, &rest);
    char *column = strtok_r(NULL, space, &rest);
    uint64_t y, x;
    uint32_t core = 0;

    if (!name || name[0] == '#' || strcmp(name, "core") == 0)
        return ERR_NONE;
    if (!row || !column || strtok_r(NULL, space, &rest) || !yaml_decimal(row, 0, &y) ||
        !yaml_decimal(column, 0, &x))
        return err_set(m, ERR_INPUT, "%.60s: want a line of core, row, column", name);
    while (core < p->task.n_core && strcmp(p->name[core], name) != 0)
        core++;
    if (core == p->task.n_core)
        return err_set(m, ERR_INPUT, "%.60s: no such core: want one of imcsim map --set "
                       "fabric.kind=point_to_point --table cores", name);
    if (y >= p->graph.rows || x >= p->graph.columns)
        return err_set(m, ERR_INPUT, "row %.20s, column %.20s: want rows 0 to %" PRIu32
                       ", columns 0 to %" PRIu32, row, column, p->graph.rows - 1,
                       p->graph.columns - 1);
    uint32_t to = (uint32_t)(y * p->graph.columns + x);
    for (uint32_t i = 0; i < p->task.n_core; i++)
        if (p->given[i] == to || (i == core && p->given[i] != PLACEMENT_NOBODY))
            return err_set(m, ERR_INPUT, "%.60s at row %.20s, column %.20s: %.60s has %s: want "
                           "every core once, no two at a place", name, row, column, p->name[i],
                           p->given[i] == to ? "that place" : "a line already");
    p->given[core] = to;
    return ERR_NONE;
}

static enum err read_places(struct placed *p, struct err_msg *m)
{
    const char *path = p->study->config.placement.file;
    FILE *in = path[0] ? fopen(path, "r") : NULL;

    if (!path[0])
        return err_set(m, ERR_INPUT, "placement.kind = file: want placement.file too, a file of "
                       "lines core, row, column");
    if (!in)
        return err_set(m, ERR_INPUT, "placement.file = %.400s: %s: want a file of lines core, row, "
                       "column", path, strerror(errno));
    enum err e = lines_read(in, path, take_place, p, m);
    fclose(in);
    for (uint32_t i = 0; !e && i < p->task.n_core; i++)
        if (p->given[i] == PLACEMENT_NOBODY)
            e = err_set(m, ERR_INPUT, "%.400s: has no line for %.60s: want a line of core, row, "
                        "column for each", path, p->name[i]);
    return e;
}

/* ---- what is to be placed ---- */

/* Cores in the order in which their layers first fire; of the same time as the plan has them. */
static void sort(const struct plan *p, uint32_t *order)
{
    const struct layer_times *time = p->time.layer;

    for (uint32_t i = 0; i < p->n_core; i++) {
        uint32_t at = i;
        for (; at > 0 && time[p->core[order[at - 1]].plan_layer].first_timestep >
                             time[p->core[i].plan_layer].first_timestep; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

/* The first flow of those that are one packet with it, itself if there is none before; a core takes
 * a packet once. */
static uint32_t first_of_packet(const struct placed *p, uint32_t flow)
{
    const struct plan *plan = &p->study->plan;

    for (uint32_t i = 0; i < flow; i++) {
        uint32_t k = i;
        if (p->with[i] != i || !plan_same_tokens(plan, &plan->stream[p->stream[i]],
                                                 &plan->stream[p->stream[flow]]))
            continue;
        while (k < flow && !(p->with[k] == i && p->flow[k].to == p->flow[flow].to))
            k++;
        if (k == flow)
            return i;
    }
    return flow;
}

static void gather(struct placed *p, const struct fabric *f)
{
    if (p->study->config.fabric.multicast != MULTICAST_TREE || f->direct)
        return;
    for (uint32_t i = 0; i < p->task.n_flow; i++)
        p->with[i] = first_of_packet(p, i);
    p->task.with = p->with;
}

static void collect(struct placed *p)
{
    const struct plan *plan = &p->study->plan;
    const struct placement_cfg *cfg = &p->study->config.placement;
    uint32_t n = 0;

    for (uint32_t i = 0; i < plan->n_stream; i++) {
        const struct plan_stream *st = &plan->stream[i];
        if (stream_is_of_image(st->kind) || st->kind == STREAM_RESULT)
            continue;
        uint64_t bits = reckon_stream_bits(plan, st);
        if (bits == 0)
            continue;
        p->stream[n] = i;
        p->flow[n++] = (struct placement_flow){ st->from, st->to, bits };
    }
    sort(plan, p->order);
    for (uint32_t i = 0; i < plan->n_core; i++) {
        p->name[i] = plan->core[i].name;
        p->given[i] = PLACEMENT_NOBODY;
    }
    p->task = (struct placement_task){ .graph = &p->graph, .flow = p->flow, .n_flow = n,
                                       .n_core = plan->n_core, .order = p->order, .name = p->name,
                                       .fabric = p->study->config.fabric.kind,
                                       .seed = cfg->seed, .moves = cfg->moves };
}

static bool make_room(struct placed *p)
{
    const struct plan *plan = &p->study->plan;

    p->flow = calloc(plan->n_stream + 1, sizeof *p->flow);
    p->stream = calloc(plan->n_stream + 1, sizeof *p->stream);
    p->with = calloc(plan->n_stream + 1, sizeof *p->with);
    p->order = calloc(plan->n_core, sizeof *p->order);
    p->given = calloc(plan->n_core, sizeof *p->given);
    p->name = calloc(plan->n_core, sizeof *p->name);
    return p->flow && p->stream && p->with && p->order && p->given && p->name;
}

static enum err find_policy(struct placed *p, struct err_msg *m)
{
    const struct config *c = &p->study->config;
    enum err e = placement_find(&p->policy, c->placement.kind, m);

    if (!e && p->policy->given) {
        e = read_places(p, m);
        p->task.given = p->given;
    }
    if (e == ERR_INPUT)
        err_prefix(m, config_where(c, p->policy == &placement_file && c->placement.file[0]
                                          ? "placement.file" : "placement.kind"));
    return e;
}

enum err study_place(struct placed *p, const struct study *s, placement_progress *progress,
                     void *user, struct err_msg *m)
{
    const struct fabric *f;
    enum err e;

    *p = (struct placed){ .study = s };
    e = policies_fabric(&f, &s->config, m);
    if (!e) {
        e = f->graph(&s->config.fabric, &p->graph, m);
        if (e == ERR_INPUT)
            err_prefix(m, config_where(&s->config, f->direct && s->config.fabric.links[0]
                                                       ? "fabric.links" : "fabric.kind"));
    }
    if (!e && !make_room(p))
        e = err_set(m, ERR_MEMORY, "no memory for a placement");
    if (!e) {
        collect(p);
        gather(p, f);
        e = find_policy(p, m);
    }
    p->task.progress = progress;
    p->task.user = user;
    if (!e) {
        e = placement_make(&p->placement, &p->task, p->policy, m);
        if (e == ERR_INPUT)
            err_prefix(m, config_where(&s->config, placement_fits(&p->task) ? "placement.kind"
                                                                            : "fabric.rows"));
    }
    if (e)
        placed_release(p);
    return e;
}

void placed_release(struct placed *p)
{
    placement_release(&p->placement);
    graph_release(&p->graph);
    free(p->flow);
    free(p->stream);
    free(p->with);
    free(p->order);
    free(p->given);
    free(p->name);
    *p = (struct placed){ 0 };
}
