//! Who may see what; snapshot, then live, over one WebSocket per viewer.
