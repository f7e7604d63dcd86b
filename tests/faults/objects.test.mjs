// F19: 16 clients on 8 keys while the server is killed: each key behaves as one register (linearizable), no body is torn.
// WELLHEAD_KILLS says how often (3).
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { CreateBucketCommand, DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { startServer } from '../support/server.mjs';
import { linearizable } from './load/register.mjs';

const kills = Number(process.env.WELLHEAD_KILLS ?? 3);
const Bucket = 'register';
let server;
let stopped = false;
after(async () => { stopped = true; await server?.stop(); });

// A value is a number, written over and over to one of several sizes (below and above what goes into the index).
const sizes = [10, 4000, 40_000, 1_500_000];
const bodyOf = (value) => { const text = `${value} `; return text.repeat(Math.ceil(sizes[value % sizes.length] / text.length)); };

async function run(client, histories, next) {
    while (!stopped) {
        const history = histories[Math.floor(Math.random() * histories.length)];
        const Key = history.key;
        const way = Math.random();
        const operation = { begin: performance.now(), end: Infinity };
        const s3 = client();
        try {
            if (way < 0.45) {
                operation.kind = 'write';
                operation.value = next();
                history.operations.push(operation);
                await s3.send(new PutObjectCommand({ Bucket, Key, Body: bodyOf(operation.value) }));
                operation.end = performance.now();
            } else if (way < 0.5) {
                operation.kind = 'write';
                operation.value = null;
                history.operations.push(operation);
                await s3.send(new DeleteObjectCommand({ Bucket, Key }));
                operation.end = performance.now();
            } else {
                operation.kind = 'read';
                const answer = await s3.send(new GetObjectCommand({ Bucket, Key })).catch((error) => { if (error.name === 'NoSuchKey') return null; throw error; });
                const text = answer && await answer.Body.transformToString();
                operation.value = text === null ? null : Number(text.slice(0, text.indexOf(' ')));
                if (text !== null && text !== bodyOf(operation.value)) history.torn.push(`${Key}: ${text.length} bytes of ${operation.value}`);
                operation.end = performance.now();
                history.operations.push(operation);
            }
        } catch (error) {
            if (error.$metadata?.httpStatusCode) throw error; // an answer that says no
            await pause(20);
        }
        await pause(5);
    }
}

test(`objects are linearizable over ${kills} kills`, async () => {
    server = await startServer({ keep: true });
    const ports = { port: server.port };
    const client = new S3Client({ ...server.client, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket }));
    const histories = Array.from({ length: 8 }, (_, i) => ({ key: `k/${i}`, operations: [], torn: [] }));
    let value = 0;
    const running = Array.from({ length: 16 }, () => run(() => client, histories, () => ++value));
    running.forEach((run_) => run_.catch(() => { stopped = true; }));
    for (let i = 0; i < kills && !stopped; ++i) {
        await pause(300 + Math.random() * 1000);
        await server.kill();
        server = await startServer({ dataDir: server.dataDir, keep: i + 1 < kills, ports });
    }
    await pause(500);
    stopped = true;
    await Promise.all(running);
    for (const { key, operations, torn } of histories) {
        assert.deepEqual(torn, []);
        assert.ok(linearizable(operations), `${key} is no register: ${JSON.stringify(operations)}`);
    }
    console.log(`# ${histories.reduce((sum, history) => sum + history.operations.length, 0)} operations`);
});
