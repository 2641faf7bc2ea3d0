//! `connectors.lock`: which connectors were installed, what each may do, and what was found of it. The hub writes it, its user
//! commits it. Here are its form and the question whether a new version wants more than the one before; files are others' business.

use serde::{Deserialize, Serialize};

use super::trust::Level;
use super::{Manifest, Mistake, SourceFile};

/// Beside hub.toml.
pub const LOCK: &str = "connectors.lock";

/// The version of the lock's own form.
const VERSION: u32 = 1;

const HEAD: &str = "\
# Written by `snodo connector install` and `remove`: which connectors this hub runs, and what each may do. Commit it.
";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    version: u32,
    /// By name.
    #[serde(default, rename = "connector", skip_serializing_if = "Vec::is_empty")]
    connectors: Vec<Locked>,
}

/// A connector as it was installed. Lists are sorted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    pub name: String,
    pub version: String,
    pub contract: String,
    /// Of the packed file: `blake3:…`.
    pub digest: String,
    /// What the hub found when it was installed.
    pub level: Level,
    /// The public key of its signer. Without it, it is unsigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    pub roles: Vec<String>,
    pub transports: Vec<String>,
    pub hosts: Vec<String>,
    pub headers: Vec<String>,
    pub personal_data: Vec<String>,
}

/// What is found of a connector apart from what it says of itself.
#[derive(Clone, Debug)]
pub struct Findings {
    pub digest: String,
    pub level: Level,
    pub signed_by: Option<String>,
    /// Of the component, whatever the manifest says.
    pub roles: Vec<String>,
}

impl Default for Lock {
    fn default() -> Self {
        Self { version: VERSION, connectors: Vec::new() }
    }
}

impl Lock {
    pub fn parse(file: &SourceFile) -> Result<Self, Mistake> {
        let remedy = "take the file back from version control, or remove it and install its connectors again";
        let broken = |what: String| Mistake::of_file(&file.path, what, remedy);
        let lock: Self = toml::from_str(&file.text)
            .map_err(|error| broken(format!("it is no lock of connectors: {}", error.message())))?;
        match lock.version {
            VERSION => Ok(lock),
            other => Err(broken(format!("this hub writes locks of version {VERSION}, and this is {other}"))),
        }
    }

    pub fn to_text(&self) -> String {
        let body = toml::to_string(self).expect("text and lists of text are always TOML");
        format!("{HEAD}{body}")
    }

    pub fn get(&self, name: &str) -> Option<&Locked> {
        self.connectors.iter().find(|one| one.name == name)
    }

    /// Takes the place of the one of the same name.
    pub fn put(&mut self, locked: Locked) {
        self.remove(&locked.name);
        self.connectors.push(locked);
        self.connectors.sort_by(|one, other| one.name.cmp(&other.name));
    }

    /// Whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.connectors.len();
        self.connectors.retain(|one| one.name != name);
        self.connectors.len() < before
    }
}

impl Locked {
    pub fn new(manifest: &Manifest, findings: Findings) -> Self {
        let Findings { digest, level, signed_by, roles } = findings;
        let (source, destination) = (manifest.source.as_ref(), manifest.destination.as_ref());
        let transports = source.map(|source| &source.transports).into_iter();
        let transports = transports.chain(destination.map(|destination| &destination.transports));
        let hosts = manifest.poll.as_ref().map(|poll| &poll.hosts).into_iter();
        let hosts = hosts.chain(destination.map(|destination| &destination.hosts));
        Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            contract: manifest.contract.clone(),
            digest,
            level,
            signed_by,
            roles: sorted(roles),
            transports: sorted(transports.flatten().cloned()),
            hosts: sorted(hosts.flatten().cloned()),
            headers: sorted(source.into_iter().flat_map(|source| source.headers.iter().cloned())),
            personal_data: sorted(manifest.personal_data().into_iter().map(str::to_owned)),
        }
    }

    /// What this one may do, or is less sure of, that `before` was not: a sentence each. A person has to agree to it.
    pub fn wider_than(&self, before: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (what, now, then) in [
            ("role", &self.roles, &before.roles),
            ("transport", &self.transports, &before.transports),
            ("host", &self.hosts, &before.hosts),
            ("header", &self.headers, &before.headers),
            ("class of personal data", &self.personal_data, &before.personal_data),
        ] {
            let new = now.iter().filter(|one| !then.iter().any(|had| covers(had, one)));
            found.extend(new.map(|one| format!("a further {what}: {one}")));
        }
        match (&self.signed_by, &before.signed_by) {
            (now, Some(then)) if now.as_ref() != Some(then) => {
                let now = now.as_deref().unwrap_or("nobody");
                found.push(format!("another signer: {now}, it was {then}"));
            }
            _ => {}
        }
        if self.level < before.level {
            found.push(format!("a lower level: {}, it was {}", self.level.as_str(), before.level.as_str()));
        }
        found
    }
}

/// `ce-*` stands for all that begin so, and `*` for all.
fn covers(had: &str, one: &str) -> bool {
    match had.strip_suffix('*') {
        Some(start) => one.starts_with(start),
        None => had == one,
    }
}

fn sorted(list: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut list: Vec<String> = list.into_iter().collect();
    list.sort_unstable();
    list.dedup();
    list
}
