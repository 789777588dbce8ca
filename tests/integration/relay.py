"""Between an agent and a real server, whatever they speak: passes bytes on, and as slowly as it is told."""
import contextlib
import socket
import socketserver
import threading
import time

from networks import inside


class Relay(socketserver.ThreadingTCPServer):
    """Stands at a server's own address in the network of that process, where there is nobody else: so it is found
    there by those too whom the server tells its address. `bytes_per_second`: of each connection, in each direction."""
    daemon_threads = True

    def __init__(self, network, address):
        listen = super().__init__
        inside(network, lambda: listen(address, Connection))
        self.bytes_per_second = None
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self):
        """The connections that it has end with whose they are."""
        self.shutdown()
        self.thread.join()
        self.server_close()


class Connection(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError), socket.create_connection(self.server.server_address, 30) as server:
            answers = threading.Thread(target=self.pass_on, args=(server, self.request), daemon=True)
            answers.start()
            self.pass_on(self.request, server)
            answers.join()

    def pass_on(self, source, target):
        """Until one of the two has ended; then both have."""
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 10 if self.server.bytes_per_second else 1 << 16):
                if rate := self.server.bytes_per_second:
                    time.sleep(len(data) / rate)
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
