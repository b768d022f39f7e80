"""The messages of docs/protocol.md: fields to bytes and back.

Only MessagePack is needed (Debian: apt install python3-msgpack).
"""

import struct

import msgpack

PROTOCOL_VERSION = 1
MAX_FRAME_BYTES = 65_536

HELLO, WELCOME, REGISTER, REGISTERED, HEARTBEAT, HEARTBEAT_ACK, UPDATE = range(1, 8)
PING, PONG, COMMAND, COMMAND_ACK, GOODBYE, ERROR = range(8, 14)

# The fields of each message in the order of the wire. A field with a default may be missing at the end of the array.
REQUIRED = object()
FIELDS = {
    HELLO: [("version", REQUIRED), ("features", REQUIRED), ("miner_id", REQUIRED), ("api_key", None),
            ("session_token", None)],
    WELCOME: [("version", REQUIRED), ("features", REQUIRED), ("session_token", REQUIRED), ("epoch", REQUIRED),
              ("lease_ttl_sec", REQUIRED), ("next_heartbeat_sec", REQUIRED), ("resumed", REQUIRED)],
    REGISTER: [("addr", REQUIRED), ("proto", REQUIRED), ("gpu_name", REQUIRED), ("gpu_vram_gb", REQUIRED),
               ("cpu_cores", REQUIRED), ("ram_gb", REQUIRED), ("price_e8", REQUIRED), ("max_parallel", REQUIRED),
               ("region", REQUIRED), ("accel", REQUIRED), ("tags", REQUIRED), ("capabilities", REQUIRED),
               ("owner", "")],
    REGISTERED: [("lease_ttl_sec", REQUIRED), ("next_heartbeat_sec", REQUIRED)],
    HEARTBEAT: [("seq", REQUIRED), ("ts_ms", REQUIRED), ("queue_len", REQUIRED), ("avg_latency_ms", None),
                ("temp_c", None), ("mem_free_gb", None)],
    HEARTBEAT_ACK: [("seq", REQUIRED), ("next_heartbeat_sec", REQUIRED)],
    UPDATE: [("queue_len", REQUIRED), ("busy", REQUIRED), ("current_jobs", REQUIRED), ("price_e8", None)],
    PING: [("nonce", REQUIRED)],
    PONG: [("nonce", REQUIRED)],
    COMMAND: [("command_id", REQUIRED), ("kind", REQUIRED), ("arguments", REQUIRED)],
    COMMAND_ACK: [("command_id", REQUIRED), ("accepted", REQUIRED), ("detail", "")],
    GOODBYE: [("code", REQUIRED), ("detail", ""), ("retry_after_ms", 0)],
    ERROR: [("code", REQUIRED), ("in_reply_to", REQUIRED), ("field", REQUIRED), ("detail", REQUIRED)],
}

SET_PRICE_CAP, UPDATE_TAGS, DRAIN, RECONNECT = range(1, 5)
ARGUMENTS = {
    SET_PRICE_CAP: ["price_e8"],
    UPDATE_TAGS: ["tags"],
    DRAIN: ["on"],
    RECONNECT: ["addr", "delay_ms"],
}

CLOSE_REASONS = {
    1: "leaving", 2: "shutting_down", 3: "replaced", 4: "bad_credentials", 5: "stale_session",
    6: "unsupported_version", 7: "malformed", 8: "frame_too_long", 9: "hello_expected", 10: "hello_timeout",
    11: "slow_consumer", 12: "lease_expired", 13: "flapping", 14: "key_revoked", 15: "too_many_errors",
    16: "unavailable", 17: "internal_error", 18: "dropped", 19: "rate_limited", 20: "banned",
}


class Malformed(Exception):
    """The bytes are no message, or lack a field."""


def encode(number, fields):
    """The body of a message: one MessagePack array that begins with the message's number."""
    values = [number]
    for name, default in FIELDS[number]:
        value = fields[name] if default is REQUIRED else fields.get(name, default)
        if number == COMMAND and name == "arguments":
            value = [value[argument] for argument in ARGUMENTS.get(fields["kind"], [])]
        values.append(value)
    return msgpack.packb(values, use_bin_type=True)


def decode(body):
    """(number, fields) of a body; fields is None when the number is not known."""
    try:
        values = msgpack.unpackb(body, raw=False)
    except Exception as error:  # every way in which bytes can fail to be MessagePack
        raise Malformed(str(error)) from error
    if not isinstance(values, list) or not values or type(values[0]) is not int:
        raise Malformed("a message is an array that begins with a number")
    number = values[0]
    if number not in FIELDS:
        return number, None
    fields = {}
    # Only the fields that this version knows are looked at: a newer hub may have appended others.
    for index, (name, default) in enumerate(FIELDS[number], start=1):
        value = values[index] if index < len(values) else None
        if value is None:
            if default is REQUIRED:
                raise Malformed(f"message {number}: {name} is missing")
            value = default
        fields[name] = value
    if number == COMMAND:
        if not isinstance(fields["arguments"], list):
            raise Malformed("arguments must be an array")
        fields["arguments"] = dict(zip(ARGUMENTS.get(fields["kind"], []), fields["arguments"]))
    return number, fields


def frame(body):
    """A body with its 4-byte big-endian length in front."""
    if len(body) > MAX_FRAME_BYTES:
        raise ValueError(f"a frame has at most {MAX_FRAME_BYTES} bytes, this one {len(body)}")
    return struct.pack(">I", len(body)) + body


def take_frame(buffer):
    """Cuts the first whole body off a bytearray; None when there is none yet."""
    if len(buffer) < 4:
        return None
    (length,) = struct.unpack_from(">I", buffer)
    if not 1 <= length <= MAX_FRAME_BYTES:
        raise Malformed(f"a frame of {length} bytes")
    if len(buffer) < 4 + length:
        return None
    body = bytes(buffer[4:4 + length])
    del buffer[:4 + length]
    return body
