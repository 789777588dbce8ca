"""Prometheus' own tools; promtool of both versions: Debian's 2.42, and one of Prometheus 3."""
import concurrent.futures
import functools
import shutil
import subprocess

from agent import ROOT

BUILD_SECONDS_MAX = 3000


def run(tool, *arguments):
    """Its output, unless it fails."""
    found = shutil.which(tool)
    assert found, f"{tool} is missing: script/bootstrap installs it"
    done = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{tool} {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}"
    return done.stdout


@functools.cache
def promtools():
    newer = subprocess.run([ROOT / "tests/services/prometheus/promtool.sh"], check=True, stdout=subprocess.PIPE, text=True,
                           timeout=BUILD_SECONDS_MAX).stdout.strip()
    return "promtool", newer


def promtool(*arguments):
    """What each of them says, unless one fails."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(lambda tool: run(tool, *arguments), promtools()))
