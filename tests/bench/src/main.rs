//! Measures corsac beside tower-http, actix-cors and a plain `HashSet`, in one process and interleaved, and
//! prints net figures.
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

/// The application behind actix-cors; the plain one for what a request costs without.
mod actix {
    use actix_web::dev::{Service, ServiceResponse};
    use actix_web::{App, HttpResponse, test, web};

    async fn service(
        cors: bool,
    ) -> impl Service<
        actix_http::Request,
        Response = ServiceResponse<impl actix_web::body::MessageBody>,
        Error = actix_web::Error,
    > {
        let handler = || async { HttpResponse::Ok().insert_header(("content-type", "text/plain")).finish() };
        let middleware = actix_cors::Cors::default()
            .allowed_origin(super::ORIGIN)
            .allowed_methods(["GET", "PUT", "DELETE"])
            .allowed_headers(["content-type", "x-token"])
            .supports_credentials()
            .max_age(600);
        let middleware = actix_web::middleware::Condition::new(cors, middleware);
        test::init_service(App::new().wrap(middleware).route("/", web::to(handler))).await
    }

    /// Nanoseconds of one call in each of some rounds.
    pub(crate) fn rounds(cors: bool, request: &http::Request<()>, rounds: usize, calls: u32) -> Vec<f64> {
        actix_web::rt::System::new().block_on(async {
            let service = service(cors).await;
            let mut seen = Vec::new();
            for _ in 0..rounds {
                // The requests of this framework are not cheap to make, so they are made beforehand.
                let requests: Vec<_> = (0..calls)
                    .map(|_| {
                        let method =
                            actix_web::http::Method::from_bytes(request.method().as_str().as_bytes())
                                .unwrap();
                        let mut made = test::TestRequest::with_uri("/").method(method);
                        for (name, value) in request.headers() {
                            made = made.append_header((name.as_str(), value.to_str().unwrap()));
                        }
                        made.to_request()
                    })
                    .collect();
                let start = std::time::Instant::now();
                for request in requests {
                    std::hint::black_box(service.call(request).await.ok());
                }
                seen.push(start.elapsed().as_nanos() as f64 / f64::from(calls));
            }
            seen
        })
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
    println!(
        "{:<32} {:>20} {:>20} {:>20} {:>7} {:>7} {:>18}",
        "", "tower-http", "actix-cors", "corsac", "ratio", "ratio", "evaluate alone"
    );
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
        let bare_actix = if case.reaches_application {
            figure(actix::rounds(false, &case.request, 15, 2_000)).median
        } else {
            0.0
        };
        let actix = (figure(actix::rounds(true, &case.request, 15, 2_000)).median - bare_actix).max(0.1);
        let shown = |[median, low, high]: [f64; 3]| format!("{median:.0} ({low:.0}-{high:.0})");
        println!(
            "{} {:<30} {:>20} {:>20} {:>20} {:>6.1}x {:>6.1}x {:>15.1} ns",
            case.name,
            case.about,
            shown(theirs),
            format!("{actix:.0}"),
            shown(mine),
            theirs[0] / mine[0],
            actix / mine[0],
            alone.median
        );
        rows.push(serde_json::json!({
            "surface": "rust", "case": case.name, "about": case.about,
            "peer": "tower-http", "peer_ns": theirs[0], "peer_quartiles": [theirs[1], theirs[2]],
            "corsac_ns": mine[0], "corsac_quartiles": [mine[1], mine[2]],
            "ratio": theirs[0] / mine[0], "actix_cors_ns": actix, "evaluate_ns": alone.median,
        }));
    }
    let scale = scale();
    if let Some(path) = std::env::args().nth(1) {
        let all = serde_json::json!({ "cases": rows, "scale": scale });
        std::fs::write(&path, serde_json::to_string_pretty(&all).unwrap()).unwrap();
    }
}

/// Origins at random among n, for corsac, a set of strings, and tower-http as long as one can wait for it.
fn scale() -> Vec<serde_json::Value> {
    const CALLS: usize = 50_000;
    let mut random = 88_172_645_463_325_252_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    println!("\nOrigins at random among n, nanoseconds a decision (median), and what a policy of n costs");
    println!(
        "{:>9} {:>9} {:>9} | {:>12} {:>9} | {:>12} | {:>9} {:>9}",
        "n", "allowed", "refused", "HashSet", "refused", "tower-http", "load ms", "B/origin"
    );
    let mut rows = Vec::new();
    for n in [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] {
        let origins: Vec<String> =
            (0..n).map(|number| format!("https://t{:x}{number:06}.example.com", next() & 0xff)).collect();
        let document = serde_json::json!({ "allow_origins": origins }).to_string();
        let before = alloc::live();
        let start = Instant::now();
        let policy = Policy::from_json(&document).unwrap();
        let load = start.elapsed().as_secs_f64() * 1e3;
        let bytes = (alloc::live() - before) as f64 / n as f64;
        let set: std::collections::HashSet<String> = origins.iter().cloned().collect();
        // As requests have them: new strings, one after the other.
        let asked: Vec<String> = (0..CALLS).map(|_| origins[next() as usize % n].clone()).collect();
        let allowed: Vec<&String> = asked.iter().collect();
        let strangers: Vec<String> =
            (0..CALLS).map(|number| format!("https://u{:x}{number:06}.example.com", next() & 0xff)).collect();
        let refused: Vec<&String> = strangers.iter().collect();
        let mut seen: [Vec<f64>; 4] = Default::default();
        for _ in 0..9 {
            for (index, list) in [&allowed, &refused].into_iter().enumerate() {
                seen[index].push(each(list, |origin| {
                    let mut request = corsac::Request::new("GET");
                    request.header("origin", origin);
                    black_box(policy.decide(&request));
                }));
                seen[2 + index].push(each(list, |origin| {
                    black_box(set.contains(origin.as_str()));
                }));
            }
        }
        let [allowed_ns, refused_ns, set_allowed, set_refused] = seen.map(|rounds| figure(rounds).median);
        let tower = (n <= 10_000).then(|| tower_at(&origins, &allowed));
        println!(
            "{n:>9} {allowed_ns:>9.1} {refused_ns:>9.1} | {set_allowed:>12.1} {set_refused:>9.1} | {:>12} | {load:>9.1} {bytes:>9.1}",
            tower.map_or("-".to_owned(), |tower| format!("{tower:.0}"))
        );
        rows.push(serde_json::json!({
            "n": n, "allowed_ns": allowed_ns, "refused_ns": refused_ns, "hashset_allowed_ns": set_allowed,
            "hashset_refused_ns": set_refused, "tower_http_ns": tower, "load_ms": load, "bytes_per_origin": bytes,
        }));
    }
    rows
}

fn each(list: &[&String], mut call: impl FnMut(&String)) -> f64 {
    let start = Instant::now();
    for origin in list {
        call(origin);
    }
    start.elapsed().as_nanos() as f64 / list.len() as f64
}

/// An actual request through the layer of tower-http with all origins in its list.
fn tower_at(origins: &[String], asked: &[&String]) -> f64 {
    let list: Vec<HeaderValue> =
        origins.iter().map(|origin| HeaderValue::from_str(origin).unwrap()).collect();
    let mut service = CorsLayer::new().allow_origin(AllowOrigin::list(list)).layer(Application);
    let requests: Vec<Request<()>> =
        asked.iter().take(500).map(|origin| request(Method::GET, &[("origin", origin.as_str())])).collect();
    let rounds = (0..5).map(|_| {
        let start = Instant::now();
        for request in &requests {
            black_box(finished(service.call(request.clone())));
        }
        start.elapsed().as_nanos() as f64 / requests.len() as f64
    });
    figure(rounds.collect()).median
}

/// Counts what is allocated.
mod alloc {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::sync::atomic::{AtomicUsize, Ordering};

    pub(crate) struct Counting;

    static LIVE: AtomicUsize = AtomicUsize::new(0);

    /// Bytes that are allocated now.
    pub(crate) fn live() -> usize {
        LIVE.load(Ordering::Relaxed)
    }

    // SAFETY: every call is passed on to the system's allocator as it came.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            LIVE.fetch_add(layout.size(), Ordering::Relaxed);
            // SAFETY: the caller keeps the promises of `GlobalAlloc`.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
            LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
            // SAFETY: the caller keeps the promises of `GlobalAlloc`.
            unsafe { System.dealloc(memory, layout) }
        }
    }
}

#[global_allocator]
static COUNTING: alloc::Counting = alloc::Counting;
