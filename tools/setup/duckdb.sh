#!/usr/bin/env bash
# Fetches DuckDB's shared library and its C header into build/third_party/duckdb (kept across build types).
# Both come from npm packages of one DuckDB version, pinned here and checked by sha512; see docs/decisions.
set -euo pipefail
version=1.4.4
library_package=@duckdb/node-bindings-linux-x64@1.4.4-r.1
library_sha512=7e360d73eb78fd3ee6873679ee8268210696bdb615bf186275c34d6a7b101625a777afc930b0942dde2a9edf172374edd81ad9b2b687ebdd0a481212dd03edd3
header_package=duckdb@1.4.4
header_sha512=844249e61c9517454b8f776638ba6c5ab411d1bddde1892ab72826ea25178c72430e74aa83f5122b171be6abcdace84560f824b5ac94e9d5c2b603ea7269a9a2

root=$(cd "$(dirname "$0")/../.." && pwd)
target=$root/build/third_party/duckdb
[ "$(cat "$target/version" 2>/dev/null)" = "$library_package" ] && exit 0
if [ "$(uname -m)" != x86_64 ]; then
  echo "tools/setup/duckdb.sh: only x86_64 is served, this is $(uname -m)" >&2
  exit 1
fi

mkdir -p "$root/build/third_party"
work=$(mktemp -d "$root/build/third_party/duckdb.XXXXXX")
trap 'rm -rf "$work"' EXIT

# fetch PACKAGE SHA512 MEMBER FILE: one member of a package, after the whole tarball's checksum was seen to hold.
fetch() {
  local tarball
  tarball=$(cd "$work" && npm pack --silent "$1" | tail -1)
  if ! echo "$2  $work/$tarball" | sha512sum --check --status; then
    echo "tools/setup/duckdb.sh: checksum of $1 does not hold" >&2
    exit 1
  fi
  tar -xzf "$work/$tarball" -C "$work" "$3"
  mkdir -p "$(dirname "$work/out/$4")"
  mv "$work/$3" "$work/out/$4"
  [ "$4" = lib/libduckdb.so ] && tar -xzf "$work/$tarball" -C "$work" package/LICENSE && mv "$work/package/LICENSE" "$work/out/LICENSE"
  rm -f "$work/$tarball"
}

echo "fetching DuckDB $version"
fetch "$library_package" "$library_sha512" package/libduckdb.so lib/libduckdb.so
fetch "$header_package" "$header_sha512" package/src/duckdb/src/include/duckdb.h include/duckdb.h
echo "$library_package" >"$work/out/version"
rm -rf "$target"
mv "$work/out" "$target"
