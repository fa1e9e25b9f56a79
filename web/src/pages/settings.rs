//! `/settings`: each person's own: language and theme, password, sessions; and, for the owner, the box.

use askama::Template;
use axum::{Form, extract::State};
use flashnode_core::{
    access::{Profile, SessionView},
    ask,
    control::{CaView, Request},
    error::Error,
    types::Secret,
};
use serde::Deserialize;

use crate::{
    error::{Failure, Result, Told},
    guard::cookies::theme_of,
    i18n::Lang,
    state::{Shared, failed_try},
    view::{Frame, From, View, Who},
};

/// The overview.
#[derive(Template)]
#[template(path = "settings/index.html")]
pub struct SettingsPage {
    f: Frame,
    totp: bool,
    chosen: Option<String>,
    langs: [Lang; 3],
}

/// A new password.
#[derive(Template)]
#[template(path = "settings/password.html")]
pub struct PasswordPage {
    f: Frame,
    told: Option<Told>,
}

/// Where this person is signed in.
#[derive(Template)]
#[template(path = "settings/sessions.html")]
pub struct SessionsPage {
    f: Frame,
    sessions: Vec<SessionView>,
}

/// The box: its name, addresses and certificate.
#[derive(Template)]
#[template(path = "settings/box.html")]
pub struct BoxPage {
    f: Frame,
    hosts: Vec<String>,
    ca: Option<CaView>,
    runtime: String,
}
plain_pages!(SettingsPage, PasswordPage, SessionsPage, BoxPage);

/// Language and theme.
#[derive(Debug, Deserialize)]
pub struct ProfileForm {
    language: String,
    theme: String,
}

/// The old password and the new one, twice.
#[derive(Debug, Deserialize)]
pub struct PasswordForm {
    old: Secret<String>,
    new: Secret<String>,
    again: Secret<String>,
}

/// A session to end.
#[derive(Debug, Deserialize)]
pub struct RevokeForm {
    id: i64,
}

/// `GET /settings`.
pub async fn page(who: Who, view: View) -> Result {
    let chosen = who.session.language.clone();
    view.render(&SettingsPage { f: view.frame.clone(), totp: who.session.totp, chosen, langs: Lang::ALL })
}

/// `POST /settings`.
pub async fn save(State(web): State<Shared>, who: Who, Form(form): Form<ProfileForm>) -> Result {
    let language = Lang::from_tag(&form.language).map(|lang| lang.tag().to_owned());
    let profile = Profile { language, theme: theme_of(&form.theme).unwrap_or_default() };
    web.app.access()?.set_profile(&who.session, profile).await?;
    web.record(&who.actor, "profile_changed", &who.session.name, "Language or theme.").await;
    Err(Failure::to("/settings"))
}

/// `GET /settings/password`.
pub async fn password(view: View) -> Result {
    view.render(&PasswordPage { f: view.frame.clone(), told: None })
}

/// `POST /settings/password`.
pub async fn change_password(
    State(web): State<Shared>,
    who: Who,
    from: From,
    view: View,
    Form(form): Form<PasswordForm>,
) -> Result {
    let done = if form.new == form.again {
        web.app.access()?.change_password(&who.session, &form.old, &form.new, &from.0).await
    } else {
        Err(Error::invalid("The two new passwords differ. Type the same one twice.").keyed("error-differ"))
    };
    match done {
        Ok(new) => {
            web.record(&who.actor, "password_changed", &who.session.name, "Other sessions were ended.").await;
            Ok(super::enter(&web, &new, "/settings"))
        }
        Err(error) => {
            if failed_try(error.kind) {
                web.record(&who.actor, "step_up_failed", &who.session.name, "Wrong old password.").await;
            }
            view.again(error, |f, told| PasswordPage { f, told: Some(told) })
        }
    }
}

/// `GET /settings/sessions`.
pub async fn sessions(State(web): State<Shared>, who: Who, view: View) -> Result {
    let sessions = web.app.access()?.sessions(&who.session).await?;
    view.render(&SessionsPage { f: view.frame.clone(), sessions })
}

/// `POST /settings/sessions`: ends one.
pub async fn revoke(State(web): State<Shared>, who: Who, Form(form): Form<RevokeForm>) -> Result {
    web.app.access()?.revoke_session(&who.session, form.id).await?;
    web.record(&who.actor, "session_revoked", &form.id.to_string(), "A session was ended from another.")
        .await;
    Err(Failure::to("/settings/sessions"))
}

/// `GET /settings/box`.
pub async fn this_box(State(web): State<Shared>, who: Who, view: View) -> Result {
    let ca = async { ask!(web.app.control(), &who.actor, Request::Ca => Ca) }.await.ok();
    let runtime = web.status().await?.runtime;
    view.render(&BoxPage { f: view.frame.clone(), hosts: web.app.hosts().to_vec(), ca, runtime })
}
