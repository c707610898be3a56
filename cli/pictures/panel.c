/* cli/pictures/panel.c -- see panel.h. */
#include "cli/pictures/panel.h"

#define GREY "#dddddd"

double panel_level(const struct panel *p, double v)
{
    return p->top + PANEL_HEIGHT * (p->most - v) / (p->most - p->least);
}

void panel_text(double x, double y, const char *anchor, const char *text, FILE *out)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    for (; *text; text++)
        if (*text == '&' || *text == '<')
            fputs(*text == '&' ? "&amp;" : "&lt;", out);
        else
            fputc((unsigned char)*text < ' ' ? '?' : *text, out);
    fputs("</text>\n", out);
}

void panel_draw(const struct panel *p, const char *title, FILE *out)
{
    char text[32];

    panel_text(PANEL_LEFT, p->top - 14, "start", title, out);
    for (double v = p->least; v <= p->most + p->step / 1000; v += p->step) {
        fprintf(out, "<path stroke=\"" GREY "\" d=\"M%d %.1fh%d\"/>\n", PANEL_LEFT,
                panel_level(p, v), PANEL_WIDTH);
        snprintf(text, sizeof text, "%.4g", v);
        panel_text(PANEL_LEFT - 8, panel_level(p, v) + 4, "end", text, out);
    }
    fprintf(out, "<path fill=\"none\" stroke=\"" PANEL_INK "\" d=\"M%d %.1fv%dh%d\"/>\n",
            PANEL_LEFT, p->top, PANEL_HEIGHT, PANEL_WIDTH);
}

const char *panel_colour(unsigned i, unsigned n)
{
    static const char *const colours[] = { "#440154", "#3b528b", "#21918c", "#5ec962", "#c8b020" };
    const unsigned last = sizeof colours / sizeof *colours - 1;

    return colours[n > 1 ? i * last / (n - 1) : 0];
}
