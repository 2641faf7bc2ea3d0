//! `snodo plan`: what the files as they are would change in the running hub; without one, what a start would find waiting.

use serde_json::json;
use snodo_core::vocabulary::Vocabulary;

use super::{Exit, Invocation, check, reload, running, screen};
use crate::configuration::{self, Configuration};
use crate::live::ended;
use crate::live::plan::{self, Left, Plan, Refusal};
use crate::{admin, home, hub};

pub fn plan(invocation: &Invocation) -> anyhow::Result<Exit> {
    let data = configuration::data_folder(&invocation.config)?;
    if !running::is_running(&hub::socket(&data)) {
        return before_a_start(invocation);
    }
    let Plan { changes, left, refusal } = running::tell(&data, admin::PLAN, &())?;
    if invocation.json {
        screen::json(&json!({"running": true, "changes": changes, "left": left, "refusal": refusal}))?;
    } else {
        if let Some(changes) = &changes {
            let lines = plan::lines(changes);
            for line in &lines {
                screen::line(line)?;
            }
            if lines.is_empty() {
                screen::line("Nothing has changed: the hub works with these files.")?;
            }
            let kept = (changes.channels.kept.len(), changes.routes.kept.len());
            screen::line(format!(
                "{} and {} go on as they are.",
                check::count(kept.0, "channel"),
                check::count(kept.1, "route")
            ))?;
        }
        for one in &left {
            screen::line(one.to_string())?;
        }
        if let Some(refusal) = &refusal {
            reload::say_why(invocation, refusal)?;
        }
    }
    Ok(if left.is_empty() && refusal.is_none() { Exit::Fine } else { Exit::Wrong })
}

fn before_a_start(invocation: &Invocation) -> anyhow::Result<Exit> {
    let configuration = Configuration::read(&invocation.config)?;
    let declarations = match configuration.declarations(&Vocabulary::load()) {
        Ok(declarations) => declarations,
        Err(mistakes) => {
            let refusal = Refusal { mistakes, reasons: Vec::new() };
            match invocation.json {
                true => screen::json(&json!({"running": false, "refusal": refusal}))?,
                false => {
                    check::print(invocation, &refusal.mistakes)?;
                    let found = check::count(refusal.mistakes.len(), "mistake");
                    screen::line(format!("No hub is running, and with {found} none would start."))?;
                }
            }
            return Ok(Exit::Wrong);
        }
    };
    let left = match home::look(&invocation.config) {
        Ok(store) => {
            [ended::strangers(&*store, &declarations)?, ended::strange_routes(&*store, &declarations)?]
                .concat()
        }
        Err(error) if home::is_missing(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    if invocation.json {
        screen::json(&json!({"running": false, "left": left}))?;
    } else {
        screen::line(format!(
            "No hub is running. `snodo run` would start one with {} and {}.",
            check::count(declarations.channels.len(), "channel"),
            check::count(declarations.routes.len(), "route")
        ))?;
        for Left { of, what, count } in &left {
            screen::line(format!(
                "{count} {} of {of} wait in the store, and it is not declared.",
                what.as_str()
            ))?;
        }
    }
    Ok(Exit::Fine)
}
