/* onnx/rewrite/model.c -- see model.h. */
#include "onnx/rewrite/model.h"

#include <stdlib.h>
#include <string.h>

#include "onnx/file.h"
#include "onnx/rewrite/prepare.h"

/* "models/resnet32.onnx" is called resnet32. */
static enum err name_of_path(const char *path, char **name, struct err_msg *m)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(base);

    if (n > 5 && strcmp(base + n - 5, ".onnx") == 0)
        n -= 5;
    *name = strndup(base, n);
    return *name ? ERR_NONE : err_set(m, ERR_MEMORY, "no memory for a name");
}

/* The folder of a path; the caller frees. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return !slash ? strdup(".") : slash == path ? strdup("/")
                                                : strndup(path, (size_t)(slash - path));
}

enum err onnx_model_load(struct onnx_model *o, const char *path,
                         const struct network_onnx_cfg *cfg, struct err_msg *m)
{
    struct onnx_surroundings s = {.input_shape = cfg->input_shape, .axes = cfg->axes,
                                  .input_type = cfg->input_type, .seed = cfg->random_weights};
    char *folder = folder_of(path);
    uint8_t *data = NULL;

    *o = (struct onnx_model){0};
    s.folder = folder;
    enum err e = folder ? onnx_read_file(path, &data, &o->size, m)
                        : err_set(m, ERR_MEMORY, "no memory for a name");
    if (!e)
        e = name_of_path(path, &o->name, m);
    if (!e)
        e = onnx_decode(data, o->size, &o->proto, m);
    if (!e)
        e = onnx_prepare(o->proto, &s, &o->complete, &o->ids, m);
    if (e) {
        err_prefix(m, path);
        onnx_model_release(o);
    }
    free(folder);
    free(data);
    return e;
}

void onnx_model_release(struct onnx_model *o)
{
    onnx_free_model(o->proto);
    onnx_ids_release(&o->ids);
    free(o->name);
    *o = (struct onnx_model){0};
}
