"""Cookies and local storage, kept from one browser to the next: a session that has signed in, in a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from playwright.async_api import StorageState, StorageStateCookie
from pydantic import BaseModel, ConfigDict, Field, ValidationError

Source: TypeAlias = Path | Mapping[str, object]
"""A file, or what it would hold."""


class Part(BaseModel):
    """Frozen; fields that a later browser may have come along are left out."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Cookie(Part):
    """A cookie; `expires` is in seconds since 1970, and -1 for one that ends with the browser."""

    name: str
    value: str
    domain: str
    path: str = "/"
    expires: float = -1
    http_only: bool = Field(default=False, alias="httpOnly")
    secure: bool = False
    same_site: Literal["Lax", "None", "Strict"] = Field(default="Lax", alias="sameSite")


class Entry(Part):
    """One value of a local storage."""

    name: str
    value: str


class Origin(Part):
    """The local storage of one origin."""

    origin: str
    entries: tuple[Entry, ...] = Field(default=(), alias="localStorage")


class Storage(Part):
    """What a context keeps, in the form that Playwright writes."""

    cookies: tuple[Cookie, ...] = ()
    origins: tuple[Origin, ...] = ()

    def playwright(self) -> StorageState:
        """The same as Playwright takes it."""
        return StorageState(
            cookies=[
                StorageStateCookie(
                    name=each.name,
                    value=each.value,
                    domain=each.domain,
                    path=each.path,
                    expires=each.expires,
                    httpOnly=each.http_only,
                    secure=each.secure,
                    sameSite=each.same_site,
                )
                for each in self.cookies
            ],
            origins=[
                {
                    "origin": each.origin,
                    "localStorage": [{"name": one.name, "value": one.value} for one in each.entries],
                }
                for each in self.origins
            ],
        )


def read(source: Source) -> Storage:
    """The storage in a file, or of a mapping; ValueError that names the file, the field and what is wrong with it."""
    try:
        if isinstance(source, Path):
            return Storage.model_validate_json(source.read_bytes())
        return Storage.model_validate(source)
    except OSError as error:
        raise ValueError(f"storage_state: {source}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        where = f"{source}: " if isinstance(source, Path) else ""
        raise ValueError(f"storage_state: {where}{place + ': ' if place else ''}{first['msg']}") from error


def keep(storage: Storage, path: Path) -> None:
    """Write the file in one go, for the eyes of its owner alone: whoever reads it is signed in."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(storage.model_dump_json(by_alias=True, indent=1).encode() + b"\n")
    beside.replace(path)
