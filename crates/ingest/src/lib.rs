//! MQTT packet to stored and published block; acknowledge last.
