//! `/dev/gallery`: every part in every state. Only where the options of the server say so.

use askama::Template;
use flashnode_core::{
    node::alerts::Alarm,
    types::{ServiceName, Timestamp},
};

use crate::{
    error::{Result, Told},
    pages::setup::{Crumb, crumbs},
    parts::{
        alarm::{AlarmCard, KINDS},
        line::State,
        qr,
    },
    view::{Frame, View},
};

/// The page.
#[derive(Template)]
#[template(path = "gallery.html")]
pub struct GalleryPage {
    states: Vec<State>,
    alarms: Vec<AlarmCard>,
    crumbs: Vec<Crumb>,
    qr: String,
    told: Option<Told>,
    told_with_details: Option<Told>,
    icons: [&'static str; 16],
    f: Frame,
}
plain_pages!(GalleryPage);

/// `GET /dev/gallery`.
pub async fn page(view: View) -> Result {
    let f = view.frame.clone();
    let words = [
        ("good", "state-good"),
        ("info", "state-starting"),
        ("wait", "state-waiting"),
        ("bad", "state-bad"),
        ("warn", "alert-seen"),
        ("off", "state-stopped"),
    ];
    let alarm = |(id, kind)| Alarm {
        id,
        kind,
        service: Some(ServiceName::new("lnd")),
        sentence: "exit code 1".to_owned(),
        since: Timestamp(f.now.0 - 90_000),
        gone: (id % 3 == 2).then_some(f.now),
        acknowledged: (id % 3 == 1).then_some(f.now),
    };
    let sentence = f.t("kind-conflict");
    view.render(&GalleryPage {
        states: words.map(|(class, key)| State::new(class, f.t(key))).to_vec(),
        alarms: (0..).zip(KINDS).map(alarm).map(|alarm| AlarmCard::new(&f, &alarm)).collect(),
        crumbs: crumbs(flashnode_core::setup::Step::Keys),
        qr: qr::svg("otpauth://totp/Flashnode:ana?secret=JBSWY3DPEHPK3PXP&issuer=Flashnode"),
        told: Some(Told { sentence: sentence.clone(), details: None }),
        told_with_details: Some(Told { sentence, details: Some("RPC error -28".to_owned()) }),
        icons: crate::pages::gallery::ICONS,
        f,
    })
}

/// Every icon of the sprite.
pub const ICONS: [&str; 16] = [
    "bolt", "home", "node", "bell", "update", "list", "gear", "more", "check", "clock", "warn", "key",
    "info", "out", "play", "shield",
];
