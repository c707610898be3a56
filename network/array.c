/* network/array.c -- see array.h. */
#include "network/array.h"

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
    static const struct {
        double least, most;
    } ranges[] = {
        [TYPE(UINT8)] = {0, 255},
        [TYPE(INT8)]  = {-128, 127},
        [TYPE(INT32)] = {INT32_MIN, INT32_MAX},
        [TYPE(INT64)] = {-0x1p63, 0x1p63},
        [TYPE(BOOL)]  = {0, 1},
    };

    assert(type > 0 && type <= TYPE(BOOL) && ranges[type].most > 0);
    if (isnan(v))
        return 0;
    v = fmin(fmax(v, ranges[type].least), ranges[type].most);
    return v >= 0x1p63 ? INT64_MAX : (int64_t)v;
}

int64_t array_wrap(int32_t type, int64_t v)
{
    switch (type) {
    case TYPE(UINT8):
        return (uint8_t)v;
    case TYPE(INT8):
        return (int8_t)(uint8_t)v;
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
