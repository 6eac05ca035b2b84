//! The MQTT topics of device protocol 1: `ctg/v1/{device}/{channel}`.

use ctg::DeviceId;

/// What stands before the device in every topic.
const PREFIX: &str = "ctg/v1/";

/// The four channels of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Blocks of samples, from the device.
    Samples,
    /// Start, stop, movement, complaint, from the device.
    Events,
    /// Retained state and last will, from the device.
    Status,
    /// Stored watermark, requests and messages, to the device.
    Control,
}

impl Channel {
    /// Every channel, in a fixed order.
    pub const ALL: [Self; 4] = [Self::Samples, Self::Events, Self::Status, Self::Control];

    /// The last level of its topics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Samples => "samples",
            Self::Events => "events",
            Self::Status => "status",
            Self::Control => "control",
        }
    }

    /// The channel with this name; `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// The topic filter that matches this channel of every device.
    pub fn filter(self) -> String {
        format!("{PREFIX}+/{}", self.name())
    }
}

/// The topic of one channel of one device.
pub fn build(device: &DeviceId, channel: Channel) -> String {
    format!("{PREFIX}{device}/{}", channel.name())
}

/// The device and channel that a topic names; `None` for any other topic.
pub fn parse(topic: &str) -> Option<(DeviceId, Channel)> {
    let (device, channel) = topic.strip_prefix(PREFIX)?.split_once('/')?;
    Some((device.parse().ok()?, Channel::from_name(channel)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_read_back() {
        let device: DeviceId = "belt-07".parse().unwrap();
        for channel in Channel::ALL {
            assert_eq!(parse(&build(&device, channel)), Some((device.clone(), channel)));
        }
        assert_eq!(build(&device, Channel::Samples), "ctg/v1/belt-07/samples");
        assert_eq!(Channel::Status.filter(), "ctg/v1/+/status");
    }

    #[test]
    fn other_topics_are_none_of_ours() {
        for topic in ["", "ctg/v1/", "ctg/v1/a", "ctg/v1/a/", "ctg/v1//samples", "ctg/v2/a/samples"] {
            assert_eq!(parse(topic), None, "{topic:?}");
        }
        for topic in ["ctg/v1/a/samples/x", "/ctg/v1/a/samples", "ctg/v1/+/samples", "ctg/v1/a/Samples"] {
            assert_eq!(parse(topic), None, "{topic:?}");
        }
    }
}
