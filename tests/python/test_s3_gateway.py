"""The S3 gateway of the examples, asked by boto3 as it comes, and by what a browser sends."""

import base64
import datetime
import hashlib
import http.client
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

EXAMPLE = Path(__file__).resolve().parents[2] / "bindings/python/examples/s3_gateway.py"
ORIGIN = "https://app.example.com"
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
RULES = [
    {
        "ID": "uploads",
        "AllowedOrigins": [ORIGIN, "http://localhost:*"],
        "AllowedMethods": ["PUT", "GET"],
        "AllowedHeaders": ["content-type", "x-amz-*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 600,
    },
    {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]},
]


class Store:
    """A gateway that runs, a client of it, and a bucket."""

    def __init__(self, *options):
        self.process = subprocess.Popen([sys.executable, EXAMPLE, *options], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[1]
        self.client = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="corsac",
            aws_secret_access_key="corsac-secret",
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
        )
        self.client.create_bucket(Bucket="photos")

    def put_cors(self, rules=RULES):
        return self.client.put_bucket_cors(Bucket="photos", CORSConfiguration={"CORSRules": rules})

    def presigned(self, call, method=None, **parameters):
        parameters = {"Bucket": "photos", **parameters}
        url = self.client.generate_presigned_url(call, parameters, ExpiresIn=60, HttpMethod=method)
        return url.removeprefix(self.url)

    def ask(self, method, target, headers=(), body=None):
        """Status, header lines and body of a request."""
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=20)
        try:
            connection.request(method, target, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def end(self):
        self.process.terminate()
        self.process.communicate(timeout=20)


def started(*options):
    @pytest.fixture(name="store", scope="module")
    def fixture():
        store = Store(*options)
        yield store
        store.end()

    return fixture


store = started()


@pytest.fixture(name="stores", scope="module")
def all_stores():
    stores = {
        (dialect, strict): Store("--dialect", dialect, *(["--strict"] if strict else []))
        for dialect in ("zenko", "aws")
        for strict in (False, True)
    }
    yield stores
    for each in stores.values():
        each.end()


def refused(call, *arguments, **parameters):
    """Code, message and status of the error of a call."""
    with pytest.raises(ClientError) as raised:
        call(*arguments, **parameters)
    answer = raised.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def cors(headers):
    """The CORS headers of a response, with Vary, by lower-case name."""
    return {name.lower(): value for name, value in headers if name.lower().startswith("access-control-") or name.lower() == "vary"}


def code_of(body):
    return ElementTree.fromstring(body).findtext("Code")


def test_a_client_puts_gets_and_deletes_the_configuration(store):
    for _ in range(2):
        store.client.delete_bucket_cors(Bucket="photos")  # 204 also where there is none
    expected = ("NoSuchCORSConfiguration", "The CORS configuration does not exist", 404)
    assert refused(store.client.get_bucket_cors, Bucket="photos") == expected
    store.put_cors()
    assert store.client.get_bucket_cors(Bucket="photos")["CORSRules"] == RULES
    store.put_cors(RULES[1:])
    assert store.client.get_bucket_cors(Bucket="photos")["CORSRules"] == RULES[1:]
    assert store.client.delete_bucket_cors(Bucket="photos")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(store.client.get_bucket_cors, Bucket="photos") == expected


def rule(**changes):
    return [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], **changes}]


@pytest.mark.parametrize(
    ("rules", "code", "message"),
    [
        (rule() * 101, "InvalidRequest", "The number of CORS rules should not exceed allowed limit of 100 rules."),
        (
            rule(AllowedMethods=["PATCH"]),
            "InvalidRequest",
            'Found unsupported HTTP method in CORS config. Unsupported method is "PATCH"',
        ),
        (rule(AllowedOrigins=["https://*.*"]), "InvalidRequest", 'AllowedOrigin "https://*.*" can not have more than one wildcard.'),
        (rule(AllowedHeaders=["*a*"]), "InvalidRequest", 'AllowedHeader "*a*" can not have more than one wildcard.'),
        (
            rule(ExposeHeaders=["*"]),
            "InvalidRequest",
            "ExposeHeader * contains a wildcard. Wildcards are currently not supported for ExposeHeader.",
        ),
        (rule(MaxAgeSeconds=-1), "MalformedXML", 'MaxAgeSeconds "-1" is not a valid value.'),
    ],
)
def test_a_client_is_told_what_is_wrong(store, rules, code, message):
    store.put_cors()
    assert refused(store.put_cors, rules) == (code, message, 400)
    assert store.client.get_bucket_cors(Bucket="photos")["CORSRules"] == RULES, "the old configuration stays"


def test_a_configuration_needs_a_right_digest(store):
    target = store.presigned("get_bucket_cors", "PUT")
    xml = "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>"
    for headers in ({}, {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}):
        status, _, body = store.ask("PUT", target, headers, xml)
        assert (status, code_of(body)) == (400, "BadDigest")


def test_an_empty_body_is_told_before_its_digest(store):
    status, _, body = store.ask("PUT", store.presigned("get_bucket_cors", "PUT"), {"Content-Length": "0"})
    assert (status, code_of(body)) == (400, "MissingRequestBodyError")


def test_the_old_rules_answer_the_request_that_replaces_them(store):
    xml = b"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>"
    digest = base64.b64encode(hashlib.md5(xml).digest()).decode()
    for method, status in (("PUT", 200), ("DELETE", 204)):
        store.put_cors(rule(AllowedOrigins=[ORIGIN], AllowedMethods=["PUT", "DELETE"]))
        target = store.presigned("get_bucket_cors", method)
        answer = store.ask(method, target, {"Origin": ORIGIN, "Content-MD5": digest}, xml)
        assert answer[0] == status
        assert cors(answer[1])["access-control-allow-methods"] == "PUT, DELETE"


@pytest.mark.parametrize(
    "target",
    [
        "/photos/k?X-Amz-Credential=corsac/a/b/s3/aws4_request&X-Amz-SignedHeaders=host&X-Amz-Signature=%C3%A9&X-Amz-Date={now}&X-Amz-Expires=9",
        "/photos/k?X-Amz-Credential=corsac/a/b/s3/aws4_request&X-Amz-SignedHeaders=host;%E2%82%AC&X-Amz-Signature=a&X-Amz-Date={now}&X-Amz-Expires=9",
        "/photos/k?X-Amz-Credential=corsac&X-Amz-SignedHeaders=host&X-Amz-Signature=a&X-Amz-Date={now}&X-Amz-Expires=9",
        "/photos/k?X-Amz-Expires=x",
    ],
)
def test_signatures_that_make_no_sense(store, target):
    store.put_cors()
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    status, headers, body = store.ask("GET", target.format(now=now), {"Origin": ORIGIN})
    assert (status, code_of(body)) == (403, "SignatureDoesNotMatch")
    assert cors(headers)["access-control-allow-origin"] == ORIGIN


def test_a_presigned_url_is_good_for_a_week_at_most(store):
    store.client.put_object(Bucket="photos", Key="week", Body=b"1")
    for seconds, status in ((604_800, 200), (604_801, 403)):
        url = store.client.generate_presigned_url("get_object", {"Bucket": "photos", "Key": "week"}, ExpiresIn=seconds)
        assert store.ask("GET", url.removeprefix(store.url))[0] == status


def test_nothing_may_be_added_to_a_presigned_url(store):
    target = store.presigned("put_object", Key="added")
    assert store.ask("PUT", target, {"x-amz-meta-by": "somebody else"}, b"1")[0] == 403
    assert store.ask("PUT", target, {"x-amz-copy-source": "/photos/k"}, b"1")[0] == 403
    assert store.ask("PUT", target + "&acl", {}, b"1")[0] == 403
    assert store.ask("PUT", target, {}, b"1")[0] == 200


def test_a_signature_is_for_the_whole_path(store):
    """A request with its signature in a header, sent again with something behind the path."""
    store.client.put_object(Bucket="photos", Key="k", Body=b"1")
    store.client.put_object(Bucket="photos", Key="k#other", Body=b"2")
    kept = {}
    store.client.meta.events.register_first("before-send.s3.GetObject", lambda request, **_: kept.update(request.headers))
    store.client.get_object(Bucket="photos", Key="k")
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in kept.items()}
    assert store.ask("GET", "/photos/k", headers)[::2] == (200, b"1")
    # Some servers take no notice of what stands behind a #, others take it for a part of the path.
    assert store.ask("GET", "/photos/k#other", headers)[::2] != (200, b"2")


def test_what_the_store_cannot_do_changes_nothing(store):
    store.client.put_object(Bucket="photos", Key="kept", Body=b"1")
    not_done = [
        lambda: store.client.put_object_acl(Bucket="photos", Key="kept", ACL="private"),
        lambda: store.client.copy_object(Bucket="photos", Key="kept", CopySource="photos/k"),
        lambda: store.client.upload_part(Bucket="photos", Key="kept", Body=b"2", PartNumber=1, UploadId="a"),
    ]
    for call in not_done:
        assert refused(call)[::2] == ("NotImplemented", 501)
    assert store.client.get_object(Bucket="photos", Key="kept")["Body"].read() == b"1"


def test_names_of_buckets_that_no_header_could_hold(store):
    for name in ("%0D%0Ax:y", "%E2%82%AC", "A", ""):
        request = AWSRequest("PUT", f"{store.url}/{name}")
        S3SigV4Auth(Credentials("corsac", "corsac-secret"), "s3", "us-east-1").add_auth(request)
        status, headers, body = store.ask("PUT", f"/{name}", request.headers.items())
        assert (status, code_of(body)) == (400, "InvalidBucketName")
        assert "location" not in {name.lower() for name, _ in headers}


def test_a_client_uploads_a_file(store, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"from a file")
    store.client.upload_file(str(file), "photos", "file", {"ContentType": "text/plain"})
    store.client.download_file("photos", "file", str(tmp_path / "again"))
    assert (tmp_path / "again").read_bytes() == b"from a file"


def test_a_client_puts_and_gets_objects(store):
    key = "a b/\u00fc?&=%2F+.jpg"
    etag = store.client.put_object(Bucket="photos", Key=key, Body=b"picture", ContentType="image/jpeg", Metadata={"by": "me"})["ETag"]
    found = store.client.get_object(Bucket="photos", Key=key)
    assert (found["Body"].read(), found["ETag"]) == (b"picture", etag)
    assert (found["ContentType"], found["Metadata"]) == ("image/jpeg", {"by": "me"})
    store.client.delete_object(Bucket="photos", Key=key)
    assert refused(store.client.get_object, Bucket="photos", Key=key)[::2] == ("NoSuchKey", 404)


def test_a_presigned_upload_of_a_page(store):
    store.put_cors()
    target = store.presigned("put_object", Key="k", ContentType="text/plain")
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    status, headers, body = store.ask("OPTIONS", target, asked)
    assert (status, body) == (200, b"")
    assert cors(headers) == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "PUT, GET",
        "access-control-allow-headers": "content-type",
        "access-control-expose-headers": "ETag",
        "access-control-max-age": "600",
        "vary": VARY,
    }
    status, headers, _ = store.ask("PUT", target, {"Origin": ORIGIN, "Content-Type": "text/plain"}, "hello")
    assert status == 200
    assert cors(headers) == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "PUT, GET",
        "access-control-expose-headers": "ETag",
        "access-control-max-age": "600",
        "vary": VARY,
    }
    assert store.client.get_object(Bucket="photos", Key="k")["Body"].read() == b"hello"
    # The second rule is for everyone, without credentials.
    status, headers, body = store.ask("GET", store.presigned("get_object", Key="k"), {"Origin": "https://other.example"})
    assert (status, body) == (200, b"hello")
    assert cors(headers) == {"access-control-allow-origin": "*", "access-control-allow-methods": "GET", "vary": VARY}


def test_errors_can_be_read(store):
    store.put_cors()
    for target, code in (
        (store.presigned("get_object", Key="missing"), "NoSuchKey"),
        (store.presigned("get_object", Key="k") + "0", "SignatureDoesNotMatch"),
        ("/photos/k", "SignatureDoesNotMatch"),
    ):
        status, headers, body = store.ask("GET", target, {"Origin": ORIGIN})
        assert (status, code_of(body)) == ({"NoSuchKey": 404}.get(code, 403), code)
        assert cors(headers)["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("dialect", ["zenko", "aws"])
def test_refused_preflights(stores, dialect, strict):
    store = stores[dialect, strict]
    put = {"Origin": "https://other.example", "Access-Control-Request-Method": "PUT"}
    missing = (404, "NoSuchBucket") if dialect == "zenko" else (403, "AccessForbidden")
    assert told(store, "/nowhere/k", put) == missing
    store.client.delete_bucket_cors(Bucket="photos")
    assert told(store, "/photos/k", put) == (403, "AccessForbidden")
    assert told(store, "/photos/k", {}) == (400, "BadRequest")
    store.put_cors()
    assert told(store, "/photos/k", put) == (403, "AccessForbidden")
    assert told(store, "/photos", put) == (403, "AccessForbidden")
    assert told(store, "/photos/k", {}) == (400, "BadRequest")
    assert told(store, "/photos/k", {**put, "Access-Control-Request-Method": "PATCH"}) == (400, "BadRequest")
    status, headers, body = store.ask("OPTIONS", "/photos", put)
    # Only what is strict forgets, as S3 does, that caches must know.
    assert cors(headers) == ({} if strict else {"vary": VARY})
    error = {element.tag: element.text for element in ElementTree.fromstring(body)}
    if dialect == "aws":
        assert (error["Method"], error["ResourceType"], error["HostId"]) == ("PUT", "BUCKET", "gateway")
    else:
        assert error["Resource"] is None and "HostId" not in error
    assert error["RequestId"] == dict(headers)["x-amz-request-id"]


def told(store, target, headers):
    status, _, body = store.ask("OPTIONS", target, headers)
    return status, code_of(body)


def test_strict_is_s3_to_the_byte(stores):
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "Content-Type,X-Amz-Date"}
    for strict, expected in ((False, "Content-Type,X-Amz-Date"), (True, "content-type, x-amz-date")):
        store = stores["zenko", strict]
        store.put_cors()
        _, headers, _ = store.ask("OPTIONS", "/photos/k", asked)
        assert cors(headers)["access-control-allow-headers"] == expected
