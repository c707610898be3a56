/* tlm/accelerator_dma.cpp -- see accelerator_dma.h. */
#include "tlm/accelerator_dma.h"

namespace imcsim {

using sc_core::sc_time;
using tlm::tlm_generic_payload;

void accelerator_dma::pool::free(tlm_generic_payload *trans)
{
    trans->reset();
    delete trans;
}

accelerator_dma::accelerator_dma(const char *name, bool at) : socket(name), at_(at)
{
    socket.register_nb_transport_bw(this, &accelerator_dma::nb_backward);
}

tlm::tlm_response_status accelerator_dma::burst(tlm::tlm_command command, uint64_t address,
                                                unsigned char *data, uint32_t n)
{
    tlm_generic_payload *trans = new tlm_generic_payload(&pool_);

    trans->acquire();
    trans->set_command(command);
    trans->set_address(address);
    trans->set_data_ptr(data);
    trans->set_data_length(n);
    trans->set_streaming_width(n);
    trans->set_byte_enable_ptr(nullptr);
    trans->set_dmi_allowed(false);
    trans->set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    if (at_)
        send_at(*trans);
    else
        send(*trans);
    const tlm::tlm_response_status s = trans->get_response_status();
    trans->release();
    return s;
}

void accelerator_dma::send(tlm_generic_payload &trans)
{
    sc_time delay = sc_core::SC_ZERO_TIME;

    socket->b_transport(trans, delay);
    sc_core::wait(delay);
}

/* The four phases of the base protocol, any of which the target may skip. */
void accelerator_dma::send_at(tlm_generic_payload &trans)
{
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_time delay = sc_core::SC_ZERO_TIME;
    const tlm::tlm_sync_enum sync = socket->nb_transport_fw(trans, phase, delay);

    if (sync == tlm::TLM_COMPLETED) {
        sc_core::wait(delay);
    } else if (sync == tlm::TLM_UPDATED && phase == tlm::BEGIN_RESP) {
        sc_core::wait(delay);
        phase = tlm::END_RESP;
        delay = sc_core::SC_ZERO_TIME;
        socket->nb_transport_fw(trans, phase, delay);
    } else {
        sc_core::wait(response_);
    }
}

tlm::tlm_sync_enum accelerator_dma::nb_backward(tlm_generic_payload &, tlm::tlm_phase &phase,
                                                sc_time &delay)
{
    if (phase != tlm::BEGIN_RESP)
        return tlm::TLM_ACCEPTED; // END_REQ
    response_.notify(delay);
    phase = tlm::END_RESP;
    return tlm::TLM_COMPLETED;
}

} // namespace imcsim
