# Words that many texts share: counts, lists, values of kernel variables.

join-comma = {", "}
join-semicolon = {"; "}
join-and = {" and "}
join-or = {" or "}
join-space = {" "}

n-connections = { $n ->
    [one] { $n } connection
   *[other] { $n } connections
}

# The value of a kernel variable that counts on an interface, and how `all` and the interface's own make it.
effective-on = { $name }={ $value } on { $dev } (all={ $all }, { $dev }={ $own }: { $rule })
combine-max = the larger counts
combine-or = either is enough
combine-and = both are needed
combine-dev = the interface's own counts
combine-redirects = both are needed where the interface forwards, else either is enough
combine-single = one value for the host

# Why a scheduler chose a server.
because-next-in-turn = next in turn ({ $place } of { $of })
because-weighted-turn = its turn: weight { $weight } reaches the mark { $mark }
because-least = least { $measure }: { $value } at weight { $weight }
because-hash-slot = slot { $slot } of { $size } in the hash table
because-persistent = a persistence template binds the client
because-highest-weight = the highest weight, { $weight }
because-drawn = drawn

# What a scheduler compared of one server.
compared-next = next in turn
compared-turn = turn { $n }
compared-mark = weight { $weight }, mark { $mark }
compared-ratio-weight = ({ $measure })/weight = { $value }/{ $weight }
compared-ratio = { $measure } = { $value }
compared-slot-here = slot { $slot } of { $size } leads here
compared-slot-elsewhere = slot { $slot } of { $size } leads elsewhere
compared-bound = bound to the address, not overloaded
compared-weight = weight { $weight }
compared-weight-active = weight { $weight }, active { $active }
compared-drawn = drawn with weight { $weight } of { $of }, load/weight = { $load }/{ $weight }

# What a host did about a who-has.
arp-answered = answered: { $asked } is on { $owner }; { $knob }
arp-proxied = answered in its place: { $knob }
arp-too-many-held = kept silent: more than { $limit } answers in others' place wait already (proxy_qlen)
arp-not-mine = does not have it
arp-ignored = kept silent: has it on { $owner }, but { $knob }
arp-filtered-knob = kept silent: would reach the asker by another device; { $knob }
arp-asker-is-me = kept silent: the asker's address { $sip } is its own
arp-reverse-path = kept silent: the asker's address fails the reverse path; { $knob }
arp-arptables = kept silent: arptables { $chain } dropped the question
arp-not-a-question = nothing to answer

n-events = { $n ->
    [one] { $n } event
   *[other] { $n } events
}
n-frames = { $n ->
    [one] { $n } frame
   *[other] { $n } frames
}
n-packets = { $n ->
    [one] { $n } packet
   *[other] { $n } packets
}
n-arp-packets = { $n ->
    [one] { $n } ARP packet
   *[other] { $n } ARP packets
}
decided-by = decided by { $rule }
word-holds = holds
word-fails = FAILS

when-set-up = set-up
when-end = end

receipt-quiesced = weight 0: no new connections
receipt-full = full: its thresholds say so
receipt-refused = not chosen, and no other: the client is refused

diagnostic-error = error
diagnostic-warning = warning
diagnostic-note = note
diagnostic-help = help

n-runs = { $n ->
    [one] { $n } run
   *[other] { $n } runs
}
word-fails-small = fails
join-comma-and = {", and "}

n-files = { $n ->
    [one] { $n } file
   *[other] { $n } files
}
n-problems = { $n ->
    [one] { $n } problem
   *[other] { $n } problems
}
n-errors = { $n ->
    [one] { $n } error
   *[other] { $n } errors
}
n-warnings = { $n ->
    [one] { $n } warning
   *[other] { $n } warnings
}
n-scenarios = { $n ->
    [one] { $n } scenario
   *[other] { $n } scenarios
}

n-submissions = { $n ->
    [one] { $n } submission
   *[other] { $n } submissions
}

join-then = {", "}
