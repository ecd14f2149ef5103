"""How a browser is started, how large it is, and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from env.network import Network
from env.observation import Box
from env.secrets import NONE, Secrets


@dataclass(frozen=True)
class BrowserOptions:
    """Sizes are CSS pixels, times are seconds.

    The default size is a multiple of 28 both ways, so that a Qwen-VL model image needs no resizing.
    """

    size: tuple[int, int] = (1288, 728)
    device_scale_factor: float = 1.0
    """Screenshot pixels to one CSS pixel."""
    device: str = ""
    """A phone or tablet by Playwright's name, such as "Pixel 7": it sets `size`, the scale and all up to `screen`."""
    mobile: bool = False
    """Whether pages see a mobile viewport, as their <meta name=viewport> asks for it."""
    touch: bool = False
    """Whether there is a touch screen in the place of a mouse."""
    user_agent: str = ""
    """What the browser calls itself; empty for its own name."""
    screen: tuple[int, int] | None = None
    """What pages are told of the whole screen; None for `size`."""
    clip: tuple[int, int] | None = None
    """Show only the left top part of this size; the page itself keeps `size`."""
    headed: bool = False
    executable: Path | None = None
    """None looks for one: see `env.browser.find`."""
    locale: str = "en-US"
    timezone: str = "UTC"
    start_timeout: float = 30.0
    load_timeout: float = 15.0
    """How long a navigation may take until the server answers."""
    action_timeout: float = 10.0
    """How long one action or one capture may hang before the browser is replaced."""
    settle_cap: float = 3.0
    """How long a page may go on loading before it is looked at all the same."""
    animation_cap: float = 1.0
    """How long a page may go on moving before it is looked at all the same."""
    uploads: Path | None = None
    """The folder from which the agent may upload files; None allows no upload."""
    files: bool = False
    """Whether the agent may open `file:` addresses; a task may always start at one."""
    downloads: bool = True
    """Whether pages may send files; one that may not be is named among what was refused."""
    network: Network | None = None
    """The only origins that pages may speak to; None lets them speak to all."""
    secrets: Secrets = NONE
    """What `Type` enters for <secret:NAME>, and what no observation says."""
    veil: bool = True
    """Whether filled password and card fields, and what was typed for a secret, are covered in screenshots."""
    masks: tuple[str, ...] = ()
    """CSS selectors of more that is covered, in every frame."""
    boxes: tuple[Box, ...] = ()
    """Places of the screenshot that are covered whatever is there."""

    def __post_init__(self) -> None:
        shown = self.clip or self.size
        if min(*shown, *self.size) < 1 or shown[0] > self.size[0] or shown[1] > self.size[1]:
            raise ValueError(f"clip {self.clip} must lie within size {self.size}, both at least 1 pixel")
        if (self.masks or self.secrets) and not self.veil:
            raise ValueError("veil: False would show what masks and secrets are to hide; leave it out")
        if self.device_scale_factor <= 0:
            raise ValueError(f"device_scale_factor must be positive, not {self.device_scale_factor}")
