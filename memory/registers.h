/* memory/registers.h -- what a firing reads from the input memory.
 *
 * The crossbar's input registers keep the pixels of a strip of output columns while its outputs are
 * computed (Dazzi et al. 2021, section 2.1: after the first, every dot product loads one new row of
 * pixels). A firing therefore reads, of every kernel row that its outputs see, the pixels that are
 * not there yet: the whole patch at the first output of a strip, stride rows later. Padding is not
 * read. Going to another strip, or image, the registers start afresh.
 */
#ifndef MEMORY_REGISTERS_H
#define MEMORY_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/pixel.h"
#include "network/network.h"

struct row_read {       // neighbouring pixels of one row, read in one go
    uint32_t row;                   // of the input map
    uint32_t first_column, columns; // how many, all inside the map
};

struct input_registers {
    struct window   window;
    uint32_t        height, width; // of the input map
    uint32_t        strip_width;   // output columns of a strip
    uint64_t        image;
    uint32_t        strip;
    uint64_t        stamp;         // tells strips and firings apart
    struct register_row {
        uint64_t strip_stamp; // the strip of which it holds pixels
        uint64_t read_stamp;  // the firing in which it is read, at read[read_index]
        uint32_t read_index;
        uint32_t end;         // column behind the last one held
    }               *row;     // owned; [height]
    struct row_read *read;    // owned; of the present firing
    uint32_t         n_read;
    uint64_t         strip_stamp, read_stamp;
    uint32_t         column, first, end; // columns [first, end) that an output in `column` sees
    uint32_t         held;          // rows whose columns [first, end) are held, or not needed again
};

/* False when the host has no memory; then *r is zero. */
bool registers_init(struct input_registers *r, const struct window *w, uint32_t height,
                    uint32_t width, uint32_t strip_width);
void registers_release(struct input_registers *r); // takes a zeroed one
void registers_reset(struct input_registers *r);   // holds nothing

/* A firing begins: n_read is 0. All its outputs must lie in one strip of one image. Returns whether
 * it is another strip than before, of which nothing is held. */
bool registers_begin(struct input_registers *r, const struct pixel *head);

/* Adds to read[] what the output needs beyond what is held or about to be read. The outputs of a
 * column of a strip come from its first row on. */
void registers_need(struct input_registers *r, const struct pixel *output);

/* First and last row (axis 0) or column (axis 1) inside the map that the window of output `at`
 * sees; a window that lies in the padding altogether sees the nearest edge. */
uint32_t window_first(const struct window *w, int axis, uint32_t at, uint32_t size);
uint32_t window_last(const struct window *w, int axis, uint32_t at, uint32_t size);

/* Positions of the window of output `at` that lie inside the map, along an axis. */
uint32_t window_inside(const struct window *w, int axis, uint32_t at, uint32_t size);

#endif
