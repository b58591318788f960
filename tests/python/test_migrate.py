"""corsac.migrate: what becomes of the configuration of other libraries."""

import json
import re
import subprocess
import sys
from datetime import timedelta
from types import SimpleNamespace

import pytest
from starlette.datastructures import Headers
from starlette.middleware.cors import ALL_METHODS, CORSMiddleware

from conftest import PACKAGE
from corsac import Policy
from corsac.migrate import Finding, Migration, from_django, from_flask, from_starlette, main

APP = "https://app.example.com"


def settings_of(findings):
    return [finding.setting for finding in findings]


def allows(migration, origin, path=None):
    policy = migration.policy()
    policy = policy if path is None else policy[path]
    return policy.evaluate("GET", {"Origin": origin}).allowed


# django-cors-headers


def test_settings_of_django_become_a_document():
    migration = from_django(
        {
            "CORS_ALLOWED_ORIGINS": [APP, "https://b.example"],
            "CORS_ALLOW_METHODS": ["GET", "POST", "PUT"],
            "CORS_ALLOW_HEADERS": ["content-type", "x-token"],
            "CORS_EXPOSE_HEADERS": ("ETag",),
            "CORS_ALLOW_CREDENTIALS": True,
            "CORS_PREFLIGHT_MAX_AGE": 600,
            "CORS_URLS_REGEX": r"^.*$",
            "DEBUG": True,
        }
    )
    assert migration == Migration(
        {
            "preflight_status": 200,
            "allow_origins": [APP, "https://b.example"],
            "allow_credentials": True,
            "allow_methods": ["PUT"],
            "allow_headers": ["content-type", "x-token"],
            "expose_headers": ["ETag"],
            "max_age": 600,
        }
    )
    assert isinstance(migration.policy(), Policy)


@pytest.mark.parametrize("make", [dict, lambda settings: SimpleNamespace(**settings)])
def test_settings_may_be_a_mapping_or_a_module(make):
    assert from_django(make({"CORS_ALLOWED_ORIGINS": [APP]})).document["allow_origins"] == [APP]


def test_old_names_are_read_and_new_ones_go_before():
    old = {"CORS_ORIGIN_WHITELIST": [APP], "CORS_ORIGIN_REGEX_WHITELIST": [r"^https://\w+\.example\.com$"]}
    migration = from_django(old)
    assert migration.document["allow_origins"] == [APP]
    assert settings_of(migration.lost) == ["CORS_ORIGIN_REGEX_WHITELIST[0]"]
    assert from_django({"CORS_ORIGIN_ALLOW_ALL": True}).document["allow_origins"] == "*"
    both = from_django({**old, "CORS_ALLOWED_ORIGINS": ["https://b.example"]})
    assert both.document["allow_origins"] == ["https://b.example"]
    assert both.lost[-1].setting == "CORS_ORIGIN_WHITELIST"
    assert both.lost[-1].message == "CORS_ALLOWED_ORIGINS goes before it, it did nothing"


def test_what_is_missing_means_what_it_meant():
    document = from_django({"CORS_ALLOW_ALL_ORIGINS": True}).document
    assert document["max_age"] == 86400
    assert document["allow_methods"] == ["DELETE", "OPTIONS", "PATCH", "PUT"]
    assert "x-csrftoken" in document["allow_headers"]
    # It sends no Access-Control-Max-Age for 0.
    assert "max_age" not in from_django({"CORS_ALLOW_ALL_ORIGINS": True, "CORS_PREFLIGHT_MAX_AGE": 0}).document


def test_nobody_allowed_is_no_policy():
    for settings in ({}, {"CORS_ALLOWED_ORIGINS": []}, {"CORS_ALLOWED_ORIGIN_REGEXES": [r"^https://a\.example$"]}):
        migration = from_django(settings)
        assert migration.document is None
        assert migration.policy() == {}


def test_everyone_with_credentials_is_unsafe_and_loses_them():
    for migration in (
        from_django({"CORS_ALLOW_ALL_ORIGINS": True, "CORS_ALLOW_CREDENTIALS": True}),
        from_flask(supports_credentials=True),
        from_starlette(allow_origins=["*"], allow_credentials=True),
    ):
        assert migration.document["allow_origins"] == "*"
        assert "allow_credentials" not in migration.document
        (finding,) = migration.unsafe
        assert "every site of the world" in finding.message
        assert len(json.loads(finding.suggestion)["rules"]) == 2
        Policy.from_json(finding.suggestion)
        headers = migration.policy().evaluate("GET", {"Origin": APP}).headers
        assert not any(name == "Access-Control-Allow-Credentials" and op == "set" for op, name, _ in headers)


def test_what_no_policy_can_have_is_told_with_its_place():
    migration = from_django(
        {
            "CORS_ALLOWED_ORIGINS": [APP, "null", "file://", "http://b.example", "https://c.example/", "d.example"],
            "CORS_ALLOW_CREDENTIALS": True,
            "CORS_ALLOW_HEADERS": ["origin", "x-token", "dnt"],
            "CORS_ALLOW_METHODS": ["PUT", "TRACE"],
            "CORS_PREFLIGHT_MAX_AGE": 100000,
        }
    )
    assert migration.document["allow_origins"] == [APP]
    assert migration.document["allow_headers"] == ["x-token"]
    assert migration.document["allow_methods"] == ["PUT"]
    assert "max_age" not in migration.document
    assert {finding.setting: finding.suggestion for finding in migration.lost} == {
        "CORS_ALLOWED_ORIGINS[2]": None,
        "CORS_ALLOWED_ORIGINS[4]": "https://c.example",
        "CORS_ALLOWED_ORIGINS[5]": "https://d.example",
        "CORS_ALLOW_HEADERS[0]": None,
        "CORS_ALLOW_HEADERS[2]": None,
        "CORS_ALLOW_METHODS[1]": None,
        "CORS_PREFLIGHT_MAX_AGE": "86400",
    }
    assert settings_of(migration.unsafe) == ["CORS_ALLOWED_ORIGINS[1]", "CORS_ALLOWED_ORIGINS[3]"]
    assert migration.unsafe[1].suggestion == "https://b.example"


def test_the_place_is_right_after_values_that_are_left_out():
    # Safelisted methods are left out of the list, and what is wrong in it keeps its name.
    migration = from_django({"CORS_ALLOWED_ORIGINS": [APP], "CORS_ALLOW_METHODS": ["GET", "POST", "PUT", "TRACE"]})
    assert [finding.value for finding in migration.lost] == ["'TRACE'"]


def test_a_document_that_keeps_something_unsafe_says_so():
    migration = from_django({"CORS_ALLOWED_ORIGINS": ["http://b.example"]})
    assert migration.document["allow_origins"] == ["http://b.example"]
    (finding,) = migration.unsafe
    assert finding.setting == "CORS_ALLOWED_ORIGINS[0]"
    assert finding.message.endswith("the document still has it")


def test_paths_and_other_settings_are_told():
    migration = from_django(
        {
            "CORS_ALLOWED_ORIGINS": [APP],
            "CORS_URLS_REGEX": re.compile(r"^/api/.*$"),
            "CORS_ALLOW_PRIVATE_NETWORK": True,
            "CORS_REPLACE_HTTPS_REFERER": False,
            "CORS_MODEL": "x",
        }
    )
    assert settings_of(migration.lost) == [
        "CORS_URLS_REGEX",
        "CORS_ALLOW_PRIVATE_NETWORK",
        "CORS_REPLACE_HTTPS_REFERER",
        "CORS_MODEL",
    ]
    assert migration.lost[0].suggestion == "CORSAC = {'/api': {...}}"
    odd = from_django({"CORS_ALLOWED_ORIGINS": [APP], "CORS_URLS_REGEX": r"^/(a|b)/"})
    assert odd.lost[0].suggestion is None


# Regular expressions


@pytest.mark.parametrize(
    ("regex", "patterns"),
    [
        (r"^https://\w+\.example\.com$", "https://*.example.com"),
        (r"^https://.*\.example\.com$", "https://*.example.com"),
        (r"^https://[a-z0-9-]+\.example\.com(:\d+)?$", "https://*.example.com:*"),
        (r"^https://([\w-]+\.)+example\.com$", "https://*.example.com"),
        (r"^https://([\w-]+\.)*example\.com$", "https://*.example.com, https://example.com"),
        (r"^https://(www\.)?example\.com$", "https://www.example.com, https://example.com"),
        (r"^https://(?:a|b)\.example\.com$", "https://a.example.com, https://b.example.com"),
        (r"^https?://localhost(:[0-9]+)?$", "https://localhost:*, http://localhost:*"),
        (r"^http://localhost:\d{4}$", "http://localhost:*"),
        (r"https://pr-\d+\.preview\.example\.com", "https://pr-*.preview.example.com"),
        (r"^chrome-extension://.*$", "chrome-extension://*"),
        (r"https://.*", "https://*"),
        (r"^https://\w+.example.com", "https://*.example.com"),
        # These read like no pattern.
        (r".*", None),
        (r".*example.*", None),
        (r"^https://.*example\.com$", None),
        (r"^https://app\d\.example\.com$", None),
        (r"^https://(?!evil).*\.example\.com$", None),
        (r"^https://(a\.example\.com$", None),
        (r"^(https://\w+\.){2}example\.com$", None),
        (r"https://[a-z]", None),
    ],
)
def test_a_regular_expression_is_lost_with_a_suggestion(regex, patterns):
    migration = from_django({"CORS_ALLOWED_ORIGINS": [APP], "CORS_ALLOWED_ORIGIN_REGEXES": [regex]})
    assert migration.document["allow_origins"] == [APP]
    (finding,) = migration.lost
    assert (finding.setting, finding.suggestion) == ("CORS_ALLOWED_ORIGIN_REGEXES[0]", patterns)
    if patterns:
        Policy(allow_origins=patterns.split(", "))


@pytest.mark.parametrize(
    ("regex", "stranger"),
    [
        (r"^https://\w+\.example\.com", "https://a.example.com.evil.example"),
        (r"^https://\w+.example\.com$", None),  # one letter in place of the dot is still below example.com
        (r"^https://app\.example.com$", "https://app.examplexcom"),
        (r"^https?://app\.example\.com$", None),
        (r".*", "https://evil.example"),
        (r".*", "null"),
        (r"^https://app\.example\.com|https://b\.example\.com$", "https://app.example.com.evil.example"),
        (r"^https://\w+\.example\.com$", None),
    ],
)
def test_what_a_regular_expression_lets_in_is_unsafe_with_a_witness(regex, stranger):
    migration = from_django({"CORS_ALLOWED_ORIGIN_REGEXES": [regex]})
    if stranger is None:
        assert migration.unsafe == ()
    else:
        assert re.match(regex, stranger)
        assert stranger in migration.unsafe[0].message


def test_a_witness_is_one_for_the_library_that_matches():
    # Starlette matches the whole origin, where django-cors-headers and flask-cors match its beginning.
    regex = r"https://\w+\.example\.com"
    assert from_starlette(allow_origin_regex=regex).unsafe == ()
    assert from_django({"CORS_ALLOWED_ORIGIN_REGEXES": [regex]}).unsafe != ()
    assert from_flask(origins=[regex]).unsafe != ()


def test_what_is_no_regular_expression_is_told():
    (finding,) = from_django({"CORS_ALLOWED_ORIGIN_REGEXES": ["https://("]}).lost
    assert "no regular expression" in finding.message


# flask-cors


def test_options_of_flask_become_a_document():
    migration = from_flask(
        origins=[APP],
        methods=["GET", "put"],
        allow_headers="Content-Type",
        expose_headers=["ETag", "X-A"],
        supports_credentials=True,
        max_age=timedelta(minutes=10),
    )
    assert migration == Migration(
        {
            "preflight_status": 200,
            "allow_origins": [APP],
            "allow_credentials": True,
            "allow_methods": ["PUT"],
            "allow_headers": ["Content-Type"],
            "expose_headers": ["ETag", "X-A"],
            "max_age": 600,
        }
    )


def test_defaults_of_flask_are_everything():
    for migration in (from_flask(), from_flask(resources=r"/*"), from_flask(origins="*")):
        assert migration.document == {
            "preflight_status": 200,
            "allow_origins": "*",
            "allow_methods": ["DELETE", "OPTIONS", "PATCH", "PUT"],
            "allow_headers": "*",
        }
        assert migration.lost == migration.unsafe == ()


@pytest.mark.parametrize("options", [{}, {"DEBUG": True}, {"CORS_MAX_AGE": 5}, {"CORS_RESOURCES": "/*"}])
def test_a_configuration_of_flask_without_origins_is_told(options):
    migration = from_flask(options)
    assert migration.document["allow_origins"] == "*"
    assert settings_of(migration.unsafe) == ["CORS_ORIGINS"]
    assert from_flask(options, origins=[APP]).unsafe == ()


def test_a_configuration_of_flask_has_its_names():
    migration = from_flask({"CORS_ORIGINS": [APP, r"https://\w+\.b\.example"], "CORS_MAX_AGE": "60", "SECRET_KEY": "x"})
    assert migration.document["max_age"] == 60
    assert settings_of(migration.lost) == ["CORS_ORIGINS[1]"]
    assert from_flask({"CORS_ORIGINS": "*"}, origins=APP).document["allow_origins"] == [APP]


def test_resources_become_prefixes():
    migration = from_flask(
        resources={
            r"/api/*": {"origins": [APP]},
            r"/api/admin/.*": {"origins": []},
            "/exact": {"origins": "*", "max_age": 5},
            r"/\w+/z": {},
            "*": {},
        },
        max_age=60,
    )
    assert migration.document is None
    assert list(migration.prefixes) == ["/exact", "/api/admin", "/api", "/"]
    assert migration.prefixes["/api"]["allow_origins"] == [APP]
    assert migration.prefixes["/api/admin"] is None
    assert [document["max_age"] for document in migration.prefixes.values() if document] == [5, 60, 60]
    assert allows(migration, APP, "/api") and not allows(migration, "https://b.example", "/api")
    assert migration.policy()["/api/admin"] is None
    lost = {finding.setting: finding.message for finding in migration.lost}
    assert "that one path" in lost["resources['/exact']"]
    assert "begins with" in lost["resources['/api/*']"]
    assert "no prefix of paths" in lost[r"resources['/\\w+/z']"]
    assert from_flask(resources=["/a/*", "/b/*"]).prefixes.keys() == {"/a", "/b"}


def test_options_that_are_unsafe_or_mean_nothing_are_told():
    migration = from_flask(
        origins=[APP], vary_header=False, automatic_options=False, intercept_exceptions=False, allow_private_network=True,
        send_wildcard=True, always_send=False, allow_headers=[r"x-\w+", "x-token"], origin="typo",
    )  # fmt: skip
    assert settings_of(migration.unsafe) == ["vary_header"]
    assert settings_of(migration.lost) == [
        "allow_headers[0]",
        "automatic_options",
        "intercept_exceptions",
        "allow_private_network",
        "origin",
    ]
    assert migration.document["allow_headers"] == ["x-token"]


# Starlette


def test_arguments_of_starlette_become_a_document():
    migration = from_starlette(
        allow_origins=[APP], allow_methods=["*"], allow_headers=["X-A"], expose_headers=["X-B"], allow_credentials=True
    )
    assert migration == Migration(
        {
            "preflight_status": 200,
            "allow_origins": [APP],
            "allow_credentials": True,
            "allow_methods": ["DELETE", "OPTIONS", "PATCH", "PUT", "QUERY"],
            "allow_headers": ["X-A", "content-type"],
            "expose_headers": ["X-B"],
            "max_age": 600,
        }
    )
    assert from_starlette({"allow_origins": [APP]}, max_age=5).document["max_age"] == 5


@pytest.mark.parametrize("headers", [[], ["X-A"], ["Content-Type"], ["*"]])
def test_what_starlette_allowed_unasked_is_allowed_and_no_more(headers):
    arguments = {"allow_origins": [APP], "allow_methods": ["*"], "allow_headers": headers, "allow_credentials": True}
    theirs = CORSMiddleware(None, **arguments)
    ours = from_starlette(arguments).policy()
    for method in (*ALL_METHODS, "PURGE", "*"):
        asked = {"Origin": APP, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "content-type"}
        assert ours.evaluate("OPTIONS", asked).allowed == (theirs.preflight_response(Headers(asked)).status_code == 200), method


@pytest.mark.parametrize("regex, stranger, patterns", [
    (r"https?://.*", "https://a", None),
    (r"https://.+", "https://a", None),
    (r"https?://app\.example\.com", "http://app.example.com", "https://app.example.com"),
    (r"https://.*\.com", "https://a.com", None),
    (r"https?://localhost(:\d+)?", None, "https://localhost:*, http://localhost:*"),
])
def test_with_credentials_a_suggestion_is_one_that_can_have_them(regex, stranger, patterns):
    migration = from_starlette(allow_origin_regex=regex, allow_credentials=True)
    assert [finding.suggestion for finding in migration.lost] == [patterns]
    unsafe = [finding.message for finding in migration.unsafe]
    assert [re.split(r"also allows |,", message)[1] for message in unsafe] == ([] if stranger is None else [stranger])
    if patterns:
        Policy(allow_origins=patterns.split(", "), allow_credentials=True)


def test_what_starlette_does_not_know_is_told():
    migration = from_starlette(allow_origins=[APP], allow_private_network=True, allow_origin="x")
    assert settings_of(migration.lost) == ["allow_private_network", "allow_origin"]


# Every document is one that builds


def test_a_document_always_builds():
    odd = ["https://a.example", "*", "null", "", "https://a.example/x", "http://a.example", "https://*.com", "é"]
    for credentials in (True, False):
        for count in range(len(odd) + 1):
            for migration in (
                from_django({"CORS_ALLOWED_ORIGINS": odd[count:], "CORS_ALLOW_CREDENTIALS": credentials}),
                from_starlette(allow_origins=odd[count:], allow_credentials=credentials, expose_headers=["*"]),
                from_flask(origins=odd[count:], supports_credentials=credentials, expose_headers="*"),
            ):
                if migration.document is not None:
                    assert isinstance(migration.policy(), Policy)


def test_values_of_any_type_do_no_harm():
    migration = from_django({"CORS_ALLOWED_ORIGINS": [APP], "CORS_ALLOW_METHODS": [5, "PUT"], "CORS_PREFLIGHT_MAX_AGE": "soon"})
    assert migration.document["allow_methods"] == ["PUT"]
    assert settings_of(migration.lost) == ["CORS_ALLOW_METHODS[0]", "CORS_PREFLIGHT_MAX_AGE"]


# The command line


def test_the_command_line_prints_a_document(tmp_path, capsys):
    source = tmp_path / "mysettings.py"
    source.write_text(f"CORS_ALLOWED_ORIGINS = [{APP!r}]\nCORS_ALLOW_HEADERS = ['content-type']\n")
    assert main(["django", str(source)]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["allow_origins"] == [APP]
    assert err == ""
    Policy.from_json(out)


def test_the_command_line_tells_what_somebody_should_look_at(tmp_path, capsys):
    source = tmp_path / "arguments.json"
    source.write_text(json.dumps({"allow_origins": ["*"], "allow_credentials": True, "allow_origin_regex": r"https://\w+\.a\.example"}))
    assert main(["starlette", str(source)]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["allow_origins"] == "*"
    assert [line.split(":")[0] for line in err.splitlines()] == ["unsafe", "lost"]
    assert "(perhaps: https://*.a.example)" in err
    with pytest.raises(SystemExit) as ended:
        main(["starlette", str(tmp_path / "missing.json")])
    assert ended.value.code == 2


def test_it_runs_as_a_module(tmp_path):
    (tmp_path / "mysite").mkdir()
    (tmp_path / "mysite/__init__.py").write_text("")
    (tmp_path / "mysite/settings.py").write_text("CORS_ORIGINS = ['https://a.example']\nCORS_RESOURCES = {'/api/*': {}}\n")
    run = subprocess.run(
        [sys.executable, "-m", "corsac.migrate", "flask", "mysite.settings"],
        cwd=tmp_path, env={"PYTHONPATH": str(PACKAGE)}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 1
    assert json.loads(run.stdout)["/api"]["allow_origins"] == ["https://a.example"]
    assert run.stderr.startswith("lost: CORS_RESOURCES['/api/*'] = '/api/*': ")


def test_a_configuration_may_be_a_class(tmp_path, capsys, monkeypatch):
    (tmp_path / "configured.py").write_text(f"class Base:\n    CORS_ORIGINS = [{APP!r}]\nclass Production(Base):\n    DEBUG = False\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert main(["flask", "configured.Production"]) == 0
    assert json.loads(capsys.readouterr().out)["allow_origins"] == [APP]
    assert main(["flask", "configured.py"]) == 1
    assert capsys.readouterr().err.startswith("unsafe: CORS_ORIGINS = '*': it is not here")
    for missing in ("configured.Other", "nowhere", "nowhere.Class", "json.nothing.Class"):
        with pytest.raises(SystemExit):
            main(["flask", missing])


def test_a_finding_is_one_line():
    assert str(Finding("a", "1", "why.", "b")) == "a = 1: why. (perhaps: b)"
    assert str(Finding("a", "1", "why.")) == "a = 1: why."
