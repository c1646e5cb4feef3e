"""Uses the services of moto's server by boto3; prints every answer as JSON.

``python moto_client.py PORT``, in the environment of moto.
"""

from __future__ import annotations

import io
import json
import sys
import urllib.request
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

TOKEN = "a-token-of-more-than-thirty-two-letters"  # else boto3 draws one
ANSWERS: list[dict[str, Any]] = []


def record(response_dict: Any, event_name: str, **rest: Any) -> None:
    body = response_dict["body"]
    ANSWERS.append(
        {
            "asked": event_name.removeprefix("response-received."),
            "status": response_dict["status_code"],
            "headers": list(response_dict["headers"].items()),
            "body": body.decode("utf-8", "backslashreplace") if isinstance(body, bytes) else "",
        }
    )


class Services:
    """The clients, one of each service."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = boto3.session.Session(
            aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1"
        )

    def __getattr__(self, name: str) -> Any:
        config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
        client = self.session.client(name.replace("_", "-"), endpoint_url=self.url, config=config)
        client.meta.events.register("response-received.*", record)
        setattr(self, name, client)
        return client


def refused(call: Any, **arguments: Any) -> None:
    """Call what must fail; its answer is recorded as others are."""
    try:
        call(**arguments)
    except ClientError:
        return
    raise SystemExit(f"{call.__name__} was expected to be refused")


def storage(aws: Services) -> None:
    s3 = aws.s3
    s3.create_bucket(Bucket="photos")
    s3.put_object(
        Bucket="photos",
        Key="a folder/é & b.txt",
        Body=b"0123456789" * 10,
        ContentType="text/plain; charset=utf-8",
        Metadata={"one": "1", "two_words": "x y"},
    )
    s3.put_object(Bucket="photos", Key="binary", Body=bytes(range(256)))
    got = s3.get_object(Bucket="photos", Key="a folder/é & b.txt", Range="bytes=5-14")
    assert got["Body"].read() == b"5678901234", "a range"
    assert s3.get_object(Bucket="photos", Key="binary")["Body"].read() == bytes(range(256))
    s3.head_object(Bucket="photos", Key="binary")
    refused(s3.head_object, Bucket="photos", Key="missing")
    refused(s3.get_object, Bucket="photos", Key="missing")
    refused(s3.get_object, Bucket="no-such-bucket", Key="x")
    s3.copy_object(Bucket="photos", Key="copy", CopySource={"Bucket": "photos", "Key": "binary"})
    s3.upload_fileobj(io.BytesIO(b"x" * 100_000), "photos", "streamed")
    part_size = 5 * 1024 * 1024
    upload = s3.create_multipart_upload(Bucket="photos", Key="large")
    name = {"Bucket": "photos", "Key": "large", "UploadId": upload["UploadId"]}
    parts = []
    for number, size in enumerate((part_size, 10), 1):
        part = s3.upload_part(PartNumber=number, Body=b"p" * size, **name)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **name)
    assert s3.head_object(Bucket="photos", Key="large")["ContentLength"] == part_size + 10
    s3.list_objects_v2(Bucket="photos", Prefix="a", Delimiter="/")
    s3.list_objects_v2(Bucket="photos", MaxKeys=2)
    s3.put_object_tagging(
        Bucket="photos", Key="copy", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]}
    )
    s3.get_object_tagging(Bucket="photos", Key="copy")
    s3.put_bucket_versioning(Bucket="photos", VersioningConfiguration={"Status": "Enabled"})
    s3.list_buckets()
    refused(s3.delete_bucket, Bucket="photos")
    names = [{"Key": key} for key in ("binary", "copy", "missing")]
    s3.delete_objects(Bucket="photos", Delete={"Objects": names})
    signed = s3.generate_presigned_url("get_object", {"Bucket": "photos", "Key": "streamed"})
    with urllib.request.urlopen(signed) as answer:
        assert answer.read() == b"x" * 100_000, "a signed URL"


def tables(aws: Services) -> None:
    db = aws.dynamodb
    db.create_table(
        TableName="people",
        KeySchema=[
            {"AttributeName": "team", "KeyType": "HASH"},
            {"AttributeName": "name", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "team", "AttributeType": "S"},
            {"AttributeName": "name", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    people = [("red", "Ann", 31), ("red", "Björn", 42), ("blue", "Cem", 27)]
    for team, name, age in people:
        item = {"team": {"S": team}, "name": {"S": name}, "age": {"N": str(age)}}
        db.put_item(TableName="people", Item=item)
    key = {"team": {"S": "red"}, "name": {"S": "Ann"}}
    assert db.get_item(TableName="people", Key=key)["Item"]["age"] == {"N": "31"}
    query = db.query(
        TableName="people",
        KeyConditionExpression="team = :team",
        ExpressionAttributeValues={":team": {"S": "red"}},
    )
    assert query["Count"] == 2
    older = {"ExpressionAttributeValues": {":one": {"N": "1"}}, "ReturnValues": "ALL_NEW"}
    db.update_item(TableName="people", Key=key, UpdateExpression="SET age = age + :one", **older)
    refused(
        db.put_item,
        TableName="people",
        Item=key,
        ConditionExpression="attribute_not_exists(team)",
    )
    refused(db.get_item, TableName="nobody", Key=key)
    db.scan(TableName="people", Limit=2)
    db.batch_get_item(RequestItems={"people": {"Keys": [key]}})
    db.delete_item(TableName="people", Key=key)
    db.describe_table(TableName="people")
    db.list_tables()


def messages(aws: Services) -> None:
    url = aws.sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    for body in ("first", "zweite <&> é"):
        aws.sqs.send_message(QueueUrl=url, MessageBody=body)
    got = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in got] == ["first", "zweite <&> é"]
    aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"])
    aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    aws.sqs.list_queues()
    refused(aws.sqs.get_queue_url, QueueName="none")
    topic = aws.sns.create_topic(Name="news")["TopicArn"]
    queue = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = queue["Attributes"]["QueueArn"]
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    aws.sns.publish(TopicArn=topic, Message="published")
    aws.sns.list_topics()


def others(aws: Services) -> None:
    aws.sts.get_caller_identity()
    aws.iam.create_user(UserName="alice")
    refused(aws.iam.create_user, UserName="alice")
    aws.iam.list_users()
    aws.ssm.put_parameter(Name="/app/key", Value="secret", Type="SecureString")
    aws.ssm.get_parameter(Name="/app/key", WithDecryption=True)
    aws.secretsmanager.create_secret(
        Name="password", SecretString="hidden", ClientRequestToken=TOKEN
    )
    aws.secretsmanager.get_secret_value(SecretId="password")
    image = aws.ec2.describe_images()["Images"][0]["ImageId"]
    aws.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, ClientToken=TOKEN)
    aws.ec2.describe_instances()
    aws.logs.create_log_group(logGroupName="app")
    aws.logs.describe_log_groups()
    key = aws.kms.create_key()["KeyMetadata"]["KeyId"]
    aws.kms.describe_key(KeyId=key)
    aws.events.put_rule(Name="often", ScheduleExpression="rate(5 minutes)")
    aws.events.list_rules()


def main() -> None:
    url = f"http://127.0.0.1:{sys.argv[1]}"
    # From here on, moto draws the same identifiers each time.
    urllib.request.urlopen(f"{url}/moto-api/seed?a=42", data=b"").close()
    aws = Services(url)
    for use in (storage, tables, messages, others):
        use(aws)
    urllib.request.urlopen(f"{url}/moto-api/reset", data=b"").close()
    refused(aws.s3.get_object, Bucket="photos", Key="streamed")
    aws.s3.list_buckets()
    print(json.dumps(ANSWERS))


if __name__ == "__main__":
    main()
