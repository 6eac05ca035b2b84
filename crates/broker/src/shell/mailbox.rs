use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::session::{CloseReason, Control};

/// Most control messages that lie here until the connection's task wakes; the oldest gives way.
const CONTROL_MAX: usize = 32;

/// What others tell the task of one device's connection.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    post: Mutex<Post>,
    bell: Notify,
}

/// Everything told since the last look.
#[derive(Debug, Default)]
pub(crate) struct Post {
    /// Packet numbers of the device that the service acknowledged, in order.
    pub(crate) acknowledged: Vec<u16>,
    pub(crate) control: Vec<Control>,
    pub(crate) close: Option<CloseReason>,
}

impl Mailbox {
    pub(crate) fn acknowledge(&self, packet_id: u16) {
        self.tell(|post| post.acknowledged.push(packet_id));
    }

    /// False when an older message is lost by that.
    pub(crate) fn control(&self, control: Control) -> bool {
        self.tell(|post| {
            let crowded = post.control.len() >= CONTROL_MAX;
            if crowded {
                post.control.remove(0);
            }
            post.control.push(control);
            !crowded
        })
    }

    /// The first reason stays.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.tell(|post| {
            post.close.get_or_insert(reason);
        });
    }

    /// Waits until something was told since the last [`Self::collect`]. Cancel-safe.
    pub(crate) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Swaps everything told for the empty `post`, whose memory is used again.
    pub(crate) fn collect(&self, post: &mut Post) {
        std::mem::swap(&mut *self.post.lock().unwrap_or_else(PoisonError::into_inner), post);
    }

    fn tell<R>(&self, change: impl FnOnce(&mut Post) -> R) -> R {
        let answer = change(&mut self.post.lock().unwrap_or_else(PoisonError::into_inner));
        self.bell.notify_one();
        answer
    }
}
