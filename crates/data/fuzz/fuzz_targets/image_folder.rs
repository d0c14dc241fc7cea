#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Errors are what bad input should give.
    let _ = polder_data::fuzzing::image_folder(bytes);
});
