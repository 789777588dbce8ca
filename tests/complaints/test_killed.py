"""kill -9 at any moment, while the kubelet rotates: nothing is lost, and Elasticsearch has nothing twice."""
import time

from node import Bitmaps, Chatty, expect_balance
from scale import SEED, scale
from waiting import eventually

KILLS, PODS, LINES_PER_SECOND = scale(10, 1000), 10, 100


def test_an_agent_killed_at_random_moments_loses_and_doubles_nothing(agent, elasticsearch, index, dice):
    agent.configure({"endpoints": [elasticsearch.url], "index": index})
    rotation = ("--rotate-bytes", 30000, "--tick-seconds", 0.7, "--reopen-seconds", 0.1, "--seed", SEED)
    with Chatty(agent, PODS, LINES_PER_SECOND, *rotation) as chatty:
        for kill in range(KILLS):
            agent.spawn()
            time.sleep(dice.choice([dice.uniform(0, 0.2), dice.uniform(0.2, 2)]))
            assert agent.process.poll() is None, agent.log()
            agent.kill()
            time.sleep(dice.uniform(0, 0.5))
            if kill % 100 == 99:
                print(f"{kill + 1} kills, {elasticsearch.count(index)} documents", flush=True)
        agent.start()
        chatty.stop()
    assert chatty.rotations >= PODS // 2
    total = PODS * chatty.lines
    eventually(lambda: elasticsearch.count(index) >= total, scale(30, 300),
               lambda: f"{elasticsearch.count(index)} of {total}, seed {SEED}\n{agent.log()[-10000:]}")
    eventually(lambda: agent.metric("hinomi_route_pending_bytes") == 0, 10, agent.log)
    assert expect_balance(agent)["lost"] == 0
    assert agent.stop() == 0
    Bitmaps(elasticsearch.documents(index)).expect_all_of(chatty)
