"""Firehose to Parquet, the catalog and SQL: boto3, pyathena and awswrangler."""

import json
import time
import unittest

import awswrangler
import boto3
import pandas
import pyathena
from pyathena.pandas.cursor import PandasCursor


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.2)
    return value


class Lake(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s3, cls.glue = boto3.client("s3"), boto3.client("glue")
        cls.s3.create_bucket(Bucket="the-lake")
        cls.glue.create_database(DatabaseInput={"Name": "lake"})

    def test_records_become_rows(self):
        self.glue.create_table(DatabaseName="lake", TableInput={
            "Name": "readings", "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": [{"Name": name, "Type": "string"} for name in ("year", "month", "day", "hour")],
            "StorageDescriptor": {
                "Location": "s3://the-lake/readings/",
                "Columns": [{"Name": "well", "Type": "string"}, {"Name": "flow", "Type": "double"}, {"Name": "at", "Type": "timestamp"}],
                "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}})
        firehose = boto3.client("firehose")
        firehose.create_delivery_stream(DeliveryStreamName="to-lake", DeliveryStreamType="DirectPut", ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::000000000000:role/delivery", "BucketARN": "arn:aws:s3:::the-lake",
            "Prefix": "readings/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/",
            "ErrorOutputPrefix": "errors/", "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 0},
            "DataFormatConversionConfiguration": {
                "Enabled": True, "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
                "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "GZIP"}}},
                "SchemaConfiguration": {"DatabaseName": "lake", "TableName": "readings", "Region": "us-east-1", "RoleARN": "arn:aws:iam::000000000000:role/delivery"}}})
        wait_until(lambda: firehose.describe_delivery_stream(DeliveryStreamName="to-lake")["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE")
        rows = [{"well": f"w{i % 3}", "flow": i / 2, "at": f"2026-11-24 10:00:{i:02}"} for i in range(60)]
        answer = firehose.put_record_batch(DeliveryStreamName="to-lake", Records=[{"Data": json.dumps(row).encode()} for row in rows])
        self.assertEqual(answer["FailedPutCount"], 0)
        wait_until(lambda: self.s3.list_objects_v2(Bucket="the-lake", Prefix="readings/").get("KeyCount"))
        self.glue.create_crawler(Name="crawl", Role="r", DatabaseName="lake", Targets={"CatalogTargets": [{"DatabaseName": "lake", "Tables": ["readings"]}]},
                                 SchemaChangePolicy={"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"})
        self.glue.start_crawler(Name="crawl")
        wait_until(lambda: self.glue.get_crawler(Name="crawl")["Crawler"]["State"] == "READY")
        with pyathena.connect(s3_staging_dir="s3://the-lake/results/", schema_name="lake") as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT well, count(*), sum(flow), max(at) FROM readings WHERE flow >= %(least)s GROUP BY well ORDER BY well", {"least": 0})
            self.assertEqual([(well, count, flow) for well, count, flow, _ in cursor.fetchall()], [("w0", 20, 285.0), ("w1", 20, 295.0), ("w2", 20, 305.0)])
            self.assertEqual([column[0] for column in cursor.description], ["well", "_col1", "_col2", "_col3"])
            frame = connection.cursor(PandasCursor).execute("SELECT * FROM readings").as_pandas()
            self.assertEqual((len(frame), str(frame.dtypes["flow"])), (60, "float64"))
            with self.assertRaises(pyathena.error.OperationalError) as raised:
                connection.cursor().execute("SELECT nope FROM readings")
            self.assertIn("COLUMN_NOT_FOUND", str(raised.exception))

    def test_wrangler_writes_and_reads_a_table(self):
        frame = pandas.DataFrame({"well": ["a", "b", "c"], "depth": [100, 200, 300], "day": ["mon", "mon", "tue"]})
        written = awswrangler.s3.to_parquet(frame, path="s3://the-lake/depths/", dataset=True, database="lake", table="depths", partition_cols=["day"], mode="overwrite")
        self.assertEqual(len(written["paths"]), 2)
        self.assertEqual(awswrangler.catalog.table("lake", "depths")["Column Name"].tolist(), ["well", "depth", "day"])
        back = awswrangler.athena.read_sql_query("SELECT well, depth FROM depths WHERE day = 'mon' ORDER BY depth", database="lake", ctas_approach=False, s3_output="s3://the-lake/results/")
        self.assertEqual(back.to_dict("list"), {"well": ["a", "b"], "depth": [100, 200]})
        self.assertEqual(len(awswrangler.s3.read_parquet("s3://the-lake/depths/", dataset=True)), 3)
        total = awswrangler.athena.read_sql_query("SELECT sum(depth) AS total FROM depths", database="lake", ctas_approach=True, s3_output="s3://the-lake/results/")
        self.assertEqual(total["total"][0], 600)
