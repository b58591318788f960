"""The model of the browser and explanations: what Python says is what the core says."""

import json
from pathlib import Path

import pytest

import corsac
from corsac.browser import simulate, simulate_sequence

OBSERVED = Path(__file__).resolve().parents[2] / "vectors/observed"
EXCHANGES = json.loads((OBSERVED / "browsers.json").read_text(encoding="utf-8"))["exchanges"]
SEQUENCES = json.loads((OBSERVED / "preflight-cache.json").read_text(encoding="utf-8"))["sequences"]
COLUMNS = {"standard": "standard_expected", "chromium": "chromium", "firefox": "firefox"}
# One is tried again some ten times, which is not modelled.
EXCEPTIONS = {("pre-drop", "firefox")}


@pytest.mark.parametrize("profile", COLUMNS)
def test_every_observed_exchange_ends_as_it_was_seen_to(profile):
    for vector in EXCHANGES:
        if (vector["id"], profile) in EXCEPTIONS:
            continue
        exchange = {key: value for key, value in vector.items() if key not in COLUMNS.values()}
        outcome = simulate(exchange, profile)
        seen = vector[COLUMNS[profile]]
        for key in ("outcome", "preflights", "requests", "status"):
            assert outcome.get(key) == seen.get(key), (vector["id"], key)


@pytest.mark.parametrize("profile", COLUMNS)
def test_every_observed_sequence_uses_the_preflight_cache_as_it_was_seen_to(profile):
    for sequence in SEQUENCES:
        outcomes = simulate_sequence({"steps": sequence["steps"]}, profile)
        seen = " ".join(
            ("P" if outcome["preflight"] == "sent" else "-") + ("" if outcome["outcome"] == "allowed" else "!")
            for outcome in outcomes
        )
        assert seen == sequence[profile], sequence["id"]


QUESTION = {"page_origin": "https://www.example.com", "request": {"url": "https://api.example.com/items", "method": "PUT"}}


def test_a_policy_is_explained_with_the_place_to_change():
    policy = corsac.Policy(allow_origins=["https://example.com"], allow_methods=["PUT"])
    explanation = corsac.explain(QUESTION, policy)
    assert not explanation["readable"]
    assert [of["profile"] for of in explanation["profiles"]] == ["standard", "chromium", "firefox"]
    hint = explanation["hints"][0]
    assert (hint["code"], hint["path"]) == ("origin-differs-in-www", "allow_origins[0]")
    assert explanation["decisions"][0]["reason"] == "origin-not-allowed"


def test_observed_responses_are_explained():
    explanation = corsac.explain({**QUESTION, "server": {"preflight": {"status": 405}}})
    assert explanation["hints"][0]["code"] == "preflight-without-route"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: simulate({"page_origin": "https://a.example", "request": {}}), "url"),
        (lambda: simulate({**QUESTION, "server": {}, "what": 1}), "what"),
        (lambda: simulate({**QUESTION, "server": {}}, "netscape"), "standard, chromium, firefox"),
        (lambda: corsac.explain(QUESTION), "policy"),
        (lambda: simulate_sequence({"steps": [{"exchange": {**QUESTION, "page_origin": "x", "server": {}}}]}), "steps[0]"),
    ],
)
def test_what_makes_no_sense_is_told(call, words):
    with pytest.raises(ValueError, match=words.replace("[", r"\[")):
        call()


def test_neither_takes_what_is_none_of_its_own():
    with pytest.raises(TypeError):
        corsac.explain(QUESTION, object())
