/* network/values/token_kernel.h -- what a file that computes layers of tokens with one instruction
 * set provides; all lanes of a pixel at a time, to the bit as network/tokens computes them.
 *
 * Attention multiplies pairs: int16 [VALUE_LANES][2] of two neighbouring channels of a query or a
 * key, or of two neighbouring keys of a value or a weight, 0 where there is no second one. A code
 * is in them as it enters (network/tokens/values.h).
 */
#ifndef NETWORK_VALUES_TOKEN_KERNEL_H
#define NETWORK_VALUES_TOKEN_KERNEL_H

#include "network/tokens/attention_values.h"
#include "network/tokens/norm_values.h"
#include "network/values/values.h"

enum { VALUE_PAIR = 2 * VALUE_LANES }; // int16 of one

struct value_entering { // codes of some channels of a pixel
    uint32_t channel, n; // the first, and how many
    int32_t  zero;       // as stored
    uint32_t bits;       // at least 8: as they are
};

struct value_result { // where a layer's codes go
    double  unit;            // of what is rounded
    int32_t zero, low, high; // of the result
    int32_t offset;          // of a stored byte: 128 of an int8
};

struct value_query { // of one head
    const struct attention_values *values;
    struct value_result result;
    const int16_t *query; // pairs of channels
    const int16_t *key;   // [keys]: likewise
    const int16_t *value; // [value channels]: pairs of keys, `pairs` of them
    uint32_t       n, pairs;  // keys from the first on that it sees; of all keys
    const double  *bias[ATTENTION_STEPS]; // [n] of each step; NULL: none
    const uint8_t *masked;    // [n], not 0: takes no part; NULL: none is
    double        *score;     // [n][VALUE_LANES]: scratch, and as weights
    int16_t       *weight;    // [pairs]: scratch
    uint8_t       *out;       // pixel
    uint32_t       channel;   // of the result, the first
};

struct value_norm {
    const struct norm_values *norm;
    struct value_result result;
    const double *step;  // of the parts
    const double *steps, *shift; // of the first one's channels, and what is added; or NULL
    bool          sums;  // what is read is of such a map
    int32_t       zero[2]; // as stored
    uint32_t      parts;
    bool          real;    // else whole numbers
    double       *x;       // [channels][VALUE_LANES]: scratch of real ones
};

struct value_token_kernel {
    /* to[pairs of channels] of one pixel. */
    void (*enter)(const struct value_entering *e, const uint8_t *pixel, int16_t *to);
    /* to[e->n][apart pairs]: what two neighbouring tokens make of each channel; `second` NULL:
     * there is none. */
    void (*enter_values)(const struct value_entering *e, const uint8_t *first,
                         const uint8_t *second, size_t apart, int16_t *to);
    void (*query)(const struct value_query *q);
    void (*norm)(const struct value_norm *f, const uint8_t *in, uint8_t *out);
    /* n channels from the first on and as many behind them: products. */
    void (*product)(const struct value_result *r, const int32_t zero[2], uint32_t n,
                    const uint8_t *in, uint8_t *out);
    /* Times unit, and what is stored added; in NULL: that alone. */
    void (*add)(const struct value_result *r, int32_t zero, uint32_t n, const double *stored,
                const uint8_t *in, uint8_t *out);
    /* Mean of n_pixel pixels. */
    void (*mean)(const struct value_result *r, int32_t zero, uint32_t n,
                 const uint8_t *const *pixel, uint32_t n_pixel, uint8_t *out);
};

extern const struct value_token_kernel value_tokens_avx512, value_tokens_avx2,
    value_tokens_portable;

#endif
