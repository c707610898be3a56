/* tlm/example/classify.cpp -- two accelerators share a memory and classify images.
 *
 * usage: classify CONFIG IMAGES COUNT [LATENCY_NS]
 *
 * The host puts COUNT images (IDX of unsigned bytes, as MNIST has them, 28 x 28, uncompressed) into
 * memory, has each accelerator classify half of them, sleeps until both have interrupted, and
 * prints classes and counters. LATENCY_NS is that of the memory, for each burst of 64 bytes (100).
 */
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <imc_accelerator.h>

#include "platform.h"

using namespace imcsim;

namespace {

constexpr unsigned kAccelerator = 2;
constexpr unsigned kSide = 28, kFrame = 32; // of an image, and of the network's input
constexpr uint64_t kImages = 0, kResults = 0x800000;

class program : public platform::host {
public:
    SC_HAS_PROCESS(program);
    sc_core::sc_in<bool> irq[kAccelerator];

    program(const sc_core::sc_module_name &name, std::vector<unsigned char> images, uint32_t count)
        : host(name), images_(std::move(images)), count_(count)
    {
        SC_THREAD(run);
    }

private:
    static uint64_t base(unsigned a)
    {
        return platform::kAccelerators + a * platform::kWindow;
    }

    /* Centred in a frame, column by column, as int8 = pixel - 128. */
    void load_image(uint32_t i)
    {
        std::vector<unsigned char> frame(kFrame * kFrame, 0x80);
        const unsigned edge = (kFrame - kSide) / 2;

        for (unsigned x = 0; x < kSide; x++)
            for (unsigned y = 0; y < kSide; y++)
                frame[(y + edge) * kFrame + x + edge] =
                    images_[16 + (i * kSide + x) * kSide + y] ^ 0x80;
        const unsigned bytes = read(base(0) + REG_IMAGE_BYTES);
        const unsigned channels = bytes / (kFrame * kFrame);
        if (bytes % (kFrame * kFrame) != 0 || channels == 0)
            SC_REPORT_FATAL("classify", "the network takes other images: want one of 32 x 32");
        std::vector<unsigned char> pixels;
        for (unsigned char p : frame)
            pixels.insert(pixels.end(), channels, p);
        sc_assert(transport(tlm::TLM_WRITE_COMMAND, kImages + i * pixels.size(), pixels.data(),
                            static_cast<unsigned>(pixels.size())) == tlm::TLM_OK_RESPONSE);
    }

    void start(unsigned a, uint32_t first, uint32_t n)
    {
        write64(base(a) + REG_SOURCE, kImages + uint64_t(first) * read(base(a) + REG_IMAGE_BYTES));
        write64(base(a) + REG_TARGET,
                kResults + uint64_t(first) * read(base(a) + REG_RESULT_BYTES));
        write(base(a) + REG_COUNT, n);
        write(base(a) + REG_IRQ_ENABLE, STATUS_DONE | STATUS_ERROR);
        sc_assert(write(base(a) + REG_CONTROL, CONTROL_START) == tlm::TLM_OK_RESPONSE);
    }

    unsigned class_of(uint32_t i)
    {
        std::vector<int32_t> score(read(base(0) + REG_RESULT_BYTES) / 4);
        unsigned best = 0;

        sc_assert(transport(tlm::TLM_READ_COMMAND, kResults + i * 4 * score.size(), score.data(),
                            static_cast<unsigned>(4 * score.size())) == tlm::TLM_OK_RESPONSE);
        for (unsigned k = 1; k < score.size(); k++)
            best = score[k] > score[best] ? k : best;
        return best;
    }

    void run()
    {
        const uint32_t half = (count_ + 1) / 2;

        for (uint32_t i = 0; i < count_; i++)
            load_image(i);
        start(0, 0, half);
        start(1, half, count_ - half);
        for (unsigned a = 0; a < kAccelerator; a++)
            while (!irq[a].read())
                wait(irq[a].posedge_event());
        for (uint32_t i = 0; i < count_; i++)
            printf("image %u class %u\n", i, class_of(i));
        for (unsigned a = 0; a < kAccelerator; a++)
            printf("accelerator %u status %u finished %u cycles %llu run %llu stall %llu\n", a,
                   read(base(a) + REG_STATUS), read(base(a) + REG_FINISHED),
                   (unsigned long long)read64(base(a) + REG_CYCLES),
                   (unsigned long long)read64(base(a) + REG_RUN_CYCLES),
                   (unsigned long long)read64(base(a) + REG_STALL_CYCLES));
        sc_core::sc_stop();
    }

    std::vector<unsigned char> images_;
    uint32_t                   count_;
};

int classify(const char *config, const char *path, uint32_t count, double latency_ns)
{
    std::ifstream file(path, std::ios::binary);
    const std::vector<unsigned char> images{ std::istreambuf_iterator<char>(file),
                                             std::istreambuf_iterator<char>() };
    if (images.size() < 16 + size_t(count) * kSide * kSide)
        throw std::runtime_error(std::string(path) + ": not so many images");
    accelerator_cfg cfg;
    cfg.config = config;

    platform::memory memory("memory", 16 << 20);
    platform::bus bus("bus");
    program host("host", images, count);
    imc_accelerator first("first", cfg), second("second", cfg);
    sc_core::sc_signal<bool> irq[kAccelerator];
    memory.latency = sc_core::sc_time(latency_ns, sc_core::SC_NS);
    memory.per_byte = sc_core::sc_time(1, sc_core::SC_NS);
    host.socket.bind(bus.from);
    first.dma.bind(bus.from);
    second.dma.bind(bus.from);
    bus.to.bind(memory.socket);
    bus.to.bind(first.registers);
    bus.to.bind(second.registers);
    first.irq(irq[0]);
    second.irq(irq[1]);
    host.irq[0](irq[0]);
    host.irq[1](irq[1]);
    sc_core::sc_start();
    return EXIT_SUCCESS;
}

} // namespace

int sc_main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: classify CONFIG IMAGES COUNT [LATENCY_NS]\n");
        return EXIT_FAILURE;
    }
    try {
        return classify(argv[1], argv[2], static_cast<uint32_t>(strtoul(argv[3], nullptr, 10)),
                        argc > 4 ? strtod(argv[4], nullptr) : 100);
    } catch (const std::exception &e) {
        fprintf(stderr, "classify: %s\n", e.what());
        return EXIT_FAILURE;
    }
}
