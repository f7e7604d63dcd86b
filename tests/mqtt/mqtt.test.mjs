// The broker with real clients (npm's mqtt in both versions, mosquitto's tools) and with raw sockets that misbehave.
// MQTT_URL=mqtt://127.0.0.1:1883 runs all but the restart against a broker that is there already.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { connect as connectSocket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pollAgain } from 'node:timers/promises';
import { promisify } from 'node:util';
import mqtt from 'mqtt';
import { startServer } from '../support/server.mjs';

const run = promisify(execFile);
const plain = { args: ['--plain-mqtt-port', '0'] };
let server, url;

before(async () => {
    url = process.env.MQTT_URL;
    if (url) return;
    server = await startServer(plain);
    url = `mqtt://127.0.0.1:${server.plain_mqtt_port}`;
});
after(async () => { await server?.stop(); });

const once = (emitter, event) => new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));
async function open(options, to = url) {
    const client = mqtt.connect(to, { reconnectPeriod: 0, ...options });
    client.received = [];
    client.on('message', (topic, payload, packet) => client.received.push({ topic, payload: payload.toString(), packet }));
    client.on('error', () => {});
    const connack = await Promise.race([once(client, 'connect'), once(client, 'close').then(() => null)]);
    client.connack = connack?.[0];
    return client;
}
async function until(condition, limitMs = 10_000) {
    for (const start = Date.now(); Date.now() - start < limitMs; await pollAgain(10)) if (condition()) return true;
    return condition();
}

for (const protocolVersion of [4, 5]) {
    test(`QoS 0, 1 and 2 arrive once each and in order (version ${protocolVersion})`, async () => {
        const subscriber = await open({ protocolVersion, clientId: `sub-${protocolVersion}` });
        const publisher = await open({ protocolVersion, clientId: `pub-${protocolVersion}` });
        await subscriber.subscribeAsync(`q${protocolVersion}/+`, { qos: 2 });
        for (const qos of [0, 1, 2]) {
            await Promise.all(Array.from({ length: 200 }, (_, i) => publisher.publishAsync(`q${protocolVersion}/${qos}`, String(i), { qos })));
        }
        await until(() => subscriber.received.length >= 600);
        for (const qos of [0, 1, 2]) {
            const values = subscriber.received.filter((m) => m.topic.endsWith(`/${qos}`)).map((m) => Number(m.payload));
            assert.deepEqual(values, Array.from({ length: 200 }, (_, i) => i));
        }
        await Promise.all([subscriber.endAsync(), publisher.endAsync()]);
    });

    test(`a session without a connection keeps its messages (version ${protocolVersion})`, async () => {
        const session = { protocolVersion, clientId: `keep-${protocolVersion}`, clean: false, properties: protocolVersion === 5 ? { sessionExpiryInterval: 600 } : undefined };
        const first = await open(session);
        assert.equal(first.connack.sessionPresent, false);
        await first.subscribeAsync(`keep${protocolVersion}`, { qos: 1 });
        await first.endAsync();
        const publisher = await open({ protocolVersion, clientId: `keeper-${protocolVersion}` });
        for (let i = 0; i < 100; ++i) await publisher.publishAsync(`keep${protocolVersion}`, String(i), { qos: 1 });
        const second = await open(session);
        assert.equal(second.connack.sessionPresent, true);
        await until(() => second.received.length >= 100);
        assert.deepEqual(second.received.map((m) => Number(m.payload)), Array.from({ length: 100 }, (_, i) => i));
        await Promise.all([second.endAsync(), publisher.endAsync()]);
    });

    test(`the will is published when the connection breaks (version ${protocolVersion})`, async () => {
        const watcher = await open({ protocolVersion, clientId: `watch-${protocolVersion}` });
        await watcher.subscribeAsync(`gone${protocolVersion}`, { qos: 1 });
        const rude = await open({ protocolVersion, clientId: `rude-${protocolVersion}`, will: { topic: `gone${protocolVersion}`, payload: 'gone', qos: 1 } });
        rude.stream.destroy();
        assert.ok(await until(() => watcher.received.length === 1));
        await watcher.endAsync();
    });
}

test('retained messages meet new subscribers and can be cleared', async () => {
    const client = await open({ protocolVersion: 5, clientId: 'retainer' });
    await client.publishAsync('kept/a', 'last', { qos: 1, retain: true });
    const later = await open({ protocolVersion: 5, clientId: 'later' });
    await later.subscribeAsync('kept/#', { qos: 1 });
    assert.ok(await until(() => later.received.length === 1));
    assert.equal(later.received[0].packet.retain, true);
    await client.publishAsync('kept/a', '', { qos: 1, retain: true });
    const last = await open({ protocolVersion: 5, clientId: 'last' });
    await last.subscribeAsync('kept/#', { qos: 1 });
    // What were retained would arrive before what is published now.
    await last.publishAsync('kept/mark', 'x', { qos: 1 });
    await until(() => last.received.length > 0);
    assert.equal(last.received.length, 1);
    await Promise.all([client, later, last].map((c) => c.endAsync()));
});

test('MQTT 5: properties travel, aliases and identifiers work, a client id is taken over with 0x8E', async () => {
    const client = await open({ protocolVersion: 5, clientId: 'five', properties: { topicAliasMaximum: 5, receiveMaximum: 3 } });
    await client.subscribeAsync('five/#', { qos: 1, properties: { subscriptionIdentifier: 42 } });
    const properties = { userProperties: { well: '07' }, contentType: 'application/json', responseTopic: 'answer', correlationData: Buffer.from('id') };
    await client.publishAsync('five/x', '{}', { qos: 1, properties });
    assert.ok(await until(() => client.received.length === 1));
    const got = client.received[0].packet.properties;
    assert.equal(got.contentType, 'application/json');
    assert.equal(got.userProperties.well, '07');
    assert.equal(got.responseTopic, 'answer');
    assert.equal(got.correlationData.toString(), 'id');
    assert.equal(got.subscriptionIdentifier, 42);
    const disconnected = once(client, 'disconnect');
    const second = await open({ protocolVersion: 5, clientId: 'five' });
    assert.equal((await disconnected)[0].reasonCode, 0x8e);
    await second.endAsync();
});

test('a shared subscription divides the messages', async () => {
    const members = await Promise.all([1, 2, 3].map((i) => open({ protocolVersion: 5, clientId: `member-${i}` })));
    for (const member of members) await member.subscribeAsync('$share/group/work', { qos: 1 });
    const publisher = await open({ protocolVersion: 5, clientId: 'boss' });
    for (let i = 0; i < 90; ++i) await publisher.publishAsync('work', String(i), { qos: 1 });
    const total = () => members.reduce((sum, member) => sum + member.received.length, 0);
    // A duplicate would arrive before the last one.
    await publisher.publishAsync('work', 'last', { qos: 1 });
    await until(() => members.some((member) => member.received.some((m) => m.payload === 'last')) && total() >= 91);
    assert.equal(total(), 91);
    for (const member of members) assert.ok(member.received.length >= 20, String(member.received.length));
    await Promise.all([...members, publisher].map((c) => c.endAsync()));
});

test("mosquitto's tools publish and subscribe in both versions", async () => {
    const port = new URL(url).port;
    for (const version of ['311', '5']) {
        for (const qos of ['0', '1', '2']) {
            await run('mosquitto_pub', ['-h', '127.0.0.1', '-p', port, '-V', version, '-t', `tools${version}/${qos}`, '-q', qos, '-r', '-m', `m${qos}`], { timeout: 10_000 });
        }
        const { stdout } = await run('mosquitto_sub', ['-h', '127.0.0.1', '-p', port, '-V', version, '-t', `tools${version}/#`, '-q', '2', '-C', '3', '-W', '10', '-F', '%t %p %q'], { timeout: 15_000 });
        assert.deepEqual(stdout.trim().split('\n').sort(), ['0', '1', '2'].map((qos) => `tools${version}/${qos} m${qos} ${qos}`));
    }
});

// What a raw connection gets until it is closed.
function talk(bytes, { limitMs = 5000 } = {}) {
    return new Promise((resolve) => {
        const socket = connectSocket(Number(new URL(url).port), '127.0.0.1');
        let answer = Buffer.alloc(0);
        const timer = setTimeout(() => { socket.destroy(); resolve({ answer, closed: false }); }, limitMs);
        socket.on('data', (chunk) => { answer = Buffer.concat([answer, chunk]); });
        socket.on('error', () => {});
        socket.on('end', () => socket.end());
        socket.on('close', () => { clearTimeout(timer); resolve({ answer, closed: true }); });
        socket.write(bytes);
    });
}
const hex = (text) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const hello = hex('10 0d 0004 4d515454 05 02 003c 00 0000');

test('hostile bytes end their own connection and nobody else\'s', async () => {
    const neighbour = await open({ protocolVersion: 5, clientId: 'neighbour' });
    const hostile = {
        http: Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
        'publish first': hex('30 04 0001 61 62'),
        'a 256 MB first packet': hex('10 ff ff ff 7f'),
        'a length that never ends': hex('10 ff ff ff ff ff'),
        'connect twice': Buffer.concat([hello, hello]),
        'a QoS of 3': Buffer.concat([hello, hex('36 05 0001 61 0001')]),
        'a subscription without filters': Buffer.concat([hello, hex('82 03 0001 00')]),
        'a wildcard in a topic name': Buffer.concat([hello, hex('30 05 0002 612b 00')]),
        'a topic that is not UTF-8': Buffer.concat([hello, hex('30 04 0001 ff 00')]),
        'AUTH out of nowhere': Buffer.concat([hello, hex('f0 00')]),
        'a server\'s packet': Buffer.concat([hello, hex('20 03 00 00 00')]),
        'an unknown topic alias': Buffer.concat([hello, hex('30 06 0000 03 230007')]),
        'a packet identifier of zero': Buffer.concat([hello, hex('32 06 0001 61 0000 00')]),
        'reserved flags': Buffer.concat([hello, hex('c1 00')]),
    };
    for (const [name, bytes] of Object.entries(hostile)) {
        const { closed, answer } = await talk(bytes);
        assert.ok(closed, `${name}: still open`);
        // After an accepted CONNECT the reason is said in a DISCONNECT.
        if (bytes.subarray(0, hello.length).equals(hello)) assert.equal(answer.at(answer.indexOf(0xe0)), 0xe0, name);
    }
    await neighbour.publishAsync('still/here', 'x', { qos: 1 });
    await neighbour.endAsync();
});

test('20,000 acknowledged messages of an offline session survive kill -9', { timeout: 120_000 }, async (t) => {  // F10
    if (!server) return t.diagnostic('needs a server of its own');
    const dataDir = mkdtempSync(join(tmpdir(), 'wellhead-f10-'));
    try {
        let own = await startServer({ ...plain, dataDir, keep: true });
        let address = `mqtt://127.0.0.1:${own.plain_mqtt_port}`;
        const session = { protocolVersion: 4, clientId: 'durable', clean: false };
        const first = await open(session, address);
        await first.subscribeAsync('f10', { qos: 1 });
        await first.endAsync();
        const publisher = await open({ clientId: 'filler' }, address);
        await Promise.all(Array.from({ length: 20_000 }, (_, i) => publisher.publishAsync('f10', String(i), { qos: 1 })));
        await own.kill('SIGKILL');
        own = await startServer({ ...plain, dataDir, keep: true });
        address = `mqtt://127.0.0.1:${own.plain_mqtt_port}`;
        const again = await open(session, address);
        assert.equal(again.connack.sessionPresent, true);
        await until(() => again.received.length >= 20_000, 60_000);
        assert.deepEqual(again.received.map((m) => Number(m.payload)), Array.from({ length: 20_000 }, (_, i) => i));
        await again.endAsync();
        await own.stop();
    } finally {
        rmSync(dataDir, { recursive: true, force: true });
    }
});
