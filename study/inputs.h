/* study/inputs.h -- values of a model's input, from an array of numpy, as the bytes of images.
 *
 * The array is that of the graph's input, in its order; along the first dimension as many images as
 * there are. Values are rounded and cut as the model's QuantizeLinear does. Where the bytes are the
 * values themselves (a graph input of integers, a network of whole numbers) nothing is: they must
 * be whole numbers that the bytes hold. A network that leaves the byte takes two bytes for a value
 * (network_image_bytes()). Of a model of ids the array holds these, images x tokens.
 */
#ifndef STUDY_INPUTS_H
#define STUDY_INPUTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "network/network.h"
#include "traces/images/images.h"

struct inputs; // read whole; several threads may take images from it

/* n is borrowed. ERR_INPUT: no such array, none of this network's, or a value that is no number or
 * that no byte holds. */
enum err inputs_open(struct inputs **in, const char *path, const struct network *n,
                     struct err_msg *m);
void     inputs_close(struct inputs *in); // takes NULL
uint64_t inputs_count(const struct inputs *in);
uint64_t inputs_cut(const struct inputs *in); // values of all images that QuantizeLinear cuts

/* Image i < inputs_count() as network_image_bytes() bytes, [column][row][channel]. */
void inputs_take(const struct inputs *in, uint64_t i, uint8_t *bytes);

/* Whether an image holds fewer values than a pixel has, which are cut to them. */
bool inputs_are_cut(const struct network *n);

/* That of every pixel which --mean and --std normalise. ERR_INPUT where they mean nothing. Without
 * both pixels are values of the input; 0 to 255 are spread over all that it has, if they are more
 * than a byte holds. Where the network leaves the byte, *map holds what it takes, else int8. */
enum err inputs_pixel_map(struct pixel_map *map, const struct network *n, const char *mean,
                          const char *std, struct err_msg *m);

#endif
