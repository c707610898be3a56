/* tlm/example/platform.h -- the rest of a small virtual platform: memory, bus, host.
 *
 *     host ---> bus ---> memory                  0 ..
 *               ^ |----> accelerator 0           0x10000000, and so on, a window of 4 KiB each
 *               |------- their DMA
 *
 * Loosely timed. A transaction takes the bus for as long as its target takes, and waits its turn:
 * first come, first served.
 */
#ifndef IMCSIM_EXAMPLE_PLATFORM_H
#define IMCSIM_EXAMPLE_PLATFORM_H

#include <cstring>
#include <vector>

#include <systemc>
#include <tlm>
#include <tlm_utils/multi_passthrough_initiator_socket.h>
#include <tlm_utils/multi_passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

namespace platform {

constexpr uint64_t kAccelerators = 0x10000000, kWindow = 0x1000;

class memory : public sc_core::sc_module {
public:
    tlm_utils::simple_target_socket<memory> socket;
    std::vector<unsigned char>              byte;
    sc_core::sc_time latency;     // of a transaction, and
    sc_core::sc_time per_byte;    // of each byte of it
    sc_core::sc_time busy;        // so far
    uint64_t         n_transaction = 0;

    memory(const sc_core::sc_module_name &name, size_t size)
        : sc_module(name), socket("socket"), byte(size)
    {
        socket.register_b_transport(this, &memory::access);
    }

    /* Is b_transport(). */
    void access(tlm::tlm_generic_payload &trans, sc_core::sc_time &delay)
    {
        const uint64_t at = trans.get_address(), n = trans.get_data_length();
        const sc_core::sc_time took = latency + per_byte * static_cast<double>(n);

        if (at >= byte.size() || n > byte.size() - at) {
            trans.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
            return;
        }
        if (trans.is_read())
            memcpy(trans.get_data_ptr(), &byte[at], n);
        else if (trans.is_write())
            memcpy(&byte[at], trans.get_data_ptr(), n);
        delay += took;
        busy += took;
        n_transaction++;
        trans.set_response_status(tlm::TLM_OK_RESPONSE);
    }
};

class bus : public sc_core::sc_module {
public:
    tlm_utils::multi_passthrough_target_socket<bus>    from;
    tlm_utils::multi_passthrough_initiator_socket<bus> to; // memory first, then the accelerators

    explicit bus(const sc_core::sc_module_name &name) : sc_module(name), from("from"), to("to")
    {
        from.register_b_transport(this, &bus::b_transport);
    }

private:
    uint64_t          n_come_ = 0, n_gone_ = 0; // transactions
    sc_core::sc_event gone_;

    void b_transport(int, tlm::tlm_generic_payload &trans, sc_core::sc_time &delay)
    {
        const uint64_t address = trans.get_address();
        const unsigned target =
            address < kAccelerators ? 0 : 1 + (address - kAccelerators) / kWindow;

        if (target >= to.size()) {
            trans.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
            return;
        }
        wait(delay);
        delay = sc_core::SC_ZERO_TIME;
        for (const uint64_t turn = n_come_++; turn != n_gone_;)
            wait(gone_);
        trans.set_address(target ? (address - kAccelerators) % kWindow : address);
        to[target]->b_transport(trans, delay);
        trans.set_address(address);
        wait(delay);
        delay = sc_core::SC_ZERO_TIME;
        n_gone_++;
        gone_.notify();
    }
};

/* Base of a host: a socket and calls for its threads. */
class host : public sc_core::sc_module {
public:
    tlm_utils::simple_initiator_socket<host> socket;

    explicit host(const sc_core::sc_module_name &name) : sc_module(name), socket("socket")
    {
    }

    virtual tlm::tlm_response_status transport(tlm::tlm_command command, uint64_t address,
                                               void *data, unsigned n)
    {
        tlm::tlm_generic_payload trans;
        sc_core::sc_time delay = sc_core::SC_ZERO_TIME;

        trans.set_command(command);
        trans.set_address(address);
        trans.set_data_ptr(static_cast<unsigned char *>(data));
        trans.set_data_length(n);
        trans.set_streaming_width(n);
        trans.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        socket->b_transport(trans, delay);
        wait(delay);
        return trans.get_response_status();
    }

    uint32_t read(uint64_t address)
    {
        uint32_t value = 0;

        sc_assert(transport(tlm::TLM_READ_COMMAND, address, &value, sizeof value) ==
                  tlm::TLM_OK_RESPONSE);
        return value;
    }

    uint64_t read64(uint64_t address)
    {
        uint64_t value = 0;

        sc_assert(transport(tlm::TLM_READ_COMMAND, address, &value, sizeof value) ==
                  tlm::TLM_OK_RESPONSE);
        return value;
    }

    tlm::tlm_response_status write(uint64_t address, uint32_t value)
    {
        return transport(tlm::TLM_WRITE_COMMAND, address, &value, sizeof value);
    }

    tlm::tlm_response_status write64(uint64_t address, uint64_t value)
    {
        return transport(tlm::TLM_WRITE_COMMAND, address, &value, sizeof value);
    }
};

} // namespace platform

#endif
