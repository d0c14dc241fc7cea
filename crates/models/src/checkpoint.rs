//! A checkpoint: named tensors and text in one safetensors file that is either complete or not there.
//!
//! Weights and BN statistics carry the names that PyTorch gives them, so `safetensors.torch.load_file` reads
//! them; the state of optimizer and averages lies beside them under names that begin with `polder.`.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use tch::{Kind, Tensor};

use crate::arena::bytes_of;
use crate::error::ModelError;
use crate::network::Network;

/// The entry of the file's header under which all text lies, as a JSON object.
const METADATA: &str = "polder";

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

    /// Writes the file beside `path`, flushes it to the disk, and renames it into place.
    ///
    /// A crash or a full disk at any moment leaves `path` as it was or as it is to be.
    ///
    /// # Errors
    /// [`ModelError::Io`] naming the file and the act that failed.
    pub fn write(&self, path: &Path) -> Result<(), ModelError> {
        let io = |act| move |source| ModelError::Io { act, path: path.to_owned(), source };
        let format = |source| ModelError::CheckpointFormat { path: path.to_owned(), source };
        let views: Vec<(&String, TensorView<'_>)> = self
            .tensors
            .iter()
            .map(|(name, saved)| Ok((name, TensorView::new(Dtype::F32, saved.shape.clone(), &saved.bytes)?)))
            .collect::<Result<_, _>>()
            .map_err(format)?;
        // One entry, itself sorted: the library writes several in an order that changes from run to run, and equal
        // states are to be equal files.
        let text = serde_json::to_string(&self.metadata).expect("text by name is plain data");
        let metadata = HashMap::from([(METADATA.to_owned(), text)]);
        let bytes = serialize(views, Some(metadata)).map_err(format)?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(io("write"))?;
        beside.write_all(&bytes).map_err(io("write"))?;
        beside.as_file().sync_all().map_err(io("flush"))?;
        beside.persist(path).map_err(|error| io("rename")(error.error))?;
        // The rename itself is durable only once the folder is on the disk.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("flush the folder of"))
    }

    /// Reads a checkpoint back.
    ///
    /// # Errors
    /// [`ModelError::Io`] if the file cannot be read, [`ModelError::CheckpointFormat`] if it is damaged.
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
        let metadata = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Ok(Self { tensors, metadata })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let mut checkpoint = Checkpoint::default();
        checkpoint.add_vector("polder.velocity".to_owned(), vec![1, 2, 3, 4, 5, 6, 7, 8]);
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
    fn a_folder_that_is_gone_is_named() {
        let error = checkpoint().write(Path::new("/nonexistent/a.safetensors")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/a.safetensors"), "{error}");
    }
}
