//! The conformance suite: the sentences of the contracts as tests, for every store alike.
//!
//! A store's tests give a way to make a fresh [`Place`] and call [`all`]. A broken promise is a panic that names it.
//!
//! **Invariant:** a scenario uses the port alone and knows nothing of the store behind it.

mod blobs;
mod catalog;
mod copy;
mod journal;
mod keep;
mod kit;
mod logs;
mod order;
mod runs;
mod upkeep;

use std::{pin::Pin, sync::Arc};

use async_trait::async_trait;

use crate::{Store, StoreError};

/// Where one store lives.
#[async_trait]
pub trait Place: Send + Sync {
    /// Opens the store; it is empty the first time. What an earlier handle wrote is there again.
    async fn open(&self) -> Result<Arc<dyn Store>, StoreError>;
}

type Scenario = for<'a> fn(&'a dyn Place) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

macro_rules! scenarios {
    ($($module:ident::$name:ident,)*) => {
        const SCENARIOS: &[(&str, Scenario)] =
            &[$((concat!(stringify!($module), "::", stringify!($name)), |place| Box::pin($module::$name(place)))),*];
    };
}

scenarios! {
    journal::epochs_grow_and_fence,
    journal::facts_come_back_as_they_were,
    journal::facts_must_follow_the_last_one,
    journal::a_refused_append_writes_nothing,
    journal::a_row_may_change_without_a_fact,
    journal::rows_and_sizes_keep_up_with_facts,
    journal::one_append_may_name_a_run_twice,
    journal::keys_belong_to_one_run,
    journal::long_journals_come_in_pages,
    order::appends_are_committed_in_the_order_of_calls,
    order::a_small_append_does_not_overtake_a_large_one,
    order::what_follows_a_refused_append_is_refused,
    order::appends_under_two_claims_that_wait_together,
    order::the_last_of_overlapping_appends_says_how_a_run_stands,
    order::an_append_needs_nobody_to_wait_for_it,
    order::many_tasks_append_at_once,
    order::everything_is_there_after_reopening,
    order::a_closed_store_refuses_everything,
    runs::rows_come_back_as_they_were,
    runs::blobs_of_all_facts,
    runs::filters_and_pages,
    runs::unended_runs_in_pages,
    runs::due_runs_in_order,
    runs::ids_by_prefix,
    catalog::versions_are_kept_by_hash,
    catalog::numbers_count_per_flow,
    catalog::the_active_version_moves,
    catalog::many_publish_at_once,
    catalog::flows_in_pages,
    keep::secrets_by_name,
    keep::results_expire,
    keep::results_are_listed_by_key,
    copy::everything_is_copied,
    copy::only_into_an_empty_store,
    blobs::blobs_by_hash,
    blobs::blobs_piece_by_piece,
    logs::lines_come_back_in_order,
    logs::reading_goes_on_where_it_stopped,
    logs::repeated_lines_are_kept_once,
    logs::the_middle_of_a_long_log_is_cut,
    logs::small_lines_behind_a_large_one_keep_their_place,
    upkeep::info_counts,
    upkeep::a_sound_store_has_no_findings,
    upkeep::disagreement_is_found,
    upkeep::old_runs_are_pruned,
    upkeep::the_last_runs_are_kept,
    upkeep::a_needed_run_stays,
    upkeep::a_deleted_run_leaves_nothing,
}

/// Runs every scenario, each in a place of its own.
///
/// # Panics
/// Where the store breaks a promise.
pub async fn all(fresh: &dyn Fn() -> Box<dyn Place>) {
    for (name, scenario) in SCENARIOS {
        tracing::info!(name, "conformance");
        scenario(&*fresh()).await;
    }
}
