"""YAML as plain data, with the line on which each value stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import yaml


@dataclass(frozen=True)
class Where:
    """The line of a place in a document, counted from 1."""

    lines: dict[tuple[str | int, ...], int]

    def __call__(self, place: Sequence[str | int]) -> int:
        """The line of `place`, or of the nearest place around it that the document has."""
        parts = tuple(place)
        while parts and parts not in self.lines:
            parts = parts[:-1]
        return self.lines.get(parts, 1)


def load(text: str) -> tuple[object, Where]:
    """The document in `text`, and where its values stand. Raises `yaml.MarkedYAMLError`.

    Only plain data is built; a key that stands twice in one mapping is an error, and so is an alias, which could
    make a short text endless.
    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        lines: dict[tuple[str | int, ...], int] = {}
        if node is None:
            return None, Where(lines)
        _note(node, (), lines, set())
        data: object = loader.construct_document(node)
        return data, Where(lines)
    finally:
        loader.dispose()


def _note(
    node: yaml.Node, place: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int], known: set[int]
) -> None:
    if id(node) in known:
        raise yaml.constructor.ConstructorError(None, None, "aliases (&, *) are not read here", node.start_mark)
    known.add(id(node))
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for number, entry in enumerate(node.value):
            _note(entry, (*place, number), lines, known)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, "a key is a word", key.start_mark)
            if key.value in seen:
                said = f"{key.value}: this key stands twice"
                raise yaml.constructor.ConstructorError(None, None, said, key.start_mark)
            seen.add(key.value)
            lines[(*place, key.value)] = key.start_mark.line + 1
            _note(value, (*place, key.value), lines, known)
