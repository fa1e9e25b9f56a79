//! What every runtime must do, tried on each of them with a real root and small shell scripts as services.
//!
//! Needs the `base` root (`images/build.sh base`), the built binary (for shims) and, for most checks, root's rights.
//! The checks for an engine are left out, with a printed reason, only when none answers.

mod life;
mod limits;
mod logs;
mod rig;
mod sight;

/// Every check as a test of its own, once for each runtime.
macro_rules! conformance {
    ($($module:ident::$check:ident),* $(,)?) => {
        mod process {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $check() {
                let rig = super::rig::Rig::process();
                super::$module::$check(&rig).await;
            })*
        }

        mod docker {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $check() {
                if let Some(rig) = super::rig::Rig::docker().await {
                    super::$module::$check(&rig).await;
                }
            })*
        }
    };
}

conformance! {
    life::it_says_what_it_is,
    life::an_image_that_cannot_be_had_is_explained,
    life::starting_twice_starts_once,
    life::a_new_supervisor_adopts_what_runs,
    life::a_killed_supervisor_takes_nothing_with_it,
    life::the_exit_cause_and_the_last_lines_are_kept,
    life::an_ended_service_can_start_again,
    life::a_service_that_listens_ends_within_its_grace,
    life::a_service_that_ignores_term_is_killed_after_its_grace,
    life::a_kill_from_outside_is_told_as_signal_nine,
    life::a_removed_service_is_forgotten,
    limits::memory_is_limited_and_the_end_is_explained,
    limits::processes_are_limited,
    limits::it_runs_as_its_own_user_with_no_rights_left,
    limits::usage_is_measured,
    logs::a_log_can_be_followed_from_a_cursor,
    logs::a_hostile_log_is_made_safe,
    sight::the_root_is_read_only,
    sight::its_ports_answer_on_this_machine_only,
    sight::no_secret_can_be_seen_from_outside,
}
