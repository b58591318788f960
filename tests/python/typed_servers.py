"""Never run, but checked by mypy --strict and by pyright: what the types of the adapters allow, and refuse."""

from typing import Any, assert_type

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware

from corsac import PUBLIC_SUFFIX_LIST, Policy, PolicyCell, PolicyFile
from corsac.asgi import CorsMiddleware

APP = "https://app.example.com"
policy = Policy(allow_origins=[APP])
cell = PolicyCell(policy)
file = PolicyFile("policy.json")
assert_type(file.reload(), Policy)
assert_type(file.path, str)
assert_type(file.policy, Policy)
assert_type(PUBLIC_SUFFIX_LIST, str)
assert_type(policy.evaluate("GET", {}).origin, str | None)

fastapi = FastAPI()
fastapi.add_middleware(CorsMiddleware, policy=policy)
starlette = Starlette(middleware=[Middleware(CorsMiddleware, policy=policy)])
CorsMiddleware(fastapi, policy)
CorsMiddleware(starlette, cell)
CorsMiddleware(CorsMiddleware(starlette, file), file)
CorsMiddleware(starlette, {"/": policy, "/api": cell, "/none": None, "/file": file})


def choose(scope: Any) -> Policy | PolicyCell | None:
    return policy if scope["path"] == "/" else None


def observe(reason: str, rule: str | None, origin: str | None) -> None:
    print(reason, rule, origin)


CorsMiddleware(starlette, choose, report_only=True, observe=observe, refuse_websockets=True)
CorsMiddleware(starlette, allow_origins=[APP], allow_methods=["*"], allow_headers=("x-token",), allow_credentials=True,
               expose_headers="*", max_age=600, allow_origin_regex=None, allow_private_network=False)
CorsMiddleware(starlette, allow_origins=["*"], rules=None, preflight_status=200)

CorsMiddleware(starlette, "policy.json")  # type: ignore[arg-type]
CorsMiddleware(starlette, {5: policy})  # type: ignore[dict-item]
CorsMiddleware(starlette, allow_origins=[APP], allow_origin_regex="https://.*")  # type: ignore[arg-type]
CorsMiddleware(starlette, alow_origins=[APP])  # type: ignore[call-arg]
CorsMiddleware(policy, policy)  # type: ignore[arg-type]
PolicyFile(5)  # type: ignore[arg-type]
file.path = "x"  # type: ignore[misc]
