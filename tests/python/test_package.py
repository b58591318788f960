"""The package as it is distributed: built from its source distribution, installed from a checkout, and the
one wheel in every interpreter that is here."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/out/python"
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
VERSIONS = ["3.10", "3.11", "3.12", "3.13"]
# Where the interpreters get what these tests need; the versions are those of tests/requirements.txt.
NEEDED = [line for line in (ROOT / "tests/requirements.txt").read_text().splitlines() if line.startswith(("pytest==", "trio=="))]


def run(*command, cwd=ROOT, **environment):
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run([str(part) for part in command], cwd=cwd, env={**inherited, **environment}, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    assert result.returncode == 0, f"{command}\n{result.stdout}"
    return result.stdout


def pip(*arguments, **environment):
    # With the maturin of tests/requirements.txt, and objects of its own, since maturin builds with other settings.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return run(sys.executable, "-m", "pip", *arguments, PATH=path, CARGO_TARGET_DIR=str(TARGET / "wheel"), MATURIN_NO_INSTALL_RUST="1",
               PIP_DISABLE_PIP_VERSION_CHECK="1", **environment)


@pytest.fixture(scope="session")
def sdist():
    folder = OUT / "sdist"
    shutil.rmtree(folder, ignore_errors=True)
    run(Path(sys.executable).parent / "maturin", "sdist", "--out", folder, cwd=ROOT / "bindings/python", MATURIN_NO_INSTALL_RUST="1")
    (found,) = folder.glob("corsac-*.tar.gz")
    return found


@pytest.fixture(scope="session")
def wheel(sdist):
    """Built from the source distribution, outside of the checkout."""
    folder = OUT / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    # Files of the archive have no date, so cargo would take what it built of older ones.
    run("cargo", "clean", "--quiet", "--release", "-p", "corsac", "-p", "corsac-python", CARGO_TARGET_DIR=str(TARGET / "wheel"))
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-cache-dir", "--wheel-dir", folder, sdist)
    (found,) = folder.glob("corsac-*.whl")
    return found


def test_the_source_distribution_has_what_it_takes(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {"Cargo.lock", "pyproject.toml", "PKG-INFO", "core/src/lib.rs", "bindings/python/src/lib.rs"} <= names
    assert not [name for name in names if name.endswith((".so", ".pyc")) or "tests/out" in name]


def test_the_wheel_is_one_for_all_versions(wheel):
    assert re.fullmatch(r"corsac-[\d.]+-cp310-abi3-\w+\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = message_from_string(archive.read(next(name for name in names if name.endswith("/METADATA"))).decode())
        native = archive.read("corsac/_native.abi3.so")
    package = ROOT / "bindings/python/python"
    sources = {str(path.relative_to(package)) for path in package.rglob("*.py*") if path.suffix in (".py", ".pyi")}
    assert sources <= set(names)
    assert "corsac/py.typed" in names
    licences = [name.rsplit("/", 1)[1] for name in names if "/licenses/" in name]
    assert sorted(licences) == ["LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY.md"]
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "MIT OR Apache-2.0"
    assert metadata.get_payload().strip() == (ROOT / "bindings/python/README.md").read_text().strip()
    assert str(ROOT).encode() not in native, "no path of the checkout that built it"


def test_the_package_for_the_index_reads_without_the_repository():
    text = (ROOT / "bindings/python/README.md").read_text()
    assert not re.findall(r"\]\((?!https?://|#)", text), "links into the repository lead nowhere there"


def test_the_examples_of_the_readme_run(tmp_path):
    text = (ROOT / "bindings/python/README.md").read_text()
    examples = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    assert len(examples) == 5
    for example in examples:
        run(sys.executable, "-c", example, cwd=tmp_path, PYTHONPATH=str(ROOT / "bindings/python/python"))


def test_the_public_suffix_list_is_that_of_the_core():
    code = "import corsac; print(corsac.PUBLIC_SUFFIX_LIST)"
    told = run(sys.executable, "-c", code, PYTHONPATH=str(ROOT / "bindings/python/python")).strip()
    assert f'PUBLIC_SUFFIX_LIST: &str = "{told}"' in (ROOT / "core/src/guards.rs").read_text()


def test_a_checkout_can_be_installed(tmp_path):
    pip("install", "--quiet", "--no-deps", "--no-build-isolation", "--no-cache-dir", "--target", tmp_path / "installed", ROOT / "bindings/python")
    code = "import corsac, corsac.asgi; print(corsac.__file__, corsac.Policy(allow_origins='*').evaluate('GET', {}).reason)"
    assert run(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=str(tmp_path / "installed")).split() == [
        str(tmp_path / "installed/corsac/__init__.py"), "not-cors"]


def interpreter_of(version):
    """An interpreter of this version, wherever the machine keeps it; None if it has none."""
    roots = [os.environ.get("PYENV_ROOT"), Path.home() / ".pyenv", "/opt/pyenv"]
    kept = [str(path) for root in roots if root for path in sorted(Path(root).glob(f"versions/{version}.*/bin/python{version}"))]
    for candidate in (*kept, f"python{version}"):
        found = shutil.which(candidate)
        if not found:
            continue
        asked = subprocess.run([found, "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2], sys.implementation.name)"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if asked.returncode == 0 and asked.stdout.split() == [version, "cpython"]:
            return found
    return None


@pytest.fixture(scope="session", params=VERSIONS)
def interpreter(request, wheel):
    """An interpreter with the wheel."""
    base = interpreter_of(request.param)
    if base is None:
        pytest.skip(f"there is no Python {request.param} here")
    folder = OUT / request.param
    python = folder / "bin/python"
    stamp = folder / ".needed"
    if not (stamp.exists() and stamp.read_text() == f"{base} {NEEDED}"):
        shutil.rmtree(folder, ignore_errors=True)
        run(base, "-m", "venv", folder)
        run(python, "-m", "pip", "install", "--quiet", *NEEDED, PIP_DISABLE_PIP_VERSION_CHECK="1")
        stamp.write_text(f"{base} {NEEDED}")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--force-reinstall", wheel, PIP_DISABLE_PIP_VERSION_CHECK="1")
    return request.param, python


def test_every_interpreter_runs_the_same_wheel(interpreter, tmp_path):
    version, python = interpreter
    code = "import corsac, sys; print('%d.%d' % sys.version_info[:2], corsac._native.__file__)"
    told, native = run(python, "-c", code, cwd=tmp_path).split()
    assert told == version and Path(native).is_relative_to(OUT / version)
    suites = ["tests/conformance/python/test_vectors.py", "tests/conformance/python/test_cell.py", "tests/python/test_asgi.py",
              "tests/python/test_wsgi.py"]
    output = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *suites, CORSAC_INSTALLED="1")
    passed = int(re.search(r"(\d+) passed", output)[1])
    assert passed > 500 and "failed" not in output, output


# A string is run in an interpreter of each kind that this Python can make; what it prints is looked at.
SUBINTERPRETERS = r'''
import sys, textwrap
code = textwrap.dedent("""
    try:
        import {module}
    except ImportError as error:
        print(str(error).replace(chr(10), " "))
    else:
        print("imported")
""")
made = []
try:
    import _testcapi
    made.append("_testcapi")
except ImportError:
    pass
try:
    import _interpreters as interpreters
    kinds = ["legacy", "isolated"]
except ImportError:
    import _xxsubinterpreters as interpreters
    kinds = [False, True]
for module in ("corsac", "corsac.asgi", "corsac.wsgi"):
    if "_testcapi" in made:
        _testcapi.run_in_subinterp(code.format(module=module))
    for kind in kinds:
        interpreter = interpreters.create(kind) if kinds[0] == "legacy" else interpreters.create(isolated=kind)
        wrong = interpreters.run_string(interpreter, code.format(module=module))
        assert wrong is None, wrong
        interpreters.destroy(interpreter)
import corsac
assert corsac.Policy(allow_origins="*").evaluate("GET", {}).reason == "not-cors"
print("main", "_testcapi" in made)
'''


def test_any_interpreter_but_the_main_one_is_refused_with_the_cure(interpreter, tmp_path):
    _, python = interpreter
    *told, end = run(python, "-c", SUBINTERPRETERS, cwd=tmp_path).splitlines()
    assert end in ("main True", "main False")
    assert len(told) == (9 if end == "main True" else 6)
    for line in told:
        assert line.startswith("corsac cannot be imported in a subinterpreter: ") and "WSGIApplicationGroup %{GLOBAL}" in line


def test_a_main_interpreter_that_has_it_does_not_help_the_others(interpreter, tmp_path):
    _, python = interpreter
    *told, _ = run(python, "-c", "import corsac\n" + SUBINTERPRETERS, cwd=tmp_path).splitlines()
    assert told and all(line.startswith("corsac cannot be imported in a subinterpreter: ") for line in told)
