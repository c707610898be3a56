/* arch/core/proof.h -- every byte in its place: identities travel instead of values.
 *
 * A chip in proof moves its bytes as always: through channels, memories, registers, the vectors of
 * its crossbars, FIFOs and read-backs. But what travels is not a value. Each channel of each pixel
 * of each layer and image has a number of its own, whose bytes lie in as many planes
 * (core/planes.h). A core compares what its array, window or adder receives with the numbers that
 * the network says it should, and delivers the numbers of its own outputs:
 *
 *     number = 1 + image * N + first of the layer + (row * width + column) * channels + channel
 *
 * A sum on its way along a chain of parts is the sum of marks, one a part. Any wrong address, slot,
 * mask, stream, order or time stops the chip with the name of the pixel. Neither weights nor the
 * units that compute are needed or proved.
 */
#ifndef ARCH_CORE_PROOF_H
#define ARCH_CORE_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "core/pixel.h"
#include "dataflow/plan/plan.h"
#include "network/tokens/values.h"

struct imc_core;

struct proof { // what all cores of a chip share; constant while it runs
    const struct plan *plan;
    uint32_t  planes;    // bytes of a number
    uint64_t  per_image; // N
    uint64_t *first;     // owned; [network layers]
    uint64_t *pooled;    // owned; likewise, of what a pooled layer delivers
    uint8_t  *ramp;      // owned; 0 to 255 again and again, for a pixel's channels and more
    uint8_t  *expected;  // owned; [channels of the widest pixel]: scratch
    int32_t  *sums;      // owned; likewise
};

/* For images [0, n_image). False when the host has no memory or the numbers pass 64 bits; then *p
 * is zero. */
bool proof_init(struct proof *p, const struct plan *plan, uint64_t n_image);
void proof_release(struct proof *p); // takes a zeroed one

/* Number of the first channel of a pixel that a layer (of the network) delivers. */
uint64_t proof_number(const struct proof *p, uint32_t layer, const struct pixel *at);

/* What a complete sum of an output channel of a network layer is in a plane. */
int32_t proof_sum(const struct proof *p, uint32_t plan_layer, const struct pixel *at,
                  uint32_t channel, uint32_t plane);

/* ---- what a core asks ----
 *
 * Each sets the core's fault in cycle `cyc` where something is out of its place.
 */

/* The inputs of a product for outputs place[n], as the core's scratch holds them; acc gets the
 * marks of every output and plane. */
void proof_product(struct imc_core *c, uint64_t cyc, const struct pixel *place, uint32_t n,
                   int32_t *acc);

/* The pixels of a digital layer's window in a plane, as kernel_matrix_pixels() finds them; acc gets
 * the output's marks. */
void proof_window(struct imc_core *c, uint64_t cyc, const struct pixel *place, uint32_t plane,
                  const uint8_t *const *pixel, uint32_t n_pixel, int32_t *acc);

/* What a core of a layer of tokens gathers along an axis for the output *place: first, first + step
 * and so on to last. Whether the network's own window sees those rows and columns and no others;
 * NULL: no token at all. */
struct token_places {
    uint32_t first, last, step;
};
void proof_places(struct imc_core *c, uint64_t cyc, const struct pixel *place,
                  const struct token_places *rows, const struct token_places *columns);

/* A token as that core has stored it, kept at *at: [planes][input channels]; whether it is that
 * one. */
bool proof_token(struct imc_core *c, uint64_t cyc, const struct pixel *at, const uint8_t *byte);

/* All were gathered, and these heads attend: whether they are those of the core's outputs. acc gets
 * the marks of the output. */
void proof_gathered(struct imc_core *c, uint64_t cyc, const struct pixel *place,
                    struct token_heads heads, int32_t *acc);

/* A complete sum and its residual (or NULL) in a plane; out gets the numbers of the output. */
void proof_result(struct imc_core *c, uint64_t cyc, const struct pixel *place, uint32_t plane,
                  const int32_t *acc, const uint8_t *residual, uint8_t *out);

/* What a map was summed up to in a plane; out gets the numbers of the pooled pixel. */
void proof_pool(struct imc_core *c, uint64_t cyc, uint64_t image, uint32_t plane,
                const int32_t *sum, uint8_t *out);

#endif
