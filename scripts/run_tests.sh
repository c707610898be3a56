#!/usr/bin/env bash
# Runs cmocka test programs, as many at once as there are cores, those first that took longest last
# time: a line for each as it ends, the messages of those that fail, and last "N passed, N failed"
# over all their test functions.
#
# usage: scripts/run_tests.sh PROGRAM...        exit status 1 if a test failed
set -u

run() {
    local program=$1 out=$1.out err=$1.err begin_us=$(now_us) status n_run passed skipped failed
    { timeout 600 "$program" >"$out" 2>"$err"; } 2>/dev/null # bash tells of an abort, as we do
    status=$?
    local ds=$((($(now_us) - begin_us) / 100000))
    echo "$ds" >"$program.took"
    n_run=$(grep -c '^\[ RUN ' "$out")
    passed=$(grep -c '^\[       OK \]' "$out")
    skipped=$(grep -c '^\[  SKIPPED \]' "$out")
    failed=$((n_run - passed - skipped)) # a test that ended its program counts, too
    [ "$status" = 0 ] || [ "$failed" != 0 ] || failed=1
    local report
    report=$(
        printf '%s  %-28s %4d passed %2d failed %2d skipped %4d.%d s\n' \
            "$([ "$failed" = 0 ] && echo "ok  " || echo FAIL)" "$(basename "$program")" \
            "$passed" "$failed" "$skipped" $((ds / 10)) $((ds % 10))
        awk '/^\[ RUN/ { why = "" }
             !/^\[/ { why = why $0 }
             /^\[  SKIPPED/ {
                 sub(/^ *(skipped: )?/, "", why)
                 print "        skipped " $4 ": " why
             }' "$out"
        [ "$failed" = 0 ] || {
            echo "        exit status $status; the end of $out, the beginning of $err:"
            { tail -n 8 "$out"; head -n 30 "$err"; } | sed 's/^/        /'
        }
    )
    printf '%s\n' "$report" # in one write, so that programs do not mix their lines
}

now_us() { echo "${EPOCHREALTIME/[.,]/}"; }
export -f run now_us

longest_first() {
    local program ds
    for program; do
        ds=0
        [ ! -e "$program.took" ] || read -r ds <"$program.took"
        printf '%d %s\n' "$ds" "$program"
    done | sort -s -k 1,1nr | cut -d ' ' -f 2-
}

longest_first "$@" | tr '\n' '\0' | xargs -0 -n 1 -P "$(nproc)" bash -c 'run "$0"' | awk '
    { print; fflush() }
    /^(ok|FAIL) / { passed += $3; failed += $5; skipped += $7 }
    END {
        if (skipped) printf "%d skipped, for the reasons above\n", skipped
        printf "%d passed, %d failed\n", passed, failed
        exit failed > 0 || passed == 0
    }'
