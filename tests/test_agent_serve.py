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


def test_a_second_request_reads_only_what_is_new_in_it() -> None:
    schema = {"name": "it", "schema": {"enum": ["yes", "no"]}}
    with served({}) as (_, url):
        cached = []
        for words in ("Is it?", "Is it?", "Is it so?"):
            said = client(url).chat.completions.create(
                model="builtin",
                messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": words}],
                response_format={"type": "json_schema", "json_schema": schema},
            )
            assert said.choices[0].message.content in ('"yes"', '"no"')
            assert said.usage is not None
            cached.append((said.usage.prompt_tokens_details.cached_tokens, said.usage.prompt_tokens))
    assert cached[0][0] == 0
    assert cached[1][0] == cached[1][1] - 1
    assert 0 < cached[2][0] < cached[2][1] - 1


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
