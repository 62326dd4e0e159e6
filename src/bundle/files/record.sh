# Everything that kubectl shows of the cluster, as it is now.
KINDS=nodes,namespaces,pods,services,endpoints,deployments,replicasets,daemonsets,statefulsets,jobs,configmaps,persistentvolumes,persistentvolumeclaims

# Text as a JSON string.
string() {
  printf '"'
  printf '%s' "$1" | tr '\n\t' '  ' | sed 's/\\/\\\\/g; s/"/\\"/g'
  printf '"'
}

# Whatever a kubectl command prints as JSON; null where it fails.
json() {
  local printed
  if printed=$(on m-k8s "$1" 2> /dev/null) && [ -n "$printed" ]; then
    printf '%s' "$printed"
  else
    printf 'null'
  fi
}

# What the cluster does not know of itself.
machine() {
  local unit
  string "$1"
  printf ': {"kernel": '
  string "$(on "$1" 'uname -r' 2> /dev/null)"
  for unit in kubelet docker containerd; do
    printf ', "%s": ' "$unit"
    string "$(on "$1" "systemctl is-active $unit" 2> /dev/null)"
  done
  printf '}'
}

record() {
  local separator='' name
  printf '{"format": "kubedrill-record/1", "lesson": '
  string "$lesson"
  printf ', "profile": '
  string "$profile"
  printf ', "taken": '
  string "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
  printf ',\n"version": '
  json 'kubectl version -o json'
  printf ',\n"objects": '
  json "kubectl get $KINDS -A -o json"
  printf ',\n"events": '
  json 'kubectl get events -A -o json'
  printf ',\n"machines": {'
  for name in m-k8s $(seq -f 'w%g-k8s' 1 "$workers"); do
    printf '%s' "$separator"
    machine "$name"
    separator=$',\n'
  done
  printf '}}\n'
}

file=${1:-$lesson-$(date +%Y%m%d-%H%M%S).json}
record > "$file"
say "$file 에 저장했습니다." "Written to $file"
