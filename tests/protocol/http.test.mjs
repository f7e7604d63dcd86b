// HTTP itself against the real server: what two parsers could read in two ways, several versions on one port, clients
// that go away.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net from 'node:net';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { startServer } from '../support/server.mjs';

let server;
before(async () => { server = await startServer(); });
after(async () => { await server.stop(); });

// Everything the server sends until it closes or is quiet.
function send(bytes, { quietMs = 300 } = {}) {
    return new Promise((resolve, reject) => {
        const socket = net.connect(server.port, '127.0.0.1');
        let got = '';
        let timer = setTimeout(() => finish(false), 5000);
        const finish = (closed) => { clearTimeout(timer); socket.destroy(); resolve({ got, closed }); };
        socket.on('data', (data) => { got += data.toString('latin1'); clearTimeout(timer); timer = setTimeout(() => finish(false), quietMs); });
        socket.on('end', () => finish(true));
        socket.on('error', (error) => (got ? finish(true) : reject(error)));
        socket.on('connect', () => socket.write(bytes));
    });
}

const answers = (text) => text.match(/HTTP\/1\.1 \d{3}/g) ?? [];
const behind = 'GET /health HTTP/1.1\r\nHost: h\r\n\r\n';

test('an ambiguous request is refused and nothing behind it is answered', async () => {
    const corpus = [
        ['POST /health HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
        ['POST /health HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd', 400],
        ['POST /health HTTP/1.1\r\nHost: h\r\nContent-Length: +4\r\n\r\nabcd', 400],
        ['POST /health HTTP/1.1\r\nHost: h\r\nContent-Length: 4, 4\r\n\r\nabcd', 400],
        ['POST /health HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n', 501],
        ['POST /health HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \tchunked\x0b\r\n\r\n0\r\n\r\n', 400],
        ['POST /health HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n', 400],
        ['POST /health HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
        ['GET /health HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n', 400],
        ['GET /health HTTP/1.1\nHost: h\n\n', 400],
        ['GET /health HTTP/1.1\r\nHost: h\r\nHost: other\r\n\r\n', 400],
        ['GET /health HTTP/1.1\r\n\r\n', 400],
        ['GET /health HTTP/1.1\r\nHost: h\r\nX\0: a\r\n\r\n', 400],
        ['GET  /health HTTP/1.1\r\nHost: h\r\n\r\n', 400],
        ['GET /health HTTP/9.9\r\nHost: h\r\n\r\n', 505],
        ['GET /health HTTP/1.1\r\nHost: h\r\nX: ' + 'x'.repeat(70000) + '\r\n\r\n', 431],
    ];
    for (const [bytes, status] of corpus) {
        const { got } = await send(bytes + behind);
        assert.deepEqual(answers(got), [`HTTP/1.1 ${status}`], JSON.stringify(bytes.slice(0, 90)));
    }
});

test('pipelined requests are answered in order on one connection', async () => {
    const { got, closed } = await send(behind + 'GET /nothing-here HTTP/1.1\r\nHost: h\r\n\r\n' + behind);
    const seen = answers(got);
    assert.equal(seen.length, 3);
    assert.equal(seen[0], 'HTTP/1.1 200');
    assert.equal(seen[2], 'HTTP/1.1 200');
    assert.equal(closed, false);
});

test('the absolute form of a target is served', async () => {
    const { got } = await send('GET http://h/health HTTP/1.1\r\nHost: h\r\n\r\n');
    assert.deepEqual(answers(got), ['HTTP/1.1 200']);
});

test('HTTP/2 is spoken with prior knowledge and, on TLS, by ALPN, on the same port', async () => {
    for (const [address, options] of [[`http://127.0.0.1:${server.port}`, {}],
        [`https://127.0.0.1:${server.port}`, { ca: readFileSync(server.caFile) }]]) {
        const session = http2.connect(address, options);
        const ask = () => new Promise((resolve, reject) => {
            const request = session.request({ ':path': '/health' });
            let status;
            request.on('response', (headers) => { status = headers[':status']; });
            request.on('data', () => {});
            request.on('end', () => resolve(status));
            request.on('error', reject);
            request.end();
        });
        session.on('error', () => {});
        const statuses = await Promise.all(Array.from({ length: 50 }, ask));
        assert.deepEqual([...new Set(statuses)], [200], address);
        session.close();
    }
});

test('clients that go away in the middle leave the others undisturbed', async () => {
    const beginnings = ['GET', 'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n' + 'x'.repeat(1000),
        '\x16\x03\x01\x02\x00\x01', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff', behind.repeat(50),
        'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel'];
    await Promise.all(Array.from({ length: 300 }, (_, i) => new Promise((resolve) => {
        const socket = net.connect(server.port, '127.0.0.1', () => {
            socket.write(Buffer.from(beginnings[i % beginnings.length], 'latin1'));
            setTimeout(() => { socket.resetAndDestroy(); resolve(); }, i % 30);
        });
        socket.on('error', resolve);
    })));
    const { got } = await send(behind);
    assert.deepEqual(answers(got), ['HTTP/1.1 200']);
});
