#!/usr/bin/env bash
# Includes go one way: a room includes itself and the rooms before it in the order of
# docs/architecture.md. Rooms in braces there stand side by side and do not know each other.
#
# usage: scripts/check_includes.sh        prints each include against the rule; exit status 1 then
set -u

git ls-files '*.c' '*.h' '*.cpp' '*.hpp' | grep -v '^test/\|^examples/' |
    xargs grep -n '^#include "' |
    awk -F: '
        BEGIN {
            n = split("core network=traces=noc memory=nir=onnx dataflow import arch study report cli=tlm=bench=lib", step, " ")
            for (i = 1; i <= n; i++) {
                m = split(step[i], side, "=")
                for (j = 1; j <= m; j++)
                    level[side[j]] = i
            }
        }
        {
            to = $3
            sub(/^#include "/, "", to)
            sub(/".*/, "", to)
            if (to !~ /\//)
                next # generated
            from_room = $1; sub(/\/.*/, "", from_room)
            to_room = to; sub(/\/.*/, "", to_room)
            n_include++
            if (from_room == to_room)
                next
            if (!(from_room in level) || !(to_room in level) || level[to_room] >= level[from_room]) {
                print $1 ":" $2 ": includes " to ", which is not to the left of " from_room "/"
                bad++
            }
        }
        END {
            if (n_include == 0) { print "no include was found"; exit 1 }
            exit bad > 0
        }'
