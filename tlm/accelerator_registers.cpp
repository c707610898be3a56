/* tlm/accelerator_registers.cpp -- see accelerator_registers.h. */
#include "tlm/accelerator_registers.h"

namespace imcsim {

using tlm::tlm_generic_payload;

tlm::tlm_response_status accelerator_registers::check(const tlm_generic_payload &trans)
{
    const uint64_t at = trans.get_address(), n = trans.get_data_length();

    if (at >= REG_END || n > REG_END - at)
        return tlm::TLM_ADDRESS_ERROR_RESPONSE;
    if (n == 0 || trans.get_streaming_width() < n)
        return tlm::TLM_BURST_ERROR_RESPONSE;
    if (trans.get_byte_enable_ptr() && trans.get_byte_enable_length() == 0)
        return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
    return tlm::TLM_OK_RESPONSE;
}

static bool enabled(const tlm_generic_payload &trans, uint64_t i)
{
    const unsigned char *e = trans.get_byte_enable_ptr();

    return !e || e[i % trans.get_byte_enable_length()] == TLM_BYTE_ENABLED;
}

void accelerator_registers::read(tlm_generic_payload &trans) const
{
    for (uint64_t i = 0; i < trans.get_data_length(); i++)
        if (enabled(trans, i))
            trans.get_data_ptr()[i] = byte(trans.get_address() + i);
}

unsigned accelerator_registers::debug(tlm_generic_payload &trans) const
{
    const uint64_t at = trans.get_address();
    unsigned n = 0;

    if (!trans.is_read() || at >= REG_END)
        return 0;
    for (; n < trans.get_data_length() && at + n < REG_END; n++)
        trans.get_data_ptr()[n] = byte(at + n);
    return n;
}

/* Bytes that are not written keep their value, but for bits that act when 1 is written. */
tlm::tlm_response_status accelerator_registers::write(const tlm_generic_payload &trans,
                                                      uint32_t *control)
{
    words after = word_;
    std::array<bool, REG_END / 4> written = {};

    *control = after[REG_STATUS / 4] = 0;
    for (uint64_t i = 0; i < trans.get_data_length(); i++) {
        const uint64_t at = trans.get_address() + i;
        const unsigned shift = 8 * (at % 4);
        if (!enabled(trans, i))
            continue;
        after[at / 4] = (after[at / 4] & ~(UINT32_C(0xff) << shift)) |
                        static_cast<uint32_t>(trans.get_data_ptr()[i]) << shift;
        written[at / 4] = true;
    }
    for (uint32_t i = 0; i < after.size(); i++) {
        const tlm::tlm_response_status s = written[i] ? may_write(4 * i, after)
                                                      : tlm::TLM_OK_RESPONSE;
        if (s != tlm::TLM_OK_RESPONSE)
            return s; // nothing has been written
    }
    *control = after[REG_CONTROL / 4];
    after[REG_CONTROL / 4] = 0;
    after[REG_STATUS / 4] = get(REG_STATUS) & ~(after[REG_STATUS / 4] & STATUS_EVENTS);
    after[REG_IRQ_ENABLE / 4] &= STATUS_EVENTS;
    word_ = after;
    return tlm::TLM_OK_RESPONSE;
}

/* `after`: as the registers would be, CONTROL and STATUS as written. */
tlm::tlm_response_status accelerator_registers::may_write(uint32_t reg, const words &after) const
{
    const uint32_t control = after[REG_CONTROL / 4];

    if (reg < REG_CONTROL || reg >= REG_FINISHED)
        return tlm::TLM_COMMAND_ERROR_RESPONSE;
    if (reg == REG_CONTROL && control & CONTROL_START &&
        (busy() || control & CONTROL_RESET || after[REG_COUNT / 4] == 0))
        return tlm::TLM_GENERIC_ERROR_RESPONSE;
    if (reg >= REG_COUNT && busy())
        return tlm::TLM_GENERIC_ERROR_RESPONSE;
    return tlm::TLM_OK_RESPONSE;
}

} // namespace imcsim
