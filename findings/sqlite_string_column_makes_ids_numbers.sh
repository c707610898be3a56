#!/usr/bin/env bash
# SQLite 3.40.1 (Debian 12): a column declared STRING holds numbers, for a type that it does not know makes a
# column numeric. Of ids of hexadecimal digits those that look like numbers change: 12345e67 becomes 1.2345e+71,
# 0012 and 12 become the same, which a primary key then refuses, 8d49eea4 stays. Of 16 random digits one in 770 looks so
# (all decimal, or but for one e inside); a study's table works until such a one comes. Declared TEXT, each stays as it is.
. "$(dirname "$0")/tools/setup.sh"
debian sqlite3=3.40.1-2+deb12u2 libsqlite3-0=3.40.1-2+deb12u2

sqlite3 study.db "create table point(id STRING, kept TEXT)" \
    "insert into point values('12345e67', '12345e67'), ('0012', '0012'), ('8d49eea4', '8d49eea4')"
sqlite3 study.db "select id, typeof(id), kept from point" | tr '\n' ' ' |
    expect "12345e67, 0012 and 8d49eea4" "1.2345e+71|real|12345e67 12|integer|0012 8d49eea4|text|8d49eea4 "
sqlite3 study.db "create table other(id STRING PRIMARY KEY)" "insert into other values('0012')"
sqlite3 study.db "insert into other values('12')" 2>&1 | grep -o "UNIQUE constraint failed" |
    expect "12 beside 0012" "UNIQUE constraint failed"
