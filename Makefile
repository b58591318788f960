# Everything a person or a machine runs. `make demo` and `make test` set up what they need themselves.

# Absolute, since cargo is called from more than one folder.
override CARGO_TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))
export CARGO_TARGET_DIR
# No build step fetches a toolchain.
export MATURIN_NO_INSTALL_RUST = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

PYTHON ?= python3
VENV = .venv
CARGO = cargo
RELEASE = $(CARGO_TARGET_DIR)/release

# The run-time library of the sanitizers has the version of clang in its name.
CLANG_RUNTIME = libclang-rt-$(or $(shell clang -dumpversion 2>/dev/null | cut -d. -f1),14)-dev
# Debian packages: for the C server; for the C tests; for the browsers.
SERVER_PACKAGES = gcc libc6-dev pkg-config libmicrohttpd-dev
CHECK_PACKAGES = $(SERVER_PACKAGES) g++ clang $(CLANG_RUNTIME) valgrind binutils curl
BROWSER_PACKAGES = chromium firefox-esr

.PHONY: demo test test-long check bench tsan libraries lib python node server clean
.PHONY: server-packages check-packages browser-packages

demo: libraries server python node
	@$(VENV)/bin/python tests/demo/demo.py

test: check-packages browser-packages libraries server python node test-packages
	@$(VENV)/bin/python tests/run.py --all

check: check-packages
	@$(PYTHON) tests/run.py --check

test-long: check-packages test-packages
	@$(VENV)/bin/python tests/run.py --long

bench: lib
	@$(CARGO) build --release --locked --quiet -p corsac-bench
	@$(PYTHON) tests/bench/bench.py

# The nightly std is not built for ThreadSanitizer: core/tests/cell_tsan.rs says what stands in for it.
tsan:
	@CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/tsan \
	RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" \
	TSAN_OPTIONS="suppressions=$(CURDIR)/core/tests/tsan.supp" \
	$(CARGO) +nightly test --release --locked --quiet -p corsac --target x86_64-unknown-linux-gnu --test cell_tsan

# --- What is built -----------------------------------------------------------------------------------------

# All at once, so that what they share is built once.
libraries:
	@$(CARGO) build --release --locked --quiet -p corsac-library -p corsac-python -p corsac-node

lib:
	@$(CARGO) build --release --locked --quiet -p corsac-library

server: server-packages lib
	@mkdir -p tests/out
	@gcc -std=c11 -O2 -Wall -Wextra -Werror -Iinclude ffi/examples/server.c -o tests/out/server \
		$(RELEASE)/libcorsac.a $$(pkg-config --cflags --libs libmicrohttpd) -lpthread -ldl -lm

python: $(VENV)/.ready
	@$(CARGO) build --release --locked --quiet -p corsac-python
	@install -m 755 $(RELEASE)/lib_native.so bindings/python/python/corsac/_native.abi3.so
	@echo "$(CURDIR)/bindings/python/python" > "$$($(VENV)/bin/python -c 'import site; print(site.getsitepackages()[0])')/corsac.pth"

node:
	@node bindings/node/scripts/build.mjs

# --- What is installed -------------------------------------------------------------------------------------

$(VENV)/.ready:
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { sh tests/setup.sh python3-venv && $(PYTHON) -m venv $(VENV); }
	@touch $@

$(VENV)/.tests: tests/requirements.txt $(VENV)/.ready
	@$(VENV)/bin/pip install --quiet --require-virtualenv -r tests/requirements.txt
	@touch $@

bindings/node/node_modules/.ready: bindings/node/package-lock.json
	@cd bindings/node && npm ci --silent --ignore-scripts --no-audit --no-fund && touch node_modules/.ready

tests/browsers/node_modules/.ready: tests/browsers/package-lock.json
	@cd tests/browsers && npm ci --silent --ignore-scripts --no-audit --no-fund && touch node_modules/.ready

.PHONY: test-packages
test-packages: $(VENV)/.tests tests/browsers/node_modules/.ready bindings/node/node_modules/.ready

server-packages:
	@sh tests/setup.sh $(SERVER_PACKAGES)

check-packages:
	@sh tests/setup.sh $(CHECK_PACKAGES)

browser-packages:
	@sh tests/setup.sh $(BROWSER_PACKAGES)

clean:
	$(CARGO) clean --quiet
	rm -rf tests/out .pytest_cache $(VENV) tests/browsers/node_modules bindings/node/node_modules
	rm -f bindings/node/*.node bindings/python/python/corsac/*.so
