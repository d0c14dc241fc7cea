#![no_main]

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Errors are what bad input should give.
    let _ = polder_data::fuzzing::unpack(bytes);
});

/// Longest content that is taken out of an input, changed and packed again.
const MAX_CONTENT: usize = 1 << 15;

// Three changes of four are made to the content: hardly any change of the packed bytes leaves a tar file to read.
libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let changed = if seed.is_multiple_of(4) { None } else { change_content(&data[..size]) };
    match changed {
        Some(changed) if changed.len() <= max_size => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        _ => libfuzzer_sys::fuzzer_mutate(data, size, max_size),
    }
});

/// `input` with another content; `None` if it does not unpack.
fn change_content(input: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::with_capacity(MAX_CONTENT);
    GzDecoder::new(input).take(MAX_CONTENT as u64).read_to_end(&mut content).ok()?;
    let len = content.len();
    content.resize(MAX_CONTENT, 0);
    let len = libfuzzer_sys::fuzzer_mutate(&mut content, len, MAX_CONTENT);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&content[..len]).ok()?;
    packed.finish().ok()
}
