"""The doctor as a command: what it ends, and what it leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import handeye

from env.owner import Owner
from env.process import Ownership

pytestmark = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks at processes in /proc")


def test_reap_ends_what_a_dead_run_left_and_touches_no_living_one() -> None:
    gone = str(replace(Owner.me(), started=1))
    folder = Path(tempfile.mkdtemp(prefix=f"handeye-{gone}-"))
    (folder / "kept").write_text("x")
    run, left = Ownership(), {"HANDEYE_RUN": f"{gone}-0123abcd"}
    try:
        with (
            subprocess.Popen(["sleep", "300"], env=os.environ | run.variables) as living,
            subprocess.Popen(["sleep", "300"], env=os.environ | left) as dead,
        ):
            try:
                done = handeye("doctor", "--reap", "--json")
                assert dead.wait(5) < 0
                assert living.poll() is None
            finally:
                living.kill()
                dead.kill()
        assert done.returncode == 0
        said = json.loads(done.stdout)
        assert said["well"]
        assert [finding["name"] for finding in said["findings"]] == ["leftovers"]
        assert said["findings"][0]["detail"].startswith("ended ")
        assert not folder.exists()
        assert run.folder.exists()
    finally:
        run.close()
