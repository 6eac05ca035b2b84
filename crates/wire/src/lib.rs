//! Bytes to vocabulary and back, at three borders: device, bus, viewer.
