"""The AWS command line, as its tutorials use it, with nothing but an address in the environment."""

import json
import os
import subprocess
import sys

from pathlib import Path

import pytest

from postern import REGION, ROLE, environment, fresh_address


@pytest.fixture
def aws(server):
    """Runs `aws` with these words; answers what it printed, or the words it was refused with."""
    program = Path(sys.executable).with_name("aws")

    def run(*words, signed=True, refused=False):
        setting = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "AWS_ENDPOINT_URL": server.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }
        if signed:
            setting |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        done = subprocess.run([program, *words], env=setting, capture_output=True, text=True, timeout=120)
        assert (done.returncode != 0) == refused, done.stderr
        if refused:
            return done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def test_the_demo_pool_is_listed(aws):
    pools, more = [], []
    while True:
        page = aws("cognito-idp", "list-user-pools", "--max-results", "60", *more)
        pools += [pool["Id"] for pool in page["UserPools"]]
        if "NextToken" not in page:
            break
        more = ["--next-token", page["NextToken"]]
    assert environment("POSTERN_POOL") in pools


def test_the_caller_is_known(aws, server):
    told = aws("sts", "get-caller-identity")
    assert told["Account"] == server.account
    assert told["Arn"].startswith(f"arn:aws:iam::{server.account}:")


def test_a_tutorial_s_sign_in_works_as_printed(aws, server):
    client, email = environment("POSTERN_CLIENT"), fresh_address()
    aws(
        "cognito-idp", "admin-create-user", "--user-pool-id", environment("POSTERN_POOL"), "--username", email,
        "--user-attributes", f"Name=email,Value={email}", "Name=email_verified,Value=true",
        "--message-action", "SUPPRESS",
    )  # fmt: skip
    asked = aws(
        "cognito-idp", "initiate-auth", "--client-id", client, "--auth-flow", "USER_AUTH",
        "--auth-parameters", f"USERNAME={email},PREFERRED_CHALLENGE=EMAIL_OTP", signed=False,
    )  # fmt: skip
    answer = [
        "cognito-idp", "respond-to-auth-challenge", "--client-id", client, "--challenge-name", "EMAIL_OTP",
        "--session", asked["Session"], "--challenge-responses",
    ]  # fmt: skip
    said = aws(*answer, f"USERNAME={email},EMAIL_OTP_CODE=00000000", signed=False, refused=True)
    assert "An error occurred (CodeMismatchException) when calling the RespondToAuthChallenge operation" in said
    code = server.inbox.code(email)
    tokens = aws(*answer, f"USERNAME={email},EMAIL_OTP_CODE={code}", signed=False)["AuthenticationResult"]
    user = aws("cognito-idp", "get-user", "--access-token", tokens["AccessToken"], signed=False)
    assert {"Name": "email", "Value": email} in user["UserAttributes"]


def test_an_address_becomes_a_sender_and_its_pool_brings_the_role(aws, server):
    sender = server.verified_address("no-reply")
    shown = aws("sesv2", "get-email-identity", "--email-identity", sender)
    assert shown["VerifiedForSendingStatus"] is True
    aws(
        "cognito-idp", "create-user-pool", "--pool-name", "from the command line", "--email-configuration",
        f"EmailSendingAccount=DEVELOPER,SourceArn={server.identity_arn(sender)},From=John Doe <{sender}>",
    )  # fmt: skip
    role = aws("iam", "get-role", "--role-name", ROLE)["Role"]
    assert role["Path"] == "/aws-service-role/email.cognito-idp.amazonaws.com/"
    attached = aws("iam", "list-attached-role-policies", "--role-name", ROLE)["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["AmazonCognitoIdpEmailServiceRolePolicy"]


def test_a_missing_role_is_told_in_the_service_s_words(aws):
    said = aws("iam", "get-role", "--role-name", "nobody", refused=True)
    assert "An error occurred (NoSuchEntity) when calling the GetRole operation" in said
    assert "The role with name nobody cannot be found." in said


def test_a_mail_is_sent(aws, server):
    sender, friend = server.verified_address(), fresh_address("friend")
    content = {"Simple": {"Subject": {"Data": "From a shell"}, "Body": {"Text": {"Data": "Hello."}}}}
    sent = aws(
        "sesv2", "send-email", "--from-email-address", sender, "--destination", f"ToAddresses={friend}",
        "--content", json.dumps(content),
    )  # fmt: skip
    assert sent["MessageId"]
    assert server.inbox.newest(friend)["subject"] == "From a shell"
