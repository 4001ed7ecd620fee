#!/usr/bin/env bash
# Builds the real Kubernetes programs of programs.txt from the Go module proxy and gets etcd and containerd from Debian,
# once:
#   ${XDG_CACHE_HOME:-~/.cache}/conntruth/kube/VERSION-HASH/bin/PROGRAM     HASH of go.mod, go.sum and the mains
#   .../kube/NAME-VERSION-HASH/bin/PROGRAM                                  CoreDNS and Helm
#   .../kube/coredns-VERSION-HASH/images/PROGRAM.tar                        what a kubelet lab runs in pods
#   .../kube/etcd/bin/etcd                                                  where Debian's package is not installed
#   .../kube/containerd/{bin,cni}                                           containerd, runc and CNI plug-ins
#   .../kube/go                                                             a Go tool chain, where there is none
# Everything appears by rename, so what was interrupted goes on where it stopped. Called by `./run setup kube`.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

readonly cache="${XDG_CACHE_HOME:-$HOME/.cache}/conntruth/kube"
readonly packer=../../deploy/image/oci_image.py
readonly go_version=1.26.8  # what is fetched where no Go is new enough
go=""

say() { printf 'run: setup kube: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# version_of GO: "1.26.8", or nothing where it does not run.
version_of() { GOTOOLCHAIN=local "$1" version 2>/dev/null | sed -n 's/^go version go\([0-9.]*\).*/\1/p'; }
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# Debian 12 has Go 1.19, which knows nothing of tool chains but can download the module that one is published as; its
# files come without the right to be executed.
fetch_go() {
  local old=$1 arch module scratch
  arch=$(dpkg --print-architecture)
  module="golang.org/toolchain@v0.0.1-go$go_version.linux-$arch"
  scratch="$cache/go.tmp.$$"
  say "fetching Go $go_version through the module proxy (Go $(version_of "$old") is too old)"
  mkdir -p "$scratch/empty"
  (cd "$scratch/empty" && GOTOOLCHAIN=local GOFLAGS=-modcacherw GOPATH="$scratch" GOMODCACHE="$scratch/mod" "$old" mod download "$module") >&2 ||
    die "could not download $module; check the network and GOPROXY"
  chmod +x "$scratch/mod/$module/bin/"* "$scratch/mod/$module/pkg/tool/linux_$arch/"*
  rm -rf "$cache/go"
  mv "$scratch/mod/$module" "$cache/go"
  rm -rf "$scratch"
}

# find_go WANTED: sets `go` to one that is new enough.
find_go() {
  local wanted=$1 each any=""
  for each in "$(command -v go || true)" /usr/local/go/bin/go "$cache/go/bin/go" /usr/lib/go-*/bin/go; do
    [ -x "$each" ] || continue
    any=${any:-$each}
    if at_least "$(version_of "$each")" "$wanted"; then go=$each; return; fi
  done
  if [ -z "$any" ]; then
    say "installing Debian's Go"
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
    "${apt[@]}" install --no-install-recommends golang-go </dev/null >&2 ||
      { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends golang-go; } </dev/null >&2 ||
      die "there is no Go and apt-get could not install golang-go"
    any=/usr/bin/go
  fi
  fetch_go "$any"
  go="$cache/go/bin/go"
  at_least "$(version_of "$go")" "$wanted" || die "$go is no Go $wanted; delete $cache/go and try again"
}

runs_in_pods() { [ "$1" = coredns ]; }

# inputs MODULE: everything that the result depends on.
inputs() {
  cat "$1/go.mod" "$1/go.sum"
  find "$1" -name main.go | sort | xargs -r cat
  if runs_in_pods "$1"; then cat "$packer"; fi
}

# package_of MODULE PROGRAM: a folder with a main of ours, or a tool of the module that another one brings.
package_of() { if [ -d "$1/$2" ]; then echo "./$2"; else sed -n "s|^tool \\(.*/$2\\)\$|\\1|p" "$1/go.mod"; fi; }

# Where a program keeps the version that it shows.
stamp_of() { if [ "$1" = helm ]; then echo helm.sh/helm/v3/internal/version.version; else echo k8s.io/component-base/version.gitVersion; fi; }

# build MODULE PROGRAM..: a module vX.Y is Kubernetes itself.
build() {
  local module=$1 version hash base bin program began
  shift
  version=$(sed -nE 's/^(require|\t)? *(k8s.io\/kubernetes|github.com\/coredns\/coredns|helm.sh\/helm\/v3) (v[0-9.]*)( .*)?$/\3/p' \
    "$module/go.mod")
  hash=$(inputs "$module" | sha256sum | cut -c1-12)
  base="$cache/$version-$hash"
  case $module in v*) ;; *) base="$cache/$module-$version-$hash" ;; esac
  bin="$base/bin"
  mkdir -p "$bin"
  touch "$base"  # of several builds of a version the last one asked for is taken
  for program in "$@"; do
    if [ ! -x "$bin/$program" ]; then
      [ -n "$go" ] || find_go "$(sed -n 's/^go //p' ./*/go.mod | sort -V | tail -n 1)"
      say "building $program $version (minutes, the first one longest)"
      began=$SECONDS
      (cd "$module" && CGO_ENABLED=0 GOFLAGS="-mod=readonly -buildvcs=false" GOTOOLCHAIN=local nice "$go" build -trimpath \
        -ldflags "-s -w -X $(stamp_of "$module")=$version" -o "$bin/.$program.tmp" "$(package_of . "$program")") >&2 ||
        die "$program $version does not build, see above"
      mv "$bin/.$program.tmp" "$bin/$program"
      say "built $program $version in $((SECONDS - began)) s"
    fi
    if runs_in_pods "$module"; then pack "$base" "$program"; fi
  done
}

# pack BASE PROGRAM: an image of one program that nothing else has to be beside.
pack() {
  local base=$1 program=$2
  [ -f "$base/images/$program.tar" ] && return
  mkdir -p "$base/images"
  /usr/bin/python3 "$packer" --name "conntruth.lab/$program:lab" --output "$base/images/$program.tar" \
    --entrypoint "/$program" "/$program=$base/bin/$program" || die "could not pack the image of $program"
}

# unpack PACKAGE..: Debian's packages into the current folder. Installing them would start services of this machine.
unpack() {
  local apt=(apt-get -q -o APT::Sandbox::User=root) each
  "${apt[@]}" download "$@" || { "${apt[@]}" update && "${apt[@]}" download "$@"; } || return
  for each in ./*.deb; do dpkg-deb -x "$each" . || return; done
}

get_etcd() {
  local scratch="$cache/etcd.tmp.$$"
  if [ -x /usr/bin/etcd ] || [ -x "$cache/etcd/bin/etcd" ]; then return; fi
  say "taking etcd out of Debian's package etcd-server"
  mkdir -p "$scratch/etcd/bin"
  (cd "$scratch" && unpack etcd-server && mv usr/bin/etcd etcd/bin/) >&2 ||
    die "could not get etcd-server from Debian; check the network and /etc/apt"
  rm -rf "$cache/etcd"
  mv "$scratch/etcd" "$cache/etcd"
  rm -rf "$scratch"
}

get_containerd() {
  local scratch="$cache/containerd.tmp.$$"
  [ -x "$cache/containerd/cni/host-local" ] && return
  say "taking containerd, runc and CNI plug-ins out of Debian's packages"
  mkdir -p "$scratch/containerd/bin" "$scratch/containerd/cni"
  (
    cd "$scratch" && unpack containerd runc containernetworking-plugins &&
      mv usr/bin/containerd usr/bin/containerd-shim-runc-v2 usr/bin/ctr usr/sbin/runc containerd/bin/ &&
      mv usr/lib/cni/host-local usr/lib/cni/loopback containerd/cni/
  ) >&2 || die "could not get containerd, runc and containernetworking-plugins from Debian; check the network and /etc/apt"
  rm -rf "$cache/containerd"
  mv "$scratch/containerd" "$cache/containerd"
  rm -rf "$scratch"
}

main() {
  local module programs
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  rm -rf "$cache"/*.tmp.*  # of a setup that was interrupted
  get_etcd
  get_containerd
  while read -r module programs; do
    case $module in '' | '#'*) continue ;; esac
    # shellcheck disable=SC2086  # a list of words
    build "$module" $programs </dev/null
  done <programs.txt
  say "all programs are in $cache"
}

main "$@"
