#![no_main]

#[allow(dead_code, reason = "the other targets have programs of their own")]
#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::markdown(data));
