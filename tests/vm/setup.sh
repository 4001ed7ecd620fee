#!/usr/bin/env bash
# Fetches Debian's kernels of kernels.txt for guests, once, through apt:
#   ${XDG_CACHE_HOME:-~/.cache}/conntruth/vm/NAME/{vmlinuz,version,modules/VERSION}
# by a configuration of apt's own: nothing of them is installed here, and the host's package lists stay as they are.
# They appear by rename, so what was interrupted is begun again. Called by `./run setup vm`, which installs the emulator.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

readonly cache="${XDG_CACHE_HOME:-$HOME/.cache}/conntruth/vm"
readonly keys=/usr/share/keyrings/debian-archive-keyring.gpg
# What labs and tests need of a kernel's modules, below kernel/.
readonly wanted='^(net/(netfilter|ipv4|ipv6|bridge|llc|802|core|sctp)/|drivers/net/(veth|dummy)\.ko|lib/|crypto/(crc|libcrc)|arch/x86/crypto/crc)'

say() { printf 'run: setup vm: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# mirror: where this machine has Debian from; what is named deb.debian.org has the security archive, too.
mirror() {
  local found
  # shellcheck disable=SC2016 # apt's own variable
  found=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -m 1 -E '/debian/?$' || true)
  echo "${found:-http://deb.debian.org/debian}"
}

# private_apt FOLDER SUITE..: package lists of their own in FOLDER.
private_apt() {
  local folder=$1 suite base each
  shift
  base=$(mirror)
  mkdir -p "$folder/lists/partial" "$folder/archives/partial"
  : >"$folder/sources.list"
  for suite in "$@"; do
    each=${base%/debian*}/${suite%%/*}
    echo "deb [signed-by=$keys] $each ${suite#*/} main" >>"$folder/sources.list"
  done
}

# apt FOLDER PROGRAM ARGS..
apt() {
  local folder=$1 program=$2
  shift 2
  "$program" -q -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User=root \
    -o "Dir::State::Lists=$folder/lists" -o "Dir::Cache=$folder" -o Acquire::Retries=3 "$@" </dev/null
}

# packages_of FOLDER: the kernel's own package and those that it was split into.
packages_of() {
  local image
  image=$(apt "$1" apt-cache depends --no-recommends linux-image-cloud-amd64 |
    sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | sort -V | tail -n 1)
  [ -n "$image" ] || return 1
  echo "$image"
  apt "$1" apt-cache depends "$image" | sed -n 's/^ *Depends: \(linux-\(modules\|binary\|base\)-[0-9].*\)$/\1/p'
}

# take_kernel UNPACKED TO: the kernel and the wanted modules, unpacked and with their dependencies.
take_kernel() {
  local image version modules
  image=$(find "$1" \( -path '*/boot/vmlinuz-*' -o -name vmlinuz \) -type f | head -n 1)
  modules=$(find "$1" -path '*/lib/modules/*' -maxdepth 5 -name kernel -type d | head -n 1)
  if [ -z "$image" ] || [ -z "$modules" ]; then die "$1 has no kernel, or no modules"; fi
  version=$(basename "$(dirname "$modules")")
  mkdir -p "$2/modules/$version/kernel"
  cp "$image" "$2/vmlinuz"
  (cd "$modules" && find . -name '*.ko*' -type f | sed 's|^\./||' | grep -E "$wanted" | xargs cp --parents -t "$2/modules/$version/kernel")
  find "$2/modules" -name '*.ko.xz' -exec xz -d {} +
  cp "$(dirname "$modules")"/modules.builtin* "$(dirname "$modules")"/modules.order "$2/modules/$version/" 2>/dev/null || true
  mkdir -p "$2/lib" && ln -s ../modules "$2/lib/modules"
  depmod -b "$2" "$version"
  rm -r "${2:?}/lib"
  echo "$version" >"$2/version"
}

fetch_kernel() {
  local name=$1 scratch=$cache/$1.tmp.$$ each
  shift
  mkdir -p "$scratch/unpacked" "$scratch/kernel"
  private_apt "$scratch" "$@"
  apt "$scratch" apt-get update >&2 || die "could not read the package lists of $*"
  local packages
  mapfile -t packages < <(packages_of "$scratch")
  [ ${#packages[@]} -gt 0 ] || die "$* have no kernel of the cloud flavour"
  say "$name: fetching ${packages[*]}"
  (cd "$scratch/archives" && apt "$scratch" apt-get download "${packages[@]}" >&2) || die "could not download ${packages[*]}"
  for each in "$scratch"/archives/*.deb; do dpkg-deb -x "$each" "$scratch/unpacked"; done
  take_kernel "$scratch/unpacked" "$scratch/kernel"
  rm -rf "${cache:?}/$name"
  mv "$scratch/kernel" "$cache/$name"
  rm -rf "$scratch"
  say "$name: $(cat "$cache/$name/version")"
}

main() {
  local name suites
  [ "$(dpkg --print-architecture)" = amd64 ] || die "guests are tried on amd64 only"
  mkdir -p "$cache"
  while read -r name suites; do
    case $name in "" | "#"*) continue ;; esac
    if [ -f "$cache/$name/version" ]; then
      say "$name: $(cat "$cache/$name/version") is there; delete $cache/$name for a newer one"
      continue
    fi
    # shellcheck disable=SC2086 # several suites
    fetch_kernel "$name" $suites
  done <kernels.txt
}

main
