# shellcheck shell=bash
#
# The nodes of the description as network namespaces: their cables, their daemons, and what breaks them.
#
# shellcheck disable=SC2154 # what is not assigned here is in lab.sh or what it reads

gateway=169.254.0.1 # what every server calls its leaf
floating=3355443200 # 200 << 24: FRR takes the upper octet of a kernel route's metric as its distance, and BGP's is 20

on() { # NODE COMMAND...: each node has a lock of its own for its own tables
  XTABLES_LOCKFILE=$lab_dir/$1.xtables lab_in "$@"
}

start_on() { # NODE LOG COMMAND...
  XTABLES_LOCKFILE=$lab_dir/$1.xtables lab_start "$@"
}

## Cables

make_network() {
  local node a b one two
  for node in "${nodes[@]}"; do
    lab_host "$node"
    # In a namespace of its own the kernel's defaults are not this machine's business, but they come from there.
    lab_in "$node" sh -c "cd /proc/sys/net/ipv4
      echo 0 | tee conf/all/rp_filter >conf/default/rp_filter
      echo 1 | tee conf/all/ignore_routes_with_linkdown >conf/default/ignore_routes_with_linkdown
      echo $([[ ${kind_of[$node]} == server ]] && echo 0 || echo 1) >ip_forward
      echo 0 >fib_multipath_hash_policy"
    lab_in "$node" ip address add "${address_of[$node]}/32" dev lo
    [[ ${kind_of[$node]} != leaf ]] || lab_in "$node" ip address add $gateway/32 dev lo
  done
  while read -r a b one two; do
    if [[ -n $two ]]; then
      lab_link "$a" "$one" "$b" "$two"
    else
      ip link add "$b" netns "$lab-$a" type veth peer name "$a" netns "$lab-$b"
      lab_in "$a" ip link set "$b" up
      lab_in "$b" ip link set "$a" up
      attach "$a" "$b" "$one"
    fi
  done < <(printf '%s\n' "${links[@]}")
}

# A server's address is on its lo. Its second leaf has a route to it that counts only when BGP knows none, and the server uses
# that leaf only when the first has no carrier: packets and replies take the same way.
attach() { # SERVER LEAF active|standby
  local address=${address_of[$1]}
  if [[ $3 == active ]]; then
    lab_in "$2" ip address replace $gateway peer "$address/32" dev "$1"
    lab_in "$1" ip route replace default via $gateway dev "$2" onlink src "$address" metric 10
  else
    lab_in "$2" ip route replace "$address/32" dev "$1" metric $floating
    lab_in "$1" ip route replace default via $gateway dev "$2" onlink src "$address" metric 20
  fi
}

## Daemons

write_configuration() {
  local node
  for node in "${switches[@]}"; do
    install -d -o frr -g frr -m 755 /var/run/frr "/var/run/frr/$lab-$node"
    install -d -o frr -g frr -m 750 "/etc/frr/$lab-$node"
    zebra_conf "$node" >"/etc/frr/$lab-$node/zebra.conf"
    bgpd_conf "$node" >"/etc/frr/$lab-$node/bgpd.conf"
    : >"/etc/frr/$lab-$node/vtysh.conf" # vtysh complains when there is none
    chown frr:frr "/etc/frr/$lab-$node"/*
    policy_json "$node" >"$lab_dir/$node.policy.json"
    [[ -z $(servers_of "$node") ]] || segments_json "$node" >"$lab_dir/$node.segments.json"
    injector_conf "$node" "$lab_dir" >"$lab_dir/$node.toml"
  done
  bird_conf fw01 >"$lab_dir/bird.conf"
  firewall_rules >"$lab_dir/firewall.rules"
}

start_node() { # NODE
  local daemon service
  case ${kind_of[$1]} in
    spine | leaf)
      for daemon in zebra bgpd; do
        start_on "$1" "$1-$daemon.log" "/usr/lib/frr/$daemon" -N "$lab-$1" -f "/etc/frr/$lab-$1/$daemon.conf" \
          --vty_port 0 --user frr --group frr --log stdout
        # bgpd asks zebra for the interfaces once it is there.
        [[ $daemon == bgpd ]] || lab_until 10 "zebra of $1" test -S "/var/run/frr/$lab-$1/zserv.api"
      done
      start_on "$1" "$1-injector.log" "$injector" run --config "$lab_dir/$1.toml"
      ;;
    firewall) lab_bird "$1" "$lab_dir/bird.conf" ;;
  esac
  for service in $(services_of "$1"); do
    case $service in
      tcp/*) start_on "$1" services.log socat "tcp-listen:${service#*/},fork,reuseaddr" exec:cat ;;
      udp/*) start_on "$1" services.log socat "udp-recvfrom:${service#*/},fork,reuseaddr" exec:cat ;;
    esac
  done
}

## What breaks

# A node without power and cables: its daemons are killed, its links go down. What its kernel holds stays.
break_node() { # NODE
  local pid peer rest
  for pid in $(lab_processes "$1"); do
    kill -KILL "$pid" 2>/dev/null || true
  done
  while read -r peer rest; do
    lab_in "$1" ip link set "$peer" down
  done < <(links_of "$1")
}

mend_node() { # NODE
  local peer rest
  while read -r peer rest; do
    is_broken "$peer" || is_broken "$1-$peer" || is_broken "$peer-$1" || mend_link "$1" "$peer"
  done < <(links_of "$1")
  start_node "$1"
}

break_link() { # NODE NODE
  lab_in "$1" ip link set "$2" down
  lab_in "$2" ip link set "$1" down
}

mend_link() { # NODE NODE
  local server=$1 leaf=$2 use
  lab_in "$1" ip link set "$2" up
  lab_in "$2" ip link set "$1" up
  [[ ${kind_of[$server]} == server ]] || server=$2 leaf=$1
  use=$(servers_of "$leaf" | awk -v server="$server" '$1 == server { print $2 }')
  [[ -z $use ]] || attach "$server" "$leaf" "$use"
}

is_broken() { # LINK|NODE
  grep -qxF "$1" "$lab_dir/broken"
}

## What the nodes say

# The rules of the routes that fw01 published last are in the switch's kernel, by their numbers, and no others; and where a number
# of SWITCH.changed stands for another route than before, its rules are not those of SWITCH.before any more.
has_its_rules() { # SWITCH
  on "$1" iptables-legacy-save -t filter | awk '
    FILENAME == ARGV[1] { wanted[$1]; next }
    FILENAME == ARGV[2] { changed[$1]; next }
    FILENAME == ARGV[3] { before[$0]; next }
    match($0, / seq [0-9]+/) {
      number = substr($0, RSTART + 5, RLENGTH - 5)
      if (!(number in wanted) || (number in changed && $0 in before)) wrong = 1
      found[number]
    }
    END {
      for (number in wanted) if (!(number in found)) wrong = 1
      exit wrong
    }' "$lab_dir/$1.numbers" "$lab_dir/$1.changed" "$lab_dir/$1.before" -
}

# To each server and to fw01: by the first of its leaves that can be used, and by no other.
has_its_ways() { # SWITCH
  local node leaf ways
  ways=$(lab_in "$1" ip -4 route)
  for node in "${servers[@]}" fw01; do
    leaf=$(leaf_in_use "$node")
    if is_broken "$node" || [[ -z $leaf ]]; then
      continue
    elif [[ $leaf == "$1" ]]; then
      grep -q "^${address_of[$node]//./\\.} .*dev $node " <<<"$ways" || return 1
    elif [[ ${kind_of[$1]} == spine ]]; then
      is_broken "$1-$leaf" || grep -q "^${address_of[$node]//./\\.} via .* dev $leaf " <<<"$ways" || return 1
    else
      grep -A 1 "^${address_of[$node]//./\\.} " <<<"$ways" | grep -q ' via ' || return 1
    fi
  done
}

leaf_in_use() { # SERVER -> the leaf, or nothing
  local leaf rest
  while read -r leaf rest; do
    is_broken "$leaf" || is_broken "$1-$leaf" || { echo "$leaf" && return; }
  done < <(links_of "$1")
}

working_switches() {
  local switch
  for switch in "${switches[@]}"; do
    is_broken "$switch" || echo "$switch"
  done
}
