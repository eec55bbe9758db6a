# The steps of a packet.
step-wrapped = , wrapped: { $src } > { $dst }
step-sends-it = sends it to { $to }{ $what }
step-receives-it = receives it{ $what }
step-into-device = puts it into the device
step-from-device = takes it from the device, unpacked
step-chooses = IPVS: { $service } chooses { $addr }:{ $port } by { $scheduler }: { $why }
step-ends-here = ends here: { $reason }
record-sends = sends to { $to }
record-receives = receives
record-puts-in = puts in
record-takes-out = takes out
record-frame = { $way }: { $line }
record-loses = loses { $line }: { $reason }
record-asked = who has { $asked }? { $did }
record-neigh = neighbour { $addr }: { $from } -> { $to }{ $whose }
record-ipvs-state = IPVS: { $client } > { $virt } at { $dest }: { $from } -> { $to }
record-server-deleted = deleted
record-server-set = { $method }, weight { $weight }
record-server = IPVS: { $service } server { $addr }:{ $port }: { $to }
record-types = types { $typed }
record-neigh-unknown = neighbour { $next_hop }: unknown, asks who has it
rule-counts = ; Linux counts { $counters }
rule-called = ; Linux calls it { $name }
rule = { $decider } [{ $code }]{ $linux }
step-source-checked = lets { $src } in: { $knob }
step-way-local = it is for this host (on { $out })
step-way-via = by { $out } over { $via }
step-way-link = by { $out }, on the link
step-routed = route to { $dst }: { $way }; `{ $route }` in table { $table }
step-nobody-here = nobody here
step-neighbour = neighbour { $next_hop }: { $mac } ({ $whose }), { $state }
step-passed = iptables: { $table } { $chain } lets it pass
step-translated = { $by } translates { $from } into { $to }
step-forwarded = IPVS: sends it to { $addr }:{ $port } ({ $method })
step-not-virtual = IPVS: no virtual service and no connection for it
step-port = {" "}port { $p }
step-delivered = hands it to { $proto }{ $port }
asked-before = it was asked for before, or nothing can be asked
asked-nobody = nobody answers
asked-after = , { $n } after it
asked-first = { $who } answers first{ $others }
step-asked = neighbour { $next_hop }: unknown, asks who has it; { $answer }

# What becomes of a neighbour entry.
entry-unknown = unknown
entry-in-place-of = , in place of { $was }
entry-goes = { $from } to { $to }: { $now }{ $was }
entry-permanent = at the end { $who }, PERMANENT: until somebody deletes it
entry-reachable = trusted for { $least } to { $most } after its last confirmation (base_reachable_time)
entry-stale = the next use starts a question by unicast after { $probe } s (delay_first_probe_time)
entry-probed = being asked for by unicast
entry-lives = at the end { $who }, { $state }: { $now }; it stays as long as that host confirms it; unused, it may go after { $stale } s (gc_stale_time); ends at once by a gratuitous ARP (arping -U) or by ip neigh del { $addr } dev { $dev }

# What `why` is asked about.
why-no-packet = no packet #{ $id } in this run
why-packet = packet #{ $id }: { $line }
why-nothing-lost = nothing was lost in this run
why-no-loss = losses are numbered from 1 to { $total }, not { $n }
why-loss = loss { $n } of { $total }, at { $at } on { $place }: { $reason }
why-no-node = no node `{ $name }`
why-what-host-did = what { $host } did when it was asked who has { $addr }
why-who-has = who has { $addr }
why-no-traffic = no traffic `{ $name }`
why-no-connection = `{ $name }` has the connections 0 to { $last }, not { $index }
why-expected = expected { $source }; found { $found }
why-nothing-wrong = nothing is wrong
why-nothing-failed = nothing failed, and yet:
why-all-holds = every expectation holds, and yet:
why-by = {" "}by { $s }
why-connection = { $traffic }:{ $index }, { $client }:{ $port } > { $to }:{ $to_port }: { $outcome }{ $errno }{ $by }
why-expected-here = { $said }; here { $itself }
why-nothing = nothing

# The frame of the answer.
why-no-cause = No cause of the table fits; the steps below say what was decided.
why-more-packets = { $n ->
    [one] and { $n } more packet of it
   *[other] and { $n } more packets of it
}
why-more-questions = { $n ->
    [one] and { $n } more question
   *[other] and { $n } more questions
}
why-trace-full = The trace was full: what came later is not known; raise --max-memory.
why-cause = { $nodes }: { $title } [{ $code }]
why-there-is = what there is: { $detail }
why-happens = what happens:  { $happens }
why-mends = what mends it: { $cure }
why-same-end = { $n ->
    [one] { $n } more packet ends in the same way, the last at { $at }
   *[other] { $n } more packets end in the same way, the last at { $at }
}
why-asks = { $at }: { $asker } asks who has { $asked }
why-asks-one = { $at }: { $asker } asks who has { $asked }, asking one host only
why-answer = answer of { $who }
why-answer-counts = answer of { $who }, the first: it counts
why-no-answer = no answer came
why-keeps = the asker keeps { $who }
why-entry-goes = its entry goes from { $what }
