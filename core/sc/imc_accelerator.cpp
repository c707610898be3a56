/* core/sc/imc_accelerator.cpp -- see imc_accelerator.h.
 *
 * Three processes: `run` steps the chip, timestep by timestep, `transfer` moves images and results,
 * `raise` drives the interrupt. A run has a number; what finds that another has begun, or that it
 * was reset, gives up.
 */
#include "core/sc/imc_accelerator.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <deque>
#include <stdexcept>

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

extern "C" {
#include "arch/chip.h"
#include "dataflow/config.h"
#include "dataflow/network.h"
#include "dataflow/plan.h"
}

namespace imcsim {

using sc_core::sc_time;
using tlm::tlm_generic_payload;

namespace {

constexpr size_t kImagesAhead = 2; // read before they are due

using bytes = std::vector<unsigned char>;

struct chip_deleter {
    void operator()(struct chip *c) const { chip_free(c); }
};
using chip_ptr = std::unique_ptr<struct chip, chip_deleter>;

/* What the configuration says, loaded; the plan points into it. */
struct study {
    struct config  config = {};
    struct network network = {};
    struct plan    plan = {};

    explicit study(const accelerator_cfg &cfg)
    {
        std::vector<const char *> set;
        struct err_msg m;
        for (const std::string &s : cfg.set)
            set.push_back(s.c_str());
        bool good =
            config_load(&config, cfg.config.c_str(), set.data(), set.size(), &m) == ERR_NONE;
        if (good && config.network.onnx[0] == '\0') {
            err_set(&m, ERR_INPUT, "%s: network.onnx: empty: an accelerator wants weights",
                    cfg.config.c_str());
            good = false;
        }
        good = good && network_load_onnx(&network, config.network.onnx, &m) == ERR_NONE &&
               plan_make(&plan, &network, &config, &m) == ERR_NONE;
        if (!good) {
            release();
            throw std::runtime_error(m.text);
        }
    }

    ~study()
    {
        release();
    }

    study(const study &) = delete;
    study &operator=(const study &) = delete;

private:
    void release()
    {
        plan_release(&plan);
        network_release(&network);
        config_release(&config);
    }
};

/* For AT payloads, of which one is under way at a time. */
class payload_pool : public tlm::tlm_mm_interface {
public:
    void free(tlm_generic_payload *trans) override
    {
        trans->reset();
        delete trans;
    }
};

} // namespace

struct imc_accelerator::impl : public sc_core::sc_module {
    SC_HAS_PROCESS(impl);
    impl(const sc_core::sc_module_name &name, imc_accelerator &face, const accelerator_cfg &cfg);

    void b_transport(tlm_generic_payload &trans, sc_time &delay);
    unsigned debug(tlm_generic_payload &trans);
    bool direct(tlm_generic_payload &trans, tlm::tlm_dmi &dmi);
    tlm::tlm_sync_enum nb_backward(tlm_generic_payload &trans, tlm::tlm_phase &phase,
                                   sc_time &delay);

    tlm_utils::simple_target_socket<impl>    registers;
    tlm_utils::simple_initiator_socket<impl> dma;

private:
    using words = std::array<uint32_t, REG_END / 4>;

    /* Registers. */
    words snapshot() const;
    tlm::tlm_response_status check(const tlm_generic_payload &trans) const;
    void read(tlm_generic_payload &trans) const;
    tlm::tlm_response_status write(const tlm_generic_payload &trans);
    tlm::tlm_response_status may_write(uint32_t reg, uint32_t value) const;
    void write_word(uint32_t reg, uint32_t value);
    void begin_run();
    void end_run(uint32_t status, uint32_t cause);

    /* Processes. */
    void run();
    void run_images();
    bool have_image(uint64_t run);
    bool step_chip(uint64_t timestep, uint64_t run);
    void take_results();
    void transfer();
    void read_image();
    void write_result();
    bool move(tlm::tlm_command command, uint64_t address, bytes &data, uint32_t cause);
    tlm::tlm_response_status send(tlm::tlm_command command, uint64_t address, unsigned char *data,
                                  uint32_t n);
    void send_at(tlm_generic_payload &trans);
    void raise();

    uint64_t cycles(const sc_time &t) const
    {
        return t.value() / cycle_.value();
    }
    uint64_t firings() const;

    imc_accelerator &face_;
    accelerator_cfg  cfg_;
    study            study_;
    sc_time          cycle_, timestep_;
    int64_t          due_; // timestep in which the first pixel is stored, after the image's first
    words            constant_ = {}; // of snapshot(); DMI shows the first of it

    uint32_t status_ = 0, irq_enable_ = 0, cause_ = 0, count_ = 0;
    uint64_t source_ = 0, target_ = 0;
    uint64_t run_ = 0; // number of the present run, or the last
    uint64_t cycles_ = 0, run_cycles_ = 0, stall_cycles_ = 0, firings_ = 0, dma_bytes_ = 0;
    sc_time  start_;

    chip_ptr          chip_;
    uint64_t          fetched_ = 0, injected_ = 0, returned_ = 0, finished_ = 0; // images
    std::deque<bytes> images_, results_;

    payload_pool      pool_;
    sc_core::sc_event changed_; // registers, queues: whoever waits looks again
    sc_core::sc_event ended_;   // the run
    sc_core::sc_event response_, irq_changed_;
};

/* ---- the face ---- */

imc_accelerator::imc_accelerator(const sc_core::sc_module_name &name, const accelerator_cfg &cfg)
    : sc_module(name), impl_(std::make_unique<impl>("impl", *this, cfg)),
      registers(impl_->registers), dma(impl_->dma), irq("irq")
{
}

imc_accelerator::~imc_accelerator() = default;

imc_accelerator::impl::impl(const sc_core::sc_module_name &name, imc_accelerator &face,
                            const accelerator_cfg &cfg)
    : sc_module(name), registers("registers"), dma("dma"), face_(face), cfg_(cfg), study_(cfg)
{
    const struct plan &p = study_.plan;
    const struct shape &in = study_.network.layer[0].out;

    if (cfg_.burst_bytes == 0)
        throw std::runtime_error("burst_bytes = 0: want at least 1");
    cycle_ = sc_time(1.0 / study_.config.clock_mhz, sc_core::SC_US);
    timestep_ = cycle_ * static_cast<double>(p.timestep_clk);
    due_ = p.image_feed[0].stored[0];
    for (uint32_t i = 1; i < p.n_image_feed; i++)
        due_ = std::min(due_, p.image_feed[i].stored[0]);
    constant_[REG_ID / 4] = ID_VALUE;
    constant_[REG_VERSION / 4] = VERSION_VALUE;
    constant_[REG_IMAGE_BYTES / 4] = in.height * in.width * in.channels;
    constant_[REG_RESULT_BYTES / 4] = 4 * layer_delivers(network_result(&study_.network)).channels;
    constant_[REG_INTERVAL / 4] = static_cast<uint32_t>(p.interval * p.timestep_clk);
    constant_[REG_LATENCY / 4] = static_cast<uint32_t>((p.lead + p.first_result) * p.timestep_clk);
    constant_[REG_CLOCK_MHZ / 4] = study_.config.clock_mhz;
    constant_[REG_CORES / 4] = p.n_core;

    registers.register_b_transport(this, &impl::b_transport);
    registers.register_transport_dbg(this, &impl::debug);
    registers.register_get_direct_mem_ptr(this, &impl::direct);
    dma.register_nb_transport_bw(this, &impl::nb_backward);
    SC_THREAD(run);
    SC_THREAD(transfer);
    SC_METHOD(raise);
    sensitive << irq_changed_;
}

/* ---- registers ---- */

imc_accelerator::impl::words imc_accelerator::impl::snapshot() const
{
    words w = constant_;
    const bool busy = status_ & STATUS_BUSY;
    const auto put = [&w](uint32_t reg, uint64_t value) {
        w[reg / 4] = static_cast<uint32_t>(value);
        w[reg / 4 + 1] = static_cast<uint32_t>(value >> 32);
    };

    w[REG_STATUS / 4] = status_;
    w[REG_IRQ_ENABLE / 4] = irq_enable_;
    w[REG_COUNT / 4] = count_;
    put(REG_SOURCE, source_);
    put(REG_TARGET, target_);
    w[REG_FINISHED / 4] = static_cast<uint32_t>(finished_);
    w[REG_CAUSE / 4] = cause_;
    put(REG_CYCLES, busy ? cycles(sc_core::sc_time_stamp() - start_) : cycles_);
    put(REG_RUN_CYCLES, run_cycles_);
    put(REG_STALL_CYCLES, stall_cycles_);
    put(REG_FIRINGS, firings());
    put(REG_DMA_BYTES, dma_bytes_);
    return w;
}

uint64_t imc_accelerator::impl::firings() const
{
    uint64_t n = 0;

    if (!chip_)
        return firings_;
    for (uint32_t i = 0; i < study_.plan.n_core; i++)
        n += chip_core(chip_.get(), i)->counters.firings;
    return n;
}

/* What is wrong with a transaction as such. */
tlm::tlm_response_status imc_accelerator::impl::check(const tlm_generic_payload &trans) const
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

void imc_accelerator::impl::read(tlm_generic_payload &trans) const
{
    const words w = snapshot();

    for (uint64_t i = 0; i < trans.get_data_length(); i++) {
        const uint64_t at = trans.get_address() + i;
        if (enabled(trans, i))
            trans.get_data_ptr()[i] = static_cast<unsigned char>(w[at / 4] >> 8 * (at % 4));
    }
}

/* Bytes that are not written keep their value, but for bits that act when 1 is written. */
tlm::tlm_response_status imc_accelerator::impl::write(const tlm_generic_payload &trans)
{
    words w = snapshot();
    std::array<bool, REG_END / 4> written = {};

    w[REG_CONTROL / 4] = w[REG_STATUS / 4] = 0;
    for (uint64_t i = 0; i < trans.get_data_length(); i++) {
        const uint64_t at = trans.get_address() + i;
        const unsigned shift = 8 * (at % 4);
        if (!enabled(trans, i))
            continue;
        w[at / 4] = (w[at / 4] & ~(UINT32_C(0xff) << shift)) |
                    static_cast<uint32_t>(trans.get_data_ptr()[i]) << shift;
        written[at / 4] = true;
    }
    for (uint32_t i = 0; i < w.size(); i++) {
        const tlm::tlm_response_status s = written[i] ? may_write(4 * i, w[i])
                                                      : tlm::TLM_OK_RESPONSE;
        if (s != tlm::TLM_OK_RESPONSE)
            return s; // nothing has been written
    }
    for (uint32_t i = 0; i < w.size(); i++)
        if (written[i])
            write_word(4 * i, w[i]);
    return tlm::TLM_OK_RESPONSE;
}

tlm::tlm_response_status imc_accelerator::impl::may_write(uint32_t reg, uint32_t value) const
{
    const bool busy = status_ & STATUS_BUSY;
    const bool start = value & CONTROL_START, reset = value & CONTROL_RESET;

    if (reg < REG_CONTROL || reg >= REG_FINISHED)
        return tlm::TLM_COMMAND_ERROR_RESPONSE;
    if (reg == REG_CONTROL && start && (busy || reset || count_ == 0))
        return tlm::TLM_GENERIC_ERROR_RESPONSE;
    if (reg >= REG_COUNT && busy)
        return tlm::TLM_GENERIC_ERROR_RESPONSE;
    return tlm::TLM_OK_RESPONSE;
}

static uint64_t with_half(uint64_t whole, bool high, uint32_t half)
{
    return high ? (whole & UINT32_MAX) | static_cast<uint64_t>(half) << 32
                : (whole & ~static_cast<uint64_t>(UINT32_MAX)) | half;
}

void imc_accelerator::impl::write_word(uint32_t reg, uint32_t value)
{
    switch (reg) {
    case REG_CONTROL:
        if (value & CONTROL_RESET)
            end_run(0, 0);
        if (value & CONTROL_START)
            begin_run();
        break;
    case REG_STATUS:
        status_ &= ~(value & (STATUS_DONE | STATUS_ERROR));
        break;
    case REG_IRQ_ENABLE:
        irq_enable_ = value & (STATUS_DONE | STATUS_ERROR);
        break;
    case REG_COUNT:
        count_ = value;
        break;
    case REG_SOURCE:
    case REG_SOURCE + 4:
        source_ = with_half(source_, reg > REG_SOURCE, value);
        break;
    default:
        target_ = with_half(target_, reg > REG_TARGET, value);
    }
    irq_changed_.notify(sc_core::SC_ZERO_TIME);
}

void imc_accelerator::impl::begin_run()
{
    run_++;
    status_ = STATUS_BUSY;
    cause_ = 0;
    cycles_ = run_cycles_ = stall_cycles_ = firings_ = dma_bytes_ = 0;
    fetched_ = injected_ = returned_ = finished_ = 0;
    images_.clear();
    results_.clear();
    start_ = sc_core::sc_time_stamp();
    changed_.notify(sc_core::SC_ZERO_TIME);
}

/* Of a run that is done or failed, and of a reset, which leaves nothing set. */
void imc_accelerator::impl::end_run(uint32_t status, uint32_t cause)
{
    firings_ = firings();
    if (status_ & STATUS_BUSY)
        cycles_ = cycles(sc_core::sc_time_stamp() - start_);
    run_++;
    status_ = status;
    cause_ = cause;
    chip_.reset();
    ended_.notify(sc_core::SC_ZERO_TIME);
    irq_changed_.notify(sc_core::SC_ZERO_TIME);
}

void imc_accelerator::impl::raise()
{
    face_.irq.write((status_ & irq_enable_) != 0);
}

/* ---- target socket ---- */

void imc_accelerator::impl::b_transport(tlm_generic_payload &trans, sc_time &delay)
{
    tlm::tlm_response_status status = check(trans);

    delay += cycle_ * static_cast<double>((trans.get_data_length() + 3) / 4);
    trans.set_dmi_allowed(false);
    if (status == tlm::TLM_OK_RESPONSE && trans.is_read()) {
        read(trans);
        trans.set_dmi_allowed(trans.get_address() + trans.get_data_length() <= DMI_END);
    } else if (status == tlm::TLM_OK_RESPONSE && trans.is_write()) {
        wait(delay); // what is written acts when it arrives
        delay = sc_core::SC_ZERO_TIME;
        status = write(trans);
    }
    trans.set_response_status(status);
}

unsigned imc_accelerator::impl::debug(tlm_generic_payload &trans)
{
    const words w = snapshot();
    unsigned n = 0;

    for (; trans.is_read() && n < trans.get_data_length(); n++) {
        const uint64_t at = trans.get_address() + n;
        if (at >= REG_END)
            break;
        trans.get_data_ptr()[n] = static_cast<unsigned char>(w[at / 4] >> 8 * (at % 4));
    }
    return n;
}

bool imc_accelerator::impl::direct(tlm_generic_payload &trans, tlm::tlm_dmi &dmi)
{
    const bool granted = trans.is_read() && trans.get_address() < DMI_END;

    dmi.init();
    dmi.set_start_address(granted ? 0 : trans.get_address());
    dmi.set_end_address(granted ? DMI_END - 1 : trans.get_address());
    if (!granted)
        return false;
    dmi.set_dmi_ptr(reinterpret_cast<unsigned char *>(constant_.data()));
    dmi.set_read_latency(cycle_ * 0.25); // of a byte
    dmi.allow_read();
    return true;
}

/* ---- the chip ---- */

void imc_accelerator::impl::run()
{
    for (uint64_t ran = 0;;) {
        while (!(status_ & STATUS_BUSY) || ran == run_)
            wait(changed_);
        ran = run_;
        run_images();
    }
}

void imc_accelerator::impl::run_images()
{
    const uint64_t run = run_;
    struct chip_cfg cfg = {};

    cfg.plan = &study_.plan;
    cfg.values = true;
    cfg.kernel = KERNEL_NATIVE;
    cfg.mode = KERNEL_SKIP_IDLE;
    chip_.reset(chip_new(&cfg));
    if (!chip_)
        end_run(STATUS_ERROR, CAUSE_CHIP);
    for (uint64_t t = 0; run == run_ && returned_ < count_; t++)
        if (!step_chip(t, run))
            return;
}

/* Waits for the image that is due; the chip stands still meanwhile, in whole timesteps. It has not
 * begun before the first. False when the run ended. */
bool imc_accelerator::impl::have_image(uint64_t run)
{
    const sc_time begin = sc_core::sc_time_stamp();

    while (images_.empty()) {
        wait(changed_ | ended_);
        if (run != run_)
            return false;
    }
    const uint64_t lost = (sc_core::sc_time_stamp() - begin).value(), whole = timestep_.value();
    if (injected_ == 0 || lost == 0)
        return true;
    const uint64_t timesteps = (lost + whole - 1) / whole;
    stall_cycles_ += timesteps * study_.plan.timestep_clk;
    if (timesteps * whole > lost)
        wait(sc_time::from_value(timesteps * whole - lost), ended_);
    return run == run_;
}

/* One timestep of the chip's clock. False when the run ended. */
bool imc_accelerator::impl::step_chip(uint64_t timestep, uint64_t run)
{
    const struct plan &p = study_.plan;
    const int64_t at = static_cast<int64_t>(timestep) - static_cast<int64_t>(p.lead);
    struct err_msg m;

    while (injected_ < count_ && static_cast<int64_t>(injected_ * p.interval) + due_ - 1 <= at) {
        if (!have_image(run))
            return false;
        const bool in = chip_inject(chip_.get(),
                                    reinterpret_cast<const int8_t *>(images_.front().data()));
        assert(in);
        (void)in;
        images_.pop_front();
        injected_++;
        changed_.notify(sc_core::SC_ZERO_TIME);
    }
    if (chip_run(chip_.get(), at, &m) != ERR_NONE) {
        end_run(STATUS_ERROR, CAUSE_CHIP);
        return false;
    }
    wait(timestep_, ended_);
    if (run != run_)
        return false;
    run_cycles_ += p.timestep_clk;
    take_results();
    return true;
}

void imc_accelerator::impl::take_results()
{
    struct chip_result r;

    while (chip_result(chip_.get(), &r)) {
        bytes b;
        for (uint32_t i = 0; i < constant_[REG_RESULT_BYTES / 4]; i++)
            b.push_back(static_cast<unsigned char>(static_cast<uint32_t>(r.value[i / 4]) >>
                                                   8 * (i % 4)));
        results_.push_back(b);
        returned_++;
        changed_.notify(sc_core::SC_ZERO_TIME);
    }
}

/* ---- DMA ---- */

void imc_accelerator::impl::transfer()
{
    for (;;) {
        const bool busy = status_ & STATUS_BUSY;
        if (busy && !results_.empty())
            write_result();
        else if (busy && fetched_ < count_ && images_.size() < kImagesAhead)
            read_image();
        else
            wait(changed_);
    }
}

void imc_accelerator::impl::read_image()
{
    bytes data(constant_[REG_IMAGE_BYTES / 4]);

    if (!move(tlm::TLM_READ_COMMAND, source_ + fetched_ * data.size(), data, CAUSE_READ))
        return;
    fetched_++;
    images_.push_back(data);
    changed_.notify(sc_core::SC_ZERO_TIME);
}

void imc_accelerator::impl::write_result()
{
    bytes data = results_.front();

    results_.pop_front();
    if (!move(tlm::TLM_WRITE_COMMAND, target_ + finished_ * data.size(), data, CAUSE_WRITE))
        return;
    if (++finished_ == count_)
        end_run(STATUS_DONE, 0);
}

/* In bursts. False when the run ended, of itself or because a burst was refused. */
bool imc_accelerator::impl::move(tlm::tlm_command command, uint64_t address, bytes &data,
                                 uint32_t cause)
{
    const uint64_t run = run_;

    for (size_t at = 0; at < data.size(); at += cfg_.burst_bytes) {
        const uint32_t n =
            static_cast<uint32_t>(std::min<size_t>(cfg_.burst_bytes, data.size() - at));
        const tlm::tlm_response_status s = send(command, address + at, data.data() + at, n);
        if (run != run_)
            return false;
        if (s != tlm::TLM_OK_RESPONSE) {
            end_run(STATUS_ERROR, cause);
            return false;
        }
        dma_bytes_ += n;
    }
    return true;
}

tlm::tlm_response_status imc_accelerator::impl::send(tlm::tlm_command command, uint64_t address,
                                                     unsigned char *data, uint32_t n)
{
    tlm_generic_payload *trans = new tlm_generic_payload(&pool_);
    sc_time delay = sc_core::SC_ZERO_TIME;

    trans->acquire();
    trans->set_command(command);
    trans->set_address(address);
    trans->set_data_ptr(data);
    trans->set_data_length(n);
    trans->set_streaming_width(n);
    trans->set_byte_enable_ptr(nullptr);
    trans->set_dmi_allowed(false);
    trans->set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    if (cfg_.at) {
        send_at(*trans);
    } else {
        dma->b_transport(*trans, delay);
        wait(delay);
    }
    const tlm::tlm_response_status s = trans->get_response_status();
    trans->release();
    return s;
}

/* The four phases of the base protocol, any of which the target may skip. */
void imc_accelerator::impl::send_at(tlm_generic_payload &trans)
{
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_time delay = sc_core::SC_ZERO_TIME;
    const tlm::tlm_sync_enum sync = dma->nb_transport_fw(trans, phase, delay);

    if (sync == tlm::TLM_COMPLETED) {
        wait(delay);
    } else if (sync == tlm::TLM_UPDATED && phase == tlm::BEGIN_RESP) {
        wait(delay);
        phase = tlm::END_RESP;
        delay = sc_core::SC_ZERO_TIME;
        dma->nb_transport_fw(trans, phase, delay);
    } else {
        wait(response_);
    }
}

tlm::tlm_sync_enum imc_accelerator::impl::nb_backward(tlm_generic_payload &, tlm::tlm_phase &phase,
                                                      sc_time &delay)
{
    if (phase != tlm::BEGIN_RESP)
        return tlm::TLM_ACCEPTED; // END_REQ
    response_.notify(delay);
    phase = tlm::END_RESP;
    return tlm::TLM_COMPLETED;
}

} // namespace imcsim
