"""A deployment says that no proxy is to be trusted: all visitors are one client, and are refused together."""

from tests.support.gamedays.deploying import deploys, names
from tests.support.gamedays.visitors import from_address, written

OPERATOR = "127.0.99.1"


def visitors(day, refusals):
    """Visitors, each with an address and a first message of their own, until so many were refused."""
    refused = number = 0
    while refused < refusals:
        number += 1
        address = f"127.0.{60 + number // 250}.{1 + number % 250}"
        with from_address(address) as client:
            refused += written(day, client, address) == 429
        assert number < 250, "they are not refused"
    return refused


def test_the_day(day, tmp_path):
    """Once the number is right everybody is answered, and nobody who saw an answer was lost."""
    (tmp_path / ".curlrc").write_text(f'interface = "{OPERATOR}"\n', encoding="utf-8")
    day.session.sets({"CURL_HOME": str(tmp_path)})
    day.given(CHAT_URL=f"{day.system.url}/chat", HOPS="1")
    day.leads(2)
    day.begins("everybody counts as one client")
    names(day, "settings", "TRUSTED_PROXY_HOPS", '"0"')
    deploys(day, "chat")
    visitors(day, refusals=60)
    day.fires("rate-limiter-blocks-everybody")
    seen = day.follows("How to see it")
    assert " 429 " in seen
    assert "127.0.60." in seen
    day.follows("Recovery")
    day.recovers(lambda: day.system.write("Hello").status_code == 200)
    assert " 200 " in day.follows("How to know it worked")
    day.follows("How to undo it")
    day.leads(3)
    day.loses_nothing()
