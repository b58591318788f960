"""The page of --html: self-contained, well-formed, readable in a real browser, and nothing of an exchange is markup in it."""
import json
import os
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mistakes import CREDENTIALS, EXPOSE, HEADERS, METHODS, ORIGIN

HERE = Path(__file__).resolve().parent
PAGE = "https://app.example.com"
MARKUP = "\"><img src=x onerror=alert(1)><script>alert(1)</script>&amp;'`<b>`"
LONG = "a-very-long-name-" * 3


def answer(status, *lines):
    return {"status": status, "headers": [list(line) for line in lines]}


QUESTIONS = {
    "blocked": {
        "page_origin": PAGE,
        "request": {"url": "https://api.example.com/v1/items/42?expand=all", "method": "PUT", "credentials": "include",
                    "headers": [["Content-Type", "application/json"], ["X-Token", "abc"]]},
        "server": {"preflight": answer(204, (ORIGIN, PAGE), (CREDENTIALS, "true"), (METHODS, "GET, PUT"), (HEADERS, "content-type"))},
    },
    "readable": {
        "page_origin": PAGE, "reads": ["x-total-count"],
        "request": {"url": "https://api.example.com/v1/items", "method": "DELETE"},
        "server": {"preflight": answer(204, (ORIGIN, "*"), (METHODS, "DELETE")),
                   "actual": answer(200, (ORIGIN, "*"), (EXPOSE, "X-Total-Count"), ("X-Total-Count", "42"), ("X-Secret", "1"))},
    },
    "redirects": {
        "page_origin": PAGE, "request": {"url": "https://api.example.com/old"},
        "server_hops": [
            {"url": "https://api.example.com/old", "actual": answer(301, (ORIGIN, "*"), ("Location", "/new"))},
            {"url": "https://api.example.com/new", "actual": answer(302, (ORIGIN, "*"), ("Location", "https://cdn.example.net/"))},
            {"url": "https://cdn.example.net/", "actual": answer(200, (ORIGIN, PAGE))},
        ],
    },
    "long": {
        "page_origin": f"https://{LONG}1.{LONG}2.preview.example.com",
        "request": {"url": f"https://api.example.com/{'a/very/long/path/' * 10}?q={'x' * 300}", "method": "POST",
                    "headers": [["Authorization", "Bearer " + "eyJhbGciOiJIUzI1NiJ9" * 40]], "credentials": "include"},
        "server": {"preflight": answer(200, (ORIGIN, "https://one.example.com, " * 30), ("Content-Security-Policy", "x" * 2000))},
    },
    "markup": {
        "page_origin": PAGE, "reads": [MARKUP],
        "request": {"url": f"https://api.example.com/?{MARKUP}", "headers": [["X-A", MARKUP]], "body": None},
        "server": {"preflight": answer(204, (ORIGIN, PAGE), (HEADERS, MARKUP), ("X-B", MARKUP)), "actual": answer(200)},
    },
    "markup-of-the-origin": {
        "page_origin": PAGE, "request": {"url": "https://api.example.com/"}, "server": {"actual": answer(200, (ORIGIN, MARKUP))},
    },
    "unknown": {"page_origin": PAGE, "request": {"url": "https://api.example.com/", "method": "PUT"}, "server": {}},
}


@pytest.fixture(scope="module")
def pages(corsac, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    pages = {}
    for name, question in QUESTIONS.items():
        pages[name] = folder / f"{name}.html"
        ran = corsac("explain", "--question", "-", "--html", pages[name], stdin=json.dumps(question).encode())
        assert ran.code in (0, 1), ran.text
    policy = folder / "policy.json"
    policy.write_text(json.dumps({"rules": [{"name": MARKUP, "allow_origins": [PAGE]}, {"allow_origins": ["https://b.test"]}]}))
    pages["policy"] = folder / "policy.html"
    corsac("explain", "--policy", policy, "--page", PAGE, "-X", "PUT", "-H", "X-A: 1", "--credentials", "include",
           "https://api.example.com/", "--html", pages["policy"])
    return pages


class Tags(HTMLParser):
    """Claims that every element is closed in turn, and keeps names and attributes."""

    VOID = {"meta", "wbr", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.names, self.attributes, self.texts = [], set(), [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.names.add(tag)
        self.attributes += attributes
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.open)

    def handle_data(self, data):
        self.texts.append(data)


NAMES = [*QUESTIONS, "policy"]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_well_formed_and_loads_nothing(name, pages):
    text = pages[name].read_text()
    assert text.startswith("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")
    tags = Tags(text)
    assert tags.names <= {
        "html", "head", "meta", "title", "style", "body", "main", "article", "section", "div", "span", "h1", "h2", "p", "b",
        "small", "code", "wbr", "br", "details", "summary", "pre", "ul", "li"}
    assert {name for name, _ in tags.attributes} <= {"lang", "charset", "name", "content", "http-equiv", "class"}
    style = re.search("<style>(.*?)</style>", text, re.S).group(1)
    assert not re.search(r"url\(|@import|image-set|src", style)
    assert "default-src 'none'" in text


@pytest.mark.parametrize("name", ["markup", "markup-of-the-origin", "policy"])
def test_nothing_of_an_exchange_is_markup(name, pages):
    text = pages[name].read_text()
    assert "<script" not in text and "<img" not in text
    assert "&lt;script&gt;" in text or "&lt;img" in text
    # All of it is there, as text.
    assert "onerror=alert(1)" in "".join(Tags(text).texts)


def test_the_failing_step_has_its_fix_beside_it(pages):
    text = pages["blocked"].read_text()
    stop = text[text.index('<div class="stop">'):]
    assert "✗ allow-headers" in stop and "x-token against Access-Control-Allow-Headers: content-type" in stop
    assert "Add x-token to Access-Control-Allow-Headers." in stop
    assert '<code class="good">✓ Access-Control-Allow-Methods: GET, PUT</code>' in text
    assert '<code class="bad">✗ Access-Control-Allow-Headers: content-type</code>' in text
    # Firefox prints two lines.
    assert re.search(r"preflight response\)\.\nCross-Origin Request Blocked", text)
    assert "script reads: x-total-count" in pages["readable"].read_text()


def test_pages_are_readable_in_chromium(pages):
    command = ["node", str(HERE / "pages.mjs"), *map(str, pages.values())]
    process = subprocess.run(command, capture_output=True, timeout=120, env=os.environ)
    assert process.returncode == 0, process.stderr.decode()
    told = json.loads(process.stdout)
    assert len(told) == len(NAMES)
    assert {Path(file).name: wrong for file, wrong in told.items() if wrong} == {}


def test_a_recording_of_several_exchanges_is_one_page(corsac, tmp_path):
    entries = [{"request": {"method": "GET", "url": f"https://api.example.com/{number}",
                            "headers": [{"name": "Origin", "value": PAGE}]},
                "response": {"status": 200, "headers": []}} for number in range(3)]
    ran = corsac("explain", "--har", "-", "--html", tmp_path / "page.html", stdin=json.dumps({"log": {"entries": entries}}).encode())
    assert ran.code == 1
    text = (tmp_path / "page.html").read_text()
    assert text.count("<article>") == 3
    Tags(text)
    nowhere = corsac("explain", "--har", "-", "--html", tmp_path / "no/page.html", stdin=json.dumps({"log": {"entries": entries}}).encode())
    assert nowhere.code == 2 and "no/page.html: " in nowhere.err
