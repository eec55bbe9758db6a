//! Regular expressions for numbers between two bounds, written for JSON Schema from the limits that the parser reads by.
//!
//! Only what the engines of all validators know (ECMAScript, Python, Go, Rust): no look-ahead, no `\p`. `\d` and `\s` mean
//! the same to all of them here, because YAML's numbers and blanks are ASCII.

/// A digit, from one to another.
type Digit = (u8, u8);

const ANY: Digit = (0, 9);

/// Whole numbers from `low` to `high` without leading zeros: alternatives, not in brackets.
pub(crate) fn whole(low: u64, high: u64) -> String {
    let width = |n: u64| n.checked_ilog10().unwrap_or(0) + 1;
    let mut parts: Vec<String> = Vec::new();
    // Widths of which all numbers are in: one part for all of them.
    let mut full: Option<(u32, u32)> = None;
    for w in width(low)..=width(high) {
        let least = if w == 1 { 0 } else { 10u64.pow(w - 1) };
        let most = 10u64.checked_pow(w).map_or(u64::MAX, |n| n - 1);
        let (from, to) = (low.max(least), high.min(most));
        if w > 1 && (from, to) == (least, most) && w < 20 {
            full = Some((full.map_or(w, |f| f.0), w));
            continue;
        }
        for numbers in fixed(&digits(from, w), &digits(to, w)) {
            parts.push(written(&numbers));
        }
    }
    if let Some((a, b)) = full {
        let rest = if a == b { format!("{{{}}}", a - 1) } else { format!("{{{},{}}}", a - 1, b - 1) };
        parts.push(format!("[1-9]\\d{}", if rest == "{1}" { "" } else { &rest }));
    }
    parts.join("|")
}

/// Decimal numbers `n / 10^places` with `low <= n <= high`, `n` a multiple of `step`: leading zeros, any number of places up to
/// `places`, a lone point at the end. In brackets. `step` divides `10^places`.
pub(crate) fn decimals(low: u128, high: u128, places: u32, step: u128) -> String {
    let scale = 10u128.pow(places);
    let (low_whole, low_part) = ((low / scale) as u64, low % scale);
    let (high_whole, high_part) = ((high / scale) as u64, high % scale);
    let all = scale - step;
    let mut parts: Vec<String> = Vec::new();
    let mut part = |whole_low: u64, whole_high: u64, from: u128, to: u128| {
        if let Some(fraction) = fraction(from, to, places, step) {
            parts.push(format!("0*({}){fraction}", whole(whole_low, whole_high)));
        }
    };
    if low_whole == high_whole {
        part(low_whole, low_whole, low_part, high_part);
    } else {
        let (mut first, mut last) = (low_whole, high_whole);
        if low_part > 0 {
            part(first, first, low_part, all);
            first += 1;
        }
        if high_part < all {
            last -= 1;
        }
        if first <= last {
            part(first, last, 0, all);
        }
        if high_part < all {
            part(high_whole, high_whole, 0, high_part);
        }
    }
    format!("({})", parts.join("|"))
}

/// The point and what may stand behind it: fractions from `low` to `high` that are multiples of `step`.
fn fraction(low: u128, high: u128, places: u32, step: u128) -> Option<String> {
    let zeros = (0..=places).find(|&k| 10u128.pow(k) == step);
    let numbers: Vec<Vec<Digit>> = match zeros {
        Some(k) => {
            let (from, to) = (low.div_ceil(step), high / step);
            if from > to {
                return None;
            }
            let mut all = fixed(&digits(from as u64, places - k), &digits(to as u64, places - k));
            all.iter_mut().for_each(|n| n.extend(std::iter::repeat_n((0, 0), k as usize)));
            all
        }
        None => (low.div_ceil(step)..=high / step)
            .map(|n| digits((n * step) as u64, places).into_iter().map(|d| (d, d)).collect())
            .collect(),
    };
    if numbers.is_empty() {
        return None;
    }
    // Zeros at the end may be left out, and so may the point before nothing.
    let bare = numbers.iter().any(|n| n.iter().all(|d| d.0 == 0));
    let mut forms: Vec<String> = numbers.iter().map(|n| shortened(n)).collect();
    forms.dedup();
    let forms = if forms.len() == 1 { forms.remove(0) } else { format!("({})", forms.join("|")) };
    Some(if bare { format!("(\\.{forms})?") } else { format!("\\.{forms}") })
}

/// The digits, of which those at the end may be left out that may be zero.
fn shortened(digits: &[Digit]) -> String {
    let needed = digits.iter().rposition(|d| d.0 > 0).map_or(0, |i| i + 1);
    let mut out = written(&digits[..needed]);
    let rest = &digits[needed..];
    let any = rest.iter().take_while(|d| **d == ANY).count();
    if rest[any..].iter().all(|d| *d == (0, 0)) {
        for (class, n) in [("\\d", any), ("0", rest.len() - any)] {
            match n {
                0 => {}
                1 => out.push_str(&format!("{class}?")),
                n => out.push_str(&format!("{class}{{0,{n}}}")),
            }
        }
    } else if let Some((first, more)) = rest.split_first() {
        out.push_str(&format!("({}{})?", written(&[*first]), shortened(more)));
    }
    out
}

/// Numbers of one width, from the digits of one to those of another.
fn fixed(low: &[u8], high: &[u8]) -> Vec<Vec<Digit>> {
    let (Some((&l, low_rest)), Some((&h, high_rest))) = (low.split_first(), high.split_first()) else {
        return vec![Vec::new()];
    };
    let behind = |first: Digit, rest: Vec<Vec<Digit>>| {
        rest.into_iter().map(move |r| std::iter::once(first).chain(r).collect::<Vec<_>>())
    };
    if l == h {
        return behind((l, l), fixed(low_rest, high_rest)).collect();
    }
    let (zeros, nines) = (vec![0; low_rest.len()], vec![9; low_rest.len()]);
    let (mut first, mut last) = (l, h);
    let mut out = Vec::new();
    if low_rest != zeros {
        out.extend(behind((l, l), fixed(low_rest, &nines)));
        first += 1;
    }
    if high_rest != nines {
        last -= 1;
    }
    if first <= last {
        out.push(std::iter::once((first, last)).chain(nines.iter().map(|_| ANY)).collect());
    }
    if high_rest != nines {
        out.extend(behind((h, h), fixed(&zeros, high_rest)));
    }
    out
}

/// The last `width` digits of a number.
fn digits(n: u64, width: u32) -> Vec<u8> {
    let mut out: Vec<u8> = (0..width).map(|k| 10u64.checked_pow(k).map_or(0, |p| (n / p % 10) as u8)).collect();
    out.reverse();
    out
}

/// Digits as an expression; equal ones in a row are counted.
fn written(digits: &[Digit]) -> String {
    let mut out = String::new();
    for run in digits.chunk_by(|a, b| a == b) {
        let (low, high) = run[0];
        match (low, high) {
            ANY => out.push_str("\\d"),
            _ if low == high => out.push_str(&low.to_string()),
            _ => out.push_str(&format!("[{low}-{high}]")),
        }
        match run.len() {
            1 => {}
            n if n == 2 && low == high => out.push_str(&low.to_string()),
            n => out.push_str(&format!("{{{n}}}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_lite::Regex;

    fn only(pattern: &str) -> Regex {
        Regex::new(&format!("^({pattern})$")).unwrap_or_else(|e| panic!("{pattern}: {e}"))
    }

    #[test]
    fn whole_numbers_are_those_between_the_bounds() {
        let bounds = [0u64, 1, 7, 9, 10, 19, 68, 99, 100, 101, 255, 999, 1000, 1024];
        for low in bounds {
            for high in bounds.into_iter().filter(|&h| h >= low) {
                let pattern = only(&whole(low, high));
                for n in 0..1100u64 {
                    assert_eq!(pattern.is_match(&n.to_string()), (low..=high).contains(&n), "{n}: {pattern}");
                }
            }
        }
        assert!(!only(&whole(0, 99)).is_match("07"));
    }

    #[test]
    fn the_largest_numbers_have_bounds_too() {
        for high in [65_535u64, 1 << 30, 10_000_000, i64::MAX as u64, u64::MAX - 1, u64::MAX] {
            let pattern = only(&whole(0, high));
            for n in [0, 1, high / 10, high / 2, high - 1, high] {
                assert!(pattern.is_match(&n.to_string()), "{n}: {pattern}");
            }
            let beyond = u128::from(high) + 1;
            for n in [beyond, beyond + 1, beyond * 2, beyond * 10] {
                assert!(!pattern.is_match(&n.to_string()), "{n}: {pattern}");
            }
        }
        assert_eq!(whole(0, 255), r"\d|1\d{2}|2[0-4]\d|25[0-5]|[1-9]\d");
    }

    #[test]
    fn decimals_are_those_between_the_bounds_however_they_are_written() {
        let cases = [(0, 2_000, 1), (1, 1_500, 1), (1_001, 1_999, 1), (250, 12_250, 250), (500, 999, 1), (0, 900, 10)];
        let cases = cases.into_iter().chain([(0, 3_000, 125), (1_000, 2_000, 1_000), (7, 7, 1)]);
        for (low, high, step) in cases {
            let text = decimals(low, high, 3, step);
            let pattern = only(&text);
            for n in 0..13_000u128 {
                let fits = (low..=high).contains(&n) && n % step == 0;
                let whole = format!("{}.{:03}", n / 1000, n % 1000);
                let mut form = whole.clone();
                loop {
                    assert_eq!(pattern.is_match(&form), fits, "{form}: {text}");
                    match form.strip_suffix('0').or(form.strip_suffix('.')) {
                        Some(shorter) if form.contains('.') => form = shorter.to_string(),
                        _ => break,
                    }
                }
                assert_eq!(pattern.is_match(&format!("00{whole}")), fits);
                assert!(!pattern.is_match(&format!("{whole}0")), "a place too many");
            }
            for bad in ["", ".", ".5", "1,5", "-1", "+1", "1e3", "1 "] {
                assert!(!pattern.is_match(bad), "{bad}: {text}");
            }
        }
    }
}
