//! `flashnode claim-code`

use flashnode_core::control::Request;
use serde::Serialize;

use super::{Shell, answer, exit::Failure, status};

#[derive(Serialize)]
struct View {
    code: String,
    url: String,
}

pub(super) async fn run(shell: &Shell) -> Result<(), Failure> {
    let code = answer!(shell, Request::NewClaimCode => Words)?;
    let url = format!("{}claim", status::url(&shell.config));
    shell.out.show(&View { code: code.expose().clone(), url }, |view| {
        format!("{}\n\nEnter it at {}. It works once, for a day.", view.code, view.url)
    })
}
