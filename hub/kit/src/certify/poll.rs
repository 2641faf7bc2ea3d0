//! Trials of a poll: its walks repeated, spoilt and moved about, and a menu of what vendors answer on bad days.

use snodo_host::{Failure, Page, Question, Step};

use super::events::{Known, Told, UNKNOWN};
use super::menu::{self, Said};
use super::mutants::{self, Mutant};
use super::{Check, Level, Trial, cassette, events, hosts, scales, strain};
use crate::golden::{self, Answered, Case, End, Side, Stepped, Walk, Walked};

struct Walking {
    name: String,
    walk: Walk,
    walked: Walked,
}

pub fn checks(trial: &Trial<'_>) -> Vec<Check> {
    let known = Known::of_side(trial, Side::Poll, Walk::read);
    let walking = |case: &Case| {
        let walk = Walk::read(&case.folder).ok()?;
        Some(Walking { name: case.name.clone(), walked: walk.go(trial.connector), walk })
    };
    let cases = trial.folder.cases.iter().filter(|case| case.side == Side::Poll);
    let walks: Vec<Walking> = cases.filter_map(walking).collect();
    let manifest = trial.folder.manifest.poll.as_ref();
    let told = manifest.map(|poll| Told { emits: &poll.emits, personal_data: &poll.personal_data });
    let told = told.unwrap_or_default();
    let declared = manifest.map(|poll| poll.hosts.as_slice()).unwrap_or_default();
    vec![
        events::canonical(trial, &told, &known),
        events::personal_data(trial, &told, &known),
        hosts::hosts(declared, walks.iter().flat_map(asked)),
        strain::spoilt(trial, &known),
        strain::changed(trial, &known),
        strain::repeated(trial, &known),
        steps(trial, &walks),
        moved(trial, &walks),
        empty(trial, &walks),
        strain::memory(trial, &known),
        drift(trial, &walks),
        scales::money(trial, &known),
        scales::zones(trial, &known),
        faults(trial, &walks),
        in_success(trial, &walks),
    ]
}

fn asked(walking: &Walking) -> impl Iterator<Item = hosts::Asked<'_>> {
    let Walking { name, walk, walked } = walking;
    walked.questions().map(move |(_, question)| hosts::Asked {
        name,
        config: &walk.config,
        target: &question.request.target,
    })
}

impl Walking {
    /// Each question with the cursor it belongs to and the answer it got.
    fn exchanges(&self) -> impl Iterator<Item = (Option<&[u8]>, &Question, &Answered)> {
        let questions = self.walked.questions().zip(&self.walk.answers);
        questions.map(|((stepped, question), answer)| (stepped.cursor.as_deref(), question, answer))
    }

    /// What the connector makes of another answer to that question.
    fn reply(
        &self,
        trial: &Trial<'_>,
        (cursor, question): (Option<&[u8]>, &Question),
        answer: &Answered,
    ) -> Result<Step, Failure> {
        self.walk.next(trial.connector, golden::CHANNEL, cursor, Some((question, answer)))
    }

    /// The same walk from another place, with other answers.
    fn from(&self, cursor: Option<&[u8]>, answers: Vec<Answered>) -> Walk {
        Walk { cursor: cursor.map(<[u8]>::to_vec), answers, ..self.walk.clone() }
    }
}

/// The same cursor and answers are the same steps, and no step leads back to where the walk has been.
fn steps(trial: &Trial<'_>, walks: &[Walking]) -> Check {
    let mut check = Check::new("steps", Level::Silver);
    for Walking { name, walk, walked } in walks {
        check.tried += 1;
        for channel in ["again", "again", "afresh"] {
            let again = walk.go_in(trial.connector, channel);
            // Of a walk that fails the golden cases tell; its fault may say a time.
            if again.steps != walked.steps {
                let what = "the same cursor and answers became other steps the next time";
                check.find("not-deterministic", name, what);
                break;
            }
        }
        let mut been: Vec<(&[u8], &Question)> = Vec::new();
        for (stepped, question) in walked.questions() {
            let place = (stepped.place(), question);
            if been.contains(&place) {
                let what =
                    "it comes back to a question that it has asked: the cursor or the state must move on";
                check.find("endless-walk", name, what);
                break;
            }
            been.push(place);
        }
        let stands = |(stepped, page): (&Stepped, &Page)| page.more && stepped.place() == page.cursor;
        if walked.pages().any(stands) {
            let what = "a page says that there is more, but its cursor is that of before";
            check.find("endless-walk", name, what);
        }
    }
    check
}

/// Records move while they are fetched: they stand in another order, or come once more on the next page. Each is the same event.
fn moved(trial: &Trial<'_>, walks: &[Walking]) -> Check {
    const FAULT: &str = "loses-moved-records";
    let mut check = Check::new("moved records", Level::Silver);
    for walking in walks.iter().filter(|walking| walking.walked.end == End::Done) {
        let Walking { name, walk, walked } = walking;
        let known = walked.events();
        if known.iter().any(|draft| draft.key.is_none() && draft.kind != UNKNOWN) {
            let what = "an event has no key: fetched again it would be another one";
            check.find("duplicates-on-retry", name, what);
        }
        let mut try_walk = |at: String, walk: &Walk| {
            check.tried += 1;
            for draft in walk.go(trial.connector).events() {
                let same = known.iter().filter(|one| one.kind == draft.kind && one.data == draft.data);
                let mut keys = same.map(|one| &one.key).peekable();
                // A record that is told otherwise after it has moved is another matter.
                if keys.peek().is_some() && !keys.any(|key| *key == draft.key) {
                    let what =
                        "the same record has another key: make keys of the record's own id, not of its place";
                    check.find(FAULT, at.clone(), what);
                }
            }
        };
        for (place, answer) in walk.answers.iter().enumerate() {
            let Some(Mutant { how, body }) = mutants::rotated(&answer.body) else { continue };
            let mut turned = walk.clone();
            turned.answers[place].body = body;
            try_walk(format!("{name}: answer {}: {how}", place + 1), &turned);
        }
        // What was answered up to the first page, once more behind it.
        let Some((_, first)) = walked.pages().next().filter(|(_, page)| page.more) else { continue };
        let asked = walked.steps.iter().position(|stepped| matches!(stepped.step, Step::Page(_)));
        let answers = walk.answers[..asked.unwrap_or_default()].to_vec();
        let again = walking.from(Some(&first.cursor), answers);
        try_walk(format!("{name}: the first page once more as the second"), &again);
    }
    check
}

/// A page without records must not make it forget where it was.
fn empty(trial: &Trial<'_>, walks: &[Walking]) -> Check {
    let mut check = Check::new("empty pages", Level::Silver);
    let question = |walking: &Walking, cursor: Option<&[u8]>| match walking.walk.next(
        trial.connector,
        golden::CHANNEL,
        cursor,
        None,
    ) {
        Ok(Step::Ask(question)) => Some(question.request),
        _ => None,
    };
    for walking in walks.iter().filter(|walking| walking.walked.end == End::Done) {
        let Some((_, last)) = walking.walked.pages().last() else { continue };
        let first = question(walking, None);
        // Whoever asks always the same has nothing to forget.
        if question(walking, Some(&last.cursor)) == first {
            continue;
        }
        let mut empties = walking.walk.answers.iter().filter_map(|answer| {
            let Mutant { body, .. } = mutants::emptied(&answer.body)?;
            Some(Answered { body, ..answer.clone() })
        });
        // The last answer says that there is no more.
        let Some(answer) = empties.next_back() else { continue };
        let walked = walking.from(Some(&last.cursor), vec![answer]).go(trial.connector);
        let Some((_, page)) = walked.pages().next().filter(|(_, page)| page.events.is_empty()) else {
            continue;
        };
        check.tried += 1;
        if question(walking, Some(&page.cursor)) == first {
            let what = "after an empty page it asks as though for the first time: keep the cursor";
            check.find("forgets-cursor", &walking.name, what);
        }
    }
    if check.tried == 0 && !walks.is_empty() {
        check.needless("it has no place to keep");
    }
    check
}

/// Successes with bodies that nobody expects.
fn drift(trial: &Trial<'_>, walks: &[Walking]) -> Check {
    let mut check = Check::new("schema drift", Level::Silver);
    for walking in walks {
        for (cursor, question, answer) in walking.exchanges() {
            for body in menu::UNEXPECTED {
                let unexpected = Answered { status: 200, headers: Vec::new(), body: body.into() };
                let at = format!("{}: 200 with {body:?}", walking.name);
                let step = walking.reply(trial, (cursor, question), &unexpected);
                let is_page = matches!(step, Ok(Step::Page(_)));
                strain::fails(&mut check, &at, &step);
                if is_page && body == "<html>" && mutants::json_of(&answer.body).is_some() {
                    let what = "what is no answer at all became a page: say retry, and the cursor stays";
                    check.find("drops-events", at, what);
                }
            }
        }
    }
    check
}

/// What HTTP says by itself.
fn faults(trial: &Trial<'_>, walks: &[Walking]) -> Check {
    let mut check = Check::new("menu of faults", Level::Gold);
    for walking in walks {
        for (number, (cursor, question, _)) in (1..).zip(walking.exchanges()) {
            // With 404 some say that there is nothing to tell.
            for dish in menu::dishes().filter(|dish| dish.status != 404) {
                let at = dish.at(&walking.name, number);
                let step = walking.reply(trial, (cursor, question), &dish.answered());
                strain::fails(&mut check, &at, &step);
                let said = match &step {
                    Ok(Step::Page(_)) => Said::Success,
                    Ok(Step::Ask(_)) => Said::Other,
                    Err(Failure::Fault(fault)) => Said::Fault(fault),
                    Err(_) => continue,
                };
                if let Some((fault, what)) = dish.judge(&said) {
                    check.find(fault, at, what);
                }
            }
        }
    }
    check
}

/// The vendor's own way of saying no in a success, from the cassette.
fn in_success(trial: &Trial<'_>, walks: &[Walking]) -> Check {
    cassette::in_success(trial, |check, recorded| {
        for walking in walks {
            for (cursor, question, _) in walking.exchanges() {
                if !question.request.target.contains(&recorded.target) {
                    continue;
                }
                check.tried += 1;
                let step = walking.reply(trial, (cursor, question), &recorded.answered());
                if matches!(step, Ok(Step::Page(_))) {
                    check.find(
                        cassette::FAULT,
                        &walking.name,
                        "the answer says that it failed, in a 2xx; it became a page",
                    );
                }
            }
        }
    })
}
