/* onnx/rewrite/reword.c -- operators that say what others say as exactly:
 *
 *     Sum of one or several        Identity, or Add after Add
 *     Pad by less than nothing     Slice, then Pad by what is left
 *     DepthToSpace by b            ConvTranspose with a b x b kernel of 0 and 1 that steps by b
 *     SpaceToDepth by b            Conv with such a kernel
 *
 * The kernels are floats in a float model, else int8 of scale 1 behind DequantizeLinear.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/rewrite/rewrite.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name
#define INTS       ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS

enum { MOST_CHANNELS = 4096, MOST_BLOCK = 64, INPUT_LISTS = 11 }; // set of Pad and Slice by inputs

static bool is(const Onnx__NodeProto *node, const char *type)
{
    return onnx_is_own_domain(node->domain) && strcmp(onnx_text(node->op_type), type) == 0;
}

/* ---- Sum ---- */

static bool takes_sum(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    (void)w;
    return is(node, "Sum");
}

static enum err rewrite_sum(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const Onnx__NodeProto *node = *own;
    char sum[ONNX_NAME], next[ONNX_NAME];

    if (node->n_input == 1)
        onnx_put_node(w, node, "Identity", (const char *const[]){ node->input[0], NULL, NULL },
                      node->output[0]);
    snprintf(sum, sizeof sum, "%.200s", node->input[0]);
    for (size_t i = 1; i < node->n_input; i++) {
        char what[24];
        snprintf(what, sizeof what, "sum%zu", i);
        const char *out =
            i + 1 < node->n_input ? onnx_put_name(next, node, what) : node->output[0];
        onnx_put_node(w, node, "Add",
                      (const char *const[]){ i == 1 ? node->input[0] : sum, node->input[i], NULL },
                      out);
        snprintf(sum, sizeof sum, "%.240s", out);
    }
    return ERR_NONE;
}

/* ---- Pad ---- */

static bool takes_pad(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    return is(node, "Pad") && onnx_rewrite_opset(w) >= INPUT_LISTS && node->n_input > 1 &&
           (node->n_input < 4 || !*onnx_text(node->input[3])); // for all axes
}

/* A list of integers as a constant. */
static void put_list(struct onnx_rewriting *w, const char *name, const int64_t *v, uint32_t n)
{
    Onnx__TensorProto *t = onnx_put_tensor(w, name, TYPE(INT64), 1, &n, n * sizeof *v);

    if (t)
        memcpy(t->raw_data.data, v, n * sizeof *v);
}

static void rename_input(struct onnx_rewriting *w, Onnx__NodeProto *node, size_t i,
                             const char *name)
{
    char *copy = strdup(name);

    w->failed |= !copy;
    if (copy) {
        free(node->input[i]);
        node->input[i] = copy;
    }
}

/* What is cut off goes first. */
static enum err rewrite_pad(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    Onnx__NodeProto *node = *own;
    int64_t pad[2 * ONNX_MOST_DIMS], begin[ONNX_MOST_DIMS], end[ONNX_MOST_DIMS];
    struct onnx_tensor t;
    bool cuts = false;
    char name[4][ONNX_NAME];

    bool known = onnx_rewrite_constant(w, node, 1, &t) && t.type == TYPE(INT64) && t.n % 2 == 0 &&
                 t.n <= 2 * ONNX_MOST_DIMS;
    const uint32_t n = known ? (uint32_t)t.n / 2 : 0;
    for (uint32_t i = 0; i < 2 * n; i++) {
        pad[i] = onnx_tensor_integer(&t, i);
        cuts |= pad[i] < 0;
        known &= pad[i] > -INT32_MAX;
    }
    for (uint32_t i = 0; i < n; i++) {
        begin[i] = pad[i] < 0 ? -pad[i] : 0;
        end[i] = pad[n + i] < 0 ? pad[n + i] : INT64_MAX;
    }
    for (uint32_t i = 0; i < 2 * n; i++)
        pad[i] = pad[i] < 0 ? 0 : pad[i];
    if (known && cuts) {
        static const char *const parts[] = { "begin", "end", "cut", "pads" };
        for (int i = 0; i < 4; i++)
            onnx_put_name(name[i], node, parts[i]);
        put_list(w, name[0], begin, n);
        put_list(w, name[1], end, n);
        put_list(w, name[3], pad, 2 * n);
        onnx_put_node(w, node, "Slice", (const char *const[]){ node->input[0], name[0], name[1] },
                      name[2]);
        rename_input(w, node, 0, name[2]);
        rename_input(w, node, 1, name[3]);
    }
    *own = NULL;
    onnx_put(w, node);
    return ERR_NONE;
}

/* ---- DepthToSpace, SpaceToDepth ---- */

static bool takes_block(const struct onnx_rewriting *w, const Onnx__NodeProto *node)
{
    (void)w;
    return is(node, "DepthToSpace") || is(node, "SpaceToDepth");
}

struct block {
    uint32_t side, many, few; // channels of a pixel before it is spread, and after
    bool     by_channel;      // CRD: those of one channel lie together
};

static enum err read_block(struct onnx_rewriting *w, const Onnx__NodeProto *proto, struct block *b)
{
    const struct onnx_node node = { .proto = proto };
    const bool spreads = is(proto, "DepthToSpace");
    uint32_t channels = onnx_rewrite_channels(w, proto->input[0]);
    int64_t side = 0;
    char mode[8] = "DCR";
    enum err e = onnx_attr_int(&node, "blocksize", &side, w->msg);

    if (!e)
        e = onnx_attr_text(&node, "mode", mode, sizeof mode, w->msg);
    if (e)
        return e;
    if (side < 1 || side > MOST_BLOCK || (strcmp(mode, "DCR") != 0 && strcmp(mode, "CRD") != 0))
        return onnx_refuse(w, proto, "blocksize %" PRId64 ", mode \"%s\": want 1 to %d, DCR or CRD",
                           side, mode, MOST_BLOCK);
    const uint32_t of_pixel = (uint32_t)(side * side);
    if (channels == 0)
        return onnx_refuse(w, proto, "nothing near says how many channels it reads: want a "
                           "convolution in front, or the shape of %.80s in value_info",
                           proto->input[0]);
    if ((spreads && channels % of_pixel != 0) ||
        (spreads ? channels : channels * of_pixel) > MOST_CHANNELS)
        return onnx_refuse(w, proto, "%" PRIu32 " channels, blocks of %" PRIu32 " pixels: want a "
                           "multiple of these where they are spread, at most %d channels a block",
                           channels, of_pixel, MOST_CHANNELS);
    *b = (struct block){ .side = (uint32_t)side, .by_channel = strcmp(mode, "CRD") == 0,
                         .many = spreads ? channels : channels * of_pixel,
                         .few = spreads ? channels / of_pixel : channels };
    return ERR_NONE;
}

/* The kernel [many][few][side][side] as a constant; what is to be read in its place. */
static const char *put_kernel(struct onnx_rewriting *w, const Onnx__NodeProto *node,
                              const struct block *b, char name[4][ONNX_NAME])
{
    const uint32_t dim[] = { b->many, b->few, b->side, b->side }, positions = b->side * b->side;
    const size_t n = (size_t)b->many * b->few * positions;
    static const char *const parts[] = { "kernel", "bytes", "scale", "zero" };

    for (int i = 0; i < 4; i++)
        onnx_put_name(name[i], node, parts[i]);
    Onnx__TensorProto *t =
        w->is_float ? onnx_put_tensor(w, name[0], TYPE(FLOAT), 4, dim, n * sizeof(float))
                    : onnx_put_tensor(w, name[1], TYPE(INT8), 4, dim, n);
    for (uint32_t k = 0; t && k < b->many; k++) {
        uint32_t channel = b->by_channel ? k / positions : k % b->few;
        uint32_t position = b->by_channel ? k % positions : k / b->few;
        size_t i = ((size_t)k * b->few + channel) * positions + position;
        if (w->is_float)
            ((float *)(void *)t->raw_data.data)[i] = 1;
        else
            t->raw_data.data[i] = 1;
    }
    if (!w->is_float) {
        onnx_put_float(w, name[2], 1);
        onnx_put_integer(w, name[3], TYPE(INT8), 0);
        onnx_put_node(w, node, "DequantizeLinear",
                      (const char *const[]){ name[1], name[2], name[3] }, name[0]);
    }
    return name[0];
}

static enum err rewrite_block(struct onnx_rewriting *w, Onnx__NodeProto **own)
{
    const Onnx__NodeProto *node = *own;
    char name[4][ONNX_NAME];
    struct block b = { 0 };
    enum err e = read_block(w, node, &b);

    if (e)
        return e;
    const int64_t strides[] = { b.side, b.side };
    const char *kernel = put_kernel(w, node, &b, name);
    const char *type = is(node, "DepthToSpace") ? "ConvTranspose" : "Conv";
    Onnx__NodeProto *conv = onnx_put_node(
        w, node, type, (const char *const[]){ node->input[0], kernel, NULL }, node->output[0]);
    onnx_put_attribute(w, conv, "strides", 2, strides, INTS);
    return ERR_NONE;
}

const struct onnx_rewriter onnx_rewrites_reword[] = {
    { takes_sum, rewrite_sum, false },
    { takes_pad, rewrite_pad, false },
    { takes_block, rewrite_block, false },
    { 0 },
};
