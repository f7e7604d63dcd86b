// Thing groups, the policies on them, and what policies come to, with the SDK and real connections.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import * as iot from '@aws-sdk/client-iot';
import { startServer } from '../support/server.mjs';

const run = promisify(execFile);
const policyOf = (...statements) => JSON.stringify({ Version: '2012-10-17', Statement: statements });
let server, control, folder;
const send = (name, input = {}) => control.send(new iot[`${name}Command`](input));
const arn = (rest) => `arn:aws:iot:${server.region}:${server.account_id}:${rest}`;

before(async () => {
    server = await startServer();
    control = new iot.IoTClient(server.client);
    folder = mkdtempSync(join(tmpdir(), 'wellhead-groups-'));
});
after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
});

test('groups are made, described, changed, listed and deleted as AWS does', async () => {
    const root = await send('CreateThingGroup', { thingGroupName: 'field', tags: [{ Key: 'a', Value: 'b' }],
        thingGroupProperties: { thingGroupDescription: 'all', attributePayload: { attributes: { region: 'north' } } } });
    assert.equal(root.thingGroupArn, arn('thinggroup/field'));
    const again = await send('CreateThingGroup', { thingGroupName: 'field',
        thingGroupProperties: { thingGroupDescription: 'all', attributePayload: { attributes: { region: 'north' } } } });
    assert.equal(again.thingGroupId, root.thingGroupId);
    await assert.rejects(send('CreateThingGroup', { thingGroupName: 'field' }), { name: 'ResourceAlreadyExistsException' });
    await assert.rejects(send('CreateThingGroup', { thingGroupName: 'x', parentGroupName: 'none' }), { name: 'ResourceNotFoundException' });
    await send('CreateThingGroup', { thingGroupName: 'pad', parentGroupName: 'field' });
    await send('CreateThingGroup', { thingGroupName: 'row', parentGroupName: 'pad' });
    const row = await send('DescribeThingGroup', { thingGroupName: 'row' });
    assert.equal(row.version, 1);
    assert.equal(row.thingGroupMetadata.parentGroupName, 'pad');
    assert.deepEqual(row.thingGroupMetadata.rootToParentThingGroups.map((g) => g.groupName), ['field', 'pad']);
    assert.ok(row.thingGroupMetadata.creationDate instanceof Date);
    const names = async (input) => (await send('ListThingGroups', input)).thingGroups.map((g) => g.groupName);
    assert.deepEqual(await names({}), ['field', 'pad', 'row']);
    assert.deepEqual(await names({ recursive: false }), ['field']);
    assert.deepEqual(await names({ parentGroup: 'field' }), ['pad', 'row']);
    assert.deepEqual(await names({ parentGroup: 'field', recursive: false }), ['pad']);
    assert.deepEqual(await names({ namePrefixFilter: 'r' }), ['row']);
    const updated = await send('UpdateThingGroup', { thingGroupName: 'field', expectedVersion: 1,
        thingGroupProperties: { attributePayload: { attributes: { shift: 'day' }, merge: true } } });
    assert.equal(updated.version, 2);
    const field = await send('DescribeThingGroup', { thingGroupName: 'field' });
    assert.deepEqual(field.thingGroupProperties.attributePayload.attributes, { region: 'north', shift: 'day' });
    await assert.rejects(send('UpdateThingGroup', { thingGroupName: 'field', expectedVersion: 1, thingGroupProperties: {} }), { name: 'VersionConflictException' });
    assert.deepEqual((await send('ListTagsForResource', { resourceArn: root.thingGroupArn })).tags, [{ Key: 'a', Value: 'b' }]);
    await assert.rejects(send('DeleteThingGroup', { thingGroupName: 'pad' }), { name: 'InvalidRequestException' });
    await assert.rejects(send('DescribeThingGroup', { thingGroupName: 'none' }), { name: 'ResourceNotFoundException' });
});

test('things join and leave groups', async () => {
    for (const thingName of ['t1', 't2']) await send('CreateThing', { thingName });
    await send('AddThingToThingGroup', { thingGroupName: 'row', thingName: 't1' });
    await send('AddThingToThingGroup', { thingGroupArn: arn('thinggroup/field'), thingArn: arn('thing/t2') });
    await send('AddThingToThingGroup', { thingGroupName: 'row', thingName: 't1' });
    await assert.rejects(send('AddThingToThingGroup', { thingGroupName: 'none', thingName: 't1' }), { name: 'ResourceNotFoundException' });
    await assert.rejects(send('AddThingToThingGroup', { thingGroupName: 'row' }), { name: 'InvalidRequestException' });
    const things = async (input) => (await send('ListThingsInThingGroup', input)).things;
    assert.deepEqual(await things({ thingGroupName: 'field' }), ['t2']);
    assert.deepEqual(await things({ thingGroupName: 'field', recursive: true }), ['t1', 't2']);
    const groups = async (thingName) => (await send('ListThingGroupsForThing', { thingName })).thingGroups.map((g) => g.groupName);
    assert.deepEqual(await groups('t1'), ['row']);
    await send('UpdateThingGroupsForThing', { thingName: 't1', thingGroupsToAdd: ['pad'], thingGroupsToRemove: ['row'] });
    assert.deepEqual(await groups('t1'), ['pad']);
    await send('RemoveThingFromThingGroup', { thingGroupName: 'pad', thingName: 't1' });
    assert.deepEqual(await groups('t1'), []);
    await send('DeleteThing', { thingName: 't2' });
    assert.deepEqual(await things({ thingGroupName: 'field' }), []);
});

test('a policy on a group holds for the things below it, and tests say so', async () => {
    const keys = await send('CreateKeysAndCertificate', { setAsActive: true });
    const device = { cert: join(folder, 'c.pem'), key: join(folder, 'k.pem') };
    writeFileSync(device.cert, keys.certificatePem);
    writeFileSync(device.key, keys.keyPair.PrivateKey);
    await send('CreateThing', { thingName: 'grouped' });
    await send('AttachThingPrincipal', { thingName: 'grouped', principal: keys.certificateArn });
    await send('CreatePolicy', { policyName: 'group-policy', policyDocument: policyOf(
        { Effect: 'Allow', Action: 'iot:Connect', Resource: arn('client/${iot:Connection.Thing.ThingName}') },
        { Effect: 'Allow', Action: 'iot:Publish', Resource: arn('topic/group/*') },
        { Effect: 'Deny', Action: 'iot:Publish', Resource: arn('topic/group/secret') }) });
    await send('AttachPolicy', { policyName: 'group-policy', target: arn('thinggroup/field') });
    assert.deepEqual((await send('ListTargetsForPolicy', { policyName: 'group-policy' })).targets, [arn('thinggroup/field')]);
    assert.deepEqual((await send('ListAttachedPolicies', { target: arn('thinggroup/field') })).policies.map((p) => p.policyName), ['group-policy']);
    const publish = (topic) => run('mosquitto_pub', ['-h', 'localhost', '-p', String(server.mqtt_port), '--cafile', server.caFile, '--cert', device.cert,
        '--key', device.key, '-i', 'grouped', '-V', '5', '-q', '1', '-t', topic, '-m', 'x'], { timeout: 10_000 });
    await assert.rejects(publish('group/a'));
    await send('AddThingToThingGroup', { thingGroupName: 'row', thingName: 'grouped' });
    await publish('group/a');
    const effective = await send('GetEffectivePolicies', { principal: keys.certificateArn, thingName: 'grouped' });
    assert.deepEqual(effective.effectivePolicies.map((p) => p.policyName), ['group-policy']);
    const { authResults } = await send('TestAuthorization', { principal: keys.certificateArn, clientId: 'grouped', authInfos: [
        { actionType: 'CONNECT', resources: [arn('client/grouped'), arn('client/other')] },
        { actionType: 'PUBLISH', resources: [arn('topic/group/a'), arn('topic/group/secret'), arn('topic/other')] }] });
    assert.deepEqual(authResults.map((r) => r.authDecision), ['ALLOWED', 'IMPLICIT_DENY', 'ALLOWED', 'EXPLICIT_DENY', 'IMPLICIT_DENY']);
    assert.deepEqual(authResults[3].denied.explicitDeny.policies.map((p) => p.policyName), ['group-policy']);
    assert.deepEqual(authResults[0].allowed.policies.map((p) => p.policyName), ['group-policy']);
    await send('RemoveThingFromThingGroup', { thingGroupName: 'row', thingName: 'grouped' });
    await assert.rejects(publish('group/a'));
    await send('CreateThing', { thingName: 'v2' });
    await send('AttachThingPrincipal', { thingName: 'v2', principal: keys.certificateArn });
    const principals = await send('ListThingPrincipalsV2', { thingName: 'v2' });
    assert.deepEqual(principals.thingPrincipalObjects, [{ principal: keys.certificateArn, thingPrincipalType: 'NON_EXCLUSIVE_THING' }]);
    const objects = await send('ListPrincipalThingsV2', { principal: keys.certificateArn });
    assert.deepEqual(objects.principalThingObjects.map((o) => o.thingName), ['grouped', 'v2']);
});

test('a certificate of an authority with auto registration is registered at its first connection', async () => {
    const file = (name) => join(folder, name);
    const openssl = (...args) => run('openssl', args, { cwd: folder });
    await openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=Authority', '-days', '2', '-keyout', 'ca.key', '-out', 'ca.crt');
    const code = (await send('GetRegistrationCode')).registrationCode;
    const sign = async (name, subject) => {
        await openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`);
        await openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-out', `${name}.crt`);
    };
    await sign('proof', `/CN=${code}`);
    await sign('device', '/CN=device');
    const text = async (name) => (await import('node:fs')).readFileSync(file(name), 'utf8');
    const ca = await send('RegisterCACertificate', { caCertificate: await text('ca.crt'), verificationCertificate: await text('proof.crt'), setAsActive: true, allowAutoRegistration: true });
    const publish = () => run('mosquitto_pub', ['-h', 'localhost', '-p', String(server.mqtt_port), '--cafile', server.caFile, '--cert', file('device.crt'),
        '--key', file('device.key'), '-i', 'jit', '-q', '1', '-t', 'a', '-m', 'x'], { timeout: 10_000 });
    await assert.rejects(publish());
    const { certificates } = await send('ListCertificatesByCA', { caCertificateId: ca.certificateId });
    assert.deepEqual(certificates.map((c) => c.status), ['PENDING_ACTIVATION']);
    const described = await send('DescribeCertificate', { certificateId: certificates[0].certificateId });
    assert.equal(described.certificateDescription.caCertificateId, ca.certificateId);
    await send('CreatePolicy', { policyName: 'jit', policyDocument: policyOf({ Effect: 'Allow', Action: 'iot:*', Resource: '*' }) });
    await send('AttachPolicy', { policyName: 'jit', target: certificates[0].certificateArn });
    await assert.rejects(publish());
    await send('UpdateCertificate', { certificateId: certificates[0].certificateId, newStatus: 'ACTIVE' });
    await publish();
});
