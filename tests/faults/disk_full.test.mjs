// F6: a disk that is full and freed again: refusals before acknowledging, no restart needed, nothing acknowledged lost.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CreateThingCommand, IoTClient } from '@aws-sdk/client-iot';
import { CreateStreamCommand, KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import mqtt from 'mqtt';
import { startServer } from '../support/server.mjs';
import { Journal } from './load/journal.mjs';
import { contentOf, count, keysOf, readStream, until } from './load/readers.mjs';

const mebibyte = 1 << 20;

// The data directory is a file system of its own, in a mount namespace of its own: as root, or as root of a user namespace.
function onSmallDisk(directory) {
    const ways = [['unshare', '--mount'], ['unshare', '--mount', '--map-root-user']];
    const way = ways.find(([command, ...options]) => spawnSync(command, [...options, 'true']).status === 0);
    if (!way) throw new Error('this test mounts a small file system: it wants root, or user namespaces');
    return [...way, 'sh', '-c', 'mount -t tmpfs -o size=64m tmpfs "$0" && exec "$@"', directory];
}

function clientsOf(server) {
    return { iot: new IoTClient(server.client), kinesis: new KinesisClient(server.client), s3: new S3Client({ ...server.client, forcePathStyle: true }) };
}

// Each attempt's outcome: true, or the name of the error.
async function attempt(journal, put) {
    const number = journal.next();
    try {
        await put(number);
        journal.acknowledge(number);
        return true;
    } catch (error) {
        journal.giveUp(number);
        return error;
    }
}

test('a full disk refuses before it acknowledges, and is whole again when it is freed', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'wellhead-full-'));
    const server = await startServer({ dataDir: directory, launcher: onSmallDisk(directory), args: ['--plain-mqtt-port', '0'] });
    t.after(() => server.stop());
    const inside = join('/proc', String(server.pid), 'root', directory);
    const { iot, kinesis, s3 } = clientsOf(server);
    await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }));
    await s3.send(new CreateBucketCommand({ Bucket: 'full' }));
    const device = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.plain_mqtt_port}`, { clientId: 'away', clean: false, protocolVersion: 5, properties: { sessionExpiryInterval: 600 } });
    await device.subscribeAsync('t', { qos: 1 });
    await device.endAsync();
    const publisher = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.plain_mqtt_port}`, { clientId: 'publisher', protocolVersion: 5, reconnectPeriod: 100 });
    publisher.on('error', () => {});

    const records = new Journal('record', false);
    const objects = new Journal('object', false);
    const things = new Journal('thing', false);
    const published = new Journal('message', false);
    const puts = {
        record: () => attempt(records, async (number) => {
            const { Records: [result] } = await kinesis.send(new PutRecordsCommand({ StreamName: 's', Records: [{ PartitionKey: 'k', Data: Buffer.from(`record ${number} ${'.'.repeat(100_000)}`) }] }));
            if (result.ErrorCode) throw Object.assign(new Error(result.ErrorMessage), { name: result.ErrorCode });
        }),
        object: () => attempt(objects, (number) => s3.send(new PutObjectCommand({ Bucket: 'full', Key: `o/${number}`, Body: `${number} `.repeat(20_000) }))),
        thing: () => attempt(things, (number) => iot.send(new CreateThingCommand({ thingName: `thing-${number}`, attributePayload: { attributes: { a: 'x'.repeat(700) } } }))),
        message: () => attempt(published, (number) => new Promise((resolve, reject) => {
            const late = setTimeout(() => reject(Object.assign(new Error('no acknowledgement'), { name: 'Silence' })), 1500);
            publisher.publish('t', `${number} ${'.'.repeat(100_000)}`, { qos: 1 }, (error) => { clearTimeout(late); if (error) reject(error); else resolve(); });
        })),
    };
    for (const [name, put] of Object.entries(puts)) assert.equal(await put(), true, name);

    // Two rounds of full and free again.
    for (let round = 0; round < 2; ++round) {
        const ballast = join(inside, 'ballast');
        const { bavail, bsize } = statfsSync(inside);
        writeFileSync(ballast, Buffer.alloc(bavail * bsize - 2 * mebibyte));
        const refusals = {};
        for (const [name, put] of Object.entries(puts)) {
            for (let i = 0; i < 2000 && (refusals[name]?.length ?? 0) < 2; ++i) {
                const outcome = await put();
                if (outcome !== true) (refusals[name] ??= []).push(outcome);
            }
        }
        assert.deepEqual(Object.keys(refusals).sort(), ['message', 'object', 'record', 'thing'], `what is refused on a full disk\n${server.log()}`);
        console.log(`# refusals: ${Object.entries(refusals).map(([name, errors]) => `${name} ${errors[0].name} ${errors[0].$metadata?.httpStatusCode ?? ''} ${errors[0].message}`).join('; ')}`);
        for (const name of ['record', 'object', 'thing']) for (const error of refusals[name]) assert.ok(error.name && !/Timeout|Unknown/.test(error.name), `${name}: ${error}`);
        const health = await fetch(`${server.endpoint}/health`);
        assert.ok(health.status === 200 || health.status === 503);
        rmSync(ballast);
        for (const [name, put] of Object.entries(puts)) {
            await until(async () => (await put()) === true, 10_000, () => `${name} goes on after the disk was freed\n${server.log()}`);
        }
    }

    // The disk goes with the process: what is there is asked while it runs, once the caches' worth was written over.
    const counts = new Map();
    for (const { data } of (await readStream(kinesis, 's')).flatMap((shard) => shard.records)) count(counts, 'record', Number(data.split(' ')[1]));
    const complaints = records.judge(counts.get('record'), 'stream');
    const found = new Map();
    for (const key of await keysOf(s3, 'full', 'o/')) {
        const number = Number(key.slice(2));
        found.set(number, 1);
        if ((await contentOf(s3, 'full', key)).toString() !== `${number} `.repeat(20_000)) complaints.push(`${key} is torn`);
    }
    complaints.push(...objects.judge(found, 'bucket'));
    const received = new Map();
    const again = mqtt.connect(`mqtt://127.0.0.1:${server.plain_mqtt_port}`, { clientId: 'away', clean: false, protocolVersion: 5, properties: { sessionExpiryInterval: 600 } });
    again.on('message', (topic, payload) => received.set(Number(payload.toString().split(' ')[0]), 1));
    await until(() => published.acknowledged.every((acknowledged, number) => !acknowledged || received.has(number)), 20_000, () => `${received.size} messages arrived`);
    assert.deepEqual(complaints, []);
    await Promise.all([again.endAsync(true), publisher.endAsync(true)]);
});
