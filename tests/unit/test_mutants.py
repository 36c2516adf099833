"""The score of a mutation test is what its files say."""

from __future__ import annotations

import json

from tests.support.mutants import report


def test_survivors_are_listed_and_a_low_score_is_told(tmp_path) -> None:
    """By package; what was not tried does not count."""
    codes = {"shared.domain.alert.x_a__mutmut_1": 1, "shared.domain.alert.x_a__mutmut_2": 0, "shared.flows.b.x__1": 1}
    (tmp_path / "alert.py.meta").write_text(json.dumps({"exit_code_by_key": codes | {"shared.domain.c.x__1": None}}))
    lines, good = report(tmp_path)
    assert lines == [
        "survived: shared.domain.alert.x_a__mutmut_2",
        "shared.domain: 1 of 2 killed, 50.0% (at least 85%)",
        "shared.flows: 1 of 1 killed, 100.0% (at least 75%)",
    ]
    assert not good


def test_nothing_tried_is_no_success(tmp_path) -> None:
    """A run that was cut off before its first mutant says so."""
    assert report(tmp_path) == (["no mutant was tried"], False)
