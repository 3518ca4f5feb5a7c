"""An S3 store by others (moto) on a free port, which checks every signature.

Prints endpoint, bucket, key id and secret; ends with its standard input.
"""
import os
import sys

# After these four actions every request must be signed.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"
for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"):
    os.environ.pop(name, None)

import boto3  # noqa: E402
import moto  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

# 5.2.1 refuses a rightly signed list below a prefix.
if tuple(map(int, moto.__version__.split(".")[:3])) < (5, 2, 5):
    sys.exit("moto is too old")

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://127.0.0.1:{port}"
common = dict(
    endpoint_url=endpoint,
    region_name="us-east-1",
    aws_access_key_id="setup",
    aws_secret_access_key="setup",
)
iam = boto3.client("iam", **common)
iam.create_user(UserName="publisher")
iam.put_user_policy(
    UserName="publisher",
    PolicyName="trace",
    PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
)
key = iam.create_access_key(UserName="publisher")["AccessKey"]
boto3.client("s3", **common).create_bucket(Bucket="trace")
print(endpoint, "trace", key["AccessKeyId"], key["SecretAccessKey"], flush=True)
sys.stdin.read()
os._exit(0)
