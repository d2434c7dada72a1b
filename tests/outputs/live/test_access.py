"""Who may ask: pages of this machine, who knows the token, and nobody else."""

import pytest

from commedia.outputs.live.access import Access

HOST = {"host": "127.0.0.1:8790"}


@pytest.mark.parametrize("host", ["127.0.0.1:8790", "localhost:8790", "localhost", "[::1]:8790"])
def test_this_machine_asks_as_itself(host: str) -> None:
    assert Access().refusal({"host": host}, {}) == ""
    assert Access().refusal({"host": host, "origin": f"http://{host}"}, {}) == ""


@pytest.mark.parametrize(
    "host", ["", "evil.example", "127.0.0.1.evil.example:8790", "localhost:8790@evil.example", "127.0.0.1:8790 "]
)
def test_a_name_that_was_made_to_point_here_is_refused(host: str) -> None:
    assert "not as" in Access().refusal({"host": host}, {})


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "", "http://127.0.0.1:8791", "http://localhost:8790", "http://127.0.0.1:87901"],
)
@pytest.mark.parametrize("token", ["", "secret"])
def test_a_page_of_another_site_is_refused(origin: str, token: str) -> None:
    query = {"token": token} if token else {}
    assert "may not ask" in Access(token).refusal(HOST | {"origin": origin}, query)


def test_with_a_token_only_the_token_counts() -> None:
    access, anywhere = Access("secret"), {"host": "192.168.1.2:8790"}
    assert access.refusal(anywhere, {"token": "secret"}) == ""
    for query in ({}, {"token": ""}, {"token": "secre"}, {"token": "secrets"}, {"token": "sécret"}):
        assert "token" in access.refusal(anywhere, query)
        assert "token" in access.refusal(HOST, query)
