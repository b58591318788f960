"""What CORS costs in nginx: instructions a request, and requests a second.

    bench.py [--json FILE] [--no-wrk]

Three configurations of one location: without CORS, with the usual `map`, `add_header` and `if`, and with a policy of corsac that
says the same. Instructions are those of the process outside of the kernel, by callgrind, with the headers that a browser sends;
they are the same on every run. Requests a second come from wrk, in turns, and say little where anything else is running.
"""
import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import builds
from serve import Connection, Nginx, free_port

APP = "https://app.example.com"
BROWSER = [
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"),
    ("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate, br, zstd"), ("Accept-Language", "en-US,en;q=0.9"),
    ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty"), ("Referer", f"{APP}/"),
]
ORIGIN = [("Origin", APP)]
PREFLIGHT = [*ORIGIN, ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "authorization,content-type")]
REQUESTS = {
    "GET with Origin": ("GET", [*ORIGIN, *BROWSER]),
    "GET without Origin": ("GET", BROWSER),
    "preflight": ("OPTIONS", [*PREFLIGHT, *BROWSER]),
}

NONE = ("", "")
MAP = ("""
    map $http_origin $cors_origin {
        default "";
        https://app.example.com $http_origin;
        https://admin.example.com $http_origin;
    }
    map $cors_origin $cors_credentials { "" ""; default true; }
""", """
        add_header Access-Control-Allow-Origin $cors_origin always;
        add_header Access-Control-Allow-Credentials $cors_credentials always;
        add_header Access-Control-Expose-Headers "ETag, X-Total-Count" always;
        add_header Vary Origin always;
        if ($request_method = OPTIONS) {
            add_header Access-Control-Allow-Origin $cors_origin always;
            add_header Access-Control-Allow-Credentials $cors_credentials always;
            add_header Access-Control-Allow-Methods "GET, HEAD, POST, PUT, DELETE" always;
            add_header Access-Control-Allow-Headers "Content-Type, Authorization" always;
            add_header Access-Control-Max-Age 600 always;
            add_header Vary Origin always;
            return 204;
        }
""")
CORSAC = ("""
    corsac_policy api {
        allow_origins https://app.example.com https://admin.example.com;
        allow_methods PUT DELETE;
        allow_headers content-type authorization;
        expose_headers etag x-total-count;
        allow_credentials on;
        max_age 600;
    }
""", "corsac api;")
CONFIGURATIONS = {"none": NONE, "map": MAP, "corsac": CORSAC}


def configuration(name, port):
    http, location = CONFIGURATIONS[name]
    return f"""{http}
    server {{
        listen 127.0.0.1:{port};
        keepalive_requests 1000000;
        location / {{ {location} return 200 "ok\\n"; }}
    }}"""


def instructions(build, name, method, headers):
    """Instructions of one request."""
    totals = []
    for requests in (100, 600):
        port = free_port()
        with tempfile.NamedTemporaryFile() as profile:
            command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile.name}"]
            with Nginx(build, configuration(name, port), port=port, command=command, load=name == "corsac", master=False,
                       wait=60) as nginx:
                text = Connection.text(method, "/", headers)
                with Connection(port) as connection:
                    for _ in range(requests):
                        connection.send(text)
                        connection.receive(method)
                nginx.process.terminate()
                output = nginx.process.stdout.read()
            totals.append(int(re.search(r"Collected : (\d+)", output).group(1)))
    return (totals[1] - totals[0]) // 500


def wrk(build, rounds=3):
    """Requests a second of each configuration, the median of some turns."""
    figures = {}
    for title, (method, headers) in REQUESTS.items():
        seen = {name: [] for name in CONFIGURATIONS}
        for _ in range(rounds):
            for name in CONFIGURATIONS:
                port = free_port()
                with Nginx(build, configuration(name, port), port=port, load=name == "corsac") as nginx:
                    script = nginx.folder / "method.lua"
                    script.write_text(f'wrk.method = "{method}"\n')
                    lines = [part for key, value in headers for part in ("-H", f"{key}: {value}")]
                    text = subprocess.run(["wrk", "-t1", "-c8", "-d2s", "-s", script, *lines, f"http://127.0.0.1:{port}/"],
                                          check=True, stdout=subprocess.PIPE, text=True).stdout
                    seen[name].append(float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)))
        figures[title] = {name: round(sorted(values)[len(values) // 2]) for name, values in seen.items()}
    return figures


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--no-wrk", action="store_true")
    options = arguments.parse_args()
    build = builds.installed()
    results = {"nginx": ".".join(map(str, build.version))}
    met = True
    if shutil.which("valgrind"):
        results["instructions"] = {}
        print(f"nginx {results['nginx']}, instructions a request")
        print(f"{'':20}{'no CORS':>10}{'map':>10}{'corsac':>10}{'map adds':>10}{'corsac adds':>13}{'of map':>9}")
        for title, (method, headers) in REQUESTS.items():
            row = {name: instructions(build, name, method, headers) for name in CONFIGURATIONS}
            results["instructions"][title] = row
            added = {name: row[name] - row["none"] for name in ("map", "corsac")}
            # There is no preflight without CORS to compare with.
            ratio = added["corsac"] / added["map"] if method != "OPTIONS" else row["corsac"] / row["map"]
            met = met and ratio <= (0.5 if method != "OPTIONS" else 1)
            print(f"{title:20}{row['none']:10}{row['map']:10}{row['corsac']:10}{added['map']:10}{added['corsac']:13}{ratio:9.2f}")
        print("corsac adds at most half of what map adds." if met else "NOT at most half of what map adds.")
        print("The ratio of the preflight is of the whole answers: without CORS there is none.")
    if shutil.which("wrk") and not options.no_wrk:
        results["requests_a_second"] = wrk(build)
        print("requests a second (wrk, 8 connections, one worker)")
        for title, row in results["requests_a_second"].items():
            print(f"{title:20}{row['none']:10}{row['map']:10}{row['corsac']:10}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
