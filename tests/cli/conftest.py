"""The command line as it is built here, and servers that answer as they are told."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from site_of_mistakes import Site

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/corsac"
# No proxy of this machine stands between the program and the servers.
ENVIRONMENT = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}


class Ran:
    """What a command said and how it ended."""

    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout.decode()
        self.err = process.stderr.decode()
        self.text = self.out + self.err
        # Whatever happens, nothing that a terminal obeys comes out, and no panic.
        assert "panicked" not in self.err, self.err
        assert not [byte for byte in self.text if ord(byte) < 32 and byte != "\n" or 127 <= ord(byte) < 160], self.text

    def explanations(self):
        assert self.code in (0, 1), self.text
        return json.loads(self.out)["explanations"]


@pytest.fixture(scope="session")
def corsac():
    assert PROGRAM.exists(), f"{PROGRAM} is missing: make cli"

    def run(*arguments, stdin=b"", timeout=60):
        command = [str(PROGRAM), *map(str, arguments)]
        return Ran(subprocess.run(command, input=stdin, capture_output=True, timeout=timeout, env=ENVIRONMENT))

    return run


@pytest.fixture(scope="session")
def site():
    with Site() as site:
        yield site


@pytest.fixture(scope="session")
def other_site():
    with Site() as site:
        yield site
