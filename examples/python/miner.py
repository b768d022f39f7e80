#!/usr/bin/python3
"""A miner at a Pool Hub, in plain Python over raw TCP; docs/protocol.md says why it does what it does.

    ./miner.py --hub 127.0.0.1:8204 --miner-id miner-1 --api-key phk_... --region eu-west-1 --price 0.75

It runs no jobs: put your own queue where `Miner.status` is. Stop it with Ctrl-C or SIGTERM, and it says goodbye.
"""

import argparse
import random
import select
import signal
import socket
import sys
import time
from decimal import Decimal, InvalidOperation

import wire

CONNECT_TIMEOUT_SEC = 10
MIN_BACKOFF_SEC = 0.5
MAX_BACKOFF_SEC = 30
STABLE_SEC = 10
FAREWELL_SEC = 2


class Ended(Exception):
    """The conversation is over: why, and how long to stay away at least."""

    def __init__(self, reason, detail="", retry_after_sec=0.0):
        super().__init__(f"{reason} {detail}".strip())
        self.reason = reason
        self.retry_after_sec = retry_after_sec


class Refused(Exception):
    """Trying again would not help."""


class Stop(Exception):
    """The user wants the miner to end."""


class StopSignal:
    """Ctrl-C and SIGTERM as something to wait for: raising in the midst of a frame would leave it half sent."""

    def __init__(self):
        self.socket, self.wakeup = socket.socketpair()
        self.wakeup.setblocking(False)
        signal.set_wakeup_fd(self.wakeup.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)

    def wait(self, seconds):
        """Sleeps, or raises Stop."""
        if select.select([self.socket], [], [], seconds)[0]:
            raise Stop


class Miner:
    """What the miner is, and what it keeps from one conversation to the next."""

    def __init__(self, args):
        self.miner_id = args.miner_id
        self.api_key = args.api_key
        self.token = None
        self.draining = False
        self.profile = {
            "addr": args.addr,
            "proto": args.proto,
            "gpu_name": args.gpu_name,
            "gpu_vram_gb": float(args.gpu_vram_gb),
            "cpu_cores": args.cpu_cores,
            "ram_gb": float(args.ram_gb),
            "price_e8": args.price,
            "max_parallel": args.max_parallel,
            "region": args.region,
            "accel": args.accel,
            "tags": args.tag,
            "capabilities": args.capability,
            "owner": args.owner,
        }

    def status(self):
        """How busy the miner is. A real one asks its queue and its GPU."""
        return {"queue_len": 0, "avg_latency_ms": None, "temp_c": None, "mem_free_gb": None}


class Conversation:
    """One connection from the hello to its end."""

    def __init__(self, miner, address, stop_signal):
        self.miner = miner
        self.stop_signal = stop_signal
        self.received = bytearray()
        self.seq = 0
        self.interval_sec = None
        self.lease_ttl_sec = 60
        self.live_since = None
        self.unanswered_since = None
        self.move_to = None
        self.socket = socket.create_connection(address, timeout=CONNECT_TIMEOUT_SEC)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.socket.close()

    def send(self, number, **fields):
        self.socket.sendall(wire.frame(wire.encode(number, fields)))

    def run(self):
        """Greets, then serves until something raises Ended, Refused or Stop."""
        # The first frame must be a hello, with the token of an earlier session or with the key.
        self.send(
            wire.HELLO,
            version=wire.PROTOCOL_VERSION,
            features=[],
            miner_id=self.miner.miner_id,
            api_key=None if self.miner.token else self.miner.api_key,
            session_token=self.miner.token)
        deadline = time.monotonic() + CONNECT_TIMEOUT_SEC
        while True:
            if self.live_since is None:
                if time.monotonic() >= deadline:
                    raise Ended("dropped", "the hub did not welcome the miner")
                self.receive(deadline)
            elif time.monotonic() >= self.due:
                self.beat()
            else:
                self.receive(self.due)

    def receive(self, until):
        """Handles what arrives before a moment of the monotonic clock."""
        waiting = [self.socket, self.stop_signal.socket]
        ready, _, _ = select.select(waiting, [], [], max(0.0, until - time.monotonic()))
        if self.stop_signal.socket in ready:
            raise Stop
        if not ready:
            return
        data = self.socket.recv(65_536)
        if not data:
            raise Ended("dropped", "the hub closed the connection")
        self.received += data
        # One read may bring half a frame or several.
        try:
            while (body := wire.take_frame(self.received)) is not None:
                self.handle(*wire.decode(body))
        except wire.Malformed as error:
            self.farewell(7)
            raise Ended("malformed", str(error)) from error

    def handle(self, number, fields):
        if number == wire.WELCOME:
            self.miner.token = fields["session_token"]
            self.lease_ttl_sec = fields["lease_ttl_sec"]
            if fields["resumed"]:
                self.go_live(fields["next_heartbeat_sec"])
                # The lease may have all but run out while we were away.
                self.beat()
            else:
                self.send(wire.REGISTER, **self.miner.profile)
        elif number == wire.REGISTERED:
            self.go_live(fields["next_heartbeat_sec"])
        elif number == wire.HEARTBEAT_ACK:
            # The hub sets the pace anew with each acknowledgement.
            self.unanswered_since = None
            self.due += fields["next_heartbeat_sec"] - self.interval_sec
            self.interval_sec = fields["next_heartbeat_sec"]
        elif number == wire.PING:
            self.send(wire.PONG, nonce=fields["nonce"])
        elif number == wire.COMMAND:
            self.obey(fields["command_id"], fields["kind"], fields["arguments"])
        elif number == wire.ERROR:
            say(f"the hub did not accept message {fields['in_reply_to']}: {fields['field']} {fields['detail']}")
            if self.live_since is None:
                self.farewell(1)
                raise Refused(f"the hub refuses the miner: {fields['field']} {fields['detail']}")
        elif number == wire.GOODBYE:
            reason = wire.CLOSE_REASONS.get(fields["code"], f"reason {fields['code']}")
            if reason in ("bad_credentials", "key_revoked", "unsupported_version"):
                raise Refused(f"the hub says goodbye: {reason} {fields['detail']}")
            raise Ended(reason, fields["detail"], fields["retry_after_ms"] / 1000)
        # Any other number is a newer hub's message, which an older miner steps over.

    def go_live(self, interval_sec):
        self.interval_sec = interval_sec
        self.due = time.monotonic() + interval_sec
        if self.live_since is None:
            self.live_since = time.monotonic()
            say(f"online, a heartbeat every {interval_sec} s")

    def beat(self):
        now = time.monotonic()
        # A network that broke without a sign is told only by missing answers.
        if self.unanswered_since is not None and now - self.unanswered_since >= self.lease_ttl_sec:
            raise Ended("dropped", "the hub acknowledges nothing")
        self.unanswered_since = self.unanswered_since or now
        self.seq += 1
        self.due = now + self.interval_sec
        self.send(wire.HEARTBEAT, seq=self.seq, ts_ms=int(time.time() * 1000), **self.miner.status())

    def obey(self, command_id, kind, arguments):
        """Every command is acknowledged, first; then it is carried out."""
        if problem := self.find_problem(kind, arguments):
            self.send(wire.COMMAND_ACK, command_id=command_id, accepted=False, detail=problem)
            return
        self.send(wire.COMMAND_ACK, command_id=command_id, accepted=True, detail="")
        say(f"command {kind}: {arguments}")
        if kind == wire.SET_PRICE_CAP and arguments["price_e8"] < self.miner.profile["price_e8"]:
            self.miner.profile["price_e8"] = arguments["price_e8"]
            self.send(
                wire.UPDATE,
                queue_len=self.miner.status()["queue_len"],
                busy=False,
                current_jobs=[],
                price_e8=arguments["price_e8"])
        elif kind == wire.UPDATE_TAGS:
            self.miner.profile["tags"] = arguments["tags"]
            self.send(wire.REGISTER, **self.miner.profile)
        elif kind == wire.DRAIN:
            self.miner.draining = arguments["on"]
        elif kind == wire.RECONNECT:
            self.move_to = host_and_port(arguments["addr"]) if arguments["addr"] else None
            self.farewell(1)
            raise Ended("leaving", "the hub asked to reconnect", arguments["delay_ms"] / 1000)

    @staticmethod
    def find_problem(kind, arguments):
        if kind not in wire.ARGUMENTS:
            return "unknown command"
        for name in wire.ARGUMENTS[kind]:
            if name not in arguments:
                return f"{name} is missing"
        if kind == wire.RECONNECT and arguments["addr"]:
            try:
                host_and_port(arguments["addr"])
            except argparse.ArgumentTypeError as error:
                return str(error)
        return None

    def farewell(self, code):
        """Says goodbye and waits for the hub to close, so that the goodbye is not lost with the socket."""
        try:
            self.send(wire.GOODBYE, code=code)
            self.socket.shutdown(socket.SHUT_WR)
            self.socket.settimeout(FAREWELL_SEC)
            deadline = time.monotonic() + FAREWELL_SEC
            while time.monotonic() < deadline and self.socket.recv(65_536):
                pass
        except OSError:
            pass


def stay(miner, hub, stop_signal):
    """Keeps the miner at the hub until it is stopped or refused."""
    address = hub
    failures = 0
    while True:
        conversation = None
        retry_after_sec = 0.0
        try:
            conversation = Conversation(miner, address, stop_signal)
            conversation.run()
        except Stop:
            if conversation is not None:
                conversation.farewell(1)
            raise
        except Refused:
            raise
        except Ended as ended:
            say(f"the conversation ended: {ended}")
            retry_after_sec = ended.retry_after_sec
            if ended.reason == "stale_session":
                # The hub is there and wants the key.
                tried_token = miner.token is not None and conversation.live_since is None
                miner.token = None
                if tried_token and not retry_after_sec:
                    continue
            elif ended.reason == "replaced":
                # Another program uses this id: hurrying back would only throw each other out.
                failures = 20
        except OSError as error:
            say(f"the connection to {address[0]}:{address[1]} failed: {error}")
            if failures >= 3:
                # After a reconnect command: the new address does not work, so back to the known one.
                address = hub
        finally:
            if conversation is not None:
                conversation.close()
        if conversation is not None:
            if conversation.move_to:
                address = conversation.move_to
            if conversation.live_since is not None and time.monotonic() - conversation.live_since >= STABLE_SEC:
                failures = 0
        # Full jitter spreads a fleet's return after an outage of the hub.
        pause = retry_after_sec + random.uniform(0, min(MAX_BACKOFF_SEC, MIN_BACKOFF_SEC * 2 ** min(failures, 20)))
        failures += 1
        say(f"trying again in {pause:.1f} s")
        stop_signal.wait(pause)


def say(text):
    print(text, flush=True)


def host_and_port(text):
    """host:port, or [IPv6]:port; a tcp:// in front is allowed."""
    host, colon, port = text.removeprefix("tcp://").rpartition(":")
    if not colon or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text} is not host:port")
    return host.strip("[]"), int(port)


def price(text):
    """Tokens per 1,000 seconds, to the wire's units of 1e-8. Decimal, since 0.1 is no binary fraction."""
    try:
        return int((Decimal(text) * 100_000_000).to_integral_value())
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text} is no price") from None


def parse(argv):
    parser = argparse.ArgumentParser(description="A miner at a Pool Hub.")
    parser.add_argument("--hub", type=host_and_port, default="127.0.0.1:8204", help="host:port (%(default)s)")
    parser.add_argument("--miner-id", required=True)
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--addr", default="127.0.0.1:9000", help="where coordinators reach this miner (%(default)s)")
    parser.add_argument("--proto", default="grpc")
    parser.add_argument("--region", default="")
    parser.add_argument("--owner", default="", help="who runs this machine")
    parser.add_argument("--price", type=price, default="0.5", help="tokens per 1,000 seconds (%(default)s)")
    parser.add_argument("--gpu-name", default="")
    parser.add_argument("--gpu-vram-gb", type=float, default=8)
    parser.add_argument("--cpu-cores", type=int, default=8)
    parser.add_argument("--ram-gb", type=float, default=16)
    parser.add_argument("--max-parallel", type=int, default=1)
    parser.add_argument("--accel", action="append", default=[], help="such as cuda; may be repeated")
    parser.add_argument("--tag", action="append", default=[], help="may be repeated")
    parser.add_argument("--capability", action="append", default=[], help="such as task:image_embedding; may be repeated")
    return parser.parse_args(argv)


def main(argv=None):
    args = parse(argv)
    try:
        stay(Miner(args), args.hub, StopSignal())
    except Stop:
        say("goodbye")
        return 0
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
