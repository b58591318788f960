"""Checks the signatures of S3 requests (AWS Signature Version 4), with what botocore signs them with."""

import datetime
import hmac
import re
from dataclasses import dataclass

from botocore.auth import SIGV4_TIMESTAMP, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.requests import Request

# Seconds that a signature in a header is good for, and that clocks may differ.
HEADER_SECONDS = 900

# Seconds that a presigned URL may be good for: a week.
MAX_QUERY_SECONDS = 604_800


@dataclass(frozen=True)
class Keys:
    """The access key and its secret."""

    access: str
    secret: str


@dataclass(frozen=True)
class Claim:
    """What a request says of its signature."""

    credential: str
    signed_headers: list[str]
    signature: str
    date: str
    seconds: int


def claim_of_query(request: Request) -> Claim:
    query = request.query_params
    seconds = int(query["X-Amz-Expires"])
    if not 0 < seconds <= MAX_QUERY_SECONDS:
        raise ValueError("X-Amz-Expires is out of range")
    return Claim(
        query["X-Amz-Credential"],
        query["X-Amz-SignedHeaders"].split(";"),
        query["X-Amz-Signature"],
        query["X-Amz-Date"],
        seconds,
    )


def claim_of_header(request: Request) -> Claim:
    parts = dict(re.findall(r"(\w+)=([^,\s]+)", request.headers["authorization"]))
    return Claim(
        parts["Credential"],
        parts["SignedHeaders"].split(";"),
        parts["Signature"],
        request.headers["x-amz-date"],
        HEADER_SECONDS,
    )


def is_signed(request: Request, keys: Keys) -> bool:
    """Whether the request has a signature of these keys that is good now."""
    try:
        claim = claim_of_header(request) if "authorization" in request.headers else claim_of_query(request)
        return is_now(claim) and covers(claim, request) and is_right(claim, request, keys)
    except (KeyError, ValueError, OverflowError):  # what is claimed makes no sense
        return False


def is_now(claim: Claim) -> bool:
    signed_at = datetime.datetime.strptime(claim.date, SIGV4_TIMESTAMP).replace(tzinfo=datetime.timezone.utc)
    early = datetime.timedelta(seconds=HEADER_SECONDS)
    now = datetime.datetime.now(datetime.timezone.utc)
    return signed_at - early <= now <= signed_at + datetime.timedelta(seconds=claim.seconds)


def covers(claim: Claim, request: Request) -> bool:
    """Whether everything is signed that S3 acts on: whoever got a presigned URL may add nothing to it."""
    wanted = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    return wanted <= set(claim.signed_headers)


def is_right(claim: Claim, request: Request, keys: Keys) -> bool:
    access, _, region, service, end = claim.credential.split("/")
    if (access, service, end) != (keys.access, "s3", "aws4_request"):
        return False
    path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
    query = "&".join(part for part in query.split("&") if not part.startswith("X-Amz-Signature="))
    # What stands behind a bare # would not be looked at.
    target = f"{path}?{query}".replace("#", "%23")
    signed = AWSRequest(request.method, f"http://host{target}")
    for name in claim.signed_headers:
        for value in request.headers.getlist(name):
            signed.headers[name] = value
    signed.context["timestamp"] = claim.date
    auth = S3SigV4QueryAuth(Credentials(keys.access, keys.secret), service, region)
    right = auth.signature(auth.string_to_sign(signed, auth.canonical_request(signed)), signed)
    return hmac.compare_digest(right.encode(), claim.signature.encode())
