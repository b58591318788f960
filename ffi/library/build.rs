//! Gives the shared library the name that programs ask the loader for.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The number is CORSAC_ABI_VERSION: it changes when a program built before would break.
    const ABI: u32 = 0;
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let family = std::env::var("CARGO_CFG_TARGET_FAMILY").unwrap_or_default();
    if matches!(os.as_str(), "macos" | "ios" | "tvos" | "watchos" | "visionos") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libcorsac.{ABI}.dylib");
    } else if family.split(',').any(|family| family == "unix") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcorsac.so.{ABI}");
    }
}
