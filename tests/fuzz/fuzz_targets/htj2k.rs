#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    _ = rushes::decode::fuzz::chunk("htj2k", input);
});
