//! Passes the linker what a Node module needs on this platform.

fn main() {
    napi_build::setup();
}
