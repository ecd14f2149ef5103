"""Video files: the right frames, upright, at the right rate; what is broken or a trap is refused with its name."""

from __future__ import annotations

import struct
import wave
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from video_files import Film, greys, record, still

from model import ImageProcessor, Sampling, VideoError, VideoProcessor
from model.frames import Reel, read_video, turned

KINDS = {
    "film.mkv": Film(),
    "film.mp4": Film(codec="mpeg4", pixels="yuv420p"),
    "film.mov": Film(codec="libx264", pixels="yuv420p"),
    "film.webm": Film(codec="libvpx-vp9", pixels="yuv420p"),
    "film.avi": Film(codec="mpeg4", pixels="yuv420p"),
    "film.ts": Film(codec="libx264", pixels="yuv420p"),
    "film.h264": Film(codec="libx264", pixels="yuv420p"),
    "film.gif": Film(codec="gif", pixels="rgb8"),
}


@pytest.mark.parametrize("name", KINDS)
def test_four_frames_of_a_short_film_are_spread_from_its_first_to_its_last(name: str, tmp_path: Path) -> None:
    clip = read_video(record(tmp_path / name, KINDS[name]))
    assert clip.frames.shape == (4, 48, 64, 3)
    near = 3 if name == "film.gif" else 0  # its 256 colours have no such greys
    assert all(abs(a - b) <= near for a, b in zip(greys(clip.frames), (0, 10, 19, 29), strict=True))
    assert clip.fps == pytest.approx(4 / 30 * 25)  # frames really taken, over all that there are
    assert clip.size == (64, 48)
    assert clip.frames[0, 2, 2, 0] > 240
    assert clip.frames[0, 2, 2, 1] < 10


def test_lossless_frames_come_back_as_they_were(tmp_path: Path) -> None:
    odd = Film(frames=2, size=(63, 47))
    clip = read_video(record(tmp_path / "odd.mkv", odd))
    assert np.array_equal(clip.frames, np.stack([still(0, odd.size), still(1, odd.size)]))


@pytest.mark.parametrize(("frames", "taken", "fps"), [(1, [0], 25.0), (2, [0, 1], 25.0), (3, [0, 2], 50 / 3)])
def test_a_film_of_a_few_frames_is_read(frames: int, taken: list[int], fps: float, tmp_path: Path) -> None:
    clip = read_video(record(tmp_path / "few.mkv", Film(frames=frames)))
    assert greys(clip.frames) == taken
    assert clip.fps == pytest.approx(fps)


def test_a_still_gif_is_a_film_of_one_frame(tmp_path: Path) -> None:
    assert len(read_video(record(tmp_path / "one.gif", Film(frames=1, codec="gif", pixels="rgb8"))).frames) == 1


def test_two_frames_a_second_are_taken_of_a_minute(tmp_path: Path) -> None:
    film = record(tmp_path / "minute.mkv", Film(frames=600, rate=10, size=(16, 16)))
    clip = read_video(film)
    assert (len(clip.frames), clip.fps) == (120, 2.0)
    few = read_video(film, Sampling(fps=0.1, max_frames=8))
    assert (len(few.frames), few.fps) == (6, pytest.approx(0.1))


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (270, 3)])
def test_a_turned_film_is_seen_upright(degrees: int, turns: int, tmp_path: Path) -> None:
    film = Film(frames=2, codec="libx264rgb", pixels="rgb24", options={}, degrees=degrees)
    clip = read_video(record(tmp_path / "turned.mp4", film))
    upright = np.rot90(still(0, film.size), turns)  # counter-clockwise, as FFmpeg counts
    assert clip.size == (upright.shape[1], upright.shape[0])
    assert np.abs(clip.frames[0].astype(int) - upright).mean() < 3


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirror", [False, True])
def test_each_way_to_hold_a_camera_is_undone(turns: int, mirror: bool) -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    x, y = (-1 if mirror else 1, 0), (0, 1)
    for _ in range(turns):  # a quarter counter-clockwise: right becomes up, down becomes right
        x, y = (x[1], -x[0]), (y[1], -y[0])
    expected = np.rot90(picture[:, ::-1] if mirror else picture, turns)
    assert np.array_equal(turned(picture, x, y), expected)


def test_frames_of_a_film_of_varying_rate_are_taken_by_their_time(tmp_path: Path) -> None:
    times = [0, 40, 80, 120, 160, 200, 240, 1000, 2000, 3000, 4000, 5000]
    clip = read_video(record(tmp_path / "varying.mkv", Film(frames=12, times=times)), Sampling(fps=1))
    assert greys(clip.frames) == [0, 8, 9, 11]  # nearest to 0, 1.67, 3.33 and 5 seconds
    assert clip.fps == pytest.approx(4 / 12 * 11 / 5)


def test_a_film_of_even_times_is_steady_though_they_are_rounded() -> None:
    even = Reel(tuple(round(i * 100 / 3) for i in range(100)), 30.0)
    assert even.steady
    assert even.choose(Sampling()) == Sampling().indices(100, 30.0)
    assert not Reel((0, 1, 2, 3, 100), 1.0).steady
    assert Reel((5,), 1.0).steady


def test_transparent_places_of_a_film_show_white(tmp_path: Path) -> None:
    pictures = [Image.new("RGBA", (16, 16), (0, 0, 0, 0)) for _ in range(2)]
    pictures[1].paste((200, 0, 0, 255), (0, 0, 8, 8))
    pictures[0].save(tmp_path / "clear.gif", save_all=True, append_images=pictures[1:], duration=100, disposal=2)
    clip = read_video(tmp_path / "clear.gif")
    assert clip.frames[0, 12, 12].tolist() == [255, 255, 255]


def test_frames_come_at_the_size_at_which_they_are_seen(tmp_path: Path) -> None:
    film = record(tmp_path / "wide.mkv", Film(frames=8, size=(320, 200)))
    processor = VideoProcessor(ImageProcessor(patch_size=8, min_pixels=256))
    clip, whole = read_video(film, processor=processor), read_video(film)
    assert (clip.frames.shape[2], clip.frames.shape[1]) == processor.size(4, 320, 200) != clip.size == (320, 200)
    seen, shape = processor(clip)
    again, same = processor(whole)
    assert shape == same
    assert np.array_equal(seen.numpy(), again.numpy())


def test_no_more_frames_are_taken_than_the_network_can_read(tmp_path: Path) -> None:
    film = record(tmp_path / "long.mkv", Film(frames=400, rate=10, size=(16, 16)))
    small = VideoProcessor(ImageProcessor(patch_size=8, min_pixels=256), context=4096)
    assert len(read_video(film).frames) == 80
    clip = read_video(film, processor=small)
    assert len(clip.frames) == small.most == 54
    assert small.tokens(clip) < 4096


def cut(path: Path, share: float) -> Path:
    """The first part of a file, in a file of its own."""
    whole = path.read_bytes()
    part = path.with_name("cut" + path.suffix)
    part.write_bytes(whole[: int(len(whole) * share)])
    return part


@pytest.mark.parametrize("name", ["film.mkv", "film.mp4", "film.mov", "film.webm", "film.gif"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6])
def test_a_film_that_is_cut_short_is_refused(name: str, share: float, tmp_path: Path) -> None:
    part = cut(record(tmp_path / name, KINDS[name]), share)
    with pytest.raises(VideoError, match=f"^{part}: .*expected .*"):
        read_video(part)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_a_film_whose_head_tells_of_more_frames_is_refused(share: float, tmp_path: Path) -> None:
    film = Film(frames=60, codec="libx264", pixels="yuv420p", options={"movflags": "faststart"})
    with pytest.raises(VideoError, match=r"cut\.mp4: .*expected .*whole"):
        read_video(cut(record(tmp_path / "fast.mp4", film), share))


def sound(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(1000))


def quicktime_sound(path: Path, *, cover: bool = False) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        picture = container.add_stream("mjpeg", rate=1) if cover else None
        if picture:
            picture.width, picture.height, picture.pix_fmt = 16, 16, "yuvj420p"
            picture.disposition = Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if picture:
            container.mux(picture.encode(av.VideoFrame(16, 16, "yuvj420p")))
            container.mux(picture.encode())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.mp4", b"", "not a video that can be read .*; expected MP4"),
        ("text.mp4", b"hello\n" * 50, "not a video that can be read"),
        ("text.txt", b"hello\n" * 50, "not a video that can be read"),
        ("list.ffconcat", b"ffconcat version 1.0\nfile other.mkv\n", "not a video that can be read"),
        ("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.mkv\n#EXT-X-ENDLIST\n", "not a video"),
        ("talk.sdp", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=video 9 RTP/AVP 96\n", "not a video"),
    ],
)
def test_what_is_no_video_is_refused_and_opens_no_other_file(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    record(tmp_path / "other.mkv")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VideoError, match=f"{name}: {message}"):
        read_video(tmp_path / name)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    sound(tmp_path / "sound.wav")
    quicktime_sound(tmp_path / "sound.mp4")
    with pytest.raises(VideoError, match=r"sound\.wav: not a video"):
        read_video(tmp_path / "sound.wav")
    with pytest.raises(VideoError, match=r"sound\.mp4: no video stream in it; expected MP4"):
        read_video(tmp_path / "sound.mp4")


def test_the_cover_of_a_song_is_no_video(tmp_path: Path) -> None:
    quicktime_sound(tmp_path / "song.mp4", cover=True)
    with pytest.raises(VideoError, match="no video stream in it"):
        read_video(tmp_path / "song.mp4")


def test_a_title_in_another_alphabet_s_bytes_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "title.mkv"
    with av.open(str(record(tmp_path / "film.mkv"))) as film, av.open(str(path), "w") as copy:
        copy.metadata["title"] = "TITLE"
        stream = copy.add_stream_from_template(film.streams.video[0])
        for packet in film.demux(film.streams.video[0]):
            if packet.size:
                packet.stream = stream
                copy.mux(packet)
    path.write_bytes(path.read_bytes().replace(b"TITLE", b"\xe9\xff\xfe\xe8\xe0"))
    assert len(read_video(path).frames) == 4


def test_a_folder_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="cannot be read: Is a directory; expected"):
        read_video(tmp_path)
    with pytest.raises(VideoError, match=r"none\.mp4: cannot be read: No such file"):
        read_video(tmp_path / "none.mp4")


def test_frames_too_large_to_unpack_are_refused(tmp_path: Path) -> None:
    path = record(tmp_path / "large.gif", Film(frames=2, codec="gif", pixels="rgb8"))
    data = bytearray(path.read_bytes())
    data[6:10] = struct.pack("<HH", 12_000, 12_000)
    path.write_bytes(data)
    with pytest.raises(VideoError, match="frames of 12000x12000 pixels; expected at most 80000000"):
        read_video(path)


def test_a_film_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    film = record(tmp_path / "film.mkv")
    monkeypatch.setattr("model.frames.BYTES", 4 * 48 * 64 * 3 - 1)
    with pytest.raises(VideoError, match="4 frames of 64x48 pixels take 36864 bytes; expected at most 36863"):
        read_video(film)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for name in ("film.mp4", "film.mkv", "film.gif", "film.avi"):
        record(folder / name, KINDS[name])
    return folder


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["film.mp4", "film.mkv", "film.gif", "film.avi"]), st.data())
def test_a_damaged_film_is_read_or_refused_and_nothing_else(whole: Path, name: str, data: st.DataObject) -> None:
    damaged = bytearray((whole / name).read_bytes())
    for place, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(damaged) - 1), st.integers(0, 255)), max_size=30)
    ):
        damaged[place] = byte
    path = whole / f"damaged-{name}"
    path.write_bytes(damaged)
    with suppress(VideoError):
        clip = read_video(path)
        assert clip.frames.ndim == 4
