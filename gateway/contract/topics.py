"""PUBLISHED. Topic names, version 1: vigia/1/<station>/...

up/<lane>   post to headquarters, batches of entries (`gateway.contract.batches`), QoS 1
up/media    post to headquarters, pictures and clips (`gateway.contract.media`), QoS 1
receipt     headquarters to post, what is safely stored (`gateway.contract.receipts`), QoS 1
media       headquarters to post, what it holds of pictures and clips (`gateway.contract.media`), QoS 1
state       post to everyone, retained JSON, also the last will (`gateway.contract.states`), QoS 1

A station's name is also the common name of its certificate, so that the broker's ACL can hold each
station to its own branch.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final, NamedTuple

ROOT: Final = "vigia/1"
STATION_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
"""1 to 32 of a-z, 0-9 and inner hyphens: safe in a topic, a certificate, a file name and a tag."""


class ContractError(ValueError):
    """What came over the wire breaks the contract: `reason` is a counter name, `detail` a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Lane(IntEnum):
    """Priority lanes, most urgent first."""

    ALERT = 0
    DETECTION = 1
    READING = 2
    HEALTH = 3
    MEDIA = 4

    @property
    def slug(self) -> str:
        """The lane's name in topics and configuration."""
        return self.name.lower()


_LANE_BY_SLUG: Final = {lane.slug: lane for lane in Lane}


class UpTopic(NamedTuple):
    """The two things that an uplink topic says."""

    station: str
    lane: Lane


def check_station(name: str) -> str:
    """The name itself, if it is a station name. Raises ContractError(bad_station)."""
    if not STATION_NAME.fullmatch(name):
        raise ContractError("bad_station", f"{name[:120]!r} is not 1 to 32 of a-z, 0-9 and inner hyphens")
    return name


def up(station: str, lane: Lane) -> str:
    """Where a post publishes a lane."""
    return f"{ROOT}/{check_station(station)}/up/{lane.slug}"


def receipt(station: str) -> str:
    """Where headquarters tells a post what is stored."""
    return f"{ROOT}/{check_station(station)}/receipt"


def media(station: str) -> str:
    """Where headquarters tells a post what it holds of its pictures and clips."""
    return f"{ROOT}/{check_station(station)}/media"


def state(station: str) -> str:
    """Where a post's retained state and last will are kept."""
    return f"{ROOT}/{check_station(station)}/state"


ALL_UP: Final = f"{ROOT}/+/up/+"
ALL_MEDIA: Final = f"{ROOT}/+/up/{Lane.MEDIA.slug}"
ALL_SHARED: Final = tuple(f"{ROOT}/+/up/{lane.slug}" for lane in Lane if lane is not Lane.MEDIA)
"""What several processes may share: every lane of batches."""
ALL_STATES: Final = f"{ROOT}/+/state"


def shared(group: str, pattern: str) -> str:
    """An MQTT 5 shared subscription: each message goes to one member of the group."""
    return f"$share/{group}/{pattern}"


def parse_up(topic: str) -> UpTopic:
    """Station and lane of an uplink topic. Raises ContractError(bad_topic or bad_station)."""
    parts = topic.split("/")
    if len(parts) == 5 and parts[:2] == ROOT.split("/") and parts[3] == "up" and parts[4] in _LANE_BY_SLUG:
        return UpTopic(check_station(parts[2]), _LANE_BY_SLUG[parts[4]])
    raise ContractError("bad_topic", f"{topic[:120]!r} is not {ROOT}/<station>/up/<lane>")


def parse_state(topic: str) -> str:
    """The station of a state topic. Raises ContractError(bad_topic or bad_station)."""
    parts = topic.split("/")
    if len(parts) == 4 and parts[:2] == ROOT.split("/") and parts[3] == "state":
        return check_station(parts[2])
    raise ContractError("bad_topic", f"{topic[:120]!r} is not {ROOT}/<station>/state")
