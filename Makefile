# The commands of the README and of CONTRIBUTING.
.PHONY: setup build run check test faults sanitize compat compat-java bench clean
.DEFAULT_GOAL := build
# In tests/, with a Node.js that is new enough and the clients installed.
with_clients = fetched=$$(tools/setup/node.sh) && export PATH="$${fetched:+$$fetched:}$$PATH" && cd tests && \
	npm ci --no-audit --no-fund --loglevel=error &&

setup:
	@tools/setup/packages.sh
	@tools/setup/node.sh >/dev/null
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
	@$(with_clients) node --test --test-concurrency=1 $(patsubst tests/%,%,$(wildcard tests/*/*.test.mjs))

# kill -9 at random and named moments, WELLHEAD_KILLS times; `make test` does it a few times.
faults: export WELLHEAD_KILLS ?= 100
faults: build
	@$(with_clients) node --test --test-concurrency=1 $(patsubst tests/%,%,$(wildcard tests/faults/*.test.mjs))

# Unit tests and fuzz targets with AddressSanitizer and UndefinedBehaviorSanitizer. SCOPE=core: those below the services.
SCOPE ?= all
sanitize: setup
	@mkdir -p build
	@cmake -S . -B build/asan -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" -DWELLHEAD_SANITIZE=ON >build/asan.log 2>&1 || (cat build/asan.log; false)
	@ninja -C build/asan $(if $(filter core,$(SCOPE)),core_tests,unit_tests fuzz_targets)
	@ctest --test-dir build/asan -L '$(if $(filter core,$(SCOPE)),core,unit|fuzz)' --output-on-failure -j2

# Python's clients of AWS, from PyPI, as their users write programs.
compat: build build/compat/installed
	@build/compat/bin/python tests/compat/run.py

# The same with the AWS SDK for Java, from Maven: CBOR and HTTP/2. Wants mvn and a JDK of 17 or later.
compat-java: build build/compat-java/installed
	@python3 tests/compat/run.py --java build/compat-java/libs build/compat-java/classes

build/compat-java/installed: tests/compat/java/pom.xml tests/compat/java/Streams.java
	@mkdir -p build/compat-java
	@mvn -q -B -f tests/compat/java/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/build/compat-java/libs
	@javac -cp 'build/compat-java/libs/*' -d build/compat-java/classes tests/compat/java/Streams.java
	@touch $@

build/compat/installed: tests/compat/requirements.txt
	@python3 -m venv build/compat
	@build/compat/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# All rows, about half an hour; one alone: bench/p1_ingest. BENCH_RUNS and BENCH_SECONDS shorten them.
bench: build
	@ninja -C build/release mqtt_load http_load
	@set -e; for row in bench/p*_*; do [ $$row = bench/p26_soak ] || { echo "== $$row"; $$row; }; done
	@cd bench && python3 -m harness.summary
