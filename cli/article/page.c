/* cli/article/page.c -- see page.h. */
#include "cli/article/page.h"

#include <assert.h>
#include <string.h>

#include "report/version.h"

static const char head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>Dazzi et al. 2021, computed again</title>\n"
    "<style>\n"
    "body { margin: 2rem auto; max-width: 72rem; padding: 0 1.5rem; color: #222;\n"
    "       font: 16px/1.5 Helvetica, Arial, sans-serif; }\n"
    "h1 { font-size: 1.7rem; margin-bottom: 0.3rem; }\n"
    "h2 { font-size: 1.25rem; margin-top: 2.5rem; padding-top: 1rem;\n"
    "     border-top: 1px solid #ccc; }\n"
    "h3 { font-size: 1rem; margin: 1.5rem 0 0.5rem; }\n"
    ".row { display: flex; flex-wrap: wrap; gap: 1.5rem; }\n"
    "figure { flex: 1 1 30rem; margin: 0.5rem 0; }\n"
    "figure.wide { flex-basis: 100%; }\n"
    "figure img { width: 100%; height: auto; border: 1px solid #e4e4e4; }\n"
    "figcaption { font-size: 0.9rem; color: #444; }\n"
    ".scroll { overflow-x: auto; }\n"
    "table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }\n"
    "th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid #e4e4e4; }\n"
    "th { border-bottom: 1px solid #888; }\n"
    "td:first-child, th:first-child, td:last-child, th:last-child { text-align: left; }\n"
    "td { white-space: pre; }\n" // what a row is made of is set in
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<h1>Dazzi et al. 2021, computed again</h1>\n"
    "<p>M. Dazzi, A. Sebastian, L. Benini, E. Eleftheriou, <a\n"
    "href=\"https://doi.org/10.3389/fncom.2021.674154\">Accelerating Inference of Convolutional\n"
    "Neural Networks Using In-memory Computing</a>, Front. Comput. Neurosci. 15:674154. Every\n"
    "number and curve below comes from this run of <code>imcsim article</code>. Where the article\n"
    "prints another number, it stands in brackets; D1, D2 and so on are the known deviations,\n"
    "explained in <code>docs/validation.md</code>.</p>\n";

/* What stands together, in the article's order. Lists end with NULL. */
static const struct section {
    const char *title;
    const char *plots[3], *tables[4];
} sections[] = {
    { "2.2 Mapping weights", { "figure6a", "figure6b" }, { "replicas" } },
    { "2.3 Mapping activations", { NULL }, { "table1" } },
    { "3.1 ResNet-32 and its dataflow", { "figure9" }, { "table2" } },
    { "3.1.3 and 3.1.4 Time", { "figure10a", "figure10b" }, { "timing" } },
    { "3.2 Hardware", { NULL }, { "table3", "table4", "efficiency" } },
    { "Beside others", { NULL }, { "neurosim", "lu2021", "spoon2021" } },
};

static const struct plot *find_plot(const struct article *a, const char *name)
{
    for (size_t i = 0; i < a->n_plot; i++)
        if (strcmp(a->plot[i].name, name) == 0)
            return &a->plot[i];
    assert(!"no such figure");
    return NULL;
}

static const struct figure_table *find_table(const struct article *a, const char *name)
{
    for (size_t i = 0; i < a->n_table; i++)
        if (strcmp(a->table[i].name, name) == 0)
            return &a->table[i];
    assert(!"no such table");
    return NULL;
}

static void print_plot(const struct plot *p, bool alone, FILE *out)
{
    fprintf(out, "<figure id=\"%s\"%s>\n<h3>%s</h3>\n", p->name, alone ? " class=\"wide\"" : "",
            p->title);
    if (p->svg)
        fprintf(out, "<img src=\"%s.svg\" alt=\"%s\">\n", p->name, p->title);
    else
        fputs("<p>Not drawn: gnuplot is not installed here (Debian: gnuplot-nox).</p>\n", out);
    fprintf(out, "<figcaption>%s <a href=\"%s.csv\">Data</a></figcaption>\n</figure>\n", p->caption,
            p->name);
}

static enum err print_table(const struct figure_table *f, FILE *out, struct err_msg *m)
{
    fprintf(out, "<h3 id=\"%s\">%s</h3>\n<div class=\"scroll\">\n", f->name, f->title);
    struct table *t = figure_table_make(f);
    enum err e = table_print(t, TABLE_HTML, out, m);
    table_free(t);
    fputs("</div>\n", out);
    return e;
}

enum err article_page(const void *article, FILE *out, struct err_msg *m)
{
    const struct article *a = article;
    enum err e = ERR_NONE;

    fputs(head, out);
    for (const struct section *s = sections; s < sections + sizeof sections / sizeof *s; s++) {
        fprintf(out, "<h2>%s</h2>\n<div class=\"row\">\n", s->title);
        for (size_t i = 0; s->plots[i]; i++)
            print_plot(find_plot(a, s->plots[i]), !s->plots[1], out);
        fputs("</div>\n", out);
        for (size_t i = 0; s->tables[i] && !e; i++)
            e = print_table(find_table(a, s->tables[i]), out, m);
    }
    fprintf(out, "<p>imcsim %s</p>\n</body>\n</html>\n", imcsim_version);
    return e;
}
