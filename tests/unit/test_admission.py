"""Fixed windows, what is left in them, and what one instance remembers of clients."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.admission import Limit, Memory, Window, exceeded, named, seconds_until, tightest, windows

MINUTE, HOUR = Limit("chat", 30, 60), Limit("chat-3600", 200, 3600)
NOW = datetime(2026, 1, 5, 9, 12, 34, 500_000, tzinfo=UTC)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


def one(client: str, limit: Limit = MINUTE, now: datetime = NOW) -> Window:
    """A client's window."""
    return windows(client, (limit,), now)[0]


def test_the_limits_of_an_endpoint_have_names_of_their_own() -> None:
    """The first is the endpoint's; further ones say their window too."""
    assert named("chat", [(30, 60), (200, 3600)]) == (MINUTE, HOUR)
    assert named("chat", []) == ()


def test_windows_are_aligned_to_the_epoch() -> None:
    """Every instance means the same window without asking."""
    minute, hour = windows("client", (MINUTE, HOUR), NOW)
    assert (minute.limit, minute.ends_at) == (MINUTE, datetime(2026, 1, 5, 9, 13, tzinfo=UTC))
    assert (hour.limit, hour.ends_at) == (HOUR, datetime(2026, 1, 5, 10, tzinfo=UTC))


@given(TIMES, st.integers(1, 100_000))
def test_a_window_holds_its_moment_and_is_as_long_as_its_limit(now: datetime, length: int) -> None:
    """It ends after now, at a multiple of its length."""
    window = one("client", Limit("chat", 1, length), now)
    assert window.ends_at - timedelta(seconds=length) <= now < window.ends_at
    assert window.ends_at.timestamp() % length == 0


def test_a_window_is_one_clients_under_one_limit_at_one_time() -> None:
    """Its name is the same within it, and another one for anything else."""
    name = one("client").id
    assert one("client", now=NOW.replace(second=0, microsecond=0)).id == name
    assert one("client", now=NOW.replace(second=59)).id == name
    others = [
        one("other"),
        one("client", HOUR),
        one("client", Limit("chat", 31, 60)),
        one("client", now=NOW + timedelta(minutes=1)),
    ]
    assert len({name, *(window.id for window in others)}) == 5


def test_exactly_the_quota_is_admitted() -> None:
    """The thirtieth request passes, the thirty-first does not."""
    window = one("client")
    assert exceeded(((window, 30),)) is None
    assert exceeded(((window, 31),)) == window


def test_of_several_full_windows_the_one_that_lasts_longest_counts() -> None:
    """Who waits for the shorter one only would be refused again."""
    minute, hour = windows("client", (MINUTE, HOUR), NOW)
    assert exceeded(((minute, 31), (hour, 201))) == hour
    assert exceeded(((minute, 31), (hour, 2))) == minute
    assert exceeded(()) is None


def test_the_tightest_limit_is_what_a_client_is_told() -> None:
    """The one that leaves least, never less than nothing."""
    minute, hour = windows("client", (MINUTE, HOUR), NOW)
    rate = tightest(((minute, 3), (hour, 190)), NOW)
    assert (rate.limit, rate.remaining, rate.reset) == (HOUR, 10, 47 * 60 + 26)
    assert tightest(((minute, 32),), NOW).remaining == 0


@pytest.mark.parametrize(("left", "told"), [(0.001, 1), (1, 1), (1.001, 2), (59.5, 60), (0, 1), (-5, 1)])
def test_seconds_are_rounded_up_and_never_none(left: float, told: int) -> None:
    """Who waits as long as told is not refused for having come too early."""
    assert seconds_until(NOW + timedelta(seconds=left), NOW) == told


def test_f33_a_refused_client_is_remembered_for_its_window_only() -> None:
    """The next window is a new chance, another client is none of it."""
    memory = Memory()
    assert memory.refused((one("client"),)) is None
    memory.refuse(one("client"))
    assert memory.refused((one("client", HOUR), one("client"))) == one("client")
    assert memory.refused((one("client", now=NOW + timedelta(minutes=1)),)) is None
    assert memory.refused((one("other"),)) is None


def test_of_several_windows_known_to_be_full_the_longest_is_named() -> None:
    """As in `exceeded`."""
    memory, found = Memory(), windows("client", (MINUTE, HOUR), NOW)
    for window in found:
        memory.refuse(window)
    assert memory.refused(found) == found[1]


def test_repeats_are_counted_by_window() -> None:
    """Each repeat counts in every window of its client."""
    memory, found = Memory(), windows("client", (MINUTE, HOUR), NOW)
    assert [count for _, count in memory.repeat(found)] == [1, 1]
    assert [count for _, count in memory.repeat(found)] == [2, 2]
    assert [count for _, count in memory.repeat((one("other"),))] == [1]


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    """A flood of addresses costs no more than so many entries."""
    memory = Memory(size=10)
    for number in range(100):
        memory.refuse(one(f"client-{number}"))
        memory.repeat((one(f"client-{number}"),))
    assert len(memory._refused) == len(memory._repeats) == 10
    assert memory.refused((one("client-90"),))
    assert memory.refused((one("client-89"),)) is None


def test_a_client_that_goes_on_repeating_is_not_forgotten_for_others() -> None:
    """A count in use stays; one long unused makes room."""
    memory = Memory(size=3)
    for number in range(10):
        memory.repeat((one(f"client-{number}"),))
        counted = memory.repeat((one("busy"),))
    assert [count for _, count in counted] == [10]


def test_memory_counts_exactly_with_many_threads() -> None:
    """No repeat is lost between threads."""
    memory, found = Memory(), (one("client"),)
    start = threading.Barrier(20)

    def repeat() -> None:
        start.wait()
        for _ in range(200):
            memory.repeat(found)
            memory.refuse(found[0])
            memory.refused(found)

    threads = [threading.Thread(target=repeat) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory.repeat(found)[0][1] == 20 * 200 + 1
