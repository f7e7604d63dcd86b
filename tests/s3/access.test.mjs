// What everybody may do: policies, forms, browsers' questions, addresses without a signature.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import * as s3 from '@aws-sdk/client-s3';
import { startServer } from '../support/server.mjs';

const Bucket = 'shop';
let server, client, base;
const send = (command) => client.send(command);
const code = (promise) => promise.then(() => 'no error', (error) => error.name);

before(async () => {
    server = await startServer();
    client = new s3.S3Client(server.client);
    base = `${server.client.endpoint}/${Bucket}`;
    await send(new s3.CreateBucketCommand({ Bucket }));
    await send(new s3.PutObjectCommand({ Bucket, Key: 'public/a.txt', Body: 'for all' }));
    await send(new s3.PutObjectCommand({ Bucket, Key: 'private/b.txt', Body: 'for me' }));
});
after(() => server?.stop());

const statement = (more) => JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', ...more }] });

test('a policy makes what it names public, and nothing else', async () => {
    assert.equal((await fetch(`${base}/public/a.txt`)).status, 403);
    const Policy = statement({ Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/public/*` });
    await send(new s3.PutBucketPolicyCommand({ Bucket, Policy }));
    assert.equal((await send(new s3.GetBucketPolicyCommand({ Bucket }))).Policy, Policy);
    assert.equal((await send(new s3.GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus.IsPublic, true);
    assert.equal(await (await fetch(`${base}/public/a.txt`)).text(), 'for all');
    assert.equal((await fetch(`${base}/private/b.txt`)).status, 403);
    assert.equal((await fetch(`${base}/public/none`)).status, 403);
    assert.equal((await fetch(base)).status, 403);
    assert.equal((await fetch(`${base}/public/c.txt`, { method: 'PUT', body: 'x' })).status, 403);
    assert.equal((await fetch(`${base}/public/a.txt`, { method: 'DELETE' })).status, 403);
    assert.equal((await fetch(`${base}/public/..%2Fprivate/b.txt`)).status, 403);
    assert.equal(await code(send(new s3.PutBucketPolicyCommand({ Bucket, Policy: '{"Statement":[]}' }))), 'MalformedPolicy');
});

test('a copy needs the right to read its source', async () => {
    const Policy = statement({ Action: 's3:PutObject', Resource: `arn:aws:s3:::${Bucket}/in/*` });
    await send(new s3.PutBucketPolicyCommand({ Bucket, Policy }));
    const put = await fetch(`${base}/in/x`, { method: 'PUT', body: 'dropped' });
    assert.equal(put.status, 200);
    const copy = await fetch(`${base}/in/y`, { method: 'PUT', headers: { 'x-amz-copy-source': `/${Bucket}/private/b.txt` } });
    assert.equal(copy.status, 403);
    const many = await fetch(`${base}?delete`, { method: 'POST', body: '<Delete><Object><Key>in/x</Key></Object></Delete>' });
    assert.match(await many.text(), /<Code>AccessDenied<\/Code>/);
});

test('a deny holds for the owner, who can still mend the policy', async () => {
    const Policy = statement({ Effect: 'Deny', Action: 's3:DeleteObject', Resource: `arn:aws:s3:::${Bucket}/*` });
    await send(new s3.PutBucketPolicyCommand({ Bucket, Policy }));
    assert.equal(await code(send(new s3.DeleteObjectCommand({ Bucket, Key: 'in/x' }))), 'AccessDenied');
    await send(new s3.DeleteBucketPolicyCommand({ Bucket }));
    await send(new s3.DeleteObjectCommand({ Bucket, Key: 'in/x' }));
});

test('browsers are told by the rules of the bucket', async () => {
    const ask = (origin, method, headers) => fetch(`${base}/any`, { method: 'OPTIONS', headers: {
        origin, 'access-control-request-method': method, ...(headers && { 'access-control-request-headers': headers }) } });
    assert.equal((await ask('https://shop.example', 'PUT')).status, 403);
    const rule = { AllowedOrigins: ['https://*.example'], AllowedMethods: ['PUT', 'GET'], AllowedHeaders: ['*'], ExposeHeaders: ['ETag'], MaxAgeSeconds: 60 };
    await send(new s3.PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [rule] } }));
    const yes = await ask('https://shop.example', 'PUT', 'content-type,x-amz-date');
    assert.equal(yes.status, 200);
    assert.equal(yes.headers.get('access-control-allow-origin'), 'https://shop.example');
    assert.equal(yes.headers.get('access-control-allow-headers'), 'content-type, x-amz-date');
    assert.equal((await ask('https://elsewhere.org', 'PUT')).status, 403);
    const get = await fetch(`${base}/public/a.txt`, { headers: { origin: 'https://shop.example' } });
    assert.equal(get.headers.get('access-control-expose-headers'), 'ETag');
});

function form(fields, file, secret = server.credentials.secretAccessKey) {
    const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
    const scope = [date.slice(0, 8), server.client.region, 's3', 'aws4_request'];
    const all = { ...fields, 'x-amz-algorithm': 'AWS4-HMAC-SHA256', 'x-amz-date': date,
        'x-amz-credential': [server.credentials.accessKeyId, ...scope].join('/') };
    const conditions = [{ bucket: Bucket }, ['starts-with', '$key', 'up/'], ['content-length-range', 1, 1000],
        ...Object.entries(all).filter(([name]) => name !== 'key').map(([name, value]) => ({ [name]: value }))];
    all.policy = Buffer.from(JSON.stringify({ expiration: new Date(Date.now() + 60_000).toISOString(), conditions })).toString('base64');
    const hmac = (key, data) => createHmac('sha256', key).update(data).digest();
    all['x-amz-signature'] = hmac(scope.reduce(hmac, `AWS4${secret}`), all.policy).toString('hex');
    const body = new FormData();
    for (const [name, value] of Object.entries(all)) body.append(name, value);
    body.append('file', new Blob([file]), 'photo.txt');
    return fetch(base, { method: 'POST', body, redirect: 'manual' });
}

test('a form uploads what its signed policy allows', async () => {
    const done = await form({ key: 'up/${filename}', success_action_status: '201', 'Content-Type': 'text/plain', 'x-amz-meta-from': 'form' }, 'hello form');
    assert.equal(done.status, 201);
    assert.match(await done.text(), /<Key>up\/photo.txt<\/Key>/);
    const object = await send(new s3.GetObjectCommand({ Bucket, Key: 'up/photo.txt' }));
    assert.equal(await object.Body.transformToString(), 'hello form');
    assert.deepEqual(object.Metadata, { from: 'form' });
    assert.equal((await form({ key: 'elsewhere/x' }, 'x')).status, 403);
    assert.equal((await form({ key: 'up/x' }, 'x', 'wrong')).status, 403);
    assert.match(await (await form({ key: 'up/x' }, 'x'.repeat(1001))).text(), /EntityTooLarge/);
    assert.equal((await form({ key: 'up/x', success_action_redirect: 'http://shop.example/done' }, 'x')).status, 303);
});

test('encryption and storage classes are what they are said to be', async () => {
    const put = await send(new s3.PutObjectCommand({ Bucket, Key: 'e', Body: 'x', ServerSideEncryption: 'AES256', StorageClass: 'STANDARD_IA' }));
    assert.equal(put.ServerSideEncryption, 'AES256');
    const head = await send(new s3.HeadObjectCommand({ Bucket, Key: 'e' }));
    assert.equal(head.StorageClass, 'STANDARD_IA');
    assert.equal(await code(send(new s3.PutObjectCommand({ Bucket, Key: 'e', Body: 'x', ServerSideEncryption: 'aws:kms' }))), 'NotImplemented');
});
