/* The command as a user meets it: build/imcsim as a child process, its streams and exit status. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "test/cli_rig.h"
#include "test/shared.h"
#include "test/tmpdir.h"
#include "traces/npy.h"

#define PLAIN   "configs/resnet32.yaml"
#define FMNIST  "configs/resnet32_fmnist.yaml"
#define SPEEDUP "configs/resnet32_speedup.yaml"
#define MANY " --set core.crossbar.columns=8 --set chip.cores=1000" // outputs of fc on two cores
#define FOUR_TWO_ONE " --set 'mapping.replicas={32: 4, 16: 2}' --set fabric.link_gbps=5.12"

/* ---- usage and input ---- */

static void wrong_usage_is_one_line_and_status_2(void **state)
{
    static const struct {
        const char *arguments, *want;
    } cases[] = {
        { "", "no subcommand" },
        { "rnu", "did you mean run?" },
        { "frobnicate", "unknown subcommand frobnicate" },
        { "--frobnicate", "unknown subcommand --frobnicate" },
        { "help config core.crossbar.row", "did you mean core.crossbar.rows?" },
        { "help circuit sub_aray", "did you mean sub_array" },
        { "list cores", "want configs, devices, chips, studies or networks" },
        { "circuit gate --set kind=xor", "want inverter, nand or nor" },
        { "run models/resnet32_fmnist.onnx",
          "use imcsim run imagenet --set network.onnx=models/resnet32_fmnist.onnx" },
        { "map configs/devices/pcm.yaml", "use imcsim breakdown resnet32 --set energy.device=" },
        { "run configs/rram40_macro.yaml", "use imcsim breakdown configs/rram40_macro.yaml" },
        { "help frobnicate", "help frobnicate: no such page" },
        { "help config batch more", "help: one word too many: more" },
        { "list configs more", "list: one word too many: more" },
        { "version more", "version: one word too many: more" },
        { "run ''", "run: an empty word: want CONFIG" },
        { "compare " PLAIN " ''", "compare: an empty word: want CONFIG" },
        { "run", "run: no CONFIG" },
        { "run a b", "run: two operands" },
        { "run " PLAIN " --cuont 3", "did you mean --count?" },
        { "run " PLAIN " --count", "--count: no value" },
        { "run " PLAIN " --count 0", "want a whole number" },
        { "run " PLAIN " --jobs 0", "want a whole number from 1 to" },
        { "run " PLAIN " --kernel verilog", "want native | systemc" },
        { "run " PLAIN " --kernel systemc --jobs 2", "systemc" },
        { "run " PLAIN " --json - --csv -", "two results to one place" },
        { "run " PLAIN " --json @/x --stats @/x", "two results to one place" },
        { "map " PLAIN " --count 1",
          "--count is an option of run, compare, breakdown, import, report, not of map" },
        { "map " PLAIN " --pareto --dot", "want --json, --csv or --svg" },
        { "article now", "want options only" },
        { "compare", "compare: no CONFIG...: want imcsim compare CONFIG... [option]..." },
        { "compare " PLAIN " " SPEEDUP " --json - --markdown -", "two results to one place" },
        { "run " PLAIN " --trace -", "want a file" },
        { "run " PLAIN " --trace @/t --jobs 2", "want --jobs 1" },
        { "run " PLAIN " --trace @/t --json @/t", "two results to one place" },
        { "run " PLAIN " --timeline -", "want a file" },
        { "run " PLAIN " --timeline @/t --jobs 2", "want --jobs 1" },
        { "run " PLAIN " --timeline @/t --trace @/t", "two results to one place" },
        { "run " PLAIN " --trace @/t.json --trace-scope L1", "want --trace FILE.vcd" },
        { "run " PLAIN " --trace-scope L1", "--trace-scope: of waveforms only" },
        { "run " PLAIN " --trace-window 0:1", "--trace-window: of waveforms only" },
        { "run " PLAIN " --trace @/t --trace-window 2:1", "FROM not after TO" },
        { "run " PLAIN " --trace @/t --trace-window 2", "want FROM:TO" },
        { "run " PLAIN " --trace @/t --trace-window 2:3x", "want FROM:TO" },
        { "run " PLAIN " --trace @/t --trace-window -1:3", "want FROM:TO" },
        { "run " PLAIN " --trace @/t --trace-scope conv1,L1", "trace scope L1: no such signal" },
        { "run " PLAIN " --trace @/t --trace-scope fc:fired,fc", "trace scope fc:fired: no such" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(*state, cases[i].arguments, 2, cases[i].want);
}

static void what_is_named_but_not_there_yet_is_refused_by_name(void **state)
{
    assert_fails(*state, "run " PLAIN " --seed 7", 2,
                 "--seed 7: nothing is random where devices are ideal");
    assert_fails(*state, "run " PLAIN " --set fabric.kind=mesh", 2, "mesh");
}

static void wrong_input_is_one_line_that_names_place_and_cure_and_status_2(void **state)
{
    static const struct {
        const char *arguments, *want;
    } cases[] = {
        { "run @/none.yaml", "/none.yaml: cannot open" },
        { "run @", "directory" },
        { "run @/twice.yaml", "/twice.yaml:2" },
        { "run @/type.yaml", "/type.yaml:1: batch" },
        { "run @/range.yaml", "/range.yaml:2: core.crossbar.rows = 0: want a whole number" },
        { "run @/unknown.yaml", "/unknown.yaml:1: btach: unknown key; did you mean batch?" },
        { "run @/depth.yaml", "/depth.yaml:2: network.depth = 33: want" },
        { "run @/family.yaml", "/family.yaml:2: network.family = vgg: want resnet-cifar" },
        { "map " PLAIN " --set batch=0", "--set batch: batch = 0: want a whole number" },
        { "map " PLAIN " --set core.crosbar.rows=2", "did you mean core.crossbar?" },
        { "map " PLAIN " --set batch", "--set batch" },
        { "map " PLAIN " --set chip.cores=42", "chip.cores = 43" },
        { "map " PLAIN " --set core.input_memory.words=64", "want 96" },
        { "map " PLAIN " --set fabric.link_gbps=4.4", "fabric.link_gbps = 4.48" },
        { "map " PLAIN " --set core.crossbar.mvm_ns=130", "core.crossbar.mvm_ns = 100" },
        { "map " PLAIN " --set core.crossbar.rows=8", "chip.cores" },
        { "map " PLAIN " --set mapping.replicas.32=300",
          "--set mapping.replicas.32: mapping.replicas of conv1 = 300: they need 906 rows" },
        { "map @/dw.yaml", "/dw.yaml:3: mapping.block_width of conv3 = 33: its output is 32" },
        { "map @/copies.yaml", "/copies.yaml:1: mapping.copies of conv31 = 2" },
        { "map " PLAIN " --set mapping.replicas.conv99=2", "mapping.replicas.conv99" },
        { "map " PLAIN " --set fabric.kind=torus", "point_to_point" },
        { "run " PLAIN " --images x", "has no weights: want --set network.onnx=" },
        { "run " PLAIN " --set network.onnx=@/none.onnx", "/none.onnx" },
    };
    static const struct {
        const char *name, *text;
    } files[] = {
        { "twice.yaml", "batch: 1\nbatch: 2\n" },
        { "type.yaml", "batch: many\n" },
        { "range.yaml", "core:\n  crossbar: {rows: 0}\n" },
        { "unknown.yaml", "btach: 1\n" },
        { "depth.yaml", "network:\n  depth: 33\n" },
        { "dw.yaml", "mapping:\n  replicas: {32: 4}\n  block_width: {conv3: 33}\n" },
        { "copies.yaml", "mapping: {copies: {conv31: 2}}\n" },
        { "family.yaml", "network:\n  family: vgg\n" },
    };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        tmpdir_write(*state, files[i].name, files[i].text, strlen(files[i].text));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(*state, cases[i].arguments, 2, cases[i].want);
}

/* ---- help ---- */

static void help_is_on_standard_output_with_status_0(void **state)
{
    static const struct {
        const char *arguments, *want[4];
    } cases[] = {
        { "--help", { "run", "map", "article", "Exit status" } },
        { "-h", { "usage: imcsim" } },
        { "help", { "usage: imcsim" } },
        { "run --help", { "usage: imcsim run CONFIG", "--images SET", "--kernel",
                          "`imcsim help config` lists the keys" } },
        { "help run", { "usage: imcsim run CONFIG", "--json FILE" } },
        { "map --help", { "usage: imcsim map CONFIG", "--dot [FILE]" } },
        { "compare --help", { "usage: imcsim compare CONFIG...", "--markdown FILE",
                              "--label TEXT" } },
        { "help config core.crossbar.rows", { "takes    1 to 8192", "default  256",
                                              "--set 'core.crossbar.rows=256'" } },
        { "help config fabric", { "fabric.kind", "fabric.hop_timesteps" } },
        { "help device", { "r_on_ohm", "level_step", "imcsim list devices" } },
        { "help chip", { "energy.chip", "imcsim list chips" } },
        { "help circuit sub_array", { "csa, vsa, sar, cco or tree", "rows", "technology" } },
        { "list configs", { "resnet32_speedup ", "imagenet " } },
        { "list devices", { "pcm_4bit ", "sram " } },
        { "list chips", { "dazzi2021_14nm ", "isaac_32nm " } },
        { "list studies", { "arrays  ", "How large arrays should be" } },
        { "help docs", { "# Documentation", "(first_steps.md)" } },
        { "help energy", { "# Energy and area of a machine" } },
        { "help models/wire", { "# Wires" } },
        { "list networks", { "resnet-cifar", "models/resnet32_fmnist.onnx",
                             "models/lif_fmnist.nir" } },
        { "list --help", { "usage: imcsim list WHAT", "configs", "studies" } },
        { "list -h", { "usage: imcsim list WHAT" } },
        { "help list", { "usage: imcsim list WHAT" } },
        { "version --help", { "usage: imcsim" } },
        { "help --help", { "usage: imcsim" } },
        { "version", { "imcsim 0." } },
        { "article --help", { "usage: imcsim article", "--out DIR" } },
        { "help config", { "core.input_memory.placing", "fabric.link_gbps",
                           "0.001 to 10000 Gb/s" } },
        { "--version", { "imcsim 0." } },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *out = succeed(*state, cases[i].arguments);
        for (size_t j = 0; j < 4 && cases[i].want[j]; j++)
            if (!strstr(out, cases[i].want[j]))
                fail_msg("imcsim %s: no \"%s\"", cases[i].arguments, cases[i].want[j]);
        free(out);
    }
}

static void every_page_of_help_is_in_lines_of_100_columns(void **state)
{
    static const char *const pages[] = {
        "help", "help run", "help map", "help article", "help compare", "help breakdown",
        "help circuit", "help import", "help sweep", "help config", "help device", "help chip",
        "help circuit sub_array", "help config network", "help config core.readout.range",
        "help config energy", "list configs", "list devices", "list chips", "list networks",
        "circuit list", "help report", "help fabric", "list --help", "list studies",
    };

    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        char *out = succeed(*state, pages[i]);
        if (lines_beyond(out, 100) > 0)
            fail_msg("imcsim %s: lines beyond 100 columns", pages[i]);
        free(out);
    }
}

/* "Khaddam-Aljameh et al. 2022", "K. Lee" and "(J. Kim" end none. */
static void a_list_says_of_each_file_the_first_sentence_of_its_head(void **state)
{
    char *configs = succeed(*state, "list configs"), *devices = succeed(*state, "list devices");

    assert_non_null(strstr(configs, "largest needs\n"));
    assert_non_null(strstr(configs, "K. Lee's machine for binary networks"));
    assert_non_null(strstr(configs, "by weighted spikes (J. Kim, thesis, Seoul"));
    assert_non_null(strstr(devices, "(Joshi et al. 2020; Dazzi et al.\n            2021)\n"));
    assert_non_null(strstr(configs, "muBrain (J. Stuijt et al., Front. Neurosci. 15, 2021): no"));
    int depth = 0;
    for (const char *p = configs; *p; p++)
        depth += (*p == '(') - (*p == ')');
    assert_int_equal(depth, 0);
    free(configs);
    free(devices);
}

static void assert_indexed(const char *index, const char *folder, const char *below)
{
    char path[TMPDIR_PATH_MAX], want[300];
    size_t n = 0;

    snprintf(path, sizeof path, "docs/%s", folder);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        const char *end = strrchr(e->d_name, '.');
        if (!end || strcmp(end, ".md") != 0 || strcmp(e->d_name, "README.md") == 0)
            continue;
        snprintf(want, sizeof want, "(%s%s)", below, e->d_name);
        if (!strstr(index, want))
            fail_msg("docs/README.md does not list %s", want);
        n++;
    }
    closedir(d);
    assert_true(n > 10);
}

static void the_index_lists_every_page_and_a_page_is_printed_whole(void **state)
{
    char *index = read_file("docs", "README.md"), *printed = succeed(*state, "help docs"),
         *page = read_file("docs", "studies.md"), *studies = succeed(*state, "help studies");

    assert_indexed(index, "", "");
    assert_indexed(index, "models", "models/");
    assert_string_equal(printed, index);
    assert_string_equal(studies, page);
    free(index);
    free(printed);
    free(page);
    free(studies);
    assert_fails(*state, "help ../README", 2, "help ../README: no such page: imcsim help lists");
    assert_fails(*state, "help enegry", 2, "help enegry: no such page: imcsim help lists");
}

static void a_subcommand_s_help_lists_only_its_own_options(void **state)
{
    char *map = succeed(*state, "map --help"), *article = succeed(*state, "article --help");

    assert_null(strstr(map, "--images"));
    assert_null(strstr(map, "--trace"));
    assert_null(strstr(article, "--set"));
    char *sweep = succeed(*state, "sweep --help"), *report = succeed(*state, "report --help");
    assert_non_null(strstr(sweep, "processes that run points")); // not threads that share images
    assert_non_null(strstr(report, "shows N points"));
    assert_null(strstr(map, "breakdown"));
    free(sweep);
    free(report);
    free(map);
    free(article);
}

/* ---- where results go ---- */

static void json_on_standard_output_is_json_and_nothing_else(void **state)
{
    json_t *doc = json_of(*state, "run " PLAIN " --json -");

    assert_string_equal(text_at(doc, "format"), "imcsim-run/1");
    json_decref(doc);
}

static void a_result_file_leaves_the_report_on_standard_output(void **state)
{
    char *out = succeed(*state, "run " PLAIN " --json @/r.json"), *file;
    json_t *doc;

    assert_non_null(strstr(out, "1,628 timesteps"));
    free(out);
    file = read_file(*state, "r.json");
    doc = json_loads(file, 0, NULL);
    assert_non_null(doc);
    assert_int_equal(integer_at(doc, "timing.first_result_timesteps"), 1628);
    json_decref(doc);
    free(file);
}

static size_t n_files(const char *dir)
{
    DIR *d = opendir(dir);
    size_t n = 0;

    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

/* What the command line names and what its configuration does, by another name of the file too. */
static void a_result_does_not_take_the_place_of_what_is_read(void **state)
{
    static const char *const cases[] = {
        "import @/m.onnx --images random -o @/m.onnx",
        "import @/m.onnx --images random -o @/link.onnx",
        "run imagenet --set network.onnx=@/m.onnx --json @/m.onnx",
        "map @/own.yaml --svg @/m.onnx",
        "map @/own.yaml --pareto --svg @/m.onnx",
        "run @/own.yaml --trace @/m.onnx",
        "run @/own.yaml --set clocking.kind=elastic --timeline @/m.onnx",
        "run @/own.yaml --images random --count 1 --outputs @/m.onnx",
        "run " FMNIST " --images @/m.onnx --csv @/m.onnx",
        "run " FMNIST " --inputs @/m.onnx --stats @/m.onnx",
        "map @/own.yaml --json @/own.yaml",
        "compare " PLAIN " @/own.yaml --markdown @/own.yaml",
        "fabric " PLAIN " --set fabric.kind=mesh --traffic @/m.onnx --csv @/m.onnx",
        "map @/own.yaml --dot=@/m.onnx",
        "map @/own.yaml --write-config @/m.onnx",
        "breakdown @/own.yaml --markdown @/m.onnx",
    };
    char path[TMPDIR_PATH_MAX], link_path[TMPDIR_PATH_MAX];
    static const char own[] = "network: {onnx: m.onnx}\n";
    struct stat before, after;

    assert_int_equal(stat("models/resnet32_fmnist.onnx", &before), 0);
    FILE *from = fopen("models/resnet32_fmnist.onnx", "rb");
    char *model = malloc((size_t)before.st_size);
    assert_non_null(from);
    assert_non_null(model);
    assert_int_equal(fread(model, 1, (size_t)before.st_size, from), before.st_size);
    fclose(from);
    tmpdir_write(*state, "m.onnx", model, (size_t)before.st_size);
    tmpdir_write(*state, "own.yaml", own, strlen(own));
    free(model);
    assert_int_equal(symlink(tmpdir_path(path, *state, "m.onnx"),
                             tmpdir_path(link_path, *state, "link.onnx")), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(*state, cases[i], 2, ": that file is read, and would be lost: want another");
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    free(succeed(*state, "map @/own.yaml --write-config @/own.yaml --json @/new.json"));
}

static void a_failed_run_leaves_no_file_and_an_old_one_as_it_was(void **state)
{
    char *kept;

    tmpdir_write(*state, "old.json", "old", 3);
    assert_fails(*state, "run " PLAIN " --set chip.cores=1 --json @/old.json --csv @/new.csv", 2,
                 "chip.cores");
    kept = read_file(*state, "old.json");
    assert_string_equal(kept, "old");
    free(kept);
    assert_int_equal(n_files(*state), 3); // old.json, and the streams' out and err
}

static void a_result_replaces_an_old_file_and_nothing_else_stays(void **state)
{
    tmpdir_write(*state, "r.csv", "old", 3);
    free(succeed(*state, "map " PLAIN " --csv @/r.csv --dot @/r.dot"));
    char *csv = read_file(*state, "r.csv");
    assert_int_equal(strncmp(csv, "name,", 5), 0);
    free(csv);
    assert_int_equal(n_files(*state), 7); // r.cores.csv, .streams and .stages beside it
}

/* ---- files ---- */

static void csv_is_one_table_a_file(void **state)
{
    static const struct {
        const char *file, *begin;
    } files[] = { { "r.csv", "name,cores," },          { "r.cores.csv", "core," },
                  { "r.streams.csv", "kind,from,to," }, { "r.stages.csv", "stage,core," },
                  { "r.links.csv", "kind,links," },     { "r.run.csv", "figure,value\n" } };

    tmpdir_write(*state, "r.accuracy.csv", "of a run with images", 20);
    free(succeed(*state, "run " PLAIN " --csv @/r.csv"));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *csv = read_file(*state, files[i].file);
        assert_memory_equal(csv, files[i].begin, strlen(files[i].begin));
        assert_null(strstr(csv, "\n\n"));
        free(csv);
    }
    free(succeed(*state, "run " PLAIN " --csv @/one.csv --table cores"));
    free(read_file(*state, "r.operations.csv"));
    assert_int_equal(n_files(*state), 7 + 1 + 2); // none for accuracy and analog, which are empty
}

static void an_output_that_cannot_be_written_is_one_line_and_status_1(void **state)
{
    static const char *const files[] = { "--json", "--csv", "--stats", "--write-config" };
    char arguments[128];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(arguments, sizeof arguments, "run " PLAIN " %s /dev/full", files[i]);
        assert_fails(*state, arguments, 1, "/dev/full: ");
        snprintf(arguments, sizeof arguments, "run " PLAIN " %s @/none/file", files[i]);
        assert_fails(*state, arguments, 1, "/none/file: ");
    }
    assert_fails(*state, "map " PLAIN " --dot /dev/full", 1, "/dev/full: ");
    assert_fails(*state, "map " PLAIN " --json @", 1, "directory");
    assert_fails(*state, "article --out @/none/dir", 1, "/none/dir: ");
}

static void a_full_or_closed_standard_output_is_one_line_and_status_1(void **state)
{
    static const char *const arguments[] = { "run " PLAIN, "run " PLAIN " --json -",
                                             "map " PLAIN " --csv -", "map " PLAIN " --dot",
                                             "article", "--help", "run --help", "--version" };

    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
        struct outcome o = imcsim_to(*state, arguments[i], " >/dev/full 2>@/err");
        assert_one_error_line(&o, arguments[i], 1,
                              "standard output: cannot write: No space left on device");
        outcome_release(&o);
        o = imcsim_to(*state, arguments[i], " >&- 2>@/err");
        assert_one_error_line(&o, arguments[i], 1,
                              "standard output: cannot write: Bad file descriptor");
        outcome_release(&o);
    }
}

/* With standard output closed the next file opened gets its number. */
static void a_closed_standard_output_does_not_spill_into_a_result_file(void **state)
{
    struct outcome o = imcsim_to(*state, "run " PLAIN " --csv @/r.csv", " >&- 2>@/err");
    char *csv = read_file(*state, "r.csv");

    assert_int_equal(o.status, 1);
    assert_null(strstr(csv, "imcsim 0."));
    free(csv);
    outcome_release(&o);
}

/* A pipe that is opened twice looks empty to its reader. */
static void a_result_may_go_to_a_named_pipe(void **state)
{
    char path[TMPDIR_PATH_MAX];

    assert_int_equal(mkfifo(tmpdir_path(path, *state, "p"), 0600), 0);
    struct outcome o = imcsim_to(*state, "map " PLAIN " --json @/p",
                                 " >@/out 2>@/err & cat @/p >@/got; wait $!");
    assert_int_equal(o.status, 0);
    char *got = read_file(*state, "got");
    json_t *doc = json_loads(got, 0, NULL);
    assert_non_null(doc);
    json_decref(doc);
    free(got);
    outcome_release(&o);
}

static void a_configuration_may_come_from_standard_input(void **state)
{
    struct outcome o = imcsim_to(*state, "map - --json -", " >@/out 2>@/err <" PLAIN);

    assert_int_equal(o.status, 0);
    json_t *doc = json_loads(o.out, 0, NULL);
    assert_int_equal(integer_at(doc, "cores"), 43);
    json_decref(doc);
    outcome_release(&o);
}

static void log_level_debug_speaks_on_standard_error_only(void **state)
{
    struct outcome o = imcsim(*state, "run " PLAIN " --log-level debug --json -");
    json_t *doc = json_loads(o.out, 0, NULL);

    assert_int_equal(o.status, 0);
    assert_non_null(doc);
    assert_non_null(strstr(o.err, "imcsim: configuration "));
    json_decref(doc);
    outcome_release(&o);
}

/* ---- reproducibility ---- */

static void the_same_input_gives_the_same_bytes_but_for_the_host(void **state)
{
    json_t *doc[3] = { json_of(*state, "run " PLAIN " --json -"),
                       json_of(*state, "run " PLAIN " --json -"),
                       json_of(*state, "run " PLAIN " --jobs 3 --json -") };
    char *text[3];

    for (int i = 0; i < 3; i++) {
        assert_int_equal(json_object_del(doc[i], "host"), 0);
        text[i] = json_dumps(doc[i], 0);
    }
    assert_string_equal(text[0], text[1]);
    assert_string_equal(text[0], text[2]);
    for (int i = 0; i < 3; i++) {
        free(text[i]);
        json_decref(doc[i]);
    }
}

static void a_written_configuration_gives_the_same_run_and_the_same_file(void **state)
{
    static const char set[] = " --set fabric.link_gbps=5.12 --set 'mapping.replicas={rs1: 2}'"
                              " --set batch=7 ";
    char arguments[512];

    snprintf(arguments, sizeof arguments, "run " PLAIN "%s --write-config @/a.yaml --csv @/a.csv",
             set);
    free(succeed(*state, arguments));
    free(succeed(*state, "run @/a.yaml --write-config @/b.yaml --csv @/b.csv"));
    for (int csv = 0; csv < 2; csv++) {
        char *a = read_file(*state, csv ? "a.csv" : "a.yaml");
        char *b = read_file(*state, csv ? "b.csv" : "b.yaml");
        assert_string_equal(a, b); // the CSV carries the configuration's hash
        free(a);
        free(b);
    }
}

static void the_hash_is_the_effective_configuration_s(void **state)
{
    json_t *file = json_of(*state, "map " PLAIN " --json -");
    json_t *same = json_of(*state, "map " PLAIN " --set batch=50 --json -");
    json_t *other = json_of(*state, "map " PLAIN " --set batch=51 --json -");

    assert_string_equal(text_at(file, "config_hash"), text_at(same, "config_hash"));
    assert_string_not_equal(text_at(file, "config_hash"), text_at(other, "config_hash"));
    json_decref(file);
    json_decref(same);
    json_decref(other);
}

/* ---- what run reports ---- */

static void the_document_of_run_has_the_keys_of_the_contract(void **state)
{
    static const char *const integers[] = {
        "seed", "cores", "network.weights", "network.macs", "timing.clock_mhz",
        "timing.timestep_ns", "timing.first_result_timesteps", "timing.last_conv_timesteps",
        "timing.interval_timesteps", "timing.latency_cycles", "timing.batch",
    };
    static const char *const numbers[] = {
        "timing.latency_us", "timing.throughput_images_per_s",
        "timing.slowest_stage.share_of_timestep", "host.wall_s", "host.images_per_s",
        "host.peak_rss_mib",
    };
    static const char *const texts[] = {
        "format", "version", "kernel", "network.name", "timing.clocking",
        "timing.slowest_stage.core", "timing.slowest_stage.stage",
    };
    static const char *const layer_integers[] = {
        "cores", "rows", "columns", "replicas", "first_timestep", "last_timestep", "mvms",
        "sram_reads", "sram_writes",
    };
    json_t *doc = json_of(*state, "run " PLAIN " --json -"), *layer;
    size_t i;

    for (i = 0; i < sizeof integers / sizeof *integers; i++)
        integer_at(doc, integers[i]);
    for (i = 0; i < sizeof numbers / sizeof *numbers; i++)
        number_at(doc, numbers[i]);
    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        text_at(doc, texts[i]);
    assert_int_equal(integer_at(doc, "config.core.crossbar.rows"), 256);
    assert_null(json_object_get(doc, "accuracy")); // no images: absent, not zero
    assert_null(json_object_get(doc, "energy"));
    assert_null(json_object_get(doc, "area"));
    assert_int_equal(json_array_size(at(doc, "layers")), 34);
    json_array_foreach(at(doc, "layers"), i, layer) {
        text_at(layer, "name");
        number_at(layer, "utilization");
        for (size_t j = 0; j < sizeof layer_integers / sizeof *layer_integers; j++)
            integer_at(layer, layer_integers[j]);
    }
    json_decref(doc);
}

/* The table of docs/accelerator.md, section 4, and images/s = N / ((L + (N - 1) I) * 100 ns). */
static void timing_is_that_of_the_table(void **state)
{
    static const struct {
        const char *arguments;
        int64_t cores, last_conv, first_result, interval, batch;
    } cases[] = {
        { PLAIN, 43, 1626, 1628, 1024, 50 },
        { PLAIN " --set fabric.partial_sum_hops=0", 43, 1618, 1619, 1024, 50 },
        { PLAIN " --set batch=1", 43, 1626, 1628, 1024, 1 },
        { PLAIN " --set core.crossbar.rows=512", 34, 1618, 1619, 1024, 50 },
        { FMNIST, 43, 1626, 1628, 1024, 50 },
        { SPEEDUP, 34, 526, 527, 256, 100 },
        { SPEEDUP " --set mapping.firing=column", 34, 538, 539, 256, 100 },
        { PLAIN FOUR_TWO_ONE, 62, 565, 567, 256, 50 },
        { PLAIN FOUR_TWO_ONE " --set mapping.firing=free", 62, 553, 555, 256, 50 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "run --json - %s", cases[i].arguments);
        json_t *doc = json_of(*state, arguments), *timing = at(doc, "timing");
        int64_t timesteps = cases[i].first_result + (cases[i].batch - 1) * cases[i].interval;
        assert_int_equal(integer_at(doc, "cores"), cases[i].cores);
        assert_int_equal(integer_at(timing, "last_conv_timesteps"), cases[i].last_conv);
        assert_int_equal(integer_at(timing, "first_result_timesteps"), cases[i].first_result);
        assert_int_equal(integer_at(timing, "interval_timesteps"), cases[i].interval);
        assert_int_equal(integer_at(timing, "latency_cycles"), 50 * cases[i].first_result);
        assert_true(number_at(timing, "latency_us") * 10 == (double)cases[i].first_result);
        double rate = 1e7 * (double)cases[i].batch / (double)timesteps;
        double error = number_at(timing, "throughput_images_per_s") / rate - 1;
        assert_true(error < 1e-12 && error > -1e-12);
        json_decref(doc);
    }
}

static void the_text_explains_the_plain_run(void **state)
{
    static const char *const want[] = {
        "43 of 64 cores; 12.8 %", // 361,712 weights in 43 * 256 * 256 devices
        "361,712 weights", "1,628 timesteps = 81,400 clocks = 162.8 us:\n      1,024  until conv1",
        "\n        602  until conv31", "1,626 in all", "\n          1  until its partial sums",
        "\n          1  until the result of fc is there\n\n",
        "One image every 1,024 timesteps: so often fires each core of conv1",
        "9,652 images/s = 50 images / ((1,628 + 49 x 1,024) timesteps x 100 ns)",
    };
    char *out = succeed(*state, "run " PLAIN);

    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (!strstr(out, want[i]))
            fail_msg("no \"%s\" in: %s", want[i], out);
    free(out);
}

/* Article Table 2 as corrected, and firings of one image: one for each output. */
/* Up to the table, whose counts are of all images: what README.md shows is what is printed. */
static void the_readme_shows_what_is_printed(void **state)
{
    char *readme = read_file(".", "README.md"), *rest = NULL;
    char *out = succeed(*state, "run " FMNIST " --images random --count 1");
    char *shown = strstr(readme, "    imcsim 0.1.0, ");
    size_t n = 0;

    assert_non_null(shown);
    *strstr(shown, "    Layers\n") = '\0';
    for (char *line = strtok_r(shown, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *hash = strstr(line, "configuration "); // every new key has another
        if (strncmp(line, "    Images ", 11) == 0 || strlen(line) < 4)
            continue;
        if (hash)
            *hash = '\0';
        if (!strstr(out, line + 4))
            fail_msg("README.md: %s", line);
        n++;
    }
    assert_true(n > 15);
    free(out);
    free(readme);
}

static void layers_are_those_of_table_2(void **state)
{
    static const struct {
        const char *name;
        int64_t cores, rows, columns, mvms;
    } rows[] = {
        { "conv1", 1, 27, 16, 1024 },   { "conv2", 1, 144, 16, 1024 },
        { "conv11", 1, 144, 16, 1024 }, { "rs1", 1, 16, 28, 256 },
        { "conv12", 1, 144, 28, 256 },  { "conv13", 1, 252, 28, 256 },
        { "conv21", 1, 252, 28, 256 },  { "rs2", 1, 28, 56, 64 },
        { "conv22", 1, 252, 56, 64 },   { "conv23", 2, 504, 56, 64 },
        { "conv31", 2, 504, 56, 64 },   { "fc", 1, 56, 10, 1 },
    };
    json_t *doc = json_of(*state, "run " PLAIN " --json -");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *layer = named(at(doc, "layers"), rows[i].name);
        assert_int_equal(integer_at(layer, "cores"), rows[i].cores);
        assert_int_equal(integer_at(layer, "rows"), rows[i].rows);
        assert_int_equal(integer_at(layer, "columns"), rows[i].columns);
        assert_int_equal(integer_at(layer, "mvms"), rows[i].mvms);
        double used = (double)(rows[i].rows * rows[i].columns) / (double)(65536 * rows[i].cores);
        assert_true(number_at(layer, "utilization") == used);
    }
    json_decref(doc);
}

/* Every pixel of a layer's input is written once to each of its cores, in ceil(bytes / 16) words;
 * conv1's pixels of 3 bytes lie across words now and then (article Table 1: 1 or 2). */
static void every_pixel_is_written_once(void **state)
{
    static const struct {
        const char *name;
        int64_t writes;
    } rows[] = {
        { "conv2", 1024 },           { "conv13", 2 * 256 },  { "conv22", 2 * 256 },
        { "conv24", 2 * 2 * 64 },    { "fc", 4 },
    };
    json_t *doc = json_of(*state, "run " PLAIN " --json -");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(integer_at(named(at(doc, "layers"), rows[i].name), "sram_writes"),
                         rows[i].writes);
    json_decref(doc);
}

static void images_add_up(void **state)
{
    json_t *one = json_of(*state, "run " PLAIN " --json -");
    json_t *three = json_of(*state, "run " PLAIN " --count 3 --json -");
    json_t *layer;
    size_t i;

    assert_int_equal(integer_at(three, "images.count"), 3);
    assert_int_equal(integer_at(three, "images.total_timesteps"), 1628 + 2 * 1024);
    json_array_foreach(at(three, "layers"), i, layer) {
        json_t *single = json_array_get(at(one, "layers"), i);
        assert_int_equal(integer_at(layer, "mvms"), 3 * integer_at(single, "mvms"));
        assert_int_equal(integer_at(layer, "sram_writes"), 3 * integer_at(single, "sram_writes"));
        assert_int_equal(integer_at(layer, "first_timestep"), integer_at(single, "first_timestep"));
        assert_int_equal(integer_at(layer, "last_timestep"), integer_at(single, "last_timestep"));
    }
    json_decref(one);
    json_decref(three);
}

/* Lags when nothing is split: a 3x3 layer of H rows and stride 1 ends H + 2 after the one before
 * it, one of stride 2 right after the hop. */
static void last_firings_follow_the_closed_form(void **state)
{
    json_t *doc = json_of(*state, "run " PLAIN " --set fabric.partial_sum_hops=0 --json -");
    int64_t last = 1023;

    for (int conv = 1; conv <= 31; conv++) {
        char name[16];
        snprintf(name, sizeof name, "conv%d", conv);
        if (conv > 1)
            last += conv == 12 || conv == 22 ? 1 : (conv < 12 ? 32 : conv < 22 ? 16 : 8) + 2;
        assert_int_equal(integer_at(named(at(doc, "layers"), name), "last_timestep"), last);
    }
    json_decref(doc);
}

/* Sums over a layer's cores of a counter, and of shares of the cores' arrays. */
static void cores_add_up_to_their_layers(void **state)
{
    json_t *doc = json_of(*state, "run " PLAIN " --json -"), *layer, *core;
    size_t i, j;

    assert_int_equal(json_array_size(at(doc, "core_list")), 43);
    json_array_foreach(at(doc, "layers"), i, layer) {
        int64_t n = 0, reads = 0, writes = 0;
        double used = 0;
        json_array_foreach(at(doc, "core_list"), j, core) {
            if (strcmp(text_at(core, "layer"), text_at(layer, "name")) != 0)
                continue;
            n++;
            reads += integer_at(core, "counters.words_read");
            reads += integer_at(core, "counters.words_read_back");
            writes += integer_at(core, "counters.words_written");
            used += number_at(core, "utilization");
            assert_int_equal(integer_at(core, "counters.firings"), integer_at(layer, "mvms"));
        }
        assert_int_equal(n, integer_at(layer, "cores"));
        assert_int_equal(reads, integer_at(layer, "sram_reads"));
        assert_int_equal(writes, integer_at(layer, "sram_writes"));
        double error = used / (double)n - number_at(layer, "utilization");
        assert_true(error < 1e-12 && error > -1e-12);
    }
    json_decref(doc);
}

/* Bits that an image moves: pixels times channels times 8; 32 a sum. */
static void links_carry_every_pixel_once(void **state)
{
    static const struct {
        const char *kind, *from, *to;
        int64_t bits;
    } rows[] = {
        { "image", "scratchpad", "conv1", 1024 * 3 * 8 },
        { "forward", "conv1", "conv2", 1024 * 16 * 8 },
        { "forward", "conv12", "conv13", 256 * 28 * 8 },
        { "residual", "conv2", "conv3", 1024 * 16 * 8 },
        { "to_resampling", "conv12", "rs1", 256 * 16 * 8 },
        { "from_resampling", "rs1", "conv13", 256 * 28 * 8 },
        { "partial_sum", "conv31.p0", "conv31.p1", 64 * 56 * 32 },
        { "forward", "conv22", "conv23.p1", 64 * 28 * 8 }, // its half of the channels
        { "forward", "conv31.p1", "fc", 56 * 8 },          // pooled: one pixel
        { "result", "fc", "result", 10 * 32 },
    };
    json_t *doc = json_of(*state, "run " PLAIN " --json -"), *stream;
    size_t i, j, found = 0;

    for (i = 0; i < sizeof rows / sizeof *rows; i++)
        json_array_foreach(at(doc, "streams"), j, stream) {
            if (strcmp(text_at(stream, "kind"), rows[i].kind) != 0 ||
                strcmp(text_at(stream, "from"), rows[i].from) != 0 ||
                strcmp(text_at(stream, "to"), rows[i].to) != 0)
                continue;
            found++;
            assert_int_equal(integer_at(stream, "bits"), rows[i].bits);
        }
    assert_int_equal(found, sizeof rows / sizeof *rows);
    json_decref(doc);
}

/* ---- runs with images ---- */

#define N_PIXEL (28 * 28)

/* n grey images of 28 x 28 in IDX form, and labels 0, 1, 2 ..., the last of them last_label. */
static void write_images(const char *dir, uint8_t n, uint8_t last_label)
{
    uint8_t images[16 + 16 * N_PIXEL] = { 0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 28, 0, 0, 0, 28 };
    uint8_t labels[8 + 16] = { 0, 0, 8, 1, 0, 0, 0, n };
    uint32_t seed = 1;

    assert_true(n <= 16);
    for (size_t i = 0; i < n * (size_t)N_PIXEL; i++) {
        seed = seed * 1103515245 + 12345;
        images[16 + i] = (uint8_t)(seed >> 16);
    }
    for (uint8_t i = 0; i < n; i++)
        labels[8 + i] = i + 1 == n ? last_label : i;
    tmpdir_write(dir, "t-images-idx3-ubyte", images, 16 + n * (size_t)N_PIXEL);
    tmpdir_write(dir, "t-labels-idx1-ubyte", labels, 8 + (size_t)n);
}

static void accuracy_counts_the_images_with_the_right_class(void **state)
{
    json_t *doc, *class;
    size_t i;
    int64_t correct = 0, images = 0, right = 0;

    write_images(*state, 5, 4);
    doc = json_of(*state, "run " FMNIST " --images @/t-images-idx3-ubyte --json -");
    json_t *labels = at(doc, "labels"), *predictions = at(doc, "predictions");
    assert_int_equal(json_array_size(labels), 5);
    assert_int_equal(json_array_size(predictions), 5);
    for (i = 0; i < 5; i++) {
        assert_int_equal(json_integer_value(json_array_get(labels, i)), i);
        correct += json_equal(json_array_get(labels, i), json_array_get(predictions, i));
    }
    json_array_foreach(at(doc, "accuracy.classes"), i, class) {
        images += integer_at(class, "images");
        right += integer_at(class, "correct");
    }
    assert_int_equal(json_array_size(at(doc, "accuracy.classes")), 10);
    assert_int_equal(integer_at(doc, "accuracy.images"), 5);
    assert_int_equal(integer_at(doc, "accuracy.correct"), correct);
    assert_true(number_at(doc, "accuracy.top1") * 5 == (double)correct);
    assert_int_equal(images, 5);
    assert_int_equal(right, correct);
    assert_string_equal(text_at(json_array_get(at(doc, "accuracy.classes"), 9), "name"),
                        "ankle boot");
    assert_int_equal(integer_at(doc, "timing.first_result_timesteps"), 1628);
    json_decref(doc);
}

/* Lines "| `KEY` | run |" or "| `KEY` | both |": the keys are there, and no top-level key is not.
 */
/* One row an image: what the document has, by name. */
/* A run without images has no classes, nor a table of them. */
static void a_table_of_nothing_is_a_note(void **state)
{
    static const char *const formats[] = {"text", "markdown", "latex"};

    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char arguments[160];
        snprintf(arguments, sizeof arguments,
                 "run configs/resnet32.yaml --table accuracy --format %s", formats[i]);
        struct outcome o = imcsim(*state, arguments);
        assert_int_equal(o.status, 0);
        assert_string_equal(o.out, "");
        assert_string_equal(o.err, "imcsim: note: --table accuracy: there is nothing of it to show "
                                   "here\n");
        outcome_release(&o);
    }
    free(succeed(*state, "run configs/resnet32.yaml --table layers"));
}

static void classes_of_images_are_a_table(void **state)
{
    static const char run[] = "run configs/resnet32_fmnist.yaml --count 3 "
                              "--images @/t-images-idx3-ubyte";
    char command[200], want[200];

    write_images(*state, 3, 9);
    snprintf(command, sizeof command, "%s --format json", run);
    json_t *doc = json_of(*state, command), *predicted = at(doc, "predictions");
    snprintf(command, sizeof command, "%s --table predictions --format csv", run);
    char *csv = succeed(*state, command), *line = strchr(csv, '\n') + 1, *names;
    assert_memory_equal(csv, "image,predicted,label\n", strlen("image,predicted,label\n"));
    for (size_t i = 0; i < 3; i++) {
        names = read_file("models", "resnet32_fmnist.classes.txt");
        char *name = names;
        for (json_int_t n = json_integer_value(json_array_get(predicted, i)); n > 0; n--)
            name = strchr(name, '\n') + 1;
        name[strcspn(name, "\n")] = '\0';
        snprintf(want, sizeof want, "%zu,%s,", i, name);
        assert_memory_equal(line, want, strlen(want));
        line = strchr(line, '\n') + 1;
        free(names);
    }
    assert_string_equal(line, "");
    free(csv);
    json_decref(doc);
}

static void every_key_is_documented_and_every_documented_key_is_there(void **state)
{
    char *page = read_file("docs", "results.md"), key[64], of[8], bar;
    json_t *map = json_of(*state, "map " PLAIN " --json -"), *run, *value;
    const char *name;
    size_t n = 0;

    write_images(*state, 1, 0);
    run = json_of(*state, "run " FMNIST " --images @/t-images-idx3-ubyte --json -");
    for (const char *line = page; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (sscanf(line, "| `%63[^`]` | %7[a-z] %c", key, of, &bar) != 3 || bar != '|' ||
            (strcmp(of, "run") != 0 && strcmp(of, "both") != 0) || strchr(key, '*'))
            continue;
        at(run, key);
        if (strcmp(of, "both") == 0)
            at(map, key);
        n++;
    }
    assert_true(n > 60);
    json_object_foreach(run, name, value) {
        char want[64];
        snprintf(want, sizeof want, "| `%s", name);
        if (!strstr(page, want))
            fail_msg("docs/results.md says nothing of %s", name);
    }
    json_decref(map);
    json_decref(run);
    free(page);
}

static void jobs_and_kernels_classify_alike(void **state)
{
    static const char *const arguments[] = { "--jobs 1", "--jobs 2", "--jobs 5",
                                             "--kernel systemc" };
    char *first = NULL;

    write_images(*state, 5, 4);
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
        char command[256];
        snprintf(command, sizeof command, "run " FMNIST " --images @/t-images-idx3-ubyte %s "
                 "--json @/r.json", arguments[i]);
        struct outcome o = imcsim(*state, command);
        if (o.status == 2 && strstr(o.err, "this build has none")) {
            print_message("skipped: SystemC is not in this build\n");
            outcome_release(&o);
            continue;
        }
        assert_int_equal(o.status, 0);
        outcome_release(&o);
        char *text = read_file(*state, "r.json");
        json_t *doc = json_loads(text, 0, NULL);
        free(text);
        json_object_del(doc, "host");
        json_object_del(doc, "kernel");
        text = json_dumps(doc, 0);
        json_decref(doc);
        if (first)
            assert_string_equal(first, text);
        else
            first = strdup(text);
        free(text);
    }
    free(first);
}

#define FASHION "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

/* Right answers among the first n of the file that the float model's training wrote. */
static int64_t right_in_training(int n)
{
    char *path = shared_path("resnet32_fmnist/resnet32_fmnist_predictions.csv");
    FILE *f = fopen(path, "r");
    int64_t right = 0;
    int label, predicted;

    assert_non_null(f);
    assert_true(fscanf(f, "%*[^\n]") == 0);
    for (int i = 0; i < n; i++) {
        assert_int_equal(fscanf(f, "%d,%d,%*d", &label, &predicted), 2);
        right += label == predicted;
    }
    fclose(f);
    free(path);
    return right;
}

static void import_quantises_a_model_that_run_classifies_with(void **state)
{
    char *model = shared_path("resnet32_fmnist/resnet32_fmnist.onnx"), command[1024];

    if (!model || access(FASHION, R_OK) != 0) {
        print_message("skipped: no float model, or no Fashion-MNIST images\n");
        skip();
    }
    snprintf(command, sizeof command, "import %s --images " FASHION " --count 40 --calibrate 20 "
             "--jobs 2 -o @/q.onnx --json -", model);
    json_t *report = json_of(*state, command);
    json_t *doc = json_of(*state, "run " FMNIST " --set network.onnx=@/q.onnx --images " FASHION
                          " --count 40 --json -");
    int64_t quantised = integer_at(report, "accuracy.quantised_correct");
    assert_int_equal(integer_at(report, "accuracy.float_correct"), right_in_training(40));
    assert_string_equal(text_at(report, "images.pixels"), "(pixel - 128) * 0.015625");
    assert_true(llabs(quantised - right_in_training(40)) <= 1);
    assert_true(llabs(quantised - integer_at(doc, "accuracy.correct")) <= 1); // float near a tie
    json_decref(doc);
    json_decref(report);
    free(model);
}

static void import_is_the_same_for_any_number_of_threads(void **state)
{
    char *model = shared_path("resnet32_fmnist/resnet32_fmnist.onnx"), command[1024], *report[2];

    if (!model) {
        print_message("skipped: no float model\n");
        skip();
    }
    write_images(*state, 5, 4);
    for (int i = 0; i < 2; i++) {
        snprintf(command, sizeof command, "import %s --images @/t-images-idx3-ubyte --calibrate 3 "
                 "--jobs %d --output @/q%d.onnx", model, 1 + 2 * i, i);
        report[i] = succeed(*state, command);
    }
    assert_string_equal(report[0], report[1]);
    snprintf(command, sizeof command, "cmp %s/q0.onnx %s/q1.onnx", (char *)*state, (char *)*state);
    assert_int_equal(system(command), 0);
    free(report[0]);
    free(report[1]);
    free(model);
}

static void wrong_imports_are_one_line(void **state)
{
    write_images(*state, 3, 2);
    static const struct {
        const char *arguments, *message;
    } cases[] = {
        {"import m.onnx", "import: no --images SET"},
        {"import m.onnx --images i", "import: no -o OUT.onnx"},
        {"import m.onnx --images i -o", "--output: no value"},
        {"import m.onnx --images i -o q --scale 0", "--scale 0: want a number above 0"},
        {"import m.onnx --images i -o q --scale nan", "--scale nan: want"},
        {"import m.onnx --images i -o q --percentile 101", "at most 100"},
        {"import m.onnx --images i -o q --mean 256", "want a pixel, 0 to 255"},
        {"import @/none.onnx --images i -o q", "none.onnx"},
        {"import models/resnet32_fmnist.onnx --images i -o q",
         "is quantised already"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(*state, cases[i].arguments, 2, cases[i].message);
}

static void write_zeros(const char *dir, const char *name, const struct npy *array)
{
    char path[TMPDIR_PATH_MAX];
    FILE *out = fopen(tmpdir_path(path, dir, name), "wb");

    assert_non_null(out);
    npy_write_head(out, array);
    for (size_t i = 0; i < array->n * npy_type_byte(array->type); i++)
        putc(0, out);
    assert_int_equal(fclose(out), 0);
}

/* On whatever clocking: a million is beyond what the input holds. */
static void inputs_that_the_model_cuts_are_told(void **state)
{
    static const char *const machines[] = { "", " --set clocking.kind=elastic" };
    static const struct npy one = { .type = NPY_FLOAT32, .n_dim = 2, .dim = { 1, 3072 },
                                    .n = 3072 };
    char path[TMPDIR_PATH_MAX], arguments[256];
    const float large = 1e6F;

    write_zeros(*state, "one.npy", &one);
    FILE *f = fopen(tmpdir_path(path, *state, "one.npy"), "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, -4L, SEEK_END), 0);
    assert_int_equal(fwrite(&large, sizeof large, 1, f), 1);
    assert_int_equal(fclose(f), 0);
    for (size_t i = 0; i < 2; i++) {
        snprintf(arguments, sizeof arguments, "run " FMNIST " --inputs @/one.npy%s", machines[i]);
        struct outcome o = imcsim(*state, arguments);
        assert_int_equal(o.status, 0);
        assert_non_null(strstr(o.err, "note: "));
        assert_non_null(strstr(o.err, "one.npy: 1 values lie beyond the range of the model's first "
                                      "QuantizeLinear, which cuts them"));
        outcome_release(&o);
    }
}

static void wrong_images_are_one_line_and_leave_no_result(void **state)
{
    static const struct {
        const char *arguments, *want;
    } cases[] = {
        { "--images @/none", "/none: " },
        { "--images @/t-images-idx3-ubyte --count 4", "has 3 images" },
        { "--images @/t-images-idx3-ubyte", "label" },
        { "--images @/short-images-idx3-ubyte", "short-images-idx3-ubyte" },
        { "--images @/noise", "noise" },
        { "--images @/none.npy", "none.npy: byte 0: an array of no images: want one at least" },
        { "--images @/large.npy", "images of 33x32x3 (rows, columns, channels): want at most 32x32 "
          "and 1 or 3 channels" },
        { "--inputs @/none.npy", "none.npy: 0 values: want a multiple of 3072" },
        { "--inputs @/turned.npy", "turned.npy: no dimensions hold an image: want the last ones to "
          "have 3072 values, 32x32x3 (rows, columns, channels)" },
    };
    static const struct npy arrays[] = {
        { .type = NPY_UINT8, .n_dim = 3, .dim = { 0, 32, 32 } },
        { .type = NPY_UINT8, .n_dim = 4, .dim = { 1, 3, 33, 32 }, .n = 3168 },
        { .type = NPY_UINT8, .n_dim = 3, .dim = { 3, 64, 32 }, .n = 6144 },
    };
    static const char *const names[] = { "none.npy", "large.npy", "turned.npy" };
    char arguments[256];

    write_images(*state, 3, 10); // ten classes: 10 is no label
    tmpdir_write(*state, "noise", "noise", 5);
    static const uint8_t header[16] = { 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28 };
    static const uint8_t labels[10] = { 0, 0, 8, 1, 0, 0, 0, 2 };
    tmpdir_write(*state, "short-images-idx3-ubyte", header, sizeof header);
    tmpdir_write(*state, "short-labels-idx1-ubyte", labels, sizeof labels);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        write_zeros(*state, names[i], &arrays[i]);
    size_t files = n_files(*state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(arguments, sizeof arguments, "run " FMNIST " --json @/r.json %s",
                 cases[i].arguments);
        assert_fails(*state, arguments, 2, cases[i].want);
        assert_int_equal(n_files(*state), files + 2); // out and err of the child
    }
}

/* ---- the other forms say the same ---- */

/* Value of the statistic with this name, which must stand there once. */
static int64_t stat_value(const char *stats, const char *name)
{
    int64_t value = -1;
    size_t n = strlen(name), found = 0;

    for (const char *line = stats; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, n) != 0 || line[n] != ' ')
            continue;
        value = strtoll(line + n, NULL, 10);
        found++;
    }
    if (found != 1)
        fail_msg("%zu statistics called %s", found, name);
    return value;
}

static void every_statistic_is_name_value_description_unit(void **state)
{
    char *stats = succeed(*state, "run " PLAIN " --stats -"), *next;
    size_t n = 0;

    for (char *line = stats; *line; line = next) {
        char name[256], unit[64];
        long long value;
        int end = 0;
        next = strchr(line, '\n');
        assert_non_null(next);
        *next++ = '\0';
        if (*line == '\0' || strncmp(line, "----------", 10) == 0 || *line == '#')
            continue;
        if (sscanf(line, "%255s %lld  # %*[^()] (%63[a-z0-9])%n", name, &value, unit, &end) != 3 ||
            line[end] != '\0' || strncmp(name, "imcsim.", 7) != 0)
            fail_msg("not \"name  value  # description (unit)\": %s", line);
        n++;
    }
    assert_true(n > 43 * 18);
    free(stats);
}

static void statistics_and_csv_have_the_values_of_the_json(void **state)
{
    json_t *doc = json_of(*state, "run " PLAIN " --json - --stats @/s.txt --csv @/s.csv");
    char *stats = read_file(*state, "s.txt"), *csv = read_file(*state, "s.csv");
    json_t *o, *value;
    const char *key;
    size_t i;
    char text[512];

    json_array_foreach(at(doc, "core_list"), i, o) {
        json_object_foreach(at(o, "counters"), key, value) {
            snprintf(text, sizeof text, "imcsim.core.%s.%s", text_at(o, "name"), key);
            assert_int_equal(stat_value(stats, text), json_integer_value(value));
        }
    }
    json_array_foreach(at(doc, "streams"), i, o) {
        snprintf(text, sizeof text, "imcsim.link.%s.%s->%s.bits", text_at(o, "kind"),
                 text_at(o, "from"), text_at(o, "to"));
        assert_int_equal(stat_value(stats, text), integer_at(o, "bits"));
    }
    json_array_foreach(at(doc, "layers"), i, o) {
        snprintf(text, sizeof text, "\n%s,%lld,%lld,%lld,%lld,%.15g,%lld,%lld,", text_at(o, "name"),
                 (long long)integer_at(o, "cores"), (long long)integer_at(o, "rows"),
                 (long long)integer_at(o, "columns"), (long long)integer_at(o, "replicas"),
                 number_at(o, "utilization"), (long long)integer_at(o, "first_timestep"),
                 (long long)integer_at(o, "last_timestep"));
        if (!strstr(csv, text))
            fail_msg("no %s in the CSV", text);
    }
    json_decref(doc);
    free(stats);
    free(csv);
}

/* ---- map ---- */

static void map_and_run_agree(void **state)
{
    static const char *const same[] = { "config", "config_hash", "network", "cores", "timing",
                                        "stages" };
    json_t *map = json_of(*state, "map " PLAIN " --json -");
    json_t *run = json_of(*state, "run " PLAIN " --json -"), *layer;
    size_t i;

    assert_string_equal(text_at(map, "format"), "imcsim-map/1");
    for (i = 0; i < sizeof same / sizeof *same; i++)
        if (!json_equal(at(map, same[i]), at(run, same[i])))
            fail_msg("%s differs", same[i]);
    json_array_foreach(at(map, "layers"), i, layer) {
        json_t *ran = json_array_get(at(run, "layers"), i);
        assert_int_equal(integer_at(layer, "first_timestep"), integer_at(ran, "first_timestep"));
        assert_int_equal(integer_at(layer, "last_timestep"), integer_at(ran, "last_timestep"));
        assert_int_equal(integer_at(layer, "firings"), integer_at(ran, "mvms"));
    }
    json_decref(map);
    json_decref(run);
}

/* The gap that map states, and the mapping that it writes: another run of it has the same plan. */
static void map_keeps_the_mapping_that_it_chooses(void **state)
{
    json_t *chosen = json_of(*state, "map " PLAIN " --set mapping.optimize=interval --json - "
                                     "--write-config @/chosen.yaml");
    json_t *again = json_of(*state, "map @/chosen.yaml --json -");

    assert_string_equal(text_at(chosen, "mapping.optimize"), "interval");
    assert_int_equal(integer_at(chosen, "mapping.value"),
                     integer_at(chosen, "timing.interval_timesteps"));
    assert_int_equal(integer_at(chosen, "mapping.bound"), integer_at(chosen, "mapping.value"));
    assert_null(json_object_get(again, "mapping"));
    assert_true(json_equal(at(chosen, "config"), at(again, "config")));
    assert_true(json_equal(at(chosen, "layers"), at(again, "layers")));
    assert_true(json_equal(at(chosen, "timing"), at(again, "timing")));
    json_decref(chosen);
    json_decref(again);
}

/* Energy times latency is that of the mapping's own run: an image by itself has filling and
 * draining, too, and of unused cores nothing. */
static void the_least_energy_times_latency_is_that_of_the_breakdown(void **state)
{
    static const char set[] = "configs/dazzi2021_14nm.yaml --set network.depth=20 "
                              "--set mapping.effort=1 --set mapping.optimize=edp --json -";
    char command[256];
    snprintf(command, sizeof command, "map %s", set);
    json_t *map = json_of(*state, command);
    snprintf(command, sizeof command, "run %s", set);
    json_t *priced = json_of(*state, command), *chosen = at(map, "mapping");
    double interval_ns = number_at(priced, "energy.interval_ns");
    double unused_nj = number_at(priced, "energy.unused_cores.leakage_nj_per_image") *
                       (double)integer_at(priced, "images.total_timesteps") * 100 / interval_ns;
    double nj = number_at(priced, "energy.total_nj_per_image") +
                number_at(priced, "energy.fill_and_drain_nj") - unused_nj;
    double pj = (double)integer_at(chosen, "energy_pj_per_image");

    assert_true(fabs(pj - nj * 1e3) < 64 * 8 * 2); // a pJ for each block of each core
    assert_int_equal(integer_at(chosen, "value"),
                     integer_at(chosen, "energy_pj_per_image") *
                         integer_at(map, "timing.first_result_timesteps"));
    assert_true(integer_at(chosen, "bound") < integer_at(chosen, "value"));
    json_decref(map);
    json_decref(priced);
}

static void the_front_begins_with_the_fewest_cores_in_every_form(void **state)
{
    static const char front[] = "map " PLAIN " --pareto --set chip.cores=45 "
                                "--set mapping.effort=10 --csv @/front.csv --svg @/front.svg";
    char command[256];
    snprintf(command, sizeof command, "%s --json -", front);
    json_t *doc = json_of(*state, command), *first = json_array_get(at(doc, "front"), 0);
    char *csv = read_file(*state, "front.csv"), *svg = read_file(*state, "front.svg");
    char row[128];

    assert_null(json_object_get(first, "energy_nj_per_image")); // not priced
    assert_int_equal(integer_at(first, "cores"), 43);
    snprintf(row, sizeof row, "\n43,%lld,%lld,%lld\n",
             (long long)integer_at(first, "interval_timesteps"),
             (long long)integer_at(first, "first_result_timesteps"),
             (long long)integer_at(first, "first_result_bound_timesteps"));
    assert_non_null(strstr(csv, row));
    assert_non_null(strstr(svg, "<svg xmlns="));
    assert_non_null(strstr(svg, "</svg>"));
    free(csv);
    free(svg);
    json_decref(doc);
    doc = json_of(*state, "map configs/dazzi2021_14nm.yaml --pareto --set chip.cores=44 "
                          "--set mapping.effort=1 --json -");
    first = json_array_get(at(doc, "front"), 0);
    assert_true(json_number_value(at(first, "energy_nj_per_image")) > 20000);
    json_decref(doc);
}

static void map_states_memories_and_budgets(void **state)
{
    json_t *doc = json_of(*state, "map " PLAIN " --json -"), *core;
    size_t i;

    core = named(at(doc, "core_list"), "conv1"); // 288 B
    assert_string_equal(text_at(core, "placing"), "iwap");
    assert_int_equal(integer_at(core, "memory_columns"), 3);
    assert_int_equal(integer_at(core, "words_used"), 288 / 16);
    core = named(at(doc, "core_list"), "conv13"); // 1,536 B
    assert_string_equal(text_at(core, "placing"), "plip");
    assert_int_equal(integer_at(core, "words_used"), 1536 / 16);
    core = named(at(doc, "core_list"), "conv31.p0");
    assert_int_equal(integer_at(core, "rows"), 252);
    assert_int_equal(integer_at(core, "input_channels"), 28);
    assert_int_equal(integer_at(core, "stage_clocks.crossbar"), 50);    // 1.0 of a timestep
    assert_int_equal(integer_at(core, "stage_clocks.partial_sum"), 44); // 56 * 32 / 20.48 Gb/s
    core = named(at(doc, "core_list"), "conv31.p1");
    assert_int_equal(integer_at(core, "stage_clocks.link"), 45); // 56 * 8 / 5 Gb/s
    assert_string_equal(text_at(doc, "timing.slowest_stage.stage"), "crossbar");
    json_t *memory = json_array_get(at(doc, "stages"), 0); // at most 16 of 50 clocks
    assert_string_equal(text_at(memory, "stage"), "memory");
    assert_int_equal(integer_at(memory, "clocks"), 16);
    json_array_foreach(at(doc, "core_list"), i, core) // K = F, 1 for 1x1 kernels
        assert_int_equal(integer_at(core, "memory_columns"),
                         strncmp(text_at(core, "name"), "conv", 4) == 0 ? 3 : 1);
    json_decref(doc);
}

/* Of each stage the core that uses most, and the core whose stages sum up to most: the first. */
static void stages_are_those_of_the_busiest_cores(void **state)
{
    json_t *doc = json_of(*state, "map " PLAIN " --json -"), *stage, *core, *value;
    const char *key, *busiest = NULL;
    int64_t most = 0;
    size_t i, j;

    json_array_foreach(at(doc, "stages"), i, stage) {
        const char *worst = NULL;
        int64_t clocks = 0;
        json_array_foreach(at(doc, "core_list"), j, core) {
            value = json_object_get(at(core, "stage_clocks"), text_at(stage, "stage"));
            if (json_integer_value(value) > clocks) {
                clocks = json_integer_value(value);
                worst = text_at(core, "name");
            }
        }
        assert_string_equal(text_at(stage, "core"), worst);
        assert_int_equal(integer_at(stage, "clocks"), clocks);
        assert_true(number_at(stage, "share_of_timestep") == (double)clocks / 50);
    }
    assert_int_equal(json_array_size(at(doc, "stages")), 5);
    json_array_foreach(at(doc, "core_list"), j, core) {
        int64_t sum = 0;
        json_object_foreach(at(core, "stage_clocks"), key, value)
            sum += json_integer_value(value);
        if (sum > most) {
            most = sum;
            busiest = text_at(core, "name");
        }
    }
    assert_string_equal(text_at(doc, "timing.busiest_core.core"), busiest);
    assert_int_equal(integer_at(doc, "timing.busiest_core.clocks"), most);
    json_decref(doc);
}

static void map_s_text_has_a_line_for_every_core_and_stream(void **state)
{
    json_t *doc = json_of(*state, "map " PLAIN " --json -"), *o;
    char *out = succeed(*state, "map " PLAIN), line[256];
    size_t i;

    json_array_foreach(at(doc, "core_list"), i, o) {
        snprintf(line, sizeof line, "\n  %s ", text_at(o, "name"));
        if (!strstr(out, line))
            fail_msg("no line for core %s", text_at(o, "name"));
    }
    assert_non_null(strstr(out, "  to resampling    conv12      rs1 "));
    json_decref(doc);
    free(out);
}

/* Edges of a colour, which is the article's for one kind of stream (Fig. 9). */
static size_t edges(const char *dot, const char *colour)
{
    char want[32];
    size_t n = 0;

    snprintf(want, sizeof want, "[color=%s,", colour);
    for (const char *p = dot; (p = strstr(p, want)); p++)
        n++;
    return n;
}

static void dot_has_the_article_s_streams_and_colours(void **state)
{
    char *dot = succeed(*state, "map " PLAIN " --dot");

    assert_int_equal(strncmp(dot, "digraph ", 8), 0);
    assert_int_equal(edges(dot, "purple"), 9);           // a row split for each of conv23..conv31
    assert_int_equal(edges(dot, "red"), 2);              // to rs1, rs2
    assert_int_equal(edges(dot, "orange"), 2);           // from them
    assert_int_equal(edges(dot, "blue"), 5 + 4 + 2 * 4); // blocks of the last stage: two halves
    assert_int_equal(edges(dot, "green3"), 10 + 1 + 9 + 1 + 2 + 8 * 2 + 1);
    free(dot);
}

/* Width and height, in points, of what Graphviz draws of a plan. */
static char *drawn(const char *dir, const char *config, double *width, double *height)
{
    char path[TMPDIR_PATH_MAX], command[2 * TMPDIR_PATH_MAX];

    snprintf(command, sizeof command, "map %s --dot @/p.dot", config);
    free(succeed(dir, command));
    snprintf(command, sizeof command, "dot -Tsvg %s >%s/p.svg 2>%s/err",
             tmpdir_path(path, dir, "p.dot"), dir, dir);
    assert_int_equal(system(command), 0);
    char *svg = read_file(dir, "p.svg");
    *width = strtod(strstr(svg, "width=\"") + 7, NULL);
    *height = strtod(strstr(svg, "height=\"") + 8, NULL);
    if (*width > 2 * *height || *height > *width)
        fail_msg("%s: %g x %g points", config, *width, *height);
    return svg;
}

static void graphviz_draws_the_plan(void **state)
{
    double width, height;

    if (system("dot -V >/dev/null 2>&1") != 0) {
        print_message("skipped: Graphviz is not installed\n");
        skip();
    }
    char *svg = drawn(*state, PLAIN, &width, &height);
    assert_non_null(strstr(svg, ">conv31.p1<"));
    assert_true(width <= 1200);
    free(svg);
    svg = drawn(*state, PLAIN MANY, &width, &height); // 208 cores
    assert_true(width <= 2500);
    free(svg);
}

/* A box for each core, its bar as long as its firings of the timesteps between images. */
static void map_draws_the_chip_with_its_loads(void **state)
{
    free(succeed(*state, "map " PLAIN " --svg @/chip.svg"));
    char *svg = read_file(*state, "chip.svg");
    size_t n_core = 0, full = 0;

    for (const char *p = svg; (p = strstr(p, "<g><title>")); p++)
        n_core++;
    for (const char *p = svg; (p = strstr(p, "fires in 100 % of the timesteps")); p++)
        full++;
    assert_int_equal(n_core, 43);
    assert_int_equal(full, 11); // conv1 to conv11: 1,024 firings of 1,024
    assert_non_null(strstr(svg, "<title>conv31.p0: 252 rows, 56 columns, 21.5 % of the devices, "
                                "fires in 6 % of the timesteps</title>"));
    assert_non_null(strstr(svg, ">from resampling</text>"));
    free(svg);
}

/* A result leaves the chip: its arrow points at no core. */
static void assert_beside(const char *path, const char *svg)
{
    double x, y, left, top, width, height;

    assert_int_equal(sscanf(path, "M%*f,%*f Q%*f,%*f %lf,%lf", &x, &y), 2);
    for (const char *p = svg; (p = strstr(p, "</title>\n<rect "));) {
        p += strlen("</title>\n");
        assert_int_equal(sscanf(p, "<rect x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"",
                                &left, &top, &width, &height), 4);
        if (x > left - 4 && x < left + width + 4 && y > top - 4 && y < top + height + 4)
            fail_msg("a result points at the core of %.60s", p);
    }
}

/* Both ends of an arrow, and its middle, which the bend draws half of the way. */
static void assert_inside(const char *path, double width, double height)
{
    double x[3], y[3];

    assert_int_equal(sscanf(path, "M%lf,%lf Q%lf,%lf %lf,%lf", &x[0], &y[0], &x[1], &y[1], &x[2],
                            &y[2]), 6);
    x[1] = (x[0] + 2 * x[1] + x[2]) / 4;
    y[1] = (y[0] + 2 * y[1] + y[2]) / 4;
    for (int i = 0; i < 3; i++)
        if (x[i] < 0 || x[i] > width || y[i] < 0 || y[i] > height)
            fail_msg("%.60s leaves %g x %g", path, width, height);
}

static void every_arrow_of_the_chip_lies_in_its_picture(void **state)
{
    static const char *const configs[] = { PLAIN, SPEEDUP, "configs/resnet32_optimized.yaml",
                                           PLAIN MANY };

    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        char command[256];
        snprintf(command, sizeof command, "map %s --svg @/chip.svg --log-level error", configs[i]);
        free(succeed(*state, command));
        char *svg = read_file(*state, "chip.svg"), *box = strstr(svg, "viewBox=\"0 0 ");
        double width = strtod(box + 13, &box), height = strtod(box, NULL);
        size_t n = 0;
        for (const char *p = svg; (p = strstr(p, "<path class=")); n++) {
            bool result = strncmp(p, "<path class=\"result\"", 20) == 0;
            p = strstr(p, " d=\"") + 4;
            assert_inside(p, width, height);
            if (result)
                assert_beside(p, svg);
        }
        assert_true(n > 43);
        free(svg);
    }
}

/* Four digits from 1 to 999 nJ, whole nJ from there on, in the layers' order. */
static void the_picture_of_energies_says_each_layer_s(void **state)
{
    json_t *doc = json_of(*state, "breakdown configs/dazzi2021_14nm.yaml --svg @/e.svg --json -");
    char *svg = read_file(*state, "e.svg");
    const char *p = svg;
    json_t *layer;
    size_t i;

    json_array_foreach(at(doc, "energy.layers"), i, layer) {
        double nj = number_at(layer, "nj_per_image");
        char want[32];
        if (nj < 1000)
            snprintf(want, sizeof want, ">%.*f</text>", nj < 100 ? 2 : 1, nj);
        else
            snprintf(want, sizeof want, ">%d,%03d</text>", (int)(nj + 0.5) / 1000,
                     (int)(nj + 0.5) % 1000);
        if (!(p = strstr(p, want)))
            fail_msg("%s: no %s behind the layers before", text_at(layer, "name"), want);
    }
    assert_int_equal(i, 34);
    free(svg);
    json_decref(doc);
}

/* ---- article ---- */

static void article_agrees_but_for_the_listed_deviations(void **state)
{
    json_t *doc = json_of(*state, "article --json -"), *f;
    size_t i, agrees = 0, deviates = 0;

    json_array_foreach(at(doc, "figures"), i, f) {
        const char *status = text_at(f, "status");
        if (strcmp(status, "deviates") == 0) {
            assert_int_equal(text_at(f, "deviation")[0], 'D');
            deviates++;
        } else if (strcmp(status, "not printed") != 0) {
            agrees++;
            assert_true(strcmp(status, "agrees") == 0 || strcmp(status, "within") == 0);
            assert_null(json_object_get(f, "deviation"));
        }
    }
    /* Section 2.2.3: 3 figures. Table 1: 36 cells, 2 misprints. Table 2: 81, 7. Timing: what
     * section 3.1 prints. Table 3: 4, Table 4: 5 powers and their shares, section 3.2: 4. NeuroSim
     * on three chips: 3 circuits, clock and area; image and area of the chips as composed differ.
     * Six chips of Lu et al., whose program was run: 11 figures of each differ, 4 agree where they
     * are printed; one area differs. Spoon et al.: a share of attention differs, one agrees. */
    assert_int_equal(deviates, 2 + 7 + 4 + 3 * 2 + 6 * 11 + 1 + 1);
    assert_int_equal(agrees, 3 + 36 - 2 + 81 - 7 + 3 + 2 + 2 + 4 + 10 + 4 + 3 * 4 + 6 * 4 - 1 + 1);
    json_decref(doc);
}

static void article_writes_a_file_for_every_table(void **state)
{
    static const char *const names[] = { "replicas.csv", "table1.csv", "table2.csv", "timing.csv",
                                         "table3.csv", "table4.csv", "efficiency.csv" };
    char *out = succeed(*state, "article --out @");

    assert_non_null(strstr(out, "81.1 (82.1)"));
    assert_non_null(strstr(out, "1.428 (1.427)"));
    assert_non_null(strstr(out, "162.8 (161.8)"));
    free(out);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *csv = read_file(*state, names[i]);
        assert_int_equal(strncmp(csv, "table,row,quantity,ours,printed,status,deviation\n", 49), 0);
        free(csv);
    }
}

/* ---- circuit ---- */

static void a_circuit_is_shown_by_itself(void **state)
{
    json_t *doc = json_of(*state, "circuit sub_array --set columns_per_adc=16 --json -"), *row;
    struct outcome old = imcsim(*state, "circuit sub_array --set mux=16 --set rows_parallel=64");
    size_t i;
    double sum = 0, total = 0;

    json_array_foreach(at(doc, "blocks"), i, row) {
        if (strcmp(text_at(row, "block"), "sum; clock; an input bit") == 0)
            total = json_real_value(at(row, "energy_pj"));
        else
            sum += json_real_value(at(row, "energy_pj"));
    }
    assert_true(total > 0 && sum > total * (1 - 1e-12) && sum < total * (1 + 1e-12));
    json_decref(doc);
    assert_int_equal(old.status, 0);
    assert_non_null(strstr(old.err, "mux is called columns_per_adc now; rows_parallel is called "
                                    "rows_at_once now"));
    outcome_release(&old);
    /* 22 nm, N of 2 F: .1459 fF in, .0786 fF out, 0.85 V */
    doc = json_of(*state, "circuit gate --set load_ff=1 --json -");
    double fj = number_at(doc, "blocks[].energy_pj") * 1e3, want = (.1459 + .0786 + 1) * .85 * .85;
    assert_true(fj > 0.99 * want && fj < 1.01 * want);
    assert_true(number_at(doc, "blocks[].area_um2") > 0.102 &&
                number_at(doc, "blocks[].area_um2") < 0.104);
    json_decref(doc);
    assert_fails(*state, "circuit flux", 2, "circuit flux: want one of gate, driver, adder");
    assert_fails(*state, "circuit adder --set bits=0", 2, "bits = 0: want 1 to 256");
    assert_fails(*state, "circuit adder --set bits=2.5", 2, "bits = 2.5: want a whole number");
    assert_fails(*state, "circuit adder --set bits=nan", 2, "bits = nan: want 1 to 256");
    assert_fails(*state, "circuit sub_array --set cells_per_weight=1", 2, "on/off ratio 12.5");
    assert_fails(*state, "circuit adder --set speed=1", 2, "no such parameter");
    assert_fails(*state, "circuit sub_array --set technology=200nm_lp", 2, "want 1 to 130 nm");
    assert_fails(*state, "circuit mux --set mux=7", 2, // an old name
                 "columns_per_adc = 7: want a divisor of columns = 256");
    assert_fails(*state, "circuit flash_adc --set levels=12", 2, "levels = 12: want a power of");
    assert_fails(*state, "circuit core --set mvm_ns=90", 2, "want at most the crossbar's mvm_ns");
    assert_fails(*state, "circuit adder --set chip=isaac_32nm", 2, "no such parameter");
}

/* Every circuit of the list has an area, and is finite, at every node. */
static void every_circuit_has_its_figures_at_every_node(void **state)
{
    static const char *const nodes[] = { "130nm_lp", "65nm_hp", "22nm_lp_400k", "14nm_lp", "7nm_lp",
                                         "5nm_lp" };
    char *list = succeed(*state, "circuit list"), *rest = list, *line;
    unsigned n = 0;

    while ((line = strtok_r(rest, "\n", &rest))) {
        if (line[0] == ' ')
            continue;
        n++;
        for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
            char command[160];
            json_t *row;
            size_t k;

            snprintf(command, sizeof command,
                     "circuit %.*s --set technology=%s --log-level error --json -",
                     (int)strcspn(line, " "), line, nodes[i]);
            json_t *doc = json_of(*state, command);
            assert_true(number_at(doc, "blocks[].area_um2") > 0);
            json_array_foreach(at(doc, "blocks"), k, row) {
                static const char *const keys[] = { "area_um2", "delay_ns", "energy_pj",
                                                    "leakage_uw" };

                for (size_t q = 0; q < 4; q++) {
                    double v = json_number_value(at(row, keys[q]));
                    assert_true(isfinite(v) && v >= 0);
                }
            }
            json_decref(doc);
        }
    }
    assert_int_equal(n, 26);
    free(list);
}

/* The article's chip, an action of each block: its section 3.2 and Kull et al. 2017. */
static void a_core_shows_the_costs_of_its_actions(void **state)
{
    static const struct { const char *block; double pj; } want[] = {
        { "crossbar, a cell in a product", 0.0549 },
        { "converters, a conversion", 4.61 },
        { "links, a bit to the next core", 0.0394 },
    };
    json_t *doc = json_of(*state, "circuit core --json -"), *row;
    size_t i, found = 0;

    json_array_foreach(at(doc, "blocks"), i, row)
        for (size_t k = 0; k < 3; k++)
            if (strcmp(text_at(row, "block"), want[k].block) == 0) {
                double ratio = json_real_value(at(row, "energy_pj")) / want[k].pj;
                assert_true(ratio > 0.995 && ratio < 1.005);
                found++;
            }
    assert_int_equal(found, 3);
    json_decref(doc);
    doc = json_of(*state, "circuit core --set technology=22nm_lp --log-level error --json -");
    assert_non_null(strstr(text_at(doc, "warning"), "figures of 14 nm scaled to 22nm_lp"));
    json_decref(doc);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_make, tmpdir_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wrong_usage_is_one_line_and_status_2),
        TEST(what_is_named_but_not_there_yet_is_refused_by_name),
        TEST(wrong_input_is_one_line_that_names_place_and_cure_and_status_2),
        TEST(help_is_on_standard_output_with_status_0),
        TEST(every_page_of_help_is_in_lines_of_100_columns),
        TEST(a_list_says_of_each_file_the_first_sentence_of_its_head),
        TEST(the_index_lists_every_page_and_a_page_is_printed_whole),
        TEST(a_subcommand_s_help_lists_only_its_own_options),
        TEST(json_on_standard_output_is_json_and_nothing_else),
        TEST(a_result_file_leaves_the_report_on_standard_output),
        TEST(a_result_does_not_take_the_place_of_what_is_read),
        TEST(a_failed_run_leaves_no_file_and_an_old_one_as_it_was),
        TEST(a_result_replaces_an_old_file_and_nothing_else_stays),
        TEST(an_output_that_cannot_be_written_is_one_line_and_status_1),
        TEST(a_full_or_closed_standard_output_is_one_line_and_status_1),
        TEST(a_closed_standard_output_does_not_spill_into_a_result_file),
        TEST(csv_is_one_table_a_file),
        TEST(a_result_may_go_to_a_named_pipe),
        TEST(a_configuration_may_come_from_standard_input),
        TEST(log_level_debug_speaks_on_standard_error_only),
        TEST(the_same_input_gives_the_same_bytes_but_for_the_host),
        TEST(a_written_configuration_gives_the_same_run_and_the_same_file),
        TEST(the_hash_is_the_effective_configuration_s),
        TEST(the_document_of_run_has_the_keys_of_the_contract),
        TEST(timing_is_that_of_the_table),
        TEST(the_text_explains_the_plain_run),
        TEST(the_readme_shows_what_is_printed),
        TEST(layers_are_those_of_table_2),
        TEST(every_pixel_is_written_once),
        TEST(images_add_up),
        TEST(last_firings_follow_the_closed_form),
        TEST(cores_add_up_to_their_layers),
        TEST(links_carry_every_pixel_once),
        TEST(accuracy_counts_the_images_with_the_right_class),
        TEST(a_table_of_nothing_is_a_note),
        TEST(classes_of_images_are_a_table),
        TEST(every_key_is_documented_and_every_documented_key_is_there),
        TEST(jobs_and_kernels_classify_alike),
        TEST(import_quantises_a_model_that_run_classifies_with),
        TEST(import_is_the_same_for_any_number_of_threads),
        TEST(wrong_imports_are_one_line),
        TEST(wrong_images_are_one_line_and_leave_no_result),
        TEST(inputs_that_the_model_cuts_are_told),
        TEST(every_statistic_is_name_value_description_unit),
        TEST(statistics_and_csv_have_the_values_of_the_json),
        TEST(map_and_run_agree),
        TEST(map_keeps_the_mapping_that_it_chooses),
        TEST(the_least_energy_times_latency_is_that_of_the_breakdown),
        TEST(the_front_begins_with_the_fewest_cores_in_every_form),
        TEST(map_states_memories_and_budgets),
        TEST(stages_are_those_of_the_busiest_cores),
        TEST(map_s_text_has_a_line_for_every_core_and_stream),
        TEST(dot_has_the_article_s_streams_and_colours),
        TEST(graphviz_draws_the_plan),
        TEST(map_draws_the_chip_with_its_loads),
        TEST(every_arrow_of_the_chip_lies_in_its_picture),
        TEST(the_picture_of_energies_says_each_layer_s),
        TEST(article_agrees_but_for_the_listed_deviations),
        TEST(article_writes_a_file_for_every_table),
        TEST(a_circuit_is_shown_by_itself),
        TEST(every_circuit_has_its_figures_at_every_node),
        TEST(a_core_shows_the_costs_of_its_actions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
