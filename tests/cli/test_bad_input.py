"""What cannot be answered is said so, clearly, with exit code 2; nothing is hidden, and nobody is asked unbidden."""
import json
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from conftest import ENVIRONMENT, PROGRAM
from mistakes import CREDENTIALS, METHODS, ORIGIN, PAGE, VARY, allow


@contextmanager
def raw_server(answer, context=None):
    """A server that reads one request of each connection and sends these bytes, or nothing if they are None."""
    listener = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def serve(connection):
        try:
            with context.wrap_socket(connection, server_side=True) if context else connection as stream:
                stream.recv(65536)
                if answer is None:
                    is_over.wait(30)
                else:
                    stream.sendall(answer)
        except OSError:
            pass

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=[connection], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        is_over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def probe(corsac, url, *words):
    return corsac("probe", url, "--origin", PAGE, *words)


# --- Servers that give no answer ---------------------------------------------------------------------------


def test_nobody_listens(corsac):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ran = probe(corsac, f"http://127.0.0.1:{port}/a")
    assert ran.code == 2 and ran.out == ""
    assert ran.err == f"corsac: GET http://127.0.0.1:{port}/a: nobody listens there (connection refused)\n"


def test_no_such_host(corsac):
    ran = probe(corsac, "http://nowhere.invalid/")
    assert ran.code == 2
    assert "http://nowhere.invalid/: " in ran.err


def test_no_answer_in_time(corsac):
    with raw_server(None) as address:
        ran = probe(corsac, f"http://{address}/", "--timeout", "1")
    assert ran.code == 2
    assert "no response in time (--timeout)" in ran.err


@pytest.mark.parametrize("answer, words", [
    (b"", "ended the connection"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP"),
    (b"HTTP/1.1 200 OK\r\nX-A: a\x1b[2Jb\r\n\r\n", "no HTTP"),
    (b"HTTP/1.1 200 OK\r\nno header line\r\n\r\n", "no HTTP"),
    (b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 300_000 + b"\r\n\r\n", "headers"),
    (b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(5000)) + b"\r\n", "headers"),
], ids=["nothing", "ssh", "an escape in a header", "a line that is none", "a long header", "many headers"])
def test_what_is_no_answer(corsac, answer, words):
    with raw_server(answer) as address:
        ran = probe(corsac, f"http://{address}/")
    assert ran.code == 2 and ran.out == ""
    assert words in ran.err, ran.err


def test_bytes_of_headers_and_bodies_do_no_harm(corsac):
    lines = b"Access-Control-Allow-Origin: https://\xe9\x9b\x85\xff\x80/\r\nServer: \xc2\x9b31m\r\nVary: Origin\r\n"
    answer = b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 4096\r\n\r\n" + bytes(range(256)) * 16
    with raw_server(answer) as address:
        ran = probe(corsac, f"http://{address}/", "--verbose")
        page = probe(corsac, f"http://{address}/", "--json")
    assert ran.code == 1
    # Nothing is hidden: each byte is told.
    assert "< Server: Â\\u{9b}31m" in ran.out
    [explanation] = page.explanations()
    assert ["Server", "\xc2\x9b31m"] in explanation["exchanges"][0]["response_headers"]


# --- TLS ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "3650", "-subj", "/CN=localhost", "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
                   check=True, capture_output=True)
    return folder


def test_a_certificate_that_nobody_trusts(corsac, certificate, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "certificate.pem", certificate / "key.pem")
    answer = f"HTTP/1.1 200 OK\r\n{ORIGIN}: {PAGE}\r\nVary: Origin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    with raw_server(answer, context) as address:
        ran = probe(corsac, f"https://{address}/")
        trusted = probe(corsac, f"https://{address}/", "--cacert", certificate / "certificate.pem")
        other = tmp_path / "none.pem"
        other.write_text("nothing")
        none = probe(corsac, f"https://{address}/", "--cacert", other)
    assert ran.code == 2 and ran.out == ""
    assert "no TLS: invalid peer certificate" in ran.err and "--cacert" in ran.err
    assert trusted.code in (0, 1) and "readable by the standard, Chromium, Firefox" in trusted.out, trusted.text
    assert none.code == 2 and "holds no certificate" in none.err


def test_no_tls_at_all(corsac):
    with raw_server(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as address:
        ran = probe(corsac, f"https://{address}/")
    assert ran.code == 2
    assert "no TLS" in ran.err


# --- Where probe goes, and with what -----------------------------------------------------------------------


def test_a_circle_of_redirects_ends(corsac, site):
    site.answers["/circle"] = {"actual": allow(("Location", "/circle"), status=302)}
    del site.log[:]
    ran = probe(corsac, f"{site.origin}/circle", "--no-extra", "--json")
    [explanation] = ran.explanations()
    assert explanation["hints"][0]["code"] == "too-many-redirects"
    assert len(site.log) == 21


def test_another_server_is_not_asked_unbidden(corsac, site, other_site):
    site.answers["/away"] = {"actual": allow(("Location", f"{other_site.origin}/there"), status=302)}
    other_site.answers["/there"] = {"actual": (200, [(ORIGIN, "*")])}
    del other_site.log[:]
    ran = probe(corsac, f"{site.origin}/away")
    assert other_site.log == []
    assert "probe[redirect-not-followed]" in ran.out and f"{other_site.origin}/there" in ran.out
    assert "not known by" in ran.out
    followed = probe(corsac, f"{site.origin}/away", "--follow", "--json")
    assert [line[:2] for line in other_site.log] == [("GET", "/there")]
    assert followed.explanations()[0]["readable"] is True


def test_no_credentials_are_sent(corsac, site):
    methods = (METHODS, "PUT")
    answer = allow(methods, (CREDENTIALS, "true"), ("Set-Cookie", "id=1; Path=/"), ("WWW-Authenticate", "Basic"))
    site.answers["/private"] = {"preflight": answer, "actual": answer}
    del site.log[:]
    for words in ([], ["--credentials", "include"], ["-X", "PUT", "--send"], ["-H", "Cookie: id=1"]):
        assert probe(corsac, f"{site.origin}/private", *words).code in (0, 1)
    assert len(site.log) > 20
    names = {name.lower() for _, _, lines in site.log for name, _ in lines}
    assert names <= {"host", "accept", "user-agent", "origin", "access-control-request-method", "content-length", "accept-encoding"}
    assert not [line for line in site.log if line[1] != "/private"]


def test_credentials_in_the_address_go_nowhere(corsac, site):
    del site.log[:]
    ran = probe(corsac, site.origin.replace("//", "//user:secret@") + "/private", "--json")
    assert site.log == []
    assert ran.explanations()[0]["hints"][0]["code"] == "url-with-credentials"


def test_a_method_that_changes_something_is_not_sent_unbidden(corsac, site):
    site.answers["/items"] = {"preflight": allow((METHODS, "DELETE")), "actual": allow()}
    del site.log[:]
    ran = probe(corsac, f"{site.origin}/items", "-X", "DELETE", "--no-extra")
    assert [line[0] for line in site.log] == ["OPTIONS"]
    assert "probe[request-not-sent]" in ran.out and "--send" in ran.out
    assert ran.code == 0
    assert probe(corsac, f"{site.origin}/items", "-X", "DELETE", "--no-extra", "--send").code == 0
    assert [line[0] for line in site.log] == ["OPTIONS", "OPTIONS", "DELETE"]


def test_unsafe_servers_are_found_out(corsac, site):
    def reflecting(allowed):
        def answer(headers):
            origin = headers.get("origin", "")
            lines = [(ORIGIN, origin), (CREDENTIALS, "true"), VARY] if allowed(origin) else [VARY]
            return 200, lines
        return {"actual": answer}

    for code, allowed in {
        "any-origin-reflected": lambda origin: True,
        "null-origin-allowed": lambda origin: origin in ("null", PAGE),
        "prefix-matched": lambda origin: origin.startswith(PAGE),
        "suffix-matched": lambda origin: origin.endswith("app.example.test") and origin.startswith("https"),
        "dot-matches-anything": lambda origin: origin in (PAGE, "https://appxexample.test"),
        "http-allowed": lambda origin: origin.endswith("://app.example.test"),
        "any-port-allowed": lambda origin: origin == PAGE or origin.startswith(f"{PAGE}:"),
    }.items():
        site.answers["/unsafe"] = reflecting(allowed)
        [explanation] = probe(corsac, f"{site.origin}/unsafe", "--json").explanations()
        assert code in [note["code"] for note in explanation["notes"]], code
        assert "with credentials" in explanation["notes"][0]["cause"]
    site.answers["/unsafe"] = reflecting(lambda origin: origin == PAGE)
    [explanation] = probe(corsac, f"{site.origin}/unsafe", "--json").explanations()
    assert explanation["notes"] == []
    site.answers["/unsafe"] = {"actual": lambda headers: (200, [(ORIGIN, PAGE)] if "origin" in headers else [])}
    [explanation] = probe(corsac, f"{site.origin}/unsafe", "--json").explanations()
    assert "vary-missing" in [note["code"] for note in explanation["notes"]]


# --- Words and files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("words, message", [
    (["probe", "api.example.test", "--origin", PAGE], "write http://... or https://..."),
    (["probe", "ftp://api.example.test/", "--origin", PAGE], "write http://... or https://..."),
    (["probe", "http://127.0.0.1:1/", "--origin", "app example"], "no serialized origin"),
    (["probe", "http://127.0.0.1:1/", "--origin", "https://a\x1b[2J"], "\\u{1b}[2J"),
    (["probe", "http://127.0.0.1:1/", "--origin", PAGE, "-H", "nonsense"], "write 'Name: value'"),
    (["probe", "http://127.0.0.1:1/", "--origin", PAGE, "--timeout", "0"], "--timeout"),
    (["explain", "--har", "/nonexistent/a.har"], "/nonexistent/a.har: "),
    (["explain", "--policy", "/nonexistent/p.json", "--page", PAGE, "http://a.test/"], "/nonexistent/p.json: "),
    (["explain"], "--har"),
    (["evaluate", "--policy", "/nonexistent/p.json", "-"], "/nonexistent/p.json: "),
], ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "")
def test_words_that_make_no_sense(corsac, words, message):
    ran = corsac(*words)
    assert ran.code == 2
    assert message in ran.err, ran.err


@pytest.mark.parametrize("text, message", [
    (b"", "EOF"),
    (b'{"log": {"entries": [{"request": {"method": "GET", "url": "http://a.te', "EOF while parsing"),
    (b'{"log": {"entries": 7}}', "a list of entries"),
    (b'{"log": {"entries": []}}', "crosses origins"),
    (b"\xff\xfe\x00", "line 1 column 1"),
    (b"[" * 100_000, "line 1"),
    (b'{"log": {"entries": [{"response": {"content": ' + b"[" * 100_000, "EOF"),
    (b"GIF89a", "line 1 column 1"),
])
def test_files_that_are_no_recordings(corsac, text, message):
    ran = corsac("explain", "--har", "-", stdin=text)
    assert ran.code == 2 and ran.out == ""
    assert ran.err.startswith("corsac: -: ") and message in ran.err, ran.err


def entry(url="http://api.example.test/a", origin=PAGE, **more):
    return {"request": {"method": "GET", "url": url, "headers": [{"name": "Origin", "value": origin}]},
            "response": {"status": 200, "headers": [{"name": ORIGIN, "value": PAGE}], **more}}


def har(*entries):
    return json.dumps({"log": {"entries": entries}}).encode()


def test_one_bad_exchange_does_not_hide_the_others(corsac):
    ran = corsac("explain", "--har", "-", stdin=har(entry(), entry("http://api.example.test/bad", origin="a b"), entry()))
    assert ran.out.count("readable by the standard") == 2
    assert ran.code == 2
    assert "http://api.example.test/bad: page_origin: " in ran.err


@pytest.mark.parametrize("text, message", [
    (b"{", "EOF"),
    (b"{}", "page_origin"),
    (b"\xff", "not UTF-8"),
    (b'{"page_origin": "https://a.test", "request": {"url": "http://b.test/"}}', "give the responses"),
    (b'{"page_origin": "https://a.test\\n\\u001b[2J", "request": {"url": "http://b.test/"}, "server": {}}', "no serialized origin"),
    (b'{"page_origin": "https://a.test", "request": {"url": "http://b.test/", "mode": "\\u001b[2J"}, "server": {}}', "is none of"),
    (b'{"page_origin": "https://a.test", "request": {"url": "http://b.test/"}, "server": {"actual": {"status": 9}}}', "status"),
])
def test_questions_that_make_no_sense(corsac, text, message):
    ran = corsac("explain", "--question", "-", stdin=text)
    assert ran.code == 2 and ran.out == ""
    assert message in ran.err, ran.err


def test_what_a_question_holds_does_no_harm(corsac, tmp_path):
    escape = "\x1b[2J\x9b31m\u202e\n\r"
    question = {"page_origin": PAGE, "reads": [escape], "request": {"url": f"http://b.test/{escape}", "method": "GET"},
                "server": {"actual": {"status": 200, "headers": [[ORIGIN, "\x1b[2J\x9b31m"], ["X-A", "\x07"]]}}}
    (tmp_path / "q.json").write_text(json.dumps(question))
    ran = corsac("explain", "--verbose", "--question", tmp_path / "q.json")
    assert ran.code == 1
    assert "\\u{1b}[2J" in ran.out and "\\u{7}" in ran.out


# A program inherits the memory of the one that starts it, as far as the kernel counts: so a small one starts it.
MEASURE = """
import os, sys
_, status, usage = os.wait4(os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:]), 0)
print(usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def measured(file, *words):
    """Runs the program; its exit code, and the most memory that it had, in MB."""
    process = subprocess.run([sys.executable, "-S", "-c", MEASURE, str(PROGRAM), *words], stdout=file, stderr=subprocess.PIPE,
                             env=ENVIRONMENT, text=True)
    *error, memory = process.stderr.splitlines()
    return process.returncode, int(memory) / 1024, "\n".join(error)


def large(path, size):
    """A recording of this many bytes: bodies, requests of its own origin, and one that is refused."""
    body = entry(origin="http://api.example.test", content={"text": "x" * 1_000_000, "mimeType": "text/html"})
    own = entry(origin="http://api.example.test", content={"text": "x" * 100})
    with path.open("wb") as file:
        file.write(b'{"log": {"version": "1.2", "entries": [\n')
        chunk = json.dumps(body).encode() + b",\n" + (json.dumps(own).encode() + b",\n") * 3_000
        while file.tell() < size:
            file.write(chunk)
        file.write(json.dumps(entry(origin="https://other.test")).encode() + b"\n]}}")


def test_a_large_recording_takes_little_memory(tmp_path):
    path = tmp_path / "large.har"
    large(path, 200_000_000)
    with (tmp_path / "out").open("wb") as out:
        code, memory, error = measured(out, "explain", "--har", str(path))
    path.unlink()
    assert code == 1, error
    assert "blocked by the standard" in (tmp_path / "out").read_text()
    # Whatever its size: what does not cross origins is not kept.
    assert memory < 64


def test_a_recording_of_many_exchanges_is_told_one_by_one(tmp_path):
    count = 60_000
    path = tmp_path / "many.har"
    with path.open("wb") as file:
        file.write(b'{"log": {"entries": [\n')
        # One address, asked again and again, as by polling: with its preflights, and redirected.
        preflight = entry()
        preflight["request"]["method"] = "OPTIONS"
        preflight["request"]["headers"].append({"name": "Access-Control-Request-Method", "value": "GET"})
        redirect = entry(redirectURL="/a")
        redirect["response"]["status"] = 302
        lines = b",\n".join(json.dumps(one).encode() for one in (preflight, redirect, entry()))
        file.write(b",\n".join([lines] * (count // 3)) + b"]}}")
    with (tmp_path / "out").open("wb") as out:
        code, memory, error = measured(out, "explain", "--har", str(path))
    assert code in (0, 1), error
    assert memory < 200
