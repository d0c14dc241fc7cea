//! `[optimizer]`: how a step is made from gradients.

use std::num::{NonZeroU64, NonZeroUsize};

use anyhow::{Context, bail, ensure};
use polder_optim::{
    Ascent, AscentDecay, Entries, EulerStepsConfig, GradientPenaltyConfig, Momentum, SamConfig, SgdConfig,
    WeightDecay,
};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::check::{fraction, is_default, is_one, positive};
use super::custom;

/// SGD, or another optimizer around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// How a step is made from gradients.
    #[schemars(example = Method::Sam)]
    pub method: Method,
    /// Radius of SAM's perturbation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0), extend("x-only-with" = {"optimizer.method": "sam"}), example = 0.05)]
    pub rho: Option<f64>,
    /// What is left of the velocity at every step.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1), example = 0.9)]
    pub momentum: f64,
    /// The share of a gradient that does not enter the velocity; without effect where `momentum` is 0.
    #[schemars(range(min = 0, max = 1), example = 0.1)]
    pub dampening: f64,
    /// Whether the step looks ahead along the velocity; without dampening.
    #[schemars(extend("x-needs" = ["optimizer.momentum"]), example = true)]
    pub nesterov: bool,
    /// Coupled L2 on the parameters of `decay_on`.
    #[schemars(range(min = 0), example = 5e-4)]
    pub weight_decay: f64,
    /// The parameters that decay.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if)]
    pub decay_on: ParameterSet,
    /// Gradients are scaled down to this norm, before weight decay and momentum; never when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0), example = 5.0)]
    pub clip_norm: Option<f64>,
    /// How far and along what SAM ascends.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if, extend("x-only-with" = {"optimizer.method": "sam"}))]
    pub ascent: AscentName,
    /// Added to the absolute weights by which the ascent scales; the default is that of the authors' code.
    #[serde(skip_serializing_if = "is_default_eta")]
    #[schemars(!skip_serializing_if, range(min = 0), example = 0.1)]
    #[schemars(extend("x-only-with" = {"optimizer.method": "sam", "optimizer.ascent": "adaptive"}))]
    pub eta: f64,
    /// The parameters by whose size the ascent scales; the default is that of the authors' code.
    #[serde(skip_serializing_if = "is_without_biases")]
    #[schemars(!skip_serializing_if, extend("x-only-with" = {"optimizer.method": "sam", "optimizer.ascent": "adaptive"}))]
    pub adaptive_on: ParameterSet,
    /// Whether the weight decay is part of the loss that SAM ascends.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if, extend("x-only-with" = {"optimizer.method": "sam"}))]
    pub ascent_decay: AscentDecayName,
    /// Into so many micro-batches, each with an ascent of its own, SAM cuts a minibatch.
    #[serde(skip_serializing_if = "is_one")]
    #[schemars(!skip_serializing_if, range(min = 1), extend("x-only-with" = {"optimizer.method": "sam"}), example = 4)]
    pub micro_batches: u64,
    /// SAM ascends at one step of so many.
    #[serde(skip_serializing_if = "is_one")]
    #[schemars(!skip_serializing_if, range(min = 1), extend("x-only-with" = {"optimizer.method": "sam"}), example = 2)]
    pub ascend_every: u64,
    /// Strength of the penalty on the gradient, in units of a learning rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0), extend("x-only-with" = {"optimizer.method": "gradient-penalty"}), example = 0.1)]
    pub lambda: Option<f64>,
    /// Updates per minibatch, each with the whole learning rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), extend("x-only-with" = {"optimizer.method": "euler-steps"}), example = 4)]
    pub euler_steps: Option<u64>,
}

/// How a step is made from gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Method {
    /// Stochastic gradient descent, with momentum if there is any.
    Sgd,
    /// Sharpness-aware minimisation: the gradient is taken where the loss is highest within the radius `rho`, to first
    /// order.
    #[schemars(extend("x-needs" = ["optimizer.rho"]))]
    Sam,
    /// SGD on the loss and a quarter of `lambda` times its squared gradient, minibatch by minibatch.
    #[schemars(extend("x-needs" = ["optimizer.lambda"]))]
    GradientPenalty,
    /// Several steps of SGD on each minibatch.
    #[schemars(extend("x-needs" = ["optimizer.euler_steps"]))]
    EulerSteps,
    /// One of the calling program, by the name that it registered.
    #[schemars(skip)]
    Custom(&'static str),
}

impl Method {
    /// Those of Polder.
    const BUILT_IN: [Self; 4] = [Self::Sgd, Self::Sam, Self::GradientPenalty, Self::EulerSteps];

    /// Its name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Sam => "sam",
            Self::GradientPenalty => "gradient-penalty",
            Self::EulerSteps => "euler-steps",
            Self::Custom(name) => name,
        }
    }

    /// The method of that name, a registered one included.
    pub fn named(name: &str) -> Option<Self> {
        let built_in = Self::BUILT_IN.into_iter().find(|method| method.name() == name);
        built_in.or_else(|| custom::optimizer(name).map(Self::Custom))
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| {
            D::Error::unknown_variant(&name, &["sgd", "sam", "gradient-penalty", "euler-steps"])
        })
    }
}

/// Which parameters a setting touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterSet {
    /// All parameters: biases and what BN scales and shifts by as well.
    #[default]
    All,
    /// All but biases and the shifts of BN.
    NoBias,
    /// The weights of convolutions and linear layers: neither biases nor what BN scales and shifts by.
    NoBiasNoBn,
}

/// How far and along what SAM ascends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AscentName {
    /// To the distance rho along the gradient.
    #[default]
    Normalized,
    /// By rho times the gradient.
    Unnormalized,
    /// In proportion to the size of each weight.
    Adaptive,
}

/// Whether weight decay takes part in SAM's ascent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AscentDecayName {
    /// It is no part of the loss that is ascended.
    #[default]
    Outside,
    /// It is a part of it.
    Inside,
}

/// That of the code of Kwon et al. (2021), arXiv:2102.11600.
const DEFAULT_ETA: f64 = 0.01;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_default_eta(eta: &f64) -> bool {
    *eta == DEFAULT_ETA
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_without_biases(set: &ParameterSet) -> bool {
    *set == ParameterSet::NoBias
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            method: Method::Sgd,
            rho: None,
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
            weight_decay: 5e-3,
            decay_on: ParameterSet::All,
            clip_norm: None,
            ascent: AscentName::Normalized,
            eta: DEFAULT_ETA,
            adaptive_on: ParameterSet::NoBias,
            ascent_decay: AscentDecayName::Outside,
            micro_batches: 1,
            ascend_every: 1,
            lambda: None,
            euler_steps: None,
        }
    }
}

impl OptimizerConfig {
    /// The base optimizer's settings; `entries` says where in the weights a set of parameters lies.
    pub fn sgd(&self, entries: &dyn Fn(ParameterSet) -> Entries) -> SgdConfig {
        let momentum = match (self.momentum, self.nesterov) {
            (0.0, _) => Momentum::None,
            (coefficient, true) => Momentum::Nesterov { coefficient },
            (coefficient, false) => Momentum::HeavyBall { coefficient, dampening: self.dampening },
        };
        let weight_decay = WeightDecay { coefficient: self.weight_decay, on: entries(self.decay_on) };
        SgdConfig { momentum, weight_decay, clip_norm: self.clip_norm }
    }

    /// SAM's settings; `None` if a radius is missing or a number is 0 that must not be.
    pub fn sam(&self, entries: &dyn Fn(ParameterSet) -> Entries) -> Option<SamConfig> {
        let ascent = match self.ascent {
            AscentName::Normalized => Ascent::Normalized,
            AscentName::Unnormalized => Ascent::Unnormalized,
            AscentName::Adaptive => Ascent::Adaptive { eta: self.eta, on: entries(self.adaptive_on) },
        };
        let weight_decay = match self.ascent_decay {
            AscentDecayName::Outside => AscentDecay::Outside,
            AscentDecayName::Inside => AscentDecay::Inside,
        };
        Some(SamConfig {
            ascent,
            weight_decay,
            num_micro_batches: NonZeroUsize::new(self.micro_batches as usize)?,
            every: NonZeroU64::new(self.ascend_every)?,
            ..SamConfig::new(self.rho?, self.sgd(entries))
        })
    }

    /// The settings of SGD with a penalty; `None` if its strength is missing.
    pub fn gradient_penalty(
        &self,
        entries: &dyn Fn(ParameterSet) -> Entries,
    ) -> Option<GradientPenaltyConfig> {
        Some(GradientPenaltyConfig { lambda: self.lambda?, base: self.sgd(entries) })
    }

    /// The settings of several steps per minibatch; `None` if their number is missing or 0.
    pub fn euler_steps(&self, entries: &dyn Fn(ParameterSet) -> Entries) -> Option<EulerStepsConfig> {
        Some(EulerStepsConfig { per_minibatch: NonZeroU64::new(self.euler_steps?)?, base: self.sgd(entries) })
    }

    /// What a step costs, in gradients.
    pub fn gradients_per_step(&self) -> f64 {
        match self.method {
            Method::Sgd | Method::Custom(_) => 1.0,
            Method::Sam => 1.0 + 1.0 / self.ascend_every as f64,
            // Double backpropagation: about twice a gradient on top of it.
            Method::GradientPenalty => 3.0,
            Method::EulerSteps => self.euler_steps.unwrap_or(1) as f64,
        }
    }

    /// Keys belong to the method, and are in the range of the optimizer that they are for.
    pub(super) fn validate(&self) -> anyhow::Result<()> {
        let all = |_| Entries::All;
        self.keys_belong_to_the_method()?;
        fraction("optimizer.dampening", self.dampening)?;
        if self.nesterov {
            positive("optimizer.momentum", self.momentum)
                .context("`optimizer.nesterov = true` needs a momentum")?;
            ensure!(self.dampening == 0.0, "Nesterov momentum has no dampening; set it to 0");
        }
        ensure!(self.micro_batches > 0, "`optimizer.micro_batches` is 0; expected at least 1");
        ensure!(self.ascend_every > 0, "`optimizer.ascend_every` is 0; expected at least 1");
        self.sgd(&all).validate().context("`[optimizer]`")?;
        match self.method {
            Method::Sgd | Method::Custom(_) => {}
            Method::Sam => self
                .sam(&all)
                .context("`optimizer.method = \"sam\"` needs `optimizer.rho`, 0.05 say")?
                .validate()
                .context("`[optimizer]`")?,
            Method::GradientPenalty => self
                .gradient_penalty(&all)
                .context("`optimizer.method = \"gradient-penalty\"` needs `optimizer.lambda`, 0.1 say")?
                .validate()
                .context("`[optimizer]`")?,
            Method::EulerSteps => {
                self.euler_steps(&all).context(
                    "`optimizer.method = \"euler-steps\"` needs `optimizer.euler_steps`, at least 1",
                )?;
            }
        }
        Ok(())
    }

    fn keys_belong_to_the_method(&self) -> anyhow::Result<()> {
        let Self { rho, ascent, eta, adaptive_on, ascent_decay, micro_batches, ascend_every, .. } =
            Self::default();
        let adaptive = self.ascent == AscentName::Adaptive;
        let keys = [
            ("rho", self.rho != rho, Method::Sam),
            ("ascent", self.ascent != ascent, Method::Sam),
            ("eta", self.eta != eta, Method::Sam),
            ("adaptive_on", self.adaptive_on != adaptive_on, Method::Sam),
            ("ascent_decay", self.ascent_decay != ascent_decay, Method::Sam),
            ("micro_batches", self.micro_batches != micro_batches, Method::Sam),
            ("ascend_every", self.ascend_every != ascend_every, Method::Sam),
            ("lambda", self.lambda.is_some(), Method::GradientPenalty),
            ("euler_steps", self.euler_steps.is_some(), Method::EulerSteps),
        ];
        for (key, is_set, method) in keys {
            if is_set && self.method != method {
                bail!("`optimizer.{key}` belongs to `optimizer.method = \"{}\"`; remove it", method.name());
            }
        }
        ensure!(
            adaptive || (self.eta == eta && self.adaptive_on == adaptive_on),
            "`optimizer.eta` and `optimizer.adaptive_on` belong to `optimizer.ascent = \"adaptive\"`; remove them"
        );
        Ok(())
    }
}
