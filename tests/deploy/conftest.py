"""The installed gcloud against the stand-in of Google's APIs; without the Google Cloud SDK these tests are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.deploy import commands
from tests.support.cloud_project import PROJECT, Cloud, a_project
from tests.support.google_apis.state import Seen


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The real gcloud and a project, whatever is in it; what commands read is not written into the checkout."""
    with pytest.MonkeyPatch.context() as patch, a_project(tmp_path_factory.mktemp("gcloud")) as cloud:
        patch.setattr(commands, "FOLDER", tmp_path_factory.mktemp("deploy"))
        yield cloud


@pytest.fixture
def project(deployed: tuple[Cloud, list[Seen], list[tuple[str, ...]]]) -> Iterator[Cloud]:
    """The deployed project, to be changed by one test, or emptied (`GoogleApis.reset`)."""
    cloud, before = deployed[0], deployed[0].state
    cloud.apis.state = before.copied()
    yield cloud
    cloud.apis.state = before


@pytest.fixture(scope="session")
def deployed(stand_in: Cloud) -> tuple[Cloud, list[Seen], list[tuple[str, ...]]]:
    """An empty project after one apply, with the mutating requests and the commands it took."""
    stand_in.apis.reset(PROJECT)
    begun = len(stand_in.gcloud.commands)
    made = stand_in.mutations("apply", secrets=True)
    return stand_in, made, stand_in.gcloud.commands[begun:]
