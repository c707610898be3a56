/* onnx/file.c -- see file.h. */
#include "onnx/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_NESTING = 32 };

enum err onnx_read_file(const char *path, uint8_t **data, size_t *size, struct err_msg *m)
{
    FILE *f = fopen(path, "rb");
    struct stat s;

    if (!f || fstat(fileno(f), &s)) {
        enum err e = err_set(m, ERR_INPUT, "cannot open: %s: want a readable ONNX file",
                             strerror(errno));
        if (f)
            fclose(f);
        return e;
    }
    enum err e = ERR_NONE;
    *data = NULL;
    if (!S_ISREG(s.st_mode))
        e = err_set(m, ERR_INPUT, "not a regular file: want an ONNX file");
    else if (s.st_size > INT32_MAX)
        e = err_set(m, ERR_INPUT, "%jd bytes: want at most 2^31 - 1, protobuf's limit",
                    (intmax_t)s.st_size);
    else if (!(*data = malloc((size_t)s.st_size + 1)))
        e = err_set(m, ERR_MEMORY, "no memory for its %jd bytes", (intmax_t)s.st_size);
    if (!e) {
        *size = fread(*data, 1, (size_t)s.st_size, f);
        if (ferror(f))
            e = err_set(m, ERR_INPUT, "cannot read: %s", strerror(errno));
    }
    if (e) {
        free(*data);
        *data = NULL;
    }
    fclose(f);
    return e;
}

/* One message of the walk. */
struct frame {
    const ProtobufCMessageDescriptor *type;
    const char                       *field; // by which the message around it calls it
    size_t                            end;
    uint64_t                          seen; // fields below 64 that hold a single message
};

struct walk {
    const uint8_t  *data;
    size_t          at;
    struct frame    frame[MOST_NESTING];
    int             depth;
    struct err_msg *msg;
};

/* The place is spelt model.graph.node.attribute. */
static enum err corrupt(const struct walk *w, const char *what)
{
    char place[256] = "model";

    for (int i = 1; i < w->depth; i++) {
        strncat(place, ".", sizeof place - strlen(place) - 1);
        strncat(place, w->frame[i].field, sizeof place - strlen(place) - 1);
    }
    return err_set(w->msg, ERR_INPUT, "byte %zu, in %s: %s: want a complete ONNX model", w->at,
                   place, what);
}

static size_t bytes_left(const struct walk *w)
{
    return w->frame[w->depth - 1].end - w->at;
}

static bool read_varint(struct walk *w, uint64_t *value)
{
    size_t left = bytes_left(w);

    *value = 0;
    for (unsigned i = 0; i < 10 && i < left; i++) {
        uint8_t byte = w->data[w->at + i];
        *value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            w->at += i + 1;
            return true;
        }
    }
    return false;
}

/* Enters the field's message, or steps over its bytes. */
static enum err walk_bytes(struct walk *w, uint64_t number)
{
    struct frame *f = &w->frame[w->depth - 1];
    uint64_t n;

    if (!read_varint(w, &n))
        return corrupt(w, "cut off inside a length");
    if (n > bytes_left(w))
        return corrupt(w, "a length beyond the end of its message");
    const ProtobufCFieldDescriptor *field =
        number <= INT32_MAX ? protobuf_c_message_descriptor_get_field(f->type, (unsigned)number)
                            : NULL;
    if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE) {
        w->at += (size_t)n;
        return ERR_NONE;
    }
    if (field->label != PROTOBUF_C_LABEL_REPEATED && number < 64) {
        if (f->seen >> number & 1)
            return corrupt(w, "the same field twice"); // merging them has no bound on its cost
        f->seen |= UINT64_C(1) << number;
    }
    if (w->depth == MOST_NESTING)
        return corrupt(w, "messages nested more than 32 deep");
    w->frame[w->depth++] = (struct frame){field->descriptor, field->name, w->at + (size_t)n, 0};
    return ERR_NONE;
}

static enum err walk_field(struct walk *w)
{
    enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 }; // wire types of protobuf
    uint64_t tag, ignored;

    if (!read_varint(w, &tag))
        return corrupt(w, "cut off inside a field's tag");
    switch (tag & 7) {
    case VARINT:
        return read_varint(w, &ignored) ? ERR_NONE : corrupt(w, "cut off inside a number");
    case FIXED64:
    case FIXED32: {
        size_t n = (tag & 7) == FIXED64 ? 8 : 4;
        if (bytes_left(w) < n)
            return corrupt(w, "cut off inside a number");
        w->at += n;
        return ERR_NONE;
    }
    case BYTES:
        return walk_bytes(w, tag >> 3);
    }
    return corrupt(w, "a field of unknown type");
}

static enum err check_wire(const uint8_t *data, size_t size, struct err_msg *m)
{
    struct walk w = {.data = data, .depth = 1, .msg = m};
    enum err e = ERR_NONE;

    w.frame[0] = (struct frame){&onnx__model_proto__descriptor, "model", size, 0};
    while (w.depth > 0 && !e)
        if (bytes_left(&w) == 0)
            w.depth--;
        else
            e = walk_field(&w);
    return e;
}

/* Counts what is asked for, and never what is given back: a bound on the work as well. */
struct budget {
    size_t left;
    bool   spent;
};

static void *take(void *data, size_t size)
{
    struct budget *b = data;

    if (size > b->left) {
        b->spent = true;
        return NULL;
    }
    b->left -= size;
    return malloc(size);
}

static void give_back(void *data, void *pointer)
{
    (void)data;
    free(pointer);
}

enum err onnx_decode(const uint8_t *data, size_t size, Onnx__ModelProto **model, struct err_msg *m)
{
    struct budget budget = {.left = (UINT64_C(64) << 20) + 16 * size};
    ProtobufCAllocator allocator = {take, give_back, &budget};

    *model = NULL;
    enum err e = check_wire(data, size, m);
    if (e)
        return e;
    *model = onnx__model_proto__unpack(&allocator, size, data);
    if (*model)
        return ERR_NONE;
    if (budget.spent)
        return err_set(m, ERR_INPUT, "unpacks to more than 64 MiB and 16 times its %zu bytes: want "
                       "an ONNX model of ordinary make", size);
    return err_set(m, ERR_INPUT, "fields of the wrong type: want an ONNX model");
}

void onnx_free_model(Onnx__ModelProto *model)
{
    if (model)
        onnx__model_proto__free_unpacked(model, NULL); // take() is malloc
}
