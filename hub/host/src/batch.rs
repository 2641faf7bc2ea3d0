//! Runs a batch so that an item at fault costs nobody but itself.
//!
//! A batch runs whole. If it fails, its items run alone, one after the other, each within the short limit for one item. That
//! beats halving: a good item costs microseconds, while each half that holds a bad one would cost a whole time limit again.
//! What the runs alone may take together is bounded as well; items that are not reached are not at fault and come again.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::limits::{BATCH_BYTES_MAX, BATCH_ITEMS_MAX, PLAN_ITEMS_MAX};
use crate::values::Plan;
use crate::{Failure, Limits, Planned};

/// For calls that give one result per item.
pub fn each<T, R>(
    limits: &Limits,
    items: &[T],
    bytes: impl Fn(&T) -> usize,
    mut run: impl FnMut(&[T], Duration) -> Result<Vec<R>, Failure>,
) -> Vec<Result<R, Failure>> {
    let mut run_whole = |items: &[T], time| {
        let results = run(items, time)?;
        match results.len() == items.len() {
            true => Ok(results),
            false => Err(Failure::Broken(format!("{} results for {} items", results.len(), items.len()))),
        }
    };
    let mut results = Vec::with_capacity(items.len());
    for range in parts(items, bytes, BATCH_ITEMS_MAX) {
        let part = &items[range];
        match run_whole(part, time(limits, part.len())) {
            Ok(whole) => results.extend(whole.into_iter().map(Ok)),
            Err(failure) if is_final(&failure, part.len()) => {
                results.extend(part.iter().map(|_| Err(failure.clone())));
            }
            Err(_) => results.extend(alone(limits, part, |item, time| {
                run_whole(item, time).map(|mut one| one.pop().expect("one item has one result"))
            })),
        }
    }
    results
}

/// For calls that plan a batch as a whole. When some items fail, the others are planned together once more, so that they
/// still go out in as few requests as they would without them.
pub fn planned<T: Copy>(
    limits: &Limits,
    items: &[T],
    bytes: impl Fn(&T) -> usize,
    mut run: impl FnMut(&[T], Duration) -> Result<Plan, Failure>,
) -> Planned {
    let mut whole = Planned::default();
    for range in parts(items, bytes, PLAN_ITEMS_MAX) {
        let part = &items[range.clone()];
        let places: Vec<u32> = (0..).skip(range.start).take(part.len()).collect();
        match run(part, time(limits, part.len())) {
            Ok(plan) => whole.add(Planned::check(plan, part.len()), &places),
            Err(failure) if is_final(&failure, part.len()) => {
                whole.add(Planned::all_failed(part.len(), &failure), &places);
            }
            Err(_) => {
                let mut good = Vec::new();
                for (place, result) in places.into_iter().zip(alone(limits, part, &mut run)) {
                    match result {
                        Ok(plan) => good.push((place, plan)),
                        Err(failure) => whole.failed.push((place, failure)),
                    }
                }
                let good_items: Vec<T> = good.iter().map(|(place, _)| items[*place as usize]).collect();
                match run(&good_items, limits.batch_time) {
                    Ok(plan) => {
                        let places: Vec<u32> = good.iter().map(|(place, _)| *place).collect();
                        whole.add(Planned::check(plan, places.len()), &places);
                    }
                    // It is only together that they fail: then each goes alone.
                    Err(_) => good
                        .into_iter()
                        .for_each(|(place, plan)| whole.add(Planned::check(plan, 1), &[place])),
                }
            }
        }
    }
    whole
}

fn is_final(failure: &Failure, count: usize) -> bool {
    count == 1 || failure.is_innocent()
}

fn time(limits: &Limits, count: usize) -> Duration {
    if count == 1 { limits.single_time } else { limits.batch_time }
}

fn alone<T, R>(
    limits: &Limits,
    items: &[T],
    mut run: impl FnMut(&[T], Duration) -> Result<R, Failure>,
) -> Vec<Result<R, Failure>> {
    let started = Instant::now();
    let run_one = |item: &T| match started.elapsed() < limits.alone_time {
        true => run(std::slice::from_ref(item), limits.single_time),
        false => Err(Failure::Postponed),
    };
    items.iter().map(run_one).collect()
}

/// Parts that fit one call. A part has at least one item, however large.
fn parts<T>(items: &[T], bytes: impl Fn(&T) -> usize, items_max: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut part_bytes) = (0, 0);
    for (place, item) in items.iter().enumerate() {
        let item_bytes = bytes(item);
        if place > start && (place - start == items_max || part_bytes + item_bytes > BATCH_BYTES_MAX) {
            parts.push(start..place);
            (start, part_bytes) = (place, 0);
        }
        part_bytes += item_bytes;
    }
    if start < items.len() {
        parts.push(start..items.len());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_cut_by_number_and_by_bytes() {
        for (sizes, borders) in [
            (vec![], &[0][..]),
            (vec![1; 10], &[0, 10]),
            (vec![1; BATCH_ITEMS_MAX + 1], &[0, BATCH_ITEMS_MAX, BATCH_ITEMS_MAX + 1]),
            (vec![BATCH_BYTES_MAX, 1, BATCH_BYTES_MAX * 2, 1], &[0, 1, 2, 3, 4]),
        ] {
            let expected: Vec<Range<usize>> = borders.windows(2).map(|border| border[0]..border[1]).collect();
            assert_eq!(parts(&sizes, |size| *size, BATCH_ITEMS_MAX), expected);
        }
    }

    #[test]
    fn only_the_item_at_fault_fails() {
        let limits = Limits::default();
        let run = |items: &[u32], _| match items.contains(&13) {
            true => Err(Failure::StackOverflow),
            false => Ok(items.iter().map(|item| item * 2).collect()),
        };
        let results = each(&limits, &[1, 13, 2], |_| 1, run);
        assert_eq!(results, [Ok(2), Err(Failure::StackOverflow), Ok(4)]);
    }

    #[test]
    fn items_behind_slow_ones_are_put_off_not_blamed() {
        let limits = Limits { alone_time: Duration::ZERO, ..Limits::default() };
        let run = |_: &[u32], time| Err::<Vec<u32>, _>(Failure::TimedOut(time));
        assert_eq!(each(&limits, &[1, 2], |_| 1, run), [Err(Failure::Postponed), Err(Failure::Postponed)]);
        let run = |_: &[u32], _| Err::<Vec<u32>, _>(Failure::NotStarted("no room".into()));
        assert!(
            each(&limits, &[1, 2], |_| 1, run)
                .iter()
                .all(|result| result.as_ref().is_err_and(Failure::is_innocent))
        );
    }
}
