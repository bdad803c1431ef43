"""pycognito as an app uses it: SRP without a session, and passwords changed and forgotten."""

import pytest
from botocore.exceptions import ClientError
from pycognito import Cognito
from pycognito.exceptions import ForceChangePasswordException

from postern import fresh_address

OLD = "Correct-horse-1"
NEW = "Battery-staple-2"


@pytest.fixture
def place(server, pool):
    client = pool.add_client(
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH"]
    )

    def somebody(name):
        return Cognito(
            pool.id,
            client["ClientId"],
            user_pool_region="us-east-1",
            username=name,
            access_key="test",
            secret_key="test",
            boto3_client_kwargs={"endpoint_url": server.url},
        )

    return somebody


@pytest.fixture
def bob(server, pool):
    email, _ = pool.add_user()
    server.idp.admin_set_user_password(UserPoolId=pool.id, Username=email, Password=OLD, Permanent=True)
    return email


def test_a_password_is_proven_and_the_tokens_hold(place, bob):
    user = place(bob)
    user.authenticate(password=OLD)
    assert user.id_claims["email"] == bob
    assert user.get_user().email == bob
    first = user.access_token
    user.renew_access_token()
    assert user.access_token != first
    user.logout()


def test_a_wrong_password_and_somebody_unknown_fail_alike(place, bob):
    for name in (bob, fresh_address()):
        with pytest.raises(ClientError) as refused:
            place(name).authenticate(password="Wrong-horse-1")
        error = refused.value.response["Error"]
        assert (error["Code"], error["Message"]) == (
            "NotAuthorizedException",
            "Incorrect username or password.",
        )


def test_a_temporary_password_is_replaced(place, pool):
    email, _ = pool.add_user(TemporaryPassword=OLD)
    user = place(email)
    with pytest.raises(ForceChangePasswordException):
        user.authenticate(password=OLD)
    user.new_password_challenge(OLD, NEW)
    place(email).authenticate(password=NEW)


def test_a_password_is_changed_and_forgotten(server, place, bob):
    user = place(bob)
    user.authenticate(password=OLD)
    user.change_password(OLD, NEW)
    user.initiate_forgot_password()
    user.confirm_forgot_password(server.inbox.code(bob), "Third-password-3")
    place(bob).authenticate(password="Third-password-3")
    with pytest.raises(ClientError):
        place(bob).authenticate(password=NEW)
