"""Boots a kernel in QEMU without KVM, runs tasks inside and brings back what each of them printed and returned."""

import contextlib
import dataclasses
import os
import pathlib
import re
import subprocess
import tempfile

import initramfs

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "conntruth" / "vm"
# Without cx16: QEMU 7.2 sometimes gets cmpxchg16b wrong, which newer kernels' allocator uses. Without la57: slower.
MACHINE = ("-accel", "tcg,thread=multi", "-cpu", "max,la57=off,cx16=off", "-smp", "2", "-m", "2048", "-nographic", "-no-reboot",
           "-net", "none", "-vga", "none")
COMMAND_LINE = "console=ttyS0 quiet rdinit=/init panic=-1 mitigations=off random.trust_cpu=on"
PROGRAMS = ("conntruth", "conntruth-agent", "conntruth-lab-init", "conntruth-lab-proxy", "lab_agent", "lab_bpf")
MARK = re.compile(r"^guest: (begin|end) (\S+) ?(\d*)$")


@dataclasses.dataclass
class Task:
    """What a task printed, and its exit code: None where the guest did not come to its end."""
    output: str = ""
    code: int | None = None


@dataclasses.dataclass
class Guest:
    kernel: str  # `uname -r`
    tasks: dict
    done: bool  # it came to its last mark
    console: str


def kernel_folder(name):
    folder = CACHE / name
    if not (folder / "version").exists():
        raise SystemExit(f"there is no kernel {name} in {CACHE}; ./run setup vm fetches it")
    return folder


def make_root(folder, tasks, path, programs=ROOT / "build" / "bin"):
    tree = initramfs.Tree()
    initramfs.base(tree)
    for name in PROGRAMS:
        tree.program(programs / name, f"/opt/conntruth/bin/{name}", strip=True)
    for name, source in (("catalogue", "controller/catalogue/data"), ("profiles", "controller/profile/data"),
                         ("faults", "lab/faults/data")):
        tree.files(ROOT / source, f"/opt/conntruth/share/conntruth/{name}")
    tree.files(ROOT / "tests" / "bpf", "/opt/conntruth/source/tests/bpf", ".yaml")
    tree.files(folder / "modules", "/lib/modules")
    for number, (name, script) in enumerate(tasks.items()):
        tree.put(f"/guest/tasks/{number:02}-{name}", script.encode())
    tree.put("/init", (HERE / "guest_init.sh").read_bytes(), 0o755)
    tree.write(path)


def read_console(text):
    """The tasks by name, from between their marks."""
    tasks, current, kernel = {}, None, ""
    for line in text.replace("\r", "").splitlines():
        mark = MARK.match(line)
        if "guest: kernel " in line:  # behind what the firmware has sent to clear the screen
            kernel = line.split()[-1]
        elif mark and mark[1] == "begin":
            current = tasks.setdefault(mark[2].split("-", 1)[1], Task())
        elif mark:
            tasks.setdefault(mark[2].split("-", 1)[1], Task()).code = int(mark[3])
            current = None
        elif current is not None:
            current.output += line + "\n"
    return Guest(kernel, tasks, "\nguest: done" in text.replace("\r", ""), text)


def run(name, tasks, console, seconds):
    """`tasks`: name → shell script, in their order. `console`: file for all that the guest says. `seconds`: of a guest
    that hangs, not a bound for speed."""
    folder = kernel_folder(name)
    with tempfile.TemporaryDirectory(prefix="conntruth-vm-") as scratch:
        root = pathlib.Path(scratch) / "root.gz"
        make_root(folder, tasks, root)
        command = [initramfs.found("qemu-system-x86_64"), *MACHINE, "-kernel", folder / "vmlinuz", "-initrd", root, "-append", COMMAND_LINE]
        with open(console, "wb") as out, contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=seconds, check=False)
    return read_console(console.read_text(encoding="utf-8", errors="replace"))
