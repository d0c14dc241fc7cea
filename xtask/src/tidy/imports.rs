//! Words that a file's place forbids: other layers, global generators, `unsafe`.

use crate::tidy::Violation;
use crate::tidy::code::{code_only, has_word};
use crate::tidy::tree::Tree;

/// The files whose business is `unsafe`: the memory map, the call of code for wide vectors, the boundary to
/// libtorch, to our own library on its CUDA part and to the C library.
const UNSAFE_ALLOWED: [&str; 6] = [
    "crates/data/src/record_map.rs",
    "crates/data/src/simd.rs",
    "crates/models/src/allocator.rs",
    "crates/models/src/cuda.rs",
    "crates/models/src/cuda/shim.rs",
    "crates/models/src/descent.rs",
];

/// Files that may call a generator which is not keyed by what it draws. There are none.
const GLOBAL_GENERATOR_ALLOWED: [&str; 0] = [];

const GLOBAL_GENERATORS: [&str; 24] = [
    "rand::rng",
    "rand::random",
    "thread_rng",
    "ThreadRng",
    "OsRng",
    "SysRng",
    "from_entropy",
    "from_os_rng",
    "make_rng",
    "manual_seed",
    "rand_like",
    "randn_like",
    "randint_like",
    "Tensor::rand",
    "Tensor::randn",
    "Tensor::randint",
    "Tensor::randint_low",
    "Tensor::randperm",
    ".normal_",
    ".uniform_",
    ".bernoulli_",
    ".random_",
    ".multinomial",
    ".dropout",
];

/// Words that code in a part of the tree must not use.
struct Rule {
    applies: fn(&str) -> bool,
    words: &'static [&'static str],
    invariant: &'static str,
}

const RULES: [Rule; 7] = [
    Rule {
        applies: |path| path.starts_with("crates/optim/"),
        words: &["tch::", "torch_sys", "ndarray", "polder_data", "polder_theory", "polder_models"],
        invariant: "invariant 1: optim depends on no tensor library and on random alone among our packages",
    },
    Rule {
        applies: |path| path.starts_with("crates/data/"),
        words: &["tch::", "torch_sys", "polder_optim", "polder_theory", "polder_models"],
        invariant: "invariant 2: data never sees libtorch and depends on none of our packages",
    },
    Rule {
        applies: |path| path.starts_with("crates/theory/"),
        words: &["tch::", "torch_sys", "polder_data", "polder_models"],
        invariant: "layers: theory depends on optim, plot and random alone among our packages",
    },
    Rule {
        applies: |path| path.starts_with("xtask/"),
        words: &["tch::", "torch_sys", "polder_models"],
        invariant: "layers: xtask never links libtorch, as it runs before libtorch is there",
    },
    Rule {
        applies: |path| !GLOBAL_GENERATOR_ALLOWED.contains(&path),
        words: &GLOBAL_GENERATORS,
        invariant: "invariant 3: randomness is a function of what is drawn, never of a global generator",
    },
    Rule {
        applies: computes_from_records,
        words: &["tch::", "torch_sys", "polder_models", "trainer"],
        invariant: "invariant 4: reports and verdicts are computed from records by code that never trains",
    },
    Rule {
        applies: |path| !UNSAFE_ALLOWED.contains(&path),
        words: &["unsafe"],
        invariant: "invariant 5: `unsafe` lives in the memory map and at the libtorch boundary only",
    },
];

fn computes_from_records(path: &str) -> bool {
    path.strip_prefix("crates/cli/src/").is_some_and(|rest| {
        ["report.rs", "report/", "claim.rs", "claim/", "logs.rs", "logs/"]
            .iter()
            .any(|part| rest.starts_with(part))
    })
}

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.files.iter().filter(|file| file.has_extension("rs")) {
        let code = code_only(&file.text);
        for (index, line) in code.lines().enumerate() {
            for rule in RULES.iter().filter(|rule| (rule.applies)(&file.path)) {
                violations.extend(rule.words.iter().filter(|word| uses(line, word)).map(|word| Violation {
                    path: file.path.clone(),
                    line: index + 1,
                    invariant: rule.invariant,
                    found: format!("`{}`", word.trim_matches([':', '.'])),
                }));
            }
        }
    }
    violations
}

/// Whether `line` uses `word`; a crate written as `tch::` is also used by `use tch;` and `extern crate tch`.
fn uses(line: &str, word: &str) -> bool {
    has_word(line, word)
        || word.strip_suffix("::").is_some_and(|name| {
            ["use ", "crate "].iter().any(|before| has_word(line, &format!("{before}{name}")))
        })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Tree;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_invariant_can_be_violated() {
        for (path, text, expected) in [
            ("crates/optim/src/sgd.rs", "use ndarray::Array1;", "invariant 1"),
            ("crates/optim/tests/x.rs", "fn f(x: &tch::Tensor) {}", "invariant 1"),
            ("crates/data/src/loader.rs", "use tch;", "invariant 2"),
            ("crates/data/src/loader.rs", "use polder_models::Arena;", "invariant 2"),
            ("crates/theory/src/lib.rs", "use polder_data::Loader;", "layers"),
            ("xtask/src/main.rs", "use torch_sys::C_tensor;", "layers"),
            ("crates/theory/src/noise.rs", "let x = rand::rng().random();", "invariant 3"),
            ("crates/models/src/init.rs", "tch::manual_seed(0);", "invariant 3"),
            ("crates/models/src/init.rs", "let noise = x.rand_like();", "invariant 3"),
            ("crates/models/tests/x.rs", "let x = Tensor::randn([2, 3], options);", "invariant 3"),
            ("crates/cli/src/report.rs", "use crate::trainer::Trainer;", "invariant 4"),
            ("crates/cli/src/report/figures.rs", "use polder_models::Network;", "invariant 4"),
            ("crates/cli/src/claim.rs", "tch::no_grad(f)", "invariant 4"),
            ("crates/cli/src/main.rs", "unsafe { f() }", "invariant 5"),
        ] {
            let found = found(path, &format!("//! A file.\n{text}\n"));
            assert_eq!(found.len(), 1, "{path}: {text}: {found:?}");
            assert!(found[0].starts_with(&format!("{path}:2: {expected}")), "{found:?}");
        }
    }

    #[test]
    fn what_is_allowed_is_no_violation() {
        for (path, text) in [
            ("crates/data/src/record_map.rs", "unsafe { Mmap::map(&file) }"),
            ("crates/data/src/minibatch.rs", "use ndarray::ArrayView4;"),
            ("crates/optim/src/lib.rs", "//! No tch::Tensor and no unsafe here.\n#![deny(unsafe_code)]"),
            ("crates/cli/src/reproduce.rs", "use crate::trainer::Trainer;"),
            ("crates/theory/src/noise.rs", "let mut generator = ChaCha8Rng::from_seed(seed);"),
        ] {
            assert!(found(path, text).is_empty(), "{path}: {:?}", found(path, text));
        }
    }
}
