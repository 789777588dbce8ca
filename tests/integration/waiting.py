"""Waiting, always with an end."""
import random
import socket
import time


def eventually(condition, seconds, what):
    """Polls `condition` until it is true, and returns its value. `what` may be a function: it is asked at the end."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.08)


def free_ports(count=1):
    """The first of `count` neighbouring ports that nobody listens on. They lie below the ports that the kernel gives
    to outgoing connections: a client that tries a port of that range again and again while its server is down ends up
    connected to itself, and the server cannot have it back."""
    while True:
        first = random.randrange(18000, 32000)
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
