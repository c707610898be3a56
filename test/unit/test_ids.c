/* Ids as the input of a model, through the command: a float encoder as exporters write it, with
 * ids, a mask and token types, is imported, and what is written runs with values. Files of other
 * quantisers: test_onnx_tokens. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx/file.h"
#include "test/cli_rig.h"
#include "test/dice.h"
#include "test/naive_onnx.h"
#include "test/onnx_make.h"
#include "test/tmpdir.h"
#include "traces/npy.h"
#include "traces/zip.h"

enum { ROWS = 23, TOKENS = 6, HIDDEN = 8, CLASSES = 3, SEQUENCES = 20, PLACES = 16 };

/* ---- the float model ---- */

struct file {
    Onnx__ModelProto *m;
    struct dice       dice;
    unsigned          n;
    char              at[16];
};

static void put(struct file *f, const char *op, const char *in)
{
    char inputs[128], out[16];

    snprintf(inputs, sizeof inputs, "%s", in);
    snprintf(out, sizeof out, "e%u", f->n++);
    make_node(f->m, op, out, inputs, out);
    snprintf(f->at, sizeof f->at, "%s", out);
}

static void join(struct file *f, const char *op, const char *other)
{
    char in[64];

    snprintf(in, sizeof in, "%s %s", f->at, other);
    put(f, op, in);
}

static const char *reals(struct file *f, char name[16], int64_t rows, int64_t columns)
{
    const int64_t dims[] = { rows ? rows : columns, rows ? columns : -1, -1 };
    const size_t n = (size_t)((rows ? rows : 1) * columns);
    float *v = malloc(n * sizeof *v);

    for (size_t i = 0; i < n; i++)
        v[i] = ((float)pick(&f->dice, 0, 2000) - 1000) / 1000;
    snprintf(name, 16, "c%u", f->n++);
    make_tensor(f->m, name, ONNX_TYPE(FLOAT), dims, v, n * sizeof *v);
    free(v);
    return name;
}

static const char *whole(struct file *f, char name[16], size_t n, const int64_t *v)
{
    const int64_t list[] = { (int64_t)n, -1 }, scalar[] = { -1 };

    snprintf(name, 16, "c%u", f->n++);
    make_tensor(f->m, name, ONNX_TYPE(INT64), n ? list : scalar, v, (n ? n : 1) * sizeof *v);
    return name;
}

static void norm(struct file *f)
{
    char gain[16], offset[16], in[64];

    reals(f, gain, 0, HIDDEN);
    reals(f, offset, 0, HIDDEN);
    snprintf(in, sizeof in, "%s %s %s", f->at, gain, offset);
    put(f, "LayerNormalization", in);
}

static void turn(struct file *f)
{
    put(f, "Transpose", f->at);
    make_ints(find_node(f->m, f->at), "perm", 3, (const int64_t[]){ 0, 2, 1 });
}

static void linear(struct file *f, int64_t outputs)
{
    char name[16];

    join(f, "MatMul", reals(f, name, HIDDEN, outputs));
    join(f, "Add", reals(f, name, 0, outputs));
}

/* Rows 0 .. of a table of places, as many as the ids' shape says. */
static void add_places(struct file *f)
{
    char x[16], a[16], b[16], c[16], in[64];

    snprintf(x, sizeof x, "%s", f->at);
    put(f, "Shape", "input_ids");
    join(f, "Gather", whole(f, a, 0, &(int64_t){ 1 }));
    join(f, "Unsqueeze", whole(f, a, 1, &(int64_t){ 0 }));
    reals(f, a, PLACES, HIDDEN);
    whole(f, b, 1, &(int64_t){ 0 });
    whole(f, c, 1, &(int64_t){ 0 });
    snprintf(in, sizeof in, "%s %s %s %s", a, b, f->at, c);
    put(f, "Slice", in);
    join(f, "Add", x);
}

static void make_input(Onnx__ModelProto *m, size_t i, const char *name)
{
    Onnx__GraphProto *g = m->graph;

    if (i > 0) {
        Onnx__ModelProto *other = make_model(1, 1, 1);
        g->input = realloc(g->input, (i + 1) * sizeof *g->input);
        g->input[i] = other->graph->input[0];
        g->n_input = i + 1;
        other->graph->n_input = 0;
        make_free(other);
    }
    Onnx__TypeProto__Tensor *t = g->input[i]->type->tensor_type;
    make_rename(&g->input[i]->name, name);
    t->elem_type = ONNX_TYPE(INT64);
    for (size_t k = 2; k < t->shape->n_dim; k++)
        free(t->shape->dim[k]);
    t->shape->n_dim = 2;
    t->shape->dim[1]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    t->shape->dim[1]->dim_param = strdup("tokens");
}

/* 1 head of attention behind an embedding, whose mask and token types are inputs. */
static void write_model(const char *dir)
{
    static const int64_t heads[] = { 1, 2 }, first = 0;
    struct file f = { .m = make_model(1, 1, 1), .dice = { 7 } };
    const float least = -1e4F, one = 1;
    char name[16], x[16], part[3][16], mask[16], in[64];
    size_t size;

    f.m->opset_import[0]->version = 17;
    make_input(f.m, 0, "input_ids");
    make_input(f.m, 1, "attention_mask");
    make_input(f.m, 2, "token_type_ids");
    reals(&f, name, ROWS, HIDDEN);
    make_int(make_node(f.m, "Cast", "short", "input_ids", "short"), "to", ONNX_TYPE(INT32));
    snprintf(in, sizeof in, "%s short", name);
    put(&f, "Gather", in);
    add_places(&f);
    snprintf(x, sizeof x, "%s", f.at);
    reals(&f, name, 2, HIDDEN);
    snprintf(in, sizeof in, "%s token_type_ids", name);
    put(&f, "Gather", in);
    join(&f, "Add", x);
    norm(&f);
    snprintf(x, sizeof x, "%s", f.at);
    make_float_list(f.m, "one", 1, &one);
    make_float_list(f.m, "least", 1, &least);
    make_int(make_node(f.m, "Cast", "cast", "attention_mask", "cast"), "to", ONNX_TYPE(FLOAT));
    make_node(f.m, "Sub", "hidden", "one cast", "hidden");
    snprintf(in, sizeof in, "hidden %s", whole(&f, name, 1, heads));
    put(&f, "Unsqueeze", in);
    join(&f, "Mul", "least");
    snprintf(mask, sizeof mask, "%s", f.at);
    for (int i = 0; i < 3; i++) {
        snprintf(f.at, sizeof f.at, "%s", x);
        linear(&f, HIDDEN);
        if (i == 1)
            turn(&f);
        snprintf(part[i], sizeof part[i], "%s", f.at);
    }
    snprintf(in, sizeof in, "%s %s", part[0], part[1]);
    put(&f, "MatMul", in);
    join(&f, "Add", mask);
    put(&f, "Softmax", f.at);
    join(&f, "MatMul", part[2]);
    linear(&f, HIDDEN);
    join(&f, "Add", x);
    norm(&f);
    snprintf(in, sizeof in, "%s %s", f.at, whole(&f, name, 0, &first));
    put(&f, "Gather", in);
    make_int(find_node(f.m, f.at), "axis", 1);
    linear(&f, CLASSES);
    make_node(f.m, "Identity", "end", f.at, "out");
    make_output(f.m, NULL, 2, (const int64_t[]){ 1, CLASSES });
    uint8_t *data = make_packed(f.m, &size);
    tmpdir_write(dir, "float.onnx", data, size);
    free(data);
    make_free(f.m);
}

/* ---- ids ---- */

static void write_ids(const char *dir, const char *name, const char *type, int rows, int columns,
                      const void *data, size_t bytes)
{
    uint8_t *file = calloc(1, 128 + bytes);
    memcpy(file, "\x93NUMPY\x01\x00\x76", 9);
    const int n = snprintf((char *)file + 10, 118,
                           "{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }", type,
                           rows, columns);

    memset(file + 10 + n, ' ', 118 - (size_t)n);
    memcpy(file + 128, data, bytes);
    tmpdir_write(dir, name, file, 128 + bytes);
    free(file);
}

static void draw_ids(const char *dir, int64_t *ids)
{
    struct dice d = { 11 };
    int32_t small[SEQUENCES * TOKENS];

    for (size_t i = 0; i < SEQUENCES * TOKENS; i++) {
        ids[i] = pick(&d, 0, ROWS - 1);
        small[i] = (int32_t)ids[i];
    }
    write_ids(dir, "ids.npy", "<i8", SEQUENCES, TOKENS, ids, sizeof small * 2);
    write_ids(dir, "small.npy", "<i4", SEQUENCES, TOKENS, small, sizeof small);
}

/* The model, its ids, and what import makes of them. */
static void prepare(const char *dir, int64_t *ids)
{
    write_model(dir);
    draw_ids(dir, ids);
    free(succeed(dir, "import @/float.onnx --axes tokens=6 --inputs @/ids.npy -o @/q.onnx"));
    tmpdir_write(dir, "q.yaml", "network: {onnx: q.onnx}\n", 24);
}

static double result(const char *dir, const char *name, size_t i)
{
    char path[TMPDIR_PATH_MAX];
    struct infile *f = NULL;
    struct err_msg m;
    struct npy a;
    struct zip z;
    float v[SEQUENCES * CLASSES];

    tmpdir_path(path, dir, name);
    if (zip_read(&z, path, &m) || infile_open_part(&f, path, &z.member[0].part, &m) ||
        npy_read_head(&a, f, &m))
        fail_msg("%s", m.text);
    assert_int_equal(a.n, SEQUENCES * CLASSES);
    assert_int_equal(a.type, NPY_FLOAT32);
    assert_int_equal(infile_read(f, v, sizeof v, "values", &m), ERR_NONE);
    infile_close(f);
    zip_release(&z);
    return (double)v[i];
}

/* The table's largest value is 127, whatever ids were there; all are rounded. */
static void check_table(const Onnx__ModelProto *model)
{
    const int8_t *code = NULL;
    int most = 0;

    for (size_t i = 0; i < model->graph->n_initializer; i++) {
        const Onnx__TensorProto *t = model->graph->initializer[i];
        if (t->n_dims == 2 && t->dims[0] == ROWS)
            code = (const int8_t *)t->raw_data.data;
    }
    assert_non_null(code);
    for (size_t i = 0; i < ROWS * HIDDEN; i++)
        most = abs(code[i]) > most ? abs(code[i]) : most;
    assert_int_equal(most, 127);
}

/* The imported file in doubles: its table, the row of each id, and all behind it. */
static void an_imported_model_of_ids_runs_to_what_its_file_means(void **state)
{
    int64_t ids[SEQUENCES * TOKENS];
    char path[TMPDIR_PATH_MAX];
    Onnx__ModelProto *model = NULL;
    uint8_t *data;
    struct err_msg m;
    size_t size, differ = 0;

    prepare(*state, ids);
    free(succeed(*state, "run @/q.yaml --inputs @/ids.npy --outputs @/out.npz"));
    if (onnx_read_file(tmpdir_path(path, *state, "q.onnx"), &data, &size, &m) ||
        onnx_decode(data, size, &model, &m))
        fail_msg("%s", m.text);
    assert_int_equal(model->graph->n_input, 1);
    assert_string_equal(model->graph->input[0]->name, "input_ids");
    assert_int_equal(model->graph->input[0]->type->tensor_type->elem_type, ONNX_TYPE(INT64));
    check_table(model);
    for (size_t s = 0; s < SEQUENCES; s++) {
        struct naive_onnx o;
        double in[TOKENS];
        for (size_t k = 0; k < TOKENS; k++)
            in[k] = (double)ids[s * TOKENS + k];
        naive_onnx_run(&o, model, in);
        const struct naive_tensor *want =
            naive_onnx_find(&o, model->graph->output[0]->name);
        for (size_t c = 0; c < CLASSES; c++)
            differ += fabs(result(*state, "out.npz", s * CLASSES + c) - want->v[c]) > 1e-3;
        naive_onnx_release(&o);
    }
    assert_int_equal(differ, 0);
    onnx_free_model(model);
    free(data);
}

static void ids_of_either_width_and_order_are_the_same(void **state)
{
    int64_t ids[SEQUENCES * TOKENS], turned[SEQUENCES * TOKENS];

    prepare(*state, ids);
    for (size_t s = 0; s < SEQUENCES; s++)
        memcpy(turned + s * TOKENS, ids + (SEQUENCES - 1 - s) * TOKENS, TOKENS * sizeof *ids);
    write_ids(*state, "turned.npy", "<i8", SEQUENCES, TOKENS, turned, sizeof turned);
    free(succeed(*state, "run @/q.yaml --inputs @/ids.npy --outputs @/a.npz"));
    free(succeed(*state, "run @/q.yaml --inputs @/small.npy --outputs @/b.npz --timing chip"));
    free(succeed(*state, "run @/q.yaml --inputs @/turned.npy --outputs @/c.npz --jobs 2"));
    for (size_t s = 0; s < SEQUENCES; s++)
        for (size_t c = 0; c < CLASSES; c++) {
            const double v = result(*state, "a.npz", s * CLASSES + c);
            assert_true(v == result(*state, "b.npz", s * CLASSES + c));
            assert_true(v == result(*state, "c.npz", (SEQUENCES - 1 - s) * CLASSES + c));
        }
}

/* A row is read from off the chip for each id, as any token of an image is. */
static void rows_of_tables_come_from_off_the_chip(void **state)
{
    int64_t ids[SEQUENCES * TOKENS];

    prepare(*state, ids);
    json_t *doc = json_of(*state, "map @/q.yaml --json -");
    assert_int_equal(integer_at(doc, "network.off_chip_bytes"), TOKENS * HIDDEN);
    json_decref(doc);
    doc = json_of(*state, "map @/q.yaml --set network.onnx=@/float.onnx "
                          "--set network.axes.tokens=6 --json -");
    assert_int_equal(integer_at(doc, "network.off_chip_bytes"), TOKENS * HIDDEN);
    json_decref(doc);
}

static void ids_beyond_the_table_are_refused_with_their_place(void **state)
{
    static const char *const commands[] = {
        "run @/q.yaml --inputs @/%s.npy",
        "import @/float.onnx --axes tokens=6 --inputs @/%s.npy -o @/r.onnx" };
    int64_t ids[SEQUENCES * TOKENS], wrong[] = { ROWS, -1 };
    double real[SEQUENCES * TOKENS];
    char command[128], want[128];

    prepare(*state, ids);
    for (size_t w = 0; w < 3; w++)
        for (size_t i = 0; i < 2; i++) {
            const size_t at = 3 * TOKENS + 4;
            const int64_t kept = ids[at];
            for (size_t k = 0; k < SEQUENCES * TOKENS; k++)
                real[k] = k == at ? 2.5 : (double)ids[k];
            ids[at] = wrong[w % 2];
            if (w < 2)
                write_ids(*state, "wrong.npy", "<i8", SEQUENCES, TOKENS, ids, sizeof ids);
            else
                write_ids(*state, "wrong.npy", "<f8", SEQUENCES, TOKENS, real, sizeof real);
            ids[at] = kept;
            snprintf(command, sizeof command, commands[i], "wrong");
            snprintf(want, sizeof want, "wrong.npy: sequence 3, token 4 is id %g: want whole "
                     "numbers from 0 to 22, rows of the table of input input_ids",
                     w < 2 ? (double)wrong[w] : 2.5);
            assert_fails(*state, command, 2, want);
        }
    write_ids(*state, "wrong.npy", "<i8", TOKENS, SEQUENCES, ids, sizeof ids);
    for (size_t i = 0; i < 2; i++) {
        snprintf(command, sizeof command, commands[i], "wrong");
        assert_fails(*state, command, 2, i ? "20 ids in a row: want rows of 6, the tokens of a"
                                           : "20 in a row: want rows of 6, the tokens of a");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, tmpdir_make, tmpdir_remove)
        ROW(an_imported_model_of_ids_runs_to_what_its_file_means),
        ROW(ids_of_either_width_and_order_are_the_same),
        ROW(rows_of_tables_come_from_off_the_chip),
        ROW(ids_beyond_the_table_are_refused_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
