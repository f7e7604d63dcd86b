"""The AWS CLI, as typed."""

import json
import subprocess
import tempfile
import unittest


def aws(*arguments, fails=None):
    done = subprocess.run(["aws", *arguments], capture_output=True, text=True, timeout=60)
    if fails:
        assert done.returncode != 0 and fails in done.stderr, (arguments, done.stdout, done.stderr)
        return None
    assert done.returncode == 0, (arguments, done.stderr)
    return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout


class CommandLine(unittest.TestCase):
    def test_streams(self):
        aws("kinesis", "create-stream", "--stream-name", "typed", "--shard-count", "2")
        aws("kinesis", "wait", "stream-exists", "--stream-name", "typed")
        aws("kinesis", "put-record", "--stream-name", "typed", "--partition-key", "k", "--data", "aGVsbG8=")
        self.assertIn("typed", aws("kinesis", "list-streams")["StreamNames"])
        aws("kinesis", "describe-stream-summary", "--stream-name", "none", fails="ResourceNotFoundException")

    def test_objects(self):
        aws("s3", "mb", "s3://typed-bucket")
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x" * (9 << 20))
            file.flush()
            aws("s3", "cp", file.name, "s3://typed-bucket/a/b c.bin")
        self.assertIn("b c.bin", aws("s3", "ls", "s3://typed-bucket/a/"))
        aws("s3", "cp", "s3://typed-bucket/a/b c.bin", "s3://typed-bucket/copy")
        aws("s3", "rb", "s3://typed-bucket", fails="BucketNotEmpty")
        aws("s3", "rm", "--recursive", "s3://typed-bucket")
        aws("s3", "rb", "s3://typed-bucket")

    def test_the_rest_answers(self):
        aws("iot", "create-thing", "--thing-name", "typed-thing")
        self.assertEqual(aws("iot", "describe-thing", "--thing-name", "typed-thing")["thingName"], "typed-thing")
        self.assertIn("endpointAddress", aws("iot", "describe-endpoint", "--endpoint-type", "iot:Data-ATS"))
        self.assertIn("DeliveryStreamNames", aws("firehose", "list-delivery-streams"))
        self.assertIn("DatabaseList", aws("glue", "get-databases"))
        self.assertIn("WorkGroups", aws("athena", "list-work-groups"))
        self.assertEqual(len(aws("sts", "get-caller-identity")["Account"]), 12)
        self.assertIn("UserPools", aws("cognito-idp", "list-user-pools", "--max-results", "10"))
