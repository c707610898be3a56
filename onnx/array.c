/* onnx/array.c -- see array.h. */
#include "onnx/array.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

bool array_is_real(const struct array *a)
{
    return onnx_type_is_real(a->type);
}

bool array_init(struct array *a, int32_t type, uint32_t n_dim, const uint32_t *dim)
{
    *a = (struct array){.type = type, .n_dim = n_dim, .n = 1};
    for (uint32_t i = 0; i < n_dim; i++) {
        a->dim[i] = dim[i];
        a->n *= dim[i];
    }
    if (array_is_real(a))
        a->real = calloc(a->n + 1, sizeof *a->real);
    else
        a->integer = calloc(a->n + 1, sizeof *a->integer);
    if (a->real || a->integer)
        return true;
    *a = (struct array){0};
    return false;
}

bool array_from_tensor(struct array *a, const struct onnx_tensor *t)
{
    if (!array_init(a, t->type, t->n_dim, t->dim))
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (a->real)
            a->real[i] = (float)onnx_tensor_real(t, i);
        else
            a->integer[i] = onnx_tensor_integer(t, i);
    return true;
}

bool array_copy(struct array *to, const struct array *from)
{
    if (!array_init(to, from->type, from->n_dim, from->dim))
        return false;
    if (from->real)
        memcpy(to->real, from->real, from->n * sizeof *from->real);
    else
        memcpy(to->integer, from->integer, from->n * sizeof *from->integer);
    return true;
}

void array_release(struct array *a)
{
    free(a->real);
    free(a->integer);
    *a = (struct array){0};
}

bool array_same_shape(const struct array *a, const struct array *b)
{
    return a->n_dim == b->n_dim && memcmp(a->dim, b->dim, a->n_dim * sizeof *a->dim) == 0;
}

double array_get(const struct array *a, size_t i)
{
    assert(i < a->n);
    return a->real ? (double)a->real[i] : (double)a->integer[i];
}

int64_t array_saturate(int32_t type, double v)
{
    int64_t least, most;
    bool known = onnx_type_limits(type, &least, &most);

    assert(known);
    (void)known;
    if (isnan(v))
        return 0;
    return v >= (double)most ? most : v <= (double)least ? least : (int64_t)v;
}

int64_t array_wrap(int32_t type, int64_t v)
{
    switch (type) {
    case TYPE(UINT8):
        return (uint8_t)v;
    case TYPE(INT8):
        return (int8_t)(uint8_t)v;
    case TYPE(UINT16):
        return (uint16_t)v;
    case TYPE(INT16):
        return (int16_t)(uint16_t)v;
    case TYPE(INT32):
        return (int32_t)(uint32_t)v;
    case TYPE(BOOL):
        return v != 0;
    }
    return v;
}

void array_set(struct array *a, size_t i, double v)
{
    assert(i < a->n);
    if (a->real)
        a->real[i] = (float)v;
    else
        a->integer[i] = array_wrap(a->type, array_saturate(TYPE(INT64), v));
}

/* The nearest float with `bits` bits of fraction, whose steps are at least 2^least. */
static float shortened(float v, int bits, int least, float most)
{
    int exponent;

    if (!isfinite(v) || v == 0)
        return v;
    (void)frexpf(v, &exponent);
    int step = exponent - 1 - bits > least ? exponent - 1 - bits : least;
    float r = ldexpf(rintf(ldexpf(v, -step)), step);
    return fabsf(r) > most ? copysignf(INFINITY, v) : r;
}

float array_rounded(int32_t type, float v)
{
    if (type == TYPE(FLOAT16))
        return shortened(v, 10, -24, 65504);
    return type == TYPE(BFLOAT16) ? shortened(v, 7, -133, 0x1.fep127F) : v;
}
