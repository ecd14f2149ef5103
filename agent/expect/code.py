"""Checks that a script's author wrote in Python.

They run because the author of the script wrote them beside it. Nothing that a page, a model or a parameter says is
ever a name of one.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from env import Environment, EnvironmentBroken, Observation


class CodeError(RuntimeError):
    """A check in Python that is not there, or that broke: which, and why."""


@dataclass(frozen=True)
class Ending:
    """What a check in Python is called with: the screen, the last look at it, and what the policy told the user."""

    env: Environment
    seen: Observation
    answers: tuple[str, ...] = ()


Judge = Callable[[Ending], object]
"""True or nothing: it holds; False or AssertionError: it does not."""


def find(name: str, folder: Path) -> Judge:
    """The function that `name` says, FILE.py:FUNCTION in `folder` or MODULE:FUNCTION. Raises `CodeError`."""
    where, _, function = name.rpartition(":")
    try:
        module = _file(folder / where) if where.endswith(".py") else import_module(where)
    except Exception as error:
        raise CodeError(f"python {name}: {type(error).__name__}: {error}") from error
    found = module.__dict__.get(function)
    if not callable(found):
        raise CodeError(f"python {name}: there is no function {function!r} in {where}")
    judge: Judge = found
    return judge


def _file(path: Path) -> ModuleType:
    """The module in the file `path`, under a name that no other module has; it is run once, as others are."""
    path = path.resolve()
    own = f"handeye_check_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    if own in sys.modules:
        return sys.modules[own]
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    spec = spec_from_file_location(own, path)
    assert spec is not None, "the name ends in .py"
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[own] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[own]
        raise
    return module


def ask(name: str, judge: Judge, ending: Ending) -> tuple[bool, str]:
    """Whether it holds, and what it says. Raises `CodeError` where it breaks or says neither."""
    try:
        said = judge(ending)
    except AssertionError as wrong:
        return False, str(wrong) or "an assertion does not hold"
    except EnvironmentBroken:
        raise
    except Exception as error:
        raise CodeError(f"python {name}: {type(error).__name__}: {error}") from error
    if said is None or isinstance(said, bool):
        return said is not False, str(said is not False)
    raise CodeError(f"python {name}: expected True, False, nothing or an assertion; got {said!r}")
