#!/usr/bin/env bash
# Headers of ours that the given ones include, and these: what must be installed for them.
#
# usage: scripts/closure.sh COMPILER HEADER...
set -eu
compiler=$1
shift
for h in "$@"; do echo "#include \"$h\""; done |
    $compiler -I. -std=c11 -MM -x c - | tr -s ' \\' '\n\n' | grep '\.h$' | sort -u
