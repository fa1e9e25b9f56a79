//! `/events`: says "look", never what changed. Pages get their fragment again by the same GET as ever.
//! One task asks the supervisor, and only while somebody listens.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::stream;

use crate::{
    error::{Failure, Result},
    state::Shared,
};

/// More open streams than this are refused: each holds a connection.
const MOST: usize = 64;
/// How often the supervisor is asked.
const EVERY: Duration = Duration::from_secs(2);

/// Counts open streams.
#[derive(Clone, Debug, Default)]
pub struct Subscribers(Arc<AtomicUsize>);

/// One open stream; dropping it frees its place.
#[derive(Debug)]
struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Subscribers {
    fn sit(&self) -> Option<(Seat, bool)> {
        let before = self.0.fetch_add(1, Ordering::AcqRel);
        let seat = Seat(self.0.clone());
        (before < MOST).then_some((seat, before == 0))
    }

    fn any(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }
}

/// `GET /events`.
pub async fn events(State(web): State<Shared>) -> Result {
    let Some((seat, first)) = web.subscribers.sit() else {
        return Err(Failure::Status(StatusCode::TOO_MANY_REQUESTS, "throttled"));
    };
    if first {
        tokio::spawn(look(web.clone()));
    }
    let looks = web.watch();
    let stream = stream::unfold((looks, seat), |(mut looks, seat)| async move {
        looks.changed().await.ok()?;
        let event = Event::default().event("status").data("look");
        Some((Ok::<_, Infallible>(event), (looks, seat)))
    });
    let mut response: Response =
        Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response();
    response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(response)
}

/// Looks until nobody listens. A look that fails is retried: the pages say how old theirs is.
async fn look(web: Shared) {
    while web.subscribers.any() {
        if let Err(error) = web.status().await {
            tracing::debug!(%error, "the supervisor does not answer");
        }
        tokio::time::sleep(EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_counted_and_freed() {
        let subscribers = Subscribers::default();
        let (seat, first) = subscribers.sit().expect("the first seat");
        assert!(first && subscribers.any());
        let rest: Vec<_> = (1..MOST).filter_map(|_| subscribers.sit()).collect();
        assert_eq!(rest.len(), MOST - 1);
        assert!(subscribers.sit().is_none(), "one too many");
        drop((seat, rest));
        assert!(!subscribers.any());
    }
}
