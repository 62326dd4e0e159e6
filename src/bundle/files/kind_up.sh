#!/usr/bin/env bash
# Makes the drill's cluster with kind and puts the manifests where the drill expects them.
# Usage: kind/up.sh
# Then: KIND=kubedrill drills/{{lesson}}/run.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)

{{image}}kind create cluster --config "$here/cluster.yaml"{{image_option}}
docker cp "$here/../manifests/." kubedrill-control-plane:/root/
