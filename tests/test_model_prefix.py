"""A beginning on disk is what was written there for these words and these weights, or nothing."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from model_checkpoint import network, shape
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from model.generate import Prompt
from model.prefix import Disk, Prefixes
from model.qwen import Qwen
from model.session import Session

ROOT = Path(__file__).resolve().parent.parent
SYSTEM = tuple(range(20, 60))
PROMPT = Prompt((*SYSTEM, 70, 71, 72))


@pytest.fixture(scope="module")
def qwen() -> Qwen:
    return network(shape(), seed=3)


@pytest.fixture
def kept(qwen: Qwen, tmp_path: Path) -> Disk:
    """A folder with the beginning that one process has left."""
    disk = Disk(tmp_path / "kept", "a" * 64)
    Session(qwen, prefixes=Prefixes(disk)).read(PROMPT, shared=len(SYSTEM))
    assert len(list(disk.folder.iterdir())) == 1
    return disk


def ask(qwen: Qwen, disk: Disk, prompt: Prompt = PROMPT) -> tuple[int, int]:
    """Tokens reused and files read by a new process; what it answers is checked."""
    prefixes = Prefixes(disk)
    session = Session(qwen, prefixes=prefixes)
    logits = session.read(prompt, shared=len(SYSTEM))
    torch.testing.assert_close(logits, Session(qwen).read(prompt), atol=1e-4, rtol=0)
    return session.counts.reused_tokens, prefixes.read


def test_another_process_goes_on_from_the_file(qwen: Qwen, kept: Disk) -> None:
    assert ask(qwen, kept) == (len(SYSTEM), 1)
    assert ask(qwen, kept, Prompt((*SYSTEM, 80))) == (len(SYSTEM), 1)


def test_other_words_other_weights_and_another_type_do_not_find_it(qwen: Qwen, kept: Disk) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ask(qwen, kept, Prompt((19, *SYSTEM[1:], 70))) == (0, 0)
        assert ask(qwen, replace(kept, hash="b" * 64)) == (0, 0)
        half = network(shape(), seed=3).bfloat16()
        session = Session(half, prefixes=Prefixes(kept))
        session.read(PROMPT, shared=len(SYSTEM))
    assert session.counts.reused_tokens == 0
    assert len(list(kept.folder.iterdir())) == 4


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_file_is_told_of_and_not_believed(qwen: Qwen, kept: Disk, seed: int) -> None:
    [path] = kept.folder.iterdir()
    data, dice = bytearray(path.read_bytes()), random.Random(seed)
    if seed % 3:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    else:
        del data[dice.randrange(len(data)) :]
    path.write_bytes(data)
    with pytest.warns(UserWarning, match="is ignored: ") as told:
        assert ask(qwen, kept) == (0, 0)
    assert len(told) == 1
    assert ask(qwen, kept) == (len(SYSTEM), 1)  # whoever found it so has written it anew


def test_a_file_of_another_model_under_this_name_is_told_of_and_not_believed(qwen: Qwen, kept: Disk) -> None:
    [path] = kept.folder.iterdir()
    other = replace(kept, folder=kept.folder.parent / "other", hash="b" * 64)
    Session(network(shape(), seed=4), prefixes=Prefixes(other)).read(PROMPT, shared=len(SYSTEM))
    [foreign] = other.folder.iterdir()
    foreign.rename(path)
    with pytest.warns(UserWarning, match="it was written for another model or other words"):
        assert ask(qwen, kept) == (0, 0)


@pytest.mark.parametrize("what", ["empty", "text", "another shape", "another tensor", "numbers that are none"])
def test_a_file_that_holds_something_else_is_told_of_and_not_believed(qwen: Qwen, kept: Disk, what: str) -> None:
    [path] = kept.folder.iterdir()
    rows = load_file(path)["rows"]
    with safe_open(path, framework="pt") as file:
        said = file.metadata()
    if what == "empty":
        path.write_bytes(b"")
    elif what == "text":
        path.write_text("not a tensor")
    elif what == "another shape":
        save_file({"rows": rows[..., :-1, :].contiguous()}, path, said)
    elif what == "another tensor":
        save_file({"rows": rows, "spare": rows.clone()}, path, said)
    else:
        save_file({"rows": rows * torch.nan}, path, said)
    with pytest.warns(UserWarning, match=f"{path} is ignored: "):
        assert ask(qwen, kept) == (0, 0)


def test_memory_for_beginnings_is_bounded(qwen: Qwen) -> None:
    size = Session(qwen).cache.rows(0).element_size() * 2 * 2 * 2 * 16 * len(SYSTEM)
    prefixes = Prefixes(room=2 * size)
    for first in range(10, 15):
        Session(qwen, prefixes=prefixes).read(Prompt((first, *SYSTEM[1:], 70)), shared=len(SYSTEM))
    assert len(prefixes.store.kept) == 2
    assert prefixes.store.nbytes == 2 * size


def test_a_folder_that_cannot_be_written_is_no_secret(qwen: Qwen, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    session = Session(qwen, prefixes=Prefixes(Disk(tmp_path / "file", "a" * 64)))
    with pytest.warns(UserWarning, match="file keeps no beginnings: ") as told:
        logits = session.read(PROMPT, shared=len(SYSTEM))
    assert len(told) == 1
    torch.testing.assert_close(logits, Session(qwen).read(PROMPT), atol=1e-4, rtol=0)
    session.read(Prompt((9, *SYSTEM, 70)), shared=len(SYSTEM))  # and is not tried again


def test_a_folder_holds_so_many_bytes_and_what_was_used_last(qwen: Qwen, kept: Disk) -> None:
    [first] = kept.folder.iterdir()
    bounded = replace(kept, room=3 * first.stat().st_size + 100)
    leftover = kept.folder / f".{first.name}.123"
    leftover.write_bytes(b"x" * 100)  # of a process that was killed
    os.utime(leftover, ns=(0, 0))
    stranger = kept.folder / "notes.txt"
    stranger.write_bytes(b"x" * 10_000)
    names = []
    for word in (1, 2, 3):
        old = time.time_ns() - 10**12 + word
        os.utime(first, ns=(old, old))
        assert ask(qwen, bounded) == (len(SYSTEM), 1)  # which is a use
        before = set(kept.folder.iterdir())
        Session(qwen, prefixes=Prefixes(bounded)).read(Prompt((word, *SYSTEM[1:], 70)), shared=len(SYSTEM))
        names += set(kept.folder.iterdir()) - before
        os.utime(names[-1], ns=(word, word))
    assert set(kept.folder.iterdir()) == {first, *names[1:], stranger}
    small = replace(kept, room=10)
    Session(qwen, prefixes=Prefixes(small)).read(Prompt((4, *SYSTEM[1:], 70)), shared=len(SYSTEM))
    assert set(kept.folder.iterdir()) == {first, *names[1:], stranger}


WRITE = """
import resource, signal, sys
from pathlib import Path
import torch
from model.prefix import Disk, Prefixes

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))  # as where the disk is full
Prefixes(Disk(Path(sys.argv[1]), "a" * 64)).put([1, 2], torch.zeros(2, 2, 1, 2, 2, 8192))
"""


def test_a_disk_that_is_full_leaves_no_half_a_file(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", WRITE, str(tmp_path / "kept")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "keeps no beginnings" in run.stderr
    assert list((tmp_path / "kept").iterdir()) == []


def test_rows_of_another_kind_are_not_found_in_memory_either(qwen: Qwen) -> None:
    prefixes, rows = Prefixes(), Session(qwen).cache.rows(0)
    held = rows.new_zeros(*rows.shape[:4], 2, rows.shape[5])
    prefixes.put([1, 2], held)
    assert prefixes.get([1, 2], rows) is held
    assert prefixes.holds([1, 2], rows)
    for other in (rows.bfloat16(), rows[:1], rows[..., :8]):
        assert prefixes.get([1, 2], other) is None
        assert not prefixes.holds([1, 2], other)


def test_a_file_is_read_once_and_a_damaged_one_is_written_anew_once(qwen: Qwen, kept: Disk) -> None:
    [path] = kept.folder.iterdir()
    prefixes = Prefixes(kept)
    for _ in range(3):
        Session(qwen, prefixes=prefixes).read(PROMPT, shared=len(SYSTEM))
    assert (prefixes.read, prefixes.written) == (1, 0)
    path.write_bytes(b"")
    prefixes = Prefixes(kept, room=0)  # nothing stays in memory, so that each looks at the file
    with pytest.warns(UserWarning, match="is ignored"):
        Session(qwen, prefixes=prefixes).read(PROMPT, shared=len(SYSTEM))
    for _ in range(2):
        Session(qwen, prefixes=prefixes).read(PROMPT, shared=len(SYSTEM))
    assert (prefixes.read, prefixes.written) == (2, 1)
