#!/usr/bin/env bash
# Installs the Debian packages that are missing, with sudo where needed; silent when none is.
#
# usage: scripts/install_deps.sh run|test|mpi|browser|count|train|emulate|check
#        scripts/install_deps.sh say FILE    says what building needs, since FILE is not there
#   run      to build imcsim and classify Debian's Fashion-MNIST test images
#   test     and to run the tests
#   mpi      and to run studies by mpirun, whose tests are skipped without
#   browser  and those of them that open a page, which are skipped without one
#   train    and to train the vision transformer of examples/vit
#   count    and to count instructions: scripts/instructions.sh
#   emulate  and for `make emulate`
#   check    and for `make check`, whose studies also run under Slurm, and `make fuzz`
set -eu

run='gcc g++ make libyaml-dev libjansson-dev libprotobuf-c-dev protobuf-c-compiler libonnx-dev
     libsystemc-dev zlib1g-dev libpng-dev libjpeg-dev libsqlite3-dev libhdf5-dev
     pkg-config dataset-fashion-mnist'
test="$run libcmocka-dev graphviz gnuplot-nox libonnx-testdata ngspice"
mpi="$test openmpi-bin libopenmpi-dev"
browser="$test chromium"
count="$test valgrind"
train="$test libopenblas-dev"
emulate="$test libsimde-dev"
check="$browser libsimde-dev openmpi-bin libopenmpi-dev clang llvm cppcheck
       slurmctld slurmd slurm-client munge"

case ${1-} in
run)     packages=$run ;;
test)    packages=$test ;;
mpi)     packages=$mpi ;;
browser) packages=$browser ;;
count)   packages=$count ;;
train)   packages=$train ;;
emulate) packages=$emulate ;;
check)   packages=$check ;;
say)     echo "make: $2 is not there. Building needs these Debian packages, or their equivalents:" >&2
         echo $run | fmt -w 90 | sed 's/^/make:     /' >&2
         echo "make: scripts/install_deps.sh run installs them. ONNX's schema elsewhere: make" \
             "ONNX_PROTO=PATH" >&2
         exit 0 ;;
*)       echo "usage: $0 run|test|mpi|browser|count|train|emulate|check" >&2; exit 2 ;;
esac

say() { echo "install_deps.sh: $*" >&2; }

if ! command -v dpkg-query apt-get >/dev/null; then
    say "not a Debian system: nothing is installed; needed are the equivalents of" $packages
    exit 0
fi

missing=
for p in $packages; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] ||
        missing="$missing $p"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
    sudo=sudo
    if ! command -v sudo >/dev/null; then
        say "missing packages, and no sudo to install them; as root: apt-get install$missing"
        exit 1
    fi
fi

say "installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >>"$log" 2>&1; }
if ! { apt update && apt install --no-install-recommends $missing; }; then
    tail -n 15 "$log" >&2
    say "cannot install$missing"
    exit 1
fi
