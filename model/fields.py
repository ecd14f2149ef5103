"""Members of a JSON object, taken one by one and checked as they are taken."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

Json: TypeAlias = Mapping[str, object]

LARGE = 2**20
"""No width, depth or side in a released file comes near this; a larger number is a mistake."""


class ConfigError(ValueError):
    """A checkpoint's JSON file that cannot be used; names the field, the value and what would be right."""


class Fields:
    """A JSON object; each method returns one member with its type, or raises `ConfigError`.

    A member that is absent or null is missing: it gives the default, or is an error where there is none.
    """

    def __init__(self, data: Json, where: str = "") -> None:
        self.data, self.where = data, where

    @classmethod
    def read(cls, path: Path) -> Fields:
        """The object in the file `path`; the messages that follow begin with the path."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError(f"{path}: no such file; a checkpoint folder holds {path.name}") from None
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or nested without end
            raise ConfigError(f"{path}: not JSON: {error}") from None
        if not isinstance(data, dict):
            raise ConfigError(f"{path}: holds {reprlib.repr(data)}; expected an object")
        return cls(data, f"{path}: ")

    def error(self, name: str, wanted: str) -> ConfigError:
        """What to raise where member `name` is not what is `wanted`."""
        value = self.data.get(name)
        found = "missing" if value is None else reprlib.repr(value)
        return ConfigError(f"{self.where}{name}: {found}; expected {wanted}")

    def integer(self, name: str, default: int | None = None, *, low: int = 1, high: int = LARGE) -> int:
        """A whole number from `low` to `high`."""
        value = self.data.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.error(name, f"a whole number from {low} to {high}")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number above zero."""
        value = self.data.get(name)
        if value is None and default is not None:
            return default
        if not _finite(value) or not isinstance(value, int | float) or value <= 0:
            raise self.error(name, "a finite number above zero")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self.data.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(name, "true or false")
        return value

    def text(self, name: str, default: str | None = None) -> str:
        """A string."""
        value = self.data.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self.error(name, "a string")
        return value

    def integers(self, name: str, default: Sequence[int] | None = None, *, high: int = LARGE) -> tuple[int, ...]:
        """A list of whole numbers from 0 to `high`; a single number is a list of one."""
        value = self.data.get(name)
        if value is None and default is not None:
            return tuple(default)
        found = value if isinstance(value, list) else [value]
        whole = [n for n in found if isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= high]
        if len(whole) != len(found):
            raise self.error(name, f"a list of whole numbers from 0 to {high}")
        return tuple(whole)

    def numbers(self, name: str, default: Sequence[float] | None = None) -> tuple[float, ...]:
        """A list of finite numbers."""
        value = self.data.get(name)
        if value is None and default is not None:
            return tuple(default)
        found = value if isinstance(value, list) else [None]
        finite = [float(n) for n in found if isinstance(n, int | float) and _finite(n)]
        if len(finite) != len(found):
            raise self.error(name, "a list of finite numbers")
        return tuple(finite)

    def object(self, name: str) -> Fields:
        """The object of that name; an empty one where it is missing."""
        value = self.data.get(name)
        if value is not None and not isinstance(value, dict):
            raise self.error(name, "an object")
        return Fields(value or {}, f"{self.where}{name}.")


def _finite(value: object) -> bool:
    """Whether a JSON value is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e300 and math.isfinite(value)
