/* test/unit/test_cures.c -- a refusal that names a command, an option or a key names one that
 * works: each is applied as a user would, and the command then succeeds. Those of plans are
 * applied by test_plan_refusals, those of the mapper by test_mapper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/cli_rig.h"
#include "test/tmpdir.h"

#define SMALL  "configs/resnet32.yaml --set network.depth=8"
#define BITS   " --set network.value_bits=1 --set network.weight_bits=1"
#define BSNN   "configs/eshraghian2022_bsnn.yaml"
#define FMNIST "configs/resnet32_fmnist.yaml"
#define CHIP   " --set energy.chip=dazzi2021_14nm"
#define RANDOM " --images random --count 1"
#define FIRE \
    " --set neuron.kind=if --set input.coding=rate --set input.steps=2 --set fabric.link_gbps=8"

struct cure {
    const char *refused; // arguments
    const char *says;    // what the refusal tells the user to do
    const char *cured;   // arguments that do so
};

static void cures_work(const char *dir, const struct cure *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_fails(dir, c[i].refused, 2, c[i].says);
        struct outcome o = imcsim(dir, c[i].cured);
        if (o.status != 0)
            fail_msg("%s, as it says (%s): %s: %s", c[i].refused, c[i].says, c[i].cured, o.err);
        outcome_release(&o);
    }
}
#define CURES_WORK(c) cures_work(*state, c, sizeof c / sizeof *c)

static void files_of_another_kind_go_where_the_refusal_says(void **state)
{
    static const struct cure c[] = {
        { "map models/resnet32_fmnist.onnx",
          "use imcsim run imagenet --set network.onnx=models/resnet32_fmnist.onnx",
          "run imagenet --set network.onnx=models/resnet32_fmnist.onnx" },
        { "map configs/devices/pcm_4bit.yaml",
          "use imcsim breakdown resnet32 --set energy.device=configs/devices/pcm_4bit.yaml",
          "breakdown resnet32 --set energy.device=configs/devices/pcm_4bit.yaml" },
        { "map configs/chips/dazzi2021_14nm.yaml",
          "use imcsim breakdown resnet32 --set energy.chip=configs/chips/dazzi2021_14nm.yaml",
          "breakdown resnet32 --set energy.chip=configs/chips/dazzi2021_14nm.yaml" },
        { "map configs/tech/22nm.yaml",
          "imcsim breakdown resnet32 --set energy.technology=22nm_lp",
          "breakdown resnet32 --set energy.technology=22nm_lp" },
        { "run configs/rram40_macro.yaml", "use imcsim breakdown configs/rram40_macro.yaml",
          "breakdown configs/rram40_macro.yaml" },
        { "map no_such_machine", "imcsim list configs has some",
          "list configs" },
        { "import models/resnet32_fmnist.onnx --images random -o @/x.onnx",
          "imcsim run CONFIG --set network.onnx=FILE runs this one",
          "run " FMNIST " --set network.onnx=models/resnet32_fmnist.onnx" },
        { "run " FMNIST " --images README.md", "want the word random", "run " FMNIST RANDOM },
    };

    CURES_WORK(c);
}

#define POOLS                                                                         \
    "map configs/resnet32.yaml --set network.family=vgg-cifar --set network.depth=8 " \
    "--set chip.cores=65536 --set core.input_memory.words=65536 "                     \
    "--set clocking.timestep_ns=100000 --set core.crossbar.rows="

/* A pool of 2 x 2 has no rows of weights, but its window goes through the registers. */
static void registers_hold_what_a_pool_sees(void **state)
{
    static const struct cure c[] = {
        { POOLS "3", "layer pool1 sees 4 pixels of a channel at once, a core's input registers "
          "hold 3: want core.crossbar.rows = 4", POOLS "4" },
    };

    CURES_WORK(c);
}

static void options_are_used_as_the_refusal_says(void **state)
{
    static const struct cure c[] = {
        { "rnu " SMALL, "did you mean run?", "run " SMALL },
        { "run " SMALL " --cuont 1", "did you mean --count?", "run " SMALL " --count 1" },
        { "frobnicate", "imcsim --help lists them", "--help" },
        { "map " SMALL " --frobnicate", "imcsim map --help lists its options", "map --help" },
        { "help config core.crossbar.row", "did you mean core.crossbar.rows?",
          "help config core.crossbar.rows" },
        { "help circuit frob", "imcsim circuit list", "circuit list" },
        { "circuit sub_array --set frob=3", "imcsim circuit list", "circuit list" },
        { "list cores", "want configs, devices, chips, studies or networks", "list networks" },
        { "run " SMALL " --kernel systemc --jobs 2", "want --jobs 1 or --kernel native",
          "run " SMALL " --kernel native --jobs 2" },
        { "run " SMALL " --seed 7", "want no --seed", "run " SMALL },
        { "run " FMNIST " --outputs @/o.npz", "want --inputs FILE.npy or --images SET too",
          "run " FMNIST RANDOM " --outputs @/o.npz" },
        { "run configs/resnet32.yaml --random-weights 1" RANDOM " --outputs @/o.npz",
          "want --set network.onnx=MODEL, or no --outputs",
          "run " FMNIST RANDOM " --outputs @/o.npz" },
        { "run " FMNIST RANDOM " --outputs @/o.npz --set core.crossbar.device=pcm_joshi",
          "core.crossbar.device = pcm_joshi: outputs are those of exact products: want no "
          "--outputs, or --set core.crossbar.device=ideal",
          "run " FMNIST RANDOM " --outputs @/o.npz --set core.crossbar.device=ideal" },
        { "run configs/hermes_cco.yaml" RANDOM " --outputs @/o.npz", "core.readout.kind = adc: "
          "outputs are those of exact products, from which codes may differ: want no --outputs, or "
          "--set core.readout.kind=exact",
          "run configs/hermes_cco.yaml" RANDOM " --outputs @/o.npz --set core.readout.kind=exact" },
        { "run " FMNIST RANDOM " --outputs @/o.npz --set network.layer=L2", "network.layer = L2: "
          "the file's outputs are those of all layers: want no --outputs, or --set "
          "network.layer=all", "run " FMNIST RANDOM " --outputs @/o.npz --set network.layer=all" },
        { "run " FMNIST RANDOM FIRE " --outputs @/o.npz",
          "neuron.kind = if: outputs are those of a single presentation: want no --outputs, or "
          "--set neuron.kind=requantize --set input.coding=value --set input.steps=1",
          "run " FMNIST RANDOM FIRE " --outputs @/o.npy --set neuron.kind=requantize "
          "--set input.coding=value --set input.steps=1" },
        { "run " BSNN RANDOM, "core.readout.kind = adc, whose codes can clip: values of neurons "
          "are computed layer by layer and exactly: want --set core.readout.kind=exact",
          "run " BSNN RANDOM " --set core.readout.kind=exact" },
        { "run " BSNN RANDOM " --values timed", "--values timed: values of neurons are computed "
          "layer by layer and exactly: want --values layer",
          "run " BSNN RANDOM " --values layer --set core.readout.kind=exact" },
        { "run configs/stuijt2021_mubrain.yaml", "(--images random where there are none)",
          "run configs/stuijt2021_mubrain.yaml" RANDOM },
        { "run " FMNIST RANDOM " --labels x", "want no --labels", "run " FMNIST RANDOM },
        { "run " SMALL RANDOM, "or a timing run without images", "run " SMALL },
        { "run " SMALL RANDOM, "want --set network.onnx=MODEL, a quantised one",
          "run configs/resnet32.yaml" RANDOM " --set network.onnx=models/resnet32_fmnist.onnx" },
        { "run " SMALL " --trace @/t.json --trace-window 0:9", "want --trace FILE.vcd",
          "run " SMALL " --trace @/t.vcd --trace-window 0:9" },
        { "run " SMALL " --trace @/t.vcd --jobs 2", "want --jobs 1",
          "run " SMALL " --trace @/t.vcd --jobs 1" },
        { "map " SMALL " --pareto --dot", "want --json, --csv or --svg",
          "map " SMALL " --pareto --svg @/p.svg" },
        { "map " SMALL " --table x", "want one of layers, cores", "map " SMALL " --table cores" },
        { "compare --label a " SMALL, "want it behind a CONFIG", "compare " SMALL " --label a" },
    };

    CURES_WORK(c);
}

static void keys_are_set_as_the_refusal_says(void **state)
{
    static const struct cure c[] = {
        { "map " SMALL " --set mapping.optimize=edp", "want composed, or a file of "
          "configs/chips, such as dazzi2021_14nm",
          "map " SMALL " --set mapping.optimize=edp" CHIP },
        { "run " SMALL " --set energy.chip=foo", "composed, dazzi2021_14nm",
          "run " SMALL " --set energy.chip=composed" },
        { "run " SMALL CHIP " --set energy.device=sram", "want another energy.device, such as pcm",
          "run " SMALL CHIP " --set energy.device=pcm" },
        { "run " SMALL CHIP " --set energy.technology=foo", "want a name such as 22nm_lp",
          "run " SMALL CHIP " --set energy.technology=22nm_lp" },
        { "run " SMALL CHIP " --set core.readout.kind=adc", "want energy.chip = composed",
          "run " SMALL " --set energy.chip=composed --set core.readout.kind=adc" },
        { "map " SMALL " --set mapping.optimize=interval --set mapping.replicas.32=2",
          "want either these or one of them", "map " SMALL " --set mapping.replicas.32=2" },
        { "map " SMALL " --set core.crossbar.reserved_rows=256", "want at most 255",
          "map " SMALL " --set core.crossbar.reserved_rows=255"
          " --set chip.cores=20000 --set core.input_memory.words=65536"
          " --set clocking.timestep_ns=10000" },
        { "map " SMALL " --set core.readout.kind=adc --set core.readout.columns_per_adc=3",
          "want 2 or 4", "map " SMALL " --set core.readout.kind=adc"
          " --set core.readout.columns_per_adc=4" },
        { "map " SMALL " --set core.crossbar.cell=pair", "or core.crossbar.cell = differential",
          "map " SMALL " --set core.crossbar.cell=differential" },
        { "map " SMALL BITS " --set core.crossbar.cell=reference --set mapping.replicas.16=2",
          "layer rs1 has 0 where its 2 replicas do not look: want mapping.replicas.rs1 = 1, or "
          "core.crossbar.cell = pair",
          "map " SMALL BITS " --set core.crossbar.cell=pair --set mapping.replicas.16=2" },
        { "map " SMALL " --set core.crossbar.cell=foo", "want one of differential, pair, "
          "reference, sliced, sram", "map " SMALL " --set core.crossbar.cell=sram" },
        { "map " SMALL " --set clocking.timestep_ns=101", "want 100 or 102 ns",
          "map " SMALL " --set clocking.timestep_ns=102" },
        { "map configs/resnet32.yaml --set network.depth=33", "want 2 + 6 * blocks, 8 to 65534",
          "map configs/resnet32.yaml --set network.depth=14" },
        { "map " SMALL " --set network.size=2", "want 3 to 4096",
          "map " SMALL " --set network.size=3" },
        { "map configs/resnet32.yaml --set network.input_shape=1x3x32x32", "want network.onnx too",
          "map configs/resnet32.yaml --set network.input_shape=1x3x32x32"
          " --set network.onnx=models/resnet32_fmnist.onnx" },
        { "map " SMALL " --set mapping.firing=x", "want one of column, free, block",
          "map " SMALL " --set mapping.firing=free" },
        { "map " SMALL " --set mapping.policy=x", "want none, stride, greedy or article",
          "map " SMALL " --set mapping.policy=none" },
        { "map " SMALL " --set core.input_memory.placing=x", "want one of auto, iwap, klip, plip",
          "map " SMALL " --set core.input_memory.placing=klip" },
        { "map " SMALL " --set btach=3", "did you mean batch?", "map " SMALL " --set batch=3" },
    };

    CURES_WORK(c);
}

#define ELASTIC SMALL " --set network.size=8 --set clocking.kind=elastic"

/* Every key of docs/elastic.md, beyond what it may be and under the clocking that has none. */
static void elastic_clocking_is_set_as_the_refusal_says(void **state)
{
    static const struct {
        const char *key, *least, *most, *low, *high, *want;
    } keys[] = {
        { "elastic.input_pixels", "1", "65536", "0", "65537", "1 to 65536 pixels" },
        { "elastic.residual_pixels", "1", "65536", "0", "65537", "1 to 65536 pixels" },
        { "elastic.partial_sum_pixels", "1", "65536", "0", "65537", "1 to 65536 pixels" },
        { "elastic.output_pixels", "1", "65536", "0", "65537", "1 to 65536 pixels" },
        { "elastic.read_back_pixels", "1", "65536", "0", "65537", "1 to 65536 pixels" },
        { "elastic.results", "1", "1024", "0", "1025", "1 to 1024 firings" },
        { "elastic.registers", "1", "2", "0", "3", "1 to 2" },
        { "elastic.group", "full", "any", "none", "all", "full or any" },
        { "elastic.hop_clocks", "1", "1000000", "0", "1000001", "1 to 1000000 clocks" },
        { "elastic.credit_clocks", "1", "1000000", "0", "1000001", "1 to 1000000 clocks" },
        { "elastic.partial_sum_hop_clocks", "same", "1000000", "0", "1000001",
          "1 to 1000000 clocks, or same" },
        { "elastic.image_period_clocks", "0", "1000000000000", "-1", "1000000000001",
          "0 to 1000000000000 clocks" },
        { "core.digital.clock_mhz", "1", "same", "0", "10001", "1 to 10000 MHz, or same" },
    };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *const bad[] = { keys[i].low, keys[i].high };
        const char *const good[] = { keys[i].least, keys[i].most };
        for (int k = 0; k < 2; k++) {
            char refused[300], says[200], cured[300], other[300];
            snprintf(refused, sizeof refused, "run " ELASTIC " --set %s=%s", keys[i].key, bad[k]);
            snprintf(says, sizeof says, "--set %s: %s = %s: want ", keys[i].key, keys[i].key,
                     bad[k]);
            snprintf(cured, sizeof cured, "run " ELASTIC " --set %s=%s", keys[i].key, good[k]);
            cures_work(*state, &(struct cure){ refused, says, cured }, 1);
            cures_work(*state, &(struct cure){ refused, keys[i].want, cured }, 1);
            snprintf(other, sizeof other, "run " SMALL " --set network.size=8 --set %s=%s",
                     keys[i].key, good[k]);
            snprintf(says, sizeof says, "%s has no effect with clocking.kind = timestep: want no "
                     "such key, or --set clocking.kind=elastic", keys[i].key);
            cures_work(*state, &(struct cure){ other, says, cured }, 1);
        }
    }
}

static void keys_of_timesteps_are_refused_under_elastic_clocking(void **state)
{
    static const struct cure c[] = {
        { "run " ELASTIC " --set clocking.timestep_ns=200", "clocking.timestep_ns has no effect "
          "with clocking.kind = elastic: want no such key, or --set clocking.kind=timestep",
          "run " SMALL " --set clocking.timestep_ns=200 --set clocking.kind=timestep" },
        { "run " ELASTIC " --set fabric.hop_timesteps=2", "fabric.hop_timesteps has no effect with "
          "clocking.kind = elastic: want no such key, or --set clocking.kind=timestep",
          "run " SMALL " --set fabric.hop_timesteps=2 --set clocking.kind=timestep" },
        { "run " ELASTIC " --set fabric.partial_sum_hops=0", "fabric.partial_sum_hops has no "
          "effect with clocking.kind = elastic", "run " ELASTIC },
        { "run " ELASTIC " --set clocking.kind=elastik", "want timestep, elastic or combinational",
          "run " ELASTIC },
        { "run " ELASTIC " --set core.crossbar.mvm_ns=101", "core.crossbar.mvm_ns = 101: not a "
          "whole number of clocks at clock_mhz = 500: want 100 or 102 ns",
          "run " ELASTIC " --set core.crossbar.mvm_ns=102" },
        { "run " ELASTIC " --set core.input_memory.columns=2", "core.input_memory.columns = 2: a "
          "kernel of layer conv1 sees 3: want at least core.input_memory.columns = 3",
          "run " ELASTIC " --set core.input_memory.columns=3" },
        { "run " FMNIST RANDOM " --set clocking.kind=elastic --outputs @/o.npz", "run: --outputs: "
          "clocking.kind = elastic has none so far: want no --outputs",
          "run " FMNIST RANDOM " --set clocking.kind=elastic" },
        { "run " FMNIST RANDOM " --set clocking.kind=elastic --values timed", "want no --values "
          "timed, or --set clocking.kind=timestep", "run " FMNIST RANDOM " --values timed" },
        { "run " FMNIST RANDOM " --set clocking.kind=elastic --neurons L2:0-3", "run: --neurons: "
          "clocking.kind = elastic has none so far: want no --neurons, or --set "
          "clocking.kind=timestep", "run " FMNIST RANDOM " --set clocking.kind=elastic" },
        { "run " ELASTIC " --stats @/s.txt", "want no --stats, or --set clocking.kind=timestep",
          "run " SMALL " --stats @/s.txt" },
        { "run " ELASTIC " --trace @/t.vcd --trace-scope x", "trace scope x: no such signal: want "
          "CORES:SIGNALS, with cores conv1 to ",
          "run " ELASTIC " --trace @/t.vcd --trace-scope 'conv1:port'" },
        { "run " ELASTIC " --table frob", "want one of stalls, accuracy, figures, stages, causes, "
          "faster, buffers", "run " ELASTIC " --table faster" },
        { "map " ELASTIC, "want clocking.kind = timestep here",
          "map " SMALL " --set clocking.kind=timestep" },
    };

    CURES_WORK(c);
}

/* So that one file serves both, whatever --set says of the clocking. */
static void a_file_may_hold_the_keys_of_both_clockings(void **state)
{
    static const char machine[] = "network:\n  depth: 8\n  size: 8\nclocking:\n"
                                  "  timestep_ns: 200\nelastic:\n  output_pixels: 3\n";
    static const char *const idle[][2] = {
        { "timestep", "elastic.output_pixels has no effect: clocking.kind = timestep" },
        { "elastic", "clocking.timestep_ns has no effect: clocking.kind = elastic" },
    };

    tmpdir_write(*state, "both.yaml", machine, strlen(machine));
    for (size_t i = 0; i < 2; i++) {
        char arguments[200];
        snprintf(arguments, sizeof arguments, "run @/both.yaml --set clocking.kind=%s", idle[i][0]);
        struct outcome o = imcsim(*state, arguments);
        assert_int_equal(o.status, 0);
        assert_non_null(strstr(o.err, idle[i][1]));
        assert_null(strstr(o.err, idle[1 - i][1]));
        outcome_release(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_of_another_kind_go_where_the_refusal_says,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(registers_hold_what_a_pool_sees, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(options_are_used_as_the_refusal_says, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(keys_are_set_as_the_refusal_says, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(elastic_clocking_is_set_as_the_refusal_says, tmpdir_make,
                                        tmpdir_remove),
        cmocka_unit_test_setup_teardown(keys_of_timesteps_are_refused_under_elastic_clocking,
                                        tmpdir_make, tmpdir_remove),
        cmocka_unit_test_setup_teardown(a_file_may_hold_the_keys_of_both_clockings, tmpdir_make,
                                        tmpdir_remove),
    };
    return cmocka_run_group_tests_name("cures", tests, NULL, NULL);
}
