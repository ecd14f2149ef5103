"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("house", deadline=None)  # a busy machine is slow now and then, which is no fault of a test
settings.load_profile("house")
