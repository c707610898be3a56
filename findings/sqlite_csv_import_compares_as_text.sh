#!/usr/bin/env bash
# SQLite 3.40.1 (Debian 12): .import --csv makes a table whose columns are all TEXT, so figures of a table compare
# letter by letter: of latencies of 4.8, 10.2 and 162.8 the least is 10.2, the largest 4.8, and "4.8 < 10" holds for none
# of them; avg() and + make numbers of them all the same, so half of the queries are right. Into a table that is
# there with types of its own the same file comes as numbers.
. "$(dirname "$0")/tools/setup.sh"
debian sqlite3=3.40.1-2+deb12u2 libsqlite3-0=3.40.1-2+deb12u2

printf 'name,latency_us\na,4.8\nb,10.2\nc,162.8\n' >points.csv
sqlite3 text.db ".import --csv points.csv point" \
    "select min(latency_us), max(latency_us), round(avg(latency_us), 2) from point" \
    "select count(*) from point where latency_us < 10" | tr '\n' ' ' |
    expect "least, largest, mean; below 10" "10.2|4.8|59.27 0 "
sqlite3 real.db "create table point(name TEXT, latency_us REAL)" ".import --csv --skip 1 points.csv point" \
    "select min(latency_us), max(latency_us) from point" "select count(*) from point where latency_us < 10" |
    tr '\n' ' ' | expect "with a type" "4.8|162.8 1 "
