//! The example of the README.
#![allow(clippy::print_stdout, reason = "an example prints")]

use corsac::Policy;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policy = Policy::from_json(std::fs::read("policy.json")?)?;
    let request = http::Request::get("/").header("origin", "https://app.example.com").body(())?;
    let decision = policy.evaluate(&request);
    println!("{}", decision.reason());
    let mut response = http::Response::new("hello");
    decision.apply(response.headers_mut());
    println!("{:?}", response.headers());
    Ok(())
}
