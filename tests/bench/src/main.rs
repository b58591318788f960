//! Measures corsac beside tower-http, in one process and interleaved, and prints net figures.
//!
//! Net is what a request costs less what it costs without CORS. Preflights never reach the
//! application and count whole.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a program for people"
)]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use corsac::{Action, Policy};
use http::{HeaderValue, Method, Request, Response};
use tower::{Layer, Service};
use tower_http::cors::{AllowOrigin, CorsLayer};

const ORIGIN: &str = "https://app.example.com";

/// The application: a response with one header.
#[derive(Clone)]
struct Application;

impl Service<Request<()>> for Application {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let mut response = Response::new(());
        response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
        ready(Ok(response))
    }
}

/// The application behind corsac, as a server would write it.
struct Corsac {
    policy: Policy,
    application: Application,
}

impl Corsac {
    fn call(&mut self, request: Request<()>) -> Response<()> {
        let verdict = self.policy.decide(&request);
        let (head, ()) = request.into_parts();
        let mut response = if verdict.action() == Action::Respond {
            let mut response = Response::new(());
            *response.status_mut() = http::StatusCode::from_u16(verdict.status()).unwrap();
            response
        } else {
            finished(self.application.call(Request::new(())))
        };
        self.policy.evaluate(&head).apply(response.headers_mut());
        response
    }
}

fn finished<F: Future<Output = Result<Response<()>, Infallible>>>(future: F) -> Response<()> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        _ => Response::new(()),
    }
}

struct Case {
    name: &'static str,
    about: &'static str,
    request: Request<()>,
    reaches_application: bool,
}

fn request(method: Method, headers: &[(&'static str, &str)]) -> Request<()> {
    let mut request =
        Request::builder().method(method).uri("/").header("host", "api.example.com").header("accept", "*/*");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

fn cases() -> Vec<Case> {
    let evil = "https://evil.test";
    let preflight = |origin: &str, headers: &str| {
        request(
            Method::OPTIONS,
            &[
                ("origin", origin),
                ("access-control-request-method", "PUT"),
                ("access-control-request-headers", headers),
            ],
        )
    };
    let long = "a,".repeat(8192);
    let case = |name, about, request, reaches_application| Case { name, about, request, reaches_application };
    vec![
        case("a", "preflight allowed", preflight(ORIGIN, "content-type,x-token"), false),
        case("b", "preflight refused", preflight(evil, "content-type,x-token"), false),
        case("c", "actual allowed", request(Method::GET, &[("origin", ORIGIN)]), true),
        case("d", "actual refused", request(Method::GET, &[("origin", evil)]), true),
        case("e", "no Origin", request(Method::GET, &[]), true),
        case("f", "preflight, 16 KiB of headers", preflight(ORIGIN, &long), false),
    ]
}

/// Nanoseconds of one call, of the fastest half of the rounds: median and spread.
struct Figure {
    median: f64,
    low: f64,
    high: f64,
}

fn figure(mut rounds: Vec<f64>) -> Figure {
    rounds.sort_by(f64::total_cmp);
    let at = |share: f64| rounds[((rounds.len() - 1) as f64 * share) as usize];
    Figure { median: at(0.5), low: at(0.25), high: at(0.75) }
}

fn time(calls: u32, mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        call();
    }
    let spent: Duration = start.elapsed();
    spent.as_nanos() as f64 / f64::from(calls)
}

fn main() {
    let policy = Policy::builder()
        .allow_origin(ORIGIN)
        .allow_method("GET")
        .allow_method("PUT")
        .allow_method("DELETE")
        .allow_header("content-type")
        .allow_header("x-token")
        .allow_credentials(true)
        .max_age(600)
        .build()
        .unwrap();
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list([HeaderValue::from_static(ORIGIN)]))
        .allow_methods([Method::GET, Method::PUT, Method::DELETE])
        .allow_headers([http::header::CONTENT_TYPE, http::HeaderName::from_static("x-token")])
        .allow_credentials(true)
        .max_age(Duration::from_secs(600));
    let mut tower = layer.layer(Application);
    let mut corsac = Corsac { policy: policy.clone(), application: Application };
    let mut bare = Application;
    let (rounds, calls) = (41, 20_000);
    let mut rows = Vec::new();
    println!("Rust, net nanoseconds a request (median, quartiles), policy with one origin and credentials");
    println!("{:<32} {:>22} {:>22} {:>7}   {:>18}", "", "tower-http", "corsac", "ratio", "evaluate alone");
    for case in cases() {
        let mut seen: [Vec<f64>; 4] = Default::default();
        for _ in 0..rounds {
            // A request is consumed by a service, so that all three pay for a copy of it.
            seen[0].push(time(calls, || {
                black_box(finished(bare.call(black_box(&case.request).clone())));
            }));
            seen[1].push(time(calls, || {
                black_box(finished(tower.call(black_box(&case.request).clone())));
            }));
            seen[2].push(time(calls, || {
                black_box(corsac.call(black_box(&case.request).clone()));
            }));
            seen[3].push(time(calls, || {
                black_box(policy.decide(black_box(&case.request)));
            }));
        }
        let copy = if case.reaches_application {
            Vec::new()
        } else {
            (0..rounds)
                .map(|_| {
                    time(calls, || {
                        black_box(black_box(&case.request).clone());
                    })
                })
                .collect()
        };
        let base = figure(if case.reaches_application { std::mem::take(&mut seen[0]) } else { copy }).median;
        let [_, tower, ours, alone] =
            seen.map(|rounds| if rounds.is_empty() { figure(vec![0.0]) } else { figure(rounds) });
        let net =
            |figure: &Figure| [figure.median, figure.low, figure.high].map(|value| (value - base).max(0.1));
        let (theirs, mine) = (net(&tower), net(&ours));
        let shown = |[median, low, high]: [f64; 3]| format!("{median:.0} ({low:.0}-{high:.0})");
        println!(
            "{} {:<30} {:>22} {:>22} {:>6.1}x   {:>15.1} ns",
            case.name,
            case.about,
            shown(theirs),
            shown(mine),
            theirs[0] / mine[0],
            alone.median
        );
        rows.push(serde_json::json!({
            "surface": "rust", "case": case.name, "about": case.about,
            "peer": "tower-http", "peer_ns": theirs[0], "peer_quartiles": [theirs[1], theirs[2]],
            "corsac_ns": mine[0], "corsac_quartiles": [mine[1], mine[2]],
            "ratio": theirs[0] / mine[0], "evaluate_ns": alone.median,
        }));
    }
    if let Some(path) = std::env::args().nth(1) {
        std::fs::write(&path, serde_json::to_string_pretty(&rows).unwrap()).unwrap();
    }
}
