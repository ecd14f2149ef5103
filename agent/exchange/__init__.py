"""Runs as data for others, and data of others as runs, all through the canonical actions."""

from agent.exchange.gather import Named, gather
from agent.exchange.incoming import Source, bring, styled
from agent.exchange.manifest import Manifest
from agent.exchange.outgoing import ExportError, Order, export
from agent.exchange.outside import Wrong
from agent.exchange.style import Style

__all__ = [
    "ExportError",
    "Manifest",
    "Named",
    "Order",
    "Source",
    "Style",
    "Wrong",
    "bring",
    "export",
    "gather",
    "styled",
]
