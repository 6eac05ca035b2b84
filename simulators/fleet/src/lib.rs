//! Many home devices over real MQTT, with store-and-forward.
