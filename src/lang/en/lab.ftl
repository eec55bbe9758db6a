# Commands of the lab.
lab-command-at = go to this moment, back or forth
lab-command-back = undo the last command, frame or time that passed, or the last N
lab-command-diff = what the last command changed
lab-command-frames = frames since the last command began, as tcpdump prints them
lab-command-help = this list
lab-command-hosts = the hosts and their addresses
lab-command-judge = whether what the scenario expects is so by now
lab-command-ladder = frames between hosts as a sequence chart, of one connection or all
lab-command-log = what was done so far
lab-command-on = go to another host, as ssh does
lab-command-quit = leave the lab
lab-command-run = let time pass
lab-command-save = write the session as a scenario that replays
lab-command-show = a table of a node: addr, arp, conn, ipvs, mac, receipts, route, sysctl [--effective NAME…]
lab-command-step = let one frame be sent or received
lab-command-time = the time since t = 0
lab-command-why = what is wrong, or why a connection or an answer is as it is

# What the lab says of its own.
lab-no-command-there-are = the lab has no command `:{ $name }`; there are { $names }
lab-no-host = no host `{ $word }`; there are { $names }
lab-how-long = say how long, such as `5s` or `200ms`
lab-no-number = `{ $n }` is no number
lab-went-to = went to { $host }
lab-left = left
lab-a-frame = a frame
lab-passed = { $span } passed
lab-ended = {" "}(ended by Ctrl-C)

lab-undone = undone: { $act }
lab-nothing-left = nothing is left to undo
lab-head-host = host
lab-head-kind = kind
lab-head-addresses = addresses
lab-expects-nothing = the scenario expects nothing
lab-not-so = { $expected }: { $found }
lab-help = What you type runs on the host of the prompt, as on a real one. Time stands still until a command needs it.
lab-help-hosts = ssh HOST goes to another host, exit comes back, ssh HOST COMMAND and scp FILE HOST: stay here, Ctrl-C ends what runs.
lab-begins = :help lists what the lab can do; :quit leaves it.
lab-limit = a limit was reached: { $what }; :back undoes it
lab-there-are = { $what }; there are { $names }
lab-no-connection = `{ $text }` is no connection; write for example `web:0`
lab-no-address = `{ $addr }` is no address
lab-why-how = write `:why`, `:why web:0` or `:why who-has 10.0.0.1`
lab-no-table = no table `{ $table }`; there are { $names }
lab-effective = --effective is about `sysctl`, not about `{ $table }`
lab-loss = { $at } on { $place }: { $reason }

lab-left-out = ({ $n } earlier ones are left out)
lab-no-frame = no frame
lab-outcome = { $connections } { $word }
lab-time-passed = { $time }: { $what }
lab-lost-at = lost at { $loss }
lab-more-losses = and { $n } more; `:why` says why
lab-no-frame-moves = { $time }: no frame moves any more
lab-which-file = say into which file, such as `:save my-lab.yaml`
lab-nothing-typed = nothing was typed yet
lab-not-written = the session cannot be written as a scenario: line { $line }: { $problem }
lab-saved = { $n } lines saved; replay them with `lvsim run { $rest }`
lab-setup-interrupted = set-up was interrupted
lab-setup-limit = set-up met a limit: { $limit }
lab-setup-over = set-up has ended already
lab-no-host-at-all = the scenario has no host to work on
lab-storm = frames circle between switches
lab-timeline-on-one-line = the scenario's timeline stands on one line; write it as a list, an entry a line, to save into it

lab-saved-without = { $n } lines set variables or functions, which later lines of the file do not know
