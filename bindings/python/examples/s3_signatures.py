"""Checks the signatures of S3 requests (AWS Signature Version 4), with what botocore signs them with."""

import datetime
import hmac
import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from botocore.auth import SIGV4_TIMESTAMP, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.requests import Request

# Seconds that a signature in a header is good for.
HEADER_SECONDS = 900


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


def query_of(request: Request) -> str:
    query: bytes = request.scope["query_string"]
    return query.decode("latin-1")


def claim_of_query(request: Request) -> Claim:
    query = {name: values[0] for name, values in parse_qs(query_of(request)).items()}
    return Claim(
        query["X-Amz-Credential"],
        query["X-Amz-SignedHeaders"].split(";"),
        query["X-Amz-Signature"],
        query["X-Amz-Date"],
        int(query["X-Amz-Expires"]),
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


async def is_signed(request: Request, keys: Keys) -> bool:
    """Whether the request has a signature of these keys that is good now."""
    try:
        claim = claim_of_header(request) if "authorization" in request.headers else claim_of_query(request)
        access, _, region, service, _ = claim.credential.split("/")
        signed_at = datetime.datetime.strptime(claim.date, SIGV4_TIMESTAMP).replace(tzinfo=datetime.timezone.utc)
        until = signed_at + datetime.timedelta(seconds=claim.seconds)
    except (KeyError, ValueError, OverflowError):
        return False
    now = datetime.datetime.now(datetime.timezone.utc)
    early = datetime.timedelta(seconds=HEADER_SECONDS)
    if access != keys.access or "host" not in claim.signed_headers or not signed_at - early <= now <= until:
        return False
    path = request.scope["raw_path"].decode("latin-1")
    query = "&".join(part for part in query_of(request).split("&") if not part.startswith("X-Amz-Signature="))
    signed = AWSRequest(request.method, f"http://{request.headers.get('host', '')}{path}?{query}")
    for name in claim.signed_headers:
        for value in request.headers.getlist(name):
            signed.headers[name] = value
    signed.context["timestamp"] = claim.date
    auth = S3SigV4QueryAuth(Credentials(keys.access, keys.secret), service, region)
    right = auth.signature(auth.string_to_sign(signed, auth.canonical_request(signed)), signed)
    return hmac.compare_digest(right, claim.signature)
