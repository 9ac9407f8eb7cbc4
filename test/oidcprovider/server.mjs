// The certified OpenID provider of npm (oidc-provider), for tests.
//
// It reads its configuration as one line of JSON from standard input, prints
// one line {"issuer": …} when it accepts connections, and ends when standard
// input closes: whatever becomes of the test that started it, it does not
// outlive that test. Notices go to standard error.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

// Standard output carries the ready line and nothing else.
console.info = console.error;
console.log = console.error;

const input = createInterface({ input: process.stdin });
input.once('close', () => process.exit(0));
const [line] = await once(input, 'line');
const config = JSON.parse(line);

const server = createServer();
server.listen(config.port ?? 0, '127.0.0.1');
await once(server, 'listening');
const issuer = config.issuer ?? `http://127.0.0.1:${server.address().port}`;

const key = (type, options, alg) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
  kid: `${alg}-${randomBytes(4).toString('hex')}`,
  alg,
  use: 'sig',
});

const provider = new Provider(issuer, {
  clients: config.clients.map((client) => ({
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    ...client,
  })),
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
  jwks: {
    keys: [key('rsa', { modulusLength: 2048 }, 'RS256'), key('ec', { namedCurve: 'P-256' }, 'ES256')],
  },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  pkce: { required: () => true },
  // Tokens end when they say so, not a quarter of a minute later.
  clockTolerance: 0,
  rotateRefreshToken: true,
  // Claims of a scope come from userinfo, not from the ID token: the
  // standard's way, and the one that makes a client ask.
  conformIdTokenClaims: true,
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'given_name', 'family_name', 'picture', 'locale'],
  },
  scopes: ['openid', 'offline_access'],
  ttl: {
    AccessToken: config.accessTokenSeconds ?? 3600,
    IdToken: 3600,
    RefreshToken: 86400,
    Grant: 86400,
    Interaction: 600,
    Session: 86400,
  },
  findAccount: (_ctx, login) => ({
    accountId: login,
    claims: () => ({
      sub: login,
      email: `${login}@people.example`,
      email_verified: true,
      name: login,
      ...config.claims?.[login],
    }),
  }),
  // The provider's own sign-in and consent forms: any login, any password.
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    backchannelLogout: { enabled: true },
  },
  // Back channels are on loopback here, which the provider's own dispatcher
  // refuses to call.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
});
provider.on('backchannel.error', (_ctx, error) => console.error(error.stack));
provider.on('server_error', (_ctx, error) => console.error(error.stack));

// What was asked for, in order: method, path and authorization scheme, such as
// "POST /token Basic". Tests read it at /asked, which is not counted itself.
const asked = [];
const answer = provider.callback();
server.on('request', (request, response) => {
  const [path] = request.url.split('?');
  if (path === '/asked') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(asked));
    return;
  }
  const [scheme] = (request.headers.authorization ?? '').split(' ');
  asked.push([request.method, path, scheme].filter(Boolean).join(' '));
  answer(request, response);
});
process.stdout.write(`${JSON.stringify({ issuer })}\n`);
