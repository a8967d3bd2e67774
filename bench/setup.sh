#!/bin/sh
# Installs the programs that bench/run.py takes its figures with, from Debian. Nothing is started.
set -eu
exec sh "$(dirname "$0")/../tests/servers.sh" \
    openssl:openssl nginx:nginx-light tcpdump:tcpdump \
    prometheus-blackbox-exporter:prometheus-blackbox-exporter
