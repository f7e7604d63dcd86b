// F10: what was acknowledged for a session that is away reaches it after kill -9.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { startServer } from '../support/server.mjs';
import { until } from './load/readers.mjs';

const messages = 20_000;
const plain = { args: ['--plain-mqtt-port', '0'] };
let server;
before(async () => { server = await startServer({ ...plain, keep: true }); });
after(async () => { await server.stop(); });

const connect = (options) => mqtt.connectAsync(`mqtt://127.0.0.1:${server.plain_mqtt_port}`, { reconnectPeriod: 0, protocolVersion: 5, ...options });
const durable = { clientId: 'away', clean: false, properties: { sessionExpiryInterval: 3600, receiveMaximum: 500 } };

test(`${messages} QoS 1 messages to a session that is away are there after kill -9, each once and in order`, async () => {
    const first = await connect(durable);
    await first.subscribeAsync('f10/#', { qos: 1 });
    await first.endAsync();
    const publisher = await connect({ clientId: 'publisher' });
    let next = 0;
    let acknowledged = 0;
    await new Promise((resolve, reject) => {
        const fill = () => {
            while (next < messages && next - acknowledged < 500) {
                publisher.publish('f10/x', String(next++), { qos: 1 }, (error) => {
                    if (error) { reject(error); return; }
                    acknowledged += 1;
                    if (acknowledged === messages) resolve();
                    else fill();
                });
            }
        };
        fill();
    });
    publisher.on('error', () => {});
    await server.kill();
    server = await startServer({ ...plain, dataDir: server.dataDir });
    const received = [];
    const second = mqtt.connect(`mqtt://127.0.0.1:${server.plain_mqtt_port}`, { reconnectPeriod: 0, protocolVersion: 5, ...durable });
    second.on('message', (topic, payload) => received.push(Number(payload)));
    const connack = await new Promise((resolve) => second.once('connect', resolve));
    assert.equal(connack.sessionPresent, true);
    await until(() => received.length >= messages, 60_000, () => `${received.length} arrived`);
    assert.deepEqual(received, Array.from({ length: messages }, (_, i) => i));
    await second.endAsync();
    publisher.end(true);
});
