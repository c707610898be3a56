/* tlm/accelerator_dma.h -- the initiator socket of imc_accelerator.h: one burst at a time, by
 * b_transport or by the phases of nb_transport.
 */
#ifndef IMCSIM_ACCELERATOR_DMA_H
#define IMCSIM_ACCELERATOR_DMA_H

#include <cstdint>

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>

namespace imcsim {

class accelerator_dma {
public:
    accelerator_dma(const char *name, bool at);

    /* From a thread, for as long as the burst takes. */
    tlm::tlm_response_status burst(tlm::tlm_command command, uint64_t address, unsigned char *data,
                                   uint32_t n);

    tlm_utils::simple_initiator_socket<accelerator_dma> socket;

private:
    /* Payloads of nb_transport have a counted life. */
    class pool : public tlm::tlm_mm_interface {
        void free(tlm::tlm_generic_payload *trans) override;
    };

    void send(tlm::tlm_generic_payload &trans);
    void send_at(tlm::tlm_generic_payload &trans);
    tlm::tlm_sync_enum nb_backward(tlm::tlm_generic_payload &trans, tlm::tlm_phase &phase,
                                   sc_core::sc_time &delay);

    const bool        at_;
    pool              pool_;
    sc_core::sc_event response_;
};

} // namespace imcsim

#endif
