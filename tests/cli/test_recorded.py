"""Recordings of real Chromium: a page calls a server that makes a mistake, and the export of its developer tools is explained."""
import json
import subprocess
from pathlib import Path

import pytest

from mistakes import CREDENTIALS, HEADERS, METHODS, ORIGIN, VARY

HERE = Path(__file__).resolve().parent
JSON = {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": "{}"}
PUT = {"method": "PUT"}
COOKIES = {"credentials": "include"}


def jobs(page):
    """What is asked and answered, and the hint that names the mistake; none where Chromium lets the script read."""
    allowed = (200, [(ORIGIN, page), VARY])
    star = (200, [(ORIGIN, "*")])
    return {
        "/slash": ({}, {"actual": (200, [(ORIGIN, f"{page}/"), VARY])}, "origin-with-trailing-slash"),
        "/missing": ({}, {"actual": (200, [])}, "allow-origin-missing"),
        "/two": ({}, {"actual": (200, [(ORIGIN, "*"), (ORIGIN, page)])}, "allow-origin-twice"),
        "/error": ({}, {"actual": (500, [])}, "error-without-cors"),
        "/no-route": (PUT, {"preflight": (405, []), "actual": allowed}, "preflight-without-route"),
        "/login": (PUT, {"preflight": (302, [("Location", "/login")]), "actual": allowed}, "preflight-redirected-to-login"),
        "/json": (JSON, {"preflight": star, "actual": star}, "header-not-allowed"),
        "/method": (PUT, {"preflight": (204, [(ORIGIN, page), (METHODS, "GET")]), "actual": allowed}, "method-not-allowed"),
        "/patch": ({"method": "patch"}, {"preflight": (204, [(ORIGIN, page), (METHODS, "PATCH")]), "actual": allowed},
                   "method-in-other-case"),
        # The export leaves cookies out: that the request had credentials shows in what came of it.
        "/everyone": (COOKIES, {"actual": star}, "any-origin-with-credentials"),
        "/every-method": ({**PUT, **COOKIES},
                          {"preflight": (204, [(ORIGIN, page), (METHODS, "*"), (CREDENTIALS, "true")]), "actual": allowed},
                          "wildcard-with-credentials"),
        "/redirect": ({}, {"actual": (302, [(ORIGIN, "*"), ("Location", "/missing")])}, "redirect-without-cors"),
        "/readable": (JSON, {"preflight": (204, [(ORIGIN, page), (METHODS, "POST"), (HEADERS, "content-type")]), "actual": allowed},
                      None),
    }


@pytest.fixture(scope="module")
def recorded(site, other_site):
    # A name that the browser takes for this machine, so that the page has another origin than the server.
    page = other_site.origin.replace("127.0.0.1", "app.example.test")
    asked = []
    for path, (options, answers, _) in jobs(page).items():
        site.answers[path] = answers
        asked.append({"page": page, "url": site.origin + path, "options": options})
    process = subprocess.run(["node", str(HERE / "record.mjs")], input=json.dumps(asked).encode(), capture_output=True,
                             timeout=120)
    assert process.returncode == 0, process.stderr.decode()
    return dict(zip(jobs(page), json.loads(process.stdout), strict=True))


@pytest.mark.parametrize("path", list(jobs("")))
def test_a_recording_of_chromium_is_explained(path, recorded, corsac, tmp_path):
    code = jobs("")[path][2]
    (tmp_path / "export.har").write_text(json.dumps(recorded[path]["har"]))
    ran = corsac("explain", "--json", "--har", tmp_path / "export.har")
    [explanation] = ran.explanations()
    assert (recorded[path]["error"] is None) == (code is None), recorded[path]["error"]
    if code is None:
        assert explanation["readable"] is True and ran.code == 0
        return
    assert explanation["hints"][0]["code"] == code
    assert ran.code == 1
    # The script got the error that is told for Chromium.
    [chromium] = [of for of in explanation["profiles"] if of["profile"] == "chromium"]
    assert chromium["js_error"] == recorded[path]["error"]
