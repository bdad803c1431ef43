"""A pool sends as an address of the account: what is accepted, the role that sends, and what stops it."""

import json

import pytest

from postern import REGION, ROLE, fresh_address, refused

ROLE_PATH = "/aws-service-role/email.cognito-idp.amazonaws.com/"
POLICY = "arn:aws:iam::aws:policy/aws-service-role/AmazonCognitoIdpEmailServiceRolePolicy"


@pytest.fixture(scope="module")
def sender(server):
    return server.verified_address("no-reply")


def developer(server, address, **settings):
    return {"EmailSendingAccount": "DEVELOPER", "SourceArn": server.identity_arn(address), **settings}


def test_a_pool_without_settings_sends_from_the_default_sender(server):
    pool = server.pool()
    shown = server.idp.describe_user_pool(UserPoolId=pool.id)["UserPool"]
    assert shown["EmailConfiguration"] == {"EmailSendingAccount": "COGNITO_DEFAULT"}
    email, _ = pool.add_user()
    assert pool.sign_in(email)["IdToken"]


def test_a_pool_sends_as_the_name_and_address_it_was_given(server, sender):
    config = developer(server, sender, From=f"John Doe <{sender}>", ReplyToEmailAddress="help@example.com")
    pool = server.pool(EmailConfiguration=config)
    assert server.idp.describe_user_pool(UserPoolId=pool.id)["UserPool"]["EmailConfiguration"] == config

    email, _ = pool.add_user()
    pool.begin(email)
    assert server.inbox.newest(email)["from"] == f"John Doe <{sender}>"


def test_settings_can_be_changed_later_and_back(server, sender):
    pool = server.pool()
    keep = {
        "AutoVerifiedAttributes": ["email"],
        "Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["EMAIL_OTP", "PASSWORD"]}},
    }
    server.idp.update_user_pool(UserPoolId=pool.id, EmailConfiguration=developer(server, sender), **keep)
    email, _ = pool.add_user()
    pool.begin(email)
    assert sender in server.inbox.newest(email)["from"]

    before = server.inbox.messages(email)
    server.idp.update_user_pool(
        UserPoolId=pool.id, EmailConfiguration={"EmailSendingAccount": "COGNITO_DEFAULT"}, **keep
    )
    pool.begin(email)
    assert sender not in server.inbox.newest(email, before)["from"]


def test_the_pool_s_own_words_carry_the_code(server, sender):
    pool = server.pool(EmailConfiguration=developer(server, sender))
    server.idp.set_user_pool_mfa_config(
        UserPoolId=pool.id,
        EmailMfaConfiguration={"Message": "Knock, knock: {####} it is.", "Subject": "Your key to the shop"},
        MfaConfiguration="OPTIONAL",
    )
    email, _ = pool.add_user()
    asked, code = pool.begin_with_code(email)
    mail = server.inbox.newest(email)
    assert mail["subject"] == "Your key to the shop"
    assert f"Knock, knock: {code} it is." in mail["text"]
    assert code in mail["html"]
    assert pool.answer(asked, email, EMAIL_OTP_CODE=code)["AuthenticationResult"]


def test_an_unverified_sender_is_refused(server):
    address = fresh_address("unverified")
    server.ses.create_email_identity(EmailIdentity=address)
    arn = server.identity_arn(address)
    words = (
        "Cognito received the following error from Amazon SES when attempting to send email: Email address is not "
        f"verified. The following identities failed the check in region {REGION.upper()}: {arn}"
    )
    with refused("InvalidParameterException", words):
        server.pool(EmailConfiguration=developer(server, address))


def test_a_sender_of_another_account_is_refused(server, sender):
    other = server.identity_arn(sender).replace(server.account, "999999999999")
    with refused("NotAuthorizedException", "Email arn does not belong to your account."):
        server.pool(EmailConfiguration={"EmailSendingAccount": "DEVELOPER", "SourceArn": other})


def test_developer_needs_a_sender(server):
    with refused("InvalidParameterException"):
        server.pool(EmailConfiguration={"EmailSendingAccount": "DEVELOPER"})


def test_the_from_address_belongs_to_the_identity(server, sender):
    with refused("InvalidParameterException"):
        server.pool(EmailConfiguration=developer(server, sender, From="Boss <boss@example.net>"))


def test_saving_developer_makes_the_role_that_sends(server, sender):
    server.pool(EmailConfiguration=developer(server, sender))
    role = server.iam.get_role(RoleName=ROLE)["Role"]
    assert role["Path"] == ROLE_PATH
    assert role["Arn"] == f"arn:aws:iam::{server.account}:role{ROLE_PATH}{ROLE}"
    assert role["MaxSessionDuration"] == 3600
    trust = role["AssumeRolePolicyDocument"]
    assert trust["Version"] == "2012-10-17"
    [statement] = trust["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Principal"] == {"Service": "email.cognito-idp.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"

    [attached] = server.iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]
    assert attached == {"PolicyName": "AmazonCognitoIdpEmailServiceRolePolicy", "PolicyArn": POLICY}
    document = server.iam.get_policy_version(PolicyArn=POLICY, VersionId="v1")["PolicyVersion"]["Document"]
    said = {one["Effect"]: (one["Action"], one["Resource"]) for one in document["Statement"]}
    assert sorted(said["Allow"][0]) == ["ses:SendEmail", "ses:SendRawEmail"]
    assert said["Deny"][0] in ("ses:List*", ["ses:List*"])


def test_nobody_changes_or_assumes_the_role(server, sender):
    server.pool(EmailConfiguration=developer(server, sender))
    words = f"Cannot perform the operation on the protected role '{ROLE}' - this role is only modifiable by AWS"
    with refused("UnmodifiableEntity", words):
        server.iam.detach_role_policy(RoleName=ROLE, PolicyArn=POLICY)
    with refused("UnmodifiableEntity", words):
        server.iam.delete_role(RoleName=ROLE)
    arn = server.iam.get_role(RoleName=ROLE)["Role"]["Arn"]
    with refused("AccessDenied"):
        server.sts.assume_role(RoleArn=arn, RoleSessionName="somebody")


def test_a_role_in_use_is_not_deleted_and_the_pool_is_named(server, sender):
    pool = server.pool(EmailConfiguration=developer(server, sender))
    task = server.iam.delete_service_linked_role(RoleName=ROLE)["DeletionTaskId"]
    assert task.startswith(f"task{ROLE_PATH}{ROLE}/")
    status = server.iam.get_service_linked_role_deletion_status(DeletionTaskId=task)
    for _ in range(100):
        if status["Status"] not in ("NOT_STARTED", "IN_PROGRESS"):
            break
        status = server.iam.get_service_linked_role_deletion_status(DeletionTaskId=task)
    assert status["Status"] == "FAILED"
    named = [arn for usage in status["Reason"]["RoleUsageList"] for arn in usage["Resources"]]
    assert pool.arn in named
    assert server.iam.get_role(RoleName=ROLE)["Role"]


def test_a_policy_that_denies_the_role_stops_the_mail(server):
    address = server.verified_address("guarded")
    pool = server.pool(EmailConfiguration=developer(server, address))
    email, _ = pool.add_user()
    pool.sign_in(email)

    role = server.iam.get_role(RoleName=ROLE)["Role"]["Arn"]
    arn = server.identity_arn(address)
    deny = {"Effect": "Deny", "Principal": {"AWS": role}, "Action": "ses:Send*", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    server.ses.create_email_identity_policy(EmailIdentity=address, PolicyName="no", Policy=policy)
    before = server.inbox.messages(email)
    with refused("InvalidEmailRoleAccessPolicyException"):
        pool.begin(email)
    assert server.inbox.messages(email) == before

    server.ses.delete_email_identity_policy(EmailIdentity=address, PolicyName="no")
    assert pool.sign_in(email)["IdToken"]


def test_with_the_role_there_a_small_caller_may_save(server, sender):
    """An existing role asks nothing of who saves."""
    server.pool(EmailConfiguration=developer(server, sender))
    key = server.user_with("cognito-idp:*")
    idp = server.client("cognito-idp", key)
    assert idp.create_user_pool(PoolName="allowed", EmailConfiguration=developer(server, sender))["UserPool"]["Id"]
    with refused("AccessDenied"):
        server.client("iam", key).list_roles()
    with refused("AccessDeniedException"):
        server.client("sesv2", key).list_email_identities()
