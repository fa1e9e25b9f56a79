//! Pages: a view struct and short handlers for each feature. Rules live in core; words live in `locales/`.

/// A page whose template is its whole truth: no live part.
macro_rules! plain_pages {
    ($($page:ty),* $(,)?) => {$(
        impl crate::view::Page for $page {}
    )*};
}
/// A page with a block `live` that updates replace.
macro_rules! live_pages {
    ($($page:ty),* $(,)?) => {$(
        impl crate::view::Page for $page {
            fn live(&self) -> askama::Result<Option<String>> {
                use askama::Template as _;
                self.as_live().render().map(Some)
            }
        }
    )*};
}

pub mod claim;
pub mod setup;

pub mod locked;
pub mod sign_in;
pub mod step_up;

pub mod home;
pub mod more;

pub mod edges;
pub mod rotate;
pub mod service;
pub mod services;

pub mod alerts;
pub mod audit;
pub mod updates;

pub mod settings;
pub mod two_factor;

pub mod playground;

pub mod offline;
pub mod trust;

pub mod gallery;

use axum::response::{IntoResponse, Redirect, Response};
use flashnode_core::access::NewSession;

use crate::{guard::cookies, state::Shared};

/// Sends a person on with their new session's cookie.
fn enter(web: &Shared, new: &NewSession, place: &str) -> Response {
    let mut response = Redirect::to(place).into_response();
    cookies::append(&mut response, cookies::session(web, new.token.expose()));
    response
}
