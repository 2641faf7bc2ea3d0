//! The end-to-end tests: the built hub, as a process, between real senders and real receivers. One binary; each module is a promise.

mod amqp;
mod backup;
mod brokers;
mod cluster;
mod commands;
mod company;
mod corpora;
mod crash;
mod demo;
mod destinations;
mod disk;
mod doors;
mod files;
mod hostile;
mod install;
mod kit;
mod line;
mod live;
mod mail;
mod many;
mod mqtt;
mod object_store;
mod order;
mod poll;
mod receiver;
mod replay;
mod retention;
mod sdk;
mod senders;
#[path = "../services.rs"]
mod services;
mod shop;
mod signatures;
mod snippets;
mod soak;
mod sql;
mod swap;
mod touchpoints;
mod transform;
mod vendors;
mod websocket;
#[path = "../services/wire.rs"]
mod wire;
mod witness;
