"""As much of a Kubernetes API server as kube-proxy asks: a node, the Services below and their EndpointSlices. Nothing changes."""

import http.server
import json
import threading

NODE = "node1"


def service(name, address, ports, endpoints=(), family="IPv4", **spec):
    """The Service NAMESPACE/NAME and its EndpointSlice. ports: (name, protocol, port, target port, node port or None).
    endpoints: (address, node)."""
    namespace, name = name.split("/")
    status = {}
    if "balancer" in spec:
        status = {"loadBalancer": {"ingress": [{"ip": spec.pop("balancer")}]}}
    kind = "ClusterIP"
    if any(port[4] for port in ports):
        kind = "LoadBalancer" if status else "NodePort"
    label = {"kubernetes.io/service-name": name}
    return (
        {
            "metadata": {"namespace": namespace, "name": name, "uid": f"{namespace}-{name}", "resourceVersion": "1"},
            "spec": {
                "type": kind,
                "clusterIP": address,
                "clusterIPs": [address],
                "ipFamilies": [family],
                "sessionAffinity": "None",
                "ports": [
                    {"name": n, "protocol": p, "port": port, "targetPort": target, **({"nodePort": node} if node else {})}
                    for n, p, port, target, node in ports
                ],
                **spec,
            },
            "status": status,
        },
        {
            "metadata": {"namespace": namespace, "name": f"{name}-abcde", "labels": label, "resourceVersion": "1"},
            "addressType": family,
            "endpoints": [
                {"addresses": [a], "conditions": {"ready": True}, "topology": {"kubernetes.io/hostname": node}}
                for a, node in endpoints
            ],
            "ports": [{"name": n, "protocol": p, "port": target} for n, p, _, target, _ in ports],
        },
    )


WORLD = [
    service("default/kubernetes", "10.96.0.1", [("https", "TCP", 443, 6443, None)], [("198.51.100.1", "control")]),
    service(
        "kube-system/kube-dns",
        "10.96.0.10",
        [("dns", "UDP", 53, 53, None), ("dns-tcp", "TCP", 53, 53, None), ("metrics", "TCP", 9153, 9153, None)],
        [("10.244.1.2", NODE), ("10.244.2.3", "node2")],
    ),
    service(
        "shop/web",
        "10.96.20.80",
        [("http", "TCP", 80, 8080, 30080)],
        [("10.244.1.3", NODE), ("10.244.2.10", "node2"), ("10.244.2.11", "node2")],
        externalIPs=["203.0.113.80"],
        sessionAffinity="ClientIP",
        sessionAffinityConfig={"clientIP": {"timeoutSeconds": 10800}},
    ),
    service(
        "shop/api",
        "10.96.20.90",
        [("https", "TCP", 443, 8443, 30443)],
        [("10.244.1.20", NODE), ("10.244.2.20", "node2")],
        balancer="203.0.113.90",
        loadBalancerSourceRanges=["192.0.2.0/24", "198.51.100.64/26"],
    ),
    service(
        "shop/files",
        "10.96.20.91",
        [("sftp", "TCP", 22, 2222, 30022)],
        [("10.244.1.21", NODE)],
        balancer="203.0.113.91",
        externalTrafficPolicy="Local",
        healthCheckNodePort=32022,
    ),
    # No endpoints: what comes for them is rejected.
    service("shop/payments", "10.96.30.1", [("grpc", "TCP", 9000, 9000, None)]),
    service("shop/voice", "10.96.30.2", [("sip", "UDP", 5060, 5060, None), ("sctp", "SCTP", 36412, 36412, None)]),
    service("shop/old", "10.96.30.3", [("http", "TCP", 80, 8080, 30081)], balancer="203.0.113.92", externalIPs=["203.0.113.93"]),
    service(
        "shop/web6",
        "fd00:96::80",
        [("http", "TCP", 80, 8080, 30082)],
        [("fd00:244:1::3", NODE), ("fd00:244:2::10", "node2")],
        "IPv6",
        externalIPs=["2001:db8:80::80"],
    ),
    service("shop/gone6", "fd00:96::81", [("http", "TCP", 80, 8080, None)], (), "IPv6", externalIPs=["2001:db8:80::81"]),
]

ADDRESSES = [{"type": "InternalIP", "address": "198.51.100.2"}, {"type": "InternalIP", "address": "2001:db8:1::2"}]
THE_NODE = {
    "kind": "Node",
    "apiVersion": "v1",
    "metadata": {"name": NODE, "resourceVersion": "1"},
    "spec": {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24", "fd00:244:1::/64"]},
    "status": {"addresses": ADDRESSES},
}
LISTS = {
    "/api/v1/services": ("ServiceList", "v1", [service for service, _ in WORLD]),
    "/api/v1/nodes": ("NodeList", "v1", [THE_NODE]),
    "/apis/discovery.k8s.io/v1beta1/endpointslices": (
        "EndpointSliceList",
        "discovery.k8s.io/v1beta1",
        [slice_ for _, slice_ in WORLD],
    ),
}


class Api(http.server.BaseHTTPRequestHandler):
    def answer(self, code, value):
        text = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == f"/api/v1/nodes/{NODE}":
            self.answer(200, THE_NODE)
        elif path not in LISTS:
            self.answer(404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404})
        elif "watch=" in query:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            threading.Event().wait()  # nothing happens
        else:
            kind, version, items = LISTS[path]
            metadata = {"resourceVersion": "1"}
            self.answer(200, {"kind": kind, "apiVersion": version, "metadata": metadata, "items": items})

    def do_POST(self):  # events
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(201, {"kind": "Event", "apiVersion": "events.k8s.io/v1", "metadata": {"name": "event"}})

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Api).serve_forever()
