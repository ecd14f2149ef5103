"""A pytest plugin: task scripts and recordings as tests.

    @pytest.mark.handeye("order.yaml", set={"who": "Ada"}, model="script")
    def test_an_order_is_confirmed(handeye):
        assert handeye.result.values["total"] == 6.0

    def test_the_recorded_order_is_still_possible(handeye_replay):
        handeye_replay("runs/order", mode="exact")

A marked test plays its script before its own body, and fails with the verdicts, a picture of the last screen and a
report. Paths start from the file of the test. The mark also takes `headed`, `care` (an `agent.care.Care`) and `out`,
the folder for records, by default one of pytest's temporary ones; `model` may be a policy of the caller's. Nothing but
this file is loaded until such a test runs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from agent.outcome import Result
    from agent.replay import Replay

MARK = "handeye(script, *, set={}, model='builtin', headed=False, care=None, out=None)"


@dataclass
class Played:
    """What the script of a test's mark came to."""

    out: Path
    _result: Result | None = None

    @property
    def result(self) -> Result:
        """The run's result, with its values and its record."""
        assert self._result is not None, "it is played before the body of the test"
        return self._result


class Repeat(Protocol):
    """Replays a recording without a model; the test fails where it is not verified."""

    def __call__(self, run: str | Path, mode: str = "exact") -> Replay:
        """What the replay of `run` came to; the path starts from the file of the test."""
        ...


KEY = pytest.StashKey[Played]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", f"{MARK}: play a task script first, and fail where it is not verified")


@pytest.fixture(autouse=True)
def _handeye_records(request: pytest.FixtureRequest) -> None:
    """A place for the record of each marked test."""
    if request.node.get_closest_marker("handeye"):
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        request.node.stash[KEY] = Played(factory.mktemp("handeye"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Play the script of a marked test before the test itself."""
    mark = item.get_closest_marker("handeye")
    if mark is None:
        return
    from agent.trial import Asked, TrialError, run, told

    played = item.stash[KEY]
    try:
        asked = Asked(*mark.args, **mark.kwargs)
    except TypeError as error:
        pytest.fail(f"@pytest.mark.handeye: {error}; expected {MARK}", pytrace=False)
    try:
        played._result = run(asked, item.path.parent, played.out, os.environ)
    except TrialError as error:
        pytest.fail(str(error), pytrace=False)
    if played.result.outcome.code:
        pytest.fail(told(played.result), pytrace=False)


@pytest.fixture
def handeye(request: pytest.FixtureRequest) -> Played:
    """What the script of this test's mark came to, for the body of the test."""
    if KEY not in request.node.stash:
        pytest.fail("handeye: this fixture is for tests with @pytest.mark.handeye(SCRIPT)", pytrace=False)
    played: Played = request.node.stash[KEY]
    return played


@pytest.fixture
def handeye_replay(request: pytest.FixtureRequest) -> Repeat:
    """A function that replays a recording, and fails with a picture of what differs."""
    from agent.trial import TrialError, differs, repeat

    def again(run: str | Path, mode: str = "exact") -> Replay:
        __tracebackhide__ = True
        try:
            kept, result = repeat(request.path.parent / run, mode, os.environ)
        except TrialError as error:
            pytest.fail(str(error), pytrace=False)
        if result.code:
            pytest.fail(differs(kept, result), pytrace=False)
        return result

    return again
