/* cli/pictures/panel.h -- a box of a picture with an axis upwards, and text in SVG. */
#ifndef CLI_PICTURES_PANEL_H
#define CLI_PICTURES_PANEL_H

#include <stdio.h>

#define PANEL_INK "#222222"

/* In pixels: left of a box, its width, above it, its height. */
enum { PANEL_LEFT = 72, PANEL_WIDTH = 720, PANEL_TOP = 60, PANEL_HEIGHT = 280 };

struct panel {
    double top;               // of its box
    double least, most, step; // what its height stands for, and from mark to mark
};

/* How far down a value lies. */
double panel_level(const struct panel *p, double v);

/* The box, its marks, and what it shows above it. */
void panel_draw(const struct panel *p, const char *title, FILE *out);

/* anchor: "start", "middle" or "end". Any text: what SVG would take for its own is written out. */
void panel_text(double x, double y, const char *anchor, const char *text, FILE *out);

/* A colour of n, from early to late, in steps that are told apart in grey, too. */
const char *panel_colour(unsigned i, unsigned n);

#endif
