//! Properties 1 and 3: a browser that follows the standard and the evaluator mean the same.

#![allow(missing_docs)]
#![allow(clippy::indexing_slicing, reason = "in a test a panic is a failure with a place")]

use corsac_properties::browser::{Browser, Credentials, Outcome, Profile, Script};
use corsac_properties::generate::origin::Pools;
use corsac_properties::generate::{self, script::anonymous};
use corsac_properties::run::{Count, check, policy};
use corsac_properties::server::Server;
use corsac_properties::twin::{Decision, Twin};
use serde_json::Value;

fn server<'p>(document: &Value, policy: &'p corsac::Policy, page: &[u8]) -> Server<'p> {
    // With "keep" the application answers for what it sets.
    if Twin::read(document).keep_foreign { Server::plain(policy) } else { Server::careless(policy, page) }
}

/// Whether the deciding rule admits the credentials mode.
fn admitted(script: &Script, decided: &[Decision], twin: &Twin) -> bool {
    let rules = decided.iter().filter_map(|decision| decision.rule);
    script.credentials != Credentials::Include || rules.into_iter().all(|rule| twin.rules[rule].credentials)
}

/// What a script met.
pub(crate) struct Met {
    allowed: bool,
    /// Whether the deciding rule admits the credentials mode.
    admitted: bool,
    preflight: bool,
}

/// One script in one browser: that it reads the response if and only if the policy means it to. None where nothing
/// crosses origins.
pub(crate) fn agreement(
    document: &Value,
    policy: &corsac::Policy,
    twin: &Twin,
    script: &Script,
    profile: Profile,
) -> Result<Option<Met>, String> {
    let mut server = server(document, policy, &script.page);
    let outcome = Browser::new(profile).fetch(script, &mut |sent| server.respond(sent));
    let decided = &server.decided;
    let cross_origin = script.page != script.target.as_bytes();
    let first_party = decided.iter().any(|decision| decision.reason == "same-origin");
    if outcome == Outcome::Impossible || !cross_origin || first_party {
        return Ok(None);
    }
    let allowed = decided.iter().all(|decision| decision.allowed);
    let admitted = admitted(script, decided, twin);
    if (outcome == Outcome::Readable) != (allowed && admitted) {
        return Err(format!("{profile}: {outcome:?}\n{document:#}\n{script:?}\n{decided:#?}"));
    }
    Ok(Some(Met { allowed, admitted, preflight: decided.len() > 1 }))
}

#[test]
fn a_script_reads_the_response_if_and_only_if_it_is_allowed() {
    let (readable, after_preflight, refused, not_admitted) =
        (Count::default(), Count::default(), Count::default(), Count::default());
    check(3_000, 12, |draw, scripts| {
        let (document, policy) = policy(draw)?;
        let (twin, pools) = (Twin::read(&document), Pools::of(&document));
        for draw in scripts {
            let script = generate::script(draw, &pools);
            for profile in Profile::ALL {
                match agreement(&document, &policy, &twin, &script, profile)? {
                    Some(Met { allowed: true, admitted: true, preflight: true }) => after_preflight.one(),
                    Some(Met { allowed: true, admitted: true, .. }) => readable.one(),
                    Some(Met { allowed: true, admitted: false, .. }) => not_admitted.one(),
                    Some(Met { allowed: false, .. }) => refused.one(),
                    None => {}
                }
            }
        }
        Ok(())
    });
    [readable, after_preflight, refused, not_admitted].iter().for_each(|count| count.at_least(1_000));
}

#[test]
fn a_preflight_from_the_cache_is_allowed_exactly_when_a_fresh_one_would_be() {
    let from_cache = Count::default();
    check(3_000, 12, |draw, scripts| {
        let (document, policy) = policy(draw)?;
        let pools = Pools::of(&document);
        let pages = [generate::script::known_page(draw, &pools), generate::script::page(draw, &pools)];
        for profile in Profile::ALL {
            let mut browser = Browser::new(profile);
            for draw in scripts.iter() {
                let draw = &mut draw.clone();
                let page = draw.pick(&pages).clone();
                let script =
                    Script { page, target: "https://api.example.net".into(), ..anonymous(draw, &pools) };
                browser.now += draw.choose(&[0, 0, 1, 4, 5, 600]);
                let mut cached = server(&document, &policy, &script.page);
                let mut fresh = server(&document, &policy, &script.page);
                let with_cache = browser.fetch(&script, &mut |sent| cached.respond(sent));
                let without = Browser::new(profile).fetch(&script, &mut |sent| fresh.respond(sent));
                if with_cache == Outcome::Readable && cached.decided.len() < fresh.decided.len() {
                    from_cache.one();
                }
                if with_cache != without {
                    let name = profile.name();
                    let fresh = fresh.decided;
                    return Err(format!(
                        "{name}: {with_cache:?}, fresh {without:?}\n{document:#}\n{script:?}\n{fresh:#?}"
                    ));
                }
            }
        }
        Ok(())
    });
    from_cache.at_least(500);
}
