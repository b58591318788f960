"""The commands on CORS configurations of S3 buckets."""
import json

import pytest

from mistakes import PAGE

URL = "https://s3.example.test/bucket/photo"
RULES = [
    {"ID": "uploads", "AllowedOrigins": [PAGE], "AllowedMethods": ["PUT", "GET"], "AllowedHeaders": ["content-type"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60},
    {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]},
]
XML = f"""<?xml version="1.0" encoding="UTF-8"?>
<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <CORSRule>
    <ID>uploads</ID><AllowedOrigin>{PAGE}</AllowedOrigin>
    <AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod>
    <AllowedHeader>content-type</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds>
  </CORSRule>
  <CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>
</CORSConfiguration>
"""
FORMS = {
    "bucket.xml": XML,
    "with-comment.xml": f"<!-- ours -->{XML[XML.index('<CORSC'):]}",
    "command-line.json": json.dumps({"CORSRules": RULES}),
    "console.json": json.dumps(RULES),
    "cloudformation.json": json.dumps({"CorsRules": [
        {"Id": "uploads", "AllowedOrigins": [PAGE], "AllowedMethods": ["PUT", "GET"], "AllowedHeaders": ["content-type"], "ExposedHeaders": ["ETag"], "MaxAge": 60},
        {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]}),
}


@pytest.fixture
def bucket(tmp_path):
    path = tmp_path / "bucket.xml"
    path.write_text(XML)
    return path


@pytest.fixture(params=FORMS)
def form(request, tmp_path):
    path = tmp_path / request.param
    path.write_text(FORMS[request.param])
    return path


def write(tmp_path, name, value):
    path = tmp_path / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


# --- check ----------------------------------------------------------------------------------------------------------


def test_check_reads_every_form(corsac, form):
    ran = corsac("check", "--s3", form)
    assert ran.code == 0, ran.text


def test_a_byte_order_mark_is_no_text(corsac, form):
    form.write_bytes(b"\xef\xbb\xbf" + form.read_bytes())
    for command in (["check", "--s3"], ["convert"]):
        assert corsac(*command, form).code == 0, command


def test_check_says_what_reads_a_configuration(corsac, form):
    ran = corsac("check", form)
    assert ran.code == 1 and "which --s3 reads" in ran.out


def test_check_tells_the_error_of_s3(corsac, tmp_path):
    bad = write(tmp_path, "bad.xml", XML.replace("<AllowedMethod>PUT</AllowedMethod>", "<AllowedMethod>PATCH</AllowedMethod>"))
    ran = corsac("check", "--s3", bad)
    assert ran.code == 1
    assert "InvalidRequest" in ran.out and 'Unsupported method is "PATCH"' in ran.out
    assert f"{bad}:" in ran.out
    [file] = json.loads(corsac("check", "--s3", "--json", bad).out)["files"]
    assert (file["valid"], file["s3_code"], len(file["problems"])) == (False, "InvalidRequest", 1)
    # The dialects differ in the message.
    assert "Unsupported method is PATCH" in corsac("check", "--s3", "--dialect", "aws", bad).out
    assert corsac("check", "--s3", "--dialect", "ceph", bad).code == 2
    # Of a document nobody asks for S3.
    assert corsac("check", "--dialect", "aws", bad).code == 2
    assert corsac("check", "--s3", "-", stdin=XML.encode()).code == 0


def test_check_warns_of_what_a_policy_document_would_refuse(corsac, tmp_path):
    loose = write(tmp_path, "loose.json", [{"AllowedOrigins": ["https://*example.com", "http://example.com"], "AllowedMethods": ["GET"]}])
    ran = corsac("check", "--s3", loose)
    assert (ran.code, "s3-loose-wildcard" in ran.out) == (0, True)
    assert corsac("check", "--s3", "--deny-warnings", loose).code == 1


def test_nothing_unescaped_is_printed(corsac, tmp_path):
    hostile = write(tmp_path, "hostile.json", [{"AllowedOrigins": ["https://\u001b[31m*\u202e*"], "AllowedMethods": ["GET"]}])
    assert corsac("check", "--s3", hostile).code == 1  # and `Ran` has looked for control characters


# --- convert --------------------------------------------------------------------------------------------------------


def test_convert_makes_a_document_that_answers_alike(corsac, form, tmp_path):
    ran = corsac("convert", form)
    assert ran.code == 0
    document = json.loads(ran.out)
    assert document["rules"][0]["allow_origins"] == [PAGE]
    assert corsac("check", write(tmp_path, "document.json", document)).code == 0


def test_convert_tells_what_changes_in_meaning(corsac, tmp_path):
    rules = [{"AllowedOrigins": ["https://*.example.com", "https://*"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["x-*"]}]
    ran = corsac("convert", write(tmp_path, "bucket.json", rules))
    for code in ("wildcard-narrowed", "header-left-out", "safelisted-methods-allowed"):
        assert f"change[{code}]" in ran.err, ran.text
    # What is printed is the document alone, so that it can be written to a file.
    json.loads(ran.out)


def test_convert_tells_what_two_rules_of_a_document_mean_in_a_bucket(corsac, tmp_path):
    rules = {"rules": [{"allow_origins": [PAGE]}, {"allow_origins": "*", "allow_methods": ["PUT"], "max_age": 0}]}
    ran = corsac("convert", write(tmp_path, "policy.json", rules))
    assert ran.code == 0
    for code in ("later-rule-allows", "max-age-left-out", "credentials-allowed"):
        assert f"change[{code}]" in ran.err, ran.err


def test_convert_says_why_nothing_can_be_written(corsac, tmp_path):
    many = write(tmp_path, "many.json", {"allow_origins": [f"https://host{number}.example.test" for number in range(3000)]})
    ran = corsac("convert", many)
    assert (ran.code, ran.out) == (2, "")
    assert "change[s3-too-large]" in ran.err and "limited to 64 KB" in ran.err
    nobody = write(tmp_path, "nobody.json", [{"AllowedOrigins": ["*example.test"], "AllowedMethods": ["GET"]}])
    ran = corsac("convert", nobody)
    assert (ran.code, ran.out) == (2, "")
    assert "change[origin-left-out]" in ran.err and "change[rule-left-out]" in ran.err


@pytest.mark.parametrize("form", ["xml", "json", "console", "cloudformation"])
def test_convert_makes_a_configuration_that_s3_takes(corsac, tmp_path, form):
    document = write(tmp_path, "policy.json", {"allow_origins": [PAGE], "allow_methods": ["PUT"], "allow_headers": ["content-type"], "allow_credentials": True})
    ran = corsac("convert", "--form", form, document)
    assert ran.code == 0, ran.text
    made = write(tmp_path, "made", ran.out)
    for dialect in ("zenko", "aws"):
        assert corsac("check", "--s3", "--dialect", dialect, made).code == 0


# --- diff -----------------------------------------------------------------------------------------------------------


def test_diff_of_the_same_in_other_words_is_none(corsac, bucket, form):
    ran = corsac("diff", bucket, form)
    assert (ran.code, "no difference" in ran.out) == (0, True), ran.text


def test_diff_tells_what_one_allows_and_the_other_does_not(corsac, bucket, tmp_path):
    gateway = write(tmp_path, "gateway.json", {"allow_origins": [PAGE, "https://new.example.test"], "allow_methods": ["PUT", "DELETE"], "allow_headers": ["x-token"], "allow_credentials": True})
    ran = corsac("diff", bucket, gateway)
    assert ran.code == 1
    for line in ("+ method DELETE (allowed by B only)", "- header content-type (allowed by A only)", "+ header x-token (allowed by B only)"):
        assert line in ran.out, ran.out
    told = json.loads(corsac("diff", "--json", bucket, gateway).out)
    assert {"origin": PAGE, "subject": "method", "name": "DELETE", "method": None, "allowed_by": "B"} in told["differences"]
    # The other way round each is the other's.
    back = json.loads(corsac("diff", "--json", gateway, bucket).out)
    assert {"origin": PAGE, "subject": "method", "name": "DELETE", "method": None, "allowed_by": "A"} in back["differences"]
    assert len(back["differences"]) == len(told["differences"])


def test_diff_asks_with_each_method(corsac, tmp_path):
    first = write(tmp_path, "a.json", [{"AllowedOrigins": [PAGE], "AllowedMethods": ["GET"]},
                                       {"AllowedOrigins": [PAGE], "AllowedMethods": ["PUT"], "AllowedHeaders": ["x-a"]}])
    second = write(tmp_path, "b.json", [{"AllowedOrigins": [PAGE], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-a"]}])
    ran = corsac("diff", first, second)
    assert (ran.code, ran.out) == (1, f"A is {first}, B is {second}\n+ header x-a with GET (allowed by B only): {PAGE}\n")
    [told] = json.loads(corsac("diff", "--json", first, second).out)["differences"]
    assert told == {"origin": PAGE, "subject": "header", "name": "x-a", "method": "GET", "allowed_by": "B"}
    # One bucket for reading, another for writing: neither hides the other.
    third = write(tmp_path, "c.json", [{"AllowedOrigins": [PAGE], "AllowedMethods": ["PUT"], "AllowedHeaders": ["x-a", "x-b"]}])
    fourth = write(tmp_path, "d.json", [{"AllowedOrigins": [PAGE], "AllowedMethods": ["PUT"], "AllowedHeaders": ["x-a"]},
                                        {"AllowedOrigins": [PAGE], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-b"]}])
    out = corsac("diff", third, fourth).out
    assert "+ method GET (allowed by B only)" in out and "- headers-together x-a, x-b (allowed by A only)" in out


def test_diff_of_a_conversion_is_what_it_told(corsac, bucket, tmp_path):
    ran = corsac("convert", bucket)
    assert all("change[safelisted-methods-allowed]" in line for line in ran.err.splitlines()), ran.err
    told = corsac("diff", "--json", bucket, write(tmp_path, "document.json", ran.out))
    differences = json.loads(told.out)["differences"]
    assert {(found["subject"], found["name"]) for found in differences} == {("method", "HEAD"), ("method", "POST")}
    assert corsac("convert", "--deny-changes", bucket).code == 1


def test_standard_input_is_read_once(corsac, bucket):
    assert corsac("diff", "-", bucket, stdin=XML.encode()).code == 0
    ran = corsac("diff", "-", "-", stdin=XML.encode())
    assert ran.code == 2 and "standard input" in ran.err


def test_diff_refuses_what_is_no_policy(corsac, bucket, tmp_path):
    for bad in ("{", "<CORSConfiguration/>", "[]", '{"allow_origins": []}'):
        ran = corsac("diff", bucket, write(tmp_path, "bad", bad))
        assert ran.code == 2 and ran.err, bad
    assert corsac("diff", bucket, tmp_path / "none").code == 2


# --- explain and evaluate -----------------------------------------------------------------------------------------------


def test_explain_speaks_of_the_rules_of_the_bucket(corsac, form):
    ran = corsac("explain", "--policy", form, "--page", PAGE, "-X", "PUT", "-H", "Content-Type: image/png", URL)
    assert ran.code == 0, ran.text
    ran = corsac("explain", "--policy", form, "--page", PAGE, "-X", "DELETE", URL)
    assert ran.code == 1
    assert "s3-no-rule-matches" in ran.out
    assert 'cause[method-not-allowed]: The rule "uploads" does not have DELETE among its AllowedMethods' in ran.out
    assert "in the policy, CORSRules[0].AllowedMethods: DELETE" in ran.out
    assert "allow_methods" not in ran.out


def test_explain_tells_the_rules_that_came_near(corsac, tmp_path):
    rules = [{"AllowedOrigins": [f"{PAGE}/"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"]},
             {"ID": "read", "AllowedOrigins": [PAGE], "AllowedMethods": ["GET"]}]
    ran = corsac("explain", "--policy", write(tmp_path, "rules.json", rules), "--page", PAGE, "-X", "PUT", "-H", "X-A: 1", URL)
    assert ran.code == 1
    assert f"cause[origin-with-trailing-slash]: The rule CORSRules[0] has the AllowedOrigin {PAGE}/, which ends with a slash" in ran.out
    assert f"in the policy, CORSRules[0].AllowedOrigins[0]: {PAGE}\n" in ran.out
    assert 'note[rule-nearly-matches]: The rule "read" does not match either: it has no AllowedMethod PUT; it has no AllowedHeader.' in ran.out


def test_evaluate_decides_by_the_rules_of_the_bucket(corsac, form, tmp_path):
    request = {"method": "OPTIONS", "headers": [["Origin", PAGE], ["Access-Control-Request-Method", "PUT"], ["X", "1"]]}
    requests = write(tmp_path, "requests", json.dumps(request) + "\n" + json.dumps({"method": "OPTIONS", "headers": []}))
    ran = corsac("evaluate", "--policy", form, requests)
    first, second = map(json.loads, ran.out.splitlines())
    assert (first["status"], first["rule_name"]) == (200, "uploads")
    assert (second["status"], second["reason"]) == (400, "s3-origin-missing")
    assert corsac("evaluate", "--policy", form, "--dialect", "ceph", requests).code == 2
