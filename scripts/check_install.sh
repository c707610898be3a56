#!/usr/bin/env bash
# Installs into a directory of its own, and there does what somebody outside this tree would: looks
# at what the libraries show, builds the ladder of examples in C and C++ and the example platform
# against what is installed and nothing else, and runs them and the command, priced runs included,
# from another directory, without the tree's files.
#
# usage: scripts/check_install.sh [--quick]     --quick: the C library only
set -eu
tree=$PWD
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "install: $*"; exit 1; }
make --no-print-directory install DESTDIR="$dir/stage" PREFIX="$dir/p" >"$dir/log" 2>&1 ||
    { tail -n 20 "$dir/log"; fail "make install failed"; }
[ ! -e "$dir/p" ] || fail "DESTDIR is not kept to"
mv "$dir/stage$dir/p" "$dir/p"
export PKG_CONFIG_PATH=$dir/p/lib/pkgconfig
unset IMCSIM_DATA

shown() { nm -g --defined-only "$1" | awk 'NF == 3 && $2 !~ /[WVu]/ { print $3 }'; }
others=$(shown "$dir/p/lib/libimcsim.a" | grep -v '^imcsim_' || true)
[ -z "$others" ] || fail "libimcsim.a shows $others"
shown "$dir/p/lib/libimcsim.a" | grep -q '^imcsim_load$' || fail "libimcsim.a has no face"
for f in run policy block; do
    cp "examples/$f.c" "$dir"
    # shellcheck disable=SC2046
    (cd "$dir" && ${CC:-cc} -std=c11 -Wall -Wextra -Werror "$f.c" \
        $(pkg-config --cflags --libs imcsim) -o "$f") || fail "examples/$f.c does not build"
done
cd "$dir"
says() { # WANT COMMAND...
    local want=$1 got
    shift
    got=$("$@" 2>&1) || fail "$*: $got"
    case $got in *"$want"*) ;; *) fail "$*: want \"$want\" in: $got" ;; esac
}
says "first result after 1628 timesteps, then one every 1024" ./run
./run resnet32 >unpriced 2>&1 && fail "an unpriced run has an energy"
grep -q "energy.total_nj_per_image: not in the document" unpriced || fail "$(cat unpriced)"
says "words read by conv1: plip " ./policy
says "100 images, one every 51200 clocks; the chip waited 1013760 clocks" ./block 0.05
says "the chip waited 0 clocks" ./block 0.06
printf '%s\n' '#include <imcsim.h>' \
    'int main() { imcsim_study *s = imcsim_load_text("batch: 7", nullptr, nullptr, nullptr);' \
    '    double n = 0;' \
    '    return !imcsim_study_number(s, "timing.batch", &n, nullptr) || n != 7; }' >plus.cpp
# shellcheck disable=SC2046
${CXX:-c++} -std=c++17 -Wall plus.cpp $(pkg-config --cflags --libs imcsim) -o plus && ./plus ||
    fail "C++ does not build against the library, or fails"

says "resnet32_speedup " p/bin/imcsim list configs
says "# Energy and area of a machine" p/bin/imcsim help energy
says "60 points" p/bin/imcsim sweep arrays --dry-run
says "43 of 64 cores" p/bin/imcsim run resnet32
says "nJ" p/bin/imcsim breakdown dazzi2021_14nm
says "43 of 64 cores" p/bin/imcsim map resnet32_fmnist
grep -q '^\.SS "imcsim run CONFIG' p/share/man/man1/imcsim.1 || fail "the manual page has no run"
says "--images" bash -c '. p/share/bash-completion/completions/imcsim
    compopt() { :; }
    COMP_WORDS=(imcsim run --im); COMP_CWORD=2; _imcsim; echo "${COMPREPLY[@]}"'
says "mapping.optimize=" bash -c '. p/share/bash-completion/completions/imcsim
    compopt() { :; }
    COMP_WORDS=(imcsim run --set mapping.o); COMP_CWORD=3; _imcsim; echo "${COMPREPLY[@]}"'

if [ "${1-}" != --quick ] && [ -e p/lib/libimc_accelerator.a ]; then
    others=$(shown p/lib/libimc_accelerator.a | c++filt |
        grep -v '^imcsim::\(imc_accelerator\|sc_trace\)\|^\(vtable\|typeinfo\|typeinfo name\) for imcsim::imc_accelerator$\|^non-virtual thunk to imcsim::imc_accelerator::' ||
        true)
    [ -z "$others" ] || fail "libimc_accelerator.a shows $others"
    cp "$tree"/tlm/example/* .
    zcat /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz | head -c 10000 >images || true
    # shellcheck disable=SC2046
    ${CXX:-c++} classify.cpp $(pkg-config --cflags --libs imc_accelerator) -o classify
    found=$(./classify resnet32_fmnist images 2 2>/dev/null | grep '^image')
    [ "$found" = "image 0 class 9
image 1 class 2" ] || fail "the example says: $found"
fi
cd "$tree"
make --no-print-directory uninstall PREFIX="$dir/p" >/dev/null
left=$(find "$dir/p" -type f)
[ -z "$left" ] || fail "uninstall leaves $left"
echo "install: libraries, examples, command and platform work outside the tree; uninstall leaves nothing"
