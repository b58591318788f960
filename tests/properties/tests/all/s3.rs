//! S3's rules: engine and twin, and what every decision promises.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a claim that fails should panic"
)]

use std::collections::BTreeMap;

use corsac::Policy;
use corsac::s3::{Dialect, S3Options};
use corsac_properties::compare::{decide, shown_to_engine};
use corsac_properties::draw::Draw;
use corsac_properties::run::{check, number_from, seed};
use corsac_properties::s3::{Bucket, bucket, request};

fn options(bucket: &Bucket) -> S3Options {
    let dialect = if bucket.aws { Dialect::Aws } else { Dialect::Zenko };
    S3Options { dialect, strict: bucket.strict }
}

fn policy_of(bucket: &Bucket) -> Result<Policy, String> {
    Policy::from_s3(bucket.document().to_string(), options(bucket)).map_err(|error| error.to_string())
}

/// Engine and twin on one request; what is read from the other texts of the configuration decides alike.
fn agree(bucket: &Bucket, policies: &[Policy], draw: &mut Draw<'_>) -> Result<&'static str, String> {
    let request = request(draw, bucket);
    let twin = bucket.evaluate(&request.method, &request.lines);
    for policy in policies {
        let engine = decide(policy, &request);
        if engine != twin {
            return Err(format!("{bucket:?}\n{request:?}\nengine {engine:?}\ntwin   {twin:?}"));
        }
        let facts = shown_to_engine(&request);
        let decision = policy.evaluate(&facts);
        let exact = decision.s3_headers();
        let find = |name: &str| {
            let found = exact.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        for (op, name, value) in &twin.edits {
            let is_same = find(name).as_ref() == Some(value);
            if *op == "set" && *name != "Access-Control-Allow-Headers" && !is_same {
                return Err(format!("{name} is {exact:?} in {twin:?}"));
            }
        }
        let error = decision.s3_error();
        if error.as_ref().map_or(0, |error| error.status()) != if twin.allowed { 0 } else { twin.status } {
            return Err(format!("{error:?} for {twin:?}"));
        }
        if !bucket.strict && !twin.edits.iter().any(|edit| edit.0 == "vary") {
            return Err(format!("no Vary in {twin:?}"));
        }
    }
    Ok(twin.reason)
}

/// The policy, and those that its texts lead back to.
fn policies_of(bucket: &Bucket) -> Result<Vec<Policy>, String> {
    let policy = policy_of(bucket)?;
    let configuration = policy.s3_configuration().ok_or("no configuration")?;
    let again = |text: String| Policy::from_s3(text, options(bucket)).map_err(|error| error.to_string());
    let (json, xml) =
        (again(configuration.to_json())?, again(configuration.to_xml(options(bucket).dialect))?);
    if json != policy {
        return Err(format!("{} is another policy", policy.document()));
    }
    Ok(vec![policy, json, xml])
}

#[test]
fn engine_and_twin_agree_on_buckets() {
    check(400, 40, |draw, requests| {
        let bucket = bucket(draw);
        let policies = policies_of(&bucket)?;
        requests.iter_mut().try_for_each(|draw| agree(&bucket, &policies, draw).map(|_| ()))
    });
}

#[test]
fn engine_and_twin_agree_on_buckets_case_after_case() {
    let cases = number_from("CORSAC_CASES").unwrap_or(100_000);
    let mut met: BTreeMap<&'static str, u64> = BTreeMap::new();
    for number in 0..cases.div_ceil(100) {
        let seed = seed().wrapping_add(number);
        let mut draw = Draw::from_seed(seed);
        let bucket = bucket(&mut draw);
        let policies = policies_of(&bucket).unwrap_or_else(|error| panic!("CORSAC_SEED={seed}: {error}"));
        for _ in 0..100 {
            match agree(&bucket, &policies, &mut draw) {
                Ok(reason) => *met.entry(reason).or_default() += 1,
                Err(error) => panic!("CORSAC_SEED={seed}\n{error}"),
            }
        }
    }
    println!("buckets: {cases} requests, {met:?}");
    for reason in [
        "allowed",
        "not-cors",
        "same-origin",
        "malformed-origin",
        "malformed-request-headers",
        "s3-no-rule-matches",
        "s3-origin-missing",
        "s3-invalid-request-method",
        "s3-invalid-request-headers",
    ] {
        assert!(met.get(reason).is_some_and(|&times| times > 100), "{reason} was met too seldom: {met:?}");
    }
}

#[test]
fn a_bucket_becomes_a_document_that_allows_the_same_unless_told() {
    let (mut same, mut changed, mut nothing) = (0, 0, 0);
    for number in 0..2_000 {
        let mut draw = Draw::from_seed(seed().wrapping_add(number));
        let bucket = bucket(&mut draw);
        let policy = policy_of(&bucket).unwrap();
        let conversion = policy.convert_to_document().unwrap();
        let Some(document) = conversion.policy else {
            assert!(!conversion.changes.is_empty(), "nothing is left, and nobody is told: {bucket:?}");
            nothing += 1;
            continue;
        };
        assert!(document.s3_options().is_none());
        let differences = policy.differences(&document).list;
        if conversion.changes.is_empty() {
            assert_eq!(differences, [], "{bucket:?}\n{}", document.document());
            same += 1;
        } else {
            changed += 1;
        }
        let back = document.convert_to_s3(options(&bucket)).unwrap();
        assert!(back.policy.is_some(), "{}: {:?}", document.document(), back.changes);
    }
    println!("{same} became the same, {changed} changed, of {nothing} nothing was left");
    assert!(same > 0 && changed > 1_000);
}
