// The commands of `wellhead` beside `up`, against a running server.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { AthenaClient, ListQueryExecutionsCommand } from '@aws-sdk/client-athena';
import { CreateDeliveryStreamCommand, DescribeDeliveryStreamCommand, FirehoseClient } from '@aws-sdk/client-firehose';
import { CreateStreamCommand, DescribeStreamSummaryCommand, KinesisClient, waitUntilStreamExists } from '@aws-sdk/client-kinesis';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

import { awsCli, run } from '../support/command.mjs';
import { binary, startServer } from '../support/server.mjs';

let server, folder;
const wellhead = (command, ...args) => run(binary(), [command, ...args, '--data-dir', server.dataDir]);

before(async () => {
    server = await startServer();
    folder = mkdtempSync(join(tmpdir(), 'wellhead-commands-'));
});
after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
});

function template(name, text) {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
}

test('deploy brings a template onto the running server, and again only what changed', async () => {
    const text = 'Parameters: {Shards: {Type: Number, Default: 1}}\n'
        + 'Resources: {S: {Type: AWS::Kinesis::Stream, Properties: {Name: deployed, ShardCount: !Ref Shards}}}\n';
    const file = template('my.template.yaml', text);
    let done = await wellhead('deploy', file, '--parameters', 'Shards=2');
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stderr, /✓ S +AWS::Kinesis::Stream +CREATE_COMPLETE/);
    done = await wellhead('deploy', file);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stderr, /the stack my stands as it is/);
    const kinesis = new KinesisClient(server.client);
    const { StreamDescriptionSummary: stream } = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: 'deployed' }));
    assert.equal(stream.OpenShardCount, 2);

    done = await wellhead('deploy', template('bad.yaml', 'Resources: {S: {Type: AWS::Kinesis::Stream, Properties: {Name: deployed}}}'), '--stack-name', 'other');
    assert.equal(done.code, 1);
    assert.match(done.stderr, /Resources\/S: ResourceInUseException/);
    // What is left of a creation that failed makes way.
    done = await wellhead('deploy', template('good.yaml', 'Resources: {B: {Type: AWS::S3::Bucket, Properties: {BucketName: other-bucket}}}'), '--stack-name', 'other');
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stderr, /made anew/);
});

test('deploy says what is wrong with its input', async () => {
    let done = await wellhead('deploy', template('worse.yaml', 'Resources: ['));
    assert.equal(done.code, 1);
    assert.match(done.stderr, /Template format error: .*line 1/);
    done = await wellhead('deploy', join(folder, 'nowhere.yaml'));
    assert.notEqual(done.code, 0);
    done = await run(binary(), ['deploy', template('x.yaml', 'Resources: {}'), '--data-dir', join(folder, 'none')]);
    assert.equal(done.code, 1);
    assert.match(done.stderr, /no Wellhead was started with the data directory/);
    done = await wellhead('deploy', template('y.yaml', 'Resources: {}'), '--parameters', 'novalue');
    assert.match(done.stderr, /Name=Value/);
});

test('sql prints a table, CSV, or the reason', async () => {
    let done = await wellhead('sql', "SELECT 'well-01' AS well, 12.5 AS flow UNION ALL SELECT 'a,b', NULL ORDER BY 1");
    assert.equal(done.code, 0, done.stderr);
    assert.equal(done.stdout, ' well    | flow\n---------+------\n a,b     | NULL\n well-01 | 12.5\n(2 rows)\n');
    done = await wellhead('sql', '--csv', "SELECT 'well-01' AS well, 12.5 AS flow UNION ALL SELECT 'a,b', NULL ORDER BY 1");
    assert.equal(done.stdout, 'well,flow\r\n"a,b",\r\nwell-01,12.5\r\n');
    done = await wellhead('sql', 'SELECT count(*) AS n FROM UNNEST(sequence(1, 5000)) AS t(x)');
    assert.match(done.stdout, /5000/, done.stderr);
    done = await wellhead('sql', 'SELECT nope FROM nowhere');
    assert.equal(done.code, 1);
    assert.equal(done.stdout, '');
    assert.match(done.stderr, /^wellhead: .*line 1:18/);
});

test('sql pages through a long result', async () => {
    const done = await wellhead('sql', '--csv', 'SELECT x FROM UNNEST(sequence(1, 2500)) AS t(x)');
    assert.equal(done.code, 0, done.stderr);
    assert.equal(done.stdout.trim().split('\r\n').length, 2501);
});

test('status and env say where everything is', async () => {
    let done = await wellhead('status');
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, new RegExp(`running \\(process ${server.pid}\\)`));
    assert.match(done.stdout, /health +ok, version/);
    assert.match(done.stdout, /stacks +\d+: /);
    assert.match(done.stdout, /CA +.*ca\.pem/);
    done = await wellhead('status', '--json');
    const status = JSON.parse(done.stdout);
    assert.deepEqual([status.running, status.port, status.ca_file], [true, server.port, server.caFile]);
    done = await wellhead('env');
    assert.match(done.stdout, /export AWS_ENDPOINT_URL=http:\/\/127\.0\.0\.1:\d+/);
    done = await run('sh', ['-c', `eval "$('${binary()}' env --data-dir '${server.dataDir}')" && echo $AWS_SECRET_ACCESS_KEY $WELLHEAD_CA_FILE`]);
    assert.equal(done.stdout.trim(), `${server.credentials.secretAccessKey} ${server.caFile}`);
    assert.equal(statSync(join(server.dataDir, 'root_key.json')).mode & 0o077, 0);
});

test('health and metrics answer without a signature', async () => {
    const health = await fetch(`${server.client.endpoint}/health`);
    assert.deepEqual([health.status, (await health.json()).status], [200, 'ok']);
    const metrics = await fetch(`${server.client.endpoint}/metrics`);
    assert.match(metrics.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
    assert.match(await metrics.text(), /wellhead_requests_total\{service="cloudformation",status="2xx"\} [1-9]/);
});

test('reset is off unless asked for', async () => {
    const answer = await fetch(`${server.client.endpoint}/_wellhead/reset`, { method: 'POST' });
    assert.equal(answer.status, 404);
    assert.match((await answer.json()).message, /--allow-reset/);
});

test('an option that makes no sense is named', async () => {
    for (const args of [['--creation-delay', 'soon'], ['--account-id', '12'], ['--port', '99999'], ['--nope']]) {
        const done = await run(binary(), ['up', '--data-dir', join(folder, 'never'), ...args]);
        assert.notEqual(done.code, 0, args.join(' '));
        assert.ok((done.stderr + done.stdout).includes(args[0].slice(2)), done.stderr + done.stdout);
    }
});

test('a port that is taken, and a data directory that is in use, are named', async () => {
    let done = await run(binary(), ['up', '--data-dir', join(folder, 'second'), '--port', String(server.port), '--mqtt-port', '0', '--console-port', '0']);
    assert.equal(done.code, 1);
    assert.match(done.stderr, new RegExp(`aws: cannot listen on 127\\.0\\.0\\.1:${server.port}: Address already in use`));
    done = await run(binary(), ['up', '--data-dir', server.dataDir, '--port', '0', '--mqtt-port', '0', '--console-port', '0']);
    assert.equal(done.code, 1);
    assert.match(done.stderr, /lock|in use|another/);
});

test('a creation delay holds new resources in CREATING', async () => {
    const slow = await startServer({ args: ['--creation-delay', '700ms'] });
    try {
        const kinesis = new KinesisClient(slow.client);
        const before = Date.now();
        await kinesis.send(new CreateStreamCommand({ StreamName: 'slow', ShardCount: 1 }));
        const { StreamDescriptionSummary: stream } = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: 'slow' }));
        assert.equal(stream.StreamStatus, 'CREATING');
        await waitUntilStreamExists({ client: kinesis, minDelay: 1, maxWaitTime: 20 }, { StreamName: 'slow' });
        assert.ok(Date.now() - before >= 700);
        const firehose = new FirehoseClient(slow.client);
        await new S3Client(slow.client).send(new CreateBucketCommand({ Bucket: 'delivered' }));
        await firehose.send(new CreateDeliveryStreamCommand({
            DeliveryStreamName: 'slow', ExtendedS3DestinationConfiguration: {
                BucketARN: 'arn:aws:s3:::delivered', RoleARN: 'arn:aws:iam::000000000000:role/r',
            },
        }));
        const status = async () => (await firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'slow' })))
            .DeliveryStreamDescription.DeliveryStreamStatus;
        assert.equal(await status(), 'CREATING');
        while (await status() !== 'ACTIVE');
        const done = await awsCli(slow, ['kinesis', 'wait', 'stream-exists', '--stream-name', 'slow']);
        assert.equal(done.code, 0, done.stderr);
    } finally {
        await slow.stop();
    }
});

test('an interrupted query is stopped', async () => {
    const athena = new AthenaClient(server.client);
    const { spawn } = await import('node:child_process');
    const running = async () => {
        const { QueryExecutionIds } = await athena.send(new ListQueryExecutionsCommand({}));
        return QueryExecutionIds.length;
    };
    const before = await running();
    const child = spawn(binary(), ['sql', 'SELECT count(*) FROM UNNEST(sequence(1, 100000)) AS a(x), UNNEST(sequence(1, 100000)) AS b(y) WHERE (x * y) % 7 = 3', '--data-dir', server.dataDir]);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    while (await running() === before);
    child.kill('SIGINT');
    assert.equal(await ended, 130);
    const { QueryExecutionIds: [id] } = await athena.send(new ListQueryExecutionsCommand({}));
    const { GetQueryExecutionCommand } = await import('@aws-sdk/client-athena');
    for (let state = 'RUNNING'; state !== 'CANCELLED';) {
        const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId: id }));
        state = QueryExecution.Status.State;
        assert.notEqual(state, 'SUCCEEDED');
    }
});
