//! Augmentation against torchvision under fixed random choices; the values are those of golden/augment.py.
//!
//! Bytes are equal. Normalised values differ by rounding alone, at most 1e-6: torchvision divides twice where this
//! crate multiplies and adds once. bf16 is the nearest to this crate's own f32 value, and so PyTorch's nearest to its
//! own wherever these two do not lie on different sides of a tie.

use polder_data::{
    AugmentParams, Augmentation, Augmenter, Border, Crop, Element, ImageShape, Layout, Normalization, Region,
    Translate, bf16,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    shape: [usize; 3],
    mean: Vec<f32>,
    std: Vec<f32>,
    border: Option<String>,
    padding: usize,
    max_move: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    corner: (usize, usize),
    translate: (isize, isize),
    flip: bool,
    /// Row and column of the corner, which may lie outside the image, and side.
    cutout: Option<[i64; 3]>,
    u8_digest: String,
    f32: Vec<f32>,
    f32_sum: f64,
    bf16: Vec<u16>,
}

const NUM_SAMPLES: usize = 64;
const STRIDE: usize = 1021;
const TOLERANCE: f32 = 1e-6;

fn groups() -> Vec<Group> {
    let Golden { groups } = serde_json::from_str(include_str!("golden/augment.json")).unwrap();
    groups
}

impl Group {
    fn shape(&self) -> ImageShape {
        let [channels, height, width] = self.shape;
        ImageShape { channels, height, width }
    }

    /// The image that golden/augment.py starts from.
    fn image(&self) -> Vec<u8> {
        let [channels, height, width] = self.shape;
        let byte = |c, y, x| ((37 * c + 11 * y + 7 * x + 5 * x * y + 3 * x * x) % 256) as u8;
        (0..channels)
            .flat_map(|c| (0..height).flat_map(move |y| (0..width).map(move |x| byte(c, y, x))))
            .collect()
    }

    fn augmenter(&self) -> Augmenter {
        let three = |values: &[f32]| std::array::from_fn(|channel| values[channel % values.len()]);
        let border = self.border.as_deref().map(|border| match border {
            "zero" => Border::Zero,
            "reflect" => Border::Reflect,
            other => panic!("no border is called {other}"),
        });
        let augmentation = Augmentation {
            crop: border.map(|border| Crop { padding: self.padding, border }),
            translate: (self.max_move > 0).then_some(Translate { max: self.max_move }),
            ..Augmentation::none(Normalization { mean: three(&self.mean), std: three(&self.std) })
        };
        Augmenter::new(augmentation, self.shape(), 0, 0).unwrap()
    }

    fn choices(&self, case: &Case) -> AugmentParams {
        let [_, height, width] = self.shape;
        let cutout = case.cutout.map(|[top, left, size]| {
            let clipped = |start: i64, length: usize| {
                start.max(0) as usize..usize::try_from(start + size).unwrap().min(length)
            };
            Region { rows: clipped(top, height), columns: clipped(left, width) }
        });
        AugmentParams { corner: case.corner, translate: case.translate, flip: case.flip, cutout }
    }

    /// What this crate makes of the case, in planar order.
    fn written<T: Element>(&self, case: &Case, layout: Layout) -> Vec<T> {
        let shape = self.shape();
        let mut output = vec![T::default(); shape.num_values()];
        self.augmenter()
            .with_layout(layout)
            .write_chosen(&self.choices(case), &self.image(), &mut output)
            .unwrap();
        match layout {
            Layout::Nchw => output,
            Layout::Nhwc => (0..shape.channels)
                .flat_map(|channel| output.iter().copied().skip(channel).step_by(shape.channels))
                .collect(),
        }
    }
}

/// FNV-1a, 64 bits.
fn digest(bytes: &[u8]) -> String {
    let add = |value: u64, &byte: &u8| (value ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325, add))
}

fn for_every_case(check: impl Fn(&Group, &Case, Layout, &str)) {
    let mut count = 0;
    for group in groups() {
        for case in &group.cases {
            count += 1;
            for layout in [Layout::Nchw, Layout::Nhwc] {
                let choices = group.choices(case);
                let what = format!("{:?} {:?} {layout:?} {choices:?}", group.shape, group.border);
                check(&group, case, layout, &what);
            }
        }
    }
    assert_eq!(count, 134);
}

#[test]
fn bytes_are_those_of_torchvision() {
    for_every_case(|group, case, layout, what| {
        assert_eq!(digest(&group.written::<u8>(case, layout)), case.u8_digest, "{what}");
    });
}

#[test]
fn normalised_values_are_those_of_torchvision_up_to_rounding() {
    for_every_case(|group, case, layout, what| {
        let written = group.written::<f32>(case, layout);
        for (sample, &expected) in case.f32.iter().enumerate() {
            let value = written[STRIDE * sample % written.len()];
            assert!((value - expected).abs() <= TOLERANCE, "{what}: {value}, expected {expected}");
        }
        assert_eq!(case.f32.len(), NUM_SAMPLES);
        let sum: f64 = written.iter().copied().map(f64::from).sum();
        let tolerance = f64::from(TOLERANCE) * written.len() as f64;
        assert!((sum - case.f32_sum).abs() <= tolerance, "{what}: {sum}, expected {}", case.f32_sum);
    });
}

#[test]
fn bf16_values_are_those_of_pytorch_unless_f32_rounding_crosses_a_tie() {
    for_every_case(|group, case, layout, what| {
        let exact = group.written::<f32>(case, layout);
        let written = group.written::<bf16>(case, layout);
        for (sample, &expected) in case.bf16.iter().enumerate() {
            let position = STRIDE * sample % written.len();
            let (value, exact, reference) = (written[position], exact[position], case.f32[sample]);
            assert_eq!(value, bf16::from_f32(exact), "{what}");
            let expected = bf16::from_bits(expected);
            let tie = f32::midpoint(value.to_f32(), expected.to_f32());
            let crosses = (exact - tie).abs() <= TOLERANCE && (reference - tie).abs() <= TOLERANCE;
            assert!(value == expected || crosses, "{what}: {value} of {exact}, {expected} of {reference}");
        }
    });
}
