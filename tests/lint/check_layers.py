#!/usr/bin/python3
"""Who may include whom. The two tables below are the rules; everything else here applies them to the #include lines.

usage: check_layers.py [ROOT] [--stamp FILE]     exit code 1 and one line per violation, or 0
"""

import argparse
import fnmatch
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tree  # noqa: E402

# Our own headers: the first row whose pattern fits the including file holds; the file may include what fits one of
# the listed patterns, and always its own folder. (`*` crosses folders.)
OWN = (
    # common knows nothing above it; the plain words of the project know nothing but each other.
    ("common/model/*", ("common/*.hpp",)),
    ("common/*", ("common/*",)),
    # The oracle is the specification: pure, built on the words alone, never on what runs or judges.
    ("controller/oracle/*", ("common/*",)),
    # The API client is built and tested without any other room, and serves them all.
    ("kube/*", ("common/*",)),
    ("controller/kube/*", ("common/*", "kube/*")),
    ("controller/cluster/*", ("common/*", "kube/*", "controller/kube/*", "controller/provider/*")),
    # Puts conntruth itself into a cluster, and sees what is there of it.
    ("controller/install/*", ("common/*", "kube/*", "controller/kube/*", "controller/cluster/*")),
    # Serves bytes and runs; which runs there are is told to it by an interface.
    ("controller/http/*", ("common/*",)),
    # The command that wires everything is the only place where the controller meets the lab; its demo plants a fault.
    ("controller/app/*", ("common/*", "kube/*", "controller/*", "lab/lab.hpp", "lab/cli/*.hpp", "lab/faults/faults.hpp")),
    ("controller/*", ("common/*", "controller/*")),
    ("lab/kubernetes/*", ("common/*", "kube/*", "lab/*")),
    # The lab's proxy must not share a mistake with the oracle, so no lab file sees the controller at all.
    ("lab/*", ("common/*", "lab/*")),
    # In a cluster the agent follows the controller's Lease; nothing else of it knows the API.
    ("agent/cluster/*", ("common/*", "kube/*", "agent/*")),
    # Programs for the kernel: they know the events that they write, and nothing of who reads them.
    ("bpf/*", ("bpf/*",)),
    # Asks the node what it knows; who asks and why is the agent's affair.
    ("agent/observe/*", ("common/*", "agent/io/*", "bpf/abi/*")),
    ("agent/*", ("common/*", "agent/*")),
    # Tests see everything, but a lab's proxy is tested without the oracle and the oracle without the proxy.
    ("tests/unit/lab/*", ("common/*", "lab/*", "tests/*")),
    ("tests/unit/controller/oracle/*", ("common/*", "controller/*", "tests/*")),
    ("tests/*", ("*",)),
)
# Never, whatever the table above grants: the reason is the message.
OWN_NEVER = (
    ("common/model/*", ("common/world/*", "common/codec/*", "common/wire/*"), "the model is plain words"),
    ("controller/oracle/*", ("common/codec/*", "common/wire/*", "common/world/world_reader.hpp"), "the oracle is pure: no input, no output"),
    ("lab/proxy/*", ("lab/topology/*", "lab/lab.hpp", "lab/faults/*"), "the proxy stands for a foreign one: it sees the world only"),
)
# Headers from outside: pattern of the header, files that may include it, why.
GRPC = ("agent/session/grpc_*.cpp", "controller/fleet/grpc_*.cpp", "tests/*")
OUTSIDE = (
    ("grpc*", GRPC, "gRPC is seen in its two adapters only, so that all else can be built for ThreadSanitizer"),
    ("*.grpc.pb.h", GRPC, "gRPC is seen in its two adapters only"),
    ("google/protobuf/*", ("common/codec/*", *GRPC), "protobuf is seen in common/codec and the two gRPC adapters only"),
    ("*.pb.h", ("common/codec/*", *GRPC), "protobuf is seen in common/codec and the two gRPC adapters only"),
    ("yaml-cpp/*", ("*.cpp",), "YAML stays behind a reader: never in a header"),
    ("nlohmann/*", ("*.cpp",), "JSON stays behind a reader or writer: never in a header"),
    ("boost/*", ("kube/*.cpp", "agent/probe/http_answer.cpp", "controller/http/server.cpp", "tests/*"),
     "Beast and Asio cost ten seconds per file: in the API client, the HTTP server and the reader of HTTP answers only"),
    ("openssl/*", ("kube/*.cpp", "lab/kubernetes/credentials.cpp", "agent/session/server_certificate.cpp", "tests/*"),
     "TLS and certificates are the affair of the API client and of what checks the controller's; a lab takes random numbers; and never in a header"),
    ("CLI/*", ("*/cli/*", "*/app/*", "*main.cpp", "tests/*"), "the command line is parsed in cli, app and main files only"),
    ("gtest/*", ("tests/*",), "test libraries stay in tests/"),
    ("gmock/*", ("tests/*",), "test libraries stay in tests/"),
    ("nftables/*", ("lab/*", "agent/observe/nft_session.cpp", "tests/*"), "only the lab writes packet filter rules; the agent traces them"),
    *((header, ("agent/observe/*.cpp", "bpf/*", "tests/*"), "libbpf is the affair of the packet walk alone; and never in a header")
      for header in ("bpf/bpf*", "bpf/btf.h", "bpf/libbpf*")),
    ("linux/bpf.h", ("agent/observe/*.cpp", "tests/*"), "bpf(2) is called by the packet walk alone"),
    ("libmnl/*", ("common/netlink/*", "agent/observe/*.cpp", "lab/proxy/*.cpp", "tests/*"), "the kernel's netlink is asked by the agent's observers and the lab's proxy"),
)
FOLDERS = ("agent", "bpf", "common", "controller", "kube", "lab", "proto", "tests")
INCLUDE = re.compile(r"\s*#\s*include\s*(?:<(?P<system>[^>]+)>|\"(?P<own>[^\"]+)\"|(?P<other>\S.*))")


def fits(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found


def judge_own(name, header):
    """Why `name` must not include our header, or nothing."""
    for pattern, never, reason in OWN_NEVER:
        if fits(name, (pattern,)) and fits(header, never):
            return reason
    folder = name.rsplit("/", 1)[0]
    for pattern, allowed in OWN:
        if fits(name, (pattern,)):
            return "" if fits(header, (*allowed, f"{folder}/*")) else f"{pattern} may include only {', '.join(allowed)}"
    return "no include rule covers this folder; add one to tests/lint/check_layers.py"


def judge_outside(name, header):
    for pattern, allowed, reason in OUTSIDE:
        if fits(header, (pattern,)):
            return "" if fits(name, allowed) else reason
    return ""


def judge(root, name, found):
    if found["other"]:
        return "an include by macro cannot be checked; name the header"
    header = found["own"] or found["system"]
    outside = judge_outside(name, header)
    if outside or found["system"]:
        return outside or ("our own headers go in quotes" if header.split("/")[0] in FOLDERS and (root / header).exists() else "")
    if header.endswith((".cpp", ".c")):
        return "a source file is not a header"
    if header.endswith(".pb.h"):
        return ""
    if header.startswith(".") or "/" not in header:
        return "include paths start at the root of the tree"
    if not (root / header).exists():
        return "there is no such header"
    return judge_own(name, header)


def problems(root):
    found = []
    for name in tree.cxx(root):
        if name.split("/")[0] not in FOLDERS:
            continue
        text = (root / name).read_text(encoding="utf-8", errors="replace")
        for number, match in includes(text):
            reason = judge(root, name, match)
            if reason:
                found.append(f"{name}:{number}: {match[0].strip()}: {reason}")
    return found


def main(argv):
    parser = argparse.ArgumentParser(description="Checks who includes whom.")
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=tree.ROOT)
    parser.add_argument("--stamp", type=pathlib.Path, help="touched where all is well, for the build")
    args = parser.parse_args(argv)
    found = problems(args.root.resolve())
    print("\n".join(found), end="\n" if found else "")
    if not found and args.stamp:
        args.stamp.touch()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
