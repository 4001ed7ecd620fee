#!/usr/bin/env bash
# Makes an authority and a certificate for conntruth's controller: ca.crt, tls.crt and tls.key in FOLDER. The authority's
# own key is thrown away; a new certificate means a new authority, and both reach agents and controller by the Secret.
#   certificate.sh FOLDER [DAYS]
set -euo pipefail
export LC_ALL=C
[ $# -ge 1 ] || { echo "usage: certificate.sh FOLDER [DAYS]" >&2; exit 1; }
readonly folder=$1 days=${2:-3650} name=conntruth-controller.conntruth-system.svc
command -v openssl >/dev/null || { echo "certificate.sh: openssl is not installed" >&2; exit 1; }
umask 077
mkdir -p "$folder"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
run() { openssl "$@" 2>"$scratch/error" || { cat "$scratch/error" >&2; exit 1; }; }
new_key() { run ecparam -name prime256v1 -genkey -noout -out "$1"; }

new_key "$scratch/ca.key"
run req -x509 -new -key "$scratch/ca.key" -days "$days" -subj /CN=conntruth -out "$scratch/ca.crt" \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
new_key "$scratch/tls.key"
run req -new -key "$scratch/tls.key" -subj /CN=conntruth-controller -out "$scratch/request"
printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature\n' "$name" >"$scratch/names"
run x509 -req -in "$scratch/request" -CA "$scratch/ca.crt" -CAkey "$scratch/ca.key" -CAcreateserial -days "$days" \
  -extfile "$scratch/names" -out "$scratch/tls.crt"
mv "$scratch"/{ca.crt,tls.crt,tls.key} "$folder"
