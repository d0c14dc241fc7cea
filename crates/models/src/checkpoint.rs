//! A checkpoint: named tensors and text in one safetensors file that is either complete or not there.
//!
//! Weights and BN statistics carry the names that PyTorch gives them, so `safetensors.torch.load_file` reads
//! them; the state of optimizer and averages lies beside them under names that begin with `polder.`. A checksum in the
//! header covers everything else, so that a file that went bad on its disk is never taken for a good one.

#[cfg(test)]
mod faults;
mod file_system;
mod series;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::Path;

use crc32fast::Hasher;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use tch::{Kind, Tensor};

use self::file_system::{Disk, FileSystem, replace};
use crate::error::ModelError;
use crate::flat_parameters::bytes_of;
use crate::network::Network;

pub use self::series::{CheckpointSeries, DamagedCheckpoint, FoundCheckpoint};

/// The entry of the file's header under which all text lies, as a JSON object.
const METADATA: &str = "polder";

/// The text that holds the checksum of all the rest.
const CHECKSUM: &str = "polder.crc32";

/// A header is filled up with spaces to a multiple of so many bytes.
const HEADER_ALIGNMENT: usize = 8;

/// One f32 tensor of a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedTensor {
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// Values, row-major and little-endian, four bytes each.
    pub bytes: Vec<u8>,
}

/// The content of a checkpoint file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// f32 tensors by name.
    pub tensors: BTreeMap<String, SavedTensor>,
    /// Text by name: position, counters, the configuration's id.
    pub metadata: BTreeMap<String, String>,
}

impl Checkpoint {
    /// Adds the weights and BN statistics of `network`.
    ///
    /// # Errors
    /// If libtorch cannot make a view.
    pub fn add_network(&mut self, network: &Network) -> Result<(), ModelError> {
        for (name, tensor) in network.named_tensors()? {
            let shape = tensor.size().into_iter().map(|extent| extent as usize).collect();
            self.tensors.insert(name, SavedTensor { shape, bytes: bytes_of(&tensor) });
        }
        Ok(())
    }

    /// Adds a flat vector as its f32 bytes.
    pub fn add_vector(&mut self, name: String, bytes: Vec<u8>) {
        self.tensors.insert(name, SavedTensor { shape: vec![bytes.len() / 4], bytes });
    }

    /// Loads weights and BN statistics into `network`; what else the checkpoint holds is left alone.
    ///
    /// # Errors
    /// [`ModelError::CheckpointTensor`] if one is missing or has another shape.
    pub fn load_network(&self, network: &Network) -> Result<(), ModelError> {
        for (name, mut tensor) in network.named_tensors()? {
            let expected: Vec<usize> = tensor.size().into_iter().map(|extent| extent as usize).collect();
            let found = self.tensors.get(&name);
            let Some(saved) = found.filter(|saved| saved.shape == expected) else {
                let found = found.map_or("missing".to_owned(), |saved| format!("of shape {:?}", saved.shape));
                return Err(ModelError::CheckpointTensor {
                    name,
                    found,
                    expected: format!("shape {expected:?}"),
                });
            };
            let values = Tensor::f_from_data_size(&saved.bytes, &tensor.size(), Kind::Float)?;
            tch::no_grad(|| tensor.f_copy_(&values))?;
        }
        Ok(())
    }

    /// Writes the file beside `path`, flushes it to the disk, renames it into place, and flushes the folder.
    ///
    /// A crash, a loss of power or a full disk at any moment leaves `path` as it was or as it is to be. The file beside
    /// it has a fixed name, so only one process at a time may write to `path`.
    ///
    /// # Errors
    /// [`ModelError::Io`] naming the file and the act that failed.
    pub fn write(&self, path: &Path) -> Result<(), ModelError> {
        self.write_on(&mut Disk, path)
    }

    fn write_on(&self, file_system: &mut impl FileSystem, path: &Path) -> Result<(), ModelError> {
        let header =
            self.header().map_err(|source| ModelError::CheckpointFormat { path: path.to_owned(), source })?;
        replace(file_system, path, |file| self.write_to(&header, file))
    }

    /// Tensor after tensor as they are: a second copy of a large network and its averages would not be small.
    fn write_to(&self, header: &[u8], file: &mut impl Write) -> io::Result<()> {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(header)?;
        self.tensors.values().try_for_each(|saved| file.write_all(&saved.bytes))
    }

    /// Names, shapes and places of the tensors, and the text.
    fn header(&self) -> Result<Vec<u8>, safetensors::SafeTensorError> {
        let mut end = 0;
        let tensors = self.tensors.iter().map(|(name, saved)| {
            let start = end;
            end += saved.bytes.len();
            let info =
                TensorInfo { dtype: Dtype::F32, shape: saved.shape.clone(), data_offsets: (start, end) };
            (name.clone(), info)
        });
        let tensors = tensors.collect();
        let mut text = self.metadata.clone();
        text.insert(CHECKSUM.to_owned(), self.checksum());
        let text = serde_json::to_string(&text).expect("text by name is plain data");
        // One entry, itself sorted: a map of several would be written in an order that changes from run to run, and
        // equal states are to be equal files.
        let metadata = Metadata::new(Some(HashMap::from([(METADATA.to_owned(), text)])), tensors)?;
        let mut header = serde_json::to_vec(&metadata)?;
        header.resize(header.len().next_multiple_of(HEADER_ALIGNMENT), b' ');
        Ok(header)
    }

    /// The CRC-32 of all tensors with their names and shapes and of all text but the checksum itself, in hexadecimal.
    fn checksum(&self) -> String {
        let mut hasher = Hasher::new();
        // Each part behind its length: what stands in one cannot pass for a part of the next.
        let mut add = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        for (name, saved) in &self.tensors {
            add(name.as_bytes());
            saved.shape.iter().for_each(|extent| add(&(*extent as u64).to_le_bytes()));
            add(&saved.bytes);
        }
        for (name, value) in self.metadata.iter().filter(|(name, _)| *name != CHECKSUM) {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        format!("{:08x}", hasher.finalize())
    }

    /// Reads a checkpoint back and verifies its checksum.
    ///
    /// # Errors
    /// [`ModelError::Io`] if the file cannot be read, [`ModelError::CheckpointFormat`] if it is cut short or no
    /// checkpoint, [`ModelError::CheckpointChecksum`] if what it holds is not what was written.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let bytes = std::fs::read(path).map_err(|source| ModelError::Io {
            act: "read",
            path: path.to_owned(),
            source,
        })?;
        let damaged = |source| ModelError::CheckpointFormat { path: path.to_owned(), source };
        let file = SafeTensors::deserialize(&bytes).map_err(damaged)?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.tensors() {
            if view.dtype() != Dtype::F32 {
                let (found, expected) = (format!("{:?}", view.dtype()), "F32".to_owned());
                return Err(ModelError::CheckpointTensor { name, found, expected });
            }
            tensors.insert(name, SavedTensor { shape: view.shape().to_vec(), bytes: view.data().to_vec() });
        }
        let text = header.metadata().as_ref().and_then(|entries| entries.get(METADATA));
        let metadata: BTreeMap<String, String> =
            text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let mut checkpoint = Self { tensors, metadata };
        let stored = checkpoint.metadata.remove(CHECKSUM);
        let computed = checkpoint.checksum();
        if stored.as_ref() != Some(&computed) {
            let stored = stored.unwrap_or_else(|| "missing".to_owned());
            return Err(ModelError::CheckpointChecksum { path: path.to_owned(), stored, computed });
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use safetensors::serialize;
    use safetensors::tensor::TensorView;

    use super::*;

    fn checkpoint() -> Checkpoint {
        let mut checkpoint = Checkpoint::default();
        checkpoint.add_vector("polder.velocity".to_owned(), vec![1, 2, 3, 4, 5, 6, 7, 8]);
        checkpoint.add_vector("conv1.weight".to_owned(), vec![9; 12]);
        for name in ["epoch", "step", "loss_sum", "num_wrong"] {
            checkpoint.metadata.insert(name.to_owned(), "3".to_owned());
        }
        checkpoint
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        checkpoint().write(&path).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), checkpoint());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no file is left beside it");
        let bytes = std::fs::read(&path).unwrap();
        checkpoint().write(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "equal states are equal files");
    }

    #[test]
    fn the_bytes_are_those_of_the_safetensors_library() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        checkpoint().write(&path).unwrap();
        let mut text = checkpoint().metadata;
        text.insert(CHECKSUM.to_owned(), checkpoint().checksum());
        let text = HashMap::from([(METADATA.to_owned(), serde_json::to_string(&text).unwrap())]);
        let tensors = checkpoint().tensors;
        let views = tensors.iter().map(|(name, saved)| {
            (name, TensorView::new(Dtype::F32, saved.shape.clone(), &saved.bytes).unwrap())
        });
        assert_eq!(std::fs::read(&path).unwrap(), serialize(views, Some(text)).unwrap());
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        checkpoint().write(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for len in 0..bytes.len() {
            std::fs::write(&path, &bytes[..len]).unwrap();
            let error = Checkpoint::read(&path).unwrap_err();
            assert!(error.to_string().contains("a.safetensors"), "{len}: {error}");
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        checkpoint().write(&path).unwrap();
        let good = std::fs::read(&path).unwrap();
        for bit in 0..8 * good.len() {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bytes).unwrap();
            // In the spaces that fill up the header, say, a flip may change nothing that is read.
            if let Ok(read) = Checkpoint::read(&path) {
                assert_eq!(read, checkpoint(), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_folder_that_is_gone_is_named() {
        let error = checkpoint().write(Path::new("/nonexistent/a.safetensors")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/a.safetensors"), "{error}");
    }
}
