//! `/services/NAME`: how one service is, what it uses, who needs it, its credentials, its log, and what may be done.

use std::str::FromStr;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::header,
    response::IntoResponse,
};
use flashnode_core::{
    ask,
    control::{Request, ServiceView, Verb},
    ports::runtime::{LogFrom, LogPage},
    types::ServiceName,
};
use serde::Deserialize;

use crate::{
    error::{Failure, Result},
    i18n::format,
    pages::edges::EdgeRow,
    parts::line::Line,
    state::Shared,
    view::{Frame, View, Who},
};

/// The page.
#[derive(Template)]
#[template(path = "services/service.html", blocks = ["live"])]
pub struct ServicePage {
    line: Line,
    view: ServiceView,
    cpu: Option<u64>,
    needs: Vec<(String, String)>,
    needed_by: Vec<(String, String)>,
    gives: Vec<EdgeRow>,
    takes: Vec<EdgeRow>,
    log: Vec<(String, String)>,
    search: String,
    stops: String,
    f: Frame,
}
live_pages!(ServicePage);

/// The log alone.
#[derive(Template)]
#[template(path = "services/log.html", blocks = ["live"])]
pub struct LogView {
    name: String,
    title: String,
    log: Vec<(String, String)>,
    search: String,
    f: Frame,
}
live_pages!(LogView);

/// What is asked before something is done.
#[derive(Template)]
#[template(path = "services/ask.html")]
pub struct AskPage {
    name: String,
    title: String,
    word: String,
    question: String,
    happens: String,
    press: String,
    action: String,
    effect: String,
    needed_by: Vec<String>,
    grace: String,
    f: Frame,
}
plain_pages!(AskPage);

/// A search in the log.
#[derive(Debug, Deserialize)]
pub struct Search {
    #[serde(default)]
    q: Option<String>,
}

impl Search {
    fn text(&self) -> Option<String> {
        self.q.as_deref().map(str::trim).filter(|q| !q.is_empty()).map(|q| q.chars().take(100).collect())
    }
}

/// A name that is not even one is a page that is not there.
fn known(name: &str) -> Result<ServiceName> {
    ServiceName::from_str(name).map_err(|_| Failure::not_found())
}

async fn service(web: &Shared, who: &Who, name: &str) -> Result<ServiceView> {
    let name = known(name)?;
    Ok(*ask!(web.app.control(), &who.actor, Request::Service { name } => Service)?)
}

async fn lines(web: &Shared, who: &Who, name: &str, search: Option<String>, limit: usize) -> Result<LogPage> {
    let name = known(name)?;
    Ok(ask!(web.app.control(), &who.actor, Request::Log { name, from: LogFrom::Tail, limit, search } => Log)?)
}

fn rows(page: &LogPage) -> Vec<(String, String)> {
    page.lines.iter().map(|line| (format::clock(line.at), line.text.clone())).collect()
}

fn names(f: &Frame, names: &[ServiceName]) -> Vec<(String, String)> {
    names.iter().map(|name| (name.to_string(), f.service(name.as_str()))).collect()
}

/// CPU used since its start, in hundredths of one core.
fn cpu(f: &Frame, view: &ServiceView) -> Option<u64> {
    let ran = f.now.since(view.since?).as_millis().max(1);
    u64::try_from(u128::from(view.usage?.cpu_ms) * 100 / ran).ok()
}

/// `GET /services/NAME`.
pub async fn page(
    State(web): State<Shared>,
    Path(name): Path<String>,
    Query(search): Query<Search>,
    who: Who,
    view: View,
) -> Result {
    let f = view.frame.clone();
    let service = service(&web, &who, &name).await?;
    let log = lines(&web, &who, &name, search.text(), 200).await.map(|page| rows(&page)).unwrap_or_default();
    view.render(&ServicePage {
        line: Line::new(&f, &service.line),
        cpu: cpu(&f, &service),
        needs: names(&f, &service.needs),
        needed_by: names(&f, &service.needed_by),
        gives: EdgeRow::all(&f, &service.gives),
        takes: EdgeRow::all(&f, &service.takes),
        log,
        search: search.text().unwrap_or_default(),
        stops: f.pick("stops", service.line.name.as_str()),
        view: service,
        f,
    })
}

/// `GET /services/NAME/log`: the log on a page of its own, and what the service page fetches again.
pub async fn log(
    State(web): State<Shared>,
    Path(name): Path<String>,
    Query(search): Query<Search>,
    who: Who,
    view: View,
) -> Result {
    let f = view.frame.clone();
    let page = lines(&web, &who, &name, search.text(), 500).await?;
    let title = f.service(&name);
    view.render(&LogView { name, title, log: rows(&page), search: search.text().unwrap_or_default(), f })
}

/// How many pieces a log that goes on growing is read in at most.
const PIECES: u32 = 200;

/// About as much as a runtime keeps of a log, in bytes.
const WHOLE: usize = 16 << 20;

/// Where a log is read on, piece by piece, from the oldest line that is kept: the whole would be too much at once.
struct Piece {
    web: Shared,
    who: Who,
    name: ServiceName,
    search: Option<String>,
    cursor: String,
    left: u32,
}

impl Piece {
    async fn read(self) -> flashnode_core::error::Result<(String, Option<Self>)> {
        let from = LogFrom::Cursor(self.cursor.clone());
        let (name, search) = (self.name.clone(), self.search.clone());
        let ask = Request::Log { name, from, limit: 5_000, search };
        let page: LogPage = ask!(self.web.app.control(), &self.who.actor, ask => Log)?;
        let text = page.lines.iter().map(|line| format!("{} {}\n", line.at.rfc3339(), line.text)).collect();
        let more = page.next != self.cursor && self.left > 1;
        Ok((text, more.then(|| Self { cursor: page.next, left: self.left - 1, ..self })))
    }
}

/// `GET /services/NAME/log.txt`: what is kept of the log, as a file.
pub async fn download(
    State(web): State<Shared>,
    Path(name): Path<String>,
    Query(search): Query<Search>,
    who: Who,
) -> Result {
    let service = known(&name)?;
    let begin = Piece { web, who, name: service, search: search.text(), cursor: String::new(), left: PIECES };
    // In one answer of a known length: browsers give up a download of which they cannot tell the end.
    let (mut text, mut rest) = begin.read().await?;
    while let Some(piece) = rest.filter(|_| text.len() < WHOLE) {
        let (more, next) = piece.read().await?;
        text.push_str(&more);
        rest = next;
    }
    let disposition = format!("attachment; filename=\"{}.log.txt\"", known(&name)?);
    Ok((
        [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
            (header::CONTENT_DISPOSITION, disposition),
        ],
        text,
    )
        .into_response())
}

fn verb(word: &str) -> Result<Verb> {
    match word {
        "start" => Ok(Verb::Start),
        "stop" => Ok(Verb::Stop),
        "restart" => Ok(Verb::Restart),
        _ => Err(Failure::not_found()),
    }
}

/// `GET /services/NAME/act/VERB`: what it does, before it is done.
pub async fn ask(
    State(web): State<Shared>,
    Path((name, word)): Path<(String, String)>,
    who: Who,
    view: View,
) -> Result {
    verb(&word)?;
    let action = format!("/services/{name}/act/{word}");
    asked(&web, &who, &view, &name, word, action).await
}

/// `GET /services/NAME/rebuild`.
pub async fn ask_rebuild(
    State(web): State<Shared>,
    Path(name): Path<String>,
    who: Who,
    view: View,
) -> Result {
    let action = format!("/services/{name}/rebuild");
    asked(&web, &who, &view, &name, "rebuild".to_owned(), action).await
}

async fn asked(web: &Shared, who: &Who, view: &View, name: &str, word: String, action: String) -> Result {
    let f = view.frame.clone();
    let service = service(web, who, name).await?;
    let title = f.service(name);
    view.render(&AskPage {
        name: name.to_owned(),
        question: f.t1(&format!("ask-{word}"), "service", &title),
        happens: f.t1(&format!("ask-{word}-effect"), "service", &title),
        press: f.t1(&format!("ask-{word}-do"), "service", &title),
        title,
        effect: if word == "start" { String::new() } else { f.pick("stops", name) },
        needed_by: service.needed_by.iter().map(|n| f.service(n.as_str())).collect(),
        grace: f.span(&service.stop_grace_s),
        word,
        action,
        f,
    })
}

/// `POST /services/NAME/act/VERB`.
pub async fn act(State(web): State<Shared>, Path((name, word)): Path<(String, String)>, who: Who) -> Result {
    let (name, verb) = (known(&name)?, verb(&word)?);
    ask!(web.app.control(), &who.actor, Request::Act { name: name.clone(), verb } => Done)?;
    web.forget().await;
    Err(Failure::to(format!("/services/{name}")))
}

/// `POST /services/NAME/rebuild`.
pub async fn rebuild(State(web): State<Shared>, Path(name): Path<String>, who: Who) -> Result {
    let name = known(&name)?;
    ask!(web.app.control(), &who.actor, Request::Rebuild { name: name.clone() } => Done)?;
    web.forget().await;
    Err(Failure::to(format!("/services/{name}")))
}
