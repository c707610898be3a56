/* cli/pictures/axis.h -- where the marks of a picture's axis lie. */
#ifndef CLI_PICTURES_AXIS_H
#define CLI_PICTURES_AXIS_H

#include <math.h>

struct axis { // 0 to `end`, a mark each `step`
    double end, step;
};

/* About six marks at 1, 2 or 5 times a power of ten, the last at or above `most`. */
static inline struct axis axis_for(double most)
{
    double unit = pow(10, floor(log10(most > 0 ? most / 6 : 1)));
    double step = most > 30 * unit ? 10 * unit : most > 12 * unit ? 5 * unit
                                             : most > 6 * unit    ? 2 * unit
                                                                  : unit;

    return (struct axis){ step * ceil(most / step), step };
}

#endif
