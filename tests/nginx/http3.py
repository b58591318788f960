"""An HTTP/3 client: a few requests on one connection."""
import asyncio
import ssl

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration

from serve import Response


class Client(QuicConnectionProtocol):
    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.http = H3Connection(self._quic)
        self.waiting = {}

    def quic_event_received(self, event):
        for event in self.http.handle_event(event):
            if not isinstance(event, HeadersReceived | DataReceived) or event.stream_id not in self.waiting:
                continue
            done, response = self.waiting[event.stream_id]
            if isinstance(event, HeadersReceived):
                lines = [(name.decode(), value.decode("latin-1")) for name, value in event.headers]
                response.status = int(dict(lines)[":status"])
                response.headers = [line for line in lines if not line[0].startswith(":")]
            else:
                response.body += event.data
            if event.stream_ended and not done.done():
                done.set_result(response)

    async def request(self, method, target, headers, authority):
        stream = self._quic.get_next_available_stream_id()
        lines = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", target), *headers]
        done = asyncio.get_running_loop().create_future()
        self.waiting[stream] = (done, Response(0, []))
        self.http.send_headers(stream, [(name.encode(), value.encode("latin-1")) for name, value in lines], end_stream=True)
        self.transmit()
        return await asyncio.wait_for(done, 10)


def exchange(port, requests):
    """The responses to (method, target, header lines)."""
    async def run():
        configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE)
        async with connect("127.0.0.1", port, configuration=configuration, create_protocol=Client) as client:
            return [await client.request(*request, f"localhost:{port}") for request in requests]

    return asyncio.run(run())
