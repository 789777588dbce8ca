"""Who races: how each shipper is started, with a configuration as its users would write it (shippers/NAME/).

In those files @PODS_DIR@, @STATE_DIR@, @CONFIG_DIR@, @PORT@ (of the sink) and @FREE_PORT@ are filled in."""
import dataclasses
import os
import pathlib
import shutil
import socket
import subprocess

CONFIGS = pathlib.Path(__file__).resolve().parent / "shippers"


@dataclasses.dataclass(frozen=True)
class Shipper:
    name: str
    binary: str            # its usual name in $PATH
    config: str            # file below shippers/
    arguments: tuple       # of the command; @CONFIG@ is the filled-in file, @FLAGS@ an argument for each of its lines
    version: tuple = ("--version",)


ALL = {shipper.name: shipper for shipper in (
    Shipper("hinomi", "hinomi", "hinomi/hinomi.yaml", ("run", "--config", "@CONFIG@"), ("version",)),
    Shipper("rsyslog", "rsyslogd", "rsyslog/rsyslog.conf",
            ("-n", "-f", "@CONFIG@", "-i", "@STATE_DIR@/rsyslogd.pid"), ("-v",)),
    Shipper("fluent-bit", "fluent-bit", "fluent_bit/fluent-bit.conf", ("-c", "@CONFIG@")),
    Shipper("vector", "vector", "vector/vector.yaml", ("--config", "@CONFIG@")),
    Shipper("filebeat", "filebeat", "filebeat/filebeat.yml",
            ("-e", "-c", "@CONFIG@", "--path.home", "@STATE_DIR@", "--path.data", "@STATE_DIR@"),
            ("version",)),
    Shipper("vlagent", "vlagent", "vlagent/flags", ("@FLAGS@",), ("-version",)),
)}


def find(shipper, given):
    """The binary's path: the one given, else the one in $PATH; None if there is none."""
    found = shutil.which(given or shipper.binary, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if given and not found:
        raise SystemExit(f'cannot run "{given}": it is no executable file')
    return found and str(pathlib.Path(found).resolve())


def version_of(shipper, binary):
    """The first line that it prints about itself."""
    answer = subprocess.run([binary, *shipper.version], capture_output=True, text=True, timeout=20, check=False)
    lines = (answer.stdout or answer.stderr).strip().splitlines()
    return lines[0].strip() if lines else "unknown"


def config_text(shipper):
    return "".join(path.read_text() for path in sorted((CONFIGS / shipper.config).parent.iterdir()))


def command_of(shipper, binary, directory, port):
    """Fills in its configuration below `directory` and returns its command line."""
    config_dir, state_dir = directory / "config", directory / "state"
    for path in (config_dir, state_dir):
        path.mkdir(exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free_port = probe.getsockname()[1]
    values = {"PODS_DIR": directory / "pods", "STATE_DIR": state_dir, "CONFIG_DIR": config_dir, "PORT": port,
              "FREE_PORT": free_port, "CONFIG": config_dir / pathlib.Path(shipper.config).name}

    def fill_in(text):
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        return text
    for path in (CONFIGS / shipper.config).parent.iterdir():
        filled_in = config_dir / path.name
        filled_in.write_text(fill_in(path.read_text()))
        filled_in.chmod(0o600)  # Filebeat reads no file that others may write
    flags = values["CONFIG"].read_text().split("\n")[:-1]
    command = [binary]
    for argument in shipper.arguments:
        command += flags if argument == "@FLAGS@" else [fill_in(argument)]
    return command
