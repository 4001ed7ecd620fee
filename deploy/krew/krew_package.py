#!/usr/bin/python3
"""Packs `kubectl conntruth` for krew: an archive that runs on any Linux with a shell, and the manifest that names it.

The program comes with the shared libraries that it needs and their loader, because krew knows no dependencies. The same
programs and packages give the same bytes. Source: krew.sigs.k8s.io/docs/developer-guide/plugin-manifest.

    krew_package.py --output FOLDER [--bin build/bin] [--base-url URL]
"""

import argparse
import gzip
import hashlib
import io
import pathlib
import platform
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "image"))
import conntruth_image  # noqa: E402
import oci_image  # noqa: E402

PROGRAM = "kubectl-conntruth"
URL = "https://github.com/conntruth/conntruth/releases/download"
# krew runs it through a link; the program tells by its name that it is a plug-in of kubectl.
LAUNCHER = f"""#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/lib/{{loader}}" --argv0 {PROGRAM} --library-path "$here/lib" "$here/lib/conntruth" "$@"
"""
MANIFEST = """# For `kubectl krew install --manifest=conntruth.yaml --archive={archive}`, or for krew's index.
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: conntruth
spec:
  version: v{version}
  homepage: https://github.com/conntruth/conntruth
  shortDescription: Tell what the Service dataplane does to packets
  description: |
    Probes Services from every node with every protocol and compares each answer with what the Kubernetes API says should
    happen. A red cell comes with the packets that prove it.
  caveats: |
    The agents come into the cluster by
      kubectl conntruth install --image REGISTRY/conntruth:{version}
    which needs the right to make ClusterRoles and a privileged namespace. `kubectl conntruth uninstall` removes them.
  platforms:
    - selector:
        matchLabels: {{os: linux, arch: {arch}}}
      uri: {url}/v{version}/{archive}
      sha256: {digest}
      bin: {program}
      files:
        - {{from: "*", to: "."}}
"""


def entries(program):
    libraries = conntruth_image.libraries([program])
    loader = next(pathlib.Path(each).name for each in libraries if pathlib.Path(each).name.startswith("ld-linux"))
    files = [oci_image.Entry("/" + PROGRAM, LAUNCHER.format(loader=loader).encode(), 0o755),
             oci_image.Entry("/lib/conntruth", conntruth_image.stripped(program), 0o755),
             oci_image.file_entry("/LICENSE", conntruth_image.ROOT / "LICENSE")]
    files += conntruth_image.data_files("")
    for path in libraries:
        files.append(oci_image.Entry(f"/lib/{pathlib.Path(path).name}", pathlib.Path(path).read_bytes(), 0o755))
    names = {conntruth_image.package(conntruth_image.owner(path))["name"] for path in libraries}
    return files + [oci_image.file_entry(f"/licences/{name}", pathlib.Path(conntruth_image.DOCS) / name / "copyright")
                    for name in sorted(names)]


def archive(program):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=oci_image.source_time(), filename="", compresslevel=6) as stream:
        stream.write(oci_image.write_tar(entries(program), oci_image.source_time()))
    return packed.getvalue()


def main(argv):
    parser = argparse.ArgumentParser(prog="krew_package.py", description="Packs kubectl conntruth for krew.")
    parser.add_argument("--output", required=True, help="folder for the archive and conntruth.yaml")
    parser.add_argument("--bin", default=str(conntruth_image.ROOT / "build" / "bin"), help="folder of the built programs")
    parser.add_argument("--base-url", default=URL, help=f"where releases are (default {URL})")
    args = parser.parse_args(argv)
    program = pathlib.Path(args.bin) / "conntruth"
    if not program.exists():
        print(f"krew_package.py: there is no {program}; ./run build makes it", file=sys.stderr)
        return 1
    version, arch = conntruth_image.version(), oci_image.ARCHITECTURES.get(platform.machine(), platform.machine())
    name, data = f"{PROGRAM}-{version}-linux-{arch}.tar.gz", archive(program)
    folder = pathlib.Path(args.output)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    (folder / "conntruth.yaml").write_text(MANIFEST.format(
        version=version, arch=arch, url=args.base_url.rstrip("/"), archive=name, program=PROGRAM,
        digest=hashlib.sha256(data).hexdigest()), encoding="utf-8")
    print(f"{folder / name}: {len(data) >> 20} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
