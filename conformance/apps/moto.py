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
    normalisations=(),
)
