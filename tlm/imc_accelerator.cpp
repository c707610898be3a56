/* tlm/imc_accelerator.cpp -- see imc_accelerator.h.
 *
 * Three processes: `run` steps the chip, timestep by timestep or from one clock in which something
 * is due to the next, `transfer` moves images and results, `raise` drives the interrupt. A run has
 * a number; what finds that another has begun, or that it was reset, gives up.
 */
#include "tlm/imc_accelerator.h"

#include <algorithm>
#include <cassert>
#include <deque>
#include <stdexcept>

#include <tlm_utils/simple_target_socket.h>

#include "tlm/accelerator_dma.h"
#include "tlm/accelerator_elastic.h"
#include "tlm/accelerator_registers.h"
#include "tlm/accelerator_trace.h"

extern "C" {
#include "arch/chip.h"
#include "network/precision.h"
#include "study/calibrate.h"
#include "study/inputs.h"
#include "study/place.h"
#include "study/pricing.h"
#include "study/study.h"
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

/* What the configuration says, as every face reads it; the plan points into it. */
class loaded {
public:
    struct study      study = {};
    struct chip_model costs = {}; // where energy.chip names some
    struct ranges     ranges = {}; // of calibrated converters
    struct placed     placed = {}; // on a fabric that has places

    explicit loaded(const accelerator_cfg &cfg)
    {
        std::vector<const char *> set;
        struct err_msg m;
        for (const std::string &s : cfg.set)
            set.push_back(s.c_str());
        enum err e = study_load_network(&study, cfg.config.c_str(), set.data(), set.size(), &m);
        if (!e && !study.network.has_values) {
            e = err_set(&m, ERR_INPUT, "%s: network.onnx: empty: an accelerator wants weights",
                        cfg.config.c_str());
            study_release(&study);
        } else if (!e && network_is_wide(&study.network)) {
            e = err_set(&m, ERR_INPUT, "%s: network.onnx: values or weights of more than 8 bits: "
                        "want a network of bytes", cfg.config.c_str());
            study_release(&study);
        }
        if (!e)
            e = is_elastic() ? study_plan_any(&study, &m) : study_plan(&study, &m);
        if (!e && priced() && (e = pricing_load(&costs, &study.config, &study.network, &m)))
            study_release(&study);
        if (!e && calibrate_wanted(&study.plan) && (e = measure(&m)))
            study_release(&study);
        if (!e && is_elastic() && (e = place(cfg, &m)))
            release();
        if (e)
            throw std::runtime_error(m.text);
    }

    bool priced() const
    {
        return pricing_wanted(&study.config);
    }

    bool is_elastic() const
    {
        return config_clocking(&study.config) == CLOCKING_ELASTIC;
    }

    const struct elastic_places *places() const
    {
        return places_.graph ? &places_ : nullptr;
    }

    ~loaded()
    {
        release();
    }

    loaded(const loaded &) = delete;
    loaded &operator=(const loaded &) = delete;

private:
    /* Before any image is known. */
    enum err measure(struct err_msg *m)
    {
        struct run_cfg cfg = {};

        cfg.jobs = 1;
        return calibrate(&ranges, &study.plan, &cfg, m);
    }

    /* Under elastic clocking values are computed beside the chip, layer by layer. */
    enum err place(const accelerator_cfg &cfg, struct err_msg *m)
    {
        if (network_is_spiking(&study.network) || !run_computes_layers(&study.plan, &ranges))
            return err_set(m, ERR_INPUT, "%.400s: clocking.kind = elastic: values are computed "
                           "layer by layer and exactly: want no network of neurons and converters "
                           "that cannot clip, or clocking.kind = timestep", cfg.config.c_str());
        if (!study_is_placed(&study))
            return ERR_NONE;
        enum err e = study_place(&placed, &study, nullptr, nullptr, m);
        places_ = { &placed.graph, placed.placement.node };
        return e;
    }

    void release()
    {
        placed_release(&placed);
        ranges_release(&ranges);
        study_release(&study);
    }

    struct elastic_places places_ = {};
};

} // namespace

struct imc_accelerator::impl : public sc_core::sc_module {
    SC_HAS_PROCESS(impl);
    impl(const sc_core::sc_module_name &name, imc_accelerator &face, const accelerator_cfg &cfg);

    void add_to(sc_core::sc_trace_file *file, const std::string &name);

    tlm_utils::simple_target_socket<impl> registers;
    accelerator_dma                       dma;

private:
    /* Target socket. */
    void b_transport(tlm_generic_payload &trans, sc_time &delay);
    unsigned debug(tlm_generic_payload &trans);
    bool direct(tlm_generic_payload &trans, tlm::tlm_dmi &dmi);
    void count_cycles();
    void begin_run();
    void end_run(uint32_t status, uint32_t cause);

    /* Processes. */
    void run();
    void run_images();
    void run_elastic();
    void give_images();
    bool have_image(uint64_t run);
    bool step_chip(uint64_t timestep, uint64_t run);
    void take_results();
    void put_result(const int64_t *value);
    void measure_timesteps();
    void measure_elastic();
    void price_run();
    void price_elastic();
    void put_energy(const struct price_report &report);
    void transfer();
    void read_image();
    void write_result();
    bool move(tlm::tlm_command command, uint64_t address, bytes &data, uint32_t cause);
    void raise();

    imc_accelerator &face_;
    accelerator_cfg  cfg_;
    loaded           loaded_;
    const study     &study_ = loaded_.study;
    sc_time          cycle_, timestep_;
    int64_t          due_ = 0; // timestep after an image's first in which its first pixel is stored

    accelerator_registers regs_;
    uint64_t              run_ = 0; // number of the present run, or the last
    sc_time               start_;

    chip_ptr          chip_; // of timesteps, or
    std::unique_ptr<accelerator_elastic> elastic_;
    sc_time           elastic_start_; // of its clock 0
    uint64_t          given_ = 0;     // images that it knows to be there
    uint64_t          fetched_ = 0, injected_ = 0, returned_ = 0, finished_ = 0; // images
    uint64_t          elapsed_ = 0; // timesteps of the chip to its latest result
    std::deque<bytes> images_, results_;
    accelerator_trace trace_;

    sc_core::sc_event changed_; // registers, queues: whoever waits looks again
    sc_core::sc_event ended_;   // the run
    sc_core::sc_event irq_changed_;
};

/* ---- the face ---- */

imc_accelerator::imc_accelerator(const sc_core::sc_module_name &name, const accelerator_cfg &cfg)
    : sc_module(name), impl_(std::make_unique<impl>("impl", *this, cfg)),
      registers(impl_->registers), dma(impl_->dma.socket), irq("irq")
{
}

imc_accelerator::~imc_accelerator() = default;

void sc_trace(sc_core::sc_trace_file *file, const imc_accelerator &a, const std::string &name)
{
    a.impl_->add_to(file, name);
}

/* A clock period, which the simulation may be too coarse for. */
static sc_time period(uint32_t clock_mhz)
{
    const sc_time cycle(1.0 / clock_mhz, sc_core::SC_US);

    if (cycle == sc_core::SC_ZERO_TIME)
        throw std::runtime_error("clock_mhz = " + std::to_string(clock_mhz) +
                                 ": a cycle is less than the simulation's time resolution: want a "
                                 "slower clock, or sc_set_time_resolution()");
    return cycle;
}

imc_accelerator::impl::impl(const sc_core::sc_module_name &name, imc_accelerator &face,
                            const accelerator_cfg &cfg)
    : sc_module(name), registers("registers"), dma("dma", cfg.at), face_(face), cfg_(cfg),
      loaded_(cfg), cycle_(period(study_.config.clock_mhz)), trace_("trace", study_.plan, cycle_)
{
    const struct plan &p = study_.plan;
    const struct shape &in = study_.network.layer[0].out;

    if (cfg_.burst_bytes == 0)
        throw std::runtime_error("burst_bytes = 0: want at least 1");
    regs_.put(REG_ID, ID_VALUE);
    regs_.put(REG_VERSION, VERSION_VALUE);
    regs_.put(REG_IMAGE_BYTES, in.height * in.width * in.channels);
    regs_.put(REG_RESULT_BYTES, 4 * layer_delivers(network_result(&study_.network)).channels);
    if (loaded_.is_elastic())
        measure_elastic();
    else
        measure_timesteps();
    regs_.put(REG_CLOCK_MHZ, study_.config.clock_mhz);
    regs_.put(REG_CORES, p.n_core);

    registers.register_b_transport(this, &impl::b_transport);
    registers.register_transport_dbg(this, &impl::debug);
    registers.register_get_direct_mem_ptr(this, &impl::direct);
    SC_THREAD(run);
    SC_THREAD(transfer);
    SC_METHOD(raise);
    sensitive << irq_changed_;
}

/* When images are due, and when results come, of timesteps. */
void imc_accelerator::impl::measure_timesteps()
{
    const struct plan &p = study_.plan;

    timestep_ = cycle_ * static_cast<double>(p.timestep_clk);
    due_ = p.time.image_feed[0].stored[0];
    for (uint32_t i = 1; i < p.n_image_feed; i++)
        due_ = std::min(due_, p.time.image_feed[i].stored[0]);
    regs_.put(REG_INTERVAL, static_cast<uint32_t>(p.interval * p.timestep_clk));
    regs_.put(REG_LATENCY,
              static_cast<uint32_t>((p.time.lead + p.time.first_result) * p.timestep_clk));
}

/* Elastic clocking has no timetable: as many images as a batch has are run, which says at once
 * whether the chip would stand still. */
void imc_accelerator::impl::measure_elastic()
{
    struct elastic_cfg_run cfg = {};
    struct elastic_result r;
    struct err_msg m;
    uint64_t clocks = 0, images = 1;

    cfg.places = loaded_.places();
    cfg.n_image = std::max<uint64_t>(study_.config.batch, RUN_ELASTIC_IMAGES);
    if (::elastic_run(&study_.plan, &cfg, &r, &m) != ERR_NONE)
        throw std::runtime_error(m.text);
    elastic_interval(&study_.plan, &r, &clocks, &images);
    regs_.put(REG_INTERVAL, static_cast<uint32_t>((clocks + images / 2) / images));
    regs_.put(REG_LATENCY, static_cast<uint32_t>(r.result_clk[0] + 1));
    elastic_result_release(&r);
}

void imc_accelerator::impl::add_to(sc_core::sc_trace_file *file, const std::string &name)
{
    sc_core::sc_trace(file, regs_.word(REG_STATUS), name + ".status");
    sc_core::sc_trace(file, face_.irq, name + ".irq");
    if (!loaded_.is_elastic())
        trace_.add_to(file, name);
}

/* ---- target socket ---- */

void imc_accelerator::impl::b_transport(tlm_generic_payload &trans, sc_time &delay)
{
    tlm::tlm_response_status status = regs_.check(trans);
    uint32_t control = 0;

    trans.set_dmi_allowed(false);
    if (status != tlm::TLM_OK_RESPONSE) {
        delay += cycle_;
    } else {
        delay += cycle_ * static_cast<double>((trans.get_data_length() + 3) / 4);
        count_cycles();
        if (trans.is_read()) {
            regs_.read(trans);
            trans.set_dmi_allowed(trans.get_address() + trans.get_data_length() <= DMI_END);
        } else if (trans.is_write()) {
            wait(delay); // what is written acts when it arrives
            delay = sc_core::SC_ZERO_TIME;
            status = regs_.write(trans, &control);
        }
    }
    if (control & CONTROL_RESET)
        end_run(0, 0);
    if (control & CONTROL_START)
        begin_run();
    irq_changed_.notify(sc_core::SC_ZERO_TIME);
    trans.set_response_status(status);
}

unsigned imc_accelerator::impl::debug(tlm_generic_payload &trans)
{
    count_cycles();
    return regs_.debug(trans);
}

bool imc_accelerator::impl::direct(tlm_generic_payload &trans, tlm::tlm_dmi &dmi)
{
    const bool granted = trans.is_read() && trans.get_address() < DMI_END;

    dmi.init();
    dmi.set_start_address(granted ? 0 : trans.get_address());
    dmi.set_end_address(granted ? DMI_END - 1 : trans.get_address());
    if (!granted)
        return false;
    dmi.set_dmi_ptr(regs_.constants());
    dmi.set_read_latency(cycle_ * 0.25); // of a byte
    dmi.allow_read();
    return true;
}

/* Brings what grows without an event of its own up to date. */
void imc_accelerator::impl::count_cycles()
{
    uint64_t firings = 0;

    if (!regs_.busy())
        return;
    regs_.put64(REG_CYCLES, (sc_core::sc_time_stamp() - start_).value() / cycle_.value());
    for (uint32_t i = 0; chip_ && i < study_.plan.n_core; i++)
        firings += chip_counters(chip_.get(), i)->firings;
    if (elastic_)
        firings = elastic_->firings();
    regs_.put64(REG_FIRINGS, firings);
}

void imc_accelerator::impl::begin_run()
{
    run_++;
    regs_.put(REG_STATUS, STATUS_BUSY);
    for (uint32_t reg = REG_FINISHED; reg < REG_END; reg += 4)
        regs_.put(reg, 0);
    fetched_ = given_ = injected_ = returned_ = finished_ = 0;
    images_.clear();
    results_.clear();
    start_ = sc_core::sc_time_stamp();
    changed_.notify(sc_core::SC_ZERO_TIME);
}

/* Of a run that is done or failed, and of a reset, which leaves nothing set. */
void imc_accelerator::impl::end_run(uint32_t status, uint32_t cause)
{
    count_cycles();
    if (status == STATUS_DONE && loaded_.priced())
        elastic_ ? price_elastic() : price_run();
    run_++;
    regs_.put(REG_STATUS, status);
    regs_.put(REG_CAUSE, cause);
    chip_.reset();
    elastic_.reset();
    trace_.end_run();
    ended_.notify(sc_core::SC_ZERO_TIME);
    irq_changed_.notify(sc_core::SC_ZERO_TIME);
}

void imc_accelerator::impl::raise()
{
    face_.irq.write((regs_.get(REG_STATUS) & regs_.get(REG_IRQ_ENABLE)) != 0);
}

/* ---- the chip ---- */

void imc_accelerator::impl::run()
{
    for (uint64_t ran = 0;;) {
        while (!regs_.busy() || ran == run_)
            wait(changed_);
        ran = run_;
        if (loaded_.is_elastic())
            run_elastic();
        else
            run_images();
    }
}

void imc_accelerator::impl::run_images()
{
    const uint64_t run = run_;
    struct chip_cfg cfg = {};

    cfg.plan = &study_.plan;
    cfg.ranges = &loaded_.ranges;
    cfg.planes.n = 1;
    cfg.kernel = KERNEL_NATIVE;
    cfg.mode = KERNEL_SKIP_IDLE;
    cfg.probe = trace_.begin_run();
    chip_.reset(chip_new(&cfg));
    if (!chip_)
        end_run(STATUS_ERROR, CAUSE_CHIP);
    for (uint64_t t = 0; run == run_ && returned_ < regs_.get(REG_COUNT); t++)
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
    regs_.add64(REG_STALL_CYCLES, timesteps * study_.plan.timestep_clk);
    if (timesteps * whole > lost)
        wait(sc_time::from_value(timesteps * whole - lost), ended_);
    return run == run_;
}

/* One timestep of the chip's clock. False when the run ended. */
bool imc_accelerator::impl::step_chip(uint64_t timestep, uint64_t run)
{
    const struct plan &p = study_.plan;
    const int64_t at = static_cast<int64_t>(timestep) - static_cast<int64_t>(p.time.lead);
    struct err_msg m;

    while (injected_ < regs_.get(REG_COUNT) &&
           static_cast<int64_t>(injected_ * p.interval) + due_ - 1 <= at) {
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
    trace_.play_timestep(timestep * p.timestep_clk);
    wait(timestep_, ended_);
    if (run != run_)
        return false;
    regs_.add64(REG_RUN_CYCLES, p.timestep_clk);
    take_results();
    return true;
}

void imc_accelerator::impl::take_results()
{
    struct chip_result r;

    while (chip_result(chip_.get(), &r)) {
        put_result(r.value);
        elapsed_ = static_cast<uint64_t>(r.timestep + 1);
    }
}

void imc_accelerator::impl::put_result(const int64_t *value)
{
    bytes b;

    for (uint32_t i = 0; i < regs_.get(REG_RESULT_BYTES); i++)
        b.push_back(static_cast<unsigned char>(static_cast<uint32_t>(value[i / 4]) >> 8 * (i % 4)));
    results_.push_back(b);
    returned_++;
    changed_.notify(sc_core::SC_ZERO_TIME);
}

/* ---- the chip under elastic clocking ---- */

/* Tells it of images that have been read, each from the next clock that begins. */
void imc_accelerator::impl::give_images()
{
    const uint64_t since = (sc_core::sc_time_stamp() - elastic_start_).value();
    const uint64_t clk = (since + cycle_.value() - 1) / cycle_.value();

    for (; given_ < fetched_; given_++)
        elastic_->give(clk, images_[given_ - injected_]);
}

/* A clock is run when it is over. An image leaves the queue when the chip takes its first pixel. */
void imc_accelerator::impl::run_elastic()
{
    const uint64_t run = run_;
    accelerator_elastic::scores values;
    bool goes_on = true;

    while (images_.empty() && run == run_)
        wait(changed_ | ended_);
    if (run != run_)
        return;
    elastic_ = std::make_unique<accelerator_elastic>(study_, loaded_.places(), loaded_.ranges,
                                                     regs_.get(REG_COUNT));
    elastic_start_ = sc_core::sc_time_stamp();
    while (goes_on && returned_ < regs_.get(REG_COUNT)) {
        give_images();
        const uint64_t next = elastic_->next();
        if (next == CYC_NEVER)
            wait(changed_ | ended_);
        else
            wait(elastic_start_ + cycle_ * static_cast<double>(next + 1) -
                     sc_core::sc_time_stamp(), changed_ | ended_);
        if (run != run_)
            return;
        const uint64_t clocks =
            (sc_core::sc_time_stamp() - elastic_start_).value() / cycle_.value();
        goes_on = clocks == 0 || elastic_->run(clocks - 1);
        regs_.put64(REG_RUN_CYCLES, clocks);
        for (; injected_ < elastic_->begun(); injected_++) {
            images_.pop_front();
            changed_.notify(sc_core::SC_ZERO_TIME);
        }
        while (elastic_->take(values))
            put_result(values.data());
        goes_on = goes_on && (elastic_->next() != CYC_NEVER || given_ == injected_);
    }
    if (!goes_on)
        end_run(STATUS_ERROR, CAUSE_CHIP);
}

void imc_accelerator::impl::price_elastic()
{
    struct run_result r;
    struct price_report report;
    struct err_msg m;

    if (!elastic_->end(r))
        return;
    if (pricing_by(&report, &loaded_.costs, &study_, &r, PRICE_AS_IT_WAS, &m) == ERR_NONE)
        put_energy(report);
    price_report_release(&report);
    run_result_release(&r);
}

void imc_accelerator::impl::put_energy(const struct price_report &report)
{
    regs_.put64(REG_ENERGY, static_cast<uint64_t>(price_row_energy_pj(&report.total) +
                                                  price_row_leakage_pj(&report.total)));
}

/* What the images cost, as the command has it: with what comes of the last ones after their
 * results. */
void imc_accelerator::impl::price_run()
{
    const struct plan &p = study_.plan;
    std::vector<struct core_counters> core;
    std::vector<uint64_t> bits;
    struct price_report report;
    struct err_msg m;

    if (chip_run(chip_.get(), INT64_MAX / p.timestep_clk / 2, &m) != ERR_NONE)
        return;
    for (uint32_t i = 0; i < p.n_core; i++)
        core.push_back(*chip_counters(chip_.get(), i));
    for (uint32_t i = 0; i < p.n_stream; i++)
        bits.push_back(chip_stream_bits(chip_.get(), i));
    const struct price_run run = { core.data(), bits.data(), returned_, elapsed_, p.interval,
                                   p.config->chip_cores - p.n_core, true, 0, nullptr };
    if (price(&loaded_.costs, &p, &run, &report, &m) == ERR_NONE)
        put_energy(report);
    price_report_release(&report);
}

/* ---- DMA ---- */

void imc_accelerator::impl::transfer()
{
    for (;;) {
        const bool busy = regs_.busy();
        if (busy && !results_.empty())
            write_result();
        else if (busy && fetched_ < regs_.get(REG_COUNT) && images_.size() < kImagesAhead)
            read_image();
        else
            wait(changed_);
    }
}

void imc_accelerator::impl::read_image()
{
    bytes data(regs_.get(REG_IMAGE_BYTES));
    const uint64_t address = regs_.get64(REG_SOURCE) + fetched_ * data.size();

    if (!move(tlm::TLM_READ_COMMAND, address, data, CAUSE_READ))
        return;
    fetched_++;
    struct pixel_map map;
    struct err_msg m;
    if (inputs_are_cut(&study_.network) &&
        !inputs_pixel_map(&map, &study_.network, nullptr, nullptr, &m))
        for (unsigned char &b : data)
            b = static_cast<unsigned char>(map.byte[0][b] ^ 0x80);
    images_.push_back(data);
    changed_.notify(sc_core::SC_ZERO_TIME);
}

void imc_accelerator::impl::write_result()
{
    bytes data = results_.front();
    const uint64_t address = regs_.get64(REG_TARGET) + finished_ * data.size();

    results_.pop_front();
    if (!move(tlm::TLM_WRITE_COMMAND, address, data, CAUSE_WRITE))
        return;
    regs_.put(REG_FINISHED, static_cast<uint32_t>(++finished_));
    if (finished_ == regs_.get(REG_COUNT))
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
        const tlm::tlm_response_status s = dma.burst(command, address + at, data.data() + at, n);
        if (run != run_)
            return false;
        if (s != tlm::TLM_OK_RESPONSE) {
            end_run(STATUS_ERROR, cause);
            return false;
        }
        regs_.add64(REG_DMA_BYTES, n);
    }
    return true;
}

} // namespace imcsim
