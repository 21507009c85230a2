#!/usr/bin/env bash
#
# Inside the namespace: a Kubernetes 1.20 node. Its network plugins are Debian's; kube-proxy is built from Debian's source
# package and asks kubernetes-api.py; the kubelet, which needs far more than a namespace, is left out and its rules made here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/data/firewalls/inside.sh
source inside.sh

main() {
  links eth0=198.51.100.2/24,2001:db8:1::2/64
  ip route add default via 198.51.100.1

  pod dns
  pod web
  iptables -A CNI-ADMIN -s 10.9.0.0/16 -d 10.244.1.0/24 -j DROP # the operator's chain
  kubelet iptables
  kubelet ip6tables

  python3 kubernetes-api.py &
  /src/kube-proxy --master=http://127.0.0.1:8080 --hostname-override=node1 --proxy-mode=iptables \
    --cluster-cidr=10.244.0.0/16,fd00:244::/48 --feature-gates=IPv6DualStack=true \
    --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0 \
    >/tmp/kube-proxy.log 2>&1 &
  if ! { until_true rejects iptables-save && until_true rejects ip6tables-save; }; then
    cat /tmp/kube-proxy.log >&2
    exit 1
  fi
  dump
}

rejects() { "$1" -t filter | grep 'A KUBE-SERVICES .*has no endpoints'; }

# A pod's interface and rules, by the plugins bridge and firewall: the next free address.
pod() { # NAME
  local result
  export CNI_COMMAND=ADD CNI_CONTAINERID=$1 CNI_NETNS=/run/netns/$1 CNI_IFNAME=eth0 CNI_PATH=/usr/lib/cni
  ip netns add "$1"
  result=$(
    /usr/lib/cni/bridge <<'JSON'
{"cniVersion": "0.4.0", "name": "pods", "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true,
 "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.1.0/24"}], [{"subnet": "fd00:244:1::/64"}]]}}
JSON
  )
  /usr/lib/cni/firewall >/dev/null <<JSON
{"cniVersion": "0.4.0", "name": "pods", "type": "firewall", "backend": "iptables", "prevResult": $result}
JSON
}

# What the kubelet of 1.20 does in this order: syncNetworkUtil in pkg/kubelet/kubelet_network_linux.go.
kubelet() { # IPTABLES
  local table
  "$1" -t nat -N KUBE-MARK-DROP
  "$1" -t nat -A KUBE-MARK-DROP -j MARK --or-mark 0x8000
  "$1" -N KUBE-FIREWALL
  "$1" -A KUBE-FIREWALL -m comment --comment "kubernetes firewall for dropping marked packets" \
    -m mark --mark 0x8000/0x8000 -j DROP
  [[ $1 == ip6tables ]] ||
    "$1" -A KUBE-FIREWALL -m comment --comment "block incoming localnet connections" \
      --dst 127.0.0.0/8 ! --src 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
  "$1" -I OUTPUT -j KUBE-FIREWALL
  "$1" -I INPUT -j KUBE-FIREWALL
  "$1" -t nat -N KUBE-MARK-MASQ
  "$1" -t nat -N KUBE-POSTROUTING
  "$1" -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
  "$1" -t nat -I POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
  for table in mangle nat filter; do
    "$1" -t "$table" -N KUBE-KUBELET-CANARY
  done
}

main
