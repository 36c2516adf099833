"""The fault switch shared by every stand-in."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.standins.faults import STATUS_MODES, TRANSPORT_MODES, BadFault, Fault, FaultSwitch, parse_fault

MODES = ("500", "no_active_hooks", "timeout")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def struck(fault, requests=200):
    """Which of the next requests a fault strikes."""
    switch = FaultSwitch()
    switch.set(fault)
    return [switch.strike() for _ in range(requests)]


def test_a_mode_alone_strikes_every_request():
    """Rate 1 is the default, and the seed is nobody's."""
    fault = parse_fault({"mode": "500"}, MODES)
    assert fault == Fault("500", 1.0, None)
    assert struck(fault) == ["500"] * 200


def test_a_fault_is_shown_as_it_was_asked_for():
    """What PUT took, GET gives."""
    asked = {"mode": "timeout", "rate": 0.25, "seed": 7}
    assert parse_fault(asked, MODES).as_json() == asked


@pytest.mark.parametrize("rate", [0, 1, 0.0, 1.0, 0.5])
def test_a_rate_from_0_to_1_is_taken(rate):
    """Both ends belong to it, whole numbers too."""
    assert parse_fault({"mode": "500", "rate": rate}, MODES).rate == float(rate)


@pytest.mark.parametrize("seed", [None, 0, -3, 2**80])
def test_any_whole_number_is_a_seed(seed):
    """And null is the same as leaving it out."""
    assert parse_fault({"mode": "500", "seed": seed}, MODES).seed == seed


def test_an_unknown_mode_lists_the_known_ones():
    """Whoever mistypes a mode learns all of them."""
    with pytest.raises(BadFault) as refusal:
        parse_fault({"mode": "on_fire"}, MODES)
    assert "on_fire" in str(refusal.value)
    assert all(f'"{mode}"' in str(refusal.value) for mode in MODES)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (None, "null"),
        ([], "a list"),
        ("500", "a string"),
        (500, "a number"),
        (True, "a boolean"),
        ({}, '"mode" is missing'),
        ({"mode": 500}, "a number"),
        ({"mode": None}, "null"),
        ({"mode": ["500"]}, "a list"),
        ({"mode": {}}, "an object"),
        ({"mode": "500 "}, "not known"),
        ({"mode": "500", "rate": True}, "a boolean"),
        ({"mode": "500", "rate": "0.5"}, "a string"),
        ({"mode": "500", "rate": None}, "null"),
        ({"mode": "500", "rate": math.nan}, "outside"),
        ({"mode": "500", "rate": math.inf}, "outside"),
        ({"mode": "500", "rate": -0.01}, "outside"),
        ({"mode": "500", "rate": 1.01}, "outside"),
        ({"mode": "500", "rate": 10**400}, "outside"),
        ({"mode": "500", "seed": False}, "a boolean"),
        ({"mode": "500", "seed": 1.0}, "a number"),
        ({"mode": "500", "seed": "1"}, "a string"),
        ({"mode": "500", "rat": 1}, '"rat"'),
        ({"mode": "500", "Mode": "x", "z": 1}, '"Mode", "z"'),
    ],
)
def test_a_wrong_fault_is_refused_by_name(body, named):
    """The message says what was wrong."""
    with pytest.raises(BadFault, match=named):
        parse_fault(body, MODES)


@given(json_values)
def test_no_json_value_breaks_the_parser(body):
    """Anything is a fault or a BadFault, never another error."""
    try:
        fault = parse_fault(body, MODES)
    except BadFault:
        return
    assert fault.mode in MODES


def test_a_seed_repeats_its_sequence():
    """Two runs with the same seed break the same requests, another seed other ones."""
    first = struck(Fault("500", 0.5, seed=1))
    assert first == struck(Fault("500", 0.5, seed=1))
    assert first != struck(Fault("500", 0.5, seed=2))


def test_setting_a_seed_again_starts_its_sequence_anew():
    """What came before does not show in it."""
    switch = FaultSwitch()
    switch.set(Fault("500", 0.5, seed=1))
    first = [switch.strike() for _ in range(50)]
    switch.set(Fault("500", 0.5, seed=1))
    assert [switch.strike() for _ in range(50)] == first


def test_the_rate_is_the_share_struck():
    """A third of them, give or take."""
    assert 40 <= sum(mode is not None for mode in struck(Fault("500", 1 / 3, seed=5))) <= 95


def test_rate_zero_strikes_nothing():
    """It can be set, and does nothing."""
    assert struck(Fault("500", 0.0)) == [None] * 200


def test_a_healed_switch_strikes_nothing():
    """Healing is immediate."""
    switch = FaultSwitch()
    switch.set(Fault("500"))
    switch.set(None)
    assert switch.fault is None
    assert switch.strike() is None


def test_every_error_status_and_every_way_a_connection_fails_has_a_mode():
    """The modes no destination lacks."""
    assert STATUS_MODES[0] == "400"
    assert STATUS_MODES[-1] == "599"
    assert len(STATUS_MODES) == 200
    assert TRANSPORT_MODES == ("timeout", "reset", "unanswered", "slow", "down")
