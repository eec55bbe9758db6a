# What was found of what a file expects.
expect-in-all = { $n }; in all { $all }
expect-not-asked = not asked
expect-switch = a switch has no neighbours
expect-nobody-answered = nobody answered
expect-no-entry = no entry
expect-nothing = nothing

# What `lvsim run` tells.
story-head = { $title } (seed { $seed })
story-head-named = { $title } ({ $name }, seed { $seed })
story-traffic = { $name }: { $connections }
story-outcome = { $n } { $outcome }{ $servers }
story-first-with = the first with outcome { $outcome }:
story-served = {" "}({ $servers })
story-by = by { $server }
story-lost = What was lost
story-more-kinds = and { $n ->
    [one] { $n } kind
   *[other] { $n } kinds
} more; the report has them all
story-times = { $n } × { $title }
story-lost-without-harm = Lost without harm: { $kinds }
story-loss = { $packets } at { $place }: { $reason }
story-the-first = the first at { $at }: { $line }
story-it = it at { $at }: { $line }
story-try = try: { $remedy }
story-who-answered = Who answered for a shared address
story-asked = { $at }:{" "}
story-asked-again = { $at }, and { $n } later with the same end:{" "}
story-more-questions = and { $n ->
    [one] { $n } question
   *[other] { $n } questions
} more; the report has them all
story-asks = { $asker } asks who has { $asked }
story-asks-one = { $asker } asks who has { $asked } (asking one host only)
story-answered-first = { $who } answered first
story-answered-second = { $who } answered second
story-answered-third = { $who } answered third
story-answered-fourth = { $who } answered fourth
story-answered-fifth = { $who } answered fifth
story-answered-later = { $who } answered later
story-no-answer = nobody's answer arrived
story-host-did = { $host } { $did }
story-keeps = { $asker } keeps { $who }
story-typed = What was typed, and what it printed
story-still-running = (still running)
story-exit-status = (exit status { $status })
story-prompt = { $host } at { $when }
story-more-lines = and { $n ->
    [one] { $n } more line
   *[other] { $n } more lines
}
story-lines-more = and { $n ->
    [one] { $n } line
   *[other] { $n } lines
} more
story-expected = Expected
story-hold = { $title }: { $good } of { $of } hold
story-found = found: { $found }
story-trace-full = { $n ->
    [one] The trace was full: { $n } later event is not told here.
   *[other] The trace was full: { $n } later events are not told here.
}
story-end = { $events }, { $frames }, { $time } simulated

# The report of a run.
report-connections = Connections
report-services = Services
report-tables = Tables at the end
report-run = The run
report-full = The trace was full: { $n } later events are not told here.
report-again = { $time } of simulated time, { $events } events, { $frames } frames, seed { $seed }. Again, with the same result:
report-service-on = { $service } on { $director }
report-no-server = no server
report-harmless = { $n } more were lost without harm, such as frames that a switch sent everywhere.
report-more = and { $n } more.
head-traffic = traffic
head-outcome = outcome
head-server = server
head-connections = connections
head-first-at = first at
head-service = service
head-scheduler = scheduler
head-forward = forward
head-weight = weight
head-share-by-weight = share by weight
head-packets = packets
head-where = where
head-why = why
head-rule = rule
head-try = try
head-at = at
head-asks = asks
head-who-has = who has
head-answered = answered, in order
head-kept-silent = kept silent
head-keeps = keeps
head-expected = expected
head-found = found

# Where a kernel variable has its value from.
origin-kernel = kernel
origin-kind = kind of node
origin-file = sysctl, line { $line }
origin-line = , line { $line }
origin-typed = { $at } s{ $line }: { $typed }
origin-with = by { $path }: { $from }
origin-default = default, when made: { $from }
origin-unknown = unknown
head-variable = variable
head-dev = dev
head-effective = effective
head-own = own
head-from = from
