#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| corsac_fuzz::bodies::s3::run(data));
