// QoS 2 through a rule into a stream, with kill -9 in between: every record once (docs/exactly_once.md, F9, D3).
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as iot from '@aws-sdk/client-iot';
import * as kinesis from '@aws-sdk/client-kinesis';
import { startServer } from '../support/server.mjs';
import { RawClient, packet, u16 } from '../support/raw_mqtt.mjs';

const kWindow = 30;
const kKills = 8;
const kMessages = 4000;

// Publishes payloads 0, 1, 2, ... as a session does that survives: what is not complete is sent again.
class Publisher {
    constructor() { this.next = 0; this.open = new Map(); this.completed = 0; }
    async run(port, total) {
        const raw = new RawClient(port, 4);
        const connack = await raw.connect({ id: 'exact', clean: false });
        if (!connack) return;
        this.raw = raw;
        for (const [id, state] of this.open) this.send(id, state, true);
        this.fill(total);
        for (;;) {
            const got = await raw.next(undefined, 20_000).catch(() => null);
            if (got === null) return;
            const state = this.open.get(got.id);
            if (got.type === 'PUBREC' && state) {
                state.released = true;
                this.send(got.id, state, false);
            } else if (got.type === 'PUBCOMP' && this.open.delete(got.id)) {
                ++this.completed;
                this.fill(total);
                if (this.completed === total) return void await raw.disconnect();
            }
        }
    }
    send(id, state, dup) {
        this.raw.send(state.released ? packet(0x62, u16(id)) : this.raw.publishBytes('exact/t', JSON.stringify({ n: state.payload }), { qos: 2, id, dup }));
    }
    fill(total) {
        for (let id = 1; id <= kWindow && this.next < total; ++id) {
            if (this.open.has(id)) continue;
            const state = { payload: this.next++, released: false };
            this.open.set(id, state);
            this.send(id, state, false);
        }
    }
}

async function readAll(streams) {
    const all = [];
    const { Shards } = await streams.send(new kinesis.ListShardsCommand({ StreamName: 'exact' }));
    for (const shard of Shards) {
        let { ShardIterator: at } = await streams.send(new kinesis.GetShardIteratorCommand({ StreamName: 'exact', ShardId: shard.ShardId, ShardIteratorType: 'TRIM_HORIZON' }));
        for (;;) {
            const batch = await streams.send(new kinesis.GetRecordsCommand({ ShardIterator: at, Limit: 10_000 }));
            for (const record of batch.Records) all.push(JSON.parse(Buffer.from(record.Data).toString()).n);
            if (batch.Records.length === 0 && batch.MillisBehindLatest === 0) break;
            at = batch.NextShardIterator;
        }
    }
    return all;
}

test('every QoS 2 message is one record, wherever kill -9 fell', { timeout: 120_000 }, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'wellhead-exact-'));
    const options = { args: ['--plain-mqtt-port', '0'], dataDir, keep: true };
    let server = await startServer(options);
    try {
        const streams = new kinesis.KinesisClient(server.client);
        await streams.send(new kinesis.CreateStreamCommand({ StreamName: 'exact', ShardCount: 2 }));
        await kinesis.waitUntilStreamExists({ client: streams, maxWaitTime: 20 }, { StreamName: 'exact' });
        const control = new iot.IoTClient(server.client);
        await control.send(new iot.CreateTopicRuleCommand({
            ruleName: 'exact', topicRulePayload: {
                sql: "SELECT n, newuuid() AS id FROM 'exact/t'", awsIotSqlVersion: '2016-03-23',
                actions: [{ kinesis: { streamName: 'exact', roleArn: 'arn:aws:iam::000000000000:role/r', partitionKey: '${newuuid()}' } }],
            },
        }));
        const publisher = new Publisher();
        for (let kill = 0; kill < kKills; ++kill) {
            const goal = Math.floor(kMessages * (kill + 0.3 + Math.random() * 0.6) / kKills);
            const running = publisher.run(server.plain_mqtt_port, kMessages);
            await new Promise((resolve) => {
                const watch = setInterval(() => { if (publisher.completed >= goal) { clearInterval(watch); resolve(); } }, 1);
            });
            await server.kill('SIGKILL');
            await running;
            server = await startServer(options);
        }
        await publisher.run(server.plain_mqtt_port, kMessages);
        assert.equal(publisher.completed, kMessages);
        const got = await readAll(new kinesis.KinesisClient(server.client));
        const counts = new Map();
        for (const n of got) counts.set(n, (counts.get(n) ?? 0) + 1);
        const missing = Array.from({ length: kMessages }, (_, n) => n).filter((n) => !counts.has(n));
        const doubled = [...counts].filter(([, count]) => count > 1);
        assert.deepEqual({ missing, doubled }, { missing: [], doubled: [] });
    } finally {
        await server.kill('SIGKILL');
        rmSync(dataDir, { recursive: true, force: true });
    }
});
