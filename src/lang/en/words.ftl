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

# A traffic entry of the story.
story-traffic = { $name }: { $connections }
