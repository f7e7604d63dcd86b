// AWS IoT with its own clients: the SDK for the two APIs, mosquitto's for MQTT with the certificates that were issued.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import * as iot from '@aws-sdk/client-iot';
import * as data from '@aws-sdk/client-iot-data-plane';
import * as kinesis from '@aws-sdk/client-kinesis';
import * as s3 from '@aws-sdk/client-s3';
import { startServer } from '../support/server.mjs';

const run = promisify(execFile);
const policyOf = (statements) => JSON.stringify({ Version: '2012-10-17', Statement: statements });

let server, control, plane, streams, folder;

before(async () => {
    server = await startServer();
    control = new iot.IoTClient(server.client);
    plane = new data.IoTDataPlaneClient(server.client);
    streams = new kinesis.KinesisClient(server.client);
    folder = mkdtempSync(join(tmpdir(), 'wellhead-iot-'));
});
after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
});

async function register(name, statements) {
    const thing = await control.send(new iot.CreateThingCommand({ thingName: name }));
    const keys = await control.send(new iot.CreateKeysAndCertificateCommand({ setAsActive: true }));
    await control.send(new iot.CreatePolicyCommand({ policyName: `policy-${name}`, policyDocument: policyOf(statements) }));
    await control.send(new iot.AttachPolicyCommand({ policyName: `policy-${name}`, target: keys.certificateArn }));
    await control.send(new iot.AttachThingPrincipalCommand({ thingName: name, principal: keys.certificateArn }));
    const device = { name, thing, keys, cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
    writeFileSync(device.cert, keys.certificatePem);
    writeFileSync(device.key, keys.keyPair.PrivateKey);
    return device;
}
const reach = (device) => ['-h', 'localhost', '-p', String(server.mqtt_port), '--cafile', server.caFile,
    '--cert', device.cert, '--key', device.key, '-i', device.name];
const publish = (device, topic, message, more = []) =>
    run('mosquitto_pub', [...reach(device), '-t', topic, '-q', '1', '-m', message, ...more], { timeout: 10000 });

// Calls act once the subscription stands, and resolves to the lines received.
async function listen(device, filter, count, act) {
    const child = spawn('stdbuf', ['-oL', 'mosquitto_sub', ...reach(device), '-t', filter, '-q', '1', '-C', String(count), '-W', '10', '-F', '%t %p', '-d']);
    let output = '';
    const subscribed = new Promise((resolve) => child.stdout.on('data', (chunk) => {
        output += chunk;
        if (output.includes('Subscribed')) resolve();
    }));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await Promise.race([subscribed, ended]);
    await act();
    await ended;
    return output.split('\n').filter((line) => line && !/^(Client|Subscribed)/.test(line));
}

const arn = (resource) => `arn:aws:iot:${server.region}:${server.account_id}:${resource}`;

test('a device registered by the API publishes through a rule into a stream', async () => {
    await streams.send(new kinesis.CreateStreamCommand({ StreamName: 'readings', ShardCount: 1 }));
    await kinesis.waitUntilStreamExists({ client: streams, maxWaitTime: 30, minDelay: 1, maxDelay: 2 }, { StreamName: 'readings' });
    await control.send(new iot.CreateTopicRuleCommand({
        ruleName: 'oilfield',
        topicRulePayload: {
            sql: "SELECT *, topic(2) AS well FROM 'oilfield/+/telemetry' WHERE pressure > 100",
            awsIotSqlVersion: '2016-03-23',
            actions: [{ kinesis: { roleArn: 'arn:aws:iam::000000000000:role/r', streamName: 'readings', partitionKey: '${topic(2)}' } }],
        },
    }));
    const device = await register('well-01', [
        { Effect: 'Allow', Action: 'iot:Connect', Resource: arn('client/${iot:Connection.Thing.ThingName}') },
        { Effect: 'Allow', Action: 'iot:Publish', Resource: arn('topic/oilfield/${iot:Connection.Thing.ThingName}/telemetry') },
    ]);
    await publish(device, 'oilfield/well-01/telemetry', '{"pressure":231.5}');
    await publish(device, 'oilfield/well-01/telemetry', '{"pressure":3}');
    const shard = (await streams.send(new kinesis.ListShardsCommand({ StreamName: 'readings' }))).Shards[0].ShardId;
    const { ShardIterator } = await streams.send(new kinesis.GetShardIteratorCommand({
        StreamName: 'readings', ShardId: shard, ShardIteratorType: 'TRIM_HORIZON',
    }));
    const { Records } = await streams.send(new kinesis.GetRecordsCommand({ ShardIterator }));
    assert.deepEqual(Records.map((record) => Buffer.from(record.Data).toString()), ['{"pressure":231.5,"well":"well-01"}']);
    assert.equal(Records[0].PartitionKey, 'well-01');
});

test('a rule puts messages into a bucket, and its failures where the error action says', async () => {
    const lake = new s3.S3Client(server.client);
    for (const Bucket of ['raw', 'errors']) await lake.send(new s3.CreateBucketCommand({ Bucket }));
    const roleArn = 'arn:aws:iam::000000000000:role/r';
    const rule = (ruleName, sql, bucketName) => control.send(new iot.CreateTopicRuleCommand({
        ruleName,
        topicRulePayload: {
            sql, awsIotSqlVersion: '2016-03-23',
            actions: [{ s3: { roleArn, bucketName, key: '${topic(2)}/${newuuid()}' } }],
            errorAction: { s3: { roleArn, bucketName: 'errors', key: '${topic(2)}' } },
        },
    }));
    await rule('bytes', "SELECT * FROM 'bytes/+'", 'raw');
    await rule('missing', "SELECT a FROM 'missing/+'", 'no-such-bucket');
    const device = await register('well-10', [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }]);
    await publish(device, 'bytes/one', 'not json \u00ff');
    await publish(device, 'missing/two', '{"a":1}');
    const listed = await lake.send(new s3.ListObjectsV2Command({ Bucket: 'raw' }));
    assert.equal(listed.Contents.length, 1);
    assert.ok(listed.Contents[0].Key.startsWith('one/'));
    const kept = await lake.send(new s3.GetObjectCommand({ Bucket: 'raw', Key: listed.Contents[0].Key }));
    assert.equal(await kept.Body.transformToString(), 'not json \u00ff');
    const failed = await lake.send(new s3.GetObjectCommand({ Bucket: 'errors', Key: 'two' }));
    const document = JSON.parse(await failed.Body.transformToString());
    assert.equal(document.ruleName, 'missing');
    assert.equal(Buffer.from(document.base64OriginalPayload, 'base64').toString(), '{"a":1}');
    assert.equal(document.failures[0].failedAction, 'S3Action');
    assert.match(document.failures[0].errorMessage, /NoSuchBucket/);
});

test('everything is there again after a kill', async () => {
    const own = await startServer({ keep: true });
    const before = new iot.IoTClient(own.client);
    await before.send(new iot.CreateThingCommand({ thingName: 'well-11', attributePayload: { attributes: { site: 'north' } } }));
    const keys = await before.send(new iot.CreateKeysAndCertificateCommand({ setAsActive: true }));
    await new data.IoTDataPlaneClient(own.client).send(new data.UpdateThingShadowCommand({
        thingName: 'well-11', payload: '{"state":{"reported":{"valve":"open"}}}',
    }));
    await own.kill('SIGKILL');
    const again = await startServer({ dataDir: own.dataDir });
    const later = new iot.IoTClient(again.client);
    assert.equal((await later.send(new iot.DescribeThingCommand({ thingName: 'well-11' }))).attributes.site, 'north');
    const certificate = await later.send(new iot.DescribeCertificateCommand({ certificateId: keys.certificateId }));
    assert.equal(certificate.certificateDescription.certificatePem, keys.certificatePem);
    const shadow = await new data.IoTDataPlaneClient(again.client).send(new data.GetThingShadowCommand({ thingName: 'well-11' }));
    assert.equal(JSON.parse(Buffer.from(shadow.payload).toString()).version, 1);
    await again.stop();
});

test('a device may not use what its policy does not allow', async () => {
    const device = await register('well-02', [
        { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' },
        { Effect: 'Allow', Action: 'iot:Publish', Resource: arn('topic/own/*') },
    ]);
    await publish(device, 'own/a', 'x', ['-V', '5']);
    const refused = await publish(device, 'foreign/a', 'x', ['-V', '5']).catch((error) => error);
    assert.match(`${refused.stderr}`, /[Nn]ot authori[sz]ed/);
});

test('a revoked certificate connects no more', async () => {
    const device = await register('well-03', [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }]);
    await publish(device, 'a', 'x');
    await control.send(new iot.UpdateCertificateCommand({ certificateId: device.keys.certificateId, newStatus: 'REVOKED' }));
    await assert.rejects(publish(device, 'a', 'x'));
});

test('an unknown certificate, and none at all, connect never', async () => {
    const device = await register('well-04', [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }]);
    const self = { ...device, cert: join(folder, 'self.crt'), key: join(folder, 'self.key') };
    await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=well-04', '-days', '1',
        '-keyout', self.key, '-out', self.cert]);
    await assert.rejects(publish(self, 'a', 'x'));
    await assert.rejects(run('mosquitto_pub', ['-h', 'localhost', '-p', String(server.mqtt_port), '--cafile', server.caFile,
        '-i', 'well-04', '-u', 'root', '-P', 'root', '-t', 'a', '-m', 'x'], { timeout: 10000 }));
});

test('shadows answer by MQTT and by HTTP alike', async () => {
    const device = await register('well-05', [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }]);
    const lines = await listen(device, '$aws/things/well-05/shadow/update/#', 3, async () => {
        await plane.send(new data.UpdateThingShadowCommand({
            thingName: 'well-05', payload: JSON.stringify({ state: { desired: { valve: 'open' } } }),
        }));
    });
    assert.deepEqual(lines.map((line) => line.split(' ')[0].split('/').pop()).sort(), ['accepted', 'delta', 'documents']);
    await publish({ ...device, name: 'well-05' }, '$aws/things/well-05/shadow/update', '{"state":{"reported":{"valve":"open"}}}');
    const shadow = await plane.send(new data.GetThingShadowCommand({ thingName: 'well-05' }));
    const document = JSON.parse(Buffer.from(shadow.payload).toString());
    assert.deepEqual(document.state, { desired: { valve: 'open' }, reported: { valve: 'open' } });
    assert.equal(document.version, 2);
    await assert.rejects(plane.send(new data.UpdateThingShadowCommand({
        thingName: 'well-05', payload: '{"state":{"desired":{"valve":"shut"}},"version":1}',
    })), { name: 'ConflictException' });
    await assert.rejects(plane.send(new data.GetThingShadowCommand({ thingName: 'none' })), { name: 'ResourceNotFoundException' });
});

test('the data API publishes to subscribers and shows retained messages', async () => {
    const device = await register('well-06', [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }]);
    const lines = await listen(device, 'from/http', 1, () => plane.send(new data.PublishCommand({
        topic: 'from/http', qos: 1, retain: true, payload: 'hello',
    })));
    assert.deepEqual(lines, ['from/http hello']);
    const kept = await plane.send(new data.GetRetainedMessageCommand({ topic: 'from/http' }));
    assert.equal(Buffer.from(kept.payload).toString(), 'hello');
    const listed = await plane.send(new data.ListRetainedMessagesCommand({}));
    assert.ok(listed.retainedTopics.some((item) => item.topic === 'from/http'));
});

test('a rule that cannot run is refused with the place of the fault', async () => {
    const rule = (sql, actions) => control.send(new iot.CreateTopicRuleCommand({ ruleName: 'bad', topicRulePayload: { sql, actions } }));
    await assert.rejects(rule("SELECT a FORM 'x'", []), { name: 'SqlParseException', message: /line 1, column 10/ });
    await assert.rejects(rule("SELECT * FROM 'x'", [{ lambda: { functionArn: 'arn:aws:lambda:us-east-1:1:function:f' } }]),
        { name: 'InvalidRequestException', message: /lambda is not served/ });
    await assert.rejects(control.send(new iot.GetTopicRuleCommand({ ruleName: 'bad' })), { name: 'UnauthorizedException' });
});

test('lists come in pages, and what is in use stays', async () => {
    for (let i = 0; i < 5; ++i) await control.send(new iot.CreateThingCommand({ thingName: `page-${i}` }));
    const names = [];
    for await (const page of iot.paginateListThings({ client: control, pageSize: 2 }, {})) {
        names.push(...page.things.map((thing) => thing.thingName));
    }
    assert.equal(names.filter((name) => name.startsWith('page-')).length, 5);
    const device = await register('well-07', [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }]);
    await assert.rejects(control.send(new iot.DeletePolicyCommand({ policyName: 'policy-well-07' })), { name: 'DeleteConflictException' });
    await assert.rejects(control.send(new iot.DeleteCertificateCommand({ certificateId: device.keys.certificateId })),
        { name: 'CertificateStateException' });
    const tags = await control.send(new iot.ListTagsForResourceCommand({ resourceArn: arn('policy/policy-well-07') }));
    assert.deepEqual(tags.tags, []);
    const endpoint = await control.send(new iot.DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }));
    assert.equal(endpoint.endpointAddress, `localhost:${server.mqtt_port}`);
});
