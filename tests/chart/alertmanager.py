"""The example for Alertmanager in a real one, and the chat that it writes to."""
import collections
import contextlib
import http.server
import json
import pathlib
import shutil
import subprocess
import threading

import requests
import yaml

from waiting import eventually, free_ports

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "dashboards/prometheus/alertmanager.yaml"
TOKEN = "of-the-test"


class Chat:
    """Keeps what is posted to it: (alert, status, authorization, [labels of each alert]) by message."""

    def __init__(self):
        self.messages = []
        chat = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                chat.messages.append((message["groupLabels"]["alertname"], message["status"],
                                      self.headers["Authorization"], [one["labels"] for one in message["alerts"]]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/alerts"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def counts(self, status="firing"):
        return collections.Counter(name for name, one, _, _ in self.messages if one == status)

    def of(self, alert):
        return [labels for name, status, _, labels in self.messages if (name, status) == (alert, "firing")]


def configuration(directory, chat, waits):
    (directory / "token").write_text(TOKEN)
    shipped = yaml.safe_load(EXAMPLE.read_text())
    shipped["route"].update({name: f"{seconds}s" for name, seconds in waits.items()})
    for receiver in shipped["receivers"]:
        for webhook in receiver["webhook_configs"]:
            webhook["url"] = chat.url
            webhook["http_config"]["authorization"]["credentials_file"] = str(directory / "token")
    (directory / "alertmanager.yaml").write_text(yaml.safe_dump(shipped))
    return directory / "alertmanager.yaml"


@contextlib.contextmanager
def alertmanager(directory, chat, waits):
    """Its URL. `waits`: those of its first route that are not as they are shipped, in seconds."""
    tool = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    assert tool, "prometheus-alertmanager is missing: script/bootstrap installs it"
    url = f"http://127.0.0.1:{free_ports()}"
    session = requests.Session()
    session.trust_env = False

    def ready():
        with contextlib.suppress(requests.ConnectionError):
            return session.get(f"{url}/-/ready", timeout=5).ok
        return False

    with open(directory / "out", "wb") as out, subprocess.Popen(
            [tool, f"--config.file={configuration(directory, chat, waits)}", f"--storage.path={directory}",
             f"--web.listen-address={url[7:]}", "--cluster.listen-address="], stdout=out, stderr=out) as process:
        try:
            eventually(ready, 20, lambda: (directory / "out").read_text())
            yield url
        finally:
            process.terminate()
