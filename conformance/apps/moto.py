"""moto's server, used by boto3: S3, DynamoDB, SQS, SNS and others."""

from __future__ import annotations

import json

from .application import SERVED, Application, Visit
from .client import Answer
from .compare import Normalisation


def visit(visit: Visit) -> None:
    script = SERVED / "moto_client.py"
    for said in json.loads(visit.place.run("python", script, str(visit.client.port))):
        headers = tuple((name, value) for name, value in said["headers"])
        body = said["body"].encode()
        visit.client.answers.append(Answer(said["asked"], said["status"], "", headers, body))
    # Its own pages, which are templates.
    for target in ("/moto-api/", "/moto-api/data.json", "/moto-api/static/favicon.ico", "/none"):
        visit.client.get(target)


APPLICATION = Application(
    name="moto",
    title="moto 5.2.5",
    requirements=("moto[server,s3,dynamodb,sqs,sns,ec2,ssm,secretsmanager,kms]==5.2.5", "boto3"),
    target="moto_server --port {port}",
    visit=visit,
    servers=("own",),
    normalisations=(
        Normalisation("port", "URLs of queues name the server's", r"127\.0\.0\.1:\d+", "<server>"),
        Normalisation(
            "time",
            "what is made in this run tells when",
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?",
            "<time>",
        ),
        Normalisation(
            "checksum",
            "of an answer that holds times",
            r"(?m)^x-amz-crc32: \d+$",
            "x-amz-crc32: <checksum>",
        ),
        Normalisation(
            "timestamp",
            "the same, in seconds or milliseconds since 1970",
            r"\b1[789]\d{8}(\d{3}|\.\d+)?\b",
            "<time>",
        ),
        Normalisation(
            "length",
            "a time in seconds has as many digits as it needs",
            r"(?m)^(Content-Length: )\d+(\n(?:.+\n)*\n(?:.*\n)*.*<time>)",
            r"\1<length>\2",
        ),
        Normalisation(
            "age",
            "objects are as old as this run",
            r"(?m)^last-modified: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$",
            "last-modified: <time>",
        ),
        Normalisation(
            "upload",
            "its identifier is drawn whatever the seed, of any length",
            r"\A(s3\.CreateMultipartUpload\n(?:.+\n)+Content-Length: )\d+"
            r"((?:.*\n)+.*<UploadId>)\w+",
            r"\1<length>\2<drawn>",
        ),
    ),
)
