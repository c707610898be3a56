/* test/unit/test_datadir.c -- files that come with imcsim, and files that a configuration names,
 * are found from any working directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/datadir.h"
#include "test/cli_rig.h"
#include "test/tmpdir.h"

/* `imcsim ARGUMENTS` in the directory; environment before it. Both streams, the caller's. */
static char *said(const char *dir, const char *environment, const char *arguments, int *status)
{
    char exe[1024], command[4096];
    size_t n = 0, size = 1 << 20;
    char *text = calloc(1, size);

    assert_non_null(text);
    find_imcsim(exe);
    snprintf(command, sizeof command, "cd '%s' && %s '%s' %s 2>&1", dir, environment, exe,
             arguments);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    n = fread(text, 1, size - 1, f);
    text[n] = '\0';
    *status = pclose(f) >> 8;
    return text;
}

static void says(const char *dir, const char *arguments, int want_status, const char *want)
{
    int status;
    char *text = said(dir, "", arguments, &status);

    if (status != want_status || !strstr(text, want))
        fail_msg("%s: status %d, want \"%s\" in: %.2000s", arguments, status, want, text);
    free(text);
}

static void commands_run_in_any_directory(void **state)
{
    says(*state, "run resnet32", 0, "43 of 64 cores");
    says(*state, "run resnet32.yaml", 0, "43 of 64 cores");
    says(*state, "run configs/resnet32.yaml", 0, "43 of 64 cores");
    says(*state, "breakdown dazzi2021_14nm", 0, "nJ");
    says(*state, "breakdown rram40_macro", 0, "macro");
    says(*state, "map resnet32_fmnist", 0, "Network  resnet32_fmnist");
    says(*state, "run resnet32 --set energy.chip=dazzi2021_14nm --set energy.technology=22nm_lp", 0,
         "scaled to 22nm_lp");
    says(*state, "circuit sub_array --set technology=22nm_lp", 0, "um2");
    says(*state, "circuit core --set chip=isaac_32nm", 0, "um2");
    says(*state, "run isaac_32nm", 0, "128 x 128");
    says(*state, "run configs/isaac_32nm.yaml --set energy.technology=22nm_lp", 0, "isaac");
    says(*state, "run isaac_32nm.yaml", 0, "128 x 128");
    says(*state, "run isaac_32nmx", 2, "isaac_32nmx: cannot open");
    says(*state, "run resnet33", 2, "resnet33: cannot open");
}

/* Words that are no names are listed. */
static void names_that_do_not_exist_are_answered_by_those_that_do(void **state)
{
    says(*state, "run resnet32 --set energy.chip=dazzi", 2,
         "composed, dazzi2021_14nm, isaac_32nm");
    says(*state, "run resnet32 --set energy.chip=dazzi2021_14nm --set energy.device=pc", 2,
         "energy.device: pc: want one of fefet_4bit, levels, pcm");
}

static void copy(const char *from, const char *dir, const char *name)
{
    char command[2048];

    snprintf(command, sizeof command, "mkdir -p '%s/there' && cp '%s' '%s/%s'", dir, from, dir,
             name);
    assert_int_equal(system(command), 0);
}

/* Files of one's own, beside the configuration that names them, which is in another directory. */
static void files_are_beside_the_file_that_names_them(void **state)
{
    static const char text[] = "network: {onnx: model.onnx}\n"
                               "energy: {chip: mychip.yaml, device: ../pcm.yaml,\n"
                               "         technology: nodes/14nm_lp}\n";

    copy("models/resnet32_fmnist.onnx", *state, "there/model.onnx");
    copy("configs/chips/dazzi2021_14nm.yaml", *state, "there/mychip.yaml");
    copy("configs/devices/pcm.yaml", *state, "pcm.yaml");
    tmpdir_write(*state, "there/own.yaml", text, strlen(text));
    says(*state, "run there/own.yaml", 2, "there/nodes");
    copy("configs/tech/14nm.yaml", *state, "there/14nm.yaml");
    char command[1024];
    snprintf(command, sizeof command, "mkdir '%s/there/nodes' && mv '%s/there/14nm.yaml' "
             "'%s/there/nodes'", (char *)*state, (char *)*state, (char *)*state);
    assert_int_equal(system(command), 0);
    says(*state, "run there/own.yaml", 0, "43 of 64 cores");
    says(*state, "run own.yaml", 2, "own.yaml: cannot open");
    says(*state, "run there/own.yaml --json - | grep onnx", 0, "\"onnx\": \"there/model.onnx\"");
    snprintf(command, sizeof command, "%s/there", (char *)*state);
    says(command, "run own.yaml", 0, "43 of 64 cores");
}

static void set_names_files_as_seen_from_here(void **state)
{
    static const char text[] = "network: {depth: 8}\n";

    copy("models/resnet32_fmnist.onnx", *state, "here.onnx");
    tmpdir_write(*state, "there/set.yaml", text, strlen(text));
    says(*state, "run there/set.yaml --set network.onnx=here.onnx", 0, "43 of 64 cores");
    says(*state, "run there/set.yaml --set network.onnx=model.onnx", 2, "model.onnx: cannot open");
}

/* As it was before files were relative to the one that names them. */
static void a_file_of_the_current_directory_is_read_with_a_note(void **state)
{
    static const char text[] = "network: {onnx: here.onnx}\n";

    copy("models/resnet32_fmnist.onnx", *state, "here.onnx");
    tmpdir_write(*state, "there/old.yaml", text, strlen(text));
    says(*state, "run there/old.yaml", 0,
         "imcsim: note: there/old.yaml:1: network.onnx = here.onnx: is not beside this file");
}

static void the_environment_says_where_the_files_are(void **state)
{
    int status;
    char *text = said(*state, "IMCSIM_DATA=/nowhere", "run resnet32", &status);

    assert_int_equal(status, 2);
    free(text);
    text = said(*state, "IMCSIM_DATA=/nowhere", "circuit core", &status);
    assert_int_equal(status, 2);
    assert_non_null(strstr(text, "IMCSIM_DATA = /nowhere: want a directory with the configs/"));
    free(text);

    copy("configs/resnet32_speedup.yaml", *state, "there/a.yaml");
    char command[1024], where[1024];
    snprintf(command, sizeof command, "mkdir -p '%s/data/configs' && cp '%s/there/a.yaml' "
             "'%s/data/configs/mine.yaml'", (char *)*state, (char *)*state, (char *)*state);
    assert_int_equal(system(command), 0);
    snprintf(where, sizeof where, "IMCSIM_DATA='%s/data'", (char *)*state);
    text = said(*state, where, "map mine", &status);
    assert_int_equal(status, 0);
    free(text);
}

static void paths_are_joined_and_made_plain_where_that_is_the_same_file(void **state)
{
    char path[DATADIR_BYTE], long_name[DATADIR_BYTE + 8];
    (void)state;

    assert_true(datadir_join(path, "configs", "../models/resnet32_fmnist.onnx"));
    assert_string_equal(path, "models/resnet32_fmnist.onnx");
    assert_true(datadir_join(path, ".", "a.onnx"));
    assert_string_equal(path, "a.onnx");
    assert_true(datadir_join(path, "configs", "/a/../b.onnx"));
    assert_string_equal(path, "/a/../b.onnx"); // neither is there
    assert_true(datadir_join(path, "no/such", "../b.onnx"));
    assert_string_equal(path, "no/such/../b.onnx");
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_false(datadir_join(path, "configs", long_name));
    datadir_of(path, "configs/tech/14nm.yaml");
    assert_string_equal(path, "configs/tech");
    datadir_of(path, "a.yaml");
    assert_string_equal(path, ".");
    datadir_of(path, "/a.yaml");
    assert_string_equal(path, "/");
}

static int remove_all(void **state)
{
    char command[1024];

    snprintf(command, sizeof command, "rm -rf '%s'/*", (char *)*state);
    return system(command) || tmpdir_remove(state);
}

int main(void)
{
#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, remove_all)
    const struct CMUnitTest tests[] = {
        IN_TMPDIR(commands_run_in_any_directory),
        IN_TMPDIR(names_that_do_not_exist_are_answered_by_those_that_do),
        IN_TMPDIR(files_are_beside_the_file_that_names_them),
        IN_TMPDIR(set_names_files_as_seen_from_here),
        IN_TMPDIR(a_file_of_the_current_directory_is_read_with_a_note),
        IN_TMPDIR(the_environment_says_where_the_files_are),
        cmocka_unit_test(paths_are_joined_and_made_plain_where_that_is_the_same_file),
    };
    return cmocka_run_group_tests_name("datadir", tests, NULL, NULL);
}
