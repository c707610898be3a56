/* Transactions with the TLM-2.0 module: registers, responses, protocol, interrupt. */
#include "test/tlm_rig.hpp"

using namespace tlm_rig;

namespace {

/* ---- registers ---- */

void a_reset_module_reads_as_documented(void **)
{
    in_child({}, [](bench &b) {
        CHECK_EQUAL(b.reg(REG_ID), 0x41434d49);
        CHECK_EQUAL(b.reg(REG_VERSION), 2);
        CHECK_EQUAL(b.reg(REG_IMAGE_BYTES), 32 * 32 * 3);
        CHECK_EQUAL(b.reg(REG_RESULT_BYTES), 40);
        CHECK_EQUAL(b.reg(REG_INTERVAL), 1024 * 50);
        CHECK_EQUAL(b.reg(REG_LATENCY), alone(1).latency_cyc);
        CHECK_EQUAL(b.reg(REG_CLOCK_MHZ), 500);
        CHECK_EQUAL(b.reg(REG_CORES), 43);
        for (uint32_t r = REG_CONTROL; r < REG_END; r += 4)
            CHECK_EQUAL(b.reg(r), 0);
    });
}

void writable_registers_keep_what_is_written_and_no_more(void **)
{
    in_child({}, [](bench &b) {
        const uint32_t whole[] = { REG_COUNT, REG_SOURCE, REG_SOURCE + 4, REG_TARGET,
                                   REG_TARGET + 4 };
        for (uint32_t r : whole) {
            CHECK(b.set(r, 0x89abcdef + r) == tlm::TLM_OK_RESPONSE);
            CHECK_EQUAL(b.reg(r), 0x89abcdef + r);
        }
        for (uint32_t r : whole) // none has hit another
            CHECK_EQUAL(b.reg(r), 0x89abcdef + r);
        CHECK(b.set(REG_IRQ_ENABLE, UINT32_MAX) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_IRQ_ENABLE), STATUS_DONE | STATUS_ERROR);
        CHECK(b.set(REG_STATUS, UINT32_MAX) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_STATUS), 0);
        CHECK(b.set(REG_CONTROL, CONTROL_RESET) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_CONTROL), 0);
        CHECK_EQUAL(b.reg(REG_COUNT), 0x89abcdef + REG_COUNT); // a reset stops, no more
    });
}

void bytes_bursts_and_byte_enables_reach_the_bytes_they_name(void **)
{
    in_child({}, [](bench &b) {
        bench::wish w = { tlm::TLM_WRITE_COMMAND, REG_SOURCE + 3, { 1, 2, 3 } }; // across two words
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg64(REG_SOURCE), UINT64_C(0x030201000000));
        w = { tlm::TLM_WRITE_COMMAND, REG_SOURCE, { 9, 8, 7, 6, 5, 4, 3, 2 }, { 0xff, 0 }, true };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE); // every other byte
        CHECK_EQUAL(b.reg64(REG_SOURCE), UINT64_C(0x0003030501070009));
        w = { tlm::TLM_READ_COMMAND, REG_SOURCE + 1, { 0xaa, 0xaa, 0xaa }, { 0, 0xff }, true };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        CHECK((w.data == std::vector<unsigned char>{ 0xaa, 7, 0xaa }));
        w = { tlm::TLM_READ_COMMAND, 0, std::vector<unsigned char>(REG_END), {} };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE); // the whole map
        CHECK(memcmp(w.data.data(), "IMCA\2\0\0", 8) == 0);
        CHECK(memcmp(&w.data[REG_SOURCE], "\x09\0\x07\x01\x05\x03\x03", 8) == 0);
        w = { tlm::TLM_IGNORE_COMMAND, REG_COUNT, { 1, 2, 3, 4 } };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_COUNT), 0);
    });
}

void what_cannot_be_done_is_refused_by_its_response_and_changes_nothing(void **)
{
    in_child({}, [](bench &b) {
        const std::vector<unsigned char> word(4, 1);
        bench::wish w = { tlm::TLM_READ_COMMAND, REG_END, word };
        CHECK(b.ask(w) == tlm::TLM_ADDRESS_ERROR_RESPONSE);
        w = { tlm::TLM_READ_COMMAND, REG_END - 3, word }; // over the edge
        CHECK(b.ask(w) == tlm::TLM_ADDRESS_ERROR_RESPONSE);
        w = { tlm::TLM_READ_COMMAND, REG_END, {} }; // which is wrong twice
        CHECK(b.ask(w) == tlm::TLM_ADDRESS_ERROR_RESPONSE);
        w = { tlm::TLM_READ_COMMAND, REG_END - 4, word };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        w = { tlm::TLM_WRITE_COMMAND, REG_COUNT, word };
        w.width = 3; // streaming
        CHECK(b.ask(w) == tlm::TLM_BURST_ERROR_RESPONSE);
        w = { tlm::TLM_WRITE_COMMAND, REG_COUNT, {} };
        CHECK(b.ask(w) == tlm::TLM_BURST_ERROR_RESPONSE);
        w = { tlm::TLM_WRITE_COMMAND, REG_COUNT, word, {}, true };
        CHECK(b.ask(w) == tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        const uint32_t constant[] = { REG_ID, REG_CORES, REG_FINISHED, REG_CYCLES,
                                      REG_DMA_BYTES + 4 };
        for (uint32_t r : constant)
            CHECK(b.set(r, 1) == tlm::TLM_COMMAND_ERROR_RESPONSE);
        w = { tlm::TLM_WRITE_COMMAND, REG_TARGET + 4, std::vector<unsigned char>(8, 1) };
        CHECK(b.ask(w) == tlm::TLM_COMMAND_ERROR_RESPONSE); // its second half is read only
        w.enable = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 };  // and not touched here
        w.enabled = true;
        CHECK_EQUAL(b.reg(REG_TARGET + 4), 0);
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_TARGET + 4), 0x01010101);
        CHECK(b.set(REG_CONTROL, CONTROL_START) == tlm::TLM_GENERIC_ERROR_RESPONSE); // of 0 images
        CHECK(b.set(REG_COUNT, 1) == tlm::TLM_OK_RESPONSE);
        CHECK(b.set(REG_CONTROL, CONTROL_START | CONTROL_RESET) == tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK_EQUAL(b.reg(REG_STATUS), 0);
        CHECK_EQUAL(b.reg(REG_COUNT), 1);
    });
}

void constants_may_be_read_directly_and_nothing_else(void **)
{
    in_child({}, [](bench &b) {
        tlm::tlm_generic_payload trans;
        tlm::tlm_dmi dmi;
        bench::wish w = { tlm::TLM_READ_COMMAND, REG_CORES, std::vector<unsigned char>(4) };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE && w.dmi);
        w = { tlm::TLM_READ_COMMAND, REG_CORES, std::vector<unsigned char>(8) };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE && !w.dmi);

        trans.set_command(tlm::TLM_READ_COMMAND);
        trans.set_address(REG_VERSION);
        CHECK(b.bus.to[1]->get_direct_mem_ptr(trans, dmi));
        CHECK(dmi.get_start_address() == 0 && dmi.get_end_address() == DMI_END - 1);
        CHECK(dmi.is_read_allowed() && !dmi.is_write_allowed());
        for (uint32_t r = 0; r < DMI_END; r += 4) {
            uint32_t value;
            memcpy(&value, dmi.get_dmi_ptr() + r, sizeof value);
            CHECK_EQUAL(value, b.reg(r));
        }
        trans.set_address(REG_CONTROL);
        CHECK(!b.bus.to[1]->get_direct_mem_ptr(trans, dmi));
        CHECK(!dmi.is_read_allowed());
        trans.set_address(REG_ID);
        trans.set_command(tlm::TLM_WRITE_COMMAND);
        CHECK(!b.bus.to[1]->get_direct_mem_ptr(trans, dmi));
    });
}

void a_debugger_reads_without_time_and_writes_nothing(void **)
{
    in_child({}, [](bench &b) {
        tlm::tlm_generic_payload trans;
        unsigned char data[16];
        const sc_time before = sc_core::sc_time_stamp();
        trans.set_data_ptr(data);
        trans.set_data_length(sizeof data);
        trans.set_command(tlm::TLM_READ_COMMAND);
        trans.set_address(REG_END - 8);
        CHECK_EQUAL(b.bus.to[1]->transport_dbg(trans), 8);
        trans.set_address(REG_ID);
        CHECK_EQUAL(b.bus.to[1]->transport_dbg(trans), 16);
        CHECK(memcmp(data, "IMCA", 4) == 0);
        trans.set_command(tlm::TLM_WRITE_COMMAND);
        trans.set_address(REG_COUNT);
        CHECK_EQUAL(b.bus.to[1]->transport_dbg(trans), 0);
        CHECK(sc_core::sc_time_stamp() == before);
        CHECK_EQUAL(b.reg(REG_COUNT), 0);
    });
}

/* One byte at a time. What is not written of CONTROL and STATUS counts as 0. */
void a_part_of_a_register_may_be_written_and_read(void **)
{
    in_child({}, [](bench &b) {
        const uint32_t regs[] = { REG_COUNT, REG_SOURCE, REG_SOURCE + 4, REG_TARGET,
                                  REG_TARGET + 4 };
        bench::wish w;
        for (uint32_t r : regs) {
            uint32_t want = 0;
            for (uint32_t i : { 2, 0, 3, 1 }) {
                w = { tlm::TLM_WRITE_COMMAND, r + i, { static_cast<unsigned char>(r + i) } };
                CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
                want |= (r + i) << 8 * i;
                CHECK_EQUAL(b.reg(r), want);
                w = { tlm::TLM_READ_COMMAND, r + i, { 0 } };
                CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
                CHECK_EQUAL(w.data[0], r + i);
            }
        }
        w = { tlm::TLM_WRITE_COMMAND, REG_CONTROL + 1, { 0xff, 0xff, 0xff } };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_STATUS), 0);
        w = { tlm::TLM_WRITE_COMMAND, REG_IRQ_ENABLE + 1, { 0xff, 0xff, 0xff } };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_IRQ_ENABLE), 0);
        w = { tlm::TLM_WRITE_COMMAND, REG_CONTROL, { CONTROL_START } };
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_STATUS), STATUS_BUSY);
    });
}

/* CONTROL lies before COUNT, SOURCE and TARGET, and acts after them. */
void a_burst_that_starts_begins_with_what_it_writes(void **)
{
    in_child({}, [](bench &b) {
        const alone want(2);
        const std::vector<uint32_t> words = { CONTROL_START, STATUS_DONE, STATUS_DONE, 2,
                                              kSource, 0, kTarget, 0 };
        bench::wish w = { tlm::TLM_WRITE_COMMAND, REG_CONTROL, std::vector<unsigned char>(32) };
        memcpy(w.data.data(), words.data(), 32);
        b.load_images(2);
        CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_STATUS), STATUS_BUSY);
        CHECK(b.ask(w) == tlm::TLM_GENERIC_ERROR_RESPONSE); // BUSY
        b.sleep_until_irq();
        CHECK_EQUAL(b.reg(REG_FINISHED), 2);
        CHECK(b.classes(2) == want.classes);
        w.data[12] = 0; // COUNT
        CHECK(b.ask(w) == tlm::TLM_GENERIC_ERROR_RESPONSE);
        CHECK_EQUAL(b.reg(REG_STATUS), STATUS_DONE);
        CHECK_EQUAL(b.reg(REG_COUNT), 2);
    });
}

void a_transaction_takes_a_cycle_for_each_word_and_adds_it_to_its_delay(void **)
{
    in_child({}, [](bench &b) {
        const sc_time cycle(2, SC_NS), given(7, SC_NS);
        for (const bool writes : { false, true }) {
            for (uint32_t n = 1; n <= 17; n++) {
                const sc_time begin = sc_core::sc_time_stamp();
                bench::wish w = { writes ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND,
                                  REG_COUNT, std::vector<unsigned char>(n) };
                w.delay = given;
                CHECK(b.ask(w) == tlm::TLM_OK_RESPONSE);
                const sc_time passed = sc_core::sc_time_stamp() - begin;
                CHECK(passed + w.delay == given + cycle * ((n + 3) / 4));
                CHECK((passed == sc_core::SC_ZERO_TIME) == !writes);
            }
        }
        bench::wish w = { tlm::TLM_READ_COMMAND, REG_END, std::vector<unsigned char>(4096) };
        w.delay = given;
        CHECK(b.ask(w) == tlm::TLM_ADDRESS_ERROR_RESPONSE);
        CHECK(w.delay == given + cycle);
        w = { tlm::TLM_READ_COMMAND, UINT64_MAX - 3, std::vector<unsigned char>(8) }; // wraps
        CHECK(b.ask(w) == tlm::TLM_ADDRESS_ERROR_RESPONSE);
    });
}

/* By nb_transport, whether the initiator ends the response at once or later. */
void the_phases_of_nb_transport_carry_the_same_answers(void **)
{
    for (const bool later : { false, true }) {
        child_cfg cfg;
        cfg.accelerator.at = true;
        in_child(cfg, [later](bench &b) {
            b.ends_later = later;
            const sc_time begin = sc_core::sc_time_stamp();
            CHECK_EQUAL(b.reg(REG_ID), ID_VALUE);
            const sc_time took = sc_core::sc_time_stamp() - begin;
            CHECK(took == sc_time(later ? 7 : 2, SC_NS)); // END_RESP 5 ns later
            CHECK(b.set(REG_COUNT, 3) == tlm::TLM_OK_RESPONSE);
            CHECK(b.set(REG_ID, 3) == tlm::TLM_COMMAND_ERROR_RESPONSE);
            CHECK(b.set(REG_END, 3) == tlm::TLM_ADDRESS_ERROR_RESPONSE);
            CHECK(b.set(REG_CONTROL, CONTROL_START | CONTROL_RESET) ==
                  tlm::TLM_GENERIC_ERROR_RESPONSE);
            CHECK_EQUAL(b.reg(REG_COUNT), 3);
        });
    }
}

void a_reset_clears_status_and_lowers_the_interrupt(void **)
{
    in_child({}, [](bench &b) {
        b.load_images(1);
        b.start(1);
        b.sleep_until_irq();
        const uint64_t cycles = b.reg64(REG_CYCLES);
        CHECK(b.set(REG_CONTROL, CONTROL_RESET) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_STATUS), 0);
        CHECK(!b.irq.read());
        CHECK_EQUAL(b.reg64(REG_CYCLES), cycles); // the counters stay
        CHECK_EQUAL(b.reg(REG_FINISHED), 1);
        CHECK_EQUAL(b.reg(REG_IRQ_ENABLE), STATUS_DONE | STATUS_ERROR);
        CHECK(b.set(REG_CONTROL, CONTROL_START) == tlm::TLM_OK_RESPONSE);
        CHECK_EQUAL(b.reg(REG_FINISHED), 0); // until here
        CHECK(b.reg64(REG_CYCLES) < cycles);
    });
}

/* What the command would say, in an exception; the platform can go on. */
void a_chip_that_cannot_be_is_refused_with_the_message_of_the_command(void **)
{
    in_process([] {
        struct {
            accelerator_cfg cfg;
            const char     *want;
        } cases[6];
        for (auto &c : cases)
            c.cfg = trained();
        cases[0].cfg.config = "configs/none.yaml";
        cases[0].want = "configs/none.yaml";
        cases[1].cfg.set = { "core.crossbar.rows=0" };
        cases[1].want = "core.crossbar.rows";
        cases[2].cfg.config = "configs/resnet32.yaml";
        cases[2].want = "network.onnx: empty";
        cases[3].cfg.burst_bytes = 0;
        cases[3].want = "burst_bytes = 0";
        cases[4].cfg.set = { "chip.cores=1" };
        cases[4].want = "chip.cores";
        cases[5].cfg.set = { "clocking.kind=combinational" };
        cases[5].want = "or clocking.kind = timestep";
        for (auto &c : cases) {
            std::string text;
            try {
                imc_accelerator chip("chip", c.cfg);
            } catch (const std::runtime_error &e) {
                text = e.what();
            }
            if (text.find(c.want) == std::string::npos || text.find('\n') != std::string::npos)
                fprintf(stderr, "want %s, got %s\n", c.want, text.c_str());
            CHECK(text.find(c.want) != std::string::npos);
        }
        imc_accelerator chip("chip", trained());
        return true;
    });
    in_process([] { // a cycle of 2 ns in a simulation that counts us
        std::string text;
        sc_core::sc_set_time_resolution(1, sc_core::SC_US);
        try {
            imc_accelerator chip("chip", trained());
        } catch (const std::runtime_error &e) {
            text = e.what();
        }
        return text.find("time resolution") != std::string::npos;
    });
}

/* The module's plan is the command's: replicas, copies, optimiser and policies included. */
void every_mapping_key_means_what_it_means_to_the_command(void **)
{
    static const struct {
        std::vector<std::string> set;
        uint32_t                 cores, interval_clk; // of the command's report; 0: not known here
    } cases[] = {
        { { "mapping.optimize=interval" }, 63, 8800 },
        { { "mapping.optimize=balanced" }, 0, 0 },
        { { "mapping.optimize=latency", "mapping.effort=1" }, 0, 0 },
        { { "mapping.optimize=edp", "mapping.effort=1", "energy.chip=dazzi2021_14nm" }, 0, 0 },
        { { "mapping.policy=stride" }, 0, 0 },
        { { "mapping.policy=greedy" }, 0, 0 },
        { { "mapping.policy=article" }, 52, 0 },
        { { "mapping.replicas={32: 2, 16: 2}" }, 52, 512 * 50 },
        { { "mapping.copies={32: 2}" }, 54, 512 * 50 },
        { { "mapping.replicas={32: 4}", "mapping.block_width={32: 2}", "mapping.firing=block",
            "fabric.link_gbps=5.12" },
          0, 256 * 50 },
        { { "mapping.replicas={32: 2}", "mapping.firing=free" }, 0, 512 * 50 },
    };

    for (const auto &c : cases) {
        std::vector<const char *> set;
        struct study s;
        struct err_msg m;
        child_cfg cfg;
        for (const std::string &text : c.set)
            set.push_back(text.c_str());
        const enum err e = study_load(&s, kConfig, set.data(), set.size(), &m);
        if (e)
            fail_msg("%s: %s", set[0], m.text);
        if (c.cores > 0)
            assert_int_equal(s.plan.n_core, c.cores);
        if (c.interval_clk > 0)
            assert_int_equal(s.plan.interval * s.plan.timestep_clk, c.interval_clk);
        cfg.accelerator.set = c.set;
        in_child(cfg, [&s](bench &b) {
            CHECK_EQUAL(b.reg(REG_INTERVAL), s.plan.interval * s.plan.timestep_clk);
            CHECK_EQUAL(b.reg(REG_LATENCY),
                        (s.plan.time.lead + s.plan.time.first_result) * s.plan.timestep_clk);
            CHECK_EQUAL(b.reg(REG_CORES), s.plan.n_core);
        });
        study_release(&s);
    }
}

} // namespace

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_module_reads_as_documented),
        cmocka_unit_test(writable_registers_keep_what_is_written_and_no_more),
        cmocka_unit_test(bytes_bursts_and_byte_enables_reach_the_bytes_they_name),
        cmocka_unit_test(what_cannot_be_done_is_refused_by_its_response_and_changes_nothing),
        cmocka_unit_test(constants_may_be_read_directly_and_nothing_else),
        cmocka_unit_test(a_debugger_reads_without_time_and_writes_nothing),
        cmocka_unit_test(a_part_of_a_register_may_be_written_and_read),
        cmocka_unit_test(a_burst_that_starts_begins_with_what_it_writes),
        cmocka_unit_test(a_transaction_takes_a_cycle_for_each_word_and_adds_it_to_its_delay),
        cmocka_unit_test(the_phases_of_nb_transport_carry_the_same_answers),
        cmocka_unit_test(a_reset_clears_status_and_lowers_the_interrupt),
        cmocka_unit_test(a_chip_that_cannot_be_is_refused_with_the_message_of_the_command),
        cmocka_unit_test(every_mapping_key_means_what_it_means_to_the_command),
    };

    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
