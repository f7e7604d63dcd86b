// MQTT 5 by its normative statements, byte by byte. What both versions share is in conformance_v3.test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startServer } from '../support/server.mjs';
import { RawClient, bytes, packet, props, text, u16, varint } from '../support/raw_mqtt.mjs';

let server, port;
before(async () => {
    server = await startServer({ args: ['--plain-mqtt-port', '0'] });
    port = server.plain_mqtt_port;
});
after(async () => { await server?.stop(); });

let count = 0;
const name = () => `v5-${++count}`;
const client = () => new RawClient(port, 5);
async function open(options = {}) {
    const made = client();
    made.connack = await made.connect({ id: name(), ...options });
    assert.equal(made.connack.code, 0);
    return made;
}
// What a connection is told when it sends bytes that it should not: the reason code of the DISCONNECT.
async function reasonFor(sent, options) {
    const one = await open(options);
    one.send(sent);
    const said = await one.ended();
    return said?.code;
}

test('a CONNECT that is malformed is refused with 0x81 or 0x82 and closed', async () => {
    const connect = (properties, flags = 2, rest = text('x')) => packet(0x10, text('MQTT'), 5, flags, u16(60), properties, rest);
    const refused = {
        'an unknown property': [connect(bytes(2, 0x7e, 0)), 0x81],
        'a property of another packet': [connect(bytes(3, 0x23, 0, 1)), 0x81],
        'session expiry twice': [connect(bytes(10, 0x11, 0, 0, 0, 1, 0x11, 0, 0, 0, 1)), 0x82],
        'receive maximum 0': [connect(props({ receiveMaximum: 0 })), 0x82],
        'maximum packet size 0': [connect(props({ maximumPacketSize: 0 })), 0x82],
        'request problem information 2': [connect(props({ requestProblem: 2 })), 0x82],
        'request response information 2': [connect(props({ requestResponse: 2 })), 0x82],
        'authentication data alone': [connect(props({ authData: 'x' })), 0x82],
        'a length that is not shortest': [connect(bytes(0x80, 0x00)), 0x81],
        'a property cut short': [connect(bytes(2, 0x11, 0), 2, []), 0x81],
        'a reserved flag': [connect(props(), 3), 0x81],
        'will QoS 3': [connect(props(), 0x1e, bytes(text('x'), props(), text('t'), text('p'))), 0x81],
        'will flags without a will': [connect(props(), 0x22), 0x81],
        'a client identifier that is not UTF-8': [connect(props(), 2, bytes(u16(1), 0xff)), 0x81],
        'bytes behind the end': [connect(props(), 2, bytes(text('x'), 0)), 0x81],
    };
    for (const [what, [sent, code]] of Object.entries(refused)) {
        const raw = client().send(sent);
        assert.equal((await raw.next('CONNACK'))?.code, code, what);
        await raw.ended();
    }
});

test('CONNECTs that are well formed and not acceptable get their own codes', async () => {
    const refused = [
        [{ level: 6 }, 0x84], [{ props: { authMethod: 'SCRAM-SHA-256' } }, 0x8c], [{ props: { authMethod: 'x', authData: 'y' } }, 0x8c],
        [{ will: { topic: 'a/#' } }, 0x90], [{ will: { topic: '' } }, 0x90],
        [{ will: { topic: 'w', payload: Buffer.from([0xff]), props: { payloadFormat: 1 } } }, 0x99],
    ];
    for (const [options, code] of refused) {
        const raw = client();
        assert.equal((await raw.connect({ id: name(), ...options }))?.code, code, JSON.stringify(options));
        await raw.ended();
    }
    // A password without a user name is fine in 5.
    await open({ password: 'secret' });
});

test('an empty client identifier is assigned, with either kind of start [MQTT-3.1.3-6, 3.2.2-16]', async () => {
    const seen = new Set();
    for (const clean of [true, false]) {
        const one = await open({ id: '', clean });
        assert.ok(one.connack.props.assignedClientId);
        seen.add(one.connack.props.assignedClientId);
    }
    assert.equal(seen.size, 2);
    assert.equal((await open({ id: 'given' })).connack.props.assignedClientId, undefined);
});

test('session expiry: zero ends with the connection, others last their time, DISCONNECT may change it [MQTT-3.1.2-23, 3.14.2]', async () => {
    const id = name();
    const start = (clean, sessionExpiry) => open({ id, clean, props: sessionExpiry === undefined ? {} : { sessionExpiry } });
    await (await start(false)).disconnect();
    assert.equal((await start(false, 1)).connack.sessionPresent, false);
    let one = await start(false, 60);
    assert.equal(one.connack.sessionPresent, true);
    await one.disconnect(0, { sessionExpiry: 0 });
    one = await start(false, 1);
    assert.equal(one.connack.sessionPresent, false);
    await one.disconnect();
    await wait(1700);
    one = await start(false, 0xffffffff);
    assert.equal(one.connack.sessionPresent, false);
    await one.disconnect(0, { sessionExpiry: 100 });
    one = await start(false, 60);
    assert.equal(one.connack.sessionPresent, true);
    assert.equal((await start(true, 0)).connack.sessionPresent, false);
    const none = await open();
    none.send(packet(0xe0, 0, props({ sessionExpiry: 5 })));
    assert.equal((await none.ended())?.code, 0x82);
});

test('a session that is taken over says 0x8E to the one before [MQTT-3.1.4-3]', async () => {
    const id = name();
    const first = await open({ id });
    await open({ id });
    assert.equal((await first.ended()).code, 0x8e);
});

test('bytes that break the protocol are answered with the code of the fault', async () => {
    const publish = (properties, topic = 't', flags = 0x30) => packet(flags, text(topic), flags & 6 ? u16(1) : [], properties, Buffer.from('x'));
    const subscribe = (filter, options, properties = props()) => packet(0x82, u16(1), properties, text(filter), options);
    const faults = {
        'QoS 3': [[0x36, 6, 0, 1, 97, 0, 1, 0], 0x81],
        'DUP with QoS 0': [[0x38, 4, 0, 1, 97, 0], 0x81],
        'a remaining length that is not shortest': [[0xc0, 0x80, 0x00], 0x81],
        'a remaining length of five bytes': [[0x30, 0xff, 0xff, 0xff, 0xff, 1], 0x81],
        'a property length that is not shortest': [publish(bytes(0x80, 0)), 0x81],
        'a topic that is not UTF-8': [[0x30, 4, 0, 1, 0xff, 0], 0x81],
        'a topic with U+0000': [[0x30, 4, 0, 1, 0, 0], 0x81],
        'a topic with a surrogate': [[0x30, 6, 0, 3, 0xed, 0xbf, 0xbf, 0], 0x81],
        'a topic with a wildcard': [publish(props(), 'a/+'), 0x90],
        'no topic and no alias': [publish(props(), ''), 0x82],
        'alias 0': [publish(props({ topicAlias: 0 })), 0x94],
        'an alias above the maximum': [publish(props({ topicAlias: 65535 })), 0x94],
        'an alias that was never set': [publish(props({ topicAlias: 1 }), ''), 0x82],
        'payload format 2': [publish(props({ payloadFormat: 2 })), 0x82],
        'message expiry twice': [publish(bytes(10, 2, 0, 0, 0, 1, 2, 0, 0, 0, 1)), 0x82],
        'content type twice': [publish(bytes(8, 3, 0, 1, 97, 3, 0, 1, 97)), 0x82],
        'a user property that is not UTF-8': [publish(bytes(6, 38, 0, 1, 97, 0, 1, 0xff).subarray(0, 8)), 0x81],
        'a subscription identifier from a client': [publish(props({ subscriptionId: 1 })), 0x82],
        'a response topic with a wildcard': [publish(props({ responseTopic: 'a/#' })), 0x82],
        'a session expiry in PUBLISH': [publish(props({ sessionExpiry: 1 })), 0x81],
        'an unknown property': [publish(bytes(2, 0x7f, 0)), 0x81],
        'properties longer than the packet': [[0x30, 4, 0, 1, 97, 9], 0x81],
        'no filter': [packet(0x82, u16(1), props()), 0x82],
        'subscription QoS 3': [subscribe('a', 3), 0x82],
        'retain handling 3': [subscribe('a', 0x30), 0x82],
        'reserved subscription options': [subscribe('a', 0x40), 0x81],
        'a subscription identifier of 0': [subscribe('a', 0, bytes(2, 11, 0)), 0x82],
        'two subscription identifiers': [subscribe('a', 0, bytes(4, 11, 1, 11, 2)), 0x82],
        'no local on a shared subscription': [subscribe('$share/g/a', 4), 0x82],
        'UNSUBSCRIBE without a filter': [packet(0xa2, u16(1), props()), 0x82],
        'reserved flags of SUBSCRIBE': [packet(0x80, u16(1), props(), text('a'), 0), 0x81],
        'reserved flags of UNSUBSCRIBE': [packet(0xa0, u16(1), props(), text('a')), 0x81],
        'reserved flags of PUBREL': [[0x60, 2, 0, 1], 0x81],
        'reserved flags of PINGREQ': [[0xc1, 0], 0x81],
        'PINGREQ with a body': [[0xc0, 1, 0], 0x81],
        'an unknown reason in PUBACK': [[0x40, 3, 0, 1, 0x55], 0x82],
        'an unknown reason in DISCONNECT': [[0xe0, 1, 0x55], 0x82],
        'AUTH without an authentication': [[0xf0, 0], 0x82],
        'a second CONNECT': [client().connectBytes({ id: 'second' }), 0x82],
        'a packet of a server': [[0xd0, 0], 0x82],
        'a packet above the maximum': [[0x30, 0xff, 0xff, 0xff, 0x7f], 0x95],
        'type 0': [[0x00, 0], 0x81],
    };
    for (const [what, [sent, code]] of Object.entries(faults)) assert.equal(await reasonFor(sent), code, what);
});

test('topic filters that are none are refused one by one with 0x8F [MQTT-3.9.3, 4.7.1, 4.8.2-1, -2]', async () => {
    const one = await open();
    const wrong = ['a#', '#/a', 'a/#/b', 'a+', '+a/b', '$share/g', '$share//a', '$share/g/', '$share/g+/a', '$share/g#/a', '$share/g/a#', ''];
    const ack = await one.subscribe([...wrong.map((filter) => [filter, 1]), ['good', 1], ['$share/g/good', 2]]);
    assert.deepEqual(ack.codes, [...wrong.map(() => 0x8f), 1, 2]);
    const gone = await one.unsubscribe('good', 'never', 'a#', '$share/g/good', '$share/g/other');
    assert.deepEqual(gone.codes, [0, 0x11, 0x8f, 0, 0x11]);
});

test('properties travel unaltered and user properties in order [MQTT-3.3.2-4, -15 to -18, -20]', async () => {
    const reader = await open();
    await reader.subscribe('p', 2);
    const user = [['b', '1'], ['a', '2'], ['b', '3'], ['', ''], ['ü', '水'], ['a', '2']];
    const sent = { payloadFormat: 1, contentType: 'text/plain', responseTopic: 'answer/here', correlationData: Buffer.from([0, 255, 1]), user };
    for (const qos of [0, 1, 2]) {
        await reader.publish('p', 'grün', { qos, props: sent });
        const got = await reader.message();
        assert.deepEqual(got.props, { ...sent, correlationData: Buffer.from([0, 255, 1]) });
    }
    // A reader of 3.1.1 gets the payload alone.
    const old = new RawClient(port, 4);
    await old.connect({ id: name() });
    await old.subscribe('p', 1);
    await reader.publish('p', 'x', { qos: 1, props: sent });
    assert.equal((await old.message()).payload, 'x');
});

test('a payload that claims to be UTF-8 and is not is refused with 0x99', async () => {
    const one = await open();
    const bad = Buffer.from([0xc3, 0x28]);
    assert.equal((await one.publish('f', bad, { qos: 1, props: { payloadFormat: 1 } })).code, 0x99);
    assert.equal((await one.publish('f', bad, { qos: 2, props: { payloadFormat: 1 } })).code, 0x99);
    assert.ok((await one.publish('f', bad, { qos: 1, props: { payloadFormat: 0 } })).code < 0x80);
});

test('a QoS 1 or 2 publish that nobody gets may say 0x10, a PUBREL for nothing 0x92', async () => {
    const one = await open();
    assert.ok([0, 0x10].includes((await one.publish('nobody', 'x', { qos: 1 })).code));
    one.send(packet(0x62, u16(77)));
    assert.equal((await one.next('PUBCOMP')).code, 0x92);
    one.send(packet(0x50, u16(78)));
    assert.equal((await one.next('PUBREL')).code, 0x92);
});

test('message expiry counts down while a message waits, and ends it [MQTT-3.3.2-5, -6]', async () => {
    const id = name();
    const session = { id, clean: false, props: { sessionExpiry: 60 } };
    const first = await open(session);
    await first.subscribe('expiry', 1);
    await first.disconnect();
    const publisher = await open();
    await publisher.publish('expiry', 'short', { qos: 1, props: { messageExpiry: 1 } });
    await publisher.publish('expiry', 'long', { qos: 1, props: { messageExpiry: 100 } });
    await publisher.publish('expiry', 'kept', { qos: 1, retain: true, props: { messageExpiry: 1 } });
    await wait(2100);
    const second = await open(session);
    const got = await second.messages();
    assert.deepEqual(got.map((m) => m.payload), ['long']);
    assert.ok(got[0].props.messageExpiry <= 98 && got[0].props.messageExpiry > 90, String(got[0].props.messageExpiry));
    await second.subscribe('expiry', 1);
    assert.deepEqual(await second.messages(), []);
});

test('subscription options: no local, retain as published, retain handling [MQTT-3.3.1-8 to -13, 3.8.3-3]', async () => {
    const one = await open();
    const other = await open();
    await one.subscribe([['nl', 1 | 4], ['rap', 1 | 8], ['norap', 1]]);
    await one.publish('nl', 'own', { qos: 1 });
    await other.publish('nl', 'other', { qos: 1 });
    await other.publish('rap', 'r', { qos: 1, retain: true });
    await other.publish('rap', 'n', { qos: 1 });
    await other.publish('norap', 'r', { qos: 1, retain: true });
    assert.deepEqual((await one.messages()).map((m) => [m.topic, m.payload, m.retain]), [['nl', 'other', false], ['rap', 'r', true], ['rap', 'n', false], ['norap', 'r', false]]);
    const handling = async (filter, options) => {
        await one.subscribe(filter, options);
        return (await one.messages()).length;
    };
    await one.unsubscribe('rap');
    assert.equal(await handling('rap', 1 | 0x20), 0);  // never
    assert.equal(await handling('rap', 1 | 0x10), 0);  // only when new, and it is not
    assert.equal(await handling('rap', 1), 1);         // always
    assert.equal(await handling('rap', 1), 1);
    await one.unsubscribe('rap');
    assert.equal(await handling('rap', 1 | 0x10), 1);  // new again
    for (const topic of ['rap', 'norap']) await other.publish(topic, '', { qos: 1, retain: true });
});

test('retained messages keep their properties and go out with the subscription identifier', async () => {
    const one = await open();
    await one.publish('rid', 'x', { qos: 1, retain: true, props: { contentType: 't', user: [['a', 'b']] } });
    await one.subscribe('rid', 1, { props: { subscriptionId: 268435455 } });
    const got = await one.message();
    assert.deepEqual(got.props, { contentType: 't', user: [['a', 'b']], subscriptionId: [268435455] });
    assert.equal(got.retain, true);
    await one.publish('rid', '', { qos: 1, retain: true });
});

test('overlapping subscriptions carry all of their identifiers; again without one drops it [MQTT-3.3.4-2 to -5]', async () => {
    const one = await open();
    await one.subscribe('o/a', 0, { props: { subscriptionId: 1 } });
    await one.subscribe('o/+', 2, { props: { subscriptionId: 2 } });
    await one.subscribe('#', 1, { props: { subscriptionId: 3 } });
    await one.publish('o/a', 'x', { qos: 2 });
    let got = (await one.messages('o-mark')).filter((m) => m.topic === 'o/a');
    assert.deepEqual(got.flatMap((m) => m.props.subscriptionId).sort(), [1, 2, 3]);
    assert.equal(Math.max(...got.map((m) => m.qos)), 2);
    await one.unsubscribe('#', 'o/+');
    await one.subscribe('o/a', 1);
    await one.publish('o/a', 'x', { qos: 1 });
    got = await one.messages();
    assert.equal(got.length, 1);
    assert.equal(got[0].props.subscriptionId, undefined);
});

test('shared subscriptions: one of a group, each group, plain ones too; no retained messages [MQTT-4.8.2]', async () => {
    const publisher = await open();
    await publisher.publish('share/t', 'kept', { qos: 1, retain: true });
    const a = [await open(), await open()];
    const b = await open();
    for (const member of a) await member.subscribe('$share/a/share/+', 1);
    await b.subscribe([['$share/b/share/t', 1], ['share/#', 1 | 0x20]]);
    for (let i = 0; i < 20; ++i) await publisher.publish('share/t', String(i), { qos: 1 });
    const got = [await a[0].messages(), await a[1].messages()];
    assert.equal(got[0].length + got[1].length, 20);
    assert.ok(got[0].length > 0 && got[1].length > 0);
    assert.equal((await b.messages()).filter((m) => m.topic === 'share/t').length, 40);
    await a[0].disconnect();
    await publisher.publish('share/t', 'last', { qos: 1 });
    assert.equal((await a[1].message()).payload, 'last');
    await publisher.publish('share/t', '', { qos: 1, retain: true });
});

test('a client within its receive maximum, towards it and from it [MQTT-3.3.4-7 to -9]', async () => {
    const slow = await open({ props: { receiveMaximum: 2 } });
    await slow.subscribe('flow', 2);
    const publisher = await open();
    for (let i = 0; i < 5; ++i) await publisher.publish('flow', String(i), { qos: i % 2 + 1 });
    const first = [await slow.next('PUBLISH'), await slow.next('PUBLISH')];
    slow.send([0xc0, 0]);
    assert.equal((await slow.next()).type, 'PINGRESP');  // and not a third
    await assert.rejects(slow.next('PUBLISH', 200));
    slow.send(packet(0x40, u16(first[0].id)));
    assert.equal((await slow.next('PUBLISH')).payload, '2');
    // QoS 2 frees its place with PUBCOMP, or with a PUBREC that refuses.
    slow.send(packet(0x50, u16(first[1].id), 0x87, 0));
    assert.equal((await slow.next('PUBLISH')).payload, '3');

    const eager = await open();
    const most = eager.connack.props.receiveMaximum ?? 65535;
    for (let i = 1; i <= most + 1; ++i) eager.send(eager.publishBytes('eager', 'x', { qos: 2, id: i }));
    assert.equal((await eager.ended()).code, 0x93);
});

test('the maximum packet size of a client: what is larger is left out as if it were done [MQTT-3.1.2-24, -25]', async () => {
    const small = await open({ props: { maximumPacketSize: 60 } });
    await small.subscribe('size', 1);
    const publisher = await open();
    await publisher.publish('size', 'x'.repeat(100), { qos: 1 });
    await publisher.publish('size', 'fits', { qos: 1 });
    const got = await small.messages('m');
    assert.deepEqual(got.map((m) => m.payload), ['fits']);
    // Not even a CONNACK fits: nothing is sent.
    const tiny = client();
    assert.equal(await tiny.connect({ id: name(), props: { maximumPacketSize: 4 } }), null);
});

test('topic aliases from the client: set, used, replaced, gone with the connection [MQTT-3.3.2-7 to -12]', async () => {
    const reader = await open();
    await reader.subscribe('alias/#', 1);
    const one = await open({ id: 'aliaser', clean: false, props: { sessionExpiry: 60 } });
    const most = one.connack.props.topicAliasMaximum;
    await one.publish('alias/a', '1', { qos: 1, props: { topicAlias: most } });
    await one.publish('', '2', { qos: 1, props: { topicAlias: most } });
    await one.publish('alias/b', '3', { qos: 1, props: { topicAlias: most } });
    await one.publish('', '4', { qos: 2, props: { topicAlias: most } });
    assert.deepEqual((await reader.messages()).map((m) => m.topic), ['alias/a', 'alias/a', 'alias/b', 'alias/b']);
    await one.disconnect();
    const again = await open({ id: 'aliaser', clean: false });
    assert.equal(again.connack.sessionPresent, true);
    again.send(again.publishBytes('', '5', { qos: 1, props: { topicAlias: most } }));
    assert.equal((await again.ended()).code, 0x82);
});

test('topic aliases towards the client stay within its maximum [MQTT-3.1.2-26, -27]', async () => {
    const one = await open({ props: { topicAliasMaximum: 2 } });
    await one.subscribe('ta/#', 1);
    const known = {};
    for (const topic of ['ta/1', 'ta/1', 'ta/2', 'ta/3', 'ta/1', 'ta/3', 'ta/2']) {
        await one.publish(topic, topic, { qos: 1 });
        const got = await one.message();
        const alias = got.props.topicAlias;
        if (alias !== undefined) assert.ok(alias >= 1 && alias <= 2);
        if (got.topic !== '') { if (alias) known[alias] = got.topic; } else got.topic = known[alias];
        assert.equal(got.topic, topic);
    }
    const none = await open();
    await none.subscribe('ta/#', 0);
    await one.publish('ta/1', 'x', { qos: 1 });
    assert.equal((await none.message()).props.topicAlias, undefined);
});

test('the will: delay, session end, 0x04, properties and retain [MQTT-3.1.2-8, 3.1.3-9, 3.14.2]', async () => {
    const watcher = await open();
    await watcher.subscribe('w/#', 1 | 8);
    const will = (topic, more = {}) => ({ topic, payload: topic, qos: 1, ...more });
    // At once: no delay; asked for with 0x04; the session ends before the delay.
    (await open({ will: will('w/now') })).destroy();
    assert.equal((await watcher.message()).topic, 'w/now');
    await (await open({ will: will('w/asked') })).disconnect(4);
    assert.equal((await watcher.message()).topic, 'w/asked');
    (await open({ will: will('w/ended', { props: { willDelay: 100 } }) })).destroy();
    assert.equal((await watcher.message()).topic, 'w/ended');
    (await open({ props: { sessionExpiry: 1 }, will: will('w/expired', { props: { willDelay: 100 } }) })).destroy();
    assert.equal((await watcher.message()).topic, 'w/expired');
    // Delayed; and not when the client is back in time.
    const started = Date.now();
    (await open({ props: { sessionExpiry: 100 }, will: will('w/late', { props: { willDelay: 1 } }) })).destroy();
    assert.equal((await watcher.message()).topic, 'w/late');
    assert.ok(Date.now() - started >= 950);
    const id = name();
    (await open({ id, props: { sessionExpiry: 100 }, will: will('w/back', { props: { willDelay: 2 } }) })).destroy();
    await open({ id, clean: false, props: { sessionExpiry: 100 } });
    // Its own session ended by a clean start: at once.
    const other = name();
    (await open({ id: other, props: { sessionExpiry: 100 }, will: will('w/clean', { props: { willDelay: 50 } }) })).destroy();
    await wait(100);
    await open({ id: other, clean: true });
    assert.equal((await watcher.message()).topic, 'w/clean');
    await (await open({ will: will('w/polite') })).disconnect();
    await (await open({ will: will('w/other-reason') })).disconnect(0x80);
    assert.equal((await watcher.message()).topic, 'w/other-reason');
    const properties = { payloadFormat: 1, contentType: 'c', responseTopic: 'r', correlationData: Buffer.from('d'), user: [['z', '1'], ['a', '2']], messageExpiry: 60 };
    (await open({ will: will('w/props', { retain: true, props: properties }) })).destroy();
    const got = await watcher.message();
    const { messageExpiry, ...others } = got.props;
    assert.ok(messageExpiry > 0 && messageExpiry <= 60);
    assert.deepEqual({ ...others, messageExpiry: 60 }, properties);
    assert.equal(got.retain, true);
    await wait(2000);
    assert.deepEqual(await watcher.messages(), []);
    await watcher.publish('w/props', '', { qos: 1, retain: true });
});

test('reason strings only where they are wanted; response information only when asked [MQTT-3.1.2-28, -29]', async () => {
    const quiet = await open({ props: { requestProblem: 0 } });
    const ack = await quiet.publish('q', Buffer.from([0xff]), { qos: 1, props: { payloadFormat: 1 } });
    assert.deepEqual([ack.code, ack.props], [0x99, {}]);
    assert.equal(quiet.connack.props.responseInformation, undefined);
});

test('short forms of acknowledgements are understood, long ones too', async () => {
    const one = await open();
    await one.subscribe('forms', 2);
    for (const forms of [[[], []], [[0], [0]], [[0, 0], [0, 0]], [bytes(0, props({ reasonString: 'r', user: [['a', 'b']] })), bytes(0, props({ user: [['a', 'b']] }))]]) {
        one.send(one.publishBytes('forms', 'x', { qos: 2 }));
        const got = await one.next('PUBLISH');
        one.send(packet(0x50, u16(got.id), forms[0]));
        assert.equal((await one.next('PUBREL')).code, 0);
        one.send(packet(0x70, u16(got.id), forms[1]));
        await one.next('PUBREC').then((rec) => one.send(packet(0x62, u16(rec.id), forms[0]))).catch(() => {});
    }
});

test('a variable byte integer of four bytes is taken: a subscription identifier of 268,435,455', async () => {
    const one = await open();
    assert.deepEqual(varint(268435455), Buffer.from([0xff, 0xff, 0xff, 0x7f]));
    assert.deepEqual((await one.subscribe('big', 1, { props: { subscriptionId: 268435455 } })).codes, [1]);
    await one.publish('big', 'x', { qos: 1 });
    assert.deepEqual((await one.message()).props.subscriptionId, [268435455]);
});

test('lifecycle events tell of clients that come and go, and nobody else can', async () => {
    const watcher = await open();
    await watcher.subscribe([['$aws/events/presence/+/seen', 1], ['$aws/events/subscriptions/+/seen', 1]]);
    const seen = await open({ id: 'seen' });
    await seen.subscribe([['x/y', 1], ['z', 0]]);
    await seen.unsubscribe('z');
    await seen.disconnect();
    const events = [];
    while (events.length < 4) {
        const got = await watcher.message();
        events.push([got.topic.split('/').slice(2, 4).join('/'), JSON.parse(got.payload)]);
    }
    assert.deepEqual(events.map(([topic]) => topic), ['presence/connected', 'subscriptions/subscribed', 'subscriptions/unsubscribed', 'presence/disconnected']);
    assert.equal(events[0][1].clientId, 'seen');
    assert.equal(events[0][1].eventType, 'connected');
    assert.equal(events[0][1].ipAddress, '127.0.0.1');
    assert.match(events[0][1].sessionIdentifier, /^[0-9a-f]{8}-[0-9a-f]{4}-/);
    assert.deepEqual(events[1][1].topics, ['x/y', 'z']);
    assert.equal(events[3][1].disconnectReason, 'CLIENT_INITIATED_DISCONNECT');
    assert.equal(events[3][1].clientInitiatedDisconnect, true);
    (await open({ id: 'seen' })).destroy();
    await watcher.message();
    assert.equal(JSON.parse((await watcher.message()).payload).disconnectReason, 'CONNECTION_LOST');
    assert.equal((await watcher.publish('$aws/events/presence/connected/seen', '{}', { qos: 1 })).code, 0x87);
});
