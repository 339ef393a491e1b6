// A certified OpenID provider (oidc-provider) with two people and their groups: prints its port, then serves until it is ended.
// Arguments: the portal's address, and the algorithm its tokens are signed with.
import { createServer } from 'node:http';
import { generateKeyPair, exportJWK } from 'jose';
import Provider from 'oidc-provider';

const [portal, algorithm] = process.argv.slice(2);
const GROUPS = { olga: ['north-operators'], nora: ['another-clinic'] };

const keys = await Promise.all(
  ['RS256', 'ES256'].map(async (alg) => ({
    ...(await exportJWK((await generateKeyPair(alg, { extractable: true })).privateKey)), alg, use: 'sig', kid: alg,
  })),
);
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{
      client_id: 'scribeport',
      client_secret: 'a-secret-of-the-client',
      redirect_uris: [`${portal}/sign-in/service/back/`],
      post_logout_redirect_uris: [`${portal}/sign-in/`],
      id_token_signed_response_alg: algorithm,
    }],
    jwks: { keys },
    pkce: { required: () => true, methods: ['S256'] },
    cookies: { keys: ['tests'] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'given_name', 'groups'], email: ['email'] },
    findAccount: (context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, given_name: id, email: `${id}@example.org`, groups: GROUPS[id] ?? [] }),
    }),
  });
  server.on('request', provider.callback());
  console.log(JSON.stringify({ port }));
});
