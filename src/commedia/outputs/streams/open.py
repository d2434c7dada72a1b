"""An address to the sink that sends there. Which protocols there are is the table `STREAMS`."""

from collections.abc import Callable

from commedia.errors import BadAddress
from commedia.formats.address import Address, read_address
from commedia.outputs.sink import Sink
from commedia.outputs.streams.datagrams import Report
from commedia.outputs.streams.ifacialmocap import IFacialMocapStream
from commedia.outputs.streams.livelink import LiveLinkStream
from commedia.outputs.streams.openseeface import OpenSeeFaceStream
from commedia.outputs.streams.osc import OscStream
from commedia.outputs.streams.vmc import VmcStream
from commedia.outputs.streams.websocket import WebSocketStream

STREAMS: dict[str, Callable[[Address, Report | None], Sink]] = {
    "vmc": VmcStream,
    "osc": OscStream,
    "livelink": LiveLinkStream,
    "ifacialmocap": IFacialMocapStream,
    "openseeface": OpenSeeFaceStream,
    "ws": WebSocketStream,
}
OPTIONS: dict[str, tuple[str, ...]] = {"vmc": ("names",), "livelink": ("name",), "ws": ("origin",)}
"""What may follow `?` in the address of each."""


def open_stream(text: str, report: Report | None = None) -> Sink:
    """`vmc://127.0.0.1:39539` to a sink, or `BadAddress`. `report` is told when a receiver cannot be reached."""
    address = read_address(text, OPTIONS)
    if address.protocol != "ws" and address.port == 0:
        raise BadAddress(f"'{text}' names port 0, to which nothing can be sent")
    return STREAMS[address.protocol](address, report)
