"""A storm of real containers, the shipped rules and the shipped routes: the chat is told who makes them, in time."""
import concurrent.futures
import time

from alertmanager import Chat, alertmanager
from chart import ROOT
from scale import scale
from services import Prometheus
from waiting import eventually

NAMESPACE, WORKLOAD = "shop", "crawler"
SECONDS_MAX = 120
EVERY = scale("1s", "30s")  # as the operator of Prometheus and the chart have it by default, when there is time
LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # of the names that Kubernetes makes


def watching(agent, receiver):
    """The configuration of a Prometheus that scrapes the agent as the chart's PodMonitor says."""
    target = {"targets": [f"127.0.0.1:{agent.port}"], "labels": {"cluster": "demo", "node": "node-1"}}
    return {
        "global": {"scrape_interval": EVERY, "scrape_timeout": "1s", "evaluation_interval": EVERY},
        "rule_files": [str(ROOT / "dashboards/prometheus/rules.yaml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [receiver.removeprefix("http://")]}]}]},
        "scrape_configs": [{"job_name": "hinomi", "honor_labels": True, "static_configs": [target]}]}


def names(count):
    """Of pods of one deployment."""
    for number in range(count):
        ending = "".join(LETTERS[number // len(LETTERS)**place % len(LETTERS)] for place in range(5))
        yield f"{WORKLOAD}-5d4f8c7b9-{ending}"


def test_the_chat_learns_whose_storm_it_is(agent, pods, directory):
    pods.start()
    (directory / "alertmanager").mkdir()
    chat, (first, *others) = Chat(), names(scale(60, 400))

    def said():
        return [labels for group in chat.of("ContainerStorm") for labels in group]

    with alertmanager(directory / "alertmanager", chat, {}) as receiver:
        prometheus = Prometheus(directory / "prometheus", watching(agent, receiver)).ready()
        try:
            started = f'hinomi_containers_started_total{{namespace="{NAMESPACE}",workload="{WORKLOAD}"}}'
            pods.run(first, "sleep 1000", namespace=NAMESPACE)
            eventually(lambda: prometheus.query(started), 90, agent.log)
            begin = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                made = [pool.submit(pods.run, name, "sleep 1000", namespace=NAMESPACE) for name in others]
                eventually(said, SECONDS_MAX, lambda: f"{prometheus.query(started)} {chat.messages}")
                print(f"told after {time.monotonic() - begin:.0f} s of {len(others)} containers")
                for one in made:
                    one.result()
            (labels,) = said()
            assert (labels["namespace"], labels["workload"], labels["cluster"]) == (NAMESPACE, WORKLOAD, "demo")
            assert set(chat.counts()) == {"ContainerStorm"}, chat.messages
        finally:
            prometheus.stop()
            chat.server.shutdown()
