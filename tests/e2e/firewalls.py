"""Random firewalls: a FORWARD chain and the chains that it calls, of every match that the fetcher publishes."""

from __future__ import annotations

import dataclasses
import random
from collections import defaultdict
from collections.abc import Iterable

from firewall_conditions import Condition, Conditions, Near

BASE = "FORWARD"
KNOWN = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"


@dataclasses.dataclass(frozen=True)
class Rule:
    text: str  # as iptables has it behind "-A CHAIN"
    near: Near = dataclasses.field(default_factory=dict)
    calls: str = ""  # the chain that it jumps or goes to


@dataclasses.dataclass
class Firewall:
    family: int
    policy: str
    chains: dict[str, list[Rule]]  # FORWARD first; each calls later ones only
    stateful: bool  # it begins with `KNOWN`

    def __str__(self) -> str:
        """For iptables-restore."""
        rules = [f"-A {chain} {rule.text}" for chain, rules in self.chains.items() for rule in rules]
        heads = [f":{chain} {self.policy if chain == BASE else '-'} [0:0]" for chain in self.chains]
        return "\n".join(["*filter", ":INPUT ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", *heads, *rules, "COMMIT", ""])

    @property
    def rules(self) -> list[tuple[str, Rule]]:
        """Each with its chain."""
        return [(chain, rule) for chain, rules in self.chains.items() for rule in rules]

    def callers(self, chain: str) -> list[tuple[str, Rule]]:
        return [(caller, rule) for caller, rule in self.rules if rule.calls == chain]


class Generator:
    """Makes a firewall."""

    def __init__(self, source: random.Random, family: int, size: int, stateful: str = "") -> None:
        """`size`: rules in all chains together. `stateful`: how its injector is run, "default-drop" or "always"; empty when no
        rule asks for a connection's state."""
        self.random, self.family, self.size, self.stateful = source, family, size, stateful
        # Where connections are tracked there are no fragments in FORWARD.
        self.conditions = Conditions(source, family, size, fragments=not stateful)
        self.chance = self.conditions.chance
        self.buckets = 0

    def firewall(self) -> Firewall:
        names = [f"chain-{number}" for number in range(self.random.randint(0, min(8, self.size // 4)))]
        callable_from = {chain: names[number:] for number, chain in enumerate([BASE, *names])}
        chains: dict[str, list[list[Rule]]] = {chain: [] for chain in callable_from}  # what is in one list stays together
        for name in names:
            caller = self.random.choice([chain for chain, later in callable_from.items() if name in later])
            chains[caller].append([self.call(name)])
        left = self.size - len(names) - bool(self.stateful)
        while left > 0:
            chain = BASE if self.chance(50) else self.random.choice(list(chains))
            if chain == BASE and left > 1 and self.chance(4):
                chains[BASE].append(self.rate_limited())
            else:
                chains[chain].append([self.rule(callable_from[chain], base=chain == BASE)])
            left -= len(chains[chain][-1])
        for parts in chains.values():
            self.random.shuffle(parts)
        if self.stateful:
            chains[BASE].insert(0, [Rule(KNOWN)])
        flat = {chain: [rule for part in parts for rule in part] for chain, parts in chains.items()}
        return Firewall(self.family, self.random.choice(["ACCEPT", "DROP"]), flat, bool(self.stateful))

    def rule(self, callable_chains: list[str], base: bool) -> Rule:
        if callable_chains and self.chance(6):
            return self.call(self.random.choice(callable_chains))
        if self.chance(1 if base else 5):
            return self.written(self.conditions.some() if self.chance(30) else [self.conditions.address()], "-j RETURN")
        if self.chance(1):
            return self.written([self.conditions.address()])  # it counts packets
        target = self.random.choices(["ACCEPT", "DROP", "REJECT"], [5, 3, 1])[0]
        conditions = self.conditions.some()
        if self.stateful and self.chance(50) and (target == "ACCEPT" or self.stateful == "always"):
            conditions.append(("-m conntrack --ctstate NEW", {}))
        if target == "REJECT" and conditions and conditions[0][0].startswith("-p tcp") and self.chance(50):
            target = "REJECT --reject-with tcp-reset"
        return self.written(conditions, f"-j {target}")

    def call(self, chain: str) -> Rule:
        few = self.conditions.few()
        return self.written(few, f"-{'g' if few and self.chance(15) else 'j'} {chain}", calls=chain)

    def rate_limited(self) -> list[Rule]:
        """A limit that is never reached, and what accepts the packets below it."""
        self.buckets += 1
        match = self.conditions.one_host()
        limit = f"-m hashlimit --hashlimit-above 100mb/s --hashlimit-burst 200mb --hashlimit-name rate{self.buckets}"
        return [self.written([*match, (limit, {})], "-j DROP"), self.written(match, "-j ACCEPT")]

    @staticmethod
    def written(conditions: Iterable[Condition], target: str = "", calls: str = "") -> Rule:
        near: Near = defaultdict(list)
        for _, values in conditions:
            for name, some in values.items():
                near[name] += some
        return Rule(" ".join([*(words for words, _ in conditions if words), target]).rstrip(), dict(near), calls)
