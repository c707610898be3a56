/* study/inputs.h -- values of a model's input, from an array of numpy, as the bytes of images.
 *
 * The array is that of the graph's input, in its order; along the first dimension as many images as
 * there are. Floats are rounded as the model's QuantizeLinear does; where its input is bytes, they
 * are those.
 */
#ifndef STUDY_INPUTS_H
#define STUDY_INPUTS_H

#include <stdint.h>

#include "core/err.h"
#include "network/network.h"

struct inputs; // read whole; several threads may take images from it

/* n is borrowed. ERR_INPUT: no such array, or none of this network's. */
enum err inputs_open(struct inputs **in, const char *path, const struct network *n,
                     struct err_msg *m);
void     inputs_close(struct inputs *in); // takes NULL
uint64_t inputs_count(const struct inputs *in);

/* Image i < inputs_count() as bytes [column][row][channel]. */
void inputs_take(const struct inputs *in, uint64_t i, uint8_t *bytes);

#endif
