"""A guest's root in memory: programs with the libraries that they are linked with, files, a kernel's modules."""

import gzip
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile

APPLETS = ("cat chmod cp cut echo false find grep head hostname id kill ls mkdir mknod mount mv poweroff ps pwd readlink rm rmdir "
           "sed sleep sort stat stty tail test touch tr true umount uname wc").split()


def found(program):
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not path:
        raise SystemExit(f"{program} is not installed; ./run setup vm installs what guests need")
    return pathlib.Path(path)


def libraries(program):
    """What the loader would map, by the paths where it would look."""
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return [pathlib.Path(path) for path in re.findall(r"(/\S+) \(0x", done.stdout)]


class Tree:
    """Paths of the guest and what is there: bytes of a file, or a link."""

    def __init__(self):
        self.entries = {}

    def folder(self, path):
        for parent in [*reversed(pathlib.PurePosixPath(path).parents), pathlib.PurePosixPath(path)]:
            if str(parent) != "/":
                self.entries.setdefault(str(parent), (stat.S_IFDIR | 0o755, b""))

    def put(self, path, content, mode=0o644):
        self.folder(str(pathlib.PurePosixPath(path).parent))
        self.entries[path] = (stat.S_IFREG | mode, content)

    def link(self, path, target):
        self.folder(str(pathlib.PurePosixPath(path).parent))
        self.entries[path] = (stat.S_IFLNK | 0o777, target.encode())

    def console(self):
        self.folder("/dev")
        self.entries["/dev/console"] = (stat.S_IFCHR | 0o600, b"")

    def program(self, source, path, strip=False):
        """With its libraries; `strip`: without what a debugger would want, which is most of our own programs."""
        content = pathlib.Path(source).read_bytes()
        if strip:
            with tempfile.NamedTemporaryFile() as shorter:
                subprocess.run(["strip", "-o", shorter.name, source], check=True)
                content = pathlib.Path(shorter.name).read_bytes()
        self.put(path, content, 0o755)
        for library in libraries(source):
            if str(library) not in self.entries:
                self.put(str(library), library.read_bytes(), 0o755)

    def files(self, source, path, suffix=""):
        for file in sorted(pathlib.Path(source).rglob(f"*{suffix}")):
            if file.is_file():
                self.put(f"{path}/{file.relative_to(source)}", file.read_bytes())

    def write(self, path):
        """As the kernel unpacks it: cpio's format `newc` (Documentation/driver-api/early-userspace/buffer-format.rst)."""
        with gzip.open(path, "wb", compresslevel=1) as out:
            for number, (name, (mode, content)) in enumerate(self.entries.items(), 1):
                out.write(record(name.lstrip("/"), mode, content, number, (5, 1) if name == "/dev/console" else (0, 0)))
            out.write(record("TRAILER!!!", 0, b"", 0))


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def record(name, mode, content, number, device=(0, 0)):
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields)
    return padded(head + name.encode() + b"\0") + padded(content)


def base(tree):
    """A shell, the tools that labs call, and links to busybox for what scripts use."""
    tree.console()
    for folder in ("/proc", "/sys", "/tmp", "/run", "/var/lib", "/root", "/etc/iproute2"):
        tree.folder(folder)
    # env of busybox would run its own shell, and that its own `ip`.
    for program, path in (("dash", "/bin/sh"), ("env", "/usr/bin/env"), ("ip", "/usr/sbin/ip"), ("bridge", "/usr/sbin/bridge"),
                          ("nft", "/usr/sbin/nft"), ("busybox", "/bin/busybox"), ("modprobe", "/sbin/modprobe"), ("conntrack", "/usr/sbin/conntrack")):
        tree.program(found(program).resolve(), path)
    tree.link("/usr/bin/ip", "/usr/sbin/ip")
    for applet in APPLETS:
        tree.link(f"/usr/bin/{applet}", "/bin/busybox")
    tree.put("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
    for name in ("/etc/protocols", "/etc/ssl/openssl.cnf"):
        if pathlib.Path(name).exists():
            tree.put(name, pathlib.Path(name).read_bytes())
