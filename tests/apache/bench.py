"""Instructions per request in Apache, by callgrind: without CORS, with the usual mod_headers recipe, and with corsac.

    bench.py [FILE]     prints a table; writes the figures as JSON

One process (-X) answers the same request many times on one connection; the difference of two runs is free of
start and end. Only user instructions of that process count.
"""
import json
import re
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from apache import ORIGIN, POLICY, Apache  # noqa: E402

BASE = """
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
"""

# What people write, for the same policy: two origins, one method and one header more, credentials, an exposed header.
USUAL = BASE + r"""
SetEnvIf Origin "^https://(app|www)\.example\.com$" CORS_ORIGIN=$0
Header always set Access-Control-Allow-Origin "%{CORS_ORIGIN}e" env=CORS_ORIGIN
Header always set Access-Control-Allow-Credentials "true" env=CORS_ORIGIN
Header always set Access-Control-Expose-Headers "etag" env=CORS_ORIGIN
Header always merge Vary Origin
<Location "/">
RewriteEngine On
RewriteCond %{REQUEST_METHOD} =OPTIONS
RewriteCond %{HTTP:Access-Control-Request-Method} .
RewriteRule .* - [R=204,L]
Header always set Access-Control-Allow-Methods "GET,HEAD,POST,PUT" "expr=%{REQUEST_METHOD} == 'OPTIONS' && -n env('CORS_ORIGIN')"
Header always set Access-Control-Allow-Headers "content-type" "expr=%{REQUEST_METHOD} == 'OPTIONS' && -n env('CORS_ORIGIN')"
Header always set Access-Control-Max-Age "600" "expr=%{REQUEST_METHOD} == 'OPTIONS' && -n env('CORS_ORIGIN')"
</Location>
"""

CONFIGURATIONS = {
    "no CORS": dict(configuration=BASE, with_module=False),
    "mod_headers": dict(configuration=USUAL, with_module=False, modules="setenvif headers rewrite"),
    "corsac": dict(configuration=BASE + "Corsac api\n"),
}
BROWSER = ("Host: localhost\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36\r\n"
           "Accept: */*\r\nAccept-Language: en-US,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\nReferer: https://app.example.com/\r\n"
           "Sec-Fetch-Mode: cors\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: empty\r\n")
ORIGIN_LINE = f"Origin: {ORIGIN}\r\n"
REQUESTS = {
    "GET without Origin": (f"GET /a.txt HTTP/1.1\r\n{BROWSER}\r\n", 200),
    "GET with Origin": (f"GET /a.txt HTTP/1.1\r\n{BROWSER}{ORIGIN_LINE}\r\n", 200),
    "preflight": (f"OPTIONS /a.txt HTTP/1.1\r\n{BROWSER}{ORIGIN_LINE}Access-Control-Request-Method: PUT\r\n"
                  "Access-Control-Request-Headers: content-type\r\n\r\n", 204),
}
COUNTS = (200, 1200)


def exchange(connection, reader, request, status):
    """Sends one request and reads its response to the end."""
    connection.sendall(request)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = reader.readline()
        assert line, head
        head += line
    assert head.startswith(b"HTTP/1.1 ") and (status is None or int(head[9:12]) == status), head
    length = re.search(rb"Content-Length: (\d+)", head)
    reader.read(int(length[1]) if length else 0)
    return head


def instructions(name, request, status, count):
    """All instructions of a server that answers the request so many times."""
    options = CONFIGURATIONS[name]
    server = Apache(**options, policies={"api": POLICY} if options.get("with_module", True) else {}, single=True, mpm="prefork",
                    log_format="%m %U%q %>s", files={"htdocs/a.txt": "hello\n"})
    server.wrapper = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={server.root}/valgrind"]
    with server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        reader = connection.makefile("rb")
        # Without CORS nobody answers the preflight but Apache's own handler.
        for _ in range(count):
            head = exchange(connection, reader, request.encode(), None if name == "no CORS" else status)
        if name != "no CORS" and "Origin: " in request:
            assert f"Access-Control-Allow-Origin: {ORIGIN}".encode() in head, head
        log = server.root / "valgrind"
        connection.close()
        reader.close()
        server.end()
        return int(re.search(r"Collected : (\d+)", log.read_text())[1])


def main():
    figures = {}
    for kind, (request, status) in REQUESTS.items():
        for name in CONFIGURATIONS:
            few, many = (instructions(name, request, status, count) for count in COUNTS)
            figures.setdefault(kind, {})[name] = round((many - few) / (COUNTS[1] - COUNTS[0]))
    version = subprocess.run(["/usr/sbin/apache2", "-v"], stdout=subprocess.PIPE, text=True, check=True).stdout
    version = re.search(r"Apache/(\S+)", version)[1]
    print(f"Apache {version}, instructions per request (callgrind), one small file")
    print(f"{'':20}" + "".join(f"{name:>14}" for name in CONFIGURATIONS) + f"{'mod_headers +':>16}{'corsac +':>12}{'of it':>8}")
    for kind, row in figures.items():
        usual, ours = row["mod_headers"] - row["no CORS"], row["corsac"] - row["no CORS"]
        ratio = f"{ours / usual:7.2f}x" if usual > 0 and ours > 0 else ""
        print(f"{kind:20}" + "".join(f"{number:14,}" for number in row.values()) + f"{usual:+16,}{ours:+12,}{ratio:>8}")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
