//! Hints about the rules of an S3 bucket: which rule comes nearest, and what it lacks.

use super::hints::Hints;
use super::policy::{about_header, capital, is_of_policy, reads};
use super::{Explanation, Question};
use crate::browser::Outcome;
use crate::s3::{Missed, Rule, S3Rules};

pub(super) fn find(
    question: &Question,
    rules: &S3Rules,
    explanation: &Explanation,
    outcome: &Outcome,
    hints: &mut Hints,
) {
    match &outcome.cause {
        Some(failure) if is_of_policy(failure) => refusal(question, rules, explanation, outcome, hints),
        Some(_) => {}
        None => {
            let rule = explanation.decisions.iter().find_map(|decision| decision.rule).unwrap_or(0);
            let Some(decided) = rules.configuration().rules().get(rule as usize) else { return };
            let is_exposed =
                |name: &str| decided.expose_headers().iter().any(|other| other.eq_ignore_ascii_case(name));
            reads(
                question,
                outcome,
                hints,
                &is_exposed,
                "ExposeHeaders",
                &path(rule as usize, "ExposeHeaders"),
            );
            if !outcome.preflights.is_empty() && decided.max_age_seconds().is_none() {
                hints
                    .remark(
                        "preflight-kept-for-5-seconds",
                        "Without `MaxAgeSeconds` browsers keep the answer to a preflight for 5 seconds.",
                        "Set `MaxAgeSeconds`; Chromium keeps it for 7200 seconds at most.",
                    )
                    .at(path(rule as usize, "MaxAgeSeconds"))
                    .suggest("7200");
            }
        }
    }
}

/// Where something stands in the JSON of the AWS command line.
fn path(rule: usize, key: &str) -> String {
    format!("CORSRules[{rule}].{key}")
}

/// What to call a rule: by its ID, or else by its place.
fn called(index: usize, rule: &Rule) -> String {
    rule.id().map_or_else(|| format!("the rule CORSRules[{index}]"), |id| format!("the rule {id:?}"))
}

fn refusal(
    question: &Question,
    rules: &S3Rules,
    explanation: &Explanation,
    outcome: &Outcome,
    hints: &mut Hints,
) {
    let first = outcome.preflights.first();
    let method =
        first.map_or(question.request.method.to_ascii_uppercase(), |first| first.request_method.clone());
    let names = first.and_then(|first| first.request_headers.as_deref()).unwrap_or_default();
    let names: Vec<&str> = names.split(',').filter(|name| !name.is_empty()).collect();
    let page = question.page_origin.as_str();

    // The rule that decided allows the request, so what is wrong is that of its answer.
    let decided = explanation.decisions.iter().find_map(|decision| decision.rule).map(|rule| rule as usize);
    if let Some((index, rule)) =
        decided.and_then(|index| Some((index, rules.configuration().rules().get(index)?)))
    {
        if question.request.credentials == "include" && rule.allows_any_origin() {
            hints
                .cause(
                    "any-origin-with-credentials",
                    format!("The request has credentials, and {} allows `*`, to which S3 answers `*` and no credentials.", called(index, rule)),
                    "Send the request without credentials, or name the origins in a rule of their own that stands before it.",
                )
                .at(path(index, "AllowedOrigins"));
        }
        return;
    }

    if !["GET", "PUT", "HEAD", "POST", "DELETE"].contains(&method.as_str()) {
        hints.cause(
            "method-not-allowed",
            format!("S3 knows the methods GET, PUT, HEAD, POST and DELETE, and no rule can allow {method}."),
            "Send one of the five.",
        );
        return;
    }
    let missed = rules.missed(page.as_bytes(), method.as_bytes(), &names);
    let all = rules.configuration().rules();
    // Of those that miss the same, one that is for this origin was meant, and of these the first.
    let nearest = missed.iter().enumerate().min_by_key(|(_, missed)| (missed.origin, missed.count()));
    let Some(((index, nearest), rule)) = nearest.and_then(|found| Some((found, all.get(found.0)?))) else {
        return;
    };
    let name = called(index, rule);
    if !nearest.origin && is_met_by_several(&missed, names.len()) {
        hints
            .cause(
                "rules-are-not-merged",
                "There are rules for this origin that allow the method, and others that allow the headers, and none that allows all of it: S3 takes the first rule that matches origin, method and every header together.",
                "Put methods and headers of one origin into one rule.",
            )
            .at(path(index, "AllowedOrigins"));
    }
    if nearest.origin {
        let whose = if all.len() == 1 { String::new() } else { format!("; {name} comes nearest") };
        hints
            .cause(
                "origin-not-allowed",
                format!("No rule has an AllowedOrigin that matches the page's origin {page}{whose}."),
                "Add it to `AllowedOrigins` of the rule that it belongs to, if this page may read responses.",
            )
            .at(path(index, "AllowedOrigins"))
            .suggest(page);
    }
    if nearest.method {
        hints
            .cause(
                "method-not-allowed",
                format!("{} does not have {method} among its AllowedMethods, which S3 compares for every request, GET and HEAD too.", capital(&name)),
                "Add it to `AllowedMethods`, if this page may send it.",
            )
            .at(path(index, "AllowedMethods"))
            .suggest(method);
    }
    for name_asked in nearest.headers.iter().filter_map(|&place| names.get(place)) {
        let (why, fix) = about_header(name_asked);
        // S3's `*` is any header, authorization too.
        let fix = if *name_asked == "authorization" { "" } else { fix };
        hints
            .cause(
                "header-not-allowed",
                format!(
                    "{} has no AllowedHeader that matches the request header {name_asked}{why}.",
                    capital(&name)
                ),
                format!("Add {name_asked:?} to `AllowedHeaders`{fix}."),
            )
            .at(path(index, "AllowedHeaders"))
            .suggest(*name_asked);
    }
}

/// Whether every part of the request is met by some rule of this origin.
fn is_met_by_several(missed: &[Missed], names: usize) -> bool {
    let of_origin = || missed.iter().filter(|missed| !missed.origin);
    of_origin().any(|missed| !missed.method)
        && (0..names).all(|name| of_origin().any(|missed| !missed.headers.contains(&name)))
}
