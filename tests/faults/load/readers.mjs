// What is there in the end: the stream itself, the lake by SQL, the error prefix, the objects.
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { GetQueryExecutionCommand, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { GetRecordsCommand, GetShardIteratorCommand, ListShardsCommand } from '@aws-sdk/client-kinesis';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';

export async function until(condition, limitMs, what) {
    const end = performance.now() + limitMs;
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (performance.now() > end) throw new Error(`not in ${limitMs} ms: ${what?.() ?? condition}`);
        await pause(50);
    }
}

export function count(counts, writer, number) {
    const mine = counts.get(writer) ?? counts.set(writer, new Map()).get(writer);
    mine.set(number, (mine.get(number) ?? 0) + 1);
}

// Every record of every shard from the oldest on: shards as [{id, parents, records: [{sequence, data, key}]}].
export async function readStream(kinesis, StreamName) {
    const { Shards } = await kinesis.send(new ListShardsCommand({ StreamName }));
    const shards = [];
    for (const shard of Shards) {
        const records = [];
        let { ShardIterator } = await kinesis.send(new GetShardIteratorCommand({ StreamName, ShardId: shard.ShardId, ShardIteratorType: 'TRIM_HORIZON' }));
        while (ShardIterator) {
            const { Records, NextShardIterator, MillisBehindLatest } = await kinesis.send(new GetRecordsCommand({ ShardIterator, Limit: 10000 }));
            for (const record of Records) records.push({ sequence: BigInt(record.SequenceNumber), data: Buffer.from(record.Data).toString(), key: record.PartitionKey });
            ShardIterator = Records.length === 0 && MillisBehindLatest === 0 ? undefined : NextShardIterator;
        }
        shards.push({ id: shard.ShardId, description: shard, records });
    }
    return shards;
}

// The rows of a query as arrays of text, from the CSV that Athena leaves in the bucket.
export async function rowsOf({ athena, s3 }, QueryString, { database, workGroup }) {
    const { QueryExecutionId } = await athena.send(new StartQueryExecutionCommand({ QueryString, WorkGroup: workGroup, QueryExecutionContext: { Database: database } }));
    const done = await until(async () => {
        const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
        return ['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(QueryExecution.Status.State) && QueryExecution;
    }, 120_000, () => QueryString);
    if (done.Status.State !== 'SUCCEEDED') throw new Error(`${QueryString}: ${done.Status.StateChangeReason}`);
    const [, Bucket, Key] = done.ResultConfiguration.OutputLocation.match(/^s3:\/\/([^/]+)\/(.*)$/);
    const text = await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body.transformToString();
    return text.trimEnd().split('\n').slice(1).map((line) => line.slice(1, -1).split('","'));
}

export async function keysOf(s3, Bucket, Prefix) {
    const keys = [];
    for (let ContinuationToken; ;) {
        const page = await s3.send(new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }));
        keys.push(...(page.Contents ?? []).map((object) => object.Key));
        ContinuationToken = page.NextContinuationToken;
        if (!ContinuationToken) return keys;
    }
}

export async function contentOf(s3, Bucket, Key) {
    return Buffer.from(await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body.transformToByteArray());
}

// writer -> number -> count, of the bad records below an error prefix.
export async function badRecords(s3, Bucket, Prefix) {
    const counts = new Map();
    for (const key of await keysOf(s3, Bucket, Prefix)) {
        for (const line of (await contentOf(s3, Bucket, key)).toString().trim().split('\n')) {
            const found = Buffer.from(JSON.parse(line).rawData, 'base64').toString().match(/^no reading: (\S+) (\d+)$/);
            if (!found) throw new Error(`a record under ${Prefix} that nobody sent: ${line}`);
            count(counts, found[1], Number(found[2]));
        }
    }
    return counts;
}

export const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');
