"""A post for each test of the page, and no fault of the server that only its log would tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.page.posts import Post


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    """Quiet: nothing was heard yet."""
    made = Post(tmp_path)
    yield made
    made.close()


@pytest.fixture
def busy_post(post: Post) -> Post:
    """After a busy afternoon."""
    post.fill()
    return post


@pytest.fixture(autouse=True)
def _no_fault_of_the_server(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    faults = [one for one in caplog.get_records("call") if one.name.startswith("uvicorn") and one.exc_info]
    if faults:
        pytest.fail("; ".join(f"{one.getMessage()}: {one.exc_text}" for one in faults))
