"""pycognito's remembered devices: confirmed, proven without a session, and forgotten."""

import pycognito.aws_srp
import pytest
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP

PASSWORD = "Correct-horse-1"
MADE_FOR = "https://cognito-idp.us-east-1.amazonaws.com/"


@pytest.fixture
def place(server):
    return server.pool(
        factors=["PASSWORD"],
        DeviceConfiguration={"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": True},
    )


@pytest.fixture
def signs_in(server, place, monkeypatch):
    """Makes pycognito's side of a sign-in. Some of its calls go to AWS whatever it is told; here they come to us."""
    client = place.add_client(ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
    email, _ = place.add_user()
    server.idp.admin_set_user_password(UserPoolId=place.id, Username=email, Password=PASSWORD, Permanent=True)
    post = pycognito.aws_srp.requests.post

    def to_us(address, **given):
        assert address == MADE_FOR
        return post(server.url, **given)

    monkeypatch.setattr(pycognito.aws_srp.requests, "post", to_us)

    def make(**device):
        return AWSSRP(
            username=email,
            password=PASSWORD,
            pool_id=place.id,
            client_id=client["ClientId"],
            client=server.app,
            **device,
        )

    return make


def test_a_device_is_remembered_proven_and_forgotten(server, signs_in):
    user = signs_in()
    first = user.authenticate_user()
    answer, password = user.confirm_device(first, "laptop")
    assert answer.json() == {"UserConfirmationNecessary": True}
    token = first["AuthenticationResult"]["AccessToken"]
    told = first["AuthenticationResult"]["NewDeviceMetadata"]
    key = told["DeviceKey"]
    device = {"device_key": key, "device_group_key": told["DeviceGroupKey"], "device_password": password}
    user.update_device_status(True, token, key)
    [listed] = server.app.list_devices(AccessToken=token)["Devices"]
    assert listed["DeviceKey"] == key
    assert {"Name": "device_name", "Value": "laptop"} in listed["DeviceAttributes"]

    again = signs_in(**device).authenticate_user()
    assert "NewDeviceMetadata" not in again["AuthenticationResult"]
    with pytest.raises(ClientError) as refused:
        signs_in(**{**device, "device_password": "guessed"}).authenticate_user()
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "NotAuthorizedException",
        "Incorrect username or password.",
    )

    user.forget_device(token, key)
    with pytest.raises(ClientError) as refused:
        signs_in(**device).authenticate_user()
    assert refused.value.response["Error"]["Message"] == "Device does not exist."
