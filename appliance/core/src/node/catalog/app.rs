//! Our own web role, started and watched like every other service, on the host itself.

use async_trait::async_trait;

use super::{APP, Backup, Context, Look, NotYet, Presence, Rendered, Service, context::local};
use crate::{
    node::health::Health,
    ports::runtime::Limits,
    types::{Network, ServiceName},
};

pub(super) struct App;

#[async_trait]
impl Service for App {
    fn name(&self) -> ServiceName {
        APP
    }

    fn number(&self) -> u32 {
        0
    }

    fn presence(&self) -> Presence {
        Presence::Always
    }

    fn limits(&self, _network: Network) -> Limits {
        Limits { memory_mib: 1024, pids: 256, files: 8192 }
    }

    fn stop_grace(&self) -> std::time::Duration {
        std::time::Duration::from_secs(15)
    }

    fn answers_within(&self) -> std::time::Duration {
        std::time::Duration::from_secs(30)
    }

    fn backup(&self) -> Backup {
        Backup::Dump
    }

    fn render(&self, context: &Context) -> Result<Rendered, NotYet> {
        let app = context.app.as_ref().ok_or_else(|| NotYet("the app's settings".to_owned()))?;
        let file = |name: &str, contents: &crate::types::Secret<String>| {
            (name.to_owned(), contents.expose().clone())
        };
        Ok(Rendered {
            command: vec![
                app.program.clone(),
                "--box".into(),
                app.box_dir.clone(),
                "app".into(),
                "--config".into(),
                app.config_dir.clone(),
            ],
            files: vec![
                file("app.json", &app.settings),
                file("tls.crt", &app.certificate),
                file("tls.key", &app.key),
            ],
            ..Rendered::default()
        })
    }

    async fn probe(&self, look: &Look) -> Health {
        let Some(app) = &look.context.app else { return Health::Starting };
        // Where it listens on everything, loopback is part of it.
        let at = if app.listen.ip().is_unspecified() { local(app.listen.port()) } else { app.listen };
        match look.doors.web(at, true, None).get("/api/v1/health").await {
            Ok(_) => Health::Good,
            Err(_) => Health::Starting,
        }
    }
}
