/* report/class_names.h -- what a network's classes are called.
 *
 * The names stand in a text file beside the model, one a line in the order of the outputs:
 * "models/resnet32_fmnist.classes.txt" for "models/resnet32_fmnist.onnx". A class without a name
 * there, or without the file, is called by its number.
 */
#ifndef REPORT_CLASS_NAMES_H
#define REPORT_CLASS_NAMES_H

#include <stdint.h>

#include "core/err.h"

struct class_name {
    char text[64]; // cut
};

/* Names of n classes into name[n]. onnx: path of the model, or empty. */
void class_names(struct class_name *name, uint32_t n, const char *onnx);

#endif
