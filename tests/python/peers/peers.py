"""Runs the test files of other CORS libraries, assertion by assertion, against corsac in their place.

The files come from the source distributions on the package index and are not changed, but for one thing: an
`assert` is noted in place of ending its test, so that all of them count. Each one holds, or stands in a list of
refusals with the reason why corsac does otherwise. A refusal that nothing needs any more is an error.
"""

import ast
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / "tests/out/peers"


def fetch(name: str, version: str, members: list[str]) -> dict[str, str]:
    """The text of some files of a source distribution, which is downloaded once."""
    folder = CACHE / f"{name}-{version}"
    if not all((folder / member).exists() for member in members):
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*command, "--no-binary", ":all:", "--dest", str(CACHE), f"{name}=={version}"], check=True)
        stem = f"{name.replace('-', '_')}-{version}"
        with tarfile.open(CACHE / f"{stem}.tar.gz") as archive:
            for member in members:
                target = folder / member
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.extractfile(f"{stem}/{member}").read())
    return {member: (folder / member).read_text(encoding="utf-8") for member in members}


@dataclass
class Outcome:
    """One assertion of one test, each time it was reached."""

    source: str
    held: list[bool] = field(default_factory=list)


class Outcomes:
    """What became of the assertions of the test that runs."""

    def __init__(self) -> None:
        self.of_test: dict[int, Outcome] = {}

    def note(self, check, source: str, line: int) -> None:
        try:
            held = bool(check())
        except Exception:
            held = False  # such as a header that is not there
        self.of_test.setdefault(line, Outcome(source)).held.append(held)


class _Noting(ast.NodeTransformer):
    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        source = ast.unparse(node.test)
        check = ast.Lambda(
            ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[]), node.test
        )
        call = ast.Call(ast.Name("__note__", ast.Load()), [check, ast.Constant(source), ast.Constant(node.lineno)], [])
        return ast.copy_location(ast.Expr(call), node)


def load(name: str, path: str, text: str, outcomes: Outcomes, modules: dict[str, ModuleType]) -> ModuleType:
    """A module of a test file, whose assertions are noted; it finds `modules` when it imports them."""
    tree = ast.fix_missing_locations(_Noting().visit(ast.parse(text, path)))
    module = ModuleType(name)
    module.__dict__.update(__file__=path, __note__=outcomes.note)
    kept = {key: sys.modules.get(key) for key in (*modules, name)}
    sys.modules.update(modules)
    sys.modules[name] = module
    try:
        exec(compile(tree, path, "exec"), module.__dict__)
    finally:
        for key, value in kept.items():
            if value is None:
                sys.modules.pop(key, None)
            else:
                sys.modules[key] = value
    return module


@dataclass(frozen=True)
class Refusal:
    """Assertions that do not hold, and why. A test of "" is every test that has one with this text."""

    reason: str
    source: str = ""
    test: str = ""
    # Whether it also holds sometimes, such as in a test that has the same text twice.
    sometimes: bool = False


def judge(test: str, outcomes: Outcomes, refusals: list[Refusal], used: set[Refusal]) -> list[str]:
    """What is wrong with the outcomes of a test; adds the refusals that were needed to `used`."""
    wrong = []
    for line, outcome in sorted(outcomes.of_test.items()):
        if all(outcome.held):
            continue
        found = [
            refusal
            for refusal in refusals
            if refusal.test in ("", test) and (not refusal.source or refusal.source == outcome.source)
        ]
        if not found:
            wrong.append(f"line {line} does not hold, and no refusal says why: {outcome.source}")
        used.update(found)
    return wrong
