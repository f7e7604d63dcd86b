// Records in, SQL out, with AWS's own clients: Firehose and Kinesis -> Parquet -> crawler -> Athena.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { AthenaClient, GetQueryExecutionCommand, GetQueryResultsCommand, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { CreateDeliveryStreamCommand, DescribeDeliveryStreamCommand, FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { CreateCrawlerCommand, CreateDatabaseCommand, CreateTableCommand, GetCrawlerCommand, GetPartitionsCommand, GetTableCommand, GlueClient,
    StartCrawlerCommand } from '@aws-sdk/client-glue';
import { CreateStreamCommand, KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { startServer } from '../support/server.mjs';

let server;
const made = {};
function clients() {
    made.athena = new AthenaClient(server.client);
    made.firehose = new FirehoseClient(server.client);
    made.glue = new GlueClient(server.client);
    made.kinesis = new KinesisClient(server.client);
    made.s3 = new S3Client({ ...server.client, forcePathStyle: true });
}

async function until(what, limitMs = 30000) {
    const end = Date.now() + limitMs;
    for (;;) {
        const value = await what();
        if (value) return value;
        if (Date.now() > end) throw new Error(`not in ${limitMs} ms: ${what}\n${server.log()}`);
        await pause(100);
    }
}
const keys = async (prefix) => ((await made.s3.send(new ListObjectsV2Command({ Bucket: 'lake', Prefix: prefix }))).Contents ?? []).map((o) => o.Key);

async function query(sql, parameters) {
    const { QueryExecutionId } = await made.athena.send(new StartQueryExecutionCommand({
        QueryString: sql, QueryExecutionContext: { Database: 'field' }, ResultConfiguration: { OutputLocation: 's3://lake/results/' },
        ExecutionParameters: parameters,
    }));
    const execution = await until(async () => {
        const { QueryExecution } = await made.athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
        return ['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(QueryExecution.Status.State) && QueryExecution;
    });
    if (execution.Status.State !== 'SUCCEEDED') return { execution, failure: execution.Status.StateChangeReason };
    const results = await made.athena.send(new GetQueryResultsCommand({ QueryExecutionId }));
    return { execution, results, rows: results.ResultSet.Rows.map((row) => row.Data.map((cell) => cell.VarCharValue ?? null)) };
}

const conversion = (table) => ({
    Enabled: true,
    SchemaConfiguration: { DatabaseName: 'field', TableName: table, Region: 'us-east-1', RoleARN: 'arn:aws:iam::000000000000:role/f' },
    InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
    OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
});
const hours = (prefix) => `${prefix}/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/`;
const destination = (prefix, table) => ({
    RoleARN: 'arn:aws:iam::000000000000:role/f', BucketARN: 'arn:aws:s3:::lake', Prefix: hours(prefix),
    ErrorOutputPrefix: `errors/${prefix}/!{firehose:error-output-type}/`, BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 0 },
    DataFormatConversionConfiguration: conversion(table),
});

before(async () => {
    server = await startServer({ keep: true });
    clients();
    await made.s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
    await made.glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: 'Field' } }));
    for (const [name, prefix] of [['direct', 'direct'], ['streamed', 'streamed']]) {
        await made.glue.send(new CreateTableCommand({
            DatabaseName: 'field',
            TableInput: {
                Name: name, TableType: 'EXTERNAL_TABLE',
                PartitionKeys: ['year', 'month', 'day', 'hour'].map((Name) => ({ Name, Type: 'string' })),
                StorageDescriptor: {
                    Location: `s3://lake/${prefix}/`,
                    Columns: [{ Name: 'timestamp', Type: 'bigint' }, { Name: 'well', Type: 'string' }, { Name: 'barrels_per_second', Type: 'double' }],
                    SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
                },
            },
        }));
    }
});
after(async () => { await server?.stop(); });

test('what PutRecordBatch took is in Parquet, and what does not fit is under the error prefix', async () => {
    await made.firehose.send(new CreateDeliveryStreamCommand({ DeliveryStreamName: 'direct', ExtendedS3DestinationConfiguration: destination('direct', 'direct') }));
    const { DeliveryStreamDescription: shown } = await made.firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'direct' }));
    assert.equal(shown.Destinations[0].ExtendedS3DestinationDescription.EncryptionConfiguration.NoEncryptionConfig, 'NoEncryption');
    const records = [];
    for (let i = 0; i < 100; ++i) records.push({ Data: Buffer.from(JSON.stringify({ timestamp: 1700000000 + i, well: `well-${i % 10}`, barrels_per_second: i / 2 })) });
    records.push({ Data: Buffer.from('not json') }, { Data: Buffer.from('{"timestamp":"soon"}') });
    const put = await made.firehose.send(new PutRecordBatchCommand({ DeliveryStreamName: 'direct', Records: records }));
    assert.equal(put.FailedPutCount, 0);
    const [object] = await until(async () => { const found = await keys('direct/'); return found.length > 0 && found; });
    assert.match(object, /^direct\/year=\d{4}\/month=\d\d\/day=\d\d\/hour=\d\d\/direct-1-\d{4}(-\d\d){5}-[0-9a-f-]{36}\.parquet$/);
    const [error] = await until(async () => { const found = await keys('errors/direct/'); return found.length > 0 && found; });
    const lines = (await (await made.s3.send(new GetObjectCommand({ Bucket: 'lake', Key: error }))).Body.transformToString()).trim().split('\n').map(JSON.parse);
    assert.deepEqual(lines.map((line) => Buffer.from(line.rawData, 'base64').toString()), ['not json', '{"timestamp":"soon"}']);
});

test('a crawler finds partitions of a table that is there, and makes tables of files that have none', async () => {
    await made.s3.send(new PutObjectCommand({ Bucket: 'lake', Key: 'notes/a.json', Body: '{"id":1,"text":"x","deep":{"a":[1,2]}}\n{"id":2,"text":"y"}\n' }));
    await made.glue.send(new CreateCrawlerCommand({ Name: 'all', Role: 'r', DatabaseName: 'field', Targets: { S3Targets: [{ Path: 's3://lake/direct/' }, { Path: 's3://lake/notes/' }] } }));
    await made.glue.send(new StartCrawlerCommand({ Name: 'all' }));
    const crawler = await until(async () => { const { Crawler } = await made.glue.send(new GetCrawlerCommand({ Name: 'all' })); return Crawler.State === 'READY' && Crawler; });
    assert.equal(crawler.LastCrawl.Status, 'SUCCEEDED', crawler.LastCrawl.ErrorMessage);
    const { Partitions } = await made.glue.send(new GetPartitionsCommand({ DatabaseName: 'field', TableName: 'direct', Expression: "year >= '2020'" }));
    assert.equal(Partitions.length, 1);
    const { Table } = await made.glue.send(new GetTableCommand({ DatabaseName: 'field', Name: 'notes' }));
    assert.deepEqual(Table.StorageDescriptor.Columns.map((c) => `${c.Name}:${c.Type}`), ['id:bigint', 'text:string', 'deep:struct<a:array<bigint>>']);
});

test('SQL answers over the delivered rows, as CSV and by page', async () => {
    const { rows, results, execution } = await query("SELECT well, count(*), sum(barrels_per_second) AS total, max(timestamp) FROM direct WHERE year >= '2020' GROUP BY 1 ORDER BY 1 LIMIT 2");
    assert.deepEqual(rows, [['well', '_col1', 'total', '_col3'], ['well-0', '10', '225.0', '1700000090'], ['well-1', '10', '230.0', '1700000091']]);
    assert.deepEqual(results.ResultSet.ResultSetMetadata.ColumnInfo.map((c) => c.Type), ['varchar', 'bigint', 'double', 'bigint']);
    assert.equal(execution.ResultConfiguration.OutputLocation, `s3://lake/results/${execution.QueryExecutionId}.csv`);
    assert.equal((await query('SELECT count(*) FROM direct WHERE well = ?', ["'well-3'"])).rows[1][0], '10');
    assert.deepEqual((await query('SELECT n.text, v FROM notes n CROSS JOIN UNNEST(n.deep.a) AS t(v) ORDER BY 2')).rows.slice(1), [['x', '1'], ['x', '2']]);
    assert.deepEqual((await query('SHOW TABLES')).rows.map((row) => row[0]), ['direct', 'notes', 'streamed']);
});

test('a failed query says what is wrong and where', async () => {
    assert.match((await query('SELECT nope FROM direct')).failure, /^COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved/);
    assert.match((await query('SELECT * FROM missing')).failure, /^TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.field.missing' does not exist/);
    assert.match((await query("SELECT * FROM read_text('/etc/passwd')")).failure, /^FUNCTION_NOT_FOUND/);
    assert.match((await query('SELECT FROM WHERE')).failure, /^SYNTAX_ERROR/);
});

test('a stream\'s records are in the lake once each, across a kill -9', async () => {
    await made.kinesis.send(new CreateStreamCommand({ StreamName: 'wells', ShardCount: 2 }));
    await made.firehose.send(new CreateDeliveryStreamCommand({
        DeliveryStreamName: 'streamed', DeliveryStreamType: 'KinesisStreamAsSource',
        KinesisStreamSourceConfiguration: { KinesisStreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/wells', RoleARN: 'arn:aws:iam::000000000000:role/f' },
        ExtendedS3DestinationConfiguration: destination('streamed', 'streamed'),
    }));
    let next = 0;
    const put = async () => {
        const Records = Array.from({ length: 200 }, () => ({ PartitionKey: `k${next % 17}`, Data: Buffer.from(JSON.stringify({ timestamp: next++, well: 'w', barrels_per_second: 1 })) }));
        const { FailedRecordCount } = await made.kinesis.send(new PutRecordsCommand({ StreamName: 'wells', Records }));
        assert.equal(FailedRecordCount, 0);
    };
    for (let round = 0; round < 3; ++round) {
        for (let i = 0; i < 3; ++i) await put();
        await pause(50 * round);
        await server.kill();
        server = await startServer({ dataDir: server.dataDir });
        clients();
    }
    await made.glue.send(new CreateCrawlerCommand({ Name: 'streamed', Role: 'r', DatabaseName: 'field', Targets: { S3Targets: [{ Path: 's3://lake/streamed/' }] } }));
    const counts = await until(async () => {
        await made.glue.send(new StartCrawlerCommand({ Name: 'streamed' }));
        await until(async () => (await made.glue.send(new GetCrawlerCommand({ Name: 'streamed' }))).Crawler.State === 'READY');
        const { rows } = await query('SELECT count(*), count(DISTINCT timestamp), min(timestamp), max(timestamp) FROM streamed');
        return rows && Number(rows[1][0]) >= next && rows[1];
    });
    assert.deepEqual(counts, [String(next), String(next), '0', String(next - 1)]);
});
