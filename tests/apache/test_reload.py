"""Graceful restarts under load: no request fails, each is decided by one policy, and memory stays what it was.

CORSAC_RESTARTS=100 for the long run.
"""
import collections
import os
import re
import threading
import time
from pathlib import Path

from apache import ORIGIN, OTHER, Apache
from test_configuration import signal_server, until

RESTARTS = int(os.environ.get("CORSAC_RESTARTS", "5"))
# Kilobytes that the parent may grow from the third restart to the last, whatever their number.
GROWTH = 1024

# Two policies, of which each allows what the other refuses. They are large, so that one that was kept would be seen.
MANY = [f"https://host{number}.example.org" for number in range(20_000)]
POLICIES = [
    {"allow_origins": [ORIGIN, *MANY], "allow_methods": ["PUT"], "allow_headers": ["content-type"], "max_age": 1},
    {"allow_origins": [OTHER, *MANY], "allow_methods": ["DELETE"], "allow_headers": ["content-type"], "max_age": 2},
]
METHODS = ["GET,HEAD,POST,PUT", "GET,HEAD,POST,DELETE"]


def resident(pid):
    """Kilobytes in memory."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def outcome(server):
    """One preflight and one request: which policy each was decided by."""
    preflight = server.preflight("/a.txt", ORIGIN)
    allowed = preflight["Access-Control-Allow-Methods"]
    if preflight.status == 204:
        assert (allowed, preflight["Access-Control-Max-Age"], preflight["Access-Control-Allow-Origin"]) == (METHODS[0], "1", ORIGIN)
    else:
        assert (preflight.status, preflight.cors) == (403, {"vary": "Origin"})
    response = server.get("/a.txt", OTHER)
    assert (response.status, response.body) == (200, b"hello")
    assert response.cors in ({"vary": "Origin"}, {"vary": "Origin", "access-control-allow-origin": OTHER})
    return preflight.status == 204, "access-control-allow-origin" not in response.cors


def test_graceful_restarts_under_load_fail_no_request():
    with Apache("Corsac api\nGracefulShutdownTimeout 5", files={"htdocs/a.txt": "hello"}, policies={"api": POLICIES[0]}) as server:
        stop, failures, seen = threading.Event(), [], collections.Counter()

        def load():
            while not stop.is_set():
                try:
                    seen.update(outcome(server))
                except Exception as error:  # every failure is told below
                    failures.append(repr(error))

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        sizes = []
        try:
            for restart in range(1, RESTARTS + 1):
                server.write_policies({"api": POLICIES[restart % 2]})
                done = signal_server(server, "graceful")
                assert done.returncode == 0, done.stdout
                allowed = [ORIGIN, OTHER][restart % 2]
                assert until(lambda allowed=allowed: server.get("/a.txt", allowed)["Access-Control-Allow-Origin"] == allowed)
                sizes.append(resident(server.process.pid))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        time.sleep(0.1)
        assert failures == []
        assert seen[True] > 0 and seen[False] > 0
        assert server.process.poll() is None
        assert "[corsac:" not in server.errors() and "exit signal" not in server.errors(), server.errors()
        assert max(sizes[2:]) - sizes[2] <= GROWTH, sizes
        print(f"{RESTARTS} restarts, {sum(seen.values())} requests, the parent has {sizes[0]} to {sizes[-1]} KB")
