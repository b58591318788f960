"""The library has the functions and structs of the baseline, with the same types, sizes and offsets.

    functions.py OUT [--update]

Builds the functions with debugging information, reads it with abidw, leaves out what programs cannot see, and
compares it with libcorsac.abi by abidiff. More functions are no change, nor are more fields behind the end of
a struct that carries its size. Then it plants changes, to see that abidiff finds them. --update writes the
baseline: for a release that has more functions or fields, or another CORSAC_ABI_VERSION.
"""
import copy
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
BASELINE = HERE / "libcorsac.abi"
UPDATE = "python3 tests/abi/functions.py tests/out/abi --update"
# These carry their size, so they may grow.
GROWING = ("corsac_request", "corsac_decision")
# Programs never look into these.
HANDLES = {"corsac_builder", "corsac_cell", "corsac_error", "corsac_policy", "corsac_text"}

passed = failed = 0


def claim(is_so, what, detail=""):
    global passed, failed
    passed, failed = passed + bool(is_so), failed + (not is_so)
    print(f"{'ok  ' if is_so else 'FAIL'} {what}")
    if not is_so and detail:
        print(detail)


def build(out):
    """A library of the functions with their types: of the crate that has them, and of nothing that it calls."""
    # Optimized at link time, as the library is otherwise, it would hold no machine code yet.
    subprocess.run(["cargo", "rustc", "--release", "--locked", "--quiet", "-p", "corsac-ffi", "--lib",
                    "--config", "profile.release.package.corsac-ffi.debug=true", "--", "-C", "lto=off",
                    "-C", "linker-plugin-lto=no"], cwd=ROOT, check=True)
    archive = str(TARGET / "release/libcorsac_ffi.rlib")
    members = subprocess.run(["ar", "t", archive], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    objects = [name for name in members if name.endswith(".o")]
    subprocess.run(["ar", "x", "--output", str(out), archive, *objects], check=True)
    library = out / "libcorsac-with-types.so"
    exported = out / "exported.map"
    exported.write_text("{ global: corsac_*; local: *; };\n")
    subprocess.run(["gcc", "-shared", *(str(out / name) for name in objects), "-o", str(library), "-Wl,-soname,libcorsac.so.0",
                    "-Wl,--unresolved-symbols=ignore-all", f"-Wl,--version-script={exported}"], check=True)
    for name in objects:
        (out / name).unlink()
    return library


def dump(library):
    options = ["--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed", "--type-id-style", "hash"]
    text = subprocess.run(["abidw", *options, str(library)], check=True, stdout=subprocess.PIPE, text=True).stdout
    return prune(ET.fromstring(text))


def prune(corpus):
    """Leaves what the functions reach; handles are names only."""
    types = {element.get("id"): element for element in corpus.iter() if element.get("id")}
    for element in types.values():
        if element.get("name") in HANDLES:
            for child in list(element):
                element.remove(child)
            element.attrib.pop("size-in-bits", None)
            element.set("is-declaration-only", "yes")
    reached = set()
    left = list(corpus.iter("function-decl"))
    while left:
        for element in left.pop().iter():
            name = element.get("type-id")
            if name in types and name not in reached:
                reached.add(name)
                left.append(types[name])

    def clean(element):
        for child in list(element):
            is_type = child.get("id") is not None
            if is_type and child.get("id") not in reached:
                element.remove(child)
            elif child.tag in ("abi-instr", "namespace-decl"):
                clean(child)
                if len(child) == 0:
                    element.remove(child)

    clean(corpus)
    for unit in corpus.iter("abi-instr"):
        # The name of the unit has a hash in it that means nothing.
        unit.set("path", unit.get("path").split("/@/")[0])
    ET.indent(corpus)
    return corpus


def write(corpus, path):
    path.write_text(ET.tostring(corpus, encoding="unicode") + "\n")
    return path


def without_growth(new, old):
    """A copy without the fields that lie behind the end of the old structs."""
    new = copy.deepcopy(new)
    for name in GROWING:
        before, after = struct(old, name), struct(new, name)
        size = int(before.get("size-in-bits"))
        if int(after.get("size-in-bits")) > size:
            for member in after.findall("data-member"):
                if int(member.get("layout-offset-in-bits")) >= size:
                    after.remove(member)
            after.set("size-in-bits", str(size))
    return new


def compare(old, new, out):
    """What abidiff says, and whether it found a change that breaks programs."""
    files = write(old, out / "old.abi"), write(without_growth(new, old), out / "new.abi")
    process = subprocess.run(["abidiff", "--no-added-syms", *map(str, files)], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    # Bits: 1 it failed, 2 it was called wrongly, 4 something changed, 8 and incompatibly.
    if process.returncode & 3:
        raise SystemExit(f"abidiff: {process.stdout}")
    return process.stdout, process.returncode != 0


# --- Changes that are planted ------------------------------------------------------------------------------


def function(corpus, name):
    return next(element for element in corpus.iter("function-decl") if element.get("name") == name)


def struct(corpus, name):
    return next(element for element in corpus.iter("class-decl") if element.get("name") == name)


def pointer_to(corpus, name):
    """The id of the type `*mut` or `*const` a struct."""
    target = struct(corpus, name).get("id")
    return next(element.get("id") for element in corpus.iter("pointer-type-def") if element.get("type-id") == target)


def remove_function(corpus, name):
    for parent in corpus.iter():
        for child in list(parent):
            if child.get("name") == name and child.tag in ("elf-symbol", "function-decl"):
                parent.remove(child)


def rename_function(corpus, name, other):
    for element in corpus.iter():
        for key, value in element.attrib.items():
            if value == name:
                element.set(key, other)


def a_parameter_was_added(old):
    parameters = function(old, "corsac_policy_allows_origin")
    parameters.remove(parameters.findall("parameter")[-1])


def a_parameter_has_another_handle(old):
    function(old, "corsac_policy_allows_origin").find("parameter").set("type-id", pointer_to(old, "corsac_cell"))


def a_parameter_has_another_type(old):
    size, _, method = function(old, "corsac_request_init").findall("parameter")
    size.set("type-id", method.get("type-id"))


def a_result_has_another_type(old):
    length = function(old, "corsac_error_len").find("return")
    function(old, "corsac_error_line").find("return").set("type-id", length.get("type-id"))


def a_function_was_removed(old):
    rename_function(old, "corsac_version", "corsac_release")


def a_field_was_removed(old):
    decision = struct(old, "corsac_decision")
    more = copy.deepcopy(decision.findall("data-member")[-1])
    more.set("layout-offset-in-bits", decision.get("size-in-bits"))
    more.find("var-decl").set("name", "later")
    decision.append(more)
    decision.set("size-in-bits", str(int(decision.get("size-in-bits")) + 512))


def fields_were_swapped(old):
    kind, action = (member.find("var-decl") for member in struct(old, "corsac_decision").findall("data-member")[1:3])
    kind.set("name", "action")
    action.set("name", "kind")


def a_field_has_another_type(old):
    size, kind = (member.find("var-decl") for member in struct(old, "corsac_decision").findall("data-member")[:2])
    kind.set("type-id", size.get("type-id"))


def a_field_was_added_in_between(old):
    decision = struct(old, "corsac_decision")
    members = decision.findall("data-member")
    decision.remove(members[-1])
    decision.set("size-in-bits", members[-1].get("layout-offset-in-bits"))
    members[-2].set("layout-offset-in-bits", members[-3].get("layout-offset-in-bits"))
    decision.remove(members[-3])


def a_struct_of_arrays_grew(old):
    header = struct(old, "corsac_header")
    header.remove(header.findall("data-member")[-1])
    header.set("size-in-bits", str(int(header.get("size-in-bits")) - 64))


def a_string_has_another_layout(old):
    data, length = struct(old, "corsac_str").findall("data-member")
    data.set("layout-offset-in-bits", "64")
    length.set("layout-offset-in-bits", "0")


def a_function_was_added(old):
    remove_function(old, "corsac_version")


def a_field_was_added_at_the_end(old):
    request = struct(old, "corsac_request")
    for member in request.findall("data-member")[-2:]:
        request.remove(member)
    request.set("size-in-bits", str(int(request.get("size-in-bits")) - 64))


BREAKING = [a_parameter_was_added, a_parameter_has_another_handle, a_parameter_has_another_type, a_result_has_another_type,
            a_function_was_removed, a_field_was_removed, fields_were_swapped, a_field_has_another_type,
            a_field_was_added_in_between, a_struct_of_arrays_grew, a_string_has_another_layout]
COMPATIBLE = [a_function_was_added, a_field_was_added_at_the_end]


def main():
    out = Path(sys.argv[1]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    current = dump(build(out))
    if "--update" in sys.argv[2:]:
        write(current, BASELINE)
    symbols = (HERE / "symbols.txt").read_text().split()
    found = sorted(element.get("elf-symbol-id") for element in current.iter("function-decl"))
    claim(found == symbols, "abidw sees every function of tests/abi/symbols.txt", found)
    said, changed = compare(ET.parse(BASELINE).getroot(), current, out)
    claim(not changed, f"nothing of tests/abi/libcorsac.abi changed; for a release that adds to it: {UPDATE}", said)
    for changes, expected, kind in ((BREAKING, True, "found"), (COMPATIBLE, False, "accepted")):
        for change in changes:
            old = copy.deepcopy(current)
            change(old)
            said, changed = compare(old, current, out)
            claim(changed == expected, f"{kind}: {change.__name__.replace('_', ' ')}", said)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
