#!/usr/bin/env bash
#
# Makes the dumps of this folder anew; see usage below.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
source "$root/examples/lib/script.sh"

usage() {
  cat <<TXT
usage: ${0##*/} [--root DIRECTORY] [NAME...]

Installs each of the firewalls below in a Debian of its own (debootstrap), configures it in namespaces of its own, and writes
what iptables-save and ip6tables-save print then to NAME.save and NAME.save6 beside this script. Nothing of the host is
touched: no rule, interface, daemon, package or file. Needs root, debootstrap, a Debian mirror, overlayfs and 4 GB of disk.

  --root DIRECTORY   where the Debians are, or are made and kept; without it a temporary one
  NAME...            only these: ${dumps[*]}
  --help

Exit: 0 made; 1 something failed, and the dumps from there on are as they were; 2 usage.
TXT
}

# A dump is made by the script of its name without the suffix. "-nft": by the iptables of nf_tables, else by the legacy one.
# "-sid": in Debian unstable, else in Debian 12.
dumps=(ufw ufw-nft firewalld docker docker-nft docker-sid libvirt kubernetes)
packages_of() { # DUMP -> what its Debian needs
  echo iproute2 iptables procps
  case $1 in
    ufw*) echo ufw ;;
    firewalld) echo dbus firewalld ipset ;;
    docker-sid) echo busybox-static docker.io docker-cli ;;
    docker*) echo busybox-static docker.io ;;
    libvirt) echo dbus dnsmasq-base libvirt-clients libvirt-daemon-system ;;
    kubernetes) echo conntrack containernetworking-plugins dpkg-dev golang-go python3 ;;
  esac
}

main() {
  local names=() name
  while (($#)); do
    case $1 in
      --root) (($# > 1)) || usage_error "$1 needs a value" && roots=$(realpath -m "$2") && shift ;;
      --help | -h) usage && return ;;
      -*) usage_error "unknown argument: $1" ;;
      *) [[ " ${dumps[*]} " == *" $1 "* ]] || usage_error "no dump of this name: $1" && names+=("$1") ;;
    esac
    shift
  done
  ((${#names[@]})) || names=("${dumps[@]}")
  need_root

  scratch=$(mktemp -d)
  mkdir "$scratch/dump" "$scratch/memory"
  : "${roots:=$scratch}"
  for name in "${names[@]}"; do
    heading "$name"
    script=${name%-nft}
    script=${script%-sid}
    suite=bookworm
    [[ $name != *-sid ]] || suite=sid
    debian=$roots/$suite
    interruptible install "$name"
    interruptible in_namespaces "$name"
    mv "$scratch/dump/$name.save" "$scratch/dump/$name.save6" "$here"
  done
}

at_exit() { [[ -z ${scratch:-} ]] || rm -rf --one-file-system "$scratch"; }

# $debian: the Debian, made if it is missing, with the packages of a dump, none of whose daemons is started.
install() { # DUMP
  local packages
  if [[ ! -e $debian/.complete ]]; then
    [[ ! -e $debian ]] || fail "$debian was not finished by this script: it is to be removed first"
    mkdir -p "$roots"
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$debian" http://deb.debian.org/debian
    printf '#!/bin/sh\nexit 101\n' >"$debian/usr/sbin/policy-rc.d"
    chmod 755 "$debian/usr/sbin/policy-rc.d"
    echo "deb-src http://deb.debian.org/debian $suite main" >"$debian/etc/apt/sources.list.d/source.list"
    [[ ! -e /etc/resolv.conf ]] || cp /etc/resolv.conf "$debian/etc/resolv.conf"
    chroot "$debian" apt-get -o Acquire::Check-Valid-Until=false update # the mirror may be a snapshot
    touch "$debian/.complete"
  fi
  read -rd '' -a packages < <(packages_of "$1") || :
  DEBIAN_FRONTEND=noninteractive chroot "$debian" apt-get install -qq --no-install-recommends "${packages[@]}"
  if [[ -e $here/$1-build.sh ]]; then
    chroot "$debian" bash <"$here/$1-build.sh"
  fi
}

# Runs the script of a dump where all is its own: interfaces, rules, processes, mounts. What it writes to $debian is in memory,
# and gone with the namespaces; only the dump is kept.
in_namespaces() { # DUMP
  here=$here debian=$debian script=$script memory=$scratch/memory kept=$scratch/dump dump=$1 \
    unshare --mount --net --pid --ipc --uts --cgroup --fork --kill-child bash -c "$inside"
}

# shellcheck disable=SC2016 # for the shell inside
inside='
  set -euo pipefail
  mount --make-rprivate /
  mount -t tmpfs tmpfs "$memory"
  cd "$memory"
  mkdir root upper work
  mount -t overlay -o "lowerdir=$debian,upperdir=$memory/upper,workdir=$memory/work" overlay root
  cd root
  mkdir -p firewalls/dump host
  cp "$here"/*.{sh,py} firewalls
  mount --bind "$kept" firewalls/dump
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount --rbind /dev dev
  mount -t tmpfs tmpfs run
  mount -t tmpfs tmpfs tmp
  pivot_root . host
  umount -l host
  hostname firewall
  ip link set lo up

  backend=legacy
  [[ $dump != *-nft ]] || backend=nft
  update-alternatives --quiet --set iptables "/usr/sbin/iptables-$backend"
  update-alternatives --quiet --set ip6tables "/usr/sbin/ip6tables-$backend"
  env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 dump="$dump" bash "/firewalls/$script.sh"'

main "$@"
