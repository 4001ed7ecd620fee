#!/usr/bin/python3
"""Builds the OCI image of conntruth from its built programs, without a container engine and without a base image.

What is in it: the programs (stripped), the shared libraries that they need and no others, the licence of each Debian
package that one came from, and an SBOM (SPDX 2.3) in /usr/share/doc/conntruth/sbom.spdx.json. There is no shell. The
same programs and packages give the same bytes.

    conntruth_image.py --output conntruth.tar [--bin build/bin] [--name NAME:TAG] [--sbom FILE]
"""

import argparse
import datetime
import functools
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import oci_image  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("conntruth", "conntruth-agent", "conntruth-anchor")
DOCS = "/usr/share/doc"
DATA = {"catalogue": "controller/catalogue/data", "profiles": "controller/profile/data"}  # as common/data_folder finds them
REPOSITORY = "ghcr.io/conntruth/conntruth"  # as the install in deploy/ names it
SPDX_ID = re.compile(r"[^A-Za-z0-9.-]")
# "libfmt.so.9 => /lib/x86_64-linux-gnu/libfmt.so.9 (0x…)" and "/lib64/ld-linux-x86-64.so.2 (0x…)"
LIBRARY = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.M)


class Failure(Exception):
    """One line for the user: what is wrong and what to do about it."""


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def version():
    found = re.search(r"project\(conntruth VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    return found[1]


def libraries(programs):
    """Every shared library that a program loads when it starts, as the loader names it."""
    found = set()
    for program in programs:
        text = run("ldd", program)
        missing = re.search(r"^\s*(\S+) => not found$", text, re.M)
        if missing:
            raise Failure(f"{program} needs {missing[1]}, which is not installed; ./run setup installs what it is built with")
        found.update(LIBRARY.findall(text))
    return sorted(found)


def in_usr(path):
    """Debian's /lib and /lib64 are links to those in /usr; in the image, too."""
    return path if path.startswith("/usr/") else "/usr" + path


def owner(path):
    """The Debian package that a file came from, as dpkg knows it: on a merged /usr by either of its names."""
    real = str(pathlib.Path(path).resolve())
    for name in (real, real.removeprefix("/usr"), path):
        done = subprocess.run(("dpkg", "-S", name), capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.split(": ")[0].split(",")[0]
    raise Failure(f"no Debian package owns {path}; the image takes libraries from packages alone, for their licences")


@functools.lru_cache(maxsize=None)
def package(name):
    fields = ("Package", "Version", "Architecture", "source:Package", "source:Version")
    values = run("dpkg-query", "-W", "-f", "\n".join(f"${{{field}}}" for field in fields), name).split("\n")
    return dict(zip(("name", "version", "architecture", "source", "source_version"), values))


def stripped(program):
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder) / "program"
        run("strip", "--strip-all", "-o", target, program)
        return target.read_bytes()


def data_files(prefix):
    """What conntruth reads beside itself."""
    return [oci_image.file_entry(f"{prefix}/share/conntruth/{name}/{file.name}", file)
            for name, folder in sorted(DATA.items()) for file in sorted((ROOT / folder).glob("*.yaml"))]


def sbom(contents, when):
    """SPDX 2.3: conntruth and every Debian package, each with the files that came from it.
    `contents`: (package or None for conntruth itself, path in the image, bytes)."""
    spdx_id = lambda *words: "SPDXRef-" + SPDX_ID.sub("-", "-".join(words))  # noqa: E731
    whole = {"SPDXID": "SPDXRef-conntruth", "name": "conntruth", "versionInfo": version(), "licenseDeclared": "Apache-2.0"}
    packages, files, relations = {None: whole}, [], [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-conntruth")]
    for name, path, data in sorted(contents, key=lambda each: each[1]):
        if name not in packages:
            facts = package(name)
            packages[name] = {
                "SPDXID": spdx_id("deb", facts["name"]), "name": facts["name"], "versionInfo": facts["version"],
                "licenseDeclared": "NOASSERTION", "sourceInfo": f"Debian source {facts['source']} {facts['source_version']}",
                "licenseComments": f"see {DOCS}/{facts['name']}/copyright in the image",
                "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator":
                                  f"pkg:deb/debian/{facts['name']}@{facts['version']}?arch={facts['architecture']}"}]}
            relations.append(("SPDXRef-conntruth", "DEPENDS_ON", packages[name]["SPDXID"]))
        file_id = spdx_id("file", path.lstrip("/"))
        sums = [{"algorithm": kind.upper(), "checksumValue": hashlib.new(kind, data).hexdigest()} for kind in ("sha1", "sha256")]
        files.append({"SPDXID": file_id, "fileName": "." + path, "checksums": sums, "licenseConcluded": "NOASSERTION",
                      "licenseInfoInFiles": ["NOASSERTION"], "copyrightText": "NOASSERTION"})
        relations.append((packages[name]["SPDXID"], "CONTAINS", file_id))
    common = {"downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "NOASSERTION",
              "copyrightText": "NOASSERTION"}
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    return json.dumps({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"conntruth-{version()}",
        "documentNamespace": f"https://spdx.org/spdxdocs/conntruth-{version()}-{digest}",
        "creationInfo": {"creators": ["Tool: conntruth_image.py"], "created": datetime.datetime.fromtimestamp(
            when, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")},
        "packages": [common | each for each in packages.values()], "files": files,
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in relations],
    }, indent=1).encode() + b"\n"


def base_layer(paths):
    """Libraries with the licences of their packages, and who the users are. Returns entries and SBOM contents."""
    entries = [oci_image.Entry(path, link=f"usr{path}") for path in ("/lib", "/lib64")]
    entries.append(oci_image.Entry("/etc/passwd", b"root:x:0:0::/:/none\nnonroot:x:65532:65532::/:/none\n"))
    entries.append(oci_image.Entry("/etc/group", b"root:x:0:\nnonroot:x:65532:\n"))
    contents = []
    for path in paths:
        name, entry = owner(path), oci_image.file_entry(in_usr(path), pathlib.Path(path).resolve())
        entries.append(entry)
        contents.append((name, entry.path, entry.content))
    for name in sorted({package(owner)["name"] for owner, _, _ in contents}):
        licence = pathlib.Path(DOCS) / name / "copyright"
        if not licence.exists():
            raise Failure(f"{licence} is missing; reinstall {name} (a system without documentation has no licences to pass on)")
        entries.append(oci_image.file_entry(str(licence), licence.resolve()))
    return entries, contents


def build(folder, names, when):
    """Layers, the lower one changes less often, and the SBOM."""
    programs = [pathlib.Path(folder) / name for name in names]
    for program in programs:
        if not program.exists():
            raise Failure(f"there is no {program}; ./run build makes it")
    base, contents = base_layer(libraries(programs))
    own = [oci_image.Entry(f"/usr/bin/{program.name}", stripped(program), 0o755) for program in programs]
    contents += [(None, each.path, each.content) for each in own]
    bill = sbom(contents, when)
    own += data_files("/usr")
    own.append(oci_image.Entry(f"{DOCS}/conntruth/sbom.spdx.json", bill))
    own.append(oci_image.file_entry(f"{DOCS}/conntruth/LICENSE", ROOT / "LICENSE"))
    return [base, own], bill


def main(argv):
    parser = argparse.ArgumentParser(prog="conntruth_image.py", description="Builds the OCI image of conntruth.")
    parser.add_argument("--output", required=True, help="the image layout, a tar")
    parser.add_argument("--bin", default=str(ROOT / "build" / "bin"), help="folder of the built programs (default build/bin)")
    parser.add_argument("--name", default=f"{REPOSITORY}:{version()}", help=f"NAME:TAG (default {REPOSITORY}:VERSION)")
    parser.add_argument("--sbom", help="write the SBOM there, too")
    args = parser.parse_args(argv)
    try:
        layers, bill = build(args.bin, PROGRAMS, oci_image.source_time())
    except Failure as failure:
        print(f"conntruth_image.py: {failure}", file=sys.stderr)
        return 1
    labels = (("org.opencontainers.image.title", "conntruth"), ("org.opencontainers.image.version", version()),
              ("org.opencontainers.image.licenses", "Apache-2.0"))
    config = oci_image.Config(entrypoint=("/usr/bin/conntruth",), environment=("PATH=/usr/bin",), labels=labels)
    oci_image.write_image(args.output, args.name, layers, config)
    if args.sbom:
        pathlib.Path(args.sbom).write_bytes(bill)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
