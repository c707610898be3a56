/* cli/report/plan_dot.c -- the plan as a Graphviz digraph: a node for each core, an edge for each
 * stream in the colours of Dazzi et al. 2021, Fig. 9. Names need no escapes: network_check()
 * allows letters, digits, _ and - in them. */
#include <inttypes.h>

#include "cli/report/plan_report.h"

static const struct {
    const char *colour;
    const char *meaning;
} styles[N_STREAM_KIND] = {
    [STREAM_IMAGE] = { "gray50", "image" },
    [STREAM_FORWARD] = { "green3", "forward" },
    [STREAM_VALID] = { "gray80", "valid" },
    [STREAM_PARTIAL_SUM] = { "purple", "partial sum" },
    [STREAM_RESIDUAL] = { "blue", "residual" },
    [STREAM_TO_RESAMPLING] = { "red", "to resampling" },
    [STREAM_FROM_RESAMPLING] = { "orange", "from resampling" },
    [STREAM_RESULT] = { "gray50", "result" },
};

static void print_node(const struct plan_core *c, double used, FILE *out)
{
    fprintf(out, "  \"%s\" [tooltip=\"%" PRIu32 " x %" PRIu32 ", %.1f %% used\"];\n", c->name,
            c->rows, c->columns, 100 * used);
}

static void print_edge(const struct plan *p, const struct plan_stream *s, FILE *out)
{
    fprintf(out, "  \"%s\" -> \"%s\" [color=%s, tooltip=\"%s: %" PRIu32 " channels\"];\n",
            stream_from(p, s), stream_to(p, s), styles[s->kind].colour, styles[s->kind].meaning,
            s->n);
}

enum err plan_dot(const void *study, FILE *out, struct err_msg *m)
{
    const struct plan *p = &((const struct study *)study)->plan;

    (void)m;
    fputs("digraph imcsim {\n"
          "  rankdir=LR;\n"
          "  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
          "  \"scratchpad\" [shape=cylinder];\n"
          "  \"result\" [shape=plain];\n",
          out);
    for (uint32_t i = 0; i < p->n_core; i++)
        print_node(&p->core[i], core_utilization(p, i), out);
    for (uint32_t i = 0; i < p->n_stream; i++)
        print_edge(p, &p->stream[i], out);
    fputs("}\n", out);
    return ERR_NONE;
}
