/* tlm/imc_accelerator.h -- the chip as a TLM-2.0 module for virtual platforms.
 *
 * A host writes addresses and a count to the registers and starts; the module reads images from
 * system memory through `dma`, runs them through a chip of its own, clock cycle by clock cycle on
 * the native kernel, writes the results back and raises `irq`. docs/tlm.md has the register map
 * and says what a transaction may look like.
 *
 * The chip's clock stands still, in whole timesteps, while the image that is due has not been read;
 * under elastic clocking it goes on with earlier images. Slow memory costs cycles, never results.
 * Any number of instances may share a simulation.
 */
#ifndef IMCSIM_IMC_ACCELERATOR_H
#define IMCSIM_IMC_ACCELERATOR_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <systemc>
#include <tlm>

namespace imcsim {

/* Byte offsets of the registers, 32 bits each, little-endian. A 64-bit value is two: low, high. */
enum reg : uint32_t {
    REG_ID           = 0x00, // read only from here, constant:
    REG_VERSION      = 0x04,
    REG_IMAGE_BYTES  = 0x08,
    REG_RESULT_BYTES = 0x0c,
    REG_INTERVAL     = 0x10, // clock cycles between images
    REG_LATENCY      = 0x14, // from the first pixel of an image to its result
    REG_CLOCK_MHZ    = 0x18,
    REG_CORES        = 0x1c,
    REG_CONTROL      = 0x20, // write: START or RESET; reads as 0
    REG_STATUS       = 0x24, // DONE and ERROR are cleared by writing 1
    REG_IRQ_ENABLE   = 0x28,
    REG_COUNT        = 0x2c, // images; not to be written while BUSY, up to REG_TARGET
    REG_SOURCE       = 0x30,
    REG_TARGET       = 0x38,
    REG_FINISHED     = 0x40, // read only from here on; of the run since START:
    REG_CAUSE        = 0x44, // of ERROR
    REG_CYCLES       = 0x48, // clock cycles from START to DONE, or so far
    REG_RUN_CYCLES   = 0x50, // in which the chip ran
    REG_STALL_CYCLES = 0x58, // in which it stood still for an image, but the first; elastic: 0
    REG_FIRINGS      = 0x60, // of crossbars
    REG_DMA_BYTES    = 0x68, // read and written
    REG_ENERGY       = 0x70, // pJ an image, once DONE; 0 when energy.chip names no costs
    REG_END          = 0x78
};

enum : uint32_t {
    ID_VALUE = 0x41434d49, // "IMCA"
    VERSION_VALUE = 2,
    DMI_END = REG_CONTROL, // what lies below may be read directly

    CONTROL_START = 1,
    CONTROL_RESET = 2,

    STATUS_BUSY = 1,
    STATUS_DONE = 2,  // these two are the bits of REG_IRQ_ENABLE, too
    STATUS_ERROR = 4,

    CAUSE_READ = 1,  // a DMA read was refused
    CAUSE_WRITE = 2, // a DMA write was refused
    CAUSE_CHIP = 3   // the chip failed
};

struct accelerator_cfg {
    std::string              config;       // path of a configuration with network.onnx
    std::vector<std::string> set;          // "key=value", as the command's --set
    uint32_t                 burst_bytes = 64; // of a DMA transaction, at least 1
    bool                     at = false;   // DMA by nb_transport (approximately timed)
};

class imc_accelerator : public sc_core::sc_module {
    struct impl;
    std::unique_ptr<impl> impl_;

public:
    tlm::tlm_target_socket<>    &registers;
    tlm::tlm_initiator_socket<> &dma;
    sc_core::sc_out<bool>        irq;

    /* Throws std::runtime_error with the one-line message of the command. */
    imc_accelerator(const sc_core::sc_module_name &name, const accelerator_cfg &cfg);
    ~imc_accelerator() override;

    /* Shows STATUS, irq and the signals of every core (docs/waveforms.md) below `name`. Before the
     * simulation starts; without it nothing is watched. */
    friend void sc_trace(sc_core::sc_trace_file *file, const imc_accelerator &a,
                         const std::string &name);
};

void sc_trace(sc_core::sc_trace_file *file, const imc_accelerator &a, const std::string &name);

} // namespace imcsim

#endif
