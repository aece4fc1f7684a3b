"""An S3 server on loopback (moto), which can ask for keys that may do no more than ours need."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

import botocore.session
import httpx

from deploy.parts.processes import Part, answers, free_port

BUCKET: Final = "fotos"
_ALLOWED: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{BUCKET}/*"},
    ],
}
"""What `ingest/media/README.md` says that the keys must be allowed."""


class Keys(NamedTuple):
    """Access key and secret."""

    access: str
    secret: str


class S3Server(Part):
    """Keeps everything in memory: when it comes again it has forgotten it."""

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        super().__init__("s3", command, directory / "s3.log", ready=lambda: answers(self.port))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def make_bucket(self) -> None:
        """The bucket `BUCKET`."""
        self._client("s3").create_bucket(Bucket=BUCKET)

    def ask_for_keys(self) -> Keys:
        """From now on only these are let in."""
        iam = self._client("iam")
        iam.create_user(UserName="ingest")
        iam.put_user_policy(UserName="ingest", PolicyName="fotos", PolicyDocument=json.dumps(_ALLOWED))
        made = iam.create_access_key(UserName="ingest")["AccessKey"]
        httpx.post(f"{self.url}/moto-api/reset-auth", content=b"0").raise_for_status()
        return Keys(made["AccessKeyId"], made["SecretAccessKey"])

    def _client(self, service: str) -> Any:
        return botocore.session.get_session().create_client(
            service,
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="anybody",
            aws_secret_access_key="anybody",
        )
