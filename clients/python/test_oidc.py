"""Authlib signs in on the pages, as a web app with it does."""

import html
import re

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6749.errors import MismatchingStateException
from joserfc import jwt
from joserfc.jwk import KeySet

CALLBACK = "http://localhost:3999/callback"


@pytest.fixture
def app(pool):
    """An app client with a secret, as Authlib keeps it."""
    client = pool.server.idp.create_user_pool_client(
        UserPoolId=pool.id,
        ClientName="Authlib",
        GenerateSecret=True,
        ExplicitAuthFlows=["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid", "email"],
        CallbackURLs=[CALLBACK],
    )["UserPoolClient"]
    metadata = requests.get(f"{pool.server.url}/{pool.id}/.well-known/openid-configuration", timeout=10).json()
    session = OAuth2Session(
        client["ClientId"],
        client["ClientSecret"],
        scope="openid email",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint=metadata["token_endpoint"],
        revocation_endpoint=metadata["revocation_endpoint"],
    )
    return session, metadata


def press(browser, url, page, action, **fields):
    """Presses the button of the form that posts to `action`."""
    form = page.text.split(f'action="{action}"')[1].split("</form>")[0]
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    data = {name: html.unescape(value) for name, value in hidden} | fields
    return browser.post(url + action, data=data, headers={"origin": url}, timeout=10, allow_redirects=action == "/login")


def sign_in(server, start, email):
    """A person signs in by a mailed code; gives where the browser is sent back to."""
    browser = requests.Session()
    page = browser.get(start, timeout=10)
    page = press(browser, server.url, page, "/login", username=email)
    return press(browser, server.url, page, "/login/code", code=server.inbox.code(email)).headers["refresh"].removeprefix("0;url=")


def test_authlib_signs_in_and_refreshes(server, pool, app):
    session, metadata = app
    email, _ = pool.add_user()
    verifier, nonce = "v" * 64, "n-7"
    start, state = session.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    back = sign_in(server, start, email)
    tokens = session.fetch_token(authorization_response=back, state=state, code_verifier=verifier)
    keys = requests.get(metadata["jwks_uri"], timeout=10).json()
    claims = jwt.decode(tokens["id_token"], KeySet.import_key_set(keys)).claims
    assert (claims["iss"], claims["email"], claims["nonce"]) == (metadata["issuer"], email, nonce)
    me = session.get(metadata["userinfo_endpoint"]).json()
    assert (me["sub"], me["email"]) == (claims["sub"], email)

    fresh = session.refresh_token(metadata["token_endpoint"], tokens["refresh_token"])
    assert fresh["access_token"] != tokens["access_token"]
    assert session.revoke_token(metadata["revocation_endpoint"], tokens["refresh_token"]).status_code == 200


def test_authlib_refuses_an_answer_of_another_sign_in(server, pool, app):
    session, metadata = app
    start, _ = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier="v" * 64)
    back = sign_in(server, start, pool.add_user()[0])
    with pytest.raises(MismatchingStateException):
        session.fetch_token(authorization_response=back, state="another", code_verifier="v" * 64)
