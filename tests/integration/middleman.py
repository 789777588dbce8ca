"""Between an agent and a real server: passes everything on, but what it is told to take away."""
import http.client
import http.server
import json
import re
import socket
import struct
import threading
import urllib.parse


class Middleman(http.server.ThreadingHTTPServer):
    """`swallow`: the server gets the next bulk, and the agent no answer to it; from then on the server is `away`,
    until that is cleared. `forbidden`: paths that match it are answered with 403."""
    daemon_threads = True

    def __init__(self, behind):
        super().__init__(("127.0.0.1", 0), Request)
        self.behind = urllib.parse.urlsplit(behind).netloc
        self.swallow, self.away = threading.Event(), threading.Event()
        self.forbidden = "(?!)"  # matches nothing
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self):
        self.shutdown()
        self.thread.join()
        self.server_close()

    def handle_error(self, request, client_address):
        """An agent that is killed goes away in the middle."""


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server = self.server
        if server.away.is_set():
            return self.reset()
        if re.search(server.forbidden, self.path):
            reason = {"type": "security_exception", "reason": f"unauthorized for {self.path}"}
            return self.answer(403, json.dumps({"error": reason}).encode())
        behind = http.client.HTTPConnection(server.behind, timeout=30)
        headers = {name: self.headers[name] for name in ("Content-Type", "Content-Encoding") if name in self.headers}
        behind.request(self.command, self.path, body, headers)
        reply = behind.getresponse()
        content = reply.read()
        behind.close()
        if "/_bulk" in self.path and server.swallow.is_set():
            server.swallow.clear()
            server.away.set()
            return self.reset()
        return self.answer(reply.status, content)

    do_GET = do_PUT = do_POST

    def answer(self, status, content):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_arguments):
        pass
