//! What a comparison of modes says besides: what was typed for each, and where the director is the bottleneck.

use super::compare::Comparison;
use super::mode;
use super::stats::Interval;
use super::variant::Variant;
use serde_json::{Value, json};

/// From this load on a director is called full.
const FULL: f64 = 0.9;

impl Comparison {
    /// What is compared, in a word.
    pub(super) fn kind(&self) -> &'static str {
        let modes = self.variants.iter().any(|v| matches!(v, Variant::Mode(_)));
        if modes { "mode" } else { "scheduler" }
    }

    /// What was typed for each mode, or why it cannot be.
    pub(super) fn preparations(&self) -> String {
        let mut out = String::new();
        for prepared in &self.prepared {
            let name = mode::name(prepared.mode);
            match &prepared.typed {
                Err(why) => out.push_str(&format!("\n{name} cannot be: {why}.\n")),
                Ok(typed) if typed.is_empty() => {
                    out.push_str(&format!("\n{name}: the file has it, nothing is typed.\n"))
                }
                Ok(typed) => {
                    out.push_str(&format!("\n{name}: typed at the end of set-up\n"));
                    for (host, lines) in typed {
                        lines.iter().for_each(|line| out.push_str(&format!("  {host}: {line}\n")));
                    }
                }
            }
        }
        out
    }

    /// The same for programs.
    pub(super) fn typed_json(&self) -> Value {
        let of = |p: &mode::Prepared| {
            let name = mode::name(p.mode);
            match &p.typed {
                Err(why) => json!({ "mode": name, "impossible": why }),
                Ok(typed) => {
                    let lines: Vec<Value> =
                        typed.iter().map(|(host, lines)| json!({ "host": host, "lines": lines })).collect();
                    json!({ "mode": name, "typed": lines })
                }
            }
        };
        self.prepared.iter().map(of).collect()
    }

    /// In which modes the director is the bottleneck, and in which it would be at which load.
    pub(super) fn bottlenecks(&self) -> Vec<String> {
        if self.kind() != "mode" {
            return Vec::new();
        }
        let sentence = |(variant, samples): (&Variant, &Vec<super::sample::Sample>)| {
            let mean = |of: &dyn Fn(&super::director::Director) -> Option<f64>| {
                let values: Vec<f64> = samples.iter().filter_map(|s| of(s.director.as_ref()?)).collect();
                Interval::of(&values, 0.95).map(|i| i.mean)
            };
            let (link, cpu) = (mean(&|d| Some(d.link_use))?, mean(&|d| d.cpu_use).unwrap_or(0.0));
            let (dropped, ceiling) = (mean(&|d| Some(d.dropped as f64))?, mean(&|d| d.ceiling())?);
            let (what, load) = if cpu > link { ("processor", cpu) } else { ("fullest cable", link) };
            let name = variant.name();
            Some(if load >= FULL || dropped > 0.0 {
                let lost =
                    if dropped > 0.0 { format!(", {dropped:.0} frames a run found no room") } else { String::new() };
                format!(
                    "{name}: the director is the bottleneck: its {what} is in use for {:.0} % of the time{lost}; it is full at about \
                     {ceiling:.0} connections a second.",
                    100.0 * load
                )
            } else {
                format!(
                    "{name}: the director's {what} is in use for {:.1} % of the time; it would be full at about {ceiling:.0} \
                     connections a second.",
                    100.0 * load
                )
            })
        };
        self.variants.iter().zip(&self.samples).filter_map(sentence).collect()
    }
}
