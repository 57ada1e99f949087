// An authorization server for tests: npm `oidc-provider`, with people who answer at once.
//
// Who sits at the browser is said by its `x-person` header; `nobody` declines every request.
// With SYNAPSE_URL it stands in for the Matrix Authentication Service of that homeserver.
// Everything secret that it issues or receives is appended to SECRETS, one JSON line each.
import { appendFileSync } from 'node:fs';
import http from 'node:http';
import Provider from 'oidc-provider';

const { PORT, SECRETS, SYNAPSE_URL, SYNAPSE_SECRET, SYNAPSE_CALLBACK } = process.env;
const issuer = `http://127.0.0.1:${PORT}`;
const lifetime = Number(process.env.LIFETIME ?? 5);
const resource = 'urn:switchboard:test';
const known = ['openid', 'offline_access', 'profile'];

const deviceOf = (scope) => /:device:(\S+)/.exec(scope ?? '')?.[1];

async function tellSynapse(action, body) {
  const answer = await fetch(`${SYNAPSE_URL}/_synapse/mas/${action}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SYNAPSE_SECRET}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${action}: ${answer.status} ${await answer.text()}`);
}

// Matrix scopes name a device, so they cannot be listed beforehand: whatever is asked for is known.
function matrixScopes({ oidc: { params, entities } }) {
  const { AuthorizationCode, DeviceCode, RefreshToken } = entities;
  const asked = [params, AuthorizationCode, DeviceCode, RefreshToken].map((source) => source?.scope ?? '').join(' ');
  return asked.split(' ').filter((scope) => scope.startsWith('urn:matrix:')).join(' ');
}

async function grantAll(ctx) {
  const { client, session } = ctx.oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(known.join(' '));
  grant.addResourceScope(resource, `offline_access ${matrixScopes(ctx)}`);
  if (SYNAPSE_URL) {
    const person = { localpart: session.accountId };
    await tellSynapse('provision_user', { ...person, set_displayname: session.accountId });
    const device = deviceOf(matrixScopes(ctx));
    if (device) await tellSynapse('upsert_device', { ...person, device_id: device });
  }
  await grant.save();
  return grant;
}

const provider = new Provider(issuer, {
  clients: SYNAPSE_CALLBACK
    ? [{ client_id: 'synapse', client_secret: 'synapse-client-secret', redirect_uris: [SYNAPSE_CALLBACK] }]
    : [],
  clientAuthMethods: ['none', 'client_secret_basic'],
  scopes: known,
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'] },
  conformIdTokenClaims: false,
  cookies: { keys: ['a key for tests'] },
  discovery: { account_management_uri: `${issuer}/account`, account_management_actions_supported: [] },
  pkce: { required: (_, client) => client.clientId !== 'synapse' },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, name: sub, preferred_username: sub }) }),
  loadExistingGrant: grantAll,
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  expiresWithSession: () => false,
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  features: {
    devInteractions: { enabled: false },
    deviceFlow: {
      enabled: true,
      userCodeInputSource: (ctx, form) => { ctx.body = form; },
      userCodeConfirmSource: (ctx, form) => { ctx.body = form; },
      successSource: (ctx) => { ctx.body = 'Approved.'; },
    },
    registration: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx) => ({
        scope: `offline_access ${matrixScopes(ctx)}`,
        accessTokenFormat: 'opaque',
        accessTokenTTL: lifetime,
      }),
    },
  },
  ttl: {
    AccessToken: lifetime, AuthorizationCode: 60, DeviceCode: 600, RefreshToken: 3600,
    Grant: 3600, IdToken: 600, Interaction: 600, Session: 3600,
  },
});

const record = (secrets) => SECRETS && appendFileSync(SECRETS, `${JSON.stringify(secrets)}\n`);
const grants = new Map();
provider.on('grant.success', ({ oidc, body }) => {
  const { code, code_verifier, device_code, refresh_token: spent } = oidc.params;
  const { access_token, refresh_token } = body;
  record({ code, code_verifier, device_code, spent, access_token, refresh_token });
  const { accountId, grantId, scope } = oidc.entities.AccessToken;
  grants.set(grantId, { accountId, device: deviceOf(scope) });
});
provider.on('registration_create.success', ({ body: { registration_access_token } }) => record({ registration_access_token }));
provider.on('grant.error', (_, error) => console.error('refused:', error.error_description ?? error.message));
provider.on('server_error', (_, error) => console.error(error));

async function interaction(ctx) {
  const { prompt } = await provider.interactionDetails(ctx.req, ctx.res);
  const person = ctx.get('x-person') || 'alice';
  let result = prompt.name === 'login' ? { login: { accountId: person } } : { consent: {} };
  if (person === 'nobody') result = { error: 'access_denied', error_description: 'declined by the person' };
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: true }));
}

// What Synapse asks about each token. `harness-<person>` is the tests' own way in.
async function introspect(ctx) {
  let form = '';
  for await (const chunk of ctx.req) form += chunk;
  const value = new URLSearchParams(form).get('token') ?? '';
  const harness = /^harness-(\w+)$/.exec(value)?.[1];
  if (harness) {
    const scope = `urn:matrix:client:api:* urn:matrix:client:device:${value}`;
    ctx.body = { active: true, sub: harness, username: harness, scope, expires_in: 3600 };
    return;
  }
  const token = await provider.AccessToken.find(value);
  ctx.body = token?.isValid
    ? { active: true, sub: token.accountId, username: token.accountId, scope: token.scope, expires_in: token.remainingTTL }
    : { active: false };
}

// What happens when a person ends all sessions on the account page.
async function endSessions(ctx, person) {
  for (const [grantId, { accountId, device }] of grants) {
    if (accountId !== person) continue;
    await provider.AccessToken.revokeByGrantId(grantId);
    await provider.RefreshToken.revokeByGrantId(grantId);
    if (SYNAPSE_URL && device) await tellSynapse('delete_device', { localpart: person, device_id: device });
    grants.delete(grantId);
  }
  ctx.body = {};
}

provider.use(async (ctx, next) => {
  const [, first, second] = ctx.path.split('/');
  if (first === 'interaction') await interaction(ctx);
  else if (first === 'oauth2' && second === 'introspect') await introspect(ctx);
  else if (first === 'end-sessions') await endSessions(ctx, second);
  else await next();
});

http.createServer(provider.callback()).listen(Number(PORT), '127.0.0.1', () => console.log(issuer));
