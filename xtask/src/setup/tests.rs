//! Set-up with a `python3` made of a few lines of shell.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Machine, run};

/// Answers `--version`, notes every installation in `calls`, and installs what is asked for.
const GOOD_PYTHON: &str = r#"#!/bin/sh
case "$*" in *--version*) case "$*" in *install*) ;; *) echo "pip 23 from fake"; exit 0;; esac;; esac
echo "$*" >> "$CALLS"
while [ $# -gt 0 ]; do
  case "$1" in
    --target) site="$2"; shift;;
    torch==2.11.0)
      mkdir -p "$site/torch/include/torch" "$site/torch/lib" "$site/torch/nn" "$site/functorch" "$site/torch-2.11.0.dist-info"
      touch "$site/torch/lib/libtorch_cpu.so" "$site/torch/lib/libc10.so" "$site/torch/lib/libgomp.so.1"
      echo library > "$site/torch/lib/libtorch.so"
      touch "$site/torch/lib/libtorch_cuda.so"
      printf 'Requires-Dist: sympy>=1\nRequires-Dist: cuda-toolkit[cublas,cufft]==13.0.2; platform_system == "Linux"\nRequires-Dist: nvidia-cudnn-cu13==9.19.0.56; platform_system == "Linux"\nRequires-Dist: triton==3.6.0\n' > "$site/torch-2.11.0.dist-info/METADATA";;
    nvidia-cuda-cupti==13.0.85)
      mkdir -p "$site/nvidia/cu13/lib" "$site/nvidia_cuda_cupti-13.0.85.dist-info"; touch "$site/nvidia/cu13/lib/libcupti.so.13";;
    nvidia-cuda-runtime==13.0.96)
      mkdir -p "$site/nvidia/cu13/lib" "$site/nvidia_cuda_runtime-13.0.96.dist-info"; touch "$site/nvidia/cu13/lib/libcudart.so.13";;
    nvidia-cuda-crt==13.0.88)
      mkdir -p "$site/nvidia/cu13/include/crt" "$site/nvidia_cuda_crt-13.0.88.dist-info"
      touch "$site/nvidia/cu13/include/crt/host_config.h" "$site/nvidia/cu13/include/crt/host_defines.h";;
    nvidia-cudnn-cu13==9.19.0.56)
      mkdir -p "$site/nvidia/cudnn/lib" "$site/nvidia_cudnn_cu13-9.19.0.56.dist-info"; touch "$site/nvidia/cudnn/lib/libcudnn.so.9";;
    cuda-toolkit*) mkdir -p "$site/nvidia/cu13/lib" "$site/cuda_toolkit-13.0.2.dist-info"; touch "$site/nvidia/cu13/lib/libcublas.so.13";;
  esac
  shift
done
"#;

/// Unpacks half of torch and is killed.
const KILLED_PYTHON: &str = r#"#!/bin/sh
case "$*" in *install*) ;; *) exit 0;; esac
while [ $# -gt 0 ]; do
  if [ "$1" = --target ]; then mkdir -p "$2/torch/lib"; touch "$2/torch/lib/libc10.so"; fi
  shift
done
kill -9 $$
"#;

const OFFLINE_PYTHON: &str = r#"#!/bin/sh
case "$*" in *install*) echo "ERROR: No matching distribution found for torch==2.11.0" >&2; exit 1;; esac
"#;

const PYTHON_WITHOUT_PIP: &str = r#"#!/bin/sh
case "$*" in *pip*) echo "No module named pip" >&2; exit 1;; esac
"#;

struct Scratch {
    folder: TempDir,
}

impl Scratch {
    fn new(python: Option<&str>) -> Self {
        let scratch = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(scratch.root()).unwrap();
        fs::create_dir_all(scratch.folder.path().join("bin")).unwrap();
        if let Some(python) = python {
            scratch.set_python(python);
        }
        scratch
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    fn view(&self) -> PathBuf {
        self.root().join(".libtorch")
    }

    fn set_python(&self, text: &str) {
        let python = self.folder.path().join("bin/python3");
        let calls = self.folder.path().join("calls");
        fs::write(&python, text.replace("$CALLS", &calls.to_string_lossy())).unwrap();
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The shell's own commands come after the folder of the fake, which alone may hold a `python3`.
    fn machine(&self) -> Machine {
        let bin = self.folder.path().join("bin");
        for tool in ["mkdir", "touch"] {
            let link = bin.join(tool);
            if !link.exists() {
                let real = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join(tool));
                symlink(real.iter().find(|path| path.exists()).unwrap(), link).unwrap();
            }
        }
        Machine { platform: ("linux", "x86_64"), libtorch: None, path: bin.into(), nvidia_driver: false }
    }

    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn setup(&self) -> anyhow::Result<PathBuf> {
        run(&self.root(), &self.machine())
    }

    fn failure(&self) -> String {
        format!("{:#}", self.setup().unwrap_err())
    }
}

#[test]
fn a_first_setup_makes_the_view_and_a_second_asks_for_nothing() {
    let scratch = Scratch::new(Some(GOOD_PYTHON));
    assert_eq!(scratch.setup().unwrap(), scratch.view());
    assert_eq!(super::view::defect(&scratch.view()), None);
    assert!(!scratch.view().join("lib/libtorch_cuda.so").exists());
    assert!(!scratch.root().join(".libtorch.partial").exists());
    assert_eq!(fs::read_to_string(scratch.view().join("site/torch/lib/libtorch.so")).unwrap(), "library\n");

    scratch.setup().unwrap();
    assert_eq!(scratch.calls().len(), 1);
    for word in ["--no-deps", "--only-binary=:all:", "torch==2.11.0", "nvidia-cuda-cupti==13.0.85"] {
        assert!(scratch.calls()[0].contains(word), "{word} is not in {:?}", scratch.calls());
    }
}

#[test]
fn what_no_binary_reads_is_not_kept() {
    let scratch = Scratch::new(Some(GOOD_PYTHON));
    scratch.setup().unwrap();
    let site = scratch.view().join("site");
    assert!(!site.join("functorch").exists() && !site.join("torch/nn").exists());
    assert!(site.join("torch/lib/libtorch_cuda.so").exists());
}

#[test]
fn a_setup_killed_half_way_does_not_disturb_the_next() {
    let scratch = Scratch::new(Some(KILLED_PYTHON));
    assert!(scratch.failure().contains("pip could not provide"));
    assert!(!scratch.view().exists());
    let left: Vec<_> = fs::read_dir(scratch.root().join(".libtorch.partial")).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "only the lock: {left:?}");
    fs::create_dir_all(scratch.root().join(".libtorch.partial/view/site/torch/lib/libtorch_cpu.so")).unwrap();

    scratch.set_python(GOOD_PYTHON);
    scratch.setup().unwrap();
    assert_eq!(super::view::defect(&scratch.view()), None);
    assert!(scratch.view().join("site/torch/lib/libtorch_cpu.so").is_file());
}

#[test]
fn a_damaged_view_is_mended_and_only_the_missing_wheel_is_asked_for() {
    let scratch = Scratch::new(Some(GOOD_PYTHON));
    scratch.setup().unwrap();
    fs::remove_file(scratch.view().join("site/nvidia/cu13/lib/libcupti.so.13")).unwrap();
    fs::remove_file(scratch.view().join("lib/libc10.so")).unwrap();
    scratch.setup().unwrap();
    assert_eq!(super::view::defect(&scratch.view()), None);
    assert!(scratch.calls()[1].contains("nvidia-cuda-cupti") && !scratch.calls()[1].contains("torch=="));
}

#[test]
fn links_alone_are_mended_without_pip() {
    let scratch = Scratch::new(Some(GOOD_PYTHON));
    scratch.setup().unwrap();
    fs::remove_file(scratch.view().join("lib/libc10.so")).unwrap();
    scratch.setup().unwrap();
    assert_eq!((super::view::defect(&scratch.view()), scratch.calls().len()), (None, 1));
}

#[test]
fn a_driver_brings_the_cuda_requirements_and_nothing_of_python() {
    let scratch = Scratch::new(Some(GOOD_PYTHON));
    scratch.setup().unwrap();
    let machine = Machine { nvidia_driver: true, ..scratch.machine() };
    run(&scratch.root(), &machine).unwrap();
    run(&scratch.root(), &machine).unwrap();
    assert_eq!(scratch.calls().len(), 2);
    let added = &scratch.calls()[1];
    assert!(
        added.contains("cuda-toolkit[cublas,cufft]==13.0.2")
            && added.contains("nvidia-cudnn-cu13==9.19.0.56")
    );
    assert!(!added.contains("triton") && !added.contains("--no-deps"));
    assert!(
        scratch.view().join("site/nvidia/cu13/lib/libcudart.so.13").exists(),
        "the merge keeps what was there"
    );
    assert!(!scratch.root().join(".libtorch.partial").exists());
}

#[test]
fn without_network_a_driver_is_no_obstacle_to_the_cpu() {
    let scratch = Scratch::new(Some(GOOD_PYTHON));
    scratch.setup().unwrap();
    scratch.set_python(OFFLINE_PYTHON);
    run(&scratch.root(), &Machine { nvidia_driver: true, ..scratch.machine() }).unwrap();
    assert_eq!(super::view::defect(&scratch.view()), None);
}

#[test]
fn two_setups_at_once_install_once() {
    let scratch = Scratch::new(Some(GOOD_PYTHON));
    let (root, machine) = (scratch.root(), scratch.machine());
    std::thread::scope(|scope| {
        let both: Vec<_> = (0..2).map(|_| scope.spawn(|| run(&root, &machine).unwrap())).collect();
        for one in both {
            assert_eq!(one.join().unwrap(), scratch.view());
        }
    });
    assert_eq!(scratch.calls().len(), 1);
    assert_eq!(super::view::defect(&scratch.view()), None);
}

#[test]
fn missing_tools_and_an_unreachable_index_are_named_with_a_remedy() {
    for (python, thing, remedy) in [
        (None, "no `python3`", "apt install python3"),
        (Some(PYTHON_WITHOUT_PIP), "has no pip", "apt install python3-pip"),
        (Some(OFFLINE_PYTHON), "torch==2.11.0", "PIP_INDEX_URL"),
    ] {
        let scratch = Scratch::new(python);
        let message = scratch.failure();
        assert!(message.contains(thing) && message.contains(remedy), "{message}");
        assert!(message.contains("LIBTORCH"), "{message}");
        assert!(!scratch.view().exists());
    }
}

#[test]
fn another_platform_is_told_to_bring_its_own() {
    let scratch = Scratch::new(None);
    let machine = Machine { platform: ("macos", "aarch64"), ..scratch.machine() };
    let message = run(&scratch.root(), &machine).unwrap_err().to_string();
    assert!(message.contains("macos aarch64") && message.contains("LIBTORCH"), "{message}");
}

#[test]
fn the_workspaces_own_folder_in_libtorch_counts_as_unset() {
    let scratch = Scratch::new(Some(GOOD_PYTHON));
    let machine = Machine { libtorch: Some(scratch.view().into()), ..scratch.machine() };
    assert_eq!(run(&scratch.root(), &machine).unwrap(), scratch.view());
    assert_eq!(scratch.calls().len(), 1);
}

fn users_libtorch(scratch: &Scratch, file: &str, text: &str) -> (PathBuf, anyhow::Result<PathBuf>) {
    let own = scratch.folder.path().join("own");
    for folder in ["include/torch/headeronly", "lib"] {
        fs::create_dir_all(own.join(folder)).unwrap();
    }
    for library in ["lib/libtorch_cpu.so", "lib/libtorch_cpu.dylib"] {
        fs::write(own.join(library), "").unwrap();
    }
    fs::write(own.join(file), text).unwrap();
    let machine = Machine { libtorch: Some(OsString::from(&own)), ..scratch.machine() };
    (own, run(&scratch.root(), &machine))
}

#[test]
fn the_users_libtorch_wins_whatever_states_its_version() {
    for (file, text) in [
        ("build-version", "2.11.0+cpu\n"),
        (
            "version.py",
            "from typing import Optional\n__all__ = ['__version__']\n__version__ = '2.11.0+cu130'\n",
        ),
        (
            "include/torch/headeronly/version.h",
            "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION \\\n  \"2.11.0\"\n",
        ),
    ] {
        let scratch = Scratch::new(None);
        let (own, result) = users_libtorch(&scratch, file, text);
        assert_eq!(result.unwrap(), own);
        assert!(!scratch.view().exists());
    }
}

#[test]
fn a_wrong_version_of_the_users_libtorch_is_named() {
    let scratch = Scratch::new(Some(GOOD_PYTHON));
    let message = users_libtorch(&scratch, "build-version", "2.9.1+cpu\n").1.unwrap_err().to_string();
    for part in ["2.9.1", "2.11.0", "unset LIBTORCH"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(scratch.calls().is_empty());
}

#[test]
fn an_empty_or_relative_libtorch_is_refused() {
    let scratch = Scratch::new(Some(GOOD_PYTHON));
    for given in ["", "somewhere/libtorch"] {
        let machine = Machine { libtorch: Some(given.into()), ..scratch.machine() };
        let message = run(&scratch.root(), &machine).unwrap_err().to_string();
        assert!(message.contains("no absolute path"), "{message}");
    }
}

/// Notes every compilation in `compiled` and writes what it is asked to.
const GOOD_COMPILER: &str = r#"#!/bin/sh
echo "$*" >> "$CALLS"
while [ $# -gt 0 ]; do
  if [ "$1" = -o ]; then echo library > "$2"; fi
  shift
done
"#;

const FAILING_COMPILER: &str = r#"#!/bin/sh
echo "$*" >> "$CALLS"
exit 1
"#;

impl Scratch {
    fn set_compiler(&self, text: &str) {
        let compiler = self.folder.path().join("bin/c++");
        let calls = self.folder.path().join("compiled");
        fs::write(&compiler, text.replace("$CALLS", &calls.to_string_lossy())).unwrap();
        fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn compilations(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("compiled")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn setup_with_driver(&self) {
        run(&self.root(), &Machine { nvidia_driver: true, ..self.machine() }).unwrap();
    }

    fn library(&self) -> PathBuf {
        self.view().join("lib/libpolder_cuda.so")
    }
}

#[test]
fn a_driver_has_the_shim_compiled_once_per_source() {
    let scratch = Scratch::new(Some(GOOD_PYTHON));
    scratch.set_compiler(GOOD_COMPILER);
    scratch.setup().unwrap();
    assert!(scratch.compilations().is_empty(), "nobody needs it without a GPU");
    scratch.setup_with_driver();
    scratch.setup_with_driver();
    assert_eq!(scratch.compilations().len(), 1);
    for word in ["nvidia/cu13/include", "torch/include", "-ltorch_cuda", "-shared", "polder_cuda.cpp"] {
        assert!(scratch.compilations()[0].contains(word), "{word} is not in {:?}", scratch.compilations());
    }
    assert_eq!(fs::read_to_string(scratch.library()).unwrap(), "library\n");

    fs::write(scratch.view().join("lib/libpolder_cuda.stamp"), "another source").unwrap();
    scratch.setup_with_driver();
    fs::remove_file(scratch.library()).unwrap();
    scratch.setup_with_driver();
    assert_eq!(scratch.compilations().len(), 3);
    assert!(scratch.library().is_file() && !scratch.root().join(".libtorch.partial").exists());
}

#[test]
fn a_shim_that_does_not_compile_is_no_obstacle_and_not_tried_again() {
    let scratch = Scratch::new(Some(GOOD_PYTHON));
    scratch.set_compiler(FAILING_COMPILER);
    scratch.setup_with_driver();
    scratch.setup_with_driver();
    assert_eq!((scratch.compilations().len(), scratch.library().exists()), (1, false));
    assert_eq!(super::view::defect(&scratch.view()), None);
    scratch.set_compiler(GOOD_COMPILER);
    fs::remove_file(scratch.view().join("lib/libpolder_cuda.stamp")).unwrap();
    scratch.setup_with_driver();
    assert!(scratch.library().is_file());
}

#[test]
fn without_compiler_or_headers_the_shim_waits_for_them() {
    let scratch = Scratch::new(Some(GOOD_PYTHON));
    scratch.setup_with_driver();
    assert!(!scratch.library().exists());
    scratch.set_compiler(GOOD_COMPILER);
    fs::remove_dir_all(scratch.view().join("site/nvidia/cu13/include/crt")).unwrap();
    scratch.set_python(OFFLINE_PYTHON);
    scratch.setup_with_driver();
    assert!(scratch.compilations().is_empty());
    scratch.set_python(GOOD_PYTHON);
    scratch.setup_with_driver();
    assert_eq!((scratch.compilations().len(), scratch.library().is_file()), (1, true));
}
