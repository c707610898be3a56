/* Outputs of a model's file: what leaves the network from sixteen images abreast, and the files
 * that hold it. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "core/infile.h"
#include "core/simd.h"
#include "network/precision.h"
#include "network/values/plain.h"
#include "onnx/read/read.h"
#include "study/outputs_file.h"
#include "test/dice.h"
#include "test/onnx_make.h"
#include "test/random_graph.h"
#include "test/random_transformer.h"
#include "test/tmpdir.h"
#include "traces/zip.h"

enum { N_IMAGE = 35, N_SEED = 300 };

static Onnx__ModelProto *random_model(uint64_t seed)
{
    struct random_graph g;

    if (seed % 2) {
        random_graph_make(&g, seed);
        return g.model; // all that it owns
    }
    struct random r = { seed * UINT64_C(0x9e3779b97f4a7c15) };
    struct style s = random_style(&r);
    return make_transformer(&r, &s);
}

static struct network network_of(const Onnx__ModelProto *m)
{
    struct network n;
    struct err_msg msg;
    size_t size;
    uint8_t *data = make_packed(m, &size);

    if (network_decode_onnx(&n, "drawn", data, size, &msg))
        fail_msg("%s", msg.text);
    free(data);
    return n;
}

/* Of ids rows of their table would do as well: bytes are bytes. */
static uint8_t *draw_images(const struct network *n, uint64_t seed)
{
    const size_t size = N_IMAGE * network_image_bytes(n);
    struct dice d = { seed };
    uint8_t *image = malloc(size);

    assert_non_null(image);
    for (size_t i = 0; i < size; i++)
        image[i] = (uint8_t)pick(&d, 0, n->layer[0].value_bits == 1 ? 1 : 255);
    return image;
}

/* Every end of the images [first, first + n), which the lanes have just run. */
static void compare_ends(const struct network *n, struct plain *p, const struct value_lanes *l,
                         const uint8_t *image, uint32_t n_lane, uint64_t seed)
{
    for (uint32_t lane = 0; lane < n_lane; lane++) {
        plain_run(p, image + lane * network_image_bytes(n), NULL);
        for (uint32_t i = 0; i < n->n_end; i++) {
            const struct shape s = layer_delivers(&n->layer[n->end[i].layer]);
            for (size_t k = 0; k < (size_t)s.height * s.width * s.channels; k++)
                if (value_lanes_delivered(l, n->end[i].layer, k, lane) !=
                    plain_delivered(p, n->end[i].layer, k))
                    fail_msg("seed %" PRIu64 ", lane %u, value %zu of %s", seed, lane, k,
                             n->end[i].value);
        }
    }
}

static bool is_map_of_sums(const struct network *n)
{
    const struct layer *l = network_result(n);

    return l->raw_output && l->out.height * l->out.width > 1;
}

static void what_leaves_a_network_abreast_is_what_plain_loops_deliver(void **state)
{
    uint32_t n_maps_of_sums = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= N_SEED; seed++) {
        Onnx__ModelProto *m = random_model(seed);
        struct network n = network_of(m);
        uint8_t *image = draw_images(&n, seed);
        struct plain *p = plain_new(&n);
        n_maps_of_sums += is_map_of_sums(&n);
        for (const char *const *name = simd_names(); *name; name++) {
            struct values *v = values_new_ends(&n, *name);
            struct value_lanes *l = value_lanes_new(v);
            const uint32_t together = values_together(v);
            int64_t *result = calloc(VALUE_LANES * network_result(&n)->out.channels,
                                     sizeof *result);
            for (uint32_t i = 0; i < N_IMAGE; i += together) {
                const uint32_t lanes = N_IMAGE - i < together ? N_IMAGE - i : together;
                value_lanes_run(l, image + i * network_image_bytes(&n), lanes, result, NULL);
                compare_ends(&n, p, l, image + i * network_image_bytes(&n), lanes, seed);
            }
            free(result);
            value_lanes_free(l);
            values_free(v);
        }
        plain_free(p);
        free(image);
        network_release(&n);
        make_free(m);
    }
    assert_in_range(n_maps_of_sums, 20, N_SEED);
}

/* ---- files ---- */

struct opened { // a model of a file, and its images
    struct network  network;
    struct outputs *outputs;
    uint8_t        *image; // owned
};

/* A transformer that delivers a map of tokens, and maybe a second one. */
static void open_model(struct opened *o, const char *dir, bool second)
{
    struct random r = { 11 };
    struct style s = { .tokens = 5, .windows = 1, .heads = 2, .kv = 2, .head = 3, .ffn = 5,
                       .classes = 3, .delivered = TOKEN_SUMS, .second = second };
    struct network_cfg cfg = { 0 };
    char path[TMPDIR_PATH_MAX];
    struct err_msg m;
    size_t size;
    Onnx__ModelProto *model = make_transformer(&r, &s);
    uint8_t *data = make_packed(model, &size);

    tmpdir_write(dir, "m.onnx", data, size);
    snprintf(cfg.onnx, sizeof cfg.onnx, "%s", tmpdir_path(path, dir, "m.onnx"));
    if (network_load_onnx(&o->network, cfg.onnx, &m) ||
        outputs_new(&o->outputs, &cfg, &o->network, &m))
        fail_msg("%s", m.text);
    o->image = draw_images(&o->network, 3);
    make_free(model);
    free(data);
}

static void close_model(struct opened *o)
{
    outputs_free(o->outputs);
    network_release(&o->network);
    free(o->image);
}

/* Runs all images, `step` at a time. */
static void write_file(struct opened *o, const char *path, uint32_t step)
{
    const size_t bytes = network_image_bytes(&o->network);
    struct outputs_file *f;
    struct err_msg m;

    if (outputs_file_open(&f, o->outputs, path, &m))
        fail_msg("%s", m.text);
    for (uint32_t i = 0; i < N_IMAGE; i += step)
        if (outputs_run(o->outputs, o->image + i * bytes, N_IMAGE - i < step ? N_IMAGE - i : step,
                        &m) ||
            outputs_file_add(f, N_IMAGE, &m))
            fail_msg("%s", m.text);
    if (outputs_file_commit(f, &m))
        fail_msg("%s", m.text);
}

/* The array behind what `f` has read: output i of all images, one behind the other. */
static void check_array(struct infile *f, const struct outputs *o, uint32_t i)
{
    size_t n;
    const double *want = outputs_values(o, i, &n);
    struct npy a, one;
    struct err_msg m;
    float v;

    outputs_shape(o, i, &one);
    if (npy_read_head(&a, f, &m))
        fail_msg("%s", m.text);
    assert_int_equal(a.type, NPY_FLOAT32);
    assert_int_equal(a.n_dim, one.n_dim);
    assert_int_equal(a.dim[0], N_IMAGE * one.dim[0]);
    assert_memory_equal(a.dim + 1, one.dim + 1, 2 * sizeof *a.dim);
    assert_int_equal(a.n, n);
    for (size_t k = 0; k < n; k++) {
        assert_int_equal(infile_read(f, &v, sizeof v, "a value", &m), ERR_NONE);
        assert_true((double)v == want[k]);
    }
    assert_int_equal(infile_read(f, &v, 1, "more", &m), ERR_INPUT);
}

static void a_file_holds_all_images_however_many_come_at_once(void **state)
{
    static const uint32_t steps[] = { 1, 3, 16, N_IMAGE };
    char path[TMPDIR_PATH_MAX];
    struct opened o;
    struct infile *f;
    struct err_msg m;

    for (int second = 0; second < 2; second++) {
        open_model(&o, *state, second);
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            struct zip z = { 0 };
            write_file(&o, tmpdir_path(path, *state, second ? "y.npz" : "y.npy"), steps[i]);
            assert_int_equal(outputs_run(o.outputs, o.image, N_IMAGE, &m), ERR_NONE);
            if (second)
                assert_int_equal(zip_read(&z, path, &m), ERR_NONE);
            for (uint32_t k = 0; k < (second ? 2 : 1); k++) {
                assert_int_equal(second ? infile_open_part(&f, path, &z.member[k].part, &m)
                                        : infile_open(&f, path, &m), ERR_NONE);
                if (second)
                    assert_string_equal(z.member[k].name, k == 0 ? "out.npy" : "first.npy");
                check_array(f, o.outputs, k);
                infile_close(f);
            }
            zip_release(&z);
        }
        close_model(&o);
    }
}

static void an_npy_file_holds_one_output(void **state)
{
    char path[TMPDIR_PATH_MAX];
    struct outputs_file *f;
    struct opened o;
    struct err_msg m;
    struct stat st;

    open_model(&o, *state, true);
    assert_int_equal(outputs_file_open(&f, o.outputs, tmpdir_path(path, *state, "y.npy"), &m),
                     ERR_INPUT);
    assert_non_null(strstr(m.text, "y.npy: the model has 2 outputs, and .npy holds one array: want "
                                   "a name that ends in .npz"));
    assert_int_not_equal(stat(path, &st), 0);
    close_model(&o);
}

/* What was there stays. */
static void a_file_that_is_given_up_was_never_there(void **state)
{
    static const char *const names[] = { "y.npy", "y.npz" };
    char path[TMPDIR_PATH_MAX], kept[4] = "";
    struct outputs_file *f;
    struct opened o;
    struct err_msg m;

    open_model(&o, *state, false);
    for (size_t i = 0; i < 2; i++) {
        tmpdir_write(*state, names[i], "old", 3);
        assert_int_equal(outputs_file_open(&f, o.outputs, tmpdir_path(path, *state, names[i]), &m),
                         ERR_NONE);
        assert_int_equal(outputs_run(o.outputs, o.image, 2, &m), ERR_NONE);
        assert_int_equal(outputs_file_add(f, 2, &m), ERR_NONE);
        outputs_file_discard(f);
        FILE *old = fopen(path, "rb");
        assert_non_null(old);
        assert_int_equal(fread(kept, 1, sizeof kept, old), 3);
        fclose(old);
        assert_string_equal(kept, "old");
    }
    close_model(&o);
}

/* Told before anything is written. */
static void an_archive_of_more_than_4_gib_is_refused(void **state)
{
    char path[TMPDIR_PATH_MAX];
    struct outputs_file *f;
    struct opened o;
    struct err_msg m;

    open_model(&o, *state, false);
    assert_int_equal(outputs_file_open(&f, o.outputs, tmpdir_path(path, *state, "y.npz"), &m),
                     ERR_NONE);
    assert_int_equal(outputs_run(o.outputs, o.image, 1, &m), ERR_NONE);
    assert_int_equal(outputs_file_add(f, (UINT64_C(1) << 32) / (5 * 3 * sizeof(float)), &m),
                     ERR_INPUT);
    assert_non_null(strstr(m.text, "outputs of more than 4 GiB: want fewer images, or one output "
                                   "and a name that ends in .npy"));
    outputs_file_discard(f);
    close_model(&o);
}

int main(void)
{
#define IN_A_FOLDER(f) cmocka_unit_test_setup_teardown(f, tmpdir_make, tmpdir_remove)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_leaves_a_network_abreast_is_what_plain_loops_deliver),
        IN_A_FOLDER(a_file_holds_all_images_however_many_come_at_once),
        IN_A_FOLDER(an_npy_file_holds_one_output),
        IN_A_FOLDER(a_file_that_is_given_up_was_never_there),
        IN_A_FOLDER(an_archive_of_more_than_4_gib_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
