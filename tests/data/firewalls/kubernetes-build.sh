#!/usr/bin/env bash
#
# In the Debian 12 of regenerate.sh: kube-proxy from Debian's source package, which gives no binary package of it. A few minutes.
set -euo pipefail

[[ ! -e /src/kube-proxy ]] || exit 0
export GOPATH=/src/gopath GO111MODULE=off CGO_ENABLED=0 GOMAXPROCS=1
rm -rf "$GOPATH"
mkdir -p "$GOPATH/src/k8s.io"
cd "$GOPATH/src/k8s.io"
apt-get source -qq kubernetes
mv kubernetes-1.20.5* kubernetes
cd kubernetes
nice go build -p 1 -trimpath -o /src/kube-proxy \
  -ldflags "-s -w -X k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=v1.20.2" ./cmd/kube-proxy
/src/kube-proxy --version
