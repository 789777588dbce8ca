"""An Elasticsearch that is there and does not get on: its process stands still, packets to it vanish, it reads ten
kilobytes a second. What is held is bounded, the agent's other sinks go on, and afterwards everything arrives."""
import contextlib

import pytest

import fault_server as fault
from networks import inside, own_network, packets_vanish
from stalls import Node, Peer, crawling, frozen


@pytest.fixture
def node(agent, log_of):
    return Node(agent, log_of)


def peer_of(fault_server):
    return Peer({"type": "elasticsearch", "endpoints": [fault_server.url]},
                lambda: [int(message.split()[0]) for message in fault_server.messages()])


def test_elasticsearch_stands_still(node, elasticsearch_server, elasticsearch, index):
    def numbers():
        with contextlib.suppress(OSError):  # there is no index before the first document
            return [int(document["message"].split()[0]) for document in elasticsearch.documents(index)]
        return []
    node.start(search=Peer({"type": "elasticsearch", "endpoints": [elasticsearch.url], "index": index, "timeout": "2s"},
                           numbers))
    node.stall(frozen(elasticsearch_server.pid()), "timeout", lines=750)


@pytest.mark.faults
def test_a_server_that_reads_ten_kilobytes_a_second(node, fault_server):
    node.start(search=peer_of(fault_server))
    node.stall(crawling(fault_server), "timeout")


@pytest.mark.faults
def test_connections_whose_packets_vanish(agent, node):
    with own_network() as agent.network:
        server = inside(agent.network, fault.FaultServer)
        try:
            node.start(search=peer_of(server))
            node.stall(packets_vanish(agent.network, server.server_address[1]), "timeout")
        finally:
            server.close()
