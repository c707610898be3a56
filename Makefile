# make            build/imcsim
# make run        install what is missing, build, classify the Fashion-MNIST test images
# make test       install what is missing, build, run the tests: under a minute
# make check      test + sanitizers + clang + cppcheck + headers + format + all kernels
# make article    regenerate the article's tables and figures
# make bench      speed: images/s, cycles/s, events/s, memory, side by side with a peer
# make clean
#
# Knobs: CC, CXX, B (build directory), SAN=address,undefined
CC  ?= cc
CXX ?= c++
B   ?= build
SAN ?=

WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
CFLAGS   := -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -g $(WARN) -Wstrict-prototypes -Wmissing-prototypes
CXXFLAGS := -std=c++17 -O2 -g -Wall -Wextra -Werror
CPPFLAGS := -I. -I$(B) -MMD -MP
LDLIBS   := -lyaml -ljansson -lprotobuf-c -lz -lm -lpthread
ifneq ($(SAN),)
CFLAGS   += -fsanitize=$(SAN) -fno-sanitize-recover=all
CXXFLAGS += -fsanitize=$(SAN) -fno-sanitize-recover=all
LDFLAGS  += -fsanitize=$(SAN)
endif

ROOMS := core traces memory noc dataflow arch arch/tech
LIB   := $(patsubst %.c,$(B)/%.o,$(foreach r,$(ROOMS),$(wildcard $(r)/*.c))) $(B)/onnx.pb-c.o
SC    := $(patsubst %.cpp,$(B)/%.oxx,$(wildcard core/sc/*.cpp))
CLI   := $(patsubst %.c,$(B)/%.o,$(wildcard cli/*.c))
RIG   := $(patsubst %.c,$(B)/%.o,$(wildcard test/*.c))
UNIT  := $(patsubst %.c,$(B)/%,$(wildcard test/unit/test_*.c))

.PHONY: all test clean
all: $(if $(CLI),$(B)/imcsim)

$(B)/libimcsim.a: $(LIB) $(SC)
	@rm -f $@
	ar rcs $@ $^

$(B)/imcsim: $(CLI) $(B)/libimcsim.a
	$(CXX) $(LDFLAGS) $^ $(LDLIBS) -lsystemc -o $@

test: all $(UNIT)
	@for t in $(UNIT); do $$t || exit 1; done

$(B)/test/unit/%: $(B)/test/unit/%.o $(RIG) $(B)/libimcsim.a
	$(CXX) $(LDFLAGS) $^ -lcmocka $(LDLIBS) -lsystemc -o $@

# Debian's onnx.proto, compiled; generated code is not held to our warnings.
ONNX_PROTO := /usr/include/onnx/onnx.proto
$(B)/onnx.pb-c.c: $(ONNX_PROTO)
	@mkdir -p $(@D)
	protoc-c --proto_path=$(dir $<) --c_out=$(B) $(notdir $<)
$(B)/onnx.pb-c.h: $(B)/onnx.pb-c.c ;
$(B)/onnx.pb-c.o: $(B)/onnx.pb-c.c
	$(CC) -I$(B) -O2 -g $(if $(SAN),-fsanitize=$(SAN)) -c $< -o $@

$(B)/%.o: %.c | $(B)/onnx.pb-c.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(B)/%.oxx: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) -c $< -o $@

clean:
	rm -rf $(B)

.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
