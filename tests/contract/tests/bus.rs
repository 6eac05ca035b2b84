//! What every bus promises.

use std::sync::Arc;

use bus::{Bus, News, Next, Subscription};
use contract::sample::blocks;
use ctg::{DeviceId, DeviceStatus};

/// Every bus of this release.
fn buses() -> Vec<Bus> {
    vec![Bus::in_process()]
}

fn news(number: u32) -> News {
    News::Blocks(blocks(1, [number]).into())
}

fn number(next: Next) -> u32 {
    match next {
        Next::News(News::Blocks(blocks)) => blocks[0].block.sequence,
        other => panic!("{other:?}"),
    }
}

async fn numbers(subscription: &mut Subscription, count: u32) -> Vec<u32> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        numbers.push(number(subscription.next().await));
    }
    numbers
}

#[tokio::test]
async fn every_subscriber_reads_all_news_in_order() {
    for bus in buses() {
        let (mut first, mut second) = (bus.subscribe(), bus.clone().subscribe());
        for number in 0..100 {
            bus.publish(news(number));
        }
        let mut late = bus.subscribe();
        bus.publish(news(100));
        assert_eq!(numbers(&mut first, 101).await, (0..101).collect::<Vec<_>>());
        assert_eq!(numbers(&mut second, 101).await, (0..101).collect::<Vec<_>>());
        assert_eq!(number(late.next().await), 100);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_of_one_publisher_stay_in_order_beside_others() {
    const COUNT: u32 = 2000;
    for bus in buses() {
        let mut subscription = bus.subscribe();
        let publishers: Vec<_> = (0..4_u32)
            .map(|publisher| {
                let bus = bus.clone();
                tokio::spawn(async move {
                    for step in 0..COUNT {
                        bus.publish(news(publisher * COUNT + step));
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for publisher in publishers {
            publisher.await.unwrap();
        }
        let read = numbers(&mut subscription, 4 * COUNT).await;
        for publisher in 0..4 {
            let own: Vec<_> = read.iter().copied().filter(|number| number / COUNT == publisher).collect();
            assert_eq!(own, (publisher * COUNT..(publisher + 1) * COUNT).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn a_slow_subscriber_is_told_what_it_missed() {
    const COUNT: u32 = 50_000;
    for bus in buses() {
        let mut slow = bus.subscribe();
        for number in 0..COUNT {
            bus.publish(news(number));
        }
        let Next::Missed(missed) = slow.next().await else { panic!("nothing was missed") };
        assert!(missed > 0);
        let missed = u32::try_from(missed).unwrap();
        assert_eq!(numbers(&mut slow, COUNT - missed).await, (missed..COUNT).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn nobody_listening_and_nobody_publishing_are_no_errors() {
    for bus in buses() {
        bus.publish(news(1));
        let mut subscription = bus.subscribe();
        let status = DeviceStatus { online: true, at: None, battery_percent: None, backlog_blocks: None };
        bus.publish(News::Status("belt-1".parse::<DeviceId>().unwrap(), Arc::new(status)));
        drop(bus);
        assert!(matches!(subscription.next().await, Next::News(News::Status(..))));
        assert!(matches!(subscription.next().await, Next::Closed));
    }
}

#[tokio::test]
async fn waiting_for_news_may_be_given_up_without_loss() {
    for bus in buses() {
        let mut subscription = bus.subscribe();
        for number in 0..50 {
            tokio::select! {
                biased;
                next = subscription.next() => panic!("{next:?}"),
                () = tokio::task::yield_now() => bus.publish(news(number)),
            }
            assert_eq!(self::number(subscription.next().await), number);
        }
    }
}
