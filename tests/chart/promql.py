"""What an expression of PromQL names, without evaluating it; and the expressions of all dashboards."""
import ast
import collections
import importlib.util
import re

from agent import ROOT

GRAFANA = ROOT / "dashboards/grafana"
# What Grafana puts in for a variable, where all is chosen.
VARIABLES = {"cluster": ".*", "node": ".*", "namespace": ".*", "__rate_interval": "5m", "__interval": "1m",
             "__range": "3h", "datasource": "prometheus"}
# What Prometheus itself or the scrape gives; a row of any metric may have them.
SCRAPED = {"cluster", "node", "job", "instance", "namespace", "pod", "container", "metrics_path", "__name__"}
# Labels whose values are the world's: what people and the kernel name.
OF_THE_WORLD = SCRAPED | {"workload", "branch", "commit", "image_digest", "version", "route", "sink", "broker",
                          "remote_port", "remote_group", "device", "mountpoint", "fstype", "id", "image", "name", "cpu", "uid",
                          "persistentvolumeclaim"}
ANYTHING = ".*"
ALTERNATIVE = re.compile(r"\|(?![^(]*\))")  # that stand in no parentheses
KEYWORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan", "start", "end", "atan2"}
GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
TOKEN = re.compile(r"""
    (?P<skip>\s+|\#[^\n]*)
  | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
  | (?P<range>\[[^\]]*\])
  | (?P<number>(?:0x[0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?:(?:ms|[smhdwy])(?:\d+(?:ms|[smhdwy]))*)?)
  | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
  | (?P<operator>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){},@])
""", re.VERBOSE)

Matcher = collections.namedtuple("Matcher", "label operator text")
Selector = collections.namedtuple("Selector", "name matchers at")
Grouping = collections.namedtuple("Grouping", "labels begin end")  # begin, end: what is grouped, in tokens
Panel = collections.namedtuple("Panel", "dashboard panel expression empty_unless")


def substituted(expression, **values):
    """The expression with every variable's value; `values` replace those of VARIABLES."""
    known = {**VARIABLES, **values}
    return re.sub(r"\$\{?(\w+)\}?", lambda match: known[match[1]], expression)


def tokens(text):
    """[(kind, text)]"""
    made, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise ValueError(f"no PromQL at {text[at:at + 20]!r}")
        at = match.end()
        if match.lastgroup != "skip":
            made.append((match.lastgroup, match[0]))
    return made


def names_in_brackets(words, at):
    """The names from an opening bracket to the closing one, and where it goes on behind that."""
    names = []
    while words[at][1] != ")":
        if words[at][0] == "name" and words[at - 1][1] in ("(", ","):
            names.append(words[at][1])
        at += 1
    return names, at + 1


def matchers_in_braces(words, at):
    """The matchers from an opening brace to the closing one, and where that is."""
    end = next(number for number in range(at, len(words)) if words[number][1] == "}")
    inside = [word for _, word in words[at + 1:end] if word != ","]
    return [Matcher(label, operator, unquoted(text))
            for label, operator, text in zip(inside[::3], inside[1::3], inside[2::3])], end


def unquoted(text):
    return text[1:-1] if text[0] == "`" else ast.literal_eval(text)


def closing(words, at):
    """Where the parenthesis is closed that is opened there."""
    depth = 0
    while True:
        depth += {"(": 1, ")": -1}.get(words[at][1], 0)
        if depth == 0:
            return at
        at += 1


def parse(text):
    """The selectors of an expression, and the labels that it groups or joins by. What is joined is all of it."""
    words, at, selectors, groupings = tokens(text) + [("end", "")], 0, [], []
    while words[at][0] != "end":
        kind, word = words[at]
        following = words[at + 1][1]
        if kind == "name" and word in GROUPING:
            if following == "(":
                names, at = names_in_brackets(words, at + 1)
                inside = word == "by" and words[at][1] == "("
                groupings.append(Grouping(names, at if inside else 0, closing(words, at) if inside else len(words)))
                continue
        elif word == "{" or kind == "name" and following not in ("(", "by", "without") and word.lower() not in KEYWORDS:
            name, matchers, begin = ("", [], at) if word == "{" else (word, [], at)
            if "{" in (word, following):
                matchers, at = matchers_in_braces(words, at + (word != "{"))
            selectors.append(Selector(name, matchers, begin))
        at += 1
    return selectors, groupings


def created(text):
    """Labels that label_replace and label_join make."""
    return set(re.findall(r'"(\w+)",\s*"[^"]*",\s*"[^"]*",\s*"[^"]*"\s*\)', text)
               + re.findall(r'label_join\([^"]*"(\w+)"', text))


def complaints(text, emitted):
    """What an expression names and no agent emits. `emitted`: as emitted.metrics() gives it."""
    selectors, groupings = parse(text)
    found = [f"no agent emits {each.name or 'rows without a name'}" for each in selectors if each.name not in emitted]
    selectors = [each for each in selectors if each.name in emitted]
    for name, matchers, _ in selectors:
        found += [complaint for matcher in matchers for complaint in about_matcher(name, matcher, emitted[name])]
    for labels, begin, end in groupings:
        grouped = [each.name for each in selectors if begin <= each.at < end]
        known = set().union(SCRAPED, created(text), *(emitted[name] for name in grouped))
        found += [f"none of {', '.join(grouped)} has the label {label}" for label in labels if label not in known]
    return found


def about_matcher(name, matcher, labels):
    """What is wrong with it: each of its alternatives has to be what some row has, and some row has to be left.
    `labels`: {label: values} of the metric; what only a scrape gives may be anything."""
    label, operator, text = matcher
    if label not in labels:
        return [] if label in SCRAPED else [f"{name} has no label {label}"]
    if text == ANYTHING:
        return []
    alternatives = ALTERNATIVE.split(text) if "~" in operator else [re.escape(text)]

    def rows(alternative):
        return {value for value in labels[label] if re.fullmatch(alternative, value)}
    excludes = operator.startswith("!")  # what has no such label may be excluded, be there such rows or not
    found = [f'no row of {name} has {label}="{each}"' for each in alternatives
             if not rows(each) and not (excludes and each == "")]
    if excludes and not labels[label] - set().union(*map(rows, alternatives)):
        found.append(f'{name} has no row that {label}{operator}"{text}" leaves')
    return found


def of_any(text, labels=OF_THE_WORLD):
    """The expression with any value of these labels."""
    return re.sub(rf'\b({"|".join(labels)})="[^"]*"', rf'\1=~"{ANYTHING}"', text)


def generator():
    """dashboards/grafana/generate.py, which is no module of the tests."""
    spec = importlib.util.spec_from_file_location("dashboards_generator", GRAFANA / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def queries(**values):
    """Every query of every panel and annotation as Panel(dashboard, panel, expression, empty_unless). The last says
    which incident or setting it needs to give rows; without one it always has to. `values`: see substituted()."""
    made = generator()
    for name, source in made.sources().items():
        described = [panel for row in source["rows"] for panel in row["panels"]]
        for panel in described:
            for query in made.queries_of(panel):
                yield Panel(name, panel["title"], substituted(made.expanded(query["query"]), **values),
                            panel.get("empty_unless", ""))
        for mark in made.ANNOTATIONS:
            yield Panel(name, f'annotation "{mark["name"]}"', substituted(made.expanded(mark["query"]), **values),
                        mark["empty_unless"])


def bottleneck(**values):
    """{resource: expression}: the five of dashboards/grafana/bottleneck.yaml, for the tests of recorded situations."""
    made = generator()
    return {name: substituted(made.expanded(text), **values) for name, text in made.bottleneck().items()}
