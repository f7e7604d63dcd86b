// Kinesis with the AWS SDK for JavaScript, which speaks HTTP/2 to it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
    CreateStreamCommand, DeleteStreamCommand, DescribeStreamCommand, DescribeStreamSummaryCommand, GetRecordsCommand,
    GetShardIteratorCommand, KinesisClient, ListShardsCommand, ListStreamsCommand, PutRecordCommand, PutRecordsCommand,
    RegisterStreamConsumerCommand, SplitShardCommand, SubscribeToShardCommand, UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import { startServer } from '../support/server.mjs';

let server;
let client;

function connect(to) {
    return new KinesisClient({ endpoint: `http://127.0.0.1:${to.port}`, region: to.region, credentials: to.credentials });
}

before(async () => {
    server = await startServer();
    client = connect(server);
});
after(async () => {
    client?.destroy();
    await server?.stop();
});

async function readAll(from, StreamName) {
    const { Shards } = await from.send(new ListShardsCommand({ StreamName }));
    const records = [];
    for (const { ShardId } of Shards) {
        let { ShardIterator } = await from.send(
            new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }));
        while (ShardIterator) {
            const page = await from.send(new GetRecordsCommand({ ShardIterator }));
            records.push(...page.Records.map((r) => ({ ...r, ShardId, text: Buffer.from(r.Data).toString() })));
            if (page.Records.length === 0 && page.MillisBehindLatest === 0) break;
            ShardIterator = page.NextShardIterator;
        }
    }
    return records;
}

test('a stream is made, described, listed and deleted', async () => {
    await client.send(new CreateStreamCommand({ StreamName: 'life', ShardCount: 2 }));
    const { StreamDescription: d } = await client.send(new DescribeStreamCommand({ StreamName: 'life' }));
    assert.equal(d.StreamStatus, 'ACTIVE');
    assert.equal(d.Shards.length, 2);
    assert.equal(d.Shards[1].HashKeyRange.EndingHashKey, '340282366920938463463374607431768211455');
    assert.ok((await client.send(new ListStreamsCommand({}))).StreamNames.includes('life'));
    await assert.rejects(client.send(new CreateStreamCommand({ StreamName: 'life', ShardCount: 1 })),
        { name: 'ResourceInUseException' });
    await client.send(new DeleteStreamCommand({ StreamName: 'life' }));
    await assert.rejects(client.send(new DescribeStreamSummaryCommand({ StreamName: 'life' })),
        { name: 'ResourceNotFoundException', message: /Stream life under account \d+ not found\./ });
});

test('records put in a batch are read back once, with the numbers that were answered', async () => {
    await client.send(new CreateStreamCommand({ StreamName: 'batch', ShardCount: 4 }));
    const Records = Array.from({ length: 500 }, (_, i) => ({ PartitionKey: `key-${i}`, Data: Buffer.from(`record ${i}`) }));
    const put = await client.send(new PutRecordsCommand({ StreamName: 'batch', Records }));
    assert.equal(put.FailedRecordCount, 0);
    const read = await readAll(client, 'batch');
    assert.equal(read.length, 500);
    const byText = new Map(read.map((r) => [r.text, r]));
    put.Records.forEach((result, i) => {
        assert.equal(byText.get(`record ${i}`).SequenceNumber, result.SequenceNumber);
        assert.equal(byText.get(`record ${i}`).ShardId, result.ShardId);
    });
});

test('a split shard ends with its children, and the stream is rescaled', async () => {
    await client.send(new CreateStreamCommand({ StreamName: 'reshard', ShardCount: 1 }));
    await client.send(new PutRecordCommand({ StreamName: 'reshard', PartitionKey: 'a', Data: Buffer.from('1') }));
    await client.send(new SplitShardCommand({ StreamName: 'reshard', ShardToSplit: 'shardId-000000000000',
        NewStartingHashKey: '170141183460469231731687303715884105728' }));
    const { ShardIterator } = await client.send(new GetShardIteratorCommand({ StreamName: 'reshard',
        ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' }));
    const page = await client.send(new GetRecordsCommand({ ShardIterator }));
    assert.equal(page.Records.length, 1);
    assert.equal(page.NextShardIterator, undefined);
    assert.equal(page.ChildShards.length, 2);
    await client.send(new UpdateShardCountCommand({ StreamName: 'reshard', TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' }));
    const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName: 'reshard' }));
    assert.equal(StreamDescriptionSummary.OpenShardCount, 4);
});

test('a consumer is pushed records as they come', async () => {
    await client.send(new CreateStreamCommand({ StreamName: 'push', ShardCount: 1 }));
    const { StreamDescriptionSummary: { StreamARN } } =
        await client.send(new DescribeStreamSummaryCommand({ StreamName: 'push' }));
    const { Consumer: { ConsumerARN } } =
        await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'c' }));
    const { EventStream } = await client.send(new SubscribeToShardCommand({ ConsumerARN,
        ShardId: 'shardId-000000000000', StartingPosition: { Type: 'LATEST' } }));
    const put = client.send(new PutRecordCommand({ StreamName: 'push', PartitionKey: 'a', Data: Buffer.from('pushed') }));
    for await (const { SubscribeToShardEvent: event } of EventStream) {
        assert.ok(event.ContinuationSequenceNumber);
        if (event.Records.length === 0) continue;
        assert.equal(Buffer.from(event.Records[0].Data).toString(), 'pushed');
        break;
    }
    await put;
});

test('what was acknowledged before a kill is there after it, once and in order', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'wellhead-kinesis-'));
    let victim = await startServer({ dataDir, keep: true });
    let to = connect(victim);
    await to.send(new CreateStreamCommand({ StreamName: 'kill', ShardCount: 2 }));
    const acknowledged = new Map();
    let next = 0;
    async function write() {
        for (;;) {
            const Records = Array.from({ length: 20 }, () => ({ PartitionKey: `k${next % 7}`, Data: Buffer.from(`${next++}`) }));
            let put;
            try {
                put = await to.send(new PutRecordsCommand({ StreamName: 'kill', Records }));
            } catch { return; }
            put.Records.forEach((r, i) => acknowledged.set(Buffer.from(Records[i].Data).toString(), r.SequenceNumber));
        }
    }
    const writers = [write(), write(), write()];
    while (acknowledged.size < 2000) await new Promise((resolve) => setTimeout(resolve, 10));
    process.kill(victim.pid, 'SIGKILL');
    to.destroy();
    await Promise.all(writers);
    const begun = Date.now();
    victim = await startServer({ dataDir });
    assert.ok(Date.now() - begun < 3000, 'ready again within three seconds');
    to = connect(victim);
    const read = await readAll(to, 'kill');
    const bySequence = new Map(read.map((r) => [r.SequenceNumber, r.text]));
    assert.equal(bySequence.size, read.length, 'no sequence number twice');
    for (const [text, number] of acknowledged) assert.equal(bySequence.get(number), text);
    to.destroy();
    await victim.stop();
    rmSync(dataDir, { recursive: true, force: true });
});
