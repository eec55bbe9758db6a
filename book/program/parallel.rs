//! Work on all cores, told in order.

use anyhow::Result;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Does `work` on each item; tells each result in the order of the items, as soon as it is its turn. The first error ends it.
pub fn in_order<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
    mut tell: impl FnMut(&T, R) -> Result<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let (give, take) = mpsc::channel();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores.min(items.len()) {
            let (next, work, give) = (&next, &work, give.clone());
            scope.spawn(move || {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(n) else { return };
                    if give.send((n, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(give);
        let mut early = BTreeMap::new();
        let mut turn = 0;
        for (n, result) in take {
            early.insert(n, result);
            while let Some(result) = early.remove(&turn) {
                tell(&items[turn], result?)?;
                turn += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..50).rev().collect();
        let mut told = Vec::new();
        let work = |n: &u64| {
            std::thread::sleep(std::time::Duration::from_millis(n % 3));
            Ok(n * 2)
        };
        let each = |n: &u64, double| {
            told.push((*n, double));
            Ok(())
        };
        in_order(&items, work, each).unwrap();
        assert_eq!(told, items.iter().map(|n| (*n, n * 2)).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_ends_it() {
        let work = |n: &u64| if *n == 3 { Err(anyhow::anyhow!("three")) } else { Ok(()) };
        let mut told = 0;
        let each = |_: &u64, ()| {
            told += 1;
            Ok(())
        };
        assert_eq!(in_order(&[1, 2, 3, 4], work, each).unwrap_err().to_string(), "three");
        assert_eq!(told, 2);
    }
}
