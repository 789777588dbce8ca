"""nginx in front of a server that speaks plain HTTP: TLS with a certificate, clients with theirs, tokens."""
import pathlib
import signal
import socket
import subprocess

from waiting import eventually, free_ports

SERVER = """
daemon off;
user root;
pid {directory}/pid;
error_log {directory}/error.log;
events {{}}
http {{
  access_log off;
  client_max_body_size 0;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate}.key;
    {settings}
    location / {{ proxy_pass {behind}; {rules} }}
  }}
}}
"""


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=30)


class Authority:
    """Signs certificates; its own is `certificate`."""

    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.certificate = directory / f"{name}.crt"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 30, "-subj", f"/CN={name}",
                "-keyout", f"{self.certificate}.key", "-out", self.certificate)

    def issue(self, name, days=30, names="DNS:localhost,IP:127.0.0.1"):
        """A certificate, whose key lies beside it as NAME.crt.key. With negative days it has expired."""
        path = self.directory / f"{self.name}-{name}.crt"
        request, extensions = path.with_suffix(".csr"), path.with_suffix(".extensions")
        extensions.write_text(f"subjectAltName={names}\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{path}.key",
                "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", f"{self.certificate}.key",
                "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", path)
        return path


class Front:
    def __init__(self, directory, behind):
        self.directory, self.behind, self.port = directory, behind, free_ports()
        self.url, self.process = f"https://127.0.0.1:{self.port}", None

    def serve(self, certificate, settings="", rules=""):
        """With that certificate, settings of its server and rules of every request; also another time."""
        configuration = self.directory / "nginx.conf"
        configuration.write_text(SERVER.format(directory=self.directory, port=self.port, certificate=certificate,
                                               settings=settings, rules=rules, behind=self.behind))
        self.stop()
        with (self.directory / "nginx.out").open("wb") as output:
            command = ["/usr/sbin/nginx", "-c", configuration, "-e", self.directory / "error.log"]
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        eventually(self.answers, 10, lambda: pathlib.Path(output.name).read_text())

    def answers(self):
        assert self.process.poll() is None, (self.directory / "nginx.out").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)
            self.process = None
