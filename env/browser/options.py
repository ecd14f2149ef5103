"""How a browser is started, how large it is, and how long it may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from env.browser import access
from env.browser.access import Credentials, Geolocation, Proxy
from env.browser.gate import through
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
    attended: bool = False
    """Whether a person acts in it: they choose files themselves, and closing the last window ends it."""
    executable: Path | None = None
    """None looks for one: see `env.browser.find`."""
    locale: str = "en-US"
    timezone: str = "UTC"
    color_scheme: Literal["light", "dark", "no-preference"] = "light"
    geolocation: Geolocation | None = None
    """Where pages are told that they are; they may ask without a permission of their own."""
    permissions: tuple[str, ...] = ()
    """What pages may do without being asked for it, of `env.browser.access.PERMISSIONS`."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """Sent with every request."""
    credentials: Credentials | None = None
    proxy: Proxy | None = None
    """Beside `network`, one that is spoken to in plain http, and without exceptions."""
    storage_state: Path | Mapping[str, object] | None = field(default=None, repr=False)
    """What an earlier browser's `Browser.storage_state` gave or wrote; every episode begins with it."""
    start_timeout: float = 30.0
    load_timeout: float = 10.0
    """How long a navigation may take until the server answers."""
    action_timeout: float = 7.0
    """How long one action or one capture may hang before the page counts as broken."""
    bound: float = 14.0
    """How long a step that broke and what is done to go on after it may take together."""
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
        if self.network is not None:
            through(self.proxy)
        access.check_locale(self.locale)
        access.check_timezone(self.timezone)
        access.check_permissions(self.permissions)
        access.check_headers(self.headers)
