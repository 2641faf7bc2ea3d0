//! `snodo check`: every mistake in the declarations, at once.

use snodo_core::declare::Mistake;
use snodo_core::vocabulary::Vocabulary;

use super::{Exit, Invocation, screen};
use crate::configuration::{Configuration, missing};

pub fn check(invocation: &Invocation) -> anyhow::Result<Exit> {
    let configuration = Configuration::read(&invocation.config)?;
    let vocabulary = Vocabulary::load();
    match configuration.declarations(&vocabulary) {
        Ok(declarations) => {
            print(invocation, &declarations.notes)?;
            if !invocation.json {
                for missing in missing::secrets(&configuration, &declarations) {
                    screen::line(format!("note: {missing}"))?;
                }
                screen::line(format!(
                    "No mistakes: {} and {}.",
                    count(declarations.channels.len(), "channel"),
                    count(declarations.routes.len(), "route")
                ))?;
            }
            Ok(Exit::Fine)
        }
        Err(mistakes) => {
            print(invocation, &mistakes)?;
            if !invocation.json {
                screen::line(format!("{} found. Nothing was changed.", count(mistakes.len(), "mistake")))?;
            }
            Ok(Exit::Wrong)
        }
    }
}

pub fn print(invocation: &Invocation, mistakes: &[Mistake]) -> anyhow::Result<()> {
    for mistake in mistakes {
        match invocation.json {
            true => screen::json(mistake)?,
            false => screen::line(mistake.to_string())?,
        }
    }
    Ok(())
}

pub fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
