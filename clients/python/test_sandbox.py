"""The sandbox as SES has it: verified recipients only, 200 a day, one a second, until access is granted."""

import pytest

from postern import ROLE, fresh_address, refused

CONTENT = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello."}}}}


@pytest.fixture(scope="module")
def sender(sandbox):
    return sandbox.verified_address()


def patient(server):
    """A client that waits its turn, as the SDKs do by default: one mail a second leaves the sandbox."""
    return server.client("sesv2", retries={"mode": "standard", "max_attempts": 10})


def test_a_fresh_account_is_in_the_sandbox(sandbox):
    account = sandbox.ses.get_account()
    assert account["ProductionAccessEnabled"] is False
    assert account["SendingEnabled"] is True
    assert account["EnforcementStatus"] == "HEALTHY"
    assert account["SendQuota"]["Max24HourSend"] == 200.0
    assert account["SendQuota"]["MaxSendRate"] == 1.0


def test_outside_the_sandbox_there_is_production_access(server):
    assert server.ses.get_account()["ProductionAccessEnabled"] is True


def test_whoever_may_not_make_the_role_saves_nothing(sandbox, sender):
    with refused("NoSuchEntity", f"The role with name {ROLE} cannot be found.") as no:
        sandbox.iam.get_role(RoleName=ROLE)
    assert no.status == 404
    idp = sandbox.client("cognito-idp", sandbox.user_with("cognito-idp:*"))
    email = {"EmailSendingAccount": "DEVELOPER", "SourceArn": sandbox.identity_arn(sender)}
    with refused("AccessDeniedException") as no:
        idp.create_user_pool(PoolName="half", EmailConfiguration=email)
    assert "iam:CreateServiceLinkedRole" in no.error["Message"]
    assert "half" not in [pool["Name"] for pool in sandbox.idp.list_user_pools(MaxResults=60)["UserPools"]]


def test_only_verified_recipients_get_mail(sandbox, sender):
    friend = fresh_address("friend")
    words = (
        "Email address is not verified. The following identities failed the check in region US-EAST-1: " + friend
    )
    with refused("MessageRejected", words) as no:
        sandbox.ses.send_email(FromEmailAddress=sender, Destination={"ToAddresses": [friend]}, Content=CONTENT)
    assert no.status == 400
    assert sandbox.inbox.messages(friend) == []

    patient(sandbox).send_email(FromEmailAddress=sender, Destination={"ToAddresses": [sender]}, Content=CONTENT)


def test_the_simulator_gets_mail(sandbox, sender):
    to = {"ToAddresses": ["success@simulator.amazonses.com"]}
    assert patient(sandbox).send_email(FromEmailAddress=sender, Destination=to, Content=CONTENT)["MessageId"]


def test_one_mail_a_second_leaves_and_is_counted(sandbox, sender):
    before = sandbox.ses.get_account()["SendQuota"]["SentLast24Hours"]
    to = {"ToAddresses": [sender]}
    patient(sandbox).send_email(FromEmailAddress=sender, Destination=to, Content=CONTENT)
    with refused("TooManyRequestsException", "Maximum sending rate exceeded.") as no:
        for _ in range(5):
            sandbox.ses.send_email(FromEmailAddress=sender, Destination=to, Content=CONTENT)
    assert no.status == 429
    assert sandbox.ses.get_account()["SendQuota"]["SentLast24Hours"] > before


def test_a_pool_in_the_sandbox_reaches_verified_people_only(sandbox, sender):
    pool = sandbox.pool(
        EmailConfiguration={"EmailSendingAccount": "DEVELOPER", "SourceArn": sandbox.identity_arn(sender)}
    )
    stranger = fresh_address("stranger")
    words = "Amazon SES account is in Sandbox. Verify Send-to email address or Amazon SES Account"
    with refused("CodeDeliveryFailureException", words):
        sandbox.idp.admin_create_user(
            UserPoolId=pool.id,
            Username=stranger,
            UserAttributes=[{"Name": "email", "Value": stranger}],
            DesiredDeliveryMediums=["EMAIL"],
        )
    assert sandbox.inbox.messages(stranger) == []


def test_production_access_lets_mail_go_to_everybody(sandbox, sender):
    """In development mode the request is granted at once; in production the operator decides."""
    sandbox.ses.put_account_details(
        MailType="TRANSACTIONAL",
        WebsiteURL="https://example.com",
        UseCaseDescription="Codes for signing in",
        ProductionAccessEnabled=True,
    )
    account = sandbox.ses.get_account()
    assert account["ProductionAccessEnabled"] is True
    assert account["Details"]["ReviewDetails"]["Status"] == "GRANTED"
    assert account["SendQuota"]["Max24HourSend"] > 200.0

    friend = fresh_address("friend")
    patient(sandbox).send_email(FromEmailAddress=sender, Destination={"ToAddresses": [friend]}, Content=CONTENT)
    assert sandbox.inbox.newest(friend)["subject"] == "Hello"
