"""Runs the examples of the README as they are written there, with the policy that is written there."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
EXPOSE = ["Access-Control-Allow-Origin: https://app.example.com", "Access-Control-Expose-Headers: x-total-count"]
EXPECTED = {
    "c": ["allowed", "Vary: Origin", *EXPOSE],
    "cpp": ["allowed", "Vary: Origin", *EXPOSE],
    "python": ["allowed", "Vary: Origin", *EXPOSE, "https://app.example.com"],
    "node": ["allowed", "Vary: Origin", *EXPOSE, "https://app.example.com"],
    "rust": ["allowed", '{"vary": "Origin", "access-control-allow-origin": "https://app.example.com", '
             '"access-control-expose-headers": "x-total-count"}'],
}


def run(*command, folder, **environment):
    return subprocess.run(command, cwd=folder, env={**os.environ, **environment}, check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def c(folder):
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}"]
    run("gcc", *flags, "example.c", "-o", "example", f"-L{TARGET / 'release'}", "-lcorsac", folder=folder)
    # The loader asks for the name that the library carries, not for that of its file.
    (folder / "libcorsac.so.0").symlink_to(TARGET / "release/libcorsac.so")
    return run("./example", folder=folder, LD_LIBRARY_PATH=str(folder))


def cpp(folder):
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}"]
    run("g++", *flags, "example.cpp", "-o", "example", TARGET / "release/libcorsac.a", folder=folder)
    return run("./example", folder=folder)


def python(folder):
    return run(sys.executable, "example.python", folder=folder)


def node(folder):
    modules = folder / "node_modules"
    modules.mkdir()
    (modules / "corsac").symlink_to(ROOT / "bindings/node")
    (folder / "example.node").rename(folder / "example.cjs")
    return run("node", "example.cjs", folder=folder)


def rust(folder):
    examples = ROOT / "core/examples/readme.rs"
    written = (folder / "example.rust").read_text()
    # Cargo builds it as an example of the crate, so it is kept there, and has to be the same.
    kept = examples.read_text()
    if kept.split("\n\n", 1)[1] != written:
        raise AssertionError(f"core/examples/readme.rs differs from the README, write there:\n{written}")
    run("cargo", "build", "--release", "--locked", "--quiet", "-p", "corsac", "--example", "readme", folder=ROOT)
    return run(str(TARGET / "release/examples/readme"), folder=folder)


def main():
    text = (ROOT / "README.md").read_text()
    policy = re.search(r"```json\n(.*?)```", text, re.S).group(1)
    examples = dict(re.findall(r"<!-- run: (\w+) -->\n```\w+\n(.*?)```", text, re.S))
    passed = failed = 0
    for language, expected in EXPECTED.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "policy.json").write_text(policy)
            (folder / f"example.{language}").write_text(examples[language])
            try:
                seen = globals()[language](folder).splitlines()
                assert seen == expected, f"expected {expected}, seen {seen}"
                passed += 1
            except (AssertionError, OSError, subprocess.CalledProcessError) as error:
                failed += 1
                print(f"{language}: {error}\n{getattr(error, 'output', None) or ''}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
