"""A fake Elasticsearch, for faults that a real one cannot be asked for: an answer cut off in the middle, garbage,
silence, a redirect, one refusal after another in a known order. What it accepts it keeps, so that a test can see
that nothing was lost; everything else about Elasticsearch is tested against the real one.

A fault is a function of (request, documents): it answers one `_bulk` request in its own way. They are taken from
`faults` in turn while there are any; without one the server behaves well.

What it fakes of templates and policies: it keeps what is PUT by path and gives it back, as Elasticsearch answers for
templates, its ILM for `_ilm/policy` and OpenSearch's ISM for `_plugins/_ism/policies`, by their documentation. It carries
out nothing: no policy deletes, no template makes a mapping."""
import gzip
import http.server
import json
import re
import socket
import struct
import threading
import time


def answer(status, body=b"{}", **headers):
    def fault(request, _documents):
        request.answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})
    return fault


def reset(request, _documents):
    """Closes so that the client sees ECONNRESET."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.give_up()


def half(request, _documents):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    request.wfile.write(head + b'{"errors":fal')
    request.give_up()


def garbage(request, _documents):
    request.wfile.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
    request.give_up()


def not_json(request, _documents):
    request.answer(200, b"<html>It works!</html>", {})


def slowly(seconds):
    """Stores at once, and takes that long to say so, byte after byte."""
    def fault(request, documents):
        body = request.store(documents)
        request.start_answer(200, body, {})
        for byte in body:
            if request.server.closing.wait(seconds / len(body)):
                break
            request.wfile.write(bytes([byte]))
    return fault


def after_storing(fault):
    """Keeps the documents, and only then goes wrong: the client cannot know that they are stored."""
    def stored(request, documents):
        request.store(documents)
        fault(request, documents)
    return stored


def silence(request, _documents):
    request.server.closing.wait()
    request.give_up()


def too_large(limit):
    """413 for a body above `limit` bytes, which count uncompressed, as in Elasticsearch."""
    def fault(request, documents):
        if request.body_bytes > limit:
            request.answer(413, b"", {"Connection": "close"})
            request.give_up()
        else:
            request.accept(documents)
    return fault


def busy(request, documents):
    """Takes every second document and says of the others that its queue is full."""
    error = {"type": "es_rejected_execution_exception", "reason": "rejected execution of coordinating operation"}
    request.accept(documents, lambda i, _: (429, error) if i % 2 else None)


def refuse(word):
    """Refuses documents with that word in them for good."""
    error = {"type": "document_parsing_exception", "reason": "[1:20] failed to parse field [message]"}

    def fault(request, documents):
        request.accept(documents, lambda _, source: (400, error) if word in source else None)
    return fault


class FaultServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host="127.0.0.1"):
        super().__init__((host, 0), Request)
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.faults = iter(())
        self.documents = {}   # _id to source; two servers that have the same ones are one cluster
        self.conflicts = 0    # documents that were sent although they were stored
        self.times = []       # of all requests, whatever they asked
        self.bytes_per_second = None  # that it reads of bodies
        self.policies = None  # or the path of the API that it has for them: "/_ilm/policy/", "/_plugins/_ism/policies/"
        self.objects = {}     # templates and policies by path
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def url(self):
        return "http://{}:{}".format(*self.server_address)

    def messages(self):
        with self.lock:
            return sorted(json.loads(source)["message"] for source in self.documents.values())

    def close(self):
        self.closing.set()
        self.shutdown()
        self.thread.join()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that goes away in the middle is what these tests are about."""


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.times.append(time.monotonic())
            is_bulk = self.path.partition("?")[0].endswith("/_bulk")
            fault = next(self.server.faults, None) if is_bulk else None
        if not is_bulk:
            self.set_up(body)
            return
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.body_bytes = len(body)
        lines = body.decode().splitlines()
        documents = [(json.loads(action)["create"].get("_id"), source) for action, source in zip(lines[::2], lines[1::2])]
        (fault or Request.accept)(self, documents)

    do_GET = do_PUT = do_POST

    def read(self, left):
        body = b""
        while left > len(body) and self.server.bytes_per_second and not self.server.closing.wait(0.1):
            body += self.rfile.read(min(left - len(body), self.server.bytes_per_second // 10))
        return body + self.rfile.read(left - len(body))
    def set_up(self, body):
        path, objects = self.path.partition("?")[0], self.server.objects
        kind = re.match(r"/_(component|index)_template/|/_ilm/policy/|/_plugins/_ism/policies/", path)
        if not kind:
            self.answer(200, b'{"acknowledged":true}', {})
        elif not kind[1] and kind[0] != self.server.policies:
            error = {"error": f"no handler found for uri [{path}] and method [{self.command}]"}
            self.answer(400, json.dumps(error).encode(), {})
        elif self.command == "PUT":
            with self.server.lock:
                conflict = "_ism" in path and path in objects and "if_seq_no=" not in self.path
                if not conflict:
                    objects[path] = json.loads(body)
            self.answer(409 if conflict else 200, b'{"acknowledged":true}', {})
        elif path not in objects:
            error = {"type": "status_exception", "reason": "Policy not found"} if "_ism" in path else \
                {"type": "resource_not_found_exception", "reason": "not found"}
            self.answer(404, json.dumps({"error": error, "status": 404}).encode(), {})
        else:
            name, there = path.rpartition("/")[2], objects[path]
            if kind[1]:
                there = {f"{kind[1]}_templates": [{"name": name, f"{kind[1]}_template": there}]}
            elif "_ism" in path:
                there = {"_id": name, "_seq_no": 1, "_primary_term": 1, **there}
            else:
                there = {name: {"version": 1, **there}}
            self.answer(200, json.dumps(there).encode(), {})

    def accept(self, documents, refuses=lambda i, source: None):
        """Keeps what `refuses` has no (status, error) for, and answers as Elasticsearch does."""
        self.answer(200, self.store(documents, refuses), {})

    def store(self, documents, refuses=lambda i, source: None):
        """Keeps them in that way, and returns the answer's body."""
        items = []
        with self.server.lock:
            for i, (identity, source) in enumerate(documents):
                refusal = refuses(i, source)
                if refusal:
                    status, error = refusal
                    items.append({"create": {"_id": identity, "status": status, "error": error}})
                elif identity in self.server.documents:
                    self.server.conflicts += 1
                    error = {"type": "version_conflict_engine_exception", "reason": "document already exists"}
                    items.append({"create": {"_id": identity, "status": 409, "error": error}})
                else:
                    self.server.documents[identity] = source
                    items.append({"create": {"_id": identity, "status": 201}})
        errors = any("error" in item["create"] for item in items)
        return json.dumps({"took": 1, "errors": errors, "items": items}).encode()

    def start_answer(self, status, body, headers):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def answer(self, status, body, headers):
        self.start_answer(status, body, headers)
        self.wfile.write(body)

    def give_up(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()

    def log_message(self, *_arguments):
        pass
