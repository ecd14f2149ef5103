"""Runs made visible: a page about one or several, a page that holds two side by side, and a film."""

from agent.view.compare import write_comparison
from agent.view.film import FilmError, write_film
from agent.view.page import render, write_report

__all__ = ["FilmError", "render", "write_comparison", "write_film", "write_report"]
