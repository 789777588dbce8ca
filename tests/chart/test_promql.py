"""What the tests take from an expression, and what they find wrong with one."""
import pytest

import promql

EMITTED = {"http_requests_total": {"code": {"200", "404"}, "path": {"/", ""}}, "build_info": {"version": {"1"}}}


@pytest.mark.parametrize("text, names", [
    ("http_requests_total", ["http_requests_total"]),
    ("sum(rate(http_requests_total[5m])) by (code)", ["http_requests_total"]),
    ("100 * sum by (code) (rate(a{x=\"y) or b{\", z!~'c'}[1h30m:5m] offset 1d)) or vector(0)", ["a"]),
    ("a and on (job) group_left (version) build_info > bool 1e3 # c", ["a", "build_info"]),
    ("topk(5, a unless b) / ignoring (x) -c", ["a", "b", "c"]),
    ("histogram_quantile(0.9, sum without (x) (a_bucket))", ["a_bucket"]),
    ("{__name__=\"a\"} == Inf", [""]),
])
def test_names(text, names):
    assert [selector.name for selector in promql.parse(text)[0]] == names


@pytest.mark.parametrize("text, complaint", [
    ("sum by (code, node) (rate(http_requests_total{path=~\"/.*\",cluster=\"a\"}[5m]))", None),
    ("http_requests_total{path!=\"\",code=~'(2|4)0.|404',code!~`5..|4\\d\\d`}", "no row of http_requests_total has code=\"5..\""),
    ("http_requests_total{code=\"500\"}", "no row of http_requests_total has code=\"500\""),
    ("http_requests_total{code=~\"200|20\"}", "no row of http_requests_total has code=\"20\""),
    ("http_requests_total{code!=\"403\"}", "no row of http_requests_total has code=\"403\""),
    ("http_requests_total{code!~\"2..|4..\"}", "http_requests_total has no row that code!~\"2..|4..\" leaves"),
    ("build_info{version=\"\"}", "no row of build_info has version=\"\""),
    ("build_info{version!=\"\"}", None),
    ("build_info{version=~\".*\"}", None),
    ("max by (part) (label_replace(build_info, \"part\", \"a\", \"\", \"\"))", None),
    ("http_request_total", "no agent emits http_request_total"),
    ("http_requests_total{status=\"500\"}", "http_requests_total has no label status"),
    ("sum by (status) (http_requests_total)", "none of http_requests_total has the label status"),
    # The label that is asked for has to be in what is grouped, not anywhere.
    ("sum by (version) (http_requests_total) + on () build_info", "none of http_requests_total has the label version"),
    ("http_requests_total * on (job) group_left (release) build_info",
     "none of http_requests_total, build_info has the label release"),
    ("sum(http_requests_total) by (status)", "none of http_requests_total has the label status"),
    ("{code=\"500\"}", "no agent emits rows without a name"),
])
def test_complaints(text, complaint):
    assert promql.complaints(text, EMITTED) == ([complaint] if complaint else [])


def test_matchers():
    (selector,), _ = promql.parse("a{b=\"c, d\", e!~`\\d`,f='\\'',}")
    assert selector.matchers == [("b", "=", "c, d"), ("e", "!~", "\\d"), ("f", "=", "'")]


def test_any_value():
    assert promql.of_any('a{node="n1",state="on"}') == 'a{node=~".*",state="on"}'


def test_what_is_no_expression():
    with pytest.raises(ValueError):
        promql.tokens("a ; b")


def test_variables():
    assert promql.substituted("a{b=\"$node\"}[${__rate_interval}]", __rate_interval="1m") == 'a{b=".*"}[1m]'
    with pytest.raises(KeyError):
        promql.substituted("$nobody")


def test_each_resource_of_the_bottleneck_has_an_expression():
    assert promql.bottleneck(__rate_interval="1m").keys() == {"cpu", "memory", "io", "network", "steal"}
    assert "[1m]" in promql.bottleneck(__rate_interval="1m")["cpu"]
