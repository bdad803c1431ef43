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
import { goesOn } from "./pages.js";

const CALLBACK = "http://localhost:3999/callback";
const ENTITY = "https://idp.corp.example/metadata";
const BINDING = "urn:oasis:names:tc:SAML:2.0:bindings";
const EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

// The schemas would need a Java program; what is of interest here is signed or it is not.
samlify.setSchemaValidator({ validate: () => Promise.resolve("not looked at") });

const TEMPLATE = samlify.SamlLib.defaultLoginResponseTemplate.context
  .replace("{AuthnStatement}", '<saml:AuthnStatement AuthnInstant="{IssueInstant}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>')
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

const provider = (pair, wantAuthnRequestsSigned = false) =>
  samlify.IdentityProvider({
    ...pair,
    entityID: ENTITY,
    wantAuthnRequestsSigned,
    nameIDFormat: [EMAIL],
    requestSignatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    singleSignOnService: [{ Binding: `${BINDING}:HTTP-Redirect`, Location: "https://idp.corp.example/sso" }],
    loginResponseTemplate: { context: TEMPLATE, attributes: [] },
  });

const idp = provider(keyPair());
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
  });
  client = UserPoolClient.ClientId;
});

const service = (signed) =>
  samlify.ServiceProvider({
    entityID: `urn:amazon:cognito:sp:${pool.id}`,
    nameIDFormat: [EMAIL],
    assertionConsumerService: [{ Binding: `${BINDING}:HTTP-POST`, Location: `${url}/saml2/idpresponse` }],
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
  return { back: new URL(goesOn(home)), verifier };
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
  const UserPoolId = pool.id;
  const ProviderDetails = { MetadataFile: idp.getMetadata(), RequestSigningAlgorithm: "rsa-sha256" };
  await admin.updateIdentityProvider({ UserPoolId, ProviderName: "Corp", ProviderDetails });
  const { Certificate: signingCert } = await admin.getSigningCertificate({ UserPoolId });
  const asked = new URLSearchParams({
    response_type: "code",
    client_id: client,
    redirect_uri: CALLBACK,
    code_challenge: createHash("sha256").update("v".repeat(43)).digest("base64url"),
    code_challenge_method: "S256",
  });
  const out = await fetch(`${url}/oauth2/authorize?${asked}`, { redirect: "manual" });
  const { search, searchParams } = new URL(out.headers.get("location"));
  const strict = provider(keyPair(), true);
  const octetString = search.slice(1).split("&Signature=")[0];
  const read = (query) => {
    const sp = service({ authnRequestsSigned: true, signingCert, wantAssertionsSigned: true });
    return strict.parseLoginRequest(sp, "redirect", { query, octetString });
  };
  const query = Object.fromEntries(searchParams);
  assert.equal((await read(query)).extract.issuer, `urn:amazon:cognito:sp:${pool.id}`);
  const other = Buffer.from(query.Signature, "base64").fill(1, 0, 8).toString("base64");
  await assert.rejects(read({ ...query, Signature: other }));
});
