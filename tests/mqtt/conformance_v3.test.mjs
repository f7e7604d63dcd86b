// MQTT 3.1.1 by its normative statements, byte by byte.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startServer } from '../support/server.mjs';
import { RawClient, bytes, packet, text, u16 } from '../support/raw_mqtt.mjs';

let server, port;
before(async () => {
    server = await startServer({ args: ['--plain-mqtt-port', '0'] });
    port = server.plain_mqtt_port;
});
after(async () => { await server?.stop(); });

let count = 0;
const name = () => `v3-${++count}`;
const client = () => new RawClient(port, 4);
async function open(options = {}) {
    const made = client();
    const connack = await made.connect({ id: name(), ...options });
    assert.equal(connack.code, 0);
    made.present = connack.sessionPresent;
    return made;
}

test('a first packet other than CONNECT, or none that is whole, ends the connection [MQTT-3.1.0-1]', async () => {
    for (const first of [[0xc0, 0], [0xe0, 0], [0x30, 3, 0, 1, 97], [0x82, 6, 0, 1, 0, 1, 97, 0], [0x00, 0], [0xf0, 0], [0x20, 2, 0, 0], [0x40, 2, 0, 1]]) {
        const raw = client().send(first);
        assert.equal(await raw.ended(), null);
        assert.deepEqual(raw.packets, []);
    }
});

test('a second CONNECT ends the connection, and the will goes out [MQTT-3.1.0-2]', async () => {
    const watcher = await open();
    await watcher.subscribe('twice/will');
    const raw = await open({ will: { topic: 'twice/will', payload: 'gone' } });
    raw.send(raw.connectBytes({ id: name() }));
    await raw.ended();
    assert.equal((await watcher.message()).payload, 'gone');
});

test('protocol names and levels [MQTT-3.1.2-1, -2]', async () => {
    for (const level of [0, 2, 3, 127, 128, 132]) {
        // To a level that it does not know the server answers in the form of the newest that it does.
        const raw = new RawClient(port, level > 5 ? 5 : 4);
        assert.equal((await raw.connect({ id: 'x', level })).code, level > 5 ? 0x84 : 1, String(level));
        await raw.ended();
    }
    const old = client();
    assert.equal((await old.connect({ id: 'x', name: 'MQIsdp', level: 3 })).code, 1);
    for (const wrong of ['mqtt', 'MQT', 'MQTTT', '', 'HTTP']) {
        const raw = client();
        raw.send(raw.connectBytes({ id: 'x', name: wrong }));
        assert.equal(await raw.ended(), null);
    }
});

test('connect flags that contradict each other end the connection [MQTT-3.1.2-3, -11 to -15, -22]', async () => {
    // reserved; will QoS or retain without a will; will QoS 3; a password without a name
    for (const flags of [0x03, 0x0a, 0x12, 0x22, 0x1e]) {
        const raw = client();
        raw.send(packet(0x10, text('MQTT'), 4, flags, u16(60), text('flags'), text('t'), text('p')));
        assert.equal(await raw.ended(), null, flags.toString(16));
    }
    const raw = client();
    raw.send(packet(0x10, text('MQTT'), 4, 0x42, u16(60), text('flags'), text('p')));
    assert.equal(await raw.ended(), null);
});

test('a CONNECT that is cut short or has bytes behind it ends the connection', async () => {
    const whole = client().connectBytes({ id: 'cut', user: 'u', password: 'p' });
    const body = whole.subarray(2);
    for (let size = 0; size < body.length; ++size) {
        const raw = client();
        raw.send(packet(0x10, body.subarray(0, size)));
        assert.equal(await raw.next('CONNACK'), null, String(size));
    }
    const longer = client();
    longer.send(packet(0x10, body, 0));
    assert.equal(await longer.next('CONNACK'), null);
});

test('client identifiers: empty only with a clean session; long ones and any UTF-8 [MQTT-3.1.3-5 to -9]', async () => {
    const without = client();
    const refused = await without.connect({ id: '', clean: false });
    assert.equal(refused.code, 2);
    assert.equal(refused.sessionPresent, false);
    await without.ended();
    for (const id of ['', 'x'.repeat(23), 'x'.repeat(65535), 'Größe/水 ☃', 'a/b #+$']) await (await open({ id })).disconnect();
});

test('session present only where a session was kept [MQTT-3.2.2-1 to -3]', async () => {
    const id = name();
    assert.equal((await open({ id, clean: false })).present, false);
    const again = await open({ id, clean: false });
    assert.equal(again.present, true);
    await again.disconnect();
    assert.equal((await open({ id, clean: true })).present, false);
    assert.equal((await open({ id, clean: false })).present, false);
});

test('a clean session ends with its connection; the other keeps subscriptions and messages [MQTT-3.1.2-4 to -6]', async () => {
    for (const clean of [true, false]) {
        const id = name();
        const first = await open({ id, clean });
        await first.subscribe([[`${id}/1`, 1], [`${id}/2`, 2]]);
        await first.disconnect();
        const publisher = await open();
        for (const qos of [0, 1, 2]) await publisher.publish(`${id}/${qos}`, `m${qos}`, { qos });
        const second = await open({ id, clean: false });
        assert.equal(second.present, !clean);
        assert.deepEqual((await second.messages()).map((m) => m.payload), clean ? [] : ['m1', 'm2']);
        await publisher.publish(`${id}/1`, 'live', { qos: 1 });
        assert.equal((await second.messages()).length, clean ? 0 : 1);
    }
});

test('the same identifier again takes the session over [MQTT-3.1.4-2]', async () => {
    const id = name();
    const watcher = await open();
    await watcher.subscribe('over/will');
    const first = await open({ id, clean: false, will: { topic: 'over/will', payload: 'over' } });
    await first.subscribe('over/t', 1);
    const second = await open({ id, clean: false });
    assert.equal(await first.ended(), null);
    assert.equal(second.present, true);
    assert.equal((await watcher.message()).payload, 'over');
    await (await open()).publish('over/t', 'x', { qos: 1 });
    assert.equal((await second.message()).payload, 'x');
});

test('the will: its QoS and retain; not after DISCONNECT; after a protocol error and silence [MQTT-3.1.2-8 to -10, -24, 3.14.4-3]', async () => {
    const watcher = await open();
    await watcher.subscribe('will/#', 2);
    const lost = await open({ will: { topic: 'will/lost', payload: 'lost', qos: 2, retain: true } });
    lost.destroy();
    const got = await watcher.message();
    assert.deepEqual([got.topic, got.payload, got.qos, got.retain], ['will/lost', 'lost', 2, false]);
    const polite = await open({ will: { topic: 'will/polite', payload: 'p', qos: 1 } });
    await polite.disconnect();
    const wrong = await open({ will: { topic: 'will/wrong', payload: '', qos: 1 } });
    wrong.send([0x36, 5, 0, 1, 97, 0, 1]);
    await wrong.ended();
    assert.deepEqual((await watcher.messages()).map((m) => m.topic), ['will/wrong']);
    const later = await open();
    await later.subscribe('will/lost', 1);
    const retained = await later.message();
    assert.deepEqual([retained.payload, retained.retain, retained.qos], ['lost', true, 1]);
    await later.publish('will/lost', '', { qos: 1, retain: true });
    assert.equal((await watcher.message()).payload, '');
    const silent = await open({ keepAlive: 1, will: { topic: 'will/silent', payload: 's', qos: 0 } });
    const started = Date.now();
    await silent.ended();
    const passed = Date.now() - started;
    assert.ok(passed >= 1400 && passed < 3000, String(passed));
    assert.equal((await watcher.message()).topic, 'will/silent');
});

test('keep alive of zero never ends a connection; PINGREQ keeps one alive [MQTT-3.1.2-24, 3.12.4-1]', async () => {
    const forever = await open({ keepAlive: 0 });
    const pinging = await open({ keepAlive: 1 });
    for (let i = 0; i < 5; ++i) {
        await wait(600);
        await pinging.ping();
    }
    assert.equal(forever.closed, false);
    await forever.ping();
});

test('reserved flags of every packet end the connection [MQTT-2.2.2-2]', async () => {
    const wrong = {
        PUBACK: [0x41, 2, 0, 1], PUBREC: [0x52, 2, 0, 1], PUBREL: [0x60, 2, 0, 1], PUBCOMP: [0x74, 2, 0, 1],
        SUBSCRIBE: [0x80, 6, 0, 1, 0, 1, 97, 0], UNSUBSCRIBE: [0xa0, 5, 0, 1, 0, 1, 97], PINGREQ: [0xc8, 0],
        DISCONNECT: [0xe1, 0],
    };
    for (const [which, raw] of Object.entries(wrong)) {
        const one = await open();
        one.send(raw);
        assert.equal(await one.ended(), null, which);
    }
});

test('packets that only a server sends, type 0 and type 15 end the connection', async () => {
    for (const raw of [[0x20, 2, 0, 0], [0x90, 3, 0, 1, 0], [0xb0, 2, 0, 1], [0xd0, 0], [0x00, 0], [0xf0, 0]]) {
        const one = await open();
        one.send(raw);
        assert.equal(await one.ended(), null, raw.join());
    }
});

test('malformed packets of every kind end the connection', async () => {
    const wrong = {
        'a packet identifier of zero in PUBLISH': [0x32, 5, 0, 1, 97, 0, 0],
        'a packet identifier of zero in SUBSCRIBE': [0x82, 6, 0, 0, 0, 1, 97, 0],
        'a packet identifier of zero in UNSUBSCRIBE': [0xa2, 5, 0, 0, 0, 1, 97],
        'QoS 3': [0x36, 5, 0, 1, 97, 0, 1],
        'DUP with QoS 0': [0x38, 3, 0, 1, 97],
        'a topic with #': [0x30, 3, 0, 1, 0x23],
        'a topic with +': [0x30, 5, 0, 3, 97, 0x2f, 0x2b],
        'an empty topic': [0x30, 2, 0, 0],
        'a topic with U+0000': [0x30, 5, 0, 3, 97, 0, 98],
        'a topic with a surrogate': [0x30, 5, 0, 3, 0xed, 0xa0, 0x80],
        'an overlong encoding': [0x30, 4, 0, 2, 0xc0, 0x80],
        'a topic longer than the packet': [0x30, 3, 0, 9, 97],
        'PUBLISH without a topic': [0x30, 1, 0],
        'SUBSCRIBE without a filter': [0x82, 2, 0, 1],
        'SUBSCRIBE of QoS 3': [0x82, 6, 0, 1, 0, 1, 97, 3],
        'SUBSCRIBE with reserved bits': [0x82, 6, 0, 1, 0, 1, 97, 4],
        'SUBSCRIBE without a QoS': [0x82, 5, 0, 1, 0, 1, 97],
        'a filter with U+0000': [0x82, 7, 0, 1, 0, 2, 97, 0, 0],
        'UNSUBSCRIBE without a filter': [0xa2, 2, 0, 1],
        'a PUBACK that is too long': [0x40, 3, 0, 1, 0],
        'a PUBREL that is too short': [0x62, 1, 0],
        'a PINGREQ with a body': [0xc0, 1, 0],
        'a DISCONNECT with a body': [0xe0, 1, 0],
        'a length of five bytes': [0x30, 0xff, 0xff, 0xff, 0xff, 1],
    };
    for (const [what, raw] of Object.entries(wrong)) {
        const one = await open();
        one.send(raw);
        assert.equal(await one.ended(), null, what);
    }
});

test('topics of 65,535 bytes, of spaces, and U+FEFF travel as they are [MQTT-1.5.3-3, 4.7.3]', async () => {
    const one = await open();
    for (const topic of ['t'.repeat(65535), ' ', '/', '//', 'a//b', '\ufeffbom', 'ÄÖ/水/🛢', 'a b/c']) {
        await one.subscribe(topic, 1);
        await one.publish(topic, 'x', { qos: 1 });
        assert.equal((await one.message()).topic, topic);
        await one.unsubscribe(topic);
    }
});

test('filters match as 4.7.1 says, and those that are none are refused [MQTT-4.7.1-1 to -3, 4.7.2-1]', async () => {
    const cases = [
        ['#', 'm/a', true], ['#', '$m/a', false], ['+/a', '$m/a', false], ['$m/#', '$m/a', true], ['$m/+', '$m/a', true],
        ['m/+', 'm/a', true], ['m/+', 'm/a/b', false], ['m/+', 'm', false], ['m/+', 'm/', true], ['+', 'm', true], ['+', '/m', false],
        ['+/+', '/m', true], ['/+', '/m', true], ['m/#', 'm', true], ['m/#', 'm/', true], ['m/#', 'm/a/b/c', true], ['m/#', 'mm', false],
        ['m/+/b', 'm/a/b', true], ['m/+/b', 'm//b', true], ['+/+/#', 'm/a', true], ['M/a', 'm/a', false], ['m/a', 'm/a', true],
    ];
    const publisher = await open();
    const reader = await open();
    for (const [filter, topic, matches] of cases) {
        assert.deepEqual((await reader.subscribe(filter, 1)).codes, [1]);
        await publisher.publish(topic, 'x', { qos: 1 });
        await publisher.publish('end', 'x', { qos: 1 });
        const got = (await reader.messages()).filter((m) => m.topic === topic);
        assert.equal(got.length, matches ? 1 : 0, `${filter} ${topic}`);
        await reader.unsubscribe(filter);
    }
    for (const filter of ['a#', 'a/#/b', '#/a', 'a+', '+a', 'a/b+/c', '##', '++', 'a/+b', '/a#']) {
        const ack = await reader.subscribe(filter, 0);
        assert.ok(ack === null || ack.codes[0] === 0x80, filter);
    }
});

test('SUBACK answers each filter in order; the same filter again replaces [MQTT-3.8.4-1 to -6]', async () => {
    const one = await open();
    assert.deepEqual((await one.subscribe([['s/0', 0], ['s/1', 1], ['s/2', 2], ['s/#/x', 1], ['s/0', 1]])).codes, [0, 1, 2, 0x80, 1]);
    await one.publish('s/0', 'x', { qos: 2 });
    const got = await one.messages();
    assert.equal(got.length, 1);
    assert.equal(got[0].qos, 1);
});

test('a message goes out at the lower QoS of the two, overlapping filters give the highest [MQTT-3.3.5-1]', async () => {
    const publisher = await open();
    for (const granted of [0, 1, 2]) {
        const reader = await open();
        await reader.subscribe(`low/${granted}`, granted);
        for (const qos of [0, 1, 2]) await publisher.publish(`low/${granted}`, String(qos), { qos });
        const got = await reader.messages();
        assert.deepEqual(got.map((m) => [m.payload, m.qos]).sort(), [0, 1, 2].map((qos) => [String(qos), Math.min(qos, granted)]));
    }
    const both = await open();
    await both.subscribe([['over/#', 2], ['over/+', 0], ['over/a', 1]]);
    await publisher.publish('over/a', 'x', { qos: 2 });
    const got = await both.messages();
    assert.ok(got.some((m) => m.qos === 2));
});

test('UNSUBSCRIBE removes the named filters alone and always answers [MQTT-3.10.4-1 to -6]', async () => {
    const one = await open();
    await one.subscribe([['u/a', 1], ['u/b', 1], ['u/+', 0]]);
    assert.equal((await one.unsubscribe('u/+', 'never')).type, 'UNSUBACK');
    await one.publish('u/a', 'a', { qos: 1 });
    await one.publish('u/c', 'c', { qos: 1 });
    assert.deepEqual((await one.messages()).map((m) => m.payload), ['a']);
});

test('retained messages: last one wins, empty one deletes, the flag is only set for new subscriptions [MQTT-3.3.1-5 to -11]', async () => {
    const one = await open();
    await one.publish('r/a', 'first', { qos: 1, retain: true });
    await one.publish('r/a', 'second', { qos: 2, retain: true });
    await one.publish('r/b', 'zero', { retain: true });
    await one.publish('r/c', 'not kept', { qos: 1 });
    const reader = await open();
    await reader.subscribe('r/#', 2);
    assert.deepEqual((await reader.messages()).map((m) => [m.topic, m.payload, m.retain, m.qos]).sort(), [['r/a', 'second', true, 2], ['r/b', 'zero', true, 0]]);
    await one.publish('r/a', 'third', { qos: 1, retain: true });
    const live = await reader.message();
    assert.deepEqual([live.payload, live.retain], ['third', false]);
    await one.publish('r/a', '', { qos: 1, retain: true });
    const empty = await reader.message();
    assert.deepEqual([empty.payload, empty.retain], ['', false]);
    await reader.subscribe('r/#', 1);
    assert.deepEqual((await reader.messages()).map((m) => m.topic), ['r/b']);
    await one.publish('r/b', '', { retain: true });
});

test('QoS 1 and 2 are sent again with DUP after a reconnect, in order, with the same identifiers [MQTT-4.4.0-1, 4.6.0]', async () => {
    const id = name();
    let reader = await open({ id, clean: false });
    await reader.subscribe([['again/1', 1], ['again/2', 2]]);
    const publisher = await open();
    await publisher.publish('again/1', 'one', { qos: 1 });
    await publisher.publish('again/2', 'two', { qos: 2 });
    await publisher.publish('again/2', 'three', { qos: 2 });
    const first = [await reader.next('PUBLISH'), await reader.next('PUBLISH'), await reader.next('PUBLISH')];
    assert.deepEqual(first.map((m) => m.dup), [false, false, false]);
    reader.destroy();
    reader = await open({ id, clean: false });
    const second = [await reader.next('PUBLISH'), await reader.next('PUBLISH'), await reader.next('PUBLISH')];
    assert.deepEqual(second.map((m) => [m.payload, m.dup]), [['one', true], ['two', true], ['three', true]]);
    assert.deepEqual(second.slice(1).map((m) => m.id), first.slice(1).map((m) => m.id));
    // PUBREC came: from then on it is PUBREL that is repeated.
    reader.send(packet(0x50, u16(second[1].id)));
    assert.equal((await reader.next('PUBREL')).id, second[1].id);
    reader.destroy();
    reader = await open({ id, clean: false });
    const third = [await reader.next(), await reader.next(), await reader.next()];
    assert.deepEqual(third.map((m) => m.type).sort(), ['PUBLISH', 'PUBLISH', 'PUBREL']);
    for (const got of third) {
        if (got.type === 'PUBREL') reader.send(packet(0x70, u16(got.id)));
        else if (got.qos === 1) reader.send(packet(0x40, u16(got.id)));
        else reader.send(packet(0x50, u16(got.id)));
    }
    reader.send(packet(0x70, u16((await reader.next('PUBREL')).id)));
    assert.deepEqual(await reader.messages(), []);
    await reader.disconnect();
    const last = await open({ id, clean: false });
    assert.deepEqual(await last.messages(), []);
});

test('an inbound QoS 2 identifier counts once until PUBREL, over connections too [MQTT-4.3.3-2]', async () => {
    const reader = await open();
    await reader.subscribe('once/t', 2);
    const id = name();
    let one = await open({ id, clean: false });
    one.send(one.publishBytes('once/t', 'a', { qos: 2, id: 7 }));
    await one.next('PUBREC');
    one.send(one.publishBytes('once/t', 'a', { qos: 2, id: 7, dup: true }));
    await one.next('PUBREC');
    one.destroy();
    one = await open({ id, clean: false });
    one.send(one.publishBytes('once/t', 'a', { qos: 2, id: 7, dup: true }));
    await one.next('PUBREC');
    one.send(packet(0x62, u16(7)));
    await one.next('PUBCOMP');
    one.send(packet(0x62, u16(7)));
    assert.equal((await one.next('PUBCOMP')).id, 7);
    one.send(one.publishBytes('once/t', 'b', { qos: 2, id: 7 }));
    await one.next('PUBREC');
    one.send(packet(0x62, u16(7)));
    await one.next('PUBCOMP');
    assert.deepEqual((await reader.messages()).map((m) => m.payload), ['a', 'b']);
});

test('a PUBREL for an identifier that nobody knows is answered; stray acknowledgements do no harm', async () => {
    const one = await open();
    one.send(packet(0x62, u16(999)));
    assert.equal((await one.next('PUBCOMP')).id, 999);
    one.send(packet(0x40, u16(5)), packet(0x70, u16(6)));
    await one.ping();
});

test('a packet may arrive byte by byte, and many at once', async () => {
    const slow = client();
    for (const byte of slow.connectBytes({ id: name() })) {
        slow.send(byte);
        await wait(1);
    }
    assert.equal((await slow.next('CONNACK')).code, 0);
    slow.send(bytes(slow.subscribeBytes([['fast', 1]]), ...Array.from({ length: 300 }, (_, i) => slow.publishBytes('fast', String(i), { qos: 1 }))));
    for (let i = 0; i < 300; ++i) assert.equal((await slow.message()).payload, String(i));
});

test('large payloads up to the limit travel; a packet beyond it ends the connection', async () => {
    const one = await open();
    await one.subscribe('large', 1);
    const payload = 'x'.repeat(3 * 1024 * 1024);
    await one.publish('large', payload, { qos: 1 });
    assert.equal((await one.message()).payload.length, payload.length);
    one.send([0x30, 0xff, 0xff, 0xff, 0x7f]);
    await one.ended();
});
