"""The schema of the policy document says what the parser says, as far as a schema can, and problems.md knows every code.

Accepted documents of the vectors validate. Refused ones do not, unless every problem is one of BEYOND_A_SCHEMA.
The lists of the schema are those of core/src.
"""
import json
import re
import subprocess
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "core/schema/policy.schema.json"
SOURCE = ROOT / "core/src"
DOCS = ROOT / "core/docs"


def always(_value):
    return True


def is_not_ascii(value):
    return not value.isascii()


def is_integral(value):
    try:
        return not isinstance(value, str) or float(value).is_integer()
    except ValueError:
        return False


# Code: why no schema can tell it, and of which values. A document that breaks only these rules validates.
BEYOND_A_SCHEMA = {
    "invalid-json": ("what is no JSON never gets as far as a schema", always),
    "duplicate-key": ("a JSON parser keeps one of the two", always),
    "invalid-string": ("half a surrogate pair is a matter of the parser", always),
    "expectation-failed": ("matching origins takes the matcher", always),
    "public-suffix-with-credentials": ("a suffix of several labels is known from the Public Suffix List only",
                                       lambda value: "." in re.sub(r"^[^*]*\*[^.]*\.", "", value)),
    "wrong-type": ("600.0 and 6e2 are integers to JSON Schema", is_integral),
    "invalid-name": ("a schema counts characters, the limit is in bytes",
                     lambda value: len(value) <= 256 < len(value.encode())),
    "invalid-origin-host": ("punycode has to be decoded, and Unicode mapped to it",
                            lambda value: is_not_ascii(value) or "xn--" in value.lower()),
}

# Code: why no document of the vectors has it.
WITHOUT_VECTOR = {
    "document-too-large": "a document of 256 MiB",
    "not-utf-8": "a JSON file holds characters, not bytes",
    "too-many-origins": "a document of 2,000,000 origins",
    "no-randomness": "nothing a document does",
}

NO_JSON = object()
passed = failed = 0


def claim(is_so, what):
    global passed, failed
    if is_so:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {what}")


def same(seen, wanted, what):
    missing, extra = sorted(set(wanted) - set(seen)), sorted(set(seen) - set(wanted))
    claim(not missing and not extra, f"{what}: missing {missing}, not known {extra}")


def cases():
    """The configurations of the vectors: name, the JSON value or NO_JSON, problems."""
    for file in sorted((ROOT / "tests/vectors").glob("*.json")):
        vectors = json.loads(file.read_text())
        for name, policy in vectors.get("policies", {}).items():
            yield f"{file.stem}: policy {name}", policy, []
        for case in vectors["cases"]:
            # The configuration of a bucket is no policy document.
            if "s3" in case:
                continue
            if isinstance(case.get("policy"), dict):
                yield case["name"], case["policy"], []
            elif "document" in case:
                yield case["name"], case["document"], case.get("problems", [])
            elif "text" in case:
                yield case["name"], parse(case["text"]), case.get("problems", [])


def parse(text):
    def refuse(constant):
        raise ValueError(constant)
    try:
        return json.loads(text, parse_constant=refuse)
    except ValueError:
        return NO_JSON


def value_of(document, problem):
    """What the problem is about: its path, followed in the document."""
    for key, index in re.findall(r"([A-Za-z0-9_$]+)|\[(\d+)\]", problem["path"]):
        try:
            document = document[key] if key else document[int(index)]
        except (KeyError, IndexError, TypeError):
            return problem.get("value", "")
    return document if isinstance(document, (str, float)) else problem.get("value", "")


def is_beyond(document, problem):
    _, holds = BEYOND_A_SCHEMA.get(problem["code"], (None, None))
    return holds is not None and (holds is always or holds(value_of(document, problem)))


def check_vectors(validator):
    needed = set()
    for name, document, problems in cases():
        if document is NO_JSON:
            claim("invalid-json" in {problem["code"] for problem in problems}, f"{name}: only corsac takes it for JSON")
            needed.add("invalid-json")
            continue
        error = next(validator.iter_errors(document), None)
        if not problems:
            claim(error is None, f"{name}: accepted, but the schema says: {error and error.message}")
        elif error is None:
            for problem in problems:
                claim(is_beyond(document, problem), f"{name}: the schema does not refuse it: {problem['code']}")
                needed.add(problem["code"])
        else:
            claim(True, name)
    same(needed, BEYOND_A_SCHEMA, "codes beyond a schema")


def read(name):
    return (SOURCE / name).read_text()


def strings_behind(name, start, end="]"):
    """The string literals of a Rust file from what matches `start` to `end`."""
    text = read(name)
    begin = re.search(start, text).end()
    return re.findall(r'"([^"]+)"', text[begin:text.index(end, begin)])


def check_lists(schema, validator):
    definitions = schema["$defs"]
    rule = definitions["rule"]
    key_file = read("key.rs")
    names = dict(re.findall(r'Key::(\w+) => "([^"]+)"', key_file))
    order = re.findall(r"Key::(\w+)", key_file[key_file.index("const DOCUMENT"):key_file.index("];")])
    keys = [names[key] for key in order]
    of_rule = keys[:int(re.search(r"DOCUMENT\.split_at\((\d+)\)", key_file).group(1))]
    same(schema["properties"], keys, "keys of a document")
    same(rule["properties"], of_rule, "keys of a rule")
    same(schema["then"]["properties"], set(of_rule) - {"name", "description"}, "keys that do not stand beside rules")
    same(schema["properties"]["expect"]["properties"], set(names.values()) - set(keys), "keys of expect")

    warnings = strings_behind("words.rs", r"WARNINGS: .*= \[")
    same(schema["properties"]["acknowledge"]["items"]["enum"], warnings, "codes of warnings")
    dangers = re.findall(r'Danger::\w+ => "([^"]+)"', read("guards.rs"))
    same([word["const"] for word in rule["properties"]["dangerously_allow"]["items"]["oneOf"]], dangers, "dangers")

    limits = {name: int(number.replace("_", "")) for name, number in
              re.findall(r"pub const (\w+): \w+ = ([\d_]+);", read("limits.rs"))}
    for name, seen in {
        "MAX_RULES": schema["properties"]["rules"]["maxItems"],
        "MAX_NAME_BYTES": definitions["name"]["maxLength"],
        "MAX_METHOD_BYTES": definitions["method"]["maxLength"],
        "MAX_HEADER_NAME_BYTES": definitions["header"]["maxLength"],
        "MAX_AGE_SECONDS": rule["properties"]["max_age"]["maximum"],
    }.items():
        claim(seen == limits[name], f"{name} is {limits[name]}, the schema says {seen}")
    for key in ("allow_methods", "allow_headers", "expose_headers"):
        length = rule["properties"][key]["anyOf"][1]["then"]["maxItems"]
        claim(length == limits["MAX_NAMES"], f"MAX_NAMES is {limits['MAX_NAMES']}, {key} says {length}")

    def refuses(key, name):
        document = {"allow_origins": ["https://app.example.com"], key: [name]}
        claim(not validator.is_valid(document), f"the schema takes {name!r} in {key}")

    unwanted = {
        "allow_headers": strings_behind("header.rs", r"const FORBIDDEN: .*= \[")
        + ["proxy-a", "sec-a"] + strings_behind("header.rs", "fn is_cors_response_header"),
        "expose_headers": strings_behind("header.rs", "fn is_unexposable"),
        "allow_methods": strings_behind("method.rs", "fn is_forbidden"),
    }
    for key, names in unwanted.items():
        for name in names:
            refuses(key, name.lower())
            refuses(key, name.upper())
    schemes = re.search(r"fn is_refused_scheme.*?matches!\(scheme, (.*?)\)", read("origin.rs"), re.S).group(1)
    for scheme in re.findall(r'b"(\w+)"', schemes):
        refuses("own_origins", f"{scheme}://host")
        refuses("own_origins", f"{scheme.upper()}://host")


def patterns(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "pattern" and isinstance(value, str):
                yield value
            else:
                yield from patterns(value)
    elif isinstance(node, list):
        for value in node:
            yield from patterns(value)


def check_regular_expressions(schema):
    """Editors read them as ECMAScript, in the mode for Unicode."""
    script = "for (const text of JSON.parse(require('fs').readFileSync(0))) new RegExp(text, 'u')"
    run = subprocess.run(["node", "-e", script], input=json.dumps(list(patterns(schema))), text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    claim(run.returncode == 0, f"a pattern is no ECMAScript: {run.stdout}")


def check_problems_page():
    page = (DOCS / "problems.md").read_text()
    errors_page, warnings_page = page.split("\n## Warnings\n")

    def codes(text):
        return re.findall(r"`([a-z0-9-]+)`", "\n".join(re.findall(r"^\| (`[^|]*)\|", text, re.M)))

    errors = {problem["code"] for _, _, problems in cases() for problem in problems}
    same(codes(errors_page), errors | set(WITHOUT_VECTOR), "codes of problems.md")
    seen = codes(page)
    same({code for code in seen if seen.count(code) > 1}, [], "codes that stand in problems.md twice")
    shown = set()
    for file in sorted((ROOT / "tests/vectors").glob("*.json")):
        for case in json.loads(file.read_text())["cases"]:
            shown |= {warning["code"] for warning in case.get("warnings", []) if "s3" not in case}
    same(codes(warnings_page), shown, "warnings of problems.md")
    same(shown, strings_behind("words.rs", r"WARNINGS: .*= \["), "warnings of the vectors")


def check_examples(validator, schema):
    for file in (DOCS / "policy.md", ROOT / "README.md"):
        for text in re.findall(r"```json\n(.*?)```", file.read_text(), re.S):
            document = parse(text)
            claim(document is not NO_JSON and validator.is_valid(document), f"an example of {file.name} is refused:\n{text}")
    page = (DOCS / "policy.md").read_text().split("\n## Origins\n")[0]
    same(re.findall(r"^\| `([a-z_$]+)` \|", page, re.M), schema["properties"], "keys in the tables of policy.md")


def main():
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    check_vectors(validator)
    check_lists(schema, validator)
    check_regular_expressions(schema)
    check_problems_page()
    check_examples(validator, schema)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
