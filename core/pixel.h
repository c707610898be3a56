/* core/pixel.h -- which pixel of which image: all channels at one row and column of a map. */
#ifndef CORE_PIXEL_H
#define CORE_PIXEL_H

#include <stdint.h>

struct pixel {
    uint64_t image;
    uint32_t row, column;
};

#endif
