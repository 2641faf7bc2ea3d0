//! `snodo check`: every mistake in the declarations, at once.

use snodo_core::declare::{Declarations, Inlet, Mistake, Outlet};
use snodo_core::secret::SecretRef;
use snodo_core::verify::{Challenger, Verifier};
use snodo_core::vocabulary::Vocabulary;

use super::{Exit, Invocation, screen};
use crate::configuration::Configuration;
use crate::sender;
use crate::transport::secrets;

pub fn check(invocation: &Invocation) -> anyhow::Result<Exit> {
    let configuration = Configuration::read(&invocation.config)?;
    let vocabulary = Vocabulary::load();
    match configuration.declarations(&vocabulary) {
        Ok(declarations) => {
            print(invocation, &declarations.notes)?;
            if !invocation.json {
                missing_secrets(&configuration, &declarations)?;
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

/// Secrets are not part of the declarations; the one who checks may well not be the one who has them.
fn missing_secrets(configuration: &Configuration, declarations: &Declarations) -> anyhow::Result<()> {
    for (name, channel) in &declarations.channels {
        let verifies = match &channel.receive {
            Some(Inlet::Http(http)) => {
                let resolve = |at: &SecretRef| secrets::resolve(at, &configuration.folder);
                Verifier::new(&http.verify, resolve)
                    .and_then(|_| Challenger::new(http.challenge.as_ref(), resolve))
                    .map(|_| ())
                    .map_err(anyhow::Error::from)
            }
            Some(Inlet::Mqtt(mqtt)) => found(configuration, mqtt.password.as_ref()),
            Some(Inlet::Amqp(amqp)) => found(configuration, Some(&amqp.password)),
            Some(Inlet::WebSocket(socket)) => {
                let resolve = |at: &SecretRef| secrets::resolve(at, &configuration.folder);
                let verifies =
                    socket.verify.as_ref().map(|verify| Verifier::new(verify, resolve).map(|_| ()));
                let shows = socket.auth.as_ref().map(|auth| auth.credential(resolve).map(|_| ()));
                verifies.or(shows).transpose().map(|_| ()).map_err(anyhow::Error::from)
            }
            Some(Inlet::Poll(poll)) => sender::outbound(configuration, poll.access()).map(|_| ()),
            _ => Ok(()),
        };
        let sends = match &channel.send {
            Some(Outlet::Http(http)) => sender::outbound(configuration, http.access()).map(|_| ()),
            Some(Outlet::Mqtt(mqtt)) => found(configuration, mqtt.password.as_ref()),
            Some(Outlet::Amqp(amqp)) => found(configuration, Some(&amqp.password)),
            _ => Ok(()),
        };
        for error in [verifies.err(), sends.err()].into_iter().flatten() {
            screen::line(format!("channels/{name}.toml: note: {error}"))?;
        }
    }
    Ok(())
}

fn found(configuration: &Configuration, secret: Option<&SecretRef>) -> anyhow::Result<()> {
    let resolved = secret.map(|at| secrets::resolve(at, &configuration.folder)).transpose();
    resolved.map(|_| ()).map_err(anyhow::Error::from)
}

pub fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
