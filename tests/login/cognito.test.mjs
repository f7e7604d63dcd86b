// Cognito with its own clients: the SDK makes the pool, amazon-cognito-identity-js signs in by password proof,
// aws-jwt-verify checks the tokens, openid-client goes through the hosted login.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import {
    AdminAddUserToGroupCommand, AdminConfirmSignUpCommand, AdminCreateUserCommand, AdminSetUserPasswordCommand,
    CognitoIdentityProviderClient, CreateGroupCommand, CreateResourceServerCommand, CreateUserPoolClientCommand,
    CreateUserPoolCommand, GetUserCommand, InitiateAuthCommand, DescribeRiskConfigurationCommand, ListUsersCommand, RevokeTokenCommand, SignUpCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import cognitoClient from 'amazon-cognito-identity-js';
import { JwtRsaVerifier } from 'aws-jwt-verify';
import * as oidc from 'openid-client';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../support/server.mjs';

const { AuthenticationDetails, CognitoRefreshToken, CognitoUser, CognitoUserPool } = cognitoClient;
const callback = 'http://localhost:9/callback';
let server;
let sdk;
let poolId;
let clientId;

before(async () => {
    server = await startServer();
    sdk = new CognitoIdentityProviderClient(server.client);
    poolId = (await sdk.send(new CreateUserPoolCommand({ PoolName: 'wells' }))).UserPool.Id;
    clientId = (await sdk.send(new CreateUserPoolClientCommand({
        UserPoolId: poolId, ClientName: 'app', PreventUserExistenceErrors: 'ENABLED',
        ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'], CallbackURLs: [callback],
        AllowedOAuthFlows: ['code'], AllowedOAuthScopes: ['openid', 'email'], AllowedOAuthFlowsUserPoolClient: true,
    }))).UserPoolClient.ClientId;
    for (const name of ['alice', 'bob']) {
        await sdk.send(new AdminCreateUserCommand({
            UserPoolId: poolId, Username: name, TemporaryPassword: 'Temporary-1', MessageAction: 'SUPPRESS',
            UserAttributes: [{ Name: 'email', Value: `${name}@example.com` }],
        }));
    }
    await sdk.send(new AdminSetUserPasswordCommand({ UserPoolId: poolId, Username: 'bob', Password: 'Permanent-2', Permanent: true }));
});
after(() => server?.stop());

function signIn(name, password, newPassword) {
    const pool = new CognitoUserPool({ UserPoolId: poolId, ClientId: clientId, endpoint: server.endpoint });
    const user = new CognitoUser({ Username: name, Pool: pool });
    return new Promise((resolve, reject) => user.authenticateUser(new AuthenticationDetails({ Username: name, Password: password }), {
        onSuccess: (session) => resolve({ session, user }),
        onFailure: reject,
        newPasswordRequired: () => newPassword
            ? user.completeNewPasswordChallenge(newPassword, {}, { onSuccess: (session) => resolve({ session, user }), onFailure: reject })
            : reject(new Error('new password required')),
    }));
}

async function verifier() {
    const made = JwtRsaVerifier.create({ issuer: `${server.endpoint}/${poolId}`, audience: clientId, jwksUri: `${server.endpoint}/${poolId}/.well-known/jwks.json` });
    made.cacheJwks(await (await fetch(`${server.endpoint}/${poolId}/.well-known/jwks.json`)).json());
    return made;
}

test('a password proof signs in, a wrong password does not', async () => {
    for (let i = 0; i < 4; ++i) {
        const { session } = await signIn('bob', 'Permanent-2');
        const claims = (await verifier()).verifySync(session.getIdToken().getJwtToken());
        assert.equal(claims['cognito:username'], 'bob');
        assert.equal(claims.email, 'bob@example.com');
        assert.equal(claims.token_use, 'id');
    }
    await assert.rejects(signIn('bob', 'Permanent-3'), (error) => error.code === 'NotAuthorizedException');
    await assert.rejects(signIn('nobody', 'Permanent-3'), (error) => error.code === 'NotAuthorizedException');
});

test('a temporary password leads to a new one', async () => {
    await assert.rejects(signIn('alice', 'Temporary-1'), /new password required/);
    await signIn('alice', 'Temporary-1', 'Permanent-4');
    await signIn('alice', 'Permanent-4');
});

test('tokens are renewed until they are revoked', async () => {
    const { session, user } = await signIn('bob', 'Permanent-2');
    const token = session.getRefreshToken().getToken();
    await new Promise((resolve, reject) => user.refreshSession(new CognitoRefreshToken({ RefreshToken: token }), (error, value) => error ? reject(error) : resolve(value)));
    await sdk.send(new GetUserCommand({ AccessToken: session.getAccessToken().getJwtToken() }));
    await sdk.send(new RevokeTokenCommand({ Token: token, ClientId: clientId }));
    await assert.rejects(sdk.send(new GetUserCommand({ AccessToken: session.getAccessToken().getJwtToken() })), { name: 'NotAuthorizedException' });
    await assert.rejects(sdk.send(new InitiateAuthCommand({ AuthFlow: 'REFRESH_TOKEN_AUTH', ClientId: clientId, AuthParameters: { REFRESH_TOKEN: token } })), { name: 'NotAuthorizedException' });
});

test('an OpenID client goes through the hosted login with PKCE', async () => {
    const config = await oidc.discovery(new URL(`${server.endpoint}/${poolId}`), clientId, undefined, oidc.None(), { execute: [oidc.allowInsecureRequests] });
    const code_verifier = oidc.randomPKCECodeVerifier();
    const state = oidc.randomState();
    const nonce = oidc.randomNonce();
    const authorize = oidc.buildAuthorizationUrl(config, {
        redirect_uri: callback, scope: 'openid email', state, nonce, code_challenge: await oidc.calculatePKCECodeChallenge(code_verifier), code_challenge_method: 'S256',
    });
    const toLogin = await fetch(authorize, { redirect: 'manual' });
    const login = new URL(toLogin.headers.get('location'), authorize);
    const page = await fetch(login);
    const cookie = page.headers.get('set-cookie').split(';')[0];
    const csrf = /name="_csrf" value="([0-9a-f]+)"/.exec(await page.text())[1];
    const answer = await fetch(login, {
        method: 'POST', redirect: 'manual', headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ _csrf: csrf, username: 'bob', password: 'Permanent-2' }),
    });
    assert.equal(answer.status, 303);
    const tokens = await oidc.authorizationCodeGrant(config, new URL(answer.headers.get('location')), { pkceCodeVerifier: code_verifier, expectedState: state, expectedNonce: nonce });
    assert.equal(tokens.claims().email, 'bob@example.com');
    const who = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
    assert.equal(who.email, 'bob@example.com');
    const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
    assert.ok(renewed.access_token);
    await assert.rejects(oidc.authorizationCodeGrant(config, new URL(answer.headers.get('location')), { pkceCodeVerifier: code_verifier, expectedState: state, expectedNonce: nonce }));
});

test('a client with a secret proves it in every call', async () => {
    const pool = (await sdk.send(new CreateUserPoolCommand({ PoolName: 'by-email', UsernameAttributes: ['email'] }))).UserPool.Id;
    const client = (await sdk.send(new CreateUserPoolClientCommand({
        UserPoolId: pool, ClientName: 'server', GenerateSecret: true, ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
        AllowedOAuthFlows: ['client_credentials'], AllowedOAuthScopes: ['wells/read'], AllowedOAuthFlowsUserPoolClient: true,
    }))).UserPoolClient;
    const Username = 'carol@example.com';
    const SecretHash = createHmac('sha256', client.ClientSecret).update(Username + client.ClientId).digest('base64');
    const signUp = { ClientId: client.ClientId, Username, Password: 'Abcdefg-1' };
    await assert.rejects(sdk.send(new SignUpCommand(signUp)), { name: 'NotAuthorizedException' });
    const { UserSub } = await sdk.send(new SignUpCommand({ ...signUp, SecretHash }));
    const start = new InitiateAuthCommand({ ClientId: client.ClientId, AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: { USERNAME: Username, PASSWORD: 'Abcdefg-1', SECRET_HASH: SecretHash } });
    await assert.rejects(sdk.send(start), { name: 'UserNotConfirmedException' });
    await sdk.send(new AdminConfirmSignUpCommand({ UserPoolId: pool, Username }));
    await sdk.send(new CreateGroupCommand({ UserPoolId: pool, GroupName: 'operators' }));
    await sdk.send(new AdminAddUserToGroupCommand({ UserPoolId: pool, Username, GroupName: 'operators' }));
    const { AuthenticationResult: tokens } = await sdk.send(start);
    const claims = JSON.parse(Buffer.from(tokens.IdToken.split('.')[1], 'base64url'));
    assert.deepEqual(claims['cognito:groups'], ['operators']);
    assert.equal(claims.sub, UserSub);
    assert.equal((await sdk.send(new ListUsersCommand({ UserPoolId: pool, Filter: `email = "${Username}"` }))).Users.length, 1);

    await sdk.send(new CreateResourceServerCommand({ UserPoolId: pool, Identifier: 'wells', Name: 'wells', Scopes: [{ ScopeName: 'read', ScopeDescription: 'read' }] }));
    const ask = (secret, scope) => fetch(`${server.endpoint}/_aws/cognito/${pool}/oauth2/token`, {
        method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
        headers: { authorization: 'Basic ' + Buffer.from(`${client.ClientId}:${secret}`).toString('base64') },
    });
    assert.equal((await ask('wrong', 'wells/read')).status, 401);
    assert.equal((await ask(client.ClientSecret, 'wells/write')).status, 400);
    assert.ok((await (await ask(client.ClientSecret, 'wells/read')).json()).access_token);
});

test('what is not served says so', async () => {
    await assert.rejects(sdk.send(new DescribeRiskConfigurationCommand({ UserPoolId: poolId })), (error) => error.$metadata.httpStatusCode === 400 && /DescribeRiskConfiguration/.test(error.message));
    await assert.rejects(sdk.send(new CreateUserPoolCommand({ PoolName: 'mfa', MfaConfiguration: 'ON' })), { name: 'InvalidParameterException' });
});

test('users, sessions and the first login outlive a kill', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'wellhead-login-'));
    let kept = await startServer({ dataDir, keep: true });
    try {
        const before = new CognitoIdentityProviderClient(kept.client);
        const pool = (await before.send(new CreateUserPoolCommand({ PoolName: 'kept' }))).UserPool.Id;
        const client = (await before.send(new CreateUserPoolClientCommand({ UserPoolId: pool, ClientName: 'app', ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'] }))).UserPoolClient.ClientId;
        await before.send(new AdminCreateUserCommand({ UserPoolId: pool, Username: 'dora', TemporaryPassword: 'Temporary-1', MessageAction: 'SUPPRESS' }));
        await before.send(new AdminSetUserPasswordCommand({ UserPoolId: pool, Username: 'dora', Password: 'Permanent-2', Permanent: true }));
        const start = { ClientId: client, AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: { USERNAME: 'dora', PASSWORD: 'Permanent-2' } };
        const token = (await before.send(new InitiateAuthCommand(start))).AuthenticationResult.RefreshToken;
        assert.ok(kept.first_login.password);
        await kept.kill();
        kept = await startServer({ dataDir, keep: true });
        // Nobody can read the first password any more, and nobody has chosen another: there is a new one.
        assert.ok(kept.first_login.password);
        const after = new CognitoIdentityProviderClient(kept.client);
        const renewed = await after.send(new InitiateAuthCommand({ ClientId: client, AuthFlow: 'REFRESH_TOKEN_AUTH', AuthParameters: { REFRESH_TOKEN: token } }));
        assert.ok(renewed.AuthenticationResult.AccessToken);
        assert.ok((await after.send(new InitiateAuthCommand(start))).AuthenticationResult);
    } finally {
        await kept.stop();
        rmSync(dataDir, { recursive: true, force: true });
    }
});
