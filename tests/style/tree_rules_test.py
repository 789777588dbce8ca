"""Each rule of tree_rules.py turns red on a planted fault, and stays green beside it."""

import pytest
from tree_rules import LINES_MAX, check_text, name_clashes

HEADER = "// What it is.\n#pragma once\n"

GOOD = [
    ("shipper/source/tailer.cc", '#include "shipper/batch.h"\n#include "config/config.h"\n'),
    ("shipper/agent.cc", '#include "shipper/source/tailer.h"\n#include "shipper/sink/stdout_sink.h"\n'),
    ("base/http_client.cc", "#include <curl/curl.h>\n"),
    ("base/http_client_test.cc", "#include <simdjson.h>\n"),
    ("shipper/sink/elasticsearch.cc", '#include "shipper/compress/gzip.h"\n'),
    ("base/result.h", HEADER),
    ("base/a.cc", "//\n" * LINES_MAX),
    ("app/http/server.cc", "#include <civetweb.h>\n"),
]

BAD = [
    ("base/result.h", HEADER + '#include "config/config.h"\n', 3, "base may not know config"),
    ("config/yaml.cc", '#include "shipper/batch.h"\n', 1, "config may not know shipper"),
    ("shipper/route.cc", '#include "collector/node.h"\n', 1, "shipper may not know collector"),
    ("shipper/codec/cri.cc", '#include "shipper/encode/ecs.h"\n', 1, "codec may not know encode"),
    ("shipper/compress/gzip.cc", '#include "shipper/sink/elasticsearch.h"\n', 1, "compress may not know sink"),
    ("shipper/codec/cri.cc", '#include "cri.h"\n', 1, "in no layer"),
    ("shipper/sink/elasticsearch.cc", "#include <curl/curl.h>\n", 1, "belongs behind"),
    ("config/describe.cc", "#include <yaml-cpp/yaml.h>\n", 1, "belongs behind"),
    ("shipper/route.h", "#pragma once\n", 1, "begins with a comment"),
    ("shipper/route.h", "// A route.\n", 1, "no #pragma once"),
    ("shipper/Route.cc", "", 1, "snake_case"),
    ("base/a.cc", "int a;\n\tint b;\n", 2, "a tab"),
    ("base/a.cc", "//\n" * (LINES_MAX + 1), LINES_MAX + 1, "at most"),
]


@pytest.mark.parametrize("path,text", GOOD)
def test_good(path, text):
    assert check_text(path, text) == []


@pytest.mark.parametrize("path,text,line,complaint", BAD)
def test_bad(path, text, line, complaint):
    found = check_text(path, text)
    assert [number for number, _ in found] == [line]
    assert complaint in found[0][1]


def test_two_classes_of_one_name():
    one, other = "// x\n#pragma once\nclass Endpoints {\n", "class Endpoints final : public X {\n"
    assert list(name_clashes({"a/x.h": one, "b/y.h": other})) == [("b/y.h", 1, "Endpoints is defined in a/x.h too")]
    assert not list(name_clashes({"a/x.h": one, "b/y.h": "class Endpoints;\n", "b/z.cc": other, "tests/z.h": other}))
