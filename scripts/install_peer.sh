#!/usr/bin/env bash
# Installs ONNX Runtime for node into FOLDER, unless it is there. No script of a package is run: the
# library for Linux on x86-64 lies inside the package.
#
# usage: scripts/install_peer.sh FOLDER        exit status 1, and a line that says why, without it
set -eu
folder=$1
package=onnxruntime-node@1.30.0
say() { echo "ONNX Runtime is not there: $*"; exit 1; }

[ -d "$folder/node_modules/onnxruntime-node" ] && exit 0
command -v node >/dev/null || say "no node on this machine"
command -v npm >/dev/null || say "no npm on this machine"
mkdir -p "$folder"
log=$folder/npm.log
npm install --ignore-scripts --no-audit --no-fund --prefix "$folder" "$package" >"$log" 2>&1 ||
    say "npm cannot install $package: $(grep -im 1 'npm err' "$log" || tail -n 1 "$log")"
