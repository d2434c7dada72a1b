"""Packets as phones and other programs send them, by protocol, and how they are posted to a receiver."""

import socket
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from commedia.conventions import EXPRESSION_INDEX
from commedia.formats import ifacialmocap, livelink_udp
from commedia.formats.livelink_udp import LiveLinkPacket, packet_values
from commedia.formats.osc import bundles
from commedia.formats.vmc import BonePose, motion_messages
from commedia.sources.live.receiver import ReceiverSource
from commedia.structures import FaceParams

DEVICE = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"


def livelink_bytes(params: FaceParams | None, subject: str = "iPhone", time_s: Fraction = Fraction(0)) -> bytes:
    values = None if params is None else packet_values(params)
    return livelink_udp.packet_bytes(LiveLinkPacket(DEVICE, subject, time_s, Fraction(60), values))


def vmc_bytes(params: FaceParams) -> bytes:
    values = {name: float(params.expression[index]) for name, index in list(EXPRESSION_INDEX.items())[:18]}
    return bundles(motion_messages(0.0, {"Head": BonePose(np.zeros(3), params.pose.wxyz)}, values), 60_000)[0]


WRITERS: dict[str, Callable[[FaceParams], bytes]] = {
    "livelink": livelink_bytes,
    "ifacialmocap": ifacialmocap.packet_bytes,
    "vmc": vmc_bytes,
}


def posted(sender: socket.socket, source: ReceiverSource, *packets: bytes) -> None:
    for packet in packets:
        sender.sendto(packet, ("127.0.0.1", source.port))
