//! Tells a running hub something over its socket, for commands that change what only the hub may.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::run;
use crate::hub::socket;
use crate::transport::http_out::install_tls;

/// Whether somebody listens at that socket: a hub that was killed leaves it behind.
pub fn is_running(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

/// The hub's answer; its refusal is an error in its own words.
pub fn tell<R: DeserializeOwned>(data: &Path, path: &str, what: &impl Serialize) -> anyhow::Result<R> {
    run::runtime()?.block_on(async {
        install_tls();
        let client = reqwest::Client::builder().unix_socket(socket(data)).no_proxy().build()?;
        let answer = client
            .post(format!("http://hub{path}"))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(what)?)
            .send()
            .await
            .context("failed to reach the running hub")?;
        let status = answer.status();
        let body = answer.bytes().await?;
        anyhow::ensure!(status.is_success(), "the hub refused: {}", String::from_utf8_lossy(&body));
        Ok(serde_json::from_slice(&body)?)
    })
}
