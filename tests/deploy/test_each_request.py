"""Each request of a deployment by the real gcloud fails once (``make deploy-faults``)."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from tests.support.cloud_project import PROJECT
from tests.support.google_apis.comparing import differences

pytestmark = [pytest.mark.deploy_faults, pytest.mark.timeout(3000)]


@pytest.mark.parametrize("when", ["before", "after"])
def test_each_request_of_the_real_gcloud_fails_once_and_the_same_state_is_reached(
    deployed, project, when: str, capsys
) -> None:
    """Apply is run again and again until nothing fails: every request was struck, and the project is the same."""
    _, made, _ = deployed
    wanted, applies = project.state, 0
    left = Counter(seen.what for seen in made)
    project.apis.reset(PROJECT)
    project.state.strikes_each = (left, when)
    while project.deploy("apply", "--parallel", "24", secrets=True) != 0:
        applies += 1
        assert applies <= len(made), capsys.readouterr().err
    differed, struck = differences(wanted, project.state), len(made) - left.total()
    with capsys.disabled():
        told = f"{struck} of {len(made)} requests failed {when} they took effect, in {applies} applies"
        sys.stdout.write(f"\nreal gcloud: {told}; {len(differed)} thing(s) differed in the end\n")
    assert left.total() == 0
    assert differed == []
    assert project.mutations("apply") == []
