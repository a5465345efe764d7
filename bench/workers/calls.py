"""CPython's ways of each work, for bench/run.mjs: see calls.mjs for what is printed and read."""

import json
import socket
import sys
import time
from test.support import socket_helper

listener = socket.create_server(("127.0.0.1", 0))
listener.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\1\1\1\0")


def opened():
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


works = {
    "getsockopt": lambda: listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR),
    "bytes": lambda: listener.getsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, 64),
    "find": socket_helper.find_unused_port,
    "socket": lambda: opened().close(),
}


def time_bind_port(times):
    """The sockets are there before and are closed afterwards."""
    sockets = [opened() for _ in range(times)]
    start = time.perf_counter_ns()
    for each in sockets:
        socket_helper.bind_port(each)
    took = time.perf_counter_ns() - start
    for each in sockets:
        each.close()
    return took


def time_calls(work, times):
    once = works[work]
    start = time.perf_counter_ns()
    for _ in range(times):
        once()
    return time.perf_counter_ns() - start


print(json.dumps([f"{work}/CPython" for work in [*works, "bindPort"]]), flush=True)
for line in sys.stdin:
    way, times = line.split()
    work = way.removesuffix("/CPython")
    took = time_bind_port(int(times)) if work == "bindPort" else time_calls(work, int(times))
    print(took, flush=True)
