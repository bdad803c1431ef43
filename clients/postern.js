// A running server as JavaScript sees it: where it is, its inbox, and user pools made for one test.

import { randomBytes } from "node:crypto";
import { CognitoIdentityProvider } from "@aws-sdk/client-cognito-identity-provider";
import { SESv2 } from "@aws-sdk/client-sesv2";

export function environment(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run scripts/test, which starts the server these tests speak to`);
  return value;
}

export const url = environment("POSTERN_URL");
export const demo = { pool: environment("POSTERN_POOL"), client: environment("POSTERN_CLIENT") };

const place = { endpoint: url, region: "us-east-1", maxAttempts: 1 };
const credentials = { accessKeyId: "test", secretAccessKey: "test" };

/** What an app in the field has: no keys at all, and none to be found. */
export const app = new CognitoIdentityProvider({
  ...place,
  credentials: () => Promise.reject(new Error("an app has no credentials, and needs none")),
});
export const admin = new CognitoIdentityProvider({ ...place, credentials });
export const ses = new SESv2({ ...place, credentials });

/** An address that nobody else uses, so that tests can share a server. */
export function freshAddress(word = "person") {
  return `${word}-${randomBytes(6).toString("hex")}@example.com`;
}

export async function mails(to, asked = {}) {
  const answer = await fetch(`${url}/inbox/api/messages?${new URLSearchParams({ to, ...asked })}`);
  if (!answer.ok) throw new Error(`the inbox answers ${answer.status}`);
  return answer.json();
}

/** The newest mail after those in `besides`; waits for it, as mail leaves after the call has been answered. */
export async function newestMail(to, besides = []) {
  const after = besides.length > 0 ? { after: besides[0].id } : {};
  const [there] = await mails(to, after);
  const [newest] = there ? [there] : await mails(to, { ...after, wait: 20 });
  if (!newest) throw new Error(`no mail to ${to}`);
  return newest;
}

export async function newestCode(to, besides = []) {
  return (await newestMail(to, besides)).code;
}

/** A user pool with sign-in by address, and one public client. */
export async function makePool({ factors = ["EMAIL_OTP", "PASSWORD"], pool = {}, client = {} } = {}) {
  const { UserPool } = await admin.createUserPool({
    PoolName: `pool-${randomBytes(4).toString("hex")}`,
    UsernameAttributes: ["email"],
    AutoVerifiedAttributes: ["email"],
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: factors } },
    ...pool,
  });
  const { UserPoolClient } = await admin.createUserPoolClient({
    UserPoolId: UserPool.Id,
    ClientName: "Test app",
    ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    PreventUserExistenceErrors: "ENABLED",
    ...client,
  });
  return { id: UserPool.Id, client: UserPoolClient.ClientId };
}

export async function addUser(pool, { email = freshAddress(), password } = {}) {
  await admin.adminCreateUser({
    UserPoolId: pool,
    Username: email,
    UserAttributes: [
      { Name: "email", Value: email },
      { Name: "email_verified", Value: "true" },
    ],
    MessageAction: "SUPPRESS",
  });
  if (password) {
    await admin.adminSetUserPassword({ UserPoolId: pool, Username: email, Password: password, Permanent: true });
  }
  return email;
}

/** A code of the same form that is not the one. */
export function wrong(code) {
  return code.slice(0, -1) + ((Number(code.at(-1)) + 1) % 10);
}
