"""What is measured: a name, the bound that the project wants, and the command. A row that cannot run says so."""

import dataclasses

LAB = "bench"  # every lab made here is named bench-something and removed again


@dataclasses.dataclass(frozen=True)
class Figure:
    name: str
    want_seconds: float | None  # shown beside the result, never asserted; None: only for comparison
    command: str  # timed, in a shell; {bin} is the folder of the programs
    before: str = "true"  # not timed, before each run
    after: str = "true"  # not timed, after each run, also when it failed
    exit_codes: tuple = (0,)
    shows: bool = False  # its output, one line, stands beside its time


def lab(name, nodes, command):
    """A figure's three commands around a lab of its own, which is there before the clock starts."""
    return dict(before=f"{{bin}}/conntruth lab up --name {LAB}-{name} --nodes {nodes}",
                command=f"{{bin}}/conntruth {command} --lab {LAB}-{name} -o json",
                after=f"{{bin}}/conntruth lab down {LAB}-{name}")


def lab_up(name, nodes):
    return dict(command=f"{{bin}}/conntruth lab up --name {LAB}-{name} --nodes {nodes}",
                after=f"{{bin}}/conntruth lab down {LAB}-{name}")


FIGURES = (
    Figure("lab-up-3", 2, **lab_up("up3", 3)),
    Figure("lab-up-50", 20, **lab_up("up50", 50)),
    Figure("catalogue-3", 20, **lab("all3", 3, "run --protocol tcp,udp")),
    Figure("sv-rows-3", 5, **lab("sv3", 3, "run --select 'SV-*' --protocol tcp,udp")),
    Figure("kube-scale", 60, "{bin}/bench_kube_scale", shows=True),
    # From a pod of every node: to a Service with an endpoint on every node by its ClusterIP, and to every node's node
    # ports, in a Latin square of client, entry and endpoint.
    Figure("mesh-30", 30, **lab("mesh30", 30, "run --select 'clusterip/*-pod-*>*,nodeport/*-pod-*>*' --protocol tcp,udp "
                                "--ip-family ipv4")),
    # The same two scenarios whole: both families, and from the hosts and the client outside too.
    Figure("mesh-30-all", None, **lab("mesh30", 30, "run --select clusterip,nodeport --protocol tcp,udp")),
)
