//! The one configuration file, as `deploy/maia.toml` explains it.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The commented default file; parsing it gives the defaults, so there are none in code.
pub(crate) const DEFAULT_FILE: &str = include_str!("../../../deploy/maia.toml");
/// The environment variable with the URL of a PostgreSQL store.
pub(crate) const STORE_URL_VARIABLE: &str = "MAIA_STORE_URL";
/// The environment variable with Maia's secret at an external broker.
pub(crate) const BROKER_SECRET_VARIABLE: &str = "MAIA_BROKER_SECRET";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) data: Data,
    pub(crate) store: Store,
    pub(crate) broker: Broker,
    pub(crate) surveillance: Surveillance,
    pub(crate) gateway: Gateway,
    pub(crate) log: Log,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    pub(crate) directory: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    pub(crate) kind: StoreKind,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoreKind {
    Embedded,
    Postgres,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Broker {
    pub(crate) kind: BrokerKind,
    pub(crate) address: SocketAddr,
    pub(crate) username: String,
    pub(crate) packets_per_second: NonZeroU32,
    pub(crate) packets_burst: NonZeroU32,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BrokerKind {
    Embedded,
    External,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Surveillance {
    pub(crate) policy: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    pub(crate) origins: Vec<String>,
    pub(crate) behind_tls: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) filter: String,
    pub(crate) format: LogFormat,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Why a configuration is refused: where, what, and what to do.
#[derive(Debug)]
pub(crate) struct ConfigError {
    source_name: String,
    line: Option<usize>,
    message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.source_name, self.message),
            None => write!(f, "{}: {}", self.source_name, self.message),
        }
    }
}

impl std::error::Error for ConfigError {}

/// The configuration of the commented default file.
pub(crate) fn defaults() -> Result<Config, ConfigError> {
    parse(DEFAULT_FILE, "built-in configuration")
}

/// Reads a configuration file; keys that it leaves out keep their defaults.
pub(crate) fn read(path: &Path) -> Result<Config, ConfigError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
        source_name: name.clone(),
        line: None,
        message: format!("cannot read it ({error}); `maia config print > {name}` writes a commented one to start from"),
    })?;
    parse(&text, &name)
}

fn parse(text: &str, name: &str) -> Result<Config, ConfigError> {
    let refuse = |line: Option<usize>, message: String| ConfigError { source_name: name.to_owned(), line, message };
    let syntax = |error: toml::de::Error| {
        let line = error.span().map(|span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
        refuse(line, error.message().to_owned())
    };
    let given: toml::Table = text.parse().map_err(syntax)?;
    let defaults: toml::Table = DEFAULT_FILE.parse().map_err(syntax)?;
    let config: Config = serde_path_to_error::deserialize(merge(defaults, given)).map_err(|error| {
        let key = error.path().to_string();
        let message = error.into_inner().message().to_owned();
        let line = line_of_mistake(text, &key, &message);
        refuse(line, format!("{message}; `maia config print` shows every key with its meaning"))
    })?;
    config.check().map_err(|(key, message)| refuse(line_of(text, key), message))?;
    Ok(config)
}

/// The defaults with the given keys in their place, section by section.
fn merge(mut defaults: toml::Table, given: toml::Table) -> toml::Table {
    for (section, keys) in given {
        match (defaults.get_mut(&section), keys) {
            (Some(toml::Value::Table(target)), toml::Value::Table(keys)) => target.extend(keys),
            (_, keys) => {
                defaults.insert(section, keys);
            }
        }
    }
    defaults
}

impl Config {
    /// Checks what types cannot say; the error names the key.
    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.broker.kind == BrokerKind::Embedded && !self.broker.address.ip().is_loopback() {
            return Err((
                "broker.address",
                "the embedded MQTT endpoint has no TLS yet and listens on loopback only: use 127.0.0.1, \
                 or an external broker with TLS for devices outside this machine"
                    .to_owned(),
            ));
        }
        if !self.gateway.address.ip().is_loopback() {
            return Err((
                "gateway.address",
                "the station is served without TLS on loopback only: use 127.0.0.1 and put a TLS proxy before it"
                    .to_owned(),
            ));
        }
        if let Some(origin) = self.gateway.origins.iter().find(|origin| !origin.starts_with("http")) {
            return Err((
                "gateway.origins",
                format!("«{origin}» is no origin: write it like \"https://station.example.org\""),
            ));
        }
        Ok(())
    }
}

/// The line of a mistake: that of the key, or of the unknown name that the message quotes.
fn line_of_mistake(text: &str, key: &str, message: &str) -> Option<usize> {
    let quoted = message.split('`').nth(1).unwrap_or_default();
    line_of(text, &format!("{key}.{quoted}")).or_else(|| line_of(text, key)).or_else(|| line_of(text, quoted))
}

/// The line where `section.key`, or `section` itself, stands.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let (section, key) = key.split_once('.').map_or((key, None), |(section, key)| (section, Some(key)));
    let mut current = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            current = header.trim();
            if key.is_none() && current == section {
                return Some(index + 1);
            }
        } else if current == section
            && key.is_some_and(|key| line.split('=').next().is_some_and(|name| name.trim() == key))
        {
            return Some(index + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_refused(text: &str, expect: &str) {
        let message = parse(text, "maia.toml").unwrap_err().to_string();
        assert!(message.contains(expect), "«{message}» does not say «{expect}»");
    }

    #[test]
    fn the_commented_default_file_parses() {
        let config = defaults().unwrap();
        assert_eq!(config.store.kind, StoreKind::Embedded);
        assert_eq!(config.broker.kind, BrokerKind::Embedded);
        assert!(config.gateway.origins.is_empty());
    }

    #[test]
    fn a_file_says_only_what_differs() {
        let config = parse("[log]\nformat = \"json\"\n", "maia.toml").unwrap();
        assert_eq!(config.log.format, LogFormat::Json);
        assert_eq!(config.log.filter, "info");
    }

    #[test]
    fn mistakes_are_refused_with_line_and_remedy() {
        check_refused("[log]\n\nfromat = \"json\"\n", "maia.toml, line 3: unknown field `fromat`");
        check_refused("[log]\nformat = \"xml\"\n", "line 2: unknown variant `xml`");
        check_refused("[gateway]\naddress = \"somewhere\"\n", "line 2");
        check_refused("[gateway]\naddress = \"0.0.0.0:8080\"\n", "line 2: the station is served without TLS");
        check_refused("[broker]\naddress = \"0.0.0.0:1883\"\n", "TLS");
        check_refused("[broker]\npackets_per_second = 0\n", "line 2: invalid value");
        check_refused("[surveilance]\n", "line 1: unknown field `surveilance`");
        check_refused("[log\n", "line 1");
        check_refused("[gateway]\norigins = [\"station\"]\n", "is no origin");
    }
}
