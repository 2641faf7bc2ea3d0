//! `snodo reload`: the running hub takes the configuration as it is on disk now, all of it or nothing.

use super::{Exit, Invocation, check, running, screen};
use crate::live::plan::{self, Answer, Answers, Applied, Left, Refusal};
use crate::{admin, configuration};

#[derive(clap::Args)]
pub struct Args {
    /// What becomes of what waits for a channel or a route that is not declared any more: `dead`, `expired`, or `wait` until it comes
    /// back. May be given several times
    #[arg(long = "let", value_name = "CHANNEL|routes/ROUTE=dead|expired|wait", value_parser = answer)]
    answers: Vec<(String, Answer)>,
}

fn answer(text: &str) -> Result<(String, Answer), String> {
    let Some((of, word)) = text.split_once('=') else {
        return Err("write it as NAME=dead, NAME=expired or NAME=wait".to_owned());
    };
    let answer = match word {
        "dead" => Answer::Dead,
        "expired" => Answer::Expired,
        "wait" => Answer::Wait,
        other => return Err(format!("there is no answer {other:?}: choose dead, expired or wait")),
    };
    // As people see it in the folder.
    let of = of.strip_suffix(".toml").unwrap_or(of);
    Ok((of.strip_prefix("channels/").unwrap_or(of).to_owned(), answer))
}

pub fn reload(invocation: &Invocation, args: &Args) -> anyhow::Result<Exit> {
    let data = configuration::data_folder(&invocation.config)?;
    let answers: Answers = args.answers.iter().cloned().collect();
    let reloaded: Result<Applied, Refusal> = running::tell(&data, admin::RELOAD, &answers)?;
    match reloaded {
        Ok(applied) => {
            match invocation.json {
                true => screen::json(&serde_json::json!({"applied": applied}))?,
                false => say(&applied, &answers)?,
            }
            Ok(Exit::Fine)
        }
        Err(refusal) => {
            match invocation.json {
                true => screen::json(&serde_json::json!({"refused": refusal}))?,
                false => say_why(invocation, &refusal)?,
            }
            Ok(Exit::Wrong)
        }
    }
}

fn say(applied: &Applied, answers: &Answers) -> anyhow::Result<()> {
    if applied.changes.is_empty() {
        screen::line("Nothing has changed: the hub works with these files.")?;
        return Ok(());
    }
    for line in plan::lines(&applied.changes) {
        screen::line(line)?;
    }
    for Left { of, what, count } in &applied.left {
        let became = match answers.get(of) {
            Some(Answer::Dead) => "are dead",
            Some(Answer::Expired) => "have expired",
            _ => "stay in the store until it comes back",
        };
        screen::line(format!("{count} {} of {of} {became}", what.as_str()))?;
    }
    screen::line("The hub works with these files now.")?;
    Ok(())
}

/// Mistakes as `check` prints them.
pub fn say_why(invocation: &Invocation, Refusal { mistakes, reasons }: &Refusal) -> anyhow::Result<()> {
    check::print(invocation, mistakes)?;
    for reason in reasons {
        screen::line(reason)?;
    }
    let found = check::count(mistakes.len() + reasons.len(), "reason");
    screen::line(format!(
        "{found} against it. Nothing was changed: the hub goes on with the configuration before."
    ))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_written_as_channels_and_routes_are_called() {
        for (text, expected) in [
            ("crm=dead", Some(("crm", Answer::Dead))),
            ("channels/crm.toml=wait", Some(("crm", Answer::Wait))),
            ("routes/to-crm=expired", Some(("routes/to-crm", Answer::Expired))),
            ("routes/to-crm.toml=dead", Some(("routes/to-crm", Answer::Dead))),
            ("crm=delivered", None),
            ("crm", None),
        ] {
            let expected = expected.map(|(of, answer)| (of.to_owned(), answer));
            assert_eq!(answer(text).ok(), expected, "{text}");
        }
    }
}
