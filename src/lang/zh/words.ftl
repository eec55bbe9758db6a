# 许多文字共用的词：数量、列举、内核参数的值。

join-comma = 、
join-semicolon = ；
join-and = {" "}和{" "}
join-or = {" "}或{" "}
join-space = {""}

n-connections = { $n } 个连接

# 接口上实际生效的内核参数值，以及 all 与接口自己的值怎样得出它。
effective-on = { $dev } 上 { $name }={ $value }（all={ $all }，{ $dev }={ $own }：{ $rule }）
combine-max = 取较大者
combine-or = 有一个就够
combine-and = 两个都要
combine-dev = 只看接口自己的值
combine-redirects = 接口转发时两个都要，否则有一个就够
combine-single = 整台主机一个值

# 经过中的一项流量。
story-traffic = { $name }：{ $connections }
