"""nginx with the module in front of an application: server.py --policy FILE [--port N].

Like the example servers it prints where it listens, then one line of JSON for every request: what nginx wrote to its access log.
The application sets CORS headers itself, as careless ones do, to show that they don't get through.
"""
import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import builds
from serve import Application, free_port, write

LOG = ('\'{"method":"$request_method","target":"$request_uri","kind":"$corsac_kind","application":"$upstream_status",'
       '"allowed":"$corsac_allowed","reason":"$corsac_reason","origin":"$http_origin",'
       '"request_method":"$http_access_control_request_method","request_headers":"$http_access_control_request_headers",'
       '"cookie":"$http_cookie"}\'')


def application(method, target, headers):
    lines = [
        ("Content-Type", "application/json"), ("ETag", '"v1"'), ("X-Total-Count", "42"), ("X-Secret", "hidden"),
        ("Cache-Control", "no-store"), ("Vary", "Accept-Encoding"), ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", "TRACE"),
    ]
    body = b'{"ok":true,"server":"nginx"}'
    if target == "/redirect":
        return 302, [*lines, ("Location", "/landed")], b""
    if target == "/stream":
        return 200, lines, [body, b" ", b" ", b"\n"]
    status = re.match(r"/status/([2-5]\d\d)\b", target)
    return int(status[1]) if status else 200, lines, body


def entry(line):
    """What the log of nginx has, in the words of the other servers."""
    seen = json.loads(line)
    return {
        "method": seen["method"], "target": seen["target"], "kind": seen["kind"],
        # The policy's answer, if the application was not asked.
        "action": "forward" if seen["application"] else "respond",
        "allowed": seen["allowed"] == "1", "reason": seen["reason"],
        **{key: seen[key] or None for key in ("origin", "request_method", "request_headers", "cookie")},
    }


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--policy", metavar="FILE", required=True, type=Path)
    arguments.add_argument("--port", type=int, default=0)
    options = arguments.parse_args()
    build = builds.installed()
    port = options.port or free_port()
    with tempfile.TemporaryDirectory(prefix="corsac-nginx-") as name, Application(application) as upstream:
        folder = Path(name)
        conf = write(folder, f"""
            corsac_policy_file policy "{options.policy.resolve()}";
            log_format decisions escape=json {LOG};
            upstream application {{ server 127.0.0.1:{upstream.port}; keepalive 8; }}
            server {{
                listen 127.0.0.1:{port};
                access_log /dev/stdout decisions;
                corsac policy;
                location / {{
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                    proxy_buffering off;
                    proxy_pass http://application;
                }}
            }}""", build, "daemon off;")
        command = [build.binary, "-p", folder, "-c", conf]
        tested = subprocess.run([*command, "-t", "-q"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        if tested.returncode:
            sys.stderr.write(tested.stderr)
            return 2
        nginx = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, encoding="utf-8")

        def stop(*_):
            nginx.terminate()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        # It listens before it forks, and connections wait for the worker.
        while nginx.poll() is None and not (folder / "nginx.pid").exists():
            time.sleep(0.01)
        print(f"listening http://127.0.0.1:{port}", flush=True)
        for line in nginx.stdout:
            print(json.dumps(entry(line)), flush=True)
        nginx.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
