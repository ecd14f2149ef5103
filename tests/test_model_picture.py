"""A picture that was given before is known by its pixels, and is cut up again only where it has to be looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from weakref import ref

import numpy as np
import pytest
import torch
from model_checkpoint import network, shape, write_checkpoint
from numpy.typing import NDArray

from model import Ask, Clip, ImageProcessor, Model, Prompt, Session, VideoProcessor, load
from model.features import Features
from model.layout import Medium
from model.picture import Album, Picture, joined

PROCESSOR = ImageProcessor(patch_size=8, min_pixels=256, max_pixels=16 * 16 * 64)
STEPS = 20


def screen(seed: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("models") / "random"
    write_checkpoint(path, shape(theta=100.0) | {"max_position_embeddings": 8192}, seed=3)
    return load(path)


def test_with_all_screens_shown_a_step_cuts_up_one_and_no_other(model: Model) -> None:
    held = replace(model, session=Session(model.network), album=Album())
    assert held.session is not None
    messages: list[dict[str, object]] = []
    for step in range(1, STEPS + 1):
        messages.append({"role": "user", "content": [{"type": "text", "text": f"step {step}"}, {"type": "image"}]})
        images = [screen(seed) for seed in range(step)]  # the same pixels in other arrays each time
        said = held.chat(messages, images, ask=Ask(max_tokens=4))
        assert (held.album.made, held.session.counts.vision_calls) == (step, step)
        if step % 6 == 1:
            alone = replace(model, album=Album()).chat(messages, images, ask=Ask(max_tokens=4))
            assert (said.tokens, said.image_sizes) == (alone.tokens, alone.image_sizes)
        messages.append({"role": "assistant", "content": said.text})


def test_a_model_with_another_session_has_the_same_album(model: Model) -> None:
    fresh = replace(model, album=Album())
    one, other = (replace(fresh, session=Session(model.network)) for _ in range(2))
    message = [{"role": "user", "content": [{"type": "image"}]}]
    said = [each.chat(message, [screen(0)], ask=Ask(max_tokens=2)).tokens for each in (one, one, other)]
    assert said[0] == said[1] == said[2]
    assert fresh.album.made == 2  # and once more for the eyes of the other one


def test_a_known_picture_is_what_it_was_and_has_the_patches_of_a_new_one() -> None:
    album, image = Album(), screen(1, 100, 70)
    first, again = album.image(image, PROCESSOR), album.image(image.copy(), PROCESSOR)
    assert album.made == 1
    patches, grid = PROCESSOR(image)
    for picture in (first, again):
        assert (picture.key, picture.medium) == (first.key, Medium(grid))
        assert torch.equal(picture.patches(), patches)
    assert album.made == 2
    apart = np.asfortranarray(np.tile(image, (1, 2, 1))[:, : image.shape[1]])  # the same in another order of memory
    assert album.image(apart, PROCESSOR).key == first.key
    assert album.made == 2


CHANGES: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "one channel of one pixel": lambda image: np.bitwise_xor(
        image, np.eye(1, image.size, 777, dtype=np.uint8).reshape(image.shape)
    ),
    "the same bytes in another shape": lambda image: image.reshape(image.shape[1], image.shape[0], 3),
    "a transparent one": lambda image: np.dstack([image, np.full(image.shape[:2], 99, dtype=np.uint8)]),
    "turned upside down": lambda image: image[::-1],
}


@pytest.mark.parametrize("what", CHANGES)
def test_another_picture_is_never_taken_for_one_that_is_known(what: str) -> None:
    album, image = Album(), screen(2)
    known = album.image(image, PROCESSOR)
    other = album.image(CHANGES[what](image), PROCESSOR)
    assert album.made == 2
    assert other.key != known.key
    assert torch.equal(other.patches(), PROCESSOR(CHANGES[what](image))[0])


def test_pixels_that_were_changed_in_place_are_another_picture() -> None:
    album, image = Album(), screen(3)
    first = album.image(image, PROCESSOR).key
    image[5, 5] ^= 255
    assert album.image(image, PROCESSOR).key != first


def test_another_budget_is_another_picture() -> None:
    album, image = Album(), screen(4, 200, 120)
    sizes = {album.image(image, PROCESSOR.budget(None, most)).medium.grid for most in (None, 4096, 2048)}
    assert (len(sizes), album.made) == (3, 3)


def test_a_video_is_cut_up_once_too_and_another_pace_is_another_one() -> None:
    album, processor = Album(), VideoProcessor(PROCESSOR)
    frames = np.stack([screen(seed) for seed in range(4)])
    pictures = [album.video(Clip(frames.copy(), fps), processor) for fps in (2.0, 2.0, 1.0)]
    assert album.made == 2
    assert [picture.medium.seconds_per_grid for picture in pictures] == [1.0, 1.0, 2.0]
    assert len({picture.key for picture in pictures}) == 1  # the tower sees the same
    assert torch.equal(pictures[1].patches(), processor(Clip(frames, 2.0))[0])


def test_an_album_remembers_the_latest_and_no_more() -> None:
    album = Album(most=3)
    for seed in (0, 1, 2, 0, 3):
        album.image(screen(seed), PROCESSOR)
    assert album.made == 4
    for seed in (0, 2, 3):
        album.image(screen(seed), PROCESSOR)
    assert album.made == 4
    album.image(screen(1), PROCESSOR)
    assert album.made == 5


def test_a_screen_whose_features_are_gone_is_cut_up_and_looked_at_again() -> None:
    qwen, album = network(shape(theta=100.0), seed=3), Album()
    features = Features(qwen.visual, room=0)
    prompt = Prompt((3, *[5] * 12, 4), None, (Medium((1, 6, 8)),))
    first = [
        Session(qwen, features=features).read(replace(prompt, pictures=(album.image(screen(5), PROCESSOR),)))
        for _ in "ab"
    ]
    assert torch.equal(*first)
    assert (album.made, features.calls, features.hits) == (2, 2, 0)


def test_pictures_and_patches_of_a_prompt_say_the_same() -> None:
    pictures = [Album().image(screen(seed), PROCESSOR) for seed in range(2)]
    tokens = (3, *[5] * 12, 4) * 2
    lazy = Prompt.of(tokens, pictures)
    whole = Prompt(tokens, joined(pictures), lazy.media)
    for one, other in zip(lazy.shown(), whole.shown(), strict=True):
        assert torch.equal(one.patches(), other.patches())
    assert len({one.key for prompt in (lazy, whole) for one in prompt.shown()}) == 4  # known by pixels, or by patches
    assert lazy.grids == ((1, 6, 8),) * 2
    lazy.check()
    whole.check()
    assert joined([]) is None
    assert Prompt.of((9,), []).shown() == ()


def test_a_prompt_of_two_minds_about_its_pictures_is_refused() -> None:
    patches, grid = PROCESSOR(screen(6))
    picture = Picture.of(patches, Medium(grid))
    for broken in (
        Prompt((3,), patches, (Medium(grid),), (picture,)),
        Prompt((3,), None, (Medium((1, 2, 2)),), (picture,)),
        Prompt((3,), None, (), (picture,)),
    ):
        with pytest.raises(ValueError, match="a prompt has 1 pictures; expected those of its media, no patches"):
            broken.check()


def test_pixels_that_cannot_be_written_to_are_gone_through_once_while_they_live() -> None:
    album, images = Album(), [screen(seed) for seed in range(3)]
    for image in images:
        image.setflags(write=False)
    keys = [[album.image(image, PROCESSOR).key for image in images] for _ in range(3)]
    assert keys[0] == keys[1] == keys[2]
    assert (album.made, album.hashed) == (3, 3)
    images[0].setflags(write=True)
    images[0][0, 0] ^= 255
    assert album.image(images[0], PROCESSOR).key not in keys[0]
    images[1] = images[1].copy()  # another array, which may lie where the old one was
    images[1][0, 0] ^= 255
    images[1].setflags(write=False)
    assert album.image(images[1], PROCESSOR).key not in keys[0]
    assert (album.made, album.hashed) == (5, 5)


def test_an_album_holds_on_to_no_array_and_forgets_those_that_are_gone() -> None:
    album = Album()
    for seed in range(50):
        image = screen(seed % 7)
        image.setflags(write=False)
        picture = album.image(image, PROCESSOR)
        assert torch.equal(picture.patches(), PROCESSOR(image)[0])
        gone = ref(image)
        del image, picture
        assert gone() is None
    assert album.hashed == 50
    assert not album._fixed
