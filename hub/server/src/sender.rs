//! The way out of one channel: whichever transport it declares. Turns what a transport could not do into the contract's faults,
//! whose case is the policy.

mod brokers;
mod sql;

use std::sync::Arc;

use snodo_core::ChannelName;
use snodo_core::authorize::{Credential, Hosts, Sign, Signer};
use snodo_core::declare::channel::MailOutlet;
use snodo_core::declare::{Access, FileOutlet, Outlet};
use snodo_core::secret::{Secret, SecretError, Secrets};
use snodo_host::{Fault, Problem, Request};

use crate::clock;
use crate::configuration::Configuration;
use crate::transport::amqp::{self, AmqpOut};
use crate::transport::file_out::{self, FileOut, WriteError};
use crate::transport::http_out::address::Networks;
use crate::transport::http_out::{ANSWER_BYTES_MAX, Client, Outbound, SendError, request_line};
use crate::transport::mail_out::{self, MailError, MailOut};
use crate::transport::mqtt::{self, MqttOut};
use crate::transport::sql::SqlError;
use crate::transport::sql::write::SqlOut;
use crate::transport::{self, Answer, Mends, secrets};

pub use sql::login;

pub enum Sender {
    Http { client: Client, outbound: Arc<Outbound> },
    File(FileOut),
    Mqtt(MqttOut),
    Amqp(AmqpOut),
    Sql(SqlOut),
    Mail(MailOut),
}

/// Whose sender it is: brokers are told.
#[derive(Clone, Copy, Debug)]
pub struct Of<'a> {
    pub company: &'a str,
    pub channel: &'a ChannelName,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendFailure {
    #[error(transparent)]
    Http(#[from] SendError),
    #[error(transparent)]
    File(#[from] WriteError),
    #[error(transparent)]
    Mqtt(#[from] mqtt::PublishError),
    #[error(transparent)]
    Amqp(#[from] amqp::PublishError),
    #[error(transparent)]
    Sql(#[from] SqlError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

impl SendFailure {
    pub fn fault(&self) -> Fault {
        let problem = Problem { message: self.to_string(), at: None };
        let mends = match self {
            Self::Http(error) => error.mends(),
            Self::File(error) => error.mends(),
            Self::Mqtt(error) => error.mends(),
            Self::Amqp(error) => error.mends(),
            Self::Sql(error) => error.mends(),
            Self::Mail(error) => error.mends(),
        };
        match mends {
            Mends::Channel => Fault::Misconfigured(problem),
            Mends::Credentials => Fault::Auth(problem),
            Mends::Connector => Fault::Permanent(problem),
            Mends::Destination => Fault::Retry(problem),
        }
    }
}

/// Begins to connect, where that is the transport's way. To be called within a runtime, once whoever sent for the channel before
/// has ended: brokers know a connection by its name.
pub type Opening = Box<dyn FnOnce() -> Sender + Send>;

impl Sender {
    /// All that can fail before the first request.
    pub fn prepare(
        configuration: &Configuration,
        client: &Client,
        of: Of<'_>,
        outlet: &Outlet,
    ) -> anyhow::Result<Opening> {
        let sender = match outlet {
            Outlet::Http(outlet) => {
                let outbound = Arc::new(outbound(configuration, outlet.access())?);
                Self::Http { client: client.clone(), outbound }
            }
            Outlet::File(FileOutlet { folder, rotate_bytes, rotate_after }) => {
                let folder = configuration.path(folder);
                let outbox =
                    file_out::Outbox { folder, rotate_bytes: *rotate_bytes, rotate_after: rotate_after.0 };
                Self::File(FileOut::open(outbox, clock::now)?)
            }
            Outlet::Mqtt(outlet) => {
                let publisher = brokers::mqtt(configuration, of, outlet)?;
                return Ok(Box::new(move || Self::Mqtt(MqttOut::open(publisher))));
            }
            Outlet::Amqp(outlet) => {
                let publisher = brokers::amqp(configuration, of, outlet)?;
                return Ok(Box::new(move || Self::Amqp(AmqpOut::open(publisher))));
            }
            Outlet::Sql(outlet) => Self::Sql(sql::rows_out(configuration, of.channel, outlet)?),
            Outlet::Mail(outlet) => {
                let password = mail_password(configuration, outlet)?;
                Self::Mail(MailOut::new(of.channel.clone(), outlet, password)?)
            }
        };
        Ok(Box::new(move || sender))
    }

    /// `id` names the request: the same for each attempt.
    pub async fn send(&self, id: &str, request: Request) -> Result<Answer, SendFailure> {
        let Request { method, target, headers, body } = request;
        let request = transport::Request { id: id.to_owned(), method, target, headers, body: body.into() };
        match self {
            Self::Http { client, outbound } => Ok(client.send(outbound, request, clock::now()).await?),
            Self::File(file) => Ok(file.send(request).await?),
            Self::Mqtt(mqtt) => Ok(mqtt.send(request).await?),
            Self::Amqp(amqp) => Ok(amqp.send(request).await?),
            Self::Sql(sql) => Ok(sql.send(&request).await?),
            Self::Mail(mail) => Ok(mail.send(&request).await?),
        }
    }

    /// A request as logs and explanations show it: without what may be secret.
    pub fn describe(&self, request: &Request) -> String {
        match self {
            Self::Http { .. } => request_line(&request.method, &request.target),
            Self::File(_) if request.method == "PUT" => format!("write {}", request.target),
            Self::File(_) => format!("append to {}", request.target),
            // Topics and routing keys may be personal: who may see the request sees them there.
            Self::Mqtt(_) => "publish to a topic".to_owned(),
            Self::Amqp(_) => "publish to the exchange".to_owned(),
            Self::Sql(_) => format!("{} {}", request.method, request.target),
            Self::Mail(_) => mail_out::describe(&request.method, &request.target),
        }
    }
}

/// What the hub shows to a mail server.
pub fn mail_password(
    configuration: &Configuration,
    outlet: &MailOutlet,
) -> Result<Option<Secret>, SecretError> {
    outlet.password.as_ref().map(|at| secrets::resolve(at, &configuration.folder)).transpose()
}

/// What a channel's requests carry, with the secrets in it.
pub fn outbound(configuration: &Configuration, access: Access<'_>) -> anyhow::Result<Outbound> {
    let resolve = |at: &_| secrets::resolve(at, &configuration.folder);
    let named = access.secrets.iter().map(|(name, at)| Ok((name.clone(), resolve(at)?)));
    Ok(Outbound {
        hosts: Hosts::parse(access.hosts)?,
        networks: if access.private_networks { Networks::PublicAndPrivate } else { Networks::Public },
        credential: access.auth.map_or(Ok(Credential::None), |auth| auth.credential(resolve))?,
        signer: Signer::new(access.sign.unwrap_or(&Sign::None {}), resolve)?,
        secrets: Secrets(named.collect::<Result<_, SecretError>>()?),
        timeout: access.timeout.0,
        answer_bytes_max: ANSWER_BYTES_MAX,
    })
}
