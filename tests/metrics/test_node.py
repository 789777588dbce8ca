"""/metrics/node against the kernel's own files, read here anew, and with a file system that hangs."""
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from waiting import eventually

TICKS = os.sysconf("SC_CLK_TCK")
CAMEL_CASE = re.compile(r"^node_(memory|netstat|vmstat|sockstat)_\w+ metric names should be written in 'snake_case'")


def series(name, **labels):
    return name, frozenset(labels.items())


def read(path):
    return pathlib.Path(path).read_text()


def rows(path):
    return [line.replace(":", " ").split() for line in read(path).splitlines()]


def kernel():
    """What the kernel says, by the series that has it."""
    found = {}
    for words in rows("/proc/stat"):
        if re.fullmatch(r"cpu\d+", words[0]):
            modes = dict(zip(("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"), words[1:]))
            for mode in modes.keys() - {"idle", "iowait"}:  # these may go back
                found[series("node_cpu_seconds_total", cpu=words[0][3:], mode=mode)] = int(modes[mode]) / TICKS
        for key, name in (("ctxt", "context_switches_total"), ("processes", "forks_total"), ("intr", "intr_total"),
                          ("btime", "boot_time_seconds")):
            if words[0] == key:
                found[series(f"node_{name}")] = int(words[1])
    for words in rows("/proc/vmstat"):
        if words[0] in ("pgfault", "pgmajfault", "pgpgin", "pgpgout", "pswpin", "pswpout", "oom_kill"):
            found[series(f"node_vmstat_{words[0]}")] = int(words[1])
    for words in rows("/proc/meminfo"):
        if words[0] in ("MemTotal", "SwapTotal", "CommitLimit", "HugePages_Total"):
            unit = "_bytes" if words[2:] else ""
            found[series(f"node_memory_{words[0]}{unit}")] = int(words[1]) * (1024 if unit else 1)
    for words in rows("/proc/diskstats"):
        if not re.match(r"(z?ram|loop|fd)\d", words[2]) and not re.fullmatch(r"[a-z]d[a-z]\d+", words[2]):
            for name, column, factor in (("reads_completed", 3, 1), ("read_bytes", 5, 512), ("written_bytes", 9, 512),
                                         ("io_time_seconds", 12, .001)):
                found[series(f"node_disk_{name}_total", device=words[2])] = int(words[column]) * factor
    for words in rows("/proc/1/net/dev")[2:]:
        for name, column in (("receive_bytes", 1), ("receive_packets", 2), ("receive_multicast", 8),
                             ("transmit_bytes", 9), ("transmit_packets", 10), ("transmit_drop", 12)):
            found[series(f"node_network_{name}_total", device=words[0])] = int(words[column])
    for interface in os.listdir("/sys/class/net"):
        found[series("node_network_mtu_bytes", device=interface)] = int(read(f"/sys/class/net/{interface}/mtu"))
    for path in ("/proc/1/net/snmp", "/proc/1/net/netstat"):
        lines = rows(path)
        for names, values in zip(lines[::2], lines[1::2]):
            for name, value in zip(names[1:], values[1:]):
                if f"{names[0]}_{name}" in ("Tcp_OutSegs", "Tcp_RetransSegs", "TcpExt_ListenOverflows",
                                            "TcpExt_TCPSynRetrans", "IpExt_InOctets", "Udp_InDatagrams"):
                    found[series(f"node_netstat_{names[0]}_{name}")] = int(value)
    for kind, name in (("cpu", "cpu_waiting"), ("io", "io_waiting"), ("memory", "memory_waiting")):
        if pathlib.Path(f"/proc/pressure/{kind}").exists():
            total = re.search(r"some .* total=(\d+)", read(f"/proc/pressure/{kind}"))[1]
            found[series(f"node_pressure_{name}_seconds_total")] = int(total) / 1e6
    found[series("node_filefd_maximum")] = int(read("/proc/sys/fs/file-nr").split()[2])
    found[series("node_time_seconds")] = time.time()
    return found


def test_values_are_the_kernels(node):
    node.start()
    before = kernel()
    scraped = node.scrape()
    after = kernel()
    assert len(before) > 50
    wrong = {name: (before[name], scraped.get(name), after[name]) for name in before
             if not before[name] - 1e-9 <= scraped.get(name, -1) <= after[name] + 1e-9}
    assert not wrong


def test_rows_that_describe_the_node(node):
    node.start()
    scraped = node.scrape()
    system = os.uname()
    assert [dict(labels)["release"] for name, labels in scraped if name == "node_uname_info"] == [system.release]
    assert [dict(labels)["nodename"] for name, labels in scraped if name == "node_uname_info"] == [system.nodename]
    assert [name for name, _ in scraped].count("node_os_info") == 1
    assert [name for name, _ in scraped].count("node_exporter_build_info") == 1
    root = {name: value for (name, labels), value in scraped.items() if ("mountpoint", "/") in labels}
    stat = os.statvfs("/")
    assert root["node_filesystem_size_bytes"] == stat.f_blocks * stat.f_frsize
    assert root["node_filesystem_files"] == stat.f_files
    assert root["node_filesystem_device_error"] == 0
    failed = [labels for (name, labels), value in scraped.items()
              if name == "node_scrape_collector_success" and value != 1]
    assert not failed


def threads(agent):
    return int(re.search(r"^Threads:\s+(\d+)", read(f"/proc/{agent.process.pid}/status"), re.MULTILINE)[1])


def test_a_file_system_that_hangs_delays_nothing_else(node, hanging, agent):
    target, mirror = hanging

    def state():
        """How long a scrape took, what it said of the mount, and how many mounts it knew the size of."""
        began = time.monotonic()
        scraped = node.scrape()
        seconds = time.monotonic() - began
        error = [value for (name, labels), value in scraped.items()
                 if name == "node_filesystem_device_error" and ("mountpoint", str(target)) in labels]
        sizes = {labels for name, labels in scraped if name == "node_filesystem_size_bytes"}
        return seconds, error, sizes

    # The sanitizer's search for leaks at the end would wait for the thread that hangs.
    agent.command = ["env", "ASAN_OPTIONS=detect_leaks=0", *agent.command]
    node.start(filesystem_timeout="1s")
    _, error, all_sizes = state()
    assert error == [0]
    mirror.send_signal(signal.SIGSTOP)
    seconds, error, sizes = state()
    assert seconds < 2
    assert error == [1]
    hung = {labels for labels in all_sizes if ("mountpoint", str(target)) in labels}
    assert len(hung) == 1 and sizes == all_sizes - hung, "the others have their sizes"
    before = threads(agent)
    for _ in range(10):
        seconds, error, sizes = state()
        assert seconds < 2 and error == [1] and sizes == all_sizes - hung
    assert threads(agent) <= before

    # It comes back.
    mirror.send_signal(signal.SIGCONT)
    eventually(lambda: state()[1:] == ([0], all_sizes), 10, lambda: agent.log())
    assert threads(agent) < before

    # And it does not keep the process.
    mirror.send_signal(signal.SIGSTOP)
    assert state()[1] == [1]
    assert agent.stop(5) == 0


def test_prometheus_finds_nothing_wrong(node, directory):
    textfiles = directory / "textfiles"
    textfiles.mkdir()
    (textfiles / "job.prom").write_text(
        "# HELP job_seconds How long a job took.\n# TYPE job_seconds histogram\n"
        'job_seconds_bucket{le="1"} 1\njob_seconds_bucket{le="+Inf"} 2\njob_seconds_sum 3\njob_seconds_count 2\n')
    node.start(textfile_directory=str(textfiles))
    text = node.text()
    assert 'job_seconds_bucket{le="+Inf"} 2\n' in text
    lint = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    # The kernel's own words stay as they are, as node_exporter has them.
    complaints = [line for line in lint.stderr.splitlines() if not CAMEL_CASE.match(line)]
    assert not complaints and lint.returncode in (0, 3), (complaints, lint.returncode)


def test_it_is_open_metrics(node):
    node.start()
    text = node.text("application/openmetrics-text; version=1.0.0")
    *lines, end = text.splitlines()
    assert end == "# EOF" and text.endswith("\n")
    seen, family, kind = set(), None, None
    for line in lines:
        if line.startswith("# HELP "):
            family = line.split()[2]
            assert family not in seen, f"{family} comes twice"
            seen.add(family)
        elif line.startswith("# TYPE "):
            assert line.split()[2] == family
            kind = line.split()[3]
            assert kind in ("counter", "gauge", "unknown")
        else:
            assert re.split(r"[{ ]", line)[0] == (f"{family}_total" if kind == "counter" else family)


def test_the_parser_of_prometheus_client_takes_it(node):
    from prometheus_client.openmetrics import parser
    node.start()
    families = list(parser.text_string_to_metric_families(node.text("application/openmetrics-text; version=1.0.0")))
    assert len(families) > 100
