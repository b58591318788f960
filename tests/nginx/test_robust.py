"""Reloads under load, a library that panics, and what valgrind says."""
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import builds
from serve import Connection, Nginx, free_port, request
from test_requests import ACTUAL, APP, POLICIES, PREFLIGHT, STRANGER

SIMPLE = """
    %s
    server {
        listen 127.0.0.1:%d;
        corsac api;
        location / { return 200 "ok\\n"; }
        location /open { corsac open; return 200 "ok\\n"; }
        location /missing { return 404; }
    }
"""


def resident(process):
    """Kilobytes in memory."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[1])


def test_reloads_under_load_lose_no_request_and_no_memory(build, tmp_path, pytestconfig):
    reloads = pytestconfig.getoption("reloads")
    port = free_port()
    document = tmp_path / "large.json"
    origins = ",".join(f'"https://site{number}.example.com"' for number in range(2000))
    document.write_text(f'{{"allow_origins":[{origins}]}}')
    http = f"corsac_policy_file large {document};" + SIMPLE % (POLICIES, port)
    stop = threading.Event()
    failures, counts = [], [0, 0, 0]

    def load(index):
        while not stop.is_set():
            try:
                if index == 0:
                    response = request(port, "OPTIONS", "/", [("Origin", APP), ("Access-Control-Request-Method", "PUT"),
                                                              ("Connection", "close")])
                    right = response.status == 204 and response.cors["allow-origin"] == APP
                else:
                    response = request(port, "GET", "/missing", [("Origin", APP), ("Connection", "close")])
                    right = response.status == 404 and response.cors == ACTUAL
                if not right:
                    failures.append(response)
            except Exception as error:
                failures.append(error)
            counts[index] += 1

    with Nginx(build, http, port=port) as nginx:
        threads = [threading.Thread(target=load, args=(index,)) for index in range(3)]
        for thread in threads:
            thread.start()
        sizes = []
        try:
            for number in range(reloads):
                before = set(nginx.workers())
                nginx.reload()
                until = time.monotonic() + 20
                while not set(nginx.workers()) - before and time.monotonic() < until:
                    time.sleep(0.01)
                assert set(nginx.workers()) - before, "no new worker after a reload"
                sizes.append(resident(nginx.process.pid))
                seen = sum(counts)
                while sum(counts) < seen + 10 and time.monotonic() < until:
                    time.sleep(0.005)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert not failures, failures[:3]
        assert all(count >= reloads for count in counts)
        # The first reloads fill what the allocator keeps; from then on nothing grows. A policy that stayed has 200 kB.
        settled = sizes[len(sizes) // 2]
        assert sizes[-1] <= settled + max(400, settled // 20), sizes


def test_a_bad_file_at_reload_leaves_the_workers_that_serve(build, tmp_path):
    port = free_port()
    document = tmp_path / "api.json"
    document.write_text(f'{{"allow_origins":["{APP}"]}}')
    with Nginx(build, f"corsac_policy_file api {document}; server {{ listen 127.0.0.1:{port}; corsac api; return 200; }}",
               port=port) as nginx:
        workers = nginx.workers()
        document.write_text(f'{{"allow_origins":["{APP}/"]}}')
        nginx.reload()
        nginx.wait_for(f'[emerg]')
        nginx.wait_for(f'{document}:1:19: allow_origins[0]: "{APP}/" ends with a slash')
        assert nginx.get("/", APP).cors == {"allow-origin": APP}
        assert nginx.workers() == workers
        document.write_text(f'{{"allow_origins":["{STRANGER}"]}}')
        nginx.reload()
        until = time.monotonic() + 10
        while nginx.get("/", STRANGER).cors != {"allow-origin": STRANGER}:
            assert time.monotonic() < until
            time.sleep(0.02)


def test_a_panic_in_the_core_grants_nothing_and_the_worker_lives():
    port = free_port()
    http = f"""
    {POLICIES}
    server {{
        listen 127.0.0.1:{port};
        corsac api;
        add_header Access-Control-Allow-Origin * always;
        add_header X-All "$corsac_kind $corsac_allowed $corsac_reason" always;
        location / {{ return 200 "ok"; }}
        location /report {{ corsac_report on; return 200 "ok"; }}
    }}"""
    with Nginx(builds.panicking(), http, port=port) as nginx:
        workers = nginx.workers()
        for _ in range(3):
            response = nginx.get("/", APP)
            assert (response.status, response.cors, response.body) == (200, {}, b"ok")
            assert response.one("X-All") == "none 0 unknown"
            options = nginx.preflight("/")
            assert (options.status, options.cors, options.body) == (500, {}, b"")
            assert options.one("Content-Length") == "0"
        assert nginx.preflight("/report").status == 200
        assert nginx.workers() == workers
        assert nginx.errors().count("[alert]") == nginx.errors().count("could not decide, status 4") == 7
        assert 'corsac: policy "api" could not decide, status 4' in nginx.errors()


def test_the_server_of_the_browser_suite_ends_with_2_where_the_policy_is_bad(tmp_path):
    document = tmp_path / "bad.json"
    document.write_text(f'{{"allow_origins":["{APP}/", "{STRANGER}/"]}}')
    server = Path(__file__).with_name("server.py")
    done = subprocess.run([sys.executable, server, "--policy", document], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.count("ends with a slash") == 2


def valgrind(build, http, port, corsac):
    """The totals that valgrind prints after some requests: {kind: (bytes, blocks)}, and the errors."""
    command = ["valgrind", "--leak-check=full", "--num-callers=30"]
    with Nginx(build, http, port=port, master=False, command=command, load=corsac, wait=60) as nginx:
        with Connection(port) as connection:
            for _ in range(10):
                for method in ("GET", "OPTIONS", "POST"):
                    for target in ("/", "/open", "/missing", "/nothing", "/private"):
                        for headers in ([], [("Origin", APP)], [("Origin", STRANGER)], [("Origin", APP), ("Origin", APP)],
                                        [("Origin", APP), ("Access-Control-Request-Method", "PUT"),
                                         ("Access-Control-Request-Headers", "content-type")]):
                            lines = [*headers, ("Content-Length", "0")]
                            connection.request(method, target, lines)
        nginx.process.terminate()
        output = nginx.process.stdout.read()
        nginx.process.wait()
    totals = {kind: int(number.replace(",", "")) for kind, number in
              re.findall(r"(definitely lost|indirectly lost|possibly lost): ([\d,]+) bytes", output)}
    contexts = int(re.search(r"ERROR SUMMARY: \d+ errors from (\d+) contexts", output)[1])
    invalid = len(re.findall(r"Invalid (?:read|write)|uninitialised|Mismatched|Invalid free", output))
    return totals, contexts, invalid, output


def test_valgrind_reports_nothing_that_it_does_not_report_of_plain_nginx(installed):
    results = {}
    for corsac in (False, True):
        port = free_port()
        directives = POLICIES if corsac else ""
        use = "corsac api;" if corsac else ""
        open_ = "corsac open;" if corsac else ""
        http = f"""
        {directives}
        server {{
            listen 127.0.0.1:{port};
            keepalive_requests 100000;
            error_page 404 /gone;
            {use}
            location / {{ return 200 "ok\\n"; }}
            location /open {{ {open_} return 200 "ok\\n"; }}
            location /missing {{ return 404; }}
            location /gone {{ internal; return 200 "gone"; }}
            location /private {{ deny all; }}
        }}"""
        results[corsac] = valgrind(installed, http, port, corsac)
    plain, module = results[False], results[True]
    assert plain[0] and module[0]["definitely lost"] <= plain[0]["definitely lost"], module[3][-4000:]
    assert module[0]["indirectly lost"] <= plain[0]["indirectly lost"], module[3][-4000:]
    assert module[2] == plain[2] == 0, module[3][-4000:]
    assert "corsac" not in re.sub(r"(?m)^.*(?:Command|nginx -p|corsac-nginx-).*$", "", module[3]), module[3][-4000:]
    assert module[1] <= plain[1], (plain[3][-3000:], module[3][-3000:])
