#!/usr/bin/env bash
# Copies files below a directory, each at its own path.
#
# usage: scripts/install_files.sh DIRECTORY FILE...
set -eu
directory=$1
shift
for f in "$@"; do
    install -D -m 644 "$f" "$directory/$f"
done
