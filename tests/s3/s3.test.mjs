// S3 with its own clients: the SDK, its managed uploads and presigned addresses, the AWS CLI.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import * as s3 from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { startServer } from '../support/server.mjs';

const run = promisify(execFile);
const Bucket = 'lake';
let server, client, folder;

before(async () => {
    server = await startServer();
    client = new s3.S3Client(server.client);
    await client.send(new s3.CreateBucketCommand({ Bucket }));
    folder = mkdtempSync(join(tmpdir(), 'wellhead-s3-'));
});
after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
});

const put = (Key, Body, more = {}) => client.send(new s3.PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = (Key, more = {}) => client.send(new s3.GetObjectCommand({ Bucket, Key, ...more }));
const text = async (Key, more) => (await get(Key, more)).Body.transformToString();
const code = async (promise) => promise.then(() => 'no error', (error) => error.name);
const keysOf = (listed) => (listed.Contents ?? []).map((object) => object.Key);

test('an object comes back with what was said of it', async () => {
    const answer = await put('first', 'hello', { ContentType: 'text/plain', Metadata: { well: '07' }, Tagging: 'a=1' });
    assert.equal(answer.ETag, '"5d41402abc4b2a76b9719d911017c592"');
    const object = await get('first', { ChecksumMode: 'ENABLED' });
    assert.equal(await object.Body.transformToString(), 'hello');
    assert.equal(object.ContentType, 'text/plain');
    assert.deepEqual(object.Metadata, { well: '07' });
    assert.ok(object.ChecksumCRC32);
    assert.ok(object.LastModified instanceof Date);
    const head = await client.send(new s3.HeadObjectCommand({ Bucket, Key: 'first' }));
    assert.equal(head.ContentLength, 5);
});

test('any key comes back under its own name', async () => {
    const keys = ['a b', 'ä/ö', 'a+b', 'a%2Fb', 'a//b', 'dir/', 'x/../y', '&<>"\'', '\u0001', 'k'.repeat(1024), 'year=2026/month=11/p.parquet'];
    for (const key of keys) await put(`keys/${key}`.slice(0, 1024), key);
    for (const key of keys) assert.equal(await text(`keys/${key}`.slice(0, 1024)), key);
    const listed = await client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: 'keys/', EncodingType: 'url' }));
    assert.equal(listed.KeyCount, keys.length);
});

test('ranges and conditions are answered', async () => {
    const { ETag } = await put('range', '0123456789');
    const part = await get('range', { Range: 'bytes=2-4' });
    assert.equal(part.$metadata.httpStatusCode, 206);
    assert.equal(part.ContentRange, 'bytes 2-4/10');
    assert.equal(await part.Body.transformToString(), '234');
    assert.equal(await code(get('range', { Range: 'bytes=20-' })), 'InvalidRange');
    assert.equal(await get('range', { IfNoneMatch: ETag }).catch((error) => error.$metadata.httpStatusCode), 304);
    assert.equal(await code(get('range', { IfMatch: '"x"' })), 'PreconditionFailed');
    assert.equal(await code(put('range', 'x', { IfNoneMatch: '*' })), 'PreconditionFailed');
    await put('range', 'changed', { IfMatch: ETag });
    assert.equal(await code(get('missing')), 'NoSuchKey');
    assert.equal(await code(client.send(new s3.HeadObjectCommand({ Bucket, Key: 'missing' }))), 'NotFound');
});

test('lists go on by pages and group by delimiter', async () => {
    for (let i = 0; i < 25; i++) await put(`pages/${i % 5}/${i}`, 'x');
    const seen = [];
    for await (const page of s3.paginateListObjectsV2({ client, pageSize: 7 }, { Bucket, Prefix: 'pages/' })) seen.push(...keysOf(page));
    assert.equal(seen.length, 25);
    assert.deepEqual(seen, [...seen].sort());
    const groups = await client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: 'pages/', Delimiter: '/' }));
    assert.deepEqual(groups.CommonPrefixes.map((group) => group.Prefix), [0, 1, 2, 3, 4].map((n) => `pages/${n}/`));
});

test('a stream of unknown length becomes a multipart upload', async () => {
    const whole = randomBytes(17 * 1024 * 1024 + 3);
    const pieces = Readable.from((function* () { for (let i = 0; i < whole.length; i += 300_000) yield whole.subarray(i, i + 300_000); })());
    const upload = new Upload({ client, params: { Bucket, Key: 'stream', Body: pieces }, queueSize: 3, partSize: 5 * 1024 * 1024 });
    const done = await upload.done();
    assert.match(done.ETag, /-4"$/);
    const back = Buffer.from(await (await get('stream')).Body.transformToByteArray());
    assert.equal(createHash('sha256').update(back).digest('hex'), createHash('sha256').update(whole).digest('hex'));
    const second = await get('stream', { PartNumber: 2 });
    assert.equal(second.ContentLength, 5 * 1024 * 1024);
});

test('a body whose checksum is wrong is refused', async () => {
    const wrong = { ContentMD5: Buffer.alloc(16).toString('base64') };
    assert.equal(await code(put('bad', 'hello', wrong)), 'BadDigest');
    assert.equal(await code(put('bad', 'hello', { ChecksumSHA256: Buffer.alloc(32).toString('base64') })), 'BadDigest');
    assert.equal(await code(get('bad')), 'NoSuchKey');
    await put('sha', 'hello', { ChecksumAlgorithm: 'SHA256' });
    assert.ok((await get('sha', { ChecksumMode: 'ENABLED' })).ChecksumSHA256);
});

test('a stream with its checksum in the trailer is verified and kept', async () => {
    await put('trailer', Readable.from([Buffer.from('hel'), Buffer.from('lo')]), { ContentLength: 5, ChecksumAlgorithm: 'CRC32C' });
    const object = await get('trailer', { ChecksumMode: 'ENABLED' });
    assert.equal(object.ChecksumCRC32C, 'mnG7TA==');
    assert.equal(object.ContentEncoding, undefined);
    assert.equal(await object.Body.transformToString(), 'hello');
});

test('copies, tags and deletes of many', async () => {
    await put('copy/a b', 'hello', { ContentType: 'text/plain' });
    await client.send(new s3.CopyObjectCommand({ Bucket, Key: 'copy/c', CopySource: `${Bucket}/copy/a%20b` }));
    assert.equal(await text('copy/c'), 'hello');
    const itself = new s3.CopyObjectCommand({ Bucket, Key: 'copy/c', CopySource: `${Bucket}/copy/c` });
    assert.equal(await code(client.send(itself)), 'InvalidRequest');
    const Tagging = { TagSet: [{ Key: 'colour', Value: 'red' }] };
    await client.send(new s3.PutObjectTaggingCommand({ Bucket, Key: 'copy/c', Tagging }));
    assert.deepEqual((await client.send(new s3.GetObjectTaggingCommand({ Bucket, Key: 'copy/c' }))).TagSet, Tagging.TagSet);
    const Delete = { Objects: [{ Key: 'copy/a b' }, { Key: 'copy/c' }, { Key: 'copy/none' }] };
    const deleted = await client.send(new s3.DeleteObjectsCommand({ Bucket, Delete }));
    assert.equal(deleted.Deleted.length, 3);
    assert.equal(await code(get('copy/c')), 'NoSuchKey');
});

test('presigned addresses work until they are touched', async () => {
    await put('presigned', 'hello');
    const address = await getSignedUrl(client, new s3.GetObjectCommand({ Bucket, Key: 'presigned' }), { expiresIn: 60 });
    assert.equal(await (await fetch(address)).text(), 'hello');
    const other = await fetch(address.replace('presigned', 'first'));
    assert.equal(other.status, 403);
    assert.match(await other.text(), /SignatureDoesNotMatch/);
    const upload = await getSignedUrl(client, new s3.PutObjectCommand({ Bucket, Key: 'uploaded' }), { expiresIn: 60 });
    assert.equal((await fetch(upload, { method: 'PUT', body: 'from afar' })).status, 200);
    assert.equal(await text('uploaded'), 'from afar');
});

test('buckets answer for what is not configured, and go when they are empty', async () => {
    const other = { Bucket: 'other-bucket' };
    await client.send(new s3.CreateBucketCommand(other));
    await client.send(new s3.CreateBucketCommand(other));
    assert.ok((await client.send(new s3.ListBucketsCommand({}))).Buckets.some((bucket) => bucket.Name === other.Bucket));
    assert.equal(await code(client.send(new s3.GetBucketPolicyCommand(other))), 'NoSuchBucketPolicy');
    assert.equal(await code(client.send(new s3.GetBucketTaggingCommand(other))), 'NoSuchTagSet');
    assert.equal((await client.send(new s3.GetBucketVersioningCommand(other))).Status, undefined);
    const accelerated = new s3.PutBucketAccelerateConfigurationCommand({ ...other, AccelerateConfiguration: { Status: 'Enabled' } });
    assert.equal(await code(client.send(accelerated)), 'NotImplemented');
    assert.equal(await code(client.send(new s3.GetObjectTorrentCommand({ ...other, Key: 'k' }))), 'NotImplemented');
    await client.send(new s3.HeadBucketCommand(other));
    await client.send(new s3.PutObjectCommand({ ...other, Key: 'k', Body: 'x' }));
    assert.equal(await code(client.send(new s3.DeleteBucketCommand(other))), 'BucketNotEmpty');
    await client.send(new s3.DeleteObjectCommand({ ...other, Key: 'k' }));
    await client.send(new s3.DeleteBucketCommand(other));
    assert.equal(await code(client.send(new s3.HeadBucketCommand(other))), 'NotFound');
});

test('a wrong key and an unsigned request are refused', async () => {
    const stranger = new s3.S3Client({ ...server.client, credentials: { ...server.credentials, secretAccessKey: 'wrong' } });
    assert.equal(await code(stranger.send(new s3.ListBucketsCommand({}))), 'SignatureDoesNotMatch');
    const unsigned = await fetch(`${server.client.endpoint}/${Bucket}/first`);
    assert.equal(unsigned.status, 403);
    assert.match(await unsigned.text(), /AccessDenied/);
});

test('what was acknowledged is there after kill -9', async () => {
    const keep = { dataDir: mkdtempSync(join(tmpdir(), 'wellhead-s3-kill-')), keep: true };
    let one = await startServer(keep);
    let its = new s3.S3Client(one.client);
    await its.send(new s3.CreateBucketCommand({ Bucket }));
    const acknowledged = new Map();
    const attempted = new Map();
    const md5 = (bytes) => createHash('md5').update(bytes).digest('hex');
    const writer = async (name) => {
        for (let i = 0; ; i++) {
            const Key = `${name}/${i % 10}`;
            const Body = randomBytes(i % 3 === 0 ? 40_000 : 500);
            attempted.set(Key, md5(Body));
            try {
                await its.send(new s3.PutObjectCommand({ Bucket, Key, Body }));
            } catch { return; }
            acknowledged.set(Key, md5(Body));
        }
    };
    const writers = ['a', 'b', 'c', 'd'].map(writer);
    await new Promise((resolve) => { setTimeout(resolve, 700); });
    await one.kill();
    await Promise.all(writers);
    one = await startServer(keep);
    its = new s3.S3Client(one.client);
    assert.ok(acknowledged.size > 0);
    for (const [Key, last] of acknowledged) {
        const object = await its.send(new s3.GetObjectCommand({ Bucket, Key }));
        const body = Buffer.from(await object.Body.transformToByteArray());
        assert.equal(object.ETag, `"${md5(body)}"`);
        // The write under way when it was killed may have been stored without its answer having arrived.
        assert.ok([last, attempted.get(Key)].includes(md5(body)), `${Key} is neither the last acknowledged nor the last sent`);
    }
    await one.stop();
    rmSync(keep.dataDir, { recursive: true, force: true });
});

test('the AWS CLI copies, syncs, lists and removes', async () => {
    // Debian's (2.9) does not know AWS_ENDPOINT_URL yet.
    const aws = (...args) => run('aws', ['--endpoint-url', server.client.endpoint, ...args], {
        env: {
            ...process.env, AWS_REGION: server.client.region, AWS_PAGER: '',
            AWS_ACCESS_KEY_ID: server.credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
        },
    });
    const source = join(folder, 'source');
    mkdirSync(join(source, 'deep'), { recursive: true });
    writeFileSync(join(source, 'small.txt'), 'small');
    writeFileSync(join(source, 'deep', 'large.bin'), randomBytes(20 * 1024 * 1024));
    await aws('s3', 'mb', 's3://cli-bucket');
    await aws('s3', 'sync', source, 's3://cli-bucket/in');
    assert.match((await aws('s3', 'ls', '--recursive', 's3://cli-bucket')).stdout, /in\/deep\/large\.bin/);
    await aws('s3', 'sync', 's3://cli-bucket/in', join(folder, 'back'));
    assert.deepEqual(readFileSync(join(folder, 'back/deep/large.bin')), readFileSync(join(source, 'deep/large.bin')));
    await aws('s3', 'mv', 's3://cli-bucket/in/small.txt', 's3://cli-bucket/moved.txt');
    assert.equal((await aws('s3', 'cp', 's3://cli-bucket/moved.txt', '-')).stdout, 'small');
    const head = JSON.parse((await aws('s3api', 'head-object', '--bucket', 'cli-bucket', '--key', 'moved.txt')).stdout);
    assert.equal(head.ContentLength, 5);
    await aws('s3', 'rb', '--force', 's3://cli-bucket');
    assert.doesNotMatch((await aws('s3', 'ls')).stdout, /cli-bucket/);
});
