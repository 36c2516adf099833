"""One client floods chat: nobody else notices, and the limit is lowered while it lasts."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.support.gamedays.visitors import from_address, written

FLOODER = "127.0.77.77"
REFUSALS = 620


def flood(day, until):
    """The flooder writes until it was refused so often; how often it was answered with what."""
    found = Counter()

    def write(_):
        with from_address(FLOODER) as client:
            while found[429] < until:
                found[written(day, client, FLOODER)] += 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    return found


def test_the_day(day):
    """Leads of others arrive all the while; afterwards the limit is what it was."""
    day.leads(2)
    day.begins("one client floods chat")
    flood(day, REFUSALS)
    emails = day.leads(4)
    day.fires("flood")
    seen = day.follows("How to see it")
    assert FLOODER in seen
    day.given(LIMIT="3 per minute")
    day.follows("Recovery")
    assert set(flood(day, 20)) <= {200, 429}
    assert flood(day, 5)[200] <= 3 * 2  # the limit is lower now; a new minute may begin
    with from_address("127.0.78.1") as visitor:
        assert written(day, visitor, "127.0.78.1") == 200
    day.recovers(lambda: all(day.system.received(email) for email in emails))
    assert "127.0.78.1" in day.follows("How to know it worked")
    day.follows("How to undo it")
    with from_address("127.0.78.2") as visitor:
        assert [written(day, visitor, "127.0.78.2") for _ in range(5)] == [200] * 5
    day.loses_nothing()
