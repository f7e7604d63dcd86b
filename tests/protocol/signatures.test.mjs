// What does not hold is refused with the documented code, and nothing is written (F24).
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { startServer } from '../support/server.mjs';
import { sha256, sign, signedChunks, timestamp } from './sign.mjs';

let server;
let host;
before(async () => {
    server = await startServer();
    host = `127.0.0.1:${server.port}`;
    assert.equal((await put('/box', '')).status, 200);
});
after(async () => { await server.stop(); });

function ask(method, target, headers, body = '') {
    return new Promise((resolve, reject) => {
        const request = http.request({ host: '127.0.0.1', port: server.port, method, path: target, headers }, (response) => {
            let text = '';
            response.on('data', (data) => { text += data; });
            response.on('end', () => resolve({ status: response.statusCode, text, code: /<Code>(\w+)</.exec(text)?.[1] ?? '' }));
        });
        request.on('error', reject);
        request.end(body);
    });
}

const signed = (method, path, body, more = {}) => sign({
    method, path, headers: { host, ...more.headers }, payload: more.payload ?? sha256(body), credentials: more.credentials ?? server.credentials, ...more.scope,
});
const put = (path, body, more) => ask('PUT', path, signed('PUT', path, body, more).headers, body);
const exists = async (path) => (await ask('GET', path, signed('GET', path, '').headers)).status === 200;

test('a request that is signed well is served', async () => {
    assert.equal((await put('/box/good', 'data')).status, 200);
    assert.equal(await exists('/box/good'), true);
});

test('each way of not holding has its code, and writes nothing', async () => {
    const { accessKeyId, secretAccessKey } = server.credentials;
    const minutes = (n) => timestamp(new Date(Date.now() + n * 60000));
    const flip = (text) => text.replace(/.$/, (c) => (c === '0' ? '1' : '0'));
    const cases = {
        'no signature': [() => ask('PUT', '/box/bad', { host, 'content-length': 1 }, 'x'), 'AccessDenied'],
        'unknown key': [() => put('/box/bad', 'x', { credentials: { accessKeyId: 'AKIAUNKNOWN', secretAccessKey } }), 'InvalidAccessKeyId'],
        'wrong secret': [() => put('/box/bad', 'x', { credentials: { accessKeyId, secretAccessKey: 'wrong' } }), 'SignatureDoesNotMatch'],
        'wrong region': [() => put('/box/bad', 'x', { scope: { region: 'eu-north-1' } }), 'AuthorizationHeaderMalformed'],
        'too old': [() => put('/box/bad', 'x', { scope: { time: minutes(-20) } }), 'RequestTimeTooSkewed'],
        'from the future': [() => put('/box/bad', 'x', { scope: { time: minutes(20) } }), 'RequestTimeTooSkewed'],
        'another body': [() => ask('PUT', '/box/bad', signed('PUT', '/box/bad', 'x').headers, 'y'), 'XAmzContentSHA256Mismatch'],
        'another path': [() => ask('PUT', '/box/bad', signed('PUT', '/box/other', 'x').headers, 'x'), 'SignatureDoesNotMatch'],
        'another method': [() => ask('PUT', '/box/bad', signed('GET', '/box/bad', 'x').headers, 'x'), 'SignatureDoesNotMatch'],
        'another query': [() => ask('PUT', '/box/bad?tagging', signed('PUT', '/box/bad', 'x').headers, 'x'), 'SignatureDoesNotMatch'],
        'a header added': [() => ask('PUT', '/box/bad', { ...signed('PUT', '/box/bad', 'x').headers, 'x-amz-acl': 'private' }, 'x'), 'AccessDenied'],
        'a flipped digit': [() => {
            const { headers } = signed('PUT', '/box/bad', 'x');
            return ask('PUT', '/box/bad', { ...headers, authorization: flip(headers.authorization) }, 'x');
        }, 'SignatureDoesNotMatch'],
        'a path encoded twice': [() => ask('PUT', '/box/%2562ad', signed('PUT', '/box/bad', 'x').headers, 'x'), 'SignatureDoesNotMatch'],
        'another content hash': [() => put('/box/bad', 'x', { payload: 'nonsense' }), 'InvalidRequest'],
    };
    for (const [what, [request, code]] of Object.entries(cases)) {
        const answer = await request();
        assert.equal(answer.code, code, `${what}: ${answer.status} ${answer.text}`);
    }
    assert.equal(await exists('/box/bad'), false);
    assert.equal(await exists('/box/other'), false);
});

test('signed chunks verify, and a flipped chunk writes nothing', async () => {
    const pieces = ['a'.repeat(65536), 'b'.repeat(1024)];
    const length = pieces.join('').length;
    for (const [name, change] of [['whole', (body) => body], ['data', (body) => body.replace('aab', 'axb').replace(/a\r/, 'x\r')],
        ['signature', (body) => body.replace(/chunk-signature=./, (s) => s.slice(0, -1) + (s.endsWith('0') ? '1' : '0'))],
        ['cut', (body) => body.slice(0, 66000)]]) {
        const made = signed('PUT', `/box/${name}`, '', {
            payload: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
            headers: { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': String(length) },
        });
        const body = change(signedChunks(pieces, made));
        const answer = await ask('PUT', `/box/${name}`, made.headers, body);
        assert.equal(answer.status === 200, name === 'whole', `${name}: ${answer.status} ${answer.text}`);
        assert.equal(await exists(`/box/${name}`), name === 'whole', name);
    }
});

test('a trailing checksum that does not hold writes nothing', async () => {
    for (const [name, sum, status] of [['sum-good', 'DUoRhQ==', 200], ['sum-bad', 'DUoRhA==', 400]]) {
        const made = signed('PUT', `/box/${name}`, '', {
            payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
            headers: { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': '11', 'x-amz-trailer': 'x-amz-checksum-crc32' },
        });
        const answer = await ask('PUT', `/box/${name}`, made.headers, `b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:${sum}\r\n\r\n`);
        assert.equal(answer.status, status, answer.text);
        assert.equal(await exists(`/box/${name}`), status === 200);
    }
});
