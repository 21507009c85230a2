# shellcheck shell=bash
#
# What the file `network` says, and the configuration of each node made of it. Everything here prints; nothing is changed.
#
# shellcheck disable=SC2154 # what is not assigned here is in lab.sh or what it reads

declare -A kind_of=() asn_of=() address_of=()
nodes=() switches=() leaves=() servers=()
links=() # "NODE NODE ADDRESS/LENGTH ADDRESS/LENGTH", or "NODE NODE use" for a server: use is active or standby

section() { # NAME -> its lines, without comments
  sed -n "/^\[$1]/,/^\[/p" "$clos/network" | grep -Ev '^(\[|#|$)'
}

read_description() {
  local name kind asn address left right addresses use l r
  while read -r name kind asn address; do
    nodes+=("$name") kind_of[$name]=$kind asn_of[$name]=$asn address_of[$name]=$address
    case $kind in
      spine | leaf) switches+=("$name") ;;
      server) servers+=("$name") ;;
    esac
    [[ $kind != leaf ]] || leaves+=("$name")
  done < <(section nodes)
  while read -r left right addresses; do
    use=active
    for l in ${left//,/ }; do
      for r in ${right//,/ }; do
        case ${kind_of[$l]} in
          spine) links+=("$l $r $(fabric_addresses "$l" "$r")") ;;
          server) links+=("$l $r $use") use=standby ;;
          firewall) links+=("$l $r $addresses") ;;
        esac
      done
    done
  done < <(section links)
}

# 172.16.SPINE.0/24 has the cables of a spine, in the order of the leaves. That order counts: a switch keeps its ways to a
# prefix in the order of their addresses, and Linux chooses among them by a hash that is the same for both directions. So
# packets and replies meet the same switches, as connection tracking on them needs.
fabric_addresses() { # SPINE LEAF
  local spine=${address_of[$1]##*.} leaf=${address_of[$2]##*.}
  echo "172.16.$spine.$((2 * leaf))/31 172.16.$spine.$((2 * leaf + 1))/31"
}

links_of() { # NODE -> "PEER OWN-ADDRESS PEER'S-ADDRESS" a line; for a cable of a server "PEER USE"
  local a b one two
  while read -r a b one two; do
    case $1 in
      "$a") echo "$b $one $two" ;;
      "$b") echo "$a ${two:-$one} ${two:+$one}" ;;
    esac
  done < <(printf '%s\n' "${links[@]}")
}

servers_of() { # LEAF -> "SERVER USE" a line
  links_of "$1" | awk 'NF == 2'
}

tenant_of() { # ADDRESS -> a tenant's name or nothing; all their networks are /16
  section tenants | awk -v of="${1%.*.*}.0.0/16" '$2 == of { print $1 }'
}

bgpd_conf() { # SWITCH
  local peer own other
  cat <<CONF
hostname $1
router bgp ${asn_of[$1]}
 bgp router-id ${address_of[$1]}
 no bgp ebgp-requires-policy
 bgp bestpath as-path multipath-relax
 timers bgp 1 3
CONF
  links_of "$1" | while read -r peer own other; do
    [[ -n $other ]] || continue
    cat <<CONF
 neighbor ${other%/*} remote-as ${asn_of[$peer]}
 neighbor ${other%/*} description $peer
 neighbor ${other%/*} timers connect 1
 neighbor ${other%/*} advertisement-interval 0
CONF
  done
  cat <<CONF
 address-family ipv4 unicast
  redistribute connected route-map OWN
  redistribute kernel route-map STANDBY
  maximum-paths 64
 exit-address-family
 address-family ipv4 flowspec
CONF
  links_of "$1" | while read -r peer own other; do
    [[ -n $other ]] || continue
    echo "  neighbor ${other%/*} activate"
    # Nothing goes back to fw01.
    [[ ${kind_of[$peer]} != firewall ]] || echo "  neighbor ${other%/*} route-map NOTHING out"
  done
  cat <<CONF
 exit-address-family
!
ip prefix-list OWN permit 10.0.0.0/8 le 32
route-map OWN permit 10
 match ip address prefix-list OWN
route-map STANDBY permit 10
 ! A server's second leaf: what the first one says of it is better, here and at the spines.
 match ip address prefix-list OWN
 set weight 0
 set local-preference 50
 set as-path prepend ${asn_of[$1]}
route-map NOTHING deny 10
CONF
}

zebra_conf() { # SWITCH
  # Without nexthop objects of the kernel, whose order is that of their making.
  printf 'hostname %s\nno zebra nexthop kernel enable\n' "$1"
}

bird_conf() { # FIREWALL
  local peer own other use=active
  cat <<CONF
router id ${address_of[$1]};
protocol device { scan time 1; }
protocol direct { ipv4; interface "lo"; }
protocol kernel {
  ipv4 { import none; export filter { krt_prefsrc = ${address_of[$1]}; if source = RTS_BGP then accept; reject; }; };
}
flow4 table flowtab4;
include "flowspec.conf"; # what flowspec-fetcher writes

template bgp bgp_fs {
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 1;
  hold time 3;
  flow4 { table flowtab4; import all; export all; };
}
CONF
  links_of "$1" | while read -r peer own other; do
    echo "protocol bgp bgp_$peer from bgp_fs {"
    echo "  local ${own%/*} as ${asn_of[$1]};"
    echo "  neighbor ${other%/*} as ${asn_of[$peer]};"
    if [[ $use == active ]]; then
      echo "  ipv4 { import all; export all; };"
    else # used when the first is gone, in both directions
      echo "  ipv4 { import filter { preference = 90; accept; }; export filter { bgp_path.prepend(${asn_of[$1]}); accept; }; };"
    fi
    echo "}"
    use=standby
  done
}

firewall_rules() { # for iptables-restore
  printf '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n'
  section rules | sed -E 's/^[a-z]+ +/-A FORWARD /'
  echo COMMIT
}

interface_targets() { # -> the fetcher's options that give a tenant's rules its route target
  section tenants | awk '{ print "--interface-rt=in:" $1 "=" $3 }'
}

injector_conf() { # SWITCH DIRECTORY
  cat <<CONF
source = "socket"
pathspace = "$lab-$1"
state-dir = "$2/$1.state"
policy = "$2/$1.policy.json"
interval = 0.5
max-back-off = 1
# Known connections pass, as the first rule of fw01 says.
stateful = "always"
nflog-group = $nflog_group
# Only svc01 and svc02 see fw01's session end. To all others they withdraw its routes, and nothing tells that from fw01
# having removed all its rules: therefore more than half of them go only when they have been gone for an hour.
max-withdraw = 0.5
confirm-after = 3600
CONF
  [[ -z $(servers_of "$1") ]] || echo "segments = \"$2/$1.segments.json\""
}

# A leaf with servers: a tenant's packets are those of its servers' interfaces, in both directions.
segments_json() { # LEAF
  local name target server use parents all=''
  while read -r name _ target; do
    parents=''
    while read -r server use; do
      [[ $(tenant_of "${address_of[$server]}") == "$name" ]] || continue
      parents+="${parents:+, }{\"in_interface\": \"$server\"}, {\"out_interface\": \"$server\"}"
    done < <(servers_of "$1")
    [[ -z $parents ]] || all+="${all:+,$'\n'}  {\"name\": \"$name\", \"import\": [\"$target\"], \"parents\": [$parents]}"
  done < <(section tenants)
  printf '{"segments": [\n%s\n]}\n' "$all"
}

policy_json() { # SWITCH
  local terms
  if [[ -n $(servers_of "$1") ]]; then
    terms='{"name": "watched", "match": {"destination": {"within": ['$(section watched | json_list)']}}, "then": {"add": ["sample"]}}'
  else # a switch that cannot tell tenants by interfaces: what one of them alone discards is left to the leaves that can
    terms='{"name": "one-tenant", "match": {"route_targets": ['$(section tenants | awk '{ print $3 }' | json_list)'], "actions": ["discard"]}, "then": "reject"}'
  fi
  printf '{"terms": [\n  %s\n],\n"default": "accept"}\n' "$terms"
}

json_list() { sed 's/.*/"&"/' | paste -sd ,; }

# What the fetcher wrote, as "NUMBER TARGETS ACTION MATCH" a line: who it is for (- is everybody), accept or discard.
routes_of() { # FILE
  sed -nE 's/^ *route flow4 \{ (.*); \} \{ (.*) \};.*/\2\t\1/p' "$1" | awk -F '\t' '{
    number = targets = ""
    action = $1 ~ /0x80060000, 0x0\)/ ? "discard" : "accept"
    while (match($1, /\(rt, [0-9]+, [0-9]+\)/)) {
      split(substr($1, RSTART + 5, RLENGTH - 6), target, ", ")
      $1 = substr($1, RSTART + RLENGTH)
      if (target[1] == 65535) number = target[2]
      else targets = targets (targets == "" ? "" : ",") target[1] ":" target[2]
    }
    if (number != "") print number, targets == "" ? "-" : targets, action, $2
  }' | sort -n
}

# The numbers of those that a switch should have.
numbers_for() { # SWITCH FILE
  if [[ -n $(servers_of "$1") ]]; then
    routes_of "$2" | cut -d ' ' -f 1
  else
    routes_of "$2" | awk '$2 == "-" || $3 != "discard" { print $1 }'
  fi
}

# The numbers that stood for another match or action before.
changed_numbers() { # FILE-BEFORE FILE
  awk 'FILENAME == ARGV[1] { number = $1; $1 = $2 = ""; before[number] = $0; next }
       { number = $1; $1 = $2 = ""; if (number in before && before[number] != $0) print number }' \
    <(routes_of "$1") <(routes_of "$2")
}
