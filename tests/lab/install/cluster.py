"""A lab with real kubelets for tests of the install, and what they ask of it."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
IMAGE = "conntruth.lab/conntruth:lab"
SYSTEM = "conntruth-system"
# Of what a cluster has, these come and go by themselves.
PASSING = ("events", "events.events.k8s.io", "componentstatuses")
OBJECTS = "{range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name}{'\\n'}{end}".replace("'", '"')


class Failed(AssertionError):
    """A command that had to work did not; its output is the message."""


def call(argv, check=True, timeout=240, stdin=None):
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=timeout, input=stdin)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, argv))} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


def missing_programs():
    """Why there can be no lab with kubelets, or ""."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "conntruth" / "kube"
    for pattern in ("v*/bin/kubelet", "v*/bin/kubectl", "helm-*/bin/helm", "containerd/bin/containerd"):
        if not list(cache.glob(pattern)):
            return f"no {pattern} in {cache}; `./run setup kube` makes it"
    return "" if os.geteuid() == 0 else "labs need root"


class Api:
    """The API server without a kubectl for each request, through `kubectl proxy` and a socket of this machine."""

    def __init__(self, lab):
        self.socket = str(lab.path / "api.sock")
        words = [lab.conntruth, "lab", "exec", lab.name, "fabric", "--", "kubectl", "proxy", f"--unix-socket={self.socket}"]
        self.proxy = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.proxy.stdout.readline()  # it serves from here on
        self.connection = http.client.HTTPConnection("localhost")
        self.connection.sock = socket.socket(socket.AF_UNIX)
        self.connection.sock.connect(self.socket)

    def send(self, method, path, body):
        self.connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise Failed(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text)

    def close(self):
        self.connection.close()
        self.proxy.terminate()
        self.proxy.communicate()


class Cluster:
    """Up from the constructor to down(); also where this process is killed: whoever waits for its end takes it down."""

    def __init__(self, programs, name, proxies):
        self.programs, self.name = pathlib.Path(programs), name
        self.folder = tempfile.TemporaryDirectory(prefix="conntruth-install-")
        self.conntruth = self.programs / "conntruth"
        script = f"trap '' INT TERM HUP; cat >/dev/null; {self.conntruth} lab down {name} >/dev/null 2>&1"
        self.guard = subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, start_new_session=True)
        image, packages = self.path / "conntruth.tar", self.path / "krew"
        with concurrent.futures.ThreadPoolExecutor() as side_by_side:
            for each in [side_by_side.submit(call, words) for words in (
                    [self.conntruth, "lab", "up", "--name", name, "--kubelet", "--proxy", proxies],
                    [ROOT / "deploy/image/conntruth_image.py", "--bin", self.programs, "--output", image, "--name", IMAGE],
                    [ROOT / "deploy/krew/krew_package.py", "--bin", self.programs, "--output", packages])]:
                each.result()
        call([self.conntruth, "lab", "image", name, image])
        image.unlink()
        call(["tar", "-xzf", next(packages.glob("*.tar.gz")), "-C", packages])
        (self.path / "kubectl-conntruth").symlink_to(packages / "kubectl-conntruth")  # as krew does; kubectl looks in $PATH

    @property
    def path(self):
        return pathlib.Path(self.folder.name)

    def down(self):
        self.guard.stdin.close()
        self.guard.wait()
        self.folder.cleanup()

    def argv(self, *words, node="fabric"):
        """What runs a command where the API can be reached."""
        path = f"{self.path}:{os.environ.get('PATH', '/usr/bin')}"
        return ["env", f"PATH={path}", self.conntruth, "lab", "exec", self.name, node, "--", *words]

    def run(self, *words, node="fabric", **kwargs):
        return call(self.argv(*words, node=node), **kwargs)

    def kubectl(self, *words, **kwargs):
        return self.run("kubectl", *words, **kwargs)

    def get(self, *words):
        return json.loads(self.kubectl("get", *words, "-o", "json").stdout)

    def objects(self):
        """Every object that the API server has, as "KIND NAMESPACE/NAME"."""
        kinds = [kind for kind in self.kubectl("api-resources", "--verbs=list", "-o", "name").stdout.split() if kind not in PASSING]
        listed = self.kubectl("get", ",".join(kinds), "-A", "--ignore-not-found", "-o", f"jsonpath={OBJECTS}")
        return set(listed.stdout.splitlines())

    def gone(self, before, within=60, replaced=()):
        """What is there that was not before, once nothing more of it goes away: garbage is collected a moment later.
        `replaced`: how objects begin that may be others by now."""
        deadline = time.monotonic() + within

        def there():
            return {each for each in self.objects() - before if not each.startswith(tuple(replaced))}

        while (left := there()) and time.monotonic() < deadline:
            kind, _, name = min(left).partition(" ")
            namespace, _, name = name.partition("/")
            where = ("-n", namespace) if namespace else ()
            self.kubectl("wait", "--for=delete", f"{kind}/{name}", *where, f"--timeout={within}s", check=False)
        return left

    def overlay(self, folder, secrets):
        """`folder` of kustomize with the files of its certificate beside it, which are made for each lab."""
        copy = self.path / "deploy"
        shutil.copytree(ROOT / "deploy/kustomize", copy, dirs_exist_ok=True)
        for file in secrets.iterdir():
            shutil.copy(file, copy / folder.relative_to(ROOT / "deploy/kustomize"))
        return copy / folder.relative_to(ROOT / "deploy/kustomize")

    def rolled_out(self):
        for kind in ("daemonset/conntruth-anchor-0", "daemonset/conntruth-anchor-1", "daemonset/conntruth-agent",
                     "deployment/conntruth-controller"):
            done = self.kubectl("-n", SYSTEM, "rollout", "status", kind, "--timeout=90s", check=False)
            if done.returncode != 0:
                raise Failed(f"{kind}: {done.stdout}{done.stderr}{self.why(kind)}")

    def await_log(self, kind, text, within=60):
        """Until a pod of `kind` has written `text`; one that has just been made has no log yet."""
        script = f"until kubectl -n {SYSTEM} logs -f {kind} 2>&1; do :; done"
        words = [self.conntruth, "lab", "exec", self.name, "fabric", "--", "sh", "-c", script]
        log = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
        bound = threading.Timer(within, lambda: os.killpg(log.pid, signal.SIGKILL))
        bound.start()
        lines = []
        for line in log.stdout:
            lines.append(line)
            if text in line:
                break
        bound.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(log.pid, signal.SIGKILL)
        log.communicate()
        if not lines or text not in lines[-1]:
            raise Failed(f"{kind} did not write '{text}' in {within} s: {''.join(lines[-10:])}")

    def why(self, kind):
        """What there is to know about pods that are not ready."""
        pods = self.kubectl("-n", SYSTEM, "get", "pods", "-o", "wide", check=False).stdout
        logs = self.kubectl("-n", SYSTEM, "logs", kind, "--tail=5", check=False)
        events = self.kubectl("-n", SYSTEM, "get", "events", "--field-selector=type=Warning", check=False).stdout
        return f"\n{pods}\n{logs.stdout}{logs.stderr}\n{events[-2000:]}"
