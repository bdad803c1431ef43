"""The servers that the tests speak to, and a fresh user pool."""

import pytest

from postern import Server, environment


@pytest.fixture(scope="session")
def server():
    """A server in development mode, as a newcomer starts it."""
    return Server(environment("POSTERN_URL"))


@pytest.fixture(scope="session")
def sandbox():
    """A server whose SES is in the sandbox and keeps its limits."""
    return Server(environment("POSTERN_SANDBOX_URL"))


@pytest.fixture
def pool(server):
    return server.pool()
