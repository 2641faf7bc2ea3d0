//! The ways out that lead over a broker.

use snodo_core::declare::{AmqpOutlet, MqttOutlet, Spoken};

use super::Of;
use crate::configuration::Configuration;
use crate::doors::brokers::address;
use crate::transport::dial::Dialer;
use crate::transport::{amqp, mqtt, secrets};

pub fn mqtt(
    configuration: &Configuration,
    of: Of<'_>,
    outlet: &MqttOutlet,
) -> anyhow::Result<mqtt::Publisher> {
    let Of { company, channel } = of;
    let password = outlet.password.as_ref().map(|at| secrets::resolve(at, &configuration.folder));
    let broker = mqtt::Broker {
        dialer: Dialer::new(address(&outlet.url, Spoken::Mqtt)?)?,
        client_id: outlet.client_id.clone().unwrap_or_else(|| format!("snodo-{company}-{channel}-out")),
        user: outlet.user.clone(),
        password: password.transpose()?,
    };
    Ok(mqtt::Publisher {
        channel: channel.clone(),
        broker,
        topics: outlet.topics.clone(),
        concurrent: outlet.concurrent,
        timeout: outlet.timeout.0,
    })
}

pub fn amqp(
    configuration: &Configuration,
    of: Of<'_>,
    outlet: &AmqpOutlet,
) -> anyhow::Result<amqp::Publisher> {
    let Of { company, channel } = of;
    let broker = amqp::Broker {
        dialer: Dialer::new(address(&outlet.url, Spoken::Amqp)?)?,
        vhost: outlet.vhost.clone(),
        user: outlet.user.clone(),
        password: secrets::resolve(&outlet.password, &configuration.folder)?,
        name: format!("snodo {company}/{channel} out"),
    };
    Ok(amqp::Publisher {
        channel: channel.clone(),
        broker,
        exchange: outlet.exchange.clone(),
        concurrent: outlet.concurrent,
        timeout: outlet.timeout.0,
    })
}
