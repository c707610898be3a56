/* dataflow/mapping.h -- how kernel matrices sit in crossbars: replicas, rows, splits.
 *
 * Dazzi et al. 2021, sections 2.2 and 2.4.4; docs/accelerator.md, section 2. Replicas compute
 * neighbouring outputs in one firing and share the rows of the input positions that their patches
 * have in common.
 */
#ifndef DATAFLOW_MAPPING_H
#define DATAFLOW_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "dataflow/plan/plan.h"
#include "network/network.h"

/* n replicas of a window in blocks at most block_width wide (1: Method 1). positions is the size of
 * the union of their patches: the rows of the collective kernel matrix per input channel;
 * UINT32_MAX, which no array has, stands for that many and more. */
struct replicas replicas_make(const struct window *w, uint32_t n, uint32_t block_width);

/* Smallest number of shares of `channels` that each fit in `room` devices when one channel takes
 * `each` of them: ceil(channels / floor(room / each)). 0 when not even one channel fits. */
uint32_t split_count(uint32_t channels, uint32_t room, uint32_t each);

/* A layer is cut so that each piece fits an array of rows x columns: channel groups (of grouped and
 * depthwise convolutions) stay whole, as many to an array as fit beside each other; a group that
 * does not fit is cut by input channels into `parts` and by output channels. A digital layer is cut
 * as a depthwise convolution would be, whose pixels take the same input registers.
 *
 * Parts are whole input channels where one fits. Where the kernel of one channel has more positions
 * than the array has rows, the rows of the matrix in the order [channel][position] are cut
 * anywhere, as evenly as can be; such a layer has no replicas, and no digital layer is cut so. */
struct cut {
    uint32_t parts;  // chain of partial sums; 0 when not even one channel fits
    uint32_t splits; // shares of the output channels, each with the input channels that it needs
    bool     inside; // parts begin and end inside channels
};
struct cut layer_cut(const struct layer *l, const struct replicas *r, uint32_t rows,
                     uint32_t columns);

/* Channels of one piece; a part that begins or ends inside channels has some of their rows. */
struct slice {
    uint32_t in_first, in_n;
    uint32_t out_first, out_n;
    uint32_t row_first, row_n; // of an output's kernel, [channel][position]
};
struct slice layer_slice(const struct layer *l, struct cut cut, uint32_t part, uint32_t split);

#endif
