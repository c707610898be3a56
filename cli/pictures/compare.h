/* cli/pictures/compare.h -- accuracy against what it costs, a dot for each configuration. */
#ifndef CLI_PICTURES_COMPARE_H
#define CLI_PICTURES_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { MOST_COSTS = 3 };

struct picture_dot {
    const char *label;
    double      top1;             // 0 to 1
    bool        there[MOST_COSTS];
    double      cost[MOST_COSTS]; // above 0
};

struct compare_picture {
    const char *const        *cost; // [MOST_COSTS]: "conversions an image"; a panel each, but for
                                    // a cost that no dot has
    const struct picture_dot *dot;  // [n]
    size_t                    n;
};

/* As SVG: costs on logarithmic axes, numbered dots, their labels below. False without memory. */
bool compare_draw(const struct compare_picture *p, FILE *out);

#endif
