#!/usr/bin/env bash
# No file needs itself: NAME.h and NAME.c are one file, and so are NAME_internal, NAME_kernel and
# NAME_impl, which say how NAME is made; what they include may not come back to them. And no room
# grows beyond a quarter of the lines outside test/.
#
# usage: scripts/check_circles.sh FOLDER...     prints the files of each circle in these folders, and
#                                               the largest room; exit status 1 for what is too much
set -u
status=0

circles() { # tsort names the files of each circle
    for folder; do
        git ls-files "$folder/*.c" "$folder/*.h"
    done | xargs grep -H '^#include "' |
        sed -nE 's/^([^:]*)\.[ch]:#include "(.*)\.h".*/\1 \2/p' |
        sed -E 's/_(internal|kernel|impl)( |$)/\2/g' | awk '$1 != $2' | sort -u |
        tsort 2>&1 >/dev/null | sed -n 's/^tsort: \(.*\/.*\)/circle: \1/p'
}
found=$(circles "$@")
[ -z "$found" ] || { echo "$found"; status=1; }

git ls-files '*.c' '*.h' '*.cpp' | grep -v '^test/' | xargs wc -l | grep '/' |
    awk '{ split($2, part, "/"); lines[part[1]] += $1; all += $1 }
         END {
             for (room in lines)
                 if (lines[room] > lines[most])
                     most = room
             printf "largest room: %s/, %d of %d lines, %.1f %%\n", most, lines[most], all,
                    100 * lines[most] / all
             exit 4 * lines[most] > all
         }' || status=1
exit $status
