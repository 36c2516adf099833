"""A seed says what fails, and repeats it."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import NamedTuple

import pytest

from bench.soak.meter import QUERY_SECONDS, KeptMeter, counted
from bench.soak.plan import BLOCKS, MIXES, Faults, actions
from bench.soak.visitors import address_of
from infra.local.destinations import Destinations

QUEUES = ("slack", "monday", "webhook")


def modes(seed: int, destination: str, number: int = 2000, rate: float = 0.3, gap: int = 400) -> list[str | None]:
    """What the first requests meet."""
    faults = Faults(seed, destination, rate, gap)
    return [faults.mode(each) for each in range(1, number + 1)]


@pytest.mark.parametrize("destination", MIXES)
def test_a_seed_repeats_what_every_request_meets(destination: str) -> None:
    """And another seed does not."""
    assert modes(5, destination) == modes(5, destination)
    assert modes(5, destination) != modes(6, destination)


def test_a_seed_repeats_what_is_done_in_which_order() -> None:
    """After ever more requests."""
    first = list(islice(actions(5, QUEUES, every=20), 200))
    assert first == list(islice(actions(5, QUEUES, every=20), 200))
    assert first != list(islice(actions(6, QUEUES, every=20), 200))
    assert all(one.after < two.after for one, two in pairwise(first))
    assert {each.what for each in first} == {"kill", "kill one", "stop", "stop one", "purge", "pause", "run"}


@pytest.mark.parametrize("destination", MIXES)
def test_about_the_share_that_is_asked_for_fails(destination: str) -> None:
    """Outside of blocks; with 0 nothing does, blocks included."""
    met = modes(5, destination, gap=0)
    assert 0.26 < sum(mode is not None for mode in met) / len(met) < 0.34
    assert set(met) <= {None, *MIXES[destination]}
    assert set(modes(5, destination, rate=0.0)) == {None}


@pytest.mark.parametrize("destination", BLOCKS)
def test_a_block_is_met_by_several_requests_in_a_row_and_ends(destination: str) -> None:
    """It is healed after a while."""
    met = modes(5, destination, rate=0.001)
    runs = [place for place, (one, two) in enumerate(pairwise(met)) if one in BLOCKS[destination] and one == two]
    assert runs
    assert met[-1] is None or met.count(None) > len(met) * 0.9


def test_every_mode_is_one_of_its_stand_in() -> None:
    """A mode that a stand-in does not know would fail in the middle of a soak."""
    for name, standin in Destinations().by_name.items():
        if name in MIXES:
            assert {*MIXES[name], *BLOCKS[name]} <= set(standin.modes)


def test_visitors_come_from_many_addresses() -> None:
    """Three share one at most: far below the limit of a client; all are of loopback."""
    addresses = [address_of(number) for number in range(10_000)]
    assert max(map(addresses.count, set(addresses[:30]))) == 3
    assert len(set(addresses)) == 3334
    assert all(each.startswith("127.") and max(map(int, each.split("."))) < 256 for each in addresses)


def test_a_meters_numbers_outlive_it(tmp_path) -> None:
    """They are in a file as soon as they are counted, and are added up by function."""
    for process, reads in ((1, 3), (2, 4)):
        meter = KeptMeter(tmp_path / f"chat.{process}.a")
        meter.calls.append("RunQuery")
        meter.reads += reads
    assert counted(tmp_path) == {"chat": {"calls": 2, "reads": 7, "writes": 0, "deletes": 0}}


@pytest.mark.parametrize(
    ("name", "seconds"), [("RunQuery", QUERY_SECONDS), ("Commit", 5.0), (b"BatchGetDocuments", 5.0)]
)
def test_only_queries_are_waited_for_longer(tmp_path, name: str | bytes, seconds: float) -> None:
    """The emulator is slow at them; how long a commit may take is part of what is tried."""
    prefix = "/google.firestore.v1.Firestore/"
    path = prefix + name if isinstance(name, str) else prefix.encode() + name
    asked = []
    meter = KeptMeter(tmp_path / "chat.1.a")
    details = Details(path, 5.0)
    meter.intercept_unary_stream(lambda known, _request: asked.append(known), details, None)
    assert asked == [details._replace(timeout=seconds)]


class Details(NamedTuple):
    """What gRPC tells of a call."""

    method: str | bytes
    timeout: float
