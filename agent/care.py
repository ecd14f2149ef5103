"""What a run may reach, what it may not tell, and who is asked, as scripts and the command line say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import yaml

from actions import Action, Navigate
from agent.approve import Caution
from agent.expect import Check
from env.network import Network, origin
from env.secrets import Secret, Secrets

ANY = "any"
"""In the place of origins: pages may speak to all of them."""

VARIABLE = "HANDEYE_SECRET_"
"""Before the name of a secret, in capitals: the environment variable that holds it where nothing else says so."""


class CareError(ValueError):
    """A secret, an origin or a file of secrets that cannot be used; no message tells a value."""


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Care:
    """What the caller adds to a script."""

    allow: tuple[str, ...] = ()
    """More origins that may be spoken to, or "any"."""
    values: Mapping[str, str] = field(default_factory=_nothing, repr=False)
    """Secrets by their names."""
    caution: Caution | None = None
    downloads: bool = True
    update: bool = False
    """Whether the pictures that the script expects are written, and not held against the screen."""


NO_CARE = Care()
"""Nothing more."""


def named(start: str, expect: Sequence[Check], actions: Sequence[Action]) -> tuple[str, ...]:
    """The origins that a script names: of its start, its expectations and its own actions; a file names its folder."""
    urls = [start, *(check.url or "" for check in expect), *(act.url for act in actions if isinstance(act, Navigate))]
    found = [f"{url.rpartition('/')[0]}/" for url in urls[:1] if url.startswith("file:///")]
    for url in urls:
        there = origin(url) if not set("*?[") & set(urlsplit(url).netloc) else None
        if there is not None:
            found.append(str(there))
    return tuple(dict.fromkeys(found))


def network(origins: Sequence[str] | None) -> Network | None:
    """The policy of these origins; None, which is no policy, for None and where one of them is "any"."""
    if origins is None or ANY in origins:
        return None
    try:
        return Network.of(*origins)
    except ValueError as error:
        raise CareError(f"network: {error}") from error


def secrets(bound: Mapping[str, Sequence[str]], values: Mapping[str, str], start: str) -> Secrets:
    """The secrets of a run: each bound to its origins, or to that of `start` where it has none of its own."""
    home = origin(start)
    known = []
    for name, origins in bound.items():
        if name not in values:
            raise CareError(f"secret {name}: has no value; set {variable(name)}, or give --secret {name}=VARIABLE")
        where = tuple(origins) or ((str(home),) if home else ())
        try:
            known.append(Secret(name, values[name], Network.of(*where)))
        except ValueError as error:
            raise CareError(
                str(error) if where else f"secret {name}: say for which origins; {start} is none"
            ) from error
    return Secrets(tuple(known))


def variable(name: str) -> str:
    """The environment variable that is looked into for the secret `name`."""
    return VARIABLE + "".join(letter if letter.isalnum() else "_" for letter in name).upper()


def values(
    names: Sequence[str], pairs: Sequence[str], file: Path | None, environ: Mapping[str, str]
) -> Mapping[str, str]:
    """Secrets by name: of NAME=VARIABLE pairs, of a file of names and values, and of HANDEYE_SECRET_ variables."""
    found = {name: environ[variable(name)] for name in names if variable(name) in environ}
    found |= _read(file) if file else {}
    for pair in pairs:
        name, equals, where = pair.partition("=")
        if not equals or not name:
            raise CareError(f"--secret {name}: expected NAME=VARIABLE, an environment variable that holds the secret")
        if where not in environ:
            raise CareError(f"--secret {name}: there is no environment variable of that name")  # it may be the secret
        found[name] = environ[where]
    return MappingProxyType(found)


def _read(path: Path) -> dict[str, str]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CareError(f"--secrets {path}: {error}") from error
    except yaml.YAMLError:
        raise CareError(f"--secrets {path}: is no YAML") from None  # whose message would quote the file
    if not isinstance(data, dict) or not all(isinstance(part, str) for pair in data.items() for part in pair):
        raise CareError(f"--secrets {path}: expected names and values, each value a text in quotation marks")
    return data
