//! What a viewer and the gateway say to each other: `docs/viewer-protocol.md`, version 1.

mod block;
mod client;
mod server;

pub use block::{BlocksError, ViewerBlock, decode_blocks, encode_block, join_blocks};
pub use client::{ClientMessage, ClientMessageError, Held};
pub use server::{Refused, ServerMessage, Welcome, history_json, join_messages};

/// The version of the protocol that this code speaks.
pub const PROTOCOL: u32 = 1;

/// Longest message that a viewer may send, in bytes: `hello` with all its ranges fits.
pub const CLIENT_MESSAGE_MAX: usize = 65_536;
/// Most blocks that one request for history may ask for: twenty minutes of one-second blocks.
pub const FILL_MAX: u32 = 1_200;
/// Shortest and longest stretch of trace that a viewer may ask for at once, in seconds.
pub const WINDOW_S: std::ops::RangeInclusive<u32> = 60..=14_400;
