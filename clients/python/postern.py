"""A running server as boto3 sees it: its services, its inbox, and user pools made for one test."""

import base64
import hashlib
import hmac
import html
import json
import os
import re
import secrets
import urllib.parse
import urllib.request

import boto3
import botocore.exceptions
import pytest
from botocore import UNSIGNED
from botocore.config import Config

REGION = "us-east-1"
ROLE = "AWSServiceRoleForAmazonCognitoIdpEmailService"
KEY = ("test", "test")


def fresh_address(word="person"):
    """An address that nobody else uses, so that tests can share a server."""
    return f"{word}-{secrets.token_hex(6)}@example.com"


class Inbox:
    """The local inbox, through its API for tests."""

    def __init__(self, url):
        self.url = url

    def messages(self, to, **asked):
        query = urllib.parse.urlencode({"to": to, **asked})
        with urllib.request.urlopen(f"{self.url}/inbox/api/messages?{query}", timeout=60) as answer:
            return json.load(answer)

    def newest(self, to, besides=()):
        """The newest mail after those in `besides`; waits for it, as mail leaves after the call has been answered."""
        after = {"after": besides[0]["id"]} if besides else {}
        mails = self.messages(to, **after) or self.messages(to, wait=20, **after)
        assert mails, f"no mail to {to}"
        return mails[0]

    def code(self, to, besides=()):
        return self.newest(to, besides)["code"]


class Server:
    """A server's address and the clients that speak to it."""

    def __init__(self, url):
        self.url = url
        self.inbox = Inbox(url)
        self.idp = self.client("cognito-idp")
        self.ses = self.client("sesv2")
        self.iam = self.client("iam")
        self.sts = self.client("sts")
        self.account = self.sts.get_caller_identity()["Account"]

    def client(self, service, key=KEY, **settings):
        settings.setdefault("retries", {"mode": "standard", "max_attempts": 1})
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=key[0],
            aws_secret_access_key=key[1],
            config=Config(**settings),
        )

    @property
    def app(self):
        """What an app in the field has: no keys at all."""
        return boto3.client(
            "cognito-idp",
            endpoint_url=self.url,
            region_name=REGION,
            config=Config(signature_version=UNSIGNED, retries={"mode": "standard", "max_attempts": 1}),
        )

    def identity_arn(self, name):
        return f"arn:aws:ses:{REGION}:{self.account}:identity/{name}"

    def open_verification_link(self, address):
        """Opens the link of the newest mail to the address; answers the page's HTML and its form."""
        text = self.inbox.newest(address)["text"]
        link = re.search(r"https?://\S+/ses/verify\?\S+", text).group(0)
        with urllib.request.urlopen(link) as answer:
            page = answer.read().decode()
        return link, page

    def press_verification_button(self, link, page):
        action = re.search(r'<form[^>]*action="([^"]+)"', page).group(1)
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        body = urllib.parse.urlencode({name: html.unescape(value) for name, value in fields.items()})
        request = urllib.request.Request(
            urllib.parse.urljoin(link, html.unescape(action)),
            data=body.encode(),
            headers={"Origin": self.url, "Content-Type": "application/x-www-form-urlencoded"},
        )
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()

    def verified_address(self, word="sender"):
        address = fresh_address(word)
        self.ses.create_email_identity(EmailIdentity=address)
        self.press_verification_button(*self.open_verification_link(address))
        return address

    def user_with(self, *actions):
        """A new IAM user that may do these actions and nothing else; answers the user's access key."""
        name = f"user-{secrets.token_hex(4)}"
        self.iam.create_user(UserName=name)
        allow = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self.iam.put_user_policy(UserName=name, PolicyName="allowed", PolicyDocument=document)
        made = self.iam.create_access_key(UserName=name)["AccessKey"]
        return made["AccessKeyId"], made["SecretAccessKey"]

    def pool(self, factors=("EMAIL_OTP", "PASSWORD"), **settings):
        """A user pool with sign-in by address, and one public client."""
        made = self.idp.create_user_pool(
            PoolName=f"pool-{secrets.token_hex(4)}",
            Policies={"SignInPolicy": {"AllowedFirstAuthFactors": list(factors)}},
            **{"UsernameAttributes": ["email"], "AutoVerifiedAttributes": ["email"], **settings},
        )
        return Pool(self, made["UserPool"])


class Pool:
    """A user pool, its first client, and the steps of a sign-in in it."""

    def __init__(self, server, shown):
        self.server, self.id, self.arn = server, shown["Id"], shown["Arn"]
        self.client_id = self.add_client()["ClientId"]

    def add_client(self, **settings):
        return self.server.idp.create_user_pool_client(
            UserPoolId=self.id,
            ClientName=f"client-{secrets.token_hex(4)}",
            **{
                "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
                "PreventUserExistenceErrors": "ENABLED",
                **settings,
            },
        )["UserPoolClient"]

    def add_user(self, email=None, verified=True, **settings):
        email = email or fresh_address()
        attributes = [{"Name": "email", "Value": email}]
        if verified:
            attributes.append({"Name": "email_verified", "Value": "true"})
        made = self.server.idp.admin_create_user(
            UserPoolId=self.id,
            Username=email,
            UserAttributes=attributes,
            **{"MessageAction": "SUPPRESS", **settings},
        )
        return email, made["User"]

    def begin(self, name, preferred="EMAIL_OTP", client_id=None, **parameters):
        wanted = {"PREFERRED_CHALLENGE": preferred} if preferred else {}
        return self.server.app.initiate_auth(
            ClientId=client_id or self.client_id,
            AuthFlow="USER_AUTH",
            AuthParameters={"USERNAME": name, **wanted, **parameters},
        )

    def answer(self, asked, name, challenge=None, client_id=None, **responses):
        return self.server.app.respond_to_auth_challenge(
            ClientId=client_id or self.client_id,
            ChallengeName=challenge or asked["ChallengeName"],
            Session=asked["Session"],
            ChallengeResponses={"USERNAME": name, **responses},
        )

    def begin_with_code(self, name, **settings):
        """Begins a sign-in; answers the challenge and the code that was mailed for it."""
        before = self.server.inbox.messages(name)
        asked = self.begin(name, **settings)
        assert asked["ChallengeName"] == "EMAIL_OTP"
        return asked, self.server.inbox.code(name, before)

    def sign_in(self, name, **settings):
        asked, code = self.begin_with_code(name, **settings)
        return self.answer(asked, name, EMAIL_OTP_CODE=code)["AuthenticationResult"]


def wrong(code):
    """A code of the same form that is not the one."""
    return code[:-1] + str((int(code[-1]) + 1) % 10)


def secret_hash(name, client):
    mac = hmac.new(client["ClientSecret"].encode(), (name + client["ClientId"]).encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


class refused:
    """Expects a refusal of a kind and, if given, in exactly these words."""

    def __init__(self, kind, words=None):
        self.kind, self.words = kind, words

    def __enter__(self):
        return self

    def __exit__(self, _type, error, _trace):
        if not isinstance(error, botocore.exceptions.ClientError):
            if error is None:
                pytest.fail(f"not refused; expected {self.kind}")
            return False
        self.error = error.response["Error"]
        self.status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert self.error["Code"] == self.kind, self.error
        if self.words is not None:
            assert self.error["Message"] == self.words
        return True


def environment(name):
    value = os.environ.get(name)
    if not value:
        pytest.exit(f"{name} is not set: run scripts/test, which starts the servers these tests speak to", 2)
    return value
