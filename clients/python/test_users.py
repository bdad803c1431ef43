"""People get into a pool: made by an administrator, or signing up by themselves without a password."""

import pytest

from postern import fresh_address, refused, wrong


def seen(server, pool, name):
    return server.idp.admin_get_user(UserPoolId=pool.id, Username=name)


def test_an_administrator_makes_a_user_who_signs_in_by_code(server, pool):
    email, user = pool.add_user()
    assert user["UserStatus"] == "CONFIRMED"
    assert user["Enabled"] is True
    # In a pool with sign-in by address the username is the sub.
    attributes = {one["Name"]: one["Value"] for one in user["Attributes"]}
    assert attributes["sub"] == user["Username"]
    assert server.inbox.messages(email) == []
    assert pool.sign_in(email)["AccessToken"]


def test_signing_in_by_code_verifies_the_address(server, pool):
    email, _ = pool.add_user(verified=False)
    pool.sign_in(email)
    attributes = {one["Name"]: one["Value"] for one in seen(server, pool, email)["UserAttributes"]}
    assert attributes["email_verified"] == "true"


def test_an_invitation_without_a_password_names_the_person(server, pool):
    email = fresh_address()
    server.idp.admin_create_user(
        UserPoolId=pool.id,
        Username=email,
        UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
        DesiredDeliveryMediums=["EMAIL"],
    )
    mail = server.inbox.newest(email)
    assert f"Your username is {email}" in mail["text"]
    assert "temporary password" not in mail["text"]


def test_a_temporary_password_leads_to_one_of_their_own(server, pool):
    email = fresh_address()
    user = server.idp.admin_create_user(
        UserPoolId=pool.id,
        Username=email,
        UserAttributes=[{"Name": "email", "Value": email}],
        TemporaryPassword="First-Time-1",
        DesiredDeliveryMediums=["EMAIL"],
    )["User"]
    assert user["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    mail = server.inbox.newest(email)
    assert "temporary password is First-Time-1" in mail["text"]

    asked = pool.begin(email, "PASSWORD", PASSWORD="First-Time-1")
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert '"email"' in asked["ChallengeParameters"]["userAttributes"]
    with refused("InvalidPasswordException"):
        pool.answer(asked, email, NEW_PASSWORD="short")
    tokens = pool.answer(asked, email, NEW_PASSWORD="Their-Own-Words-2")["AuthenticationResult"]
    assert tokens["RefreshToken"]
    assert seen(server, pool, email)["UserStatus"] == "CONFIRMED"
    assert pool.begin(email, "PASSWORD", PASSWORD="Their-Own-Words-2")["AuthenticationResult"]
    with refused("NotAuthorizedException", "Incorrect username or password."):
        pool.begin(email, "PASSWORD", PASSWORD="First-Time-1")


def test_an_invitation_is_sent_again_only_while_it_is_open(server, pool):
    email, _ = pool.add_user(TemporaryPassword="First-Time-1")
    server.idp.admin_create_user(
        UserPoolId=pool.id, Username=email, MessageAction="RESEND", DesiredDeliveryMediums=["EMAIL"]
    )
    assert "temporary password" in server.inbox.newest(email)["text"]
    other, _ = pool.add_user()
    with refused("UnsupportedUserStateException"):
        server.idp.admin_create_user(UserPoolId=pool.id, Username=other, MessageAction="RESEND")


def test_a_user_is_made_once(pool):
    email, _ = pool.add_user()
    with refused("UsernameExistsException", "User account already exists"):
        pool.add_user(email)


@pytest.mark.parametrize("name", ["not an address", "two@example.com,one@example.com", "a@b@example.com"])
def test_a_name_that_is_no_address_is_refused(pool, name):
    with refused("InvalidParameterException"):
        pool.add_user(name)


def test_signing_up_without_a_password_signs_in_at_once(server, pool):
    email = fresh_address()
    app = server.app
    made = app.sign_up(ClientId=pool.client_id, Username=email, UserAttributes=[{"Name": "email", "Value": email}])
    assert made["UserConfirmed"] is False
    assert made["CodeDeliveryDetails"]["AttributeName"] == "email"
    assert made["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    assert email not in made["CodeDeliveryDetails"]["Destination"]
    code = server.inbox.code(email)
    assert len(code) == 6

    with refused("CodeMismatchException", "Invalid verification code provided, please try again."):
        app.confirm_sign_up(ClientId=pool.client_id, Username=email, ConfirmationCode=wrong(code))
    confirmed = app.confirm_sign_up(ClientId=pool.client_id, Username=email, ConfirmationCode=code)
    assert seen(server, pool, email)["UserStatus"] == "CONFIRMED"

    def with_session():
        return app.initiate_auth(
            ClientId=pool.client_id,
            AuthFlow="USER_AUTH",
            AuthParameters={"USERNAME": email},
            Session=confirmed["Session"],
        )

    tokens = with_session()["AuthenticationResult"]
    assert app.get_user(AccessToken=tokens["AccessToken"])["Username"] == made["UserSub"]
    with refused("NotAuthorizedException"):
        with_session()


def test_the_session_of_one_sign_up_signs_in_nobody_else(server, pool):
    email, other = fresh_address(), pool.add_user()[0]
    app = server.app
    app.sign_up(ClientId=pool.client_id, Username=email, UserAttributes=[{"Name": "email", "Value": email}])
    code = server.inbox.code(email)
    confirmed = app.confirm_sign_up(ClientId=pool.client_id, Username=email, ConfirmationCode=code)
    with refused("NotAuthorizedException"):
        app.initiate_auth(
            ClientId=pool.client_id,
            AuthFlow="USER_AUTH",
            AuthParameters={"USERNAME": other},
            Session=confirmed["Session"],
        )


def test_who_left_during_sign_up_comes_back_by_signing_in(server, pool):
    email = fresh_address()
    server.app.sign_up(
        ClientId=pool.client_id, Username=email, UserAttributes=[{"Name": "email", "Value": email}]
    )
    server.inbox.newest(email)
    assert seen(server, pool, email)["UserStatus"] == "UNCONFIRMED"
    assert pool.sign_in(email)["IdToken"]
    assert seen(server, pool, email)["UserStatus"] == "CONFIRMED"


def test_a_sign_up_code_can_be_sent_again(server, pool):
    email = fresh_address()
    app = server.app
    app.sign_up(ClientId=pool.client_id, Username=email, UserAttributes=[{"Name": "email", "Value": email}])
    first = server.inbox.newest(email)
    sent = app.resend_confirmation_code(ClientId=pool.client_id, Username=email)
    assert sent["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    code = server.inbox.code(email, [first])
    app.confirm_sign_up(ClientId=pool.client_id, Username=email, ConfirmationCode=code)
    frank = pool.add_client(PreventUserExistenceErrors="LEGACY")["ClientId"]
    with refused("InvalidParameterException", "User is already confirmed."):
        app.resend_confirmation_code(ClientId=frank, Username=email)
    # Where the app hides who exists, the answer is as before, and no mail is sent.
    before = server.inbox.messages(email)
    assert app.resend_confirmation_code(ClientId=pool.client_id, Username=email).keys() == sent.keys()
    assert server.inbox.messages(email) == before
    with refused("CodeMismatchException"):
        app.confirm_sign_up(ClientId=pool.client_id, Username=email, ConfirmationCode=code)
    with refused("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED"):
        app.confirm_sign_up(ClientId=frank, Username=email, ConfirmationCode=code)


def test_a_pool_for_administrators_only_lets_nobody_sign_up(server):
    pool = server.pool(AdminCreateUserConfig={"AllowAdminCreateUserOnly": True})
    email = fresh_address()
    with refused("NotAuthorizedException", "SignUp is not permitted for this user pool"):
        server.app.sign_up(
            ClientId=pool.client_id, Username=email, UserAttributes=[{"Name": "email", "Value": email}]
        )
    assert server.inbox.messages(email) == []
