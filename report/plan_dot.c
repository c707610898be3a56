/* report/plan_dot.c -- the plan as a Graphviz digraph: a node for each core, an edge for each
 * stream in the colours of Dazzi et al. 2021, Fig. 9. Cores lie in rows, to the right and to the
 * left by turns, so that the drawing is about as wide as high. Names need no escapes:
 * network_check() allows letters, digits, _ and - in them. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/util.h"
#include "report/plan_report.h"

static const struct {
    const char *colour;
    const char *meaning;
} styles[N_STREAM_KIND] = {
    [STREAM_IMAGE] = { "gray50", "image" },
    [STREAM_IMAGE_RESIDUAL] = { "gray50", "image" },
    [STREAM_FORWARD] = { "green3", "forward" },
    [STREAM_VALID] = { "gray60", "valid" },
    [STREAM_PARTIAL_SUM] = { "purple", "partial sum" },
    [STREAM_RESIDUAL] = { "blue", "residual" },
    [STREAM_TO_RESAMPLING] = { "red", "to resampling" },
    [STREAM_FROM_RESAMPLING] = { "orange", "from resampling" },
    [STREAM_RESULT] = { "gray50", "result" },
};

enum { MANY_CORES = 100 };

static void print_node(const struct plan_core *c, double used, FILE *out)
{
    if (c->rows == 0)
        fprintf(out, "  \"%s\" [tooltip=\"digital processor only\"];\n", c->name);
    else
        fprintf(out, "  \"%s\" [tooltip=\"%" PRIu32 " x %" PRIu32 ", %.1f %% used\"];\n", c->name,
                c->rows, c->columns, 100 * used);
}

static void print_edge(const struct plan *p, const struct plan_stream *s, FILE *out)
{
    fprintf(out, "  \"%s\" -> \"%s\" [color=%s, tooltip=\"%s: %" PRIu32 " channels\"];\n",
            stream_from(p, s), stream_to(p, s), styles[s->kind].colour, styles[s->kind].meaning,
            s->n);
}

/* So many cores a row that the drawing, of rows 80 points apart, is a third wider than high. */
static uint32_t row_width(const struct plan *p)
{
    const double letter = 9, gap = 50, pitch = 80; // points
    size_t longest = 0;

    for (uint32_t i = 0; i < p->n_core; i++)
        longest = max_u64(longest, strlen(p->core[i].name));
    return max_u32(2, (uint32_t)ceil(sqrt(1.3 * p->n_core * pitch /
                                          (letter * (double)longest + gap))));
}

/* A row's cores on one rank, in order; its first core hangs below the last of the row before. */
static void print_rows(const struct plan *p, FILE *out)
{
    uint32_t width = row_width(p);

    for (uint32_t first = 0; first < p->n_core; first += width) {
        uint32_t last = min_u32(first + width, p->n_core) - 1;
        bool right = first / width % 2 == 0;
        fputs("  { rank=same; edge [style=invis, constraint=true];", out);
        for (uint32_t i = first; i < last; i++)
            fprintf(out, " \"%s\" -> \"%s\";", p->core[right ? i : i + 1].name,
                    p->core[right ? i + 1 : i].name);
        fprintf(out, " \"%s\"; }\n", p->core[last].name);
        for (uint32_t i = first; i <= last; i++) {
            uint32_t below = first + 2 * width - 1 - (i - first); // the row goes back
            if (below < p->n_core)
                fprintf(out, "  \"%s\" -> \"%s\" [style=invis, weight=9, constraint=true];\n",
                        p->core[i].name, p->core[below].name);
        }
    }
    fprintf(out, "  { rank=same; \"scratchpad\" -> \"%s\" [style=invis, constraint=true]; }\n",
            p->core[0].name);
    fprintf(out, "  { rank=same; \"result\"; \"%s\"; }\n", p->core[p->n_core - 1].name);
}

/* The kinds of streams that the plan has, each in its colour. */
static void print_legend(const struct plan *p, FILE *out)
{
    bool seen[N_STREAM_KIND] = { false };

    for (uint32_t i = 0; i < p->n_stream; i++)
        seen[p->stream[i].kind] = true;
    fputs("  fontname=\"sans-serif\"; labelloc=b; label=<", out);
    for (int k = 0; k < N_STREAM_KIND; k++)
        if (seen[k])
            fprintf(out, "<font color=\"%s\">&#8594; %s</font> &#160; ", styles[k].colour,
                    styles[k].meaning);
    fputs(">;\n", out);
}

enum err plan_dot(const void *study, FILE *out, struct err_msg *m)
{
    const struct plan *p = &((const struct study *)study)->plan;

    (void)m;
    fputs("digraph imcsim {\n", out);
    if (p->n_core > MANY_CORES) // curves around all of them would be wider than they are
        fputs("  splines=line; outputorder=edgesfirst;\n", out);
    fputs("  nodesep=0.5; ranksep=0.6; edge [constraint=false];\n"
          "  node [shape=box, style=\"rounded,filled\", fillcolor=white, "
          "fontname=\"sans-serif\"];\n"
          "  \"scratchpad\" [shape=cylinder];\n"
          "  \"result\" [shape=plain];\n",
          out);
    print_legend(p, out);
    for (uint32_t i = 0; i < p->n_core; i++)
        print_node(&p->core[i], core_utilization(p, i), out);
    print_rows(p, out);
    for (uint32_t i = 0; i < p->n_stream; i++)
        print_edge(p, &p->stream[i], out);
    fputs("}\n", out);
    return ERR_NONE;
}
