//! Services' decisions in one thread with simulated time, network and crashes.
