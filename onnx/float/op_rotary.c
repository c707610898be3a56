/* onnx/float/op_rotary.c -- RotaryEmbedding: pairs of channels of a head turned by an angle that
 * grows with the position of the token.
 *
 *     first' = first * cos - second * sin      second' = first * sin + second * cos
 *
 * A pair is channels i and i + r / 2 of the first r of a head, or (interleaved) 2 i and 2 i + 1.
 * Cosines and sines are positions x r / 2, of which position_ids pick rows, or 1 x tokens x r / 2.
 *
 * Source: J. Su et al., "RoFormer", Neurocomputing 568 (2024), equation 34.
 */
#include <inttypes.h>

#include "onnx/float/op.h"

struct rotary {
    uint32_t heads, tokens, head, half; // channels of a head; pairs of it
    bool     by_heads;                  // heads are an axis in front of the tokens
    bool     interleaved;
};

static enum err read_shape(const struct float_call *c, struct rotary *r)
{
    const struct array *x = c->in[0], *cosine = c->in[1];
    int64_t heads = 0, turned = 0, interleaved = 0;
    enum err e = onnx_attr_int(c->node, "num_heads", &heads, c->msg);

    if (!e)
        e = onnx_attr_int(c->node, "rotary_embedding_dim", &turned, c->msg);
    if (!e)
        e = onnx_attr_int(c->node, "interleaved", &interleaved, c->msg);
    if (e)
        return e;
    if (!x->real || (x->n_dim != 4 && x->n_dim != 3) || x->dim[0] != 1 || x->n == 0)
        return FLOAT_REFUSE(c, "a map of %" PRIu32 " dimensions: want 1 x heads x tokens x "
                            "channels, or 1 x tokens x channels, of float", x->n_dim);
    r->by_heads = x->n_dim == 4;
    if (!r->by_heads && (heads < 1 || x->dim[2] % heads != 0))
        return FLOAT_REFUSE(c, "%" PRIu32 " channels in %" PRId64 " heads: want num_heads, which "
                            "divides them", x->dim[2], heads);
    r->heads = r->by_heads ? x->dim[1] : (uint32_t)heads;
    r->tokens = x->dim[r->by_heads ? 2 : 1];
    r->head = r->by_heads ? x->dim[3] : x->dim[2] / (uint32_t)heads;
    r->interleaved = interleaved != 0;
    if (turned == 0)
        turned = r->head;
    if (turned < 2 || turned > r->head || turned % 2 != 0 || cosine->n_dim < 2 ||
        cosine->dim[cosine->n_dim - 1] != turned / 2)
        return FLOAT_REFUSE(c, "%" PRId64 " of %" PRIu32 " channels of a head turn: want an even "
                            "number of them, and half as many cosines for a position", turned,
                            r->head);
    r->half = (uint32_t)turned / 2;
    return ERR_NONE;
}

/* Rows of cosines, and which one each token reads. */
static enum err check_caches(const struct float_call *c, const struct rotary *r)
{
    const struct array *cosine = c->in[1], *sine = c->in[2];
    const struct array *at = float_has(c, 3) ? c->in[3] : NULL;
    const size_t rows = cosine->n / r->half;

    if (!cosine->real || !sine->real || !array_same_shape(cosine, sine))
        return FLOAT_REFUSE(c, "cosines and sines that are no floats of one shape: want such");
    if (at && (!at->integer || (at->n != r->tokens && at->n != 1)))
        return FLOAT_REFUSE(c, "%zu positions for %" PRIu32 " tokens: want as many integers, or "
                            "that of the first", at->n, r->tokens);
    if (!at && rows < r->tokens)
        return FLOAT_REFUSE(c, "%zu rows of cosines for %" PRIu32 " tokens: want as many", rows,
                            r->tokens);
    for (size_t t = 0; at && t < r->tokens; t++) {
        int64_t v = at->n == 1 ? at->integer[0] : at->integer[t];
        if (v < 0 || v > INT32_MAX || (uint64_t)v + (at->n == 1 ? t : 0) >= rows)
            return FLOAT_REFUSE(c, "position %" PRId64 " of token %zu: want below %zu, the rows "
                                "of cosines", v, t, rows);
    }
    return ERR_NONE;
}

static size_t row_of(const struct float_call *c, size_t token)
{
    const struct array *at = float_has(c, 3) ? c->in[3] : NULL;

    return !at ? token : at->n == 1 ? (size_t)at->integer[0] + token : (size_t)at->integer[token];
}

static void turn(struct float_call *c, const struct rotary *r, size_t token, size_t head)
{
    const float *cosine = c->in[1]->real + row_of(c, token) * r->half;
    const float *sine = c->in[2]->real + row_of(c, token) * r->half;
    const size_t at = (r->by_heads ? head * r->tokens + token : token * r->heads + head) * r->head;
    const float *x = c->in[0]->real + at;
    float *y = c->out.real + at;

    for (size_t i = 0; i < r->head; i++)
        y[i] = x[i];
    for (size_t i = 0; i < r->half; i++) {
        size_t a = r->interleaved ? 2 * i : i, b = r->interleaved ? 2 * i + 1 : i + r->half;
        y[a] = x[a] * cosine[i] - x[b] * sine[i];
        y[b] = x[a] * sine[i] + x[b] * cosine[i];
    }
}

static enum err eval_rotary(struct float_call *c)
{
    struct rotary r = {0};
    enum err e = read_shape(c, &r);

    if (!e)
        e = check_caches(c, &r);
    if (!e)
        e = float_out(c, c->in[0]->type, c->in[0]->n_dim, c->in[0]->dim);
    for (size_t t = 0; !e && t < r.tokens; t++)
        for (size_t h = 0; h < r.heads; h++)
            turn(c, &r, t, h);
    return e;
}

const struct float_operator float_ops_rotary[] = {
    {"RotaryEmbedding", 3, 4, "interleaved num_heads rotary_embedding_dim", eval_rotary},
    {0},
};
