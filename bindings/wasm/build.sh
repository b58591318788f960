#!/bin/sh
# Builds the WebAssembly module and lays out its package in bindings/wasm/dist.
#
# Where Rust has no standard library for WebAssembly (`rustup target add wasm32-unknown-unknown` brings one), it is built
# once from Debian's packages, which are unpacked into the target folder and installed nowhere. Exits with 77 and the
# reason where they cannot be had.
set -eu
triple=wasm32-unknown-unknown
cd "$(dirname "$0")/../.."
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR
toolchain=$CARGO_TARGET_DIR/wasm-toolchain

cannot() {
	echo "Rust has no standard library for $triple here, and $*"
	exit 77
}

# The first package that another one depends on and whose name is like this.
dependency() {
	apt-cache depends "$1" 2>/dev/null | sed -n "s/^ *Depends: \($2\)$/\1/p" | head -n 1
}

unpack() {
	for file in "$@"; do dpkg-deb --fsys-tarfile "$file" | tar -x -C "$new"; done
}

download() {
	library=$(dependency libstd-rust-web-dev 'libstd-rust-web-.*')
	llvm=$(dependency "${library:-none}" 'libllvm[0-9]*')
	if [ -z "$llvm" ]; then
		echo "E: there is no package rustc-web" >"$new/log"
		return 1
	fi
	rm -f "$new"/packages/*
	(cd "$new/packages" && apt-get -qq download rustc-web libstd-rust-web-dev rust-web-src "$library" "$llvm" "lld-${llvm#libllvm}") >"$new/log" 2>&1
}

# Debian's compiler with the linker of its LLVM, and the source of the standard library.
fetch() {
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || cannot "this is no Debian, whose packages could build it"
	# What apt knows may be older than what there is.
	download || { [ "$(id -u)" -eq 0 ] && apt-get update -qq >/dev/null 2>&1 && download; } ||
		cannot "Debian's packages, which could build it, cannot be had: $(grep '^E: ' "$new/log" | head -n 1)"
	dpkg-deb --fsys-tarfile "$new"/packages/rust-web-src_* | tar -x -C "$new" --wildcards './usr/src/rustc-*/library/*'
	rm "$new"/packages/rust-web-src_*
	unpack "$new"/packages/*
	rm -r "$new/packages"
	# With its libraries, which are not where the system looks.
	folder=$(dirname "$(echo "$new"/usr/lib/*/librustc_driver-*.so)")
	printf '#!/bin/sh\nhere=${0%%/*}\nLD_LIBRARY_PATH=$here%s exec "$here/usr/bin/rustc" "$@"\n' "${folder#"$new"}" >"$new/rustc"
	chmod +x "$new/rustc"
	version=$("$new/rustc" -vV | sed -n 's/^release: //p')
	oldest=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
	[ "$(printf '%s\n' "$oldest" "$version" | sort -V | head -n 1)" = "$oldest" ] || cannot "Debian's compiler, $version, is older than $oldest"
	host=$("$new/rustc" -vV | sed -n 's/^host: //p')
	mkdir -p "$new/usr/lib/rustlib/$host/bin"
	ln -s "../../../llvm-${llvm#libllvm}/bin/lld" "$new/usr/lib/rustlib/$host/bin/rust-lld"
}

# The standard library, as Rust's own build makes it: with what it needs from the same sources, and nothing else.
build_standard_library() {
	source=$(echo "$new"/usr/src/rustc-*/library)
	mkdir -p "$new/std/src"
	: >"$new/std/src/lib.rs"
	cat >"$new/std/Cargo.toml" <<-EOF
		[package]
		name = "standard-library"
		edition = "2024"
		[workspace]
		[dependencies]
		std = { path = "$source/std", default-features = false, features = ["panic-unwind"] }
		[patch.crates-io]
		rustc-std-workspace-core = { path = "$source/rustc-std-workspace-core" }
		rustc-std-workspace-alloc = { path = "$source/rustc-std-workspace-alloc" }
		[profile.release]
		panic = "abort"
		[profile.release.package.compiler_builtins]
		codegen-units = 10000
	EOF
	RUSTC=$new/rustc RUSTC_BOOTSTRAP=1 __CARGO_DEFAULT_LIB_METADATA=standard \
		RUSTFLAGS="-Cembed-bitcode=yes -Zforce-unstable-if-unmarked --remap-path-prefix=$source=/rustc/library" \
		cargo build --release --offline --quiet --manifest-path "$new/std/Cargo.toml" --target-dir "$new/built" --target $triple \
		--package std --package panic_abort \
		--config 'source.crates-io.replace-with="vendored"' --config "source.vendored.directory=\"$source/vendor\"" >"$new/log" 2>&1 ||
		{ cat "$new/log" >&2; exit 1; }
	mkdir -p "$new/usr/lib/rustlib/$triple/lib"
	cp "$new/built/$triple/release/deps/"*.rlib "$new/usr/lib/rustlib/$triple/lib"
	rm -r "$new/built" "$new/std" "$new/usr/src" "$new/log"
}

if ! ls "$(rustc --print target-libdir --target $triple)"/libstd-*.rlib >/dev/null 2>&1; then
	if [ ! -e "$toolchain" ]; then
		mkdir -p "$CARGO_TARGET_DIR"
		new=$(mktemp -d "$toolchain.XXXXXX")
		trap 'rm -rf "$new"' EXIT
		mkdir "$new/packages"
		fetch
		build_standard_library
		# Whole or not at all; another build may have been faster.
		mv -T "$new" "$toolchain" 2>/dev/null || [ -e "$toolchain" ]
	fi
	export RUSTC="$toolchain/rustc"
fi

# Apart, since another compiler than elsewhere may be at work.
CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS='--cfg getrandom_backend="custom"' \
	cargo build --release --locked --quiet --package corsac-wasm --target $triple --target-dir "$CARGO_TARGET_DIR/wasm"
node bindings/wasm/package.mjs "$CARGO_TARGET_DIR/wasm/$triple/release/corsac_wasm.wasm"
