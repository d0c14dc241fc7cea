//! A reader of TensorBoard's event files that shares nothing with their writer: records, checksums and protobuf by hand.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};

/// What Polder puts into an event.
#[derive(Debug, Default)]
pub(crate) struct Event {
    pub(crate) wall_time: f64,
    pub(crate) step: u64,
    pub(crate) file_version: String,
    pub(crate) scalars: Vec<(String, f32)>,
    pub(crate) texts: Vec<(String, String)>,
}

/// The value of a field by its wire type.
#[derive(Debug)]
enum Value<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// The events of a file, every byte of which has to be accounted for.
pub(crate) fn read(path: &Path) -> Vec<Event> {
    let file = std::fs::read(path).unwrap();
    let (mut rest, mut events) = (file.as_slice(), Vec::new());
    while !rest.is_empty() {
        let len = checked(&mut rest, 8);
        let len = u64::from_le_bytes(len.try_into().unwrap());
        events.push(event(checked(&mut rest, len as usize)));
    }
    events
}

/// The event file in a folder that holds nothing else.
pub(crate) fn only_file(folder: &Path) -> PathBuf {
    let files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    file.clone()
}

/// The next `len` bytes, whose checksum follows them.
fn checked<'a>(rest: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (data, after) = rest.split_at(len);
    let (checksum, after) = after.split_at(4);
    *rest = after;
    let unmasked = u32::from_le_bytes(checksum.try_into().unwrap()).wrapping_sub(0xa282_ead8);
    assert_eq!(unmasked.rotate_left(15), crc32c(data), "a checksum is wrong");
    data
}

/// Bit by bit, from the definition: the reflected polynomial of Castagnoli.
fn crc32c(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 * (crc & 1));
        }
    }
    !crc
}

fn event(message: &[u8]) -> Event {
    let mut event = Event::default();
    for (field, value) in fields(message) {
        match (field, value) {
            (1, Value::Fixed64(bytes)) => event.wall_time = f64::from_le_bytes(bytes),
            (2, Value::Varint(step)) => event.step = step,
            (3, Value::Bytes(version)) => event.file_version = string(version),
            (5, Value::Bytes(summary)) => {
                for (field, value) in fields(summary) {
                    let (1, Value::Bytes(value)) = (field, value) else {
                        panic!("a field {field} in a summary")
                    };
                    add_value(&mut event, value);
                }
            }
            (10, Value::Bytes(_writer)) => {}
            (field, value) => panic!("a field {field} in an event: {value:?}"),
        }
    }
    event
}

fn add_value(event: &mut Event, message: &[u8]) {
    let (mut tag, mut scalar, mut text, mut plugin) = (String::new(), None, None, String::new());
    for (field, value) in fields(message) {
        match (field, value) {
            (1, Value::Bytes(bytes)) => tag = string(bytes),
            (2, Value::Fixed32(bytes)) => scalar = Some(f32::from_le_bytes(bytes)),
            (8, Value::Bytes(tensor)) => text = Some(only_string(tensor)),
            (9, Value::Bytes(metadata)) => plugin = plugin_name(metadata),
            (field, value) => panic!("a field {field} in a value: {value:?}"),
        }
    }
    match (scalar, text) {
        (Some(scalar), None) => event.scalars.push((tag, scalar)),
        (None, Some(text)) => {
            assert_eq!(plugin, "text");
            event.texts.push((tag, text));
        }
        other => panic!("`{tag}` is {other:?}"),
    }
}

/// The string in a tensor that has the type of strings, no extents, and one value.
fn only_string(tensor: &[u8]) -> String {
    match fields(tensor).as_slice() {
        [(1, Value::Varint(7)), (2, Value::Bytes([])), (8, Value::Bytes(text))] => string(text),
        other => panic!("{other:?}"),
    }
}

fn plugin_name(metadata: &[u8]) -> String {
    let fields = fields(metadata);
    let [(1, Value::Bytes(plugin)), (4, Value::Varint(2))] = fields.as_slice() else { panic!("{fields:?}") };
    let [(1, Value::Bytes(name))] = self::fields(plugin)[..] else { panic!("a plugin without a name") };
    string(name)
}

fn fields(mut message: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut message)),
            1 => Value::Fixed64(take(&mut message, 8).try_into().unwrap()),
            2 => {
                let len = varint(&mut message);
                Value::Bytes(take(&mut message, len as usize))
            }
            5 => Value::Fixed32(take(&mut message, 4).try_into().unwrap()),
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, value));
    }
    fields
}

fn varint(message: &mut &[u8]) -> u64 {
    let len = 1 + message.iter().position(|byte| byte & 0x80 == 0).unwrap();
    take(message, len).iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
}

fn take<'a>(message: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, rest) = message.split_at(len);
    *message = rest;
    taken
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
