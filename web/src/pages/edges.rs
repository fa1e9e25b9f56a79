//! `/edges`: every credential between two services, its age, and the way to rotate it.

use askama::Template;
use axum::extract::State;
use flashnode_core::{
    ask,
    control::{EdgeView, Request},
    types::Timestamp,
};

use crate::{
    error::Result,
    state::Shared,
    view::{Frame, View, Who},
};

/// An edge in a table.
#[derive(Clone, Debug)]
pub struct EdgeRow {
    /// `electrs:bitcoind`, for the URL.
    pub edge: String,
    /// Who holds the credential.
    pub consumer: String,
    /// Who honours it.
    pub provider: String,
    /// What kind of credential it is.
    pub kind: String,
    /// What it allows.
    pub allows: Vec<String>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Whether it is being rotated.
    pub rotating: bool,
    /// What a rotation restarts.
    pub restarts: Vec<String>,
}

impl EdgeRow {
    /// The row of an edge.
    pub fn new(f: &Frame, edge: &EdgeView) -> Self {
        Self {
            edge: edge.edge.to_string(),
            consumer: f.service(edge.edge.consumer.as_str()),
            provider: f.service(edge.edge.provider.as_str()),
            kind: f.pick("credential", &edge.credential),
            allows: edge.allows.clone(),
            since: edge.since,
            rotating: edge.rotating,
            restarts: edge.restarts.iter().map(|name| f.service(name.as_str())).collect(),
        }
    }

    /// The rows of these edges.
    pub fn all(f: &Frame, edges: &[EdgeView]) -> Vec<Self> {
        edges.iter().map(|edge| Self::new(f, edge)).collect()
    }
}

/// The page.
#[derive(Template)]
#[template(path = "services/edges.html", blocks = ["live"])]
pub struct EdgesPage {
    f: Frame,
    edges: Vec<EdgeRow>,
}
live_pages!(EdgesPage);

/// `GET /edges`.
pub async fn page(State(web): State<Shared>, who: Who, view: View) -> Result {
    let edges = ask!(web.app.control(), &who.actor, Request::Edges => Edges)?;
    view.render(&EdgesPage { edges: EdgeRow::all(&view.frame, &edges), f: view.frame.clone() })
}
