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

# 调度算法为什么选中这台服务器。
because-next-in-turn = 轮到它（{ $of } 台中的第 { $place } 台）
because-weighted-turn = 轮到它：权重 { $weight } 够到 { $mark }
because-least = { $measure } 最小：{ $value }，权重 { $weight }
because-hash-slot = 散列表 { $size } 格中的第 { $slot } 格
because-persistent = 持久模板绑定了该客户端
because-highest-weight = 权重最大，为 { $weight }
because-drawn = 随机抽中

# 调度算法对每台服务器比较了什么。
compared-next = 下一个轮到它
compared-turn = 第 { $n } 个轮到
compared-mark = 权重 { $weight }，门槛 { $mark }
compared-ratio-weight = ({ $measure })/权重 = { $value }/{ $weight }
compared-ratio = { $measure } = { $value }
compared-slot-here = { $size } 格中的第 { $slot } 格指向它
compared-slot-elsewhere = { $size } 格中的第 { $slot } 格指向别的服务器
compared-bound = 与该地址绑定，未过载
compared-weight = 权重 { $weight }
compared-weight-active = 权重 { $weight }，活动连接 { $active }
compared-drawn = 按权重 { $weight }/{ $of } 抽取，负载/权重 = { $load }/{ $weight }

# 主机对 ARP 查询做了什么。
arp-answered = 应答了：{ $asked } 在 { $owner } 上；{ $knob }
arp-proxied = 代为应答：{ $knob }
arp-too-many-held = 没有应答：等待代为应答的已超过 { $limit } 个（proxy_qlen）
arp-not-mine = 没有这个地址
arp-ignored = 没有应答：地址在 { $owner } 上，但 { $knob }
arp-filtered-knob = 没有应答：到查询方要走另一个设备；{ $knob }
arp-asker-is-me = 没有应答：查询方的地址 { $sip } 是它自己的
arp-reverse-path = 没有应答：查询方的地址通不过反向路径检查；{ $knob }
arp-arptables = 没有应答：arptables { $chain } 链丢弃了查询
arp-not-a-question = 没有什么要应答

n-events = { $n } 个事件
n-frames = { $n } 帧
n-packets = { $n } 个报文
n-arp-packets = { $n } 个 ARP 报文
decided-by = 决定者：{ $rule }
word-holds = 成立
word-fails = 不成立

when-set-up = 设置阶段
when-end = 结束时

receipt-quiesced = 权重为 0：不接新连接
receipt-full = 已满：按它的上限
receipt-refused = 没有选中，也没有别的可选：客户端被拒绝

diagnostic-error = 错误
diagnostic-warning = 警告
diagnostic-note = 说明
diagnostic-help = 办法

n-runs = { $n } 次运行
word-fails-small = 不成立
join-comma-and = 、

n-files = { $n } 个文件
n-problems = { $n } 个问题
n-errors = { $n } 个错误
n-warnings = { $n } 个警告
n-scenarios = { $n } 个场景

n-submissions = { $n } 份提交

join-then = ，
