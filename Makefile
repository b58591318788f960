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
# Debian packages: for the C server; for the C tests; for the browsers; for the servers; for the command line.
SERVER_PACKAGES = gcc g++ libc6-dev pkg-config libmicrohttpd-dev
CHECK_PACKAGES = $(SERVER_PACKAGES) clang $(CLANG_RUNTIME) valgrind binutils curl cmake abigail-tools nlohmann-json3-dev
BROWSER_PACKAGES = chromium firefox-esr
NGINX_PACKAGES = gcc libc6-dev make nginx nginx-dev libpcre2-dev zlib1g-dev libssl-dev openssl binutils valgrind curl wrk
APACHE_PACKAGES = gcc libc6-dev apache2 apache2-dev media-types valgrind curl
# A certificate that nobody trusts.
CLI_PACKAGES = openssl

.PHONY: demo test test-long check bench tsan fuzz mutants libraries lib python node wasm cli server clean
.PHONY: server-packages check-packages browser-packages cli-packages

demo: libraries server python node
	@$(VENV)/bin/python tests/demo/demo.py

test: check-packages browser-packages nginx-packages cli-packages libraries server python node cli apache test-packages
	@$(VENV)/bin/python tests/run.py --all

check: check-packages
	@$(PYTHON) tests/run.py --check

test-long: check-packages nginx-packages apache test-packages
	@$(VENV)/bin/python tests/run.py --long

bench: lib python apache nginx-packages $(VENV)/.bench node tests/node/node_modules/.ready
	@$(CARGO) build --release --locked --quiet -p corsac-bench
	@$(PYTHON) tests/bench/bench.py

# The nightly std is not built for ThreadSanitizer: core/tests/cell_tsan.rs says what stands in for it.
tsan:
	@CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/tsan \
	RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" \
	TSAN_OPTIONS="suppressions=$(CURDIR)/core/tests/tsan.supp" \
	$(CARGO) +nightly test --release --locked --quiet -p corsac --target x86_64-unknown-linux-gnu --test cell_tsan

FUZZ_SECONDS ?= 60
FUZZ_TARGETS = document pattern origin header_list evaluate s3 c_abi
# Needs nightly, and `cargo install cargo-fuzz --version 0.13.2 --locked`. New inputs go to target/, crashes to core/fuzz/artifacts/.
fuzz:
	@for target in $(FUZZ_TARGETS); do mkdir -p $(CARGO_TARGET_DIR)/fuzz/corpus/$$target; \
		$(CARGO) +nightly fuzz run --fuzz-dir core/fuzz $$target $(CARGO_TARGET_DIR)/fuzz/corpus/$$target core/fuzz/corpus/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -max_len=10000 -dict=core/fuzz/dictionary -print_final_stats=1 || exit 1; done

# Needs `cargo install cargo-mutants --version 27.1.0 --locked`. What is tested, how, and which mutants differ in nothing that
# can be seen: .cargo/mutants.toml. An hour or two; MUTANTS="--shard 1/50" takes a part.
mutants:
	@CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/mutants $(CARGO) mutants --jobs 1 --timeout 60 --output $(CARGO_TARGET_DIR) $(MUTANTS)

# --- What is built -----------------------------------------------------------------------------------------

# All at once, so that what they share is built once.
libraries:
	@$(CARGO) build --release --locked --quiet -p corsac-library -p corsac-python -p corsac-node

lib:
	@$(CARGO) build --release --locked --quiet -p corsac-library
# So that their age says when they were known to be current, which make install looks at.
	@touch -c $(RELEASE)/libcorsac.so $(RELEASE)/libcorsac.a

server: server-packages lib
	@mkdir -p tests/out
	@gcc -std=c11 -O2 -Wall -Wextra -Werror -Iinclude ffi/examples/server.c -o tests/out/server \
		$(RELEASE)/libcorsac.a $$(pkg-config --cflags --libs libmicrohttpd) -lpthread -ldl -lm
	@g++ -std=c++17 -O2 -Wall -Wextra -Werror -Iinclude ffi/examples/server.cpp -o tests/out/server-cpp \
		$(RELEASE)/libcorsac.a $$(pkg-config --cflags --libs libmicrohttpd) -lpthread -ldl -lm

python: $(VENV)/.ready
	@$(CARGO) build --release --locked --quiet -p corsac-python
	@install -m 755 $(RELEASE)/lib_native.so bindings/python/python/corsac/_native.abi3.so
	@echo "$(CURDIR)/bindings/python/python" > "$$($(VENV)/bin/python -c 'import site; print(site.getsitepackages()[0])')/corsac.pth"

node:
	@node bindings/node/scripts/build.mjs

# The package for JavaScript runtimes that load no addon, in bindings/wasm/dist.
wasm:
	@sh bindings/wasm/build.sh

cli:
	@$(CARGO) build --release --locked --quiet -p corsac-cli

# --- The C and C++ library, installed ------------------------------------------------------------------------

# LIBDIR and INCLUDEDIR may be relative to PREFIX.
PREFIX ?= /usr/local
DESTDIR ?=
LIBDIR ?= lib
INCLUDEDIR ?= include
PACKAGING = PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" LIBDIR="$(LIBDIR)" INCLUDEDIR="$(INCLUDEDIR)" sh ffi/packaging/install.sh

.PHONY: install uninstall
# Installs what `make lib` built, so that root needs no compiler for it, unless something has changed since; builds it where
# there is none.
install: $(RELEASE)/libcorsac.so $(RELEASE)/libcorsac.a
	@$(PACKAGING) install "$(RELEASE)"

uninstall:
	@$(PACKAGING) uninstall

$(RELEASE)/libcorsac.so $(RELEASE)/libcorsac.a:
	@$(MAKE) --no-print-directory lib

# --- The Apache module ---------------------------------------------------------------------------------------

.PHONY: apache install-apache apache-packages
apache: apache-packages lib
	@sh bindings/apache/build.sh $(RELEASE)/libcorsac.a $(RELEASE)/mod_corsac.so

# Where there are Debian's folders, `a2enmod corsac` then turns it on.
install-apache:
	@sh bindings/apache/install.sh $(RELEASE)/mod_corsac.so

apache-packages:
	@sh tests/setup.sh $(APACHE_PACKAGES)

# --- What is installed -------------------------------------------------------------------------------------

$(VENV)/.ready:
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { sh tests/setup.sh python3-venv && $(PYTHON) -m venv $(VENV); }
	@touch $@

$(VENV)/.tests: tests/requirements.txt $(VENV)/.ready
	@$(VENV)/bin/pip install --quiet --require-virtualenv -r tests/requirements.txt
	@touch $@

$(VENV)/.bench: tests/bench/requirements.txt $(VENV)/.ready
	@$(VENV)/bin/pip install --quiet --require-virtualenv -r tests/bench/requirements.txt
	@touch $@

bindings/node/node_modules/.ready: bindings/node/package-lock.json
	@cd bindings/node && npm ci --silent --ignore-scripts --no-audit --no-fund && touch node_modules/.ready

tests/node/node_modules/.ready: tests/node/package-lock.json
	@cd tests/node && npm ci --silent --ignore-scripts --no-audit --no-fund && touch node_modules/.ready

tests/browsers/node_modules/.ready: tests/browsers/package-lock.json
	@cd tests/browsers && npm ci --silent --ignore-scripts --no-audit --no-fund && touch node_modules/.ready

.PHONY: test-packages
test-packages: $(VENV)/.tests tests/browsers/node_modules/.ready tests/node/node_modules/.ready bindings/node/node_modules/.ready

# The dynamic module for the nginx that is installed.
.PHONY: nginx nginx-packages
nginx: nginx-packages lib
	@CORSAC_LIB=$(RELEASE)/libcorsac.a bindings/nginx/build.sh $(CARGO_TARGET_DIR)/nginx/module
	@echo "load_module $(CARGO_TARGET_DIR)/nginx/module/ngx_http_corsac_module.so;"

nginx-packages:
	@sh tests/setup.sh $(NGINX_PACKAGES)

server-packages:
	@sh tests/setup.sh $(SERVER_PACKAGES)

check-packages:
	@sh tests/setup.sh $(CHECK_PACKAGES)

browser-packages:
	@sh tests/setup.sh $(BROWSER_PACKAGES)

cli-packages:
	@sh tests/setup.sh $(CLI_PACKAGES)

clean:
	$(CARGO) clean --quiet
	rm -rf tests/out .pytest_cache $(VENV) tests/browsers/node_modules tests/node/node_modules tests/node/runtimes/node_modules tests/wasm/node_modules bindings/node/node_modules
	rm -rf bindings/wasm/dist
	rm -f bindings/node/*.node bindings/python/python/corsac/*.so
