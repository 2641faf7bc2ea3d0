"""A store with S3's interface that lets in only who signs with its key (moto's server, with IAM as it has it). Prints a line of JSON with
its port, bucket and key; then, for each line it reads, one with all objects of the bucket: their keys, and the rows of the Parquet
files that they are, as Apache Arrow reads them."""

import io
import json
import logging
import os
import sys
from urllib.parse import quote, unquote

# So many first requests are let in by anybody: those that make the user and the bucket.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"

import boto3
import pyarrow.parquet
from moto.iam.access_control import S3IAMRequest
from moto.server import ThreadedMotoServer

REGION = "eu-central-1"
BUCKET = "lake"
USER = "hub"

# moto signs a path as it was sent; S3 as it would write it itself, with the = of a folder's name as %3D
# (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, UriEncode).
as_sent = S3IAMRequest._create_aws_request


def as_written(self):
    path, mark, query = self._path.partition("?")
    self._path = quote(unquote(path), safe="/") + mark + query
    return as_sent(self)


S3IAMRequest._create_aws_request = as_written

# One line for each request is too much.
logging.getLogger("werkzeug").setLevel(logging.ERROR)

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
port = server.get_host_and_port()[1]


def client(service, access_key, secret_key):
    address = f"http://127.0.0.1:{port}"
    keys = {"aws_access_key_id": access_key, "aws_secret_access_key": secret_key}
    return boto3.client(service, region_name=REGION, endpoint_url=address, **keys)


anybody = ("anybody", "anything")
iam = client("iam", *anybody)
iam.create_user(UserName=USER)
rights = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}
iam.put_user_policy(UserName=USER, PolicyName="all", PolicyDocument=json.dumps(rights))
made = iam.create_access_key(UserName=USER)["AccessKey"]
key = (made["AccessKeyId"], made["SecretAccessKey"])
where = {"LocationConstraint": REGION}
client("s3", *anybody).create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
s3 = client("s3", *key)


def rows(name):
    body = s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()
    return pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()


def tell(what):
    print(json.dumps(what, default=lambda value: value.isoformat()), flush=True)


tell({"port": port, "region": REGION, "bucket": BUCKET, "access_key": key[0], "secret_key": key[1]})
for _ in sys.stdin:
    names = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    tell([{"key": name, "rows": rows(name)} for name in names])
