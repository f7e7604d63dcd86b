"""Signs in to the console as its first user and follows a stream's live feed, as the page does."""
import base64
import http.cookiejar
import json
import os
import re
import socket
import struct
import urllib.parse
import urllib.request

PASSWORD = "Brand-New-1"


def sign_in(endpoints):
    """The session's cookie."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.addheaders = [("accept", "text/html")]
    login = endpoints["first_login"]
    answer = opener.open(endpoints["console"] + "/")
    for fields in ({"username": login["username"], "password": login["password"]},
                   {"new_password": PASSWORD, "repeated": PASSWORD}):
        page = answer.read().decode()
        token = re.search(r'name="_csrf" value="([^"]+)"', page)
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
        if not token:
            raise RuntimeError("no form at " + answer.url)
        request = urllib.request.Request(answer.url, urllib.parse.urlencode({**hidden, **fields}).encode(),
                                         {"origin": endpoints["console"]})
        answer = opener.open(request)
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


class LiveFeed:
    def __init__(self, endpoints, stream):
        cookie = sign_in(endpoints)
        console = urllib.parse.urlparse(endpoints["console"])
        self.socket = socket.create_connection(("127.0.0.1", console.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET /live?stream={stream} HTTP/1.1\r\nhost: {console.netloc}\r\nupgrade: websocket\r\n"
                             f"connection: Upgrade\r\nsec-websocket-key: {key}\r\nsec-websocket-version: 13\r\n"
                             f"origin: {endpoints['console']}\r\ncookie: {cookie}\r\n\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if not head.startswith(b"HTTP/1.1 101"):
            raise RuntimeError(head.decode())

    def _more(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise EOFError("the feed ended")
        self.buffer += data

    def next(self):
        """The next frame of the feed, as README.md of src/services/console describes them."""
        while True:
            if len(self.buffer) >= 2:
                size, at = self.buffer[1] & 0x7F, 2
                if size == 126 and len(self.buffer) >= 4:
                    size, at = struct.unpack(">H", self.buffer[2:4])[0], 4
                elif size == 127 and len(self.buffer) >= 10:
                    size, at = struct.unpack(">Q", self.buffer[2:10])[0], 10
                elif size >= 126:
                    self._more()
                    continue
                if len(self.buffer) >= at + size:
                    opcode, data = self.buffer[0] & 0x0F, self.buffer[at:at + size]
                    self.buffer = self.buffer[at + size:]
                    if opcode == 1:
                        return json.loads(data)
                    continue
            self._more()
