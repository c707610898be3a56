#!/usr/bin/env bash
# Runs libFuzzer targets one after the other on their corpus in test/fuzz/corpus. What they find new
# goes to build/fuzz/found, inputs that fail to build/fuzz/crash: those belong into the corpus.
# An input may keep a child busy for 5 s of a processor that others use too: hence 60 s. Files of a
# target lie in memory where they can: on a disk most of its time would be their coming and going.
#
# usage: scripts/fuzz.sh SECONDS TARGET...        exit status 1 if a target failed
set -u
seconds=$1
shift
[ -n "${TMPDIR-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
status=0
for target in "$@"; do
    name=$(basename "$target")
    name=${name#fuzz_}
    found=build/fuzz/found/$name
    crash=build/fuzz/crash/$name
    mkdir -p "$found" "$crash"
    echo "fuzz $name for $seconds s"
    "$target" -max_total_time="$seconds" -max_len=16384 -timeout=60 -rss_limit_mb=1024 \
        -malloc_limit_mb=512 -print_final_stats=1 -artifact_prefix="$crash/" \
        "$found" "test/fuzz/corpus/$name" >"$crash.log" 2>&1 || status=1
    grep -E '^stat::(number_of_executed_units|peak_rss_mb)|^SUMMARY|not so:' "$crash.log"
done
exit $status
