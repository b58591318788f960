"""Directives and policy documents, right and wrong: configtest tells everything, with place and repair."""
import json
import os
import subprocess
import time

import pytest
from apache import (APACHE, MODULE, MODULES, ORIGIN, OTHER, POLICY, ROOT, Apache, is_granted, is_preflight_answer,
                    is_refused)

INSTALL = ["sh", ROOT / "bindings/apache/install.sh"]

BAD = """{
  "allow_origins": ["https://app.example.com/", "*.example.com"],
  "allow_method": ["PUT"],
  "max_age": -1
}"""


@pytest.fixture
def configured():
    """Gives exit code and text of configtest for a configuration."""
    def configured(configuration, files=(), policies=None, modules=""):
        server = Apache(configuration, modules, files, policies={"api": POLICY} if policies is None else policies)
        try:
            code, text = server.test()
            return code, text.replace(str(server.root), "ROOT").strip().splitlines()
        finally:
            server.__exit__()
    return configured


def test_a_good_configuration_says_nothing(configured):
    assert configured("Corsac api\nCorsacPreflight answer\nCorsacReport off\n<Location /x>\nCorsac off\n</Location>") == (0, ["Syntax OK"])


def test_every_problem_of_a_document_is_told_with_its_place_and_repair(configured):
    code, lines = configured("", policies={"api": BAD})
    assert code == 1
    problems = [line for line in lines if line.startswith("ROOT/policies/api.json:")]
    assert [line.split(": ")[:3] for line in problems] == [
        ["ROOT/policies/api.json:2:21", "origin-with-trailing-slash", "allow_origins[0]"],
        ["ROOT/policies/api.json:2:49", "origin-without-scheme", "allow_origins[1]"],
        ["ROOT/policies/api.json:3:3", "unknown-key", "allow_method"],
        ["ROOT/policies/api.json:4:14", "max-age-out-of-range", "max_age"],
    ]
    assert 'write "https://app.example.com"' in problems[0] and 'write "allow_methods"' in problems[2]
    assert lines[-2] == "AH00526: Syntax error on line 1 of ROOT/policies.conf:"
    assert lines[-1].startswith("CorsacPolicyFile: 4 problems in the policy document, each logged above, first ROOT/policies/api.json:2:21: ")


@pytest.mark.parametrize(("policies", "configuration", "text"), [
    ({"api": "{"}, "", "ROOT/policies/api.json:1:1: invalid-json: "),
    ({"api": ""}, "", "ROOT/policies/api.json:1:1: invalid-json: "),
    ({}, "CorsacPolicyFile api nothing.json", "CorsacPolicyFile: ROOT/nothing.json: No such file or directory"),
    ({}, "CorsacPolicyFile api policies", "CorsacPolicyFile: ROOT/policies: this is not a file: name a policy document"),
    ({}, "CorsacPolicyFile api", "CorsacPolicyFile takes two arguments"),
    ({}, "CorsacPolicyFile off policies/api.json", 'a policy cannot be named "off", choose another name'),
    (None, "CorsacPolicyFile api policies/api.json",
     'the name "api" is taken by ROOT/policies/api.json (at ROOT/policies.conf:1), choose another name'),
    (None, "<VirtualHost *:1>\nCorsacPolicyFile other policies/api.json\n</VirtualHost>", "CorsacPolicyFile cannot occur within <VirtualHost> section"),
    (None, "<Location />\nCorsacPolicyFile other policies/api.json\n</Location>", "CorsacPolicyFile not allowed in <Location> context"),
    (None, "CorsacPreflight maybe", 'CorsacPreflight: "maybe" is neither answer nor pass, write one of them'),
    (None, "CorsacReport maybe", "CorsacReport must be On or Off"),
    *((None, f"<Location />\n<Limit PUT>\n{directive}\n</Limit>\n</Location>", f"{directive.split()[0]} cannot occur within <Limit> or <LimitExcept> section")
      for directive in ("Corsac api", "CorsacPreflight pass", "CorsacReport on")),
    (None, "Corsac", "Corsac takes one argument"),
    (None, "Corsac a b", "Corsac takes one argument"),
])
def test_a_wrong_directive_tells_its_place_and_repair(configured, policies, configuration, text):
    code, lines = configured(configuration, policies=policies)
    assert code == 1 and any(text in line for line in lines), lines
    assert any("ROOT/httpd.conf" in line or "ROOT/policies.conf" in line for line in lines)


def test_every_name_that_is_not_defined_is_told(configured):
    code, lines = configured("Corsac apj\n<Location /a>\nCorsac other\nCorsac api\n</Location>\n<Directory /b>\nCorsac Api\n</Directory>",
                             policies={"api": POLICY, "zoo": POLICY})
    assert code == 1
    told = sorted(line.split("httpd.conf:")[1] for line in lines if "no policy is named" in line)
    repair = "write Corsac api, zoo or off, or define it in the server's configuration by CorsacPolicyFile"
    assert [line.split(": ", 1)[1] for line in told] == [
        f'Corsac: no policy is named "{name}": {repair} {name} PATH' for name in ("apj", "other", "Api")]
    assert lines[-1] == "AH00014: Configuration check failed"


def test_a_name_may_be_used_above_its_definition(configured):
    assert configured("Corsac api\nCorsacPolicyFile api p.json", {"p.json": json.dumps(POLICY)}, policies={}) == (0, ["Syntax OK"])


WARNED = {"allow_origins": ["http://app.example.com"], "allow_methods": ["PUT"]}


def test_warnings_are_told_by_configtest_and_stop_nothing(configured):
    code, lines = configured("Corsac api", policies={"api": WARNED})
    assert code == 0 and lines[-1] == "Syntax OK"
    assert [line.split(": ")[1] for line in lines[:-1]] == ["insecure-origin", "json-will-not-get-through"]


def test_warnings_are_logged_once_at_a_start():
    with Apache("Corsac api", policies={"api": WARNED}) as server:
        lines = [line for line in server.errors().splitlines() if "/policies/api.json:" in line]
        assert len(lines) == 2 and all("[corsac:warn]" in line for line in lines), lines


def test_a_configuration_without_policies_has_no_headers():
    with Apache("Corsac off", policies={}) as server:
        assert server.get("/x").cors == {}


PLACES = """
Corsac api
<VirtualHost *:{port}>
ServerName one.example
</VirtualHost>
<VirtualHost *:{port}>
ServerName two.example
Corsac off
<Location "/on">
Corsac api
CorsacPreflight pass
</Location>
<Location "/on/here">
CorsacPreflight answer
</Location>
<Location "/on/here/public">
Corsac public
</Location>
</VirtualHost>
<VirtualHost *:{port}>
ServerName three.example
<Files "a.txt">
Corsac off
</Files>
</VirtualHost>
"""


def test_the_innermost_place_decides_and_each_directive_for_itself():
    with Apache(PLACES, files={"htdocs/a.txt": "a"}, policies={"api": POLICY, "public": {"allow_origins": "*"}}) as server:
        def get(host, target):
            return server.request("GET", target, {"Origin": ORIGIN}, host=host)

        def preflight(host, target):
            return server.request("OPTIONS", target, {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT",
                                                      "Access-Control-Request-Headers": "content-type"}, host=host)
        assert is_granted(get("one.example", "/a.txt")) and is_preflight_answer(preflight("one.example", "/a.txt"))
        assert get("two.example", "/a.txt").cors == {}
        assert is_granted(get("two.example", "/on/x"))
        assert preflight("two.example", "/on/x").status == 200  # by Apache's own handler
        assert is_preflight_answer(preflight("two.example", "/on/here/x"))
        assert get("two.example", "/on/here/public").cors == {"access-control-allow-origin": "*"}
        assert get("three.example", "/a.txt").cors == {}
        assert is_granted(get("three.example", "/b.txt"))
        # What makes no sense gets the policy of the first host.
        received = server.send(f"GET /a.txt HTTP/1.1\r\nHost: two.example\r\nOrigin: {ORIGIN}\r\nbad\r\n\r\n".encode())
        assert received.startswith(b"HTTP/1.1 400 ")


def signal_server(server, name):
    """What `apachectl graceful` does: configtest, then a signal if all is well."""
    return subprocess.run([*server.command, "-k", name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)


def until(claim):
    for _ in range(600):
        if claim():
            return True
        time.sleep(0.02)
    return False


def test_a_graceful_restart_takes_the_new_policy_and_refuses_a_bad_one():
    with Apache("Corsac api", policies={"api": POLICY}) as server:
        assert is_granted(server.get("/")) and is_refused(server.get("/", OTHER))
        server.write_policies({"api": BAD})
        done = signal_server(server, "graceful")
        assert done.returncode == 1 and "origin-with-trailing-slash" in done.stdout and "max-age-out-of-range" in done.stdout
        assert is_granted(server.get("/"))
        server.write_policies({"api": {"allow_origins": [OTHER]}})
        assert signal_server(server, "graceful").returncode == 0
        assert until(lambda: server.get("/", OTHER)["Access-Control-Allow-Origin"] == OTHER)
        assert is_refused(server.get("/"))


def test_nothing_is_read_on_a_request():
    with Apache("Corsac api", policies={"api": POLICY}) as server:
        for file in server.root.glob("policies/*"):
            file.unlink()
        (server.root / "policies.conf").unlink()
        assert is_granted(server.get("/"))


def test_the_module_is_installed_where_apache_looks(tmp_path):
    subprocess.run([*INSTALL, MODULE], check=True, stdout=subprocess.PIPE, env={**os.environ, "DESTDIR": str(tmp_path)})
    installed = tmp_path / f"{MODULES}/mod_corsac.so".lstrip("/")
    assert installed.read_bytes() == MODULE.read_bytes()
    assert (tmp_path / "etc/apache2/mods-available/corsac.load").read_text() == f"LoadModule corsac_module {MODULES}/mod_corsac.so\n"


def test_a_module_that_is_older_than_its_source_is_not_installed(tmp_path):
    old = tmp_path / "mod_corsac.so"
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    done = subprocess.run([*INSTALL, old], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "DESTDIR": str(tmp_path / "root")})
    assert done.returncode == 1 and done.stdout.endswith("mod_corsac.c: run make apache\n"), done.stdout
    assert not (tmp_path / "root").exists()


def test_apache_is_where_it_is_looked_for():
    assert subprocess.run([APACHE, "-v"], stdout=subprocess.PIPE, check=True).stdout.startswith(b"Server version: Apache/2.4.")
