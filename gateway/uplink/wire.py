"""What a TCP connection has carried, as the kernel counts it: encryption in, headers in, retransmissions in."""

from __future__ import annotations

import socket
import struct
from typing import Final, NamedTuple

_INFO: Final = struct.Struct("=QQII")
_INFO_AT: Final = (
    120  # tcpi_bytes_acked, tcpi_bytes_received, tcpi_segs_out, tcpi_segs_in: struct tcp_info, linux/tcp.h
)
_BYTES_SENT: Final = struct.Struct("=Q")
_BYTES_SENT_AT: Final = 200  # tcpi_bytes_sent, retransmissions in; since Linux 4.19
_TCP_HEADER_BYTES: Final = 32  # 20, and the timestamps that Linux adds
_IP_HEADER_BYTES: Final = {socket.AF_INET: 20, socket.AF_INET6: 40}


class Wire(NamedTuple):
    """Bytes within TCP each way, and bytes of TCP/IP headers each way (of every segment, empty ones too)."""

    sent: int = 0
    received: int = 0
    headers_sent: int = 0
    headers_received: int = 0


def wire_of(connection: socket.socket) -> Wire | None:
    """What a connection has carried so far; None when it is closed."""
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    except OSError:
        return None
    sent, received, segments_out, segments_in = _INFO.unpack_from(info, _INFO_AT)
    if len(info) >= _BYTES_SENT_AT + _BYTES_SENT.size:
        (sent,) = _BYTES_SENT.unpack_from(info, _BYTES_SENT_AT)
    header = _IP_HEADER_BYTES.get(connection.family, 20) + _TCP_HEADER_BYTES
    return Wire(sent, received, segments_out * header, segments_in * header)
