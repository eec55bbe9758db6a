# Limits and warnings of a run.
limit-events = events
limit-events-hint = raise --max-events, or shorten the run with --until
limit-memory = memory
limit-pending = { $n } frames and timers pending
limit-memory-hint = raise --max-memory; a flood that grows by itself comes from a loop of switches or routers
limit-storm = broadcast storm
limit-storm-reached = { $switch } hears the same addresses on changing ports: frames circle between switches
limit-storm-hint = lvsim's switches have no spanning tree: take one of the links between the switches out
limit-time = simulated time
limit-setup = the run block of { $host } did not end within an hour
limit-setup-hint = end the loop, or put it in the background with &
warning-of = { $host }: { $why }
warning-not-simulated = { $host }: { $program } is a real program that lvsim does not simulate
warning-stored-only = { $host }: { $path }={ $value } is stored, but nothing in lvsim follows it
warning-trace-full = { $n } records did not fit into the trace: story, capture and record end early; raise { $option }

# What the verbs say of their own.
run-stopped = { $name }: stopped by the limit of { $what }, at { $reached }; { $hint }
run-interrupted = { $name }: interrupted; what there is, is partial
wrote-files = wrote { $files } to { $folder }
file-has = `{ $file }` has { $what }
file-in-order = { $file }: in order
setup-endless = `{ $file }`: the set-up does not end, so it cannot be linted: { $why }
setup-endless-of = `{ $file }`: the set-up of `{ $host }` does not end, so it cannot be linted: { $why }
explain-happens = what happens
explain-mends = what mends it
explain-wrong = wrong
explain-right = right
explain-see = to see it
explain-cause = cause
explain-foretold = foretold by
explain-listed = { $code } (lvsim list causes)
explain-problem = { $code }: { $what } (the scenario cannot be run)
explain-warning = { $code }: { $what } (stops nothing)
explain-head = { $code }: { $title }
explain-no-code = no code `{ $code }`; { $near }
explain-lists = `lvsim list lints`, `lvsim list causes` and `lvsim list problems` show them
did-you-mean = did you mean `{ $name }`?
has-others = the file has { $n } others
there-are = there are { $names }
what-then = { $what }; { $then }
no-variable = no kernel variable `{ $name }`
is-no-host = `{ $name }` is no host
is-no-switch = `{ $name }` is no switch
order-too-few = { $n } commands are typed on `{ $host }`: there is nothing to put in order; `sysctl:` and addresses of the file are no commands, `run:` and `timeline:` hold some
test-expected = line { $line }: expected { $expected }; found { $found }
test-broken-holds = it is broken by { $causes }, and yet everything holds
test-held = ({ $n } of { $of })
verdict-broken = broken
verdict-nothing-expected = nothing expected
verdict-ok = ok
verdict-failed = failed
verdict-invalid = invalid
verdict-stopped = stopped
verdict-interrupted = interrupted
verdict-error = error
verdict-passed = passed
count-of-verdict = { $n } { $verdict }
test-summary = { $scenarios }: { $verdicts }

# Templates of lvsim new.
template-nat = network address translation: requests and answers pass the director
template-dr = direct routing: one network, answers go straight to the client
template-tun = IP tunnelling: requests are packed into packets, answers go straight to the client
template-arp-problem = direct routing in which a real server answers ARP for the VIP, and takes everything
template-persistence = a client stays with its server: -p, templates, and when they go
template-firewall-marks = iptables marks two ports, and IPVS makes one persistent service of them
template-health-check = a script on the director gives weight 0 to who does not answer
template-compare = servers that queue, one of them slow: to compare schedulers
new-no-name = `{ $name }` is no name: letters, digits and `-`; the file will be NAME.yaml
new-there-already = `{ $file }` is there already; --force replaces it
wrote-next = wrote { $file }; next: lvsim run { $file }

# The exercise of lvsim break.
break-title = What is wrong here? ({ $title })
break-worked = This lab worked. { $n ->
    [one] One thing in it was
   *[other] Two things in it were
} changed, and what is expected at the end does not come out any more.
break-asks = What is wrong, and what is the least that mends it?
break-look = What to look at:
break-look-expectations = The expectations that fail, and the first connection that does.
break-look-why = `lvsim why FILE` tells the answer.
break-fails-already = `{ $file }` does not work already: { $fails } fails
break-expects-nothing = `{ $file }` expects nothing; write under `expect` what must come out
break-no-slip = no slip of difficulty { $difficulty } breaks `{ $file }`; try another
