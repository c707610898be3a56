#!/usr/bin/env bash
# Static checks: every header compiles alone as C11 and C++17; cppcheck is silent; no tab, no
# space at the end of a line, no line of code beyond 100 columns; includes go one way and in no
# circle. Layout beyond that is not checked, since clang-format does not know our tables;
# .clang-format helps by hand.
#
# usage: scripts/lint.sh BUILD_DIRECTORY        exit status 1 if anything is found
set -u
export LC_ALL=C.UTF-8 # columns are characters
build=$1
rooms='core network traces noc nir onnx memory dataflow import arch study report cli tlm bench lib include
       examples test scripts'
status=0
found() { echo "lint: $*"; status=1; }
files() { find $rooms -type f "$@" 2>/dev/null | sort; }

warn='-Wall -Wextra -Werror -fsyntax-only -I. -Iinclude -I'$build
for h in $(files -name '*.h' -not -path 'test/emulate/*'); do # which stands for the compiler's
    [[ $h == core/sc/* || $h == tlm/* ]] || # SystemC
        ${CC:-cc} -std=c11 $warn -Wpedantic -Wstrict-prototypes -x c "$h" || found "$h: not C11"
    grep -q 'include <stdatomic.h>' "$h" || # of C alone
        ${CXX:-c++} -std=c++17 $warn -Wno-missing-field-initializers -x c++ "$h" ||
        found "$h: not C++17"
done

scripts/check_includes.sh || found "includes against the order of the rooms"
scripts/check_circles.sh core network noc nir onnx memory dataflow arch/analog arch/core \
    arch/watch arch/tech arch/circuits arch/cost report lib ||
    found "files that need each other, or a room too large"

cppcheck --quiet --error-exitcode=1 --std=c11 --std=c++17 --enable=warning,portability \
    --inline-suppr --suppress=missingIncludeSystem --suppress=unknownMacro -j "$(nproc)" \
    -I. -Iinclude -I"$build" $(files -name '*.c' -o -name '*.cpp') || found "cppcheck"

code=$(files -name '*.[ch]' -o -name '*.[ch]pp' -o -name '*.sh')
grep -nP '\t|\s$' $code $(find configs -name '*.yaml') &&
    found "a tab or a space at the end of a line"
grep -nE '^.{101}' $(files -name '*.[ch]' -o -name '*.[ch]pp') &&
    found "lines of more than 100 columns"
exit $status
