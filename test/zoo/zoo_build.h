/* test/zoo/zoo_build.h -- what the families of the zoo are described with.
 *
 * Each function appends the nodes of one module and returns its result. `module` is the module's
 * name in PyTorch, layer1.0.conv1, from which node, value and parameters have theirs. In ZOO_QDQ
 * zoo_round() adds QuantizeLinear and DequantizeLinear; in the other forms it adds nothing.
 */
#ifndef TEST_ZOO_BUILD_H
#define TEST_ZOO_BUILD_H

#include "test/zoo/zoo.h"

/* A value of the graph, images x channels x size x size, and what its numbers will be like. */
struct zoo_map {
    char     name[128];
    uint32_t channels, size;
    double   mean, sd;
    bool     positive; // nothing below 0
    bool     flat;     // images x channels
    double   scale;    // of its bytes; 0 where it is not rounded
    bool     is_signed;
};

struct zoo {
    struct zoo_cfg    cfg;
    Onnx__ModelProto *model;
};

struct zoo_conv {
    const char *module, *norm; // norm: NULL when a bias is all that it has
    uint32_t    out, kernel, stride, pad;
    uint32_t    pad_more;  // below and on the right only
    bool        no_bias;   // neither norm nor bias
    bool        depthwise; // out is not used
    double      sd;        // of the results; 0 for 1
};

struct zoo_window {
    uint32_t kernel, stride, pad;
    bool     ceil;     // the last window may reach beyond the map
    uint32_t pad_more; // below and on the right only
};

enum zoo_function { ZOO_HARD_SIGMOID, ZOO_HARD_SWISH, ZOO_LEAKY_RELU, ZOO_SIGMOID, ZOO_SILU };

/* The name of a module's child: path.child. */
struct zoo_name {
    char s[112];
};

struct zoo_name zoo_child(const char *path, const char *child);

/* Channels that a layer of n has in a thin network. */
uint32_t zoo_thin(const struct zoo *z, uint32_t n);

struct zoo_map zoo_image(struct zoo *z);
struct zoo_map zoo_conv(struct zoo *z, const struct zoo_map *in, const struct zoo_conv *c);
struct zoo_map zoo_norm(struct zoo *z, const struct zoo_map *in, const char *module);
struct zoo_map zoo_relu(struct zoo *z, const struct zoo_map *in, const char *module);
struct zoo_map zoo_relu6(struct zoo *z, const struct zoo_map *in, const char *module);
struct zoo_map zoo_add(struct zoo *z, const struct zoo_map *a, const struct zoo_map *b,
                       const char *module);
/* b: of the same shape, or of one pixel. */
struct zoo_map zoo_mul(struct zoo *z, const struct zoo_map *a, const struct zoo_map *b,
                       const char *module);
struct zoo_map zoo_function(struct zoo *z, const struct zoo_map *in, const char *module,
                            enum zoo_function what);
/* ConvTranspose whose kernels touch: the map is `kernel` times as high and wide. */
struct zoo_map zoo_conv_transposed(struct zoo *z, const struct zoo_map *in, const char *module,
                                   uint32_t channels, uint32_t kernel);
/* Each pixel `factor` times as high and wide. */
struct zoo_map zoo_enlarge(struct zoo *z, const struct zoo_map *in, const char *module,
                           uint32_t factor);
/* Its channels in two halves; dealt to `groups` in turn. */
void           zoo_halves(struct zoo *z, const struct zoo_map *in, const char *module,
                          struct zoo_map half[2]);
struct zoo_map zoo_shuffle(struct zoo *z, const struct zoo_map *in, const char *module,
                           uint32_t groups);
struct zoo_map zoo_concat(struct zoo *z, const struct zoo_map *in, uint32_t n, const char *module);
struct zoo_map zoo_max_pool(struct zoo *z, const struct zoo_map *in, const char *module,
                            struct zoo_window w);
struct zoo_map zoo_average_pool(struct zoo *z, const struct zoo_map *in, const char *module,
                                struct zoo_window w);
struct zoo_map zoo_mean(struct zoo *z, const struct zoo_map *in, const char *module);
struct zoo_map zoo_flatten(struct zoo *z, const struct zoo_map *in);
struct zoo_map zoo_dropout(struct zoo *z, const struct zoo_map *in, const char *module);
struct zoo_map zoo_gemm(struct zoo *z, const struct zoo_map *in, const char *module, uint32_t out,
                        bool last);

/* To bytes, uint8 where nothing is below 0; or to int8 with the scale that sums of deviation 1
 * have, as maps have that will be joined. */
struct zoo_map zoo_round(struct zoo *z, const struct zoo_map *in);
struct zoo_map zoo_round_signed(struct zoo *z, const struct zoo_map *in);

/* The bytes of `in` as they are behind a node that makes no new values. */
struct zoo_map zoo_round_again(struct zoo *z, const struct zoo_map *in);

/* What the last node made, which is the network's first result or one more. */
void zoo_output(struct zoo *z, const struct zoo_map *in);

/* The part of squeeze-and-excite that all have: the mean of `in`, rounded, through two convolutions
 * of one pixel, children `names` of `path`, with `hidden` channels and a function between them. */
struct zoo_excite {
    const char       *path, *names[4]; // first convolution, its function, second, its function
    uint32_t          hidden;
    bool              relu;            // between them; else SiLU
    enum zoo_function gate;
};
struct zoo_map zoo_excite(struct zoo *z, const struct zoo_map *in, const struct zoo_excite *e);

/* The families. */
void zoo_alexnet(struct zoo *z);
void zoo_densenet121(struct zoo *z);
void zoo_efficientnet_b0(struct zoo *z);
void zoo_mobilenet_v2(struct zoo *z);
void zoo_mobilenet_v3(struct zoo *z);
void zoo_resnet18(struct zoo *z);
void zoo_resnet34(struct zoo *z);
void zoo_resnet50(struct zoo *z);
void zoo_shufflenet_v2(struct zoo *z);
void zoo_squeezenet(struct zoo *z);
void zoo_unet(struct zoo *z);
void zoo_unet_transposed(struct zoo *z);
void zoo_vgg16(struct zoo *z);
void zoo_vgg8(struct zoo *z);
void zoo_yolo_v3_tiny(struct zoo *z);

#endif
