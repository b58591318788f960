"""Apache with the module, in front of a small application: server.py --policy FILE [--port N].

Speaks like the example servers: prints where it listens, then one line of JSON for every request, from Apache's access log.
"""
import argparse
import json
import os
import re
import shutil
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from apache import Apache, Application  # noqa: E402

# Separated by blanks, each field but the first two in quotes. What reached the application has its ETag.
FORMAT = " ".join([r"%m", r"%U%q", *(rf"\"%{{{field}" for field in (
    r"CORSAC_KIND}n\"", r"CORSAC_ALLOWED}n\"", r"CORSAC_REASON}n\"", r"X-Application}o\"", r"Origin}i\"",
    r"Access-Control-Request-Method}i\"", r"Access-Control-Request-Headers}i\"", r"Cookie}i\""))])

CONFIGURATION = r"""
Corsac policy
LimitRequestFieldSize 65536
LogFormat "{log}" decisions
CustomLog "{root}/decisions" decisions env=!UNSEEN
SetEnvIf Request_URI "^\*$" UNSEEN
ProxyPass / {upstream}/
Header always set X-Application yes
"""


def unescape(text):
    """A field of the log as it came in the request."""
    return re.sub(r'\\(x[0-9a-f]{2}|.)', lambda found: chr(int(found[1][1:], 16)) if found[1][0] == "x" and len(found[1]) == 3
                  else {"t": "\t", "n": "\n", "r": "\r"}.get(found[1], found[1]), text)


def entry(line):
    """The JSON line for a line of the log."""
    method, target, *fields = (unescape(field.strip('"')) for field in re.findall(r'"(?:[^"\\]|\\.)*"|\S+', line))
    kind, allowed, reason, application, origin, request_method, request_headers, cookie = (
        None if field == "-" else field for field in fields)
    return json.dumps({
        "method": method, "target": target, "kind": kind, "action": "forward" if application else "respond",
        "allowed": allowed == "1", "reason": reason, "origin": origin, "request_method": request_method,
        "request_headers": request_headers, "cookie": cookie,
    })


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--policy", metavar="FILE", required=True)
    arguments.add_argument("--port", type=int, default=0)
    options = arguments.parse_args()
    try:
        document = Path(options.policy).read_text("utf-8")
    except OSError as error:
        print(error, file=sys.stderr)
        sys.exit(2)

    application = Application()
    server = Apache(CONFIGURATION.replace("{log}", FORMAT), "headers proxy proxy_http setenvif", policies={"policy": document},
                    application=application, port=options.port)
    code, text = server.test()
    if code != 0:
        sys.stderr.write(text.replace(str(server.root / "policies/policy.json"), options.policy))
        shutil.rmtree(server.root)
        sys.exit(2)

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    os.mkfifo(server.root / "decisions")
    # Open for both, so that neither Apache nor this waits for the other.
    lines = os.fdopen(os.open(server.root / "decisions", os.O_RDWR), "r", encoding="latin-1")

    def report():
        for line in lines:
            print(entry(line.rstrip("\n")), flush=True)

    with server:
        print(f"listening http://127.0.0.1:{server.port}", flush=True)
        threading.Thread(target=report, daemon=True).start()
        stopped.wait()
    os._exit(0)  # the thread waits for a line that will not come


if __name__ == "__main__":
    main()
