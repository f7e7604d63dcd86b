// F1, F2, F16: kill -9 under full load, at random moments and at named ones, on the way of a reading from device to SQL.
// WELLHEAD_KILLS says how often (3), WELLHEAD_SEED which moments (a new seed each time, printed).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AthenaClient } from '@aws-sdk/client-athena';
import { CreateDeliveryStreamCommand, FirehoseClient } from '@aws-sdk/client-firehose';
import { GetCrawlerCommand, GlueClient, StartCrawlerCommand } from '@aws-sdk/client-glue';
import { IoTClient } from '@aws-sdk/client-iot';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { startServer } from '../support/server.mjs';
import { Device, Reader, registerThing } from './load/devices.mjs';
import { badRecords, contentOf, count, digest, keysOf, readStream, rowsOf, until } from './load/readers.mjs';
import { DeliveryWriter, ObjectWriter, StreamWriter } from './load/writers.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const kills = Number(process.env.WELLHEAD_KILLS ?? 3);
const seed = Number(process.env.WELLHEAD_SEED ?? Date.now() % 1_000_000);
const readyLimitMs = Number(process.env.WELLHEAD_READY_LIMIT_MS ?? 3000);
const bucket = 'oilfield-lake-000000000000-us-east-1';

// Moments on the way to the disk (see kill_at.c): call, path, and the highest number of calls to let pass.
const moments = [
    ['pwrite', '/logs/kinesis/', 400], ['create', '.seg', 3], ['create', '.idx', 2], ['rename', '.idx', 2], ['pwrite', '/state', 3],
    ['pwrite', '/logs/mqtt/', 300], ['remove', '.seg', 1], ['sync', '/logs/', 4], ['pwrite', '/logs/firehose/', 60],
    ['pwrite', '/objects/', 40], ['sync', '/objects/', 40], ['rename', '/objects/', 30], ['link', '/objects/', 10], ['remove', '/objects/', 20], ['create', '/objects/', 40],
    ['pwrite', 'metadata.sqlite-wal', 80], ['sync', 'metadata.sqlite-wal', 60], ['pwrite', 'metadata.sqlite', 300], ['sync', 'metadata.sqlite', 40],
];

function generator(state) {
    return (bound) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * bound);
    };
}

async function freePorts(howMany) {
    const servers = await Promise.all(Array.from({ length: howMany }, () => new Promise((resolve) => {
        const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
    })));
    const ports = servers.map((server) => server.address().port);
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    return ports;
}

class Ground {
    constructor() {
        this.random = generator(seed);
        this.scratch = mkdtempSync(join(tmpdir(), 'wellhead-kills-'));
        this.dataDir = join(this.scratch, 'data');
        this.library = join(this.scratch, 'kill_at.so');
        execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', this.library, join(here, 'kill_at.c'), '-ldl']);
        this.ready = [];
        this.died = { random: 0, named: 0, starting: 0 };
        this.log = '';
    }
    async choosePorts() {
        const [port, mqttPort, consolePort, plain] = await freePorts(4);
        this.ports = { port, mqttPort, consolePort };
        this.args = [join(here, '../../pipelines/oilfield.yaml'), '--parameters', 'BufferSeconds=1', '--plain-mqtt-port', String(plain)];
    }
    async start(environment = {}) {
        const spawned = (child) => { this.child = child; };
        const server = await startServer({ dataDir: this.dataDir, keep: true, ports: this.ports, args: this.args, environment, onSpawn: spawned });
        this.ready.push(server.readyMs);
        return server;
    }
    async startCrawler(glue) {
        await glue.send(new StartCrawlerCommand({ Name: 'oilfield-lake' })).catch((error) => {
            if (error.name !== 'CrawlerRunningException') throw error;
        });
    }
    namedMoment() {
        const [call, path, bound] = moments[this.random(moments.length)];
        const when = call === 'pwrite' ? ['before', 'half', 'after'][this.random(3)] : ['before', 'after'][this.random(2)];
        return `${call}:${when}:${1 + this.random(bound)}:${path}`;
    }
}

function clientsOf(server) {
    return {
        athena: new AthenaClient(server.client), firehose: new FirehoseClient(server.client), glue: new GlueClient(server.client),
        iot: new IoTClient(server.client), kinesis: new KinesisClient(server.client), s3: new S3Client({ ...server.client, forcePathStyle: true }),
    };
}

async function createDirectDelivery(firehose) {
    await firehose.send(new CreateDeliveryStreamCommand({
        DeliveryStreamName: 'direct',
        ExtendedS3DestinationConfiguration: {
            RoleARN: 'arn:aws:iam::000000000000:role/f', BucketARN: `arn:aws:s3:::${bucket}`,
            Prefix: 'readings/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/', ErrorOutputPrefix: 'errors/direct/!{firehose:error-output-type}/',
            BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 1 },
            DataFormatConversionConfiguration: {
                Enabled: true, InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } }, OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
                SchemaConfiguration: { DatabaseName: 'oilfield', TableName: 'reading_schema', Region: 'us-east-1', RoleARN: 'arn:aws:iam::000000000000:role/f' },
            },
        },
    }));
}

async function startLoad(t, server, clients) {
    const plain = { protocol: 'mqtt', host: '127.0.0.1', port: server.plain_mqtt_port };
    const reader = new Reader('reader', plain, 'oilfield/+/telemetry');
    await reader.subscribed;
    const tls = [];
    for (let i = 0; i < 4; ++i) tls.push(await registerThing(clients.iot, server, `tls-${i}`));
    const devices = [
        new Device('tls-0', tls[0]), new Device('tls-1', tls[1], { protocolVersion: 4 }),
        new Device('tls-2', tls[2], { qos: 2 }), new Device('tls-3', tls[3], { qos: 2, protocolVersion: 4 }),
        new Device('plain-0', plain), new Device('plain-1', plain, { qos: 2 }),
    ];
    const writers = [
        new StreamWriter('put-0', clients.kinesis, 'oilfield-readings'), new StreamWriter('put-1', clients.kinesis, 'oilfield-readings', 5),
        new DeliveryWriter('direct-0', clients.firehose, 'direct'),
        new ObjectWriter('object-0', clients.s3, bucket), new ObjectWriter('object-1', clients.s3, bucket),
    ].map((writer) => writer.start());
    const journals = [...devices, ...writers].flatMap((client) => [client.journal, ...(client.bad ? [client.bad] : [])]);
    t.after(() => {
        for (const client of [reader, ...devices]) client.client.end(true);
        for (const writer of writers) writer.stopped = true;
    });
    return { reader, devices, writers, journals, acks: () => journals.reduce((sum, journal) => sum + journal.acks, 0) };
}

async function killOnce(ground, load, round) {
    const kind = ['random', 'named', 'random', 'named', 'named', 'starting'][round % 6];
    const logFile = join(ground.scratch, 'killed');
    const environment = kind === 'named' ? { LD_PRELOAD: ground.library, KILL_AT: ground.namedMoment(), KILL_LOG: logFile } : {};
    const starting = ground.start(environment);
    if (kind === 'starting') {
        const died = starting.then((server) => server.ended, (error) => error.how);
        await pause(ground.random(600));
        ground.child.kill('SIGKILL');
        await died;
        ground.died.starting += 1;
        for (const journal of load.journals) journal.serverDied(); // it may have been ready for a moment
        return;
    }
    let server;
    try { server = await starting; } catch (error) {
        if (kind !== 'named' || error.how?.signal !== 'SIGKILL') throw error;
        ground.died.named += 1;
        for (const journal of load.journals) journal.serverDied();
        return;
    }
    const before = load.acks();
    await Promise.race([server.ended, (async () => {
        await until(() => load.acks() > before, 20_000, () => `no acknowledgement after a start\n${server.log()}`);
        await ground.startCrawler(clientsOf(server).glue).catch(() => {}); // it may die right now
        await pause(kind === 'named' ? 4000 : 100 + ground.random(1500));
    })()]);
    ground.child.kill('SIGKILL');
    const how = await server.ended;
    assert.equal(how.signal, 'SIGKILL', `the server ended by itself\n${server.log()}`);
    for (const journal of load.journals) journal.serverDied();
    const named = existsSync(logFile);
    rmSync(logFile, { force: true });
    ground.died[named ? 'named' : 'random'] += 1;
    ground.log = server.log();
}

function byReading(shards) {
    const counts = new Map();
    const complaints = [];
    for (const { id, records } of shards) {
        const last = new Map();
        let previous = -1n;
        for (const { sequence, data, key } of records) {
            if (sequence <= previous) complaints.push(`${id}: sequence number ${sequence} after ${previous}`);
            previous = sequence;
            const bad = data.match(/^no reading: (\S+) (\d+)$/);
            const reading = bad ? { well: bad[1], timestamp: Number(bad[2]) } : JSON.parse(data);
            const first = !counts.get(reading.well)?.has(reading.timestamp);
            count(counts, reading.well, reading.timestamp);
            const order = `${reading.well} ${key}`;
            if (first && reading.timestamp < (last.get(order) ?? -1)) complaints.push(`${id}: ${order}: ${reading.timestamp} after ${last.get(order)}`);
            last.set(order, Math.max(reading.timestamp, last.get(order) ?? -1));
        }
    }
    return { counts, complaints };
}

function compare(stream, lake, writers) {
    const complaints = [];
    for (const writer of writers) {
        const there = stream.get(writer) ?? new Map();
        const rows = lake.get(writer) ?? new Map();
        for (const number of new Set([...there.keys(), ...rows.keys()])) {
            if (there.get(number) !== rows.get(number)) complaints.push(`${writer} ${number}: ${there.get(number) ?? 0} times in the stream, ${rows.get(number) ?? 0} in the lake`);
        }
    }
    return complaints;
}

const size = (counts, writers) => writers.reduce((sum, writer) => sum + [...(counts.get(writer)?.values() ?? [])].reduce((a, b) => a + b, 0), 0);

async function lakeRows(clients, expected) {
    const place = { database: 'oilfield', workGroup: 'oilfield' };
    const total = async () => {
        await clients.glue.send(new StartCrawlerCommand({ Name: 'oilfield-lake' })).catch(() => {}); // it may be running
        await until(async () => (await clients.glue.send(new GetCrawlerCommand({ Name: 'oilfield-lake' }))).Crawler.State === 'READY', 60_000);
        return Number((await rowsOf(clients, 'SELECT count(*) FROM readings', place))[0][0]);
    };
    let found = -1;
    await until(async () => { found = await total(); return found >= expected; }, 90_000, () => `${expected} rows in the lake, ${found} are there`);
    await pause(3000); // a second delivery of the same records would come now
    const counts = new Map();
    for (const [well, timestamp] of await rowsOf(clients, 'SELECT well, timestamp FROM readings', place)) count(counts, well, Number(timestamp));
    return counts;
}

async function judgeObjects(s3, writer) {
    const complaints = [];
    const { journal } = writer;
    const counts = new Map();
    for (const key of await keysOf(s3, bucket, `objects/${journal.writer}/`)) {
        const number = Number(key.split('/').at(-1));
        counts.set(number, 1);
        if (digest(await contentOf(s3, bucket, key)) !== writer.digests[number]) complaints.push(`${key} is torn`);
    }
    return [...complaints, ...journal.judge(counts, 'bucket')];
}

test(`nothing acknowledged is missing and nothing is doubled after ${kills} kills under load (seed ${seed})`, async (t) => {
    const ground = new Ground();
    t.after(() => ground.child?.kill('SIGKILL'));
    await ground.choosePorts();
    let server = await ground.start();
    let clients = clientsOf(server);
    await createDirectDelivery(clients.firehose);
    const load = await startLoad(t, server, clients);
    await until(() => load.journals.filter((journal) => !journal.writer.endsWith('-bad')).every((journal) => journal.acks > 0), 30_000,
        () => `every client acknowledged: ${load.journals.map((j) => `${j.writer} ${j.acks}`)}\n${load.devices.map((d) => [...d.errors])}`);
    await server.kill();
    for (const journal of load.journals) journal.serverDied();
    for (let round = 1; round < kills; ++round) {
        await killOnce(ground, load, round).catch((error) => { throw new Error(`round ${round} of seed ${seed} in ${ground.scratch}: ${error.stack}`); });
        if (round % 10 === 0) console.log(`# ${round} kills, ${load.acks()} acknowledgements`);
    }

    server = await ground.start();
    clients = clientsOf(server);
    const before = load.acks();
    await until(() => load.acks() > before, 20_000);
    await Promise.all([...load.devices.map((device) => device.finish(until)), ...load.writers.map((writer) => writer.finish())]);

    const stream = byReading(await readStream(clients.kinesis, 'oilfield-readings'));
    const complaints = [...stream.complaints];
    const objects = load.writers.filter((writer) => writer instanceof ObjectWriter);
    const streamed = load.journals.filter((journal) => !objects.some((writer) => writer.journal === journal) && journal.writer !== 'direct-0');
    const qos2 = new Set(load.devices.filter((device) => device.qos === 2).map((device) => device.journal));
    for (const journal of streamed) complaints.push(...journal.judge(stream.counts.get(journal.writer) ?? new Map(), 'stream', { once: !journal.again || qos2.has(journal) }));

    const good = streamed.map((journal) => journal.writer).filter((writer) => !writer.endsWith('-bad'));
    const direct = load.writers.find((writer) => writer instanceof DeliveryWriter).journal;
    const lake = await lakeRows(clients, size(stream.counts, good) + direct.acks);
    complaints.push(...compare(stream.counts, lake, good), ...direct.judge(lake.get('direct-0') ?? new Map(), 'lake'));
    complaints.push(...compare(stream.counts, await badRecords(clients.s3, bucket, 'errors/delivery/'), ['put-0-bad', 'put-1-bad']));

    for (const writer of objects) complaints.push(...await judgeObjects(clients.s3, writer));
    for (const { journal, qos } of load.devices) {
        await until(() => (load.reader.counts.get(journal.writer)?.size ?? 0) >= journal.acks, 20_000, () => `${journal.writer} at the reader`).catch(() => {});
        const counts = load.reader.counts.get(journal.writer) ?? new Map();
        // What the reader's own acknowledgements did not reach in time comes to it again, but not of QoS 2.
        complaints.push(...journal.judge(qos === 2 ? counts : new Map([...counts.keys()].map((number) => [number, 1])), 'reader', { once: qos === 2 }));
    }
    complaints.push(...load.devices.flatMap((device) => device.refusals));
    complaints.push(...load.reader.orders.map((text) => `reader: ${text}`));
    await load.reader.client.endAsync(true);

    const doubled = streamed.filter((journal) => journal.again).map((journal) => `${journal.writer} ${size(stream.counts, [journal.writer]) - stream.counts.get(journal.writer).size}`);
    console.log(`# kills ${JSON.stringify(ground.died)}; ${load.acks()} acknowledgements; ${size(lake, [...lake.keys()])} rows; sent again and there twice: ${doubled.join(', ')}`);
    console.log(`# ready after ${Math.round(Math.max(...ground.ready))} ms at most, ${Math.round([...ground.ready].sort((a, b) => a - b)[ground.ready.length >> 1])} in the middle`);
    if (complaints.length > 0) throw new Error(`${complaints.length} complaints, seed ${seed}, data in ${ground.scratch}:\n${complaints.slice(0, 40).join('\n')}`);
    assert.ok(Math.max(...ground.ready) <= readyLimitMs, `ready within ${readyLimitMs} ms: ${ground.ready.map(Math.round)}`);
    await server.stop();
    rmSync(ground.scratch, { recursive: true, force: true });
});
