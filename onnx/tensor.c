/* onnx/tensor.c -- see tensor.h. */
#include "onnx/tensor.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "core/half.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* The field that holds a type's values when raw_data does not. */
enum field { FIELD_NONE, FIELD_FLOAT, FIELD_DOUBLE, FIELD_INT32, FIELD_INT64 };

static const struct type {
    const char *name;
    enum field  field; // FIELD_NONE: this reader has no use for the type
    size_t      bits;  // of a value in raw_data
    int64_t     least, most; // of an integer
} types[] = {
    [TYPE(FLOAT)]      = {"float",      FIELD_FLOAT,  32, 0, 0},
    [TYPE(UINT8)]      = {"uint8",      FIELD_INT32,   8, 0, UINT8_MAX},
    [TYPE(INT8)]       = {"int8",       FIELD_INT32,   8, INT8_MIN, INT8_MAX},
    [TYPE(UINT16)]     = {"uint16",     FIELD_INT32,  16, 0, UINT16_MAX},
    [TYPE(INT16)]      = {"int16",      FIELD_INT32,  16, INT16_MIN, INT16_MAX},
    [TYPE(INT32)]      = {"int32",      FIELD_INT32,  32, INT32_MIN, INT32_MAX},
    [TYPE(INT64)]      = {"int64",      FIELD_INT64,  64, INT64_MIN, INT64_MAX},
    [TYPE(STRING)]     = {"string",     FIELD_NONE,    0, 0, 0},
    [TYPE(BOOL)]       = {"bool",       FIELD_INT32,   8, 0, 1},
    [TYPE(FLOAT16)]    = {"float16",    FIELD_INT32,  16, 0, UINT16_MAX}, // the field has its bits
    [TYPE(DOUBLE)]     = {"double",     FIELD_DOUBLE, 64, 0, 0},
    [TYPE(UINT32)]     = {"uint32",     FIELD_NONE,   32, 0, 0},
    [TYPE(UINT64)]     = {"uint64",     FIELD_NONE,   64, 0, 0},
    [TYPE(COMPLEX64)]  = {"complex64",  FIELD_NONE,   64, 0, 0},
    [TYPE(COMPLEX128)] = {"complex128", FIELD_NONE,  128, 0, 0},
    [TYPE(BFLOAT16)]   = {"bfloat16",   FIELD_INT32,  16, 0, UINT16_MAX},
    [ONNX_UINT4]       = {"uint4",      FIELD_INT32,   4, 0, UINT8_MAX}, // two in a number
    [ONNX_INT4]        = {"int4",       FIELD_INT32,   4, 0, UINT8_MAX},
};

static const struct type *type_of(int32_t type)
{
    static const struct type unknown = {"an unknown type", FIELD_NONE, 0, 0, 0};
    bool known = type > 0 && type < (int32_t)(sizeof types / sizeof *types) && types[type].name;

    return known ? &types[type] : &unknown;
}

const char *onnx_type_name(int32_t type)
{
    return type_of(type)->name;
}

bool onnx_type_is_real(int32_t type)
{
    return type == TYPE(FLOAT) || type == TYPE(DOUBLE) || type == TYPE(FLOAT16) ||
           type == TYPE(BFLOAT16);
}

size_t onnx_type_bits(int32_t type)
{
    return type_of(type)->field == FIELD_NONE ? 0 : type_of(type)->bits;
}

bool onnx_type_limits(int32_t type, int64_t *least, int64_t *most)
{
    bool packed = type == ONNX_INT4 || type == ONNX_UINT4;

    *least = packed ? (type == ONNX_INT4 ? -8 : 0) : type_of(type)->least;
    *most = packed ? (type == ONNX_INT4 ? 7 : 15) : type_of(type)->most;
    return *most > 0 && !onnx_type_is_real(type);
}

bool onnx_type_is_code(int32_t type)
{
    return type == TYPE(UINT8) || type == TYPE(INT8) || type == TYPE(UINT16) ||
           type == TYPE(INT16) || type == ONNX_UINT4 || type == ONNX_INT4;
}

/* Numbers that n values take: of raw_data bytes, else entries of the field. */
static size_t room_for(const struct type *type, size_t n, bool raw)
{
    if (type->bits == 4)
        return n / 2 + n % 2;
    return raw ? n * (type->bits / 8) : n;
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
    for (size_t i = 0; i < room_for(type, t->n, false); i++) {
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
        return err_set(m, ERR_INPUT, "tensor \"%.100s\": type %" PRId32 " (%s): want floats of "
                       "16, 32 or 64 bits, integers of 4, 8, 16, 32 or 64 bits, or bool", name,
                       t->type, type->name);
    enum err e = check_dims(t, m);
    if (e)
        return e;
    size_t found = proto->has_raw_data ? proto->raw_data.len : n_in_field(proto, type->field);
    size_t want = room_for(type, t->n, proto->has_raw_data);
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
    size_t size = type_of(t->type)->bits / 8;
    return little_endian(t->proto->raw_data.data + i * size, size);
}

/* The upper half of a float. */
static double brain_real(uint16_t bits)
{
    uint32_t bits32 = (uint32_t)bits << 16;
    float f;

    memcpy(&f, &bits32, sizeof f);
    return (double)f;
}

/* Value i of int4 or uint4: two in a byte, the low half first. */
static int64_t packed_integer(const struct onnx_tensor *t, size_t i)
{
    uint8_t pair = t->proto->has_raw_data ? t->proto->raw_data.data[i / 2]
                                          : (uint8_t)t->proto->int32_data[i / 2];
    int v = i % 2 ? pair >> 4 : pair & 15;

    return t->type == ONNX_INT4 && v > 7 ? v - 16 : v;
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
    if (t->type == TYPE(FLOAT16) || t->type == TYPE(BFLOAT16)) {
        uint16_t bits = (uint16_t)(t->proto->has_raw_data ? raw_bits(t, i)
                                                          : (uint64_t)t->proto->int32_data[i]);
        return t->type == TYPE(FLOAT16) ? half_real(bits) : brain_real(bits);
    }
    if (t->proto->has_raw_data)
        return raw_real(t, i);
    return t->type == TYPE(FLOAT) ? (double)t->proto->float_data[i] : t->proto->double_data[i];
}

int64_t onnx_tensor_integer(const struct onnx_tensor *t, size_t i)
{
    assert(i < t->n && !onnx_type_is_real(t->type));
    if (t->type == ONNX_INT4 || t->type == ONNX_UINT4)
        return packed_integer(t, i);
    if (!t->proto->has_raw_data)
        return t->type == TYPE(INT64) ? t->proto->int64_data[i] : t->proto->int32_data[i];
    uint64_t bits = raw_bits(t, i);
    switch (t->type) {
    case TYPE(INT8):
        return (int8_t)(uint8_t)bits;
    case TYPE(INT16):
        return (int16_t)(uint16_t)bits;
    case TYPE(INT32):
        return (int32_t)(uint32_t)bits;
    case TYPE(INT64):
        return (int64_t)bits;
    }
    return (int64_t)bits; // uint8, uint16, bool
}

bool onnx_tensor_is_single(const struct onnx_tensor *t)
{
    return t->n == 1 && t->n_dim <= 1;
}
