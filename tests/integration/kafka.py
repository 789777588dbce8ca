"""What the tests ask Kafka. Records are read by kcat; topics and access lists are made over librdkafka's C interface,
for which Debian has no tool."""
import collections
import ctypes
import json
import subprocess

LIBRARY = ctypes.CDLL("librdkafka.so.1")
PRODUCER, ANY_OPERATION = 0, 0
TOPIC, LITERAL, ALLOW = 2, 3, 3
WRITE, DESCRIBE, DESCRIBE_CONFIGS = 4, 8, 10  # operations
MILLISECONDS = 20000

Record = collections.namedtuple("Record", "partition offset key headers text")  # headers as NAME=VALUE,NAME=VALUE

for _name in ("conf_new", "new", "queue_new", "queue_poll", "NewTopic_new", "AdminOptions_new", "AclBinding_new",
              "ConfigResource_new", "event_CreateTopics_result", "event_CreateAcls_result", "event_AlterConfigs_result",
              "CreateTopics_result_topics", "CreateAcls_result_acls", "AlterConfigs_result_resources",
              "acl_result_error", "topic_result_error_string", "ConfigResource_error_string", "error_string"):
    getattr(LIBRARY, "rd_kafka_" + _name).restype = \
        ctypes.c_char_p if _name.endswith("string") else ctypes.c_void_p


def call(name, *arguments):
    """rd_kafka_<name>; pointers travel as Python's integers."""
    converted = [ctypes.c_void_p(a) if isinstance(a, int) and a > 2**31 else a.encode() if isinstance(a, str) else a
                 for a in arguments]
    return getattr(LIBRARY, "rd_kafka_" + name)(*converted)


class Kafka:
    def __init__(self, brokers):
        self.brokers = brokers

    def _kcat(self, *arguments, text=True):
        answer = subprocess.run(
            ["kcat", "-b", self.brokers, "-X", "topic.metadata.propagation.max.ms=0",
             "-X", "allow.auto.create.topics=false", *arguments], capture_output=True, text=text, timeout=60)
        return answer.stdout

    def records(self, topic):
        """All there are now, by partition in the order of offsets; none before the topic exists."""
        lines = [line.split(" ", 4) for line in
                 self._kcat("-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", r"%p %o %k %h %s\n").splitlines()]
        return sorted(Record(int(p), int(o), *rest) for p, o, *rest in lines)

    def content(self, topic):
        """The bytes of all records together, for those that are no text."""
        return self._kcat("-C", "-t", topic, "-o", "beginning", "-e", "-q", text=False)

    def documents(self, topic):
        return [json.loads(record.text) for record in self.records(topic)]

    def leaders(self, topic):
        """Broker ids by partition; none before the topic exists."""
        topics = json.loads(self._kcat("-L", "-J", "-t", topic) or '{"topics": []}')["topics"]
        return {partition["partition"]: partition["leader"] for of in topics for partition in of["partitions"]}

    def count(self, topic):
        """By the brokers' high watermarks: nothing is read. A partition without a leader counts as empty: kcat says
        "Leader not available" in the place of its offset."""
        queries = [word for partition in self.leaders(topic) for word in ("-t", f"{topic}:{partition}:-1")]
        answers = [line.split()[-1] for line in self._kcat("-Q", *queries).splitlines()] if queries else []
        return sum(int(answer) for answer in answers if answer.isdecimal())

    def create(self, topic, partitions=1, replicas=1, **config):
        """config: max_message_bytes=… for the topic's max.message.bytes."""
        error = ctypes.create_string_buffer(500)
        new = call("NewTopic_new", topic, partitions, replicas, error, 500)
        assert new, error.value
        for name, value in config.items():
            call("NewTopic_set_config", new, name.replace("_", "."), str(value))

        def refusal(event):
            count = ctypes.c_size_t()
            topics = call("CreateTopics_result_topics", call("event_CreateTopics_result", event), ctypes.byref(count))
            return call("topic_result_error_string", ctypes.c_void_p.from_address(topics).value)
        self._administer("CreateTopics", new, refusal)

    def configure(self, topic, **config):
        """As create; settings that are not named take their defaults."""
        resource = call("ConfigResource_new", TOPIC, topic)
        for name, value in config.items():
            call("ConfigResource_set_config", resource, name.replace("_", "."), str(value))

        def refusal(event):
            count = ctypes.c_size_t()
            resources = call("AlterConfigs_result_resources", call("event_AlterConfigs_result", event),
                             ctypes.byref(count))
            return call("ConfigResource_error_string", ctypes.c_void_p.from_address(resources).value)
        self._administer("AlterConfigs", resource, refusal)

    def allow(self, user, topic, operation=WRITE):
        error = ctypes.create_string_buffer(500)
        rule = call("AclBinding_new", TOPIC, topic, LITERAL, f"User:{user}", "*", operation, ALLOW, error, 500)
        assert rule, error.value

        def refusal(event):
            count = ctypes.c_size_t()
            rules = call("CreateAcls_result_acls", call("event_CreateAcls_result", event), ctypes.byref(count))
            failed = call("acl_result_error", ctypes.c_void_p.from_address(rules).value)
            return call("error_string", failed) if failed else None
        self._administer("CreateAcls", rule, refusal)

    def _administer(self, operation, subject, refusal):
        conf = call("conf_new")
        text = ctypes.create_string_buffer(500)
        assert call("conf_set", conf, "bootstrap.servers", self.brokers, text, 500) == 0, text.value
        client = call("new", PRODUCER, conf, text, 500)
        assert client, text.value
        queue, options = call("queue_new", client), call("AdminOptions_new", client, ANY_OPERATION)
        try:
            call(operation, client, (ctypes.c_void_p * 1)(subject), 1, options, queue)
            event = call("queue_poll", queue, MILLISECONDS)
            assert event, f"{operation}: no answer"
            refused = refusal(event)
            assert not refused, refused
            call("event_destroy", event)
        finally:
            call("AdminOptions_destroy", options)
            call("queue_destroy", queue)
            call("destroy", client)
