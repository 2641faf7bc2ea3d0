//! Salesforce over its REST API: what has changed is fetched by SOQL, customers and complaints are written by external ids.
//! It holds no token and reads no clock: the hub adds the one and brings the other.

mod answer;
mod canonical;
mod config;
mod fetch;
mod told;
mod write;

pub struct Salesforce;

snodo_connector::export!(Salesforce: poll, destination);
