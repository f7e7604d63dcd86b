# The commands of the README and of CONTRIBUTING.
.PHONY: build check test
.DEFAULT_GOAL := build

setup:
	@tools/setup/packages.sh
	@tools/setup/duckdb.sh

build: setup
	@mkdir -p build && cmake -S . -B build/release -G Ninja -DCMAKE_BUILD_TYPE=Release >build/cmake.log 2>&1 || (cat build/cmake.log; false)
	@ninja -C build/release

check test: build
	@ctest --test-dir build/release --output-on-failure -j2
