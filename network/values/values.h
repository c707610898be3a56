/* network/values/values.h -- what a network computes, layer by layer, for many images at once.
 *
 * The arithmetic is network/network.h's, to the bit; nothing here knows cores, memories or time.
 * Up to VALUE_LANES images go through together, one in each lane. A map keeps four channels of a
 * lane together, the lanes of four channels side by side, and pixels one after the other, x (row)
 * fastest inside column y, between borders that convolutions read as padding:
 *
 *     byte[(pixel * quads + c / 4) * 64 + lane * 4 + c % 4]
 *     pixel = y % kept * (height + borders) + x + border
 *
 * Columns go from layer to layer one at a time, as pixels do through a chip, and a map keeps those
 * that somebody still reads: what is computed with is mostly in the cache.
 *
 * A network that leaves the byte goes through one image after the other instead (plain.h), and its
 * maps are value[column][row][channel].
 *
 * Bytes are stored as uint8: those of int8 maps are 128 more. Channels that fill the last four up,
 * and lanes without an image, hold anything.
 *
 * One instruction multiplies four channels of every lane, so that sums stay in registers and no
 * map needs to be rearranged.
 */
#ifndef NETWORK_VALUES_VALUES_H
#define NETWORK_VALUES_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network/network.h"

enum { VALUE_LANES = 16, VALUE_QUAD = 4, VALUE_BYTES = VALUE_LANES * VALUE_QUAD };

struct value_map {
    struct shape   shape;
    uint32_t       quads;                  // channels in fours, the last filled up
    uint32_t       kept;                   // columns that are there at once
    uint32_t       before[2], after[2];    // border, in rows and columns; columns of it are one,
                                           // behind those kept
    bool           is_signed;
    uint8_t        zero;                   // byte of the border, as stored
    size_t         pixel_bytes, column_bytes;
    bool           sums;                   // int32 of a layer that does not round them: in place of
                                           // a quad's bytes [4][VALUE_LANES]
    const uint8_t *byte;
    const int32_t *value;                  // instead of bytes; else NULL
    const uint8_t *any;                    // of those, [column][row]: whether a pixel has one that
                                           // is not 0; NULL: nobody knows
};

/* Columns that a map has memory for. */
static inline size_t value_columns(const struct value_map *m)
{
    return (size_t)m->kept + (m->before[1] + m->after[1] > 0);
}

/* First byte of a pixel inside the map, whose column is there. */
static inline const uint8_t *value_pixel(const struct value_map *m, uint32_t x, uint32_t y)
{
    return m->byte + y % m->kept * m->column_bytes + (x + m->before[0]) * m->pixel_bytes;
}

static inline int32_t value_get(const struct value_map *m, uint32_t x, uint32_t y, uint32_t channel,
                                uint32_t lane)
{
    if (m->value)
        return m->value[((size_t)y * m->shape.height + x) * m->shape.channels + channel];
    const uint8_t *p = value_pixel(m, x, y);

    if (m->sums)
        return ((const int32_t *)(const void *)p)[channel * VALUE_LANES + lane];
    p += channel / VALUE_QUAD * VALUE_BYTES;
    return p[lane * VALUE_QUAD + channel % VALUE_QUAD] - (m->is_signed ? 128 : 0);
}

/* Somebody who looks at maps, column by column from the first on, as they are made. Layers are
 * those of the network. */
struct value_watch {
    /* Before each step that an image, of this number, is presented: of networks of neurons. NULL:
     * not wanted. */
    void (*begin)(void *user, uint64_t image, uint32_t step);
    /* What a layer reads: its inputs, concatenated. NULL: not wanted. */
    void (*input)(void *user, uint32_t layer, const struct value_map *map, uint32_t column,
                  uint32_t n_lane);
    /* What it computes, before pooling; not of layers that deliver sums. NULL: not wanted. */
    void (*output)(void *user, uint32_t layer, const struct value_map *map, uint32_t column,
                   uint32_t n_lane);
    /* Complete sums of a layer with cores, of n pixels of a column: sum[n][outputs][VALUE_LANES],
     * outputs from channel `first` on, some beyond the last. NULL: not wanted. */
    void (*sums)(void *user, uint32_t layer, uint32_t first, uint32_t outputs, uint32_t n,
                 const int32_t *sum, uint32_t n_lane);
    void *user;
};

enum { VALUE_MOST_MATRICES = 3 };

struct value_patch { // what pixels of a column see: runs of quads, channels fastest
    const uint8_t *in;     // of pixel 0; in_step from one pixel to the next
    size_t         in_step;
    const size_t  *run;    // [n_run]: where a run begins, in the order [column][row] of the kernel
    uint32_t       n_run, steps; // quads of a run
};

struct value_sums_read { // of a core's outputs in a column of a layer
    uint32_t first, outputs; // channels of the layer, some of them not the core's
    uint32_t column, n;      // pixels of the column
    uint64_t image;          // number of the first lane's, as in value_lanes_number()
    uint32_t n_lane;
    struct value_patch patch;
    int32_t *sum[VALUE_MOST_MATRICES]; // of each matrix: [n][outputs][VALUE_LANES]
    void    *scratch; // as many bytes as the reader wants, aligned to a cache line
};

struct spike_counts;

struct value_reader { // what becomes of the sums of a core
    /* sum[0] becomes what the core gives, 0 where outputs are not the core's. */
    void (*read)(void *user, const struct value_sums_read *s);
    void    *user;
    int64_t  most; // that it gives at most, either way; 0: as weight and scale have it
    size_t   scratch; // bytes that a read works in
};

/* Weights that a layer has instead of its own: what some of its outputs see of some channels of its
 * input, read by itself,
 *
 *     sum[o] = sum over cores of rne(scale 2^-VALUE_SCALE_BIT sum_i weight[o][i] x[i])
 *              - zero point * (sum of the layer's own weights)
 *
 * where x are values as they are, zero point included, and of the border too. With a reader, what
 * it makes of the sums of all matrices, or of the pixels alone where there is no weight, stands in
 * place of the rounded ones. */
struct value_core {
    uint32_t       out_first, out_n, in_first, in_n; // channels
    const int16_t *weight; // [out_n][in_n][window]; |weight| sums up to less than 2^31 / 255 - 1;
                           // NULL: the reader, whose `most` is not 0, needs no sums
    uint32_t       scale;
    const struct value_reader *reader; // borrowed for the values' life; NULL: none
    const int16_t *more[VALUE_MOST_MATRICES - 1]; // that a reader sees too, the same; or NULL
};
struct value_cores { // of a layer
    const struct value_core *core;
    uint32_t                 n;
};
enum { VALUE_SCALE_BIT = 37 };

/* A network made ready: weights packed for the kernel. Immutable, for any number of threads. */
struct values;

/* The network is borrowed; it has weights. The kernel is the fastest
 * that the machine has, or the one called kernel_name (core/simd.h). NULL when the host has no
 * memory or lacks that kernel. */
struct values *values_new(const struct network *n, const char *kernel_name);
void values_free(struct values *v); // takes NULL

/* The same with cores[n_layer], each n 0 for a layer that has its own weights; borrowed for the
 * call. Of a network of bytes. */
struct values *values_new_on(const struct network *n, const char *kernel_name,
                             const struct value_cores *cores);

/* The same with maps that are kept whole, for value_lanes_layer(). */
struct values *values_new_whole(const struct network *n, const char *kernel_name,
                                const struct value_cores *cores);

/* The same with what leaves the network (network_end) kept whole, sums too, for
 * value_lanes_delivered(). */
struct values *values_new_ends(const struct network *n, const char *kernel_name);

/* The scales and biases of a layer of the network have been changed. Nobody runs meanwhile. False
 * when the host has no memory. */
bool values_rescale(struct values *v, uint32_t layer, const struct value_cores *cores);

/* Maps of one thread; values borrowed. NULL when the host has no memory. */
struct value_lanes;
struct value_lanes *value_lanes_new(const struct values *v);
void value_lanes_free(struct value_lanes *l); // takes NULL

/* The number of the next run's first image, for readers; 0 before. */
void value_lanes_number(struct value_lanes *l, uint64_t image);

/* Of a network of neurons: what it does is counted from now on, borrowed; NULL: it is not. */
void value_lanes_count(struct value_lanes *l, struct spike_counts *counts);

/* Bytes of one image as value_lanes_run() takes it. */
size_t values_image_bytes(const struct values *v);

/* Runs 1 to VALUE_LANES images, one after the other in the order of traces/images/images.h, as the
 * network wants them signed. result[n][channels of the result], of a map anything. watch: NULL for
 * nobody. */
void value_lanes_run(struct value_lanes *l, const uint8_t *image, uint32_t n, int64_t *result,
                     const struct value_watch *watch);

/* Most images of a run of which what is kept is there afterwards: 1 of a network that leaves the
 * byte. */
uint32_t values_together(const struct values *v);

/* Value i of what a layer that is kept has delivered to a lane of the latest run, a value or a sum:
 * [column][row][channel]. */
int64_t value_lanes_delivered(const struct value_lanes *l, uint32_t layer, size_t i,
                              uint32_t lane);

/* Of whole maps, of bytes: takes images as a run does, and then computes one layer, the image's
 * first, as often as it is wanted; those before it are done. */
void value_lanes_take(struct value_lanes *l, const uint8_t *image, uint32_t n, int64_t *result);
void value_lanes_layer(struct value_lanes *l, uint32_t layer, const struct value_watch *watch);

/* Over pixels and images: sum of |x|, and how often x is not 0. */
struct value_total {
    uint64_t abs, nonzero;
};
struct value_sums { // of one quad, before they are added up; all zero: none
    uint16_t even[VALUE_LANES * 2], odd[VALUE_LANES * 2]; // |x| of channels 0 and 2; 1 and 3
    uint8_t  nonzero[VALUE_BYTES];
};
enum { VALUE_MOST_PIXELS = 255 }; // that *s can hold

/* sums[quads] += those of n neighbours in a column from `pixel` on; at most VALUE_MOST_PIXELS since
 * they were taken. */
void values_sum(const struct values *v, const struct value_map *m, const uint8_t *pixel, uint32_t n,
                struct value_sums *sums);

/* total[4] += the sums of the first n_lane lanes, which are 0 then. */
void value_sums_take(struct value_sums *s, uint32_t n_lane, struct value_total *total);

/* A function of a byte as it is stored: low[byte % 16] + high[byte / 16], at most 255. */
struct value_function {
    uint8_t low[16], high[16];
};
struct value_function_sums { // of one quad; all zero: none
    uint16_t even[VALUE_LANES * 2], odd[VALUE_LANES * 2]; // of channels 0 and 2; 1 and 3
};

/* As values_sum(), of the function. */
void values_sum_function(const struct values *v, const struct value_map *m, const uint8_t *pixel,
                         uint32_t n, const struct value_function *f,
                         struct value_function_sums *sums);

/* As value_sums_take(). */
void value_function_sums_take(struct value_function_sums *s, uint32_t n_lane, uint64_t *total);

#endif
