//! Opens the ways in that lead over a broker.

use snodo_core::ChannelName;
use snodo_core::declare::{Address, AmqpInlet, Channel, MqttInlet, Spoken};

use super::Doors;
use crate::clock;
use crate::parts::Run;
use crate::transport::dial::Dialer;
use crate::transport::kept::Kept;
use crate::transport::{amqp, mqtt};

impl Doors<'_> {
    pub(super) fn mqtt(
        &self,
        name: &ChannelName,
        declared: &Channel,
        inlet: &MqttInlet,
    ) -> anyhow::Result<Run> {
        let company = &self.declarations.hub.company;
        let client_id = inlet.client_id.clone().unwrap_or_else(|| format!("snodo-{company}-{name}"));
        let broker = mqtt::Broker {
            dialer: Dialer::new(address(&inlet.url, Spoken::Mqtt)?)?,
            client_id,
            user: inlet.user.clone(),
            password: inlet.password.as_ref().map(|at| self.secret(at)).transpose()?,
        };
        let subscription = mqtt::Subscription {
            channel: name.clone(),
            broker,
            topics: inlet.topics.clone(),
            queue_group: inlet.queue_group.clone(),
            session: inlet.session.0,
            prefetch: inlet.prefetch,
            kept: Kept::new(self.headers(declared)),
            body_bytes_max: self.declarations.hub.limits.body_bytes_max,
        };
        let subscriber = mqtt::Subscriber::new(subscription, self.accept(), clock::now);
        Ok(Box::new(move |stop| Box::pin(subscriber.run(stop))))
    }

    pub(super) fn amqp(
        &self,
        name: &ChannelName,
        declared: &Channel,
        inlet: &AmqpInlet,
    ) -> anyhow::Result<Run> {
        let broker = amqp::Broker {
            dialer: Dialer::new(address(&inlet.url, Spoken::Amqp)?)?,
            vhost: inlet.vhost.clone(),
            user: inlet.user.clone(),
            password: self.secret(&inlet.password)?,
            name: format!("snodo {}/{name}", self.declarations.hub.company),
        };
        let subscription = amqp::Subscription {
            channel: name.clone(),
            broker,
            queue: inlet.queue.clone(),
            declare: inlet.declare,
            prefetch: inlet.prefetch,
            kept: Kept::new(self.headers(declared)),
            body_bytes_max: self.declarations.hub.limits.body_bytes_max,
        };
        let subscriber = amqp::Subscriber::new(subscription, self.accept(), clock::now);
        Ok(Box::new(move |stop| Box::pin(subscriber.run(stop))))
    }
}

/// Declarations were read with it; whoever made one in code may not have.
pub fn address(url: &str, spoken: Spoken) -> anyhow::Result<Address> {
    Address::parse(url, spoken).map_err(|error| anyhow::anyhow!("url {}", error.explain(spoken).0))
}
