"""Kinesis by boto3: waiters, batches, iterators, enhanced fan-out, resharding, tags."""

import unittest

import boto3
from botocore.exceptions import ClientError


class Kinesis(unittest.TestCase):
    def setUp(self):
        self.kinesis = boto3.client("kinesis")

    def stream(self, name, shards=1):
        self.kinesis.create_stream(StreamName=name, ShardCount=shards)
        self.kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        return self.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]

    def read(self, name, shard, **start):
        iterator = self.kinesis.get_shard_iterator(StreamName=name, ShardId=shard, **start)["ShardIterator"]
        records = []
        while iterator:
            page = self.kinesis.get_records(ShardIterator=iterator, Limit=100)
            records += page["Records"]
            iterator = page.get("NextShardIterator") if page["Records"] or page["MillisBehindLatest"] else None
        return records

    def test_records_come_back_by_every_kind_of_iterator(self):
        self.stream("iterators")
        put = [self.kinesis.put_record(StreamName="iterators", PartitionKey="k", Data=bytes([i]) * 10) for i in range(5)]
        batch = self.kinesis.put_records(StreamName="iterators", Records=[{"PartitionKey": str(i), "Data": b"%d" % i} for i in range(250)])
        self.assertEqual(batch["FailedRecordCount"], 0)
        shard = put[0]["ShardId"]
        self.assertEqual(len(self.read("iterators", shard, ShardIteratorType="TRIM_HORIZON")), 255)
        third = put[2]["SequenceNumber"]
        self.assertEqual(self.read("iterators", shard, ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=third)[0]["Data"], b"\2" * 10)
        after = self.read("iterators", shard, ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=third)
        self.assertEqual((after[0]["Data"], len(after)), (b"\3" * 10, 252))
        when = after[0]["ApproximateArrivalTimestamp"]
        self.assertIn(b"\3" * 10, [record["Data"] for record in self.read("iterators", shard, ShardIteratorType="AT_TIMESTAMP", Timestamp=when)])
        self.assertEqual(self.read("iterators", shard, ShardIteratorType="LATEST"), [])
        self.assertEqual(sorted(put[i]["SequenceNumber"] for i in range(5)), [answer["SequenceNumber"] for answer in put])

    def test_fan_out_pushes_records(self):
        arn = self.stream("pushed")
        consumer = self.kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="app")["Consumer"]
        while self.kinesis.describe_stream_consumer(ConsumerARN=consumer["ConsumerARN"])["ConsumerDescription"]["ConsumerStatus"] != "ACTIVE":
            pass
        shard = self.kinesis.list_shards(StreamName="pushed")["Shards"][0]["ShardId"]
        self.kinesis.put_record(StreamName="pushed", PartitionKey="k", Data=b"first")
        subscription = self.kinesis.subscribe_to_shard(ConsumerARN=consumer["ConsumerARN"], ShardId=shard, StartingPosition={"Type": "TRIM_HORIZON"})
        seen = []
        for event in subscription["EventStream"]:
            seen += [record["Data"] for record in event["SubscribeToShardEvent"]["Records"]]
            if seen == [b"first"]:
                self.kinesis.put_record(StreamName="pushed", PartitionKey="k", Data=b"second")
            if len(seen) == 2:
                break
        self.assertEqual(seen, [b"first", b"second"])
        self.kinesis.deregister_stream_consumer(ConsumerARN=consumer["ConsumerARN"])

    def test_shards_split_and_merge(self):
        self.stream("split")
        self.kinesis.split_shard(StreamName="split", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
        self.kinesis.get_waiter("stream_exists").wait(StreamName="split", WaiterConfig={"Delay": 1})
        shards = {shard["ShardId"]: shard for page in self.kinesis.get_paginator("list_shards").paginate(StreamName="split") for shard in page["Shards"]}
        self.assertEqual(sorted(shards), [f"shardId-{i:012}" for i in range(3)])
        self.assertEqual(shards["shardId-000000000001"]["ParentShardId"], "shardId-000000000000")
        self.assertIn("EndingSequenceNumber", shards["shardId-000000000000"]["SequenceNumberRange"])
        self.kinesis.merge_shards(StreamName="split", ShardToMerge="shardId-000000000001", AdjacentShardToMerge="shardId-000000000002")
        open_shards = self.kinesis.list_shards(StreamName="split", ShardFilter={"Type": "AT_LATEST"})["Shards"]
        self.assertEqual([shard["ShardId"] for shard in open_shards], ["shardId-000000000003"])

    def test_errors_are_those_of_aws(self):
        self.stream("errors")
        for code, call in {
            "ResourceNotFoundException": lambda: self.kinesis.describe_stream_summary(StreamName="nowhere"),
            "ResourceInUseException": lambda: self.kinesis.create_stream(StreamName="errors", ShardCount=1),
            "InvalidArgumentException": lambda: self.kinesis.get_records(ShardIterator="AAAA"),
            "ValidationException": lambda: self.kinesis.put_record(StreamName="errors", PartitionKey="k" * 257, Data=b""),
        }.items():
            with self.assertRaises(ClientError) as raised:
                call()
            self.assertEqual(raised.exception.response["Error"]["Code"], code)

    def test_tags_retention_and_listing(self):
        arn = self.stream("tagged")
        self.kinesis.add_tags_to_stream(StreamName="tagged", Tags={"site": "north", "well": "7"})
        self.assertEqual(self.kinesis.list_tags_for_stream(StreamName="tagged")["Tags"], [{"Key": "site", "Value": "north"}, {"Key": "well", "Value": "7"}])
        self.assertEqual(len(self.kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"]), 2)
        self.kinesis.increase_stream_retention_period(StreamARN=arn, RetentionPeriodHours=48)
        self.assertEqual(self.kinesis.describe_stream(StreamARN=arn)["StreamDescription"]["RetentionPeriodHours"], 48)
        names = [name for page in self.kinesis.get_paginator("list_streams").paginate(Limit=2) for name in page["StreamNames"]]
        self.assertEqual(names, sorted(names))
        self.kinesis.delete_stream(StreamName="tagged", EnforceConsumerDeletion=True)
        self.kinesis.get_waiter("stream_not_exists").wait(StreamName="tagged", WaiterConfig={"Delay": 1})
