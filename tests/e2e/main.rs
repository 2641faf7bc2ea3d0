//! The end-to-end tests: the built hub, as a process, between real senders and real receivers. One binary; each module is a promise.

mod amqp;
mod brokers;
mod certificate;
mod commands;
mod company;
mod corpora;
mod crash;
mod demo;
mod doors;
mod hostile;
mod install;
mod kit;
mod line;
mod mail;
mod many;
mod mqtt;
mod poll;
mod proxy;
mod receiver;
mod sdk;
mod shop;
mod signatures;
mod sql;
mod swap;
mod transform;
mod websocket;
