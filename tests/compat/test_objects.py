"""S3 by boto3, s3fs and pyarrow."""

import hashlib
import io
import os
import unittest
import urllib.request

import boto3
import pyarrow
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet
import s3fs
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError


class Objects(unittest.TestCase):
    def setUp(self):
        self.s3 = boto3.client("s3")
        self.bucket = "objects-" + hashlib.md5(self.id().encode()).hexdigest()[:10]
        self.s3.create_bucket(Bucket=self.bucket)

    def test_files_go_up_and_down_in_parts(self):
        data = os.urandom(20 << 20)
        self.s3.upload_fileobj(io.BytesIO(data), self.bucket, "large", Config=TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20))
        head = self.s3.head_object(Bucket=self.bucket, Key="large")
        self.assertTrue(head["ETag"].strip('"').endswith("-3"))
        back = io.BytesIO()
        self.s3.download_fileobj(self.bucket, "large", back)
        self.assertEqual(back.getvalue(), data)
        self.assertEqual(self.s3.get_object(Bucket=self.bucket, Key="large", Range="bytes=5-9")["Body"].read(), data[5:10])
        self.s3.copy({"Bucket": self.bucket, "Key": "large"}, self.bucket, "copy")
        self.assertEqual(self.s3.head_object(Bucket=self.bucket, Key="copy")["ContentLength"], len(data))

    def test_https_with_trailing_checksums(self):
        s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"].replace("http:", "https:"), verify=os.environ["IOT_CA"])
        s3.put_object(Bucket=self.bucket, Key="tls", Body=b"x" * 100_000)
        s3.put_object(Bucket=self.bucket, Key="sha", Body=b"y", ChecksumAlgorithm="SHA256")
        self.assertEqual(s3.get_object(Bucket=self.bucket, Key="tls")["Body"].read(), b"x" * 100_000)

    def test_listing_deleting_and_presigning(self):
        keys = [f"year=2026/month={month:02}/file {i}.json" for month in (1, 2) for i in range(3)]
        for key in keys:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"{}", Metadata={"Well": "7"}, ContentType="application/json")
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="year=2026/", Delimiter="/")
        self.assertEqual([prefix["Prefix"] for prefix in listed["CommonPrefixes"]], ["year=2026/month=01/", "year=2026/month=02/"])
        paged = [item["Key"] for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, PaginationConfig={"PageSize": 2}) for item in page["Contents"]]
        self.assertEqual(paged, keys)
        url = self.s3.generate_presigned_url("get_object", Params={"Bucket": self.bucket, "Key": keys[0]}, ExpiresIn=60)
        with urllib.request.urlopen(url) as answer:
            self.assertEqual((answer.read(), answer.headers["x-amz-meta-well"]), (b"{}", "7"))
        with self.assertRaises(ClientError) as raised:
            self.s3.put_object(Bucket=self.bucket, Key=keys[0], Body=b"", IfNoneMatch="*")
        self.assertEqual(raised.exception.response["Error"]["Code"], "PreconditionFailed")
        deleted = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in keys]})
        self.assertEqual(len(deleted["Deleted"]), 6)
        self.s3.delete_bucket(Bucket=self.bucket)
        self.assertNotIn(self.bucket, [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]])

    def test_s3fs_is_a_file_system(self):
        files = s3fs.S3FileSystem()
        with files.open(f"{self.bucket}/notes/a.txt", "w") as out:
            out.write("hello " * 1000)
        self.assertEqual(files.ls(f"{self.bucket}/notes"), [f"{self.bucket}/notes/a.txt"])
        self.assertEqual(files.cat(f"{self.bucket}/notes/a.txt")[:5], b"hello")
        files.mv(f"{self.bucket}/notes/a.txt", f"{self.bucket}/notes/b.txt")
        self.assertTrue(files.exists(f"{self.bucket}/notes/b.txt"))
        files.rm(f"{self.bucket}/notes", recursive=True)
        self.assertFalse(files.exists(f"{self.bucket}/notes/b.txt"))

    def test_pyarrow_writes_and_reads_a_dataset(self):
        endpoint = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
        files = pyarrow.fs.S3FileSystem(endpoint_override=endpoint, scheme="http", region=os.environ["AWS_REGION"])
        table = pyarrow.table({"well": ["a", "b", "a"], "flow": [1.5, 2.5, 3.5]})
        pyarrow.dataset.write_dataset(table, f"{self.bucket}/set", format="parquet", partitioning=["well"], partitioning_flavor="hive", filesystem=files)
        back = pyarrow.dataset.dataset(f"{self.bucket}/set", partitioning="hive", filesystem=files).to_table().sort_by("flow")
        self.assertEqual(back.to_pylist(), [{"flow": 1.5, "well": "a"}, {"flow": 2.5, "well": "b"}, {"flow": 3.5, "well": "a"}])
