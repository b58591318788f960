"""Every dependency is one that .cargo/deny.toml allows, and the notices of those that are shipped are in THIRD-PARTY.md, for
the libraries, and in bindings/cli/THIRD-PARTY.md, for the command line.

    licences.py [--write]

Reads `cargo metadata --locked` and the licence files of the crates. --write renews both files.
"""
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RENEW = "python3 tests/licences.py --write"

# What is shipped, by the crate that it is built from.
LIBRARIES = {"corsac-library": "library", "corsac-python": "Python", "corsac-node": "Node", "corsac-wasm": "WebAssembly"}
PROGRAMS = {"corsac-cli": "command line"}

# Where a crate may be used under one of several licences, the first of these; and what the text of each says.
PREFERRED = {
    "MIT": "Permission is hereby granted, free of charge",
    "Zlib": "provided 'as-is'",
    "ISC": "Permission to use, copy, modify, and/or distribute",
    "Unicode-3.0": "UNICODE LICENSE V3",
    "BSD-3-Clause": "Redistribution and use in source and binary forms",
    "CDLA-Permissive-2.0": "Community Data License Agreement - Permissive - Version 2.0",
    "Apache-2.0": "Apache License",
}

HEAD = """\
# Notices for third-party software

corsac is licensed under [MIT]({root}LICENSE-MIT) or [Apache-2.0]({root}LICENSE-APACHE), at your option. {what} the
software below. Written by `{renew}` from the lock file; what only builds or tests corsac is not listed.

## Public Suffix List

{which} the Public Suffix List, compiled into the crate `psl`, version {psl}. The list is subject to the terms of
the Mozilla Public License, version 2.0: <https://mozilla.org/MPL/2.0/>. Its source form can be had at
<https://publicsuffix.org/list/public_suffix_list.dat> and <https://github.com/publicsuffix/list>. The code of the crate is
licensed under MIT or Apache-2.0.

## Unicode data

Host names are mapped by tables of the Unicode Character Database and of UTS #46, in the crates `icu_normalizer_data` and
`icu_properties_data`, under the Unicode License V3, whose text is below.

## Rust standard library

{which} parts of the Rust standard library, copyright of The Rust Project Contributors, licensed under MIT or
Apache-2.0. Its own notices come with every release of Rust, as `COPYRIGHT-library.html`.

{more}## Crates

Where a crate gives a choice, corsac uses it under the licence in the column "used under".

| crate | version | licence | used under | in |
|--|--|--|--|--|
"""

# Of the command line alone.
CERTIFICATES = """\
## Certificates

The program contains the certificates of the authorities that Mozilla trusts, compiled into the crate `webpki-roots`, under the
Community Data License Agreement, whose text is below.

"""

# The files: what is shipped, and what stands at their head.
NOTICES = {
    "THIRD-PARTY.md": (LIBRARIES, {"root": "", "what": "Its libraries contain", "which": "The libraries contain", "more": ""}),
    "bindings/cli/THIRD-PARTY.md": (PROGRAMS, {
        "root": "../../", "what": "Its command line contains", "which": "The program contains", "more": CERTIFICATES}),
}

passed = failed = 0


def claim(is_so, what):
    global passed, failed
    if is_so:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {what}")


class Expression:
    """An SPDX expression: OR binds loosest, WITH is a part of the licence's name. Cargo's old `/` means OR."""

    def __init__(self, text):
        text = re.sub(r"\s+WITH\s+", " WITH ", text.replace("/", " OR "))
        self.words = re.findall(r"\(|\)|\bOR\b|\bAND\b|[\w.+-]+(?: WITH [\w.-]+)?", text)
        if "".join(self.words).replace(" ", "") != text.replace(" ", ""):
            raise ValueError(f"no licence expression: {text}")
        self.choices = self.either()
        if self.words:
            raise ValueError(f"no licence expression: {text}")

    def either(self):
        choices = self.both()
        while self.words[:1] == ["OR"]:
            self.words.pop(0)
            choices = choices + self.both()
        return choices

    def both(self):
        choices = self.one()
        while self.words[:1] == ["AND"]:
            self.words.pop(0)
            right = self.one()
            choices = [left | other for left in choices for other in right]
        return choices

    def one(self):
        word = self.words.pop(0) if self.words else ""
        if word == "(":
            choices = self.either()
            if self.words[:1] != [")"]:
                raise ValueError("a parenthesis is not closed")
            self.words.pop(0)
            return choices
        if word in ("", ")", "OR", "AND"):
            raise ValueError("a licence is missing")
        return [frozenset({word})]

    def within(self, allowed):
        """The choices that need no licence but these."""
        return [choice for choice in self.choices if choice <= set(allowed)]


def metadata():
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout)


# --- What is allowed ----------------------------------------------------------------------------------------


def matches(package, entry):
    """Whether an entry of deny.toml, `name` or `name:^version`, is about this crate."""
    name, _, version = entry["crate"].partition(":^")
    return package["name"] == name and (not version or f"{package['version']}.".startswith(f"{version}."))


def check_rules(data):
    packages = data["packages"]
    names = {package["id"]: package["name"] for package in packages}
    dependents = {package["id"]: set() for package in packages}
    for node in data["resolve"]["nodes"]:
        for dependency in node["dependencies"]:
            dependents[dependency].add(names[node["id"]])
    rules = tomllib.loads((ROOT / ".cargo/deny.toml").read_text())
    licenses, bans, sources = rules["licenses"], rules["bans"], rules["sources"]
    registries = {f"registry+{address}" for address in sources["allow-registry"]}
    needed = set()
    excepted = set()
    for package in packages:
        crate = f"{package['name']} {package['version']}"
        try:
            expression = Expression(package["license"] or "")
        except ValueError as error:
            claim(False, f"{crate}: {error}")
            continue
        exceptions = [entry for entry in licenses["exceptions"] if matches(package, entry)]
        choices = expression.within(licenses["allow"])
        if not choices and exceptions:
            choices = expression.within(licenses["allow"] + exceptions[0]["allow"])
            excepted.add(exceptions[0]["crate"])
        claim(choices, f"{crate}: {package['license']} is not allowed by .cargo/deny.toml")
        if choices:
            # What is in every choice.
            needed |= frozenset.intersection(*choices)
        source = package["source"]
        # What has no source is a folder of the workspace.
        is_ours = source is None and Path(package["manifest_path"]).is_relative_to(ROOT)
        claim(is_ours or source in registries, f"{crate}: comes from {source}, which .cargo/deny.toml does not allow")
        # A banned crate may be there for those that wrap it.
        for entry in bans["deny"]:
            wrappers = set(entry.get("wrappers", []))
            is_banned = matches(package, entry) and not (wrappers and dependents[package["id"]] <= wrappers)
            claim(not is_banned, f"{crate}: is banned by .cargo/deny.toml")
    unused = set(licenses["allow"]) - needed
    claim(not unused, f"no crate needs these licences, take them out of .cargo/deny.toml: {sorted(unused)}")
    spare = {entry["crate"] for entry in licenses["exceptions"]} - excepted
    claim(not spare, f"no crate needs these exceptions, take them out of .cargo/deny.toml: {sorted(spare)}")

    by_name = {}
    for package in packages:
        by_name.setdefault(package["name"], []).append(package)
    skipped = set()
    for name, versions in by_name.items():
        skips = [entry["crate"] for package in versions for entry in bans["skip"] if matches(package, entry)]
        if len(versions) > 1:
            skipped.update(skips)
            counted = sorted(package["version"] for package in versions)
            claim(len(versions) - len(skips) == 1, f"{name} is there in versions {', '.join(counted)}")
    spare = {entry["crate"] for entry in bans["skip"]} - skipped
    claim(not spare, f"these are there once, take them out of skip in .cargo/deny.toml: {sorted(spare)}")


# --- What is shipped ----------------------------------------------------------------------------------------


def is_shipped(kind):
    """Whether a dependency of this kind gets into artefacts. There are none for firmware."""
    return kind["kind"] is None and "uefi" not in (kind["target"] or "")


def shipped(data, kinds):
    """The crates that are in artefacts of these kinds, and in which: normal dependencies, without macros and what they need."""
    packages = {package["id"]: package for package in data["packages"]}
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    artefacts = {}
    for package in packages.values():
        if package["name"] not in kinds:
            continue
        left, seen = [package["id"]], set()
        while left:
            crate = left.pop()
            if crate in seen or any("proc-macro" in target["kind"] for target in packages[crate]["targets"]):
                continue
            seen.add(crate)
            left += [dependency["pkg"] for dependency in nodes[crate]["deps"]
                     if any(map(is_shipped, dependency["dep_kinds"]))]
        for crate in seen:
            artefacts.setdefault(crate, set()).add(kinds[package["name"]])
    return [(packages[crate], names) for crate, names in artefacts.items() if packages[crate]["source"]]


def text_of(package, licence):
    """The text of a licence as the crate carries it, with its copyright."""
    found = []
    for file in sorted(Path(package["manifest_path"]).parent.iterdir()):
        if re.match(r"(?i)licen[cs]e|copying", file.name) and file.is_file():
            text = file.read_text(errors="replace")
            if re.sub(r"\s+", " ", PREFERRED[licence]) in re.sub(r"\s+", " ", text):
                found.append(text)
    if found:
        return min(found, key=len)
    if licence != "MIT":
        raise SystemExit(f"{package['name']} {package['version']} carries no text of {licence}")
    # The crate names its licence and its authors only.
    authors = ", ".join(re.sub(r"\s*<.*?>", "", author) for author in package["authors"])
    ours = (ROOT / "LICENSE-MIT").read_text()
    terms = ours[ours.index("Permission is hereby granted"):]
    return f"MIT License\n\nCopyright (c) {authors or 'the authors of ' + package['name']}\n\n{terms}"


def tidy(text):
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").strip("\n\ufeff").split("\n")]
    indent = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line[indent:] for line in lines)).strip("\n")


def notices(data, kinds, head):
    crates = sorted(shipped(data, kinds), key=lambda entry: (entry[0]["name"], entry[0]["version"]))
    versions = {package["name"]: package["version"] for package, _ in crates}
    page = HEAD.format(renew=RENEW, psl=versions["psl"], **head)
    # One text, whatever its line breaks, stands once.
    texts = {}
    for package, names in crates:
        choices = Expression(package["license"]).within(PREFERRED)
        if not choices:
            raise SystemExit(f"{package['name']}: no text is known for {package['license']}, see PREFERRED")
        order = list(PREFERRED)
        used = sorted(min(choices, key=lambda choice: sorted(map(order.index, choice))), key=order.index)
        where = ", ".join(name for name in kinds.values() if name in names)
        page += (f"| {package['name']} | {package['version']} | {package['license']} | {' AND '.join(used)} | "
                 f"{where if len(names) < len(kinds) else 'all'} |\n")
        for licence in used:
            text = tidy(text_of(package, licence))
            key = (order.index(licence), re.sub(r"\W+", " ", text).lower().strip())
            texts.setdefault(key, (licence, text, []))[2].append(package["name"])
    page += "\n## Texts\n"
    for _, (licence, text, names) in sorted(texts.items(), key=lambda item: (item[0][0], item[1][2])):
        fence = "````" if "```" in text else "```"
        page += f"\n### {licence}: {', '.join(names)}\n\n{fence}text\n{text}\n{fence}\n"
    return page


def main(arguments):
    if arguments not in ([], ["--write"]):
        raise SystemExit(__doc__)
    data = metadata()
    pages = {ROOT / file: notices(data, *of) for file, of in NOTICES.items()}
    if arguments:
        for file, page in pages.items():
            file.write_text(page)
    for text, choices in {
        "MIT": [{"MIT"}], "MIT/Apache-2.0": [{"MIT"}, {"Apache-2.0"}],
        "(MIT OR Apache-2.0) AND Unicode-3.0": [{"MIT", "Unicode-3.0"}, {"Apache-2.0", "Unicode-3.0"}],
        "Apache-2.0 WITH LLVM-exception OR MIT": [{"Apache-2.0 WITH LLVM-exception"}, {"MIT"}],
        "A OR B AND C": [{"A"}, {"B", "C"}],
    }.items():
        claim(Expression(text).choices == choices, f"{text} is read as {Expression(text).choices}")
    check_rules(data)
    for file, page in pages.items():
        current = file.read_text() if file.exists() else ""
        claim(current == page, f"{file.relative_to(ROOT)} is not what the lock file says, renew it: {RENEW}")
    # No library speaks TLS or HTTP over a network.
    in_libraries = {package["name"] for package, _ in shipped(data, LIBRARIES)}
    claim(not in_libraries & {"ring", "rustls", "ureq", "webpki-roots"}, "the libraries contain a client of HTTP or TLS")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
