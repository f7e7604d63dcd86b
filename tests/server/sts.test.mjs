// Who a caller is, and temporary keys that end.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, GetAccessKeyInfoCommand, GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';

import { awsCli } from '../support/command.mjs';
import { startServer } from '../support/server.mjs';

let server, sts;
before(async () => {
    server = await startServer({ args: ['--account-id', '123456789012'] });
    sts = new STSClient(server.client);
});
after(() => server?.stop());

test('a caller learns who it is', async () => {
    const identity = await sts.send(new GetCallerIdentityCommand({}));
    assert.equal(identity.Account, '123456789012');
    assert.equal(identity.Arn, 'arn:aws:iam::123456789012:root');
    const told = await awsCli(server, ['sts', 'get-caller-identity', '--query', 'Account', '--output', 'text']);
    assert.equal(told.stdout.trim(), '123456789012', told.stderr);
    const info = await sts.send(new GetAccessKeyInfoCommand({ AccessKeyId: server.credentials.accessKeyId }));
    assert.equal(info.Account, '123456789012');
});

test('a temporary key works everywhere, with its token only', async () => {
    const { Credentials } = await sts.send(new GetSessionTokenCommand({ DurationSeconds: 900 }));
    assert.ok(Math.abs(Credentials.Expiration - Date.now() - 900_000) < 10_000);
    const credentials = {
        accessKeyId: Credentials.AccessKeyId, secretAccessKey: Credentials.SecretAccessKey, sessionToken: Credentials.SessionToken,
    };
    const s3 = new S3Client({ ...server.client, credentials });
    await s3.send(new ListBucketsCommand({}));
    const kinesis = new KinesisClient({ ...server.client, credentials });
    await kinesis.send(new ListStreamsCommand({}));
    const mine = new STSClient({ ...server.client, credentials });
    assert.equal((await mine.send(new GetCallerIdentityCommand({}))).Account, '123456789012');
    await assert.rejects(mine.send(new GetSessionTokenCommand({})), { name: 'AccessDenied' });

    const without = new KinesisClient({ ...server.client, credentials: { ...credentials, sessionToken: undefined } });
    await assert.rejects(without.send(new ListStreamsCommand({})), { name: 'UnrecognizedClientException' });
    const foreign = new KinesisClient({ ...server.client, credentials: { ...credentials, sessionToken: 'x' + credentials.sessionToken.slice(1) } });
    await assert.rejects(foreign.send(new ListStreamsCommand({})), { name: 'UnrecognizedClientException' });
    // The end is part of the key's name: another end is another key.
    const longer = credentials.accessKeyId.slice(0, 4) + 'Z' + credentials.accessKeyId.slice(5);
    const forged = new KinesisClient({ ...server.client, credentials: { ...credentials, accessKeyId: longer } });
    await assert.rejects(forged.send(new ListStreamsCommand({})), { name: 'UnrecognizedClientException' });
});

test('what would not hold is refused', async () => {
    await assert.rejects(sts.send(new GetSessionTokenCommand({ DurationSeconds: 10 })), { name: 'ValidationError' });
    await assert.rejects(sts.send(new GetSessionTokenCommand({ SerialNumber: 'arn:aws:iam::1:mfa/x', TokenCode: '123456' })), { name: 'AccessDenied' });
    await assert.rejects(sts.send(new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::123456789012:role/x', RoleSessionName: 'x' + 'y' })),
        (error) => error.name === 'InvalidAction' && /AssumeRole is not served/.test(error.message));
    const stranger = new STSClient({ ...server.client, credentials: { accessKeyId: 'AKIASTRANGER00000000', secretAccessKey: 'x' } });
    await assert.rejects(stranger.send(new GetCallerIdentityCommand({})), { name: 'InvalidClientTokenId' });
    const wrong = new STSClient({ ...server.client, credentials: { ...server.credentials, secretAccessKey: 'x' } });
    await assert.rejects(wrong.send(new GetCallerIdentityCommand({})), { name: 'SignatureDoesNotMatch' });
});
