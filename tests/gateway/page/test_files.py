"""Pictures and clips to phones: whole, or the part that a player asks for."""

from __future__ import annotations

import httpx
import pytest

from tests.gateway.page.posts import Post, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def clip(post: Post) -> tuple[str, bytes]:
    """Its path on the page, and what is in it."""
    sha256 = post.keep_clip("quebrada-norte", "chainsaw", 3.0)
    return f"/archivo/{sha256}", (post.directory / "clip.wav").read_bytes()


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-", slice(0, None)),
        ("bytes=0-1", slice(0, 2)),
        ("bytes=50000-", slice(50_000, None)),
        ("bytes=50000-90000", slice(50_000, 90_001)),
        ("bytes=96000-99999999", slice(96_000, None)),
        ("bytes=-100", slice(-100, None)),
        ("bytes=-99999999", slice(0, None)),
    ],
)
def test_a_part_is_that_part(post: Post, clip: tuple[str, bytes], asked: str, part: slice) -> None:
    path, content = clip
    with serving(post) as url:
        answer = httpx.get(url + path, headers={"Range": asked})
    first, end, _ = part.indices(len(content))
    assert answer.content == content[part]
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{len(content)}"
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("asked", ["bytes=96044-", "bytes=999999999-", "bytes=-0"])
def test_a_part_beyond_the_end_is_refused_with_the_size(post: Post, clip: tuple[str, bytes], asked: str) -> None:
    path, content = clip
    assert len(content) == 96_044
    with serving(post) as url:
        answer = httpx.get(url + path, headers={"Range": asked})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */96044")


@pytest.mark.parametrize(
    "asked", ["bytes=9-3", "bytes=-", "bytes=0-1,5-6", "lines=1-2", "bytes=1e3-", "bytes=" + "9" * 99]
)
def test_what_makes_no_sense_gets_it_all(post: Post, clip: tuple[str, bytes], asked: str) -> None:
    path, content = clip
    with serving(post) as url:
        answer = httpx.get(url + path, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, content)


def test_a_part_of_another_file_is_not_taken_for_one_of_this(post: Post, clip: tuple[str, bytes]) -> None:
    path, content = clip
    with serving(post) as url, httpx.Client(base_url=url) as phone:
        mark = phone.head(path).headers["etag"]
        part = phone.get(path, headers={"Range": "bytes=10-", "If-Range": mark})
        other = phone.get(path, headers={"Range": "bytes=10-", "If-Range": '"another"'})
    assert (part.status_code, part.content) == (206, content[10:])
    assert (other.status_code, other.content) == (200, content)
