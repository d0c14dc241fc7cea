//! The learning rate of every step.

use polder_optim::Schedule;

use polder_experiment::config::{LearningRatePer, RunConfig};

/// The learning rate as a function of the position in a run.
#[derive(Clone, Debug)]
pub(super) struct LearningRates {
    schedule: Schedule,
    per: LearningRatePer,
    steps_per_epoch: u64,
}

impl LearningRates {
    pub(super) fn new(config: &RunConfig, steps_per_epoch: u64) -> Self {
        let per = config.training.learning_rate_per;
        let schedule = match per {
            LearningRatePer::Epoch => config.schedule(),
            LearningRatePer::Step => config.schedule.over(config.training.epochs * steps_per_epoch),
        };
        Self { schedule, per, steps_per_epoch }
    }

    /// At step `step` of the epoch `epoch`, both counted from 0.
    pub(super) fn at(&self, epoch: u64, step: u64) -> f64 {
        match self.per {
            LearningRatePer::Epoch => self.schedule.at(epoch),
            LearningRatePer::Step => self.schedule.at(epoch * self.steps_per_epoch + step),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use polder_experiment::config::ScheduleConfig;

    #[test]
    fn the_schedule_is_followed_by_epochs_or_by_steps() {
        let mut config = RunConfig {
            schedule: ScheduleConfig::Cosine { learning_rate: 0.2, floor: 0.0 },
            ..RunConfig::default()
        };
        config.training.epochs = 2;
        let by_epoch = LearningRates::new(&config, 10);
        assert_eq!((by_epoch.at(0, 0), by_epoch.at(0, 9)), (0.2, 0.2));
        config.training.learning_rate_per = LearningRatePer::Step;
        let by_step = LearningRates::new(&config, 10);
        assert_eq!(by_step.at(0, 0), 0.2);
        assert!((by_step.at(1, 0) - 0.1).abs() < 1e-15 && by_step.at(0, 9) > 0.1);
    }
}
