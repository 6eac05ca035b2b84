//! One suite per promise, every store and every bus.
