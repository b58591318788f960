"""The guide says what the program says: its examples are run, and every hint has its line."""
import re
import shlex
from pathlib import Path

import pytest

from mistakes import ORIGIN, VARY

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "core/docs/explain.md"
EXAMPLE = re.compile(r"```console\n\$ (corsac [^\n]+)\n(.*?)```", re.S)
# Words with hyphens in the sources that are no codes.
NO_CODES = {"cache-control", "content-type", "sentry-trace", "set-cookie", "set-cookie2", "url-credentials", "x-b3-traceid",
            "x-csrf-token", "x-datadog-trace-id", "x-requested-with", "x-xsrf-token"}


def run(corsac, site, folder, command):
    """What a command of the guide prints, with the server of the guide."""
    text = GUIDE.read_text()
    for name, content in re.findall(r"<!-- file: (\S+) -->\n```json\n(.*?)```", text, re.S):
        (folder / name).write_text(content)
    site.answers["/items"] = {"preflight": (204, [(ORIGIN, "https://app.example.com/"), VARY]), "actual": (200, [])}
    words = [str(folder / word) if (folder / word).is_file() else word.replace("http://127.0.0.1:8080", site.origin)
             for word in shlex.split(command)[1:]]
    return corsac(*words).out.replace(site.origin, "http://127.0.0.1:8080")


@pytest.mark.parametrize("number", range(3))
def test_the_examples_of_the_guide_print_what_it_says(number, corsac, site, tmp_path):
    examples = EXAMPLE.findall(GUIDE.read_text())
    assert len(examples) == 3
    command, printed = examples[number]
    assert run(corsac, site, tmp_path, command) == printed


def test_every_hint_has_its_line():
    sources = [*(ROOT / "core/src/explain").glob("*.rs"), ROOT / "bindings/cli/src/probe.rs", ROOT / "bindings/cli/src/har.rs"]
    codes = set()
    for source in sources:
        if source.name != "tests.rs":
            text = source.read_text().split("#[cfg(test)]")[0]
            # Names of headers that servers send back are in capitals, or in words.
            codes |= set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"', text))
    codes -= NO_CODES | {"null-origin-not-allowed", "same-origin", "no-cors", "user-agent", "accept-language", "accept-encoding",
                         "content-length", "if-none-match", "if-modified-since", "upgrade-insecure-requests"}
    codes |= {"no-cors"}
    told = set()
    for row in GUIDE.read_text().split("## Hints")[1].splitlines():
        if row.startswith("| `"):
            told |= set(re.findall("`([^`]+)`", row.split("|")[1]))
    assert codes == told, codes ^ told
