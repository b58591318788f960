"""Every mistake, on a real server, is told by its name with each of the three commands; the server mended is readable."""
import json

import pytest

from mistakes import MISTAKES
from site_of_mistakes import Recording

COMMANDS = ["probe", "har", "question"]


def filled(answers, words):
    """Answers with the servers' own addresses in place of their names."""
    def value(text):
        for word, address in words.items():
            text = text.replace(word, address)
        return text

    return {kind: (status, [(name, value(text)) for name, text in lines]) for kind, (status, lines) in answers.items()}


class Case:
    """One server, wrong or right, and the request of a page."""

    def __init__(self, mistake, is_right, site, other_site):
        self.mistake, self.is_right = mistake, is_right
        self.page = is_right and mistake.right_page or mistake.page
        self.request = is_right and mistake.right_request or mistake.request
        path = f"/{mistake.id}/{'right' if is_right else 'wrong'}"
        self.url, words = site.origin + path, {"{site}": site.origin, "{other}": other_site.origin, "{path}": path}
        answers = mistake.right if is_right else mistake.wrong
        self.answers = filled(answers, words)
        site.answers[path] = self.answers
        for suffix, answers in mistake.then.items():
            # Wherever the redirect leads to; whoever the tainted request comes from.
            site.answers[path + suffix] = other_site.answers[path + suffix] = filled(answers, words)

    @property
    def is_blocked(self):
        return not self.is_right and self.mistake.fails_at is not None

    def recording(self):
        sends_request = self.is_right or self.mistake.fails_at != "preflight"
        return Recording(self.page, self.request, self.url, "preflight" in self.answers, sends_request)

    def run(self, command, corsac, folder):
        reads = [word for name in self.mistake.reads for word in ("--read", name)]
        if command == "probe":
            words = ["--origin", self.page, "-X", self.request["method"], "--send", "--follow", "--no-extra", *reads]
            for name, value in self.request.get("headers", []):
                words += ["-H", f"{name}: {value}"]
            words += ["--credentials", self.request["credentials"]] if "credentials" in self.request else []
            return corsac("probe", "--json", self.url, *words)
        file = folder / command
        if command == "har":
            file.write_text(self.recording().har(self.is_blocked))
            return corsac("explain", "--json", "--har", file, *reads)
        file.write_text(self.recording().question(self.mistake.reads))
        return corsac("explain", "--json", "--question", file)


def verdicts(explanation):
    return {of["profile"]: of["outcome"] for of in explanation["profiles"]}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.id)
def test_a_mistake_is_told_by_its_name(mistake, command, site, other_site, corsac, tmp_path):
    case = Case(mistake, False, site, other_site)
    ran = case.run(command, corsac, tmp_path)
    [explanation] = ran.explanations()
    hints = explanation["hints"]
    codes = [hint["code"] for hint in hints]
    if mistake.fails_at:
        assert ran.code == 1
        assert explanation["readable"] is False
        assert codes[0] == mistake.code, codes
    else:
        assert ran.code == 0
        assert explanation["readable"] is True
        assert mistake.code in codes, codes
    hint = next(hint for hint in hints if hint["code"] == mistake.code)
    # The words are sentences that stand for themselves.
    assert hint["cause"].endswith(".") and hint["fix"].endswith(".")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.id)
def test_the_fix_works(mistake, command, site, other_site, corsac, tmp_path):
    ran = Case(mistake, True, site, other_site).run(command, corsac, tmp_path)
    [explanation] = ran.explanations()
    assert set(verdicts(explanation).values()) == {"allowed"}, json.dumps(explanation["hints"], indent=1)
    assert ran.code == 0
    codes = [hint["code"] for hint in explanation["hints"]]
    assert mistake.code not in codes
    assert not [hint for hint in explanation["hints"] if hint["is_cause"]]


def test_twenty_mistakes_at_least_are_told_apart():
    assert len({mistake.code for mistake in MISTAKES if mistake.fails_at}) >= 20
    assert len({mistake.id for mistake in MISTAKES}) == len(MISTAKES)


def test_the_text_names_cause_and_fix(site, other_site, corsac, tmp_path):
    mistake = next(mistake for mistake in MISTAKES if mistake.id == "trailing-slash")
    case = Case(mistake, False, site, other_site)
    ran = corsac("probe", case.url, "--origin", case.page, "--no-extra")
    assert ran.code == 1
    assert "blocked by the standard, Chromium, Firefox" in ran.out
    assert "cause[origin-with-trailing-slash]: Access-Control-Allow-Origin is https://app.example.test/" in ran.out
    assert "→ Send exactly `https://app.example.test`." in ran.out
    assert "Chromium prints" in ran.out and "has been blocked by CORS policy" in ran.out
