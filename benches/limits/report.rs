//! The results, for people and for programs.

use std::fmt;

use serde::Serialize;

use crate::Run;

#[derive(Serialize)]
pub(crate) struct Report {
    rounds: usize,
    seconds: u64,
    cores: usize,
    lines: Vec<Line>,
}

/// One figure over several rounds, with its goal.
#[derive(Serialize)]
struct Line {
    name: String,
    unit: &'static str,
    median: f64,
    lowest: f64,
    highest: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<Goal>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Report {
    pub(crate) fn new(run: &Run) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, Into::into);
        Self { rounds: run.rounds, seconds: run.time.as_secs(), cores, lines: Vec::new() }
    }

    /// A figure with a goal.
    pub(crate) fn goal(&mut self, name: &str, unit: &'static str, values: &[f64], goal: Goal) {
        self.line(name, unit, values, Some(goal));
    }

    /// A figure that only helps to explain others.
    pub(crate) fn note(&mut self, name: &str, unit: &'static str, values: &[f64]) {
        self.line(name, unit, values, None);
    }

    fn line(&mut self, name: &str, unit: &'static str, values: &[f64], goal: Option<Goal>) {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let line = Line {
            name: name.to_owned(),
            unit,
            median: sorted[sorted.len() / 2],
            lowest: sorted[0],
            highest: sorted[sorted.len() - 1],
            goal,
        };
        eprintln!("  {line}");
        self.lines.push(line);
    }

    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("JSON") + "\n"
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |value: f64| match value {
            value if value.abs() >= 1000.0 => format!("{value:.0}"),
            value if value.abs() >= 10.0 => format!("{value:.1}"),
            value => format!("{value:.3}"),
        };
        let (goal, reached) = match self.goal {
            Some(Goal::AtLeast(goal)) => (format!("≥ {goal}"), Some(self.median >= goal)),
            Some(Goal::AtMost(goal)) => (format!("≤ {goal}"), Some(self.median <= goal)),
            None => (String::new(), None),
        };
        let reached = reached.map_or("", |reached| if reached { "yes" } else { "no" });
        let Self { name, unit, median, lowest, highest, .. } = self;
        let range = format!("{} to {}", number(*lowest), number(*highest));
        let median = number(*median);
        write!(f, "| {name:58} | {median:>8} | {range:>20} | {unit:5} | {goal:>6} | {reached:3} |")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, seconds, cores, lines } = self;
        writeln!(f, "{rounds} rounds of {seconds} s each, in turns, on {cores} cores\n")?;
        writeln!(
            f,
            "| {:58} |   median |                range | unit  |   goal | reached |",
            "what"
        )?;
        writeln!(
            f,
            "| {:-<58} | -------: | -------------------: | ----- | -----: | ------- |",
            ""
        )?;
        lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
