//! `routes/{name}.toml`: which events go from where to where, when, and for what purpose. Reads like a sentence.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consent::Basis;
use crate::expression::Expression;
use crate::route::{Mapping, Pattern};
use crate::{ChannelName, Class, RouteName, Stuck};

/// Which events go from where to where, when, and for what purpose. The name of the file is the name of the route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// What people call it.
    #[schemars(length(min = 1), extend("examples" = ["Orders of the web shop go to the CRM"]))]
    pub title: String,
    /// The channels that the events come from.
    #[schemars(with = "Vec<String>", length(min = 1), extend("items" = { "type": "string", "format": "name" }, "examples" = [["shop-online"]]))]
    pub from: Vec<ChannelName>,
    /// The types of event: `commerce.order.placed`, `commerce.order.*` for all that begin so, or `*` for every one.
    #[schemars(length(min = 1), extend("examples" = [["commerce.order.*"]]))]
    pub events: Vec<String>,
    /// Which of those events, as an expression in CEL over `event` and `customer` that is true for the ones that go. Without it:
    /// all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["double(event.data.order.total.amount) > 50.0"]))]
    pub when: Option<String>,
    /// Changes to the event's data on this route: the place in `data`, and the CEL expression that fills it (`null` takes the place
    /// away).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("additionalProperties" = { "type": ["string", "object"] }))]
    pub map: BTreeMap<String, String>,
    /// The channel that the events go to.
    #[schemars(with = "String", extend("format" = "name", "examples" = ["crm"]))]
    pub to: ChannelName,
    /// What the data is used for there: one of the purposes of `hub.toml`.
    #[schemars(extend("examples" = ["order-handling"]))]
    pub purpose: String,
    /// What an event that cannot be sent now does to those behind it with the same ordering key (by default: about the same
    /// customer). `"block"`: they wait. `"skip"`: it is tried again beside them, and they go on. `"newest"`: they wait until a newer
    /// event of the same type comes, which takes its place.
    #[serde(default)]
    pub stuck: Stuck,
    /// Who goes first when the destination cannot take all at once: `"privacy"`, then `"service"`, then `"marketing"`. Without it:
    /// consents and privacy requests are `"privacy"`; purposes that rest on consent or on a legitimate interest are `"marketing"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Class>,
    /// Whether the route is switched on.
    #[serde(default = "Route::default_enabled")]
    pub enabled: bool,
}

impl Route {
    const fn default_enabled() -> bool {
        true
    }

    /// The route as the pipeline runs it. `Err` names the expression that cannot be read; `read` has refused those.
    pub fn compile(&self, name: &RouteName, basis: Basis) -> Result<crate::route::Route, String> {
        let mut map = Mapping::default();
        for (place, expression) in &self.map {
            map.push(place, Expression::parse(expression)?);
        }
        Ok(crate::route::Route {
            name: name.clone(),
            from: self.from.clone(),
            events: self.events.iter().map(Pattern::new).collect(),
            when: self.when.as_deref().map(Expression::parse).transpose()?,
            map,
            to: self.to.clone(),
            purpose: self.purpose.clone(),
            basis,
            stuck: self.stuck,
            priority: self.priority,
        })
    }
}
