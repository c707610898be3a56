/* study/outputs.h -- the outputs of a model's file, image by image.
 *
 * What leaves the network (network_end) comes from network/values/plain.h, which gives the values
 * that every chip gives; what the file has behind it, such as Softmax, the host computes as ONNX
 * defines it.
 */
#ifndef STUDY_OUTPUTS_H
#define STUDY_OUTPUTS_H

#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "dataflow/config.h"
#include "network/network.h"

struct outputs;

/* n, borrowed, is the network of cfg->onnx, with values. */
enum err outputs_new(struct outputs **o, const struct network_cfg *cfg, const struct network *n,
                     struct err_msg *m);
void outputs_free(struct outputs *o); // takes NULL

/* Computes and keeps those of one more image, network_image_bytes() of it. */
enum err outputs_add(struct outputs *o, const uint8_t *image, struct err_msg *m);

/* The class of the last image: the largest of what the network's last layer delivers. */
uint32_t outputs_class(const struct outputs *o);

/* Output i as floats, of all images so far one after the other. */
uint32_t      outputs_count(const struct outputs *o);
const double *outputs_values(const struct outputs *o, uint32_t i, size_t *n);

/* An .npz file: each output by its name, images along its first dimension. */
enum err outputs_write(const struct outputs *o, FILE *out, struct err_msg *m);

#endif
