/* network/values/kernel.h -- what a file that computes values with one instruction set provides.
 *
 * Lanes, quads and maps: values.h. A block is what is computed together: the sums of one or two
 * quads of outputs, and of bits (bits.h) of more.
 */
#ifndef NETWORK_VALUES_KERNEL_H
#define NETWORK_VALUES_KERNEL_H

#include "network/values/values.h"

struct value_token_kernel; // token_kernel.h
struct value_steps;        // steps.h

enum { MOST_OUTPUTS = 8, // of a block,
       READ_OUTPUTS = 64 }; // and of one whose readers need no sums
enum { VALUE_STEP = VALUE_QUAD * VALUE_QUAD }; // weights of four outputs for a quad

/* From sums to stored bytes, of every channel of a layer, filled up to quads. */
struct value_scale {
    /* stored = clamp(rne(sum * m + b + stored residual * mr, shift) + offset), wrapping in 64 bits
     * before it is rounded */
    uint32_t *m; // owned, as all of them
    uint64_t *b;
    uint64_t *mr;
    uint8_t  *shift;
    uint8_t   low, high; // as stored
    int16_t   offset;    // the zero point, as stored
    const struct step_function *function; // in place of rounding; NULL: it is rounded
    struct value_steps *steps; // owned; the function where it is looked up in doubles; else NULL
    /* The same times 2^-shift, where it can be computed in doubles without rounding and fits 32
     * bits for every sum there can be. */
    bool      in_doubles;
    double   *m_real, *b_real, *mr_real;
};

struct value_column { // one block of a column of outputs
    const uint8_t *in;      // window of the first output
    size_t         in_step; // to that of the next
    const size_t  *run;     // [n_run]: where in the window quads stand one after the other,
    uint32_t       n_run, steps; // so many
    const int8_t  *weight;  // [n_run][steps][outputs][VALUE_QUAD]
    const uint8_t *saturates; // [n_run][steps]: what the kernel says of these; NULL: nothing
    const int32_t *start;   // [outputs]: what the sums begin with
    uint32_t       quads;   // of the block: 1 or 2, and more of bits
    uint32_t       n;       // outputs of the column
    const struct value_scale *scale;
    uint32_t       channel; // the block's first
    const uint8_t *residual; // stored bytes of the block's quads; NULL: none
    size_t         residual_step;
    uint8_t       *out;
    size_t         out_step;
    int32_t       *sums;    // where not NULL: [n][4 * quads][VALUE_LANES], and no out
};

struct value_reading { // of sums that a block of a column has
    const int32_t *sum;    // [n][outputs][VALUE_LANES]
    int32_t       *total;  // the same: what is read is added to it,
    const int32_t *start;  // or to this; [outputs]; NULL: to it
    uint32_t       n, outputs, scale;
};

struct value_window { // pixels of one output that lie inside the map
    const uint8_t *const *column; // [columns]: the first pixel of each
    uint32_t columns, rows;
    size_t   first, row_bytes; // where in a column the first row is, and from one to the next
};

struct value_kernel {
    uint32_t outputs;      // of a block, 4 or 8
    /* Whether column() has to be told of a step of a block, of four outputs. NULL: of none. */
    bool (*saturates)(const int8_t weight[VALUE_STEP]);
    void (*column)(const struct value_column *c);
    /* The same of sums alone, of weights [n_run][steps][outputs][VALUE_QUAD] of 16 bits, channels
     * in the order 0 2 1 3. */
    void (*wide_column)(const struct value_column *c, const int16_t *weight);
    void (*read)(const struct value_reading *r);
    /* Four channels of one pixel from `channel` on. */
    void (*finish)(const struct value_scale *s, uint32_t channel,
                   const int32_t (*sum)[VALUE_LANES], const uint8_t *residual, uint8_t *out);
    /* The same of a scale with steps. */
    void (*look_up)(const struct value_scale *s, uint32_t channel,
                    const int32_t (*sum)[VALUE_LANES], const uint8_t *residual, uint8_t *out);
    /* out[quads]: the largest of each byte. */
    void (*most)(const struct value_window *w, uint32_t quads, uint8_t *out);
    void (*sum)(const uint8_t *pixel, size_t pixel_bytes, uint32_t n, uint8_t zero,
                struct value_sums *s); // of one quad; zero: 0 as stored
    void (*sum_function)(const uint8_t *pixel, size_t pixel_bytes, uint32_t n,
                         const struct value_function *f, struct value_function_sums *s); // likewise
    const struct value_token_kernel *tokens;
};

extern const struct value_kernel value_avx512vnni, value_avx2, value_portable;

/* What a sum of output o is stored as; residual: its product, 0 without one. */
uint8_t value_stored(const struct value_scale *s, uint32_t o, int32_t sum, uint64_t residual);

/* finish() by integers, for every scale there is. */
void value_finish_exact(const struct value_scale *s, uint32_t channel,
                        const int32_t (*sum)[VALUE_LANES], const uint8_t *residual, uint8_t *out);

/* read() by integers. */
void value_read_exact(const struct value_reading *r);

#endif
