//! Secrets that a configuration names and that are not there. They are no part of the declarations: the one who checks those may well
//! not be the one who has them.

use snodo_core::declare::{Declarations, Inlet, Outlet};
use snodo_core::secret::SecretRef;
use snodo_core::verify::{Challenger, Verifier};

use crate::configuration::Configuration;
use crate::sender;
use crate::transport::secrets::resolve;

/// What cannot be found, channel by channel: a sentence each.
pub fn secrets(configuration: &Configuration, declarations: &Declarations) -> Vec<String> {
    let mut missing = Vec::new();
    for (name, channel) in &declarations.channels {
        let verifies = match &channel.receive {
            Some(Inlet::Http(http)) => {
                let named = |at: &SecretRef| resolve(at, &configuration.folder);
                Verifier::new(&http.verify, named)
                    .and_then(|_| Challenger::new(http.challenge.as_ref(), named))
                    .map(|_| ())
                    .map_err(anyhow::Error::from)
            }
            Some(Inlet::Mqtt(mqtt)) => found(configuration, mqtt.password.as_ref()),
            Some(Inlet::Amqp(amqp)) => found(configuration, Some(&amqp.password)),
            Some(Inlet::WebSocket(socket)) => {
                let named = |at: &SecretRef| resolve(at, &configuration.folder);
                let verifies = socket.verify.as_ref().map(|verify| Verifier::new(verify, named).map(|_| ()));
                let shows = socket.auth.as_ref().map(|auth| auth.credential(named).map(|_| ()));
                verifies.or(shows).transpose().map(|_| ()).map_err(anyhow::Error::from)
            }
            Some(Inlet::Poll(poll)) => sender::outbound(configuration, poll.access()).map(|_| ()),
            Some(Inlet::Sql(sql)) => {
                sender::login(configuration, &sql.url, sql.password.as_ref(), sql.tls).map(|_| ())
            }
            _ => Ok(()),
        };
        let sends = match &channel.send {
            Some(Outlet::Http(http)) => sender::outbound(configuration, http.access()).map(|_| ()),
            Some(Outlet::Mqtt(mqtt)) => found(configuration, mqtt.password.as_ref()),
            Some(Outlet::Amqp(amqp)) => found(configuration, Some(&amqp.password)),
            Some(Outlet::Sql(sql)) => {
                sender::login(configuration, &sql.url, sql.password.as_ref(), sql.tls).map(|_| ())
            }
            Some(Outlet::Mail(mail)) => {
                sender::mail_password(configuration, mail).map(|_| ()).map_err(anyhow::Error::from)
            }
            _ => Ok(()),
        };
        for error in [verifies.err(), sends.err()].into_iter().flatten() {
            missing.push(format!("channels/{name}.toml: {error:#}"));
        }
    }
    missing
}

fn found(configuration: &Configuration, secret: Option<&SecretRef>) -> anyhow::Result<()> {
    let resolved = secret.map(|at| resolve(at, &configuration.folder)).transpose();
    resolved.map(|_| ()).map_err(anyhow::Error::from)
}
