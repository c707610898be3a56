/* test/fuzz/fuzz_lists.c -- hostile files of lines: links of a fabric, flows of traffic, places of
 * cores. What is read is written and read again alike.
 *
 * Input: a letter that says which, then the file.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "noc/traffic.h"
#include "study/place.h"
#include "test/tmpdir.h"

#define MUST(claim) ((claim) ? (void)0 : (fprintf(stderr, "not so: %s\n", #claim), abort()))

enum { ROWS = 3, COLUMNS = 4 };

static void check_message(enum err e, const struct err_msg *m, const char *names)
{
    MUST(!e || (e == ERR_INPUT && strstr(m->text, names) && strstr(m->text, "want")));
}

/* ---- links ---- */

static enum err read_links(struct graph *g, const char *path, enum links_are are, struct err_msg *m)
{
    struct fabric_cfg cfg = { .rows = ROWS, .columns = COLUMNS, .links_are = are };

    snprintf(cfg.links, sizeof cfg.links, "%s", path);
    return fabric_adjacent.graph(&cfg, g, m);
}

static uint32_t length(const struct graph *g, uint32_t port)
{
    return g->halves ? g->halves[port] : 0;
}

static void write_links(const struct graph *g, const char *path)
{
    FILE *out = fopen(path, "w");

    MUST(out);
    for (uint32_t p = 0; p < g->n_router * g->n_port; p++) {
        if (!graph_is_router(g->peer[p]))
            continue;
        MUST(g->peer[p] / g->n_port < g->n_router && g->peer[p] / g->n_port != p / g->n_port);
        fprintf(out, "%" PRIu32 " %" PRIu32, p / g->n_port, g->peer[p] / g->n_port);
        if (length(g, p) > 0)
            fprintf(out, " %" PRIu32 ".%d", length(g, p) / 2, length(g, p) % 2 ? 5 : 0);
        fputc('\n', out);
    }
    MUST(fclose(out) == 0);
}

static void check_links(const char *path, enum links_are are)
{
    struct graph g = { 0 }, back = { 0 };
    struct err_msg m = { "" };
    enum err e = read_links(&g, path, are, &m);

    check_message(e, &m, path);
    if (e)
        return;
    write_links(&g, path);
    MUST(!read_links(&back, path, LINKS_ONE_WAY, &m));
    MUST(g.n_port == back.n_port);
    for (uint32_t p = 0; p < g.n_router * g.n_port; p++)
        MUST(g.peer[p] == back.peer[p] && length(&g, p) == length(&back, p));
    graph_release(&g);
    graph_release(&back);
}

/* ---- flows ---- */

static void write_flows(const struct traffic *t, const char *path)
{
    FILE *out = fopen(path, "w");

    MUST(out);
    for (uint32_t i = 0; i < t->flows.n; i++)
        fprintf(out, "%" PRIu32 ",%" PRIu32 ",%" PRIu64 "\n", t->flows.flow[i].from,
                t->flows.flow[i].to, t->flows.flow[i].weight);
    MUST(fclose(out) == 0);
}

/* The least and the greatest number lead to the first and the last flow of a node. */
static void check_ends(const struct traffic *t, const struct graph *g)
{
    for (uint32_t node = 0; node < g->n_node; node++) {
        uint32_t first = t->flows.first[node], end = t->flows.first[node + 1];
        MUST(first <= end && end <= t->flows.n);
        MUST(t->pattern->to(t, g, node, 0) == (first < end ? t->flows.flow[first].to : node));
        MUST(t->pattern->to(t, g, node, UINT64_MAX) ==
             (first < end ? t->flows.flow[end - 1].to : node));
        for (uint32_t i = first; i < end; i++)
            MUST(t->flows.flow[i].from == node);
    }
}

static void check_flows(const char *path, bool exclude_self)
{
    const struct fabric_cfg cfg = { .rows = ROWS, .columns = COLUMNS };
    struct traffic t = { .exclude_self = exclude_self }, back = t;
    struct graph g = { 0 };
    struct err_msg m = { "" };

    MUST(!fabric_mesh.graph(&cfg, &g, &m));
    enum err e = traffic_find(&t, path, &g, &m);
    check_message(e, &m, path);
    if (!e) {
        check_ends(&t, &g);
        write_flows(&t, path);
        MUST(!traffic_find(&back, path, &g, &m) && back.flows.n == t.flows.n);
        for (uint32_t i = 0; i < t.flows.n; i++)
            MUST(back.flows.flow[i].up_to == t.flows.flow[i].up_to);
        traffic_release(&back);
    }
    traffic_release(&t);
    graph_release(&g);
}

/* ---- places ---- */

static void write_places(const struct placed *p, const char *path)
{
    bool taken[ROWS * COLUMNS] = { false };
    FILE *out = fopen(path, "w");

    MUST(out);
    for (uint32_t core = 0; core < p->task.n_core; core++) {
        const uint32_t node = p->placement.node[core];
        MUST(node < ROWS * COLUMNS && !taken[node]);
        taken[node] = true;
        fprintf(out, "%s,%" PRIu32 ",%" PRIu32 "\n", p->name[core], node / COLUMNS,
                node % COLUMNS);
    }
    MUST(fclose(out) == 0);
}

static void check_places(const char *path)
{
    static const char *const set[] = { "network.depth=6", "network.size=8",
                                       "network.channels=[2,3]", "fabric.kind=mesh",
                                       "fabric.rows=3", "fabric.columns=4",
                                       "placement.kind=file" };
    struct study s;
    struct placed p, back;
    struct err_msg m = { "" };

    MUST(!study_load_network_text(&s, "lists", "", set, sizeof set / sizeof *set, &m));
    MUST(!study_plan_to_place(&s, &m));
    snprintf(s.config.placement.file, sizeof s.config.placement.file, "%s", path);
    enum err e = study_place(&p, &s, NULL, NULL, &m);
    check_message(e, &m, path);
    if (!e) {
        write_places(&p, path);
        MUST(!study_place(&back, &s, NULL, NULL, &m));
        for (uint32_t core = 0; core < p.task.n_core; core++)
            MUST(p.placement.node[core] == back.placement.node[core]);
        MUST(p.placement.bit_hops == back.placement.bit_hops);
        placed_release(&p);
        placed_release(&back);
    }
    study_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[TMPDIR_PATH_MAX];
    void *dir;

    if (n < 1)
        return 0;
    MUST(tmpdir_make(&dir) == 0);
    tmpdir_write(dir, "list", bytes + 1, n - 1);
    tmpdir_path(path, dir, "list");
    switch (bytes[0]) {
    case 'l':
        check_links(path, LINKS_BOTH_WAYS);
        break;
    case 'o':
        check_links(path, LINKS_ONE_WAY);
        break;
    case 'f':
        check_flows(path, false);
        break;
    case 'x':
        check_flows(path, true);
        break;
    case 'p':
        check_places(path);
        break;
    }
    MUST(tmpdir_remove(&dir) == 0);
    return 0;
}
