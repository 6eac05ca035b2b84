use std::fmt;

/// Where the packets come from.
#[derive(Clone)]
pub struct Config {
    /// Name or address of the broker.
    pub host: String,
    /// Its MQTT port.
    pub port: u16,
    /// Under which name the broker keeps the session; no other client may have the same.
    pub client_id: String,
    /// User name at the broker.
    pub username: String,
    /// Secret at the broker; shown nowhere.
    pub secret: String,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, client_id, username, secret: _ } = self;
        f.debug_struct("Config")
            .field("host", host)
            .field("port", port)
            .field("client_id", client_id)
            .field("username", username)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_not_shown() {
        let text = |text: &str| text.to_owned();
        let config = Config {
            host: text("localhost"),
            port: 1883,
            client_id: text("maia-ingest"),
            username: text("maia"),
            secret: text("open sesame"),
        };
        assert!(!format!("{config:?}").contains("sesame"));
    }
}
