//! The end-to-end tests: the built hub, as a process, between real senders and real receivers. One binary; each module is a promise.

mod company;
mod demo;
mod line;
mod receiver;
