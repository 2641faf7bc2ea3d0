//! The hosts that are asked: those of the manifest, or one that the channel's configuration names. The hub refuses any other.

use snodo_core::authorize::Hosts;
use url::Url;

use super::{Check, Level};

/// One request of a case.
pub struct Asked<'a> {
    pub name: &'a str,
    pub config: &'a [u8],
    pub target: &'a str,
}

pub fn hosts<'a>(declared: &[String], asked: impl Iterator<Item = Asked<'a>>) -> Check {
    let mut check = Check::new("hosts", Level::Silver);
    let Ok(allowed) = Hosts::parse(declared) else { return check };
    for Asked { name, config, target } in asked {
        // What is no URL is the name of a file.
        let Ok(url) = Url::parse(target) else { continue };
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { continue };
        check.tried += 1;
        let is_configured = String::from_utf8_lossy(config).to_lowercase().contains(host);
        if !is_configured && !allowed.allow(host, port) {
            let what = format!("{host} is asked, which is neither among the manifest's hosts nor configured");
            check.find("undeclared-host", name, what);
        }
    }
    if check.tried == 0 {
        check.needless("it asks no host");
    }
    check
}
