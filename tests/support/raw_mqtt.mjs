// A client that speaks MQTT byte by byte, so that a test can also say what no well-behaved client says.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';

export const type = {
    CONNECT: 1, CONNACK: 2, PUBLISH: 3, PUBACK: 4, PUBREC: 5, PUBREL: 6, PUBCOMP: 7, SUBSCRIBE: 8, SUBACK: 9,
    UNSUBSCRIBE: 10, UNSUBACK: 11, PINGREQ: 12, PINGRESP: 13, DISCONNECT: 14, AUTH: 15,
};
const names = Object.fromEntries(Object.entries(type).map(([name, value]) => [value, name]));

export const bytes = (...parts) => Buffer.concat(parts.map((part) =>
    typeof part === 'number' ? Buffer.from([part]) : Array.isArray(part) ? Buffer.from(part) : part));
export const u16 = (value) => Buffer.from([value >> 8, value & 0xff]);
export const u32 = (value) => { const b = Buffer.alloc(4); b.writeUInt32BE(value); return b; };
export const varint = (value) => {
    const out = [];
    do {
        let byte = value % 128;
        value = Math.floor(value / 128);
        if (value > 0) byte |= 128;
        out.push(byte);
    } while (value > 0);
    return Buffer.from(out);
};
export const text = (value) => { const b = Buffer.from(value); return bytes(u16(b.length), b); };
export const packet = (first, ...body) => { const b = bytes(...body); return bytes(first, varint(b.length), b); };

// id: [name, kind]
const properties = {
    1: ['payloadFormat', 'u8'], 2: ['messageExpiry', 'u32'], 3: ['contentType', 'text'], 8: ['responseTopic', 'text'],
    9: ['correlationData', 'bin'], 11: ['subscriptionId', 'var'], 17: ['sessionExpiry', 'u32'], 18: ['assignedClientId', 'text'],
    19: ['serverKeepAlive', 'u16'], 21: ['authMethod', 'text'], 22: ['authData', 'bin'], 23: ['requestProblem', 'u8'],
    24: ['willDelay', 'u32'], 25: ['requestResponse', 'u8'], 26: ['responseInformation', 'text'], 28: ['serverReference', 'text'],
    31: ['reasonString', 'text'], 33: ['receiveMaximum', 'u16'], 34: ['topicAliasMaximum', 'u16'], 35: ['topicAlias', 'u16'],
    36: ['maximumQoS', 'u8'], 37: ['retainAvailable', 'u8'], 38: ['user', 'pair'], 39: ['maximumPacketSize', 'u32'],
    40: ['wildcardAvailable', 'u8'], 41: ['subscriptionIdAvailable', 'u8'], 42: ['sharedAvailable', 'u8'],
};
const ids = Object.fromEntries(Object.entries(properties).map(([id, [name]]) => [name, Number(id)]));

// {name: value}; user and subscriptionId may be lists.
export function props(given = {}) {
    const parts = [];
    for (const [name, value] of Object.entries(given)) {
        const kind = properties[ids[name]][1];
        const values = name === 'user' || (name === 'subscriptionId' && Array.isArray(value)) ? value : [value];
        for (const each of values) {
            parts.push(bytes(ids[name],
                kind === 'u8' ? [each] : kind === 'u16' ? u16(each) : kind === 'u32' ? u32(each) : kind === 'var' ? varint(each)
                    : kind === 'pair' ? bytes(text(each[0]), text(each[1])) : text(each)));
        }
    }
    const block = bytes(...parts);
    return bytes(varint(block.length), block);
}

class Reader {
    constructor(buffer) { this.buffer = buffer; this.at = 0; }
    get left() { return this.buffer.length - this.at; }
    u8() { return this.buffer[this.at++]; }
    u16() { this.at += 2; return this.buffer.readUInt16BE(this.at - 2); }
    u32() { this.at += 4; return this.buffer.readUInt32BE(this.at - 4); }
    bin() { const size = this.u16(); this.at += size; return this.buffer.subarray(this.at - size, this.at); }
    text() { return this.bin().toString(); }
    var() { let value = 0; for (let shift = 1; ; shift *= 128) { const byte = this.u8(); value += (byte & 127) * shift; if (byte < 128) return value; } }
    pair() { return [this.text(), this.text()]; }
    rest() { const rest = this.buffer.subarray(this.at); this.at = this.buffer.length; return rest; }
    props() {
        const found = {};
        if (this.left === 0) return found;
        const end = this.var() + this.at;
        while (this.at < end) {
            const [name, kind] = properties[this.var()];
            const value = this[kind]();
            if (name === 'user' || name === 'subscriptionId') (found[name] ??= []).push(value);
            else { assert.ok(!(name in found), `${name} twice`); found[name] = value; }
        }
        return found;
    }
}

function decode(first, body, v5) {
    const kind = first >> 4;
    const reader = new Reader(body);
    const got = { type: names[kind], flags: first & 15, size: body.length };
    if (kind === type.CONNACK) {
        got.sessionPresent = reader.u8() === 1;
        got.code = reader.u8();
        if (v5) got.props = reader.props();
    } else if (kind === type.PUBLISH) {
        got.dup = (first & 8) !== 0;
        got.qos = first >> 1 & 3;
        got.retain = (first & 1) !== 0;
        got.topic = reader.text();
        if (got.qos > 0) got.id = reader.u16();
        got.props = v5 ? reader.props() : {};
        got.payload = reader.rest().toString('latin1');
    } else if (kind >= type.PUBACK && kind <= type.PUBCOMP) {
        got.id = reader.u16();
        got.code = reader.left ? reader.u8() : 0;
        got.props = reader.props();
    } else if (kind === type.SUBACK || kind === type.UNSUBACK) {
        got.id = reader.u16();
        if (v5) got.props = reader.props();
        got.codes = [...reader.rest()];
    } else if (kind === type.DISCONNECT || kind === type.AUTH) {
        got.code = reader.left ? reader.u8() : 0;
        got.props = reader.props();
    }
    assert.equal(reader.left, 0, `bytes behind a ${got.type}`);
    return got;
}

export class RawClient {
    constructor(port, version = 5) {
        this.v5 = version === 5;
        this.level = version === 5 ? 5 : 4;
        this.packets = [];
        this.closed = false;
        this.wakes = new Set();
        this.nextId = 0;
        let pending = Buffer.alloc(0);
        this.socket = connectSocket({ port, host: '127.0.0.1', noDelay: true });
        this.socket.on('error', () => {});
        this.socket.on('close', () => { this.closed = true; this.wake(); });
        this.socket.on('end', () => this.socket.end());
        this.socket.on('data', (chunk) => {
            pending = Buffer.concat([pending, chunk]);
            for (;;) {
                let size = 0, i = 1;
                for (let shift = 1; ; shift *= 128) {
                    if (i >= pending.length) return this.wake();
                    size += (pending[i] & 127) * shift;
                    if (pending[i++] < 128) break;
                }
                if (pending.length < i + size) return this.wake();
                this.packets.push(decode(pending[0], pending.subarray(i, i + size), this.v5));
                pending = pending.subarray(i + size);
            }
        });
    }
    wake() { for (const wake of this.wakes) wake(); }
    send(...parts) { this.socket.write(bytes(...parts)); return this; }
    // The next packet, or the next of that type, leaving others; null once the connection is closed.
    async next(wanted, limitMs = 5000) {
        const end = Date.now() + limitMs;
        for (;;) {
            const at = this.packets.findIndex((got) => !wanted || got.type === wanted);
            if (at >= 0) return this.packets.splice(at, 1)[0];
            if (this.closed) return null;
            if (Date.now() >= end) throw new Error(`no ${wanted ?? 'packet'} within ${limitMs} ms`);
            await new Promise((resolve) => {
                const timer = setTimeout(done, Math.max(1, end - Date.now()));
                const all = this.wakes;
                function done() { clearTimeout(timer); all.delete(done); resolve(); }
                all.add(done);
            });
        }
    }
    connectBytes({ id = '', clean = true, keepAlive = 60, props: p = {}, will, user, password, name = 'MQTT', level = this.level, flags } = {}) {
        const bits = (clean ? 2 : 0) | (will ? 4 | (will.qos ?? 0) << 3 | (will.retain ? 32 : 0) : 0) |
            (password !== undefined ? 64 : 0) | (user !== undefined ? 128 : 0);
        return packet(0x10, text(name), level, flags ?? bits, u16(keepAlive), this.v5 ? props(p) : [], text(id),
            will ? bytes(this.v5 ? props(will.props) : [], text(will.topic), text(will.payload ?? '')) : [],
            user !== undefined ? text(user) : [], password !== undefined ? text(password) : []);
    }
    // The CONNACK, or null when the connection is closed without one.
    async connect(options = {}) {
        this.send(this.connectBytes(options));
        return this.next('CONNACK');
    }
    publishBytes(topic, payload = '', { qos = 0, retain = false, dup = false, id, props: p } = {}) {
        return packet(0x30 | (dup ? 8 : 0) | qos << 1 | (retain ? 1 : 0), text(topic), qos > 0 ? u16(id ?? ++this.nextId) : [],
            this.v5 ? props(p) : [], Buffer.from(payload));
    }
    // The acknowledgement (of QoS 2: the PUBCOMP, or a PUBREC that refuses).
    async publish(topic, payload, options = {}) {
        this.send(this.publishBytes(topic, payload, options));
        if (!options.qos) return null;
        if (options.qos === 1) return this.next('PUBACK');
        const rec = await this.next('PUBREC');
        if (!rec || rec.code >= 0x80) return rec;
        this.send(packet(0x62, u16(rec.id)));
        return this.next('PUBCOMP');
    }
    subscribeBytes(filters, { id = ++this.nextId, props: p } = {}) {
        return packet(0x82, u16(id), this.v5 ? props(p) : [], ...filters.map(([filter, options]) => bytes(text(filter), options)));
    }
    // filter or [[filter, options byte], ...]
    async subscribe(filters, qos = 0, options = {}) {
        this.send(this.subscribeBytes(Array.isArray(filters) ? filters : [[filters, qos]], options));
        return this.next('SUBACK');
    }
    async unsubscribe(...filters) {
        this.send(packet(0xa2, u16(++this.nextId), this.v5 ? props() : [], ...filters.map(text)));
        return this.next('UNSUBACK');
    }
    // The next PUBLISH, acknowledged.
    async message(limitMs) {
        const got = await this.next('PUBLISH', limitMs);
        if (got?.qos === 1) this.send(packet(0x40, u16(got.id)));
        if (got?.qos === 2) {
            this.send(packet(0x50, u16(got.id)));
            await this.next('PUBREL');
            this.send(packet(0x70, u16(got.id)));
        }
        return got;
    }
    // All messages that were on their way: a round trip with the server, which answers in order, ends them.
    async messages(marker = `mark/${Math.random()}`) {
        const all = [];
        await this.subscribe(marker, 1);
        this.send(this.publishBytes(marker, 'mark', { qos: 1 }));
        for (;;) {
            const got = await this.message();
            if (got === null || got.topic === marker) break;
            all.push(got);
        }
        return all;
    }
    ping() { this.send([0xc0, 0]); return this.next('PINGRESP'); }
    // The DISCONNECT of the server, or null, and then the end.
    async ended(limitMs = 5000) {
        const said = await this.next('DISCONNECT', limitMs);
        if (!this.closed) await Promise.race([once(this.socket, 'close'), new Promise((_, no) => setTimeout(() => no(new Error('still open')), limitMs).unref())]);
        return said;
    }
    async disconnect(code, p) {
        this.send(code === undefined ? [0xe0, 0] : packet(0xe0, code, p ? props(p) : []));
        return this.ended();
    }
    destroy() { this.socket.destroy(); }
}
