//! The colours of figures, on light and on dark ground.

/// Colours that stay apart for every kind of colour vision, on light and on dark ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// As words are.
    Text,
    /// As what stands back is.
    Muted,
    /// As lines behind the marks are.
    Grid,
    /// SGD's iterates, in figures that show its average.
    Orange,
    /// Averages, in figures that show iterates.
    Blue,
    /// Smoothed objectives and predictions, in figures that show measurements.
    Green,
    /// A further series.
    Purple,
    /// A further series.
    Ochre,
    /// A further series, faint.
    Gray,
}

impl Ink {
    /// Every colour.
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::Muted,
        Self::Grid,
        Self::Orange,
        Self::Blue,
        Self::Gray,
        Self::Green,
        Self::Purple,
        Self::Ochre,
    ];

    /// For series without a colour of their own, in this order.
    pub const SERIES: [Self; 6] =
        [Self::Blue, Self::Orange, Self::Green, Self::Purple, Self::Ochre, Self::Gray];

    /// The colour of the series number `index`; they repeat.
    pub const fn of_series(index: usize) -> Self {
        Self::SERIES[index % Self::SERIES.len()]
    }

    /// As it is written in a picture, on light ground.
    pub const fn light(self) -> &'static str {
        self.names().1
    }

    /// As it is on dark ground.
    pub const fn dark(self) -> &'static str {
        self.names().2
    }

    /// The variable of a style sheet that holds it.
    pub const fn variable(self) -> &'static str {
        self.names().0
    }

    /// The variable, then the colour on light and on dark ground.
    const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Text => ("--ink", "#1C2128", "#e7ebf0"),
            Self::Muted => ("--muted", "#5F6976", "#9ba6b3"),
            Self::Grid => ("--grid", "#E6E9ED", "#29313a"),
            Self::Orange => ("--orange", "#C85510", "#f5925a"),
            Self::Blue => ("--blue", "#0B64A8", "#62b3f4"),
            Self::Gray => ("--gray", "#8B949F", "#77828e"),
            Self::Green => ("--green", "#0E8360", "#4fc79a"),
            Self::Purple => ("--purple", "#864BB8", "#c39bea"),
            Self::Ochre => ("--ochre", "#9A6B00", "#dcb044"),
        }
    }
}
