// F24, tokens and certificates: each way of not being who one says is refused.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, createPublicKey, createSign, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AdminCreateUserCommand, AdminInitiateAuthCommand, AdminSetUserPasswordCommand, CognitoIdentityProviderClient, CreateUserPoolClientCommand, CreateUserPoolCommand, GetUserCommand, RevokeTokenCommand } from '@aws-sdk/client-cognito-identity-provider';
import { AttachPolicyCommand, CreateKeysAndCertificateCommand, CreatePolicyCommand, IoTClient, UpdateCertificateCommand } from '@aws-sdk/client-iot';
import mqtt from 'mqtt';
import { startServer } from '../support/server.mjs';

let server;
const scratch = mkdtempSync(join(tmpdir(), 'wellhead-identities-'));
before(async () => { server = await startServer(); });
after(async () => { await server?.stop(); rmSync(scratch, { recursive: true, force: true }); });

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const decode = (part) => JSON.parse(Buffer.from(part, 'base64url'));

test('a token is believed only as it was issued', async () => {
    const cognito = new CognitoIdentityProviderClient(server.client);
    const signIn = async (PoolName) => {
        const { UserPool: { Id } } = await cognito.send(new CreateUserPoolCommand({ PoolName }));
        const { UserPoolClient: { ClientId } } = await cognito.send(new CreateUserPoolClientCommand({ UserPoolId: Id, ClientName: 'c', ExplicitAuthFlows: ['ALLOW_ADMIN_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'] }));
        await cognito.send(new AdminCreateUserCommand({ UserPoolId: Id, Username: 'u', MessageAction: 'SUPPRESS' }));
        await cognito.send(new AdminSetUserPasswordCommand({ UserPoolId: Id, Username: 'u', Password: 'Permanent-2', Permanent: true }));
        const { AuthenticationResult } = await cognito.send(new AdminInitiateAuthCommand({ UserPoolId: Id, ClientId, AuthFlow: 'ADMIN_USER_PASSWORD_AUTH', AuthParameters: { USERNAME: 'u', PASSWORD: 'Permanent-2' } }));
        return { Id, ClientId, ...AuthenticationResult };
    };
    const mine = await signIn('mine');
    const other = await signIn('other');
    assert.equal((await cognito.send(new GetUserCommand({ AccessToken: mine.AccessToken }))).Username, 'u');

    const [header, payload, signature] = mine.AccessToken.split('.');
    const { keys: [jwk] } = await (await fetch(`${server.endpoint}/${mine.Id}/.well-known/jwks.json`)).json();
    const publicPem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const rsa = (head, body) => { const text = `${encode(head)}.${encode(body)}`; return `${text}.${createSign('sha256').update(text).sign(stranger.privateKey, 'base64url')}`; };
    const hmac = (key) => { const text = `${encode({ ...decode(header), alg: 'HS256' })}.${payload}`; return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`; };
    const claims = decode(payload);
    const tokens = {
        'algorithm none': `${encode({ ...decode(header), alg: 'none' })}.${payload}.`,
        'none with the signature kept': `${encode({ ...decode(header), alg: 'none' })}.${payload}.${signature}`,
        'HMAC by the public key': hmac(publicPem),
        'HMAC by the modulus': hmac(jwk.n),
        'an unknown key id': `${encode({ ...decode(header), kid: 'stranger' })}.${payload}.${signature}`,
        'a stranger\'s key under our id': rsa(decode(header), claims),
        'a key carried along': rsa({ ...decode(header), jwk: stranger.publicKey.export({ format: 'jwk' }) }, claims),
        'another pool in the claims': `${header}.${encode({ ...claims, iss: claims.iss.replace(mine.Id, other.Id) })}.${signature}`,
        'a later expiry': `${header}.${encode({ ...claims, exp: claims.exp + 3600 })}.${signature}`,
        'an identity token': mine.IdToken,
        'a refresh token': mine.RefreshToken,
        'a flipped bit': `${header}.${payload}.${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`,
        'no signature': `${header}.${payload}`,
        'four parts': `${mine.AccessToken}.x`,
        'no token': 'x',
        'padding': `${mine.AccessToken}=`,
    };
    for (const [what, AccessToken] of Object.entries(tokens)) {
        await assert.rejects(cognito.send(new GetUserCommand({ AccessToken })), { name: 'NotAuthorizedException' }, what);
        const answer = await fetch(`${server.endpoint}/oauth2/userInfo`, { headers: { authorization: `Bearer ${AccessToken}` } });
        assert.ok(answer.status >= 400 && answer.status < 500, `${what} at userInfo: ${answer.status}`);
        const page = await fetch(`${server.console.replace('localhost', '127.0.0.1')}/api/streams`, { headers: { authorization: `Bearer ${AccessToken}`, cookie: `session=${AccessToken}` } });
        assert.ok(page.status >= 400, `${what} at the console: ${page.status}`);
    }
    await cognito.send(new RevokeTokenCommand({ Token: mine.RefreshToken, ClientId: mine.ClientId }));
    await assert.rejects(cognito.send(new GetUserCommand({ AccessToken: mine.AccessToken })), { name: 'NotAuthorizedException' });
    await assert.rejects(cognito.send(new AdminInitiateAuthCommand({ UserPoolId: mine.Id, ClientId: mine.ClientId, AuthFlow: 'REFRESH_TOKEN_AUTH', AuthParameters: { REFRESH_TOKEN: mine.RefreshToken } })), { name: 'NotAuthorizedException' });
    await assert.rejects(cognito.send(new AdminInitiateAuthCommand({ UserPoolId: other.Id, ClientId: other.ClientId, AuthFlow: 'REFRESH_TOKEN_AUTH', AuthParameters: { REFRESH_TOKEN: `${other.RefreshToken}x` } })), { name: 'NotAuthorizedException' });
});

const openssl = (...args) => execFileSync('openssl', args, { cwd: scratch, stdio: ['ignore', 'pipe', 'pipe'] });

test('a device is believed only by an active certificate of ours', async () => {
    const iot = new IoTClient(server.client);
    await iot.send(new CreatePolicyCommand({ policyName: 'all', policyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }] }) }));
    const certificate = async (active) => {
        const made = await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: active }));
        await iot.send(new AttachPolicyCommand({ policyName: 'all', target: made.certificateArn }));
        return { id: made.certificateId, cert: made.certificatePem, key: made.keyPair.PrivateKey };
    };
    const connect = (identity, more = {}) => new Promise((resolve) => {
        const client = mqtt.connect({ protocol: 'mqtts', host: '127.0.0.1', port: server.mqtt_port, ca: readFileSync(server.caFile), cert: identity?.cert, key: identity?.key, reconnectPeriod: 0, connectTimeout: 4000, ...more });
        client.once('connect', () => { client.end(true); resolve('connected'); });
        client.once('error', () => { client.end(true); resolve('refused'); });
        client.once('close', () => { client.end(true); resolve('refused'); });
    });
    const good = await certificate(true);
    assert.equal(await connect(good), 'connected');

    const authority = ['-subj', '/CN=Wellhead', '-days', '2', '-nodes', '-newkey', 'rsa:2048'];
    openssl('req', '-x509', ...authority, '-keyout', 'ca.key', '-out', 'ca.pem');
    openssl('req', '-x509', ...authority, '-keyout', 'self.key', '-out', 'self.pem');
    openssl('req', '-new', '-subj', '/CN=device', '-nodes', '-newkey', 'rsa:2048', '-keyout', 'device.key', '-out', 'device.csr');
    openssl('x509', '-req', '-in', 'device.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-out', 'device.pem');
    // One that calls our own certificate its issuer, as far as names go.
    const ours = openssl('x509', '-in', server.caFile, '-noout', '-subject', '-nameopt', 'compat').toString().trim().replace(/^subject=\s*/, '');
    openssl('req', '-x509', '-subj', ours.startsWith('/') ? ours : `/${ours.replace(/, /g, '/').replace(/ = /g, '=')}`, '-days', '2', '-nodes', '-newkey', 'rsa:2048', '-keyout', 'twin.key', '-out', 'twin.pem');
    openssl('x509', '-req', '-in', 'device.csr', '-CA', 'twin.pem', '-CAkey', 'twin.key', '-CAcreateserial', '-days', '2', '-out', 'forged.pem');
    const file = (name) => readFileSync(join(scratch, name));
    const inactive = await certificate(false);
    const revoked = await certificate(true);
    await iot.send(new UpdateCertificateCommand({ certificateId: revoked.id, newStatus: 'REVOKED' }));
    const policyless = await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }));
    const identities = {
        'no certificate': undefined,
        'signed by itself': { cert: file('self.pem'), key: file('self.key') },
        'of another authority': { cert: file('device.pem'), key: file('device.key') },
        'of an authority that bears our name': { cert: file('forged.pem'), key: file('device.key') },
        inactive, revoked,
        'without a policy': { cert: policyless.certificatePem, key: policyless.keyPair.PrivateKey },
    };
    for (const [what, identity] of Object.entries(identities)) assert.equal(await connect(identity), 'refused', what);
    assert.equal(await connect(undefined, { username: good.id, password: good.cert }), 'refused');
    // A connection ends when its certificate does.
    const living = await mqtt.connectAsync({ protocol: 'mqtts', host: '127.0.0.1', port: server.mqtt_port, ca: readFileSync(server.caFile), cert: good.cert, key: good.key, reconnectPeriod: 0 });
    const closed = new Promise((resolve) => living.once('close', resolve));
    await iot.send(new UpdateCertificateCommand({ certificateId: good.id, newStatus: 'INACTIVE' }));
    await closed;
    assert.equal(await connect(good), 'refused');
});
