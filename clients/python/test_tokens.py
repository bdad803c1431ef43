"""What a sign-in gives: tokens whose signatures hold, that can be renewed, and that end when they are revoked."""

import json
import urllib.request

import jwt
import pytest

from postern import refused


@pytest.fixture
def signed_in(pool):
    email, user = pool.add_user()
    return email, user, pool.sign_in(email)


def issuer(pool):
    return f"{pool.server.url}/{pool.id}"


def verified(pool, token, **settings):
    keys = jwt.PyJWKClient(f"{issuer(pool)}/.well-known/jwks.json")
    key = keys.get_signing_key_from_jwt(token)
    return jwt.decode(token, key, algorithms=["RS256"], issuer=issuer(pool), **settings)


def test_the_id_token_says_who_signed_in(pool, signed_in):
    email, user, tokens = signed_in
    claims = verified(pool, tokens["IdToken"], audience=pool.client_id)
    assert claims["token_use"] == "id"
    assert claims["email"] == email
    assert claims["email_verified"] is True
    assert claims["sub"] == claims["cognito:username"] == user["Username"]
    assert claims["exp"] - claims["iat"] == 3600
    assert jwt.get_unverified_header(tokens["IdToken"]).keys() == {"kid", "alg"}


def test_the_access_token_says_what_may_be_done(pool, signed_in):
    _, user, tokens = signed_in
    claims = verified(pool, tokens["AccessToken"])
    assert claims["token_use"] == "access"
    assert claims["client_id"] == pool.client_id
    assert claims["scope"] == "aws.cognito.signin.user.admin"
    assert claims["username"] == user["Username"]
    assert "aud" not in claims and "email" not in claims
    assert claims["origin_jti"] == verified(pool, tokens["IdToken"], audience=pool.client_id)["origin_jti"]


def test_a_token_with_another_signature_does_not_hold(pool, signed_in):
    _, _, tokens = signed_in
    head, body, signature = tokens["IdToken"].split(".")
    forged = ".".join([head, body, signature[1:8] + signature[0] + signature[8:]])
    with pytest.raises(jwt.InvalidSignatureError):
        verified(pool, forged, audience=pool.client_id)
    with refused("NotAuthorizedException", "Invalid Access Token"):
        pool.server.app.get_user(AccessToken=forged)


def test_keys_and_discovery_agree(pool):
    with urllib.request.urlopen(f"{issuer(pool)}/.well-known/openid-configuration") as answer:
        told = json.load(answer)
    assert told["issuer"] == issuer(pool)
    with urllib.request.urlopen(told["jwks_uri"]) as answer:
        keys = json.load(answer)["keys"]
    assert len(keys) == 2
    for key in keys:
        assert key.keys() == {"alg", "e", "kid", "kty", "n", "use"}
        assert (key["alg"], key["kty"], key["use"], key["e"]) == ("RS256", "RSA", "sig", "AQAB")


def test_a_refresh_keeps_the_sign_in_and_makes_new_tokens(pool, signed_in):
    _, _, tokens = signed_in
    app = pool.server.app
    first = verified(pool, tokens["AccessToken"])
    renewed = [
        app.get_tokens_from_refresh_token(ClientId=pool.client_id, RefreshToken=tokens["RefreshToken"]),
        app.initiate_auth(
            ClientId=pool.client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
        ),
    ]
    for answer in renewed:
        result = answer["AuthenticationResult"]
        assert "RefreshToken" not in result
        claims = verified(pool, result["AccessToken"])
        assert (claims["auth_time"], claims["origin_jti"]) == (first["auth_time"], first["origin_jti"])
        assert claims["jti"] != first["jti"]


def test_a_refresh_token_is_for_its_own_client(pool, signed_in):
    _, _, tokens = signed_in
    other = pool.add_client()["ClientId"]
    app = pool.server.app
    with refused("NotAuthorizedException", "Invalid Refresh Token"):
        app.get_tokens_from_refresh_token(ClientId=other, RefreshToken=tokens["RefreshToken"])
    with refused("NotAuthorizedException", "Invalid Refresh Token"):
        app.get_tokens_from_refresh_token(ClientId=pool.client_id, RefreshToken="abc")


def test_a_revoked_sign_in_is_over(pool, signed_in):
    _, _, tokens = signed_in
    app = pool.server.app
    app.revoke_token(ClientId=pool.client_id, Token=tokens["RefreshToken"])
    app.revoke_token(ClientId=pool.client_id, Token=tokens["RefreshToken"])
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        app.get_tokens_from_refresh_token(ClientId=pool.client_id, RefreshToken=tokens["RefreshToken"])
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        app.get_user(AccessToken=tokens["AccessToken"])


def test_an_access_token_cannot_be_revoked(pool, signed_in):
    _, _, tokens = signed_in
    with refused("UnsupportedTokenTypeException"):
        pool.server.app.revoke_token(ClientId=pool.client_id, Token=tokens["AccessToken"])


def test_signing_out_everywhere_ends_every_sign_in(pool, signed_in):
    email, _, tokens = signed_in
    app = pool.server.app
    other = pool.sign_in(email)
    app.global_sign_out(AccessToken=tokens["AccessToken"])
    for one in (tokens, other):
        with refused("NotAuthorizedException", "Access Token has been revoked"):
            app.get_user(AccessToken=one["AccessToken"])
        with refused("NotAuthorizedException", "Refresh Token has been revoked"):
            app.get_tokens_from_refresh_token(ClientId=pool.client_id, RefreshToken=one["RefreshToken"])
    assert pool.sign_in(email)["IdToken"]


def test_get_user_shows_the_person_and_wants_an_access_token(pool, signed_in):
    email, user, tokens = signed_in
    shown = pool.server.app.get_user(AccessToken=tokens["AccessToken"])
    attributes = {one["Name"]: one["Value"] for one in shown["UserAttributes"]}
    assert attributes == {"sub": user["Username"], "email": email, "email_verified": "true"}
    with refused("NotAuthorizedException", "Invalid Access Token"):
        pool.server.app.get_user(AccessToken=tokens["IdToken"])
