//! The engine's words about a container, in ours. Pure: asks nobody.

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerStateStatusEnum as Status, ContainerStatsResponse,
};
use flashnode_core::{
    ports::runtime::{Exit, Instance, InstanceState, Usage},
    types::{SpecHash, Timestamp},
};

use super::container::SPEC_LABEL;

/// The container as an instance; `asked` tells whether its end was asked for.
pub(super) fn instance(found: &ContainerInspectResponse, asked: bool) -> Instance {
    let labels = found.config.as_ref().and_then(|config| config.labels.as_ref());
    let spec = labels.and_then(|labels| labels.get(SPEC_LABEL)).cloned().unwrap_or_default();
    let state = found.state.clone().unwrap_or_default();
    let state = match state.status {
        Some(Status::RUNNING | Status::PAUSED | Status::RESTARTING | Status::STOPPING) => running(&state),
        Some(Status::CREATED) => never_ran(found, asked),
        _ => InstanceState::Exited { exit: exit(&state, asked) },
    };
    Instance { spec: SpecHash(spec), state }
}

fn running(state: &ContainerState) -> InstanceState {
    let pid = state.pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
    InstanceState::Running { since: moment(state.started_at.as_deref()), pid }
}

/// Somebody ended the supervisor between create and start.
fn never_ran(found: &ContainerInspectResponse, asked: bool) -> InstanceState {
    let at = moment(found.created.as_deref());
    InstanceState::Exited { exit: Exit { code: None, signal: None, out_of_memory: false, at, asked } }
}

fn exit(state: &ContainerState, asked: bool) -> Exit {
    let status = state.exit_code.and_then(|code| i32::try_from(code).ok());
    // Engines report a signal as shells do: 128 and its number.
    let (code, signal) = match status {
        Some(status @ 129..=192) => (None, Some(status - 128)),
        code => (code, None),
    };
    let out_of_memory = state.oom_killed.unwrap_or(false);
    Exit { code, signal, out_of_memory, at: moment(state.finished_at.as_deref()), asked }
}

fn moment(text: Option<&str>) -> Timestamp {
    let parsed = text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    parsed.map_or_else(Timestamp::default, |moment| Timestamp(moment.as_millisecond()))
}

/// Memory without what the kernel can drop at once, and CPU time.
pub(super) fn usage(stats: &ContainerStatsResponse) -> Usage {
    let memory = stats.memory_stats.as_ref();
    let used = memory.and_then(|memory| memory.usage).unwrap_or(0);
    // The first name is control groups version 1, the second version 2.
    let droppable = memory
        .and_then(|memory| memory.stats.as_ref())
        .and_then(|stats| stats.get("total_inactive_file").or_else(|| stats.get("inactive_file")).copied());
    let nanoseconds =
        stats.cpu_stats.as_ref().and_then(|cpu| cpu.cpu_usage.as_ref()?.total_usage).unwrap_or(0);
    Usage { memory: used.saturating_sub(droppable.unwrap_or(0)), cpu_ms: nanoseconds / 1_000_000 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: i64, oom: bool) -> ContainerInspectResponse {
        let state = ContainerState {
            status: Some(Status::EXITED),
            exit_code: Some(code),
            oom_killed: Some(oom),
            finished_at: Some("2026-11-22T12:43:00.5Z".to_owned()),
            ..Default::default()
        };
        ContainerInspectResponse { state: Some(state), ..Default::default() }
    }

    #[test]
    fn exits_are_told_as_code_or_signal() {
        for (found, code, signal, oom) in [
            (ended(0, false), Some(0), None, false),
            (ended(1, false), Some(1), None, false),
            (ended(137, false), None, Some(9), false),
            (ended(143, false), None, Some(15), false),
            (ended(137, true), None, Some(9), true),
            (ended(255, false), Some(255), None, false),
        ] {
            let InstanceState::Exited { exit } = instance(&found, true).state else { panic!("it has ended") };
            assert_eq!((exit.code, exit.signal, exit.out_of_memory), (code, signal, oom));
            assert_eq!(exit.at, Timestamp(1_795_351_380_500));
            assert!(exit.asked);
        }
    }
}
