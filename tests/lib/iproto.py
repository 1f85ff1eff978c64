"""IPROTO by hand: what no connector would send can be sent."""
import hashlib
import base64
import socket
import struct

SELECT, INSERT, CALL_16, AUTH, EVAL, CALL, PING, ID = 1, 2, 6, 7, 8, 10, 64, 73
OK, CHUNK = 0, 0x80
TYPE, SYNC, SCHEMA = 0, 1, 5
SPACE_ID, INDEX_ID, LIMIT, OFFSET, ITERATOR, KEY = 0x10, 0x11, 0x12, 0x13, 0x14, 0x20
TUPLE, FUNCTION, USER, EXPR, DATA, ERROR_24, ERROR = 0x21, 0x22, 0x23, 0x27, 0x30, 0x31, 0x52


class Raw(bytes):
    """Bytes that stand for themselves."""


def pack(value):  # pylint: disable=too-many-return-statements
    if isinstance(value, Raw):
        return bytes(value)
    if value is None:
        return b'\xc0'
    if isinstance(value, bool):
        return b'\xc3' if value else b'\xc2'
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes([value])
        if value < 0:
            return struct.pack('>Bq', 0xd3, value)
        return struct.pack('>BQ', 0xcf, value)
    if isinstance(value, float):
        return struct.pack('>Bd', 0xcb, value)
    if isinstance(value, str):
        value = value.encode()
        return struct.pack('>BI', 0xdb, len(value)) + value
    if isinstance(value, bytes):
        return struct.pack('>BI', 0xc6, len(value)) + value
    if isinstance(value, (list, tuple)):
        return struct.pack('>BI', 0xdd, len(value)) + b''.join(map(pack, value))
    return struct.pack('>BI', 0xdf, len(value)) + b''.join(
        pack(k) + pack(v) for k, v in value.items())


class _Reader:
    def __init__(self, data):
        self.data = data
        self.pos = 0

    def take(self, n):
        if self.pos + n > len(self.data):
            raise ValueError('truncated msgpack')
        self.pos += n
        return self.data[self.pos - n:self.pos]

    def number(self, fmt):
        return struct.unpack('>' + fmt, self.take(struct.calcsize(fmt)))[0]

    def many(self, n):
        return [self.value() for _ in range(n)]

    def pairs(self, n):
        return {k: self.value() for k in (self.value() for _ in range(n))}

    def text(self, n):
        return self.take(n).decode('utf-8', 'surrogateescape')

    def value(self):  # pylint: disable=too-many-return-statements,too-many-branches
        c = self.take(1)[0]
        if c <= 0x7f:
            return c
        if c <= 0x8f:
            return self.pairs(c & 15)
        if c <= 0x9f:
            return self.many(c & 15)
        if c <= 0xbf:
            return self.text(c & 31)
        if c >= 0xe0:
            return c - 256
        simple = {0xc0: None, 0xc2: False, 0xc3: True}
        if c in simple:
            return simple[c]
        numbers = {0xca: 'f', 0xcb: 'd', 0xcc: 'B', 0xcd: 'H', 0xce: 'I', 0xcf: 'Q',
                   0xd0: 'b', 0xd1: 'h', 0xd2: 'i', 0xd3: 'q'}
        if c in numbers:
            return self.number(numbers[c])
        if c in (0xc4, 0xc5, 0xc6):
            return self.take(self.number('BHI'[c - 0xc4]))
        if c in (0xd9, 0xda, 0xdb):
            return self.text(self.number('BHI'[c - 0xd9]))
        if c in (0xdc, 0xdd):
            return self.many(self.number('HI'[c - 0xdc]))
        if c in (0xde, 0xdf):
            return self.pairs(self.number('HI'[c - 0xde]))
        if 0xd4 <= c <= 0xd8:
            return ('ext', self.number('b'), self.take(1 << (c - 0xd4)))
        if 0xc7 <= c <= 0xc9:
            n = self.number('BHI'[c - 0xc7])
            return ('ext', self.number('b'), self.take(n))
        raise ValueError('bad msgpack byte %#x' % c)


def unpack(data):
    """All values that stand in the bytes."""
    reader, values = _Reader(data), []
    while reader.pos < len(data):
        values.append(reader.value())
    return values


def frame(header, body=None):
    """A whole request. Header and body are maps, or Raw; body None: absent."""
    payload = pack(header) + (b'' if body is None else pack(body))
    return struct.pack('>BI', 0xce, len(payload)) + payload


def ping(sync=0):
    return frame({TYPE: PING, SYNC: sync}, {})


def call_eval(expr, *args, sync=0):
    return frame({TYPE: EVAL, SYNC: sync}, {EXPR: expr, TUPLE: list(args)})


class Reply:
    """A reply: .type .sync .schema .body; .error is (code, message) or None."""

    def __init__(self, payload):
        self.raw = payload
        header, body = unpack(payload)
        self.type, self.sync, self.schema = header[TYPE], header[SYNC], header[SCHEMA]
        self.body = body
        self.data = body.get(DATA)
        self.error = None
        if self.type & 0x8000:
            self.error = (self.type & 0x7fff, body[ERROR_24])

    def __repr__(self):
        return 'Reply(type=%#x, sync=%d, %r)' % (self.type, self.sync, self.body)


class Client:
    """A connection; .greeting, .salt. Paths are Unix sockets, integers ports."""

    def __init__(self, where, timeout=20, receive_buffer=None):
        self.sock = socket.socket(
            socket.AF_INET if isinstance(where, int) else socket.AF_UNIX)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.connect(('127.0.0.1', where) if isinstance(where, int) else where)
        self.greeting = self.exactly(128)
        is_binary = b'(Binary)' in self.greeting
        self.salt = base64.b64decode(self.greeting[64:108]) if is_binary else b''

    def exactly(self, n):
        """n bytes; fewer at the end of the stream."""
        data = b''
        while len(data) < n:
            part = self.sock.recv(n - len(data))
            if not part:
                break
            data += part
        return data

    def send(self, *frames):
        self.sock.sendall(b''.join(frames))
        return self

    def receive(self):
        """The next reply; None at the end of the stream."""
        prefix = self.exactly(5)
        if len(prefix) < 5:
            return None
        return Reply(self.exactly(struct.unpack('>BI', prefix)[1]))

    def replies(self, n):
        return [self.receive() for _ in range(n)]

    def ask(self, *frames):
        self.send(*frames)
        return self.receive()

    def eval(self, expr, *args):
        """Results of an EVAL; raises RuntimeError(code, message)."""
        reply = self.ask(call_eval(expr, *args))
        if reply.error:
            raise RuntimeError(*reply.error)
        return reply.data

    def auth(self, user, password):
        hash1 = hashlib.sha1(password.encode()).digest()
        hash2 = hashlib.sha1(hash1).digest()
        mask = hashlib.sha1(self.salt[:20] + hash2).digest()
        scramble = bytes(a ^ b for a, b in zip(hash1, mask))
        return self.ask(frame({TYPE: AUTH}, {USER: user, TUPLE: ['chap-sha1', scramble]}))

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
