"""What the tests ask Elasticsearch and OpenSearch."""
import requests


def flat(document, prefix=""):
    """{"kubernetes": {"pod": {"name": "a"}}} as {"kubernetes.pod.name": "a"}; a dotted key is the same as nesting."""
    fields = {}
    for key, value in document.items():
        if isinstance(value, dict):
            fields.update(flat(value, prefix + key + "."))
        else:
            fields[prefix + key] = value
    return fields


class Search:
    def __init__(self, url, user=None, ca_file=None):
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False  # a proxy of the machine's is not meant for loopback
        self.session.auth, self.session.verify = user, ca_file

    def ask(self, method, path, **arguments):
        return self.session.request(method, self.url + path, timeout=30, **arguments)

    def count(self, index, message=None):
        """How many documents there are now, or how many with those words in their message; none before the index
        exists."""
        if not self.ask("POST", f"/{index}/_refresh").ok:
            return 0
        query = {"query": {"match_phrase": {"message": message}}} if message else None
        answer = self.ask("GET", f"/{index}/_count", json=query)
        return answer.json()["count"] if answer.ok else 0  # its shards may not have begun yet

    def documents(self, index, page=10000):
        """All of them, a page at a time, flat, each with its `_id`, its `_index`, and under `nanoseconds` the indexed
        @timestamp."""
        body = {"size": page, "sort": ["_doc"],
                "docvalue_fields": [{"field": "@timestamp", "format": "strict_date_optional_time_nanos"}]}
        self.ask("POST", f"/{index}/_refresh").raise_for_status()
        answer = self.ask("POST", f"/{index}/_search?scroll=1m", json=body)
        while hits := answer.json()["hits"]["hits"]:
            for hit in hits:
                yield {**flat(hit["_source"]), "_id": hit["_id"], "_index": hit["_index"],
                       "nanoseconds": hit["fields"]["@timestamp"][0]}
            scroll = answer.json()["_scroll_id"]
            answer = self.ask("POST", "/_search/scroll", json={"scroll": "1m", "scroll_id": scroll})
        self.ask("DELETE", "/_search/scroll", json={"scroll_id": answer.json()["_scroll_id"]})

    def mapping(self, index):
        """Field name to type, of the stream's only backing index."""
        (answer,) = self.ask("GET", f"/{index}/_mapping").json().values()
        return types(answer["mappings"])


def types(mapping, prefix=""):
    fields = {}
    for name, field in mapping.get("properties", {}).items():
        if "type" in field:
            fields[prefix + name] = field["type"]
        fields.update(types(field, prefix + name + "."))
    return fields
