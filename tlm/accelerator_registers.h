/* tlm/accelerator_registers.h -- the registers of imc_accelerator.h as words of a memory: what
 * a transaction reads, writes and is answered. What a write to CONTROL sets off is the module's.
 */
#ifndef IMCSIM_ACCELERATOR_REGISTERS_H
#define IMCSIM_ACCELERATOR_REGISTERS_H

#include <array>
#include <cstdint>

#include <tlm>

#include "tlm/imc_accelerator.h"

namespace imcsim {

enum : uint32_t { STATUS_EVENTS = STATUS_DONE | STATUS_ERROR }; // what can interrupt

class accelerator_registers {
public:
    uint32_t get(uint32_t reg) const
    {
        return word_[reg / 4];
    }

    uint64_t get64(uint32_t reg) const
    {
        return get(reg) | static_cast<uint64_t>(get(reg + 4)) << 32;
    }

    void put(uint32_t reg, uint32_t value)
    {
        word_[reg / 4] = value;
    }

    void put64(uint32_t reg, uint64_t value)
    {
        put(reg, static_cast<uint32_t>(value));
        put(reg + 4, static_cast<uint32_t>(value >> 32));
    }

    void add64(uint32_t reg, uint64_t value)
    {
        put64(reg, get64(reg) + value);
    }

    bool busy() const
    {
        return get(REG_STATUS) & STATUS_BUSY;
    }

    /* What is wrong with a transaction as such; the other calls want one that is all right. */
    static tlm::tlm_response_status check(const tlm::tlm_generic_payload &trans);

    void read(tlm::tlm_generic_payload &trans) const;

    /* All or nothing. *control: what is left to do, the bits written to CONTROL. */
    tlm::tlm_response_status write(const tlm::tlm_generic_payload &trans, uint32_t *control);

    /* Bytes read for a debugger; any transaction. */
    unsigned debug(tlm::tlm_generic_payload &trans) const;

    /* For DMI and traces. */
    const uint32_t &word(uint32_t reg) const
    {
        return word_[reg / 4];
    }
    unsigned char *constants()
    {
        return reinterpret_cast<unsigned char *>(word_.data());
    }

private:
    using words = std::array<uint32_t, REG_END / 4>;

    unsigned char byte(uint64_t at) const
    {
        return static_cast<unsigned char>(word_[at / 4] >> 8 * (at % 4));
    }
    tlm::tlm_response_status may_write(uint32_t reg, const words &after) const;

    words word_ = {};
};

} // namespace imcsim

#endif
