/* network/onnx/tensor.c -- see tensor.h. */
#include "network/onnx/tensor.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* The field that holds a type's values when raw_data does not. */
enum field { FIELD_NONE, FIELD_FLOAT, FIELD_DOUBLE, FIELD_INT32, FIELD_INT64 };

static const struct type {
    const char *name;
    enum field  field; // FIELD_NONE: this reader has no use for the type
    size_t      size;  // bytes of a value in raw_data
    int64_t     least, most; // of an integer
} types[] = {
    [TYPE(FLOAT)]      = {"float",      FIELD_FLOAT,  4, 0, 0},
    [TYPE(UINT8)]      = {"uint8",      FIELD_INT32,  1, 0, UINT8_MAX},
    [TYPE(INT8)]       = {"int8",       FIELD_INT32,  1, INT8_MIN, INT8_MAX},
    [TYPE(UINT16)]     = {"uint16",     FIELD_NONE,   2, 0, 0},
    [TYPE(INT16)]      = {"int16",      FIELD_NONE,   2, 0, 0},
    [TYPE(INT32)]      = {"int32",      FIELD_INT32,  4, INT32_MIN, INT32_MAX},
    [TYPE(INT64)]      = {"int64",      FIELD_INT64,  8, INT64_MIN, INT64_MAX},
    [TYPE(STRING)]     = {"string",     FIELD_NONE,   0, 0, 0},
    [TYPE(BOOL)]       = {"bool",       FIELD_INT32,  1, 0, 1},
    [TYPE(FLOAT16)]    = {"float16",    FIELD_NONE,   2, 0, 0},
    [TYPE(DOUBLE)]     = {"double",     FIELD_DOUBLE, 8, 0, 0},
    [TYPE(UINT32)]     = {"uint32",     FIELD_NONE,   4, 0, 0},
    [TYPE(UINT64)]     = {"uint64",     FIELD_NONE,   8, 0, 0},
    [TYPE(COMPLEX64)]  = {"complex64",  FIELD_NONE,   8, 0, 0},
    [TYPE(COMPLEX128)] = {"complex128", FIELD_NONE,  16, 0, 0},
    [TYPE(BFLOAT16)]   = {"bfloat16",   FIELD_NONE,   2, 0, 0},
};

static const struct type *type_of(int32_t type)
{
    static const struct type unknown = {"an unknown type", FIELD_NONE, 0, 0, 0};
    bool known = type > 0 && type < (int32_t)(sizeof types / sizeof *types);

    return known ? &types[type] : &unknown;
}

const char *onnx_type_name(int32_t type)
{
    return type_of(type)->name;
}

bool onnx_type_is_real(int32_t type)
{
    return type == TYPE(FLOAT) || type == TYPE(DOUBLE);
}

static enum err refuse(struct err_msg *m, const Onnx__TensorProto *p, const char *what)
{
    return err_set(m, ERR_INPUT, "tensor \"%.100s\": %s", p->name ? p->name : "", what);
}

static enum err check_dims(struct onnx_tensor *t, struct err_msg *m)
{
    const Onnx__TensorProto *p = t->proto;

    if (p->n_dims > ONNX_MOST_DIMS)
        return refuse(m, p, "more than 8 dimensions: want at most 8");
    t->n = 1;
    t->n_dim = (uint32_t)p->n_dims;
    for (uint32_t i = 0; i < t->n_dim; i++) {
        if (p->dims[i] < 0 || p->dims[i] > INT32_MAX)
            return err_set(m, ERR_INPUT, "tensor \"%.100s\": dimension %" PRIu32 " of %" PRId64
                           ": want 0 to 2^31 - 1", p->name ? p->name : "", i, p->dims[i]);
        t->dim[i] = (uint32_t)p->dims[i];
        if (t->dim[i] && t->n > (size_t)INT32_MAX / t->dim[i])
            return refuse(m, p, "dimensions that multiply to 2^31 or more: want fewer values");
        t->n *= t->dim[i];
    }
    return ERR_NONE;
}

static size_t n_in_field(const Onnx__TensorProto *p, enum field field)
{
    switch (field) {
    case FIELD_FLOAT:
        return p->n_float_data;
    case FIELD_DOUBLE:
        return p->n_double_data;
    case FIELD_INT32:
        return p->n_int32_data;
    case FIELD_INT64:
        return p->n_int64_data;
    case FIELD_NONE:
        break;
    }
    return 0;
}

/* int32_data holds narrow types too. */
static enum err check_range(const struct onnx_tensor *t, struct err_msg *m)
{
    const struct type *type = type_of(t->type);

    if (t->proto->has_raw_data || type->field != FIELD_INT32)
        return ERR_NONE;
    for (size_t i = 0; i < t->n; i++) {
        int32_t v = t->proto->int32_data[i];
        if (v < type->least || v > type->most)
            return err_set(m, ERR_INPUT, "tensor \"%.100s\": value %" PRId32 ": want %" PRId64
                           " to %" PRId64 ", it is %s", t->proto->name ? t->proto->name : "", v,
                           type->least, type->most, type->name);
    }
    return ERR_NONE;
}

enum err onnx_tensor_view(struct onnx_tensor *t, const Onnx__TensorProto *proto,
                          struct err_msg *m)
{
    const char *name = proto->name ? proto->name : "";
    *t = (struct onnx_tensor){.proto = proto, .type = proto->data_type};
    const struct type *type = type_of(t->type);

    if (proto->n_external_data ||
        proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return refuse(m, proto, "its data are in another file: want a model saved as one file");
    if (proto->segment)
        return refuse(m, proto, "its data are a segment: want a whole tensor");
    if (type->field == FIELD_NONE)
        return err_set(m, ERR_INPUT, "tensor \"%.100s\": type %" PRId32 " (%s): want float, "
                       "double, int8, uint8, int32, int64 or bool", name, t->type, type->name);
    enum err e = check_dims(t, m);
    if (e)
        return e;
    size_t found = proto->has_raw_data ? proto->raw_data.len : n_in_field(proto, type->field);
    size_t want = proto->has_raw_data ? t->n * type->size : t->n;
    if (found != want)
        return err_set(m, ERR_INPUT, "tensor \"%.100s\": %zu %s of data: want %zu for its "
                       "dimensions", name, found, proto->has_raw_data ? "bytes" : "values", want);
    return check_range(t, m);
}

static uint64_t little_endian(const uint8_t *p, size_t size)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < size; i++)
        bits |= (uint64_t)p[i] << (8 * i);
    return bits;
}

static uint64_t raw_bits(const struct onnx_tensor *t, size_t i)
{
    size_t size = type_of(t->type)->size;
    return little_endian(t->proto->raw_data.data + i * size, size);
}

static double raw_real(const struct onnx_tensor *t, size_t i)
{
    uint64_t bits = raw_bits(t, i);

    if (t->type == TYPE(FLOAT)) {
        uint32_t bits32 = (uint32_t)bits;
        float f;
        memcpy(&f, &bits32, sizeof f);
        return (double)f;
    }
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

double onnx_tensor_real(const struct onnx_tensor *t, size_t i)
{
    assert(i < t->n);
    if (!onnx_type_is_real(t->type))
        return (double)onnx_tensor_integer(t, i);
    if (t->proto->has_raw_data)
        return raw_real(t, i);
    return t->type == TYPE(FLOAT) ? (double)t->proto->float_data[i] : t->proto->double_data[i];
}

int64_t onnx_tensor_integer(const struct onnx_tensor *t, size_t i)
{
    assert(i < t->n && !onnx_type_is_real(t->type));
    if (!t->proto->has_raw_data)
        return t->type == TYPE(INT64) ? t->proto->int64_data[i] : t->proto->int32_data[i];
    uint64_t bits = raw_bits(t, i);
    switch (t->type) {
    case TYPE(INT8):
        return (int8_t)(uint8_t)bits;
    case TYPE(INT32):
        return (int32_t)(uint32_t)bits;
    case TYPE(INT64):
        return (int64_t)bits;
    }
    return (int64_t)bits; // uint8, bool
}

bool onnx_tensor_is_single(const struct onnx_tensor *t)
{
    return t->n == 1 && t->n_dim <= 1;
}
