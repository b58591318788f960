# Everything a person or a machine runs. `make demo` and `make test` set up what they need themselves.

PREFIX ?= /usr/local
CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
# No build step fetches a toolchain.
export MATURIN_NO_INSTALL_RUST = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

PYTHON ?= python3
VENV = .venv
CARGO = cargo
RELEASE = $(CARGO_TARGET_DIR)/release

# Debian packages: for the C server; for the C tests; for the browsers.
SERVER_PACKAGES = gcc libc6-dev pkg-config libmicrohttpd-dev
CHECK_PACKAGES = $(SERVER_PACKAGES) g++ clang libclang-rt-14-dev valgrind binutils curl
BROWSER_PACKAGES = chromium firefox-esr

.PHONY: demo test test-long check bench lib python node server clean
.PHONY: server-packages check-packages browser-packages

demo: server python node
	@$(VENV)/bin/python tests/demo/demo.py

test: check-packages browser-packages server python node test-packages
	@$(VENV)/bin/python tests/run.py --all

check: check-packages
	@$(PYTHON) tests/run.py --check

test-long: check-packages test-packages
	@$(VENV)/bin/python tests/run.py --long

bench: lib
	@$(CARGO) build --release --locked --quiet -p corsac-bench
	@$(PYTHON) tests/bench/bench.py

# --- What is built -----------------------------------------------------------------------------------------

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

tests/browsers/node_modules/.ready: tests/browsers/package-lock.json
	@cd tests/browsers && npm ci --silent --ignore-scripts --no-audit --no-fund && touch node_modules/.ready

.PHONY: test-packages
test-packages: $(VENV)/.tests tests/browsers/node_modules/.ready

server-packages:
	@sh tests/setup.sh $(SERVER_PACKAGES)

check-packages:
	@sh tests/setup.sh $(CHECK_PACKAGES)

browser-packages:
	@sh tests/setup.sh $(BROWSER_PACKAGES)

clean:
	rm -rf target tests/out $(VENV) tests/browsers/node_modules bindings/node/node_modules
	rm -f bindings/node/*.node bindings/python/python/corsac/*.so
