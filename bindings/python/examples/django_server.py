"""A Django project with a policy, under gunicorn: python django_server.py --policy FILE [--port N].

It prints where it listens, then one line of JSON for every request.
"""

from collections.abc import Iterator

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path, re_path
from wsgi_serving import options, serve, telling

HEADERS = {
    "Content-Type": "application/json",
    "ETag": '"v1"',
    "X-Total-Count": "42",
    "X-Secret": "hidden",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding",
    # Two headers that an application should leave to its policy.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "TRACE",
}
BODY = '{"ok":true,"server":"django"}'


def anything(request: HttpRequest) -> HttpResponse:
    return HttpResponse(BODY, headers=HEADERS)


def answer(request: HttpRequest, status: int) -> HttpResponse:
    if status == 404:
        raise Http404
    if status == 500:
        raise RuntimeError("an exception that nobody handles")
    return HttpResponse("" if status in (204, 304) else BODY, status=status, headers=HEADERS)


def moved(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/landed")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        yield '{"ok":true,'
        yield '"server":'
        yield '"django"}'

    return StreamingHttpResponse(parts(), headers=HEADERS)


urlpatterns = [
    path("status/<int:status>", answer),
    path("redirect", moved),
    path("stream", stream),
    re_path("", anything),
]

if __name__ == "__main__":
    policy, port = options()
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="only an example",
        INSTALLED_APPS=["corsac.django"],
        MIDDLEWARE=["corsac.django.CorsMiddleware", "django.middleware.common.CommonMiddleware"],
        CORSAC=policy,
    )
    django.setup()
    serve(telling(WSGIHandler(), policy), port)
