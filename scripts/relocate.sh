#!/usr/bin/env bash
# Makes a static library of one relocatable object whose symbols are local but for those that match
# a pattern and weak ones, which C++ has for templates and inline functions.
#
# usage: scripts/relocate.sh LIBRARY.a PATTERN OBJECT...     PATTERN: of awk, on mangled names
set -eu
library=$1 pattern=$2
shift 2
object=${library%.a}.o
ld -r -o "$object" "$@"
nm -g --defined-only "$object" |
    awk -v keep="$pattern" '$2 !~ /[WVu]/ && $3 !~ keep { print $3 }' >"$object.local"
objcopy --localize-symbols="$object.local" "$object"
rm -f "$library"
ar qcs "$library" "$object"
