//! What the fake supervisor answers, and what it changes by it.

use sha2::{Digest, Sha256};

use super::FakeState;
use crate::{
    audit::Entry,
    control::{
        Actor, Change, PlaygroundOrder, PlaygroundView, Reply, Request, RotationView, ServiceView,
        StagedView, Verb,
    },
    error::{Error, Kind, Result},
    keys::{KeysError, code},
    node::health::Health,
    ports::{
        clock::{Clock, SystemClock},
        runtime::{LogFrom, LogPage},
    },
    types::{EdgeName, Generation, Secret, ServiceName, Timestamp},
};

pub(super) fn answer(state: &mut FakeState, actor: &Actor, request: Request) -> Result<Reply> {
    if state.status.locked && !works_while_locked(&request) {
        return Err(Error::new(Kind::Locked, "This box is locked.").keyed("error-locked"));
    }
    match request {
        Request::Status => Ok(Reply::Status(status(state))),
        Request::Service { name } => Ok(Reply::Service(Box::new(service(state, &name)?.clone()))),
        Request::Log { name, from, limit, search } => log(state, &name, from, limit, search.as_deref()),
        Request::Act { name, verb } => act(state, actor, &name, verb),
        Request::Rebuild { name } => rebuild(state, actor, &name),
        Request::Edges => Ok(Reply::Edges(state.edges.clone())),
        Request::Rotate { edge, dry_run } => rotate(state, actor, &edge, dry_run),
        Request::Stage { change } => Ok(Reply::Staged(Some(stage(state, change)))),
        Request::Staged => Ok(Reply::Staged(state.staged.clone())),
        Request::Apply { staged } => apply(state, actor, &staged),
        Request::Discard => {
            state.staged = None;
            Ok(Reply::Done)
        }
        Request::Alarms => Ok(Reply::Alarms(state.alarms.clone())),
        Request::Acknowledge { id } => acknowledge(state, id),
        Request::Updates => Ok(Reply::Updates(state.updates.clone())),
        Request::Ca => Ok(Reply::Ca(state.ca.clone())),
        Request::Doctor => Ok(Reply::Findings(state.findings.clone())),
        Request::Playground { order } => Ok(Reply::Playground(playground(state, order))),
        Request::Record { action, subject, detail } => Ok(record(state, actor, &action, &subject, &detail)),
        Request::Audit { before, limit } => Ok(Reply::Audit(page(state, before, limit))),
        Request::VerifyAudit => Ok(Reply::Verified { entries: state.audit.len() as u64, broken_at: None }),
        setup => answer_setup(state, actor, setup),
    }
}

fn answer_setup(state: &mut FakeState, actor: &Actor, request: Request) -> Result<Reply> {
    match request {
        Request::SetupState => Ok(Reply::SetupState(state.setup)),
        Request::NewClaimCode => {
            let code = code::random(2, 5)?;
            (state.claim_code, state.claim_tries) = (Some(code.expose().clone()), 10);
            Ok(Reply::Words(code))
        }
        Request::Claim { code } => claim(state, &code),
        Request::RootWords if state.setup.root_confirmed => Err(KeysError::Confirmed.into()),
        Request::RootWords => Ok(Reply::Words(Secret::new(state.words.join(" ")))),
        Request::ConfirmRoot { words } => confirm_root(state, &words),
        Request::SetRecovery { passphrase } if passphrase.expose().chars().count() < 12 => {
            Err(KeysError::BadPassphrase.into())
        }
        Request::SetRecovery { passphrase } => {
            state.recovery = Some(passphrase.expose().clone());
            state.setup.recovery_set = true;
            Ok(Reply::Done)
        }
        Request::Commit { network, .. } => {
            if !state.setup.root_confirmed {
                return Err(KeysError::NotConfirmed.into());
            }
            state.setup.committed = true;
            (state.status.network, state.status.generation) = (Some(network), Generation(1));
            Ok(record(state, actor, "setup.commit", network.as_str(), "Set-up is done."))
        }
        Request::Unlock { passphrase } if state.recovery.as_ref() == Some(passphrase.expose()) => {
            state.status.locked = false;
            Ok(Reply::Done)
        }
        Request::Unlock { .. } => Err(KeysError::WrongPassphrase.into()),
        other => Err(Error::internal("playing the supervisor", format!("no answer for {other:?}"))),
    }
}

fn works_while_locked(request: &Request) -> bool {
    matches!(request, Request::Status | Request::Unlock { .. } | Request::Ca | Request::Doctor)
}

fn status(state: &FakeState) -> crate::control::StatusView {
    let mut status = state.status.clone();
    status.services = state.services.iter().map(|service| service.line.clone()).collect();
    status.alarms =
        state.alarms.iter().filter(|a| a.needs_attention() && a.gone.is_none()).cloned().collect();
    status.at = SystemClock.now();
    status
}

fn service<'a>(state: &'a mut FakeState, name: &ServiceName) -> Result<&'a mut ServiceView> {
    state.services.iter_mut().find(|service| service.line.name == *name).ok_or_else(|| {
        Error::not_found(format!("There is no service '{name}' on this box.")).keyed("error-no-service")
    })
}

/// A cursor is the number of the line after the last one given.
fn log(
    state: &mut FakeState,
    name: &ServiceName,
    from: LogFrom,
    limit: usize,
    search: Option<&str>,
) -> Result<Reply> {
    service(state, name)?;
    let lines = state.logs.get(name).cloned().unwrap_or_default();
    let start = match from {
        LogFrom::Tail => lines.len().saturating_sub(limit),
        LogFrom::Cursor(cursor) if cursor.is_empty() => 0,
        LogFrom::Cursor(cursor) => {
            cursor.parse().map_err(|_| Error::invalid("That place in the log is not known."))?
        }
    };
    let wanted = search.map(str::to_lowercase);
    let page: Vec<_> = lines.into_iter().enumerate().skip(start).take(limit).collect();
    let next = page.last().map_or(start, |(i, _)| i + 1).to_string();
    let keep = |text: &str| wanted.as_ref().is_none_or(|word| text.to_lowercase().contains(word));
    let lines = page.into_iter().map(|(_, line)| line).filter(|line| keep(&line.text)).collect();
    Ok(Reply::Log(LogPage { lines, next }))
}

fn act(state: &mut FakeState, actor: &Actor, name: &ServiceName, verb: Verb) -> Result<Reply> {
    let found = service(state, name)?;
    if let Some(why) = &found.line.unavailable {
        return Err(Error::conflict(why.clone()));
    }
    let (wanted, health, word) = match verb {
        Verb::Start => (true, Health::Good, "service.start"),
        Verb::Stop => (false, Health::Waiting, "service.stop"),
        Verb::Restart => (true, Health::Starting, "service.restart"),
    };
    (found.line.wanted, found.line.health) = (wanted, health);
    Ok(record(state, actor, word, name.as_str(), ""))
}

fn rebuild(state: &mut FakeState, actor: &Actor, name: &ServiceName) -> Result<Reply> {
    let found = service(state, name)?;
    if !found.rebuildable {
        return Err(Error::conflict(format!("{name} has no data that could be rebuilt.")));
    }
    found.line.health = Health::loading(0, 1);
    Ok(record(state, actor, "service.rebuild", name.as_str(), ""))
}

fn rotate(state: &mut FakeState, actor: &Actor, name: &EdgeName, dry_run: bool) -> Result<Reply> {
    let edge = state
        .edges
        .iter_mut()
        .find(|edge| edge.edge == *name)
        .ok_or_else(|| Error::not_found(format!("There is no edge '{name}'.")))?;
    let view = RotationView { edge: name.clone(), restarts: edge.restarts.clone(), begun: !dry_run };
    if !dry_run {
        edge.since = Some(SystemClock.now());
        record(state, actor, "edge.rotate", &name.to_string(), "");
    }
    Ok(Reply::Rotation(view))
}

fn stage(state: &mut FakeState, change: Change) -> StagedView {
    let (lines, restarts) = match &change {
        Change::Service { name, wanted } => {
            (vec![format!("{name}: {}", if *wanted { "off → on" } else { "on → off" })], vec![name.clone()])
        }
        Change::Update { name } => {
            let found = state.updates.iter().find(|update| update.name == *name);
            let line = found.map_or_else(String::new, |u| format!("{name}: {} → {}", u.pinned, u.offered));
            (vec![line], vec![name.clone()])
        }
        Change::Choice { services } => {
            (services.optional.iter().map(|name| format!("{name}: on")).collect(), services.optional.clone())
        }
    };
    let id = hex::encode(&Sha256::digest(lines.join("\n"))[..8]);
    let view = StagedView { id, lines, restarts, at: SystemClock.now() };
    state.staged = Some(view.clone());
    view
}

fn apply(state: &mut FakeState, actor: &Actor, id: &str) -> Result<Reply> {
    match state.staged.take() {
        Some(staged) if staged.id == id => {
            state.status.generation.0 += 1;
            for update in state.updates.iter_mut().filter(|u| staged.restarts.contains(&u.name)) {
                (update.pinned, update.update) = (update.offered.clone(), false);
            }
            Ok(record(state, actor, "change.apply", id, &staged.lines.join("; ")))
        }
        other => {
            state.staged = other;
            Err(Error::conflict(
                "What is staged has changed since you read it. Read it again, then apply it.",
            ))
        }
    }
}

fn acknowledge(state: &mut FakeState, id: i64) -> Result<Reply> {
    let alarm = state.alarms.iter_mut().find(|alarm| alarm.id == id);
    alarm.ok_or_else(|| Error::not_found("There is no such alarm."))?.acknowledged = Some(SystemClock.now());
    Ok(Reply::Done)
}

fn playground(state: &mut FakeState, order: PlaygroundOrder) -> PlaygroundView {
    match order {
        PlaygroundOrder::Mine { blocks } => state.playground.height += u64::from(blocks),
        PlaygroundOrder::Fund { sats, .. } => {
            state.playground.faucet_sats = state.playground.faucet_sats.saturating_sub(sats);
            return PlaygroundView { txid: Some("ab".repeat(32)), ..state.playground.clone() };
        }
        PlaygroundOrder::Info => {}
    }
    state.playground.clone()
}

fn claim(state: &mut FakeState, typed: &Secret<String>) -> Result<Reply> {
    let right = state.claim_code.as_deref().and_then(|code| code::normalise(code, 10));
    let typed = code::normalise(typed.expose(), 10);
    if state.claim_tries == 0 || right.is_none() {
        return Err(
            Error::new(Kind::Throttled, "This claim code no longer works.").keyed("error-claim-exhausted")
        );
    }
    if typed.as_deref() != right.as_deref() {
        state.claim_tries -= 1;
        return Err(
            Error::new(Kind::Unauthenticated, "That is not the claim code.").keyed("error-claim-wrong")
        );
    }
    state.claim_code = None;
    state.setup.claimed = true;
    Ok(Reply::Done)
}

fn confirm_root(state: &mut FakeState, answers: &[(u8, Secret<String>)]) -> Result<Reply> {
    if state.setup.root_confirmed {
        return Err(KeysError::Confirmed.into());
    }
    let word = |position: u8| usize::from(position).checked_sub(1).and_then(|at| state.words.get(at));
    if answers.len() < 4 || !answers.iter().all(|(at, answer)| word(*at) == Some(answer.expose())) {
        return Err(KeysError::WrongWords.into());
    }
    state.setup.root_confirmed = true;
    Ok(Reply::Done)
}

/// Adds an audit entry, its hash made of the whole entry before.
pub(super) fn record(
    state: &mut FakeState,
    actor: &Actor,
    action: &str,
    subject: &str,
    detail: &str,
) -> Reply {
    push(state, SystemClock.now(), actor, action, subject, detail);
    Reply::Done
}

pub(super) fn push(
    state: &mut FakeState,
    at: Timestamp,
    actor: &Actor,
    action: &str,
    subject: &str,
    detail: &str,
) {
    let seq = state.audit.len() as i64 + 1;
    let before = state.audit.last().map_or("", |entry| entry.hash.as_str());
    let hash = hex::encode(Sha256::digest(format!("{before}|{seq}|{action}|{subject}|{detail}")));
    state.audit.push(Entry {
        seq,
        at,
        who: actor.who.clone(),
        from: actor.from.clone(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: detail.to_owned(),
        hash,
    });
}

fn page(state: &FakeState, before: Option<i64>, limit: usize) -> Vec<Entry> {
    let before = before.unwrap_or(i64::MAX);
    state.audit.iter().rev().filter(|entry| entry.seq < before).take(limit).cloned().collect()
}
