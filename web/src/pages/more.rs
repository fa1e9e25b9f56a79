//! `/more`: everything, for phones whose bar has five places.

use askama::Template;

use crate::{
    error::Result,
    view::{Frame, View},
};

/// The page.
#[derive(Template)]
#[template(path = "more.html")]
pub struct MorePage {
    f: Frame,
}
plain_pages!(MorePage);

/// `GET /more`.
pub async fn page(view: View) -> Result {
    view.render(&MorePage { f: view.frame.clone() })
}
