# The commands of the README and of CONTRIBUTING.
.PHONY: setup build run check test faults bench clean
.DEFAULT_GOAL := build

setup:
	@tools/setup/packages.sh
	@tools/setup/duckdb.sh

build: setup
	@mkdir -p build
	@cmake -S . -B build/release -G Ninja -DCMAKE_BUILD_TYPE=Release >build/cmake.log 2>&1 || (cat build/cmake.log; false)
	@ninja -C build/release wellhead
	@ln -sf src/server/wellhead build/release/wellhead

run: build
	@tools/run.sh

check: build
	@python3 tools/check/check.py
	@ninja -C build/release
	@ctest --test-dir build/release -L unit --output-on-failure -j2

test: check
	@cd tests && npm ci --no-audit --no-fund --loglevel=error
	@cd tests && node --test --test-concurrency=1 $(patsubst tests/%,%,$(wildcard tests/*/*.test.mjs))

# kill -9 at random and named moments, WELLHEAD_KILLS times; `make test` does it a few times.
faults: export WELLHEAD_KILLS ?= 100
faults: build
	@cd tests && npm ci --no-audit --no-fund --loglevel=error
	@cd tests && node --test --test-concurrency=1 $(patsubst tests/%,%,$(wildcard tests/faults/*.test.mjs))
