//! Holds a destination's plan to the contract: every delivery of the batch is covered by exactly one call, or settled.

use crate::limits::STATE_BYTES_MAX;
use crate::values::Plan;
use crate::{Call, Failure, Outcome, Settlement};

/// A plan that can be carried out: each delivery of the batch is in exactly one call, settlement or failure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Planned {
    pub calls: Vec<Call>,
    pub settled: Vec<Settlement>,
    /// By their place in the batch.
    pub failed: Vec<(u32, Failure)>,
}

impl Planned {
    /// Nothing of a call is sent if one of its deliveries is not clear: to send it twice is worse than to ask a person.
    pub(crate) fn check(plan: Plan, count: usize) -> Self {
        let mut times = vec![0_u32; count];
        let places = plan.calls.iter().flat_map(|call| &call.covers);
        for &place in places.chain(plan.settled.iter().map(|settlement| &settlement.delivery)) {
            if let Some(times) = times.get_mut(place as usize) {
                *times += 1;
            }
        }
        let is_clear = |place: &u32| times.get(*place as usize) == Some(&1);
        let mut planned = Self::default();
        let mut failed: Vec<Option<String>> = times
            .iter()
            .map(|&times| {
                (times != 1).then(|| format!("the delivery is covered or settled {times} times, not once"))
            })
            .collect();
        for call in plan.calls {
            let why = if call.covers.is_empty() {
                // It belongs to no delivery, so none can tell what became of it.
                continue;
            } else if call.state.len() > STATE_BYTES_MAX {
                format!("the call's state has {} bytes, it may have {STATE_BYTES_MAX}", call.state.len())
            } else if call.covers.iter().all(is_clear) {
                planned.calls.push(call);
                continue;
            } else {
                "the call covers another delivery that is not in the batch, or not only in this call"
                    .to_owned()
            };
            for place in call.covers {
                if let Some(failed @ None) = failed.get_mut(place as usize) {
                    *failed = Some(why.clone());
                }
            }
        }
        planned.settled =
            plan.settled.into_iter().filter(|settlement| is_clear(&settlement.delivery)).collect();
        planned.failed =
            (0..).zip(failed).filter_map(|(place, why)| Some((place, Failure::Broken(why?)))).collect();
        planned
    }

    pub(crate) fn all_failed(count: usize, failure: &Failure) -> Self {
        let failed = (0..).take(count).map(|place| (place, failure.clone())).collect();
        Self { calls: Vec::new(), settled: Vec::new(), failed }
    }

    /// Adds the plan of a part of the batch, whose places mean these of the whole.
    pub(crate) fn add(&mut self, part: Self, places: &[u32]) {
        let whole = |place: u32| places[place as usize];
        self.calls.extend(
            part.calls
                .into_iter()
                .map(|call| Call { covers: call.covers.iter().map(|&place| whole(place)).collect(), ..call }),
        );
        self.settled.extend(
            part.settled
                .into_iter()
                .map(|settlement| Settlement { delivery: whole(settlement.delivery), ..settlement }),
        );
        self.failed.extend(part.failed.into_iter().map(|(place, failure)| (whole(place), failure)));
    }

    /// The outcome that was settled for a delivery, if it was.
    pub fn outcome(&self, delivery: u32) -> Option<&Outcome> {
        self.settled
            .iter()
            .find(|settlement| settlement.delivery == delivery)
            .map(|settlement| &settlement.outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;

    fn call(covers: &[u32], state_bytes: usize) -> Call {
        let request =
            Request { method: "POST".into(), target: String::new(), headers: Vec::new(), body: Vec::new() };
        Call { request, covers: covers.to_vec(), state: vec![0; state_bytes] }
    }

    #[test]
    fn a_delivery_that_is_not_covered_exactly_once_fails_alone_or_with_its_call() {
        // calls (covers, bytes of state), settled, calls that are left, deliveries that failed; all of a batch of 4
        type Case = (&'static [(&'static [u32], usize)], &'static [u32], usize, &'static [u32]);
        let cases: [Case; 9] = [
            (&[(&[0, 1, 2, 3], 0)], &[], 1, &[]),
            (&[(&[0, 1], 0), (&[2], 0)], &[3], 2, &[]),
            (&[(&[0, 1, 2], 0)], &[], 1, &[3]),
            (&[(&[0, 1], 0), (&[1, 2], 0)], &[3], 0, &[0, 1, 2]),
            (&[(&[0, 0], 0), (&[1, 2, 3], 0)], &[], 1, &[0]),
            (&[(&[0, 1], 0)], &[1, 2, 3], 0, &[0, 1]),
            (&[(&[0, 9], 0), (&[1, 2, 3], 0)], &[9], 1, &[0]),
            (&[(&[0], STATE_BYTES_MAX + 1), (&[1, 2, 3], STATE_BYTES_MAX)], &[], 1, &[0]),
            (&[(&[], 0)], &[], 0, &[0, 1, 2, 3]),
        ];
        for (calls, settled, calls_left, failed) in cases {
            let plan = Plan {
                calls: calls.iter().map(|(covers, bytes)| call(covers, *bytes)).collect(),
                settled: settled
                    .iter()
                    .map(|&delivery| Settlement { delivery, outcome: Outcome::Duplicate })
                    .collect(),
            };
            let planned = Planned::check(plan, 4);
            assert_eq!(planned.calls.len(), calls_left, "{calls:?} {settled:?}");
            assert_eq!(
                planned.failed.iter().map(|(place, _)| *place).collect::<Vec<_>>(),
                failed,
                "{calls:?}"
            );
            let mut places: Vec<u32> = planned.calls.iter().flat_map(|call| call.covers.clone()).collect();
            places.extend(planned.settled.iter().map(|settlement| settlement.delivery));
            places.extend(failed);
            places.sort_unstable();
            assert_eq!(places, [0, 1, 2, 3], "{calls:?} {settled:?}");
        }
    }
}
