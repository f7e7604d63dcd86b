// Templates through the CloudFormation API, with the AWS CLI and the SDK for JavaScript.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import * as cfn from '@aws-sdk/client-cloudformation';
import { DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import { CreateBucketCommand, HeadBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

import { awsCli } from '../support/command.mjs';
import { startServer } from '../support/server.mjs';

let server, client, kinesis, s3, folder;

before(async () => {
    server = await startServer();
    client = new cfn.CloudFormationClient(server.client);
    kinesis = new KinesisClient(server.client);
    s3 = new S3Client(server.client);
    folder = mkdtempSync(join(tmpdir(), 'wellhead-templates-'));
});

after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
});

const TEMPLATE = `
AWSTemplateFormatVersion: '2010-09-09'
Description: A stream and a bucket
Parameters:
  Shards: {Type: Number, Default: 1, MinValue: 1, MaxValue: 4}
  Secret: {Type: String, NoEcho: true, Default: hush}
  Zone: {Type: String, Default: '', AllowedValues: ['', east]}
Mappings:
  Hours: {short: {value: 24}, long: {value: 48}}
Conditions:
  HasZone: !Not [!Equals [!Ref Zone, '']]
Resources:
  Stream:
    Type: AWS::Kinesis::Stream
    Properties:
      Name: !Join ['-', [!Ref AWS::StackName, stream]]
      ShardCount: !Ref Shards
      RetentionPeriodHours: !FindInMap [Hours, short, value]
  Bucket:
    Type: AWS::S3::Bucket
    Condition: HasZone
    Properties:
      BucketName: !Sub '\${AWS::StackName}-\${AWS::AccountId}'
Outputs:
  StreamArn:
    Description: where records go
    Value: !GetAtt Stream.Arn
    Export: {Name: !Sub '\${AWS::StackName}-arn'}
  Encoded: {Value: {'Fn::Base64': !Sub '\${Stream}:\${AWS::Region}'}}
`;

const send = (Command, input) => client.send(new cfn[`${Command}Command`](input));
const refused = (promise, name, message) => assert.rejects(promise, (error) => {
    assert.equal(error.name, name);
    if (message) assert.match(error.message, message);
    return true;
});

async function settled(StackName) {
    for (;;) {
        const { Stacks: [stack] } = await send('DescribeStacks', { StackName });
        if (!stack.StackStatus.endsWith('_IN_PROGRESS')) return stack;
    }
}

test('a stack is created, updated in place and deleted', async () => {
    const StackName = 'whole';
    const { StackId } = await send('CreateStack', {
        StackName, TemplateBody: TEMPLATE, Tags: [{ Key: 'team', Value: 'field' }],
        Parameters: [{ ParameterKey: 'Shards', ParameterValue: '2' }],
    });
    assert.match(StackId, /^arn:aws:cloudformation:us-east-1:000000000000:stack\/whole\/[0-9a-f-]{36}$/);
    let stack = await settled(StackName);
    assert.equal(stack.StackStatus, 'CREATE_COMPLETE', stack.StackStatusReason);
    assert.deepEqual(stack.Tags, [{ Key: 'team', Value: 'field' }]);
    assert.deepEqual(Object.fromEntries(stack.Parameters.map((p) => [p.ParameterKey, p.ParameterValue])),
        { Shards: '2', Secret: '****', Zone: '' });
    const outputs = Object.fromEntries(stack.Outputs.map((output) => [output.OutputKey, output]));
    assert.equal(outputs.StreamArn.OutputValue, 'arn:aws:kinesis:us-east-1:000000000000:stream/whole-stream');
    assert.equal(outputs.StreamArn.ExportName, 'whole-arn');
    assert.equal(Buffer.from(outputs.Encoded.OutputValue, 'base64').toString(), 'whole-stream:us-east-1');
    const summary = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: 'whole-stream' }));
    assert.equal(summary.StreamDescriptionSummary.OpenShardCount, 2);

    await refused(send('CreateStack', { StackName, TemplateBody: TEMPLATE }), 'AlreadyExistsException', /already exists/);
    await refused(send('UpdateStack', {
        StackName, UsePreviousTemplate: true,
        Parameters: [{ ParameterKey: 'Shards', UsePreviousValue: true }],
    }), 'ValidationError', /^No updates are to be performed\.$/);

    await send('UpdateStack', {
        StackName, UsePreviousTemplate: true,
        Parameters: [{ ParameterKey: 'Shards', UsePreviousValue: true }, { ParameterKey: 'Zone', ParameterValue: 'east' }],
    });
    stack = await settled(StackName);
    assert.equal(stack.StackStatus, 'UPDATE_COMPLETE', stack.StackStatusReason);
    await s3.send(new HeadBucketCommand({ Bucket: 'whole-000000000000' }));

    const { StackResources } = await send('DescribeStackResources', { StackName });
    assert.deepEqual(StackResources.map((r) => [r.LogicalResourceId, r.PhysicalResourceId, r.ResourceStatus]).sort(),
        [['Bucket', 'whole-000000000000', 'CREATE_COMPLETE'], ['Stream', 'whole-stream', 'CREATE_COMPLETE']]);
    const { StackResourceSummaries } = await send('ListStackResources', { StackName });
    assert.equal(StackResourceSummaries.length, 2);
    const { StackResourceDetail } = await send('DescribeStackResource', { StackName, LogicalResourceId: 'Stream' });
    assert.equal(StackResourceDetail.ResourceType, 'AWS::Kinesis::Stream');
    const { Exports } = await send('ListExports', {});
    assert.equal(Exports.find((e) => e.Name === 'whole-arn').ExportingStackId, StackId);
    assert.equal((await send('GetTemplate', { StackName })).TemplateBody, TEMPLATE);
    const { StackEvents } = await send('DescribeStackEvents', { StackName });
    assert.equal(StackEvents[0].ResourceStatus, 'UPDATE_COMPLETE');
    assert.equal(StackEvents.at(-1).ResourceStatus, 'CREATE_IN_PROGRESS');
    assert.ok(StackEvents.every((event, i) => i === 0 || event.Timestamp <= StackEvents[i - 1].Timestamp));

    await send('DeleteStack', { StackName });
    await cfn.waitUntilStackDeleteComplete({ client, maxWaitTime: 30, minDelay: 1 }, { StackName });
    await refused(send('DescribeStacks', { StackName }), 'ValidationError', /^Stack with id whole does not exist$/);
    assert.equal((await settled(StackId)).StackStatus, 'DELETE_COMPLETE');
    await assert.rejects(kinesis.send(new DescribeStreamSummaryCommand({ StreamName: 'whole-stream' })),
        { name: 'ResourceNotFoundException' });
    await send('DeleteStack', { StackName });
});

test('a template that fails leaves what stood before and names the resource and the cause', async () => {
    const StackName = 'broken';
    const good = 'Resources:\n  A: {Type: AWS::Kinesis::Stream, Properties: {Name: broken-a, ShardCount: 1}}\n';
    const bad = `${good}  B: {Type: AWS::Kinesis::Stream, DependsOn: A, Properties: {Name: 'not a name', ShardCount: 1}}\n`;
    await send('CreateStack', { StackName, TemplateBody: bad });
    let stack = await settled(StackName);
    assert.equal(stack.StackStatus, 'ROLLBACK_COMPLETE');
    assert.match(stack.StackStatusReason, /Resources\/B: .*not a name/);
    await assert.rejects(kinesis.send(new DescribeStreamSummaryCommand({ StreamName: 'broken-a' })),
        { name: 'ResourceNotFoundException' });
    await refused(send('UpdateStack', { StackName, TemplateBody: good }), 'ValidationError', /ROLLBACK_COMPLETE state and can not be updated/);
    await send('DeleteStack', { StackName });
    await settled(stack.StackId);

    await send('CreateStack', { StackName, TemplateBody: good });
    assert.equal((await settled(StackName)).StackStatus, 'CREATE_COMPLETE');
    await send('UpdateStack', { StackName, TemplateBody: bad.replace('ShardCount: 1', 'ShardCount: 2') });
    stack = await settled(StackName);
    assert.equal(stack.StackStatus, 'UPDATE_ROLLBACK_COMPLETE');
    const summary = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: 'broken-a' }));
    assert.equal(summary.StreamDescriptionSummary.OpenShardCount, 1);
    assert.equal((await send('DescribeStackResources', { StackName })).StackResources.length, 1);

    await send('CreateStack', { StackName: 'kept', TemplateBody: bad.replaceAll('broken-a', 'kept-a'), OnFailure: 'DO_NOTHING' });
    assert.equal((await settled('kept')).StackStatus, 'CREATE_FAILED');
    await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: 'kept-a' }));
    await send('DeleteStack', { StackName: 'kept' });
});

test('what could never be deployed is refused at once', async () => {
    const create = (TemplateBody, more = {}) => send('CreateStack', { StackName: 'never', TemplateBody, ...more });
    await refused(create('Resources: ['), 'ValidationError', /^Template format error: .*line 1/);
    await refused(create('Resources: {A: {Type: AWS::Lambda::Function}}'), 'ValidationError', /Resources\/A: the type AWS::Lambda::Function is not served/);
    await refused(create('Resources: {A: {Type: AWS::S3::Bucket, Properties: {X: !Ref B}}}'), 'ValidationError', /refers to B/);
    await refused(create(TEMPLATE, { Parameters: [{ ParameterKey: 'Shards', ParameterValue: '9' }] }), 'ValidationError', /Shards/);
    await refused(create(TEMPLATE, { Parameters: [{ ParameterKey: 'Nope', ParameterValue: '9' }] }), 'ValidationError', /\[Nope\] do not exist in the template/);
    await refused(create(), 'ValidationError', /TemplateBody/);
    await refused(send('CreateStack', { StackName: '1bad', TemplateBody: TEMPLATE }), 'ValidationError', /stackName/);
    const role = 'Resources: {R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}}';
    await refused(create(role), 'InsufficientCapabilitiesException', /\[CAPABILITY_IAM\]/);
    await refused(send('DescribeStacks', { StackName: 'never' }), 'ValidationError');
    await refused(send('UpdateStack', { StackName: 'never', TemplateBody: TEMPLATE }), 'ValidationError', /Stack \[never\] does not exist/);
    await refused(send('DetectStackDrift', { StackName: 'never' }), 'InvalidAction', /DetectStackDrift is not served/);
    const validated = await send('ValidateTemplate', { TemplateBody: TEMPLATE });
    assert.deepEqual(validated.Parameters.find((p) => p.ParameterKey === 'Secret'),
        { ParameterKey: 'Secret', DefaultValue: 'hush', NoEcho: true });
    const summary = await send('GetTemplateSummary', { TemplateBody: TEMPLATE });
    assert.deepEqual(summary.ResourceTypes, ['AWS::Kinesis::Stream', 'AWS::S3::Bucket']);
});

test('a change set shows what would happen, and does it', async () => {
    const StackName = 'reviewed';
    await send('CreateChangeSet', { StackName, ChangeSetName: 'first', ChangeSetType: 'CREATE', TemplateBody: TEMPLATE });
    assert.equal((await send('DescribeStacks', { StackName })).Stacks[0].StackStatus, 'REVIEW_IN_PROGRESS');
    let set = await send('DescribeChangeSet', { StackName, ChangeSetName: 'first' });
    assert.equal(set.Status, 'CREATE_COMPLETE');
    assert.deepEqual(set.Changes.map((c) => [c.ResourceChange.Action, c.ResourceChange.LogicalResourceId]), [['Add', 'Stream']]);
    await send('ExecuteChangeSet', { StackName, ChangeSetName: 'first' });
    assert.equal((await settled(StackName)).StackStatus, 'CREATE_COMPLETE');

    await send('CreateChangeSet', { StackName, ChangeSetName: 'same', TemplateBody: TEMPLATE });
    set = await send('DescribeChangeSet', { StackName, ChangeSetName: 'same' });
    assert.deepEqual([set.Status, set.ExecutionStatus], ['FAILED', 'UNAVAILABLE']);
    assert.match(set.StatusReason, /^The submitted information didn't contain changes\./);
    await refused(send('ExecuteChangeSet', { StackName, ChangeSetName: 'same' }), 'InvalidChangeSetStatusException');

    await send('CreateChangeSet', { StackName, ChangeSetName: 'more', TemplateBody: TEMPLATE.replace('Default: 1,', 'Default: 2,') });
    set = await send('DescribeChangeSet', { StackName, ChangeSetName: 'more' });
    assert.equal(set.Changes[0].ResourceChange.Action, 'Modify');
    assert.equal(set.Changes[0].ResourceChange.Replacement, 'False');
    const { Summaries } = await send('ListChangeSets', { StackName });
    assert.ok(Summaries.some((s) => s.ChangeSetName === 'more'));
    await send('DeleteChangeSet', { StackName, ChangeSetName: 'more' });
    await refused(send('DescribeChangeSet', { StackName, ChangeSetName: 'more' }), 'ChangeSetNotFoundException');
    await send('DeleteStack', { StackName });
});

test('a template comes from a bucket, and exports tie stacks together', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'templates' }));
    await s3.send(new PutObjectCommand({ Bucket: 'templates', Key: 'a b/t.yaml', Body: TEMPLATE }));
    const TemplateURL = `${server.client.endpoint}/templates/a%20b/t.yaml`;
    await send('CreateStack', { StackName: 'giver', TemplateURL });
    assert.equal((await settled('giver')).StackStatus, 'CREATE_COMPLETE');
    await refused(send('CreateStack', { StackName: 'x', TemplateURL: `${server.client.endpoint}/templates/none` }), 'ValidationError', /NoSuchKey/);
    const taker = "Resources: {B: {Type: AWS::S3::Bucket, Properties: {BucketName: taker, Tags: [{Key: arn, Value: !ImportValue giver-arn}]}}}";
    await send('CreateStack', { StackName: 'taker', TemplateBody: taker });
    assert.equal((await settled('taker')).StackStatus, 'CREATE_COMPLETE');
    assert.deepEqual((await send('ListImports', { ExportName: 'giver-arn' })).Imports, ['taker']);
    await send('DeleteStack', { StackName: 'giver' });
    const giver = await settled('giver');
    assert.equal(giver.StackStatus, 'DELETE_FAILED');
    assert.match(giver.StackStatusReason, /Export giver-arn cannot be deleted as it is in use by taker/);
    await send('UpdateTerminationProtection', { StackName: 'taker', EnableTerminationProtection: true });
    await refused(send('DeleteStack', { StackName: 'taker' }), 'ValidationError', /TerminationProtection/);
    await send('UpdateTerminationProtection', { StackName: 'taker', EnableTerminationProtection: false });
    await send('DeleteStack', { StackName: 'taker' });
    await cfn.waitUntilStackDeleteComplete({ client, maxWaitTime: 30, minDelay: 1 }, { StackName: 'taker' });
    await send('DeleteStack', { StackName: 'giver' });
});

test('a bucket that is not empty stays, and so does what it hangs on', async () => {
    const StackName = 'full';
    await send('CreateStack', { StackName, TemplateBody: 'Resources: {B: {Type: AWS::S3::Bucket, Properties: {BucketName: full-bucket}}}' });
    await settled(StackName);
    await s3.send(new PutObjectCommand({ Bucket: 'full-bucket', Key: 'k', Body: 'v' }));
    await send('DeleteStack', { StackName });
    const stack = await settled(StackName);
    assert.equal(stack.StackStatus, 'DELETE_FAILED');
    assert.match(stack.StackStatusReason, /\[B\].*BucketNotEmpty/);
    await send('DeleteStack', { StackName, RetainResources: ['B'] });
    assert.equal((await settled(stack.StackId)).StackStatus, 'DELETE_COMPLETE');
    await s3.send(new HeadBucketCommand({ Bucket: 'full-bucket' }));
});

test('the AWS CLI deploys, waits and deletes', async () => {
    const file = join(folder, 'template.yaml');
    writeFileSync(file, TEMPLATE);
    const deploy = (...more) => awsCli(server, ['cloudformation', 'deploy', '--template-file', file, '--stack-name', 'by-cli', ...more]);
    let done = await deploy('--parameter-overrides', 'Shards=2', '--tags', 'a=b');
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /Successfully created\/updated stack - by-cli/);
    done = await deploy('--tags', 'a=b');
    assert.match(done.stdout + done.stderr, /No changes to deploy/);
    done = await awsCli(server, ['cloudformation', 'describe-stacks', '--stack-name', 'by-cli', '--query', 'Stacks[0].[StackStatus,Tags[0].Key]', '--output', 'text']);
    assert.equal(done.stdout.trim(), 'CREATE_COMPLETE\ta');
    done = await awsCli(server, ['cloudformation', 'delete-stack', '--stack-name', 'by-cli']);
    assert.equal(done.code, 0, done.stderr);
    done = await awsCli(server, ['cloudformation', 'wait', 'stack-delete-complete', '--stack-name', 'by-cli']);
    assert.equal(done.code, 0, done.stderr);
});
