//! `include/corsac.h` is what cbindgen makes of this crate.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a claim that fails should panic")]

use std::path::Path;

const COMMAND: &str = "CORSAC_UPDATE_HEADER=1 cargo test --release -p corsac-ffi --test header";

fn generate(ffi: &Path) -> String {
    let mut config = cbindgen::Config::from_file(ffi.join("cbindgen.toml")).unwrap();
    let foreign =
        corsac::ResponseHeader::FOREIGN.map(|header| format!("\"{}\"", header.name())).join(", \\\n  ");
    config.after_includes = Some(format!(
        "\n// The version of this header; corsac_version tells the library's.\n\
         #define CORSAC_VERSION \"{}\"\n#define CORSAC_VERSION_MAJOR {}\n\
         #define CORSAC_VERSION_MINOR {}\n#define CORSAC_VERSION_PATCH {}\n\n\
         // The seven headers that only a policy should set, as strings: see CORSAC_FLAG_FOREIGN_HEADERS_KEPT.\n\
         #define CORSAC_FOREIGN_HEADERS \\\n  {foreign}",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
        env!("CARGO_PKG_VERSION_PATCH"),
    ));
    let mut builder = cbindgen::Builder::new().with_config(config);
    // In the order in which a reader needs them.
    for file in ["types", "policy", "builder", "request", "decision", "s3", "cell", "errors", "names"] {
        builder = builder.with_src(ffi.join("src").join(file).with_extension("rs"));
    }
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    String::from_utf8(header).unwrap()
}

#[test]
fn the_header_is_what_the_crate_says() {
    let ffi = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = ffi.join("../include/corsac.h");
    let generated = generate(ffi);
    if std::env::var_os("CORSAC_UPDATE_HEADER").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "include/corsac.h is not up to date, renew it: {COMMAND}");
}
