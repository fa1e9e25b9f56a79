//! A box and the browsers that look at it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use flashnode_core::{
    access::Role,
    app::{App, fake::TEST_PASSWORD},
    control::fake::FakeControl,
    ports::clock::Clock,
    types::{Secret, Timestamp},
};
use flashnode_web::{Options, router};
use tower::ServiceExt;

/// The name by which these tests call the box.
pub const HOST: &str = "flashnode.test";

/// A clock that tests move.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicI64>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

impl TestClock {
    pub fn forward(&self, days: i64) {
        self.0.fetch_add(days * 86_400_000, Ordering::Relaxed);
    }
}

pub struct World {
    pub app: Arc<App>,
    pub control: FakeControl,
    pub router: Router,
    pub clock: TestClock,
}

impl World {
    pub async fn over(control: FakeControl) -> Self {
        let clock = TestClock(Arc::new(AtomicI64::new(1_795_348_800_000)));
        let app = App::for_tests_at(control.clone(), Arc::new(clock.clone())).await.expect("an app");
        let app = Arc::new(app);
        let router = router(app.clone(), Options { gallery: true, insecure_preview: false });
        Self { app, control, router, clock }
    }

    /// A box that is set up and good.
    pub async fn good() -> Self {
        Self::over(FakeControl::good()).await
    }

    /// A box that waits for its claim code.
    pub async fn fresh() -> Self {
        Self::over(FakeControl::fresh()).await
    }

    pub fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new(), csrf: String::new() }
    }

    /// A browser in which somebody with this role is signed in.
    pub async fn signed_in(&self, role: Role) -> Browser {
        let new = self.app.session_for_tests(role).await.expect("a session");
        let mut browser = self.browser();
        browser.cookies.insert("__Host-session-flashnode".to_owned(), new.token.expose().clone());
        browser.csrf = new.session.csrf.expose().clone();
        browser
    }

    /// The same, having just shown the password again.
    pub async fn stepped_up(&self, role: Role) -> Browser {
        let mut browser = self.signed_in(role).await;
        let answer = browser.post("/step-up", &[("password", TEST_PASSWORD), ("back", "/")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        browser
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub bytes: usize,
}

impl Answer {
    pub fn place(&self) -> &str {
        self.header("location")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    pub fn shows(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}

#[derive(Clone)]
pub struct Browser {
    pub router: Router,
    pub cookies: BTreeMap<String, String>,
    pub csrf: String,
}

impl Browser {
    /// Sends a request as it is, with this browser's cookies, and keeps what comes back.
    pub async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let jar: Vec<String> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        if !jar.is_empty() {
            request.headers_mut().insert(header::COOKIE, jar.join("; ").parse().expect("cookies"));
        }
        request.headers_mut().entry(header::HOST).or_insert(HOST.parse().expect("a host"));
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let text = cookie.to_str().expect("a cookie");
            let pair = text.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("name=value");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let bytes = to_bytes(body, 10 << 20).await.expect("a body");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(token) =
            text.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next())
        {
            self.csrf = token.to_owned();
        }
        Answer { status: parts.status, headers: parts.headers, text, bytes: bytes.len() }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// What htmx asks when a page is to be drawn again.
    pub async fn look(&mut self, path: &str) -> Answer {
        let request = Request::get(path).header("hx-request", "true").body(Body::empty());
        self.send(request.expect("a request")).await
    }

    /// Sends a form as a page of ours would.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = format!("csrf={}", self.csrf);
        for (name, value) in fields {
            body.push_str(&format!("&{}={}", encode(name), encode(value)));
        }
        self.send(form(path, body)).await
    }
}

/// A form from a page of ours, with this body.
pub fn form(path: &str, body: String) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::ORIGIN, format!("https://{HOST}"))
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .expect("a request")
}

pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-_.".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

pub fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}
