"""A real server that answers each path as it is told, and recordings of what it answered."""
import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urljoin, urlsplit


class Site:
    """`answers[path]` is {"preflight": (status, lines), "actual": (status, lines)}; `log` has every request."""

    def __init__(self):
        self.answers = {}
        self.log = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                site.log.append((self.command, self.path, self.headers.items()))
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answers = site.answers.get(urlsplit(self.path).path, {"actual": (404, [])})
                is_preflight = self.command == "OPTIONS" and "Access-Control-Request-Method" in self.headers
                # Many servers treat a preflight as any other request.
                answer = answers.get("preflight" if is_preflight else "actual", answers["actual"])
                status, lines = answer({name.lower(): value for name, value in self.headers.items()}) if callable(answer) else answer
                body = b"" if status in (204, 304) or self.command == "HEAD" else b'{"ok": true}'
                out = f"HTTP/1.1 {status} Whatever\r\n"
                for name, value in lines:
                    out += f"{name}: {value}\r\n"
                if status not in (204, 304):
                    out += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                self.wfile.write(out.encode("latin-1") + b"\r\n" + body)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_patch = do_DELETE = do_OPTIONS = answer

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def send(method, url, headers):
    """Sends one request; returns status and header lines, one character for each byte."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        connection.putrequest(method, parts.path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders()
        response = connection.getresponse()
        response.read()
        return response.status, response.getheaders()
    finally:
        connection.close()


class Recording:
    """What went over the wire when a page made a request: one entry for each hop."""

    def __init__(self, page, request, url, preflighted, sends_request):
        self.page, self.request, self.url = page, request, url
        self.hops = []
        method, headers, origin = request["method"], request.get("headers", []), page
        for _ in range(21):
            hop = {"url": url, "origin": origin, "preflight": None, "actual": None}
            self.hops.append(hop)
            if preflighted:
                names = ",".join(sorted(name.lower() for name, _ in headers))
                lines = [("Origin", origin), ("Access-Control-Request-Method", method)]
                lines += [("Access-Control-Request-Headers", names)] if names else []
                hop["preflight"] = (lines, *send("OPTIONS", url, lines))
            if not sends_request:
                return
            lines = [("Origin", origin), *headers]
            hop["actual"] = (lines, *send(method, url, lines))
            _, status, answered = hop["actual"]
            location = dict(answered).get("Location")
            if status not in (301, 302, 307, 308) or not location:
                return
            target = urljoin(url, location)
            if target.split("/")[2] != url.split("/")[2]:
                origin = "null"
            url = target

    def question(self, reads):
        """As `corsac explain --question` reads it."""
        def answer(exchange):
            return {"status": exchange[1], "headers": [list(line) for line in exchange[2]]} if exchange else None

        hops = [{"url": hop["url"], "preflight": answer(hop["preflight"]), "actual": answer(hop["actual"])}
                for hop in self.hops]
        return json.dumps({"page_origin": self.page, "request": {**self.request, "url": self.url}, "reads": reads,
                           "server_hops": hops})

    def har(self, is_blocked):
        """As Chromium's developer tools export it."""
        def pairs(lines):
            return [{"name": name, "value": value} for name, value in lines]

        def entry(method, url, exchange, error=None, kind="fetch"):
            # What was never sent is recorded with the headers of the script alone.
            lines, status, answered = exchange or (self.request.get("headers", []), 0, [])
            own = [("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate, br, zstd"), ("User-Agent", "Mozilla/5.0"),
                   ("Sec-Fetch-Mode", "cors"), ("sec-ch-ua-platform", '"Linux"')]
            cookies = []
            if exchange and kind == "fetch" and self.request.get("credentials") == "include":
                own.append(("Cookie", "id=1"))
                cookies.append({"name": "id", "value": "1", "path": "/", "domain": "127.0.0.1", "httpOnly": False})
            response = {
                "status": status, "statusText": "", "httpVersion": "HTTP/1.1", "headers": pairs(answered),
                "cookies": [], "content": {"size": 0, "mimeType": "application/json"}, "headersSize": -1, "bodySize": -1,
                "redirectURL": dict(answered).get("Location", "") if 300 <= status < 400 else "", "_transferSize": 0,
                "_error": error, "_fetchedViaServiceWorker": False,
            }
            request = {"method": method, "url": url, "httpVersion": "HTTP/1.1", "headers": pairs([*own, *lines]),
                       "queryString": [], "cookies": cookies, "headersSize": -1, "bodySize": 0}
            if method in ("POST", "PUT", "PATCH") and kind == "fetch":
                request["postData"] = {"mimeType": "application/json", "text": "{}"}
            return {"_initiator": {"type": "script"}, "_priority": "High", "_resourceType": kind, "cache": {},
                    "request": request, "response": response, "serverIPAddress": "127.0.0.1",
                    "startedDateTime": "2026-11-25T10:00:00.000Z", "time": 1.5,
                    "timings": {"blocked": 1, "dns": -1, "ssl": -1, "connect": -1, "send": 0, "wait": 1, "receive": 1}}

        entries = []
        page = {"request": {"method": "GET", "url": "https://app.example.test/", "headers": []},
                "response": {"status": 200, "headers": [], "content": {"text": "x" * 100}}}
        for index, hop in enumerate(self.hops):
            error = "net::ERR_FAILED" if is_blocked and index == len(self.hops) - 1 else None
            entries.append(entry(self.request["method"], hop["url"], hop["actual"], error))
            if hop["preflight"]:
                entries.append(entry("OPTIONS", hop["url"], hop["preflight"], kind="preflight"))
        log = {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "pages": [],
               "entries": [page, *entries]}
        return json.dumps({"log": log}, indent=2)
