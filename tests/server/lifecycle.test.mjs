// A server that is reset, stopped under load, and cut off in the middle of a deployment.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { AthenaClient, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CognitoIdentityProviderClient, CreateUserPoolCommand, ListUserPoolsCommand } from '@aws-sdk/client-cognito-identity-provider';
import { CreateDatabaseCommand, GetDatabasesCommand, GlueClient } from '@aws-sdk/client-glue';
import { CreateKeysAndCertificateCommand, CreateThingCommand, IoTClient, ListThingsCommand } from '@aws-sdk/client-iot';
import {
    CreateStreamCommand, DescribeStreamCommand, KinesisClient, ListStreamsCommand, PutRecordCommand, RegisterStreamConsumerCommand,
    SubscribeToShardCommand, waitUntilStreamExists,
} from '@aws-sdk/client-kinesis';
import { CreateBucketCommand, GetObjectCommand, ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import mqtt from 'mqtt';

import { startServer } from '../support/server.mjs';

const clients = (server) => ({
    kinesis: new KinesisClient(server.client), s3: new S3Client(server.client), iot: new IoTClient(server.client),
    glue: new GlueClient(server.client), athena: new AthenaClient(server.client),
    cognito: new CognitoIdentityProviderClient(server.client), cloudformation: new CloudFormationClient(server.client),
});
const reset = (server) => fetch(`${server.client.endpoint}/_wellhead/reset`, { method: 'POST' });

async function fill({ kinesis, s3, iot, glue, cognito, cloudformation }) {
    await kinesis.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 2 }));
    await waitUntilStreamExists({ client: kinesis, minDelay: 1, maxWaitTime: 20 }, { StreamName: 's' });
    await kinesis.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'p', Data: Buffer.from('x') }));
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }));
    await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'big', Body: Buffer.alloc(8 << 20) }));
    await iot.send(new CreateThingCommand({ thingName: 'thing' }));
    await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }));
    await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: 'db' } }));
    await cognito.send(new CreateUserPoolCommand({ PoolName: 'pool' }));
    await cloudformation.send(new CreateStackCommand({
        StackName: 'stack', TemplateBody: 'Resources: {B: {Type: AWS::S3::Bucket, Properties: {BucketName: of-stack}}}',
    }));
}

async function contents({ kinesis, s3, iot, glue, cognito, cloudformation }) {
    return {
        streams: (await kinesis.send(new ListStreamsCommand({}))).StreamNames,
        buckets: ((await s3.send(new ListBucketsCommand({}))).Buckets ?? []).map((bucket) => bucket.Name),
        things: (await iot.send(new ListThingsCommand({}))).things.map((thing) => thing.thingName),
        databases: (await glue.send(new GetDatabasesCommand({}))).DatabaseList.map((database) => database.Name).filter((name) => name !== 'default'),
        pools: (await cognito.send(new ListUserPoolsCommand({ MaxResults: 10 }))).UserPools.map((pool) => pool.Name).filter((name) => name !== 'wellhead-console'),
        stacks: (await cloudformation.send(new DescribeStacksCommand({}))).Stacks.map((stack) => stack.StackName),
    };
}

const EMPTY = { streams: [], buckets: [], things: [], databases: [], pools: [], stacks: [] };

test('a reset empties everything and the server goes on', async () => {
    const server = await startServer({ args: ['--allow-reset', '--plain-mqtt-port', '0'] });
    try {
        const ca = readFileSync(server.caFile, 'utf8');
        for (let round = 0; round < 3; ++round) {
            const sdk = clients(server);
            await fill(sdk);
            const device = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.plain_mqtt_port}`, { reconnectPeriod: 0 });
            const gone = new Promise((resolve) => device.once('close', resolve));
            // Under way while it happens: a subscription, and a body that nobody reads.
            const { StreamDescription: stream } = await sdk.kinesis.send(new DescribeStreamCommand({ StreamName: 's' }));
            const { Consumer } = await sdk.kinesis.send(new RegisterStreamConsumerCommand({ StreamARN: stream.StreamARN, ConsumerName: 'c' }));
            const subscribed = sdk.kinesis.send(new SubscribeToShardCommand({
                ConsumerARN: Consumer.ConsumerARN, ShardId: 'shardId-000000000000', StartingPosition: { Type: 'LATEST' },
            })).then(async ({ EventStream }) => { for await (const event of EventStream) void event; }).catch(() => {});
            const body = await sdk.s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'big' }));
            body.Body.on('error', () => {});

            const began = Date.now();
            const answer = await reset(server);
            assert.equal(answer.status, 200, await answer.clone().text());
            const summary = await answer.json();
            assert.equal(summary.port, server.port);
            assert.ok(summary.first_login.password);
            assert.ok(Date.now() - began < 15_000);
            body.Body.destroy();
            await Promise.all([gone, subscribed]);
            assert.deepEqual(await contents(clients(server)), EMPTY);
        }
        // Clients that trusted the authority still do.
        assert.equal(readFileSync(server.caFile, 'utf8'), ca);
        assert.ok((await fetch(server.console)).status < 500);
        const device = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.plain_mqtt_port}`);
        await device.endAsync();
        const both = await Promise.all([reset(server), reset(server)]);
        assert.deepEqual(both.map((answer) => answer.status), [200, 200]);
    } finally {
        assert.deepEqual(await server.stop(), { code: 0, signal: null });
    }
});

test('a reset is asked for with POST, and not by a page of another site', async () => {
    const server = await startServer({ args: ['--allow-reset'] });
    try {
        assert.equal((await fetch(`${server.client.endpoint}/_wellhead/reset`)).status, 405);
        const answer = await fetch(`${server.client.endpoint}/_wellhead/reset`, { method: 'POST', headers: { origin: 'http://evil.example' } });
        assert.equal(answer.status, 403);
    } finally {
        await server.stop();
    }
});

test('SIGTERM ends it within seconds under load, and nothing acknowledged is lost', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'wellhead-term-'));
    let server = await startServer({ dataDir, keep: true, args: ['--plain-mqtt-port', '0'] });
    const sdk = clients(server);
    await fill(sdk);
    const { StreamDescription: stream } = await sdk.kinesis.send(new DescribeStreamCommand({ StreamName: 's' }));
    const { Consumer } = await sdk.kinesis.send(new RegisterStreamConsumerCommand({ StreamARN: stream.StreamARN, ConsumerName: 'c' }));
    const streams = [0, 1].map((i) => sdk.kinesis.send(new SubscribeToShardCommand({
        ConsumerARN: Consumer.ConsumerARN, ShardId: `shardId-00000000000${i}`, StartingPosition: { Type: 'LATEST' },
    })).then(async ({ EventStream }) => { for await (const event of EventStream) void event; }).catch(() => {}));
    await sdk.athena.send(new StartQueryExecutionCommand({
        QueryString: 'SELECT count(*) FROM UNNEST(sequence(1, 100000)) AS a(x), UNNEST(sequence(1, 100000)) AS b(y) WHERE (x * y) % 7 = 3',
        ResultConfiguration: { OutputLocation: 's3://bucket/queries/' },
    }));
    const devices = await Promise.all(Array.from({ length: 20 }, (_, i) =>
        mqtt.connectAsync(`mqtt://127.0.0.1:${server.plain_mqtt_port}`, { clientId: `d${i}`, reconnectPeriod: 0 })));
    for (const device of devices) device.on('error', () => {});
    await Promise.all(devices.map((device) => device.subscribeAsync('load/#', { qos: 1 })));
    let stopping = false;
    const load = devices.map(async (device, i) => {
        while (!stopping && device.connected) {
            await device.publishAsync(`load/${i}`, 'x'.repeat(100), { qos: 1 }).catch(() => { stopping = true; });
        }
    });
    let acknowledged = 0;
    const puts = (async () => {
        while (!stopping) {
            await sdk.kinesis.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'p', Data: Buffer.from('x') }))
                .then(() => { ++acknowledged; }, () => { stopping = true; });
        }
    })();
    while (acknowledged < 20) await new Promise((resolve) => { setImmediate(resolve); });
    const began = Date.now();
    const how = await server.stop();
    const took = Date.now() - began;
    stopping = true;
    assert.deepEqual(how, { code: 0, signal: null }, server.log());
    assert.ok(took < 8000, `it took ${took} ms`);
    for (const device of devices) device.end(true);
    await Promise.allSettled([...streams, ...load, puts]);

    server = await startServer({ dataDir });
    assert.deepEqual((await contents(clients(server))).streams, ['s']);
    await server.stop();
});

test('kill -9 in the middle of a deployment: it goes on with the next start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wellhead-kill-'));
    const dataDir = join(folder, 'data');
    let text = 'Resources:\n';
    for (let i = 0; i < 12; ++i) {
        text += `  S${i}: {Type: AWS::Kinesis::Stream, ${i ? `DependsOn: S${i - 1}, ` : ''}Properties: {Name: many-${i}, ShardCount: 1}}\n`;
    }
    let server = await startServer({ dataDir, keep: true, args: ['--creation-delay', '200ms'] });
    await clients(server).cloudformation.send(new CreateStackCommand({ StackName: 'many', TemplateBody: text }));
    while ((await contents(clients(server))).streams.length < 5);
    await server.kill();
    server = await startServer({ dataDir, keep: true, args: ['--creation-delay', '200ms'] });
    const status = async () => (await clients(server).cloudformation.send(new DescribeStacksCommand({ StackName: 'many' }))).Stacks[0].StackStatus;
    while (await status() === 'CREATE_IN_PROGRESS');
    assert.equal(await status(), 'CREATE_COMPLETE');
    assert.equal((await contents(clients(server))).streams.length, 12);
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
});
