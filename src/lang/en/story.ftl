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
