//! Requests of as many conversions as may stand together.

use serde::Serialize;
use snodo_connector::{Delivery, Plan, Request};

use crate::config::Config;
use crate::conversion::{self, Conversion};

/// Google's limit.
const CONVERSIONS_MAX: usize = 2_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Upload<'a> {
    conversions: Vec<&'a Conversion>,
    /// One that Google refuses does not keep the others from being taken.
    partial_failure: bool,
}

pub fn upload(config: &Config, deliveries: &[Delivery], plan: &mut Plan) {
    let mut requests: Vec<Vec<(u32, Conversion)>> = Vec::new();
    for (place, delivery) in (0..).zip(deliveries) {
        let conversion = match conversion::conversion(delivery, config) {
            Ok(conversion) => conversion,
            Err(outcome) => {
                plan.settle(place, outcome);
                continue;
            }
        };
        let fits = |request: &&mut Vec<(u32, Conversion)>| {
            request.len() < CONVERSIONS_MAX && !request.iter().any(|(_, other)| other.clashes(&conversion))
        };
        match requests.iter_mut().find(fits) {
            Some(request) => request.push((place, conversion)),
            None => requests.push(vec![(place, conversion)]),
        }
    }
    for conversions in requests {
        call(config, &conversions, plan);
    }
}

/// A refused request again in ten parts, then singly, so that only the conversion at fault fails.
pub fn split(config: &Config, deliveries: &[Delivery], plan: &mut Plan) {
    let size = deliveries.len().div_ceil(10);
    let mut conversions = Vec::new();
    for (place, delivery) in (0..).zip(deliveries) {
        match conversion::conversion(delivery, config) {
            Ok(conversion) => conversions.push((place, conversion)),
            Err(outcome) => plan.settle(place, outcome),
        }
    }
    for part in conversions.chunks(size) {
        call(config, part, plan);
    }
}

fn call(config: &Config, conversions: &[(u32, Conversion)], plan: &mut Plan) {
    let upload = Upload {
        conversions: conversions.iter().map(|(_, conversion)| conversion).collect(),
        partial_failure: true,
    };
    let mut request = Request::json("POST", config.url(), &upload)
        .with_header("developer-token", "{{secret:developer_token}}");
    if let Some(manager) = &config.login_customer_id {
        request = request.with_header("login-customer-id", manager.as_str());
    }
    plan.call(request, conversions.iter().map(|(place, _)| *place).collect(), Vec::new());
}
