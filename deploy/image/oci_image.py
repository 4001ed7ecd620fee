#!/usr/bin/python3
"""Packs files into an OCI image without a container engine: an image layout as one tar, for `ctr images import`.

The same input gives the same bytes: entries are sorted, owned by root and carry one time (SOURCE_DATE_EPOCH, else 0).
Source: opencontainers/image-spec v1.1 (image-layout.md, manifest.md, config.md).

    oci_image.py --name NAME:TAG --output FILE.tar --entrypoint /pause /pause=build/pause [PATH=FILE ...]
"""

import argparse
import dataclasses
import datetime
import hashlib
import io
import json
import os
import pathlib
import platform
import stat
import sys
import tarfile

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One file or symbolic link of a layer; `path` is absolute."""

    path: str
    content: bytes = b""
    mode: int = 0o644
    link: str = ""


@dataclasses.dataclass(frozen=True)
class Config:
    entrypoint: tuple = ()
    command: tuple = ()
    user: str = "0:0"
    environment: tuple = ()
    labels: tuple = ()  # of (key, value)


def file_entry(path, source):
    """A copy of the file `source`, executable where that is."""
    source = pathlib.Path(source)
    executable = source.stat().st_mode & stat.S_IXUSR
    return Entry(path, source.read_bytes(), 0o755 if executable else 0o644)


def source_time():
    return int(os.environ.get("SOURCE_DATE_EPOCH", "0"))


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar_info(name, kind, mode, when):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime = kind, mode, when
    return info


def write_tar(entries, when):
    """Bytes of a tar with every folder above an entry named once."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        folders = {str(parent) for entry in entries for parent in pathlib.PurePosixPath(entry.path).parents}
        for folder in sorted(folders - {"/"}):
            tar.addfile(tar_info(folder.lstrip("/"), tarfile.DIRTYPE, 0o1777 if folder == "/tmp" else 0o755, when))
        for entry in sorted(entries, key=lambda each: each.path):
            info = tar_info(entry.path.lstrip("/"), tarfile.SYMTYPE if entry.link else tarfile.REGTYPE, entry.mode, when)
            info.linkname, info.size = entry.link, len(entry.content)
            tar.addfile(info, io.BytesIO(entry.content))
    return buffer.getvalue()


def image_config(config, layers, when):
    document = {
        "created": datetime.datetime.fromtimestamp(when, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"User": config.user, "Entrypoint": list(config.entrypoint)},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
    }
    if config.command:
        document["config"]["Cmd"] = list(config.command)
    if config.environment:
        document["config"]["Env"] = list(config.environment)
    if config.labels:
        document["config"]["Labels"] = dict(config.labels)
    return document


def descriptor(media, data):
    return {"mediaType": f"application/vnd.oci.image.{media}", "digest": digest(data), "size": len(data)}


def pack(name, layers, config, when=None):
    """An image layout as the bytes of a tar; `layers` are lists of entries, the lowest first. Layers are not compressed:
    they are unpacked on the machine that made them, or the registry's client compresses them."""
    when = source_time() if when is None else when
    blobs = [write_tar(entries, when) for entries in layers]
    to_json = lambda value: json.dumps(value, sort_keys=True, separators=(",", ":")).encode()  # noqa: E731
    settings = to_json(image_config(config, blobs, when))
    manifest = to_json({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("config.v1+json", settings),
        "layers": [descriptor("layer.v1.tar", blob) for blob in blobs],
    })
    top = descriptor("manifest.v1+json", manifest)
    # The first annotation is containerd's, the second the layout's own.
    top["annotations"] = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rpartition(":")[2]}
    index = to_json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [top]})
    files = [Entry("/oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), Entry("/index.json", index)]
    files += [Entry("/blobs/" + digest(blob).replace(":", "/"), blob) for blob in {settings, manifest, *blobs}]
    return write_tar(files, when)


def write_image(output, name, layers, config):
    """Appears by rename, so that nobody imports half of it."""
    output = pathlib.Path(output)
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    temporary.write_bytes(pack(name, layers, config))
    temporary.replace(output)


def main(argv):
    parser = argparse.ArgumentParser(prog="oci_image.py", description="Packs files into an OCI image layout.")
    parser.add_argument("--name", required=True, help="NAME:TAG under which it is imported")
    parser.add_argument("--output", required=True)
    parser.add_argument("--entrypoint", required=True)
    parser.add_argument("--user", default="0:0", help="UID:GID (default 0:0)")
    parser.add_argument("files", nargs="+", metavar="PATH=FILE")
    args = parser.parse_args(argv)
    entries = []
    for word in args.files:
        path, equals, source = word.partition("=")
        if not equals or not path.startswith("/"):
            parser.error(f"'{word}' is not of the form /PATH=FILE")
        entries.append(file_entry(path, source))
    write_image(args.output, args.name, [entries], Config(entrypoint=(args.entrypoint,), user=args.user))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
