"""A small object store that speaks S3: python s3_gateway.py [--port N] [--dialect zenko|aws] [--strict].

It keeps buckets and objects in memory, and the CORS configuration of each bucket as a policy: PutBucketCors, GetBucketCors
and DeleteBucketCors are those of S3, and requests of browsers are answered by the bucket's rules. Requests need a
signature, in a header or in the query ("presigned"), of the access key `corsac` with the secret `corsac-secret`; preflights
need none, since browsers cannot sign them.

It prints where it listens, then one line of JSON for every request.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import re
import secrets
import sys
import zlib
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from asgi_telling import listen
from s3_signatures import Keys, is_signed
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from corsac import Policy, PolicyError, S3Error

Headers = list[tuple[str, str]]

# Bytes of one object.
MAX_BODY = 1 << 24

# What a bucket may be called. Its name is sent back in a header.
BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass
class Object:
    """What PutObject stored."""

    body: bytes
    headers: Headers

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


@dataclass
class Bucket:
    """Objects by key, and the rules of browsers."""

    objects: dict[str, Object] = field(default_factory=dict)
    cors: Policy | None = None


class Refused(Exception):
    """Ends a request with an error of S3."""

    def __init__(self, error: S3Error) -> None:
        super().__init__(error.code)
        self.error = error


class Gateway:
    """The application, for an ASGI server."""

    def __init__(self, keys: Keys, dialect: Any = "zenko", strict: bool = False) -> None:
        self.keys = keys
        self.dialect = dialect
        self.strict = strict
        self.buckets: dict[str, Bucket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        request_id = secrets.token_hex(8).upper()
        name, _, key = scope["path"].removeprefix("/").partition("/")
        bucket = self.buckets.get(name)
        # The rules that were there when the request came, also where it replaces them.
        cors = bucket.cors if bucket else None
        try:
            response = await (self.preflight if request.method == "OPTIONS" else self.answer)(request, name, key)
        except Refused as refused:
            response = self.error(refused.error, not key, request_id)
            if request.method in ("PUT", "POST"):
                # Its body was perhaps not read, and may not be taken for the next request.
                response.headers["connection"] = "close"
        # Errors have the headers too: a script that may not read them learns nothing of what went wrong.
        if cors is not None:
            add_cors(response, cors, request, self.strict)
        response.headers["x-amz-request-id"] = request_id
        tell(request, response)
        await response(scope, receive, send)

    # --- CORS ----------------------------------------------------------------------------------------------------

    async def preflight(self, request: Request, name: str, key: str) -> Response:
        """What a browser asks before it sends something: never signed, so it is answered before anything else."""
        bucket, headers = self.buckets.get(name), request.scope["headers"]
        if bucket is None:
            raise Refused(S3Error.bucket_missing(headers, self.dialect))
        if bucket.cors is None:
            raise Refused(S3Error.cors_not_enabled(headers, self.dialect))
        error = bucket.cors.s3_error(request.method, headers)
        if error is not None:
            raise Refused(error)
        return Response()

    async def put_cors(self, request: Request, bucket: Bucket) -> Response:
        body = await self.body(request)
        if body and not has_right_digest(request, body):
            raise Refused(S3Error.bad_digest(self.dialect))
        try:
            bucket.cors = Policy.from_s3(body, self.dialect, self.strict)
        except PolicyError as error:
            raise Refused(error.s3_error or self.make("InternalError", 500, str(error))) from error
        return Response()

    def get_cors(self, bucket: Bucket) -> Response:
        if bucket.cors is None:
            raise Refused(S3Error.no_configuration(self.dialect))
        return Response(bucket.cors.s3_xml(), media_type="application/xml")

    # --- Buckets and objects ---------------------------------------------------------------------------------------

    async def answer(self, request: Request, name: str, key: str) -> Response:
        if not is_signed(request, self.keys):
            raise Refused(self.make("SignatureDoesNotMatch", 403, "The signature is missing, too old or not the right one."))
        # What of the bucket or object is meant, beside what signs a request and what SDKs call it ("x-id").
        part = [parameter for parameter in request.query_params if not parameter.lower().startswith("x-")]
        if (request.method, key, part) == ("PUT", "", []):
            if not BUCKET_NAME.fullmatch(name):
                raise Refused(self.make("InvalidBucketName", 400, "The specified bucket is not valid."))
            self.buckets.setdefault(name, Bucket())
            return Response(headers={"Location": f"/{name}"})
        bucket = self.buckets.get(name)
        if bucket is None:
            raise Refused(self.make("NoSuchBucket", 404, "The specified bucket does not exist"))
        match request.method, key, part:
            case "PUT", "", ["cors"]:
                return await self.put_cors(request, bucket)
            case "GET", "", ["cors"]:
                return self.get_cors(bucket)
            case "DELETE", "", ["cors"]:
                bucket.cors = None
                return Response(status_code=204)
            case "PUT", key, [] if key and "x-amz-copy-source" not in request.headers:
                return await self.put_object(request, bucket, key)
            case "GET" | "HEAD", key, [] if key:
                return self.get_object(bucket, key)
            case "DELETE", key, [] if key:
                bucket.objects.pop(key, None)
                return Response(status_code=204)
        raise Refused(self.make("NotImplemented", 501, "A header you provided implies functionality that is not implemented."))

    async def put_object(self, request: Request, bucket: Bucket, key: str) -> Response:
        body = await self.body(request)
        kept = ("content-type", "content-disposition", "content-encoding", "cache-control")
        headers = [(name, value) for name, value in request.headers.items() if name in kept or name.startswith("x-amz-meta-")]
        bucket.objects[key] = Object(body, headers)
        return Response(headers={"ETag": bucket.objects[key].etag})

    def get_object(self, bucket: Bucket, key: str) -> Response:
        found = bucket.objects.get(key)
        if found is None:
            raise Refused(self.make("NoSuchKey", 404, "The specified key does not exist."))
        response = Response(found.body)
        for name, value in [*found.headers, ("etag", found.etag)]:
            response.headers[name] = value
        return response

    async def body(self, request: Request) -> bytes:
        parts, length = [], 0
        async for part in request.stream():
            parts.append(part)
            length += len(part)
            if length > MAX_BODY:
                raise Refused(self.make("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size"))
        body = b"".join(parts)
        signed = request.headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        if signed not in ("UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()):
            raise Refused(self.make("XAmzContentSHA256Mismatch", 400, "The provided 'x-amz-content-sha256' header does not match."))
        return body

    # --- Errors ----------------------------------------------------------------------------------------------------

    def make(self, code: str, status: int, message: str) -> S3Error:
        return S3Error(code, status, message, self.dialect)

    def error(self, error: S3Error, is_bucket: bool, request_id: str) -> Response:
        body = error.body(is_bucket=is_bucket, request_id=request_id, host_id="gateway")
        response = Response(body, error.status, media_type="application/xml")
        response.headers["x-amz-error-code"] = error.code
        return response


def add_cors(response: Response, policy: Policy, request: Request, strict: bool) -> None:
    """The headers of the bucket's rules: byte for byte as S3 sends them if `strict`, else what corsac makes of them."""
    headers = request.scope["headers"]
    if strict:
        for name, value in policy.s3_headers(request.method, headers):
            response.headers[name] = value
        return
    for op, name, value in policy.evaluate(request.method, headers).headers:
        if op == "vary":
            response.headers.add_vary_header(value)
        elif op == "set":
            response.headers[name] = value


def has_right_digest(request: Request, body: bytes) -> bool:
    """S3 takes no configuration without a digest: the old Content-MD5, or the checksums of today's clients."""
    digests = {
        "content-md5": hashlib.md5(body, usedforsecurity=False).digest(),
        "x-amz-checksum-crc32": zlib.crc32(body).to_bytes(4, "big"),
        "x-amz-checksum-sha256": hashlib.sha256(body).digest(),
    }
    told = {name: request.headers[name] for name in digests if name in request.headers}
    return bool(told) and all(value == base64.b64encode(digests[name]).decode() for name, value in told.items())


def tell(request: Request, response: Response) -> None:
    target = request.scope["raw_path"] + b"?" + request.scope["query_string"]
    line = {
        "method": request.method,
        "target": target.removesuffix(b"?").decode("latin-1"),
        "origin": request.headers.get("origin"),
        "request_method": request.headers.get("access-control-request-method"),
        "request_headers": request.headers.get("access-control-request-headers"),
        "cookie": request.headers.get("cookie"),
        "status": response.status_code,
        "s3_code": response.headers.get("x-amz-error-code"),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--dialect", choices=["zenko", "aws"], default="zenko")
    arguments.add_argument("--strict", action="store_true")
    given = arguments.parse_args()
    gateway = Gateway(Keys("corsac", "corsac-secret"), given.dialect, given.strict)
    config = uvicorn.Config(gateway, log_level="warning", lifespan="off", server_header=False)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listen(given.port)]))


if __name__ == "__main__":
    main()
