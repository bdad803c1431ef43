// A SAML provider as samlify makes one: it reads what Postern asks, and signs what Postern takes.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import samlify from "samlify";
import { admin, makePool, url } from "../postern.js";
import { goesOn, leadsTo } from "./pages.js";

const CALLBACK = "http://localhost:3999/callback";
const BYE = "http://localhost:3999/bye";
const ENTITY = "https://idp.corp.example/metadata";
const BINDING = "urn:oasis:names:tc:SAML:2.0:bindings";
const EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

// The schemas would need a Java program; what is of interest here is signed or it is not.
samlify.setSchemaValidator({ validate: () => Promise.resolve("not looked at") });

const TEMPLATE = samlify.SamlLib.defaultLoginResponseTemplate.context
  .replace("{AuthnStatement}", '<saml:AuthnStatement AuthnInstant="{IssueInstant}" SessionIndex="_s1"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>')
  .replace(
    "{AttributeStatement}",
    '<saml:AttributeStatement><saml:Attribute Name="mail"><saml:AttributeValue xsi:type="xs:string">{NameID}</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue xsi:type="xs:string">A &amp; B</saml:AttributeValue><saml:AttributeValue xsi:type="xs:string">C</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>',
  );

function keyPair() {
  const folder = mkdtempSync(join(tmpdir(), "postern-saml-"));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate, "-subj", "/CN=idp"], { stdio: "ignore" });
  const pair = { privateKey: readFileSync(key, "utf8"), signingCert: readFileSync(certificate, "utf8") };
  rmSync(folder, { recursive: true });
  return pair;
}

const provider = (pair, wants = {}) =>
  samlify.IdentityProvider({
    ...pair,
    ...wants,
    entityID: ENTITY,
    wantLogoutRequestSigned: true,
    wantLogoutResponseSigned: true,
    nameIDFormat: [EMAIL],
    requestSignatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    singleSignOnService: [{ Binding: `${BINDING}:HTTP-Redirect`, Location: "https://idp.corp.example/sso" }],
    singleLogoutService: [{ Binding: `${BINDING}:HTTP-Redirect`, Location: "https://idp.corp.example/slo" }],
    loginResponseTemplate: { context: TEMPLATE, attributes: [] },
  });

const keys = keyPair();
const idp = provider(keys);
let pool;
let client;

before(async () => {
  pool = await makePool();
  await admin.createIdentityProvider({
    UserPoolId: pool.id,
    ProviderName: "Corp",
    ProviderType: "SAML",
    ProviderDetails: { MetadataFile: idp.getMetadata() },
    AttributeMapping: { email: "mail", nickname: "groups" },
  });
  const { UserPoolClient } = await admin.createUserPoolClient({
    UserPoolId: pool.id,
    ClientName: "By SAML",
    SupportedIdentityProviders: ["Corp"],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email", "profile"],
    CallbackURLs: [CALLBACK],
    LogoutURLs: [BYE],
  });
  client = UserPoolClient.ClientId;
});

const service = (signed) =>
  samlify.ServiceProvider({
    entityID: `urn:amazon:cognito:sp:${pool.id}`,
    nameIDFormat: [EMAIL],
    assertionConsumerService: [{ Binding: `${BINDING}:HTTP-POST`, Location: `${url}/saml2/idpresponse` }],
    singleLogoutService: [{ Binding: `${BINDING}:HTTP-POST`, Location: `${url}/saml2/logout` }],
    ...signed,
  });

/** Signs somebody in at the provider, and gives where the app is called back. */
async function signIn(from, sp, email) {
  const verifier = randomBytes(32).toString("base64url");
  const asked = new URLSearchParams({
    response_type: "code",
    client_id: client,
    redirect_uri: CALLBACK,
    scope: "openid email profile",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const out = await fetch(`${url}/oauth2/authorize?${asked}`, { redirect: "manual" });
  const cookie = out.headers.getSetCookie()[0].split(";")[0];
  const to = new URL(out.headers.get("location"));
  assert.equal(to.origin + to.pathname, "https://idp.corp.example/sso");
  const query = Object.fromEntries(to.searchParams);
  const request = await idp.parseLoginRequest(sp, "redirect", { query });
  assert.equal(request.extract.issuer, `urn:amazon:cognito:sp:${pool.id}`);
  assert.equal(request.extract.request.assertionConsumerServiceUrl, `${url}/saml2/idpresponse`);

  const now = new Date();
  const soon = new Date(now.getTime() + 5 * 60_000).toISOString();
  const fill = (template) => {
    const id = `_${randomBytes(16).toString("hex")}`;
    const values = {
      ID: id,
      AssertionID: `_${randomBytes(16).toString("hex")}`,
      Destination: `${url}/saml2/idpresponse`,
      SubjectRecipient: `${url}/saml2/idpresponse`,
      Audience: `urn:amazon:cognito:sp:${pool.id}`,
      Issuer: ENTITY,
      IssueInstant: now.toISOString(),
      StatusCode: "urn:oasis:names:tc:SAML:2.0:status:Success",
      ConditionsNotBefore: now.toISOString(),
      ConditionsNotOnOrAfter: soon,
      SubjectConfirmationDataNotOnOrAfter: soon,
      NameIDFormat: EMAIL,
      NameID: email,
      InResponseTo: request.extract.request.id,
    };
    return { id, context: samlify.SamlLib.replaceTagsByValue(template, values) };
  };
  const { context } = await from.createLoginResponse(sp, request, "post", { email }, fill);
  const body = new URLSearchParams({ SAMLResponse: context, RelayState: query.RelayState });
  const posted = await fetch(`${url}/saml2/idpresponse`, { method: "POST", body, redirect: "manual" });
  const next = new URL(goesOn(posted), url);
  if (next.origin !== new URL(url).origin) return { back: next, verifier };
  const home = await fetch(next, { redirect: "manual", headers: { cookie } });
  const cookies = [cookie, ...home.headers.getSetCookie().map((set) => set.split(";")[0])].join("; ");
  return { back: new URL(goesOn(home)), verifier, cookies };
}

/** Has the provider set up anew, with more details. */
const set = (ProviderDetails) =>
  admin.updateIdentityProvider({
    UserPoolId: pool.id,
    ProviderName: "Corp",
    ProviderDetails: { MetadataFile: idp.getMetadata(), ...ProviderDetails },
  });

/** What an address carries to the provider: its parameters, and the octets that its signature is over. */
function carried(address) {
  const { search, searchParams } = new URL(address);
  return { query: Object.fromEntries(searchParams), octetString: search.slice(1).split("&Signature=")[0] };
}

for (const [what, signed] of [
  ["the assertion", { wantAssertionsSigned: true }],
  ["the whole answer", { wantAssertionsSigned: false, wantMessageSigned: true }],
  ["both", { wantAssertionsSigned: true, wantMessageSigned: true }],
]) {
  test(`somebody signs in by a provider that signs ${what}`, async () => {
    const email = `ana-${randomBytes(4).toString("hex")}@corp.example`;
    const { back, verifier } = await signIn(idp, service(signed), email);
    const code = back.searchParams.get("code");
    assert.ok(code, back.href);
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      client_id: client,
      redirect_uri: CALLBACK,
      code,
      code_verifier: verifier,
    });
    const tokens = await (await fetch(`${url}/oauth2/token`, { method: "POST", body })).json();
    const claims = JSON.parse(Buffer.from(tokens.id_token.split(".")[1], "base64url"));
    assert.equal(claims["cognito:username"], `Corp_${email}`);
    assert.equal(claims.email, email);
    assert.equal(claims.nickname, "[A & B, C]");
    assert.equal(claims.identities[0].issuer, ENTITY);
  });
}

test("nobody signs in by somebody else's key", async () => {
  const { back } = await signIn(provider(keyPair()), service({ wantAssertionsSigned: true }), "eve@corp.example");
  assert.equal(back.searchParams.get("error"), "invalid_request");
  assert.match(back.searchParams.get("error_description"), /signature is not valid/);
});

test("a provider that wants requests signed recognises them by the pool's certificate", async () => {
  await set({ RequestSigningAlgorithm: "rsa-sha256" });
  const { Certificate: signingCert } = await admin.getSigningCertificate({ UserPoolId: pool.id });
  const asked = new URLSearchParams({
    response_type: "code",
    client_id: client,
    redirect_uri: CALLBACK,
    code_challenge: createHash("sha256").update("v".repeat(43)).digest("base64url"),
    code_challenge_method: "S256",
  });
  const out = await fetch(`${url}/oauth2/authorize?${asked}`, { redirect: "manual" });
  const { query, octetString } = carried(out.headers.get("location"));
  const strict = provider(keyPair(), { wantAuthnRequestsSigned: true });
  const read = (query) => {
    const sp = service({ authnRequestsSigned: true, signingCert, wantAssertionsSigned: true });
    return strict.parseLoginRequest(sp, "redirect", { query, octetString });
  };
  assert.equal((await read(query)).extract.issuer, `urn:amazon:cognito:sp:${pool.id}`);
  const other = Buffer.from(query.Signature, "base64").fill(1, 0, 8).toString("base64");
  await assert.rejects(read({ ...query, Signature: other }));
});

for (const [what, dataEncryptionAlgorithm] of [
  ["AES in CBC mode", "http://www.w3.org/2001/04/xmlenc#aes256-cbc"],
  ["AES-GCM", "http://www.w3.org/2009/xmlenc11#aes256-gcm"],
]) {
  test(`somebody signs in by an assertion that is encrypted by ${what}`, async () => {
    const { IdentityProvider } = await set({ EncryptedResponses: "true" });
    const encryptCert = IdentityProvider.ProviderDetails.ActiveEncryptionCertificate;
    const sp = service({ wantAssertionsSigned: true, encryptCert });
    const email = `eva-${randomBytes(4).toString("hex")}@corp.example`;
    const sealing = provider(keys, { isAssertionEncrypted: true, dataEncryptionAlgorithm });
    assert.ok((await signIn(sealing, sp, email)).back.searchParams.get("code"));
    const { back } = await signIn(idp, sp, email);
    assert.match(back.searchParams.get("error_description"), /the assertion is not encrypted/);
    const strange = provider(keyPair(), { isAssertionEncrypted: true, dataEncryptionAlgorithm });
    const no = await signIn(strange, sp, email);
    assert.match(no.back.searchParams.get("error_description"), /the encrypted assertion is not valid/);
  });
}

test("who signs out signs out at the provider, too, and the provider ends sessions from its side", async () => {
  await set({ IDPSignout: "true" });
  const { Certificate: signingCert } = await admin.getSigningCertificate({ UserPoolId: pool.id });
  const wants = { signingCert, wantAssertionsSigned: true, wantLogoutRequestSigned: true, wantLogoutResponseSigned: true };
  const sp = service(wants);
  const email = `ida-${randomBytes(4).toString("hex")}@corp.example`;
  const post = (fields) =>
    fetch(`${url}/saml2/logout`, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
  const leaving = new URLSearchParams({ client_id: client, logout_uri: BYE });
  const leave = ({ cookies }) => leadsTo(`${url}/logout?${leaving}`, { cookie: cookies });

  const out = await leave(await signIn(idp, sp, email));
  assert.match(out, /^https:\/\/idp\.corp\.example\/slo\?SAMLRequest=/);
  const { query, octetString } = carried(out);
  const asked = await idp.parseLogoutRequest(sp, "redirect", { query, octetString });
  assert.equal(asked.extract.nameID, email);
  assert.equal(asked.extract.sessionIndex, "_s1");
  const RelayState = query.RelayState;
  const strange = provider(keyPair()).createLogoutResponse(sp, asked, "post", RelayState);
  assert.equal((await post({ SAMLResponse: strange.context, RelayState })).status, 400);
  const { context } = idp.createLogoutResponse(sp, asked, "post", RelayState);
  assert.equal(goesOn(await post({ SAMLResponse: context, RelayState })), BYE);

  const here = await signIn(idp, sp, email);
  const user = { logoutNameID: email, sessionIndex: "_s1" };
  const request = idp.createLogoutRequest(sp, "post", user, "relay");
  const told = await post({ SAMLRequest: request.context, RelayState: "relay" });
  const answer = carried(told.headers.get("location"));
  assert.equal(answer.query.RelayState, "relay");
  await idp.parseLogoutResponse(sp, "redirect", answer);
  assert.equal((await post({ SAMLRequest: request.context })).status, 400);
  // Nobody is signed in any more, so that there is nothing to end at the provider.
  assert.equal(await leave(here), BYE);
});
