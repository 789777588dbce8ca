"""Networks of their own, and what is between them."""
import concurrent.futures
import contextlib
import ctypes
import fcntl
import pathlib
import socket
import struct
import subprocess

CLONE_NEWNET = 0x40000000
A_NETWORK = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec sleep 600"]
SIOCETHTOOL, SET_TSO = 0x8946, 0x1F


@contextlib.contextmanager
def own_network():
    """The pid of a process with a network of its own."""
    with subprocess.Popen(A_NETWORK, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "ready\n"
            yield holder.pid
        finally:
            holder.kill()
            holder.wait(10)


def inside(pid, call):
    """What `call` returns or raises in the network of that process."""
    def enter():
        with open(f"/proc/{pid}/ns/net", "rb") as namespace:
            assert ctypes.CDLL(None).setns(namespace.fileno(), CLONE_NEWNET) == 0
    with concurrent.futures.ThreadPoolExecutor(1, initializer=enter) as thread:
        return thread.submit(call).result(30)


@contextlib.contextmanager
def packets_vanish(pid, *ports):
    """Those to these ports in the network of that process: connections stay open, and nobody hears of them."""
    def iptables(word):
        subprocess.run(["nsenter", "-t", str(pid), "-n", "iptables", word, "INPUT", "-p", "tcp", "-m", "multiport",
                        "--dports", ",".join(map(str, ports)), "-j", "DROP"], check=True, timeout=10)
    iptables("-I")
    try:
        yield
    finally:
        iptables("-D")


def ip(pid, words):
    subprocess.run(["nsenter", "-t", str(pid), "-n", "ip", *words.split()], check=True, timeout=10)


def wire(one, other, device, addresses):
    """A pair of devices of that name, one in each network, with one of the addresses each. What goes through it is
    counted as a real one would send it, in frames."""
    ip(one, f"link add {device} type veth peer name {device} netns /proc/{other}/ns/net")
    for pid, address in zip((one, other), addresses):
        ip(pid, f"addr add {address}/24 dev {device}")
        ip(pid, f"link set {device} up")
        inside(pid, lambda: cut_into_frames(device))


def cut_into_frames(device):
    value = (ctypes.c_uint32 * 2)(SET_TSO, 0)
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCETHTOOL, struct.pack("16sP", device.encode(), ctypes.addressof(value)))


def sent_bytes(pid, device):
    """By that device of that network."""
    lines = pathlib.Path(f"/proc/{pid}/net/dev").read_text().splitlines()
    return next(int(line.split(":")[1].split()[8]) for line in lines if line.split(":")[0].strip() == device)
