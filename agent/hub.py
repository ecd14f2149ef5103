"""Checkpoints by their name on the Hugging Face hub."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

NAME = re.compile(r"(?P<repo>[\w.-]{1,96}/[\w.-]{1,96})(@(?P<revision>[\w./-]{1,120}))?")
"""OWNER/NAME, or OWNER/NAME@REVISION with a branch, tag or commit."""

NEEDED = (
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "video_preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.json",
    "chat_template.jinja",
    "additional_chat_templates/*.jinja",
    "model.safetensors",
    "model-*.safetensors",
    "model.safetensors.index.json",
    "handeye.json",
)
"""What our engine reads; weights in other formats stay where they are."""

MORE = ("vocab.json", "merges.txt", "special_tokens_map.json", "added_tokens.json", "tokenizer.model")
"""What transformers may want besides."""


class HubError(ValueError):
    """A checkpoint that cannot be had from the hub, and why."""


def download(name: str, *, more: Sequence[str] = (), cache: Path | None = None, endpoint: str | None = None) -> Path:
    """The folder of the checkpoint `name`, downloaded as far as it is not there yet; a broken download goes on.

    Nothing but data is fetched: no code of the repository. Raises `HubError`.
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise HubError(f"{name!r} is no name on the hub; expected OWNER/NAME or OWNER/NAME@REVISION")
    repo, revision = match["repo"], match["revision"]
    try:
        folder = snapshot_download(
            repo, revision=revision, allow_patterns=[*NEEDED, *more], cache_dir=cache, endpoint=endpoint
        )
    except GatedRepoError as error:
        raise HubError(f"{repo}: its owner wants to be asked first, on its page on the hub; then log in") from error
    except RepositoryNotFoundError as error:
        raise HubError(f"{repo}: no such repository on the hub, or it is private and you are not logged in") from error
    except RevisionNotFoundError as error:
        raise HubError(f"{repo}: no revision {revision!r}; expected a branch, tag or commit") from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        cause = str(error.__cause__ or "offline").split("\n")[0][:200]
        raise HubError(f"{name}: the hub cannot be reached ({cause}), and no copy is on this machine yet") from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise HubError(
            f"{name}: the download failed: {' '.join(str(error).split())[:300]}; run it again to go on"
        ) from error
    if not (Path(folder) / "config.json").is_file():
        raise HubError(f"{name}: the repository holds no config.json; expected a checkpoint in Hugging Face layout")
    return Path(folder)
