// Versions, lifecycle rules and the rules of a bucket, with the SDK.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as s3 from '@aws-sdk/client-s3';
import { startServer } from '../support/server.mjs';

const Bucket = 'past';
let server, client;
const send = (command) => client.send(command);
const code = (promise) => promise.then(() => 'no error', (error) => error.name);
const text = async (Key, more = {}) => (await send(new s3.GetObjectCommand({ Bucket, Key, ...more }))).Body.transformToString();

before(async () => {
    server = await startServer();
    client = new s3.S3Client(server.client);
    await send(new s3.CreateBucketCommand({ Bucket }));
    await send(new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
});
after(() => server?.stop());

test('a key keeps its versions, and a delete is a marker that can be taken away', async () => {
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push((await send(new s3.PutObjectCommand({ Bucket, Key: 'a', Body: `v${i}` }))).VersionId);
    assert.equal(new Set(ids).size, 5);
    for (let i = 0; i < 5; i++) assert.equal(await text('a', { VersionId: ids[i] }), `v${i}`);
    const gone = await send(new s3.DeleteObjectCommand({ Bucket, Key: 'a' }));
    assert.equal(gone.DeleteMarker, true);
    assert.equal(await code(text('a')), 'NoSuchKey');
    assert.equal(await text('a', { VersionId: ids[2] }), 'v2');
    assert.equal(await code(text('a', { VersionId: gone.VersionId })), 'MethodNotAllowed');
    await send(new s3.DeleteObjectCommand({ Bucket, Key: 'a', VersionId: gone.VersionId }));
    assert.equal(await text('a'), 'v4');
    await send(new s3.DeleteObjectCommand({ Bucket, Key: 'a', VersionId: ids[4] }));
    assert.equal(await text('a'), 'v3');
    await send(new s3.CopyObjectCommand({ Bucket, Key: 'a', CopySource: `${Bucket}/a?versionId=${ids[0]}` }));
    assert.equal(await text('a'), 'v0');
});

test('versions are listed newest first, by pages', async () => {
    for (const Key of ['l/1', 'l/2', 'l/3/x']) for (let i = 0; i < 4; i++) await send(new s3.PutObjectCommand({ Bucket, Key, Body: `${i}` }));
    await send(new s3.DeleteObjectCommand({ Bucket, Key: 'l/2' }));
    const all = await send(new s3.ListObjectVersionsCommand({ Bucket, Prefix: 'l/' }));
    assert.equal(all.Versions.length, 12);
    assert.deepEqual(all.DeleteMarkers.map((marker) => [marker.Key, marker.IsLatest]), [['l/2', true]]);
    assert.deepEqual(all.Versions.filter((version) => version.IsLatest).map((version) => version.Key), ['l/1', 'l/3/x']);
    for (const MaxKeys of [1, 3, 5]) {
        const seen = [];
        let markers = {};
        for (;;) {
            const page = await send(new s3.ListObjectVersionsCommand({ Bucket, Prefix: 'l/', MaxKeys, ...markers }));
            seen.push(...(page.Versions ?? []), ...(page.DeleteMarkers ?? []));
            if (!page.IsTruncated) break;
            markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
        }
        assert.equal(new Set(seen.map((entry) => entry.Key + entry.VersionId)).size, 13, `pages of ${MaxKeys}`);
    }
    const groups = await send(new s3.ListObjectVersionsCommand({ Bucket, Prefix: 'l/', Delimiter: '/' }));
    assert.deepEqual(groups.CommonPrefixes.map((group) => group.Prefix), ['l/3/']);
});

test('deletes of many take versions and make markers; versions survive kill -9', async () => {
    const { VersionId } = await send(new s3.PutObjectCommand({ Bucket, Key: 'd', Body: 'x' }));
    await send(new s3.PutObjectCommand({ Bucket, Key: 'd', Body: 'y' }));
    const answer = await send(new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'd', VersionId }, { Key: 'd' }, { Key: 'none' }] } }));
    assert.equal(answer.Deleted.length, 3);
    assert.ok(answer.Deleted[1].DeleteMarkerVersionId);
    const keep = { dataDir: server.dataDir, keep: true };
    await server.kill();
    server = await startServer(keep);
    client = new s3.S3Client(server.client);
    const left = await send(new s3.ListObjectVersionsCommand({ Bucket, Prefix: 'd' }));
    assert.equal(left.Versions.length, 1);
    assert.equal(await text('d', { VersionId: left.Versions[0].VersionId }), 'y');
});

test('suspended, writes replace the version named null and leave the others', async () => {
    await send(new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }));
    const before = (await send(new s3.ListObjectVersionsCommand({ Bucket, Prefix: 'a' }))).Versions.length;
    for (let i = 0; i < 3; i++) await send(new s3.PutObjectCommand({ Bucket, Key: 'a', Body: `null ${i}` }));
    assert.equal((await send(new s3.ListObjectVersionsCommand({ Bucket, Prefix: 'a' }))).Versions.length, before + 1);
    assert.equal(await text('a', { VersionId: 'null' }), 'null 2');
    const marker = await send(new s3.DeleteObjectCommand({ Bucket, Key: 'a' }));
    assert.equal(marker.VersionId, 'null');
    assert.equal(await code(text('a', { VersionId: 'null' })), 'MethodNotAllowed');
});

test('a bucket goes only when its last version went', async () => {
    assert.equal(await code(send(new s3.DeleteBucketCommand({ Bucket }))), 'BucketNotEmpty');
    for (;;) {
        const page = await send(new s3.ListObjectVersionsCommand({ Bucket }));
        const Objects = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) => ({ Key, VersionId }));
        if (Objects.length === 0) break;
        const { Errors } = await send(new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
        assert.equal(Errors, undefined);
    }
    await send(new s3.DeleteBucketCommand({ Bucket }));
});

test('what a lifecycle rule says is done', async () => {
    await send(new s3.CreateBucketCommand({ Bucket }));
    for (const Key of ['old/1', 'old/2', 'new/1']) await send(new s3.PutObjectCommand({ Bucket, Key, Body: 'x' }));
    const rule = { ID: 'age', Status: 'Enabled', Filter: { Prefix: 'old/' }, Expiration: { Date: new Date('2020-01-01T00:00:00Z') } };
    await send(new s3.PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [rule] } }));
    const read = await send(new s3.GetBucketLifecycleConfigurationCommand({ Bucket }));
    assert.equal(read.Rules[0].ID, 'age');
    const until = Date.now() + 10_000;
    let keys;
    do {
        keys = (await send(new s3.ListObjectsV2Command({ Bucket }))).Contents.map((object) => object.Key);
    } while (keys.length > 1 && Date.now() < until);
    assert.deepEqual(keys, ['new/1']);
    const days = { ...rule, Filter: { Prefix: '' }, Expiration: { Days: 3 } };
    await send(new s3.PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [days] } }));
    const head = await send(new s3.HeadObjectCommand({ Bucket, Key: 'new/1' }));
    assert.match(head.Expiration, /^expiry-date="[A-Z][a-z]{2}, .* 00:00:00 GMT", rule-id="age"$/);
    const bad = { ...rule, Expiration: { Days: 0 } };
    assert.equal(await code(send(new s3.PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [bad] } }))), 'InvalidArgument');
});
