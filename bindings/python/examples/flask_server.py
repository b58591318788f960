"""A Flask application with a policy, under gunicorn: python flask_server.py --policy FILE [--port N].

It prints where it listens, then one line of JSON for every request.
"""

from collections.abc import Iterator

from flask import Flask, Response, abort, redirect
from werkzeug.wrappers import Response as BaseResponse
from wsgi_serving import options, serve, telling

from corsac.flask import Corsac

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "put", "patch"]
HEADERS = {
    "ETag": '"v1"',
    "X-Total-Count": "42",
    "X-Secret": "hidden",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding",
    # Two headers that an application should leave to its policy.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "TRACE",
}

app = Flask(__name__)


@app.route("/", defaults={"path": ""}, methods=METHODS)
@app.route("/<path:path>", methods=METHODS)
def anything(path: str) -> Response:
    return Response('{"ok":true,"server":"flask"}', 200, HEADERS, content_type="application/json")


@app.route("/status/<int:status>", methods=METHODS)
def answer(status: int) -> Response:
    if status == 404:
        abort(404)
    if status == 500:
        raise RuntimeError("an exception that nobody handles")
    body = "" if status in (204, 304) else '{"ok":true,"server":"flask"}'
    return Response(body, status, HEADERS, content_type="application/json")


@app.route("/redirect", methods=METHODS)
def moved() -> BaseResponse:
    return redirect("/landed")


@app.route("/stream", methods=METHODS)
def stream() -> Response:
    def parts() -> Iterator[str]:
        yield '{"ok":true,'
        yield '"server":'
        yield '"flask"}'

    return Response(parts(), 200, HEADERS, content_type="application/json")


if __name__ == "__main__":
    policy, port = options()
    Corsac(app, policy)
    serve(telling(app, policy), port)
