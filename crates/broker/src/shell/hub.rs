use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use ctg::DeviceId;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::mailbox::Mailbox;
use crate::config::{Config, PacketRate, ServiceCredentials};
use crate::directory::Directory;
use crate::metrics::Metrics;
use crate::session::{CloseReason, Control};
use crate::window::{Weighed, Window};

/// Most packets that lie between the devices' tasks and the service's: enough to fill its writes.
const HANDOVERS_MAX: usize = 1024;

/// One publish on its way to the service.
#[derive(Debug)]
pub(crate) struct Handover {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) at_least_once: bool,
    /// Who waits for the acknowledgement, and under which number.
    pub(crate) sender: Option<(Arc<Mailbox>, u16)>,
}

impl Weighed for Handover {
    fn bytes(&self) -> usize {
        self.payload.len() + self.topic.len()
    }
}

/// What outlives a connection of the service; whoever holds it is the service.
#[derive(Debug)]
pub(crate) struct Downstream {
    pub(crate) handovers: mpsc::Receiver<Handover>,
    pub(crate) window: Window<Handover>,
    /// Channels subscribed by the last connection, for one that resumes.
    pub(crate) subscribed: Subscribed,
}

/// Which channels of the devices the service hears; it is handed nothing before it hears all three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subscribed {
    pub(crate) samples: bool,
    pub(crate) events: bool,
    pub(crate) status: bool,
}

impl Subscribed {
    pub(crate) fn all(self) -> bool {
        self.samples && self.events && self.status
    }
}

/// The one connection of a device.
#[derive(Debug)]
struct Present {
    mailbox: Arc<Mailbox>,
    /// What the device was let in by.
    digest: [u8; 32],
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) service: ServiceCredentials,
    pub(crate) packet_rate: PacketRate,
    pub(crate) directory: watch::Receiver<Directory>,
    pub(crate) handovers: mpsc::Sender<Handover>,
    pub(crate) downstream: tokio::sync::Mutex<Downstream>,
    pub(crate) metrics: Metrics,
    devices: Mutex<HashMap<DeviceId, Present>>,
    retained: Mutex<BTreeMap<DeviceId, Bytes>>,
    farewells: Mutex<HashSet<DeviceId>>,
    serving: Mutex<CancellationToken>,
}

impl Hub {
    pub(crate) fn new(config: Config, directory: watch::Receiver<Directory>, metrics: Metrics) -> Self {
        let (sender, receiver) = mpsc::channel(HANDOVERS_MAX);
        let downstream = Downstream { handovers: receiver, window: Window::new(), subscribed: Subscribed::default() };
        Self {
            service: config.service,
            packet_rate: config.packet_rate,
            directory,
            handovers: sender,
            downstream: tokio::sync::Mutex::new(downstream),
            metrics,
            devices: Mutex::default(),
            retained: Mutex::default(),
            farewells: Mutex::default(),
            serving: Mutex::default(),
        }
    }

    /// Makes this the device's only connection. False when the device was barred meanwhile.
    pub(crate) fn enter(&self, device: &DeviceId, mailbox: &Arc<Mailbox>, digest: [u8; 32]) -> bool {
        let present = Present { mailbox: Arc::clone(mailbox), digest };
        if let Some(older) = locked(&self.devices).insert(device.clone(), present) {
            older.mailbox.close(CloseReason::TakenOver);
        }
        // Looked at after the entry, so that a change is seen here or by `cut_off`.
        let still_known = self.directory.borrow().digest(device) == Some(&digest);
        if !still_known {
            self.leave(device, mailbox);
        }
        still_known
    }

    /// Forgets a connection, unless a newer one has taken its place.
    pub(crate) fn leave(&self, device: &DeviceId, mailbox: &Arc<Mailbox>) {
        let mut devices = locked(&self.devices);
        if devices.get(device).is_some_and(|present| Arc::ptr_eq(&present.mailbox, mailbox)) {
            devices.remove(device);
        }
    }

    pub(crate) fn is_connected(&self, device: &DeviceId) -> bool {
        locked(&self.devices).contains_key(device)
    }

    /// Closes the connections of devices that the directory no longer knows by the same secret, and
    /// forgets the status of those that it does not know at all.
    pub(crate) fn cut_off(&self, directory: &Directory) {
        for (device, present) in locked(&self.devices).iter() {
            if directory.digest(device) != Some(&present.digest) {
                present.mailbox.close(CloseReason::Revoked);
            }
        }
        locked(&self.retained).retain(|device, _| directory.digest(device).is_some());
    }

    /// Hands a message to a device; false when it, or an older one, is lost.
    pub(crate) fn control(&self, device: &DeviceId, control: Control) -> bool {
        let mailbox = locked(&self.devices).get(device).map(|present| Arc::clone(&present.mailbox));
        mailbox.is_some_and(|mailbox| mailbox.control(control))
    }

    /// Keeps the status of a device; an empty one clears it (MQTT 3.1.1, 3.3.1.3).
    pub(crate) fn retain(&self, device: &DeviceId, status: &Bytes) {
        let mut retained = locked(&self.retained);
        if status.is_empty() {
            retained.remove(device);
        } else if let Some(known) = retained.get_mut(device) {
            // A copy, so that the few bytes do not hold a whole buffer of the connection.
            *known = Bytes::copy_from_slice(status);
        } else {
            retained.insert(device.clone(), Bytes::copy_from_slice(status));
        }
    }

    /// Every status kept now.
    pub(crate) fn retained(&self) -> Vec<(DeviceId, Bytes)> {
        locked(&self.retained).iter().map(|(device, status)| (device.clone(), status.clone())).collect()
    }

    /// Tells the service of a device that went without a goodbye, as soon as the service listens;
    /// nothing when the device is back by then.
    pub(crate) async fn farewell(&self, device: DeviceId, status: Bytes) {
        if self.is_connected(&device) {
            return;
        }
        if self.directory.borrow().digest(&device).is_some() {
            self.retain(&device, &status);
        }
        if !locked(&self.farewells).insert(device.clone()) {
            return;
        }
        let permit = self.handovers.reserve().await;
        locked(&self.farewells).remove(&device);
        let topic = wire::topic::build(&device, wire::topic::Channel::Status);
        let handover = Handover { topic, payload: status, at_least_once: true, sender: None };
        if let (Ok(permit), false) = (permit, self.is_connected(&device)) {
            permit.send(handover);
        }
    }

    /// Sends the service's older connection away; the token tells when a newer one comes.
    pub(crate) fn take_over_service(&self) -> CancellationToken {
        let token = CancellationToken::new();
        std::mem::replace(&mut *locked(&self.serving), token.clone()).cancel();
        token
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
