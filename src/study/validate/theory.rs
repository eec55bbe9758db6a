//! Closed forms, with a mean work of 1 and a load ρ below 1. Floats: reports only.
//!
//! Sources: Kleinrock, *Queueing Systems* (1975), for M/M/c, GI/M/1 and the Pollaczek–Khinchine formula; Mitzenmacher, "The Power
//! of Two Choices in Randomized Load Balancing", IEEE TPDS 2001, for the supermarket model.

/// M/M/1: the mean time in the system. Also M/G/1 with processor sharing, whatever the distribution of work.
pub fn mm1(load: f64) -> f64 {
    1.0 / (1.0 - load)
}

/// M/M/c, c workers and one queue: the mean time in the system, by Erlang's C formula.
pub fn mmc(workers: u32, load: f64) -> f64 {
    let c = f64::from(workers);
    // Erlang's B by its recursion, and C from it.
    let b = (1..=workers).fold(1.0, |b, k| {
        let x = c * load * b;
        x / (f64::from(k) + x)
    });
    let waits = b / (1.0 - load * (1.0 - b));
    1.0 + waits / (c * (1.0 - load))
}

/// M/G/1, first come first served: the mean time in the system (Pollaczek–Khinchine). `cv2`: the squared coefficient of
/// variation of work.
pub fn mg1(load: f64, cv2: f64) -> f64 {
    1.0 + load * (1.0 + cv2) / (2.0 * (1.0 - load))
}

/// Round robin of Poisson arrivals over n servers with exponential work: at each server it is a queue with Erlang-n arrivals,
/// GI/M/1. T = 1/(1 − σ), where σ = (nρ/(nρ + 1 − σ))ⁿ.
pub fn round_robin(servers: u32, load: f64) -> f64 {
    let rate = f64::from(servers) * load;
    // The map is a contraction towards the root below 1, and grows from 0 to it.
    let mut sigma = 0.0;
    for _ in 0..100_000 {
        let next = (rate / (rate + 1.0 - sigma)).powi(servers as i32);
        if next - sigma < 1e-14 {
            break;
        }
        sigma = next;
    }
    1.0 / (1.0 - sigma)
}

/// Each arrival joins the shorter of `choices` random queues out of very many: T = Σ ρ^((dⁱ − d)/(d − 1)) for i from 1.
pub fn supermarket(choices: u32, load: f64) -> f64 {
    let d = f64::from(choices);
    let term = |i: i32| load.powf((d.powi(i) - d) / (d - 1.0));
    (1..60).map(term).take_while(|t| *t > 1e-15).sum()
}

/// The moment of order k of a bounded Pareto variable from 1 to `ratio`; k is not the shape.
pub fn bounded_pareto(shape: f64, ratio: f64, k: f64) -> f64 {
    shape / (shape - k) * (1.0 - ratio.powf(k - shape)) / (1.0 - ratio.powf(-shape))
}

/// The quantile p of an exponential variable over its mean.
pub fn exponential_quantile(p: f64) -> f64 {
    -(1.0 - p).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn rounds(value: f64, printed: &str) {
        let digits = printed.split('.').nth(1).map_or(0, str::len);
        let published: f64 = printed.parse().expect("a number");
        // One of them is rounded up from 1.61445.
        let half = 0.6 * 0.1f64.powi(digits as i32);
        assert!((value - published).abs() <= half, "{value}, published {printed}");
    }

    #[test]
    fn they_give_the_published_numbers() {
        for (load, one, rr2, rr4, rr10, two, three, mm4, mm10) in [
            (0.5, "2.000", "1.618", "1.433", "1.325", "1.266", "1.125", "1.087", "1.007"),
            (0.7, "3.333", "2.601", "2.237", "2.020", "1.615", "1.357", "1.357", "1.074"),
            (0.8, "5.000", "3.844", "3.267", "2.922", "1.947", "1.581", "1.746", "1.205"),
            (0.9, "10.00", "7.588", "6.383", "5.660", "2.614", "2.028", "2.969", "1.669"),
            (0.95, "20.00", "15.09", "12.63", "11.15", "3.383", "2.535", "5.457", "2.651"),
            (0.99, "100.0", "75.08", "62.63", "55.15", "5.432", "3.858", "25.45", "10.64"),
        ] {
            rounds(mm1(load), one);
            for (n, printed) in [(2, rr2), (4, rr4), (10, rr10)] {
                rounds(round_robin(n, load), printed);
            }
            rounds(supermarket(2, load), two);
            rounds(supermarket(3, load), three);
            rounds(mmc(4, load), mm4);
            rounds(mmc(10, load), mm10);
        }
        assert!((mmc(1, 0.9) - mm1(0.9)).abs() < 1e-9 && (round_robin(1, 0.9) - mm1(0.9)).abs() < 1e-6);
    }

    #[test]
    fn the_bounded_pareto_distribution_of_the_tables_varies_as_they_say() {
        let moment = |k| bounded_pareto(1.5, 1e4, k);
        let cv2 = moment(2.0) / moment(1.0).powi(2) - 1.0;
        rounds(cv2, "32.7");
        for (load, printed) in [(0.3, "8.2"), (0.7, "40.3"), (0.9, "152.5")] {
            rounds(mg1(load, cv2), printed);
        }
        rounds(exponential_quantile(0.99) * mm1(0.7), "15.4");
    }
}
