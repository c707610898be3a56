/* test/zoo/zoo.h -- the networks that users bring, as ONNX models with random weights.
 *
 * ResNet-18, -34, -50, VGG-16, MobileNetV2, DenseNet-121, SqueezeNet 1.1, AlexNet,
 * MobileNetV3-Large, EfficientNet-B0 and ShuffleNetV2 as torchvision defines them (K. He et al.
 * 2016; K. Simonyan and A. Zisserman 2015; M. Sandler et al. 2018; G. Huang et al. 2017; F. Iandola
 * et al. 2016; A. Krizhevsky 2014; A. Howard et al. 2019; M. Tan and Q. Le 2019; N. Ma et al.
 * 2018); the U-Net of O. Ronneberger et al. 2015, on padded maps; YOLOv3-tiny (J. Redmon and A.
 * Farhadi 2018), whose two results are maps; VGG-8 of 32 x 32 as accelerators are compared by (A.
 * Lu et al. 2021). Nodes and names are those that PyTorch's exporter
 * gives. The same configuration gives the same bytes.
 *
 * Each is one network in three forms: ZOO_FLOAT with batch norms, ZOO_FOLDED with them folded into
 * the convolutions, ZOO_QDQ folded and quantised. Weights of ZOO_QDQ are int8 with a scale for each
 * output, biases int32, every scale a power of two, so that integer arithmetic has no rounding but
 * that of QuantizeLinear. All maps that a Concat joins have one scale and are int8 or all uint8.
 * A batch norm that no convolution stands before (DenseNet) is a 1x1 depthwise convolution there.
 *
 * Weights are drawn so that what a layer sees keeps its size: a filter's weights are uniform and
 * sum to 0 (as if its input's mean were normalised away), their size is that which gives sums of
 * standard deviation 1 (2 before ReLU6). The scale of a map covers 3.5 deviations.
 */
#ifndef TEST_ZOO_H
#define TEST_ZOO_H

#include <stdbool.h>
#include <stdint.h>

#include "test/onnx_make.h"

enum zoo_form { ZOO_FLOAT, ZOO_FOLDED, ZOO_QDQ };

struct zoo_cfg {
    enum zoo_form form;
    uint32_t size;     // rows and columns of the image, zoo_size()
    uint32_t classes;
    uint32_t thin;     // 1; channels are divided by it
    int64_t  opset;    // 7 to 20, ZOO_QDQ 13 at least. Below 11 Clip has attributes, then inputs
    uint64_t seed;
    bool     rounded_add; // ZOO_QDQ: Add of two rounded maps, not of sums and a rounded map
    bool     norm_nodes;  // ZOO_QDQ: the batch norm without a convolution stays BatchNormalization
    bool     no_data;     // constants have a shape but no data
};

/* 224 x 224 pixels, 1,000 classes, ZOO_FLOAT, operator set 13. */
struct zoo_cfg zoo_defaults(void);

/* The networks' names; NULL from their number on. */
const char *zoo_name(uint32_t i);

/* The size that a network takes which is `size` or the next below; else its least.
 * Of a name that is not there `size` itself. */
uint32_t zoo_size(const char *name, uint32_t size);

/* NULL when there is no network of this name. make_free() frees it. */
Onnx__ModelProto *zoo_make(const char *name, const struct zoo_cfg *cfg);

#endif
