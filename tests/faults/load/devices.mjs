// Devices: MQTT clients that keep a window of unacknowledged readings and send them again when they come back.
import { readFileSync } from 'node:fs';
import { AttachPolicyCommand, AttachThingPrincipalCommand, CreateKeysAndCertificateCommand, CreateThingCommand } from '@aws-sdk/client-iot';
import mqtt from 'mqtt';
import { Journal } from './journal.mjs';

// A thing with a certificate of its own: what mqtt.connect needs for mutual TLS.
export async function registerThing(iot, server, thingName) {
    await iot.send(new CreateThingCommand({ thingName }));
    const { certificatePem: cert, certificateArn, keyPair } = await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }));
    await iot.send(new AttachThingPrincipalCommand({ thingName, principal: certificateArn }));
    await iot.send(new AttachPolicyCommand({ policyName: 'well', target: certificateArn }));
    return { protocol: 'mqtts', host: '127.0.0.1', port: server.mqtt_port, ca: readFileSync(server.caFile), cert, key: keyPair.PrivateKey };
}

export class Device {
    constructor(name, connection, { qos = 1, protocolVersion = 5, window = 20 } = {}) {
        this.journal = new Journal(name, true);
        this.qos = qos;
        this.window = window;
        this.stopped = false;
        this.errors = new Set();
        this.refusals = [];
        this.client = mqtt.connect({
            ...connection, clientId: name, clean: false, protocolVersion, reconnectPeriod: 50, connectTimeout: 5000,
            properties: protocolVersion === 5 ? { sessionExpiryInterval: 3600 } : undefined,
        });
        this.client.on('error', (error) => this.errors.add(String(error)));
        this.client.on('connect', () => this.fill());
    }
    fill() {
        while (!this.stopped && this.client.connected && this.journal.open.size < this.window) this.publish();
    }
    publish() {
        const name = this.journal.writer;
        const number = this.journal.next();
        const reading = JSON.stringify({ timestamp: number, well: name, barrels_per_second: number / 4, reservoir_pressure_per_second: 1 });
        this.client.publish(`oilfield/${name}/telemetry`, reading, { qos: this.qos }, (error) => {
            // 0x92 answers a PUBREL that is sent again because its PUBCOMP was lost (MQTT 5, 4.4): the message had been taken.
            if (!error || error.code === 0x92) this.journal.acknowledge(number);
            else if (error.message === 'Connection closed') this.journal.giveUp(number); // the library did not get to sending it
            else this.refusals.push(`${name} ${number}: ${error}`);
            setImmediate(() => this.fill());
        });
    }
    // Ends once everything sent is acknowledged.
    async finish(until) {
        this.stopped = true;
        await until(() => this.journal.open.size === 0, 60_000, () => `${this.journal.writer} lacks ${this.journal.open.size} acknowledgements: ${[...this.errors]}`);
        await this.client.endAsync();
    }
}

// A durable session that takes part of what the devices publish.
export class Reader {
    constructor(name, connection, filter) {
        this.counts = new Map(); // writer -> number -> how often
        this.orders = [];
        const last = new Map();
        this.client = mqtt.connect({ ...connection, clientId: name, clean: false, protocolVersion: 5, reconnectPeriod: 50, properties: { sessionExpiryInterval: 3600 } });
        this.client.on('error', () => {});
        this.client.on('message', (topic, payload, packet) => {
            const { well, timestamp } = JSON.parse(payload);
            const counts = this.counts.get(well) ?? this.counts.set(well, new Map()).get(well);
            counts.set(timestamp, (counts.get(timestamp) ?? 0) + 1);
            if (counts.get(timestamp) === 1 && timestamp < (last.get(well) ?? -1)) this.orders.push(`${well}: ${timestamp} after ${last.get(well)}, dup ${packet.dup}`);
            last.set(well, Math.max(timestamp, last.get(well) ?? -1));
        });
        this.subscribed = new Promise((resolve) => this.client.once('connect', () => resolve(this.client.subscribeAsync(filter, { qos: 2 }))));
    }
}
