#!/usr/bin/env bash
# The oil field on this machine: Wellhead with its pipeline, and ten simulated wells. Ctrl-C ends both.
set -euo pipefail
cd "$(dirname "$0")/.."
wellhead=build/release/wellhead
ready=$(mktemp -u)
mkfifo "$ready"
"$wellhead" up pipelines/oilfield.yaml "$@" >"$ready" &
server=$!
trap 'kill -TERM $server 2>/dev/null; wait $server; rm -f "$ready"' EXIT
trap 'exit 0' INT TERM
# The server's one line says that everything stands.
if ! read -r line <"$ready"; then exit 1; fi
echo "$line"
echo "ten wells begin to publish (their log: build/simulator.log)" >&2
"$wellhead" simulate >build/simulator.log 2>&1 &
wells=$!
trap 'kill $wells 2>/dev/null; kill -TERM $server 2>/dev/null; wait $server; rm -f "$ready"' EXIT
wait $server
