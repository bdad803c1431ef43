"""Second factors through boto3, with an authenticator written from RFC 6238 alone."""

import base64
import hashlib
import hmac
import json
import struct
import time

import pytest

from postern import refused, wrong

PASSWORD = "Correct-Horse-1"


class Authenticator:
    def __init__(self, secret):
        self.seed = base64.b32decode(secret + "=" * (-len(secret) % 8))

    def code(self, ahead=0):
        """The code of this step, or of one that comes after it: each works once, and tests do not wait."""
        counter = struct.pack(">q", int(time.time()) // 30 + ahead)
        digest = hmac.new(self.seed, counter, hashlib.sha1).digest()
        offset = digest[-1] & 0xF
        return f"{(struct.unpack('>I', digest[offset:offset + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def demand(server, pool, mode):
    server.idp.set_user_pool_mfa_config(
        UserPoolId=pool.id, MfaConfiguration=mode, SoftwareTokenMfaConfiguration={"Enabled": True}
    )


@pytest.fixture
def pool(server):
    return server.pool(factors=("PASSWORD",))


@pytest.fixture
def person(server, pool):
    email, _ = pool.add_user()
    server.idp.admin_set_user_password(UserPoolId=pool.id, Username=email, Password=PASSWORD, Permanent=True)
    return email


def by_password(pool, name):
    return pool.begin(name, preferred="PASSWORD", PASSWORD=PASSWORD)


def test_an_authenticator_is_set_up_preferred_and_asked_for(server, pool, person):
    demand(server, pool, "OPTIONAL")
    token = by_password(pool, person)["AuthenticationResult"]["AccessToken"]
    authenticator = Authenticator(server.app.associate_software_token(AccessToken=token)["SecretCode"])
    words = "Code mismatch and fail enable Software Token MFA"
    with refused("EnableSoftwareTokenMFAException", words):
        server.app.verify_software_token(AccessToken=token, UserCode=wrong(authenticator.code()))
    verified = server.app.verify_software_token(
        AccessToken=token, UserCode=authenticator.code(), FriendlyDeviceName="phone"
    )
    assert verified["Status"] == "SUCCESS"
    server.app.set_user_mfa_preference(
        AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    shown = server.app.get_user(AccessToken=token)
    assert shown["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]
    assert shown["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"

    asked = by_password(pool, person)
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert asked["ChallengeParameters"]["FRIENDLY_DEVICE_NAME"] == "phone"
    code = authenticator.code(ahead=1)
    with refused("CodeMismatchException", "Invalid code received for user"):
        pool.answer(asked, person, SOFTWARE_TOKEN_MFA_CODE=wrong(code))
    assert pool.answer(asked, person, SOFTWARE_TOKEN_MFA_CODE=code)["AuthenticationResult"]["IdToken"]
    with refused("ExpiredCodeException", "Your software token has already been used once."):
        pool.answer(by_password(pool, person), person, SOFTWARE_TOKEN_MFA_CODE=code)


def test_where_one_is_demanded_it_is_set_up_on_the_way_in(server, pool, person):
    demand(server, pool, "ON")
    asked = by_password(pool, person)
    assert asked["ChallengeName"] == "MFA_SETUP"
    assert json.loads(asked["ChallengeParameters"]["MFAS_CAN_SETUP"]) == ["SOFTWARE_TOKEN_MFA"]
    made = server.app.associate_software_token(Session=asked["Session"])
    code = Authenticator(made["SecretCode"]).code()
    verified = server.app.verify_software_token(Session=made["Session"], UserCode=code)
    asked = {"ChallengeName": "MFA_SETUP", "Session": verified["Session"]}
    assert pool.answer(asked, person)["AuthenticationResult"]["AccessToken"]
    assert by_password(pool, person)["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    server.idp.admin_delete_software_token(UserPoolId=pool.id, Username=person)
    assert by_password(pool, person)["ChallengeName"] == "MFA_SETUP"
