//! News between services. The store is the truth: what is lost here is read again from there.
//!
//! Promise: while a subscription lives, news of one recording comes in the order it was published;
//! news may repeat; news may be lost, and then [`Subscription::next`] says so.
#![forbid(unsafe_code)]

use std::sync::Arc;

use alerting::Alert;
use ctg::{Analysis, DeviceEvent, DeviceId, DeviceStatus, ReceivedBlock, RecordingId};
use tokio::sync::broadcast;

/// News that a subscriber may be behind by before it misses some: 1 s of 20,000 devices.
const NEWS_BEHIND_MAX: usize = 20_000;

/// Something that just happened.
#[derive(Clone, Debug)]
pub enum News {
    /// Blocks arrived; not necessarily stored yet. Batched, so that a city costs few wake-ups.
    Blocks(Arc<[Arc<ReceivedBlock>]>),
    /// The analysis of a recording learned something.
    Analysis(RecordingId, Arc<Analysis>),
    /// An alert changed; `recorded` is false while the store is down.
    Alert {
        /// The alert as it is now.
        alert: Arc<Alert>,
        /// Whether the change is in the store.
        recorded: bool,
    },
    /// Something happened at a device.
    Event(DeviceId, Arc<DeviceEvent>),
    /// A device came, went, or told its state.
    Status(DeviceId, Arc<DeviceStatus>),
}

/// The way news travels.
#[derive(Clone, Debug)]
pub enum Bus {
    /// Inside one process.
    InProcess(broadcast::Sender<News>),
}

/// Where one subscriber reads.
#[derive(Debug)]
pub enum Subscription {
    /// Inside one process.
    InProcess(broadcast::Receiver<News>),
}

/// What a subscriber reads next.
#[derive(Clone, Debug)]
pub enum Next {
    /// News, in order.
    News(News),
    /// The subscriber was too slow, and so many news are lost to it: read the store again.
    Missed(u64),
    /// Nobody publishes any more.
    Closed,
}

impl Bus {
    /// A bus inside this process.
    pub fn in_process() -> Self {
        Self::InProcess(broadcast::channel(NEWS_BEHIND_MAX).0)
    }

    /// Tells every subscriber; nobody listening is no error.
    pub fn publish(&self, news: News) {
        match self {
            Self::InProcess(sender) => {
                // An error means only that nobody subscribes now.
                let _ = sender.send(news);
            }
        }
    }

    /// Reads everything published from now on.
    pub fn subscribe(&self) -> Subscription {
        match self {
            Self::InProcess(sender) => Subscription::InProcess(sender.subscribe()),
        }
    }
}

impl Subscription {
    /// Waits for the next news. Cancel-safe.
    pub async fn next(&mut self) -> Next {
        match self {
            Self::InProcess(receiver) => match receiver.recv().await {
                Ok(news) => Next::News(news),
                Err(broadcast::error::RecvError::Lagged(missed)) => Next::Missed(missed),
                Err(broadcast::error::RecvError::Closed) => Next::Closed,
            },
        }
    }
}
