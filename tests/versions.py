"""Every artefact carries the one version, which stands in Cargo.toml."""
import ctypes
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


def library():
    loaded = ctypes.CDLL(str(TARGET / "release/libcorsac.so"))
    loaded.corsac_version.restype = ctypes.c_char_p
    return loaded.corsac_version().decode()


def program():
    return subprocess.run([str(TARGET / "release/corsac"), "--version"], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.split()[1]


def header():
    text = (ROOT / "include/corsac.h").read_text()
    return ".".join(re.search(rf"^#define CORSAC_VERSION_{part} (\d+)$", text, re.M).group(1)
                    for part in ("MAJOR", "MINOR", "PATCH"))


def crates():
    metadata = subprocess.run(["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=ROOT, check=True,
                              stdout=subprocess.PIPE, text=True).stdout
    versions = {package["version"] for package in json.loads(metadata)["packages"]}
    return versions.pop() if len(versions) == 1 else f"several: {versions}"


def python():
    import corsac
    return corsac.__version__


def node():
    return subprocess.run(["node", "-p", f"require({json.dumps(str(ROOT / 'bindings/node'))}).version"],
                          check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def node_package():
    return json.loads((ROOT / "bindings/node/package.json").read_text())["version"]


def wasm_package():
    return json.loads((ROOT / "bindings/wasm/package.json").read_text())["version"]


def node_lock():
    lock = json.loads((ROOT / "bindings/node/package-lock.json").read_text())
    versions = {lock["version"], lock["packages"][""]["version"]}
    return versions.pop() if len(versions) == 1 else f"several: {versions}"


def changelog():
    return re.search(r"^## (\S+?),? ", (ROOT / "CHANGELOG.md").read_text(), re.M).group(1)


def main():
    wanted = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
    passed = failed = 0
    for artefact in (crates, library, program, header, python, node, node_package, wasm_package, node_lock, changelog):
        try:
            seen = artefact()
        except Exception as error:
            seen = f"nothing ({error})"
        if seen == wanted:
            passed += 1
        else:
            failed += 1
            print(f"{artefact.__name__} carries {seen}, Cargo.toml {wanted}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
