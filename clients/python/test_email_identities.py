"""Addresses and domains become senders: by the link in a mail, by DNS records."""

import re
import urllib.error
import urllib.request

import pytest

from postern import fresh_address, refused


def test_an_address_is_verified_by_the_link_in_its_mail(server):
    address = fresh_address("sender")
    made = server.ses.create_email_identity(EmailIdentity=address)
    assert made["IdentityType"] == "EMAIL_ADDRESS"
    assert made["VerifiedForSendingStatus"] is False

    link, page = server.open_verification_link(address)
    assert address in page
    # Link scanners open links, too: looking changes nothing.
    seen = server.ses.get_email_identity(EmailIdentity=address)
    assert (seen["VerifiedForSendingStatus"], seen["VerificationStatus"]) == (False, "PENDING")
    assert seen["DkimAttributes"]["Status"] == "NOT_STARTED"
    assert seen["DkimAttributes"]["SigningEnabled"] is False

    assert address in server.press_verification_button(link, page)
    seen = server.ses.get_email_identity(EmailIdentity=address)
    assert (seen["VerifiedForSendingStatus"], seen["VerificationStatus"]) == (True, "SUCCESS")


def test_a_link_works_once(server):
    address = fresh_address("sender")
    server.ses.create_email_identity(EmailIdentity=address)
    link, page = server.open_verification_link(address)
    server.press_verification_button(link, page)
    with pytest.raises(urllib.error.HTTPError) as second:
        server.press_verification_button(link, page)
    assert 400 <= second.value.code < 500


def test_a_guessed_link_verifies_nothing(server):
    with pytest.raises(urllib.error.HTTPError) as guessed:
        urllib.request.urlopen(f"{server.url}/ses/verify?token={'A' * 43}")
    assert 400 <= guessed.value.code < 500


def test_an_identity_is_made_once_listed_and_deleted(server):
    address = fresh_address("sender")
    server.ses.create_email_identity(EmailIdentity=address)
    with refused("AlreadyExistsException", f"Email identity {address} already exist."):
        server.ses.create_email_identity(EmailIdentity=address)

    listed = {one["IdentityName"]: one for one in server.ses.list_email_identities(PageSize=1000)["EmailIdentities"]}
    assert listed[address]["SendingEnabled"] is False
    assert listed[address]["VerificationStatus"] == "PENDING"

    server.ses.delete_email_identity(EmailIdentity=address)
    with refused("NotFoundException", f"Email identity {address} does not exist.") as no:
        server.ses.get_email_identity(EmailIdentity=address)
    assert no.status == 404


def test_a_domain_shows_the_records_that_verify_it(server):
    domain = fresh_address().replace("@", ".").lower()
    dkim = server.ses.create_email_identity(EmailIdentity=domain)["DkimAttributes"]
    assert dkim["SigningEnabled"] is True
    assert len(set(dkim["Tokens"])) == 3
    assert all(re.fullmatch(r"[a-z2-7]{32}", token) for token in dkim["Tokens"])
    assert server.ses.get_email_identity(EmailIdentity=domain)["DkimAttributes"]["Tokens"] == dkim["Tokens"]

    server.ses.put_email_identity_mail_from_attributes(
        EmailIdentity=domain, MailFromDomain=f"bounce.{domain}", BehaviorOnMxFailure="REJECT_MESSAGE"
    )
    shown = server.ses.get_email_identity(EmailIdentity=domain)
    assert shown["IdentityType"] == "DOMAIN"
    assert shown["VerifiedForSendingStatus"] is False
    assert shown["MailFromAttributes"]["MailFromDomain"] == f"bounce.{domain}"
    assert shown["MailFromAttributes"]["MailFromDomainStatus"] in ("PENDING", "FAILED")
    assert shown["MailFromAttributes"]["BehaviorOnMxFailure"] == "REJECT_MESSAGE"


def test_a_mail_from_domain_lies_below_its_identity(server):
    domain = fresh_address().replace("@", ".")
    server.ses.create_email_identity(EmailIdentity=domain)
    with refused("BadRequestException"):
        server.ses.put_email_identity_mail_from_attributes(EmailIdentity=domain, MailFromDomain="bounce.example.net")


def test_mail_is_sent_as_a_verified_address_and_as_no_other(server):
    sender, friend = server.verified_address(), fresh_address("friend")
    content = {"Simple": {"Subject": {"Data": "Grüße"}, "Body": {"Text": {"Data": "Hello, friend."}}}}
    sent = server.ses.send_email(
        FromEmailAddress=f"A Sender <{sender}>", Destination={"ToAddresses": [friend]}, Content=content
    )
    assert sent["MessageId"]
    mail = server.inbox.newest(friend)
    assert mail["subject"] == "Grüße"
    assert sender in mail["from"]
    assert "Hello, friend." in mail["text"]

    stranger = fresh_address("stranger")
    words = (
        "Email address is not verified. The following identities failed the check in region US-EAST-1: " + stranger
    )
    with refused("MessageRejected", words):
        server.ses.send_email(FromEmailAddress=stranger, Destination={"ToAddresses": [friend]}, Content=content)
