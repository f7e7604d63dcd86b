// The console in a browser: the sign-in, the line that moves, a query.
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AthenaClient, CreateWorkGroupCommand } from '@aws-sdk/client-athena';
import { CreateStreamCommand, KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { chromium } from 'playwright-core';
import { startServer } from '../support/server.mjs';

let server;
let browser;
let page;
let feeding;
const problems = [];

before(async () => {
    server = await startServer();
    browser = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), 'wellhead-chromium-')), {
        executablePath: '/usr/bin/chromium',
        args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
    page = await browser.newPage();
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => message.text().includes('Content Security Policy') && problems.push(message.text()));
});
after(async () => {
    clearInterval(feeding);
    await browser?.close();
    await server?.stop();
});

test('without a session only the sign-in is served', async () => {
    for (const path of ['/', '/index.html', '/assets/x.js', '/api/session', '/icon.svg']) {
        const answer = await fetch(server.console + path, { redirect: 'manual', headers: { accept: '*/*' } });
        assert.equal(answer.status, 401, path);
    }
    const answer = await fetch(server.console + '/', { redirect: 'manual', headers: { accept: 'text/html' } });
    assert.match(answer.headers.get('location'), /^\/login-start/);
});

test('a host name or an origin that is not the console\'s gets nothing', async () => {
    const ask = (headers) => new Promise((resolve, reject) => request({ host: '127.0.0.1', port: server.console_port, path: '/', headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
    }).on('error', reject).end());
    assert.equal(await ask({ host: `evil.example:${server.console_port}` }), 421);
    assert.equal(await ask({ host: `127.0.0.1:${server.console_port}`, origin: 'http://evil.example' }), 421);
});

test('the first login leads over a new password to the page that was asked for', async () => {
    await page.goto(server.console + '/streams');
    await page.fill('#username', server.first_login.username);
    await page.fill('#password', 'wrong');
    await page.click('button[type=submit]');
    await page.waitForSelector('text=Incorrect username or password.');
    await page.fill('#password', server.first_login.password);
    await page.click('button[type=submit]');
    await page.fill('#new_password', 'Brand-New-1');
    await page.fill('#repeated', 'Brand-New-1');
    await page.click('button[type=submit]');
    await page.getByRole('heading', { name: 'Streams' }).first().waitFor();
    assert.equal(new URL(page.url()).pathname, '/streams');
    await page.goto(server.console + '/');
    await page.getByText('Live charts', { exact: true }).first().waitFor();
});

test('the line moves while records arrive', async () => {
    const kinesis = new KinesisClient(server.client);
    await kinesis.send(new CreateStreamCommand({ StreamName: 'readings', ShardCount: 1 }));
    let n = 0;
    feeding = setInterval(() => {
        const data = { timestamp: Date.now() / 1000, well: `well-0${1 + n++ % 3}`, barrels_per_second: 3 + Math.random(), reservoir_pressure_per_second: 200 };
        kinesis.send(new PutRecordCommand({ StreamName: 'readings', PartitionKey: data.well, Data: Buffer.from(JSON.stringify(data)) })).catch(() => undefined);
    }, 200);
    await page.goto(server.console + '/live-charts');
    await page.waitForSelector('[data-testid=chart-barrels_per_second] canvas');
    const picture = () => page.locator('[data-testid=chart-barrels_per_second] canvas').evaluate((canvas) => canvas.toDataURL());
    const before = await picture();
    await page.waitForFunction((old) => document.querySelector('[data-testid=chart-barrels_per_second] canvas').toDataURL() !== old, before);
    await page.waitForSelector('text=well-03');
});

test('a query shows its rows', async () => {
    await new S3Client(server.client).send(new CreateBucketCommand({ Bucket: 'results' }));
    await new AthenaClient(server.client).send(new CreateWorkGroupCommand({
        Name: 'lake', Configuration: { ResultConfiguration: { OutputLocation: 's3://results/' } },
    }));
    await page.goto(server.console + '/sql?sql=' + encodeURIComponent('SELECT 20 + 22 AS answer'));
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText('42', { exact: true }).waitFor();
});

test('signing out ends the session', async () => {
    await page.getByRole('button', { name: 'admin' }).click();
    await page.getByText('Sign out').click();
    await page.waitForSelector('#password');
    assert.deepEqual(problems, []);
});
