"""Every way to reach a model, by the word that names it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from os.path import isdir
from pathlib import Path
from urllib.parse import urlsplit

from actions import DIALECTS
from agent.cache import prefixes
from agent.engine import Engine
from agent.options import KEY, SERVED, OptionError, Options
from agent.policy import PolicyBroken
from agent.settings import BUILTIN, Settings
from agent.speaker import Sight, Speaker

FOREIGN = "transformers:"
REPLICAS = re.compile(",(?=https?://)")
HUB = re.compile(r"(?!\.)[\w.-]+/[\w.-]+(@[\w./-]+)?")
WORDS = (
    "builtin, a folder with a checkpoint, OWNER/NAME on the hub (or OWNER/NAME@REVISION), "
    "transformers: before a folder or name, or http://HOST:PORT/v1 of a server (or http://HOST:PORT/v1#MODEL; "
    "several servers of one model with commas between)"
)


class ModelError(ValueError):
    """A model that is not to be had, with what would be."""


def reach(model: str, sight: Sight, options: Options, environ: Mapping[str, str]) -> Speaker:
    """The model that `model` names; none of its weights are loaded and no server is spoken to yet.

    A checkpoint on the hub is downloaded. The API key of a server, and the user's cache folder, are looked up in
    `environ`. Raises `ModelError`.
    """
    try:
        stated = options.stated()
        if stated.dialect is not None and stated.dialect not in DIALECTS:
            raise OptionError(f"--with dialect={stated.dialect}: expected one of {', '.join(sorted(DIALECTS))}")
        if "dtype" in options.model_fields_set:
            sight = replace(sight, dtype=options.dtype)
        if model.startswith(("http://", "https://")):
            return _served(model, sight, options, environ)
        if unused := sorted(SERVED & options.model_fields_set):
            raise OptionError(f"--with {unused[0]}: only a server has a use for it, and {model} is none")
        if model.startswith(FOREIGN):
            return _foreign(model.removeprefix(FOREIGN), sight, stated)
        folder = BUILTIN if model == "builtin" else _folder(model)
        cache = prefixes(environ) if options.disk_cache else None
        return Engine(folder, sight=sight, settings=stated.over(Settings.read(folder)), cache=cache)
    except (OptionError, PolicyBroken) as error:
        raise ModelError(f"--model {model}: {error}") from error
    except ModuleNotFoundError as error:
        extra = {"openai": "served", "transformers": "transformers"}.get(error.name or "")
        if extra is None:
            raise
        raise ModelError(f"--model {model} needs the extra `{extra}`: pip install 'handeye[{extra}]'") from error


def replicas(model: str) -> tuple[tuple[str, ...], str]:
    """The addresses of the servers that `model` names, and the name of the model there, empty where none is said."""
    urls, _, name = model.partition("#")
    return tuple(REPLICAS.split(urls)), name


def turned(model: str, place: int) -> str:
    """`model` as the client of this number is told it: where it names several servers, another is the first."""
    if not model.startswith(("http://", "https://")):
        return model
    urls, name = replicas(model)
    first = place % len(urls)
    return ",".join(urls[first:] + urls[:first]) + (f"#{name}" if name else "")


def _folder(model: str, *, foreign: bool = False) -> Path:
    """The checkpoint folder that a word names: itself, or what is downloaded for it."""
    if isdir(model):
        return Path(model)
    if HUB.fullmatch(model) is None:
        raise ModelError(f"--model {model}: expected 'script', or one of: {WORDS}")
    from agent.hub import MORE, HubError, download

    try:
        return download(model, more=MORE if foreign else ())
    except HubError as error:
        raise ModelError(f"--model {model}: no such folder here, and on the hub: {error}") from error


def _foreign(model: str, sight: Sight, stated: Settings) -> Speaker:
    from agent.foreign import Foreign

    folder = BUILTIN if model == "builtin" else _folder(model, foreign=True)
    return Foreign(folder, sight=sight, settings=stated)


def _served(model: str, sight: Sight, options: Options, environ: Mapping[str, str]) -> Speaker:
    from tokenizers import Tokenizer

    from agent.link import Link, Patience
    from agent.served import Served, Wish

    if sight.dtype != "auto":
        raise OptionError(f"dtype {sight.dtype}: a server has chosen its own")
    urls, name = replicas(model)
    for url in map(urlsplit, urls):
        if url.username or url.password or not url.hostname:
            raise OptionError(
                f"expected http://HOST:PORT/v1; an API key belongs into the environment variable {options.key}"
            )
    key = environ.get(options.key, "")
    if not key and options.key != KEY:
        raise OptionError(f"--with key={options.key}: there is no such environment variable")
    try:
        tokenizer = Tokenizer.from_file(str(options.tokenizer)) if options.tokenizer else None
    except Exception as error:
        raise OptionError(f"--with tokenizer={options.tokenizer}: {error}") from error
    stated = options.stated()
    budgets = {"min_pixels": sight.min_pixels, "max_pixels": sight.max_pixels}
    stated = Settings.model_validate({name: value for name, value in budgets.items() if value}).over(stated)
    link = Link(urls[0], key, Patience(seconds=options.timeout, attempts=options.attempts), urls[1:])
    return Served(link, Wish(name, stated, options.constrain, tokenizer))
