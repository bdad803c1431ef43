"""Signing in: the choice, the code, the password, and every way to be refused."""

import botocore.exceptions
import pytest

from postern import fresh_address, refused, secret_hash, wrong

PASSWORD = "Correct-Horse-7"


def with_password(server, pool):
    email, _ = pool.add_user()
    server.idp.admin_set_user_password(UserPoolId=pool.id, Username=email, Password=PASSWORD, Permanent=True)
    return email


def test_a_code_signs_in(server, pool):
    email, user = pool.add_user()
    asked, code = pool.begin_with_code(email)
    assert asked["AvailableChallenges"] == ["EMAIL_OTP"]
    assert asked["ChallengeParameters"]["CODE_DELIVERY_DELIVERY_MEDIUM"] == "EMAIL"
    assert asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == f"{email[0]}***@e***"
    assert len(code) == 8
    assert f"Your authentication code is {code}." in server.inbox.newest(email)["text"]

    signed_in = pool.answer(asked, email, EMAIL_OTP_CODE=code)
    assert signed_in["ChallengeParameters"] == {}
    tokens = signed_in["AuthenticationResult"]
    assert (tokens["TokenType"], tokens["ExpiresIn"]) == ("Bearer", 3600)
    assert server.app.get_user(AccessToken=tokens["AccessToken"])["Username"] == user["Username"]


def test_without_a_preference_there_is_a_choice(server, pool):
    email = with_password(server, pool)
    before = server.inbox.messages(email)
    asked = pool.begin(email, preferred=None)
    assert asked["ChallengeName"] == "SELECT_CHALLENGE"
    assert {"EMAIL_OTP", "PASSWORD"} <= set(asked["AvailableChallenges"])
    assert server.inbox.messages(email) == before

    challenge = pool.answer(asked, email, ANSWER="EMAIL_OTP")
    assert challenge["ChallengeName"] == "EMAIL_OTP"
    assert challenge["Session"] != asked["Session"]
    code = server.inbox.code(email, before)
    assert pool.answer(challenge, email, EMAIL_OTP_CODE=code)["AuthenticationResult"]


def test_only_what_a_person_can_use_is_offered(server, pool):
    email, _ = pool.add_user()
    asked = pool.begin(email, preferred=None)
    assert asked["AvailableChallenges"] == ["EMAIL_OTP"]
    with refused("InvalidParameterException"):
        pool.answer(asked, email, ANSWER="PASSWORD")
    with refused("InvalidParameterException"):
        pool.begin(email, preferred="CARRIER_PIGEON")


def test_a_preference_that_is_not_to_be_had_leads_to_the_choice(pool):
    email, _ = pool.add_user()
    asked = pool.begin(email, preferred="PASSWORD", PASSWORD=PASSWORD)
    assert asked["ChallengeName"] == "SELECT_CHALLENGE"
    assert asked["AvailableChallenges"] == ["EMAIL_OTP"]


def test_a_password_can_be_chosen_in_three_ways(server, pool):
    email = with_password(server, pool)
    assert pool.begin(email, "PASSWORD", PASSWORD=PASSWORD)["AuthenticationResult"]

    asked = pool.begin(email, "PASSWORD")
    assert asked["ChallengeName"] == "PASSWORD"
    assert pool.answer(asked, email, PASSWORD=PASSWORD)["AuthenticationResult"]

    asked = pool.begin(email, preferred=None)
    signed_in = pool.answer(asked, email, ANSWER="PASSWORD", PASSWORD=PASSWORD)
    assert signed_in["AuthenticationResult"]

    with refused("NotAuthorizedException", "Incorrect username or password."):
        pool.begin(email, "PASSWORD", PASSWORD=PASSWORD + "x")


def test_an_administrator_signs_a_user_in(server, pool):
    email, _ = pool.add_user()
    asked = server.idp.admin_initiate_auth(
        UserPoolId=pool.id,
        ClientId=pool.client_id,
        AuthFlow="USER_AUTH",
        AuthParameters={"USERNAME": email, "PREFERRED_CHALLENGE": "EMAIL_OTP"},
    )
    assert asked["ChallengeName"] == "EMAIL_OTP"
    signed_in = server.idp.admin_respond_to_auth_challenge(
        UserPoolId=pool.id,
        ClientId=pool.client_id,
        ChallengeName="EMAIL_OTP",
        Session=asked["Session"],
        ChallengeResponses={"USERNAME": email, "EMAIL_OTP_CODE": server.inbox.code(email)},
    )
    assert signed_in["AuthenticationResult"]["IdToken"]


def test_an_administrator_is_somebody_with_a_key(server, pool):
    email, _ = pool.add_user()
    call = {
        "UserPoolId": pool.id,
        "ClientId": pool.client_id,
        "AuthFlow": "USER_AUTH",
        "AuthParameters": {"USERNAME": email},
    }
    with refused("MissingAuthenticationTokenException", "Missing Authentication Token"):
        server.app.admin_initiate_auth(**call)
    with refused("UnrecognizedClientException", "The security token included in the request is invalid."):
        server.client("cognito-idp", ("nobody", "test")).admin_initiate_auth(**call)
    with refused("InvalidSignatureException"):
        server.client("cognito-idp", ("test", "not the secret")).admin_initiate_auth(**call)
    small = server.user_with("cognito-idp:ListUserPools")
    with refused("AccessDeniedException") as no:
        server.client("cognito-idp", small).admin_initiate_auth(**call)
    assert "cognito-idp:AdminInitiateAuth" in no.error["Message"]


def test_a_wrong_code_leaves_the_session_as_it_was(pool):
    email, _ = pool.add_user()
    asked, code = pool.begin_with_code(email)
    with refused("CodeMismatchException", "Invalid code or auth state for the user."):
        pool.answer(asked, email, EMAIL_OTP_CODE=wrong(code))
    assert pool.answer(asked, email, EMAIL_OTP_CODE=code)["AuthenticationResult"]


def test_a_code_signs_in_once(pool):
    email, _ = pool.add_user()
    asked, code = pool.begin_with_code(email)
    pool.answer(asked, email, EMAIL_OTP_CODE=code)
    with refused("NotAuthorizedException", "Invalid session for the user, session can only be used once."):
        pool.answer(asked, email, EMAIL_OTP_CODE=code)


def test_when_the_tries_are_spent_the_right_code_is_of_no_use(pool):
    email, _ = pool.add_user()
    asked, code = pool.begin_with_code(email)
    for _ in range(5):
        with refused("CodeMismatchException"):
            pool.answer(asked, email, EMAIL_OTP_CODE=wrong(code))
    with refused("NotAuthorizedException"):
        pool.answer(asked, email, EMAIL_OTP_CODE=code)
    # The person herself begins anew.
    assert pool.sign_in(email)["IdToken"]


def test_a_code_belongs_to_its_own_session(pool):
    email, _ = pool.add_user()
    first, first_code = pool.begin_with_code(email)
    second, second_code = pool.begin_with_code(email)
    with refused("CodeMismatchException"):
        pool.answer(second, email, EMAIL_OTP_CODE=first_code)
    # A new challenge voids nobody's older one.
    assert pool.answer(first, email, EMAIL_OTP_CODE=first_code)["AuthenticationResult"]
    assert pool.answer(second, email, EMAIL_OTP_CODE=second_code)["AuthenticationResult"]


def test_a_session_belongs_to_its_own_user_and_client(pool):
    alice, bob = pool.add_user()[0], pool.add_user()[0]
    asked, code = pool.begin_with_code(alice)
    with refused("NotAuthorizedException", "Invalid session for the user."):
        pool.answer(asked, bob, EMAIL_OTP_CODE=code)
    other = pool.add_client()["ClientId"]
    with refused("NotAuthorizedException", "Invalid session for the user."):
        pool.answer(asked, alice, client_id=other, EMAIL_OTP_CODE=code)
    with refused("NotAuthorizedException", "Invalid session for the user."):
        pool.answer({**asked, "Session": "A" * len(asked["Session"])}, alice, EMAIL_OTP_CODE=code)
    assert pool.answer(asked, alice, EMAIL_OTP_CODE=code)["AuthenticationResult"]


@pytest.mark.parametrize("odd", ["", " ", "0", "12345678901234567890", "１２３４５６７８", "abcdefgh", "1234 5678"])
def test_odd_codes_are_refused_as_wrong(pool, odd):
    email, _ = pool.add_user()
    asked, code = pool.begin_with_code(email)
    with pytest.raises(botocore.exceptions.ClientError) as no:
        pool.answer(asked, email, EMAIL_OTP_CODE=odd)
    assert no.value.response["Error"]["Code"] in ("CodeMismatchException", "InvalidParameterException")
    assert pool.answer(asked, email, EMAIL_OTP_CODE=code)["AuthenticationResult"]


def test_an_unknown_name_is_answered_as_a_known_one(server):
    pool = server.pool(factors=["EMAIL_OTP"])
    stranger, email = fresh_address(), pool.add_user()[0]
    known, unknown = pool.begin(email), pool.begin(stranger)
    assert unknown.keys() == known.keys()
    for told in ("ChallengeName", "AvailableChallenges"):
        assert unknown[told] == known[told]
    assert unknown["ChallengeParameters"].keys() == known["ChallengeParameters"].keys()
    assert len(unknown["Session"]) == len(known["Session"])
    for _ in range(5):
        with refused("CodeMismatchException", "Invalid code or auth state for the user."):
            pool.answer(unknown, stranger, EMAIL_OTP_CODE="00000000")
    with refused("NotAuthorizedException"):
        pool.answer(unknown, stranger, EMAIL_OTP_CODE="00000000")
    assert server.inbox.messages(stranger) == []


def test_unknown_names_seem_to_have_factors_as_known_ones_do(server, pool):
    """With a password or without, by the name, and the same whenever it is asked."""
    with_one, without = with_password(server, pool), pool.add_user()[0]
    real = [pool.begin(name, preferred=None)["AvailableChallenges"] for name in (with_one, without)]
    strangers = [fresh_address() for _ in range(24)]
    for name in strangers:
        assert pool.begin(name, preferred=None)["AvailableChallenges"] in real
    first, second = ([pool.begin(name, preferred=None)["AvailableChallenges"] for name in strangers] for _ in "12")
    assert first == second
    assert all(one in first for one in real)


def test_where_the_app_asked_for_it_an_unknown_name_is_named(pool):
    client = pool.add_client(PreventUserExistenceErrors="LEGACY")
    with refused("UserNotFoundException", "User does not exist."):
        pool.begin(fresh_address(), client_id=client["ClientId"])


def test_a_disabled_user_gets_neither_mail_nor_tokens(server, pool):
    email, _ = pool.add_user()
    tokens = pool.sign_in(email)
    server.idp.admin_disable_user(UserPoolId=pool.id, Username=email)
    before = server.inbox.messages(email)
    frank = pool.add_client(PreventUserExistenceErrors="LEGACY")["ClientId"]
    with refused("NotAuthorizedException", "User is disabled."):
        pool.begin(email, client_id=frank)
    # Where the app hides who exists, a disabled user is answered as everybody is, and gets no mail.
    asked = pool.begin(email)
    assert asked["ChallengeName"] == "EMAIL_OTP"
    with refused("CodeMismatchException"):
        pool.answer(asked, email, EMAIL_OTP_CODE="00000000")
    assert server.inbox.messages(email) == before
    with refused("NotAuthorizedException"):
        server.app.get_user(AccessToken=tokens["AccessToken"])
    server.idp.admin_enable_user(UserPoolId=pool.id, Username=email)
    assert pool.sign_in(email)["IdToken"]


def test_flows_that_are_off_say_so(server, pool):
    email, _ = pool.add_user()
    client = pool.add_client(ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"])
    with refused("InvalidParameterException", "USER_AUTH flow not enabled for this client"):
        pool.begin(email, client_id=client["ClientId"])
    with refused("InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client"):
        server.app.initiate_auth(
            ClientId=pool.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD},
        )
    with refused("InvalidParameterException", "Initiate Auth method not supported."):
        server.app.initiate_auth(
            ClientId=pool.client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD},
        )
    with refused("InvalidParameterException", "Missing required parameter USERNAME"):
        server.app.initiate_auth(ClientId=pool.client_id, AuthFlow="USER_AUTH", AuthParameters={})


def test_a_confidential_client_proves_its_secret(server, pool):
    email, _ = pool.add_user()
    client = pool.add_client(GenerateSecret=True)
    client_id, proof = client["ClientId"], secret_hash(email, client)
    words = f"Client {client_id} is configured with secret but SECRET_HASH was not received"
    with refused("NotAuthorizedException", words):
        pool.begin(email, client_id=client_id)
    with refused("NotAuthorizedException", f"Unable to verify secret hash for client {client_id}"):
        pool.begin(email, client_id=client_id, SECRET_HASH=secret_hash("somebody", client))
    assert server.inbox.messages(email) == []

    asked, code = pool.begin_with_code(email, client_id=client_id, SECRET_HASH=proof)
    with refused("NotAuthorizedException"):
        pool.answer(asked, email, client_id=client_id, EMAIL_OTP_CODE=code)
    signed_in = pool.answer(asked, email, client_id=client_id, EMAIL_OTP_CODE=code, SECRET_HASH=proof)
    assert signed_in["AuthenticationResult"]["IdToken"]


def test_an_unknown_client_is_not_found(server):
    with refused("ResourceNotFoundException", "User pool client 1234567890abcdefghijklmnop does not exist."):
        server.app.initiate_auth(
            ClientId="1234567890abcdefghijklmnop", AuthFlow="USER_AUTH", AuthParameters={"USERNAME": "a@example.com"}
        )


def test_constraints_of_the_model_are_told_before_anything_else(server):
    with refused("InvalidParameterException") as no:
        server.client("cognito-idp", parameter_validation=False).initiate_auth(
            ClientId="not a client id!", AuthFlow="NO_SUCH_FLOW"
        )
    assert no.error["Message"].startswith("2 validation errors detected: ")
    assert "Value 'NO_SUCH_FLOW' at 'authFlow' failed to satisfy constraint: Member must satisfy enum value set: [" in (
        no.error["Message"]
    )
