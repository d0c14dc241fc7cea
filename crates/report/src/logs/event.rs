//! The messages in an event file of TensorBoard, in the wire format of protobuf.
//!
//! Source: `event.proto`, `summary.proto`, `tensor.proto`, `tensor_shape.proto` and `types.proto` in
//! `tensorboard/compat/proto`. Of their fields only those that Polder writes are here, by name and number.

/// The version of the format; TensorBoard expects it in the first event.
const FILE_VERSION: &str = "brain.Event:2";

/// Tells TensorBoard that a tensor of strings is text to show.
const TEXT_PLUGIN: &str = "text";

/// `DT_STRING` of `types.proto`.
const STRINGS: u64 = 7;

/// `DATA_CLASS_TENSOR` of `summary.proto`.
const TENSOR: u64 = 2;

/// The first event of a file: which format it has, and who wrote it.
pub(super) fn file_version(wall_time: f64) -> Vec<u8> {
    let writer = Message::default().bytes(1, b"polder"); // SourceMetadata.writer
    let event = Message::default().double(1, wall_time); // Event.wall_time
    event.bytes(3, FILE_VERSION.as_bytes()).message(10, &writer).0 // Event.file_version, .source_metadata
}

/// One point of each of several curves, by tag. `step` is in steps, `wall_time` in seconds since 1970-01-01 UTC.
pub(super) fn scalars(wall_time: f64, step: u64, values: impl Iterator<Item = (String, f32)>) -> Vec<u8> {
    let summary = values.fold(Message::default(), |summary, (tag, value)| {
        // Summary.value, and its .tag and .simple_value.
        summary.message(1, &Message::default().bytes(1, tag.as_bytes()).float(2, value))
    });
    event(wall_time, step, &summary)
}

/// A text in Markdown.
pub(super) fn text(wall_time: f64, tag: &str, markdown: &str) -> Vec<u8> {
    let plugin = Message::default().bytes(1, TEXT_PLUGIN.as_bytes()); // PluginData.plugin_name
    let metadata = Message::default().message(1, &plugin).varint(4, TENSOR); // SummaryMetadata.plugin_data, .data_class
    let tensor = Message::default()
        .varint(1, STRINGS) // TensorProto.dtype
        .message(2, &Message::default()) // .tensor_shape, without extents: a scalar
        .bytes(8, markdown.as_bytes()); // .string_val
    let value = Message::default()
        .bytes(1, tag.as_bytes()) // Summary.Value.tag
        .message(8, &tensor) // .tensor
        .message(9, &metadata); // .metadata
    event(wall_time, 0, &Message::default().message(1, &value))
}

fn event(wall_time: f64, step: u64, summary: &Message) -> Vec<u8> {
    Message::default().double(1, wall_time).varint(2, step).message(5, summary).0 // Event.wall_time, .step, .summary
}

/// A message that grows field by field.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(self, field: u32, value: u64) -> Self {
        self.key(field, 0).raw_varint(value)
    }

    fn double(self, field: u32, value: f64) -> Self {
        self.key(field, 1).raw(&value.to_le_bytes())
    }

    fn bytes(self, field: u32, value: &[u8]) -> Self {
        self.key(field, 2).raw_varint(value.len() as u64).raw(value)
    }

    fn message(self, field: u32, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }

    fn float(self, field: u32, value: f32) -> Self {
        self.key(field, 5).raw(&value.to_le_bytes())
    }

    fn key(self, field: u32, wire_type: u64) -> Self {
        self.raw_varint(u64::from(field) << 3 | wire_type)
    }

    /// Seven bits to a byte, the lowest first; the highest bit says that more follow.
    fn raw_varint(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the protobuf documentation, "Encoding".
    #[test]
    fn fields_have_the_bytes_of_the_specification() {
        assert_eq!(Message::default().varint(1, 150).0, [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().bytes(2, b"testing").0, b"\x12\x07testing");
        assert_eq!(
            Message::default().message(3, &Message::default().varint(1, 150)).0,
            [0x1a, 0x03, 0x08, 0x96, 0x01]
        );
        assert_eq!(Message::default().float(2, 1.0).0, [0x15, 0, 0, 0x80, 0x3f]);
        assert_eq!(Message::default().varint(1, u64::MAX).0.len(), 11);
    }
}
