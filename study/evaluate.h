/* study/evaluate.h -- the values of a network without its time: the same crossbar and digital
 * processor that a chip has (arch/units), layer after layer, on arrays as large as each layer
 * wants. Every byte is the one that a chip computes, whatever its mapping.
 */
#ifndef STUDY_EVALUATE_H
#define STUDY_EVALUATE_H

#include <stdint.h>

#include "core/err.h"
#include "network/network.h"

struct evaluator; // one network, and the values of one image

/* n is borrowed and has values. */
enum err evaluator_new(struct evaluator **e, const struct network *n, struct err_msg *m);
void evaluator_free(struct evaluator *e); // takes NULL

/* The image's bytes, as the network takes them: [column][row][channel]. */
void evaluator_run(struct evaluator *e, const uint8_t *image);

/* What a layer has delivered, in the same order; the last layer's are int32 where it delivers its
 * sums. Valid until the next run. */
const void *evaluator_delivered(const struct evaluator *e, uint32_t layer);

/* The class: channel of the largest result, the first of equals. */
uint32_t evaluator_class(const struct evaluator *e);

#endif
