//! S3's rules: engine and twin, and what every decision promises.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a claim that fails should panic"
)]

use std::collections::BTreeMap;

use corsac::s3::{Dialect, S3Options};
use corsac::{Difference, Policy, Subject};
use corsac_properties::compare::{decide, shown_to_engine};
use corsac_properties::draw::Draw;
use corsac_properties::run::{self, check, number_from, seed};
use corsac_properties::s3::{Bucket, bucket, modest_bucket, request};
use corsac_properties::twin::{Decision, Twin};

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

/// What decides about one request.
type Ask<'a> = dyn Fn(&str, &[(&str, &str)]) -> Decision + 'a;

/// What a twin allows an origin with a method and headers: whether at all, with credentials, what it is shown.
fn allowed(ask: &Ask<'_>, origin: &str, method: &str, headers: &str) -> (bool, bool, Vec<String>) {
    let mut lines = vec![("Origin", origin), ("Access-Control-Request-Method", method)];
    if !headers.is_empty() {
        lines.push(("Access-Control-Request-Headers", headers));
    }
    if !ask("OPTIONS", &lines).allowed {
        return (false, false, Vec::new());
    }
    let answer = ask(method, &[("Origin", origin)]);
    let find = |name: &str| answer.edits.iter().find(|edit| edit.0 == "set" && edit.1 == name);
    let shown = find("Access-Control-Expose-Headers")
        .map(|edit| String::from_utf8_lossy(&edit.2).to_ascii_lowercase());
    let mut shown: Vec<String> =
        shown.iter().flat_map(|list| list.split(',')).map(|name| name.trim().to_owned()).collect();
    shown.sort();
    shown.dedup();
    (true, find("Access-Control-Allow-Credentials").is_some(), shown)
}

fn ask_bucket(bucket: &Bucket) -> impl Fn(&str, &[(&str, &str)]) -> Decision + '_ {
    |method, lines| {
        let lines: Vec<_> =
            lines.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
        bucket.evaluate(method.as_bytes(), &lines)
    }
}

fn ask_document(twin: &Twin) -> impl Fn(&str, &[(&str, &str)]) -> Decision + '_ {
    |method, lines| {
        let lines: Vec<_> =
            lines.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
        twin.evaluate(method.as_bytes(), &lines)
    }
}

/// Whether a difference is one, for the twins.
fn is_so(found: &Difference, first: &Ask<'_>, second: &Ask<'_>) -> bool {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "CORSAC-PROBE"];
    let origin = found.origin.as_str();
    let (allows, other) = if found.first_allows { (first, second) } else { (second, first) };
    let both = |method: &str| allowed(allows, origin, method, "").0 && allowed(other, origin, method, "").0;
    let methods: Vec<&str> = match &found.method {
        Some(method) => vec![method.as_str()],
        None => METHODS.into_iter().filter(|method| both(method)).collect(),
    };
    let all =
        |claim: &dyn Fn(&str) -> bool| !methods.is_empty() && methods.iter().all(|method| claim(method));
    match &found.subject {
        Subject::Origin => {
            METHODS.iter().any(|method| allowed(allows, origin, method, "").0)
                && !METHODS.iter().any(|method| allowed(other, origin, method, "").0)
        }
        Subject::Method(method) => {
            allowed(allows, origin, method, "").0 && !allowed(other, origin, method, "").0
        }
        Subject::Credentials => {
            all(&|method| allowed(allows, origin, method, "").1 && !allowed(other, origin, method, "").1)
        }
        Subject::ExposedHeader(name) => all(&|method| {
            allowed(allows, origin, method, "").2.contains(name)
                && !allowed(other, origin, method, "").2.contains(name)
        }),
        Subject::Header(name) => {
            all(&|method| allowed(allows, origin, method, name).0 && !allowed(other, origin, method, name).0)
        }
        Subject::Headers(names) => all(&|method| {
            names.iter().all(|name| allowed(other, origin, method, name).0)
                && allowed(allows, origin, method, &names.join(",")).0
                && !allowed(other, origin, method, &names.join(",")).0
        }),
        _ => false,
    }
}

/// Whether twins differ about an origin, in whatever they could be asked.
fn differ(origin: &str, first: &Ask<'_>, second: &Ask<'_>) -> bool {
    let names = ["x-a", "x-b", "content-type", "x-other"];
    ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"].iter().any(|method| {
        (0..1 << names.len()).any(|bits| {
            let asked: Vec<&str> = names
                .iter()
                .enumerate()
                .filter(|(bit, _)| bits >> bit & 1 == 1)
                .map(|(_, name)| *name)
                .collect();
            let headers = asked.join(",");
            allowed(first, origin, method, &headers) != allowed(second, origin, method, &headers)
        })
    })
}

const PAGES: [&str; 14] = [
    "https://a.example",
    "https://b.example",
    "https://b.a.example",
    "https://c.b.a.example",
    "https://pr-1.a.example",
    "https://pr-1.b.a.example",
    "http://localhost",
    "http://localhost:3000",
    "http://a.example",
    "http://b.a.example",
    "https://a.example:8443",
    "https://b.a.example:8443",
    "https://other.test",
    "null",
];

/// Every difference is one, and none of an origin that either names is missed, as the twins have it; how many.
fn compared(texts: &str, policies: [&Policy; 2], asks: [&Ask<'_>; 2]) -> usize {
    let [first, second] = asks;
    let found = policies[0].differences(policies[1]);
    assert!(!found.is_partial);
    for difference in &found.list {
        assert!(is_so(difference, first, second), "{difference:?} is none of\n{texts}");
    }
    let told: Vec<&str> = found.list.iter().map(|difference| difference.origin.as_str()).collect();
    for page in PAGES {
        if differ(page, first, second) {
            assert!(!told.is_empty(), "nothing is told about {page} of\n{texts}");
            let is_named = texts.contains(&format!("\"{page}\"")) || page == "null";
            assert!(!is_named || told.contains(&page), "{page} is missing in {told:?} of\n{texts}");
        } else {
            assert!(!told.contains(&page), "{page} does not differ: {:?}\n{texts}", found.list);
        }
    }
    // The same the other way round.
    let back = policies[1].differences(policies[0]).list;
    let mut turned: Vec<Difference> =
        back.into_iter().map(|found| Difference { first_allows: !found.first_allows, ..found }).collect();
    let mut list = found.list;
    turned.sort();
    list.sort();
    let without_sets = |list: Vec<Difference>| -> Vec<Difference> {
        list.into_iter().filter(|found| !matches!(found.subject, Subject::Headers(_))).collect()
    };
    let (list, turned) = (without_sets(list), without_sets(turned));
    assert_eq!(list, turned, "{texts}");
    list.len()
}

#[test]
fn differences_are_so_and_none_is_missed() {
    let (mut buckets, mut documents, mut same) = (0, 0, 0);
    for number in 0..1_000 {
        let mut draw = Draw::from_seed(seed().wrapping_add(number));
        let draw = &mut draw;
        let first = modest_bucket(draw);
        let mut second = if draw.chance(50) { modest_bucket(draw) } else { first.clone() };
        second.aws = first.aws;
        if draw.chance(40) {
            let rule = modest_bucket(draw).rules.remove(0);
            second.rules.push(rule);
        }
        let (a, b) = (policy_of(&first).unwrap(), policy_of(&second).unwrap());
        let texts = format!("{}\n{}", first.document(), second.document());
        let count = compared(&texts, [&a, &b], [&ask_bucket(&first), &ask_bucket(&second)]);
        buckets += count;
        same += usize::from(count == 0);
        let Some(document) = b.convert_to_document().and_then(|conversion| conversion.policy) else {
            continue;
        };
        let text = document.document();
        let twin = Twin::read(&serde_json::from_str(&text).unwrap());
        let texts = format!("{}\n{text}", first.document());
        documents += compared(&texts, [&a, &document], [&ask_bucket(&first), &ask_document(&twin)]);
    }
    println!(
        "{buckets} differences of buckets, {documents} of a bucket and a document, {same} pairs without any"
    );
    assert!(buckets > 1_000 && documents > 1_000 && same > 100);
}

/// The changes that account for a difference of a bucket and the document that it became.
fn codes_to_document(found: &Difference) -> Vec<&'static str> {
    let mut codes = vec!["earlier-rule-decides", "rules-joined"];
    codes.extend(match (&found.subject, found.first_allows) {
        (Subject::Origin | Subject::Method(_), true) => {
            ["origin-left-out", "wildcard-narrowed", "rule-left-out"].as_slice()
        }
        (Subject::Origin | Subject::Method(_), false) => {
            ["safelisted-methods-allowed", "wildcard-narrowed"].as_slice()
        }
        // Another rule decides where a wildcard no longer matches.
        (Subject::Credentials, _) => {
            ["credentials-left-out", "wildcard-narrowed", "origin-left-out", "safelisted-methods-allowed"]
                .as_slice()
        }
        _ => ["header-left-out", "wildcard-narrowed", "origin-left-out", "safelisted-methods-allowed"]
            .as_slice(),
    });
    codes
}

#[test]
fn a_bucket_becomes_a_document_that_allows_the_same_unless_told() {
    let (mut same, mut changed, mut nothing) = (0, 0, 0);
    for number in 0..4_000 {
        let mut draw = Draw::from_seed(seed().wrapping_add(number));
        let bucket = if number % 2 == 0 { bucket(&mut draw) } else { modest_bucket(&mut draw) };
        let policy = policy_of(&bucket).unwrap();
        let conversion = policy.convert_to_document().unwrap();
        let Some(document) = conversion.policy else {
            assert!(!conversion.changes.is_empty(), "nothing is left, and nobody is told: {bucket:?}");
            nothing += 1;
            continue;
        };
        assert!(document.s3_options().is_none());
        let differences = policy.differences(&document).list;
        for found in &differences {
            let codes = codes_to_document(found);
            let is_told = conversion.changes.iter().any(|change| codes.contains(&change.code));
            assert!(is_told, "{found:?}\n{bucket:?}\n{}\n{:?}", document.document(), conversion.changes);
        }
        // Guards that are lifted and names that are lost change nothing by themselves.
        if differences.is_empty() {
            same += 1;
        } else {
            changed += 1;
        }
        let back = document.convert_to_s3(options(&bucket)).unwrap();
        assert!(back.policy.is_some(), "{}: {:?}", document.document(), back.changes);
    }
    println!("{same} allow the same, {changed} differ, of {nothing} nothing was left");
    assert!(same > 200 && changed > 1_000);
}

/// The changes that account for a difference of a document and the bucket that it became.
fn codes_to_s3(found: &Difference) -> Vec<&'static str> {
    let mut codes = vec!["later-rule-allows", "wildcard-widened", "ports-left-out"];
    codes.extend(match (&found.subject, found.first_allows) {
        (Subject::Origin, _) => [].as_slice(),
        (Subject::Method(_), true) => ["methods-left-out"].as_slice(),
        (Subject::Credentials, false) => ["credentials-allowed"].as_slice(),
        (Subject::Timing, true) => ["setting-left-out"].as_slice(),
        (Subject::Header(_) | Subject::ExposedHeader(_), true) => ["header-left-out"].as_slice(),
        _ => [].as_slice(),
    });
    codes
}

#[test]
fn a_document_becomes_a_bucket_that_allows_the_same_unless_told() {
    let (mut same, mut changed) = (0, 0);
    for number in 0..2_000 {
        let mut draw = Draw::from_seed(seed().wrapping_add(number));
        let (document, policy) = run::policy(&mut draw).unwrap();
        let dialect = draw.choose(&Dialect::ALL);
        let conversion = policy.convert_to_s3(S3Options { dialect, strict: false }).unwrap();
        let Some(bucket) = conversion.policy else {
            panic!("{document}: {:?}", conversion.changes);
        };
        let differences = policy.differences(&bucket).list;
        for found in &differences {
            let codes = codes_to_s3(found);
            let is_told = conversion.changes.iter().any(|change| codes.contains(&change.code));
            let text = bucket.document();
            assert!(is_told, "{found:?}\n{document}\n{text}\n{:?}", conversion.changes);
        }
        if differences.is_empty() {
            same += 1;
        } else {
            changed += 1;
        }
    }
    println!("{same} allow the same, {changed} differ");
    assert!(same > 20 && changed > 500);
}
