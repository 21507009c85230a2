# shellcheck shell=bash
#
# A small network on this machine: hosts are network namespaces, links are veth pairs, and the real daemons run in them.
# Any number of labs can be up at once. What one leaves outside its namespaces carries its name, "EXAMPLE-ID"; the ID is the
# process's, or one without a "-":
#
#   /run/netns/LAB-HOST                   its namespaces, for `ip netns`
#   /run/LAB/                             its files: configurations, sockets, logs
#   /etc/frr/LAB, /var/run/frr/LAB        FRR's files ("pathspace"), for `vtysh -N LAB`; LAB-HOST where several hosts have one
#
# The processes that it starts have FLOWSPEC_LAB=LAB in their environment, and only those does it end.

lab=''     # its name, once there is one
lab_dir='' # /run/LAB
lab_log_lines=20 # of each log, when something does not come about

lab_create() { # EXAMPLE [ID]
  local id=${2:-$$}
  mkdir -m 700 "/run/$1-$id" || fail "/run/$1-$id is there: another run's, or an earlier one's that is to be taken down first"
  lab_open "$1-$id"
}

lab_open() { # LAB
  lab=$1 lab_dir=/run/$1
}

lab_host() { # HOST...
  local host
  for host; do
    ip netns add "$lab-$host"
    lab_in "$host" ip link set lo up
  done
}

# Two hosts joined by a cable. Each end is named after the host that it leads to.
lab_link() { # HOST ADDRESS/LENGTH HOST ADDRESS/LENGTH
  ip link add "$3" netns "$lab-$1" type veth peer name "$1" netns "$lab-$3"
  lab_in "$1" ip address add "$2" dev "$3"
  lab_in "$3" ip address add "$4" dev "$1"
  lab_in "$1" ip link set "$3" up
  lab_in "$3" ip link set "$1" up
}

lab_in() { # HOST COMMAND...
  # Not `ip netns exec` (nor `ip -n`): they also mount, and fail where / is no mount point, as in a chroot.
  nsenter --net="/run/netns/$lab-$1" -- "${@:2}"
}

# Starts a command that is to go on; its words go to LAB_DIR/LOG.
lab_start() { # HOST LOG COMMAND...
  FLOWSPEC_LAB=$lab setsid nsenter --net="/run/netns/$lab-$1" -- "${@:3}" </dev/null >>"$lab_dir/$2" 2>&1 &
  disown
}

# bgpd alone, without zebra: it exchanges routes and leaves the kernel's routing table alone.
lab_bgpd() { # HOST CONFIGURATION
  install -d -o frr -g frr -m 755 /var/run/frr "/var/run/frr/$lab"
  install -d -o frr -g frr -m 750 "/etc/frr/$lab"
  install -o frr -g frr -m 640 "$2" "/etc/frr/$lab/bgpd.conf"
  install -o frr -g frr -m 640 /dev/null "/etc/frr/$lab/vtysh.conf" # vtysh complains when there is none
  lab_start "$1" "$1-bgpd.log" /usr/lib/frr/bgpd -N "$lab" -f "/etc/frr/$lab/bgpd.conf" --no_zebra --no_kernel \
    --vty_port 0 --user frr --group frr --log stdout
}

lab_bird() { # HOST CONFIGURATION
  lab_start "$1" "$1-bird.log" bird -f -c "$2" -s "$lab_dir/$1-bird.ctl" -P "$lab_dir/$1-bird.pid"
}

# Polls until the command succeeds.
lab_until() { # SECONDS WHAT COMMAND...
  local end=$((SECONDS + $1))
  until "${@:3}" >/dev/null 2>&1; do
    if ((SECONDS >= end)); then
      tail -n "$lab_log_lines" "$lab_dir"/*.log >&2
      fail "waited $1 seconds in vain for $2"
    fi
    sleep 0.1
  done
}

# Ends the processes that the lab started and removes what it made. Harmless when part or all of it is gone.
lab_destroy() {
  local namespace signal pids
  for signal in TERM KILL; do
    for _ in {1..30}; do
      mapfile -t pids < <(lab_processes)
      ((${#pids[@]})) || break 2
      kill -s "$signal" "${pids[@]}" 2>/dev/null
      sleep 0.1
    done
  done
  for namespace in $(lab_namespaces); do
    ip netns delete "$namespace"
  done
  rm -rf "/etc/frr/$lab" "/etc/frr/$lab"-* "/var/run/frr/$lab" "/var/run/frr/$lab"-* "$lab_dir"
}

lab_namespaces() { # -> one a line
  local path
  for path in "/run/netns/$lab"-*; do
    [[ ! -e $path ]] || echo "${path##*/}"
  done
}

# shellcheck disable=SC2120 # its argument is for other files
lab_processes() { # [HOST] -> process ids, one a line
  local namespace pid
  for namespace in ${1+"$lab-$1"} $( (($#)) || lab_namespaces); do
    for pid in $(ip netns pids "$namespace"); do
      ! grep -qzx "FLOWSPEC_LAB=$lab" "/proc/$pid/environ" 2>/dev/null || echo "$pid"
    done
  done
}
