// Firehose with the SDK: objects as they are configured, records that do not fit, kills at each step of a delivery.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { AthenaClient, GetQueryExecutionCommand, GetQueryResultsCommand, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import * as firehose from '@aws-sdk/client-firehose';
import { CreateDatabaseCommand, CreateTableCommand, GlueClient } from '@aws-sdk/client-glue';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { CreateStreamCommand, DescribeStreamSummaryCommand, KinesisClient, PutRecordsCommand, SplitShardCommand, ListShardsCommand } from '@aws-sdk/client-kinesis';
import { startServer } from '../support/server.mjs';

let server;
const made = {};
const RoleARN = 'arn:aws:iam::000000000000:role/f';
const BucketARN = 'arn:aws:s3:::lake';

function connect() {
    for (const [name, Client] of Object.entries({ athena: AthenaClient, firehose: firehose.FirehoseClient, glue: GlueClient, kinesis: KinesisClient, s3: S3Client })) {
        made[name] = new Client(server.client);
    }
}
before(async () => {
    server = await startServer({ keep: true });
    connect();
    await made.s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
});
after(() => server?.stop());

async function until(what, limitMs = 30000) {
    const end = Date.now() + limitMs;
    for (;;) {
        const value = await what();
        if (value) return value;
        if (Date.now() > end) throw new Error(`not in ${limitMs} ms: ${what}\n${server.log().slice(-2000)}`);
        await pause(100);
    }
}
const keys = async (Prefix) => ((await made.s3.send(new ListObjectsV2Command({ Bucket: 'lake', Prefix }))).Contents ?? []).map((object) => object.Key);
const bytes = async (Key) => Buffer.from(await (await made.s3.send(new GetObjectCommand({ Bucket: 'lake', Key }))).Body.transformToByteArray());
const code = (promise) => promise.then(() => 'no error', (error) => error.name);
const create = (DeliveryStreamName, destination) => made.firehose.send(new firehose.CreateDeliveryStreamCommand({ DeliveryStreamName,
    ExtendedS3DestinationConfiguration: { RoleARN, BucketARN, BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 0 }, ...destination } }));
const put = (DeliveryStreamName, texts) => made.firehose.send(new firehose.PutRecordBatchCommand({ DeliveryStreamName,
    Records: texts.map((text) => ({ Data: Buffer.from(text) })) }));
const processors = (...list) => ({ Enabled: true, Processors: list.map(([Type, parameters]) => ({ Type,
    Parameters: Object.entries(parameters).map(([ParameterName, ParameterValue]) => ({ ParameterName, ParameterValue })) })) });
const jsonOf = (Key) => bytes(Key).then((content) => content.toString().trim().split('\n').map((line) => JSON.parse(line)));

test('objects have the names, the delimiter and the compression that are configured', async () => {
    await create('plain', { CompressionFormat: 'GZIP', Prefix: 'plain/', ProcessingConfiguration: processors(['AppendDelimiterToRecord', { Delimiter: '\\n' }]) });
    await put('plain', ['one', 'two']);
    const [key] = await until(async () => { const found = await keys('plain/'); return found.length > 0 && found; });
    assert.match(key, /^plain\/\d{4}\/\d\d\/\d\d\/\d\d\/plain-1-\d{4}(-\d\d){5}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.gz$/);
    assert.equal(gunzipSync(await bytes(key)).toString(), 'one\ntwo\n');
    await create('zoned', { Prefix: 'zoned/!{timestamp:QQ}/', ErrorOutputPrefix: 'e/' }).then(() => assert.fail(), (error) => assert.equal(error.name, 'InvalidArgumentException'));
    await create('zoned', { Prefix: 'zoned/!{timestamp:yyyy-MM-dd-HH}/', ErrorOutputPrefix: 'e/', CustomTimeZone: 'Asia/Tokyo', FileExtension: '.jsonl' });
    await put('zoned', ['x']);
    const [zoned] = await until(async () => { const found = await keys('zoned/'); return found.length > 0 && found; });
    const tokyo = new Date(Date.now() + 9 * 3600_000).toISOString().slice(0, 10);
    assert.ok(zoned.startsWith(`zoned/${tokyo}-`), zoned);
    assert.ok(zoned.endsWith('.jsonl'));
    for (const CompressionFormat of ['ZIP', 'Snappy', 'HADOOP_SNAPPY']) {
        const name = CompressionFormat.toLowerCase().replace('_', '-');
        await create(name, { CompressionFormat, Prefix: `${name}/` });
        await put(name, ['packed '.repeat(100)]);
        const [object] = await until(async () => { const found = await keys(`${name}/`); return found.length > 0 && found; });
        assert.ok(object.endsWith({ ZIP: '.zip', Snappy: '.snappy', HADOOP_SNAPPY: '.hsnappy' }[CompressionFormat]));
    }
});

test('records go to the partition that a query finds in them', async () => {
    const DynamicPartitioningConfiguration = { Enabled: true };
    const ProcessingConfiguration = processors(['RecordDeAggregation', { SubRecordType: 'JSON' }],
        ['MetadataExtraction', { MetadataExtractionQuery: '{well: .well, high: (.v >= 10)}', JsonParsingEngine: 'JQ-1.6' }], ['AppendDelimiterToRecord', {}]);
    const destination = { DynamicPartitioningConfiguration, ProcessingConfiguration, BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 0 },
        Prefix: 'wells/well=!{partitionKeyFromQuery:well}/high=!{partitionKeyFromQuery:high}/', ErrorOutputPrefix: 'bad/!{firehose:error-output-type}/',
        S3BackupMode: 'Enabled', S3BackupConfiguration: { RoleARN, BucketARN, Prefix: 'raw/' } };
    await create('wells', destination);
    await put('wells', ['{"well":"a","v":1}{"well":"b","v":20}', '{"well":"a","v":2}', '{"v":3}', 'not json']);
    await until(async () => (await keys('bad/processing-failed/')).length > 0 && (await keys('raw/')).length > 0);
    const found = await keys('wells/');
    assert.deepEqual(found.map((key) => key.split('/').slice(0, 3).join('/')), ['wells/well=a/high=false', 'wells/well=b/high=true']);
    assert.deepEqual(await jsonOf(found[0]), [{ well: 'a', v: 1 }, { well: 'a', v: 2 }]);
    const errors = (await Promise.all((await keys('bad/')).map(jsonOf))).flat();
    assert.deepEqual(errors.map((error) => error.errorCode).sort(), ['DynamicPartitioning.DeAggregationFailed', 'DynamicPartitioning.MetadataExtractionFailed']);
    assert.equal(Buffer.from(errors.find((error) => error.errorCode.includes('Metadata')).rawData, 'base64').toString(), '{"v":3}');
    assert.match((await bytes((await keys('raw/'))[0])).toString(), /^\{"well":"a","v":1\}\{"well":"b"/);
    assert.equal(await code(create('w2', { ...destination, ProcessingConfiguration: undefined })), 'InvalidArgumentException');
    const lambda = processors(['Lambda', { LambdaArn: 'arn:aws:lambda:us-east-1:000000000000:function:f' }]);
    assert.equal(await code(create('w3', { ProcessingConfiguration: lambda })), 'InvalidArgumentException');
});

test('packed logs are taken apart', async () => {
    await create('logs', { Prefix: 'logs/', ProcessingConfiguration: processors(['Decompression', { CompressionFormat: 'GZIP' }],
        ['CloudWatchLogProcessing', { DataMessageExtraction: 'true' }]) });
    const envelope = gzipSync(JSON.stringify({ messageType: 'DATA_MESSAGE', logEvents: [{ message: 'one' }, { message: 'two' }] }));
    await made.firehose.send(new firehose.PutRecordCommand({ DeliveryStreamName: 'logs', Record: { Data: envelope } }));
    const [key] = await until(async () => { const found = await keys('logs/'); return found.length > 0 && found; });
    assert.equal((await bytes(key)).toString(), 'one\ntwo\n');
});

test('a destination is changed by its version', async () => {
    const describe = async () => (await made.firehose.send(new firehose.DescribeDeliveryStreamCommand({ DeliveryStreamName: 'plain' }))).DeliveryStreamDescription;
    const { VersionId, Destinations: [{ DestinationId }] } = await describe();
    const update = (CurrentDeliveryStreamVersionId, ExtendedS3DestinationUpdate) => made.firehose.send(new firehose.UpdateDestinationCommand({
        DeliveryStreamName: 'plain', CurrentDeliveryStreamVersionId, DestinationId, ExtendedS3DestinationUpdate }));
    assert.equal(await code(update('9', { Prefix: 'moved/' })), 'ConcurrentModificationException');
    await update(VersionId, { Prefix: 'moved/', CompressionFormat: 'UNCOMPRESSED' });
    assert.equal((await describe()).VersionId, '2');
    await put('plain', ['three']);
    const [key] = await until(async () => { const found = await keys('moved/'); return found.length > 0 && found; });
    assert.equal((await bytes(key)).toString(), 'three\n');
    assert.equal(await code(update('2', { DynamicPartitioningConfiguration: { Enabled: true } })), 'InvalidArgumentException');
    assert.equal(await code(made.firehose.send(new firehose.StartDeliveryStreamEncryptionCommand({ DeliveryStreamName: 'plain' }))), 'InvalidArgumentException');
});

async function query(sql) {
    const { QueryExecutionId } = await made.athena.send(new StartQueryExecutionCommand({ QueryString: sql,
        QueryExecutionContext: { Database: 'field' }, ResultConfiguration: { OutputLocation: 's3://lake/results/' } }));
    const done = await until(async () => {
        const { QueryExecution } = await made.athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
        return ['SUCCEEDED', 'FAILED'].includes(QueryExecution.Status.State) && QueryExecution;
    });
    assert.equal(done.Status.State, 'SUCCEEDED', done.Status.StateChangeReason);
    const results = await made.athena.send(new GetQueryResultsCommand({ QueryExecutionId }));
    return results.ResultSet.Rows.slice(1).map((row) => row.Data.map((cell) => cell.VarCharValue ?? null));
}

const parquet = (TableName, more = {}) => ({ Enabled: true, SchemaConfiguration: { DatabaseName: 'field', TableName, RoleARN },
    InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } }, OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } }, ...more });
const table = (Name, Columns) => made.glue.send(new CreateTableCommand({ DatabaseName: 'field', TableInput: { Name, TableType: 'EXTERNAL_TABLE',
    StorageDescriptor: { Location: `s3://lake/${Name}/`, Columns, SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' } } } }));

test('no record is lost, whatever it looks like: rows in Parquet, the rest with its reason', async () => {
    await made.glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: 'field' } }));
    await table('odd', [{ Name: 'id', Type: 'int' }, { Name: 'big', Type: 'bigint' }, { Name: 'v', Type: 'double' }, { Name: 's', Type: 'string' },
        { Name: 'nested', Type: 'struct<a:int,b:array<string>>' }]);
    await create('odd', { Prefix: 'odd/', ErrorOutputPrefix: 'odd-errors/!{firehose:error-output-type}/', DataFormatConversionConfiguration: parquet('odd'),
        BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 1 } });
    const deep = (levels) => `{"id":90,"s":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    const good = ['{"id":1}', '{"id":2,"new_field":{"x":[1,2]}}', '{"id":3,"v":12345678901234567890}', '{"id":"4"}', '{"id":5,"s":17}', '{"id":6,"s":{"a":1}}',
        '{"id":7,"nested":{"a":1,"b":["x",null]}}', '{"id":8,"v":null,"s":null,"nested":null}', '{"ID":9,"V":1e3}', '{"id":10,"big":9223372036854775807}',
        `{"id":11,${Array.from({ length: 2000 }, (_, i) => `"f${i}":${i}`).join(',')}}`, '{"id":12,"id":13}', '{}', '{"id":14.0}'];
    const bad = ['{"id":2147483648}', '{"id":1,"big":9223372036854775808}', '{"id":1,"v":NaN}', '{"id":"x"}', '{"id":1,"nested":[1]}', 'not json', '[1]', '"text"', '',
        deep(100)];
    await put('odd', [...good, ...bad]);
    await made.firehose.send(new firehose.PutRecordCommand({ DeliveryStreamName: 'odd', Record: { Data: Buffer.from([0x7b, 0x22, 0x73, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d]) } }));
    const total = good.length + bad.length + 1;
    const errors = await until(async () => {
        const lines = (await Promise.all((await keys('odd-errors/')).map(jsonOf))).flat();
        return lines.length >= bad.length + 1 && lines;
    });
    const [[rows]] = await query('SELECT count(*) FROM odd');
    assert.equal(Number(rows) + errors.length, total);
    assert.equal(Number(rows), good.length);
    for (const error of errors) assert.ok(error.errorMessage.length > 0 && error.errorCode.startsWith('DataFormatConversion.'));
    assert.deepEqual((await query('SELECT s FROM odd WHERE id IN (5, 6) ORDER BY id')).flat(), ['17', '{"a":1}']);
});

test('times are read by the formats of the Hive deserializer', async () => {
    await table('times', [{ Name: 'id', Type: 'int' }, { Name: 'at', Type: 'timestamp' }]);
    await create('times', { Prefix: 'times/', ErrorOutputPrefix: 'times-errors/!{firehose:error-output-type}/', BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 1 },
        DataFormatConversionConfiguration: parquet('times', { InputFormatConfiguration: { Deserializer: { HiveJsonSerDe: { TimestampFormats: ["dd/MM/yyyy HH:mm:ss", 'millis'] } } },
            OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: 'GZIP' } } } }) });
    await put('times', ['{"id":1,"at":"01/05/2024 10:20:30"}', '{"id":2,"at":"1714558830000"}', '{"id":3,"at":"2024-05-01T10:20:30Z"}']);
    await until(async () => (await keys('times/')).length > 0);
    const rows = await query('SELECT DISTINCT CAST(at AS varchar) FROM times');
    assert.equal(rows.length, 1);
    assert.match(rows[0][0], /^2024-05-01 10:20:30/);
});

test('a stream that is resharded is delivered to its last record', async () => {
    await made.kinesis.send(new CreateStreamCommand({ StreamName: 'in', ShardCount: 1 }));
    await until(async () => (await made.kinesis.send(new DescribeStreamSummaryCommand({ StreamName: 'in' }))).StreamDescriptionSummary.StreamStatus === 'ACTIVE');
    const { StreamDescriptionSummary } = await made.kinesis.send(new DescribeStreamSummaryCommand({ StreamName: 'in' }));
    await made.firehose.send(new firehose.CreateDeliveryStreamCommand({ DeliveryStreamName: 'in', DeliveryStreamType: 'KinesisStreamAsSource',
        KinesisStreamSourceConfiguration: { KinesisStreamARN: StreamDescriptionSummary.StreamARN, RoleARN },
        ExtendedS3DestinationConfiguration: { RoleARN, BucketARN, Prefix: 'in/', BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 1 },
            ProcessingConfiguration: processors(['AppendDelimiterToRecord', {}]) } }));
    assert.equal(await code(put('in', ['x'])), 'InvalidArgumentException');
    const send = (from) => made.kinesis.send(new PutRecordsCommand({ StreamName: 'in',
        Records: Array.from({ length: 100 }, (_, i) => ({ Data: Buffer.from(String(from + i)), PartitionKey: `k${i}` })) }));
    await send(0);
    const [shard] = (await made.kinesis.send(new ListShardsCommand({ StreamName: 'in' }))).Shards;
    await made.kinesis.send(new SplitShardCommand({ StreamName: 'in', ShardToSplit: shard.ShardId, NewStartingHashKey: (2n ** 127n).toString() }));
    await until(async () => (await made.kinesis.send(new DescribeStreamSummaryCommand({ StreamName: 'in' }))).StreamDescriptionSummary.StreamStatus === 'ACTIVE');
    await send(100);
    const numbers = await until(async () => {
        const lines = (await Promise.all((await keys('in/')).map(bytes))).map(String).join('').trim().split('\n');
        return lines.length >= 200 && lines;
    });
    assert.deepEqual(numbers.map(Number).sort((a, b) => a - b), Array.from({ length: 200 }, (_, i) => i));
});

test('each record is in one object, at whichever step the program is killed', async () => {
    const points = ['firehose.cut', 'firehose.intent', 'firehose.object', 'firehose.stored', 'firehose.advanced'];
    await create('once', { Prefix: 'once/', ProcessingConfiguration: processors(['AppendDelimiterToRecord', {}]) });
    let sent = 0;
    const acknowledged = [];
    for (const point of points) {
        await server.stop();
        process.env.WELLHEAD_KILL_AT = `${point}:2`;
        server = await startServer({ dataDir: server.dataDir, keep: true });
        delete process.env.WELLHEAD_KILL_AT;
        connect();
        // Until it dies: those whose answer came are to be found once, the one that was under way at most once.
        for (let batch = 0; batch < 200; batch++) {
            const numbers = Array.from({ length: 20 }, () => sent++);
            const taken = await put('once', numbers.map(String)).then(() => true, () => false);
            if (!taken) break;
            acknowledged.push(...numbers);
            await pause(5);
        }
        await server.kill();
        server = await startServer({ dataDir: server.dataDir, keep: true });
        connect();
    }
    const counts = await until(async () => {
        const lines = (await Promise.all((await keys('once/')).map(bytes))).map(String).join('').trim().split('\n');
        const seen = new Map();
        for (const line of lines) seen.set(Number(line), (seen.get(Number(line)) ?? 0) + 1);
        return acknowledged.every((number) => seen.has(number)) && seen;
    });
    assert.deepEqual([...counts].filter(([, count]) => count !== 1), []);
    assert.ok(acknowledged.length > 100);
});
