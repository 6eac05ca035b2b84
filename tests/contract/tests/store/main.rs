//! What every store promises, shown on SQLite and on PostgreSQL.

mod alerts;
mod append;
mod crashes;
mod devices;
mod findings;
mod progress;
mod sessions;
mod windows;

/// Makes every test of the list one test per database.
macro_rules! suite {
    ($($module:ident { $($test:ident)+ })+) => {
        mod sqlite {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    contract::place::on_sqlite(crate::$module::$test).await;
                })+
            })+
        }
        mod postgres {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    contract::place::on_postgres(crate::$module::$test).await;
                })+
            })+
        }
    };
}

suite! {
    append {
        repeats_and_reordering_store_every_block_once
        each_answer_is_exact
        a_batch_that_is_all_known_changes_nothing
        any_recording_comes_back_bit_by_bit
        writers_at_the_same_time_store_every_block_once
        a_second_writer_sees_the_first_ones_recording
        nothing_to_store_is_no_error
    }
    progress {
        follows_the_first_hole
        knows_more_than_was_last_checked
        is_absent_for_an_unknown_recording
        recordings_since_a_moment_are_exact
        recordings_come_newest_first
        a_stop_ends_its_recording
    }
    windows {
        hold_what_overlaps
        keep_their_limit_past_a_short_block
        begin_at_a_sequence
    }
    sessions {
        survive_reopening_until_they_end_or_expire
    }
    devices {
        are_registered_changed_and_barred
        events_are_stored_once
        events_come_in_order_from_their_own_device
        events_of_all_devices_come_by_arrival
        quarantine_is_bounded
    }
    findings {
        keep_every_revision
        do_not_change_afterwards
        need_their_recording
        of_many_recordings_are_kept_together_or_not_at_all
        baseline_points_share_rows
        baseline_points_stay_as_first_said
    }
    alerts {
        come_back_whole
        change_only_over_the_version_decided_on
        are_open_once_per_key
        absent_parts_of_a_key_are_equal
        have_one_winner_under_concurrency
        are_due_by_deadline
        are_listed_after_their_end
        leave_nothing_of_a_failed_change
    }
    crashes {
        what_was_answered_survives_and_batches_are_whole
        a_dropped_future_leaves_all_or_nothing
        writing_goes_on_after_interruptions
        everything_is_there_after_reopening
        opening_at_the_same_time_migrates_once
        a_changed_bit_is_reported_and_contained
        a_closed_store_is_unavailable
    }
}
