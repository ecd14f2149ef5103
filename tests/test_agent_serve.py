"""`handeye serve` as a command: where it says that it is, how it ends, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from agent_runs import ROOT, handeye
from model_serving import client

SERVE = [sys.executable, "-m", "agent.cli", "serve", "--port", "0", "--json"]


@contextmanager
def served(environ: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command as a process, and the address that it printed."""
    whole = {**os.environ, **environ}
    with subprocess.Popen(SERVE, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=whole) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())["url"]
        finally:
            process.kill()


def test_it_prints_where_it_is_once_it_answers_and_ends_with_a_signal() -> None:
    with served({"HANDEYE_SERVE_KEY": "s3cret"}) as (process, url):
        assert url.startswith("http://127.0.0.1:")
        with pytest.raises(urllib.error.HTTPError, match="401") as refused:
            urllib.request.urlopen(url + "/models", timeout=60)
        refused.value.close()
        (entry,) = client(url, "s3cret").models.list()
        assert entry.id == "builtin"
        assert entry.model_extra["handeye"]["dialect"] == "qwen2.5"
        strange = urllib.request.Request(url.removesuffix("/v1") + "/health", headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError, match="403") as rebound:
            urllib.request.urlopen(strange, timeout=60)
        rebound.value.close()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        assert out == ""
        assert process.returncode in (0, 4, -signal.SIGINT)


def test_a_place_that_is_taken_and_a_model_that_is_elsewhere_are_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = handeye("serve", "--port", str(taken.getsockname()[1]))
    assert (done.returncode, done.stdout) == (2, "")
    assert "--port" in done.stderr
    done = handeye("serve", "--model", "http://127.0.0.1:9/v1")
    assert done.returncode == 2
    assert "only checkpoints that our own engine runs" in done.stderr
