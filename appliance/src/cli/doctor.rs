//! `flashnode doctor`: asks the supervisor, and looks for itself when the supervisor is away.

use flashnode_core::{
    control::{Finding, Request},
    ports::machine::Machine,
};

use super::{
    Shell, answer,
    exit::{AWAY_CODE, FAILED, Failure},
};
use crate::doctor::{ThisMachine, finding};

pub(super) async fn run(shell: &Shell) -> Result<(), Failure> {
    let findings = match ask(shell).await {
        Ok(findings) => findings,
        Err(failure) if failure.code == AWAY_CODE => by_ourselves(shell, &failure).await,
        Err(failure) => return Err(failure),
    };
    shell.out.show(&findings, |findings| text(findings))?;
    // Everything has been said; scripts want to know whether something endangers the box.
    if findings.iter().any(|finding| finding.severe) { Err(Failure::new(FAILED, "")) } else { Ok(()) }
}

async fn ask(shell: &Shell) -> Result<Vec<Finding>, Failure> {
    answer!(shell, Request::Doctor => Findings)
}

async fn by_ourselves(shell: &Shell, away: &Failure) -> Vec<Finding> {
    let machine = ThisMachine { box_dir: shell.box_dir.clone(), config: shell.config.clone() };
    let advice = "Start it: `systemctl start flashnode`, or `flashnode supervise` where there is no systemd.";
    let problem = away.sentence.split(". ").next().unwrap_or_default();
    let mut findings = vec![finding("supervisor", true, format!("{problem}."), advice)];
    findings.extend(machine.examine(&[], &[]).await);
    findings
}

fn text(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "Nothing found: the box is healthy.".to_owned();
    }
    let shape = |finding: &Finding| if finding.severe { "▲" } else { "○" };
    let entry = |f: &Finding| format!("{} {}: {}\n  {}", shape(f), f.check, f.problem, f.advice);
    findings.iter().map(entry).collect::<Vec<_>>().join("\n")
}
