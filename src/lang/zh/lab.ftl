# 实验的命令。
lab-command-at = 到这一时刻，可前可后
lab-command-back = 撤销上一条命令、上一帧或上一段时间，或者最后 N 个
lab-command-diff = 上一条命令改变了什么
lab-command-frames = 上一条命令开始以来的帧，按 tcpdump 的格式
lab-command-help = 这份列表
lab-command-hosts = 各主机及其地址
lab-command-judge = 场景所预期的此刻是否成立
lab-command-ladder = 主机之间的帧画成时序图，一个连接或全部
lab-command-log = 到目前为止做过的事
lab-command-on = 到另一台主机，如同 ssh
lab-command-quit = 离开实验
lab-command-run = 让时间流逝
lab-command-save = 把这次操作写成可以重放的场景
lab-command-show = 节点的一张表：addr、arp、conn、ipvs、mac、receipts、route、sysctl [--effective NAME…]
lab-command-step = 让一帧发出或收到
lab-command-time = 从 t = 0 起的时间
lab-command-why = 错在哪里，或者某个连接、某个应答为什么是这样

# 实验自己说的话。
lab-no-command-there-are = 实验没有命令 `:{ $name }`；有 { $names }
lab-no-host = 没有主机 `{ $word }`；有 { $names }
lab-how-long = 请写多久，例如 `5s` 或 `200ms`
lab-no-number = `{ $n }` 不是数
lab-went-to = 到了 { $host }
lab-left = 离开
lab-a-frame = 一帧
lab-passed = 过了 { $span }
lab-ended = （被 Ctrl-C 结束）

lab-undone = 已撤销：{ $act }
lab-nothing-left = 没有什么可撤销的了
lab-head-host = 主机
lab-head-kind = 种类
lab-head-addresses = 地址
lab-expects-nothing = 场景没有预期
lab-not-so = { $expected }：{ $found }
lab-help = 输入的命令在提示符所示的主机上执行，如同真机。时间停住，直到命令需要它流逝。
lab-help-hosts = ssh HOST 到另一台主机，exit 回来；ssh HOST COMMAND 和 scp FILE HOST: 不离开本机，Ctrl-C 结束正在运行的命令。
lab-begins = 输入 :help 看实验能做什么；:quit 离开。
lab-limit = 达到上限：{ $what }；:back 可以撤销
lab-there-are = { $what }；有 { $names }
lab-no-connection = `{ $text }` 不是连接；请写例如 `web:0`
lab-no-address = `{ $addr }` 不是地址
lab-why-how = 请写 `:why`、`:why web:0` 或 `:why who-has 10.0.0.1`
lab-no-table = 没有表 `{ $table }`；有 { $names }
lab-effective = --effective 只用于 `sysctl`，不用于 `{ $table }`
lab-loss = { $at }，在 { $place }：{ $reason }

lab-left-out = （更早的 { $n } 个略去）
lab-no-frame = 没有帧
lab-outcome = { $connections } { $word }
lab-time-passed = { $time }：{ $what }
lab-lost-at = 丢失：{ $loss }
lab-more-losses = 还有 { $n } 个；`:why` 说明原因
lab-no-frame-moves = { $time }：再没有帧在动
lab-which-file = 请写存到哪个文件，例如 `:save my-lab.yaml`
lab-nothing-typed = 还什么也没输入
lab-not-written = 无法写成场景：第 { $line } 行：{ $problem }
lab-saved = 已保存 { $n } 行；用 `lvsim run { $rest }` 重放
lab-setup-interrupted = 设置阶段被中断
lab-setup-limit = 设置阶段达到上限：{ $limit }
lab-setup-over = 设置阶段已经结束
lab-no-host-at-all = 场景里没有可以操作的主机
lab-storm = 帧在交换机之间打转
lab-timeline-on-one-line = 场景的 timeline 写在一行里；要存进去，请把它写成列表，每项一行

lab-saved-without = 有 { $n } 行设置了变量或函数，文件里后面的行不知道它们
