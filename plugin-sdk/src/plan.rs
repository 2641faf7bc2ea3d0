//! Short ways to plan a batch of deliveries: by hand, or delivery by delivery.

use crate::{Call, Delivery, Fault, Outcome, Plan, Request, Settlement};

impl Plan {
    pub fn new() -> Self {
        Self { calls: Vec::new(), settled: Vec::new() }
    }

    /// A request for these deliveries, by their places.
    pub fn call(&mut self, request: Request, covers: Vec<u32>, state: Vec<u8>) {
        self.calls.push(Call { request, covers, state });
    }

    pub fn settle(&mut self, delivery: u32, outcome: Outcome) {
        self.settled.push(Settlement { delivery, outcome });
    }

    /// The same outcome for the first `count` deliveries: for an answer that speaks for all of its call.
    pub fn settle_all(count: usize, outcome: &Outcome) -> Self {
        let places = 0..u32::try_from(count).expect("a batch is bounded far below u32");
        Self {
            calls: Vec::new(),
            settled: places.map(|delivery| Settlement { delivery, outcome: outcome.clone() }).collect(),
        }
    }

    /// Each delivery by itself: for a vendor that takes one thing at a time. `config` is what they are all planned with; where it
    /// cannot be read, none is sent.
    ///
    /// `next` gives a [`Request`], the [`Outcome`] of a delivery that needs none, or a [`Fault`]; a `Result` of these; or [`Next`]
    /// itself, for a delivery that takes several rounds. `interpret` plans the next round in the same way, with
    /// `exchange.deliveries`.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use snodo_connector::{Context, Delivery, Event, Fault, Outcome, Plan, Request};
    ///
    /// #[derive(Deserialize)]
    /// struct Config {
    ///     url: String,
    /// }
    ///
    /// fn request(config: &Config, delivery: &Delivery) -> Result<Request, Outcome> {
    ///     let about = delivery.event.subject.as_ref().ok_or_else(|| Outcome::ignored("the event is about nothing"))?;
    ///     Ok(Request::json("POST", &config.url, about))
    /// }
    ///
    /// let event = |subject: Option<&str>| Event {
    ///     id: "e1".into(),
    ///     kind: "iot.alert.raised".into(),
    ///     source: "/bells".into(),
    ///     subject: subject.map(str::to_owned),
    ///     time: "2026-03-01T09:30:00+01:00".into(),
    ///     dataschema: String::new(),
    ///     ordering_key: "b7".into(),
    ///     attributes: vec![],
    ///     data: b"{}".to_vec(),
    /// };
    /// let deliveries = [None, Some("device/b7")].map(|subject| Delivery {
    ///     idempotency_key: "k1".into(),
    ///     attempt: 1,
    ///     customer: None,
    ///     event: event(subject),
    /// });
    /// let ctx = |config: &str| Context { channel: "pager".into(), config: config.into(), now: 0 };
    ///
    /// let plan = Plan::one_by_one(ctx(r#"{"url": "https://pager.example.com"}"#).config(), &deliveries, request);
    /// assert!(matches!(plan.settled[..], [ref one] if one.delivery == 0 && matches!(one.outcome, Outcome::Ignored(_))));
    /// assert!(matches!(plan.calls[..], [ref call] if call.covers == [1] && call.request.body == br#""device/b7""#));
    ///
    /// let plan = Plan::one_by_one(ctx("{}").config(), &deliveries, request);
    /// let is_fault = |outcome: &Outcome| matches!(outcome, Outcome::Failed(Fault::Misconfigured(_)));
    /// assert!(plan.calls.is_empty() && plan.settled.len() == 2 && plan.settled.iter().all(|one| is_fault(&one.outcome)));
    /// ```
    pub fn one_by_one<C, N: Into<Next>>(
        config: Result<C, Fault>,
        deliveries: &[Delivery],
        mut next: impl FnMut(&C, &Delivery) -> N,
    ) -> Self {
        let config = match config {
            Ok(config) => config,
            Err(fault) => return Self::settle_all(deliveries.len(), &Outcome::Failed(fault)),
        };
        let mut plan = Self::new();
        for (place, delivery) in (0..).zip(deliveries) {
            match next(&config, delivery).into() {
                Next::Call { request, state } => plan.call(request, vec![place], state),
                Next::Settle(outcome) => plan.settle(place, outcome),
            }
        }
        plan
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self::new()
    }
}

/// What comes next for one delivery: a call, or its end.
#[derive(Clone, Debug)]
pub enum Next {
    /// `state` comes back with the answer.
    Call {
        request: Request,
        state: Vec<u8>,
    },
    Settle(Outcome),
}

impl From<Request> for Next {
    fn from(request: Request) -> Self {
        Self::Call { request, state: Vec::new() }
    }
}

impl From<Outcome> for Next {
    fn from(outcome: Outcome) -> Self {
        Self::Settle(outcome)
    }
}

impl From<Fault> for Next {
    fn from(fault: Fault) -> Self {
        Self::Settle(Outcome::Failed(fault))
    }
}

impl<T: Into<Next>, E: Into<Next>> From<Result<T, E>> for Next {
    fn from(next: Result<T, E>) -> Self {
        next.map_or_else(Into::into, Into::into)
    }
}
