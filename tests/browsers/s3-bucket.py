"""A bucket for pages to upload to: s3-bucket.py --policy FILE --port 0.

It starts the S3 gateway of the examples, gives a bucket the CORS configuration of the file by boto3, and prints where the
gateway listens, the presigned URLs that a page is given, and then the gateway's line for every request.
"""

import argparse
import json
import signal
import subprocess
import sys
from pathlib import Path

import boto3
from botocore.config import Config

GATEWAY = Path(__file__).resolve().parents[2] / "bindings/python/examples/s3_gateway.py"


def client(url):
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    keys = {"aws_access_key_id": "corsac", "aws_secret_access_key": "corsac-secret"}
    return boto3.client("s3", endpoint_url=url, region_name="us-east-1", config=config, **keys)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--policy", required=True)
    arguments.add_argument("--port", default="0")
    given = arguments.parse_args()

    gateway = subprocess.Popen([sys.executable, GATEWAY, "--port", given.port], stdout=subprocess.PIPE, text=True)
    signal.signal(signal.SIGTERM, lambda *_: gateway.terminate())
    listening = gateway.stdout.readline()
    port = listening.strip().rpartition(":")[2]
    here = client(f"http://127.0.0.1:{port}")
    here.create_bucket(Bucket="uploads")
    here.put_bucket_cors(Bucket="uploads", CORSConfiguration=json.loads(Path(given.policy).read_text()))
    # The pages know the gateway by a name of its own, which is signed.
    store = client(f"http://s3.corsac.test:{port}")

    def signed(call, key="picture", **parameters):
        return store.generate_presigned_url(call, {"Bucket": "uploads", "Key": key, **parameters}, ExpiresIn=300)

    urls = {
        "put": signed("put_object", ContentType="text/plain", Metadata={"by": "a page"}),
        "get": signed("get_object"),
        "delete": signed("delete_object"),
        "missing": signed("get_object", "missing"),
    }
    # What was made ready by the client is not the pages' business.
    for _ in range(2):
        gateway.stdout.readline()
    print(listening.strip(), flush=True)
    print(json.dumps({"urls": urls}), flush=True)
    for line in gateway.stdout:
        print(line.strip(), flush=True)
    sys.exit(0 if gateway.wait() in (0, -signal.SIGTERM) else 1)


if __name__ == "__main__":
    main()
