/* study/outputs.h -- the outputs of a model's file, image by image.
 *
 * What leaves the network (network_end) comes from network/values/values.h, which gives the values
 * that every chip with exact arrays gives; what the file has behind it, such as Softmax, the host
 * computes as ONNX defines it.
 */
#ifndef STUDY_OUTPUTS_H
#define STUDY_OUTPUTS_H

#include <stdint.h>

#include "core/err.h"
#include "dataflow/config.h"
#include "network/network.h"
#include "traces/npy.h"

struct outputs;

/* n, borrowed, is the network of cfg->onnx, with values. */
enum err outputs_new(struct outputs **o, const struct network_cfg *cfg, const struct network *n,
                     struct err_msg *m);
void outputs_free(struct outputs *o); // takes NULL

/* Computes those of n images, at least one, network_image_bytes() of each. */
enum err outputs_run(struct outputs *o, const uint8_t *image, size_t n, struct err_msg *m);

/* The class of an image of the latest run: the largest of what the network's last layer delivers;
 * of a map anything. */
uint32_t outputs_class(const struct outputs *o, size_t image);

/* Output i, by its name in the file, of the images of the latest run one after the other: in C's
 * order with the dimensions that the file has for one image. Bytes of a file whose output is not
 * dequantised are whole numbers. */
uint32_t      outputs_count(const struct outputs *o);
const char   *outputs_name(const struct outputs *o, uint32_t i);
const double *outputs_values(const struct outputs *o, uint32_t i, size_t *n);

/* As an array of numpy, without data, that holds one image: float32, or int64 what are whole
 * numbers. */
void outputs_shape(const struct outputs *o, uint32_t i, struct npy *a);

#endif
