//! What the documents of the device protocol show and name is what the code reads and writes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use ctg::DeviceEventKind;
use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;
use wire::device::{self, Encoding};
use wire::topic::Channel;

const GUIDE: &str = include_str!("../../../docs/device-protocol.md");
const ASYNCAPI: &str = include_str!("../../../docs/device-protocol.asyncapi.yaml");

/// Decodes a payload of a channel and writes it anew in both encodings.
fn rewritten(channel: Channel, payload: &[u8]) -> [Vec<u8>; 2] {
    [Encoding::Json, Encoding::Cbor].map(|encoding| match channel {
        Channel::Samples => device::encode_samples(&device::decode_samples(payload).unwrap(), encoding),
        Channel::Events => device::encode_event(&device::decode_event(payload).unwrap(), encoding),
        Channel::Status => device::encode_status(&device::decode_status(payload).unwrap(), encoding),
        Channel::Control => device::encode_control(&device::decode_control(payload).unwrap(), encoding),
    })
}

/// The examples of the guide in one notation, by channel, in order.
fn examples(notation: &str) -> Vec<(Channel, String)> {
    let fences = GUIDE.split("\n```").skip(1).step_by(2);
    let example = |fence: &'static str| {
        let (info, content) = fence.split_once('\n')?;
        let (found, channel) = info.split_once(' ')?;
        let channel = Channel::from_name(channel).filter(|_| found == notation)?;
        Some((channel, content.to_owned()))
    };
    fences.filter_map(example).collect()
}

/// The bytes before `#` in each line.
fn bytes(annotated: &str) -> Vec<u8> {
    let digits: String = annotated.lines().filter_map(|line| line.split('#').next()).collect();
    let digits: Vec<u32> = digits.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

#[test]
fn json_examples_are_read_and_written_as_shown() {
    let examples = examples("json");
    for (channel, json) in &examples {
        let [written, _] = rewritten(*channel, json.as_bytes());
        let (written, shown): (Value, Value) =
            (serde_json::from_slice(&written).unwrap(), serde_json::from_str(json).unwrap());
        assert_eq!(written, shown);
    }
    for channel in Channel::ALL {
        assert!(examples.iter().any(|(shown, _)| *shown == channel), "no JSON example of {}", channel.name());
    }
}

#[test]
fn byte_examples_are_written_as_shown_and_mean_a_json_example() {
    let meanings: Vec<_> =
        examples("json").iter().map(|(channel, json)| rewritten(*channel, json.as_bytes())).collect();
    let examples = examples("hex");
    for (channel, annotated) in &examples {
        let payload = bytes(annotated);
        let [json, cbor] = rewritten(*channel, &payload);
        assert_eq!(cbor, payload, "{}", channel.name());
        assert!(meanings.contains(&[json, cbor]), "no JSON example means the bytes of {}", channel.name());
    }
    assert_eq!(examples.len(), 4);
}

/// Field names in the table of one section of the guide, such as `fhr[].q`; required ones apart.
fn table(section: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let section = GUIDE.split("\n## ").find(|part| part.starts_with(section)).expect("the section is there");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows
        .filter_map(|row| row.split_once("` | "))
        .filter(|(_, rest)| rest.starts_with("yes |") || rest.starts_with("no |"));
    let (required, optional): (Vec<_>, Vec<_>) = rows.partition(|(_, rest)| rest.starts_with("yes"));
    let names = |rows: Vec<(&str, &str)>| rows.into_iter().map(|(name, _)| name.to_owned()).collect();
    (names(required), names(optional))
}

fn asyncapi() -> Yaml<'static> {
    let mut documents = Yaml::load_from_str(ASYNCAPI).expect("the file is YAML");
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn texts(list: &Yaml<'_>) -> BTreeSet<String> {
    list.as_vec().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn keys(map: &Yaml<'_>) -> BTreeSet<String> {
    map.as_mapping().unwrap().keys().map(|key| key.as_str().unwrap().to_owned()).collect()
}

/// Required and optional fields of one schema in the AsyncAPI file.
fn schema(name: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let document = asyncapi();
    let schema = &document["components"]["schemas"][name];
    let (required, all) = (texts(&schema["required"]), keys(&schema["properties"]));
    assert!(required.is_subset(&all), "{name}");
    let optional = all.difference(&required).cloned().collect();
    (required, optional)
}

#[test]
fn guide_and_asyncapi_name_the_same_fields() {
    let (mut required, mut optional) = schema("samples");
    let (fetus_required, fetus_optional) = schema("fetus");
    required.extend(fetus_required.iter().map(|name| format!("fhr[].{name}")));
    optional.extend(fetus_optional.iter().map(|name| format!("fhr[].{name}")));
    assert_eq!(table("5 "), (required, optional));
    assert_eq!(table("6 "), schema("event"));
    assert_eq!(table("7 "), schema("status"));
}

#[test]
fn the_code_requires_and_ignores_what_the_documents_say() {
    let full = |channel: Channel| {
        let shown = examples("json").into_iter().find(|(shown, _)| *shown == channel).unwrap().1;
        serde_json::from_str::<serde_json::Map<String, Value>>(&shown).unwrap()
    };
    let reads = |channel: Channel, map: &serde_json::Map<String, Value>| {
        let payload = serde_json::to_vec(map).unwrap();
        match channel {
            Channel::Samples => device::decode_samples(&payload).is_ok(),
            Channel::Events => device::decode_event(&payload).is_ok(),
            Channel::Status => device::decode_status(&payload).is_ok(),
            Channel::Control => device::decode_control(&payload).is_ok(),
        }
    };
    for (channel, name) in [(Channel::Samples, "samples"), (Channel::Events, "event"), (Channel::Status, "status")] {
        let (required, optional) = schema(name);
        let mut full = full(channel);
        if channel == Channel::Events {
            full.insert("kind".into(), "movement".into());
        }
        assert!(full.keys().all(|key| required.contains(key) || optional.contains(key)), "{name}");
        for (fields, expect) in [(&required, false), (&optional, true)] {
            for field in fields {
                let mut map = full.clone();
                map.remove(field);
                assert_eq!(reads(channel, &map), expect, "{name} without {field}");
            }
        }
    }
}

#[test]
fn every_order_and_event_kind_is_documented() {
    let document = asyncapi();
    let kinds: BTreeSet<String> = DeviceEventKind::ALL.iter().map(|kind| kind.code().to_owned()).collect();
    assert_eq!(texts(&document["components"]["schemas"]["event"]["properties"]["kind"]["enum"]), kinds);
    assert!(kinds.iter().all(|kind| GUIDE.contains(&format!("\n| `{kind}` | "))));
    let shown: BTreeMap<String, BTreeSet<String>> = examples("json")
        .into_iter()
        .filter(|(channel, _)| *channel == Channel::Control)
        .map(|(_, json)| serde_json::from_str::<serde_json::Map<String, Value>>(&json).unwrap())
        .map(|map| (map["do"].as_str().unwrap().to_owned(), map.keys().cloned().collect()))
        .collect();
    let references = &document["components"]["messages"]["control"]["payload"]["oneOf"];
    let orders: Vec<String> = references
        .as_vec()
        .unwrap()
        .iter()
        .map(|reference| reference["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(shown.keys().cloned().collect::<BTreeSet<_>>(), orders.iter().cloned().collect());
    for order in orders {
        let (required, optional) = schema(&order);
        assert_eq!(shown[&order], required.union(&optional).cloned().collect(), "{order}");
        assert!(GUIDE.contains(&format!("\n| `{order}` | ")));
    }
}

#[test]
fn every_reference_leads_somewhere_and_topics_are_ours() {
    let document = asyncapi();
    for reference in ASYNCAPI.split("$ref: '#/").skip(1) {
        let path = reference.split('\'').next().unwrap();
        let found = path.split('/').try_fold(&document, |node, key| node.as_mapping_get(key));
        assert!(found.is_some(), "{path}");
    }
    for channel in Channel::ALL {
        let address = document["channels"][channel.name()]["address"].as_str();
        assert_eq!(address, Some(channel.filter().replace('+', "{device}").as_str()));
    }
}
