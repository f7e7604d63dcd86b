// F20: splits, merges and UpdateShardCount while clients write and the server is killed: every acknowledged record once,
// keys in order from parent shards to their children, the hash ranges whole. WELLHEAD_KILLS says how often (3).
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { CreateStreamCommand, KinesisClient, ListShardsCommand, MergeShardsCommand, PutRecordsCommand, SplitShardCommand, UpdateShardCountCommand } from '@aws-sdk/client-kinesis';
import { startServer } from '../support/server.mjs';
import { Journal } from './load/journal.mjs';
import { readStream, until } from './load/readers.mjs';

const kills = Number(process.env.WELLHEAD_KILLS ?? 3);
const StreamName = 'history';
const all = (1n << 128n) - 1n;
let server;
let stopped = false;
after(async () => { stopped = true; await server?.stop(); });

const pick = (list) => list[Math.floor(Math.random() * list.length)];
let kinesis;
const openShards = async () => (await kinesis.send(new ListShardsCommand({ StreamName }))).Shards.filter((shard) => !shard.SequenceNumberRange.EndingSequenceNumber)
    .sort((a, b) => (BigInt(a.HashKeyRange.StartingHashKey) < BigInt(b.HashKeyRange.StartingHashKey) ? -1 : 1));

async function write(writer, commandOf) {
    while (!stopped) {
        const numbers = Array.from({ length: 20 }, () => writer.next());
        try {
            const { Records } = await kinesis.send(commandOf(numbers));
            Records.forEach((record, i) => { if (!record.ErrorCode) writer.acknowledge(numbers[i]); });
        } catch { await pause(30); }
        for (const number of numbers) writer.giveUp(number);
    }
}

async function reshard(done) {
    const limits = new Set(['ResourceInUseException', 'LimitExceededException', 'InvalidArgumentException', 'ValidationException']);
    while (!stopped) {
        try {
            const open = await openShards();
            const way = Math.random();
            if (way < 0.1) {
                await kinesis.send(new UpdateShardCountCommand({ StreamName, TargetShardCount: Math.max(1, Math.min(8, open.length + pick([-1, 1]))), ScalingType: 'UNIFORM_SCALING' }));
            } else if (open.length > 6 || (open.length > 1 && way < 0.5)) {
                const at = Math.floor(Math.random() * (open.length - 1));
                await kinesis.send(new MergeShardsCommand({ StreamName, ShardToMerge: open[at].ShardId, AdjacentShardToMerge: open[at + 1].ShardId }));
            } else {
                const shard = pick(open);
                const [first, last] = [BigInt(shard.HashKeyRange.StartingHashKey), BigInt(shard.HashKeyRange.EndingHashKey)];
                await kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit: shard.ShardId, NewStartingHashKey: String((first + last) / 2n + 1n) }));
            }
            done.push(1);
        } catch (error) {
            if (error.$metadata?.httpStatusCode && !limits.has(error.name)) throw error;
        }
        await pause(60);
    }
}

// Parents before their children.
function inOrder(shards) {
    const left = new Map(shards.map((shard) => [shard.id, shard]));
    const order = [];
    const take = (id) => {
        const shard = left.get(id);
        if (!shard) return;
        left.delete(id);
        take(shard.description.ParentShardId);
        take(shard.description.AdjacentParentShardId);
        order.push(shard);
    };
    for (const { id } of shards) take(id);
    return order;
}

test(`resharding under load and ${kills} kills loses, doubles and reorders nothing`, async () => {
    server = await startServer({ keep: true });
    const ports = { port: server.port };
    kinesis = new KinesisClient(server.client); // the port stays
    await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 2 }));
    const writers = ['a', 'b', 'c'].map((name) => new Journal(name, false));
    const changes = [];
    const working = [...writers.map((writer) => write(writer, (numbers) => new PutRecordsCommand({
        StreamName, Records: numbers.map((number) => ({ Data: Buffer.from(`${writer.writer} ${number} ${'.'.repeat(number % 700)}`), PartitionKey: `${writer.writer}${number % 7}` })),
    }))), reshard(changes)];
    for (let i = 0; i < kills; ++i) {
        const acks = () => writers.reduce((sum, writer) => sum + writer.acks, 0);
        const before = acks();
        await until(() => acks() > before + 100, 20_000, () => server.log());
        await pause(200 + Math.random() * 1200);
        await server.kill();
        server = await startServer({ dataDir: server.dataDir, keep: i + 1 < kills, ports });
    }
    await pause(300);
    stopped = true;
    await Promise.all(working);

    const shards = inOrder(await readStream(kinesis, StreamName));
    const complaints = [];
    const counts = new Map(writers.map((writer) => [writer.writer, new Map()]));
    const lastNumber = new Map();
    const lastSequence = new Map();
    for (const { id, records } of shards) {
        for (const { sequence, data, key } of records) {
            const [name, text] = data.split(' ');
            const number = Number(text);
            counts.get(name).set(number, (counts.get(name).get(number) ?? 0) + 1);
            if (number < (lastNumber.get(key) ?? -1)) complaints.push(`${id}: ${key}: ${number} after ${lastNumber.get(key)}`);
            if (sequence <= (lastSequence.get(key) ?? -1n)) complaints.push(`${id}: ${key}: sequence ${sequence} after ${lastSequence.get(key)}`);
            lastNumber.set(key, number);
            lastSequence.set(key, sequence);
        }
    }
    for (const writer of writers) complaints.push(...writer.judge(counts.get(writer.writer), 'stream'));
    assert.deepEqual(complaints.slice(0, 20), []);
    let next = 0n;
    for (const { HashKeyRange: range } of await openShards()) {
        assert.equal(BigInt(range.StartingHashKey), next);
        next = BigInt(range.EndingHashKey) + 1n;
    }
    assert.equal(next, all + 1n);
    assert.ok(changes.length > 0);
    console.log(`# ${changes.length} reshardings, ${shards.length} shards, ${writers.reduce((sum, writer) => sum + writer.acks, 0)} acknowledged records`);
});
