#!/usr/bin/env bash
# Installs what is missing to build, run and test on Debian 12: packages from Debian, nothing from elsewhere. (A newer
# Node.js than Debian's comes by tools/setup/node.sh, DuckDB by duckdb.sh: both from npm, into build/third_party.)
set -euo pipefail
packages=(
  g++ cmake ninja-build ccache mold make pkg-config python3 python3-venv ca-certificates
  libboost1.81-dev libboost-json1.81-dev libssl-dev libnghttp2-dev libsqlite3-dev libsimdjson-dev libfmt-dev
  libspdlog-dev libzstd-dev libsnappy-dev zlib1g-dev libarchive-dev libyaml-cpp-dev libpugixml-dev libcli11-dev
  libpcre2-dev libjq-dev libgtest-dev libgmock-dev libbenchmark-dev
  mosquitto mosquitto-clients chromium fonts-dejavu-core curl nodejs npm awscli git
)
missing=()
for package in "${packages[@]}"; do
  # A command already there from elsewhere (a Node.js of its own) is as good as the package.
  [ "$package" = nodejs ] && command -v node >/dev/null && continue
  [ "$package" = npm ] && command -v npm >/dev/null && continue
  [ "$package" = awscli ] && command -v aws >/dev/null && continue
  dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
echo "installing: ${missing[*]}"
sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
