"""Groups, resource servers, changing an address and finding people, through the SDK's own paginators."""

import base64
import json
import urllib.parse
import urllib.request

from postern import fresh_address, refused


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_groups_are_in_tokens_by_precedence(server, pool):
    email, _ = pool.add_user()
    for name, precedence in [("readers", 9), ("writers", 1), ("guests", None)]:
        more = {} if precedence is None else {"Precedence": precedence}
        server.idp.create_group(UserPoolId=pool.id, GroupName=name, **more)
        server.idp.admin_add_user_to_group(UserPoolId=pool.id, Username=email, GroupName=name)
    tokens = pool.sign_in(email)
    for token in (tokens["IdToken"], tokens["AccessToken"]):
        assert claims(token)["cognito:groups"] == ["writers", "readers", "guests"]
    pages = server.idp.get_paginator("list_groups").paginate(UserPoolId=pool.id, PaginationConfig={"PageSize": 2})
    assert [group["GroupName"] for page in pages for group in page["Groups"]] == ["guests", "readers", "writers"]
    of_user = server.idp.get_paginator("admin_list_groups_for_user")
    pages = of_user.paginate(UserPoolId=pool.id, Username=email, PaginationConfig={"PageSize": 1})
    assert sum(len(page["Groups"]) for page in pages) == 3
    pages = server.idp.get_paginator("list_users_in_group").paginate(UserPoolId=pool.id, GroupName="readers")
    assert [len(page["Users"]) for page in pages] == [1]
    with refused("GroupExistsException", "A group with the name already exists."):
        server.idp.create_group(UserPoolId=pool.id, GroupName="readers")


def test_a_machine_gets_a_token_of_its_own(server, pool):
    server.idp.create_resource_server(
        UserPoolId=pool.id,
        Identifier="https://api.example.com",
        Name="API",
        Scopes=[{"ScopeName": "read", "ScopeDescription": "Read"}],
    )
    machine = pool.add_client(
        GenerateSecret=True,
        ExplicitAuthFlows=[],
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["https://api.example.com/read"],
    )
    credentials = f"{machine['ClientId']}:{machine['ClientSecret']}".encode()
    request = urllib.request.Request(
        f"{server.url}/oauth2/token",
        data=urllib.parse.urlencode({"grant_type": "client_credentials"}).encode(),
        headers={"Authorization": "Basic " + base64.b64encode(credentials).decode()},
    )
    with urllib.request.urlopen(request) as answer:
        token = json.load(answer)["access_token"]
    assert claims(token)["scope"] == "https://api.example.com/read"
    assert claims(token)["sub"] == machine["ClientId"]
    by_sdk = server.idp.get_client_token(ClientId=machine["ClientId"], Secret=machine["ClientSecret"])
    assert claims(by_sdk["ClientAuthenticationResult"]["AccessToken"])["token_use"] == "access"


def test_a_new_address_waits_for_its_code(server, pool):
    email, _ = pool.add_user()
    new = fresh_address("new")
    token = pool.sign_in(email)["AccessToken"]
    sent = server.app.update_user_attributes(
        AccessToken=token, UserAttributes=[{"Name": "email", "Value": new}]
    )["CodeDeliveryDetailsList"]
    assert [one["AttributeName"] for one in sent] == ["email"]
    assert "/account/undo?token=" in server.inbox.newest(email)["text"]
    with refused("CodeMismatchException"):
        server.app.verify_user_attribute(AccessToken=token, AttributeName="email", Code="000000x")
    server.app.verify_user_attribute(AccessToken=token, AttributeName="email", Code=server.inbox.code(new))
    me = server.app.get_user(AccessToken=token)
    assert {"Name": "email", "Value": new} in me["UserAttributes"]
    assert pool.sign_in(new)["AccessToken"]


def test_people_are_found_by_a_filter_page_by_page(server, pool):
    emails = sorted(pool.add_user(fresh_address("finding"))[0] for _ in range(5))
    pool.add_user(fresh_address("other"))
    pages = server.idp.get_paginator("list_users").paginate(
        UserPoolId=pool.id, Filter='email ^= "FINDING-"', PaginationConfig={"PageSize": 2}
    )
    found = [
        one["Value"]
        for page in pages
        for user in page["Users"]
        for one in user["Attributes"]
        if one["Name"] == "email"
    ]
    assert found == emails
