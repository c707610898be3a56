/* dataflow/plan/rules.c -- see rules.h. */
#include "dataflow/plan/rules.h"

#include <assert.h>

#define FS_PER_US UINT64_C(1000000000)

const char *stage_name(enum stage s)
{
    static const char *const names[N_STAGE] = {
        [STAGE_MEMORY] = "memory", [STAGE_CROSSBAR] = "crossbar", [STAGE_DIGITAL] = "digital",
        [STAGE_LINK] = "link",     [STAGE_PARTIAL_SUM] = "partial_sum",
    };

    assert(s < N_STAGE);
    return names[s];
}

struct fabric_machine stage_fabric(const struct config *machine)
{
    return (struct fabric_machine){
        .clock_hz = (uint64_t)machine->clock_mhz * 1000000,
        .link_bps = machine->fabric.link_bps,
        .partial_sum_bps = machine->fabric.partial_sum_bps,
        .hop_timesteps = machine->fabric.hop_timesteps,
        .partial_sum_hops = machine->fabric.partial_sum_hops,
        .flit_bps = (uint64_t)machine->fabric.flit_bits * machine->clock_mhz * 1000000,
        .waits = machine->clocking == CLOCKING_ELASTIC,
    };
}

uint64_t stage_link_clocks(const struct config *machine, const struct fabric *f,
                           const struct fabric_route *route, uint64_t bits)
{
    const struct fabric_machine m = stage_fabric(machine);

    return f->use(&m, route, bits);
}

uint64_t stage_clocks(const struct config *machine, enum stage s, uint64_t work)
{
    switch (s) {
    case STAGE_MEMORY:
        return work;
    case STAGE_DIGITAL:
        return ceil_div(work, machine->digital.lanes);
    case STAGE_CROSSBAR: // stage_array_clocks()
    case STAGE_LINK:
    case STAGE_PARTIAL_SUM:
    case N_STAGE:
        break;
    }
    assert(!"not of work");
    return 0;
}

uint64_t stage_memory_clocks(const struct config *machine, uint64_t map_pixels, uint64_t words)
{
    bool latched = machine->memory.kind == MEMORY_REGISTERS && map_pixels == 1;

    return latched ? 0 : stage_clocks(machine, STAGE_MEMORY, words);
}

/* Of a time, up to the end of the last one. */
static uint64_t whole_clocks(const struct config *machine, uint64_t fs)
{
    return fs / FS_PER_US * machine->clock_mhz +
           ceil_div(fs % FS_PER_US * machine->clock_mhz, FS_PER_US);
}

uint64_t stage_array_clocks(const struct config *machine, const struct array_spec *array,
                            uint32_t rows, uint32_t outputs)
{
    uint64_t clk = 0;

    if (!array->timed) { // config_load() has seen to whole clocks
        config_clocks(machine->crossbar.mvm_ns, machine->clock_mhz, &clk);
        return clk * (array->reads.train ? array->reads.train : 1);
    }
    return whole_clocks(machine, array_reads(array, rows, outputs).time_fs);
}

uint64_t stage_reads_clocks(const struct config *machine, const struct array_spec *array,
                            uint32_t rows, uint64_t reads)
{
    uint64_t clk = array->timed
                       ? whole_clocks(machine, reads_time_fs(&array->reads, reads))
                       : ceil_div(stage_array_clocks(machine, array, rows, 1) * reads,
                                  array_reads(array, rows, 1).n);

    return max_u64(1, clk);
}

uint64_t stage_least_ns(const struct config *machine, uint64_t clocks)
{
    uint64_t ns = ceil_div(clocks * 1000, machine->clock_mhz), clk;

    while (!config_clocks(ns, machine->clock_mhz, &clk))
        ns++;
    return ns;
}

uint64_t stage_digital_ops(const struct layer *l, uint64_t outputs, uint32_t channels)
{
    uint64_t pixels = layer_is_digital(l) ? (uint64_t)l->window.kernel[0] * l->window.kernel[1] : 1;

    return outputs * pixels * channels;
}

uint64_t stage_least_bps(const struct config *machine, uint64_t bits, uint64_t clocks)
{
    return ceil_div(bits * machine->clock_mhz * 1000000, clocks);
}
