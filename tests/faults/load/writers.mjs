// Writers by the AWS APIs. An attempt without an answer is given up: its records may be there once or not at all.
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { CompleteMultipartUploadCommand, CreateMultipartUploadCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { Journal } from './journal.mjs';

class Writer {
    constructor(name) {
        this.journal = new Journal(name, false);
        this.errors = new Map();
        this.stopped = false;
    }
    start() { this.ended = this.run(); return this; }
    async run() {
        while (!this.stopped) {
            try { await this.attempt(); } catch (error) {
                this.errors.set(error.name, (this.errors.get(error.name) ?? 0) + 1);
                await pause(30);
            }
        }
    }
    async finish() { this.stopped = true; await this.ended; }
    reading(number, more) {
        return Buffer.from(JSON.stringify({ timestamp: number, well: this.journal.writer, barrels_per_second: number / 4, reservoir_pressure_per_second: 2, ...more }));
    }
}

// PutRecords; one record of each second batch is no JSON and belongs under the error prefix.
export class StreamWriter extends Writer {
    constructor(name, client, stream, batch = 50) {
        super(name);
        this.bad = new Journal(`${name}-bad`, false);
        this.put = async (Records) => client.send(new PutRecordsCommand({ StreamName: stream, Records }), { requestTimeout: 5000 });
        this.batch = batch;
        this.batches = 0;
    }
    async attempt() {
        const withBad = this.batches++ % 2 === 0;
        const made = Array.from({ length: this.batch }, (_, i) => {
            const journal = withBad && i === 3 ? this.bad : this.journal;
            const number = journal.next();
            const Data = journal === this.bad ? Buffer.from(`no reading: ${this.bad.writer} ${number}`) : this.reading(number, { padding: 'x'.repeat(number % 3 === 0 ? 2000 : 10) });
            return { journal, number, record: { Data, PartitionKey: `${this.journal.writer}-${number % 5}` } };
        });
        try {
            const { Records } = await this.put(made.map((item) => item.record));
            Records.forEach((result, i) => { if (!result.ErrorCode) made[i].journal.acknowledge(made[i].number); });
        } finally {
            for (const { journal, number } of made) journal.giveUp(number);
        }
    }
}

export class DeliveryWriter extends Writer {
    constructor(name, client, DeliveryStreamName) {
        super(name);
        this.put = (Records) => client.send(new PutRecordBatchCommand({ DeliveryStreamName, Records }));
    }
    async attempt() {
        const numbers = Array.from({ length: 20 }, () => this.journal.next());
        try {
            const { RequestResponses } = await this.put(numbers.map((number) => ({ Data: this.reading(number) })));
            RequestResponses.forEach((result, i) => { if (!result.ErrorCode) this.journal.acknowledge(numbers[i]); });
        } finally {
            for (const number of numbers) this.journal.giveUp(number);
        }
        await pause(10);
    }
}

// Objects of many sizes, each twentieth in parts.
export class ObjectWriter extends Writer {
    constructor(name, client, Bucket) {
        super(name);
        this.client = client;
        this.Bucket = Bucket;
        this.digests = []; // by number
    }
    async attempt() {
        const number = this.journal.next();
        const inParts = number % 20 === 19;
        const Body = randomBytes(inParts ? (5 << 20) + number : [10, 3000, 70_000, 300_000][number % 4]);
        this.digests.push(createHash('sha256').update(Body).digest('hex'));
        const place = { Bucket: this.Bucket, Key: `objects/${this.journal.writer}/${number}` };
        try {
            if (inParts) await this.putInParts(place, Body);
            else await this.client.send(new PutObjectCommand({ ...place, Body }));
            this.journal.acknowledge(number);
        } finally {
            this.journal.giveUp(number);
        }
        await pause(10);
    }
    async putInParts(place, body) {
        const { UploadId } = await this.client.send(new CreateMultipartUploadCommand(place));
        const Parts = [];
        for (const [i, part] of [body.subarray(0, 5 << 20), body.subarray(5 << 20)].entries()) {
            const { ETag } = await this.client.send(new UploadPartCommand({ ...place, UploadId, PartNumber: i + 1, Body: part }));
            Parts.push({ PartNumber: i + 1, ETag });
        }
        await this.client.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }));
    }
}
