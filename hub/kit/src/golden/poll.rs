//! A poll case: `poll.toml` (cursor, now, config) says where a walk begins, the answers are what the vendor says to each question
//! in turn. The walk goes on as the hub's would, until there is no more to fetch.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use snodo_host::{Connector, Context, Draft, Failure, Page, Question, Reply, Step};

use super::answer::GivenAnswer;
use super::{Answered, case, shown};

pub const INPUT: &str = "poll.toml";

/// A case without an end is a case that fails: no sample needs this many pages.
const STEPS_MAX: usize = 200;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Given {
    /// Text is given as it stands, anything else as JSON. Without it the walk is the very first.
    cursor: Option<toml::Value>,
    now: Option<String>,
    config: toml::Table,
}

/// Where a walk begins, and what the vendor answers on it.
#[derive(Clone, Debug)]
pub struct Walk {
    pub cursor: Option<Vec<u8>>,
    pub config: Vec<u8>,
    pub now: u64,
    pub answers: Vec<Answered>,
}

/// The way that a walk went.
#[derive(Clone, Debug, PartialEq)]
pub struct Walked {
    pub steps: Vec<Stepped>,
    pub end: End,
}

/// A step, and what it was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Stepped {
    pub cursor: Option<Vec<u8>>,
    pub step: Step,
}

#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// There is no more to fetch.
    Done,
    /// There are no more answers, but the last step is a question.
    Unanswered,
    Failed(Failure),
}

impl Stepped {
    /// The cursor; an empty one is none.
    pub fn place(&self) -> &[u8] {
        self.cursor.as_deref().unwrap_or_default()
    }
}

impl Walked {
    pub fn pages(&self) -> impl Iterator<Item = (&Stepped, &Page)> {
        self.steps.iter().filter_map(|stepped| match &stepped.step {
            Step::Page(page) => Some((stepped, page)),
            Step::Ask(_) => None,
        })
    }

    /// Each question with the cursor it belongs to, in the order of the answers.
    pub fn questions(&self) -> impl Iterator<Item = (&Stepped, &Question)> {
        self.steps.iter().filter_map(|stepped| match &stepped.step {
            Step::Ask(question) => Some((stepped, question)),
            Step::Page(_) => None,
        })
    }

    /// The events of all pages.
    pub fn events(&self) -> Vec<Draft> {
        self.pages().flat_map(|(_, page)| page.events.clone()).collect()
    }
}

impl Walk {
    pub fn read(folder: &Path) -> Result<Self, String> {
        let given: Given = case::toml(&folder.join(INPUT))?;
        let cursor = given.cursor.map(|cursor| match case::plain(&cursor) {
            Value::String(text) => text.into_bytes(),
            json => json.to_string().into_bytes(),
        });
        Ok(Self {
            cursor,
            config: case::config(&given.config),
            now: given.now.as_deref().map_or(Ok(case::RECEIVED_MS), case::millis)?,
            answers: answers(folder)?,
        })
    }

    /// One step: without an exchange the question, with one what the answer to it says.
    pub fn next(
        &self,
        connector: &Connector,
        channel: &str,
        cursor: Option<&[u8]>,
        exchange: Option<(&Question, &Answered)>,
    ) -> Result<Step, Failure> {
        let ctx = Context { channel, config: &self.config, now: self.now };
        let reply =
            exchange.map(|(question, answer)| Reply { state: &question.state, answer: answer.borrowed() });
        connector.next(&ctx, cursor, reply)
    }

    pub fn go(&self, connector: &Connector) -> Walked {
        self.go_in(connector, case::CHANNEL)
    }

    /// Goes all the way with the answers of the case, on the instances of that channel.
    pub fn go_in(&self, connector: &Connector, channel: &str) -> Walked {
        let mut answers = self.answers.iter();
        let mut steps: Vec<Stepped> = Vec::new();
        let mut cursor = self.cursor.clone();
        let mut exchange: Option<(Question, &Answered)> = None;
        let end = loop {
            if steps.len() == STEPS_MAX {
                let why = format!("after {STEPS_MAX} steps there is still more to fetch");
                break End::Failed(Failure::Broken(why));
            }
            let asked = exchange.as_ref().map(|(question, answer)| (question, *answer));
            let step = match self.next(connector, channel, cursor.as_deref(), asked) {
                Ok(step) => step,
                Err(failure) => break End::Failed(failure),
            };
            steps.push(Stepped { cursor: cursor.clone(), step: step.clone() });
            match step {
                Step::Ask(question) => match answers.next() {
                    Some(answer) => exchange = Some((question, answer)),
                    None => break End::Unanswered,
                },
                Step::Page(page) if page.more => (cursor, exchange) = (Some(page.cursor), None),
                Step::Page(_) => break End::Done,
            }
        };
        Walked { steps, end }
    }
}

pub fn run(connector: &Connector, folder: &Path) -> Result<Value, String> {
    let walk = Walk::read(folder)?;
    let Walked { steps, end } = walk.go(connector);
    let mut shown = Vec::new();
    let mut asked = 0;
    for Stepped { step, .. } in &steps {
        shown.push(step_shown(step)?);
        asked += usize::from(matches!(step, Step::Ask(_)));
    }
    match end {
        End::Done => {}
        End::Failed(Failure::Fault(fault)) => shown.push(json!({"fault": shown::fault(&fault)})),
        End::Failed(failure) => return Err(format!("  {failure}")),
        End::Unanswered => {
            let question = shown.pop().unwrap_or_default();
            return Err(format!(
                "  there are {} answers, and none to question {asked}:\n{}",
                walk.answers.len(),
                serde_json::to_string_pretty(&question).expect("a JSON value is always JSON")
            ));
        }
    }
    match walk.answers.len() - asked {
        0 => Ok(json!({"steps": shown})),
        _ => Err(format!("  there are {} answers, but only {asked} questions", walk.answers.len())),
    }
}

/// A step as `expected.json` has it.
pub fn step_shown(step: &Step) -> Result<Value, String> {
    let Page { events, cursor, more, wait_ms } = match step {
        Step::Page(page) => page,
        Step::Ask(Question { request, state }) => {
            let mut question = shown::asked(request);
            if !state.is_empty() {
                question["state"] = shown::bytes(state);
            }
            return Ok(json!({"ask": question}));
        }
    };
    let events: Vec<Value> = events.iter().map(shown::draft).collect::<Result<_, _>>()?;
    let mut page = Map::new();
    page.insert("events".into(), events.into());
    page.insert("cursor".into(), shown::bytes(cursor));
    page.insert("more".into(), (*more).into());
    if let Some(wait) = wait_ms {
        page.insert("wait_ms".into(), (*wait).into());
    }
    Ok(json!({"page": page}))
}

fn answers(folder: &Path) -> Result<Vec<Answered>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct InTurn {
        answers: Vec<toml::Value>,
    }
    let (as_json, as_toml) = (folder.join("answers.json"), folder.join("answers.toml"));
    let answers: Vec<GivenAnswer> = if as_json.exists() {
        case::json(&as_json)?
    } else if as_toml.exists() {
        let given: InTurn = case::toml(&as_toml)?;
        given.answers.iter().map(GivenAnswer::of).collect::<Result<_, _>>()?
    } else {
        Vec::new()
    };
    Ok(answers.into_iter().map(Answered::from).collect())
}
