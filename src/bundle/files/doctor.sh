#!/usr/bin/env bash
# Looks whether this computer can run the lab. Changes nothing.
# Usage: doctor.sh
# Exit code: 0 it can (warnings at most), 1 something is missing.
set -u

provider={{provider}}
prefix={{prefix}}
memory_mib={{memory}}
arch={{arch}}
workers={{workers}}

problems=0
# Each takes the Korean text, then the English one.
say() {
  case ${LC_ALL:-${LANG:-}} in
    ko*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$2" ;;
  esac
}
good() { say "  [v] $1" "  [v] $2"; }
warn() { say "  [!] $1" "  [!] $2"; }
bad() {
  say "  [x] $1" "  [x] $2"
  problems=$((problems + 1))
}
have() { command -v "$1" > /dev/null 2>&1; }

check_vagrant() {
  if ! have vagrant; then
    bad 'vagrant가 없습니다. https://developer.hashicorp.com/vagrant/install' \
      'vagrant is missing: https://developer.hashicorp.com/vagrant/install'
    return
  fi
  local version
  version=$(vagrant --version | sed 's/[^0-9]*//')
  case $version in
    0.* | 1.* | 2.[0-2].*) bad "vagrant $version 은 오래되었습니다. 2.3 이상이 필요합니다." "vagrant $version is too old: 2.3 or later" ;;
    *) good "vagrant $version" "vagrant $version" ;;
  esac
}

check_provider() {
  local program plugin=''
  case $provider in
    virtualbox) program=VBoxManage ;;
    libvirt) program=virsh plugin=vagrant-libvirt ;;
    vmware_desktop) program=vmrun plugin=vagrant-vmware-desktop ;;
    parallels) program=prlctl plugin=vagrant-parallels ;;
  esac
  if have "$program"; then
    good "$provider ($program)" "$provider ($program)"
  else
    bad "$provider 프로바이더의 $program 명령이 없습니다." "$program of the provider $provider is missing"
  fi
  [ -z "$plugin" ] && return
  if have vagrant && vagrant plugin list 2> /dev/null | grep -q "^$plugin "; then
    good "플러그인 $plugin" "plugin $plugin"
  else
    bad "플러그인이 없습니다: vagrant plugin install $plugin" "a plugin is missing: vagrant plugin install $plugin"
  fi
}

check_arch() {
  local here
  case $(uname -m) in
    x86_64 | amd64) here=amd64 ;;
    aarch64 | arm64) here=arm64 ;;
    *) here=$(uname -m) ;;
  esac
  if [ "$here" = "$arch" ]; then
    good "프로세서 $here" "processor $here"
  else
    bad "이 실습 환경은 ${arch}용인데 이 컴퓨터는 ${here}입니다. 다시 내보내십시오." \
      "this lab is for $arch, but this computer is $here: export it again"
  fi
}

check_memory() {
  local free_mib=''
  if [ -r /proc/meminfo ]; then
    free_mib=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)
  elif have vm_stat; then
    free_mib=$(vm_stat | awk -F: '
      /page size of/ {match($0, /[0-9]+ bytes/); size = substr($0, RSTART, RLENGTH) + 0}
      /Pages (free|inactive|speculative)/ {pages += $2}
      END {print int(pages * size / 1048576)}')
  fi
  if [ -z "$free_mib" ]; then
    warn "남은 메모리를 알 수 없습니다. 약 $memory_mib MiB가 필요합니다." "cannot tell the free memory; some $memory_mib MiB are needed"
  elif [ "$free_mib" -ge "$memory_mib" ]; then
    good "남은 메모리 $free_mib MiB (필요 $memory_mib MiB)" "$free_mib MiB of memory free, $memory_mib MiB needed"
  else
    bad "남은 메모리가 $free_mib MiB뿐입니다. $memory_mib MiB가 필요하니 워커 노드를 줄여 다시 내보내십시오." \
      "only $free_mib MiB of memory free, $memory_mib MiB needed: close programs, or export with fewer workers"
  fi
}

# Addresses of this computer with their interfaces, one pair a line.
addresses() {
  if have ip; then
    ip -4 -o addr show | awk '{split($4, a, "/"); print a[1], $2}'
  elif have ifconfig; then
    ifconfig | awk '/^[a-z]/ {name = $1; sub(/:$/, "", name)} $1 == "inet" {print $2, name}'
  fi
}

check_network() {
  local address name clash=''
  while read -r address name; do
    case $address in "$prefix".*) ;; *) continue ;; esac
    case $name in
      # A network that a provider made, perhaps for this very lab.
      vboxnet* | virbr* | bridge1[0-9][0-9] | vnic*) ;;
      vmnet*)
        if [ "$provider" != vmware_desktop ]; then
          clash="$name ($address)"
        else
          warn "VMware의 $name 이 이미 $prefix.0/24를 씁니다. 호스트 주소가 실습 머신과 겹치지 않는지 확인하십시오." \
            "VMware's $name already has $prefix.0/24: see that its address is none of the lab's"
        fi
        ;;
      *) clash="$name ($address)" ;;
    esac
    case $address in
      "$prefix".10 | "$prefix".10[1-9]) clash="$name ($address)" ;;
    esac
  done < <(addresses)
  if [ -n "$clash" ]; then
    bad "이 컴퓨터의 $clash 이 $prefix.0/24를 쓰고 있습니다. 네트워크 앞자리를 바꾸어 다시 내보내십시오." \
      "$clash of this computer uses $prefix.0/24: export the lab with another network prefix"
  else
    good "$prefix.0/24를 쓰는 다른 네트워크가 없습니다" "no other network uses $prefix.0/24"
  fi
  if [ "$provider" = virtualbox ] && [ "${prefix#192.168.5[6-9]}" = "$prefix" ] && [ "${prefix#192.168.6[0-3]}" = "$prefix" ]; then
    case $(uname -s) in
      Linux | Darwin)
        if ! grep -qs "^\* .*\($prefix\.0/24\|0\.0\.0\.0/0\)" /etc/vbox/networks.conf; then
          warn "/etc/vbox/networks.conf에 다음 줄이 필요합니다: * $prefix.0/24" "/etc/vbox/networks.conf needs the line: * $prefix.0/24"
        fi
        ;;
    esac
  fi
}

check_virtualisation() {
  [ -r /proc/cpuinfo ] && [ "$arch" = amd64 ] || return
  if grep -qE '^flags.* (vmx|svm)( |$)' /proc/cpuinfo; then
    good '하드웨어 가상화' 'hardware virtualisation'
  else
    bad '하드웨어 가상화가 꺼져 있습니다. BIOS에서 VT-x나 AMD-V를 켜십시오.' 'hardware virtualisation is off: turn on VT-x or AMD-V in the BIOS'
  fi
}

say "실습 환경: 머신 $((workers + 1))대, $prefix.0/24, $provider" "The lab: $((workers + 1)) machines, $prefix.0/24, $provider"
check_arch
check_virtualisation
check_vagrant
check_provider
check_memory
check_network
if [ "$problems" -gt 0 ]; then
  say "고칠 것이 $problems 가지 있습니다." "Problems to solve: $problems"
  exit 1
fi
say 'vagrant up을 실행할 수 있습니다.' 'You can run vagrant up.'
