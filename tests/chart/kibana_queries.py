"""The queries of Kibana's saved searches (dashboards/kibana/source.yaml), and the language that they may use: what KQL,
DQL and Lucene's query_string understand alike.

    any   = term AND [NOT] term ... | term OR term ... | term
    term  = ( any ) | FIELD : value
    value = * | word | "phrase" | ( value OR value ... )

NOT stands behind AND alone: Lucene's OR NOT and a lone NOT mean something else than KQL's. AND and OR are not mixed
without parentheses, since Lucene has no precedence. There are no ranges, since the two write them differently."""
import pathlib
import re

import yaml

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "dashboards/kibana/source.yaml"
TOKEN = re.compile(r'\s*(?:(?P<mark>[():*])|"(?P<phrase>[^"\\]*)"|(?P<word>[A-Za-z0-9_@][A-Za-z0-9_.@]*))')
OPERATORS = ("AND", "OR", "NOT")


def queries():
    """(title, KQL, query_string in Lucene's syntax) of every saved search. Both are one text, of the grammar above; the
    second goes into {"query_string": {"query": ..., "analyze_wildcard": true}}, as Kibana asks it."""
    for entry in yaml.safe_load(SOURCE.read_text())["searches"]:
        yield entry["title"], entry["query"], entry["query"]


class Query:
    """A query taken apart: `terms` are (field, value), "*" for any value. ValueError where it is not of the grammar."""

    def __init__(self, text):
        self.text, self.tokens, self.terms = text, [], []
        at = 0
        while at < len(text.rstrip()):
            token = TOKEN.match(text, at)
            if not token:
                raise ValueError(f"{text!r}: {text[at:]!r} is not in the common language")
            self.tokens.append((token.lastgroup, token[token.lastgroup]))
            at = token.end()
        self.tokens.append(("end", ""))
        self.any()
        self.take("end", "")

    def fail(self):
        raise ValueError(f"{self.text!r}: unexpected {self.tokens[0][1]!r}, {len(self.tokens) - 1} tokens from its end")

    def next_is(self, *token):
        return self.tokens[0] == token

    def take(self, *token):
        if not self.next_is(*token):
            self.fail()
        self.tokens.pop(0)

    def any(self):
        self.term()
        for operator in ("AND", "OR"):
            if self.next_is("word", operator):
                while self.next_is("word", operator):
                    self.tokens.pop(0)
                    if operator == "AND" and self.next_is("word", "NOT"):
                        self.tokens.pop(0)
                    self.term()
                return

    def word(self):
        kind, text = self.tokens[0]
        if kind != "word" or text.upper() in OPERATORS:
            self.fail()
        self.tokens.pop(0)
        return text

    def term(self):
        if self.next_is("mark", "("):
            self.tokens.pop(0)
            self.any()
            self.take("mark", ")")
            return
        field = self.word()
        self.take("mark", ":")
        self.value(field)

    def value(self, field):
        if self.next_is("mark", "("):
            self.tokens.pop(0)
            self.value(field)
            while self.next_is("word", "OR"):
                self.tokens.pop(0)
                self.value(field)
            self.take("mark", ")")
        elif self.next_is("mark", "*") or self.tokens[0][0] == "phrase":
            self.terms.append((field, self.tokens.pop(0)[1]))
        else:
            self.terms.append((field, self.word()))
