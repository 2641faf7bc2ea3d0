//! One connection to a broker: connected, spoken over, and known to be alive. Says why it ended; never begins anew by itself.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rumqttc::v5::mqttbytes::v5::{
    Codec, Connect, ConnectProperties, ConnectReturnCode, Disconnect, DisconnectReasonCode, Login, Packet,
    PingReq,
};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_util::codec::Framed;

use super::Broker;
use crate::transport::dial::{CONNECT_TIME_MAX, Wire};
use crate::transport::supervise::{Class, Trouble};

/// How often a broker is asked whether it is there. Firewalls forget connections that were idle for longer.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a broker may take to read what it is sent. One that takes longer holds everything up.
const WRITE_TIME_MAX: Duration = Duration::from_secs(20);
/// Names, properties and the packet's own header around a body of the largest size.
pub const AROUND_BYTES: usize = 192 << 10;

/// What the hub asks of a session.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Whether what the broker still has of the last session is of no use.
    pub clean: bool,
    /// How long the broker keeps the session without a connection.
    pub kept: Duration,
    /// How many messages the broker may send ahead of acknowledgements.
    pub receive_max: u16,
    pub packet_bytes_max: usize,
}

/// What the broker said about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How many messages the hub may send ahead of acknowledgements.
    pub receive_max: u16,
    pub packet_bytes_max: Option<u32>,
    pub qos_max: u8,
    pub can_retain: bool,
}

pub struct Link {
    framed: Framed<Box<dyn Wire>, Codec>,
    pub terms: Terms,
    pings: Interval,
    /// Something came since the last ping.
    heard: bool,
}

impl Link {
    pub async fn connect(broker: &Broker, wanted: Wanted) -> Result<Self, Trouble> {
        let connecting = Self::connect_now(broker, wanted);
        let slow = |_| Trouble::away(format!("{} did not answer in time", broker.dialer.address()));
        timeout(CONNECT_TIME_MAX, connecting).await.map_err(slow)?
    }

    async fn connect_now(broker: &Broker, wanted: Wanted) -> Result<Self, Trouble> {
        let wire = broker.dialer.dial().await?;
        let packet_bytes_max = u32::try_from(wanted.packet_bytes_max).unwrap_or(u32::MAX);
        let codec = Codec { max_incoming_size: Some(packet_bytes_max), max_outgoing_size: None };
        let mut framed = Framed::new(wire, codec);
        framed.send(hello(broker, wanted, packet_bytes_max)?).await.map_err(|error| broken(&error))?;
        let answer = framed.next().await.ok_or_else(gone)?.map_err(|error| broken(&error))?;
        let Packet::ConnAck(answer) = answer else {
            return Err(Trouble::new(Class::Garbled, "what answers there is no MQTT 5 broker"));
        };
        if answer.code != ConnectReturnCode::Success {
            return Err(refused(answer.code));
        }
        let said = answer.properties.as_ref();
        let terms = Terms {
            receive_max: said.and_then(|said| said.receive_max).unwrap_or(u16::MAX).max(1),
            packet_bytes_max: said.and_then(|said| said.max_packet_size),
            qos_max: said.and_then(|said| said.max_qos).unwrap_or(2),
            can_retain: said.and_then(|said| said.retain_available) != Some(0),
        };
        let asked =
            said.and_then(|said| said.server_keep_alive).map(|seconds| Duration::from_secs(seconds.into()));
        // A broker that asks for a shorter one cuts the connection after half as long again; zero switches it off.
        let every = asked.filter(|every| !every.is_zero()).unwrap_or(KEEP_ALIVE).min(KEEP_ALIVE);
        let mut pings = interval_at(Instant::now() + every, every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self { framed, terms, pings, heard: true })
    }

    /// The next packet, if anybody `listens`; meanwhile the broker is asked whether it is there. Nothing is lost if it is not
    /// waited for to its end.
    pub async fn next(&mut self, listens: bool) -> Result<Packet, Trouble> {
        loop {
            tokio::select! {
                packet = self.framed.next(), if listens => {
                    self.heard = true;
                    return match packet.ok_or_else(gone)?.map_err(|error| broken(&error))? {
                        Packet::Disconnect(goodbye) => Err(dismissed(goodbye.reason_code)),
                        packet => Ok(packet),
                    };
                }
                _ = self.pings.tick() => self.ping(listens).await?,
            }
        }
    }

    async fn ping(&mut self, listens: bool) -> Result<(), Trouble> {
        if listens && !self.heard {
            return Err(Trouble::away("the broker said nothing in answer to a ping"));
        }
        // What nobody listened to may have come.
        self.heard = !listens;
        self.send(Packet::PingReq(PingReq)).await
    }

    /// Puts a packet among those that the next `flush` sends.
    pub async fn feed(&mut self, packet: Packet) -> Result<(), Trouble> {
        in_time(self.framed.feed(packet)).await
    }

    pub async fn flush(&mut self) -> Result<(), Trouble> {
        in_time(self.framed.flush()).await
    }

    pub async fn send(&mut self, packet: Packet) -> Result<(), Trouble> {
        in_time(self.framed.send(packet)).await
    }

    /// Says goodbye, so that the broker tells nobody of an accident.
    pub async fn close(mut self) {
        let goodbye = Disconnect::new(DisconnectReasonCode::NormalDisconnection);
        _ = self.send(Packet::Disconnect(goodbye)).await;
        _ = timeout(Duration::from_secs(1), self.framed.close()).await;
    }
}

async fn in_time(
    written: impl Future<Output = Result<(), rumqttc::v5::mqttbytes::Error>>,
) -> Result<(), Trouble> {
    let written = timeout(WRITE_TIME_MAX, written).await;
    written.map_err(|_| Trouble::away("the broker reads nothing any more"))?.map_err(|error| broken(&error))
}

fn hello(broker: &Broker, wanted: Wanted, packet_bytes_max: u32) -> Result<Packet, Trouble> {
    let kept = u32::try_from(wanted.kept.as_secs()).unwrap_or(u32::MAX);
    let properties = ConnectProperties {
        session_expiry_interval: Some(kept),
        receive_maximum: Some(wanted.receive_max),
        max_packet_size: Some(packet_bytes_max),
        // Aliases would save bytes and cost a table for each connection.
        topic_alias_max: None,
        ..ConnectProperties::new()
    };
    let password = broker.password.as_ref().map(|password| password.expose_line().ok_or(())).transpose();
    let password =
        password.map_err(|()| Trouble::new(Class::Refused, "the password is no single line of text"))?;
    let login = broker.user.as_ref().map(|user| Login::new(user.clone(), password.unwrap_or_default()));
    let connect = Connect {
        // Half of what is announced: a ping may take its time.
        keep_alive: u16::try_from(KEEP_ALIVE.as_secs() * 2).expect("a minute"),
        client_id: broker.client_id.clone(),
        clean_start: wanted.clean,
        properties: Some(properties),
    };
    Ok(Packet::Connect(connect, None, login))
}

fn gone() -> Trouble {
    Trouble::away("the broker closed the connection")
}

fn broken(error: &rumqttc::v5::mqttbytes::Error) -> Trouble {
    use rumqttc::v5::mqttbytes::Error;
    match error {
        Error::Io(error) => Trouble::away(format!("the connection broke: {error}")),
        error => Trouble::new(Class::Garbled, format!("what the broker sends is no MQTT 5: {error}")),
    }
}

fn refused(code: ConnectReturnCode) -> Trouble {
    use ConnectReturnCode as Code;
    let (class, text) = match code {
        Code::BadUserNamePassword | Code::NotAuthorized | Code::Banned | Code::BadAuthenticationMethod => (
            Class::Refused,
            "the broker does not let the hub in: compare user and password with the broker's",
        ),
        Code::BadClientId | Code::ClientIdentifierNotValid => {
            (Class::Refused, "the broker does not take the client id: write another in client_id")
        }
        Code::UnsupportedProtocolVersion | Code::RefusedProtocolVersion => {
            (Class::Refused, "the broker does not speak MQTT 5")
        }
        Code::ServerUnavailable | Code::ServiceUnavailable | Code::ServerBusy => {
            (Class::Away, "the broker is busy or not available")
        }
        Code::QuotaExceeded | Code::ConnectionRateExceeded => {
            (Class::Away, "the broker has no room for the hub")
        }
        Code::UseAnotherServer | Code::ServerMoved => {
            (Class::Refused, "the broker wants another address to be called")
        }
        _ => (Class::Refused, "the broker refuses the connection"),
    };
    Trouble::new(class, format!("{text} ({code:?})"))
}

fn dismissed(code: DisconnectReasonCode) -> Trouble {
    use DisconnectReasonCode as Code;
    let (class, text) = match code {
        Code::SessionTakenOver => (
            Class::Refused,
            "somebody else connected under the hub's client id: give each its own in client_id",
        ),
        Code::NotAuthorized => (Class::Refused, "the broker does not let the hub do that"),
        _ => (Class::Away, "the broker ended the connection"),
    };
    Trouble::new(class, format!("{text} ({code:?})"))
}
