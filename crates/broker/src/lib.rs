//! The embedded MQTT endpoint.
