"""Packages whose names are loaded when they are asked for."""

import subprocess
import sys

import pytest

import shared.bootstrap
import shared.ports

PACKAGES = [shared.bootstrap, shared.ports]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda each: each.__name__)
def test_every_name_that_is_promised_is_there(package):
    """And is kept by the package, so that the second time is no search."""
    for name in package.__all__:
        found = getattr(package, name)
        assert vars(package)[name] is found


@pytest.mark.parametrize("package", PACKAGES, ids=lambda each: each.__name__)
def test_a_name_that_is_not_there_is_missed_as_of_any_module(package):
    """Also by an import."""
    with pytest.raises(AttributeError, match=rf"module '{package.__name__}' has no attribute 'nothing'"):
        _ = package.nothing


def test_a_chat_loads_nothing_of_what_others_need():
    """A cold start waits for every module that is loaded."""
    program = (
        "import sys, shared.flows.answer_message, shared.adapters.firestore_chat, shared.adapters.cloud_tasks;"
        "print(*sorted(name for name in sys.modules if name.startswith('shared.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {"shared.ports.chat", "shared.flows.admit_message"} <= set(loaded)
    others = ("breaker", "digest", "delivery", "destination", "outcome", "housekeeping", "erasure", "operations")
    assert [name for name in loaded if name.rsplit(".", 1)[1] in others] == []
