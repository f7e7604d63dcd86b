// F24: every protocol, and each way in which a request may fail to prove who sent it: refused with the documented code in
// the protocol's own form, and nothing done.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { CognitoIdentityProviderClient, ListUserPoolsCommand } from '@aws-sdk/client-cognito-identity-provider';
import { FirehoseClient, ListDeliveryStreamsCommand } from '@aws-sdk/client-firehose';
import { GetDatabasesCommand, GlueClient } from '@aws-sdk/client-glue';
import { IoTClient, ListThingsCommand } from '@aws-sdk/client-iot';
import { AthenaClient, ListWorkGroupsCommand } from '@aws-sdk/client-athena';
import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { sha256, sign, timestamp } from '../protocol/sign.mjs';
import { startServer } from '../support/server.mjs';

let server;
before(async () => { server = await startServer(); });
after(async () => { await server?.stop(); });

const json = (version, target, body) => ({ method: 'POST', path: '/', headers: { 'content-type': `application/x-amz-json-${version}`, 'x-amz-target': target }, body: JSON.stringify(body) });
// {"StreamName": "x", "ShardCount": 1} in CBOR.
const cbor = Buffer.from([0xa2, 0x6a, ...Buffer.from('StreamName'), 0x61, 0x78, 0x6a, ...Buffer.from('ShardCount'), 0x01]);

// What would be made, by one request a protocol.
const requests = {
    'kinesis, JSON': { service: 'kinesis', ...json('1.1', 'Kinesis_20131202.CreateStream', { StreamName: 'x', ShardCount: 1 }) },
    'kinesis, CBOR': { service: 'kinesis', method: 'POST', path: '/', headers: { 'content-type': 'application/x-amz-cbor-1.1', 'x-amz-target': 'Kinesis_20131202.CreateStream' }, body: cbor },
    firehose: { service: 'firehose', ...json('1.1', 'Firehose_20150804.CreateDeliveryStream', { DeliveryStreamName: 'x', S3DestinationConfiguration: { RoleARN: 'arn:aws:iam::000000000000:role/r', BucketARN: 'arn:aws:s3:::box' } }) },
    glue: { service: 'glue', ...json('1.1', 'AWSGlue.CreateDatabase', { DatabaseInput: { Name: 'x' } }) },
    athena: { service: 'athena', ...json('1.1', 'AmazonAthena.CreateWorkGroup', { Name: 'x' }) },
    'cognito-idp': { service: 'cognito-idp', ...json('1.1', 'AWSCognitoIdentityProviderService.CreateUserPool', { PoolName: 'x' }) },
    iot: { service: 'iot', method: 'POST', path: '/things/x', headers: { 'content-type': 'application/json' }, body: '{}' },
    s3: { service: 's3', method: 'PUT', path: '/xxx', headers: {}, body: '' },
};

function ask({ method, path, headers, body }) {
    return new Promise((resolve, reject) => {
        const request = http.request({ host: '127.0.0.1', port: server.port, method, path, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, (response) => {
            const pieces = [];
            response.on('data', (data) => pieces.push(data));
            response.on('end', () => {
                const text = Buffer.concat(pieces).toString('latin1');
                const code = response.headers['x-amzn-errortype']?.split(':')[0] ?? /<Code>(\w+)</.exec(text)?.[1] ?? /"__type":"(?:[\w.]+#)?(\w+)"/.exec(text)?.[1] ?? /__typex?[\x60-\x7f]?.?((?:\w+)Exception)/.exec(text)?.[1];
                resolve({ status: response.statusCode, code, text, type: response.headers['content-type'], id: response.headers['x-amzn-requestid'] ?? response.headers['x-amz-request-id'] });
            });
        });
        request.on('error', reject);
        request.end(body);
    });
}

function signed(request, { scope = {}, credentials = server.credentials, more = {} } = {}) {
    const host = `127.0.0.1:${server.port}`;
    const { headers } = sign({ method: request.method, path: request.path, headers: { host, ...request.headers, ...more }, payload: sha256(request.body), credentials, service: request.service, ...scope });
    return { ...request, headers };
}
const minutes = (n) => timestamp(new Date(Date.now() + n * 60000));
const flip = (text) => text.replace(/.$/, (c) => (c === '0' ? '1' : '0'));

// way -> [the request as sent, the code of JSON protocols, of S3]
const ways = {
    'no signature': [(r) => ({ ...r, headers: { ...r.headers, host: 'h' } }), 'MissingAuthenticationTokenException', 'AccessDenied'],
    'an unknown key': [(r) => signed(r, { credentials: { accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 's' } }), 'UnrecognizedClientException', 'InvalidAccessKeyId'],
    'a wrong secret': [(r) => signed(r, { credentials: { ...server.credentials, secretAccessKey: 's' } }), 'InvalidSignatureException', 'SignatureDoesNotMatch'],
    'another region': [(r) => signed(r, { scope: { region: 'eu-west-3' } }), 'InvalidSignatureException', 'AuthorizationHeaderMalformed'],
    'too old': [(r) => signed(r, { scope: { time: minutes(-20) } }), 'InvalidSignatureException', 'RequestTimeTooSkewed'],
    'not yet': [(r) => signed(r, { scope: { time: minutes(20) } }), 'InvalidSignatureException', 'RequestTimeTooSkewed'],
    'a flipped digit': [(r) => { const s = signed(r); return { ...s, headers: { ...s.headers, authorization: flip(s.headers.authorization) } }; }, 'InvalidSignatureException', 'SignatureDoesNotMatch'],
    'another body': [(r) => ({ ...signed(r), body: Buffer.concat([Buffer.from(r.body), Buffer.from(' ')]) }), 'InvalidSignatureException', 'XAmzContentSHA256Mismatch'],
    'another path': [(r) => ({ ...signed(r), path: `${r.path}y` }), 'InvalidSignatureException', 'SignatureDoesNotMatch'],
    'a token that nobody gave': [(r) => signed(r, { more: { 'x-amz-security-token': 'FwoGZXIvYXdzEXAMPLE' } }), 'UnrecognizedClientException', 'InvalidToken'],
    'half a header': [(r) => { const s = signed(r); return { ...s, headers: { ...s.headers, authorization: s.headers.authorization.replace(/, Signature=.*/, '') } }; }, 'IncompleteSignatureException', 'AuthorizationHeaderMalformed'],
};

async function whatIsThere() {
    const { client } = server;
    const lists = await Promise.all([
        new KinesisClient(client).send(new ListStreamsCommand({})), new FirehoseClient(client).send(new ListDeliveryStreamsCommand({})),
        new GlueClient(client).send(new GetDatabasesCommand({})), new AthenaClient(client).send(new ListWorkGroupsCommand({})),
        new CognitoIdentityProviderClient(client).send(new ListUserPoolsCommand({ MaxResults: 10 })), new IoTClient(client).send(new ListThingsCommand({})),
        new S3Client({ ...client, forcePathStyle: true }).send(new ListBucketsCommand({})),
    ]);
    return JSON.stringify(lists.map(({ $metadata, ...list }) => list));
}

test('every protocol refuses each way of not being signed, and does nothing', async () => {
    const before_ = await whatIsThere();
    const complaints = [];
    for (const [name, request] of Object.entries(requests)) {
        for (const [way, [change, inJson, inS3]] of Object.entries(ways)) {
            const answer = await ask(change(request));
            const code = request.service === 's3' ? inS3 : inJson;
            if (answer.status < 400 || answer.status >= 500 || answer.code !== code) complaints.push(`${name}, ${way}: ${answer.status} ${answer.code}, not ${code}: ${answer.text.slice(0, 200)}`);
            if (!answer.id) complaints.push(`${name}, ${way}: no request id`);
        }
    }
    assert.deepEqual(complaints, []);
    assert.equal(await whatIsThere(), before_);
});

test('what is signed for one service is not taken by another', async () => {
    const stream = requests['kinesis, JSON'];
    const complaints = [];
    for (const service of ['glue', 'firehose', 's3', 'iot', 'execute-api', 'nonsense']) {
        const answer = await ask(signed({ ...stream, service }));
        if (answer.status < 400 || (answer.status >= 500 && answer.code !== 'NotImplemented')) complaints.push(`${service}: ${answer.status} ${answer.text}`);
    }
    assert.deepEqual(complaints, []);
    assert.equal((await new KinesisClient(server.client).send(new ListStreamsCommand({}))).StreamNames.length, 0);
});

test('headers of the protocol that are not under the signature are not believed', async () => {
    // The target decides what is done: it cannot be exchanged, nor added to what was signed without it.
    const list = { service: 'kinesis', ...json('1.1', 'Kinesis_20131202.ListStreams', {}) };
    const exchanged = signed({ ...list, body: requests['kinesis, JSON'].body });
    exchanged.headers['x-amz-target'] = 'Kinesis_20131202.CreateStream';
    assert.equal((await ask(exchanged)).code, 'InvalidSignatureException');
    const { 'x-amz-target': target, ...without } = requests['kinesis, JSON'].headers;
    const added = signed({ ...requests['kinesis, JSON'], headers: without });
    added.headers['x-amz-target'] = target;
    const answer = await ask(added);
    assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
    assert.equal((await new KinesisClient(server.client).send(new ListStreamsCommand({}))).StreamNames.length, 0);
});

test('hostile paths stay paths: what is signed is what is stored', async () => {
    const bucket = { service: 's3', method: 'PUT', path: '/paths', headers: {}, body: '' };
    assert.equal((await ask(signed(bucket))).status, 200);
    // As S3 signs: the key, decoded once, encoded anew but for its slashes.
    const canonical = (path) => [...Buffer.from(decodeURIComponent(path))].map((byte) => {
        const char = String.fromCharCode(byte);
        return /[A-Za-z0-9._~/-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    }).join('');
    const send = (request, as = canonical(request.path)) => ask({ ...signed({ ...request, path: as }), path: request.path });
    const paths = ['/paths/a%2Fb', '/paths/%2E%2E/%2E%2E/etc/passwd', '/paths/..%2F..%2Fx', '/paths/%00', '/paths/%252e', '/paths//double//slash', '/paths/back%5Cslash', '/paths/.staging/x'];
    for (const path of paths) {
        const answer = await send({ ...bucket, path, body: path });
        assert.ok(answer.status === 200 || (answer.status === 400 && path.includes('%00')), `${path}: ${answer.status} ${answer.text}`);
        if (answer.status !== 200) continue;
        const read = await send({ ...bucket, method: 'GET', path });
        assert.equal(read.text, path);
    }
    assert.equal((await send({ ...bucket, method: 'GET', path: '/paths/a/b' })).text, '/paths/a%2Fb');
    // Encoded twice is another key.
    for (const [as, sent] of [['/paths/a/b', '/paths/a%252Fb'], ['/paths/%252F', '/paths/%2F'], ['/paths/x', '/paths/../x']]) {
        const answer = await send({ ...bucket, path: sent, body: 'y' }, as);
        assert.ok(answer.status === 403 || answer.status === 400, `${as} sent as ${sent}: ${answer.status}`);
    }
});
