// A certified OAuth 2.0 server (oidc-provider) that has not read our code: PKCE S256 alone, RS384 assertions alone, refresh
// tokens that rotate and whose reuse ends the grant. Arguments: the redirect address, the address of a JWKS, and
// seconds a token lives. Says its port on the first line; "revoke" on standard input ends every grant.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

const [redirect, jwks, seconds] = process.argv.slice(2);
const BASE = "/fhir/r4/LAKESI";
const SCOPES = ["offline_access"];
for (const who of ["user", "system"])
  for (const kind of ["DocumentReference", "Binary"])
    for (const may of ["read", "write"]) SCOPES.push(`${who}/${kind}.${may}`);

const person = {
  redirect_uris: [redirect],
  response_types: ["code"],
  grant_types: ["authorization_code", "refresh_token"],
  scope: SCOPES.join(" "),
};
const clients = [
  { ...person, client_id: "public-app", token_endpoint_auth_method: "none" },
  { ...person, client_id: "secret-app", client_secret: "hush-hush-hush-hush-hush-hush-hu", token_endpoint_auth_method: "client_secret_basic" },
  {
    client_id: "backend",
    redirect_uris: [],
    response_types: [],
    grant_types: ["client_credentials"],
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: "RS384",
    jwks_uri: jwks,
    scope: "system/DocumentReference.read system/DocumentReference.write system/Binary.read",
  },
];

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const port = server.address().port;
  const issuer = `http://127.0.0.1:${port}`;
  const counted = { refresh_token: 0, authorization_code: 0, client_credentials: 0 };
  const seen = [];
  const provider = new Provider(issuer, {
    clients,
    scopes: SCOPES,
    features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true }, revocation: { enabled: true } },
    pkce: { required: () => true, methods: ["S256"] },
    enabledJWA: { clientAuthSigningAlgValues: ["RS384"] },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    ttl: { AccessToken: () => Number(seconds), ClientCredentials: () => Number(seconds), RefreshToken: 90 * 86400 },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    // The person who signs in agrees to what is asked.
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope(ctx.oidc.params.scope);
      await grant.save();
      return grant;
    },
  });
  provider.on("grant.success", (ctx) => (counted[ctx.oidc.params.grant_type] += 1));
  provider.on("grant.error", (ctx, error) => seen.push(error.message + ": " + (error.error_detail ?? "")));
  provider.on("authorization.error", (ctx, error) => seen.push(error.error + ": " + (error.error_description ?? "")));
  const callback = provider.callback();
  server.on("request", async (request, response) => {
    const say = (body) => response.setHeader("Content-Type", "application/json").end(JSON.stringify(body));
    if (request.url === `${BASE}/.well-known/smart-configuration`)
      return say({
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        code_challenge_methods_supported: ["S256"],
        grant_types_supported: ["authorization_code", "client_credentials"],
        capabilities: ["client-confidential-asymmetric"],
      });
    if (request.url === "/seen") return say({ counted, errors: seen });
    if (request.url.startsWith("/interaction/"))
      return provider.interactionFinished(request, response, { login: { accountId: "dana" } });
    return callback(request, response);
  });
  createInterface({ input: process.stdin }).on("line", async (line) => {
    const { refresh } = JSON.parse(line);
    const token = await provider.RefreshToken.find(refresh);
    if (token) await provider.Grant.adapter.destroy(token.grantId);
    if (token) await provider.RefreshToken.adapter.revokeByGrantId(token.grantId);
    console.log(JSON.stringify({ revoked: Boolean(token) }));
  });
  console.log(JSON.stringify({ port }));
});
