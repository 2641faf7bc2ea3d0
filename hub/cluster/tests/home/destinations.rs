//! What is remembered of a destination from one start to the next: that it fails as a whole, and how much of its quota is used up.

use std::time::Duration;

use snodo_core::Timestamp;
use snodo_store::{Draw, Failing};

use crate::bench::Bench;
use crate::services::wait;
use crate::values::*;

crate::both!(that_one_fails_is_remembered_until_it_works, a_quota_is_used_up_once_in_each_period,);

fn that_one_fails_is_remembered_until_it_works(bench: &mut Bench) {
    let (crm, mail) = (name("crm"), name("mail"));
    let told = |bench: &Bench, destination, failing| {
        wait(bench.home.set_failing(name(destination), failing)).unwrap();
    };
    assert_eq!(bench.home.failing(&crm).unwrap(), None);
    let since = bench.now();
    let failing = Failing { since, disabled: None, reason: "it is away".into() };
    let other = Failing { reason: "it lets nobody in".into(), ..failing.clone() };
    told(bench, "mail", Some(other.clone()));
    told(bench, "crm", Some(failing));
    let disabled = Failing { since, disabled: Some(since + Duration::from_secs(60)), reason: "still".into() };
    told(bench, "crm", Some(disabled.clone()));
    bench.reopen();
    assert_eq!(bench.home.failing(&crm).unwrap(), Some(disabled.clone()));
    assert_eq!(bench.home.all_failing().unwrap(), [(crm.clone(), disabled), (mail.clone(), other.clone())]);
    told(bench, "crm", None);
    assert_eq!(bench.home.failing(&crm).unwrap(), None);
    assert_eq!(bench.home.all_failing().unwrap(), [(mail, other)]);
}

fn a_quota_is_used_up_once_in_each_period(bench: &mut Bench) {
    let (first, second) = (bench.now(), bench.now() + Duration::from_secs(60 * 60));
    let draw = |bench: &Bench, destination, began: Timestamp, wanted| {
        let draw = Draw { destination: name(destination), began, wanted, limit: 10 };
        wait(bench.home.draw(draw)).unwrap()
    };
    for (wanted, there) in [(4, 4), (5, 5), (4, 1), (4, 0), (0, 0)] {
        assert_eq!(draw(bench, "crm", first, wanted), there, "{wanted} wanted");
    }
    assert_eq!(draw(bench, "mail", first, 3), 3, "each has its own");
    bench.reopen();
    assert_eq!(draw(bench, "crm", first, 1), 0, "what was drawn may have been used");
    let drawn = |bench: &Bench, began| {
        let mut drawn = bench.home.all_drawn(began).unwrap();
        drawn.sort();
        drawn
    };
    assert_eq!(drawn(bench, first), [(name("crm"), 10), (name("mail"), 3)]);
    assert_eq!(draw(bench, "crm", second, 11), 10, "another period has it all");
    assert_eq!(drawn(bench, second), [(name("crm"), 10)]);
}
