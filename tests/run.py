"""Runs test suites, prints the seconds of each and one line over all.

    run.py [--all | --check | --long | SUITE...]

A suite is a command whose output ends with counts in the words of cargo, pytest, node:test or
`N passed, N failed, N skipped`; one of the few that only succeed or fail is one test. Every suite is
required unless optional.txt names it, with its reason; an optional one exits with 77 when it cannot
run here. What a suite leaves running is ended with it.
"""
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = str(ROOT / ".venv/bin/python")
CARGO_TEST = ["cargo", "test", "--release", "--locked", "--quiet"]

# Seconds after which a suite is ended: it hangs.
LIMIT = 1500

# Commands that tell no counts.
WITHOUT_COUNTS = {"format", "lints", "python types"}

# name: (group, command)
SUITES = {
    "format": ("check", ["cargo", "fmt", "--all", "--check"]),
    "lints": ("check", ["cargo", "clippy", "--release", "--locked", "--workspace", "--exclude", "corsac-bench", "--all-targets", "--quiet", "--", "-D", "warnings"]),
    "rust": ("check", [*CARGO_TEST, "--no-fail-fast"]),
    "c": ("check", ["sh", "tests/c/run.sh"]),
    "abi": ("check", ["sh", "tests/abi/run.sh"]),
    "cpp": ("all", ["sh", "tests/cpp/run.sh"]),
    "install": ("all", ["sh", "tests/install/run.sh"]),
    "schema": ("all", [PYTHON, "tests/schema.py"]),
    "licences": ("all", [PYTHON, "tests/licences.py"]),
    "python": ("all", [PYTHON, "-m", "pytest", "-q", "-rs", "tests/conformance/python"]),
    "python servers": ("all", [PYTHON, "-m", "pytest", "-q", "-rs", "tests/python", "--ignore", "tests/python/test_package.py"]),
    "python package": ("all", [PYTHON, "-m", "pytest", "-q", "-rs", "tests/python/test_package.py"]),
    "python soak": ("long", ["env", "CORSAC_REQUESTS=1000000", PYTHON, "-m", "pytest", "-q", "-rs", "tests/python/test_soak.py"]),
    "python types": ("all", ["sh", "bindings/python/types.sh"]),
    "node": ("all", ["sh", "tests/conformance/node/run.sh"]),
    "node servers": ("all", ["sh", "tests/node/run.sh"]),
    "node versions": ("all", ["sh", "tests/node/runtimes.sh", "node"]),
    "bun": ("all", ["sh", "tests/node/runtimes.sh", "bun"]),
    "deno": ("all", ["sh", "tests/node/runtimes.sh", "deno"]),
    "wasm": ("all", ["sh", "tests/wasm/run.sh"]),
    "node soak": ("long", ["env", "CORSAC_REQUESTS=1000000", "CORSAC_SWAPS=10000", "sh", "tests/node/run.sh", "leak.test.mjs"]),
    "apache": ("all", [PYTHON, "-m", "pytest", "-q", "-rs", "tests/apache"]),
    "versions": ("all", [PYTHON, "tests/versions.py"]),
    "readme": ("all", [PYTHON, "tests/readme.py"]),
    "demo": ("all", [PYTHON, "tests/demo/demo.py"]),
    "browsers": ("all", ["sh", "tests/browsers/run.sh"]),
    "nginx": ("all", [PYTHON, "-m", "pytest", "-q", "-rs", "tests/nginx"]),
    "nginx reloads": ("long", [PYTHON, "-m", "pytest", "-q", "tests/nginx/test_robust.py", "-k", "under_load", "--reloads", "200"]),
    "cli": ("all", [PYTHON, "-m", "pytest", "-q", "-rs", "tests/cli"]),
    "cli units": ("all", [*CARGO_TEST, "-p", "corsac-cli"]),
    "scripts": ("long", ["env", "CORSAC_SCRIPTS=1000000", *CARGO_TEST, "-p", "corsac-properties", "--test", "all",
                         "browser_and_engine", "--", "--nocapture"]),
    "ten million": ("long", ["env", "CORSAC_CASES=10000000", *CARGO_TEST, "-p", "corsac-properties", "--test", "all",
                             "long", "--", "--nocapture"]),
    "apache restarts": ("long", ["env", "CORSAC_RESTARTS=100", PYTHON, "-m", "pytest", "-q", "tests/apache/test_reload.py"]),
    "threads": ("long", ["make", "--no-print-directory", "tsan"]),
    "panics": ("all", [*CARGO_TEST, "-p", "corsac-ffi", "--features", "forced-panic"]),
}

COUNTS = [
    # cargo
    re.compile(r"^test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed; (?P<skipped>\d+) ignored", re.M),
    # ours
    re.compile(r"^(?P<passed>\d+) passed, (?P<failed>\d+) failed, (?P<skipped>\d+) skipped$", re.M),
]


def count(output):
    """Passed, failed and skipped of everything in the output that counts; None if nothing does."""
    found = [match.groupdict() for pattern in COUNTS for match in pattern.finditer(output)]
    pytest = re.findall(r"^(?=.*\bin [\d.]+s)(?:=+ )?((?:\d+ \w+(?:, )?)+)", output, re.M)
    for line in pytest:
        words = {word.rstrip("s"): int(number) for number, word in re.findall(r"(\d+) (\w+)", line)}
        found.append({
            "passed": words.get("passed", 0),
            "failed": words.get("failed", 0) + words.get("error", 0),
            "skipped": words.get("skipped", 0),
        })
    node = {word: re.findall(rf"^[#ℹ] {word} (\d+)$", output, re.M) for word in ("pass", "fail", "cancelled", "skipped")}
    if node["pass"]:
        found.append({
            "passed": sum(map(int, node["pass"])),
            "failed": sum(map(int, node["fail"])) + sum(map(int, node["cancelled"])),
            "skipped": sum(map(int, node["skipped"])),
        })
    if not found:
        return None
    return tuple(sum(int(counts[key]) for counts in found) for key in ("passed", "failed", "skipped"))


def optional_suites():
    lines = (ROOT / "tests/optional.txt").read_text().splitlines()
    entries = (line.split(":", 1) for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): reason.strip() for name, reason in entries}


def execute(command, log):
    """Runs a command with its output in a file; returns its exit code, or None if it had to be ended."""
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as error:
            output.write(f"{error}\n".encode())
            return None
        try:
            return process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            output.write(f"\nended after {LIMIT} seconds\n".encode())
            return None
        finally:
            # Servers that a suite left behind would keep ports and files open.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def run(name, command, out, may_skip):
    started = time.monotonic()
    log = out / f"{name.replace(' ', '-')}.log"
    code = execute(command, log)
    output = log.read_text(errors="replace")
    seconds = time.monotonic() - started
    if code == 77 and may_skip is not None:
        reason = (output.strip().splitlines() or [may_skip])[-1]
        print(f"SKIPPED {name}: {reason}", flush=True)
        return 0, 0, 1
    counts = count(output)
    if counts is None and name in WITHOUT_COUNTS:
        counts = (1, 0, 0) if code == 0 else (0, 1, 0)
    passed, failed, skipped = counts or (0, 0, 0)
    if code != 0 and failed == 0:
        failed = 1
    if passed + failed == 0:
        failed = 1
        output += "\nno test was executed"
    if failed:
        print(f"--- {name}: {' '.join(command)}\n{output.rstrip()}\n---", flush=True)
    print(f"{name:<14} {seconds:6.1f} s   {passed:5} passed {failed:4} failed {skipped:4} skipped", flush=True)
    return passed, failed, skipped


def main(arguments):
    groups = {"--check": {"check"}, "--all": {"check", "all"}, "--long": {"long"}}
    if not arguments:
        sys.exit(__doc__)
    if len(arguments) == 1 and arguments[0] in groups:
        chosen = [name for name, (group, _) in SUITES.items() if group in groups[arguments[0]]]
    else:
        chosen = arguments
        for name in chosen:
            if name not in SUITES:
                sys.exit(f"there is no suite {name!r}, write one of: {', '.join(SUITES)}")
    out = ROOT / "tests/out"
    out.mkdir(exist_ok=True)
    may_skip = optional_suites()
    totals = [0, 0, 0]
    started = time.monotonic()
    for name in chosen:
        _, command = SUITES[name]
        for index, number in enumerate(run(name, command, out, may_skip.get(name))):
            totals[index] += number
    print(f"{time.monotonic() - started:.0f} seconds in all")
    print("{} passed, {} failed, {} skipped".format(*totals))
    sys.exit(1 if totals[1] or not totals[0] else 0)


if __name__ == "__main__":
    os.environ.setdefault("CARGO_TERM_COLOR", "never")
    main(sys.argv[1:])
