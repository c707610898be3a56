# make            build/imcsim
# make run        install what is missing, build, classify the Fashion-MNIST test images
# make test       install what is missing, build, run the tests: four minutes
# make accuracy   all 10,000 test images of Fashion-MNIST against the predictions of the training
# make check      test, again with sanitizers and with clang; lint; a study under a real Slurm; kernels
#                 compared on configs/
# make lint       headers compile alone, cppcheck, layout
# make fuzz       every fuzz target for FUZZ_SECONDS
# make article    the article's tables and figures, ours beside the printed number
# make pcm        ResNet-32 on ten chips of PCM at five times, beside what was worked out apart
# make install    into PREFIX: the command with its machines, models, docs, manual page and completion; for
#                 pkg-config the library imcsim and the SystemC module imc_accelerator
# make uninstall  takes all of it away
# make bench      speed: images/s, cycles/s, events/s, memory; beside ONNX Runtime where npm has it
# make peer       the same classes as ONNX Runtime on 1,000 images of the two models; what import
#                 makes of twelve networks, under its every setting; both pruned; 2,000 random networks
# make vit        trains models/vit_fmnist.onnx over again: most of an hour of a processor
# make emulate    tests that compare kernels, those of AVX-512 too, where the processor has none of it
# make zoo        ResNet-18/34/50, VGG-16, ... as ONNX with random weights, into $(B)/zoo
# make clean
#
# Knobs: CC, CXX
#        B             build directory; other flags want another one
#        SAN           sanitizers: make test SAN=address,undefined B=build/san
#        EMULATE       1: kernels of AVX-512 on any processor, as `make emulate` does
#        SYSTEMC=0     leaves the SystemC kernel out
#        MPICC         mpicc, where there is one; MPICC= leaves MPI out
#        HDF5_LIBS     how to link HDF5's library; HDF5_LIBS= leaves NIR files out
#        PREFIX        where `make install` puts things (/usr/local)
#        DESTDIR       makers of packages: a directory in front of PREFIX that what runs does not know
#        JOBS          threads of `make run`, and of make itself where -j is not given
#        IMAGES        what `make run` classifies
#        CIFAR10       test_batch.bin of CIFAR-10, or .gz, for `make pcm`
#        FUZZ_SECONDS  of each target
#        ONNX_PROTO    ONNX's schema (/usr/include/onnx/onnx.proto, of Debian's libonnx-dev)
#        V=1           prints the commands
B            ?= build
SAN          ?=
EMULATE      ?=
SYSTEMC      ?= 1
MPICC        ?= $(if $(SAN),,$(shell command -v mpicc))
HDF5_LIBS    ?= $(shell pkg-config --libs hdf5 2>/dev/null)
PREFIX       ?= /usr/local
JOBS         ?= $(shell nproc)
IMAGES       ?= /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz
FUZZ_SECONDS ?= 60
ONNX_PROTO   ?= /usr/include/onnx/onnx.proto

ROOMS := $(shell find core network traces noc nir onnx memory dataflow import arch study report -type d ! -name sc ! -name mpi ! -name hdf5)
LIB   := $(patsubst %.c,$(B)/%.o,$(foreach r,$(ROOMS),$(wildcard $(r)/*.c))) $(B)/onnx.pb-c.o
SC    := $(if $(filter 0,$(SYSTEMC)),,$(patsubst %.cpp,$(B)/%.oxx,$(wildcard core/sc/*.cpp tlm/*.cpp)))
SC_SO := $(if $(SC),$(B)/libimcsim_systemc.so)
MPI_SO := $(if $(MPICC),$(B)/libimcsim_mpi.so)
HDF5  := $(if $(HDF5_LIBS),$(B)/imcsim_hdf5)
LOAD  := $(if $(SC),$(B)/core/sc/load.o)
CLI   := $(patsubst %.c,$(B)/%.o,$(wildcard lib/*.c cli/*.c cli/*/*.c))
RIG   := $(patsubst %.c,$(B)/%.o,$(wildcard test/*.c test/zoo/*.c))
UNIT  := $(B)/test/unit/test_commands $(patsubst %.c,$(B)/%,$(wildcard test/unit/test_*.c)) \
         $(if $(SC),$(patsubst %.cpp,$(B)/%,$(wildcard test/unit/test_*.cpp)))
CLASSIFY := $(if $(SC),$(B)/tlm/example/classify)
BENCH := $(patsubst %.c,$(B)/%,$(wildcard bench/bench_*.c))
TOOLS := $(patsubst %.c,$(B)/%,$(wildcard test/tools/*.c))
FUZZ  := $(patsubst %.c,$(B)/%,$(wildcard test/fuzz/fuzz_*.c))

WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
            $(if $(findstring clang,$(CC)),-Wno-string-conversion)
CFLAGS   := -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -g $(WARN) -Wstrict-prototypes -Wmissing-prototypes
CXXFLAGS := -std=c++17 -O2 -g -Wall -Wextra -Werror
CPPFLAGS := $(if $(EMULATE),'-D__builtin_cpu_supports(x)=1') -I. -Iinclude -I$(B) -MMD -MP $(if $(SC),-DWITH_SYSTEMC)
LDLIBS   := -Wl,--as-needed -lyaml -ljansson -lprotobuf-c -lpng -ljpeg -lz -lsqlite3 -lm -lpthread $(if $(SC),-lsystemc)
# The command is started for a run of milliseconds: libraries of which the host has archives are
# linked into it, where they need not be looked for, loaded and moved to their place.
ARCHIVES  = $(if $(SAN),,-no-pie -static-libgcc $(shell for l in yaml jansson protobuf-c png jpeg z sqlite3; do \
                f=$$($(CC) -print-file-name=lib$$l.a); [ -e "$$f" ] && echo "$$f"; done))
ifneq ($(EMULATE),)
$(B)/%avx512.o $(B)/arch/units/crossbar_bits.o $(B)/arch/analog/product.o: \
    CPPFLAGS := -isystem test/emulate -Wno-psabi $(CPPFLAGS)
$(B)/arch/analog/draw.o: CPPFLAGS := '-Dtarget(set)=unused' $(CPPFLAGS)
endif
ifneq ($(SAN),)
override CFLAGS   += -fsanitize=$(SAN) -fno-sanitize-recover=all
override CXXFLAGS += -fsanitize=$(SAN) -fno-sanitize-recover=all
override LDFLAGS  += -fsanitize=$(SAN)
endif

Q    := $(if $(V),,@)
SUB  = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))
DEPS := @scripts/install_deps.sh

.PHONY: all run test accuracy check lint fuzz article pcm bench peer vit zoo install uninstall clean
.SECONDARY:

all: $(if $(CLI),$(B)/imcsim) $(SC_SO) $(MPI_SO) $(HDF5)
	@:

run:
	$(DEPS) run
	+@$(SUB) all
	$(B)/imcsim run configs/resnet32_fmnist.yaml --images $(IMAGES) --jobs $(JOBS)

test:
	$(DEPS) test
	+@$(SUB) build-test
	@scripts/run_tests.sh $(UNIT)

accuracy:
	$(DEPS) test
	+@$(SUB) build-test
	IMCSIM_ALL_IMAGES=1 $(B)/test/unit/test_accuracy

check:
	$(DEPS) check
	+@$(SUB) test
	+@$(SUB) accuracy
	+@$(SUB) test B=build/san SAN=address,undefined
	+@$(SUB) test B=build/clang CC=clang CXX=clang++
	+@$(SUB) emulate
	+@$(SUB) lint
	$(if $(SC),@scripts/check_install.sh)
	@scripts/check_slurm.sh $(B)/imcsim
	@scripts/compare_kernels.sh $(B)/imcsim $(filter-out %_macro.yaml,$(wildcard configs/*.yaml))

lint: $(B)/onnx.pb-c.h
	@CC=$(CC) CXX=$(CXX) scripts/lint.sh $(B)

fuzz:
	$(DEPS) check
	+@$(SUB) build-fuzz B=build/fuzz CC=clang CXX=clang++ SAN=address,undefined,fuzzer-no-link
	@scripts/fuzz.sh $(FUZZ_SECONDS) $(FUZZ:$(B)/%=build/fuzz/%)

# Tests that compare kernels, but the slowest; SIMDe stands in for the instructions.
EMULATED := $(filter-out %/test_analog.c,$(shell grep -lE 'simd_names|digital_kernels|crossbar_kernels' test/unit/test_*.c))

emulate:
	$(DEPS) emulate
	+@$(SUB) B=build/emulate EMULATE=1 $(EMULATED:%.c=build/emulate/%)
	@scripts/run_tests.sh $(EMULATED:%.c=build/emulate/%)

.PHONY: emulate build-test build-bench build-fuzz
build-test: all $(UNIT) $(CLASSIFY) $(if $(HDF5),$(B)/test/tools/write_hdf5)
build-bench: all $(BENCH) $(B)/test/tools/write_zoo
build-fuzz: $(FUZZ) $(HDF5)

article: all
	$(B)/imcsim article --out $(B)/article

pcm: all
	scripts/pcm_chips.sh $(or $(CIFAR10),$(error want CIFAR10=test_batch.bin)) $(B)/imcsim $(JOBS)

bench:
	$(DEPS) test
	+@$(SUB) build-bench
	@for b in $(BENCH); do $$b || exit 1; done

peer:
	$(DEPS) run
	+@$(SUB) all
	+@$(SUB) $(B)/test/tools/write_zoo $(B)/test/tools/write_graphs $(B)/test/tools/prune \
	    $(B)/test/tools/write_transformers $(B)/test/unit/test_float_attention
	@scripts/peer.sh $(B)
	@scripts/peer_imports.sh $(B)
	@scripts/peer_pruned.sh $(B)
	@scripts/peer_operators.sh $(B)
	@scripts/peer_graphs.sh $(B)
	@scripts/peer_transformers.sh $(B)
	@scripts/peer_text.sh $(B)

FASHION := $(dir $(IMAGES))
vit: # apart from the model that comes with imcsim: floats differ from one processor to another
	$(DEPS) train
	+@$(SUB) $(B)/examples/vit/train $(B)/examples/vit/quantise
	OPENBLAS_NUM_THREADS=1 $(B)/examples/vit/train $(FASHION)train-images-idx3-ubyte.gz \
	    $(FASHION)train-labels-idx1-ubyte.gz $(B)/vit.weights
	$(B)/examples/vit/quantise $(B)/vit.weights $(FASHION)train-images-idx3-ubyte.gz \
	    $(B)/vit_fmnist.onnx $(FASHION)t10k-images-idx3-ubyte.gz $(FASHION)t10k-labels-idx1-ubyte.gz

zoo:
	$(DEPS) test
	+@$(SUB) $(B)/test/tools/write_zoo
	$(B)/test/tools/write_zoo --out $(B)/zoo --form qdq
	$(B)/test/tools/write_zoo --out $(B)/zoo --form float

# What is installed knows PREFIX, and is put below DESTDIR. Each library is one relocatable object
# that shows its face alone.
I         := $(B)/installed
DATA      := $(abspath $(PREFIX))/share/imcsim
TO        := $(DESTDIR)$(abspath $(PREFIX))
FACE      := $(patsubst %.c,$(B)/%.o,$(wildcard lib/*.c))
INSTALLED := $(filter-out $(B)/core/datadir.o $(B)/core/kernel.o,$(LIB)) $(I)/core/datadir.o
MODELS    := core/block.h dataflow/firing.h memory/input_memory.h noc/fabric.h # for policies

install: all $(I)/imcsim $(I)/libimcsim.a $(if $(SC),$(I)/libimc_accelerator.a)
	install -D $(I)/imcsim $(TO)/bin/imcsim
	install -D -m 644 $(I)/libimcsim.a $(TO)/lib/libimcsim.a
	install -D -m 644 include/imcsim.h $(TO)/include/imcsim/imcsim.h
	scripts/install_files.sh $(TO)/include/imcsim $$(scripts/closure.sh "$(CC)" $(MODELS))
	scripts/install_files.sh $(TO)/share/imcsim $$(find configs docs models report/page third_party -name '.*' -o -type f -print)
	mkdir -p $(TO)/lib/pkgconfig $(TO)/share/man/man1 $(TO)/share/bash-completion/completions
	$(B)/imcsim help man >$(TO)/share/man/man1/imcsim.1
	$(B)/imcsim help bash >$(TO)/share/bash-completion/completions/imcsim
	sed 's|@PREFIX@|$(abspath $(PREFIX))|; s|@LIBS@|$(filter-out -lsystemc,$(filter -l%,$(LDLIBS)))|' \
	    lib/imcsim.pc.in >$(TO)/lib/pkgconfig/imcsim.pc
ifneq ($(MPI_SO),)
	install -D -m 644 $(MPI_SO) $(TO)/lib/imcsim/libimcsim_mpi.so
endif
ifneq ($(HDF5),)
	install -D $(HDF5) $(TO)/lib/imcsim/imcsim_hdf5
endif
ifneq ($(SC),)
	install -D -m 644 $(SC_SO) $(TO)/lib/imcsim/libimcsim_systemc.so
	install -D -m 644 tlm/imc_accelerator.h $(TO)/include/imcsim/imc_accelerator.h
	install -D -m 644 $(I)/libimc_accelerator.a $(TO)/lib/libimc_accelerator.a
	sed 's|@PREFIX@|$(abspath $(PREFIX))|; s|@LIBS@|$(filter -l%,$(LDLIBS))|' \
	    tlm/imc_accelerator.pc.in >$(TO)/lib/pkgconfig/imc_accelerator.pc
endif

uninstall:
	rm -rf $(TO)/include/imcsim $(TO)/share/imcsim $(TO)/lib/imcsim
	rm -f $(TO)/bin/imcsim $(TO)/lib/libimcsim.a $(TO)/lib/libimc_accelerator.a \
	    $(TO)/lib/pkgconfig/imcsim.pc $(TO)/lib/pkgconfig/imc_accelerator.pc \
	    $(TO)/share/man/man1/imcsim.1 $(TO)/share/bash-completion/completions/imcsim

# What is a double's is rounded after every operation, also where two may be fused.
TOKENS := $(patsubst %.c,$(B)/%.o,$(wildcard network/tokens/*.c network/values/tokens_*.c))
$(TOKENS): CFLAGS += -O3 -ffp-contract=off -Wno-psabi # no vector leaves its file

# Vectors of the compiler that do not leave their file.
$(B)/arch/units/sliced_lanes.o: CFLAGS += -Wno-psabi

# Vectors of plain loops.
$(B)/network/values/plain.o $(B)/arch/core/add_sums.o $(B)/arch/core/proof.o: CFLAGS += -O3

$(I)/prefix: FORCE
	@mkdir -p $(@D)
	@echo '$(DATA)' | cmp -s - $@ || echo '$(DATA)' >$@
.PHONY: FORCE # all that is made is secondary, whose absence would not count

$(I)/core/datadir.o: core/datadir.c $(I)/prefix
	@mkdir -p $(@D)
	$(Q)$(CC) -I. $(CFLAGS) -DIMCSIM_DATADIR='"$(DATA)"' \
	    -DIMCSIM_PROGRAMS='"$(abspath $(PREFIX))/lib/imcsim"' -c $< -o $@

$(I)/core/kernel.o: core/kernel.c # without SystemC
	@mkdir -p $(@D)
	$(Q)$(CC) -I. $(CFLAGS) -c $< -o $@

$(I)/imcsim: $(B)/cli/main.o $(LOAD) $(B)/libcli.a $(I)/core/datadir.o $(B)/libimcsim.a
	@echo "  LINK  $@"
	$(Q)$(CXX) $(LDFLAGS) $(B)/cli/main.o $(LOAD) $(B)/libcli.a $(I)/core/datadir.o $(B)/libimcsim.a \
	    $(ARCHIVES) $(LDLIBS) -o $@

$(I)/libimcsim.a: $(INSTALLED) $(I)/core/kernel.o $(FACE)
	@echo "  LD    $@"
	$(Q)scripts/relocate.sh $@ '^imcsim_' $^

$(I)/libimc_accelerator.a: $(INSTALLED) $(B)/core/kernel.o $(SC)
	@echo "  LD    $@"
	$(Q)scripts/relocate.sh $@ '^_Z(N|Thn[0-9]+_N|T[VIS]N)6imcsim15imc_accelerator[CDE]|^_ZN6imcsim8sc_trace' $^

clean:
	rm -rf $(B)

$(B)/libimcsim.a: $(LIB) $(SC)
	@rm -f $@
	@echo "  AR    $@"
	$(Q)ar qcs $@ $^

$(B)/libcli.a: $(filter-out $(B)/cli/main.o,$(CLI))
	@rm -f $@
	@echo "  AR    $@"
	$(Q)ar qcs $@ $^

# SystemC is loaded when it is asked for: it would take most of the time of a short run.
$(B)/imcsim: $(B)/cli/main.o $(LOAD) $(B)/libcli.a $(B)/libimcsim.a
	@echo "  LINK  $@"
	$(Q)$(CXX) $(LDFLAGS) $^ $(ARCHIVES) $(LDLIBS) -o $@

$(B)/libimcsim_systemc.so: core/sc/kernel_sc.cpp core/chan.c $(wildcard core/*.h)
	@echo "  LINK  $@"
	@mkdir -p $(B)/core/sc
	$(Q)$(CC) -I. $(CFLAGS) -fPIC -c core/chan.c -o $(B)/core/sc/chan.pic.o
	$(Q)$(CXX) -I. $(CXXFLAGS) $(LDFLAGS) -fPIC -shared core/sc/kernel_sc.cpp \
	    $(B)/core/sc/chan.pic.o -lsystemc -o $@

# MPI is loaded where mpirun has started the program.
$(B)/libimcsim_mpi.so: study/sweep/mpi/link_mpi.c study/sweep/link.h core/err.h
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)OMPI_CC="$(CC)" $(MPICC) -I. -std=c11 -O2 -g -Wall -Wextra -Werror -fPIC -shared $< -o $@

# HDF5's library reads in a program of its own, so that its faults are not imcsim's.
$(B)/imcsim_hdf5: nir/hdf5/imcsim_hdf5.c nir/stream.h
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) -I. -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -g $(WARN) $$(pkg-config --cflags hdf5) $< \
	    $(HDF5_LIBS) -o $@

$(B)/test/unit/test_commands: scripts/check_commands.sh $(B)/test/tools/write_zoo $(B)/imcsim $(SC_SO)
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec scripts/check_commands.sh %s\n' $(B) >$@
	@chmod +x $@

$(B)/test/unit/%: $(B)/test/unit/%.o $(RIG) $(B)/libcli.a $(B)/libimcsim.a
	@echo "  LINK  $@"
	$(Q)$(CXX) $(LDFLAGS) $^ -lcmocka $(LDLIBS) -o $@

$(B)/test/unit/%: $(B)/test/unit/%.oxx $(RIG) $(B)/libcli.a $(B)/libimcsim.a
	@echo "  LINK  $@"
	$(Q)$(CXX) $(LDFLAGS) $^ -lcmocka $(LDLIBS) -o $@

$(B)/tlm/example/%.oxx: CPPFLAGS += -Itlm # the example includes as it would from an installed copy
$(B)/tlm/example/%: $(B)/tlm/example/%.oxx $(B)/libimcsim.a
	@echo "  LINK  $@"
	$(Q)$(CXX) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(B)/bench/%: $(B)/bench/%.o $(B)/bench/measure.o $(B)/libimcsim.a
	@echo "  LINK  $@"
	$(Q)$(CXX) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(B)/test/tools/%: $(B)/test/tools/%.o $(RIG) $(B)/libcli.a $(B)/libimcsim.a
	@echo "  LINK  $@"
	$(Q)$(CXX) $(LDFLAGS) $^ -lcmocka $(LDLIBS) -o $@

$(B)/test/tools/write_hdf5: LDLIBS += $(HDF5_LIBS)
$(B)/test/tools/write_hdf5.o: CPPFLAGS += $$(pkg-config --cflags hdf5)

$(B)/examples/vit/net.o: CFLAGS += -O3 -march=native -ffast-math
$(B)/examples/vit/quantise.o: CFLAGS += -O3
$(B)/examples/vit/%: $(B)/examples/vit/%.o $(B)/examples/vit/net.o $(B)/test/onnx_make.o $(B)/onnx.pb-c.o
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) $^ -lopenblas -lprotobuf-c -lz -lm -o $@

$(B)/test/fuzz/%: $(B)/test/fuzz/%.o $(RIG) $(B)/libcli.a $(B)/libimcsim.a
	@echo "  LINK  $@"
	$(Q)$(CXX) $(LDFLAGS) -fsanitize=fuzzer $^ -lcmocka $(LDLIBS) -o $@

# Debian's onnx.proto, compiled; generated code is not held to our warnings.
ifeq ($(wildcard $(ONNX_PROTO)),)
$(ONNX_PROTO): # a bare machine is told what it lacks
	@scripts/install_deps.sh say $@
	@exit 1
endif
$(B)/onnx.pb-c.c: $(ONNX_PROTO)
	@mkdir -p $(@D)
	@echo "  PROTO $<"
	$(Q)protoc-c --proto_path=$(dir $<) --c_out=$(B) $(notdir $<)
$(B)/onnx.pb-c.h: $(B)/onnx.pb-c.c ;
$(B)/onnx.pb-c.o: $(B)/onnx.pb-c.c
	@echo "  CC    $<"
	$(Q)$(CC) -I$(B) -O2 -g $(if $(SAN),-fsanitize=$(SAN)) -c $< -o $@

# Where the program finds its files: here, or where it will be installed.
$(B)/core/datadir.o: CPPFLAGS += -DIMCSIM_DATADIR='"$(CURDIR)"' -DIMCSIM_PROGRAMS='"$(abspath $(B))"'

$(B)/%.o: %.c | $(B)/onnx.pb-c.h
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(B)/%.oxx: %.cpp
	@mkdir -p $(@D)
	@echo "  CXX   $<"
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -c $< -o $@

-include $(shell find $(B) -name '*.d' 2>/dev/null)
