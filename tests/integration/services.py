"""The real servers of a test run: each one process for all tests, started together."""
import json
import os
import pathlib
import signal
import subprocess

import requests
import yaml

from waiting import eventually, free_ports

RECIPES = pathlib.Path(__file__).resolve().parents[1] / "services"
USER = ("hinomi", "hinomi-secret")  # of a secured server
START_SECONDS = 240  # a first start downloads the server


class Server:
    """A server started by tests/services/<recipe>/start.sh; its recipe runs in the background until ready()."""

    def __init__(self, recipe, directory, *arguments, port=None, **environment):
        self.recipe, self.directory, self.environment, self.arguments = recipe, directory, environment, arguments
        self.port = port or free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        """Also: starts it again after stop(), at the same port and with the same data."""
        self.starting = subprocess.Popen(
            [RECIPES / self.recipe / "start.sh", str(self.port), str(self.directory), *self.arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **self.environment}, start_new_session=True)  # a Ctrl-C must not leave it half started

    def ready(self):
        _, errors = self.starting.communicate(timeout=START_SECONDS)
        assert self.starting.returncode == 0, errors
        return self

    def pid(self):
        return int((self.directory / "pid").read_text())

    def stop(self):
        self.starting.communicate(timeout=START_SECONDS)
        subprocess.run([RECIPES / "common/stop.sh", str(self.directory)], check=True, timeout=60)


class Broker(Server):
    """A Kafka broker, for everybody at `address`; over TLS for users at `secure_address`, and at `certificate_address`
    for clients that show a certificate, such as client.crt in `tls`."""

    def __init__(self, directory, **environment):
        port = free_ports(4)
        super().__init__("kafka", directory, str(port + 2), port=port, **environment)
        self.address, self.secure_address = f"127.0.0.1:{port}", f"localhost:{port + 2}"
        self.certificate_address = f"localhost:{port + 3}"
        self.tls = directory / "tls"
        self.ca_file = self.tls / "ca.crt"


class BrokerCluster:
    """Three Kafka brokers; their numbers are 1, 2 and 3."""

    def __init__(self, directory):
        directory.mkdir()
        first = free_ports(6)
        ports = [first, first + 2, first + 4]
        nodes = " ".join(map(str, ports))
        self.brokers = [Server("kafka", directory / str(port), port=port, NODES=nodes) for port in ports]
        self.address = ",".join(f"127.0.0.1:{port}" for port in ports)

    def ready(self):
        for broker in self.brokers:
            broker.ready()
        return self

    def address_without(self, number):
        return ",".join(f"127.0.0.1:{broker.port}" for i, broker in enumerate(self.brokers, 1) if i != number)

    def signal(self, number, which):
        os.kill(self.brokers[number - 1].pid(), which)

    def kill(self, number):
        """kill -9; start(number) brings it back with what was on its disk."""
        self.signal(number, signal.SIGKILL)

    def start(self, number):
        self.brokers[number - 1].start()
        self.brokers[number - 1].ready()

    def stop(self):
        """kill -9: the last ones of a cluster cannot leave it in good order."""
        for broker in self.brokers:
            broker.ready()
            os.kill(broker.pid(), signal.SIGKILL)


class Collector(Server):
    """An OpenTelemetry Collector, for everybody at `address` and over TLS, with a certificate, at `secure_address`."""

    def __init__(self, directory, **environment):
        port = free_ports(2)
        super().__init__("otelcol", directory, str(port + 1), port=port, **environment)
        self.address, self.secure_address = f"127.0.0.1:{port}", f"localhost:{port + 1}"
        self.tls = directory / "tls"
        self.taken, self.read_bytes = [], 0

    def records(self):
        """All that it has taken: the resource's attributes and the record, with its own as a dictionary."""
        path = self.directory / "logs.json"
        if not path.exists():
            return []
        with path.open("rb") as file:
            file.seek(self.read_bytes)
            requests_read = [line for line in file if line.endswith(b"\n")]
        self.read_bytes += sum(map(len, requests_read))
        for line in requests_read:
            for logs in json.loads(line)["resourceLogs"]:
                resource = _attributes(logs["resource"])
                self.taken += [(resource, {**record, "attributes": _attributes(record)})
                               for scope in logs["scopeLogs"] for record in scope["logRecords"]]
        return self.taken


def _attributes(of):
    return {pair["key"]: next(iter(pair["value"].values())) for pair in of["attributes"]}


class Prometheus(Server):
    def __init__(self, directory, configuration=None):
        """Without a configuration it scrapes what scrape() says."""
        if configuration:
            directory.mkdir()
            (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration, sort_keys=False))
        super().__init__("prometheus", directory)

    def scrape(self, port):
        """From now on it scrapes that port of this machine, and no other."""
        new = self.directory / "targets.new"
        new.write_text(json.dumps([{"targets": [f"127.0.0.1:{port}"]}]))
        new.rename(self.directory / "targets.json")

    def ask(self, path, **parameters):
        """The data of its answer at /api/v1/<path>."""
        session = requests.Session()
        session.trust_env = False
        answer = session.get(self.url + "/api/v1/" + path, params=parameters, timeout=10).json()
        return answer["data"]

    def query(self, expression):
        return self.ask("query", query=expression)["result"]

    def wait_until_up(self, port):
        eventually(lambda: [r for r in self.query(f'up{{instance="127.0.0.1:{port}"}}') if r["value"][1] == "1"], 20,
                   f"Prometheus does not see the agent at port {port}")


class ContainerRuntime:
    """A containerd, spoken to over the CRI, or a dockerd; in namespaces of its own."""

    def __init__(self, directory, runtime="containerd", seconds_max=30, **environment):
        self.state, self.seconds_max = directory, seconds_max
        image = directory.with_suffix(".tar")
        subprocess.run([RECIPES / "containerd/image.py", str(image)], check=True, timeout=30)
        environment = {**os.environ, "RUNTIME": runtime, "SECONDS_MAX": str(seconds_max), **environment}
        self.starting = subprocess.Popen([RECIPES / "containerd/up.sh", str(directory), str(image)],
                                         stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                         env=environment, start_new_session=True)

    def ready(self):
        _, errors = self.starting.communicate(timeout=2 * self.seconds_max)
        assert self.starting.returncode == 0, errors
        return self

    def stop(self):
        self.starting.communicate(timeout=2 * self.seconds_max)
        subprocess.run([RECIPES / "containerd/down.sh", str(self.state)], check=True, timeout=60)
