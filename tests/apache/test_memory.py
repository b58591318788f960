"""Valgrind finds nothing with the module that it does not find without it."""
import re
import shutil

import pytest
from apache import ORIGIN, OTHER, POLICIES, Apache
from test_configuration import signal_server, until

CONFIGURATION = """
KeepAlive Off
<IfModule corsac_module>
Corsac api
<Location "/public">
Corsac public
</Location>
<Location "/strict">
Corsac strict
</Location>
<Location "/report">
CorsacReport on
</Location>
</IfModule>
LogLevel notice
Header always set Access-Control-Allow-Origin "*"
Header always set Vary "Accept"
ProxyPass /app {upstream}
ProxyPass /strict {upstream}
<Directory "{root}/htdocs/override">
AllowOverride FileInfo
</Directory>
"""

# A child ends without freeing what its parent had read, so there only blocks that nothing leads to count. (Policies are
# counted, and a pointer to what is counted is one into a block, "possibly lost".)
VALGRIND = ["valgrind", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite", "--num-callers=30",
            "--log-file={root}/valgrind.%p"]


def findings(application, with_module):
    """What valgrind says of a server that answers requests, restarts and ends: its reports on all processes, and
    the log of the parent."""
    files = {"htdocs/a.txt": "hello", "htdocs/override/a.txt": "hello", "htdocs/override/.htaccess": "Corsac public\n" if with_module else "",
             "htdocs/override/wrong/.htaccess": "Corsac nobody\n", "htdocs/override/wrong/a.txt": "hello"}
    server = Apache(CONFIGURATION, "headers proxy proxy_http", files, POLICIES if with_module else {}, application=application,
                    with_module=with_module)
    server.wrapper = [part.replace("{root}", str(server.root)) for part in VALGRIND]
    with server:
        def work():
            for target in ("/a.txt", "/nothing", "/app/x", "/app/two-varies", "/public/x", "/strict/x", "/report/x", "/override/a.txt",
                           "/override/wrong/a.txt", "/%00", "/app/status/304"):
                for origin in (ORIGIN, OTHER, "null", "https://" + "x" * 300, None):
                    server.get(target, origin)
                    server.preflight(target, origin or ORIGIN, names="content-type, x-other")
            server.send(b"GET\r\n\r\n")

        work()
        server.wrapper, kept = [], server.wrapper
        assert signal_server(server, "restart").returncode == 0
        server.wrapper = kept
        assert until(lambda: server.errors().count("resuming normal operations") == 2)
        work()
        pid = server.process.pid
        assert server.end() == 0
        texts = {log.name: log.read_text() for log in server.root.glob("valgrind.*")}
    parent = texts[f"valgrind.{pid}"]
    assert len(texts) >= 3
    text = "".join(texts.values())
    assert text.count("ERROR SUMMARY: ") == len(texts), text
    # What is reported is a paragraph with a stack. (The C library keeps a list of what a module that stays loaded needs.)
    reports = [report for report in re.split(r"\n==\d+== \n", text) if re.search(r"==\d+==    at 0x", report)]
    return [report for report in reports if "_dl_map_object_deps" not in report], parent


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
def test_valgrind_finds_nothing_that_it_does_not_find_without_the_module(application):
    plain, plain_parent = findings(application, False)
    found, parent = findings(application, True)
    assert [report for report in found if "corsac" in report] == []
    assert len(found) <= len(plain), found

    def still_in_use(log):
        return int(re.search(r"in use at exit: ([\d,]+) bytes", log)[1].replace(",", ""))

    # The parent frees every policy, those of the configuration before the restart too; the rest is set up once.
    assert still_in_use(parent) <= still_in_use(plain_parent) + 4096, parent
